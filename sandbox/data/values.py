"""What a field's values are, and how what a query says of them is read and compared: as the field's own type.

A field of a known collection has the type of its record class. Any other has the type that its values agree on; where
they agree on none, they are compared as text.
"""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from sandbox.core.clock import Instant, parse_instant
from sandbox.core.jsontext import MOST_PLACES
from sandbox.core.money import Fils, fils_of_number
from sandbox.core.vocabulary import in_files
from sandbox.store.records import Field, Json

Path = tuple[str, ...]
"""Where in a record a value stands: the names of fields and the positions in arrays."""

_POSITION = re.compile(r"[0-9]{1,9}", re.ASCII)

MISSING: Any = object()
"""Stands where a record has no such field."""


class Kind(NamedTuple):
    """A type of values."""

    name: str
    of_record: Callable[[Any], Any]
    """A value of a record as it is compared; the value is never null."""
    of_query: Callable[[str], Any]
    """The same of a text in a query; it raises a ValueError that says what is wrong."""


def at(record: Any, path: Path) -> Any:
    """The value at a path of a record, or `MISSING`."""
    found = record
    for name in path:
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif isinstance(found, list) and _POSITION.fullmatch(name) and int(name) < len(found):
            found = found[int(name)]
        else:
            return MISSING
    return found


def path_of(name: str) -> Path:
    """The path that `a.b` or `a[0].b` names."""
    return tuple(part for part in name.replace("[", ".").replace("]", "").split(".") if part)


def text_of(value: Any) -> str:
    """A value as JavaScript would write it: what patterns and the full-text search look at."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        plain = format(value, "f")
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    if isinstance(value, list):
        return ",".join("" if item is None else text_of(item) for item in value)
    return "[object Object]" if isinstance(value, dict) else str(value)


def kind_of(field: Field) -> Kind | None:
    """The type of a field of a known collection; None for one that may hold any JSON."""
    if field.kind is Json:
        return None
    if field.is_enumeration:
        allowed = [in_files(member) for member in field.kind]
        return Kind("enumeration", str, lambda text: _one_of(text, allowed))
    known: Kind = _KINDS.get(field.kind, TEXT)
    return known


def kind_among(values: Iterable[Any]) -> Kind:
    """The type that values which are not null agree on; text where they do not, or where there are none."""
    found: Kind | None = None
    for value in values:
        kind = _BOOLEAN if isinstance(value, bool) else NUMBER if isinstance(value, int | Decimal) else TEXT
        if found is not None and found is not kind:
            return TEXT
        found = kind
        if kind is TEXT:
            return TEXT
    return found or TEXT


def _one_of(text: str, allowed: list[str]) -> str:
    if text not in allowed:
        raise ValueError(f"{text[:40]!r} is none of {', '.join(allowed)}")
    return text


def _number(text: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or abs(found.adjusted()) > MOST_PLACES:
        raise ValueError(f"{text[:40]!r} is no number")
    return found


def _boolean(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(f"{text[:40]!r} is neither true nor false")
    return text == "true"


def _instant(text: str) -> Instant:
    """An instant; a bare date stands for its first moment, UTC, as it would when texts are compared."""
    return parse_instant(f"{text}T00:00:00Z" if len(text) == _DATE_LENGTH else text)


_DATE_LENGTH = len("2026-01-15")
TEXT = Kind("text", text_of, str)
NUMBER = Kind("number", lambda value: value, _number)
_BOOLEAN = Kind("boolean", lambda value: value, _boolean)
_KINDS: dict[Any, Kind] = {
    Fils: Kind("money", lambda value: int(value.replace(".", "")), fils_of_number),
    Instant: Kind("time", parse_instant, _instant),
    bool: _BOOLEAN,
    int: NUMBER,
}
