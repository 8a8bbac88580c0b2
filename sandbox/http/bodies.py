"""Strict request bodies: JSON with no second meaning, converted without coercion, all faults named at once.

Litestar converts leniently (`"1"` as 1, `1` as true) and msgspec stops at the first fault; both hide a client's
bugs. The fast path is msgspec's strict conversion; only a body it refuses is walked for its faults.
"""

import asyncio
import re
from collections.abc import Hashable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
from litestar import Request
from litestar.datastructures import State
from msgspec import inspect

from sandbox.core.errors import (
    BodyTooLargeError,
    Fault,
    MalformedJsonError,
    UnsupportedMediaTypeError,
    ValidationFailedError,
)
from sandbox.core.jsontext import JsonError, decode_json
from sandbox.http.call import AnyRequest
from sandbox.http.operations import OPTIONAL_BODY

T = TypeVar("T")

_MAX_DEPTH = 64
"""Deeper than any body of ours, and shallow enough to be walked by recursion."""


class BankRequest(Request[Any, Any, State]):
    """A request whose JSON is read strictly."""

    async def body(self) -> bytes:
        """The bytes of the body.

        Raises:
            MalformedJsonError: there is none, and the operation needs one.
            UnsupportedMediaTypeError: it is not `application/json`.
        """
        raw = await super().body()
        if raw:
            media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
            if media_type != "application/json":
                given = f"not {media_type[:60]!r}" if media_type else "and the Content-Type says so"
                raise UnsupportedMediaTypeError(f"The body must be application/json, {given}.")
        elif not self.route_handler.opt.get(OPTIONAL_BODY):
            raise MalformedJsonError("A JSON body is needed, and there is none.")
        return raw

    async def json(self) -> Any:
        """The value of the body.

        Raises:
            MalformedJsonError: it is no strict JSON.
        """
        raw = await self.body()
        try:
            value = decode_json(raw)
        except JsonError as error:
            raise MalformedJsonError(f"The body is not valid JSON: {error}.") from None
        if raw.count(b"{") + raw.count(b"[") > _MAX_DEPTH:
            _require_shallow(value)
        if b"\\u0000" in raw and (faults := list(_nul_faults(value, ""))):
            raise ValidationFailedError(faults)
        return value


async def raw_body(request: AnyRequest, *, media_types: tuple[str, ...], most_bytes: int, setting: str) -> bytes:
    """The bytes of a body that is no JSON. The handler must lift `request_max_body_size`: its limit is `most_bytes`.

    Args:
        request: whose body is not read yet.
        media_types: what it may be, the usual one first.
        most_bytes: the limit.
        setting: the flag that sets the limit, for the message.

    Raises:
        UnsupportedMediaTypeError: it says it is something else.
        BodyTooLargeError: it is larger than `most_bytes`; no more than that is read.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in media_types:
        given = f"not {media_type[:60]!r}" if media_type else "and the Content-Type says so"
        raise UnsupportedMediaTypeError(f"The body must be {media_types[0]}, {given}.")
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most_bytes:
            raise BodyTooLargeError(f"The body is larger than {most_bytes} bytes; {setting} says how large it may be.")
        chunks.append(chunk)
    return await asyncio.to_thread(b"".join, chunks)


def strict(kind: type[T], value: Any) -> T:
    """`value` as a `kind`.

    Raises:
        ValidationFailedError: with every fault.
    """
    try:
        return msgspec.convert(value, kind, strict=True)
    except (msgspec.ValidationError, ValueError):
        pass
    whole = _integral(value)
    faults = list(_walk(whole, _type_info(cast("Hashable", kind)), ""))
    if faults:
        raise ValidationFailedError(faults)
    try:
        return msgspec.convert(whole, kind, strict=True)
    except (msgspec.ValidationError, ValueError) as error:
        raise ValidationFailedError([Fault("", "invalid", str(error))]) from None


@cache
def _type_info(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


def _require_shallow(value: Any) -> None:
    level = [value]
    for _ in range(_MAX_DEPTH):
        nested = (item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list))
        level = [item for items in nested for item in items]
        if not level:
            return
    raise MalformedJsonError(f"The body is nested more than {_MAX_DEPTH} levels deep.")


def _nul_faults(value: Any, pointer: str) -> Iterator[Fault]:
    """Where a text holds the character NUL, which databases and C libraries take for its end."""
    if isinstance(value, str):
        if "\0" in value:
            yield Fault(pointer, "wrong_format", "must not hold the character NUL")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _nul_faults(name, pointer)
            yield from _nul_faults(item, _below(pointer, name))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _nul_faults(item, _below(pointer, str(position)))


def _integral(value: Any) -> Any:
    """JSON knows no difference between 1 and 1.0; numbers without a fraction become integers."""
    if isinstance(value, Decimal):
        whole = value.is_finite() and value.adjusted() < 30 and value == value.to_integral_value()
        return int(value) if whole else value
    if isinstance(value, dict):
        return {key: _integral(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_integral(item) for item in value]
    return value


def _walk(value: Any, kind: inspect.Type, pointer: str) -> Iterator[Fault]:
    if isinstance(kind, inspect.Metadata):
        yield from _described(_walk(value, kind.type, pointer), kind, pointer)
    elif isinstance(kind, inspect.StructType):
        yield from _walk_struct(value, kind, pointer)
    elif isinstance(kind, inspect.UnionType):
        yield from _walk_union(value, kind, pointer)
    elif isinstance(kind, inspect.ListType | inspect.VarTupleType):
        yield from _walk_list(value, kind, pointer)
    elif (fault := _scalar_fault(value, kind)) is not None:
        yield Fault(pointer, *fault)


def _described(faults: Iterator[Fault], kind: inspect.Metadata, pointer: str) -> Iterator[Fault]:
    """A pattern says little to people; where what it describes has words, these are shown."""
    words = (kind.extra_json_schema or {}).get("description")
    for fault in faults:
        if words and fault.pointer == pointer and fault.code == "wrong_format":
            yield Fault(pointer, fault.code, f"must be {words}")
        else:
            yield fault


def _walk_struct(value: Any, kind: inspect.StructType, pointer: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield Fault(pointer, "wrong_type", f"must be an object, not {_name(value)}")
        return
    known = {field.encode_name: field for field in kind.fields}
    found = []
    for name in value:
        if name not in known:
            fields = ", ".join(known)
            found.append(Fault(_below(pointer, name), "unknown_field", f"is not known here; known are {fields}"))
    for name, field in known.items():
        if name in value:
            found.extend(_walk(value[name], field.type, _below(pointer, name)))
        elif field.required:
            found.append(Fault(_below(pointer, name), "required", "is missing"))
    yield from found
    yield from _own_rules({name: value[name] for name in known if name in value}, kind, pointer)


def _own_rules(value: dict[str, Any], kind: inspect.StructType, pointer: str) -> Iterator[Fault]:
    """What the struct's own `__post_init__` refuses: it raises a ValueError that may name a field and a code."""
    if not hasattr(kind.cls, "__post_init__"):
        return
    try:
        kind.cls(**value)
    except TypeError:
        return  # a field is missing or of a wrong type, which has been said already
    except ValueError as error:
        field = getattr(error, "field", None)
        yield Fault(_below(pointer, field) if field else pointer, getattr(error, "code", "invalid"), str(error))


def _walk_union(value: Any, kind: inspect.UnionType, pointer: str) -> Iterator[Fault]:
    choices = [choice for choice in kind.types if not isinstance(choice, inspect.NoneType)]
    if value is None and kind.includes_none:
        return
    alike = [choice for choice in choices if _is_alike(value, choice)]
    if not alike and len(choices) > 1:
        wanted = " or ".join(_KIND_NAMES.get(type(_bare(choice)), "another value") for choice in choices)
        yield Fault(pointer, "wrong_type", f"must be {wanted}, not {_name(value)}")
        return
    attempts = [list(_walk(value, choice, pointer)) for choice in alike or choices]
    yield from min(attempts, key=len)


_KIND_NAMES: dict[type[inspect.Type], str] = {
    inspect.StructType: "an object",
    inspect.DictType: "an object",
    inspect.ListType: "an array",
    inspect.VarTupleType: "an array",
    inspect.StrType: "a string",
    inspect.EnumType: "a string",
    inspect.LiteralType: "a string",
    inspect.IntType: "a number",
    inspect.FloatType: "a number",
    inspect.BoolType: "a boolean",
}


def _bare(kind: inspect.Type) -> inspect.Type:
    return _bare(kind.type) if isinstance(kind, inspect.Metadata) else kind


def _is_alike(value: Any, kind: inspect.Type) -> bool:
    """Whether a value is of the JSON type of a choice: then the faults of that choice are the ones to tell."""
    return _KIND_NAMES.get(type(_bare(kind)), _name(value)) == _name(value)


def _walk_list(value: Any, kind: inspect.ListType | inspect.VarTupleType, pointer: str) -> Iterator[Fault]:
    if not isinstance(value, list):
        yield Fault(pointer, "wrong_type", f"must be an array, not {_name(value)}")
        return
    if isinstance(kind.max_length, int) and len(value) > kind.max_length:
        yield Fault(pointer, "too_long", f"must have at most {kind.max_length} items; it has {len(value)}")
    for position, item in enumerate(value):
        yield from _walk(item, kind.item_type, _below(pointer, str(position)))


def _scalar_fault(value: Any, kind: inspect.Type) -> tuple[str, str] | None:
    if isinstance(kind, inspect.StrType):
        return _text_fault(value, kind)
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        return _number_fault(value, kind)
    if isinstance(kind, inspect.BoolType):
        return None if isinstance(value, bool) else ("wrong_type", f"must be true or false, not {_name(value)}")
    if isinstance(kind, inspect.EnumType | inspect.LiteralType):
        allowed = [m.value for m in kind.cls] if isinstance(kind, inspect.EnumType) else list(kind.values)
        if isinstance(value, bool) or value not in allowed:
            return "not_allowed", f"must be one of {', '.join(map(str, allowed))}"
    return None


def _text_fault(value: Any, kind: inspect.StrType) -> tuple[str, str] | None:
    if not isinstance(value, str):
        return "wrong_type", f"must be a string, not {_name(value)}"
    if kind.min_length is not None and len(value) < kind.min_length:
        return "too_short", "must not be empty" if kind.min_length == 1 else f"needs {kind.min_length} characters"
    if kind.max_length is not None and len(value) > kind.max_length:
        return "too_long", f"must have at most {kind.max_length} characters; it has {len(value)}"
    if kind.pattern is not None and not re.search(kind.pattern, value):
        return "wrong_format", f"must match {kind.pattern}"
    return None


def _number_fault(value: Any, kind: inspect.IntType | inspect.FloatType) -> tuple[str, str] | None:
    whole = isinstance(kind, inspect.IntType)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float | Decimal):
        return "wrong_type", f"must be a {'whole ' if whole else ''}number, not {_name(value)}"
    if kind.ge is not None and value < kind.ge:
        return "too_small", f"must be {kind.ge} or more"
    if kind.gt is not None and value <= kind.gt:
        return "too_small", f"must be more than {kind.gt:g}"
    if kind.le is not None and value > kind.le:
        return "too_large", f"must be {kind.le} or less"
    return None


def _below(pointer: str, name: str) -> str:
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"


def _name(value: Any) -> str:
    names = {type(None): "null", bool: "a boolean", int: "a number", Decimal: "a number", str: "a string"}
    return names.get(type(value), "an array" if isinstance(value, list) else "an object")
