"""Records of any collection, read and written in the shape of the ecosystem's files: what the data plane serves.

A write is checked like a seed file, leaves a line in the audit trail that says who asked (`by`), and keeps every rule
of the bank: money goes through the ledger, the audit trail only grows. Not for what a customer may do.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from sandbox.bank import record_extras, record_money
from sandbox.bank.record_reads import (
    Record,
    key_of,
    read_one,
    read_where,
)
from sandbox.bank.record_refusals import AuditLineImmutableError, CollectionOnlyReadError
from sandbox.bank.record_rules import now_for, parsed, pointer, reference_keys
from sandbox.bank.record_writes import drop_own, insert, require_unreferred, update
from sandbox.core.errors import (
    Fault,
    NotFoundError,
    RecordExistsError,
    RecordInvalidError,
    ValidationFailedError,
)
from sandbox.core.vocabulary import Severity, in_files
from sandbox.store.export import SECRETS
from sandbox.store.records import ALL_COLLECTIONS, COLLECTIONS, RUNTIME_COLLECTIONS, Collection
from sandbox.store.tables import COLLECTION_TABLES
from sandbox.store.work import Work

__all__ = [
    "DATA_PLANE",
    "Record",
    "create_record",
    "delete_record",
    "find_records",
    "get_record",
    "identifier_of",
    "patch_record",
    "replace_record",
    "write_single",
]

DATA_PLANE = "data-plane"
"""Who wrote, in the audit trail, when nobody else is named."""


def find_records(work: Work, collection: str, where: Mapping[str, Any]) -> list[Record]:
    """The records whose fields have the values of `where`, in order; an empty `where` finds all.

    Raises:
        NotFoundError: there is no such collection.
        RecordInvalidError: a value is none of its field's.
    """
    if collection not in ALL_COLLECTIONS:
        found = record_extras.read_list(work.db, collection)
        return [
            record
            for record in found
            if isinstance(record, dict) and all(record.get(name) == value for name, value in where.items())
        ]
    try:
        return read_where(work.db, collection, where)
    except ValueError as error:
        raise RecordInvalidError([Fault("", "invalid", f"what is looked for in {collection}: {error}")]) from None


def get_record(work: Work, collection: str, record_id: str) -> Record:
    """One record.

    Raises:
        NotFoundError: there is no such collection, or no such record in it.
    """
    if collection not in ALL_COLLECTIONS:
        return record_extras.read_one(work, collection, record_id)
    record = read_one(work.db, collection, record_id)
    if record is None:
        raise _unknown(collection, record_id)
    return record


def create_record(work: Work, collection: str, body: Mapping[str, Any], *, by: str = DATA_PLANE) -> Record:
    """Add a record; the bank draws its identifier and sets its times where it names none.

    Raises:
        NotFoundError: there is no such collection.
        MethodNotAllowedError: the collection is only read.
        RecordExistsError: the identifier is taken.
        RecordInvalidError: a field, a reference or a rule is at fault; all faults are listed.
        InsufficientFundsError and the other guards of `ledger.post`: of a new transaction.
    """
    record = _object(body)
    known = _writable(collection)
    if known is None:
        made, record_id = record_extras.create(work, collection, record)
        _audit(work, "CREATED", collection, record_id, by)
        return made
    if collection == "audit_logs":
        return _add_audit_line(work, known, now_for(known, record, work.now), by)
    record_id = _new_identifier(work, known, record)
    if collection == "transactions":
        record_money.create_transaction(work, record)
    else:
        insert(work, known, now_for(known, record, work.now))
    _audit(work, "CREATED", collection, record_id, by)
    return get_record(work, collection, record_id)


def replace_record(
    work: Work, collection: str, record_id: str, body: Mapping[str, Any], *, by: str = DATA_PLANE
) -> Record:
    """Put another record in the place of one: what `body` leaves out goes back to its default.

    Secrets stay as they are unless `body` names them: nobody could have read them to send them again.

    Raises:
        As `patch_record`.
    """
    return _change(work, collection, record_id, _object(body), by, whole=True)


def patch_record(
    work: Work, collection: str, record_id: str, changes: Mapping[str, Any], *, by: str = DATA_PLANE
) -> Record:
    """Change some fields of a record.

    Raises:
        NotFoundError: there is no such collection or record.
        MethodNotAllowedError: the collection is only read.
        RecordInvalidError: a field, a reference or a rule is at fault; all faults are listed.
        LedgerImmutableError: it is money that is posted, or a line of the audit trail.
    """
    return _change(work, collection, record_id, _object(changes), by, whole=False)


def delete_record(work: Work, collection: str, record_id: str, *, by: str = DATA_PLANE) -> None:
    """Remove a record that nothing refers to.

    Raises:
        NotFoundError: there is no such collection or record.
        MethodNotAllowedError: the collection is only read.
        RecordInUseError: other records refer to it; they are named.
        LedgerImmutableError: it is money that is posted, or a line of the audit trail.
    """
    known = _writable(collection)
    if known is None:
        record_extras.delete(work, collection, record_id)
        _audit(work, "DELETED", collection, record_id, by)
        return
    get_record(work, collection, record_id)
    if collection == "transactions":
        raise record_money.immutable(work, record_id, [])
    if collection == "audit_logs":
        raise AuditLineImmutableError(record_id, [])
    key = key_of(work.db, collection, record_id)
    assert key is not None
    require_unreferred(work, collection, record_id, key)
    table = COLLECTION_TABLES[collection]
    drop_own(work, table, key)
    (primary,) = table.primary_key.columns
    work.db.execute(sa.delete(table).where(primary == key))
    _audit(work, "DELETED", collection, record_id, by)


def identifier_of(collection: str, record: Record) -> str:
    """What a record is found by in its collection."""
    known = ALL_COLLECTIONS.get(collection)
    return str(record["id" if known is None else known.key])


def write_single(work: Work, collection: str, body: Any, *, whole: bool, by: str = DATA_PLANE) -> Any:
    """Replace the one value of a collection (`whole`), or change some fields of it.

    Raises:
        NotFoundError: there is no such collection, or it is a list.
        MethodNotAllowedError: there are no fields to change in it.
    """
    written = record_extras.write_single(work, collection, body, whole=whole)
    _audit(work, "CHANGED", collection, collection, by)
    return written


def _change(work: Work, collection: str, record_id: str, given: Record, by: str, *, whole: bool) -> Record:
    known = _writable(collection)
    if known is None:
        changed = record_extras.change(work, collection, record_id, given, whole=whole)
        _audit(work, "CHANGED", collection, record_id, by)
        return changed
    before = read_one(work.db, collection, record_id, with_secrets=True)
    if before is None:
        raise _unknown(collection, record_id)
    if given.get(known.key, record_id) != record_id:
        detail = f"is the identifier of the record, {record_id!r}, and cannot change"
        raise RecordInvalidError([Fault(pointer(known.key), "not_allowed", detail)])
    kept = {name: value for name, value in before.items() if not whole or name in SECRETS}
    record = kept | {known.key: record_id} | given
    if collection == "transactions":
        record_money.change_transaction(work, record_id, record, before)
    elif collection == "audit_logs":
        raise AuditLineImmutableError(record_id, sorted(given))
    else:
        update(work, known, record_id, record)
    _audit(work, "CHANGED", collection, record_id, by)
    return get_record(work, collection, record_id)


def _writable(collection: str) -> Collection | None:
    """The known collection to write to; None for one that the bank does not know.

    Raises:
        CollectionOnlyReadError: what the bank itself does is only read.
    """
    if collection in RUNTIME_COLLECTIONS:
        raise CollectionOnlyReadError(collection)
    return COLLECTIONS.get(collection)


def _object(body: Any) -> Record:
    if not isinstance(body, Mapping):
        raise ValidationFailedError([Fault("", "wrong_type", "must be an object: a record with its fields")])
    return dict(body)


def _new_identifier(work: Work, known: Collection, record: Record) -> str:
    """The identifier of a new record, drawn into it where it has none.

    Raises:
        RecordExistsError: it is taken.
    """
    owner = next(field for field in known.fields if field.name == known.key).reference
    if record.get(known.key) is None and not owner:
        if "id" in record:
            detail = f"the identifier of {known.name} is {known.key}; leave both out to have one drawn"
            raise RecordInvalidError([Fault("/id", "not_allowed", detail)])
        record[known.key] = work.draws.uuid(known.name)
    given = record.get(known.key)
    if isinstance(given, str) and key_of(work.db, known.name, given) is not None:
        raise RecordExistsError(f"There is a record {given[:64]} in {known.name} already.")
    return str(given)


def _add_audit_line(work: Work, known: Collection, record: Record, by: str) -> Record:
    """A line of the audit trail, written by the bank itself: it is a chain in order of time."""
    row = parsed(known, record | {known.key: "drawn"})
    keys = reference_keys(work, known, row)
    if known.key in record or row["created_at"] != work.now:
        detail = "is the bank's to say: the audit trail is a chain in order of time; leave it out"
        field = known.key if known.key in record else "created_at"
        raise RecordInvalidError([Fault(pointer(field), "not_allowed", detail)])
    user = None if row["user_id"] is None else keys["auth_users"][row["user_id"]]
    extra = (row["extra"] or {}) | {"by": by}
    record_id = work.audit(
        row["action"],
        user=user,
        ip_address=row["ip_address"],
        related=row["related_entity_id"],
        severity=Severity(row["severity"]),
        extra=extra,
    )
    told = {field.name: record.get(field.name) for field in known.fields}
    return told | {known.key: record_id, "severity": in_files(row["severity"])} | extra


def _audit(work: Work, what: str, collection: str, record_id: str, by: str) -> None:
    extra = {"by": by, "collection": collection}
    work.audit(f"RECORD_{what}", user=None, ip_address=None, related=record_id, extra=extra)


def _unknown(collection: str, record_id: str) -> NotFoundError:
    return NotFoundError(f"There is no record {record_id[:64]} in {collection}.")
