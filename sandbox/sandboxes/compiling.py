"""Compiling an ecosystem into an image, and the cache of compiled images on disk.

A cached image is found by the bytes of the ecosystem's files and everything else that shapes it: the settings that
enter it, this package's code, the SQLite library. It is written beside its place and renamed, so that nobody reads
half of one.
"""

import contextlib
import gc
import hashlib
import os
import sqlite3
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec import structs

from sandbox import __version__
from sandbox.bank.bulk import open_chart, post_history
from sandbox.bank.chart import FIRST_CUSTOMER_KEY
from sandbox.core.ids import seed_key
from sandbox.core.passwords import hash_password, readable
from sandbox.core.settings import Settings, cache_folder
from sandbox.sandboxes.image import Image, ImageFacts, Kept
from sandbox.sandboxes.rebuilding import Generator, RebuildError, rebuilt
from sandbox.store.ecosystem import Ecosystem, fingerprint, load, load_files
from sandbox.store.engine import connect, create_schema, disconnect, driver, pack, serialize
from sandbox.store.export import digest
from sandbox.store.filling import clock_base, fill
from sandbox.store.reading import EcosystemError, Manifest, RawEcosystem
from sandbox.store.shifting import shifted

_MAGIC = b"SANDBANK-IMAGE-1"
_HEAD = struct.Struct(">16sII")
_PACKAGE = Path(__file__).resolve().parent.parent
_CACHED_AT_MOST = 24
_CACHED_BYTES_AT_MOST = 2 * 2**30
_UNUSABLE = "!"
"""Stands where a user has no password at all; it matches nothing."""


def open_image(folder: Path, settings: Settings, *, weeks: int = 0) -> Image:
    """The image of the ecosystem in `folder`: from the cache, or compiled and put there.

    `weeks` moves its data in time by so many weeks.

    Raises:
        EcosystemError: the folder breaks a rule; every fault is named.
    """
    image = _cached(folder, settings, ("weeks", weeks), lambda: compile_image(folder, settings, weeks=weeks))
    image.folder = folder
    return image


def open_rebuilt(folder: Path, manifest: Manifest, settings: Settings, *, hours: int, generator: Generator) -> Image:
    """The image of an ecosystem made anew for so many hours later: from the cache, or made, compiled and put there.

    `manifest` is that of `folder`, which is what the generator made (`rebuilding.untouched`).

    Raises:
        RebuildError: it cannot be made for that time.
    """

    def make() -> Image:
        with rebuilt(manifest, hours=hours, generator=generator) as made:
            try:
                return compile_image(made, settings)
            except EcosystemError as error:
                raise RebuildError(f"what was built has faults: {error.failures[0]}") from None

    image = _cached(folder, settings, ("hours", hours, *_code_marks("synth", "synth/data")), make)
    image.folder = folder
    return image


def _cached(folder: Path, settings: Settings, moved: tuple[str | int, ...], make: Callable[[], Image]) -> Image:
    """What `make` makes of a folder, unless the cache has it; `moved` says to when its data were moved, and how."""
    if not settings.image_cache:
        return make()
    try:
        place = _cache_place(folder, settings, moved)
    except (OSError, RuntimeError):  # a file that cannot be read, which compiling will name; or no home to cache in
        return make()
    cached = _read_cached(place, settings)
    if cached is not None:
        cached.kept = Kept(place, found=True)
        return cached
    image = make()
    with contextlib.suppress(OSError):  # a cache that cannot be written only costs time
        _write_cached(place, image)
        image.kept = Kept(place, found=False)
        _prune(place.parent)
    return image


def compile_image(folder: Path, settings: Settings, *, weeks: int = 0) -> Image:
    """Validate, post to the ledger, index and serialise.

    Raises:
        EcosystemError: the folder breaks a rule; every fault is named.
    """
    with _no_collector():
        ecosystem = load(folder, default_password=settings.default_password is not None)
        return _compiled(structs.replace(ecosystem, raw=shifted(ecosystem.raw, weeks)), settings)


def compile_files(name: str, files: Mapping[str, bytes], settings: Settings) -> Image:
    """The same for files in memory, by file name, with no cache; `name` says in messages what they are.

    Raises:
        EcosystemError: the files break a rule; every fault is named.
    """
    with _no_collector():
        return _compiled(load_files(name, files, default_password=settings.default_password is not None), settings)


@contextlib.contextmanager
def _no_collector() -> Iterator[None]:
    """Without the garbage collector, which took a tenth of the time: the millions of rows hold no cycles."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _compiled(ecosystem: Ecosystem, settings: Settings) -> Image:
    manifest = ecosystem.raw.manifest
    _hash_secrets(ecosystem.raw, settings)
    db = connect()
    try:
        create_schema(db)
        run = driver(db).execute
        run("BEGIN IMMEDIATE")
        open_chart(db, as_of=manifest.as_of)
        keys = fill(db, ecosystem.raw, first_account_key=FIRST_CUSTOMER_KEY)
        post_history(db, ecosystem.raw.rows, keys, as_of=manifest.as_of, hold_days=settings.hold_days)
        run("COMMIT")
        db.rollback()
        pack(db)
        facts = ImageFacts(
            ecosystem=manifest.name,
            title=manifest.title or manifest.name,
            digest=digest(db),
            seed=manifest.seed,
            write_number=manifest.writes or 0,
            clock_base=clock_base(manifest),
            logins=manifest.logins,
            warnings=_warnings(ecosystem),
        )
        db.rollback()
        return Image(serialize(db), facts, warm_copies=settings.warm_copies)
    finally:
        disconnect(db)


def _warnings(ecosystem: Ecosystem) -> tuple[str, ...]:
    return tuple(str(warning) for warning in ecosystem.warnings)


def _hash_secrets(raw: RawEcosystem, settings: Settings) -> None:
    """Turn plain passwords and PINs into hashes, and give the default password to users nobody could sign in as."""
    key = seed_key(raw.manifest.seed)
    names = {row["user_id"]: row["username"] for row in raw.rows["auth_users"]}
    for row in raw.rows["credentials"]:
        password, pin = row.pop("password"), row.pop("pin")
        stored = row["password_hash"]
        if password is None and (stored is None or not readable(stored)):
            password = settings.default_password
        for secret, field in ((password, "password_hash"), (pin, "pin_hash")):
            if secret is not None:
                name = f"{names[row['user_id']]}:{field}"
                row[field] = hash_password(secret, seed_key=key, username=name, version=0, cost=settings.password_cost)
        if row["password_hash"] is None:
            row["password_hash"] = _UNUSABLE


def _cache_place(folder: Path, settings: Settings, moved: tuple[str | int, ...]) -> Path:
    shaping = (
        fingerprint(folder),
        *moved,
        settings.password_cost,
        settings.default_password,
        settings.hold_days,
        folder.name,
        __version__,
        sqlite3.sqlite_version,
        *_code_marks("core", "store", "bank", "sandboxes"),
    )
    key = hashlib.sha256(msgspec.json.encode(shaping)).hexdigest()
    home = cache_folder(settings, environ=os.environ, home=Path.home, windows=os.name == "nt")
    return home / "images" / f"{folder.name}-{key[:24]}.image"


def _code_marks(*rooms: str) -> list[str]:
    """Checksums of the files that shape an image, so that changed code is not served an old image.

    Not their times: the layers of a container and the caches of CI keep those only to the second, or not at all.
    """
    return [
        f"{room}/{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for room in rooms
        for path in sorted((_PACKAGE / room).glob("*.*"))
    ]


def _read_cached(place: Path, settings: Settings) -> Image | None:
    """The cached image, or None where there is none or its bytes are not what was written."""
    try:
        raw = place.read_bytes()
        magic, size, checksum = _HEAD.unpack_from(raw)
        body = raw[_HEAD.size :]
        if magic != _MAGIC or zlib.crc32(body) != checksum:
            return None
        facts = msgspec.json.decode(body[:size], type=ImageFacts)
        with contextlib.suppress(OSError):  # a cache that may only be read
            os.utime(place)
    except (OSError, struct.error, msgspec.DecodeError):
        return None
    return Image(body[size:], facts, warm_copies=settings.warm_copies)


def _prune(home: Path) -> None:
    """Keep the images used last: those of changed folders and older code are never asked for again."""
    newest_first = sorted(home.glob("*.image"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    held = 0
    for place, path in enumerate(newest_first):
        held += path.stat().st_size
        if place >= _CACHED_AT_MOST or (place > 0 and held > _CACHED_BYTES_AT_MOST):
            path.unlink(missing_ok=True)


def _write_cached(place: Path, image: Image) -> None:
    facts = msgspec.json.encode(image.facts)
    body = facts + image.data
    place.parent.mkdir(parents=True, exist_ok=True)
    half = place.with_suffix(f".{os.getpid()}.half")
    try:
        half.write_bytes(_HEAD.pack(_MAGIC, len(facts), zlib.crc32(body)) + body)
        half.replace(place)
    except BaseException:
        half.unlink(missing_ok=True)
        raise
