"""The business calendar, and the generator of its table of holidays.

When a newer `holidays` library knows better, `test_the_table_is_the_library_plus_overrides` fails. Then run

    PYTHONPATH=. python tests/core/test_calendar.py

which derives `base` and `ramadan` anew, keeps the hand-written `overrides`, and rewrites the file; read the
diff.
"""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from holidays.calendars.islamic import _IslamicLunar
from holidays.countries.kuwait import Kuwait
from hypothesis import given
from hypothesis import strategies as st

from sandbox.core import calendar

TABLE = Path(__file__).parents[2] / "sandbox" / "core" / "data" / "kuwait_holidays.json"
FIRST_YEAR, LAST_YEAR = 2020, 2030

# The last weeks of the table lead out of it.
days = st.dates(date(2020, 2, 1), date(2030, 11, 30))


def derive_base() -> list[dict[str, Any]]:
    """One row per holiday of the library: date, names, and whether the date is an estimate."""
    arabic = _arabic_names()
    rows = []
    for day, names in sorted(_library("en_US", estimated_label=False).items()):
        labelled = _library("en_US", estimated_label=True)[day].split("; ")
        for name in names.split("; "):
            row: dict[str, Any] = {"date": day.isoformat(), "en": name, "ar": arabic[name]}
            if f"{name} (estimated)" in labelled:
                row["estimated"] = True
            rows.append(row)
    return rows


def derive_ramadan() -> list[dict[str, Any]]:
    """One row per Ramadan that begins in the years of the table: it ends the day before Eid al-Fitr."""
    lunar = _IslamicLunar()
    years = range(FIRST_YEAR, LAST_YEAR + 2)
    first_days = sorted({day for year in years for day, _ in lunar.ramadan_beginning_dates(year)})
    eids = sorted({day for year in years for day, _ in lunar.eid_al_fitr_dates(year)})
    rows = []
    for first in first_days:
        if FIRST_YEAR <= first.year <= LAST_YEAR:
            last = next(eid for eid in eids if eid > first) - timedelta(days=1)
            rows.append({"first": first.isoformat(), "last": last.isoformat(), "estimated": True})
    return rows


def rewrite_table() -> None:
    """Write the table anew, one row a line, keeping everything but `base` and `ramadan`."""
    content = json.loads(TABLE.read_text(encoding="utf-8"))
    content["base"], content["ramadan"] = derive_base(), derive_ramadan()
    lines = [f"  {json.dumps(key)}: {_as_json(value)}" for key, value in content.items()]
    TABLE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _as_json(value: object) -> str:
    if not isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return "[\n" + ",\n".join(f"    {json.dumps(row, ensure_ascii=False)}" for row in value) + "\n  ]"


def _library(language: str, *, estimated_label: bool) -> dict[date, str]:
    years = range(FIRST_YEAR, LAST_YEAR + 1)
    return dict(Kuwait(years=years, language=language, islamic_show_estimated=estimated_label))


def _arabic_names() -> dict[str, str]:
    # Days with one holiday only: the library sorts the names of a shared day in each language on its own.
    arabic = _library("ar", estimated_label=False)
    english = _library("en_US", estimated_label=False)
    return {name: arabic[day] for day, name in english.items() if ";" not in name}


def test_the_table_is_the_library_plus_overrides() -> None:
    content = json.loads(TABLE.read_text(encoding="utf-8"))
    assert content["base"] == derive_base()
    assert content["ramadan"] == derive_ramadan()
    assert (content["first_year"], content["last_year"]) == (FIRST_YEAR, LAST_YEAR)


def test_every_override_has_a_source_and_the_replaced_days_are_in_the_base() -> None:
    content = json.loads(TABLE.read_text(encoding="utf-8"))
    assert all(override["source"] for override in content["overrides"])
    replaced = {override["replaces"] for override in content["overrides"] if "replaces" in override}
    assert replaced <= {row["date"] for row in content["base"]}


def test_holidays_are_those_of_the_library_but_for_the_overridden_days() -> None:
    observed = {day for year in range(FIRST_YEAR, LAST_YEAR + 1) for day in calendar.holidays(year)}
    expected = set(_library("en_US", estimated_label=False))
    assert expected - observed == {date(2023, 2, 18), date(2025, 1, 27), date(2026, 1, 16)}
    assert observed - expected == {date(2023, 2, 19), date(2023, 2, 27), date(2025, 1, 30), date(2026, 1, 18)}


@pytest.mark.parametrize(
    "day", [date(2023, 2, 19), date(2023, 2, 27), date(2024, 2, 8), date(2025, 1, 30), date(2026, 1, 18)]
)
def test_days_observed_by_decision_are_no_business_days(day: date) -> None:
    assert not calendar.is_weekend(day)
    assert not calendar.is_business_day(day)


def test_a_moved_holiday_keeps_its_name_and_frees_its_old_day() -> None:
    assert calendar.holidays(2025)[date(2025, 1, 30)] == "Isra' and Mi'raj"
    assert calendar.is_business_day(date(2025, 1, 27))


def test_holidays_have_arabic_names_too() -> None:
    arabic = calendar.holidays(2026, language="ar")
    assert arabic[date(2026, 2, 25)] == "اليوم الوطني"
    assert list(arabic) == list(calendar.holidays(2026))


def test_two_holidays_on_one_day_are_both_named() -> None:
    day = date(2028, 2, 26)
    assert calendar.holidays(2028)[day] == "Eid al-Fitr; Liberation Day"
    assert calendar.holidays(2028, language="ar")[day] == "عيد الفطر; يوم التحرير"


@pytest.mark.parametrize("year", range(FIRST_YEAR, LAST_YEAR + 1))
def test_holidays_come_in_order_and_hold_the_fixed_days(year: int) -> None:
    found = list(calendar.holidays(year))
    assert found == sorted(found)
    assert {date(year, 1, 1), date(year, 2, 25), date(year, 2, 26)} <= set(found)


@pytest.mark.parametrize(
    "day",
    [
        date(2024, 4, 10),
        date(2025, 3, 30),
        date(2026, 3, 20),
        date(2027, 3, 9),
        date(2024, 6, 16),
        date(2025, 6, 6),
        date(2026, 5, 27),
        date(2027, 5, 16),
    ],
)
def test_the_eids_of_the_fact_sheet_are_holidays(day: date) -> None:
    assert calendar.holidays(day.year)[day].startswith("Eid al-")


def test_changing_the_answer_does_not_change_the_calendar() -> None:
    calendar.holidays(2026).clear()
    assert not calendar.is_business_day(date(2026, 1, 1))


def test_the_weekend_is_friday_and_saturday() -> None:
    sunday = date(2026, 11, 1)
    week = [sunday + timedelta(days=offset) for offset in range(7)]
    assert [calendar.is_weekend(day) for day in week] == [False] * 5 + [True] * 2


def test_kuwait_is_three_hours_ahead_of_utc_all_year() -> None:
    for month in (1, 7):
        moment = datetime(2026, month, 1, 12, tzinfo=calendar.TIMEZONE)
        assert moment.isoformat() == f"2026-{month:02d}-01T12:00:00+03:00"
        assert moment.tzname() == "Asia/Kuwait"


def test_business_days_go_round_a_long_holiday() -> None:
    # Eid al-Adha 2026: Arafah is Tuesday 26 May, the last day of Eid Friday 29 May.
    assert calendar.next_business_day(date(2026, 5, 25)) == date(2026, 5, 31)
    assert calendar.previous_business_day(date(2026, 5, 31)) == date(2026, 5, 25)


def test_five_business_days_from_a_friday_end_on_thursday() -> None:
    assert calendar.add_business_days(date(2026, 11, 6), 5) == date(2026, 11, 12)


def test_no_business_days_added_is_the_day_itself() -> None:
    assert calendar.add_business_days(date(2026, 11, 6), 0) == date(2026, 11, 6)


@given(days)
def test_next_and_previous_business_days_enclose_only_days_off(day: date) -> None:
    later, earlier = calendar.next_business_day(day), calendar.previous_business_day(day)
    assert earlier < day < later
    assert calendar.is_business_day(later)
    assert calendar.is_business_day(earlier)
    between = [earlier + timedelta(days=offset) for offset in range(1, (later - earlier).days)]
    assert all(other == day or not calendar.is_business_day(other) for other in between)


@given(days.filter(calendar.is_business_day), st.integers(0, 20))
def test_adding_business_days_is_undone_by_subtracting_them(day: date, count: int) -> None:
    later = calendar.add_business_days(day, count)
    assert calendar.add_business_days(later, -count) == day


@given(days, st.integers(1, 15))
def test_adding_business_days_counts_business_days(day: date, count: int) -> None:
    later = calendar.add_business_days(day, count)
    passed = [day + timedelta(days=offset) for offset in range(1, (later - day).days + 1)]
    assert sum(map(calendar.is_business_day, passed)) == count
    assert calendar.is_business_day(later)


def test_a_payday_on_a_business_day_stays() -> None:
    assert calendar.payday(2026, 1) == date(2026, 1, 20)


def test_a_payday_on_the_weekend_is_the_thursday_before() -> None:
    assert date(2026, 2, 20).strftime("%A") == "Friday"
    assert calendar.payday(2026, 2) == date(2026, 2, 19)


def test_a_payday_in_a_holiday_is_brought_forward_before_it() -> None:
    assert calendar.payday(2026, 5, 27) == date(2026, 5, 25)


def test_a_payday_on_the_31st_is_month_end_everywhere() -> None:
    assert calendar.payday(2026, 6, 31) == date(2026, 6, 30)
    assert calendar.payday(2024, 2, 31) == date(2024, 2, 29)
    assert calendar.payday(2026, 12, 31) == date(2026, 12, 31)


@given(st.integers(2021, 2030), st.integers(1, 12), st.integers(1, 31))
def test_a_payday_is_a_business_day_less_than_a_fortnight_early(year: int, month: int, day: int) -> None:
    paid = calendar.payday(year, month, day)
    first = date(year, month, 1)
    assert calendar.is_business_day(paid)
    assert timedelta(days=-14) < paid - first < timedelta(days=day)


@pytest.mark.parametrize("day", [0, 32, -1])
def test_a_payday_outside_a_month_is_refused(day: int) -> None:
    with pytest.raises(ValueError, match="within 1 and 31"):
        calendar.payday(2026, 1, day)


@pytest.mark.parametrize(
    "first", [date(2024, 3, 11), date(2025, 3, 1), date(2026, 2, 18), date(2027, 2, 8), date(2028, 1, 28)]
)
def test_ramadan_begins_as_the_fact_sheet_says(first: date) -> None:
    assert calendar.is_ramadan(first)
    assert not calendar.is_ramadan(first - timedelta(days=1))


@pytest.mark.parametrize("year", range(FIRST_YEAR, LAST_YEAR + 1))
def test_ramadan_ends_the_day_before_eid_al_fitr(year: int) -> None:
    eid = next(day for day, name in calendar.holidays(year).items() if "Eid al-Fitr" in name)
    assert calendar.is_ramadan(eid - timedelta(days=1))
    assert not calendar.is_ramadan(eid)


def test_a_year_with_two_ramadans_has_both() -> None:
    assert calendar.is_ramadan(date(2030, 1, 5))
    assert calendar.is_ramadan(date(2030, 12, 31))
    assert not calendar.is_ramadan(date(2030, 12, 25))


@pytest.mark.parametrize("year", [1, 2019, 2031, 9999])
def test_years_outside_the_table_are_refused_by_every_question(year: int) -> None:
    day = date(year, 6, 15)
    for ask in (
        lambda: calendar.holidays(year),
        lambda: calendar.is_business_day(day),
        lambda: calendar.next_business_day(day),
        lambda: calendar.previous_business_day(day),
        lambda: calendar.add_business_days(day, 0),
        lambda: calendar.payday(year, 6),
        lambda: calendar.is_ramadan(day),
    ):
        with pytest.raises(calendar.CalendarRangeError, match=f"of {year} are not known, only those of 2020 to 2030"):
            ask()


def test_the_search_stops_at_the_edge_of_the_table() -> None:
    with pytest.raises(calendar.CalendarRangeError) as caught:
        calendar.next_business_day(date(2030, 12, 31))
    assert (caught.value.year, caught.value.first_year, caught.value.last_year) == (2031, 2020, 2030)


def test_a_moment_is_refused_where_a_day_is_meant() -> None:
    moment = datetime(2026, 1, 1, 12, tzinfo=calendar.TIMEZONE)
    with pytest.raises(TypeError, match="takes dates"):
        calendar.is_business_day(moment)


if __name__ == "__main__":
    rewrite_table()
