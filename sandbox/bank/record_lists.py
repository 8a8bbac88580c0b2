"""The collections of a bank as lists: which there are, how large, and all or few of their records at once.

What takes a database instead of a `Work` may run in a thread, on a copy.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from sandbox.bank import record_extras
from sandbox.bank.record_reads import Record, count_all, keyed_fields, largest, read_all, read_few
from sandbox.store.records import ALL_COLLECTIONS, RUNTIME_COLLECTIONS
from sandbox.store.work import Work


class CollectionInfo(NamedTuple):
    """A collection of a bank: how many records it has (None: it is one value), and what else there is to know."""

    name: str
    records: int | None
    key: str
    read_only: bool = False


def collections(db: sa.Connection) -> list[CollectionInfo]:
    """Every collection, the known ones first."""
    known = [
        CollectionInfo(name, count_all(db, name), collection.key, name in RUNTIME_COLLECTIONS)
        for name, collection in ALL_COLLECTIONS.items()
    ]
    others = [
        CollectionInfo(name, None if record_extras.is_single(db, name) else record_extras.count(db, name), "id")
        for name in record_extras.names(db)
    ]
    return known + others


def collection_names(work: Work) -> list[str]:
    """The names of all collections, the known ones first."""
    return [*ALL_COLLECTIONS, *record_extras.names(work.db)]


def is_single(work: Work, collection: str) -> bool:
    """Whether a collection is one value instead of a list of records.

    Raises:
        NotFoundError: there is no such collection.
    """
    found = False if collection in ALL_COLLECTIONS else record_extras.is_single(work.db, collection)
    if found is None:
        raise record_extras.unknown(collection)
    return found


def read_single(work: Work, collection: str) -> Any:
    """The one value of a collection that is no list.

    Raises:
        NotFoundError: there is no such collection, or it is a list.
    """
    return record_extras.read_single(work, collection)


def is_small(work: Work, *, than: int) -> bool:
    """Whether no collection can have more than so many records."""
    sizes = [largest(work.db, name) for name in ALL_COLLECTIONS]
    sizes += [record_extras.at_most(work.db, name) for name in record_extras.names(work.db)]
    return max(sizes) <= than


def small_collections(work: Work, names: Sequence[str], *, at_most: int) -> tuple[dict[str, list[Record]], list[str]]:
    """The records of those collections that cannot have more than so many, and the names of those that can.

    Names that are no list of records are left out.
    """
    found: dict[str, list[Record]] = {}
    large = []
    for name in names:
        if name not in ALL_COLLECTIONS and record_extras.is_single(work.db, name) is not False:
            continue
        size = largest(work.db, name) if name in ALL_COLLECTIONS else record_extras.at_most(work.db, name)
        if size > at_most:
            large.append(name)
        else:
            found |= read_collections(work.db, names=[name])
    return found, large


def few_records(
    work: Work, collection: str, where: Mapping[str, Sequence[str]], *, at_most: int
) -> list[Record] | None:
    """The records of a known collection whose identifier or references are among these; None where they are more.

    `where` has public ids by field; the fields are those of `finding_fields`.
    """
    return read_few(work.db, collection, where, at_most=at_most)


def finding_fields(collection: str) -> frozenset[str]:
    """The fields by which `few_records` finds records of a collection; none of one that the bank does not know."""
    return frozenset(keyed_fields(collection)) if collection in ALL_COLLECTIONS else frozenset()


def read_collections(db: sa.Connection, *, names: Sequence[str]) -> dict[str, list[Record]]:
    """Every record of each of these collections, in order; each must be a list of records."""
    return {
        name: read_all(db, name) if name in ALL_COLLECTIONS else record_extras.read_list(db, name) for name in names
    }
