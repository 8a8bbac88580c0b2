"""The tables of one bank, in SQLAlchemy Core: integer keys and references inside, one public id outside.

The simple collections' tables derive from their record types. Money movements have their own: a `journal` row is one
event of the ledger, an `entry` its effect on one account and, on a customer's account, the customer's transaction.
Amounts in `entry` and `hold` are signed: what adds to the account (a credit) is positive, so that a journal's posted
entries sum to zero.
"""

from datetime import date
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from sandbox.core.vocabulary import ChallengeStatus, HoldStatus, SessionStatus, TransactionStatus, UserStatus
from sandbox.store.records import COLLECTIONS, RUNTIME_COLLECTIONS, Collection, Field, Id, Json
from sandbox.store.types import Coded, FilsColumn, InstantColumn, JsonText, Key, PublicId

metadata = sa.MetaData()


class JournalKind(StrEnum):
    """Why a journal row exists. Stored by ordinal: add members at the end only."""

    OPENING = "opening"
    MOVEMENT = "movement"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRANSFER = "transfer"
    HOLD = "hold"
    CLEARING = "clearing"
    REVERSAL = "reversal"
    FAILED = "failed"


_PLAIN: dict[Any, Any] = {str: sa.Text, bool: sa.Boolean, int: sa.Integer, date: sa.String(10)}

_TABLE_NAMES = {
    "customers": "customer",
    "customer_settings": "customer_setting",
    "accounts": "account",
    "savings_goals": "savings_goal",
    "service_requests": "service_request",
    "dispute_records": "dispute_record",
    "notifications": "notification",
    "auth_users": "auth_user",
    "credentials": "credential",
    "mfa_settings": "mfa_setting",
    "registered_devices": "registered_device",
    "login_sessions": "login_session",
    "audit_logs": "audit_log",
    "transfers": "transfer",
    "holds": "hold",
}

# Columns whose look-ups are on a request's way.
_INDEXED = {
    ("accounts", "customer_id"),
    ("transfers", "from_account_id"),
    ("audit_logs", "user_id"),
    ("holds", "account_id"),
    ("auth_users", "customer_id"),
    ("registered_devices", "user_id"),
    ("login_sessions", "user_id"),
    ("notifications", "customer_id"),
    ("savings_goals", "customer_id"),
    ("service_requests", "customer_id"),
    ("dispute_records", "customer_id"),
}
_UNIQUE = {("accounts", "account_number"), ("accounts", "iban"), ("auth_users", "username")}
# A customer's movements are looked up by (account, seq): disputes refer to an entry by its public id.
_BY_PUBLIC_ID = {("dispute_records", "transaction_id")}
_NEVER_DELETED = {"transfers", "holds", "audit_logs"}
_LEFT_OUT = {
    ("accounts", "balance"),
    ("accounts", "currency"),
    ("holds", "direction"),
    ("holds", "transaction_id"),  # the entry at the hold's place in the journal, or at that of its posting
}


def _column_type(field: Field) -> Any:
    if field.kind is Json:
        return JsonText
    if field.is_enumeration:
        return sa.String(24)
    supertype = getattr(field.kind, "__supertype__", None)
    return sa.BigInteger if supertype is int else _PLAIN.get(field.kind, sa.Text)


def _column(collection: Collection, field: Field) -> sa.Column[Any]:
    mark = (collection.name, field.name)
    if mark in _BY_PUBLIC_ID:
        return sa.Column(field.column, PublicId, nullable=False)
    if field.reference:
        target = f"{_TABLE_NAMES[field.reference]}.key"
        return sa.Column(
            field.column, Key, sa.ForeignKey(target), nullable=field.optional, index=mark in _INDEXED or None
        )
    return sa.Column(field.column, _column_type(field), nullable=field.optional, unique=mark in _UNIQUE or None)


def _table(collection: Collection, *more: sa.Column[Any]) -> sa.Table:
    """The table of a collection: `key` and `id` where a record has its own identifier, else keyed by its owner."""
    columns: list[sa.Column[Any]] = []
    for field in collection.fields:
        if (collection.name, field.name) in _LEFT_OUT:
            continue
        if field.name != collection.key:
            columns.append(_column(collection, field))
        elif field.reference:
            target = f"{_TABLE_NAMES[field.reference]}.key"
            columns.append(sa.Column(field.column, Key, sa.ForeignKey(target), primary_key=True, autoincrement=False))
        else:
            assert field.kind is Id
            columns.append(sa.Column("key", Key, primary_key=True))
            columns.append(sa.Column("id", PublicId, unique=True))
    extra = sa.Column("extra", JsonText)
    # The key of a deleted row must never be another's: events, answers and cached tokens may still name it.
    lasting = any(column.name == "key" for column in columns) and collection.name not in _NEVER_DELETED
    return sa.Table(_TABLE_NAMES[collection.name], metadata, *columns, *more, extra, sqlite_autoincrement=lasting)


root = sa.Table(
    "root",
    metadata,
    sa.Column("key", Key, primary_key=True),
    sa.Column("write_number", sa.BigInteger, nullable=False),
    sa.Column("clock_base", InstantColumn, nullable=False),
    sa.Column("journal_seq", sa.BigInteger, nullable=False),
    sa.Column("journal_hash", sa.LargeBinary(32), nullable=False),
    sa.Column("audit_count", sa.BigInteger, nullable=False),
    sa.Column("audit_hash", sa.LargeBinary(32), nullable=False),
    comment="one row: the write number n, what business time is counted from, and where the two chains end",
)

customer = _table(COLLECTIONS["customers"])
customer_setting = _table(COLLECTIONS["customer_settings"])
account = _table(
    COLLECTIONS["accounts"],
    sa.Column("code", sa.String(24), unique=True, comment="of the bank's own ledger accounts"),
    sa.Column("debits_pending", FilsColumn, nullable=False, default=0),
    sa.Column("debits_posted", FilsColumn, nullable=False, default=0),
    sa.Column("credits_pending", FilsColumn, nullable=False, default=0),
    sa.Column("credits_posted", FilsColumn, nullable=False, default=0),
)
for _name in ("customer", "account_number", "iban", "account_type"):
    account.c[_name].nullable = True  # the bank's own accounts have none of these
COUNTERS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
"""An account's four counters; its balances follow from them."""
savings_goal = _table(COLLECTIONS["savings_goals"])
service_request = _table(COLLECTIONS["service_requests"])
dispute_record = _table(COLLECTIONS["dispute_records"])
notification = _table(COLLECTIONS["notifications"])
auth_user = _table(COLLECTIONS["auth_users"])
sa.Index("auth_user_locked", auth_user.c.locked_until, sqlite_where=auth_user.c.status == UserStatus.LOCKED.value)
credential = _table(COLLECTIONS["credentials"])
mfa_setting = _table(COLLECTIONS["mfa_settings"])
registered_device = _table(COLLECTIONS["registered_devices"])
login_session = _table(COLLECTIONS["login_sessions"])
sa.Index(
    "login_session_ending",
    login_session.c.expires_at,
    sqlite_where=login_session.c.status == SessionStatus.ACTIVE.value,
)
audit_log = _table(COLLECTIONS["audit_logs"], sa.Column("hash", sa.LargeBinary(32), nullable=False))

merchant = sa.Table(
    "merchant",
    metadata,
    sa.Column("key", Key, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("category", sa.Text),
    sa.Column("mcc", sa.Text),
)

transfer = _table(
    RUNTIME_COLLECTIONS["transfers"],
    sa.Column("seq", sa.BigInteger, comment="the journal row that moved the money"),
)

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("seq", Key, primary_key=True, autoincrement=False),
    sa.Column("at", InstantColumn, nullable=False),
    sa.Column("kind", Coded(JournalKind), nullable=False),
    sa.Column("transfer", Key, sa.ForeignKey("transfer.key")),
    sa.Column("merchant", Key, sa.ForeignKey("merchant.key")),
    sa.Column("channel", sa.Text),
    sa.Column("reverses", sa.BigInteger, comment="the seq that this journal takes back"),
    sa.Column("hash", sa.LargeBinary(32), nullable=False),
)

entry = sa.Table(
    "entry",
    metadata,
    sa.Column("account", Key, sa.ForeignKey("account.key"), primary_key=True, autoincrement=False),
    sa.Column("seq", Key, sa.ForeignKey("journal.seq"), primary_key=True, autoincrement=False),
    sa.Column("amount", FilsColumn, nullable=False),
    sa.Column("balance", FilsColumn, comment="booked balance after it, on customers' posted entries"),
    sa.Column("status", Coded(TransactionStatus), nullable=False),
    sa.Column("id", PublicId, unique=True, comment="the customer's transaction; none on the bank's own side"),
    sa.Column("description", sa.Text),
    sa.Column("disputed", sa.Boolean),
    sa.Column("reversed_at", InstantColumn),
    sa.Column("extra", JsonText),
    sa.Index("entry_seq", "seq"),
    sqlite_with_rowid=False,
)

hold = _table(
    RUNTIME_COLLECTIONS["holds"],
    sa.Column("seq", sa.BigInteger, nullable=False, comment="the journal row that placed it"),
    sa.Column("counter_account", Key, sa.ForeignKey("account.key"), nullable=False),
    sa.Column("resolved_seq", sa.BigInteger, comment="the journal row that posted it"),
    sa.Column("posted_amount", FilsColumn, comment="signed, at most the amount held"),
)
sa.Index("hold_active", hold.c.expires_at, sqlite_where=hold.c.status == HoldStatus.ACTIVE.value)

refresh_token = sa.Table(
    "refresh_token",
    metadata,
    sa.Column("key", Key, primary_key=True),
    sa.Column("digest", sa.LargeBinary(16), unique=True, nullable=False),
    sa.Column("session", Key, sa.ForeignKey("login_session.key"), nullable=False),
    sa.Column("used", sa.Boolean, nullable=False),
    sa.Column("expires_at", InstantColumn, nullable=False, comment="transport time"),
)

challenge = sa.Table(
    "challenge",
    metadata,
    sa.Column("key", Key, primary_key=True),
    sa.Column("id", PublicId, unique=True, nullable=False),
    sa.Column("user", Key, sa.ForeignKey("auth_user.key"), nullable=False),
    sa.Column("device", JsonText, nullable=False, comment="what the client said of it when it gave the password"),
    sa.Column("method", sa.String(24), nullable=False),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("code", sa.String(6), nullable=False, comment="plain, as in the inbox: it is for testers to read"),
    sa.Column("status", sa.String(24), nullable=False),
    sa.Column("wrong_codes", sa.Integer, nullable=False),
    sa.Column("resends", sa.Integer, nullable=False),
    sa.Column("expires_at", InstantColumn, nullable=False),
)
sa.Index("challenge_open", challenge.c.expires_at, sqlite_where=challenge.c.status == ChallengeStatus.OPEN.value)

message = sa.Table(
    "message",
    metadata,
    sa.Column("key", Key, primary_key=True),
    sa.Column("id", PublicId, unique=True, nullable=False),
    sa.Column("channel", sa.String(24), nullable=False),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False, comment="the recipient in the form that is compared"),
    sa.Column("subject", sa.Text),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("sent_at", InstantColumn, nullable=False),
    sa.Column("code", sa.Text),
    sa.Column("links", JsonText, nullable=False),
    sa.Column("customer", Key),
    comment="the inbox: what the bank would have sent",
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("user", Key, primary_key=True, autoincrement=False),
    sa.Column("operation", sa.String(64), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("fingerprint", sa.LargeBinary(16), nullable=False),
    sa.Column("status", sa.SmallInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("location", sa.Text),
    sa.Column("created_at", InstantColumn, nullable=False),
    sqlite_with_rowid=False,
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("seq", Key, primary_key=True),
    sa.Column("id", PublicId, nullable=False),
    sa.Column("type", sa.String(40), nullable=False),
    sa.Column("at", InstantColumn, nullable=False),
    sa.Column("customer", Key),
    sa.Column("account", Key),
    sa.Column("data", JsonText, nullable=False),
)

extra_record = sa.Table(
    "extra_record",
    metadata,
    sa.Column("collection", sa.String(64), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("identifier", sa.Text, comment="the body's `id` as text, where it has one"),
    sa.Column("body", JsonText, comment="NULL is JSON's null"),
    sa.Index("extra_record_identifier", "collection", "identifier"),
    comment="collections of an ecosystem that the bank does not know, kept as they are",
)

LIST_MARK = -2
"""The position of the row that says that an extra collection is a list: it may have no other."""
SINGLE_VALUE = -1
"""The position of an extra collection that is no list but one value."""

COLLECTION_TABLES: dict[str, sa.Table] = {name: metadata.tables[table] for name, table in _TABLE_NAMES.items()}
"""The table of each collection but `transactions`, whose records are entries."""
