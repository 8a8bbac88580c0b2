"""Refusals as RFC 9457 problems: the one place that renders them, for the edge, Litestar and stored answers alike."""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any, get_args

import msgspec
from litestar.exceptions import HTTPException, InternalServerException, ValidationException
from litestar.handlers import BaseRouteHandler

from sandbox.core.errors import (
    BodyTooLargeError,
    DomainError,
    Fault,
    IdentityError,
    InternalError,
    MalformedJsonError,
    MethodNotAllowedError,
    NotFoundError,
    UnsupportedMediaTypeError,
    ValidationFailedError,
)
from sandbox.core.vocabulary import Language
from sandbox.http.call import Call

MEDIA_TYPE = "application/problem+json"
_LEFT = "client disconnected prematurely"
"""All that tells Litestar's error for it from others of its kind."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """The shape of every refusal; a problem type may add members of its own."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    reason: str | msgspec.UnsetType = msgspec.UNSET
    errors: list[Fault] | msgspec.UnsetType = msgspec.UNSET


class _Coded(msgspec.Struct, frozen=True):
    code: str


_MEDIA_TYPE = MEDIA_TYPE.encode()
_CODED = msgspec.json.Decoder(_Coded)


def problem_body(refusal: DomainError, call: Call) -> bytes:
    """The JSON of a refusal, in the language of the request."""
    in_arabic = call.language is Language.ARABIC
    body: dict[str, Any] = {
        "type": f"/problems/{refusal.code}",
        "title": refusal.title_ar if in_arabic else refusal.title,
        "status": refusal.status,
        "detail": refusal.detail,
        "instance": call.path,
        "code": refusal.code,
    }
    if refusal.reason is not None:
        body["reason"] = refusal.reason
    if refusal.faults:
        body["errors"] = refusal.faults
    body |= refusal.facts
    body["request_id"] = call.request_id
    return msgspec.json.encode(body)


def problem_headers(refusal: DomainError) -> dict[str, str]:
    """The headers that go with a refusal."""
    headers = {"content-type": MEDIA_TYPE, "vary": "Accept-Language"}
    if refusal.status == 401 and isinstance(refusal, IdentityError):
        # Of a wrong password or control token RFC 6750 says nothing; only an access token can be an invalid one.
        error = ' error="invalid_token"' if refusal.code.startswith("token_") else ""
        headers["www-authenticate"] = f"Bearer{error}"
    return headers | {name.lower(): value for name, value in refusal.headers.items()}


def code_of(headers: Iterable[tuple[bytes, bytes]], body: bytes) -> str | None:
    """The code of an answer that is a problem, whoever made it: of stored ones too, which are only bytes by now."""
    if (b"content-type", _MEDIA_TYPE) not in headers:
        return None
    return _CODED.decode(body).code


def as_refusal(error: Exception, *, handler: BaseRouteHandler | None = None) -> DomainError:
    """Any exception as one of the catalogue; what is none of ours is a bug, and says nothing of itself.

    `handler` is the one whose parameters were refused: it knows what they may be.
    """
    if isinstance(error, DomainError):
        return error
    if isinstance(error, ValidationException):
        return ValidationFailedError(list(_faults(error, {} if handler is None else _choices(handler))))
    if isinstance(error, HTTPException):
        return _of_status(error)
    return InternalError("The request was not carried out and nothing was changed. The server's log tells more.")


def client_left(error: Exception) -> bool:
    """Whether the client left before its request was whole: no bug of ours, and nobody reads the answer."""
    return isinstance(error, InternalServerException) and error.detail == _LEFT


def _of_status(error: HTTPException) -> DomainError:
    kinds: dict[int, type[DomainError]] = {
        400: MalformedJsonError,
        404: NotFoundError,
        405: MethodNotAllowedError,
        413: BodyTooLargeError,
        415: UnsupportedMediaTypeError,
    }
    kind = kinds.get(error.status_code, InternalError)
    if kind is BodyTooLargeError:
        return kind("The body is larger than this server takes; --max-body-bytes says how large it may be.")
    return kind(error.detail or HTTPStatus(kind.status).phrase)


_WORDS: tuple[tuple[str, str, str], ...] = (
    (r"Expected `int` >= (\d+)", "too_small", r"must be \1 or more"),
    (r"Expected `int` <= (\d+)", "too_large", r"must be \1 or less"),
    (r"Expected `int`", "wrong_type", "must be a whole number"),
    (r"Expected `bool`", "wrong_type", "must be true or false"),
    (r"Expected `str` of length >= (\d+)", "too_short", "must not be empty"),
    (r"Expected `str` of length <= (\d+)", "too_long", r"must have at most \1 characters"),
    (r"Expected `str` matching regex", "wrong_format", "must not contain NUL"),
    (r"Invalid enum value (.*)", "not_allowed", r"\1 is not allowed"),
)
"""What msgspec says of a parameter, as a code and in the words of `bodies`."""


def _in_our_words(message: str) -> tuple[str, str]:
    for pattern, code, words in _WORDS:
        match = re.match(pattern, message)
        if match:
            return code, match.expand(words)
    return "invalid", message or "is not valid"


def _choices(handler: BaseRouteHandler) -> dict[str, str]:
    """The parameters of a handler, and of what it depends on, that take one of a few values, with these."""
    providers = handler.resolve_dependencies().values()
    signatures = [handler.parsed_fn_signature, *(provider.parsed_fn_signature for provider in providers)]
    return {
        getattr(field.kwarg_definition, "name", None) or name: ", ".join(kind)
        for signature in signatures
        for name, field in signature.parameters.items()
        for kind in (field.annotation, *get_args(field.annotation))
        if isinstance(kind, type) and issubclass(kind, StrEnum)
    }


def _faults(error: ValidationException, choices: Mapping[str, str]) -> list[Fault]:
    messages = error.extra if isinstance(error.extra, list) else []
    faults = []
    for message in messages:
        source = getattr(message.get("source"), "value", message.get("source", "query"))
        name = message.get("key", "")
        pointer = f"/{name}" if source == "body" else f"?{name}" if source == "query" else f"{source}:{name}"
        code, words = _in_our_words(message.get("message", ""))
        if code == "not_allowed" and name in choices:
            words = f"must be one of {choices[name]}"
        faults.append(Fault(pointer, code, words))
    return faults or [Fault("", "invalid", error.detail)]
