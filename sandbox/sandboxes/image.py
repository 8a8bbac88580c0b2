"""An image: an ecosystem compiled to SQLite bytes, with its digest, a shared reader and ready copies.

Sandboxes that were never written to read from the image's one read-only connection. A first write takes a private
copy; a few are kept ready and refilled while the event loop is idle.
"""

import asyncio
from collections import deque

import msgspec
import sqlalchemy as sa

from sandbox.core.clock import Instant
from sandbox.store.engine import connect, disconnect
from sandbox.store.reading import Login

_REFILL_DELAY_S = 0.002
"""How long the loop must get for other work before a copy is made ready."""


class ImageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an image without opening it."""

    ecosystem: str
    title: str
    digest: str
    seed: int
    write_number: int
    clock_base: Instant
    logins: tuple[Login, ...] = ()
    warnings: tuple[str, ...] = ()


class Image:
    """A bank's bytes at one instant, and the connections that stand ready on them."""

    __slots__ = ("_reader", "_ready", "_refilling", "_warm_copies", "data", "facts")

    def __init__(self, data: bytes, facts: ImageFacts, *, warm_copies: int = 0) -> None:
        self.data = data
        self.facts = facts
        self._warm_copies = warm_copies
        self._ready: deque[sa.Connection] = deque()
        self._reader: sa.Connection | None = None
        self._refilling = False

    @property
    def reader(self) -> sa.Connection:
        """The shared connection for those who only read."""
        if self._reader is None:
            self._reader = connect(self.data, read_only=True)
        return self._reader

    def take(self) -> sa.Connection:
        """A private copy: a ready one where there is one."""
        db = self._ready.popleft() if self._ready else connect(self.data)
        self.warm()
        return db

    def warm(self) -> None:
        """Refill the ready copies when the loop has nothing better to do; without a loop, nothing."""
        if self._refilling or len(self._ready) >= self._warm_copies:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._refilling = True
        loop.call_later(_REFILL_DELAY_S, self._refill)

    def close(self) -> None:
        """Close what stands ready; private copies belong to whoever took them."""
        self._warm_copies = 0
        while self._ready:
            disconnect(self._ready.pop())
        if self._reader is not None:
            disconnect(self._reader)
            self._reader = None

    def __del__(self) -> None:
        """An image that no sandbox stands on any more gives back its connections."""
        self.close()

    def _refill(self) -> None:
        self._refilling = False
        if len(self._ready) < self._warm_copies:
            self._ready.append(connect(self.data))
            self.warm()
