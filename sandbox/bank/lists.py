"""Slices of lists: what every list of the bank returns, and how a position in one is told."""

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")

Position = tuple[int, ...]
"""Where a slice ended; the door turns it into an opaque cursor."""


class Window(msgspec.Struct, frozen=True):
    """Which part of a list is asked for: at most `limit` items after `after`."""

    limit: int = 50
    after: Position | None = None


class Slice(msgspec.Struct, Generic[T], frozen=True):
    """Items, and the position of the last one when more follow."""

    items: list[T]
    next: Position | None = None


def cut(rows: list[T], window: Window) -> tuple[list[T], bool]:
    """The rows of the window and whether more follow; ask the database for `limit + 1`."""
    return rows[: window.limit], len(rows) > window.limit
