"""`/v1/auth`: sign-in in one step or two, refresh, sign-out, who am I; and the keys that tokens are signed with."""

import asyncio
import hashlib
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, SkipValidation

from sandbox.bank import identity, sessions
from sandbox.bank.challenges import ChallengeView
from sandbox.bank.devices import DeviceFacts
from sandbox.bank.identity import SignIn, Verdict
from sandbox.bank.sessions import MeView, SignedIn
from sandbox.core.errors import (
    ChallengeEndedError,
    CodeInvalidError,
    CredentialsExpiredError,
    DeviceNotActiveError,
    InvalidCredentialsError,
    NotFoundError,
    RefreshTokenInvalidError,
    RefreshTokenReusedError,
    ResendLimitReachedError,
    TokenOfOtherSandboxError,
    UserLockedError,
    UserPendingError,
    UserSuspendedError,
)
from sandbox.core.passwords import verify_password
from sandbox.core.sandbox_errors import SandboxUnknownError
from sandbox.http.auth import TokensView, issue_tokens, refresh_secret
from sandbox.http.bodies import strict
from sandbox.http.call import AnyRequest, Call, call_of
from sandbox.http.operations import EVERYBODY, anybody, refuses, roles
from sandbox.http.replies import Reply, nothing, plain, single


class RefreshOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A refresh token to exchange."""

    refresh_token: str


class Code(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The code that was sent."""

    code: Annotated[str, msgspec.Meta(pattern="^[0-9]{6}$", examples=["482913"])]


class Challenged(msgspec.Struct, frozen=True, kw_only=True):
    """A code was sent: verify it to sign in."""

    challenge: ChallengeView


class KeySet(msgspec.Struct, frozen=True):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, str]]


_UNWELCOME = (UserLockedError, UserSuspendedError, UserPendingError, CredentialsExpiredError)
"""What may become of a user at any step of a sign-in."""

_CHALLENGED: dict[int, Any] = {
    202: ResponseSpec(Challenged, description="A code was sent; verify it to sign in", generate_examples=False)
}


@post(
    "/v1/auth/login",
    operation_id="login",
    summary="Sign in",
    tags=["auth"],
    opt=anybody()
    | refuses(
        InvalidCredentialsError,
        *_UNWELCOME,
        DeviceNotActiveError,
    ),
    status_code=200,
    responses=_CHALLENGED,
)
async def login(request: AnyRequest, data: SkipValidation[JSONBody[SignIn]]) -> Response[TokensView]:
    """Open a session with a username and a password. Five failures in a row lock the user.

    Where a second factor by SMS or e-mail is on, the answer is 202 and a code is sent.
    """
    call = call_of(request)
    order = strict(SignIn, data)
    stored = call.root.read(identity.stored_hash, order.username)
    matches = stored is not None and await asyncio.to_thread(verify_password, order.password, stored)
    opened = call.root.write(
        identity.sign_in,
        order.username,
        Verdict(stored, matches),
        device=order.device or _device_of_browser(call),
        ip_address=call.ip_address,
    )
    if isinstance(opened, SignedIn):
        return plain(issue_tokens(call, opened), headers=_NO_STORE)
    challenged: Reply[Any] = plain(Challenged(challenge=opened), status=202, headers=_NO_STORE)
    return challenged


@post(
    "/v1/auth/challenges/{challenge_id:str}/verify",
    operation_id="verifyChallenge",
    summary="Sign in with the code",
    tags=["auth"],
    opt=anybody()
    | refuses(
        NotFoundError,
        ChallengeEndedError,
        CodeInvalidError,
        *_UNWELCOME,
        DeviceNotActiveError,
    ),
    status_code=200,
)
async def verify_challenge(
    request: AnyRequest, challenge_id: FromPath[str], data: SkipValidation[JSONBody[Code]]
) -> Response[TokensView]:
    """Open the session that the password asked for. Five wrong codes end the challenge, as one failed sign-in."""
    call = call_of(request)
    code = strict(Code, data).code
    opened = call.root.write(identity.answer_challenge, challenge_id, code, ip_address=call.ip_address)
    return plain(issue_tokens(call, opened), headers=_NO_STORE)


@post(
    "/v1/auth/challenges/{challenge_id:str}/resend",
    operation_id="resendCode",
    summary="Send a new code",
    tags=["auth"],
    opt=anybody()
    | refuses(
        NotFoundError,
        ChallengeEndedError,
        ResendLimitReachedError,
        *_UNWELCOME,
    ),
    status_code=202,
)
async def resend_code(request: AnyRequest, challenge_id: FromPath[str]) -> Response[Challenged]:
    """Send another code for the same challenge, at most five times. The code before it stops working."""
    call = call_of(request)
    sent = call.root.write(identity.resend_code, challenge_id, ip_address=call.ip_address)
    return plain(Challenged(challenge=sent), status=202, headers=_NO_STORE)


@post(
    "/v1/auth/refresh",
    operation_id="refresh",
    summary="Exchange a refresh token",
    tags=["auth"],
    opt=anybody(finds_own_sandbox=True)
    | refuses(RefreshTokenInvalidError, RefreshTokenReusedError, TokenOfOtherSandboxError),
    status_code=200,
)
async def refresh(request: AnyRequest, data: SkipValidation[JSONBody[RefreshOrder]]) -> Response[TokensView]:
    """Get new tokens for a refresh token, which is used up. Using one twice ends the session (RFC 9700)."""
    call = call_of(request)
    named, _, rest = strict(RefreshOrder, data).refresh_token.partition(".")
    if named != call.sandbox_id:
        _enter_own_sandbox(call, named)
    life, _, given = rest.partition(".")
    secret = refresh_secret(call, life, given)
    opened = call.root.write(sessions.refresh, secret, ip_address=call.ip_address)
    return plain(issue_tokens(call, opened), headers=_NO_STORE)


@post(
    "/v1/auth/logout",
    operation_id="logout",
    summary="Sign out",
    tags=["auth"],
    opt=roles(*EVERYBODY),
    status_code=204,
)
async def logout(request: AnyRequest) -> Response[None]:
    """End the session; its access and refresh tokens end with it."""
    call = call_of(request)
    call.root.write(sessions.sign_out, call.actor)
    return nothing()


@get(
    "/v1/auth/me",
    operation_id="whoAmI",
    summary="Who is signed in",
    tags=["auth"],
    opt=roles(*EVERYBODY),
)
async def who_am_i(request: AnyRequest) -> Response[MeView]:
    """The signed-in user, by name in the language of the request."""
    call = call_of(request)
    view = call.root.read(sessions.me, call.actor, call.language)
    return single(call, view, headers={"vary": "Accept-Language"})


@get(
    "/.well-known/jwks.json",
    operation_id="keys",
    summary="Public keys of the access tokens",
    tags=["auth"],
    opt=anybody(),
)
async def keys(request: AnyRequest) -> Response[KeySet]:
    """The Ed25519 public key of this sandbox, as a JSON Web Key Set."""
    call = call_of(request)
    return single(call, KeySet([call.root.signing_key.jwk]))


_NO_STORE = {"cache-control": "no-store"}
"""Tokens must not be cached (RFC 6749 section 5.1)."""


def _enter_own_sandbox(call: Call, named: str) -> None:
    """Follow a refresh token to its sandbox, unless the request names another one itself."""
    try:
        sandbox = call.house.get(named)
    except SandboxUnknownError:
        raise RefreshTokenInvalidError(
            "This is no refresh token of this server: send the refresh_token of a sign-in as it is."
        ) from None
    if call.named is not None:
        detail = f"The refresh token is of sandbox {named!r}, the request goes to {call.sandbox_id!r}."
        raise TokenOfOtherSandboxError(detail)
    call.enter(sandbox.id, sandbox.root)


def _device_of_browser(call: Call) -> DeviceFacts:
    """What the User-Agent says, when the client says nothing of its device."""
    agent = call.header(b"user-agent") or "unknown"
    mark = hashlib.blake2b(agent.encode("latin-1", "replace"), digest_size=12).hexdigest()
    return DeviceFacts(model=agent[:140], fingerprint=f"user-agent:{mark}")


HANDLERS: list[Any] = [login, verify_challenge, resend_code, refresh, logout, who_am_i, keys]
