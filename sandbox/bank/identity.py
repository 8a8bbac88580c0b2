"""Identity: sign-in, the session it opens, refresh with rotation, lockout.

Password hashes are compared before the write, in a thread; what the comparison said comes in as `Verdict`. Five
failed sign-ins in a row lock the user (for the time of the settings, or until unlocked). A refresh token is used
once; using it twice is theft and ends the session (RFC 9700 section 4.14).
"""

import hashlib
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa

from sandbox.bank.access import Actor
from sandbox.bank.devices import DeviceFacts, device_for
from sandbox.core.clock import MINUTE, SECOND, Instant, format_instant
from sandbox.core.errors import (
    CredentialsExpiredError,
    InvalidCredentialsError,
    RefreshTokenInvalidError,
    RefreshTokenReusedError,
    TokenInvalidError,
    UserLockedError,
    UserPendingError,
    UserSuspendedError,
)
from sandbox.core.vocabulary import (
    CredentialStatus,
    CustomerStatus,
    DeviceStatus,
    Language,
    Role,
    SessionStatus,
    Severity,
    UserStatus,
)
from sandbox.store.checking import LOCKED_AFTER
from sandbox.store.statement import Statement
from sandbox.store.tables import (
    auth_user,
    credential,
    customer,
    customer_setting,
    login_session,
    refresh_token,
    registered_device,
)
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


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed in."""

    user_id: str
    customer_id: str | None
    username: str
    role: Role


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """An open session; the door makes an access token of it."""

    session_id: str
    refresh_secret: str
    user: UserView


class MeView(msgspec.Struct, frozen=True, kw_only=True):
    """The signed-in user. `name` is in the language of the request."""

    user_id: str
    username: str
    role: Role
    session_id: str
    customer_id: str | None
    name: str | None
    full_name: str | None
    full_name_ar: str | None
    email: str | None
    phone: str | None
    language: Language
    last_login_at: str | None


_USER = Statement(
    sa.select(
        auth_user.c.key,
        auth_user.c.id,
        auth_user.c.username,
        auth_user.c.role,
        auth_user.c.status,
        auth_user.c.failed_login_attempts,
        auth_user.c.locked_until,
        customer.c.id.label("customer_id"),
        customer.c.status.label("customer_status"),
        credential.c.password_hash,
        credential.c.status.label("credential_status"),
        credential.c.expires_at,
    )
    .select_from(auth_user)
    .outerjoin(customer, customer.c.key == auth_user.c.customer)
    .outerjoin(credential, credential.c.user == auth_user.c.key)
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
_ADD_SESSION = Statement(
    sa.insert(login_session).returning(login_session.c.key),
    "id",
    "user",
    "device",
    "ip_address",
    "status",
    "started_at",
)
_END_SESSION = Statement(
    sa.update(login_session)
    .where(login_session.c.key == sa.bindparam("session"))
    .values(status=sa.bindparam("new_status"))
)
_ADD_REFRESH = Statement(sa.insert(refresh_token), "digest", "session", "used", "expires_at")
_USE_REFRESH = Statement(sa.update(refresh_token).where(refresh_token.c.key == sa.bindparam("token")).values(used=True))
_SIGNED_IN_USERS = (UserStatus.ACTIVE, UserStatus.LOCKED)
"""A lock keeps new sign-ins out; it does not end the sessions there are."""
_LIVING = (
    sa.select(
        login_session.c.key.label("session"),
        login_session.c.id.label("session_id"),
        login_session.c.status.label("session_status"),
        registered_device.c.status.label("device_status"),
        auth_user.c.key.label("user"),
        auth_user.c.id.label("user_id"),
        auth_user.c.username,
        auth_user.c.role,
        auth_user.c.status.label("user_status"),
        auth_user.c.last_login_at,
        customer.c.key.label("customer"),
        customer.c.id.label("customer_id"),
        customer.c.status.label("customer_status"),
        customer.c.full_name,
        customer.c.full_name_ar,
        customer.c.email,
        customer.c.phone,
        customer_setting.c.language,
    )
    .select_from(login_session)
    .join(auth_user, auth_user.c.key == login_session.c.user)
    .join(registered_device, registered_device.c.key == login_session.c.device)
    .outerjoin(customer, customer.c.key == auth_user.c.customer)
    .outerjoin(customer_setting, customer_setting.c.customer == customer.c.key)
)
_STILL_LIVES = Statement(
    sa.select(auth_user.c.role)
    .select_from(login_session)
    .join(auth_user, auth_user.c.key == login_session.c.user)
    .join(registered_device, registered_device.c.key == login_session.c.device)
    .outerjoin(customer, customer.c.key == auth_user.c.customer)
    .where(
        login_session.c.key == sa.bindparam("session"),
        login_session.c.status == SessionStatus.ACTIVE.value,
        registered_device.c.status == DeviceStatus.ACTIVE.value,
        sa.or_(*(auth_user.c.status == status.value for status in _SIGNED_IN_USERS)),
        sa.or_(customer.c.key.is_(None), customer.c.status == CustomerStatus.ACTIVE.value),
    )
)
_BY_SESSION = Statement(_LIVING.where(login_session.c.id == sa.bindparam("session_id")))
_BY_REFRESH = Statement(
    _LIVING.add_columns(
        refresh_token.c.key.label("token"), refresh_token.c.used, refresh_token.c.expires_at.label("token_expires_at")
    )
    .join(refresh_token, refresh_token.c.session == login_session.c.key)
    .where(refresh_token.c.digest == sa.bindparam("of_digest"))
)


def stored_hash(work: Work, username: str) -> str | None:
    """The password hash to compare with, or None where nobody has that name."""
    row = _USER.first(work.db, of_username=username)
    return row.password_hash if row else None


def sign_in(
    work: Work,
    username: str,
    verdict: Verdict,
    *,
    device: DeviceFacts,
    ip_address: str | None,
) -> SignedIn:
    """Open a session for whoever knows the password.

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
    attempts = _attempts(work, row)
    if not (verdict.matches and verdict.stored == row.password_hash):
        _refuse_password(work, row, attempts + 1, ip_address)
    _require_usable(work, row)
    on_device = device_for(work, row.key, device)
    session_id = work.draws.uuid("session")
    session = _ADD_SESSION.one(
        work.db,
        id=session_id,
        user=row.key,
        device=on_device,
        ip_address=ip_address,
        status=SessionStatus.ACTIVE.value,
        started_at=work.now,
    ).key
    _SET_LOGGED_IN.run(work.db, user=row.key, at=work.now)
    work.audit("SIGNED_IN", user=row.key, ip_address=ip_address, related=session_id)
    user = UserView(user_id=row.id, customer_id=row.customer_id, username=row.username, role=row.role)
    return SignedIn(session_id=session_id, refresh_secret=_new_refresh(work, session, row.id), user=user)


def refresh(work: Work, secret: str, *, ip_address: str | None) -> SignedIn:
    """Exchange a refresh token for a new one.

    Raises:
        RefreshTokenReusedError: it was used before; the session and all its tokens are revoked.
        RefreshTokenInvalidError: unknown, expired, or its session has ended.
    """
    row = _BY_REFRESH.first(work.db, of_digest=_digest(secret))
    if row is None:
        raise RefreshTokenInvalidError("The refresh token is unknown. Sign in again.")
    if not _lives(row):
        raise RefreshTokenInvalidError("The session of this refresh token has ended. Sign in again.")
    if row.used:
        work.survive(_leave_theft, row, ip_address)
        raise RefreshTokenReusedError(
            "The refresh token was used before, so someone may have stolen it: the session has ended. Sign in again."
        )
    if row.token_expires_at <= work.transport_now:
        raise RefreshTokenInvalidError("The refresh token has expired. Sign in again.")
    _USE_REFRESH.run(work.db, token=row.token)
    work.audit("TOKEN_REFRESHED", user=row.user, ip_address=ip_address, related=row.session_id)
    user = UserView(user_id=row.user_id, customer_id=row.customer_id, username=row.username, role=row.role)
    return SignedIn(session_id=row.session_id, refresh_secret=_new_refresh(work, row.session, row.user_id), user=user)


def sign_out(work: Work, actor: Actor) -> None:
    """End the actor's session; its tokens end with it."""
    _END_SESSION.run(work.db, session=actor.session, new_status=SessionStatus.ENDED.value)
    work.audit("SIGNED_OUT", user=actor.user, ip_address=actor.ip_address, related=actor.session_id)


def actor_of(work: Work, session_id: str, *, ip_address: str | None) -> Actor:
    """Who acts in a session.

    Raises:
        TokenInvalidError: the session is unknown, has ended, or its device or user is no longer active.
    """
    row = _BY_SESSION.first(work.db, session_id=session_id)
    if row is None:
        raise TokenInvalidError("The session of this token is unknown here: the sandbox may have been reset. Sign in.")
    if not _lives(row):
        raise TokenInvalidError("The session of this token has ended. Sign in again.")
    return Actor(
        user=row.user,
        user_id=row.user_id,
        username=row.username,
        role=Role(row.role),
        session=row.session,
        session_id=row.session_id,
        customer=row.customer,
        customer_id=row.customer_id,
        language=Language(row.language or Language.ENGLISH),
        ip_address=ip_address,
    )


def still_acts(work: Work, actor: Actor) -> bool:
    """Whether the actor's session still lives and the role is still the same: the short form of `actor_of`."""
    row = _STILL_LIVES.first(work.db, session=actor.session)
    return row is not None and row.role == actor.role


def me(work: Work, actor: Actor, language: Language) -> MeView:
    """The signed-in user, by name in `language`."""
    row = _BY_SESSION.one(work.db, session_id=actor.session_id)
    in_arabic = language is Language.ARABIC and row.full_name_ar is not None
    return MeView(
        user_id=row.user_id,
        username=row.username,
        role=row.role,
        session_id=row.session_id,
        customer_id=row.customer_id,
        name=row.full_name_ar if in_arabic else row.full_name,
        full_name=row.full_name,
        full_name_ar=row.full_name_ar,
        email=row.email,
        phone=row.phone,
        language=actor.language,
        last_login_at=None if row.last_login_at is None else format_instant(row.last_login_at),
    )


def _attempts(work: Work, row: Any) -> int:
    """Failed sign-ins so far; a lock whose time is over counts as none.

    Raises:
        UserLockedError: the user is locked.
    """
    if row.status != UserStatus.LOCKED:
        return int(row.failed_login_attempts)
    if row.locked_until is None or row.locked_until > work.now:
        raise _locked(row.locked_until)
    return 0


def _locked(until: Instant | None) -> UserLockedError:
    when = f"until {format_instant(until)}" if until else "until an admin unlocks it"
    shown = format_instant(until) if until else None
    return UserLockedError(f"The user is locked {when}.", locked_until=shown)


def _refuse_password(work: Work, row: Any, attempts: int, ip_address: str | None) -> None:
    if row.status in {UserStatus.SUSPENDED, UserStatus.PENDING}:
        # A lock would take the place of the suspension, and end by itself: there is nothing to count here.
        raise InvalidCredentialsError("The username or password is wrong.", attempts_left=None)
    if attempts < LOCKED_AFTER:
        work.survive(_leave_attempts, row.key, attempts, UserStatus(row.status), None)
        left = LOCKED_AFTER - attempts
        raise InvalidCredentialsError("The username or password is wrong.", attempts_left=left)
    minutes = work.rules.lock_minutes
    until = Instant(work.now + minutes * MINUTE) if minutes else None
    work.survive(_leave_attempts, row.key, attempts, UserStatus.LOCKED, until)
    work.survive(_leave_lock, row.key, row.id, ip_address)
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


def _new_refresh(work: Work, session: int, user_id: str) -> str:
    secret = work.draws.secret(f"refresh-token:{user_id}")
    expires_at = work.transport_now + work.rules.refresh_token_seconds * SECOND
    _ADD_REFRESH.run(work.db, digest=_digest(secret), session=session, used=False, expires_at=expires_at)
    return secret


def _digest(secret: str) -> bytes:
    return hashlib.blake2b(secret.encode(), digest_size=16).digest()


def _lives(row: Any) -> bool:
    return bool(
        row.session_status == SessionStatus.ACTIVE
        and row.device_status == DeviceStatus.ACTIVE
        and row.user_status in _SIGNED_IN_USERS
        and row.customer_status in {None, CustomerStatus.ACTIVE}
    )


def _leave_refused_sign_in(work: Work, user: int | None, user_id: str | None, ip_address: str | None) -> None:
    work.audit("SIGN_IN_REFUSED", user=user, ip_address=ip_address, related=user_id, severity=Severity.WARNING)


def _leave_attempts(work: Work, user: int, attempts: int, status: UserStatus, until: Instant | None) -> None:
    # A lock whose time is over ends with the next attempt, whatever comes of that.
    now_status = UserStatus.ACTIVE if status is UserStatus.LOCKED and attempts < LOCKED_AFTER else status
    _SET_ATTEMPTS.run(work.db, user=user, attempts=attempts, new_status=now_status.value, until=until)


def _leave_lock(work: Work, user: int, user_id: str, ip_address: str | None) -> None:
    work.audit("USER_LOCKED", user=user, ip_address=ip_address, related=user_id, severity=Severity.CRITICAL)


def _leave_theft(work: Work, row: Any, ip_address: str | None) -> None:
    _END_SESSION.run(work.db, session=row.session, new_status=SessionStatus.REVOKED.value)
    work.audit(
        "REFRESH_TOKEN_REUSED",
        user=row.user,
        ip_address=ip_address,
        related=row.session_id,
        severity=Severity.CRITICAL,
    )
