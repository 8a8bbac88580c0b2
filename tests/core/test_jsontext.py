"""Strict JSON: what is refused, and in which words."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.core.jsontext import JsonError, NotAnArrayError, decode_items, decode_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"null", None),
        (b" true ", True),
        (b"12", 12),
        (b"-0", 0),
        (b'"\xd9\x81"', "ف"),
        (b'"\\u0641"', "ف"),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"\\u0000"', "\0"),
        (b'{"a": [1, {}]}', {"a": [1, {}]}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": 1, "b": {"a": 1}}', {"a": 1, "b": {"a": 1}}),
    ],
)
def test_good_json_is_read(raw: bytes, value: object) -> None:
    assert decode_json(raw) == value


@pytest.mark.parametrize(
    "text", ["12.750", "0.1", "1.10", "1E+2", "1E+400", "1.5E-400", "-0.0", "123456789012345678901234567890.123"]
)
def test_numbers_with_a_fraction_or_exponent_keep_every_digit(text: str) -> None:
    found = decode_json(text.encode())
    assert isinstance(found, Decimal)
    assert str(found) == text


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "Expecting value at line 1, column 1"),
        (b"{", "Expecting property name enclosed in double quotes at line 1, column 2"),
        (b'{"a": 1', "Expecting ',' delimiter at line 1, column 8"),
        (b'{"a" 1}', "Expecting ':' delimiter at line 1, column 6"),
        (b"[1, 2", "Expecting ',' delimiter at line 1, column 6"),
        (b'[\n  1,\n  "a\n]', "Invalid control character at at line 3, column 5"),
        (b'"abc', "Unterminated string starting at at line 1, column 1"),
        (b"1 2", "Extra data at line 1, column 3"),
        (b"'a'", "Expecting value at line 1, column 1"),
        (b"[01]", "Expecting ',' delimiter at line 1, column 3"),
        (b"[.5]", "Expecting value at line 1, column 2"),
        (b"// x\n1", "Expecting value at line 1, column 1"),
        (b'"\\x"', "Invalid \\escape at line 1, column 2"),
        (b'"\\u12"', "Invalid \\uXXXX escape at line 1, column 3"),
        (b'"a\tb"', "Invalid control character at at line 1, column 3"),
        (b'"\xff"', "the text is not valid UTF-8: byte 1 (0xff)"),
        (b'"\xed\xa0\x80"', "the text is not valid UTF-8: byte 1 (0xed)"),
        (b'\xef\xbb\xbf"\xff"', "the text is not valid UTF-8: byte 4 (0xff)"),
        ("1".encode("utf-16"), "the text is not valid UTF-8: byte 0 (0xff)"),
        (b'{"a": 1, "a": 1}', "the key 'a' stands twice in one object"),
        (b'[{"b": {"a": 1, "\\u0061": 2}}]', "the key 'a' stands twice in one object"),
        (b"NaN", "NaN is no JSON number"),
        (b"[Infinity]", "Infinity is no JSON number"),
        (b'{"a": -Infinity}', "-Infinity is no JSON number"),
        (b'"\\ud800"', "a \\u escape is half of a surrogate pair"),
        (b'{"\\udc00": 1}', "a \\u escape is half of a surrogate pair"),
        (b"[" * 100_000, "the value is nested too deeply"),
        (b"9" * 5_000, "a number has too many digits"),
        (b"1e401", "the number 1e401 has an exponent beyond 400"),
        (b"[-1.5e20000000]", "the number -1.5e20000000 has an exponent beyond 400"),
        (b"0e-20000000", "the number 0e-20000000 has an exponent beyond 400"),
        (b"1e9999999999999999999", "a number has too many digits"),
        (b"-1e-9999999999999999999", "a number has too many digits"),
    ],
)
def test_bad_json_is_refused_in_words_for_people(raw: bytes, message: str) -> None:
    with pytest.raises(JsonError) as caught:
        decode_json(raw)
    assert str(caught.value).replace("  ", " ") == message


def test_trailing_commas_are_refused() -> None:
    for raw in (b"[1,]", b'{"a": 1,}'):
        with pytest.raises(JsonError, match="at line 1, column"):
            decode_json(raw)


def test_a_long_key_is_cut_in_the_message() -> None:
    with pytest.raises(JsonError) as caught:
        decode_json(b'{"%s": 1, "%s": 1}' % (b"k" * 10_000, b"k" * 10_000))
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("step", range(7))
def test_no_depth_of_nesting_makes_reading_fail_otherwise(step: int) -> None:
    # Around the limit, what reads may still be too deep for what looks for lone surrogates.
    for depth in range(100 + step, 1_200, 7):
        raw = b"[" * depth + b'"\\u0041"' + b"]" * depth
        try:
            decode_json(raw)
        except JsonError as error:
            assert str(error) == "the value is nested too deeply"  # noqa: PT017


@given(VALUES)
def test_every_value_reads_back_what_was_written(value: Any) -> None:
    assert decode_json(json.dumps(value).encode()) == value
    assert decode_json(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\u0dE.-1ntf ', max_size=60).map(str.encode))
def test_no_bytes_make_reading_fail_otherwise(raw: bytes) -> None:
    try:
        decode_json(raw)
    except JsonError as error:
        assert str(error)  # noqa: PT017


@given(st.lists(VALUES, max_size=5), st.sampled_from([None, 1]))
def test_the_items_of_an_array_are_those_of_the_whole(values: list[Any], indent: int | None) -> None:
    raw = json.dumps(values, indent=indent).encode()
    assert list(decode_items(b"\xef\xbb\xbf \n" + raw + b"\r\n\t")) == decode_json(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[",
        b"[1",
        b"[1,",
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b"[1]]",
        b"[1] 2",
        b"1]",
        b"[NaN]",
        b"[1, 1e9999]",
        b'[{"a": 1}, {"b": 1, "b": 2}]',
        b'["a", "\\ud800"]',
        b'["\xff"]',
        b"[" * 5_000 + b"]" * 5_000,
    ],
)
def test_a_broken_array_is_refused_in_the_words_of_the_whole(raw: bytes) -> None:
    with pytest.raises(JsonError) as whole:
        decode_json(raw)
    with pytest.raises(JsonError) as by_items:
        list(decode_items(raw))
    assert str(by_items.value) == str(whole.value)


@pytest.mark.parametrize("raw", [b"{}", b"1", b' "[]" ', b"null"])
def test_what_is_no_array_has_no_items(raw: bytes) -> None:
    with pytest.raises(NotAnArrayError):
        list(decode_items(raw))


def test_items_come_before_the_rest_is_read() -> None:
    assert next(decode_items(b'[{"a": 1}, nonsense')) == {"a": 1}
