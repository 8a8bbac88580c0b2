"""Reading an archive at start: sandboxes go on where they stood, asleep, with their snapshots.

They keep the images that they stand on. Only what a reset goes back to follows the ecosystem of the server: where its
files, or the time it is opened at, have changed since, sandboxes that were made from it are reset to what it is now.
"""

import itertools
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
import zstandard
from msgspec import structs

from sandbox.core.clock import Instant, wall_time
from sandbox.sandboxes import archive_tables as tables
from sandbox.sandboxes.archive_batch import Held, HeldSandbox, Marks, data_hash, page_mark
from sandbox.sandboxes.archive_file import damaged
from sandbox.sandboxes.house import DEFAULT, House
from sandbox.sandboxes.image import Image, ImageFacts
from sandbox.sandboxes.lives import Lives
from sandbox.sandboxes.sandbox import Sandbox, Snapshot
from sandbox.sandboxes.standing import Standing, resumed
from sandbox.store.pages import DeltaError, Pages, pack_pages, unpack_pages

_Row = Any


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive brought back, and what there is to say of it."""

    sandboxes: int = 0
    snapshots: int = 0
    notes: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    """Sandboxes that the archive holds, and whose time was over."""


def read_archive(db: sa.Connection, house: House, place: Path) -> tuple[Held, Restored]:
    """Have `house` take in all sandboxes of an archive.

    Returns:
        What the archive holds, for the writer; what was brought back.

    Raises:
        ArchiveError: its bytes are not what was written.
    """
    try:
        return _Reader(db, house).read()
    except (zstandard.ZstdError, MemoryError, msgspec.DecodeError, KeyError, _DamagedError) as error:
        raise damaged(place, str(error) or "a row") from None


class _DamagedError(Exception):
    """Bytes are not what was written; the message says which."""


class _Reader:
    """Reads one archive."""

    def __init__(self, db: sa.Connection, house: House) -> None:
        self._db = db
        self._house = house
        self._unpacker = zstandard.ZstdDecompressor()
        self._held = Held()
        self._images: dict[int, Image] = {}

    def read(self) -> tuple[Held, Restored]:
        held = self._held
        held.about = dict(self._rows(tables.about)[0]._mapping)  # noqa: SLF001 - the public name of it
        opened = data_hash(self._house.opened.data)
        # An archive that was never written to knows of no image that a server was opened on.
        changed = held.about["opened"] not in {b"", opened}
        self._read_images(self._read_bases(), opened)
        pages = self._pages()
        snapshots = self._snapshots()
        sandboxes: list[Sandbox] = []
        gone: list[str] = []
        for row in self._rows(tables.sandbox):
            marks, found = pages.get(row.key, ({}, {}))
            entry = HeldSandbox(row.key, dict(row._mapping), None, marks, snapshots.get(row.key, {}))  # noqa: SLF001
            held.sandboxes[row.id] = entry
            if row.expires_at is not None and row.expires_at <= wall_time():
                gone.append(row.id)
                continue
            sandboxes.append(self._sandbox(row, entry, found, changed=changed))
        self._house.take_in(sandboxes, named=held.about["named"])
        held.last_key = max((self._last_key(table) for table in tables.metadata.sorted_tables), default=0)
        return held, Restored(
            sandboxes=len(sandboxes),
            snapshots=sum(len(sandbox.snapshots) for sandbox in sandboxes),
            notes=tuple(_notes(sandboxes, self._house.shelf.name, changed=changed)),
            gone=tuple(gone),
        )

    def _rows(self, table: sa.Table) -> list[_Row]:
        return list(self._db.execute(sa.select(table).order_by(*table.primary_key.columns)))

    def _last_key(self, table: sa.Table) -> int:
        if "key" not in table.c:
            return 0
        return int(self._db.scalar(sa.select(sa.func.max(table.c.key))) or 0)

    def _read_bases(self) -> dict[int, tuple[bytes, bytes]]:
        """Hash and bytes of every clean database, by key."""
        found = {}
        for row in self._rows(tables.base):
            data = self._unpacker.decompress(row.bytes)
            if data_hash(data) != row.hash:
                raise _DamagedError(f"image {row.key}")
            found[row.key] = row.hash, data
            self._held.bases[row.hash] = row.key
        return found

    def _read_images(self, bases: dict[int, tuple[bytes, bytes]], opened: bytes) -> None:
        rows = self._rows(tables.image)
        # The clean ones first: the others name them.
        for row in sorted(rows, key=lambda row: (row.clean is not None, row.key)):
            facts = msgspec.json.decode(row.facts, type=ImageFacts)
            if row.clean is not None:
                image = Image(None, facts, clean=self._images[row.clean], delta=_whole_delta(row))
            else:
                image = self._clean_image(*bases[row.base], facts, opened)
                if image.folder is None and row.folder is not None and Path(row.folder).is_dir():
                    image.folder = Path(row.folder)
            self._images[row.key] = image
            self._held.images[id(image)] = image, row.key

    def _clean_image(self, digest: bytes, data: bytes, facts: ImageFacts, opened: bytes) -> Image:
        """The image that the server was opened on where it is the same: it has a reader and copies ready."""
        here = self._house.opened
        if digest == opened and structs.replace(facts, digest="") == structs.replace(here.facts, digest=""):
            return here
        return Image(data, facts, warm_copies=self._house.settings.warm_copies)

    def _pages(self) -> dict[int, tuple[Marks, Pages]]:
        """Pages and their marks by the key of the sandbox."""
        found: dict[int, tuple[Marks, Pages]] = {}
        for key, rows in itertools.groupby(self._rows(tables.page), key=lambda row: row.sandbox):
            pages = {row.place: self._unpacker.decompress(row.bytes) for row in rows}
            found[key] = {place: page_mark(bytes_) for place, bytes_ in pages.items()}, pages
        return found

    def _snapshots(self) -> dict[int, dict[str, Snapshot]]:
        found: dict[int, dict[str, Snapshot]] = {}
        for row in self._rows(tables.snapshot):
            lives = msgspec.json.decode(row.lives, type=Lives)
            made = Snapshot(row.name, self._images[row.image], row.seed, row.mode, row.rate, lives)
            found.setdefault(row.sandbox, {})[row.name] = made
        return found

    def _sandbox(self, row: _Row, entry: HeldSandbox, pages: Pages, *, changed: bool) -> Sandbox:
        standing = msgspec.json.decode(row.standing, type=Standing)
        image = self._images[row.image]
        delta = None if row.size is None else pack_pages(row.size, pages)
        entry.root = root = resumed(image, standing, delta, rules=self._house.settings)
        expires_at = None if row.expires_at is None else Instant(row.expires_at)
        made = Sandbox(row.id, name=row.name, origin=row.origin, root=root, expires_at=expires_at)
        made.seed = row.seed
        made.snapshots = dict(entry.snapshots)
        stays = not changed or row.origin != f"ecosystem:{self._house.shelf.name}"
        made.origin_image = self._images[row.origin_image] if stays else self._house.opened
        return made


def _whole_delta(row: _Row) -> bytes:
    """The pages of an image of a later moment, seen to be what was written: nobody reads them before a restore."""
    try:
        unpack_pages(row.delta or b"")
    except DeltaError:
        raise _DamagedError(f"image {row.key}") from None
    return bytes(row.delta)


def _notes(sandboxes: list[Sandbox], name: str, *, changed: bool) -> list[str]:
    """What somebody who looks for the ecosystem of the settings in `default` has to know."""
    default = next((sandbox for sandbox in sandboxes if sandbox.id == DEFAULT), None)
    if default is None:
        return []
    if default.origin.startswith("ecosystem:") and default.origin != f"ecosystem:{name}":
        body = f'{{"ecosystem": "{name}"}}'
        return [f"default goes on as the bank of {default.origin}; POST /_sandbox/reset with {body} goes to {name}"]
    if changed and default.origin == f"ecosystem:{name}":
        other = f"ecosystem:{name} has changed since (its files, or --as-of)"
        return [f"default goes on from the archive; {other}, and POST /_sandbox/reset goes to it as it is now"]
    return []
