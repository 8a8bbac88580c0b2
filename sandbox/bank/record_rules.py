"""What a record must keep when it is written alone: its type, its references, and the rules it shares with others.

The rules are those of a whole ecosystem: the record is judged in a small one, of what it refers to and of what refers
to it. Not for running balances: those the ledger itself guards.
"""

from collections.abc import Iterator
from functools import cache

import sqlalchemy as sa

from sandbox.bank.record_reads import Record, key_of, read_one
from sandbox.core.clock import Instant, format_instant
from sandbox.core.errors import Fault, RecordInvalidError
from sandbox.store.checking import check
from sandbox.store.fields import Row, RowReader
from sandbox.store.filling import Keys
from sandbox.store.reading import Manifest, RawEcosystem
from sandbox.store.records import ALL_COLLECTIONS, Collection
from sandbox.store.statement import Statement
from sandbox.store.tables import (
    COLLECTION_TABLES,
    account,
    dispute_record,
    entry,
    login_session,
    registered_device,
    savings_goal,
)
from sandbox.store.types import PublicId
from sandbox.store.work import Work

_UNIQUE = (("accounts", "account_number"), ("accounts", "iban"), ("auth_users", "username"))
_RUN = {"transfers", "holds"}
"""What the bank itself adds while it runs; nothing of it is judged with a record."""

_HOLDER = sa.select(account.c.customer).where(account.c.key == sa.bindparam("of_key")).scalar_subquery()
_PAYER = (
    sa.select(account.c.customer)
    .join(entry, entry.c.account == account.c.key)
    .where(entry.c.id == sa.bindparam("of_id", type_=PublicId))
    .scalar_subquery()
)
_OWNER = sa.select(registered_device.c.user).where(registered_device.c.key == sa.bindparam("of_key")).scalar_subquery()
_DEPENDANTS = {
    "accounts": (
        (
            "savings_goals",
            Statement(
                sa.select(savings_goal.c.id)
                .where(savings_goal.c.customer == _HOLDER, savings_goal.c.account == sa.bindparam("of_key"))
                .order_by(savings_goal.c.key)
            ),
        ),
        (
            "dispute_records",
            Statement(
                sa.select(dispute_record.c.id)
                .join(entry, entry.c.id == dispute_record.c.transaction)
                # An account has more movements than its holder has disputes: the sum keeps its index out of this.
                .where(dispute_record.c.customer == _HOLDER, entry.c.account + 0 == sa.bindparam("of_key"))
                .order_by(dispute_record.c.key)
            ),
        ),
    ),
    "registered_devices": (
        (
            "login_sessions",
            Statement(
                sa.select(login_session.c.id)
                .where(login_session.c.user == _OWNER, login_session.c.device == sa.bindparam("of_key"))
                .order_by(login_session.c.key)
            ),
        ),
    ),
    "transactions": (
        (
            "dispute_records",
            Statement(
                sa.select(dispute_record.c.id)
                .where(
                    dispute_record.c.customer == _PAYER,
                    dispute_record.c.transaction == sa.bindparam("of_id", type_=PublicId),
                )
                .order_by(dispute_record.c.key)
            ),
        ),
    ),
}
"""Records whose own rules look at the record they refer to: they are judged again when that one changes. They are found
among the things of its holder, by an index: by the same rules they are there."""


def pointer(field: str) -> str:
    """The JSON Pointer of a field of the record."""
    return f"/{field.replace('~', '~0').replace('/', '~1')}"


def parsed(collection: Collection, record: Record) -> Row:
    """The inner form of a record.

    Raises:
        RecordInvalidError: with every field that is missing or no value of its kind.
    """
    row, faults = _reader(collection.name).read(record)
    if faults:
        raise RecordInvalidError(
            [Fault(pointer(name), "required" if text == "is missing" else "invalid", text) for name, text in faults]
        )
    return row


def reference_keys(work: Work, collection: Collection, row: Row) -> Keys:
    """The inner key of each record that `row` refers to, by collection and public id.

    Raises:
        RecordInvalidError: with every reference that leads nowhere.
    """
    keys: Keys = {}
    faults = []
    for field in collection.references():
        assert field.reference is not None
        value = row[field.name]
        if value is None:
            continue
        found = key_of(work.db, field.reference, value)
        if found is None:
            detail = f"{value!r} is in no record of {field.reference}"
            faults.append(Fault(pointer(field.name), "unknown_reference", detail))
        else:
            keys.setdefault(field.reference, {})[value] = found
    if faults:
        raise RecordInvalidError(faults)
    return keys


def require_sound(work: Work, name: str, record: Record, row: Row) -> None:
    """Hold a record that is about to be written against the rules of its collection.

    Raises:
        RecordInvalidError: with every rule that it breaks, or that would be broken by what refers to it.
    """
    faults = list(_taken(work, name, row))
    small = _Small(work)
    small.add(name, record, row, judged=True)
    identifier = row[ALL_COLLECTIONS[name].key]
    key = key_of(work.db, name, identifier)
    for dependant, statement in _DEPENDANTS.get(name, ()):
        for found in statement.all(work.db, of_key=key, of_id=identifier):
            small.add_stored(dependant, found.id, judged=True)
    faults += small.faults(name, identifier)
    if faults:
        raise RecordInvalidError(faults)


def _taken(work: Work, name: str, row: Row) -> Iterator[Fault]:
    """What must be unique and stands in another record."""
    collection = ALL_COLLECTIONS[name]
    for of, field in _UNIQUE:
        if of != name:
            continue
        table = COLLECTION_TABLES[name]
        other = work.db.execute(sa.select(table.c.id).where(table.c[field] == row[field])).scalar()
        if other is not None and other != row[collection.key]:
            yield Fault(pointer(field), "not_unique", f"{row[field]!r} stands in record {other} too; it must be unique")


class _Small:
    """An ecosystem of a few records of a bank: what is judged, and all that it refers to."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._rows: dict[str, list[Row]] = {name: [] for name in ALL_COLLECTIONS}
        self._known: set[tuple[str, str]] = set()
        self._judged: dict[tuple[str, str], str] = {}
        """The public ids of the records that are judged, by file and label."""

    def add(self, name: str, record: Record, row: Row, *, judged: bool) -> None:
        """A record and everything it refers to."""
        collection = ALL_COLLECTIONS[name]
        identifier = row[collection.key]
        self._known.add((name, identifier))
        position = len(self._rows[name])
        self._rows[name].append(row | {"position": position})
        if judged:
            self._judged[name, f"[{position}]"] = identifier
        for field in collection.references():
            assert field.reference is not None
            if field.reference not in _RUN and record.get(field.name) is not None:
                self.add_stored(field.reference, record[field.name], judged=False)

    def add_stored(self, name: str, identifier: str, *, judged: bool) -> None:
        """A record of the bank as it stands."""
        if (name, identifier) in self._known:
            return
        record = read_one(self._work.db, name, identifier, with_secrets=True)
        assert record is not None, f"{name} {identifier} is referred to"
        self.add(name, record, _reader(name).read(record)[0], judged=judged)

    def faults(self, name: str, identifier: str) -> Iterator[Fault]:
        """What is wrong with the records that are judged, told of the record of `name` with this identifier."""
        manifest = Manifest(name="records", as_of=self._work.now)
        files = {known: known for known in ALL_COLLECTIONS}
        rows = {known: [_alone(row) for row in found] for known, found in self._rows.items()}
        for failure in check(RawEcosystem(manifest, rows, {}, files, {})):
            label = failure.record.partition(" ")[0]
            judged = self._judged.get((failure.file, label))
            if judged is None:
                continue  # what stands in the bank already is not this write's doing
            message = failure.message.replace("as_of, ", "now, ")
            if (failure.file, judged) == (name, identifier):
                yield Fault(pointer(failure.field), "rule_broken", message)
            else:
                detail = f"record {judged} of {failure.file} would break a rule: {failure.field} {message}"
                yield Fault("", "rule_broken", detail)


def _alone(row: Row) -> Row:
    """A row without what only matters beside the runs of the bank."""
    return row | {"transfer_id": None} if "transfer_id" in row and "booked_at" in row else row


@cache
def _reader(name: str) -> RowReader:
    return RowReader(ALL_COLLECTIONS[name])


def now_for(collection: Collection, record: Record, now: int) -> Record:
    """The record with business time wherever it must say when something began and does not."""
    times = [field.name for field in collection.fields if field.required and field.kind is Instant]
    return {name: format_instant(now) for name in times if name not in record} | record
