"""What those who write down the aftermath of a chunk look at, and the ids and words that they have in common."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from sandbox.core import calendar
from sandbox.core.clock import DAY, HOUR, MILLISECOND, MINUTE, day_start
from sandbox.core.ids import derive, seed_key, uuid_text
from sandbox.synth.access import Access
from sandbox.synth.draws import Stream
from sandbox.synth.merchants import Merchants
from sandbox.synth.model import NONE, Accounts, People, Posted
from sandbox.synth.phrases import phrases
from sandbox.synth.window import Window, local_day

__all__ = ["Facts", "Row", "at_work"]

Row = dict[str, object]
"""A record of a collection, as its file has it."""


_OPENS, _OPEN_MINUTES = 8 * HOUR + 30 * MINUTE, 300


def at_work(instant: int) -> int:
    """A moment of the next working week day after that of an instant, while the branches are open."""
    day = local_day(instant) + timedelta(days=1)
    while calendar.is_weekend(day):
        day += timedelta(days=1)
    return day_start(day) + _OPENS + instant // MINUTE % _OPEN_MINUTES * MINUTE


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A chunk whose movements are posted."""

    people: People
    accounts: Accounts
    posted: Posted
    merchants: Merchants
    window: Window
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
