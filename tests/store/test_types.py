"""Column types: public identifiers in 16 bytes, enumerations as ordinals, JSON that keeps every digit."""

import json
import uuid
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.store.engine import ENGINE
from sandbox.store.types import Coded, JsonText, PublicId, pack_id, unpack_id

PRINTABLE = st.text(min_size=1, max_size=64).filter(str.isprintable)
UUIDS = st.uuids().map(str)
NEAR_16_BYTES = st.text(alphabet="abف", min_size=7, max_size=18)
IDENTIFIERS = PRINTABLE | UUIDS | NEAR_16_BYTES
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text() | DECIMALS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Colour(StrEnum):
    """Something to code."""

    RED = "red"
    GREEN = "green"


def through(kind: Any, value: Any) -> Any:
    """Into the database's form and out again."""
    return outward(kind, inward(kind, value))


def inward(kind: Any, value: Any) -> Any:
    """The database's form."""
    process = kind.dialect_impl(ENGINE.dialect).bind_processor(ENGINE.dialect)
    return process(value)


def outward(kind: Any, value: Any) -> Any:
    """Python's form."""
    process = kind.dialect_impl(ENGINE.dialect).result_processor(ENGINE.dialect, None)
    return process(value)


@given(IDENTIFIERS)
def test_every_identifier_comes_back_as_it_was(text: str) -> None:
    assert unpack_id(pack_id(text)) == text
    assert through(PublicId(), text) == text


@given(IDENTIFIERS, IDENTIFIERS)
def test_two_identifiers_never_look_alike(one: str, other: str) -> None:
    assert (pack_id(one) == pack_id(other)) == (one == other)


@given(st.uuids())
def test_a_canonical_uuid_takes_its_16_bytes(identifier: uuid.UUID) -> None:
    assert pack_id(str(identifier)) == identifier.bytes


@given(st.uuids())
def test_a_text_with_the_bytes_of_a_uuid_is_another_identifier(identifier: uuid.UUID) -> None:
    try:
        text = identifier.bytes.decode()
    except UnicodeDecodeError:
        return
    assert pack_id(text) != pack_id(str(identifier))


@pytest.mark.parametrize("length", range(14, 19))
def test_a_text_around_16_bytes_is_no_uuid(length: int) -> None:
    text = "a" * length
    assert len(pack_id(text)) == (17 if length == 16 else length)
    assert unpack_id(pack_id(text)) == text


def test_arabic_letters_count_as_two_bytes() -> None:
    assert len(pack_id("ف" * 8)) == 17
    assert unpack_id(pack_id("ف" * 8)) == "ف" * 8


@pytest.mark.parametrize(
    "text",
    [
        "0D3A6ADF-8C0F-4E5F-887B-4A7B089DD2FA",
        "0d3a6adf8c0f4e5f887b4a7b089dd2fa",
        "{0d3a6adf-8c0f-4e5f-887b-4a7b089dd2fa}",
        "0d3a6adf-8c0f-4e5f-887b-4a7b089dd2fa ",
    ],
)
def test_another_spelling_of_a_uuid_is_kept_as_text(text: str) -> None:
    assert pack_id(text) == text.encode()


@pytest.mark.parametrize("kind", [PublicId(), Coded(Colour), JsonText()], ids=["PublicId", "Coded", "JsonText"])
def test_none_is_null(kind: Any) -> None:
    assert inward(kind, None) is None
    assert outward(kind, None) is None


def test_a_member_is_stored_by_its_ordinal() -> None:
    assert [inward(Coded(Colour), colour) for colour in Colour] == [0, 1]


@pytest.mark.parametrize("colour", Colour)
def test_a_member_comes_back_as_a_member(colour: Colour) -> None:
    assert through(Coded(Colour), colour) is colour
    assert through(Coded(Colour), colour.value) is colour


def test_what_is_no_member_is_not_stored() -> None:
    with pytest.raises(KeyError):
        inward(Coded(Colour), "blue")


@given(JSON)
def test_every_json_value_comes_back_as_it_was(value: Any) -> None:
    assert through(JsonText(), value) == value


@pytest.mark.parametrize("text", ["1.10", "0.1", "12.750", "1E+2", "1E-7", "123456789012345678901234567890.123"])
def test_a_decimal_keeps_every_digit(text: str) -> None:
    found = through(JsonText(), {"amount": Decimal(text)})["amount"]
    assert isinstance(found, Decimal)
    assert str(found) == text


@given(st.dictionaries(st.text(), st.integers(), max_size=5))
def test_the_order_of_keys_does_not_change_the_text(value: dict[str, int]) -> None:
    assert inward(JsonText(), value) == inward(JsonText(), dict(reversed(value.items())))


@given(JSON.filter(lambda value: value is not None))
def test_the_stored_text_is_json_of_the_same_value(value: Any) -> None:
    assert json.loads(inward(JsonText(), value), parse_float=Decimal) == value
