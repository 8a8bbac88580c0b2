"""Where customers usually go: the few merchants of each category to which they come back, and now and then another."""

from typing import NamedTuple

import numpy as np

from sandbox.synth.draws import Bits, Int, Stream, Weights
from sandbox.synth.merchants import MEN, WOMEN, Merchants, areas
from sandbox.synth.model import NONE, Accounts, People
from sandbox.synth.purse import Purse, make_purse
from sandbox.synth.window import Mask, Window

__all__ = ["Lives", "Usual", "make_lives"]

_SLOTS = Weights([38, 20, 13, 9, 6, 4])
_KEPT, _CANDIDATES = 6, 5
_ELSEWHERE = 90
"""In how many of a thousand payments somebody tries something else."""
_SAME_AREA, _SAME_GOVERNORATE, _SAME_TIER, _NEXT_TIER, _NOT_FOR_THEM = 6, 3, 4, 1, -40


class Usual:
    """The merchants that the customers of a chunk prefer: near, of their kind, popular."""

    def __init__(self, people: People, tier: Int, merchants: Merchants, *, seed: int) -> None:
        """`tier` is what each customer prefers."""
        self._people, self._tier, self._merchants, self._seed = people, tier, merchants, seed
        codes = [area["governorate"] for area in areas()]
        self._governorate = np.array([codes.index(code) for code in codes] + [NONE], dtype=np.int64)
        self._kept: dict[str, Int] = {}

    def merchants(self, who: Int, drawn: Bits, *, category: int, walk_in: bool = False) -> Int:
        """The merchant of each payment, by the payer's position and by 64 bits."""
        table = self._merchants.walk_in if walk_in else self._merchants.by_category
        among = table[category]
        kept = self._favourites(among, f"usual:{category}:{walk_in}")
        chosen = kept[who, _SLOTS.chosen(drawn << np.uint64(32))]
        roams = ((drawn >> np.uint64(54)).astype(np.int64) * 1000 >> 10) < _ELSEWHERE
        others = among[Weights(self._merchants.weight[among].tolist()).chosen(drawn << np.uint64(16))]
        return np.where(roams & self._suits(who, others), others, chosen)

    def school(self) -> Int:
        """The school or nursery to which each customer's children go."""
        return self._favourites(self._merchants.schools, "usual:school")[:, 0]

    def first(self, category: int) -> Int:
        """The one merchant of a category that each customer has a contract with."""
        return self._favourites(self._merchants.by_category[category], f"usual:{category}:False")[:, 0]

    def _favourites(self, among: Int, purpose: str) -> Int:
        """By [position, rank]: of some candidates drawn by popularity, the one that fits best."""
        if purpose not in self._kept:
            people, merchants = self._people, self._merchants
            popular = Weights(merchants.weight[among].tolist())
            ranks, tries = np.arange(_KEPT, dtype=np.int64), np.arange(_CANDIDATES, dtype=np.int64)
            place = (people.index[:, None, None], ranks[None, :, None], tries[None, None, :])
            candidates = among[Stream(self._seed, purpose).choice(popular, *place)]
            area = people.area[:, None, None]
            theirs = merchants.area[candidates]
            distance = np.abs(merchants.tier[candidates] - self._tier[:, None, None])
            score = _SAME_AREA * (theirs == area) + _SAME_GOVERNORATE * (
                self._governorate[theirs] == self._governorate[area]
            )
            score += np.where(distance == 0, _SAME_TIER, np.where(distance == 1, _NEXT_TIER, 0))
            who = np.arange(people.count, dtype=np.int64)[:, None, None]
            score += np.where(self._suits(who, candidates), 0, _NOT_FOR_THEM)
            best = np.argmax(score, axis=2)
            self._kept[purpose] = np.take_along_axis(candidates, best[:, :, None], axis=2)[:, :, 0]
        return self._kept[purpose]

    def _suits(self, who: Int, merchants: Int) -> Mask:
        audience = self._merchants.audience[merchants]
        suits: Mask = audience != np.where(self._people.woman[who], MEN, WOMEN)
        return suits


class Lives(NamedTuple):
    """The customers of a chunk with all that their habits depend on."""

    people: People
    accounts: Accounts
    window: Window
    merchants: Merchants
    purse: Purse
    usual: Usual
    seed: int


def make_lives(people: People, accounts: Accounts, window: Window, merchants: Merchants, *, seed: int) -> Lives:
    """The purses of customers and their usual merchants, put beside who they are."""
    purse = make_purse(people, seed=seed)
    usual = Usual(people, purse.tier, merchants, seed=seed)
    return Lives(people, accounts, window, merchants, purse, usual, seed)
