"""Money: fils inside, a string with exactly three decimals outside, and nothing in between."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.core.money import (
    MAX_FILS,
    Money,
    MoneyError,
    OrderAmount,
    fils_of_number,
    format_fils,
    money,
    parse_order_amount,
)

ANY_FILS = st.integers(-MAX_FILS, MAX_FILS)
POSITIVE_FILS = st.integers(1, MAX_FILS)


@pytest.mark.parametrize(
    ("fils", "text"),
    [
        (0, "0.000"),
        (1, "0.001"),
        (-1, "-0.001"),
        (999, "0.999"),
        (12_750, "12.750"),
        (-12_750, "-12.750"),
        (MAX_FILS, "9007199254740.991"),
    ],
)
def test_fils_are_written_with_three_decimals(fils: int, text: str) -> None:
    assert format_fils(fils) == text


def test_a_money_object_names_its_currency() -> None:
    assert msgspec.json.encode(money(12_750)) == b'{"amount":"12.750","currency":"KWD"}'


def test_a_money_object_has_no_other_currency() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"amount": "1.000", "currency": "USD"}, Money)


@given(POSITIVE_FILS)
def test_an_order_amount_reads_back_what_was_written(fils: int) -> None:
    assert parse_order_amount(format_fils(fils)) == fils


@given(ANY_FILS)
def test_a_file_amount_reads_back_what_was_written_as_text_or_number(fils: int) -> None:
    text = format_fils(fils)
    assert fils_of_number(text) == fils_of_number(Decimal(text)) == fils


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "amount_malformed"),
        (" 1.000", "amount_malformed"),
        ("1.000\n", "amount_malformed"),
        ("1,000", "amount_malformed"),
        ("1e3", "amount_malformed"),
        ("+1.000", "amount_malformed"),
        ("٣.٠٠٠", "amount_malformed"),
        ("NaN", "amount_malformed"),
        (".500", "amount_malformed"),
        ("01.000", "amount_malformed"),
        ("-", "amount_malformed"),
        ("1", "amount_decimals"),
        ("1.", "amount_decimals"),
        ("1.5", "amount_decimals"),
        ("1.0000", "amount_decimals"),
        ("0.000", "amount_not_positive"),
        ("-1.000", "amount_not_positive"),
        ("-0.000", "amount_not_positive"),
        ("9007199254740.992", "amount_too_large"),
        ("9999999999999999.999", "amount_too_large"),
        ("10000000000000000.000", "amount_too_large"),
    ],
)
def test_a_bad_order_amount_is_refused_with_the_code_of_its_fault(text: str, code: str) -> None:
    with pytest.raises(MoneyError) as caught:
        parse_order_amount(text)
    assert caught.value.code == code


def test_the_largest_amount_can_be_ordered() -> None:
    assert parse_order_amount("9007199254740.991") == MAX_FILS


@given(st.text(max_size=30))
def test_no_text_makes_the_order_amount_parser_fail_otherwise(text: str) -> None:
    try:
        fils = parse_order_amount(text)
    except MoneyError as error:
        assert error.field == "amount"  # noqa: PT017 - any text may be good
    else:
        assert format_fils(fils) == text


def test_an_ordered_amount_knows_its_fils() -> None:
    assert msgspec.convert({"amount": "12.750", "currency": "KWD"}, OrderAmount).fils == 12_750


@pytest.mark.parametrize(
    "order",
    [
        {"amount": "12.750"},
        {"amount": "12.750", "currency": "kwd"},
        {"amount": "12.750", "currency": "USD"},
        {"amount": 12.75, "currency": "KWD"},
        {"amount": "12.750", "currency": "KWD", "note": "x"},
        {"amount": "0.000", "currency": "KWD"},
    ],
)
def test_an_ordered_amount_is_read_strictly(order: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        msgspec.convert(order, OrderAmount)


@pytest.mark.parametrize(
    ("value", "fils"),
    [
        (12, 12_000),
        (0, 0),
        (-3, -3_000),
        (Decimal("12.75"), 12_750),
        (Decimal("1E+2"), 100_000),
        (Decimal("12.7500000"), 12_750),
        (Decimal("0.0000000000000000000000000000000000000000"), 0),
        ("12.750", 12_750),
        ("12", 12_000),
        ("-0.001", -1),
        ("007.5", 7_500),
    ],
)
def test_a_file_amount_may_be_a_number_or_a_text(value: object, fils: int) -> None:
    assert fils_of_number(value) == fils


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (True, "amount_malformed"),
        (None, "amount_malformed"),
        (12.75, "amount_malformed"),
        ([1], "amount_malformed"),
        ("", "amount_malformed"),
        ("1,000", "amount_malformed"),
        ("1e3", "amount_malformed"),
        ("NaN", "amount_malformed"),
        ("٣", "amount_malformed"),
        (Decimal("1.0005"), "amount_decimals"),
        ("1.0005", "amount_decimals"),
        (Decimal("1E-400"), "amount_decimals"),
        (Decimal("NaN"), "amount_too_large"),
        (Decimal("Infinity"), "amount_too_large"),
        (Decimal("1E+400"), "amount_too_large"),
        (2**53, "amount_too_large"),
        ("9007199254740.992", "amount_too_large"),
        ("-9007199254740.992", "amount_too_large"),
    ],
)
def test_a_bad_file_amount_is_refused_with_the_code_of_its_fault(value: object, code: str) -> None:
    with pytest.raises(MoneyError) as caught:
        fils_of_number(value)
    assert caught.value.code == code


def test_a_decimal_far_behind_the_point_is_not_rounded_away() -> None:
    with pytest.raises(MoneyError, match="more than three decimals"):
        fils_of_number(Decimal("0.1230000000000000000000000000000000001"))
