"""The clock of a bank under test: business time moves when the test says so, and everything due then happens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from sandbox.testing.views import Fired

if TYPE_CHECKING:
    from sandbox.testing.bank import Bank

__tracebackhide__ = True  # a failure is shown at the test's own line


class BankClock:
    """The business time of one bank."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    @property
    def now(self) -> datetime:
        """Business time, in UTC."""
        return _moment(self._bank.get("/_sandbox/clock").expect().json()["now"])

    def advance(self, by: str | timedelta | None = None, *, to: str | datetime | None = None) -> list[Fired]:
        """Move time forward, and return what fell due on the way, when all of it has happened.

        Args:
            by: an ISO 8601 duration such as `P3DT2H`, or a `timedelta`.
            to: an instant instead: RFC 3339, or a `datetime` with a zone.

        Raises:
            TypeError: neither a text nor what it says above, such as a number.
            ValueError: both are given, or neither.
            RefusedError: `clock_cannot_go_back`, or the text says no time.
        """
        if (by is None) == (to is None):
            raise ValueError("say by how much, or to which instant: one of the two")
        order = {"by": _duration_text(by)} if by is not None else {"to": instant_text(to)}
        answer = self._bank.post("/_sandbox/clock/advance", json=order).expect().json()
        return msgspec.convert(answer["fired"], list[Fired])

    def set(self, now: str | datetime) -> datetime:
        """Move time to `now` and stop the clock there; returns the time it is then. What fell due has happened.

        Raises:
            RefusedError: `clock_cannot_go_back`.
        """
        return self._put(mode="frozen", now=instant_text(now))

    def freeze(self) -> datetime:
        """Stop the clock where it is: it then moves a millisecond with each write, and when it is told to."""
        return self._put(mode="frozen")

    def run(self, *, rate: float = 1) -> datetime:
        """Let business time go on by itself, `rate` times as fast as real time. Answers then depend on the machine."""
        return self._put(mode="live", rate=rate)

    def _put(self, **order: object) -> datetime:
        return _moment(self._bank.put("/_sandbox/clock", json=order).expect().json()["now"])


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def instant_text(moment: str | datetime | None) -> str | None:
    """An instant as the control plane takes it; a text goes as it is.

    Raises:
        TypeError: neither a text nor a `datetime`.
        ValueError: a `datetime` without a zone.
    """
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise ValueError(f"{moment!r} has no time zone; give it one, such as datetime.UTC")
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if not isinstance(moment, str | None):
        raise TypeError(f"an instant is a text such as '2026-03-01T08:00:00Z' or a datetime, not {moment!r}")
    return moment


def _duration_text(by: str | timedelta) -> str:
    if isinstance(by, str):
        return by
    if not isinstance(by, timedelta):
        raise TypeError(f"time moves by a duration such as 'P3D' or a timedelta, not by {by!r}")
    if by < timedelta(0):
        raise ValueError("time cannot go back; restore a snapshot instead")
    seconds = f"{by.seconds}.{by.microseconds:06d}".rstrip("0").rstrip(".")
    return f"P{by.days}DT{seconds}S"
