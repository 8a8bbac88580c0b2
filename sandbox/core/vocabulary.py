"""The enumerations of the bank, and the one rule for their case: lower snake_case on `/v1`, UPPER_SNAKE in files.

A member's value is its form on `/v1` and in the database; `in_files` gives the other.
"""

from enum import StrEnum


class CustomerStatus(StrEnum):
    """Whether a customer may use the bank."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class KycStatus(StrEnum):
    """How far know-your-customer checks have come."""

    PENDING = "pending"
    VERIFIED = "verified"
    EXPIRED = "expired"
    REJECTED = "rejected"


class AccountType(StrEnum):
    """The products a customer can hold."""

    CURRENT = "current"
    SAVINGS = "savings"
    FIXED_DEPOSIT = "fixed_deposit"
    WALLET = "wallet"


class AccountStatus(StrEnum):
    """Only ACTIVE accounts take part in movements."""

    ACTIVE = "active"
    FROZEN = "frozen"
    DORMANT = "dormant"
    CLOSED = "closed"


class Direction(StrEnum):
    """Whether a movement adds to the account or takes from it."""

    CREDIT = "credit"
    DEBIT = "debit"


class TransactionStatus(StrEnum):
    """COMPLETED and REVERSED count in balances; PENDING only as a hold; FAILED never."""

    COMPLETED = "completed"
    PENDING = "pending"
    FAILED = "failed"
    REVERSED = "reversed"


class HoldStatus(StrEnum):
    """A hold is posted, voided or expires, once."""

    ACTIVE = "active"
    POSTED = "posted"
    VOIDED = "voided"
    EXPIRED = "expired"


class TransferStatus(StrEnum):
    """Where a transfer stands."""

    SETTLED = "settled"
    REJECTED = "rejected"
    REVERSED = "reversed"


class Channel(StrEnum):
    """Where a movement was ordered."""

    MOBILE = "mobile"
    ONLINE = "online"
    BRANCH = "branch"
    ATM = "atm"
    CDM = "cdm"
    POS = "pos"


class Role(StrEnum):
    """What a user may do: own things, read everything, or run the bank."""

    CUSTOMER = "customer"
    AUDITOR = "auditor"
    ADMIN = "admin"


class UserStatus(StrEnum):
    """Whether a user may sign in."""

    ACTIVE = "active"
    LOCKED = "locked"
    SUSPENDED = "suspended"
    PENDING = "pending"


class CredentialStatus(StrEnum):
    """Whether a password is within its time."""

    ACTIVE = "active"
    EXPIRED = "expired"


class DeviceStatus(StrEnum):
    """A session lives only while its device is ACTIVE."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    REVOKED = "revoked"


class SessionStatus(StrEnum):
    """Whether a session still lives."""

    ACTIVE = "active"
    ENDED = "ended"
    REVOKED = "revoked"
    EXPIRED = "expired"


class GoalStatus(StrEnum):
    """Where a savings goal stands."""

    ACTIVE = "active"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class RequestType(StrEnum):
    """What a customer asks the branch for."""

    CARD_REPLACEMENT = "card_replacement"
    CHEQUE_BOOK = "cheque_book"
    GENERAL_INQUIRY = "general_inquiry"
    OTHER = "other"


class RequestStatus(StrEnum):
    """Where a service request stands."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    CLOSED = "closed"


class DisputeStatus(StrEnum):
    """Where a dispute stands."""

    OPEN = "open"
    UNDER_REVIEW = "under_review"
    PROVISIONAL_CREDIT = "provisional_credit"
    WON = "won"
    LOST = "lost"
    WITHDRAWN = "withdrawn"


class NotificationChannel(StrEnum):
    """How a notification reaches the customer."""

    PUSH = "push"
    SMS = "sms"
    EMAIL = "email"


class SecondFactor(StrEnum):
    """How the code of a second factor reaches the customer; of other methods none is asked for."""

    SMS = "sms"
    EMAIL = "email"


class ChallengeStatus(StrEnum):
    """A challenge is answered once, refuses after too many wrong codes, expires, or gives way to a newer one."""

    OPEN = "open"
    USED = "used"
    REFUSED = "refused"
    EXPIRED = "expired"
    REPLACED = "replaced"


class NotificationStatus(StrEnum):
    """Whether the customer has read it."""

    UNREAD = "unread"
    READ = "read"


class Severity(StrEnum):
    """How much an audit entry matters."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Language(StrEnum):
    """The two languages of the bank."""

    ENGLISH = "en"
    ARABIC = "ar"


def in_files(member: StrEnum | str) -> str:
    """The UPPER_SNAKE form of ecosystem files (languages keep their ISO 639 case)."""
    return member.value if isinstance(member, Language) else str(member).upper()
