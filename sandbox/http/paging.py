"""Lists on the wire: opaque cursors, the page envelope, `Link` (RFC 8288)."""

import base64
import binascii
from typing import Annotated, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar.params import QueryParameter

from sandbox.bank.lists import Position, Slice, Window
from sandbox.core.errors import Fault, ValidationFailedError

T = TypeVar("T")

MAX_LIMIT = 200

Limit = Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT, description="how many items at most")]
Cursor = Annotated[
    str | None, QueryParameter(max_length=200, description="`page.next_cursor` of the answer before; opaque")
]
CustomerId = Annotated[
    str | None, QueryParameter(min_length=1, max_length=64, description="staff only: narrow to one customer")
]


class PageInfo(msgspec.Struct, frozen=True):
    """Whether more follows, and how to ask for it."""

    next_cursor: str | None
    has_more: bool


class Page(msgspec.Struct, Generic[T], frozen=True):
    """A list's envelope."""

    items: list[T]
    page: PageInfo


def window(limit: int, cursor: str | None, *, kind: str, width: int = 1) -> Window:
    """The window that a request asks for; `kind` and `width` are those of `page` for the same list.

    Raises:
        ValidationFailedError: the cursor is not one of this list.
    """
    return Window(limit, None if cursor is None else _position(cursor, kind, width))


def page(found: Slice[T], *, kind: str) -> Page[T]:
    """The envelope of a slice."""
    following = None if found.next is None else _cursor(found.next, kind)
    return Page(found.items, PageInfo(following, following is not None))


def next_link(path: str, query: str, following: str) -> str:
    """The `Link` to what follows: the same request with another cursor."""
    pairs = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "cursor"]
    return f'<{path}?{urlencode([*pairs, ("cursor", following)])}>; rel="next"'


def _cursor(position: Position, kind: str) -> str:
    text = ":".join([kind, *map(str, position)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _position(cursor: str, kind: str, width: int) -> Position:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        given, *numbers = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii").split(":")
        position = tuple(int(number) for number in numbers if number.isdigit() and len(number) < 19)
    except (ValueError, binascii.Error):
        given, position, numbers = "", (), []
    if given != kind or len(position) != width or len(numbers) != width:
        detail = "is no cursor of this list; send `page.next_cursor` of the answer before as it is"
        raise ValidationFailedError([Fault("?cursor", "invalid_cursor", detail)])
    return position
