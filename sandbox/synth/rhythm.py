"""When people in Kuwait spend: seasons, days of the week, days since the wage, hours of the day.

In Ramadan restaurants sell nothing by day and much until two in the morning; cupboards are filled before it, clothes
bought in its last ten days, notes drawn before Eid. All factors are whole numbers of which `purse.ONE` is the ordinary.
"""

import functools
from datetime import date, timedelta
from typing import Any

import numpy as np

from sandbox.core import calendar
from sandbox.core.clock import HOUR, MILLISECOND
from sandbox.synth.draws import Bits, Int
from sandbox.synth.model import HOURS, SEGMENTS, People
from sandbox.synth.purse import ONE, customs
from sandbox.synth.recurring import paydays
from sandbox.synth.window import Window

__all__ = ["CLOCKS", "day_factors", "payday_factors", "regimes", "times"]

CLOCKS: tuple[str, ...] = tuple(customs()["hours"])
"""Ways in which the payments of a habit spread over the hours, in the order of `data/habits.json`."""
_WORKDAY, _THURSDAY, _WEEKEND, _FRIDAY, _RAMADAN = range(5)
_REGIMES = 5
_FREE = ("workday", "thursday", "weekend", "weekend", "workday")
_STEPS_LOG2 = 10
_HOUR_MS = HOUR // MILLISECOND
_THURSDAY_NUMBER, _FRIDAY_NUMBER = 3, 4
_BEFORE_RAMADAN = 14
"""For so many days before Ramadan cupboards are filled."""
_LAST_TEN = 10
_BEFORE_EID = 4
_WHITE_FRIDAY = (11, 24, 30)
"""The month and days of the sales at the end of November."""


def day_factors(window: Window, *, season: str, week: str) -> Int:
    """How much a day is above or below an ordinary one, for a season and a week of `data/habits.json`."""
    table: dict[str, Any] = customs()["seasons"][season]
    per_cent = np.array([table.get("months", {}).get(str(month), 100) for month in range(13)], dtype=np.int64)
    factor = per_cent[window.month_of]
    before_ramadan, last_ten = _around_ramadan(window)
    before_eid = ~window.eid & (window.before_eid <= _BEFORE_EID)
    # The later ones of these say more than those before them.
    for name, mask in (
        ("ramadan", window.ramadan),
        ("before_ramadan", before_ramadan),
        ("last_ten", last_ten),
        ("before_eid", before_eid),
        ("holiday", window.holiday),
        ("eid", window.eid),
        ("white_friday", _in_white_friday(window)),
    ):
        if name in table:
            factor = np.where(mask, table[name], factor)
    weekdays = np.array(customs()["weeks"][week], dtype=np.int64)[window.weekday]
    return factor * weekdays * ONE // (100 * 100)


def payday_factors(people: People, window: Window) -> Int:
    """By [position, day], how free people are with money so many days after their wage; less so the affluent."""
    table = np.array(customs()["days_since_payday"], dtype=np.int64)
    _, first, back = np.unique(people.payday, return_index=True, return_inverse=True)
    days = np.arange(window.days, dtype=np.int64)
    per_cent = np.full((len(first), window.days), 100, dtype=np.int64)
    for row, paid in enumerate(paydays(people, window)[first]):
        known = np.sort(paid[paid > -len(table) * 2])
        if not len(known):
            continue
        latest = np.searchsorted(known, days, side="right") - 1
        since = days - known[np.maximum(latest, 0)]
        per_cent[row] = np.where(latest >= 0, table[np.clip(since, 0, len(table) - 1)], 100)
    factors = per_cent[back]
    affluent = people.segment == SEGMENTS.index("AFFLUENT")
    factors[affluent] = (factors[affluent] + 200) // 3
    return factors * ONE // 100


def regimes(window: Window) -> Int:
    """What kind of day each one is, for `times`."""
    regime = np.full(window.days, _WORKDAY, dtype=np.int64)
    regime[window.weekday == _THURSDAY_NUMBER] = _THURSDAY
    regime[window.weekend | window.holiday] = _WEEKEND
    regime[window.weekday == _FRIDAY_NUMBER] = _FRIDAY
    regime[window.ramadan] = _RAMADAN
    return regime


def times(drawn: Bits, *, clock: Int, hours: Int, regime: Int) -> Int:
    """The time of each payment in milliseconds since its day began; after midnight it is over 24 hours."""
    step = (drawn >> np.uint64(64 - _STEPS_LOG2)).astype(np.int64)
    hour = _hours()[clock, hours, regime, step]
    within = ((drawn & np.uint64(2**32 - 1)) * np.uint64(_HOUR_MS)) >> np.uint64(32)
    return hour * _HOUR_MS + within.astype(np.int64)


@functools.cache
def _hours() -> Int:
    """The hour by clock, by when somebody is free, by kind of day and by evenly spaced places of a draw."""
    table = customs()
    prayer = np.full(28, 100, dtype=np.int64)
    prayer[table["friday_prayer"]["hours"]] = table["friday_prayer"]["per_cent"]
    found = np.zeros((len(CLOCKS), len(HOURS), _REGIMES, 2**_STEPS_LOG2), dtype=np.int64)
    for clock, name in enumerate(CLOCKS):
        for group, who in enumerate(HOURS):
            for regime in range(_REGIMES):
                usual = table["hours"][name]["ramadan" if regime == _RAMADAN else "usual"]
                free = np.array(table["free"][who][_FREE[regime]], dtype=np.int64)
                weights = np.array(usual, dtype=np.int64) * (100 if name == "abroad" else free)
                if regime == _FRIDAY:
                    weights = weights * prayer // 100
                limits = np.cumsum(weights)
                places = (2 * np.arange(2**_STEPS_LOG2, dtype=np.int64) + 1) * limits[-1] >> (_STEPS_LOG2 + 1)
                found[clock, group, regime] = np.searchsorted(limits, places, side="right")
    return found


def _around_ramadan(window: Window) -> tuple[Any, Any]:
    """Masks of the days before Ramadan, and of its last ten."""
    fast = [_is_ramadan(window.first + timedelta(days=day)) for day in range(window.days + _BEFORE_RAMADAN + 1)]
    fasting = np.array(fast, dtype=np.bool_)
    starts = np.flatnonzero(fasting[1:] & ~fasting[:-1]) + 1
    ends = np.flatnonzero(fasting[:-1] & ~fasting[1:]) + 1
    before = np.zeros(len(fasting), dtype=np.bool_)
    last = np.zeros(len(fasting), dtype=np.bool_)
    for start in starts.tolist():
        before[max(0, start - _BEFORE_RAMADAN) : start] = True
    for end in ends.tolist():
        last[max(0, end - _LAST_TEN) : end] = True
    return before[: window.days], last[: window.days]


@functools.cache
def _is_ramadan(day: date) -> bool:
    try:
        return calendar.is_ramadan(day)
    except calendar.CalendarRangeError:
        return False


def _in_white_friday(window: Window) -> Any:
    month, first, last = _WHITE_FRIDAY
    return (window.month_of == month) & (window.day_of_month >= first) & (window.day_of_month <= last)
