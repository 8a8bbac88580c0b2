"""The values of a scenario: what a place takes, whether a value fits there, and templates such as `{user}`.

A value is held as ecosystem files hold it: money as "12.750", enumerations in UPPER_SNAKE, times as RFC 3339. A text
that is exactly one template stands for the typed value, any other is put together as text; `{{` and `}}` are braces.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from sandbox.bank.acts import AccountId, Username
from sandbox.core.clock import Instant, InstantError, parse_instant
from sandbox.core.duration import Duration, DurationError, parse_duration
from sandbox.core.money import Fils, MoneyError, fils_of_number, format_fils
from sandbox.core.vocabulary import in_files
from sandbox.store.records import Field, Id, Json

PARAMETER_KINDS = ("user", "account", "money", "integer", "text", "duration", "choice", "boolean")
"""The types that a parameter can have."""

MAX_TEXT = 1_000

_TEMPLATE = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]*)(?:\.([a-z][a-z0-9_]*))?\}|[{}]", re.ASCII)
_FROM_TEXT = frozenset({"text", "user", "account", "choice", "duration", "instant", "date", "json", "money"})
"""What a text that is only known later may turn out to be."""


class MisfitError(ValueError):
    """A value that does not fit its place; the message says what would."""


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """What a place takes.

    `kind` is one of `PARAMETER_KINDS`, or `instant`, `date`, `json`. `least` and `most` bound integers, money (in fils)
    and the length of texts. `members` is the enumeration behind a choice, which then ignores case.
    """

    kind: str
    nullable: bool = False
    choices: tuple[str, ...] = ()
    members: type[StrEnum] | None = None
    least: int | None = None
    most: int | None = None


_KINDS: dict[Any, str] = {
    Username: "user",
    AccountId: "account",
    Fils: "money",
    Instant: "instant",
    Json: "json",
    Id: "text",
    Duration: "duration",
    date: "date",
    bool: "boolean",
    int: "integer",
    str: "text",
}


def slot_of_field(field: Field) -> Slot:
    """What a field of a collection takes."""
    return msgspec.structs.replace(_slot(field.kind), nullable=field.optional)


def slot_of_argument(hint: Any) -> Slot:
    """What an argument of an act takes, by its annotation."""
    least = most = None
    if get_origin(hint) is Annotated:
        hint, meta = get_args(hint)[:2]
        least, most = meta.ge, meta.le
    choices = [part for part in get_args(hint) if part is not NoneType]
    nullable = get_origin(hint) in {Union, UnionType}
    slot = _slot(choices[0] if nullable else hint)
    return msgspec.structs.replace(slot, nullable=nullable, least=least, most=most)


def _slot(kind: Any) -> Slot:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return Slot(kind="choice", choices=tuple(in_files(member) for member in kind), members=kind)
    return Slot(kind=_KINDS[kind])


def settled(slot: Slot, value: Any) -> Any:
    """`value` in the form of ecosystem files.

    Raises:
        MisfitError: it does not fit.
    """
    if value is None:
        if slot.nullable or slot.kind == "json":
            return None
        raise MisfitError("must not be null")
    return _SETTLE[slot.kind](slot, value)


def worded(slot: Slot, value: Any) -> Any:
    """`value`, written as text where its place takes text: a number or a truth that came out of a template."""
    return _written(value) if slot.kind == "text" and isinstance(value, int) else value


def as_argument(slot: Slot, value: Any) -> Any:
    """A settled value as an act takes it: money in fils, enumerations as members, times and durations parsed."""
    if value is None:
        return None
    if slot.kind == "money":
        return fils_of_number(value)
    if slot.kind == "duration":
        return parse_duration(value)
    if slot.kind == "date":
        return date.fromisoformat(value)
    if slot.kind == "instant":
        return parse_instant(value)
    return slot.members(value.lower()) if slot.members is not None else value


def takes(slot: Slot, given: Slot) -> bool:
    """Whether a place can take what is only known to be a `given`."""
    if given.kind == slot.kind:
        return slot.kind != "choice" or slot.members is not None or set(given.choices) <= set(slot.choices)
    if slot.kind in {"json", "text"} or (slot.kind, given.kind) == ("money", "integer"):
        return True
    return given.kind in {"text", "choice"} and slot.kind in _FROM_TEXT


def templates(text: str) -> Iterator[tuple[str, str | None]]:
    """The names and fields that the templates of a text ask for.

    Raises:
        MisfitError: a brace that belongs to no template.
    """
    for match in _TEMPLATE.finditer(text):
        if match[1] is not None:
            yield match[1], match[2]
        elif len(match[0]) == 1:
            raise MisfitError(f"has a lone {match[0]}; write {match[0] * 2} for a brace, {{name}} for a value")


def whole_template(text: str) -> tuple[str, str | None] | None:
    """The name and field of a text that is exactly one template."""
    match = _TEMPLATE.fullmatch(text)
    return (match[1], match[2]) if match is not None and match[1] is not None else None


def filled(value: Any, look: Callable[[str, str | None], Any]) -> Any:
    """`value` with its templates filled in, deeply."""
    if isinstance(value, dict):
        return {name: filled(item, look) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item, look) for item in value]
    if not isinstance(value, str):
        return value
    whole = whole_template(value)
    if whole is not None:
        return look(*whole)
    return _TEMPLATE.sub(lambda match: _written(look(match[1], match[2])) if match[1] else match[0][0], value)


def has_templates(value: Any) -> bool:
    """Whether any text within holds a template or an escaped brace."""
    if isinstance(value, dict):
        return any(has_templates(item) for item in value.values())
    if isinstance(value, list):
        return any(has_templates(item) for item in value)
    return isinstance(value, str) and _TEMPLATE.search(value) is not None


def _written(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _money(slot: Slot, value: Any) -> str:
    try:
        fils = fils_of_number(value)
    except MoneyError as error:
        raise MisfitError(str(error)) from None
    if slot.least is not None and fils < slot.least:
        raise MisfitError(f"must be {format_fils(slot.least)} or more")
    if slot.most is not None and fils > slot.most:
        raise MisfitError(f"must be {format_fils(slot.most)} or less")
    return format_fils(fils)


def _integer(slot: Slot, value: Any) -> int:
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise MisfitError("must be a whole number")
    if slot.least is not None and value < slot.least:
        raise MisfitError(f"must be {slot.least} or more")
    if slot.most is not None and value > slot.most:
        raise MisfitError(f"must be {slot.most} or less")
    return value


def _text(slot: Slot, value: Any) -> str:
    if not isinstance(value, str):
        raise MisfitError("must be text; put it in quotes")
    if slot.least is not None and len(value) < slot.least:
        raise MisfitError(f"needs {slot.least} characters or more")
    if len(value) > (slot.most or MAX_TEXT):
        raise MisfitError(f"must have at most {slot.most or MAX_TEXT} characters")
    if "\0" in value:
        raise MisfitError("must not hold the character NUL")
    return value


def _choice(slot: Slot, value: Any) -> str:
    text = value if isinstance(value, str) else ""
    if slot.members is not None:
        text = next((choice for choice in slot.choices if choice.lower() == text.lower()), text)
    if text not in slot.choices:
        raise MisfitError(f"must be one of {', '.join(slot.choices)}")
    return text


def _boolean(_: Slot, value: Any) -> bool:
    if not isinstance(value, bool):
        raise MisfitError("must be true or false")
    return value


def _duration(slot: Slot, value: Any) -> str:
    text = _text(slot, value)
    try:
        parse_duration(text)
    except DurationError as error:
        raise MisfitError(str(error)) from None
    return text


def _instant(slot: Slot, value: Any) -> str:
    text = _text(slot, value)
    try:
        parse_instant(text)
    except InstantError as error:
        raise MisfitError(str(error)) from None
    return text


def _date(slot: Slot, value: Any) -> str:
    text = _text(slot, value)
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise MisfitError(f"{text[:40]!r} is no date such as 2026-01-15") from None


def _json(_: Slot, value: Any) -> Any:
    return value


_SETTLE: dict[str, Callable[[Slot, Any], Any]] = {
    "user": _text,
    "account": _text,
    "money": _money,
    "integer": _integer,
    "text": _text,
    "duration": _duration,
    "choice": _choice,
    "boolean": _boolean,
    "instant": _instant,
    "date": _date,
    "json": _json,
}
