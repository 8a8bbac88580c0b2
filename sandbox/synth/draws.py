"""Draws for whole columns: the vectorised twin of `core.bits`, and integer ways to turn bits into choices.

Nothing here is a float at the time of a draw: tables of quantiles and weights are made once, in whole numbers, so that
the same seed gives the same rows with every version of NumPy and on every processor.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from sandbox.core.bits import GOLDEN, MULTIPLIERS, SHIFTS, stream_key

__all__ = ["Bits", "Int", "Quantiles", "Stream", "Weights", "bounded_lognormal", "uuids"]

Int = NDArray[np.int64]
"""A column of whole numbers."""
Bits = NDArray[np.uint64]

_GOLDEN = np.uint64(GOLDEN)
_SHIFTS = tuple(np.uint64(shift) for shift in SHIFTS)
_MULTIPLIERS = tuple(np.uint64(multiplier) for multiplier in MULTIPLIERS)
_32 = np.uint64(32)
_STEPS_LOG2 = 10
_STEPS = 1 << _STEPS_LOG2
"""A table of quantiles has this many steps, and one value more."""
_FINE_LOG2 = 20
"""Between two values of a table this many bits say where."""
_PER_MILLE = 1_000
_UUID_LENGTH = 36
_UUID_DIGITS = [place for place in range(_UUID_LENGTH) if place not in {8, 13, 18, 23}]
"""Where a UUID has its digits; between them are hyphens."""


class Stream:
    """The random bits of one purpose under one seed, for any place."""

    __slots__ = ("_key",)

    def __init__(self, seed: int, purpose: str) -> None:
        self._key = np.uint64(stream_key(seed, purpose))

    def bits(self, *place: Int | int) -> Bits:
        """64 bits for each place; the numbers of a place are columns or single numbers, which broadcast."""
        state: Bits = np.full(1, self._key, dtype=np.uint64)
        with np.errstate(over="ignore"):
            for number in place:
                state = _mixed(state + (_unsigned(number) + np.uint64(1)) * _GOLDEN)
        return state

    def below(self, limit: Int | int, *place: Int | int) -> Int:
        """A whole number in `[0, limit)` for each place; limits up to 2**31, the bias is below 2**-32 times that."""
        high = self.bits(*place) >> _32
        return ((high * _unsigned(limit)) >> _32).astype(np.int64)

    def between(self, least: Int | int, most: Int | int, *place: Int | int) -> Int:
        """A whole number in `[least, most]` for each place."""
        low = np.asarray(least, dtype=np.int64)
        return low + self.below(np.asarray(most, dtype=np.int64) - low + 1, *place)

    def chance(self, per_mille: Int | int, *place: Int | int) -> NDArray[np.bool_]:
        """Whether something of that chance happens, for each place."""
        return self.below(_PER_MILLE, *place) < per_mille

    def choice(self, weights: "Weights", *place: Int | int) -> Int:
        """The place of one of the weighted options, for each place."""
        return weights.chosen(self.bits(*place))

    def quantile(self, table: "Quantiles", *place: Int | int) -> Int:
        """A value of a distribution, for each place."""
        return table.at(self.bits(*place))


class Weights:
    """Options with weights: whole numbers, whose sum is below 2**31."""

    __slots__ = ("_limits",)

    def __init__(self, weights: Sequence[int]) -> None:
        self._limits = np.array(list(itertools.accumulate(weights)), dtype=np.int64)
        assert 0 < self._limits[-1] < 2**31

    def chosen(self, drawn: Bits) -> Int:
        """The option that each of the bits means."""
        total = np.uint64(self._limits[-1])
        value = (((drawn >> _32) * total) >> _32).astype(np.int64)
        return np.searchsorted(self._limits, value, side="right").astype(np.int64)


class Quantiles:
    """A distribution of whole numbers, as the table of its quantiles: evenly spaced, joined by straight lines."""

    __slots__ = ("_values",)

    def __init__(self, inverse: Callable[[float], float]) -> None:
        """`inverse` gives the value of a quantile within (0, 1); the two ends are taken half a step inside."""
        ends = 1 / (2 * _STEPS)
        places = [min(max(step / _STEPS, ends), 1 - ends) for step in range(_STEPS + 1)]
        self._values = np.array([round(inverse(place)) for place in places], dtype=np.int64)

    def at(self, drawn: Bits) -> Int:
        """The value that each of the bits means."""
        step = (drawn >> np.uint64(64 - _STEPS_LOG2)).astype(np.int64)
        fine = ((drawn >> np.uint64(64 - _STEPS_LOG2 - _FINE_LOG2)) & np.uint64(2**_FINE_LOG2 - 1)).astype(np.int64)
        low, high = self._values[step], self._values[step + 1]
        return low + (((high - low) * fine) >> _FINE_LOG2)

    @property
    def mean(self) -> int:
        """The mean of the distribution as it is drawn."""
        values = self._values
        return int(values[:-1].sum() + values[1:].sum()) // (2 * _STEPS)


def bounded_lognormal(median: int, sigma: float, *, least: int, most: int) -> Quantiles:
    """A log-normal distribution around a median, cut off at both ends."""
    normal = NormalDist()
    return Quantiles(lambda place: min(max(median * math.exp(sigma * normal.inv_cdf(place)), least), most))


def uuids(seed: int, kind: str, keys: Int) -> list[str]:
    """A UUID of version 8 (RFC 9562 section 5.8) for each key; different keys give different ones."""
    high, low = (Stream(seed, f"id:{kind}:{half}").bits(keys) for half in ("high", "low"))
    high = (high & np.uint64(0xFFFFFFFFFFFF0FFF)) | np.uint64(0x8000)
    low = (low & np.uint64(0x3FFFFFFFFFFFFFFF)) | np.uint64(0x8000000000000000)
    digits = np.frombuffer(np.stack([high, low], axis=-1).astype(">u8").tobytes().hex().encode(), dtype=np.uint8)
    written = np.full((len(keys), _UUID_LENGTH), ord("-"), dtype=np.uint8)
    written[:, _UUID_DIGITS] = digits.reshape(len(keys), len(_UUID_DIGITS))
    text = written.tobytes().decode("ascii")
    return [text[start : start + _UUID_LENGTH] for start in range(0, len(text), _UUID_LENGTH)]


def _unsigned(number: Int | int) -> Bits:
    return np.asarray(number, dtype=np.int64).astype(np.uint64)


def _mixed(value: Bits) -> Bits:
    value = (value ^ (value >> _SHIFTS[0])) * _MULTIPLIERS[0]
    value = (value ^ (value >> _SHIFTS[1])) * _MULTIPLIERS[1]
    return value ^ (value >> _SHIFTS[2])
