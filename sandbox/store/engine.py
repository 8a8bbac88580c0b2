"""Connections to in-memory SQLite: one engine for the process, one connection for each bank.

The engine carries the dialect and the compiled cache. A connection is made from an image's bytes by
`deserialize()`, always a new one: doing so in place under an open cursor crashes the process.
"""

import sqlite3
import threading
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateIndex, CreateTable

from sandbox.store.tables import metadata

_PRIVATE_CACHE_KIB = 128
_SPARE_PAGES = 64
_PAGE_BYTES = 4_096

_opening = threading.local()
"""The driver connection that this thread is about to wrap: the pool asks for it in the same thread, at once."""
ENGINE = sa.create_engine("sqlite://", creator=lambda: _opening.driver, poolclass=NullPool, hide_parameters=True)
"""Its errors end up in logs, so they must not tell the values of a statement."""


def driver(db: sa.Connection) -> sqlite3.Connection:
    """The driver's own connection below `db`."""
    raw: Any = db.connection.dbapi_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw


def connect(image: bytes | None = None, *, read_only: bool = False) -> sa.Connection:
    """A connection to a private copy of `image`, or to an empty database; transactions are the caller's to begin."""
    raw = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, cached_statements=256)
    if image is not None:
        raw.deserialize(image)
    raw.execute(f"PRAGMA cache_size = -{_PRIVATE_CACHE_KIB}")
    raw.execute("PRAGMA foreign_keys = ON")
    if read_only:
        raw.execute("PRAGMA query_only = ON")
    _opening.driver = raw
    try:
        return ENGINE.connect()
    finally:
        del _opening.driver


def disconnect(db: sa.Connection) -> None:
    """Close `db` for good."""
    driver(db).close()
    db.invalidate()
    db.close()


def create_schema(db: sa.Connection) -> None:
    """All tables and indexes, in an empty database."""
    for statement in schema_statements():
        db.execute(statement)
    db.commit()


def schema_statements(tables: sa.MetaData = metadata) -> list[CreateTable | CreateIndex]:
    """What creates all tables and indexes, always in the same order."""
    statements: list[CreateTable | CreateIndex] = []
    for table in tables.sorted_tables:
        statements.append(CreateTable(table))
        # A table's indexes are a set: in its order, the same ecosystem would compile to different bytes.
        statements += [CreateIndex(index) for index in sorted(table.indexes, key=lambda index: str(index.name))]
    return statements


def pack(db: sa.Connection) -> None:
    """Make the database as small as it gets, then leave `_SPARE_PAGES` free pages in it.

    A private copy whose file has to grow is copied whole by the allocator, which takes longer than everything else in a
    first write. Into free pages it writes at once.
    """
    run = driver(db).execute
    run("ANALYZE")
    run("VACUUM")
    spare = sa.Table("spare", sa.MetaData(), sa.Column("bytes", sa.LargeBinary))
    spare.create(db)
    db.execute(sa.insert(spare), {"bytes": bytes(_SPARE_PAGES * _PAGE_BYTES)})
    spare.drop(db)
    db.commit()


def serialize(db: sa.Connection) -> bytes:
    """The database's bytes: what `connect` takes. Not inside a transaction."""
    raw = driver(db)
    assert not raw.in_transaction, "a half-done write must not become an image"
    return raw.serialize()
