"""Fields of records in an ecosystem's files: from the values that stand there to their inner form, or what is wrong.

One value or one record at a time; files and what records mean to each other are `reading`'s and `checking`'s business.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sandbox.core.clock import Instant, InstantError, parse_instant
from sandbox.core.money import Fils, fils_of_number
from sandbox.core.vocabulary import in_files
from sandbox.store.records import Collection, Field, Id, Json

Row = dict[str, Any]
"""A record's fields in their inner form, and what it has besides under `extra`."""

_REMEMBERED, _SHORT = 20_000, 64
"""How many texts of a field are kept at hand, and how long each may be, so that records that say the same share one."""

_SECRETS = {"credentials": ("password", "pin")}
"""Plain secrets that a file may carry; hashed at load and never kept."""


class RowReader:
    """Reads the records of one collection: for files and for whoever writes single records."""

    def __init__(self, collection: Collection) -> None:
        fields = collection.fields
        secrets = dict.fromkeys(_SECRETS.get(collection.name, ()))
        self._blank: Row = {field.name: field.default for field in fields} | secrets | {"extra": None}
        self._parsers = {field.name: _shared(field) for field in fields} | dict.fromkeys(secrets, _secret)
        self._required = {field.name for field in fields if field.required}
        self._never_null = {field.name for field in fields if field.required or not field.optional}
        self._order = {name: place for place, name in enumerate(self._blank)}

    def read(self, value: dict[str, Any]) -> tuple[Row, list[tuple[str, str]]]:
        """The row of a record, and what is wrong with it as (field, message), in the order of the fields."""
        row = self._blank.copy()
        extra: dict[str, Any] = {}
        faults: list[tuple[str, str]] = []
        for name, given in value.items():
            parse = self._parsers.get(name)
            if parse is None:
                extra[name] = given
            elif given is not None:
                try:
                    row[name] = parse(given)
                except ValueError as error:
                    faults.append((name, str(error)))
            elif name in self._never_null:
                faults.append((name, "must not be null"))
        if not self._required <= value.keys():
            faults += [(name, "is missing") for name in self._required - value.keys()]
        if len(faults) > 1:
            faults.sort(key=lambda fault: self._order[fault[0]])
        row["extra"] = extra or None
        return row, faults


def parser(field: Field) -> Callable[[Any], Any]:
    """What turns a value of a file into the inner form of a field; it raises a ValueError that says what is wrong."""
    if field.is_enumeration:
        return _enumeration(field.kind)
    parsers: dict[Any, Callable[[Any], Any]] = {
        Id: identifier,
        Fils: fils_of_number,
        Instant: instant,
        date: _date,
        bool: _boolean,
        int: _whole_number,
        Json: lambda value: value,
        str: text,
    }
    return parsers[field.kind]


def _shared(field: Field) -> Callable[[Any], Any]:
    """The parser of a field; where many records say the same, they share what it made of the first."""
    parse = parser(field)
    if field.kind is not str and not field.reference:
        return parse
    known = _Known(parse)

    def parse_once(value: Any) -> Any:
        return known[value] if type(value) is str else parse(value)

    return parse_once


class _Known(dict[str, Any]):
    """What a parser made of the short texts that it has seen, up to `_REMEMBERED` of them."""

    def __init__(self, parse: Callable[[Any], Any]) -> None:
        super().__init__()
        self._parse = parse

    def __missing__(self, text: str) -> Any:
        """Parse a text that is new."""
        made = self._parse(text)
        if len(text) <= _SHORT:
            if len(self) == _REMEMBERED:
                self.clear()
            self[text] = made
        return made


def _secret(value: Any) -> str:
    if not (isinstance(value, str) and value):
        raise ValueError("must be a text that is not empty")
    return value


def _enumeration(kind: type[StrEnum]) -> Callable[[Any], str]:
    allowed = ", ".join(in_files(member) for member in kind)
    members = {in_files(member): member.value for member in kind}

    def parse(value: Any) -> str:
        member = members.get(value) if isinstance(value, str) else None
        if member is None:
            raise ValueError(f"{_shown(value)} is none of {allowed}")
        return member

    return parse


def identifier(value: Any) -> str:
    """An identifier as it is; a ValueError where it is none."""
    if not isinstance(value, str) or not 1 <= len(value) <= 64 or not value.isprintable():
        raise ValueError(f"{_shown(value)} is no identifier: a text of 1 to 64 printable characters")
    return value


def text(value: Any) -> str:
    """A text as it is; a ValueError where it is none that a database can hold."""
    if not isinstance(value, str):
        raise ValueError(f"{_shown(value)} is no text")
    if "\0" in value:
        raise ValueError("a text must not contain NUL")
    return value


def instant(value: Any) -> Instant:
    """The instant of an RFC 3339 timestamp; an InstantError where it is none."""
    if not isinstance(value, str):
        raise InstantError(f"{_shown(value)} is no RFC 3339 timestamp such as 2026-01-15T09:30:00Z")
    return parse_instant(value)


def _date(value: Any) -> str:
    try:
        # `fromisoformat` also reads 19900517 and 1990-W20-4.
        if date.fromisoformat(value).isoformat() == value:
            return str(value)
    except (TypeError, ValueError):
        pass
    raise ValueError(f"{_shown(value)} is no date such as 1990-05-17")


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{_shown(value)} is neither true nor false")
    return value


def _whole_number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**53:
        raise ValueError(f"{_shown(value)} is no whole number")
    return value


def _shown(value: Any) -> str:
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
