"""Which records of a bank differ from those of an earlier moment of it, found by the database itself.

The earlier bank is attached beside the present one, and rows are compared by primary key. Nothing of it is done in
Python but for the rows that differ, so it takes milliseconds where reading every record takes hundreds, and it holds up
nobody else meanwhile.

No rule of the bank is relied on: a row counts as changed when any column differs. What a record shows of other rows
(public ids by key, a merchant's name) is compared for itself. Where that changed, or too much else did, there is no
answer, and whoever asks reads everything.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from sandbox.store.engine import driver
from sandbox.store.records import ALL_COLLECTIONS
from sandbox.store.statement import Statement
from sandbox.store.tables import COLLECTION_TABLES, account, entry, extra_record, hold, journal, merchant

EARLIER = "earlier"
"""The name under which the other bank is attached."""

_AT_MOST = 10_000
"""With more changed rows in a collection, reading everything is as fast."""

_OF_THE_LEDGER = {"transactions", "holds"}
"""The collections whose records show the journal and its entries."""


class Changes(NamedTuple):
    """What differs: inner keys by collection (of `transactions`, seqs), added, changed and removed ones alike.

    There may be keys of records that are the same after all, as long as they are the same in both banks.
    """

    keys: dict[str, list[int]]
    extras: list[str]
    """The collections that the bank does not know of which anything differs."""


def changes(db: sa.Connection, earlier: bytes, names: Iterable[str] = ALL_COLLECTIONS) -> Changes | None:
    """What differs between two banks; None where it takes reading everything to say.

    Args:
        db: a private connection to one bank, with no transaction begun.
        earlier: the other bank's bytes.
        names: the known collections that are asked about.
    """
    raw = driver(db)
    raw.execute(f"ATTACH ':memory:' AS {EARLIER}")
    try:
        raw.deserialize(earlier, name=EARLIER)
        return _changes(db, list(names))
    finally:
        raw.execute(f"DETACH {EARLIER}")


def _changes(db: sa.Connection, names: Sequence[str]) -> Changes | None:
    if any(statement.first(db) is not None for statement in _shown_elsewhere()):
        return None
    seqs = _keys_of_rows(db, entry, "seq") | _keys_of_rows(db, journal, "seq") if _OF_THE_LEDGER & {*names} else set()
    if len(seqs) > _AT_MOST:
        return None
    keys: dict[str, list[int]] = {}
    for name in names:
        found = _changed_keys(db, name, seqs)
        if len(found) > _AT_MOST:
            return None
        if found:
            keys[name] = sorted(found)
    return Changes(keys, sorted(_keys_of_rows(db, extra_record, "collection")))


def _changed_keys(db: sa.Connection, name: str, seqs: set[int]) -> set[int]:
    """The keys of a collection's records that differ, where the ledger differs at these seqs."""
    if name == "transactions":
        # A movement says what the statement says of its reversal.
        return seqs | _related(db, journal, "reverses", ("seq",), seqs)
    table = COLLECTION_TABLES[name]
    (key,) = table.primary_key.columns
    found = _keys_of_rows(db, table, key.name)
    # A hold names its movement, which is an entry.
    return found | _related(db, hold, "key", ("resolved_seq", "seq"), seqs) if name == "holds" else found


def _keys_of_rows(db: sa.Connection, table: sa.Table, column: str) -> set[Any]:
    """The values of `column` in the rows that differ, of either bank."""
    return {row[0] for statement in _differences(table, column) for row in statement.all(db)}


def _related(db: sa.Connection, table: sa.Table, wanted: str, place: Sequence[str], seqs: set[int]) -> set[int]:
    """The values of the column `wanted` in those rows, of either bank, whose first non-null `place` is such a seq."""
    found: set[int] = set()
    for one in (table, _earlier(table)) if seqs else ():
        at = sa.func.coalesce(*(one.c[name] for name in place)) if len(place) > 1 else one.c[place[0]]
        query = sa.select(one.c[wanted]).where(at.in_(sorted(seqs)), one.c[wanted].is_not(None))
        found |= set(db.scalars(query))
    return found


@cache
def _earlier(table: sa.Table) -> sa.FromClause:
    """The table as it is in the attached bank."""
    columns = [sa.Column(column.name, column.type) for column in table.columns]
    # Two tables of one name confuse SQLAlchemy: it forgets the schema of one of them within IS DISTINCT FROM.
    return sa.Table(table.name, sa.MetaData(), *columns, schema=EARLIER).alias(f"{EARLIER}_{table.name}")


@cache
def _differences(table: sa.Table, column: str) -> tuple[Statement, Statement]:
    """Two statements that find the rows that differ: those that are new or changed, and those that are gone."""
    earlier, keys = _earlier(table), [key.name for key in table.primary_key.columns]
    same_key = sa.and_(*(table.c[key] == earlier.c[key] for key in keys))
    unlike = [mine.is_distinct_from(earlier.c[mine.name]) for mine in table.columns if mine.name not in keys]
    fresh = sa.select(table.c[column]).select_from(table.outerjoin(earlier, same_key))
    gone = sa.select(earlier.c[column]).select_from(earlier.outerjoin(table, same_key))
    return (
        Statement(fresh.where(sa.or_(earlier.c[keys[0]].is_(None), *unlike))),
        Statement(gone.where(table.c[keys[0]].is_(None))),
    )


@cache
def _shown_elsewhere() -> list[Statement]:
    """Statements that find a row under its old key with other values of those columns that records of others show."""
    referred_to = {field.reference for known in ALL_COLLECTIONS.values() for field in known.references()}
    # None of their rows can go as long as another shows it: the foreign keys see to that.
    shown = {table: ["id"] for name, table in COLLECTION_TABLES.items() if name in referred_to | {"transfers"}}
    shown |= {account: ["id", "customer"], merchant: ["name", "category", "mcc"]}
    statements = []
    for table, columns in shown.items():
        earlier = _earlier(table)
        unlike = sa.or_(*(table.c[name].is_distinct_from(earlier.c[name]) for name in columns))
        both = table.join(earlier, table.c.key == earlier.c.key)
        statements.append(Statement(sa.select(table.c.key).select_from(both).where(unlike).limit(1)))
    return statements
