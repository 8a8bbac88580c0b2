"""What an export writes: every record in the shape of the ecosystem's files. The digest is over exactly these.

Derived movements (opening entries and the exact reversals of REVERSED rows) are not written: loading derives them
again.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import Any

import msgspec
import sqlalchemy as sa

from sandbox.core.clock import Instant, business_time, format_instant
from sandbox.core.money import CURRENCY, Fils, format_fils
from sandbox.core.vocabulary import Direction, TransactionStatus, in_files
from sandbox.store.reading import MANIFEST, Manifest, derived_reversal_text
from sandbox.store.records import ALL_COLLECTIONS, RUNTIME_COLLECTIONS, Collection, Field
from sandbox.store.tables import (
    COLLECTION_TABLES,
    LIST_MARK,
    SINGLE_VALUE,
    JournalKind,
    account,
    entry,
    extra_record,
    hold,
    journal,
    merchant,
    root,
    transfer,
)

Record = dict[str, Any]

SECRETS = frozenset({"password_hash", "pin_hash"})
"""Fields that an export carries, since credentials must load again, and nothing else shows."""

_DERIVED = (JournalKind.OPENING, JournalKind.REVERSAL)
_SORTED = msgspec.json.Encoder(order="sorted", decimal_format="number")
_AS_IT_STANDS = msgspec.json.Encoder(decimal_format="number")


class PublicIds(dict[str, dict[int, str]]):
    """The public ids of each collection by integer key, read when first asked for."""

    def __init__(self, db: sa.Connection) -> None:
        super().__init__()
        self._db = db

    def __missing__(self, name: str) -> dict[int, str]:
        """Read those of the collection `name`."""
        table = COLLECTION_TABLES[name]
        found = {row.key: row.id for row in self._db.execute(sa.select(table.c.key, table.c.id))}
        return self.setdefault(name, found)


def export(db: sa.Connection) -> Iterator[tuple[str, Record]]:
    """Every record as (collection, record), collections in their order, records in order of key."""
    ids = PublicIds(db)
    for name in ALL_COLLECTIONS:
        for record in records(db, name, ids):
            yield name, record
    yield from extra_records(db)


def records(db: sa.Connection, name: str, ids: PublicIds, *, keys: Sequence[int] | None = None) -> Iterator[Record]:
    """The records of the collection `name`, in order of key; with `keys` only those, `transactions` by their seq."""
    if name == "transactions":
        return _transactions(db, ids, keys)
    return _records(db, ALL_COLLECTIONS[name], ids, keys)


def extra_records(db: sa.Connection, *, names: Sequence[str] | None = None) -> Iterator[tuple[str, Record]]:
    """The collections that the bank does not know as (collection, record); with `names` only those."""
    for name, value in extras(db, names=names).items():
        items = list(enumerate(value)) if isinstance(value, list) else [(SINGLE_VALUE, value)]
        for position, body in items or [(LIST_MARK, None)]:
            yield name, {"position": position, "body": body}


def extras(db: sa.Connection, *, names: Sequence[str] | None = None) -> dict[str, Any]:
    """The collections that the bank does not know, as they are, by name; with `names` only those."""
    found: dict[str, Any] = {}
    ordered = sa.select(extra_record).order_by(extra_record.c.collection, extra_record.c.position)
    if names is not None:
        ordered = ordered.where(extra_record.c.collection.in_(names))
    for row in db.execute(ordered):
        if row.position == LIST_MARK:
            found[row.collection] = []
        elif row.position == SINGLE_VALUE:
            found[row.collection] = row.body
        else:
            found.setdefault(row.collection, []).append(row.body)
    return found


def stated(db: sa.Connection, manifest: Manifest) -> Manifest:
    """`manifest` with where the bank stands: its business time and write number, so that ids go on after a load."""
    state = db.execute(sa.select(root.c.clock_base, root.c.write_number)).one()
    now = business_time(state.clock_base, state.write_number)
    return msgspec.structs.replace(manifest, as_of=now, writes=state.write_number)


def export_files(db: sa.Connection, manifest: Manifest) -> dict[str, bytes]:
    """The files of an ecosystem that loads as this bank, by file name.

    Args:
        db: the bank.
        manifest: name, title, seed and logins; its business time and write number are the bank's.
    """
    ids = PublicIds(db)
    files = {MANIFEST: _file(_manifest_record(stated(db, manifest)))}
    for name in ALL_COLLECTIONS:
        rows = list(records(db, name, ids))
        if rows or name not in RUNTIME_COLLECTIONS:
            files[f"{name}.json"] = _file(rows)
    return files | {f"{name}.json": _file(value) for name, value in extras(db).items()}


def digest(db: sa.Connection) -> str:
    """SHA-256 over the sorted hashes of all exported records, with the write number and business time.

    Password hashes are left out, and so are transport times, which no record carries.
    """
    return digest_over(db, sorted(record_hashes(export(db))))


def record_hashes(exported: Iterable[tuple[str, Record]]) -> list[bytes]:
    """The SHA-256 of each exported record, which is what a digest is made of; in their order."""
    hashes = []
    for name, record in exported:
        public = record
        if not SECRETS.isdisjoint(record):
            public = {field: value for field, value in record.items() if field not in SECRETS}
        hashes.append(hashlib.sha256(name.encode() + b"\n" + _SORTED.encode(public)).digest())
    return hashes


def digest_over(db: sa.Connection, hashes: Iterable[bytes]) -> str:
    """The digest of the bank whose records have these hashes, which are sorted."""
    state = db.execute(sa.select(root)).one()
    now = business_time(state.clock_base, state.write_number)
    return hashlib.sha256(f"{state.write_number} {format_instant(now)}\n".encode() + b"".join(hashes)).hexdigest()


def _file(value: object) -> bytes:
    return msgspec.json.format(_AS_IT_STANDS.encode(value), indent=2) + b"\n"


def _manifest_record(manifest: Manifest) -> Record:
    record = msgspec.structs.asdict(manifest) | {"as_of": format_instant(manifest.as_of)}
    del record["recipe"]  # a bank that ran is no longer what the generator made
    return record


def _records(db: sa.Connection, collection: Collection, ids: PublicIds, keys: Sequence[int] | None) -> Iterator[Record]:
    table = COLLECTION_TABLES[collection.name]
    (key,) = table.primary_key.columns
    query = _HOLDS if collection.name == "holds" else sa.select(table).order_by(key)
    if keys is not None:
        query = query.where(key.in_(keys))
    for row in db.execute(query).all():
        if collection.name == "accounts" and row.code is not None:
            continue
        record = {field.name: _value(collection, field, row, ids) for field in collection.fields}
        yield record | (row.extra or {})


_HOLDS = (
    sa.select(hold, entry.c.id.label("transaction"))
    .outerjoin(
        entry,
        sa.and_(entry.c.account == hold.c.account, entry.c.seq == sa.func.coalesce(hold.c.resolved_seq, hold.c.seq)),
    )
    .order_by(hold.c.key)
)
"""Holds, each with its movement: where it was placed or, once posted, where it was posted."""


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
        # A movement has no integer key of its own.
        return value if field.reference == "transactions" else ids[field.reference][value]
    return _in_file(field, value)


def _in_file(field: Field, value: Any) -> Any:
    if field.is_enumeration:
        return in_files(field.kind(value))
    if field.kind is Fils:
        return format_fils(value)
    if field.kind is Instant:
        return format_instant(value)
    return value.isoformat() if isinstance(value, date) else value


_CREDIT, _DEBIT = in_files(Direction.CREDIT), in_files(Direction.DEBIT)
_STATUSES = {status: in_files(status) for status in TransactionStatus}


def _direction(amount: int) -> str:
    return _CREDIT if amount > 0 else _DEBIT


_DERIVED_FIELDS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("accounts", "balance"): lambda row: format_fils(row.credits_posted - row.debits_posted),
    ("accounts", "currency"): lambda _: CURRENCY,
    ("holds", "direction"): lambda row: _direction(row.amount),
    ("holds", "amount"): lambda row: format_fils(abs(row.amount)),
}
"""Fields that no column holds as they stand."""


def _transactions(db: sa.Connection, ids: PublicIds, keys: Sequence[int] | None) -> Iterator[Record]:
    reversals = _reversal_texts(db, keys)
    accounts, customers = ids["accounts"], ids["customers"]
    # By place: a name is looked up in every row again, and these rows are nearly all that a bank has.
    for (
        transaction_id,
        account_key,
        seq,
        amount,
        status,
        description,
        disputed,
        reversed_at,
        extra,
        customer_key,
        channel,
        merchant_name,
        merchant_category,
        mcc,
        booked_at,
        transfer_id,
    ) in db.execute(_MOVEMENTS if keys is None else _MOVEMENTS.where(entry.c.seq.in_(keys))):
        text = reversals.get((account_key, seq))
        said_anyhow = text and derived_reversal_text(description, merchant_name)
        record = {
            "transaction_id": transaction_id,
            "account_id": accounts[account_key],
            "customer_id": customers[customer_key],
            "amount": format_fils(abs(amount)),
            "direction": _CREDIT if amount > 0 else _DEBIT,
            "status": _STATUSES[status],
            "merchant_name": merchant_name,
            "merchant_category": merchant_category,
            "mcc": mcc,
            "channel": channel,
            "description": description,
            "disputed": bool(disputed),
            "booked_at": format_instant(booked_at),
            "reversed_at": None if reversed_at is None else format_instant(reversed_at),
            "reversal_description": None if text is None or text == said_anyhow else text,
            "transfer_id": transfer_id,
        }
        yield record | extra if extra else record


_MOVEMENTS = (
    sa.select(
        entry.c.id,
        entry.c.account,
        entry.c.seq,
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
        transfer.c.id.label("transfer_id"),
    )
    .join(journal, journal.c.seq == entry.c.seq)
    .join(account, account.c.key == entry.c.account)
    .outerjoin(merchant, merchant.c.key == journal.c.merchant)
    .outerjoin(transfer, transfer.c.key == journal.c.transfer)
    .where(entry.c.id.is_not(None), journal.c.kind.not_in(_DERIVED))
    .order_by(entry.c.seq, entry.c.account)
)


def _reversal_texts(db: sa.Connection, keys: Sequence[int] | None) -> dict[tuple[int, int], str | None]:
    """What the statement says of a movement that was taken back, by account and the movement's place."""
    query = (
        sa.select(entry.c.account, journal.c.reverses, entry.c.description)
        .join(journal, journal.c.seq == entry.c.seq)
        .where(journal.c.kind == JournalKind.REVERSAL)
    )
    if keys is not None:
        query = query.where(journal.c.reverses.in_(keys))
    return {(row.account, row.reverses): row.description for row in db.execute(query)}
