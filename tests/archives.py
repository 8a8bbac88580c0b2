"""Houses with an archive, for tests: opened, stopped, and opened again as after a restart or a crash."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from support import TINY, VIRTUAL, tiny_image

from sandbox.core.settings import Settings
from sandbox.sandboxes.archive import Archive
from sandbox.sandboxes.archive_batch import Batch, data_hash
from sandbox.sandboxes.archive_file import ARCHIVE_NAME
from sandbox.sandboxes.house import House
from sandbox.sandboxes.image import Image
from sandbox.sandboxes.sandbox import Sandbox, Snapshot
from sandbox.sandboxes.shelf import Shelf

AT_ONCE = structs.replace(VIRTUAL, durability="write", warm_copies=0)
"""Nothing gathers: what has changed is written as soon as the loop is free."""


def open_house(folder: Path, settings: Settings = AT_ONCE, *, image: Image | None = None) -> tuple[House, Archive]:
    """A house on `seeds/tiny`, or on `image` in its place, and what the archive in `folder` brought back to it."""
    shared = image or tiny_image()
    own = Image(shared.data, shared.facts, warm_copies=settings.warm_copies)
    shelf = Shelf(settings, TINY)
    shelf._images[TINY, 0] = own
    house = House(settings, own, shelf)
    try:
        house.archive = Archive.open(house, folder)
    except BaseException:
        house.close()
        raise
    return house, house.archive


@asynccontextmanager
async def kept(folder: Path, settings: Settings = AT_ONCE, *, image: Image | None = None) -> AsyncIterator[House]:
    """A house whose sandboxes are kept in `folder`, until it is stopped as it should be."""
    house, archive = open_house(folder, settings, image=image)
    archive.start()
    try:
        yield house
    finally:
        await archive.stop()
        house.close()


class Gate:
    """Stands between the archive and the disk."""

    def __init__(self, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached = asyncio.Event()
        self.open = asyncio.Event()
        self.error: Exception | None = None
        self.tries = 0
        self._write = archive._write
        monkeypatch.setattr(archive, "_write", self.write)

    async def write(self, batch: Batch) -> None:
        self.tries += 1
        self.reached.set()
        await self.open.wait()
        if self.error is not None:
            raise self.error
        await self._write(batch)


def archive_of(house: House) -> Archive:
    """The archive of a house that has one."""
    assert house.archive is not None
    return house.archive


async def settled(house: House) -> None:
    """Wait until everything is on disk."""
    await archive_of(house).settled(None)


def crashed(folder: Path, to: Path) -> Path:
    """What a crash of the machine right now would leave of the archive, in another folder."""
    to.mkdir()
    for path in folder.glob(f"{ARCHIVE_NAME}*"):
        shutil.copyfile(path, to / path.name)
    return to


async def picture(house: House) -> dict[str, Any]:
    """Everything that a restart must bring back."""
    return {sandbox.id: await portrait(sandbox) for sandbox in house.all()}


async def portrait(sandbox: Sandbox) -> dict[str, Any]:
    """Everything that a restart must bring back of a sandbox."""
    root = sandbox.root
    return {
        "name": sandbox.name,
        "origin": sandbox.origin,
        "origin_image": data_hash(sandbox.origin_image.data),
        "seed": (sandbox.seed, root.seed),
        "expires_at": sandbox.expires_at,
        "generation": root.generation,
        "write_number": root.write_number,
        "clock": (root.clock.base, root.clock.mode, root.clock.rate, root.clock.anchor),
        "born_at": root.born_at,
        "requests": root.request_ids.counts,
        "digest": await root.digest(),
        "snapshots": [_moment(snapshot) for snapshot in sandbox.snapshots.values()],
    }


def _moment(snapshot: Snapshot) -> tuple[Any, ...]:
    facts = structs.replace(snapshot.image.facts, digest="")
    return *structs.astuple(structs.replace(snapshot, image=None)), data_hash(snapshot.image.data), facts


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    """Rows of the archive file as they are on disk."""
    with closing(sqlite3.connect(folder / ARCHIVE_NAME)) as db:
        return db.execute(query).fetchall()


def change(folder: Path, statement: str, *values: object) -> None:
    """Change the archive file past the program."""
    with closing(sqlite3.connect(folder / ARCHIVE_NAME)) as db, db:
        assert db.execute(statement, values).rowcount != 0
