"""What employees earn: log-normal within their group, and on average what the statistics of Kuwait say.

Wages are the evenly spaced quantiles of a distribution, handed to employees by their standing, so that sixty of them
spread as thousands do; then they are raked: scaled, group by group and half way at a time, until the means fit. Targets
by sector and by sex may contradict each other where few people are; the half steps then end between them.
"""

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sandbox.synth.draws import Int, Quantiles, bounded_lognormal
from sandbox.synth.roles import PRIVATE, PUBLIC
from sandbox.synth.tables import targets

__all__ = ["GRID", "NET_GRID", "Wages", "make_wages"]

GRID, NET_GRID = 5_000, 5
"""Wages are whole multiples of five dinars; those of citizens end on five fils, once social security is kept back."""
_LEAST = 75_000
"""The minimum wage of the private sector, a month."""
_MOST = 9_000_000
_ROUNDS = 16
_FINE = 100_000
_HALF = 2**63
_PER_MILLE = 1_000


class Wages(NamedTuple):
    """Of each customer: the wage, 0 without an employer, and how it stands in its group, in per mille."""

    amount: Int
    standing: Int


def make_wages(*, kuwaiti: NDArray[np.bool_], woman: Int, work: Int, score: Int, pinned: Int) -> Wages:
    """The wages of a block.

    Args:
        kuwaiti: who is a citizen.
        woman: 1 for women.
        work: places in `WORKS`.
        score: the higher, the more somebody earns; different numbers for all.
        pinned: per mille, the standing of the cast; -1 for who is to be ranked.
    """
    employed = (work == PUBLIC) | (work == PRIVATE)
    amount, standing = np.zeros_like(work), np.zeros_like(work)
    for citizen in (True, False):
        for sector in (PUBLIC, PRIVATE):
            for sex in (0, 1):
                mine = np.flatnonzero((kuwaiti == citizen) & (work == sector) & (woman == sex))
                if not len(mine):
                    continue
                rank = np.argsort(np.argsort(score[mine], kind="stable"), kind="stable")
                ranked = (2 * rank.astype(np.uint64) + np.uint64(1)) * np.uint64(_HALF // len(mine))
                held = np.maximum(pinned[mine], 0).astype(np.uint64) * np.uint64(2**64 // _PER_MILLE)
                drawn = np.where(pinned[mine] >= 0, held, ranked)
                amount[mine] = _distribution(citizen, sector).at(drawn)
                standing[mine] = ((drawn >> np.uint64(32)) * np.uint64(_PER_MILLE) >> np.uint64(32)).astype(np.int64)
    wanted = targets()["wages_mean_fils"]
    public, private, men = work == PUBLIC, work == PRIVATE, woman == 0
    home, abroad = employed & kuwaiti, employed & ~kuwaiti
    groups = [
        (home & public, wanted["kuwaiti_public"]),
        (home & private, wanted["kuwaiti_private"]),
        (home & men, wanted["kuwaiti_men"]),
        (home & ~men, wanted["kuwaiti_women"]),
        (abroad & public, wanted["expatriate_public"]),
        (abroad & private, wanted["expatriate_private"]),
        (abroad, wanted["expatriate_all"]),
    ]
    grid = np.where(kuwaiti, NET_GRID, GRID)
    return Wages(_raked(amount, groups, grid=grid), standing)


def _raked(amount: Int, groups: list[tuple[NDArray[np.bool_], int]], *, grid: Int) -> Int:
    """Amounts whose means in the groups are close to those wanted, on the grid."""
    held = [(np.flatnonzero(mask), mean) for mask, mean in groups if mask.any()]
    for _ in range(_ROUNDS):
        for places, mean in held:
            total = int(amount[places].sum())
            factor = (_FINE + mean * len(places) * _FINE // total) // 2
            amount[places] = amount[places] * factor // _FINE
    on_grid = (amount + grid // 2) // grid * grid
    return np.where(amount > 0, np.maximum(on_grid, _LEAST), 0)


@functools.cache
def _distribution(citizen: bool, sector: int) -> Quantiles:  # noqa: FBT001 - a key of the cache
    """The standard deviation of the logarithm is 0.45 among citizens, else 0.75 (research notes, banking 4.6)."""
    median, sigma = (1_400_000, 0.45) if citizen else (600_000 if sector == PUBLIC else 240_000, 0.75)
    return bounded_lognormal(median, sigma, least=_LEAST, most=_MOST)
