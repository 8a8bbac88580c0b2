"""The collections of a bank as lists: which there are, how large, and all or few of their records at once.

What takes a database instead of a `Work` may run in a thread, on a copy.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from sandbox.bank import record_extras
from sandbox.bank.record_reads import (
    Record,
    count_all,
    keyed_fields,
    largest,
    read_all,
    read_few,
    read_keyed,
)
from sandbox.store.changes import changes
from sandbox.store.engine import connect, disconnect
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


def small_collections(
    work: Work, names: Sequence[str], *, at_most: int, at_most_bytes: int
) -> tuple[dict[str, list[Record]], list[str]]:
    """The records of those collections that cannot have more than so many, and the names of those that can.

    One that the bank does not know is small only if its records have no more than so many bytes of JSON too.

    Names that are no list of records are left out.
    """
    found: dict[str, list[Record]] = {}
    large = []
    for name in names:
        if name not in ALL_COLLECTIONS and record_extras.is_single(work.db, name) is not False:
            continue
        size = largest(work.db, name) if name in ALL_COLLECTIONS else record_extras.at_most(work.db, name)
        if size > at_most or (
            name not in ALL_COLLECTIONS and record_extras.has_more_bytes(work.db, name, than=at_most_bytes)
        ):
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


class Baseline:
    """The collections of a bank's clean image, read once each, from which those of later moments are made.

    Lists in it must not be changed. Threads may use it at the same time: at worst both read the same.
    """

    __slots__ = ("_image", "_read")

    def __init__(self, image: bytes) -> None:
        """`image` is the database's bytes."""
        self._image = image
        self._read: dict[str, tuple[list[int], list[Record]]] = {}

    def read_collections(self, db: sa.Connection, *, names: Sequence[str]) -> dict[str, list[Record]]:
        """Every record of each of these known collections, in order, as `read_collections` reads them.

        Args:
            db: a private connection to a bank that came from the image; what has not changed since is not read.
            names: the collections.
        """
        found = changes(db, self._image, names)
        if found is None:
            return read_collections(db, names=names)
        return {name: self._later(db, name, found.keys.get(name, [])) for name in names}

    def _later(self, db: sa.Connection, name: str, changed: list[int]) -> list[Record]:
        keys, records = self._clean(name)
        if not changed:
            return records
        others = frozenset(changed)
        same = ((key, record) for key, record in zip(keys, records, strict=True) if key not in others)
        other = zip(*read_keyed(db, name, changed), strict=True)
        return [record for _, record in sorted(chain(same, other), key=itemgetter(0))]

    def _clean(self, name: str) -> tuple[list[int], list[Record]]:
        if name not in self._read:
            db = connect(self._image)
            try:
                self._read[name] = read_keyed(db, name)
            finally:
                disconnect(db)
        return self._read[name]
