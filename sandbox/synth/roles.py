"""Where customers come from and what they live on: dealt out by index, so that any number of them has the right mix.

A deck is a fixed order of kinds, repeated for ever, in which every kind stays as close to its share as whole cards can:
after any number of them, about one card at most. The cast takes its cards out of the first round; the others are dealt
the rest in order. No seed has a say: it is the same index that is an Indian driver everywhere, under another name.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sandbox.synth.cast import CAST
from sandbox.synth.draws import Int
from sandbox.synth.tables import nationalities, targets

__all__ = ["BUSINESS", "HOME", "PENSION", "PRIVATE", "PUBLIC", "STUDY", "WORKS", "Deck", "Roles", "deal"]

WORKS = ("PUBLIC", "PRIVATE", "BUSINESS", "PENSION", "STUDY", "HOME")
"""What somebody lives on: a public or a private employer, a business, a pension, an allowance, the family."""
PUBLIC, PRIVATE, BUSINESS, PENSION, STUDY, HOME = range(len(WORKS))

_NATIONALITY_ROUND = 4_000
_ROLE_ROUND = 1_000

_CITIZENS, _WOMEN_MORE, _MEN_MORE = range(3)
_WOMEN_MORE_FROM = ("PH", "LK")
_ROLES: tuple[tuple[tuple[int, int], ...], ...] = (
    ((176, 226), (34, 44), (60, 20), (90, 80), (85, 95), (0, 90)),
    ((10, 40), (300, 540), (8, 7), (0, 0), (15, 15), (0, 65)),
    ((30, 20), (725, 125), (24, 3), (0, 0), (15, 15), (0, 43)),
)
"""By group and what they live on: men and women, per mille of the group.

They meet what is known of Kuwait: 78% of those in public service and 4% of those in private firms are citizens, the
mean wages of citizens by sector agree with those by sex, and foreigners earn their mean in both sectors together.
"""


class Roles(NamedTuple):
    """Of each index: the nationality, what they live on, and whether it is a woman."""

    nationality: Int
    work: Int
    woman: Int


class Deck:
    """Kinds dealt out by position, in proportion to their weights."""

    __slots__ = ("_first", "_rest", "_size")

    def __init__(self, weights: Sequence[int], *, size: int, reserved: Sequence[int] = ()) -> None:
        """`reserved` are the kinds of the first positions."""
        order = _order(_apportioned(weights, size))
        left = order.tolist()
        for kind in reserved:
            left.remove(kind)
        self._size = size
        self._first: Int = np.array([*reserved, *left], dtype=np.int64)
        self._rest: Int = order

    def dealt(self, position: Int) -> Int:
        """The kind at each position."""
        place = position % self._size
        return np.where(position < self._size, self._first[place], self._rest[place])

    def before(self, position: Int, kinds: Sequence[int]) -> Int:
        """How many of some kinds lie before each position."""
        first, rest = (np.concatenate([[0], np.isin(cards, kinds).cumsum()]) for cards in (self._first, self._rest))
        rounds, place = position // self._size, position % self._size
        return np.asarray(rounds * rest[-1] + np.where(rounds == 0, first[place], rest[place]), dtype=np.int64)


def deal(index: Int) -> Roles:
    """The roles of customers; the cast's as pinned."""
    nationality = _nationalities().dealt(index)
    group = _groups()[nationality]
    role = np.zeros_like(index)
    for which in range(len(_ROLES)):
        mine = group == which
        members = np.flatnonzero(_groups() == which).tolist()
        role[mine] = _roles(which).dealt(_nationalities().before(index[mine], members))
    return Roles(nationality, role // 2, role % 2)


@functools.cache
def _groups() -> Int:
    """The group of each nationality."""
    return np.array(
        [
            _CITIZENS if code == "KW" else _WOMEN_MORE if code in _WOMEN_MORE_FROM else _MEN_MORE
            for code in nationalities()
        ],
        dtype=np.int64,
    )


@functools.cache
def _nationalities() -> Deck:
    counts = list(targets()["population"]["counts"].values())
    reserved = [nationalities().index(member.nationality) for member in CAST]
    return Deck(counts, size=_NATIONALITY_ROUND, reserved=reserved)


@functools.cache
def _roles(group: int) -> Deck:
    """The deck of one group's roles: twice what they live on, plus one for women."""
    reserved = [
        2 * WORKS.index(member.work) + member.woman
        for member in CAST
        if _groups()[nationalities().index(member.nationality)] == group
    ]
    weights = [weight for pair in _ROLES[group] for weight in pair]
    return Deck(weights, size=_ROLE_ROUND, reserved=reserved)


def _apportioned(weights: Sequence[int], size: int) -> list[int]:
    """How many of `size` cards each kind has: by its share, what is left by the largest remainders."""
    total = sum(weights)
    counts = [weight * size // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda kind: (-(weights[kind] * size % total), kind))
    for kind in by_remainder[: size - sum(counts)]:
        counts[kind] += 1
    return counts


def _order(counts: Sequence[int]) -> Int:
    """The cards in order: each time one of the kind that is farthest behind its share, of two the earlier kind."""
    size = sum(counts)
    share = np.array(counts, dtype=np.int64)
    behind = np.zeros_like(share)
    order = np.zeros(size, dtype=np.int64)
    for turn in range(size):
        behind += share
        order[turn] = behind.argmax()
        behind[order[turn]] -= size
    return order
