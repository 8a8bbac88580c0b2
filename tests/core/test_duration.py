"""Durations: what is one, and how months are counted."""

import pytest

from sandbox.core.clock import DAY, HOUR, MILLISECOND, MINUTE, SECOND, format_instant, parse_instant
from sandbox.core.duration import Duration, DurationError, fixed_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("P3D", 3 * DAY),
        ("P2W", 14 * DAY),
        ("PT15M", 15 * MINUTE),
        ("P3DT2H", 3 * DAY + 2 * HOUR),
        ("PT0.25S", 250 * MILLISECOND),
        ("PT1,5S", 1500 * MILLISECOND),
        ("PT0S", 0),
        ("250ms", 250 * MILLISECOND),
        ("30s", 30 * SECOND),
        ("15m", 15 * MINUTE),
        ("2h", 2 * HOUR),
        ("3d", 3 * DAY),
    ],
)
def test_a_fixed_duration_in_microseconds(text: str, micros: int) -> None:
    assert fixed_duration(text) == micros


@pytest.mark.parametrize("text", ["", "P", "PT", "P1", "3", "-P1D", "P-1D", "1D", "P1DT", "p1d", "P1.5D", "٣d", "1 h"])
def test_what_is_no_duration_is_named(text: str) -> None:
    with pytest.raises(DurationError, match="is no duration such as"):
        parse_duration(text)


def test_months_have_no_fixed_length() -> None:
    assert parse_duration("P1Y2M") == Duration(14, 0)
    with pytest.raises(DurationError, match="say days"):
        fixed_duration("P1M")


@pytest.mark.parametrize(
    ("start", "by", "end"),
    [
        ("2026-01-15T09:00:00Z", "P1M", "2026-02-15T09:00:00.000Z"),
        ("2026-01-31T09:00:00Z", "P1M", "2026-02-28T09:00:00.000Z"),
        ("2028-01-31T09:00:00Z", "P1M", "2028-02-29T09:00:00.000Z"),
        # 22:30 UTC is half past one of the next day in Kuwait.
        ("2026-01-30T22:30:00Z", "P1M", "2026-02-27T22:30:00.000Z"),
        ("2026-01-15T09:00:00Z", "P1YT1H", "2027-01-15T10:00:00.000Z"),
    ],
)
def test_months_are_counted_on_the_calendar_of_kuwait(start: str, by: str, end: str) -> None:
    assert format_instant(parse_duration(by).after(parse_instant(start))) == end


@pytest.mark.parametrize("by", ["P9999Y", "P999999D", "P99999W", "PT9999999H"])
def test_no_duration_leads_past_the_calendar(by: str) -> None:
    with pytest.raises(DurationError, match="past the year 9999"):
        parse_duration(by).after(parse_instant("9998-01-01T00:00:00Z"))
