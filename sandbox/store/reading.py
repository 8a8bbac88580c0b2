"""Reading an ecosystem's files: into rows of plain values, every fault named by file, record and field.

A row is a dict of a collection's fields in their inner form (fils, instants, enumeration values), with fields that
the collection does not know under `extra`. What the values must mean to each other is `checking`'s business.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from sandbox.core.clock import Instant, format_instant, parse_instant
from sandbox.core.jsontext import JsonError, NotAnArrayError, decode_items, decode_json
from sandbox.store.fields import Row, RowReader, identifier, instant, text
from sandbox.store.recipe import StatedRecipe, recipe_of
from sandbox.store.records import ALL_COLLECTIONS, Collection

MANIFEST = "ecosystem.json"
_MANIFEST_STEM = "ecosystem"

EARLIEST, LATEST = parse_instant("1970-01-01T00:00:00Z"), parse_instant("9000-01-01T00:00:00Z")
"""Between these a bank may stand."""

_WRITES_LIMIT = 2**40
"""Business time is counted from `as_of` less a millisecond a write: it must not leave the calendar."""


class Failure(msgspec.Struct, frozen=True):
    """One thing wrong in an ecosystem."""

    file: str
    record: str
    field: str
    message: str

    def __str__(self) -> str:
        """One line for people."""
        place = " ".join(part for part in (self.file, self.record, self.field) if part)
        return f"{place}: {self.message}" if place else self.message


class EcosystemError(ValueError):
    """The folder is no valid ecosystem; `failures` holds every reason, `warnings` what is odd besides."""

    def __init__(self, folder: str, failures: list[Failure], warnings: list[Failure] | None = None) -> None:
        count = "1 fault" if len(failures) == 1 else f"{len(failures)} faults"
        super().__init__(f"{folder} has {count}")
        self.folder = folder
        self.failures = failures
        self.warnings = warnings or []


class Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A demo login of the manifest."""

    username: str
    password: str
    note: str = ""


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`ecosystem.json`: what the ecosystem is, and the instant at which its data stand.

    `writes` is there in exports alone: the write number, from which ids and business time go on. `recipe` is there in
    what the generator made alone: an export has none, since a bank that ran is no longer what was made.
    """

    name: str
    title: str = ""
    as_of: Instant
    seed: int = 0
    writes: int | None = None
    logins: tuple[Login, ...] = ()
    recipe: StatedRecipe | None = None

    @property
    def lived(self) -> bool:
        """Whether the data are those of a bank that ran: some rules hold only before that."""
        return self.writes is not None


class File(NamedTuple):
    """A file of an ecosystem, wherever it lies; `read` may raise OSError."""

    name: str
    read: Callable[[], bytes]

    @property
    def stem(self) -> str:
        """The name without its last suffix: that of the collection."""
        return self.name.rpartition(".")[0]


class RawEcosystem(msgspec.Struct, frozen=True):
    """What the files say: rows of the known collections, other collections as they are.

    A row also carries its `position` in its file. `unread` has the identifiers of records that could not be read, by
    collection; None stands for a collection of which nothing is known.
    """

    manifest: Manifest
    rows: dict[str, list[Row]]
    others: dict[str, Any]
    files: dict[str, str]
    unread: dict[str, frozenset[str] | None]


def read_folder(folder: Path) -> RawEcosystem:
    """Read every collection of `folder`.

    Raises:
        EcosystemError: with every fault found; nothing half-read is returned.
    """
    raw, failures = survey(folder)
    if failures:
        raise EcosystemError(str(folder), failures)
    return raw


def stated_manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder, without a look at its collections; None where there is none, or a faulty one."""
    path = folder / MANIFEST
    return _stated_manifest(File(MANIFEST, path.read_bytes), [])


def survey(folder: Path) -> tuple[RawEcosystem, list[Failure]]:
    """Read what can be read of `folder`, and name what cannot: so that one fault does not hide the next.

    Raises:
        EcosystemError: there is no such folder.
    """
    if not folder.is_dir():
        raise EcosystemError(str(folder), [Failure("", "", "", "there is no such folder")])
    files = [File(path.name, path.read_bytes) for path in sorted(folder.iterdir()) if path.is_file()]
    return _survey(folder.name, files)


def survey_files(name: str, files: Mapping[str, bytes]) -> tuple[RawEcosystem, list[Failure]]:
    """The same for files in memory, by file name; `name` stands for the folder's."""
    made = [File(file, lambda raw=raw: raw) for file, raw in sorted(files.items())]  # type: ignore[misc]
    return _survey(name, made)


def _survey(name: str, files: list[File]) -> tuple[RawEcosystem, list[Failure]]:
    failures: list[Failure] = []
    found = _collection_files(files, failures)
    rows: dict[str, list[Row]] = {known: [] for known in ALL_COLLECTIONS}
    names = {collection: file.name for collection, file in found.items()}
    raw = RawEcosystem(Manifest(name=name, as_of=Instant(0)), rows, {}, names, {})
    for collection, file in found.items():
        if collection in ALL_COLLECTIONS:
            raw.rows[collection], raw.unread[collection] = _read_rows(ALL_COLLECTIONS[collection], file, failures)
        else:
            raw.others[collection] = _read_values(file, failures)
    if not found:
        failures.append(Failure("", "", "", "the folder holds no collection such as customers.json"))
    stated = next((file for file in files if file.name == MANIFEST), None)
    return msgspec.structs.replace(raw, manifest=_read_manifest(name, stated, raw.rows, failures)), failures


def derived_reversal_text(description: str | None, merchant: str | None) -> str:
    """What the statement says of a movement taken back, unless its record says so itself."""
    return f"Reversal: {description or merchant or 'movement'}"


def record_label(collection: Collection, position: int, row: Row) -> str:
    """How a record is named in a message: its place, and its identifier where it has one."""
    key = row.get(collection.key)
    return f"[{position}] {key}" if isinstance(key, str) else f"[{position}]"


def _collection_files(files: list[File], failures: list[Failure]) -> dict[str, File]:
    found: dict[str, File] = {}
    for file in files:
        if not file.name.endswith((".json", ".jsonl")) or not file.stem or file.name == MANIFEST:
            continue
        if file.stem == _MANIFEST_STEM:
            failures.append(Failure(file.name, "", "", f"the manifest is {MANIFEST}; no collection has its name"))
            continue
        if file.stem in found:
            failures.append(Failure(file.name, "", "", f"the collection stands in {found[file.stem].name} too"))
        found.setdefault(file.stem, file)
    return found


def _load(file: File, raw: bytes, failures: list[Failure], record: str = "") -> Any:
    try:
        return decode_json(raw)
    except JsonError as error:
        failures.append(_not_json(file, raw, error, record))
        return None


def _not_json(file: File, raw: bytes, error: JsonError, record: str = "") -> Failure:
    return Failure(file.name, record, "", str(error) if raw.strip() else "is empty")


def _read(file: File, failures: list[Failure]) -> bytes | None:
    try:
        return file.read()
    except OSError as error:
        failures.append(Failure(file.name, "", "", f"cannot be read: {error.strerror}"))
        return None


def _read_values(file: File, failures: list[Failure]) -> Any:
    """The value of a file: of a `.jsonl` file a list with the value of each line."""
    raw = _read(file, failures)
    if raw is None:
        return None
    return _load(file, raw, failures) if file.name.endswith(".json") else list(_values_of_lines(file, raw, failures))


def _values_of_lines(file: File, raw: bytes, failures: list[Failure]) -> Iterator[Any]:
    """The values of JSON Lines, one at a time: a list of a million lines would be the largest thing in memory."""
    for number, line in enumerate(io.BytesIO(raw), 1):
        if line.strip():
            yield _load(file, line.rstrip(b"\r\n"), failures, f"line {number}")


def _read_rows(collection: Collection, file: File, failures: list[Failure]) -> tuple[list[Row], frozenset[str] | None]:
    """The rows that could be read, and the identifiers of those that could not (None: the whole file)."""
    broken: list[Failure] = []
    faulty: list[Failure] = []
    reader = RowReader(collection)
    found = []
    unread: set[str] = set()
    for position, value in enumerate(_records(file, broken)):
        if not isinstance(value, dict):
            faulty.append(Failure(file.name, f"[{position}]", "", "must be a JSON object"))
            continue
        row, faults = reader.read(value)
        if not faults:
            row["position"] = position
            found.append(row)
            continue
        label = record_label(collection, position, value)
        faulty.extend(Failure(file.name, label, name, message) for name, message in faults)
        if isinstance(value.get(collection.key), str):
            unread.add(value[collection.key])
    if broken:
        failures.extend(broken)
        return [], None
    failures.extend(faulty)
    return found, frozenset(unread)


def _records(file: File, failures: list[Failure]) -> Iterator[Any]:
    """The values of a collection's file, one at a time; what makes the whole file unreadable goes to `failures`."""
    raw = _read(file, failures)
    if raw is None:
        return
    if not file.name.endswith(".json"):
        yield from _values_of_lines(file, raw, failures)
        return
    try:
        yield from decode_items(raw)
    except NotAnArrayError:
        failures.append(Failure(file.name, "", "", "must be a JSON array of records"))
    except JsonError as error:
        failures.append(_not_json(file, raw, error))


def _read_manifest(name: str, file: File | None, rows: dict[str, list[Row]], failures: list[Failure]) -> Manifest:
    latest = max(_instants(rows), default=None)
    found = Manifest(name=name, as_of=Instant(0) if latest is None else latest)
    if file is not None:
        found = _stated_manifest(file, failures) or found
    elif latest is None:
        failures.append(Failure(MANIFEST, "", "as_of", "is needed: the data carry no timestamp to take it from"))
    if not EARLIEST <= found.as_of < LATEST:
        message = f"is {format_instant(found.as_of)}; a bank stands between 1970 and 9000, so that its time can go on"
        failures.append(Failure(MANIFEST, "", "as_of", message))
    return found


def _stated_manifest(file: File, failures: list[Failure]) -> Manifest | None:
    before = len(failures)
    value = _read_values(file, failures)
    if len(failures) > before:
        return None
    if not isinstance(value, dict):
        failures.append(Failure(MANIFEST, "", "", "must be a JSON object"))
        return None
    found: dict[str, Any] = {}
    known = ", ".join(_MANIFEST_FIELDS)
    unknown = [name for name in value if name not in _MANIFEST_FIELDS]
    failures.extend(Failure(MANIFEST, "", name, f"is not known here; known are {known}") for name in unknown)
    for name, parse in _MANIFEST_FIELDS.items():
        if name not in value:
            if name in _MANIFEST_NEEDS:
                failures.append(Failure(MANIFEST, "", name, "is missing"))
            continue
        try:
            found[name] = parse(value[name])
        except ValueError as error:
            failures.append(Failure(MANIFEST, "", name, str(error)))
    return Manifest(**found) if len(failures) == before else None


def _seed(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError("must be a whole number between 0 and 2^63 - 1")
    return value


def _writes(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _WRITES_LIMIT:
        raise ValueError("must be a whole number between 0 and 2^40 - 1, and stands in exports alone")
    return value


def _logins(value: Any) -> tuple[Login, ...]:
    try:
        return msgspec.convert(value, tuple[Login, ...])
    except msgspec.ValidationError as error:
        raise ValueError(f"must be an array of objects with username, password and note: {error}") from None


_MANIFEST_FIELDS: dict[str, Callable[[Any], Any]] = {
    "name": identifier,
    "title": text,
    "as_of": instant,
    "seed": _seed,
    "writes": _writes,
    "logins": _logins,
    "recipe": recipe_of,
}
_MANIFEST_NEEDS = ("name", "as_of")


def _instants(rows: dict[str, list[Row]]) -> Iterator[Instant]:
    for name, collection in ALL_COLLECTIONS.items():
        fields = [field.name for field in collection.fields if field.kind is Instant]
        future = {"expires_at", "locked_until"}
        for row in rows[name]:
            yield from (row[field] for field in fields if field not in future and row.get(field) is not None)
