"""Brings the amounts of a chunk's card payments to what the Central Bank publishes, without changing who pays when.

Counts are right by the rates of `habits`. Here amounts are multiplied: one factor for payments abroad, so that their
share of all value is right, then one for each channel at home, so that its mean is. Tariffs, fees and money sent home
stay as they are, and prices stay on their grids.
"""

import dataclasses
import functools
import json
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.synth.draws import Int
from sandbox.synth.model import ATM, CHANNELS, ONLINE, POS, Movements
from sandbox.synth.prices import fixed, rounded_prices

__all__ = ["calibrate", "card_payments", "targets"]

Mask = NDArray[np.bool_]

_UNIT = 4_096
"""Factors are multiples of one over this."""
_LEAST, _MOST = _UNIT * 2 // 5, _UNIT * 5 // 2
"""A chunk of very few customers may be unlike the country: no amount is changed beyond these."""
_ROUNDS = 4
"""Rounding to grids moves a mean a little: after so many rounds it does not matter."""
_PER_MILLE = 1_000


def calibrate(movements: Movements) -> Movements:
    """The same movements with other amounts for card payments: means by channel and share abroad as in `targets`."""
    cards = card_payments(movements)
    scalable = cards & ~fixed()[movements.category]
    abroad = movements.country >= 0
    counts = {channel: int((cards & (movements.channel == channel)).sum()) for channel in (POS, ONLINE, ATM)}
    means = {channel: targets()["mean_fils"][CHANNELS[channel]] for channel in counts}
    wanted_abroad = (
        sum(counts[channel] * means[channel] for channel in counts)
        * targets()["abroad_value_share_per_mille"]
        // _PER_MILLE
    )
    amount = _scaled(movements, movements.amount, among=cards & abroad, scalable=scalable, wanted=wanted_abroad)
    for channel, count in counts.items():
        here = cards & (movements.channel == channel)
        wanted = count * means[channel] - int(amount[here & abroad].sum())
        amount = _scaled(movements, amount, among=here & ~abroad, scalable=scalable, wanted=wanted)
    return dataclasses.replace(movements, amount=amount)


def card_payments(movements: Movements) -> Mask:
    """Which movements are payments by card: in shops, from machines, and online to a merchant."""
    channel = movements.channel
    at_merchant = (channel == ONLINE) & (movements.merchant >= 0)
    cards: Mask = ~movements.credit & (at_merchant | (channel == POS) | (channel == ATM))
    return cards


def _scaled(movements: Movements, amount: Int, *, among: Mask, scalable: Mask, wanted: int) -> Int:
    """The amounts, those of `among` that are scalable multiplied so that all of `among` come to about `wanted`."""
    places = np.flatnonzero(among & scalable)
    before = amount[places]
    least = wanted - int(amount[among & ~scalable].sum())
    if not len(places) or int(before.sum()) == 0:
        return amount
    factor = _UNIT
    after = before
    for _ in range(_ROUNDS):
        factor = min(max(round(factor * max(least, 1) / int(after.sum())), _LEAST), _MOST)
        after = rounded_prices(
            (before * factor + _UNIT // 2) // _UNIT,
            category=movements.category[places],
            channel=movements.channel[places],
            country=movements.country[places],
        )
    changed = amount.copy()
    changed[places] = after
    return changed


@functools.cache
def targets() -> Any:
    """What is published about cards: `cards` of `data/targets.json`."""
    text = files("sandbox.synth").joinpath("data/targets.json").read_text(encoding="utf-8")
    return json.loads(text)["cards"]
