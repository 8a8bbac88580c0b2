"""Strict JSON (RFC 8259) with messages for people: no duplicate keys, no NaN, no broken UTF-8, exact decimals.

Used for request bodies and ecosystem files alike. Numbers with a fraction or exponent arrive as `Decimal`.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

MOST_PLACES = 400
"""How far the first digit of a number may stand from its point: a few bytes must not stand for megabytes of zeros."""


class JsonError(ValueError):
    """A text that is not strict JSON; the message says what is wrong and where."""


class NotAnArrayError(ValueError):
    """Strict JSON, but no array where one is wanted."""


class _InnerError(Exception):
    """Carries a message out of the decoder's hooks."""


def decode_json(raw: bytes) -> Any:
    """The value of a JSON text.

    Raises:
        JsonError: invalid UTF-8, broken syntax, a duplicate key, NaN or Infinity, a lone surrogate, an absurd
            number, or nesting too deep to read.
    """
    text = _text(raw)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise JsonError(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except _InnerError as fault:
        raise JsonError(str(fault)) from None
    except RecursionError:
        raise JsonError("the value is nested too deeply") from None
    except (ValueError, InvalidOperation):  # the second: an exponent beyond what Decimal can hold
        raise JsonError("a number has too many digits") from None
    if "\\u" in text:
        _refuse_lone_surrogates(value)
    return value


def decode_items(raw: bytes) -> Iterator[Any]:
    """The items of a JSON text that is an array, one at a time: a long one is never whole in memory.

    Raises:
        JsonError: as `decode_json`, in the same words; the items before the fault have come already.
        NotAnArrayError: strict JSON of another kind.
    """
    text = _text(raw)
    escapes = "\\u" in text
    try:
        for item in _items(text):
            if escapes:
                _refuse_lone_surrogates(item)
            yield item
    except (ValueError, InvalidOperation, RecursionError, _InnerError):
        whole = decode_json(raw)  # says what is wrong, and where
        assert not isinstance(whole, list), "an array reads the same by items and whole"
        raise NotAnArrayError from None


def _items(text: str) -> Iterator[Any]:
    """What stands between the brackets of an array; where the text is none, an error that says no more."""
    at = _mark(text, 0, "[")
    if text[at : at + 1] != "]":
        while True:
            item, at = _DECODER.raw_decode(text, at)
            yield item
            comma = _MARKS[","].match(text, at)
            if comma is None:
                break
            at = comma.end()
    if _mark(text, at, "]") != len(text):
        raise ValueError("something follows the array")


def _mark(text: str, at: int, mark: str) -> int:
    """The place of what follows `mark`, which must stand at `at` or after white space."""
    found = _MARKS[mark].match(text, at)
    if found is None:
        raise ValueError(f"{mark} is missing")
    return found.end()


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig" if raw.startswith(b"\xef\xbb\xbf") else "utf-8")
    except UnicodeDecodeError as error:
        place = len(raw) - len(error.object) + error.start  # a byte order mark is not counted in `start`
        raise JsonError(f"the text is not valid UTF-8: byte {place} (0x{raw[place]:02x})") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _InnerError(f"the key {key[:60]!r} stands twice in one object")
            seen.add(key)
    return found


def _decimal(text: str) -> Decimal:
    found = Decimal(text)
    if abs(found.adjusted()) > MOST_PLACES:
        raise _InnerError(f"the number {text[:20]} has an exponent beyond {MOST_PLACES}")
    return found


def _no_constant(name: str) -> Any:
    raise _InnerError(f"{name} is no JSON number")


def _refuse_lone_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        raise JsonError("a \\u escape is half of a surrogate pair") from None
    except RecursionError:  # writing needs a little more of the stack than reading did
        raise JsonError("the value is nested too deeply") from None


_MARKS = {mark: re.compile(rf"[ \t\n\r]*\{mark}[ \t\n\r]*") for mark in "[,]"}
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_decimal, parse_constant=_no_constant)
