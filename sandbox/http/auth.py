"""Bearer tokens: made at sign-in, verified once, remembered until something is written.

A token carries facts that never change (who, which session, which sandbox); whether the session still lives is the
bank's to say, and it can change only by a write: so a verified actor stands until the write number moves on.
"""

import re
from functools import lru_cache
from typing import Any

import msgspec

from sandbox.bank import sessions
from sandbox.bank.access import Actor
from sandbox.bank.sessions import SignedIn, UserView
from sandbox.core.clock import SECOND
from sandbox.core.errors import (
    ForbiddenError,
    RefreshTokenInvalidError,
    TokenExpiredError,
    TokenInvalidError,
    TokenOfOtherSandboxError,
    UnauthenticatedError,
)
from sandbox.core.keys import TokenError, peek
from sandbox.core.vocabulary import Role
from sandbox.http.call import Call
from sandbox.sandboxes.house import SANDBOX_ID
from sandbox.sandboxes.lives import issued
from sandbox.sandboxes.root import StateRoot

_CACHED_AT_MOST = 4096
_PREFIX = "bearer "
_TIMELESS = "v"
_LIFE = re.compile(r"([0-9a-f]{1,16})-([0-9a-f]{1,16})", re.ASCII)


class TokensView(msgspec.Struct, frozen=True, kw_only=True):
    """What a sign-in or a refresh gives (names of RFC 6749 section 5.1)."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_in: int
    session_id: str
    user: UserView


class _Known(msgspec.Struct):
    """A verified token: who, until when, and the write number at which the session was last seen alive."""

    actor: Actor
    expires_at: int
    write_number: int


def bearer_token(call: Call) -> str | None:
    """The bearer token of a request, if it carries one (RFC 6750 section 2.1)."""
    value = call.header(b"authorization")
    if value is None or value[: len(_PREFIX)].lower() != _PREFIX:
        return None
    return value[len(_PREFIX) :].strip() or None


@lru_cache(maxsize=_CACHED_AT_MOST)
def sandbox_claim(token: str) -> str | None:
    """The sandbox that a token says it is of, unverified: good for routing only.

    A pure function of the text, so its answers are kept: reading a token takes longer than the rest of the routing.
    """
    try:
        claim = peek(token).get("sbx")
    except TokenError:
        return None
    return claim if isinstance(claim, str) and SANDBOX_ID.fullmatch(claim) else None


def authenticate(call: Call, allowed: tuple[Role, ...]) -> Actor:
    """Who acts.

    Raises:
        UnauthenticatedError, TokenInvalidError, TokenExpiredError, TokenOfOtherSandboxError: 401.
        ForbiddenError: the role may not do this.
    """
    token = bearer_token(call)
    if token is None:
        raise UnauthenticatedError("Send Authorization: Bearer with the access_token of POST /v1/auth/login.")
    actor = _actor(call, call.root, token)
    if actor.role not in allowed:
        raise ForbiddenError(f"This is for {' or '.join(allowed)}; you are signed in as {actor.role}.")
    return actor


def issue_tokens(call: Call, signed_in: SignedIn) -> TokensView:
    """The tokens of an open session."""
    root = call.root
    assert call.sandbox_id is not None
    user = signed_in.user
    issued_at = root.transport_now // SECOND
    claims: dict[str, Any] = {
        "iss": "sandbank",
        "sub": user.user_id,
        "sid": signed_in.session_id,
        "sbx": call.sandbox_id,
        "role": user.role,
        "n": root.write_number,
        "iat": issued_at,
        "exp": issued_at + root.rules.access_token_seconds,
    }
    if root.rules.transport_clock == "wall":
        # After a reset the same sign-in opens the same session; this and `n` tell which is which.
        claims["gen"] = root.born_at
    return TokensView(
        access_token=root.signing_key.sign(claims),
        refresh_token=f"{call.sandbox_id}.{_life(root)}.{signed_in.refresh_secret}",
        token_type="Bearer",  # noqa: S106 - the type's name, no secret
        expires_in=root.rules.access_token_seconds,
        session_id=signed_in.session_id,
        user=user,
    )


def refresh_secret(call: Call, life: str, secret: str) -> str:
    """The secret of a refresh token's parts.

    Raises:
        RefreshTokenInvalidError: it was issued before the sandbox was last reset.
    """
    if not _is_of(call.root, life):
        raise RefreshTokenInvalidError("The refresh token was issued before the last reset or restart. Sign in again.")
    return secret


def _life(root: StateRoot) -> str:
    """What tells the refresh tokens of a root from those of another: when it was born, and after how many writes.

    With the virtual transport clock nothing may come from the machine's clock, and equal sign-ins give equal tokens.
    """
    return _TIMELESS if root.rules.transport_clock == "virtual" else f"{root.born_at:x}-{root.write_number:x}"


def _is_of(root: StateRoot, life: str) -> bool:
    """Whether a refresh token of that life is of this root's present or past."""
    if root.rules.transport_clock == "virtual":
        return life == _TIMELESS
    parts = _LIFE.fullmatch(life)
    return parts is not None and _issued(root, int(parts[1], 16), int(parts[2], 16))


def _actor(call: Call, root: StateRoot, token: str) -> Actor:
    ip_address = call.ip_address
    known: _Known | None = root.tokens.get((token, ip_address))
    if known is None:
        claims = _claims(call, root, token)
        actor = root.read(sessions.actor_of, str(claims["sid"]), ip_address=ip_address)
        if actor.user_id != claims["sub"]:
            raise TokenInvalidError("The access token was issued before the last reset or restart. Sign in again.")
        known = _Known(actor, int(claims["exp"]) * SECOND, root.write_number)
        if len(root.tokens) >= _CACHED_AT_MOST:
            root.tokens.clear()
        root.tokens[token, ip_address] = known
    elif known.write_number != root.write_number:
        if not root.read(sessions.still_acts, known.actor):
            known.actor = root.read(sessions.actor_of, known.actor.session_id, ip_address=ip_address)
        known.write_number = root.write_number
    if known.expires_at <= root.transport_now:
        raise TokenExpiredError("The access token has expired. POST /v1/auth/refresh gives a new one.")
    return known.actor


def _claims(call: Call, root: StateRoot, token: str) -> dict[str, Any]:
    try:
        claims = root.signing_key.verify(token)
    except TokenError:
        claimed = sandbox_claim(token)
        if claimed is not None and claimed != call.sandbox_id:
            raise _foreign(claimed, call) from None
        raise TokenInvalidError("The access token is malformed or was not issued here. Sign in again.") from None
    if claims.get("sbx") != call.sandbox_id:
        raise _foreign(str(claims.get("sbx")), call)
    if not (isinstance(claims.get("sid"), str) and isinstance(claims["exp"], int)):
        raise TokenInvalidError("The access token names no session or no end. Sign in again.")
    if not _issued(root, claims.get("gen", root.born_at), claims.get("n", 0)):
        raise TokenInvalidError("The access token was issued before the last reset or restart. Sign in again.")
    return claims


def _issued(root: StateRoot, life: int, write_number: int) -> bool:
    return issued(life, write_number, born_at=root.born_at, earlier=root.earlier)


def _foreign(claimed: str, call: Call) -> TokenOfOtherSandboxError:
    detail = f"The token is of sandbox {claimed[:63]!r}, the request goes to {call.sandbox_id!r}."
    return TokenOfOtherSandboxError(detail)
