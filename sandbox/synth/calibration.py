"""Brings the amounts of a chunk's card payments to what the Central Bank publishes, without changing who pays when.

Counts are right by the rates of `habits`. Here amounts are multiplied: one factor for payments abroad, so that their
share of all value is right, then one for each channel at home, so that its mean is. Tariffs, fees and money sent home
stay as they are, and so does what falls due at home: bills, school fees, tickets. Prices stay on their grids.
"""

import dataclasses
import functools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sandbox.synth.bills import FIRST_SLOT
from sandbox.synth.draws import Int
from sandbox.synth.model import ATM, CHANNELS, ONLINE, POS, Movements
from sandbox.synth.prices import fixed, rounded_prices
from sandbox.synth.tables import read

__all__ = ["Factors", "calibrate", "card_payments", "factors", "targets"]

Mask = NDArray[np.bool_]

_UNIT = 4_096
"""Factors are multiples of one over this."""
_LEAST, _MOST = _UNIT * 2 // 5, _UNIT * 5 // 2
"""A chunk of very few customers may be unlike the country: no amount is changed beyond these."""
_ROUNDS = 4
"""Rounding to grids moves a mean a little: after so many rounds it does not matter."""
_PER_MILLE = 1_000
_SLOTS = 2**20
"""The slots of a key, see `movement_key`; habits have the lowest, `bills` and `trips` those from `FIRST_SLOT`."""


class Factors(NamedTuple):
    """What amounts are multiplied by, over `_UNIT`: those abroad, and those at home by channel."""

    abroad: int
    home: dict[int, int]


def calibrate(movements: Movements, by: Factors | None = None) -> Movements:
    """The same movements with other amounts for card payments: means by channel and share abroad as in `targets`.

    `by` says how; without it the movements themselves are brought to the targets.
    """
    if by is None:
        by = factors(movements)
    kinds = _Kinds(movements)
    amount = _times(movements, movements.amount, np.flatnonzero(kinds.abroad & kinds.scalable), by.abroad)
    for channel, factor in by.home.items():
        amount = _times(movements, amount, np.flatnonzero(kinds.home(channel) & kinds.scalable), factor)
    return dataclasses.replace(movements, amount=amount)


def factors(movements: Movements) -> Factors:
    """The factors that bring the card payments of some movements to the targets."""
    kinds = _Kinds(movements)
    counts = {channel: int((kinds.cards & (movements.channel == channel)).sum()) for channel in (POS, ONLINE, ATM)}
    means = {channel: targets()["mean_fils"][CHANNELS[channel]] for channel in counts}
    value = sum(counts[channel] * means[channel] for channel in counts)
    wanted = value * targets()["abroad_value_share_per_mille"] // _PER_MILLE
    abroad = _factor(movements, among=kinds.abroad, scalable=kinds.scalable, wanted=wanted)
    amount = _times(movements, movements.amount, np.flatnonzero(kinds.abroad & kinds.scalable), abroad)
    home = {}
    for channel, count in counts.items():
        spent_abroad = int(amount[kinds.abroad & (movements.channel == channel)].sum())
        wanted = count * means[channel] - spent_abroad
        home[channel] = _factor(movements, among=kinds.home(channel), scalable=kinds.scalable, wanted=wanted)
    return Factors(abroad, home)


def card_payments(movements: Movements) -> Mask:
    """Which movements are payments by card: in shops, from machines, and online to a merchant."""
    channel = movements.channel
    at_merchant = (channel == ONLINE) & (movements.merchant >= 0)
    cards: Mask = ~movements.credit & (at_merchant | (channel == POS) | (channel == ATM))
    return cards


def _due(movements: Movements) -> Mask:
    """Which movements are bills or belong to a journey, going by their keys."""
    due: Mask = movements.key % _SLOTS >= FIRST_SLOT
    return due


class _Kinds:
    """Which movements are which."""

    def __init__(self, movements: Movements) -> None:
        self._channel = movements.channel
        away = movements.country >= 0
        self.cards = card_payments(movements)
        self.abroad = self.cards & away
        self.scalable = self.cards & ~fixed()[movements.category] & (away | ~_due(movements))

    def home(self, channel: int) -> Mask:
        """Card payments of a channel that are not abroad."""
        here: Mask = self.cards & ~self.abroad & (self._channel == channel)
        return here


def _factor(movements: Movements, *, among: Mask, scalable: Mask, wanted: int) -> int:
    """What the scalable ones of `among` are multiplied by, so that all of `among` come to about `wanted`."""
    places = np.flatnonzero(among & scalable)
    least = max(wanted - int(movements.amount[among & ~scalable].sum()), 1)
    factor = _UNIT
    for _ in range(_ROUNDS):
        sum_now = int(_times(movements, movements.amount, places, factor)[places].sum())
        if sum_now:
            factor = min(max(round(factor * least / sum_now), _LEAST), _MOST)
    return factor


def _times(movements: Movements, amount: Int, places: Int, factor: int) -> Int:
    """The amounts, those of some places multiplied and back on the grids of prices."""
    changed = amount.copy()
    changed[places] = rounded_prices(
        (amount[places] * factor + _UNIT // 2) // _UNIT,
        category=movements.category[places],
        channel=movements.channel[places],
        country=movements.country[places],
    )
    return changed


@functools.cache
def targets() -> Any:
    """What is published about cards: `cards` of `data/targets.json`."""
    return read("targets")["cards"]
