"""Filling a bank's tables with the rows of an ecosystem, all but its money movements, which the bank posts itself."""

from functools import cache
from typing import Any

import sqlalchemy as sa

from sandbox.core.chain import GENESIS
from sandbox.core.clock import MILLISECOND, Instant
from sandbox.store.fields import Row
from sandbox.store.reading import Manifest, RawEcosystem
from sandbox.store.records import ALL_COLLECTIONS, Collection
from sandbox.store.statement import Statement
from sandbox.store.tables import COLLECTION_TABLES, LIST_MARK, SINGLE_VALUE, extra_record, root
from sandbox.store.work import audit_link

Keys = dict[str, dict[str, int]]
"""The integer key of each record, by collection and public id; movements have none."""


def insert(db: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows that all carry the same columns."""
    if rows:
        _insertion(table, tuple(rows[0])).run_many(db, rows)


@cache
def _insertion(table: sa.Table, names: tuple[str, ...]) -> Statement:
    return Statement(sa.insert(table), *names)


_POSTED = frozenset({"transactions", "transfers", "holds"})
"""Collections whose rows stand on the ledger."""


def fill(db: sa.Connection, raw: RawEcosystem, *, first_account_key: int) -> Keys:
    """Insert every record that does not stand on the ledger; accounts start empty, and the bank posts what is on them.

    Customers' accounts get keys from `first_account_key` on.
    """
    keys: Keys = {}
    audit_head = GENESIS
    for name, collection in ALL_COLLECTIONS.items():
        first = first_account_key if name == "accounts" else 1
        if name != "transactions":  # nothing refers to movements by key, and a key for each of a million weighs much
            keys[name] = {row[collection.key]: first + i for i, row in enumerate(raw.rows[name])}
        if name not in _POSTED:
            rows = [columns(collection, row, keys) for row in raw.rows[name]]
            if name == "audit_logs":
                audit_head = _chain(rows)
            insert(db, COLLECTION_TABLES[name], rows)
    for name, value in raw.others.items():
        items = [(LIST_MARK, None), *enumerate(value)] if isinstance(value, list) else [(SINGLE_VALUE, value)]
        insert(db, extra_record, [extra_row(name, i, item) for i, item in items])
    state = {"key": 1, "write_number": raw.manifest.writes or 0, "clock_base": clock_base(raw.manifest)}
    heads = {"journal_seq": 0, "journal_hash": GENESIS}
    insert(db, root, [state | heads | {"audit_count": len(raw.rows["audit_logs"]), "audit_hash": audit_head}])
    return keys


def clock_base(manifest: Manifest) -> Instant:
    """What business time is counted from, a millisecond a write, so that it is `as_of` at the manifest's write."""
    return Instant(manifest.as_of - (manifest.writes or 0) * MILLISECOND)


def extra_row(collection: str, position: int, body: Any) -> dict[str, Any]:
    """The columns of one value of a collection that the bank does not know."""
    return {"collection": collection, "position": position, "identifier": extra_identifier(body), "body": body}


def extra_identifier(body: Any) -> str | None:
    """What a record of such a collection is found by: its `id`, a text or a whole number; None where it has none."""
    found = body.get("id") if isinstance(body, dict) else None
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else None


def columns(collection: Collection, row: Row, keys: Keys) -> dict[str, Any]:
    """The columns of a record's row, references as keys (movements have none: they are named by their public id)."""
    table = COLLECTION_TABLES[collection.name]
    out: dict[str, Any] = {"extra": row["extra"]}
    for field in collection.fields:
        value = row[field.name]
        if field.name == collection.key and not field.reference:
            out["key"] = keys[collection.name][value]
            out["id"] = value
        elif field.reference and field.reference != "transactions":
            out[field.column] = None if value is None else keys[field.reference][value]
        elif field.column in table.c:
            out[field.column] = value
    if collection.name == "accounts":
        out |= dict.fromkeys(("debits_pending", "debits_posted", "credits_pending", "credits_posted"), 0)
    return out


def _chain(rows: list[dict[str, Any]]) -> bytes:
    """Put the audit lines in order of time and chain them; the last link."""
    rows.sort(key=lambda row: (row["created_at"], row["key"]))
    previous = GENESIS
    for key, row in enumerate(rows, 1):
        row["key"] = key
        previous = row["hash"] = audit_link(previous, row)
    return previous
