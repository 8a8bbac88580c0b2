"""Random bits by counter: the bits of a place follow from a key and the place's numbers, in whatever order one asks.

The finaliser is that of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
Only whole numbers of 64 bits are used, so that a vectorised twin (`synth.draws`) gives the same on every machine and
with every version of a library. Not for secrets, and not for what one write of a bank draws: that is `core.ids`.
"""

from sandbox.core.ids import derive, seed_key

__all__ = ["GOLDEN", "MASK", "MULTIPLIERS", "SHIFTS", "bits", "mix", "stream_key"]

MASK = 2**64 - 1
GOLDEN = 0x9E3779B97F4A7C15
SHIFTS = (30, 27, 31)
MULTIPLIERS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def mix(value: int) -> int:
    """A bijection of 64-bit numbers in which every bit of the result depends on every bit of `value`."""
    value = ((value ^ (value >> SHIFTS[0])) * MULTIPLIERS[0]) & MASK
    value = ((value ^ (value >> SHIFTS[1])) * MULTIPLIERS[1]) & MASK
    return value ^ (value >> SHIFTS[2])


def stream_key(seed: int, purpose: str) -> int:
    """The 64-bit key of everything that is drawn for one purpose under one seed."""
    return int.from_bytes(derive(seed_key(seed), f"stream:{purpose}", 8), "big")


def bits(key: int, *place: int) -> int:
    """64 bits for a place, which is given by one number or more (taken modulo 2**64)."""
    state = key
    for number in place:
        state = mix((state + (number + 1) * GOLDEN) & MASK)
    return state
