"""The business calendar of Kuwait: weekends, public holidays, business days, paydays, Ramadan.

The weekend is Friday and Saturday (since 2007-09-01); banks work from Sunday to Thursday. Holidays and
Ramadan come from the table `data/kuwait_holidays.json`: a computed base, and the days that the government
moved or added. Islamic days are computed (Umm al-Qura) and marked `estimated` there, since the sighting of
the moon may shift them by a day.

Not here: what time it is (that is `core.clock`), and opening hours. All arguments are dates in Kuwait; a
moment becomes one by `moment.astimezone(TIMEZONE).date()`.
"""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

__all__ = [
    "TIMEZONE",
    "CalendarRangeError",
    "add_business_days",
    "holidays",
    "is_business_day",
    "is_ramadan",
    "is_weekend",
    "next_business_day",
    "payday",
    "previous_business_day",
]

TIMEZONE = timezone(timedelta(hours=3), "Asia/Kuwait")
"""Kuwait has UTC+3 all year round; a fixed offset needs no time zone database."""

_FRIDAY, _SATURDAY = 4, 5
_ONE_DAY = timedelta(days=1)


class CalendarRangeError(ValueError):
    """A year that the table of holidays does not cover; the answer would be a guess."""

    def __init__(self, *, year: int, first_year: int, last_year: int) -> None:
        super().__init__(f"the Kuwaiti holidays of {year} are not known, only those of {first_year} to {last_year}")
        self.year = year
        self.first_year = first_year
        self.last_year = last_year


def is_weekend(day: date) -> bool:
    """Whether `day` is a Friday or a Saturday."""
    return day.weekday() in (_FRIDAY, _SATURDAY)


def holidays(year: int, *, language: Literal["en", "ar"] = "en") -> dict[date, str]:
    """The public holidays of `year` as observed, in order of date, with their names; some lie on a weekend.

    Two holidays on one day are joined by a semicolon.

    Raises:
        CalendarRangeError: the table does not cover `year`.
    """
    table = _table()
    table.check_year(year)
    return {day: names[language] for day, names in table.holidays.items() if day.year == year}


def is_business_day(day: date) -> bool:
    """Whether banks work on `day`: neither a weekend nor a public holiday.

    Raises:
        CalendarRangeError: the table does not cover the year.
    """
    table = _covering(day)
    return not is_weekend(day) and day not in table.holidays


def next_business_day(day: date) -> date:
    """The first business day after `day`, which itself never counts.

    Raises:
        CalendarRangeError: `day` lies outside the table, or the search leaves it.
    """
    _covering(day)
    return _nearest_business_day(day + _ONE_DAY, _ONE_DAY)


def previous_business_day(day: date) -> date:
    """The last business day before `day`, which itself never counts.

    Raises:
        CalendarRangeError: `day` lies outside the table, or the search leaves it.
    """
    _covering(day)
    return _nearest_business_day(day - _ONE_DAY, -_ONE_DAY)


def add_business_days(day: date, days: int) -> date:
    """The `days`-th business day after `day`, or before it if `days` is negative.

    `day` itself never counts, so five business days from a Friday end on Thursday; 0 gives `day` as it is.

    Raises:
        CalendarRangeError: `day` lies outside the table, or the count leaves it.
    """
    _covering(day)
    step = next_business_day if days > 0 else previous_business_day
    for _ in range(abs(days)):
        day = step(day)
    return day


def payday(year: int, month: int, day: int = 20) -> date:
    """When salaries due on the `day` of a month are paid: on that day, else on the business day before.

    Most ministries pay on the 20th. A day that the month lacks means its last one, so 31 is always month-end.

    Raises:
        CalendarRangeError: the table does not cover the day.
        ValueError: no such month, or `day` not within 1 and 31.
    """
    if not 1 <= day <= 31:
        msg = f"a payday lies within 1 and 31, {day} does not"
        raise ValueError(msg)
    first = date(year, month, 1)
    due = first + timedelta(days=day - 1)
    if due.month != month:
        due -= timedelta(days=due.day)
    return _nearest_business_day(due, -_ONE_DAY)


def is_ramadan(day: date) -> bool:
    """Whether `day` lies in the month of Ramadan, give or take the sighting of the moon.

    Raises:
        CalendarRangeError: the table does not cover the year.
    """
    return any(first <= day <= last for first, last in _covering(day).ramadans)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """What the file says, overrides applied; read-only, since it is shared by every sandbox."""

    first_year: int
    last_year: int
    holidays: Mapping[date, Mapping[str, str]]
    ramadans: tuple[tuple[date, date], ...]

    def check_year(self, year: int) -> None:
        if not self.first_year <= year <= self.last_year:
            raise CalendarRangeError(year=year, first_year=self.first_year, last_year=self.last_year)


@functools.cache
def _table() -> _Table:
    text = files("sandbox.core").joinpath("data/kuwait_holidays.json").read_text(encoding="utf-8")
    content = json.loads(text)
    return _Table(
        first_year=content["first_year"],
        last_year=content["last_year"],
        holidays=_observed(content["base"], content["overrides"]),
        ramadans=tuple(
            (date.fromisoformat(row["first"]), date.fromisoformat(row["last"])) for row in content["ramadan"]
        ),
    )


def _observed(base: list[dict[str, Any]], overrides: list[dict[str, Any]]) -> Mapping[date, Mapping[str, str]]:
    rows_by_day: dict[str, list[dict[str, Any]]] = {}
    for row in base:
        rows_by_day.setdefault(row["date"], []).append(row)
    for override in overrides:
        # A moved holiday keeps its name; an added one brings its own.
        rows = rows_by_day.pop(override["replaces"]) if "replaces" in override else [override]
        rows_by_day.setdefault(override["date"], []).extend(rows)
    return MappingProxyType(
        {
            date.fromisoformat(day): {language: "; ".join(row[language] for row in rows) for language in ("en", "ar")}
            for day, rows in sorted(rows_by_day.items())
        }
    )


def _covering(day: date) -> _Table:
    # A datetime passes as a date but equals none of them: every holiday would count as a business day.
    if isinstance(day, datetime):
        raise TypeError("the calendar takes dates; use moment.astimezone(TIMEZONE).date()")
    table = _table()
    table.check_year(day.year)
    return table


def _nearest_business_day(day: date, step: timedelta) -> date:
    while not is_business_day(day):
        day += step
    return day
