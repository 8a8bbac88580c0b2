"""The clock: instants from and to text, local dates, business time."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.core.clock import (
    DAY,
    HOUR,
    KUWAIT_OFFSET,
    MILLISECOND,
    MINUTE,
    SECOND,
    InstantError,
    business_time,
    day_start,
    elapsed_ms,
    format_instant,
    local_date,
    parse_instant,
    stopwatch,
    wall_time,
)

NOON = 1_768_478_400_000_000
"""2026-01-15T12:00:00Z."""

EARLIEST = parse_instant("0001-01-01T00:00:00Z")
LATEST = parse_instant("9999-12-31T23:59:59.999999Z")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2026-01-15T12:00:00Z", NOON),
        ("2026-01-15t12:00:00z", NOON),
        ("2026-01-15 12:00:00Z", NOON),
        ("2026-01-15T12:00:00-00:00", NOON),
        ("2026-01-15T15:00:00+03:00", NOON),
        ("2026-01-15T06:30:00-05:30", NOON),
        ("2026-01-15T12:00:00.5Z", NOON + 500 * MILLISECOND),
        ("2026-01-15T12:00:00.000001Z", NOON + 1),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
    ],
)
def test_a_timestamp_is_an_instant(text: str, instant: int) -> None:
    assert parse_instant(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-15",
        "20260115T120000Z",
        "2026-01-15T12:00Z",
        "2026-01-15T12:00:00,5Z",
        "2026-01-15T12:00:00.Z",
        "2026-01-15T12:00:00.1234567Z",
        "2026-01-15T12:00:00Z\n",
        " 2026-01-15T12:00:00Z",
        "2026-01-15T12:00:00+0300",
        "2026-W03-4T12:00:00Z",
        "٢٠٢٦-01-15T12:00:00Z",
    ],
)
def test_what_is_no_rfc_3339_timestamp_is_refused(text: str) -> None:
    with pytest.raises(InstantError, match="is no RFC 3339 timestamp"):
        parse_instant(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-15T24:00:00Z",
        "2026-01-15T23:59:60Z",
        "2026-01-15T12:00:00+24:00",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    ],
)
def test_a_moment_that_never_was_is_refused(text: str) -> None:
    with pytest.raises(InstantError, match="is no real moment"):
        parse_instant(text)


def test_a_timestamp_without_a_zone_is_refused_with_advice() -> None:
    with pytest.raises(InstantError, match=r"names no time zone; end it with Z or an offset such as \+03:00"):
        parse_instant("2026-01-15T12:00:00")


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (NOON, "2026-01-15T12:00:00.000Z"),
        (NOON + 5 * MILLISECOND, "2026-01-15T12:00:00.005Z"),
        (NOON + 1, "2026-01-15T12:00:00.000001Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
    ],
)
def test_an_instant_is_written_to_the_millisecond_unless_it_needs_more(instant: int, text: str) -> None:
    assert format_instant(instant) == text


@given(st.integers(EARLIEST, LATEST))
def test_every_instant_reads_back_what_was_written(instant: int) -> None:
    assert parse_instant(format_instant(instant)) == instant


@given(st.datetimes(timezones=st.timezones(), min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))  # noqa: DTZ001
def test_every_zone_of_the_same_moment_is_the_same_instant(moment: datetime) -> None:
    offset = moment.utcoffset()
    assert offset is not None
    if offset.total_seconds() % 60 == 0:
        assert parse_instant(moment.isoformat()) == parse_instant(moment.astimezone(UTC).isoformat())


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-01-15T20:59:59.999999Z", "2026-01-15"),
        ("2026-01-15T21:00:00Z", "2026-01-16"),
        ("1969-12-31T20:59:59Z", "1969-12-31"),
        ("2025-12-31T21:00:00Z", "2026-01-01"),
    ],
)
def test_a_booking_date_is_the_date_in_kuwait(text: str, day: str) -> None:
    assert local_date(parse_instant(text)) == day


@given(st.dates(min_value=date(2, 1, 1)))
def test_a_day_starts_at_midnight_in_kuwait(day: date) -> None:
    start = day_start(day)
    assert local_date(start) == day.isoformat()
    assert local_date(start + DAY - 1) == day.isoformat()
    assert local_date(start - 1) < day.isoformat()


def test_business_time_is_the_base_and_a_millisecond_a_write() -> None:
    assert business_time(NOON, 0) == NOON
    assert business_time(NOON, 1_500) == NOON + SECOND + 500 * MILLISECOND


def test_the_units_are_counted_in_microseconds() -> None:
    assert (MILLISECOND, SECOND, MINUTE, HOUR, DAY) == (10**3, 10**6, 6 * 10**7, 36 * 10**8, 864 * 10**8)
    assert KUWAIT_OFFSET == 3 * HOUR


def test_the_wall_clock_shows_the_time_of_the_machine() -> None:
    before = datetime.now(UTC)
    shown = parse_instant(format_instant(wall_time()))
    after = datetime.now(UTC)
    assert parse_instant(before.isoformat()) <= shown <= parse_instant(after.isoformat())


def test_elapsed_time_is_never_negative() -> None:
    assert elapsed_ms(stopwatch()) >= 0
