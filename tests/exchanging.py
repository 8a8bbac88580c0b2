"""Banks to files and back, below HTTP."""

import json
import tempfile
from pathlib import Path

import sqlalchemy as sa
from support import VIRTUAL, copy_of_tiny, edit

from sandbox.bank.record_lists import Baseline, read_collections
from sandbox.core.clock import Instant
from sandbox.sandboxes.compiling import compile_files, compile_image
from sandbox.sandboxes.image import Image
from sandbox.sandboxes.memory import on_copy
from sandbox.sandboxes.root import StateRoot
from sandbox.store.export import digest, export_files
from sandbox.store.reading import Manifest
from sandbox.store.records import ALL_COLLECTIONS
from sandbox.store.zips import unzipped, zipped

EXTRAS = {"branches": [{"id": "b1", "rate": 1.5}, 7, None], "empty": [], "rates": {"USD": 3.26}, "nothing": None}

_images: list[Image] = []


def seeded_image() -> Image:
    """`seeds/tiny` with fields and collections that the bank does not know."""
    if not _images:
        with tempfile.TemporaryDirectory() as home:
            folder = copy_of_tiny(Path(home) / "tiny")
            for name in ("customers", "transactions", "accounts"):
                edit(folder, name, lambda rows: rows[1].update(zz={"deep": [1, 2.50, None]}, zz_note="نص"))
            for name, value in EXTRAS.items():
                (folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
            _images.append(compile_image(folder, VIRTUAL))
    return _images[0]


def exported(root: StateRoot) -> bytes:
    """The zip of a bank."""
    facts = root.image.facts
    manifest = Manifest(name=facts.ecosystem, title=facts.title, as_of=Instant(0), seed=root.seed, logins=facts.logins)
    return zipped(on_copy(root.data, lambda db: export_files(db, manifest)))


def imported(raw: bytes) -> StateRoot:
    """The bank of a zip."""
    image = compile_files("test", unzipped(raw, most_bytes=2**26), VIRTUAL)
    return StateRoot(image, rules=VIRTUAL, seed=image.facts.seed, generation=2)


def digest_of(root: StateRoot) -> str:
    """The digest of a bank: by its definition, and the same by what has changed since the clean image.

    So are its records, as the data plane lists them.
    """
    return on_copy(root.data, lambda db: digest_both_ways(db, root.image))


def digest_both_ways(db: sa.Connection, image: Image) -> str:
    """The same of any bank that came from `image`, on a private connection."""
    whole = digest(db)
    assert image.digest_of(db) == whole
    names = list(ALL_COLLECTIONS)
    assert Baseline(image.clean.data).read_collections(db, names=names) == read_collections(db, names=names)
    return whole
