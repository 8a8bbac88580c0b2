"""Orders that move money: once per Idempotency-Key, with an answer that is stored with what it is about; or rehearsed.

The rules are those of draft-ietf-httpapi-idempotency-key-header: no key is 400, the same key with another request
is 422.
"""

import hashlib
from collections.abc import Callable
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

import msgspec
from litestar.params import QueryParameter
from msgspec import structs

from sandbox.bank.access import Actor
from sandbox.core.errors import DomainError, Fault, IdempotencyKeyMissingError, ValidationFailedError
from sandbox.http.call import Call
from sandbox.http.problems import MEDIA_TYPE, problem_body
from sandbox.http.replies import Reply, encode
from sandbox.sandboxes.idempotency import Answer, KeyedOrder
from sandbox.store.work import Work

P = ParamSpec("P")
V = TypeVar("V", bound=msgspec.Struct)

DryRun = Annotated[bool, QueryParameter(description="only say what would happen: no key, no id, no trace")]

_NOT_STORED = {401, 429}
_CANONICAL = msgspec.json.Encoder(order="sorted", decimal_format="number")


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """How an order is placed: `asked` is its decoded body, for the fingerprint.

    `made` is the view's field with the id of what the order makes (null in a dry run), `at` the path under which that
    will be found; an order that changes something known gives that thing's whole path.
    """

    asked: Any
    dry_run: bool
    made: str | None = None
    at: str | None = None


def place_order(
    call: Call,
    placement: Placement,
    fn: Callable[Concatenate[Work, Actor, P], V],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Reply[V]:
    """Run a money-moving bank function for the caller and answer 201, or 200 for a dry run.

    Raises:
        IdempotencyKeyMissingError, ValidationFailedError: the key is missing or malformed.
        IdempotencyKeyReusedError: it came with another request before.
    """
    made = placement.made
    key = call.header(b"idempotency-key")
    if key:
        _require_form(key)
    if placement.dry_run:
        view = call.root.rehearse(fn, call.actor, *args, **kwargs)
        blank = {made: None} if made else {}
        return Reply(encode(structs.replace(view, **blank, dry_run=True)))
    if not key:
        raise IdempotencyKeyMissingError(
            "Send an Idempotency-Key header, such as a new UUID, so that a retry cannot move the money twice."
        )
    assert call.operation is not None

    def answered(view: V) -> Answer:
        location = f"{placement.at}/{getattr(view, made)}" if made else placement.at
        return Answer(201, encode(view), location)

    keyed = KeyedOrder(
        user=call.actor.user,
        operation=call.operation.operation_id,
        key=key,
        fingerprint=_fingerprint(call, placement.asked),
        encode=answered,
        encode_refusal=lambda refusal: _refused(call, refusal),
    )
    return _reply(call, call.root.order(keyed, fn, call.actor, *args, **kwargs))


def _reply(call: Call, answer: Answer) -> Reply[Any]:
    headers = {}
    if answer.location is not None:
        headers["location"] = call.prefix + answer.location
    if answer.replayed:
        headers["idempotent-replayed"] = "true"
    media_type = "application/json"
    if answer.status >= 400:
        media_type = MEDIA_TYPE
        headers["vary"] = "Accept-Language"
    return Reply(answer.body, status=answer.status, media_type=media_type, headers=headers)


def _refused(call: Call, refusal: DomainError) -> Answer | None:
    if refusal.status in _NOT_STORED or refusal.status >= 500 or isinstance(refusal, ValidationFailedError):
        return None
    return Answer(refusal.status, problem_body(refusal, call))


def _require_form(key: str) -> None:
    if len(key) > 255 or not (key.isascii() and key.isprintable()):
        detail = "must be 1 to 255 printable ASCII characters"
        raise ValidationFailedError([Fault("header:Idempotency-Key", "wrong_format", detail)])


def _fingerprint(call: Call, asked: Any) -> bytes:
    text = f"{call.path}\n".encode() + _CANONICAL.encode(asked)
    return hashlib.blake2b(text, digest_size=16).digest()
