"""What the archive holds, and the rows that lead from there to what the sandboxes are now.

Nothing here touches the disk. A batch is gathered, written by the archive in one transaction, and only then counts as
held; when the write fails it is thrown away, and the next one starts from what was held before.
"""

import hashlib
from typing import Any

import msgspec
import zstandard

from sandbox.core.clock import Instant
from sandbox.sandboxes.image import Image
from sandbox.sandboxes.root import StateRoot
from sandbox.sandboxes.sandbox import Sandbox, Snapshot
from sandbox.sandboxes.standing import Standing, standing_of
from sandbox.store.pages import Pages, changed_pages

_LEVEL = 1

Row = dict[str, Any]
Marks = dict[int, bytes]
"""Pages by their offset: the hash of each, to tell whether it has changed."""


class HeldSandbox(msgspec.Struct):
    """What the archive holds of one sandbox."""

    key: int
    row: Row
    root: StateRoot | None
    marks: Marks
    snapshots: dict[str, Snapshot]

    def knows(self, root: StateRoot, standing: Standing) -> bool:
        """Whether the data of `root` are held as they stand there."""
        held = msgspec.json.decode(self.row["standing"], type=Standing)
        return self.root is root and held.write_number == standing.write_number


class Held:
    """What the archive holds, as far as the next batch must know it."""

    def __init__(self) -> None:
        self.bases: dict[bytes, int] = {}
        """By the hash of the bytes."""
        self.images: dict[int, tuple[Image, int]] = {}
        """By the identity of the image, which lives as long as it stands here."""
        self.sandboxes: dict[str, HeldSandbox] = {}
        self.about: Row = {}
        self.last_key = 0

    def next_key(self) -> int:
        """A key that no row has had."""
        self.last_key += 1
        return self.last_key

    def nothing(self) -> None:
        """Nobody knows what the archive holds: it has to be written from nothing."""
        self.bases, self.images, self.sandboxes = {}, {}, {}

    def forget(self, image_keys: set[int], base_keys: set[int]) -> None:
        """These rows were taken away."""
        self.images = {mark: pair for mark, pair in self.images.items() if pair[1] not in image_keys}
        self.bases = {digest: key for digest, key in self.bases.items() if key not in base_keys}


class Moment(msgspec.Struct, frozen=True):
    """A sandbox at one moment, taken on the event loop; what takes longer is done with it elsewhere."""

    sandbox_id: str
    name: str | None
    origin: str
    origin_image: Image
    seed: int
    expires_at: Instant | None
    snapshots: dict[str, Snapshot]
    root: StateRoot
    image: Image
    standing: Standing
    data: bytes | None
    """The whole database; None where it is the image's, or held already."""
    held: bool
    """Whether the data are held as they are."""


def moment_of(sandbox: Sandbox, held: HeldSandbox | None) -> Moment:
    """A sandbox as it is now. It sleeps on, if it does."""
    root = sandbox.root
    assert not root.retired, "a retired root is nobody's state"
    standing = standing_of(root)
    known = held is not None and held.knows(root, standing)
    written = standing.write_number != root.image.facts.write_number
    return Moment(
        sandbox_id=sandbox.id,
        name=sandbox.name,
        origin=sandbox.origin,
        origin_image=sandbox.origin_image,
        seed=sandbox.seed,
        expires_at=sandbox.expires_at,
        snapshots=dict(sandbox.snapshots),
        root=root,
        image=root.image,
        standing=standing,
        data=root.data if written and not known else None,
        held=known,
    )


class Batch:
    """The rows to write and to delete, in one transaction."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self._packer = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        self._bases: dict[bytes, int] = {}
        self._images: dict[int, tuple[Image, int]] = {}
        self._sandboxes: dict[str, HeldSandbox | None] = {}
        self.about: Row | None = None
        self.bases: list[Row] = []
        self.images: list[Row] = []
        self.sandboxes: list[Row] = []
        self.pages: list[Row] = []
        self.snapshots: list[Row] = []
        self.gone_sandboxes: list[Row] = []
        self.gone_pages: list[Row] = []
        self.gone_snapshots: list[Row] = []
        self.frees_images = False
        """Whether something no longer names an image that it named before."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        rows = (self.sandboxes, self.pages, self.snapshots, self.gone_sandboxes, self.gone_pages, self.gone_snapshots)
        return self.about is None and not any(rows)

    def remove(self, sandbox_id: str) -> None:
        """The sandbox is gone."""
        held = self._held.sandboxes.get(sandbox_id)
        if held is not None:
            self.gone_sandboxes.append({"of_sandbox": held.key})
            self.frees_images = True
        self._sandboxes[sandbox_id] = None

    def add(self, moment: Moment) -> None:
        """The sandbox is as it was in that moment."""
        held = self._held.sandboxes.get(moment.sandbox_id)
        key = self._held.next_key() if held is None else held.key
        marks, size = self._changed_pages(key, moment, held)
        row = {
            "key": key,
            "id": moment.sandbox_id,
            "name": moment.name,
            "origin": moment.origin,
            "origin_image": self._image(moment.origin_image),
            "seed": moment.seed,
            "expires_at": moment.expires_at,
            "image": self._image(moment.image),
            "standing": msgspec.json.encode(moment.standing),
            "size": size,
        }
        if held is None or held.row != row:
            self.sandboxes.append(row)
        if held is not None and (held.row["image"], held.row["origin_image"]) != (row["image"], row["origin_image"]):
            self.frees_images = True
        self._changed_snapshots(key, moment.snapshots, {} if held is None else held.snapshots)
        self._sandboxes[moment.sandbox_id] = HeldSandbox(key, row, moment.root, marks, moment.snapshots)

    def state(self, about: Row) -> None:
        """What is to be said of the house as a whole."""
        if about != self._held.about:
            self.about = about

    def written(self) -> None:
        """It has been written: this is what the archive holds now."""
        held = self._held
        held.bases |= self._bases
        held.images |= self._images
        for sandbox_id, sandbox in self._sandboxes.items():
            if sandbox is None:
                held.sandboxes.pop(sandbox_id, None)
            else:
                held.sandboxes[sandbox_id] = sandbox
        held.about = self.about or held.about

    def _changed_pages(self, key: int, moment: Moment, held: HeldSandbox | None) -> tuple[Marks, int | None]:
        """Gather the pages that are not held yet and those that must go; the marks of all, and the whole size."""
        before = {} if held is None else held.marks
        if held is not None and moment.held:
            return before, held.row["size"]
        now: Pages = {} if moment.data is None else changed_pages(moment.image.clean.data, moment.data)
        marks = {place: page_mark(bytes_) for place, bytes_ in now.items()}
        self.pages += [
            {"sandbox": key, "place": place, "bytes": self._packer.compress(bytes_)}
            for place, bytes_ in now.items()
            if before.get(place) != marks[place]
        ]
        self.gone_pages += [{"of_sandbox": key, "at_place": place} for place in before if place not in marks]
        return marks, None if moment.data is None else len(moment.data)

    def _changed_snapshots(self, key: int, now: dict[str, Snapshot], before: dict[str, Snapshot]) -> None:
        for name, snapshot in before.items():
            if now.get(name) is not snapshot:
                self.gone_snapshots.append({"of_sandbox": key, "of_name": name})
                self.frees_images = True
        for name, snapshot in now.items():
            if before.get(name) is not snapshot:
                row = {"key": self._held.next_key(), "sandbox": key, "name": name, "image": self._image(snapshot.image)}
                row |= {"seed": snapshot.seed, "mode": snapshot.mode, "rate": snapshot.rate}
                self.snapshots.append(row | {"lives": msgspec.json.encode(snapshot.lives)})

    def _image(self, image: Image) -> int:
        """The key of an image, which is added where it is not held."""
        known = self._held.images.get(id(image)) or self._images.get(id(image))
        if known is not None:
            return known[1]
        clean = image.clean
        row: Row = {"base": None, "clean": None, "delta": image.delta}
        if image is clean:
            row["base"] = self._base(image.data)
        else:
            row["clean"] = self._image(clean)
        row["key"] = self._held.next_key()
        row["facts"] = msgspec.json.encode(image.facts)
        row["folder"] = None if image.folder is None else str(image.folder)
        self.images.append(row)
        self._images[id(image)] = image, row["key"]
        return int(row["key"])

    def _base(self, data: bytes) -> int:
        digest = data_hash(data)
        known = self._held.bases.get(digest) or self._bases.get(digest)
        if known is None:
            known = self._bases[digest] = self._held.next_key()
            self.bases.append({"key": known, "hash": digest, "bytes": self._packer.compress(data)})
        return known


def data_hash(data: bytes) -> bytes:
    """The hash by which a whole database is known."""
    return hashlib.sha256(data).digest()


def page_mark(page: bytes) -> bytes:
    """The hash by which a page is known."""
    return hashlib.blake2b(page, digest_size=16).digest()
