"""Reading an ecosystem's files: into rows of plain values, every fault named by file, record and field.

A row is a dict of a collection's fields in their inner form (fils, instants, enumeration values), with fields that
the collection does not know under `extra`. What the values must mean to each other is `checking`'s business.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from sandbox.core.clock import Instant, InstantError, format_instant, parse_instant
from sandbox.core.jsontext import JsonError, decode_json
from sandbox.core.money import Fils, fils_of_number
from sandbox.core.vocabulary import in_files
from sandbox.store.records import ALL_COLLECTIONS, Collection, Field, Id, Json

Row = dict[str, Any]

MANIFEST = "ecosystem.json"
_MANIFEST_STEM = "ecosystem"

EARLIEST, LATEST = parse_instant("1970-01-01T00:00:00Z"), parse_instant("9000-01-01T00:00:00Z")
"""Between these a bank may stand."""

_WRITES_LIMIT = 2**40
"""Business time is counted from `as_of` less a millisecond a write: it must not leave the calendar."""

_SECRETS = {"credentials": ("password", "pin")}
"""Plain secrets that a file may carry; hashed at load and never kept."""


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

    `writes` is there in exports alone: the write number, from which ids and business time go on.
    """

    name: str
    title: str = ""
    as_of: Instant
    seed: int = 0
    writes: int | None = None
    logins: tuple[Login, ...] = ()

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
        failures.append(Failure(file.name, record, "", str(error) if raw.strip() else "is empty"))
        return None


def _read_values(file: File, failures: list[Failure]) -> Any:
    """The value of a file: of a `.jsonl` file a list with the value of each line."""
    try:
        raw = file.read()
    except OSError as error:
        failures.append(Failure(file.name, "", "", f"cannot be read: {error.strerror}"))
        return None
    if file.name.endswith(".json"):
        return _load(file, raw, failures)
    lines = enumerate(raw.splitlines(), 1)
    return [_load(file, line, failures, f"line {number}") for number, line in lines if line.strip()]


def _read_rows(collection: Collection, file: File, failures: list[Failure]) -> tuple[list[Row], frozenset[str] | None]:
    """The rows that could be read, and the identifiers of those that could not (None: the whole file)."""
    before = len(failures)
    values = _read_values(file, failures)
    if len(failures) > before:
        return [], None
    if not isinstance(values, list):
        failures.append(Failure(file.name, "", "", "must be a JSON array of records"))
        return [], None
    reader = RowReader(collection)
    found = []
    unread: set[str] = set()
    for position, value in enumerate(values):
        if not isinstance(value, dict):
            failures.append(Failure(file.name, f"[{position}]", "", "must be a JSON object"))
            continue
        row, faults = reader.read(value)
        label = record_label(collection, position, value)
        failures.extend(Failure(file.name, label, name, message) for name, message in faults)
        if not faults:
            found.append(row | {"position": position})
        elif isinstance(value.get(collection.key), str):
            unread.add(value[collection.key])
    return found, frozenset(unread)


class RowReader:
    """Reads the records of one collection: for files and for whoever writes single records."""

    def __init__(self, collection: Collection) -> None:
        self._secrets = _SECRETS.get(collection.name, ())
        self._known = {field.name for field in collection.fields} | set(self._secrets)
        self._plans = [(field.name, field, parser(field)) for field in collection.fields]

    def read(self, value: dict[str, Any]) -> tuple[Row, list[tuple[str, str]]]:
        """The row of a record, and what is wrong with it as (field, message)."""
        row: Row = {}
        faults: list[tuple[str, str]] = []
        for name, field, parse in self._plans:
            given = value.get(name)
            if given is None:
                if field.required or (name in value and not field.optional):
                    faults.append((name, "is missing" if name not in value else "must not be null"))
                row[name] = field.default
                continue
            try:
                row[name] = parse(given)
            except ValueError as error:
                faults.append((name, str(error)))
        for name in self._secrets:
            secret = value.get(name)
            if secret is not None and not (isinstance(secret, str) and secret):
                faults.append((name, "must be a text that is not empty"))
            row[name] = secret
        extra = {name: kept for name, kept in value.items() if name not in self._known}
        row["extra"] = extra or None
        return row, faults


def parser(field: Field) -> Callable[[Any], Any]:
    """What turns a value of a file into the inner form of a field; it raises a ValueError that says what is wrong."""
    if field.is_enumeration:
        return _enumeration(field.kind)
    parsers: dict[Any, Callable[[Any], Any]] = {
        Id: _identifier,
        Fils: fils_of_number,
        Instant: _instant,
        date: _date,
        bool: _boolean,
        int: _whole_number,
        Json: lambda value: value,
        str: _text,
    }
    return parsers[field.kind]


def _enumeration(kind: type[StrEnum]) -> Callable[[Any], str]:
    allowed = ", ".join(in_files(member) for member in kind)
    members = {in_files(member): member.value for member in kind}

    def parse(value: Any) -> str:
        member = members.get(value) if isinstance(value, str) else None
        if member is None:
            raise ValueError(f"{_shown(value)} is none of {allowed}")
        return member

    return parse


def _identifier(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 64 or not value.isprintable():
        raise ValueError(f"{_shown(value)} is no identifier: a text of 1 to 64 printable characters")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{_shown(value)} is no text")
    if "\0" in value:
        raise ValueError("a text must not contain NUL")
    return value


def _instant(value: Any) -> Instant:
    if not isinstance(value, str):
        raise InstantError(f"{_shown(value)} is no RFC 3339 timestamp such as 2026-01-15T09:30:00Z")
    return parse_instant(value)


def _date(value: Any) -> str:
    try:
        # `fromisoformat` also reads 19900517 and 1990-W20-4.
        if date.fromisoformat(value).isoformat() == value:
            return str(value)
    except (TypeError, ValueError):
        pass
    raise ValueError(f"{_shown(value)} is no date such as 1990-05-17")


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{_shown(value)} is neither true nor false")
    return value


def _whole_number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**53:
        raise ValueError(f"{_shown(value)} is no whole number")
    return value


def _shown(value: Any) -> str:
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


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
    "name": _identifier,
    "title": _text,
    "as_of": _instant,
    "seed": _seed,
    "writes": _writes,
    "logins": _logins,
}
_MANIFEST_NEEDS = ("name", "as_of")


def _instants(rows: dict[str, list[Row]]) -> Iterator[Instant]:
    for name, collection in ALL_COLLECTIONS.items():
        fields = [field.name for field in collection.fields if field.kind is Instant]
        future = {"expires_at", "locked_until"}
        for row in rows[name]:
            yield from (row[field] for field in fields if field not in future and row.get(field) is not None)
