"""Records in the shape of the ecosystem's files, read one by one or all, by the indexes the tables have.

The same values as an export writes, but for the secrets, which are never shown. Not for writing: `records` does that.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from sandbox.bank.ledger import reversal_id
from sandbox.core.clock import Instant, format_instant
from sandbox.core.money import CURRENCY, Fils, format_fils
from sandbox.core.vocabulary import Direction, in_files
from sandbox.store.export import SECRETS
from sandbox.store.fields import parser
from sandbox.store.reading import derived_reversal_text
from sandbox.store.records import ALL_COLLECTIONS, Collection, Field, Json
from sandbox.store.statement import Statement
from sandbox.store.tables import (
    COLLECTION_TABLES,
    JournalKind,
    account,
    customer,
    entry,
    hold,
    journal,
    transfer,
)
from sandbox.store.tables import merchant as merchant_table
from sandbox.store.types import PublicId

Record = dict[str, Any]

_COMPARED_LATER = SECRETS | {"reversal_description"}
"""Fields that no query can be narrowed by."""

Convert = Callable[[Any], Any]


class Source(NamedTuple):
    """How the records of one collection are read: an expression for each field, and what they are selected from."""

    collection: Collection
    columns: dict[str, Any]
    key: Any
    """The column that identifies a record inside."""
    select: sa.Select[Any]
    """The key as `_key`, every field under its name, and the extra fields as `_extra`."""
    convert: list[tuple[str, Convert | None]]


def read_all(db: sa.Connection, name: str) -> list[Record]:
    """Every record of a collection, in order of key."""
    return read_keyed(db, name)[1]


def read_keyed(db: sa.Connection, name: str, keys: Sequence[int] | None = None) -> tuple[list[int], list[Record]]:
    """The records of a collection in order of key, after these keys, `transactions` by seq; with `keys` only those."""
    source = source_of(name)
    query = source.select if keys is None else source.select.where(source.key.in_(keys))
    found, places = [], []
    for row in db.execute(query):
        places.append(int(row[0]))
        found.append(_record(source, row))
    return places, _with_reversals(db, found) if name == "transactions" else found


def count_all(db: sa.Connection, name: str) -> int:
    """How many records a collection has."""
    source = source_of(name)
    counted = source.select.with_only_columns(sa.func.count()).order_by(None)
    return int(db.execute(counted).scalar_one())


def largest(db: sa.Connection, name: str) -> int:
    """A number that a collection has no more records than, found without counting them: keys grow by one."""
    return int(_largest(name).one(db).key or 0)


def read_one(db: sa.Connection, name: str, identifier: str, *, with_secrets: bool = False) -> Record | None:
    """The record of an identifier, or None; found by its index."""
    row = row_of(db, name, identifier)
    if row is None:
        return None
    record = _record(source_of(name), row, with_secrets=with_secrets)
    return _with_reversals(db, [record])[0] if name == "transactions" else record


def row_of(db: sa.Connection, name: str, identifier: str) -> Any | None:
    """The same before it is put into the shape of files: inner values, `_key` and `_extra`."""
    return _by_identifier(name).first(db, identifier=identifier)


def key_of(db: sa.Connection, name: str, identifier: str) -> int | None:
    """The inner key of a record, or None where there is none."""
    found = _key_by_identifier(name).first(db, identifier=identifier)
    return None if found is None else int(found[0])


def read_where(db: sa.Connection, name: str, where: Mapping[str, Any], *, with_secrets: bool = False) -> list[Record]:
    """The records whose fields have these values, given as files write them; null asks for null.

    Raises:
        ValueError: a value is none of its field's.
    """
    source = source_of(name)
    known = {field.name: field for field in source.collection.fields}
    query = source.select
    others: dict[str, Any] = {}
    for field, value in where.items():
        if field not in known or known[field].kind is Json or field in _COMPARED_LATER:
            others[field] = value
        elif value is None:
            query = query.where(source.columns[field].is_(None))
        else:
            query = query.where(source.columns[field] == parser(known[field])(value))
    found = [_record(source, row, with_secrets=with_secrets) for row in db.execute(query)]
    if name == "transactions":
        _with_reversals(db, found)
    return [record for record in found if all(record.get(field) == value for field, value in others.items())]


def read_few(db: sa.Connection, name: str, where: Mapping[str, Sequence[str]], *, at_most: int) -> list[Record] | None:
    """The records whose identifier or references are among these, or None where there are more than so many.

    Args:
        db: the bank.
        name: a known collection.
        where: public ids by field; the fields are among those of `keyed_fields`.
        at_most: how many may be read.
    """
    source = source_of(name)
    query = source.select
    for field, identifiers in where.items():
        column, target = keyed_fields(name)[field]
        wanted = identifiers if target is None else [key_of(db, target, identifier) for identifier in identifiers]
        query = query.where(column.in_([value for value in wanted if value is not None]))
    # Looked at first without an order, which could cost a look at all of them.
    seen = db.execute(query.with_only_columns(source.key).order_by(None).limit(at_most + 1)).all()
    if len(seen) > at_most:
        return None
    found = [_record(source, row) for row in db.execute(query)]
    return _with_reversals(db, found) if name == "transactions" else found


@cache
def keyed_fields(name: str) -> dict[str, tuple[Any, str | None]]:
    """The fields by which few records of many are found: each with its column, and the collection whose keys it holds
    (None: it holds public ids).
    """  # noqa: D205
    if name == "transactions":
        return {
            "transaction_id": (entry.c.id, None),
            "account_id": (entry.c.account, "accounts"),
            "customer_id": (account.c.customer, "customers"),
        }
    collection, table = ALL_COLLECTIONS[name], COLLECTION_TABLES[name]
    found: dict[str, tuple[Any, str | None]] = {}
    for field in collection.fields:
        if field.reference and field.reference != "transactions":
            found[field.name] = table.c[field.column], field.reference
        elif field.name == collection.key:
            found[field.name] = table.c.id, None
    return found


@cache
def source_of(name: str) -> Source:
    """How the collection `name` is read."""
    collection = ALL_COLLECTIONS[name]
    if name == "transactions":
        return _of_transactions(collection)
    table = COLLECTION_TABLES[name]
    columns: dict[str, Any] = {}
    origin: Any = table
    for field in collection.fields:
        # A movement has no integer key of its own: what refers to one has its public id.
        if (name, field.name) == ("holds", "transaction_id"):
            # The entry moves on to the journal that posts it.
            at = sa.func.coalesce(hold.c.resolved_seq, hold.c.seq)
            origin = origin.outerjoin(entry, sa.and_(entry.c.account == hold.c.account, entry.c.seq == at))
            columns[field.name] = entry.c.id
        elif field.reference and field.reference != "transactions":
            target = COLLECTION_TABLES[field.reference].alias()
            origin = origin.outerjoin(target, target.c.key == table.c[field.column])
            columns[field.name] = target.c.id
        elif field.name == collection.key and not field.reference:
            columns[field.name] = table.c.id
        else:
            columns[field.name] = (
                _DERIVED[name, field.name] if (name, field.name) in _DERIVED else table.c[field.column]
            )
    (key,) = table.primary_key.columns
    select = _select(columns, key, table.c.extra).select_from(origin).order_by(key)
    if name == "accounts":
        select = select.where(account.c.code.is_(None))
    return Source(collection, columns, key, select, _converters(collection))


def _of_transactions(collection: Collection) -> Source:
    columns = {
        "transaction_id": entry.c.id,
        "account_id": account.c.id,
        "customer_id": customer.c.id,
        "amount": sa.func.abs(entry.c.amount),
        "direction": _direction(entry.c.amount),
        "status": entry.c.status,
        "merchant_name": merchant_table.c.name,
        "merchant_category": merchant_table.c.category,
        "mcc": merchant_table.c.mcc,
        "channel": journal.c.channel,
        "description": entry.c.description,
        "disputed": sa.func.coalesce(entry.c.disputed, sa.false(), type_=sa.Boolean),
        "booked_at": journal.c.at,
        "reversed_at": entry.c.reversed_at,
        "reversal_description": sa.null(),
        "transfer_id": transfer.c.id,
    }
    # Openings and exact reversals are derived again when a folder is loaded: no file carries them.
    derived = sa.or_(journal.c.kind == JournalKind.OPENING, journal.c.kind == JournalKind.REVERSAL)
    select = (
        _select(columns, entry.c.seq, entry.c.extra)
        .select_from(entry)
        .join(journal, journal.c.seq == entry.c.seq)
        .join(account, account.c.key == entry.c.account)
        .join(customer, customer.c.key == account.c.customer)
        .outerjoin(merchant_table, merchant_table.c.key == journal.c.merchant)
        .outerjoin(transfer, transfer.c.key == journal.c.transfer)
        .where(entry.c.id.is_not(None), sa.not_(derived))
        .order_by(entry.c.seq, entry.c.account)
    )
    return Source(collection, columns, entry.c.seq, select, _converters(collection))


def _select(columns: dict[str, Any], key: Any, extra: Any) -> sa.Select[Any]:
    labelled = [column.label(name) for name, column in columns.items()]
    return sa.select(key.label("key_"), *labelled, extra.label("extra_"))


def _direction(amount: Any) -> Any:
    return sa.case((amount > 0, Direction.CREDIT.value), else_=Direction.DEBIT.value)


_DERIVED: dict[tuple[str, str], Any] = {
    ("accounts", "balance"): account.c.credits_posted - account.c.debits_posted,
    ("accounts", "currency"): sa.literal(CURRENCY),
    ("holds", "direction"): _direction(hold.c.amount),
    ("holds", "amount"): sa.func.abs(hold.c.amount),
}
"""Fields that no column holds as they stand."""


def _with_reversals(db: sa.Connection, found: list[Record]) -> list[Record]:
    """Say of movements taken back what the statement says of that, where it is not what everybody's says."""
    taken_back = [record for record in found if record["reversed_at"] is not None]
    for record in taken_back:
        row = _DESCRIPTION.first(db, identifier=reversal_id(record["transaction_id"]))
        derived = derived_reversal_text(record["description"], record["merchant_name"])
        if row is not None and row.description != derived:
            record["reversal_description"] = row.description
    return found


_DESCRIPTION = Statement(sa.select(entry.c.description).where(entry.c.id == sa.bindparam("identifier", type_=PublicId)))


@cache
def _largest(name: str) -> Statement:
    key = journal.c.seq if name == "transactions" else source_of(name).key
    return Statement(sa.select(sa.func.max(key).label("key")))


@cache
def _by_identifier(name: str) -> Statement:
    source = source_of(name)
    wanted = sa.bindparam("identifier", type_=PublicId)
    # An order that one row does not need could lead the database to another index.
    return Statement(source.select.where(source.columns[source.collection.key] == wanted).order_by(None))


@cache
def _key_by_identifier(name: str) -> Statement:
    collection = ALL_COLLECTIONS[name]
    owner = next((field for field in collection.fields if field.name == collection.key), None)
    wanted = sa.bindparam("identifier", type_=PublicId)
    if name == "transactions":
        return _by_identifier(name)
    table = COLLECTION_TABLES[name]
    if owner is not None and owner.reference:
        target = COLLECTION_TABLES[owner.reference]
        (key,) = table.primary_key.columns
        return Statement(sa.select(key).join(target, target.c.key == key).where(target.c.id == wanted))
    return Statement(sa.select(table.c.key).where(table.c.id == wanted))


def _converters(collection: Collection) -> list[tuple[str, Convert | None]]:
    return [(field.name, _converter(field)) for field in collection.fields]


def _converter(field: Field) -> Convert | None:
    if field.is_enumeration:
        kind = field.kind
        shown = {member.value: in_files(member) for member in kind}
        return lambda value: shown[value]
    converters: dict[Any, Convert] = {Fils: format_fils, Instant: format_instant, date: str, bool: bool}
    return converters.get(field.kind)


def _record(source: Source, row: Any, *, with_secrets: bool = False) -> Record:
    record: Record = {}
    for (name, convert), value in zip(source.convert, row[1:-1], strict=True):
        record[name] = convert(value) if convert is not None and value is not None else value
    if not with_secrets:
        for name in SECRETS & record.keys():
            del record[name]
    return record | row[-1] if row[-1] else record
