"""Strict bodies: what converts, what does not, and that all faults are named at once."""

import json
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from checks import FATIMA_CURRENT, FATIMA_SAVINGS, JSON, assert_problem, faults, unchanged
from support import User, transfer_body

from sandbox.core.errors import ValidationFailedError
from sandbox.core.jsontext import decode_json
from sandbox.http.bodies import strict


class Colour(StrEnum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


class Inner(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Exactly one of two."""

    left: str | None = None
    right: str | None = None

    def __post_init__(self) -> None:
        """Refuse both and none."""
        if (self.left is None) == (self.right is None):
            raise ValueError("name exactly one of left and right")


class Sample(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One field of every kind."""

    text: Annotated[str, msgspec.Meta(min_length=2, max_length=4)]
    count: Annotated[int, msgspec.Meta(ge=0, le=10)] = 0
    flag: bool = False
    colour: Colour = Colour.RED
    currency: Literal["KWD"] = "KWD"
    word: Annotated[str, msgspec.Meta(pattern="^[a-z]+$")] = "a"
    maybe: Annotated[str, msgspec.Meta(max_length=2)] | None = None
    tags: list[str] = []
    numbers: tuple[int, ...] = ()
    inner: Inner | None = None


def found(body: dict[str, Any] | list[Any] | str | int | None) -> dict[str, str]:
    raw = json.dumps(body).encode()
    with pytest.raises(ValidationFailedError) as caught:
        strict(Sample, decode_json(raw))
    assert len({fault.pointer for fault in caught.value.faults}) == len(caught.value.faults)
    return {fault.pointer: fault.code for fault in caught.value.faults}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"count": 10, "flag": True, "colour": "blue", "currency": "KWD", "word": "abc"},
        {"maybe": None, "tags": ["a", ""], "numbers": [1, 2], "inner": {"left": "l"}},
        {"inner": {"left": None, "right": "r"}},
        {"inner": None},
    ],
)
def test_what_is_right_converts(more: dict[str, Any]) -> None:
    made = strict(Sample, {"text": "abc"} | more)
    said = json.loads(msgspec.json.encode(made))
    inner = said.pop("inner")
    assert said == said | {name: value for name, value in more.items() if name != "inner"}
    assert (inner is None) is (more.get("inner") is None)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("text", 1, "wrong_type"),
        ("text", None, "wrong_type"),
        ("text", True, "wrong_type"),
        ("text", [], "wrong_type"),
        ("text", {}, "wrong_type"),
        ("text", "a", "too_short"),
        ("text", "abcde", "too_long"),
        ("count", "1", "wrong_type"),
        ("count", True, "wrong_type"),
        ("count", None, "wrong_type"),
        ("count", 1.5, "wrong_type"),
        ("count", [1], "wrong_type"),
        ("count", -1, "too_small"),
        ("count", 11, "too_large"),
        ("count", 2**70, "too_large"),
        ("count", -(2**70), "too_small"),
        ("flag", 1, "wrong_type"),
        ("flag", 0, "wrong_type"),
        ("flag", "true", "wrong_type"),
        ("flag", None, "wrong_type"),
        ("colour", "green", "not_allowed"),
        ("colour", "RED", "not_allowed"),
        ("colour", 1, "not_allowed"),
        ("colour", None, "not_allowed"),
        ("colour", [], "not_allowed"),
        ("currency", "USD", "not_allowed"),
        ("currency", "kwd", "not_allowed"),
        ("word", "A", "wrong_format"),
        ("maybe", "abc", "too_long"),
        ("maybe", 1, "wrong_type"),
        ("tags", "a", "wrong_type"),
        ("tags", {"0": "a"}, "wrong_type"),
        ("numbers", 1, "wrong_type"),
        ("inner", "x", "wrong_type"),
        ("inner", {}, "invalid"),
        ("inner", {"left": "l", "right": "r"}, "invalid"),
    ],
)
def test_each_kind_of_fault_has_its_code_and_its_place(field: str, value: Any, code: str) -> None:
    assert found({"text": "abc"} | {field: value}) == {f"/{field}": code}


class Choice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Choices of different kinds."""

    one: str | Inner = ""
    many: list[Annotated[str, msgspec.Meta(max_length=3)] | Inner] = []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"one": {"middle": "m"}}, {"/one/middle": "unknown_field", "/one": "invalid"}),
        ({"many": ["abcd", {"left": 1}]}, {"/many/0": "too_long", "/many/1/left": "wrong_type"}),
        ({"one": 3, "many": [None]}, {"/one": "wrong_type", "/many/0": "wrong_type"}),
    ],
)
def test_of_several_kinds_the_one_that_was_meant_is_judged(value: Any, expected: dict[str, str]) -> None:
    with pytest.raises(ValidationFailedError) as caught:
        strict(Choice, value)
    assert {fault.pointer: fault.code for fault in caught.value.faults} == expected
    for fault in caught.value.faults:
        if fault.code == "wrong_type" and not fault.pointer.endswith("left"):
            assert {"a string", "an object"} == set(fault.detail[len("must be ") :].partition(",")[0].split(" or "))


def test_all_faults_are_named_at_once() -> None:
    body = {
        "count": "1",
        "flag": 1,
        "colour": "green",
        "tags": ["a", 2, "c", None],
        "numbers": [1, "2"],
        "inner": {"left": 1, "middle": 2},
        "more": 1,
    }
    assert found(body) == {
        "/text": "required",
        "/count": "wrong_type",
        "/flag": "wrong_type",
        "/colour": "not_allowed",
        "/tags/1": "wrong_type",
        "/tags/3": "wrong_type",
        "/numbers/1": "wrong_type",
        "/inner/left": "wrong_type",
        "/inner/middle": "unknown_field",
        "/more": "unknown_field",
    }


@pytest.mark.parametrize("body", [[], "text", 1, None, True])
def test_a_body_that_is_no_object_says_so_of_the_whole(body: Any) -> None:
    assert found(body) == {"": "wrong_type"}


def test_the_names_of_fields_are_escaped_as_json_pointers() -> None:
    assert found({"text": "abc", "a/b~c": 1, "": 2}) == {"/a~1b~0c": "unknown_field", "/": "unknown_field"}


@pytest.mark.parametrize("number", ["1", "1.0", "1.000", "1e0", "10E-1", "-0", "-0.0", "0.1e1"])
def test_a_whole_number_may_be_written_with_a_point(number: str) -> None:
    made = strict(Sample, decode_json(f'{{"text":"abc","count":{number}}}'.encode()))
    assert made.count == abs(int(Decimal(number)))


@pytest.mark.parametrize("number", ["1.5", "1e-1", "0.0000001", "1e400", "1e30", "1e-400", "1" * 40])
def test_a_fraction_or_a_huge_number_is_a_fault(number: str) -> None:
    with pytest.raises(ValidationFailedError):
        strict(Sample, decode_json(f'{{"text":"abc","count":{number}}}'.encode()))


def order(fatima: User, raw: bytes) -> Any:
    return fatima.request("POST", "/v1/transfers", content=raw, headers=JSON | {"idempotency-key": "k"})


MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "a blank": b" ",
    "half an object": b'{"a":',
    "a trailing comma": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "a comment": b'{"a":1}//',
    "two values": b"{}{}",
    "a bare word": b"undefined",
    "a leading zero": b'{"a":01}',
    "a plus sign": b'{"a":+1}',
    "hexadecimal": b'{"a":0x1}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":Infinity}',
    "minus Infinity": b'{"a":-Infinity}',
    "a duplicate key": b'{"a":1,"a":2}',
    "a duplicate key inside": b'{"a":{"b":1,"b":1}}',
    "a duplicate key by escape": b'{"a":1,"\\u0061":1}',
    "a lone high surrogate": b'{"a":"\\ud800"}',
    "a lone low surrogate": b'{"a":"\\udc00x"}',
    "a lone surrogate as key": b'{"\\udfff":1}',
    "broken UTF-8": b'{"a":"\xff"}',
    "overlong UTF-8": b'{"a":"\xc0\x80"}',
    "a surrogate in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "half a character": b'{"a":"\xd8',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "a raw NUL": b'{"a":"\x00"}',
    "a raw newline": b'{"a":"\n"}',
    "a NUL behind": b"{}\x00",
    "too many digits": b'{"a":' + b"1" * 10_000 + b"}",
    "an absurd exponent": b'{"a":1e99999999999999999999}',
    "an absurd negative exponent": b'{"a":-1e-99999999999999999999}',
    "65 arrays": b"[" * 65 + b"1" + b"]" * 65,
    "1,000 arrays": b"[" * 1000 + b"]" * 1000,
    "100,000 arrays": b"[" * 100_000 + b"]" * 100_000,
    "600 objects": b'{"a":' * 600 + b"1" + b"}" * 600,
    "900 objects and an escape": b'{"a":' * 900 + b'"\\u0041"' + b"}" * 900,
    "100,000 open objects": b'{"a":' * 100_000,
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_no_strict_json_is_refused_and_changes_nothing(fatima: User, case: str) -> None:
    with unchanged(fatima.client):
        assert_problem(order(fatima, MALFORMED[case]), 400, "malformed_json")


def test_moderate_nesting_is_judged_by_the_shape(fatima: User) -> None:
    assert faults(order(fatima, b"[" * 40 + b"]" * 40)) == {"": "wrong_type"}
    wide = transfer_body(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000") | {"extra": [[]] * 500}
    assert faults(order(fatima, json.dumps(wide).encode())) == {"/extra": "unknown_field"}


def test_a_byte_order_mark_is_forgiven(fatima: User) -> None:
    raw = b"\xef\xbb\xbf" + json.dumps(transfer_body(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000")).encode()
    assert order(fatima, raw).status_code == 201


def test_a_nul_in_a_text_is_a_fault_with_its_place(fatima: User) -> None:
    body = transfer_body(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000") | {"reference": "a\0b"}
    with unchanged(fatima.client):
        assert faults(order(fatima, json.dumps(body).encode())) == {"/reference": "wrong_format"}
    escaped = transfer_body(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000") | {"reference": r"\u0000"}
    assert order(fatima, json.dumps(escaped).encode()).status_code == 201


@pytest.mark.parametrize("text", ["عيدية 💰", "e\u0301", "\u202e", "' OR 1=1 --", "<script>", "\x7f", "\t\n"])
def test_any_other_text_comes_back_as_it_was_sent(fatima: User, text: str) -> None:
    body = transfer_body(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000") | {"reference": text}
    made = order(fatima, json.dumps(body).encode())
    assert made.json()["reference"] == text
    assert fatima.get(f"/v1/transfers/{made.json()['transfer_id']}").json()["reference"] == text
