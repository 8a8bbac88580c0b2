"""Filling a bank's tables with the rows of an ecosystem, all but its money movements, which the bank posts itself."""

from typing import Any

import sqlalchemy as sa

from sandbox.core.chain import GENESIS
from sandbox.store.reading import RawEcosystem, Row
from sandbox.store.records import COLLECTIONS, Collection
from sandbox.store.statement import Statement
from sandbox.store.tables import COLLECTION_TABLES, dispute_record, extra_record, root
from sandbox.store.work import audit_link

Keys = dict[str, dict[str, int]]
"""The integer key of each record, by collection and public id."""


def insert(db: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows that all carry the same columns."""
    if rows:
        Statement(sa.insert(table), *rows[0]).run_many(db, rows)


def fill(db: sa.Connection, raw: RawEcosystem, *, first_account_key: int) -> Keys:
    """Insert every record but the transactions; accounts start empty, and the bank posts what is on them.

    Customers' accounts get keys from `first_account_key` on.
    """
    keys: Keys = {}
    audit_head = GENESIS
    for name, collection in COLLECTIONS.items():
        first = first_account_key if name == "accounts" else 1
        keys[name] = {row[collection.key]: first + i for i, row in enumerate(raw.rows[name])}
        if name != "transactions":
            rows = [_columns(collection, row, keys) for row in raw.rows[name]]
            if name == "audit_logs":
                audit_head = _chain(rows)
            insert(db, COLLECTION_TABLES[name], rows)
    for name, value in raw.others.items():
        items = list(enumerate(value)) if isinstance(value, list) else [(-1, value)]
        insert(db, extra_record, [{"collection": name, "position": i, "body": item} for i, item in items])
    state = {"key": 1, "write_number": 0, "clock_base": raw.manifest.as_of, "journal_seq": 0, "journal_hash": GENESIS}
    insert(db, root, [state | {"audit_count": len(raw.rows["audit_logs"]), "audit_hash": audit_head}])
    return keys


def _columns(collection: Collection, row: Row, keys: Keys) -> dict[str, Any]:
    table = COLLECTION_TABLES[collection.name]
    out: dict[str, Any] = {"extra": row["extra"]}
    for field in collection.fields:
        value = row[field.name]
        if field.name == collection.key and not field.reference:
            out["key"] = keys[collection.name][value]
            out["id"] = value
        elif field.reference and table.c[field.column] is not dispute_record.c.transaction:
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
