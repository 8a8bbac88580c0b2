"""Records of collections that the bank does not know: any JSON of the ecosystem's folder, found by its `id`.

They carry no rules: what is written is kept as it is. A collection is a list of values, or one value.
"""

from typing import Any

import sqlalchemy as sa

from sandbox.bank.record_reads import Record
from sandbox.bank.record_refusals import CollectionUnknownError, NoObjectError
from sandbox.core.errors import Fault, NotFoundError, RecordExistsError, RecordInvalidError
from sandbox.store.filling import extra_identifier, extra_row
from sandbox.store.statement import Statement
from sandbox.store.tables import LIST_MARK, SINGLE_VALUE, extra_record
from sandbox.store.types import JsonText
from sandbox.store.work import Work

_MOST_DIGITS = 15
"""Of identifiers that are counted on: any JSON reader keeps such a number exactly."""

_FIRST = Statement(
    sa.select(extra_record.c.position)
    .where(extra_record.c.collection == sa.bindparam("of_collection"))
    .order_by(extra_record.c.position)
    .limit(1)
)
_LAST = Statement(
    sa.select(extra_record.c.position, extra_record.c.identifier, extra_record.c.body)
    .where(extra_record.c.collection == sa.bindparam("of_collection"))
    .order_by(extra_record.c.position.desc())
    .limit(1)
)
_ALL = Statement(
    sa.select(extra_record.c.body)
    .where(extra_record.c.collection == sa.bindparam("of_collection"), extra_record.c.position > LIST_MARK)
    .order_by(extra_record.c.position)
)
_ONE = Statement(
    sa.select(extra_record.c.position, extra_record.c.body)
    .where(
        extra_record.c.collection == sa.bindparam("of_collection"),
        extra_record.c.identifier == sa.bindparam("of_identifier"),
        extra_record.c.position >= 0,
    )
    .order_by(extra_record.c.position)
    .limit(1)
)
_HIGHEST = Statement(
    sa.select(sa.func.max(sa.cast(extra_record.c.identifier, sa.BigInteger)).label("highest")).where(
        extra_record.c.collection == sa.bindparam("of_collection"),
        sa.func.length(extra_record.c.identifier) <= _MOST_DIGITS,
    )
)
_ADD = Statement(sa.insert(extra_record), "collection", "position", "identifier", "body")
_AT = sa.and_(
    extra_record.c.collection == sa.bindparam("of_collection"), extra_record.c.position == sa.bindparam("at_position")
)
_SET = Statement(sa.update(extra_record).where(_AT).values(body=sa.bindparam("new_body", type_=JsonText)))
_DROP = Statement(sa.delete(extra_record).where(_AT))
_NEXT_NAME = Statement(
    sa.select(sa.func.min(extra_record.c.collection).label("name")).where(
        extra_record.c.collection > sa.bindparam("after")
    )
)
_LENGTHS = (
    sa.select(sa.func.length(extra_record.c.body))
    .where(extra_record.c.collection == sa.bindparam("of_collection"))
    .order_by(extra_record.c.position)
)
_COUNT = Statement(
    sa.select(sa.func.count().label("count")).where(
        extra_record.c.collection == sa.bindparam("of_collection"), extra_record.c.position >= 0
    )
)


def names(db: sa.Connection) -> list[str]:
    """The collections that the bank does not know, in order of name; costs one look-up each, whatever they hold."""
    found: list[str] = []
    while (name := _NEXT_NAME.one(db, after=found[-1] if found else "").name) is not None:
        found.append(name)
    return found


def at_most(db: sa.Connection, collection: str) -> int:
    """A number that a list has no more values than, found without counting them."""
    last = _LAST.first(db, of_collection=collection)
    return 0 if last is None else int(last.position) + 1


def count(db: sa.Connection, collection: str) -> int:
    """How many values a list has."""
    return int(_COUNT.one(db, of_collection=collection).count)


def has_more_bytes(db: sa.Connection, collection: str, *, than: int) -> bool:
    """Whether the values of a collection are longer than so many characters of JSON; looks at no more than needed."""
    total = 0
    with db.execute(_LENGTHS, {"of_collection": collection}) as found:
        for (length,) in found:
            total += length or 0
            if total > than:
                return True
    return False


def is_single(db: sa.Connection, collection: str) -> bool | None:
    """Whether the collection is one value instead of a list; None where there is no such collection."""
    first = _FIRST.first(db, of_collection=collection)
    return None if first is None else bool(first.position == SINGLE_VALUE)


def read_list(db: sa.Connection, collection: str) -> list[Any]:
    """Every value of a list.

    Raises:
        NotFoundError: there is no such collection, or it is one value.
    """
    _require_list(db, collection)
    return [row.body for row in _ALL.all(db, of_collection=collection)]


def read_single(work: Work, collection: str) -> Any:
    """The one value of a collection that is no list.

    Raises:
        NotFoundError: there is no such collection, or it is a list.
    """
    if is_single(work.db, collection) is not True:
        raise unknown(collection)
    return _ALL.one(work.db, of_collection=collection).body


def read_one(work: Work, collection: str, identifier: str) -> Record:
    """The record of an identifier: the first, should there be several.

    Raises:
        NotFoundError: there is no such collection, or no such record in it.
    """
    record: Record = _found(work, collection, identifier).body
    return record


def create(work: Work, collection: str, record: Record) -> tuple[Record, str]:
    """Add a record at the end; without an `id` it gets the next number where ids are numbers, else a drawn one.

    Raises:
        NotFoundError: there is no such collection, or it is one value.
        RecordExistsError: the id is taken.
        RecordInvalidError: the id is neither a text nor a whole number.
    """
    _require_list(work.db, collection)
    if record.get("id") is None:
        record = {"id": _next_id(work, collection)} | {name: value for name, value in record.items() if name != "id"}
    identifier = _identifier(record)
    if _ONE.first(work.db, of_collection=collection, of_identifier=identifier) is not None:
        raise RecordExistsError(f"There is a record {identifier[:64]} in {collection} already.")
    last = _LAST.one(work.db, of_collection=collection).position
    _ADD.run(work.db, **extra_row(collection, max(last + 1, 0), record))
    return record, identifier


def change(work: Work, collection: str, identifier: str, given: Record, *, whole: bool) -> Record:
    """Replace a record or change some of its fields; its `id` stays.

    Raises:
        NotFoundError: there is no such collection, or no such record in it.
        RecordInvalidError: `given` has another id.
    """
    row = _found(work, collection, identifier)
    own = row.body["id"]
    if "id" in given and extra_identifier(given) != identifier:
        detail = f"is the identifier of the record, {own!r}, and cannot change"
        raise RecordInvalidError([Fault("/id", "not_allowed", detail)])
    record: Record = (given if whole else row.body | given) | {"id": own}
    _SET.run(work.db, of_collection=collection, at_position=row.position, new_body=record)
    return record


def write_single(work: Work, collection: str, given: Record, *, whole: bool) -> Record:
    """Replace the one value of a collection, or change some of its fields.

    Raises:
        NotFoundError: there is no such collection, or it is a list.
        NoObjectError: it is no object, so there is nothing to change in it.
    """
    before = read_single(work, collection)
    if not whole and not isinstance(before, dict):
        raise NoObjectError(collection)
    record = given if whole else before | given
    _SET.run(work.db, of_collection=collection, at_position=SINGLE_VALUE, new_body=record)
    return record


def delete(work: Work, collection: str, identifier: str) -> None:
    """Remove a record.

    Raises:
        NotFoundError: there is no such collection, or no such record in it.
    """
    row = _found(work, collection, identifier)
    _DROP.run(work.db, of_collection=collection, at_position=row.position)


def unknown(collection: str) -> NotFoundError:
    """The refusal of a collection that is not there."""
    return CollectionUnknownError(collection)


def _require_list(db: sa.Connection, collection: str) -> None:
    single = is_single(db, collection)
    if single is None:
        raise unknown(collection)
    if single:
        raise NotFoundError(f"{collection} is one value, not a list of records: it has no records to name.")


def _found(work: Work, collection: str, identifier: str) -> Any:
    _require_list(work.db, collection)
    row = _ONE.first(work.db, of_collection=collection, of_identifier=identifier)
    if row is None:
        raise NotFoundError(f"There is no record {identifier[:64]} in {collection}.")
    return row


def _next_id(work: Work, collection: str) -> int | str:
    """As json-server does: one more than the highest where the last is a number; else drawn.

    Numbers too long to count on are left out, and drawn for where there are no others.
    """
    last = _LAST.one(work.db, of_collection=collection)
    if last.position < 0:
        return 1
    if not isinstance(last.body, dict) or not isinstance(last.body.get("id"), int):
        return work.draws.uuid(collection)
    highest = _HIGHEST.one(work.db, of_collection=collection).highest
    following = None if highest is None else int(highest) + 1
    if following is None or len(str(following)) > _MOST_DIGITS:
        return work.draws.uuid(collection)
    return following


def _identifier(record: Record) -> str:
    identifier = extra_identifier(record)
    if identifier is None or not 1 <= len(identifier) <= 64 or not identifier.isprintable():
        detail = "must be a text of 1 to 64 printable characters or a whole number"
        raise RecordInvalidError([Fault("/id", "wrong_type", detail)])
    return identifier
