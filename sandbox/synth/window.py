"""The time that is generated: the days until `as_of`, with what makes one day unlike another in Kuwait."""

from calendar import monthrange
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sandbox.core import calendar
from sandbox.core.clock import DAY, KUWAIT_OFFSET, Instant, day_start

if TYPE_CHECKING:
    from sandbox.synth.draws import Int

Mask = NDArray[np.bool_]

MONTHS_MOST = 60
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
"""The ordinal of the day from which instants are counted."""
_NEAR_EID, _AFTER_EID = 6, 3
FAR = 60
"""Days until something that is farther away than anybody cares."""


class Month(NamedTuple):
    """A calendar month that lies in the window, wholly or in part."""

    year: int
    month: int


class Window:
    """The days from `first` to the day of `as_of`, in Kuwait; the last one ends at `as_of`.

    Columns have one value a day: `ordinal` (of `date`), `weekday` (0 is Monday), and masks.
    """

    def __init__(self, as_of: Instant, months: int) -> None:
        """`months` months before `as_of`.

        Raises:
            CalendarRangeError: Kuwait's holidays are not known for all of it.
        """
        last = local_day(as_of)
        self.as_of = as_of
        self.last = last
        self.first = _months_before(last, months) + timedelta(days=1)
        self.days = (last - self.first).days + 1
        listed = [self.first + timedelta(days=i) for i in range(self.days)]
        self.ordinal: Int = np.array([day.toordinal() for day in listed], dtype=np.int64)
        self.weekday: Int = np.array([day.weekday() for day in listed], dtype=np.int64)
        self.month_of: Int = np.array([day.month for day in listed], dtype=np.int64)
        self.day_of_month: Int = np.array([day.day for day in listed], dtype=np.int64)
        self.weekend: Mask = np.array([calendar.is_weekend(day) for day in listed])
        self.ramadan: Mask = np.array([calendar.is_ramadan(day) for day in listed])
        self.holiday: Mask = np.array([not calendar.is_business_day(day) for day in listed]) & ~self.weekend
        self.start: Int = np.array([day_start(day) for day in listed], dtype=np.int64)
        """The instant at which each day begins."""
        eids = eid_days(self.first - timedelta(days=1), last + timedelta(days=FAR))
        self.eid: Mask = np.array([day in eids for day in listed])
        self.before_eid: Int = np.array([_days_until(day, eids) for day in listed], dtype=np.int64)
        """How many days until the next day of an Eid; `FAR` where it is farther."""
        self.months = sorted({Month(day.year, day.month) for day in listed})

    def position(self, day: date) -> int | None:
        """The place of a day in the columns; None where it lies outside."""
        place = day.toordinal() - int(self.ordinal[0])
        return place if 0 <= place < self.days else None


def local_day(instant: int) -> date:
    """The day in Kuwait on which an instant falls."""
    return date.fromordinal((instant + KUWAIT_OFFSET) // DAY + EPOCH_ORDINAL)


def eid_days(first: date, last: date) -> set[date]:
    """The days of both Eids, the Day of Arafah included, from `first` to `last`, as far as the calendar goes."""
    found: set[date] = set()
    for year in range(first.year, last.year + 1):
        try:
            named = calendar.holidays(year)
        except calendar.CalendarRangeError:
            continue
        found |= {day for day, name in named.items() if "Eid" in name or "Arafah" in name}
    return {day for day in found if first <= day <= last}


def salary_day(month: Month, nominal: int) -> date:
    """When a salary due on a day of the month is paid: before weekends and holidays, earlier where an Eid is near.

    What is due in the three days after an Eid is paid before it, since families spend it then. Ministries brought the
    salary of 20 May 2020 forward to the 18th, with Eid al-Fitr on the 24th (research notes, banking 4.6): two business
    days, where an Eid begins within six days.

    Raises:
        CalendarRangeError: the holidays of that year are not known.
    """
    due = calendar.payday(month.year, month.month, nominal)
    just_over = eid_days(due - timedelta(days=_AFTER_EID), due)
    if just_over:
        due = calendar.previous_business_day(min(just_over))
    if eid_days(due, due + timedelta(days=_NEAR_EID)):
        return calendar.add_business_days(due, -2)
    return due


def _days_until(day: date, eids: set[date]) -> int:
    return next((ahead for ahead in range(FAR) if day + timedelta(days=ahead) in eids), FAR)


def _months_before(day: date, months: int) -> date:
    """The same day of an earlier month, or the last one of a month that lacks it."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    days = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, days))
