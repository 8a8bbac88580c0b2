"""Answers: views encoded once, entity tags, lists with their links."""

import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from litestar import Response
from litestar.types import ASGIApp, HTTPResponseStartEvent, Receive, Scope, Send

from sandbox.bank.lists import Slice
from sandbox.core.errors import PreconditionFailedError
from sandbox.http.call import Call
from sandbox.http.paging import Page, next_link, page

T = TypeVar("T")

_JSON = "application/json"
_NONE: Mapping[str, str] = MappingProxyType({})
_ENCODER = msgspec.json.Encoder()


class Reply(Response[T]):
    """An answer that is bytes already; it goes straight to the server, past Litestar's own rendering."""

    def __init__(
        self, body: bytes, *, status: int = 200, media_type: str = _JSON, headers: Mapping[str, str] = _NONE
    ) -> None:
        pairs: list[tuple[bytes, bytes]] = []
        if status not in {204, 304}:
            pairs = [(b"content-type", media_type.encode()), (b"content-length", b"%d" % len(body))]
        pairs += [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        self._body = body
        self._start: HTTPResponseStartEvent = {"type": "http.response.start", "status": status, "headers": pairs}

    def to_asgi_response(self, *args: Any, **kwargs: Any) -> ASGIApp:  # type: ignore[override] # noqa: ARG002
        """Itself, as an application."""
        return self._send

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await send(self._start)
        await send({"type": "http.response.body", "body": self._body, "more_body": False})


def encode(view: object) -> bytes:
    """A view as JSON."""
    return _ENCODER.encode(view)


def etag(body: bytes) -> str:
    """The strong entity tag of a representation: its own hash, so that equal bytes have equal tags."""
    return f'"{hashlib.blake2b(body, digest_size=9).hexdigest()}"'


def plain(view: T, *, status: int = 200, headers: Mapping[str, str] = _NONE) -> Reply[T]:
    """An answer without a tag."""
    return Reply(encode(view), status=status, headers=headers)


def single(call: Call, view: T, *, headers: Mapping[str, str] = _NONE) -> Reply[T]:
    """A single resource with its entity tag, or 304 where the client has it."""
    body = encode(view)
    return tagged(call, body, tag=etag(body), headers=headers)


def tagged(
    call: Call,
    body: bytes,
    *,
    tag: str,
    media_type: str = _JSON,
    headers: Mapping[str, str] = _NONE,
    coding: Mapping[str, str] = _NONE,
) -> Reply[Any]:
    """Bytes with their entity tag, or 304 where the client has them; `coding` is said of bytes alone."""
    headers = {"etag": tag, **headers}
    known = call.header(b"if-none-match")
    if known is not None and _listed(tag, known):
        return Reply(b"", status=304, headers=headers)
    return Reply(body, media_type=media_type, headers={**headers, **coding})


def changed(view: T) -> Reply[T]:
    """A single resource after it was changed, with its new entity tag: never 304, since something happened."""
    body = encode(view)
    return Reply(body, headers={"etag": etag(body)})


def listing(call: Call, found: Slice[T], *, kind: str) -> Reply[Page[T]]:
    """A page of a list."""
    made = page(found, kind=kind)
    following = made.page.next_cursor
    if following is None:
        return Reply(encode(made))
    query = call.scope["query_string"].decode("latin-1")
    link = next_link(quote(call.prefix + call.path), query, following)
    return Reply(encode(made), headers={"link": link})


def nothing() -> Reply[None]:
    """204."""
    return Reply(b"", status=204)


def unless_changed(call: Call) -> Callable[[Any], None]:
    """A check for a write: refuse when `If-Match` names another version than the one it sees."""
    wanted = call.header(b"if-match")

    def check(view: Any) -> None:
        if wanted is None or wanted == "*":
            return
        tag = etag(encode(view))
        if not _listed(tag, wanted, weak=False):
            detail = f"The resource has changed since: If-Match is {wanted[:80]}, its ETag is {tag}. Read it again."
            raise PreconditionFailedError(detail)

    return check


def _listed(tag: str, wanted: str, *, weak: bool = True) -> bool:
    """Whether a tag stands in an `If-(None-)Match` list (RFC 9110 section 13.1)."""
    if wanted == "*":
        return True
    tags = {part.strip() for part in wanted.split(",")}
    return tag in tags or (weak and f"W/{tag}" in tags)
