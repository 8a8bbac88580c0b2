"""An image: a bank's bytes at one instant, with its facts, a shared reader and ready copies.

A clean image is an ecosystem compiled. Sandboxes that were never written to read from its one read-only connection; a
first write takes a private copy, and a few are kept ready and refilled while the event loop is idle. An image of a
later moment is kept as the pages by which it differs from the clean one.
"""

import asyncio
from collections import deque
from pathlib import Path
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from sandbox.core.clock import Instant, business_time
from sandbox.store.digests import all_hashes, digest_since
from sandbox.store.engine import connect, disconnect
from sandbox.store.pages import difference, patch
from sandbox.store.reading import Login

_REFILL_DELAY_S = 0.002
"""How long the loop must get for other work before a copy is made ready."""
_READY_BYTES = 64 * 2**20
"""What the ready copies of an image may take: making one of a very large image would itself hold up the loop."""


class ImageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an image without opening it."""

    ecosystem: str
    title: str
    seed: int
    write_number: int
    clock_base: Instant
    digest: str = ""
    """Empty as long as nobody has computed it."""
    logins: tuple[Login, ...] = ()
    warnings: tuple[str, ...] = ()


class Kept(NamedTuple):
    """Where the cache on disk holds an image, and whether it did so before it was asked for."""

    place: Path
    found: bool


class Image:
    """A bank's bytes at one instant, and the connections that stand ready on them."""

    __slots__ = (
        "_clean",
        "_data",
        "_hashes",
        "_reader",
        "_ready",
        "_refilling",
        "_warm_copies",
        "delta",
        "due_at",
        "facts",
        "folder",
        "kept",
    )

    def __init__(
        self,
        data: bytes | None,
        facts: ImageFacts,
        *,
        warm_copies: int = 0,
        clean: "Image | None" = None,
        delta: bytes | None = None,
    ) -> None:
        assert (data is None) == (clean is not None) == (delta is not None)
        self._data = data
        self.facts = facts
        self._clean = clean
        self.delta = delta
        """The pages by which it differs from the clean one."""
        self.folder: Path | None = None
        """Where the ecosystem's files are; None for one that came in no folder."""
        self.kept: Kept | None = None
        """None for one that is in no cache."""
        self.due_at: Instant | None = None
        """When its first job is due, once somebody has found out."""
        self._hashes: bytes | None = None
        self._warm_copies = min(warm_copies, _READY_BYTES // len(self.clean.data))
        self._ready: deque[sa.Connection] = deque()
        self._reader: sa.Connection | None = None
        self._refilling = False

    @property
    def clean(self) -> "Image":
        """The compiled image that this one goes back to: itself, unless it is of a later moment."""
        return self._clean or self

    def later(self, data: bytes, facts: ImageFacts) -> "Image":
        """The image of a later moment, whose bytes are `data`."""
        return Image(None, facts, clean=self.clean, delta=difference(self.clean.data, data))

    @property
    def data(self) -> bytes:
        """The database's bytes; of a later moment put together anew each time."""
        if self._data is not None:
            return self._data
        assert self.delta is not None
        return patch(self.clean.data, self.delta)

    def digest_of(self, db: sa.Connection) -> str:
        """The digest of a bank that came from this image, on a private connection; may run in a thread.

        The first time on a clean image takes as long as `export.digest`, later ones as long as what has changed.
        """
        if self._clean is not None:
            return self._clean.digest_of(db)
        if self._hashes is None:  # two threads may both find none, and both come to the same
            self._hashes = all_hashes(self.data)
        return digest_since(db, self.data, self._hashes)

    @property
    def home(self) -> str:
        """The name under which its ecosystem is opened: the folder's, where there is one."""
        folder = self.clean.folder
        return self.facts.ecosystem if folder is None else folder.name

    @property
    def now(self) -> Instant:
        """Its business time."""
        return business_time(self.facts.clock_base, self.facts.write_number)

    @property
    def shared(self) -> bool:
        """Whether it has a reader; a later moment has none, since few stand on it."""
        return self._data is not None

    @property
    def reader(self) -> sa.Connection:
        """The shared connection for those who only read."""
        if self._reader is None:
            assert self._data is not None
            self._reader = connect(self._data, read_only=True)
        return self._reader

    def take(self) -> sa.Connection:
        """A private copy: a ready one where there is one."""
        try:
            db = self._ready.popleft()
        except IndexError:  # asked for, not looked at before: banks are prepared in threads too
            db = connect(self.data)
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
