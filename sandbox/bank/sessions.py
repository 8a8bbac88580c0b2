"""Sessions: what a sign-in opens, who acts in one, refresh with rotation, and how a session ends.

A refresh token is used once; using it twice is theft and ends the session (RFC 9700 section 4.14). A session that is
not refreshed ends by itself. Not for passwords, codes and locks: those are `identity`.
"""

import hashlib
from typing import Any

import msgspec
import sqlalchemy as sa

from sandbox.bank.access import Actor
from sandbox.core.clock import SECOND, Instant, format_instant
from sandbox.core.errors import RefreshTokenInvalidError, RefreshTokenReusedError, TokenInvalidError
from sandbox.core.vocabulary import (
    CustomerStatus,
    DeviceStatus,
    Language,
    Role,
    SessionStatus,
    Severity,
    UserStatus,
)
from sandbox.store.statement import Statement
from sandbox.store.tables import (
    auth_user,
    customer,
    customer_setting,
    login_session,
    refresh_token,
    registered_device,
)
from sandbox.store.work import Work


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


_ADD_SESSION = Statement(
    sa.insert(login_session).returning(login_session.c.key),
    "id",
    "user",
    "device",
    "ip_address",
    "status",
    "started_at",
    "expires_at",
)
_END_SESSION = Statement(
    sa.update(login_session)
    .where(login_session.c.key == sa.bindparam("session"))
    .values(status=sa.bindparam("new_status"))
)
_EXTEND_SESSION = Statement(
    sa.update(login_session)
    .where(login_session.c.key == sa.bindparam("session"))
    .values(expires_at=sa.bindparam("new_end"))
)
_IS_ACTIVE = login_session.c.status == SessionStatus.ACTIVE.value
_NEXT_END = Statement(sa.select(sa.func.min(login_session.c.expires_at).label("at")).where(_IS_ACTIVE))
_EXPIRE_DUE = Statement(
    sa.update(login_session)
    .where(_IS_ACTIVE, login_session.c.expires_at <= sa.bindparam("at"))
    .values(status=SessionStatus.EXPIRED.value)
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
        login_session.c.expires_at.label("session_expires_at"),
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
_STANDING = Statement(
    sa.select(
        auth_user.c.role,
        login_session.c.status.label("session_status"),
        registered_device.c.status.label("device_status"),
        auth_user.c.status.label("user_status"),
        customer.c.status.label("customer_status"),
    )
    .select_from(login_session)
    .join(auth_user, auth_user.c.key == login_session.c.user)
    .join(registered_device, registered_device.c.key == login_session.c.device)
    .outerjoin(customer, customer.c.key == auth_user.c.customer)
    # No condition on a status: SQLite would walk the index of the active sessions instead of taking the one by its key.
    .where(login_session.c.key == sa.bindparam("session"))
)
_BY_SESSION = Statement(_LIVING.where(login_session.c.id == sa.bindparam("session_id")))
_BY_REFRESH = Statement(
    _LIVING.add_columns(
        refresh_token.c.key.label("token"), refresh_token.c.used, refresh_token.c.expires_at.label("token_expires_at")
    )
    .join(refresh_token, refresh_token.c.session == login_session.c.key)
    .where(refresh_token.c.digest == sa.bindparam("of_digest"))
)


def open_session(work: Work, user: int, seen: UserView, *, device: int, ip_address: str | None) -> SignedIn:
    """Open a session of the user with the key `user` on a device; it ends with its last refresh token."""
    session_id = work.draws.uuid("session")
    ends = _end_of(work)
    session = _ADD_SESSION.one(
        work.db,
        id=session_id,
        user=user,
        device=device,
        ip_address=ip_address,
        status=SessionStatus.ACTIVE.value,
        started_at=work.now,
        expires_at=ends,
    ).key
    work.due(ends)
    work.audit("SIGNED_IN", user=user, ip_address=ip_address, related=session_id)
    return SignedIn(session_id=session_id, refresh_secret=_new_refresh(work, session, seen.user_id), user=seen)


def refresh(work: Work, secret: str, *, ip_address: str | None) -> SignedIn:
    """Exchange a refresh token for a new one.

    Raises:
        RefreshTokenReusedError: it was used before; the session and all its tokens are revoked.
        RefreshTokenInvalidError: unknown, expired, or its session has ended.
    """
    row = _BY_REFRESH.first(work.db, of_digest=_digest(secret))
    if row is None:
        raise RefreshTokenInvalidError("The refresh token is unknown. Sign in again.")
    # A session ends by itself when its newest refresh token does; the token is what the client knows of.
    expired = row.token_expires_at <= work.transport_now and not row.used
    if expired or not _lives(row):
        over = "has expired" if expired else "is of a session that has ended"
        raise RefreshTokenInvalidError(f"The refresh token {over}. Sign in again.")
    if row.used:
        work.survive(_leave_theft, row, ip_address)
        raise RefreshTokenReusedError(
            "The refresh token was used before, so someone may have stolen it: the session has ended. Sign in again."
        )
    _USE_REFRESH.run(work.db, token=row.token)
    if row.session_expires_at is not None:
        ends = _end_of(work)
        _EXTEND_SESSION.run(work.db, session=row.session, new_end=ends)
        work.due(ends)
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
    row = _STANDING.first(work.db, session=actor.session)
    return row is not None and row.role == actor.role and _lives(row)


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


def next_session_end(work: Work) -> Instant | None:
    """When the next session ends by itself, or None where none does."""
    at: Instant | None = _NEXT_END.one(work.db).at
    return at


def expire_sessions(work: Work) -> int:
    """End every session whose time is over; how many there were."""
    return _EXPIRE_DUE.run(work.db, at=work.now)


def _end_of(work: Work) -> Instant:
    """When a session that is opened or refreshed now ends by itself."""
    return Instant(work.now + work.rules.refresh_token_seconds * SECOND)


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


def _leave_theft(work: Work, row: Any, ip_address: str | None) -> None:
    _END_SESSION.run(work.db, session=row.session, new_status=SessionStatus.REVOKED.value)
    work.audit(
        "REFRESH_TOKEN_REUSED",
        user=row.user,
        ip_address=ip_address,
        related=row.session_id,
        severity=Severity.CRITICAL,
    )
