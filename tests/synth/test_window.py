"""The window: which days are generated, and when salaries are paid."""

from datetime import date

import pytest

from sandbox.core.calendar import CalendarRangeError
from sandbox.core.clock import parse_instant
from sandbox.synth.window import Month, Window, local_day, salary_day

NOON = parse_instant("2026-01-15T09:00:00Z")


def test_twelve_months_end_with_the_day_of_as_of() -> None:
    window = Window(NOON, 12)
    assert (window.first, window.last, window.days) == (date(2025, 1, 16), date(2026, 1, 15), 365)
    assert len(window.ordinal) == len(window.ramadan) == len(window.start) == 365


def test_the_last_day_is_that_of_kuwait() -> None:
    assert Window(parse_instant("2026-01-15T22:00:00Z"), 1).last == date(2026, 1, 16)
    assert local_day(parse_instant("2026-01-15T20:59:59Z")) == date(2026, 1, 15)


@pytest.mark.parametrize(
    ("as_of", "months", "first"),
    [("2026-03-31", 1, date(2026, 3, 1)), ("2024-03-30", 1, date(2024, 3, 1)), ("2026-01-31", 13, date(2025, 1, 1))],
)
def test_a_month_that_lacks_the_day_gives_its_last(as_of: str, months: int, first: date) -> None:
    assert Window(parse_instant(f"{as_of}T09:00:00Z"), months).first == first


def test_days_know_ramadan_weekends_and_holidays() -> None:
    window = Window(NOON, 12)

    def at(day: date) -> int:
        place = window.position(day)
        assert place is not None
        return place

    assert window.ramadan.sum() == 29
    assert window.ramadan[at(date(2025, 3, 1))]
    assert window.weekend[at(date(2025, 4, 4))]
    assert window.holiday[at(date(2025, 2, 25))]
    assert not window.holiday[at(date(2025, 2, 24))]
    assert window.eid[at(date(2025, 6, 5))]
    assert window.before_eid[at(date(2025, 3, 28))] == 2
    assert window.position(date(2025, 1, 15)) is None


def test_no_window_reaches_into_years_whose_holidays_are_not_known() -> None:
    with pytest.raises(CalendarRangeError):
        Window(parse_instant("2020-06-01T09:00:00Z"), 12)


@pytest.mark.parametrize(
    ("year", "month", "nominal", "paid"),
    [
        (2025, 10, 20, date(2025, 10, 20)),
        (2025, 9, 20, date(2025, 9, 18)),  # a Saturday
        (2025, 11, 31, date(2025, 11, 30)),
        (2020, 5, 20, date(2020, 5, 18)),  # Eid al-Fitr on the 24th: paid on the 18th, in the news of that year
        (2025, 6, 9, date(2025, 6, 2)),  # the day after Eid al-Adha: before it
        (2025, 4, 3, date(2025, 3, 25)),  # two days after Eid al-Fitr
        (2025, 4, 6, date(2025, 4, 6)),  # five days after it
        (2025, 6, 12, date(2025, 6, 12)),
    ],
)
def test_salaries_come_before_weekends_and_before_an_eid(year: int, month: int, nominal: int, paid: date) -> None:
    assert salary_day(Month(year, month), nominal) == paid
