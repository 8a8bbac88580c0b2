"""What lies between two moments of a bank: records added, changed and removed, collection by collection.

Records are compared in the shape of an export, and found again by their identifiers. Secrets are compared and not
shown.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from sandbox.store.export import SECRETS, PublicIds, Record, extras, records
from sandbox.store.records import ALL_COLLECTIONS

_SORTED = msgspec.json.Encoder(order="sorted", decimal_format="number")
_MASK = "***"
_WHOLE = "value"
"""The name of the one field of a record that is no object."""


class FieldChange(msgspec.Struct, frozen=True, rename={"before": "from", "after": "to"}):
    """What a field was and is; null where it was or is not there."""

    before: Any
    after: Any


class RecordChange(msgspec.Struct, frozen=True):
    """A record that is there before and after: its identifier, and the fields that differ."""

    id: str
    fields: dict[str, FieldChange]


class CollectionDiff(msgspec.Struct, frozen=True):
    """How a collection differs; records in the order of their identifiers' first appearance."""

    added: list[dict[str, Any]]
    changed: list[RecordChange]
    removed: list[dict[str, Any]]


Contents = dict[str, dict[str, Record]]
"""Records by collection and identifier."""


def contents(db: sa.Connection) -> Contents:
    """Everything that an export of `db` would write, to be compared."""
    ids = PublicIds(db)
    found: Contents = {
        name: {record[collection.key]: record for record in records(db, name, ids)}
        for name, collection in ALL_COLLECTIONS.items()
    }
    return found | {name: _of_extra(value) for name, value in extras(db).items()}


def difference(before: Contents, after: Contents) -> dict[str, CollectionDiff]:
    """The collections that differ, in their order, and how."""
    names = dict.fromkeys([*before, *after])
    compared = {name: _compare(before.get(name, {}), after.get(name, {})) for name in names}
    return {name: found for name, found in compared.items() if found.added or found.changed or found.removed}


def _compare(before: Mapping[str, Record], after: Mapping[str, Record]) -> CollectionDiff:
    changed = []
    for identifier, record in after.items():
        known = before.get(identifier)
        if known is not None and _text(known) != _text(record):
            fields = {
                name: FieldChange(_shown(name, known.get(name)), _shown(name, record.get(name)))
                for name in dict.fromkeys([*known, *record])
                if (name in known) != (name in record) or _text(known.get(name)) != _text(record.get(name))
            }
            changed.append(RecordChange(identifier, fields))
    added = [_masked(record) for identifier, record in after.items() if identifier not in before]
    removed = [_masked(record) for identifier, record in before.items() if identifier not in after]
    return CollectionDiff(added, changed, removed)


def _of_extra(value: Any) -> dict[str, Record]:
    """The records of a collection that the bank does not know: by their `id` where each has its own, else by place."""
    if not isinstance(value, list):
        return {"": _record(value)}
    names = [str(item["id"]) for item in value if isinstance(item, dict) and item.get("id") is not None]
    if len(names) != len(value) or len(set(names)) != len(names):
        names = [str(position) for position in range(len(value))]
    return {name: _record(item) for name, item in zip(names, value, strict=True)}


def _record(value: Any) -> Record:
    return value if isinstance(value, dict) else {_WHOLE: value}


def _text(value: Any) -> bytes:
    """A value as the digest sees it: to Python 1, 1.0 and true would be equal."""
    return _SORTED.encode(value)


def _masked(record: Record) -> Record:
    return {name: _shown(name, value) for name, value in record.items()}


def _shown(name: str, value: Any) -> Any:
    return _MASK if name in SECRETS and value is not None else value
