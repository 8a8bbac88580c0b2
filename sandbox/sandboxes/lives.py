"""The lives of a state root: which tokens were issued in a past that it goes on from.

A reset gives a sandbox a new life, and the tokens of before are refused. A restored snapshot, or a reset that keeps the
sessions, goes on from an earlier life up to one write of it: tokens issued until then are good, later ones are of a
future that was undone.
"""

import msgspec

from sandbox.core.clock import Instant


class Life(msgspec.Struct, frozen=True, array_like=True):
    """An earlier life: when it was born, and the last of its writes that is part of the past."""

    born_at: Instant
    until: int


Lives = tuple[Life, ...]


def lives_until(earlier: Lives, born_at: Instant, write_number: int) -> Lives:
    """The lives that somebody has who goes on from the life born at `born_at`, as it was after `write_number`."""
    return (*(Life(life.born_at, min(life.until, write_number)) for life in earlier), Life(born_at, write_number))


def issued(token_life: int, write_number: int, *, born_at: Instant, earlier: Lives) -> bool:
    """Whether a token of that life and write number is of the life born at `born_at`, or of its past."""
    return token_life == born_at or any(life.born_at == token_life and write_number <= life.until for life in earlier)
