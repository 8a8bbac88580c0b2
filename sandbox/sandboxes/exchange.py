"""A sandbox's state as a zip of files, an image made of such a zip, and what lies between two moments."""

import asyncio
from collections.abc import Mapping
from functools import partial

import sqlalchemy as sa

from sandbox.core.clock import Instant
from sandbox.core.errors import Fault
from sandbox.core.sandbox_errors import EcosystemInvalidError, ZipInvalidError
from sandbox.core.settings import Settings
from sandbox.sandboxes.compiling import compile_files
from sandbox.sandboxes.image import Image
from sandbox.sandboxes.memory import on_copy
from sandbox.sandboxes.root import StateRoot
from sandbox.sandboxes.sandbox import Sandbox
from sandbox.store.diff import CollectionDiff, contents, difference
from sandbox.store.export import export_files
from sandbox.store.reading import EcosystemError, Failure, Manifest
from sandbox.store.zips import ZipError, unzipped, zipped

SEED, NOW = "seed", "now"
"""The moments that every sandbox has: what it was made from, and the present."""

_UPLOAD = "zip"
UNPACKED_TIMES = 16
"""How much larger than the largest zip its files may be: JSON packs to about a tenth."""
_UNPACKED_TIMES_ITS_OWN = 100
_UNPACKED_ANYWAY_BYTES = 1_000_000
"""How much larger than itself a zip's files may be: records of one kind, all alike, pack to about a hundredth."""
FAULTS_SHOWN = 200


async def export_zip(root: StateRoot) -> bytes:
    """The present state as a zip of an ecosystem's files; equal states are equal bytes."""
    root.settle()
    facts = root.image.facts
    # Business time and write number are put in where the copy is read.
    manifest = Manifest(name=facts.ecosystem, title=facts.title, as_of=Instant(0), seed=root.seed, logins=facts.logins)
    return await root.inspect(partial(_packed, manifest=manifest))


def files_of_zip(raw: bytes, settings: Settings) -> dict[str, bytes]:
    """The files in a zip, by name. It takes a while: not for the event loop.

    Raises:
        ZipInvalidError: it is no zip of files, or too much would come out of it.
    """
    most = min(UNPACKED_TIMES * settings.max_import_bytes, _UNPACKED_TIMES_ITS_OWN * len(raw) + _UNPACKED_ANYWAY_BYTES)
    try:
        return unzipped(raw, most_bytes=most)
    except ZipError as error:
        raise ZipInvalidError(f"The zip cannot be read: {error}.") from None


def image_of_files(files: Mapping[str, bytes], settings: Settings) -> Image:
    """The image of an ecosystem's files, by name. It takes a while: not for the event loop.

    Raises:
        EcosystemInvalidError: the files break a rule; every fault is named.
    """
    try:
        return compile_files(_UPLOAD, files, settings)
    except EcosystemError as error:
        first = "; ".join(str(failure) for failure in error.failures[:3])
        refusal = EcosystemInvalidError(f"The {error}: {first}.")
        refusal.faults = tuple(_fault(failure) for failure in error.failures[:FAULTS_SHOWN])
        raise refusal from None


def moment(sandbox: Sandbox, name: str) -> bytes:
    """The database of a sandbox at `seed`, `now` or a snapshot. What is due by now is done first.

    Raises:
        SnapshotUnknownError: it is neither `seed` nor `now`, and no snapshot has that name.
    """
    if name == NOW:
        sandbox.root.settle()
        return sandbox.root.data
    return sandbox.origin_image.data if name == SEED else sandbox.snapshot(name).image.data


async def changes(before: bytes, after: bytes) -> dict[str, CollectionDiff]:
    """The collections that differ between two databases, and how."""
    return await asyncio.to_thread(_difference, before, after)


def _packed(db: sa.Connection, *, manifest: Manifest) -> bytes:
    return zipped(export_files(db, manifest))


def _difference(before: bytes, after: bytes) -> dict[str, CollectionDiff]:
    return difference(on_copy(before, contents), on_copy(after, contents))


def _fault(failure: Failure) -> Fault:
    place = " ".join(part for part in (failure.file, failure.record, failure.field) if part)
    return Fault(place, "invalid", failure.message)
