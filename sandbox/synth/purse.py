"""What customers can spend, and what that does to how often and how much they pay; and the tables of their habits."""

import functools
from typing import Any, NamedTuple

import numpy as np

from sandbox.synth.draws import Int
from sandbox.synth.merchants import BUDGET, MID, PREMIUM
from sandbox.synth.model import SEGMENTS, People
from sandbox.synth.recurring import instalments
from sandbox.synth.tables import read
from sandbox.synth.window import Mask

__all__ = ["ONE", "Purse", "customs", "make_purse", "paid_out"]

ONE = 1024
"""Factors are whole numbers of this part; so that they multiply by shifting."""
_PER_MILLE = 1_000
_AT_ONCE, _AT_ONCE_LEAST = 450, 20_000
"""How much of what is left of a month somebody pays at once, in per mille; and fils that anybody would."""
_THRIFTY, _GENEROUS = 620, 1500
"""Per mille of ordinary spending below and above which people prefer other shops."""


class Purse(NamedTuple):
    """How customers spend, compared with somebody of ordinary means (`ONE`)."""

    often: Int
    much: Int
    tier: Int
    """Which merchants they prefer."""
    most: Int
    """Fils: nothing dearer is bought out of habit."""


def make_purse(people: People, *, seed: int) -> Purse:
    """The purses of a chunk: from what is left of the income after rent, instalments and what is sent home.

    Twice the means are spent on 1.4 times the payments of 1.4 times the amount; within limits, since the rich save.
    """
    table = customs()["means"]
    sent = people.income * people.remits // _PER_MILLE
    left = people.income + people.other_income - people.rent - sent - instalments(people, seed=seed)
    # Who draws the wage in notes has little left for the card.
    left = np.where(paid_out(people), left * table["of_notes_per_mille"] // _PER_MILLE, left)
    ratio = np.maximum(left, 0) * _PER_MILLE**2 // table["reference_fils"]
    # A square root is rounded correctly by every processor, so this float is no danger.
    root = np.sqrt(ratio.astype(np.float64)).astype(np.int64)
    often = np.clip(root, table["often_least"], table["often_most"])
    much = np.clip(root, table["much_least"], table["much_most"])
    tier = np.where(often < _THRIFTY, BUDGET, np.where(often < _GENEROUS, MID, PREMIUM))
    return Purse(
        often=often * ONE // _PER_MILLE,
        much=much * ONE // _PER_MILLE,
        tier=tier,
        most=np.maximum(left * _AT_ONCE // _PER_MILLE, _AT_ONCE_LEAST),
    )


def paid_out(people: People) -> Mask:
    """Who draws most of the wage in notes within days: expatriates of small means."""
    small = (people.income > 0) & (people.income <= customs()["bills"]["cash"]["income_most"])
    thrifty: Mask = small & (people.segment == SEGMENTS.index("BUDGET_CONSCIOUS")) & ~people.kuwaiti
    return thrifty


@functools.cache
def customs() -> Any:
    """The tables of `data/habits.json`, read once; nobody changes them."""
    return read("habits")
