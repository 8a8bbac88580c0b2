"""Writing the rows of single records: columns, references, secrets, and what refers to a record or belongs to it.

Not for what a collection forbids: `records` decides who may be written at all.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from sandbox.bank import record_money
from sandbox.bank.chart import FIRST_CUSTOMER_KEY
from sandbox.bank.record_reads import Record, key_of, keyed_fields, source_of
from sandbox.bank.record_rules import parsed, reference_keys, require_sound
from sandbox.core.errors import RecordInUseError
from sandbox.core.passwords import hash_password
from sandbox.core.settings import PasswordCost
from sandbox.store.fields import Row
from sandbox.store.filling import columns
from sandbox.store.records import ALL_COLLECTIONS, Collection
from sandbox.store.tables import COLLECTION_TABLES, COUNTERS, account, entry, metadata
from sandbox.store.work import Work

_PLAIN = {"password": "password_hash", "pin": "pin_hash"}
"""Secrets as they may be given, and the fields that keep their hashes."""

_UNUSABLE = "!"
"""Stands where a user has no password at all; it matches nothing."""

_FALL_DUE = {"auth_users": "locked_until", "login_sessions": "expires_at"}
"""Fields that say when the bank itself will change a record."""

_SHOWN = 3
"""How many records a refusal names of each collection that refers to one."""


def insert(work: Work, known: Collection, record: Record) -> None:
    """Add the row of a record; an account opens with its balance.

    Raises:
        RecordInvalidError: a field, a reference or a rule is at fault.
    """
    table = COLLECTION_TABLES[known.name]
    record = _hashed(work, known, record)
    row = parsed(known, record)
    keys = reference_keys(work, known, row)
    require_sound(work, known.name, record, row)
    values = _columns(known, row, keys)
    if known.name == "accounts":
        first = sa.select(sa.func.max(table.c.key)).where(table.c.key >= FIRST_CUSTOMER_KEY)
        if work.db.execute(first).scalar() is None:
            values["key"] = FIRST_CUSTOMER_KEY
        values |= dict.fromkeys(COUNTERS, 0)
    work.db.execute(sa.insert(table).values(**values))
    if known.name == "accounts":
        key = key_of(work.db, known.name, row[known.key])
        assert key is not None
        record_money.open_balance(work, key, row["balance"], row["status"])
        record_money.adjust_balance(work, key, row["balance"], row["status"])
    _due(work, known, row)


def update(work: Work, known: Collection, record_id: str, record: Record) -> None:
    """Make a row that of this record; an account is brought to its balance.

    Raises:
        RecordInvalidError: a field, a reference or a rule is at fault.
    """
    table = COLLECTION_TABLES[known.name]
    record = _hashed(work, known, record)
    row = parsed(known, record)
    keys = reference_keys(work, known, row)
    require_sound(work, known.name, record, row)
    key = key_of(work.db, known.name, record_id)
    assert key is not None
    values = _columns(known, row, keys)
    (primary,) = table.primary_key.columns
    work.db.execute(sa.update(table).where(primary == key).values(**values))
    if known.name == "accounts":
        record_money.adjust_balance(work, key, row["balance"], row["status"])
    _due(work, known, row)


def _columns(known: Collection, row: Row, keys: dict[str, dict[str, int]]) -> Record:
    """The columns of a row, but for the key and the counters, which are the table's and the ledger's."""
    values = columns(known, row, keys | {known.name: {row[known.key]: 0}})
    drop = {"key", *COUNTERS, "password", "pin"}
    return {name: value for name, value in values.items() if name not in drop}


def _hashed(work: Work, known: Collection, record: Record) -> Record:
    """Credentials without plain secrets; a user without any password has one that matches nothing."""
    if known.name != "credentials":
        return record
    if plain_secrets(record):
        salt = work.draws.secret("password-salt").encode()
        owner, cost = str(record.get(known.key)), work.rules.password_cost
        record = hash_secrets(record, seed_key=salt, owner=owner, version=0, cost=cost)
    return record if record.get("password_hash") is not None else record | {"password_hash": _UNUSABLE}


def _due(work: Work, known: Collection, row: Row) -> None:
    """Let the jobs know of what will fall due by itself."""
    field = _FALL_DUE.get(known.name)
    if field is not None and row.get(field) is not None:
        work.due(row[field])


def require_unreferred(work: Work, name: str, record_id: str, key: int) -> None:
    """Refuse to delete what other records refer to.

    Raises:
        RecordInUseError: with the collections and some of their records.
    """
    referred_by: dict[str, list[str]] = {}
    for other in ALL_COLLECTIONS.values():
        if other.name == "transactions":
            continue  # they refer to accounts, which are looked at below, and through those to customers
        source = source_of(other.name)
        for field in other.references():
            if field.reference == name:
                column, _ = keyed_fields(other.name)[field.name]
                mine = source.select.where(column == key).limit(_SHOWN)
                named = [str(getattr(row, other.key)) for row in work.db.execute(mine)]
                if named:
                    referred_by.setdefault(other.name, named)
    if name == "accounts":
        mine = sa.select(entry.c.id).where(entry.c.account == key).order_by(entry.c.seq).limit(_SHOWN)
        posted = work.db.execute(mine).all()
        if posted:
            named = [str(row.id) for row in posted if row.id is not None]
            referred_by["transactions"] = named or ["its opening entry"]
    if referred_by:
        what = "; ".join(f"{other} {', '.join(named)}" for other, named in referred_by.items())
        detail = f"Record {record_id} of {name} is referred to by {what}. Delete or change those first."
        facts = [{"collection": other, "records": named} for other, named in referred_by.items()]
        raise RecordInUseError(detail, referred_by=facts)


def drop_own(work: Work, table: sa.Table, key: int) -> None:
    """Drop what belongs to a record and is no record itself: refresh tokens, challenges."""
    records = set(COLLECTION_TABLES.values()) | {entry, account}
    for other in metadata.sorted_tables:
        if other in records:
            continue
        for reference in other.foreign_keys:
            if reference.column.table is table:
                work.db.execute(sa.delete(other).where(reference.parent == key))


def hash_secrets(body: Mapping[str, Any], *, seed_key: bytes, owner: str, version: int, cost: PasswordCost) -> Record:
    """`body` with hashes in the place of a plain `password` and `pin`: slow at production cost, so done beforehand.

    Args:
        body: what a client sent for `credentials`; secrets that are no texts stay, to be refused later.
        seed_key: of the sandbox; the salts derive from it.
        owner: whose credential it is.
        version: another one for each new secret of the same owner.
        cost: of the settings.
    """
    record = dict(body)
    for plain, field in _PLAIN.items():
        secret = record.get(plain)
        if isinstance(secret, str) and secret:
            del record[plain]
            name = f"{owner}:{field}"
            record[field] = hash_password(secret, seed_key=seed_key, username=name, version=version, cost=cost)
    return record


def plain_secrets(body: Mapping[str, Any]) -> bool:
    """Whether a body for `credentials` carries a secret that is to be hashed."""
    return any(isinstance(body.get(plain), str) for plain in _PLAIN)
