"""Instants, and the two clocks: business time, which the sandbox owns, and transport time, which tokens carry.

An instant is a whole number of microseconds since 1970-01-01T00:00:00Z. Business time is derived, never read:
the clock's base plus one millisecond a write. This is the only module that may look at the wall clock.
"""

import re
import time
from datetime import UTC, date, datetime, timedelta
from typing import NewType

Instant = NewType("Instant", int)
"""Microseconds since the Unix epoch, UTC."""

MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NEVER = Instant(2**62)
"""Later than every instant."""
KUWAIT_OFFSET = 3 * HOUR
"""Asia/Kuwait is UTC+3 all year."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})?", re.ASCII)


class InstantError(ValueError):
    """A text that is no RFC 3339 timestamp."""


def parse_instant(text: str) -> Instant:
    """The instant of an RFC 3339 timestamp.

    Raises:
        InstantError: malformed, not a real date, or without a zone.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise InstantError(f"{text[:40]!r} is no RFC 3339 timestamp such as 2026-01-15T09:30:00Z")
    if match[2] is None:
        raise InstantError(f"{text!r} names no time zone; end it with Z or an offset such as +03:00")
    try:
        # Near the years 1 and 9999 an offset can lead out of the calendar.
        moment = datetime.fromisoformat(text.upper())
        if moment.tzinfo is not UTC:
            moment = moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InstantError(f"{text!r} is no real moment: {error}") from None
    return Instant((moment - _EPOCH) // _MICROSECOND)


def format_instant(instant: int) -> str:
    """RFC 3339 in UTC with `Z`, to the millisecond (to the microsecond where the instant needs it)."""
    moment = _EPOCH + timedelta(microseconds=instant)
    precision = "microseconds" if instant % MILLISECOND else "milliseconds"
    return moment.isoformat(timespec=precision)[:-6] + "Z"


def local_date(instant: int) -> str:
    """The calendar date in Asia/Kuwait, as `YYYY-MM-DD`: booking and value dates."""
    return date.fromordinal((instant + KUWAIT_OFFSET) // DAY + _EPOCH_ORDINAL).isoformat()


def day_start(day: date) -> Instant:
    """The instant at which `day` begins in Asia/Kuwait."""
    return Instant((day.toordinal() - _EPOCH_ORDINAL) * DAY - KUWAIT_OFFSET)


def business_time(base: int, write_number: int) -> Instant:
    """Business time after `write_number` writes: `base` plus one millisecond each."""
    return Instant(base + write_number * MILLISECOND)


def wall_time() -> Instant:
    """The machine's clock."""
    return Instant(time.time_ns() // 1_000)


def elapsed_ms(since: float) -> float:
    """Milliseconds since `since`, a reading of `stopwatch()`, to a hundredth."""
    return round((time.perf_counter() - since) * 1_000, 2)


def stopwatch() -> float:
    """A monotonic reading for `elapsed_ms`; it never enters the bank's data."""
    return time.perf_counter()
