"""What an export writes: every record in the shape of the ecosystem's files. The digest is over exactly these.

Derived movements (opening entries and the exact reversals of REVERSED rows) are not written: loading derives them
again.
"""

import hashlib
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import msgspec
import sqlalchemy as sa

from sandbox.core.clock import Instant, business_time, format_instant
from sandbox.core.money import CURRENCY, Fils, format_fils
from sandbox.core.vocabulary import Direction, in_files
from sandbox.store.records import COLLECTIONS, RUNTIME_COLLECTIONS, Collection, Field
from sandbox.store.tables import (
    COLLECTION_TABLES,
    JournalKind,
    account,
    dispute_record,
    entry,
    extra_record,
    journal,
    merchant,
    root,
)

Record = dict[str, Any]
PublicIds = dict[str, dict[int, str]]

_SECRET = {"password_hash", "pin_hash"}
_DERIVED = (JournalKind.OPENING, JournalKind.REVERSAL)
_ENCODER = msgspec.json.Encoder(order="sorted", decimal_format="number")


def export(db: sa.Connection) -> Iterator[tuple[str, Record]]:
    """Every record as (collection, record), collections in their order, records in order of key."""
    ids: PublicIds = {}
    for name, collection in (COLLECTIONS | RUNTIME_COLLECTIONS).items():
        for record in _transactions(db, ids) if name == "transactions" else _records(db, collection, ids):
            yield name, record
    extras = sa.select(extra_record).order_by(extra_record.c.collection, extra_record.c.position)
    for row in db.execute(extras):
        yield row.collection, {"position": row.position, "body": row.body}


def digest(db: sa.Connection) -> str:
    """SHA-256 over the sorted hashes of all exported records, with the write number and business time.

    Password hashes are left out, and so are transport times, which no record carries.
    """
    rows = []
    for name, record in export(db):
        public = {field: value for field, value in record.items() if field not in _SECRET}
        rows.append(hashlib.sha256(name.encode() + b"\n" + _ENCODER.encode(public)).digest())
    state = db.execute(sa.select(root)).one()
    now = business_time(state.clock_base, state.write_number)
    whole = hashlib.sha256(f"{state.write_number} {format_instant(now)}\n".encode())
    for row in sorted(rows):
        whole.update(row)
    return whole.hexdigest()


def _records(db: sa.Connection, collection: Collection, ids: PublicIds) -> Iterator[Record]:
    table = COLLECTION_TABLES[collection.name]
    owner_keyed = "key" not in table.c
    order = list(table.primary_key.columns)
    found = db.execute(sa.select(table).order_by(*order)).all()
    if not owner_keyed:
        ids[collection.name] = {row.key: row.id for row in found}
    for row in found:
        if collection.name == "accounts" and row.code is not None:
            continue
        record = {field.name: _value(collection, field, row, ids) for field in collection.fields}
        yield record | (row.extra or {})


def _value(collection: Collection, field: Field, row: Any, ids: PublicIds) -> Any:
    derived = _DERIVED_FIELDS.get((collection.name, field.name))
    if derived is not None:
        return derived(row)
    if field.name == collection.key and not field.reference:
        return row.id
    value = getattr(row, field.column)
    if value is None:
        return None
    if field.reference:
        by_public_id = COLLECTION_TABLES[collection.name].c[field.column] is dispute_record.c.transaction
        return value if by_public_id else ids[field.reference][value]
    return _in_file(field, value)


def _in_file(field: Field, value: Any) -> Any:
    if field.is_enumeration:
        return in_files(field.kind(value))
    if field.kind is Fils:
        return format_fils(value)
    if field.kind is Instant:
        return format_instant(value)
    return value.isoformat() if isinstance(value, date) else value


def _direction(amount: int) -> str:
    return in_files(Direction.CREDIT if amount > 0 else Direction.DEBIT)


_DERIVED_FIELDS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("accounts", "balance"): lambda row: format_fils(row.credits_posted - row.debits_posted),
    ("accounts", "currency"): lambda _: CURRENCY,
    ("holds", "direction"): lambda row: _direction(row.amount),
    ("holds", "amount"): lambda row: format_fils(abs(row.amount)),
}
"""Fields that no column holds as they stand."""


def _transactions(db: sa.Connection, ids: PublicIds) -> Iterator[Record]:
    found = db.execute(
        sa.select(
            entry.c.id,
            entry.c.account,
            entry.c.amount,
            entry.c.status,
            entry.c.description,
            entry.c.disputed,
            entry.c.reversed_at,
            entry.c.extra,
            account.c.customer,
            journal.c.channel,
            merchant.c.name.label("merchant_name"),
            merchant.c.category.label("merchant_category"),
            merchant.c.mcc,
            journal.c.at.label("booked_at"),
        )
        .join(journal, journal.c.seq == entry.c.seq)
        .join(account, account.c.key == entry.c.account)
        .outerjoin(merchant, merchant.c.key == journal.c.merchant)
        .where(entry.c.id.is_not(None), journal.c.kind.not_in(_DERIVED))
        .order_by(entry.c.seq, entry.c.account)
    )
    for row in found:
        record = {
            "transaction_id": row.id,
            "account_id": ids["accounts"][row.account],
            "customer_id": ids["customers"][row.customer],
            "amount": format_fils(abs(row.amount)),
            "direction": _direction(row.amount),
            "status": in_files(row.status),
            "merchant_name": row.merchant_name,
            "merchant_category": row.merchant_category,
            "mcc": row.mcc,
            "channel": row.channel,
            "description": row.description,
            "disputed": bool(row.disputed),
            "booked_at": format_instant(row.booked_at),
            "reversed_at": None if row.reversed_at is None else format_instant(row.reversed_at),
        }
        yield record | (row.extra or {})
