"""What those who write down the aftermath of a chunk look at, and the ids and words that they have in common."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from sandbox.core import calendar
from sandbox.core.calendar import CalendarRangeError
from sandbox.core.clock import DAY, HOUR, KUWAIT_OFFSET, MILLISECOND, MINUTE, day_start
from sandbox.core.ids import derive, seed_key, uuid_text
from sandbox.synth.access import Access
from sandbox.synth.draws import Int, Stream
from sandbox.synth.merchants import Merchants
from sandbox.synth.model import NONE, SAVINGS, Accounts, People, Posted, Texts
from sandbox.synth.phrases import phrases
from sandbox.synth.profile import settings_records
from sandbox.synth.signins import free_until
from sandbox.synth.window import Mask, Window, local_day

__all__ = ["Facts", "Row", "at_work", "awake", "is_working_day", "working_days_after"]

Row = dict[str, object]
"""A record of a collection, as its file has it."""


_OPENS, _OPEN_MINUTES = 8 * HOUR + 30 * MINUTE, 300
_WAKES, _SLEEPS = 8 * HOUR, 22 * HOUR
_SET_ASIDE_DAYS = (20, 170)


def at_work(instant: int, working_days: int = 1) -> int:
    """A moment some working days after that of an instant, while the branches are open; 0: that day or the next."""
    day = working_days_after(local_day(instant), working_days)
    return day_start(day) + _OPENS + instant // MINUTE % _OPEN_MINUTES * MINUTE


def working_days_after(day: date, count: int) -> date:
    """So many working days later, or earlier for a negative count; for 0 that day, or the first working one after."""
    step = timedelta(days=1 if count >= 0 else -1)
    for _ in range(abs(count)):
        day += step
        while not is_working_day(day):
            day += step
    while not is_working_day(day):
        day += step
    return day


def is_working_day(day: date) -> bool:
    """Whether staff work; where the holidays are not known, on every day that is no weekend."""
    try:
        return calendar.is_business_day(day)
    except CalendarRangeError:
        return not calendar.is_weekend(day)


def awake(instant: int) -> int:
    """The moment itself in the daytime, else one between eight and nine of the next morning."""
    time = (instant + KUWAIT_OFFSET) % DAY
    if _WAKES <= time < _SLEEPS:
        return instant
    morning = instant - time + _WAKES + instant // MILLISECOND % (HOUR // MILLISECOND) * MILLISECOND
    return morning if time < _WAKES else morning + DAY


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A chunk whose movements are posted."""

    people: People
    accounts: Accounts
    posted: Posted
    merchants: Merchants
    window: Window
    texts: Texts
    access: Access
    seed: int

    @cached_property
    def languages(self) -> list[str]:
        """The language of each customer, `en` or `ar`, by position."""
        return ["ar" if arabic else "en" for arabic in self.people.arabic.tolist()]

    @cached_property
    def endings(self) -> list[str]:
        """The last four digits of each account's number, by which letters name it."""
        return [number[-4:] for number in self.accounts.number]

    @cached_property
    def holders(self) -> list[int]:
        """The position of each account's holder."""
        holders: list[int] = self.accounts.holder.tolist()
        return holders

    @cached_property
    def channels(self) -> list[list[str]]:
        """How each customer wants to hear from the bank (PUSH, SMS, EMAIL), by position; empty: not at all."""
        found = []
        for row in settings_records(self.people, self.seed):
            wanted = row["channels"]
            assert isinstance(wanted, dict)
            found.append([name.upper() for name, on in wanted.items() if on] if row["notifications_enabled"] else [])
        return found

    @cached_property
    def ordered(self) -> tuple[Int, Mask]:
        """The paying movements of transfers, and which of them somebody ordered by hand.

        What goes from a current account to another account of the same holder is a standing order.
        """
        moved = self.posted.movements
        paid, received = (np.flatnonzero((moved.pair != NONE) & (moved.credit == side)) for side in (False, True))
        to = np.full(int(moved.pair.max(initial=0)) + 1, NONE, dtype=np.int64)
        to[moved.pair[received]] = moved.account[received]
        payer, receiver = moved.account[paid], to[moved.pair[paid]]
        accounts = self.accounts
        by_hand = (accounts.holder[payer] != accounts.holder[receiver]) | (accounts.kind[payer] == SAVINGS)
        return paid.astype(np.int64), by_hand

    def set_aside_at(self, account: int) -> int:
        """Since when an account is frozen or dormant: staff did it, or the work of the day."""
        place = int(self.people.index[self.holders[account]]), int(self.accounts.kind[account])
        days = int(self.stream("notifications:accounts").between(*_SET_ASIDE_DAYS, *place)[0])
        return at_work(day_start(self.window.last - timedelta(days=days)) + days * MINUTE, 0)

    def free_until(self, position: int) -> int:
        """Until when a customer could do something in the app."""
        return free_until(self.access.users, position)

    @cached_property
    def _key(self) -> bytes:
        return seed_key(self.seed)

    def identifier(self, kind: str, about: str) -> str:
        """The id of what exists once for whatever it is about; it stays when `as_of` moves on."""
        return uuid_text(derive(self._key, f"{kind}:{about}", 16))

    def stream(self, purpose: str) -> Stream:
        """Draws for a purpose."""
        return Stream(self.seed, purpose)

    def merchant(self, place: int, language: str) -> str:
        """The name of a merchant; a word for one where there is none."""
        if place == NONE:
            return str(phrases()["somewhere"][language])
        return (self.merchants.name_ar if language == "ar" else self.merchants.name)[place]

    @property
    def as_of(self) -> int:
        """The last instant that there is, in whole milliseconds."""
        return self.window.as_of // MILLISECOND * MILLISECOND

    def since(self, days: int) -> int:
        """So many days ago."""
        return self.as_of - days * DAY
