"""A query of json-server's language, read from the text after the `?`: both dialects, 0.17's and v1's.

Here a query is only read; what its names mean in a collection is found out by `filtering`. What json-server would
silently take for something else is refused, every fault at once.
"""

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import parse_qsl

from sandbox.core.errors import Fault, ValidationFailedError

MOST_PER_PAGE = 100_000
"""More than this in `_limit` or `_per_page` is a mistake."""

MOST_SORTED = 16
"""Keys to sort by."""
MOST_FILTERS = 50
"""Filters of a query."""
MOST_VALUES = 200
"""Values of a filter."""

_PLAIN = 10
"""How many a page has when only `_page` is said: that of json-server."""

_RELATIONS = ("_embed", "_expand")
_NUMBERS = ("_start", "_end", "_limit", "_page", "_per_page")
_ONCE = ("q", "_sort", "_order", *_NUMBERS)
_IGNORED = {"_"}
"""jQuery adds it to get past caches."""

PARAMETERS = (*_ONCE, *_RELATIONS)


class Sorting(NamedTuple):
    """One key to sort by."""

    name: str
    descending: bool


class Filter(NamedTuple):
    """`name=value`, as it stands: the name may end in an operator. A name said several times has several values."""

    name: str
    values: tuple[str, ...]


class Query(NamedTuple):
    """What is asked of a collection."""

    filters: tuple[Filter, ...] = ()
    text: str = ""
    sort: tuple[Sorting, ...] = ()
    start: int = 0
    end: int | None = None
    page: int | None = None
    per_page: int = _PLAIN
    as_object: bool = False
    """Whether a page is told as v1 does: an object with `data`."""
    embed: tuple[str, ...] = ()
    expand: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    """What is wrong with it whatever the collection; kept, to be told with what is wrong in the collection."""


def takes_long(query: Query) -> bool:
    """Whether it may take longer than the loop may be held up even where there are few records: it has patterns."""
    return any(wanted.name.endswith("like") for wanted in query.filters)


def read_query(raw: bytes) -> Query:
    """The query after the `?`, with its faults."""
    said = _said(raw)
    faults: list[Fault] = []
    numbers = {name: _number(name, said[name][0], faults) for name in _NUMBERS if name in said}
    twice = [name for name in _ONCE if len(said.get(name, ())) > 1]
    faults += [_fault(name, "repeated_parameter", "stands twice; say it once") for name in twice]
    faults += _contradictions(numbers)
    sort = tuple(_sorting(said, faults))
    filters = []
    for name, values in said.items():
        if name in PARAMETERS or name in _IGNORED:
            continue
        if name == "callback" or name.startswith("_") or not name:
            known = ", ".join(PARAMETERS)
            faults.append(_fault(name, "unknown_parameter", f"is not known here; known are {known} and fields"))
        elif len(values) > MOST_VALUES:
            faults.append(too_many_values(name, len(values)))
        else:
            filters.append(Filter(name, tuple(values)))
    if len(filters) > MOST_FILTERS:
        faults.append(_fault("", "too_many", f"has {len(filters)} filters; at most {MOST_FILTERS} are taken"))
        filters.clear()
    start = numbers.get("_start", 0)
    limit = numbers.get("_limit")
    paged = "_page" in numbers or "_per_page" in numbers
    return Query(
        filters=tuple(filters),
        text=said.get("q", [""])[0],
        sort=sort,
        start=start,
        end=numbers.get("_end", start + limit if limit is not None else None),
        page=numbers.get("_page", 1) if paged else None,
        per_page=numbers.get("_per_page", numbers.get("_limit", _PLAIN)),
        as_object="_per_page" in numbers,
        embed=tuple(_names(said, "_embed")),
        expand=tuple(_names(said, "_expand")),
        faults=tuple(faults),
    )


def read_relations(raw: bytes) -> Query:
    """The query of a single record: what to put beside it, and nothing else.

    Raises:
        ValidationFailedError: with every other parameter.
    """
    said = _said(raw)
    strange = [name for name in said if name not in {*_RELATIONS, *_IGNORED}]
    if strange:
        detail = "is not known here; known are _embed, _expand"
        raise ValidationFailedError([_fault(name, "unknown_parameter", detail) for name in strange])
    return Query(embed=tuple(_names(said, "_embed")), expand=tuple(_names(said, "_expand")))


def require_none(raw: bytes) -> None:
    """Refuse a query where there is nothing to say.

    Raises:
        ValidationFailedError: with every parameter.
    """
    strange = [name for name in _said(raw) if name not in _IGNORED]
    if strange:
        detail = "is not known here; a write takes no parameter"
        raise ValidationFailedError([_fault(name, "unknown_parameter", detail) for name in strange])


def too_many_values(name: str, count: int) -> Fault:
    """What is wrong with a filter of so many values."""
    return _fault(name, "too_many", f"has {count} values; at most {MOST_VALUES} are taken")


def _said(raw: bytes) -> dict[str, list[str]]:
    said: dict[str, list[str]] = {}
    for name, value in parse_qsl(raw.decode(errors="replace"), keep_blank_values=True):
        said.setdefault(name, []).append(value)
    return said


def _number(name: str, text: str, faults: list[Fault]) -> int:
    least = 1 if name in {"_page", "_per_page"} else 0
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text) >= least):
        faults.append(_fault(name, "wrong_format", f"must be a whole number from {least} on, not {text[:40]!r}"))
        return least
    if name in {"_limit", "_per_page"} and int(text) > MOST_PER_PAGE:
        faults.append(_fault(name, "too_large", f"must be {MOST_PER_PAGE} or less"))
    return int(text)


def _contradictions(numbers: dict[str, int]) -> Iterator[Fault]:
    """Parameters that say two things at once; json-server would take one of them."""
    paged = "_page" in numbers or "_per_page" in numbers
    for name in ("_start", "_end"):
        if name in numbers and paged:
            yield _fault(name, "contradiction", "does not go with pages; say either")
    if "_limit" in numbers and "_end" in numbers:
        yield _fault("_limit", "contradiction", "does not go with _end; say either")
    if "_limit" in numbers and "_per_page" in numbers:
        yield _fault("_limit", "contradiction", "is 0.17's word for _per_page; say either")
    if paged and numbers.get("_limit") == 0:
        yield _fault("_limit", "wrong_format", "must be 1 or more on pages")


def _sorting(said: dict[str, list[str]], faults: list[Fault]) -> Iterator[Sorting]:
    orders = said.get("_order", [""])[0].split(",") if "_order" in said else []
    names = said.get("_sort", [""])[0].split(",") if "_sort" in said else []
    if len(names) > MOST_SORTED:
        faults.append(_fault("_sort", "too_many", f"has {len(names)} fields; at most {MOST_SORTED} are taken"))
        return
    if orders and len(orders) > len(names):
        faults.append(_fault("_order", "contradiction", "has more directions than _sort has fields"))
    for position, name in enumerate(names):
        order = orders[position].lower() if position < len(orders) else ""
        if order not in {"", "asc", "desc"}:
            faults.append(_fault("_order", "not_allowed", f"must be asc or desc, not {orders[position][:40]!r}"))
        if not name.strip("- "):
            faults.append(_fault("_sort", "wrong_format", "must name fields, separated by commas"))
            continue
        if name.startswith("-") and order:
            faults.append(_fault("_sort", "contradiction", "says the direction of a field twice: by - and by _order"))
        yield Sorting(name.removeprefix("-"), name.startswith("-") or order == "desc")


def _names(said: dict[str, list[str]], parameter: str) -> Iterator[str]:
    """The names of a parameter that may be repeated or hold several, each once."""
    given = [name for value in said.get(parameter, ()) for name in value.split(",") if name]
    yield from dict.fromkeys(given)


def _fault(name: str, code: str, detail: str) -> Fault:
    return Fault(f"?{name}", code, detail)
