"""Identity: sign-in with a password and, for who has one, a second factor; lockout.

Password hashes are compared before the write, in a thread; what the comparison said comes in as `Verdict`. Five
failed sign-ins in a row lock the user (for the time of the settings, or until unlocked): a wrong password is one, and
so is a challenge that ends on wrong codes. What a sign-in opens is `sessions`, the codes of a second factor are
`challenges`.
"""

from typing import Annotated, Any

import msgspec
import sqlalchemy as sa

from sandbox.bank.challenges import (
    ChallengeView,
    accept_code,
    factor_of,
    open_challenge,
    send_again,
    start_challenge,
)
from sandbox.bank.devices import DeviceFacts, device_for, known_device
from sandbox.bank.messages import Contact, clock_time, send
from sandbox.bank.sessions import SignedIn, UserView, open_session
from sandbox.core.clock import MINUTE, Instant, format_instant
from sandbox.core.errors import (
    CodeInvalidError,
    CredentialsExpiredError,
    InvalidCredentialsError,
    UserLockedError,
    UserPendingError,
    UserSuspendedError,
)
from sandbox.core.vocabulary import (
    CredentialStatus,
    CustomerStatus,
    Language,
    NotificationChannel,
    Severity,
    UserStatus,
)
from sandbox.store.checking import LOCKED_AFTER
from sandbox.store.statement import Statement
from sandbox.store.tables import auth_user, credential, customer, customer_setting, mfa_setting
from sandbox.store.work import Work


class SignIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An attempt to sign in."""

    username: Annotated[str, msgspec.Meta(min_length=1, max_length=128, examples=["fatima"])]
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=1024, examples=["Fatima-2026!"])]
    device: DeviceFacts | None = None


class Verdict(msgspec.Struct, frozen=True):
    """What comparing a password said: the stored hash it was compared to (none: no such user), and the outcome."""

    stored: str | None
    matches: bool


_USERS = (
    sa.select(
        auth_user.c.key,
        auth_user.c.id,
        auth_user.c.username,
        auth_user.c.role,
        auth_user.c.status,
        auth_user.c.failed_login_attempts,
        auth_user.c.locked_until,
        auth_user.c.customer,
        customer.c.id.label("customer_id"),
        customer.c.status.label("customer_status"),
        customer.c.phone,
        customer.c.email,
        customer_setting.c.language,
        credential.c.password_hash,
        credential.c.status.label("credential_status"),
        credential.c.expires_at,
        mfa_setting.c.mfa_enabled,
        mfa_setting.c.methods,
    )
    .select_from(auth_user)
    .outerjoin(customer, customer.c.key == auth_user.c.customer)
    .outerjoin(customer_setting, customer_setting.c.customer == customer.c.key)
    .outerjoin(credential, credential.c.user == auth_user.c.key)
    .outerjoin(mfa_setting, mfa_setting.c.user == auth_user.c.key)
)
_USER = Statement(_USERS.where(auth_user.c.username == sa.bindparam("of_username")))
_USER_BY_KEY = Statement(_USERS.where(auth_user.c.key == sa.bindparam("user")))
_HASH = Statement(
    sa.select(credential.c.password_hash)
    .join(auth_user, auth_user.c.key == credential.c.user)
    .where(auth_user.c.username == sa.bindparam("of_username"))
)
_SET_ATTEMPTS = Statement(
    sa.update(auth_user)
    .where(auth_user.c.key == sa.bindparam("user"))
    .values(
        failed_login_attempts=sa.bindparam("attempts"),
        status=sa.bindparam("new_status"),
        locked_until=sa.bindparam("until"),
    )
)
_SET_LOGGED_IN = Statement(
    sa.update(auth_user)
    .where(auth_user.c.key == sa.bindparam("user"))
    .values(
        failed_login_attempts=0, status=UserStatus.ACTIVE.value, locked_until=None, last_login_at=sa.bindparam("at")
    )
)
_IS_LOCKED = auth_user.c.status == UserStatus.LOCKED.value
_NEXT_UNLOCK = Statement(sa.select(sa.func.min(auth_user.c.locked_until).label("at")).where(_IS_LOCKED))
_LOCKS_OVER = Statement(
    sa.select(auth_user.c.key, auth_user.c.id)
    .where(_IS_LOCKED, auth_user.c.locked_until <= sa.bindparam("at"))
    .order_by(auth_user.c.locked_until, auth_user.c.key)
)

_LOCKED_TEXTS = {
    Language.ENGLISH: (
        "Your access is locked",
        "Sandbank: your access is locked {how_long} after {times} failed sign-ins. Was that not you? Call us.",
        "until {until}",
        "until we unlock it",
    ),
    Language.ARABIC: (
        "تم قفل حسابك",
        "ساندبانك: تم قفل دخولك إلى الحساب {how_long} بعد {times} محاولات دخول فاشلة. إن لم تكن أنت فاتصل بنا.",
        "حتى الساعة {until}",
        "إلى أن نفتحه لك",
    ),
}
"""Subject, body, and the two ways to say for how long."""


def stored_hash(work: Work, username: str) -> str | None:
    """The password hash to compare with, or None where nobody has that name."""
    row = _HASH.first(work.db, of_username=username)
    return row.password_hash if row else None


def sign_in(
    work: Work,
    username: str,
    verdict: Verdict,
    *,
    device: DeviceFacts,
    ip_address: str | None,
) -> SignedIn | ChallengeView:
    """Open a session for whoever knows the password; where a second factor is on, send its code instead.

    Raises:
        InvalidCredentialsError: with `attempts_left`, null where there is no such user.
        UserLockedError: with `locked_until`, null where only staff can unlock.
        UserSuspendedError, UserPendingError, CredentialsExpiredError, DeviceNotActiveError: the password was right.
    """
    row = _USER.first(work.db, of_username=username)
    if row is None:
        work.survive(_leave_refused_sign_in, None, None, ip_address)
        raise InvalidCredentialsError("The username or password is wrong.", attempts_left=None)
    work.survive(_leave_refused_sign_in, row.key, row.id, ip_address)
    _require_unlocked(row)
    if not (verdict.matches and verdict.stored == row.password_hash):
        _refuse_password(work, row, ip_address)
    _require_usable(work, row)
    contact = _contact(row)
    factor = factor_of(row.methods, contact) if row.mfa_enabled else None
    if factor is None:
        return _admit(work, row, device, ip_address)
    known_device(work, row.key, device)
    return start_challenge(work, row.key, factor=factor, contact=contact, device=device, ip_address=ip_address)


def answer_challenge(work: Work, challenge_id: str, code: str, *, ip_address: str | None) -> SignedIn:
    """Open a session for whoever has the code of a challenge, on the device that the sign-in came from.

    Raises:
        NotFoundError, ChallengeEndedError, CodeInvalidError: of the challenge and its code. The wrong code that ends a
            challenge is a failed sign-in.
        UserLockedError, UserSuspendedError, UserPendingError, CredentialsExpiredError, DeviceNotActiveError: as at
            sign-in, when that has happened since.
    """
    row = open_challenge(work, challenge_id, ip_address=ip_address)
    user = _still_welcome(work, row.user)
    try:
        device = accept_code(work, row, code, ip_address=ip_address)
    except CodeInvalidError as wrong:
        if wrong.facts["attempts_left"] == 0:
            _count_failure(work, user, ip_address)
        raise
    return _admit(work, user, device, ip_address)


def resend_code(work: Work, challenge_id: str, *, ip_address: str | None) -> ChallengeView:
    """Send a new code for a challenge; the old one no longer works.

    Raises:
        NotFoundError, ChallengeEndedError, ResendLimitReachedError: of the challenge.
        UserLockedError, UserSuspendedError, UserPendingError, CredentialsExpiredError: as at sign-in.
    """
    row = open_challenge(work, challenge_id, ip_address=ip_address)
    contact = _contact(_still_welcome(work, row.user))
    return send_again(work, row, contact=contact, ip_address=ip_address)


def next_unlock(work: Work) -> Instant | None:
    """When the next lock ends by itself, or None where none does."""
    at: Instant | None = _NEXT_UNLOCK.one(work.db).at
    return at


def unlock_users(work: Work) -> int:
    """End every lock whose time is over; how many there were."""
    over = _LOCKS_OVER.all(work.db, at=work.now)
    for row in over:
        _SET_ATTEMPTS.run(work.db, user=row.key, attempts=0, new_status=UserStatus.ACTIVE.value, until=None)
        work.audit("USER_UNLOCKED", user=row.key, ip_address=None, related=row.id)
    return len(over)


def _admit(work: Work, row: Any, device: DeviceFacts, ip_address: str | None) -> SignedIn:
    on_device = device_for(work, row.key, device)
    user = UserView(user_id=row.id, customer_id=row.customer_id, username=row.username, role=row.role)
    _SET_LOGGED_IN.run(work.db, user=row.key, at=work.now)
    return open_session(work, row.key, user, device=on_device, ip_address=ip_address)


def _still_welcome(work: Work, user: int) -> Any:
    """The row of a user between the two steps of a sign-in."""
    row = _USER_BY_KEY.one(work.db, user=user)
    _require_unlocked(row)
    _require_usable(work, row)
    return row


def _contact(row: Any) -> Contact:
    language = Language(row.language or Language.ENGLISH)
    return Contact(customer=row.customer, phone=row.phone, email=row.email, language=language)


def _require_unlocked(row: Any) -> None:
    """Refuse a locked user; a lock whose time is over has been ended by its job."""
    if row.status == UserStatus.LOCKED:
        raise _locked(row.locked_until)


def _locked(until: Instant | None) -> UserLockedError:
    when = f"until {format_instant(until)}" if until else "until an admin unlocks it"
    shown = format_instant(until) if until else None
    return UserLockedError(f"The user is locked {when}.", locked_until=shown)


def _refuse_password(work: Work, row: Any, ip_address: str | None) -> None:
    if row.status in {UserStatus.SUSPENDED, UserStatus.PENDING}:
        # A lock would take the place of the suspension, and end by itself: there is nothing to count here.
        raise InvalidCredentialsError("The username or password is wrong.", attempts_left=None)
    left = _count_failure(work, row, ip_address)
    raise InvalidCredentialsError("The username or password is wrong.", attempts_left=left)


def _count_failure(work: Work, row: Any, ip_address: str | None) -> int:
    """Have a failed sign-in counted; how many more are left.

    Raises:
        UserLockedError: it was the last one.
    """
    attempts: int = row.failed_login_attempts + 1
    if attempts < LOCKED_AFTER:
        work.survive(_leave_attempts, row.key, attempts, UserStatus(row.status), None)
        return LOCKED_AFTER - attempts
    minutes = work.rules.lock_minutes
    until = Instant(work.now + minutes * MINUTE) if minutes else None
    work.survive(_leave_attempts, row.key, attempts, UserStatus.LOCKED, until)
    work.survive(_leave_lock, row, until, ip_address)
    raise _locked(until)


def _require_usable(work: Work, row: Any) -> None:
    if row.status == UserStatus.SUSPENDED or row.customer_status not in {None, CustomerStatus.ACTIVE}:
        raise UserSuspendedError("The user is suspended. A branch can tell why.")
    if row.status == UserStatus.PENDING:
        raise UserPendingError("The user is not activated yet.")
    expired = row.expires_at is not None and row.expires_at <= work.now
    if row.credential_status == CredentialStatus.EXPIRED or expired:
        raise CredentialsExpiredError(
            "The password is right but has expired. Changing it is not served by this version: sign in as another "
            "user, or load an ecosystem whose credentials are ACTIVE.",
            expired_at=format_instant(row.expires_at) if row.expires_at else None,
        )


def _leave_refused_sign_in(work: Work, user: int | None, user_id: str | None, ip_address: str | None) -> None:
    work.audit("SIGN_IN_REFUSED", user=user, ip_address=ip_address, related=user_id, severity=Severity.WARNING)


def _leave_attempts(work: Work, user: int, attempts: int, status: UserStatus, until: Instant | None) -> None:
    _SET_ATTEMPTS.run(work.db, user=user, attempts=attempts, new_status=status.value, until=until)


def _leave_lock(work: Work, row: Any, until: Instant | None, ip_address: str | None) -> None:
    if until is not None:
        work.due(until)
    work.audit("USER_LOCKED", user=row.key, ip_address=ip_address, related=row.id, severity=Severity.CRITICAL)
    contact = _contact(row)
    channels = (NotificationChannel.SMS, NotificationChannel.EMAIL)
    channel = next((channel for channel in channels if contact.address(channel) is not None), None)
    if channel is None:
        return
    subject, body, for_a_time, for_good = _LOCKED_TEXTS[contact.language]
    how_long = for_a_time.format(until=clock_time(until)) if until is not None else for_good
    send(
        work,
        channel,
        contact.address(channel) or "",
        body.format(how_long=how_long, times=LOCKED_AFTER),
        subject=subject if channel is NotificationChannel.EMAIL else None,
        customer=contact.customer,
    )
