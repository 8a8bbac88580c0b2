"""Answers of the data plane: records as JSON, pages told as json-server tells them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode

import msgspec

from sandbox.data.filtering import select
from sandbox.data.query import Query
from sandbox.data.relations import relate
from sandbox.data.tables import Table

_PIECE = 1_000
"""How many records are encoded at once: a millisecond's work."""

_ENCODER = msgspec.json.Encoder(decimal_format="number")


class Listed(NamedTuple):
    """A list's body, and how many records there were before it was cut."""

    body: bytes
    total: int


def encode(value: object) -> bytes:
    """JSON with numbers as exact as they were given."""
    return _ENCODER.encode(value)


def answer_list(tables: Mapping[str, Table], name: str, query: Query) -> Listed:
    """What a query asks of the collection `name`.

    Raises:
        ValidationFailedError: a name or a value in the query is none; with every fault.
    """
    base = tables[name]
    found = select(base, query)
    shown = relate([base.records[position] for position in _cut(found, query)], base, query, tables)
    if query.as_object:
        return Listed(encode(_page(shown, len(found), query)), len(found))
    return Listed(_encode_list(shown), len(found))


def answer_one(record: Any, tables: Mapping[str, Table], name: str, query: Query) -> bytes:
    """A record with what a query wants beside it.

    Raises:
        ValidationFailedError: a name is no relation of the collection.
    """
    return encode(relate([record], tables[name], query, tables)[0])


def page_links(url: str, raw_query: str, query: Query, total: int) -> str | None:
    """The `Link` of a page (RFC 8288), with the relations and in the order of json-server; None where all is shown."""
    if query.page is None or query.as_object:
        return None
    last = _pages(total, query)
    if last <= 1 or query.page > last:
        return None
    targets = {"first": 1, "prev": query.page - 1, "next": query.page + 1, "last": last}
    links = []
    for relation, page in targets.items():
        if 1 <= page <= last:
            links.append(f'<{url}?{_with_page(raw_query, page)}>; rel="{relation}"')
    return ", ".join(links)


def _encode_list(shown: list[Any]) -> bytes:
    """A list, encoded in pieces: whoever waits for the interpreter gets a turn between two."""
    if len(shown) <= _PIECE:
        return encode(shown)
    pieces = (encode(shown[start : start + _PIECE])[1:-1] for start in range(0, len(shown), _PIECE))
    return b"[" + b",".join(pieces) + b"]"


def _cut(found: Sequence[int], query: Query) -> Sequence[int]:
    if query.page is None:
        return found[query.start : query.end]
    start = (query.page - 1) * query.per_page
    return found[start : start + query.per_page]


def _page(shown: list[Any], total: int, query: Query) -> dict[str, Any]:
    """A page as v1 tells it; one past the end is empty, where v1 would answer the last."""
    page, last = query.page or 1, _pages(total, query)
    return {
        "first": 1,
        "prev": min(page - 1, last) or None,
        "next": page + 1 if page < last else None,
        "last": last,
        "pages": last,
        "items": total,
        "data": shown,
    }


def _pages(total: int, query: Query) -> int:
    return max(1, -(-total // query.per_page))


def _with_page(raw_query: str, page: int) -> str:
    pairs = [
        (name, str(page) if name == "_page" else value) for name, value in parse_qsl(raw_query, keep_blank_values=True)
    ]
    return urlencode(pairs, quote_via=quote)
