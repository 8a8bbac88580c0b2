"""Durations: ISO 8601 (`P3DT2H`, `P1M`) and short ones (`250ms`, `30s`).

Months and years have no fixed length: they are counted on the calendar of Asia/Kuwait, as a bank counts them, and a day
that the month does not have becomes its last one.
"""

import re
from calendar import monthrange
from datetime import date
from typing import NamedTuple

from sandbox.core.clock import (
    DAY,
    HOUR,
    KUWAIT_OFFSET,
    MILLISECOND,
    MINUTE,
    SECOND,
    Instant,
    day_start,
    local_date,
)

_ISO = re.compile(
    r"P(?=.)(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,5})W)?(?:(\d{1,6})D)?"
    r"(?:T(?=.)(?:(\d{1,7})H)?(?:(\d{1,8})M)?(?:(\d{1,9})(?:[.,](\d{1,6}))?S)?)?",
    re.ASCII,
)
_SHORT = re.compile(r"(\d{1,9})(ms|s|m|h|d)", re.ASCII)
_UNITS = {"ms": MILLISECOND, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_LAST_YEAR = 9999


class DurationError(ValueError):
    """A text that is no duration, or one that leads past the calendar."""


class Duration(NamedTuple):
    """A span of time: calendar months, and microseconds on top."""

    months: int
    micros: int

    def after(self, start: int) -> Instant:
        """The instant that lies this duration after `start`.

        Raises:
            DurationError: that is past the year 9999.
        """
        moved = start
        if self.months:
            today = date.fromisoformat(local_date(start))
            ordinal = today.year * 12 + today.month - 1 + self.months
            year, month = ordinal // 12, ordinal % 12 + 1
            if year > _LAST_YEAR:
                raise DurationError(f"{self.months} months from then are past the year {_LAST_YEAR}")
            there = today.replace(year=year, month=month, day=min(today.day, monthrange(year, month)[1]))
            moved = day_start(there) + (start + KUWAIT_OFFSET) % DAY
        moved += self.micros
        if moved >= day_start(date(_LAST_YEAR, 12, 31)):
            raise DurationError(f"that is past the year {_LAST_YEAR}")
        return Instant(moved)


def parse_duration(text: str) -> Duration:
    """The duration of an ISO 8601 text, or of a short one such as `250ms`, `30s`, `15m`, `2h`, `3d`.

    Raises:
        DurationError: it is neither.
    """
    short = _SHORT.fullmatch(text)
    if short is not None:
        return Duration(0, int(short[1]) * _UNITS[short[2]])
    match = _ISO.fullmatch(text)
    if match is None:
        raise DurationError(f"{text[:40]!r} is no duration such as P3DT2H, PT15M or 250ms")
    years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:7])
    micros = int((match[8] or "").ljust(6, "0"))
    return Duration(
        years * 12 + months,
        (weeks * 7 + days) * DAY + hours * HOUR + minutes * MINUTE + seconds * SECOND + micros,
    )


def fixed_duration(text: str) -> int:
    """The same in microseconds, for what cannot depend on a calendar.

    Raises:
        DurationError: it is no duration, or counts months.
    """
    found = parse_duration(text)
    if found.months:
        raise DurationError(f"{text!r} counts months, which have no fixed length; say days")
    return found.micros
