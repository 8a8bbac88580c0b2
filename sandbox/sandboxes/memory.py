"""Where a bank's database is: still the image's, awake in a copy of its own, or asleep as the pages that differ."""

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from sandbox.sandboxes.awake import AwakeList
from sandbox.sandboxes.image import Image
from sandbox.store.engine import connect, disconnect, serialize
from sandbox.store.pages import difference, patch

T = TypeVar("T")


class Memory:
    """The database of one state root."""

    __slots__ = ("_asleep", "_awake", "_closed", "_db", "_image")

    def __init__(self, image: Image, delta: bytes | None = None) -> None:
        """It starts on `image`, or asleep where the pages `delta` lead from the clean image."""
        self._image = image
        self._awake: AwakeList | None = None
        self._db: sa.Connection | None = None
        self._asleep = delta
        self._closed = False

    @property
    def awake(self) -> bool:
        """Whether it holds a connection of its own."""
        return self._db is not None

    @property
    def asleep(self) -> bool:
        """Whether it keeps only the pages that differ."""
        return self._asleep is not None

    @property
    def data(self) -> bytes:
        """The database's bytes as they are now."""
        if self._db is not None:
            return serialize(self._db)
        return self._image.data if self._asleep is None else patch(self._image.clean.data, self._asleep)

    def readable(self) -> sa.Connection:
        """The connection to read from: the own one, or the image's for a bank that was never written to."""
        if self._db is None and self._asleep is None and self._image.shared:
            assert not self._closed, "a closed bank answers no more"
            return self._image.reader
        return self.own()

    def own(self) -> sa.Connection:
        """The connection to write to."""
        if self._db is None:
            assert not self._closed, "a closed bank answers no more"
            self._db = self._image.take() if self._asleep is None else connect(self.data)
            self._asleep = None
        if self._awake is not None:
            self._awake.use(self)
        return self._db

    def live_among(self, awake: AwakeList) -> None:
        """Count among the awake ones from now on."""
        self._awake = awake
        if self._db is not None:
            awake.use(self)

    def fill(self, data: bytes) -> None:
        """Stand on these bytes from now on."""
        self._replace(connect(data))

    def take_over(self, other: "Memory") -> None:
        """Stand on the database of `other`, which has none from now on."""
        self._replace(other.give_up())

    def give_up(self) -> sa.Connection:
        """Hand the own connection over."""
        db, self._db = self.own(), None
        return db

    def sleep(self) -> None:
        """Keep only the pages that differ from the clean image."""
        db, self._db = self._db, None
        if db is not None:
            self._asleep = difference(self._image.clean.data, serialize(db))
            disconnect(db)

    def close(self) -> None:
        """Give everything back."""
        self._closed, self._asleep = True, None
        db, self._db = self._db, None
        if db is not None:
            disconnect(db)
        if self._awake is not None:
            self._awake.forget(self)

    def _replace(self, db: sa.Connection) -> None:
        old, self._db, self._asleep = self._db, db, None
        if old is not None:
            disconnect(old)
        if self._awake is not None:
            self._awake.use(self)


def on_copy(data: bytes, fn: Callable[[sa.Connection], T]) -> T:
    """Run `fn(db)` on a private copy of a database."""
    db = connect(data)
    try:
        return fn(db)
    finally:
        disconnect(db)
