"""The record types of an ecosystem's collections: one class each, the only definition of their fields.

Tables, the reader, the export, the documentation and the JSON Schemas derive from these. What a field means stands
beside it. Fields that a file carries beyond these are kept as they are.
"""

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, NewType, get_args, get_origin, get_type_hints

import msgspec

from sandbox.core.clock import Instant
from sandbox.core.money import Fils
from sandbox.core.vocabulary import (
    AccountStatus,
    AccountType,
    CredentialStatus,
    CustomerStatus,
    DeviceStatus,
    Direction,
    DisputeStatus,
    GoalStatus,
    HoldStatus,
    KycStatus,
    Language,
    NotificationChannel,
    NotificationStatus,
    RequestStatus,
    RequestType,
    Role,
    SessionStatus,
    Severity,
    TransactionStatus,
    TransferStatus,
    UserStatus,
)

Id = NewType("Id", str)
"""An identifier: 1 to 64 characters; UUIDs are stored in 16 bytes."""

Json = NewType("Json", object)
"""Any JSON value, kept as it is."""


class Ref(msgspec.Struct, frozen=True):
    """Marks a field that must name a record of `collection`."""

    collection: str


class Customer(msgspec.Struct, kw_only=True):
    """A person who banks with us."""

    customer_id: Annotated[Id, "identifier"]
    full_name: Annotated[str, "name in Latin letters"]
    full_name_ar: Annotated[str | None, "name in Arabic"] = None
    email: Annotated[str | None, "e-mail address"] = None
    phone: Annotated[str | None, "E.164, such as +96599001234"] = None
    civil_id: Annotated[str | None, "Kuwaiti Civil ID: 12 digits with a check digit"] = None
    nationality: Annotated[str | None, "ISO 3166-1 alpha-2"] = None
    date_of_birth: Annotated[date | None, "date of birth"] = None
    address: Annotated[Json | None, "postal address, any shape"] = None
    kyc_status: Annotated[KycStatus, "how far know-your-customer checks have come"] = KycStatus.VERIFIED
    segment: Annotated[str | None, "behavioural segment"] = None
    status: Annotated[CustomerStatus, "whether the customer may use the bank"] = CustomerStatus.ACTIVE


class CustomerSettings(msgspec.Struct, kw_only=True):
    """How a customer wants to be spoken to; at most one a customer."""

    customer_id: Annotated[Id, "whose settings", Ref("customers")]
    language: Annotated[Language, "language of names, titles and messages"] = Language.ENGLISH
    notifications_enabled: Annotated[bool, "whether anything is sent at all"] = True
    channels: Annotated[Json | None, "which channels, any shape"] = None
    currency_display: Annotated[str | None, "how amounts are written"] = None


class Account(msgspec.Struct, kw_only=True):
    """A customer's account in KWD."""

    account_id: Annotated[Id, "identifier"]
    customer_id: Annotated[Id, "the holder", Ref("customers")]
    account_number: Annotated[str, "number at this bank, unique"]
    iban: Annotated[str, "ISO 13616, of the house bank, unique"]
    account_type: Annotated[AccountType, "the product"]
    currency: Annotated[str, "always KWD"] = "KWD"
    balance: Annotated[Fils, "booked balance at `as_of`"]
    overdraft_limit: Annotated[Fils, "how far below zero the account may go"] = Fils(0)
    status: Annotated[AccountStatus, "only ACTIVE accounts move money"] = AccountStatus.ACTIVE
    opened_at: Annotated[Instant, "when it was opened"]
    nickname: Annotated[str | None, "the customer's own name for it"] = None


class Transaction(msgspec.Struct, kw_only=True):
    """One movement on one account, as the customer sees it."""

    transaction_id: Annotated[Id, "identifier"]
    account_id: Annotated[Id, "the account that moved", Ref("accounts")]
    customer_id: Annotated[Id | None, "the account's holder", Ref("customers")] = None
    amount: Annotated[Fils, "unsigned, more than zero"]
    direction: Annotated[Direction, "CREDIT adds, DEBIT takes"]
    status: Annotated[TransactionStatus, "COMPLETED and REVERSED count, PENDING holds, FAILED never counts"]
    merchant_name: Annotated[str | None, "the merchant, where there is one"] = None
    merchant_category: Annotated[str | None, "what kind of merchant"] = None
    mcc: Annotated[str | None, "ISO 18245 merchant category code, four digits"] = None
    channel: Annotated[str | None, "where it was ordered, UPPER_SNAKE"] = None
    description: Annotated[str | None, "text on the statement"] = None
    disputed: Annotated[bool, "whether the customer disputes it"] = False
    booked_at: Annotated[Instant, "when it happened, at most `as_of`"]
    reversed_at: Annotated[Instant | None, "when a REVERSED movement was taken back (else 1 ms later)"] = None
    reversal_description: Annotated[str | None, "text of what took it back (else made from its own)"] = None
    transfer_id: Annotated[Id | None, "the transfer that it is one side of", Ref("transfers")] = None


class SavingsGoal(msgspec.Struct, kw_only=True):
    """Something a customer saves for."""

    goal_id: Annotated[Id, "identifier"]
    customer_id: Annotated[Id, "whose goal", Ref("customers")]
    account_id: Annotated[Id, "the account it is saved on", Ref("accounts")]
    name: Annotated[str, "what for"]
    target_amount: Annotated[Fils, "how much, more than zero"]
    current_amount: Annotated[Fils, "saved so far, never over the target"] = Fils(0)
    target_date: Annotated[date | None, "until when"] = None
    status: Annotated[GoalStatus, "where it stands"] = GoalStatus.ACTIVE
    created_at: Annotated[Instant, "when it was set"]


class ServiceRequest(msgspec.Struct, kw_only=True):
    """Something a customer asked the branch for."""

    request_id: Annotated[Id, "identifier"]
    customer_id: Annotated[Id, "who asks", Ref("customers")]
    request_type: Annotated[RequestType, "what for"]
    subject: Annotated[str, "one line"]
    description: Annotated[str | None, "the whole story"] = None
    status: Annotated[RequestStatus, "where it stands"] = RequestStatus.OPEN
    created_at: Annotated[Instant, "when it was made"]
    updated_at: Annotated[Instant | None, "when it last moved"] = None


class DisputeRecord(msgspec.Struct, kw_only=True):
    """A movement that a customer contests: only FAILED ones or ones marked disputed."""

    dispute_id: Annotated[Id, "identifier"]
    customer_id: Annotated[Id, "who contests", Ref("customers")]
    transaction_id: Annotated[Id, "the movement", Ref("transactions")]
    reason: Annotated[str, "why"]
    amount: Annotated[Fils, "the contested amount"]
    status: Annotated[DisputeStatus, "where it stands"] = DisputeStatus.OPEN
    opened_at: Annotated[Instant, "when it was opened"]
    resolved_at: Annotated[Instant | None, "when it was decided"] = None


class Notification(msgspec.Struct, kw_only=True):
    """A message to a customer."""

    notification_id: Annotated[Id, "identifier"]
    customer_id: Annotated[Id, "to whom", Ref("customers")]
    channel: Annotated[NotificationChannel, "how it was sent"]
    type: Annotated[str, "what about"]
    title: Annotated[str, "title in English"]
    title_ar: Annotated[str | None, "title in Arabic"] = None
    body: Annotated[str | None, "text in English"] = None
    body_ar: Annotated[str | None, "text in Arabic"] = None
    related_entity_type: Annotated[str | None, "kind of the thing it is about"] = None
    related_entity_id: Annotated[str | None, "identifier of that thing"] = None
    status: Annotated[NotificationStatus, "whether it was read"] = NotificationStatus.UNREAD
    sent_at: Annotated[Instant, "when it was sent"]


class AuthUser(msgspec.Struct, kw_only=True):
    """Who signs in: a customer, an auditor or an admin."""

    user_id: Annotated[Id, "identifier"]
    customer_id: Annotated[Id | None, "the customer, none for staff", Ref("customers")] = None
    username: Annotated[str, "sign-in name, unique"]
    role: Annotated[Role, "what the user may do"] = Role.CUSTOMER
    status: Annotated[UserStatus, "five failed sign-ins or more mean LOCKED"] = UserStatus.ACTIVE
    failed_login_attempts: Annotated[int, "since the last good sign-in"] = 0
    last_login_at: Annotated[Instant | None, "the last good sign-in"] = None
    locked_until: Annotated[Instant | None, "when a lock ends by itself; none: until unlocked"] = None


class Credential(msgspec.Struct, kw_only=True):
    """A user's password and PIN; at most one a user. A plain `password` or `pin` in a file is hashed at load."""

    user_id: Annotated[Id, "whose", Ref("auth_users")]
    password_hash: Annotated[str | None, "Argon2 or bcrypt, in its usual text form"] = None
    pin_hash: Annotated[str | None, "the same for the PIN"] = None
    status: Annotated[CredentialStatus, "EXPIRED refuses a right password"] = CredentialStatus.ACTIVE
    expires_at: Annotated[Instant | None, "when the password expires"] = None


class MfaSettings(msgspec.Struct, kw_only=True):
    """Whether a user signs in with a second factor; at most one a user."""

    user_id: Annotated[Id, "whose", Ref("auth_users")]
    mfa_enabled: Annotated[bool, "whether a second factor is asked for"] = False
    methods: Annotated[Json | None, "which ones, any shape; SMS and EMAIL are asked for, the first one counts"] = None


class RegisteredDevice(msgspec.Struct, kw_only=True):
    """A device that a user signs in from."""

    device_id: Annotated[Id, "identifier"]
    user_id: Annotated[Id, "whose", Ref("auth_users")]
    model: Annotated[str | None, "such as iPhone 17"] = None
    os: Annotated[str | None, "such as iOS 20"] = None
    fingerprint: Annotated[str | None, "what recognises it again"] = None
    push_token: Annotated[str | None, "where push messages go"] = None
    status: Annotated[DeviceStatus, "sessions live only on ACTIVE ones"] = DeviceStatus.ACTIVE


class LoginSession(msgspec.Struct, kw_only=True):
    """One sign-in and what came of it."""

    session_id: Annotated[Id, "identifier"]
    user_id: Annotated[Id, "who", Ref("auth_users")]
    device_id: Annotated[Id, "on which device: an ACTIVE one while the session is", Ref("registered_devices")]
    ip_address: Annotated[str | None, "from where"] = None
    city: Annotated[str | None, "from where, roughly"] = None
    status: Annotated[SessionStatus, "whether it still lives"] = SessionStatus.ACTIVE
    started_at: Annotated[Instant, "when"]
    expires_at: Annotated[Instant | None, "when it ends by itself; none: until it is ended"] = None


class AuditLog(msgspec.Struct, kw_only=True):
    """One line of the audit trail; lines form a hash chain."""

    log_id: Annotated[Id, "identifier"]
    user_id: Annotated[Id | None, "who", Ref("auth_users")] = None
    action: Annotated[str, "what, UPPER_SNAKE"]
    severity: Annotated[Severity, "how much it matters"] = Severity.INFO
    ip_address: Annotated[str | None, "from where"] = None
    related_entity_id: Annotated[str | None, "on what"] = None
    created_at: Annotated[Instant, "when"]


class TransferRecord(msgspec.Struct, kw_only=True):
    """A transfer order and what came of it; made by the bank while it runs."""

    transfer_id: Annotated[Id, "identifier"]
    user_id: Annotated[Id, "who ordered it", Ref("auth_users")]
    from_account_id: Annotated[Id, "the account that pays", Ref("accounts")]
    to_account_id: Annotated[Id | None, "the account that receives", Ref("accounts")] = None
    to_iban: Annotated[str | None, "its IBAN, as ordered or found"] = None
    to_name: Annotated[str | None, "its holder, as ordered"] = None
    amount: Annotated[Fils, "how much"]
    fee: Annotated[Fils, "what the bank takes"] = Fils(0)
    status: Annotated[TransferStatus, "where it stands"]
    status_reason: Annotated[str | None, "ISO 20022 reason code of a rejection or return"] = None
    reference: Annotated[str | None, "the customer's own text"] = None
    purpose: Annotated[str | None, "what for"] = None
    created_at: Annotated[Instant, "when it was ordered"]
    reversed_at: Annotated[Instant | None, "when it was taken back"] = None


class HoldRecord(msgspec.Struct, kw_only=True):
    """Money reserved for a movement, and what came of it."""

    hold_id: Annotated[Id, "identifier"]
    account_id: Annotated[Id, "the account", Ref("accounts")]
    transaction_id: Annotated[Id, "the movement: PENDING as long as the hold is ACTIVE", Ref("transactions")]
    amount: Annotated[Fils, "how much, unsigned"]
    direction: Annotated[Direction, "DEBIT reserves; CREDIT announces money that is not available yet"]
    status: Annotated[HoldStatus, "posted, voided or expired at most once"]
    description: Annotated[str | None, "what for"] = None
    placed_at: Annotated[Instant, "since when"]
    expires_at: Annotated[Instant, "until when"]
    resolved_at: Annotated[Instant | None, "when it was posted, voided or expired"] = None


Record = (
    Customer
    | CustomerSettings
    | Account
    | Transaction
    | SavingsGoal
    | ServiceRequest
    | DisputeRecord
    | Notification
    | AuthUser
    | Credential
    | MfaSettings
    | RegisteredDevice
    | LoginSession
    | AuditLog
)


class Field(msgspec.Struct, frozen=True):
    """One field of a collection as the reader, the tables and the docs see it."""

    name: str
    kind: Any
    """The plain type: `Id`, `Fils`, `Instant`, `Json`, `date`, `str`, `bool`, `int` or an enumeration."""
    optional: bool
    required: bool
    default: Any
    doc: str
    reference: str | None

    @property
    def column(self) -> str:
        """The column that holds it: references drop `_id`, since they hold integer keys."""
        return self.name.removesuffix("_id") if self.reference else self.name

    @property
    def is_enumeration(self) -> bool:
        """Whether the values are those of an enumeration."""
        return isinstance(self.kind, type) and issubclass(self.kind, StrEnum)


class Collection(msgspec.Struct, frozen=True):
    """A collection: its file name, its record type, and the field that identifies a record."""

    name: str
    kind: type[msgspec.Struct]
    key: str
    fields: tuple[Field, ...]

    def references(self) -> Iterator[Field]:
        """The fields that name records of other collections."""
        return (field for field in self.fields if field.reference)


def _fields(kind: type[msgspec.Struct]) -> tuple[Field, ...]:
    hints = get_type_hints(kind, include_extras=True)
    return tuple(_field(info, hints[info.name]) for info in msgspec.structs.fields(kind))


def _field(info: msgspec.structs.FieldInfo, hint: Any) -> Field:
    assert get_origin(hint) is Annotated, f"{info.name} lacks its documentation"
    plain, doc, *marks = get_args(hint)
    choices = [choice for choice in get_args(plain) if choice is not type(None)]
    optional = bool(choices) and len(choices) < len(get_args(plain))
    return Field(
        name=info.name,
        kind=choices[0] if optional else plain,
        optional=optional,
        required=info.required,
        default=None if info.required else info.default,
        doc=doc,
        reference=next((mark.collection for mark in marks if isinstance(mark, Ref)), None),
    )


def _collection(name: str, kind: type[msgspec.Struct], key: str) -> Collection:
    return Collection(name, kind, key, _fields(kind))


COLLECTIONS: dict[str, Collection] = {
    made.name: made
    for made in (
        _collection("customers", Customer, "customer_id"),
        _collection("customer_settings", CustomerSettings, "customer_id"),
        _collection("accounts", Account, "account_id"),
        _collection("transactions", Transaction, "transaction_id"),
        _collection("savings_goals", SavingsGoal, "goal_id"),
        _collection("service_requests", ServiceRequest, "request_id"),
        _collection("dispute_records", DisputeRecord, "dispute_id"),
        _collection("notifications", Notification, "notification_id"),
        _collection("auth_users", AuthUser, "user_id"),
        _collection("credentials", Credential, "user_id"),
        _collection("mfa_settings", MfaSettings, "user_id"),
        _collection("registered_devices", RegisteredDevice, "device_id"),
        _collection("login_sessions", LoginSession, "session_id"),
        _collection("audit_logs", AuditLog, "log_id"),
    )
}
"""The fourteen collections of an ecosystem, in the order in which they refer to each other."""

RUNTIME_COLLECTIONS: dict[str, Collection] = {
    made.name: made
    for made in (
        _collection("transfers", TransferRecord, "transfer_id"),
        _collection("holds", HoldRecord, "hold_id"),
    )
}
"""What the bank adds while it runs; part of the digest. A folder may leave them out: only exports carry them."""

ALL_COLLECTIONS: dict[str, Collection] = COLLECTIONS | RUNTIME_COLLECTIONS
"""Every collection that the bank knows."""
