"""What prices look like: on which multiples of fils they end, what fuel costs, and which amounts are not negotiable."""

import functools

import numpy as np
from numpy.typing import NDArray

from sandbox.synth.draws import Bits, Int
from sandbox.synth.model import ATM, CATEGORIES, CATEGORY, ONLINE
from sandbox.synth.purse import customs
from sandbox.synth.tables import read

__all__ = ["fixed", "fuel", "notes", "on_grid", "rounded_prices"]

_NOTE = 5_000
_TEN, _TWENTY, _FIFTY = 10_000, 20_000, 50_000
_SOME_TENS, _MANY, _VERY_MANY = 50_000, 200_000, 500_000
_LITRES_LEAST, _LITRES_SPREAD = 26, 48


def on_grid(amount: Int, step: Int | int) -> Int:
    """The nearest multiple of a step, but at least one step."""
    shown: Int = np.maximum((amount + np.asarray(step) // 2) // step, 1) * step
    return shown


def notes(amount: Int) -> Int:
    """What a cash machine pays out for about that amount: notes of 5, 10 and 20 dinars, and the more the rounder."""
    step = np.select(
        [amount < _SOME_TENS, amount < _MANY, amount < _VERY_MANY], [_NOTE, _TEN, _TWENTY], default=_FIFTY
    ).astype(np.int64)
    return on_grid(amount, step)


def rounded_prices(amount: Int, *, category: Int, channel: Int, country: Int) -> Int:
    """Amounts as they can be: notes from machines, prices of shops on their grid; on the web and abroad any fils.

    Nothing costs less than the cheapest of its category.
    """
    grid = _grids()[category]
    # Who sells online in Kuwait rounds fees and donations, not baskets.
    free = (country >= 0) | ((channel == ONLINE) & ~_round_online()[category])
    shown = np.maximum(on_grid(amount, np.where(free, 1, grid)), _floors()[category])
    return np.where((channel == ATM) & (country < 0), notes(amount), shown)


def fuel(drawn: Bits, *, premium: NDArray[np.bool_]) -> Int:
    """What a tank costs: whole litres, or fifths of one, at 85 fils, or at 105 where the car takes `premium`."""
    tariff = _tariff()
    litre = np.where(premium, tariff["95"], tariff["91"])
    fifths = _LITRES_LEAST * 5 + ((drawn >> np.uint64(32)).astype(np.int64) * _LITRES_SPREAD * 5 >> 32)
    whole = (drawn & np.uint64(0x300)) != 0
    return np.where(whole, fifths // 5 * 5, fifths) * litre // 5


def fixed() -> NDArray[np.bool_]:
    """By category: whether its amounts are what they are, tariffs and fees, and not to be scaled."""
    listed = set(customs()["fixed"])
    return np.array([name in listed for name in CATEGORIES], dtype=np.bool_)


@functools.cache
def _grids() -> Int:
    grids = customs()["grids"]
    return np.array([grids.get(name, 1) for name in CATEGORIES], dtype=np.int64)


@functools.cache
def _floors() -> Int:
    floors = customs()["floors"]
    return np.array([floors.get(name, 1) for name in CATEGORIES], dtype=np.int64)


@functools.cache
def _round_online() -> NDArray[np.bool_]:
    rounds = {
        CATEGORY[name] for name in ("CHARITY", "GOVERNMENT", "TELECOM", "EDUCATION", "ENTERTAINMENT", "INSURANCE")
    }
    return np.array([place in rounds for place in range(len(CATEGORIES))], dtype=np.bool_)


@functools.cache
def _tariff() -> dict[str, int]:
    targets = read("targets")
    prices = targets["fuel_fils_per_litre"]
    return {"91": int(prices["91"]), "95": int(prices["95"])}
