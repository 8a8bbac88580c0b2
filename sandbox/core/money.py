"""Money as the bank counts it: integer fils inside, a string with exactly three decimals outside.

A Kuwaiti dinar has 1,000 fils (ISO 4217: KWD, numeric 414, exponent 3). Nothing here is ever a float.
"""

import re
from decimal import Decimal
from typing import Annotated, Literal, NewType

import msgspec

Fils = NewType("Fils", int)
"""A signed amount in fils; 1,000 fils are one dinar."""

CURRENCY = "KWD"
FILS_PER_DINAR = 1_000
MAX_FILS = 2**53 - 1
"""The largest amount we carry: past it, clients that read numbers as doubles lose fils."""

_DECIMAL_TEXT = re.compile(r"(?:0|[1-9][0-9]{0,15})\.[0-9]{3}", re.ASCII)
_USUAL_TEXT = re.compile(r"-?[0-9]{1,12}\.[0-9]{3}", re.ASCII)
"""How nearly all amounts in files are written; far within `MAX_FILS`."""


class MoneyError(ValueError):
    """An amount that is no KWD amount; `code` names the fault, the message says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = "amount"


class Money(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount and its currency, as every answer and every order carries it."""

    amount: Annotated[str, msgspec.Meta(description="KWD with exactly three decimals", examples=["12.750"])]
    currency: Annotated[Literal["KWD"], msgspec.Meta(description="ISO 4217 code")] = "KWD"


class OrderAmount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The amount of an order: strictly positive, its currency named.

    Raises:
        MoneyError: as `parse_order_amount`, with the field it is about.
    """

    amount: Annotated[
        str,
        msgspec.Meta(
            description="KWD, more than 0.000, exactly three decimals",
            examples=["12.750"],
            extra_json_schema={"pattern": r"^(?!0\.000$)(0|[1-9][0-9]{0,11}|[1-8][0-9]{12})\.[0-9]{3}$"},
        ),
    ]
    currency: Annotated[Literal["KWD"], msgspec.Meta(description="ISO 4217 code")]

    def __post_init__(self) -> None:
        """Refuse what is no amount to order."""
        parse_order_amount(self.amount)

    @property
    def fils(self) -> Fils:
        """The amount in fils."""
        return parse_order_amount(self.amount)


def money(fils: int) -> Money:
    """The money object of `fils`."""
    return Money(format_fils(fils))


def format_fils(fils: int) -> str:
    """`12750` as `"12.750"`; negative amounts carry a leading minus."""
    dinars, rest = divmod(abs(fils), FILS_PER_DINAR)
    return f"{'-' if fils < 0 else ''}{dinars}.{rest:03d}"


def parse_order_amount(text: str) -> Fils:
    """The fils of an amount in an order: strictly positive, exactly three decimals, at most `MAX_FILS`.

    Raises:
        MoneyError: with `code` `amount_malformed`, `amount_decimals`, `amount_not_positive` or
            `amount_too_large`.
    """
    if not _DECIMAL_TEXT.fullmatch(text):
        raise _order_fault(text)
    fils = int(text.replace(".", ""))
    if fils == 0:
        raise MoneyError("amount_not_positive", "the amount must be more than 0.000")
    if fils > MAX_FILS:
        raise MoneyError("amount_too_large", f"the amount must be at most {format_fils(MAX_FILS)}")
    return Fils(fils)


def fils_of_number(value: object) -> Fils:
    """The fils of an amount in an ecosystem file: a number or a decimal string, at most three decimals.

    Raises:
        MoneyError: no number, not finite, more than three decimals, or beyond `MAX_FILS`.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise MoneyError("amount_malformed", "must be a number or a string such as 12.750")
    if isinstance(value, str) and _USUAL_TEXT.fullmatch(value):
        return Fils(int(value.replace(".", "")))
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,60}(\.[0-9]{1,9})?", value, re.ASCII):
        raise MoneyError("amount_malformed", f"{value[:40]!r} is no amount such as 12.750")
    number = Decimal(value)
    if not number.is_finite() or abs(number) > MAX_FILS:
        raise MoneyError("amount_too_large", f"must lie within {format_fils(MAX_FILS)} KWD")
    fils = int(number * FILS_PER_DINAR)
    # Products are rounded to 28 digits, comparisons are exact.
    if Decimal(fils).scaleb(-3) != number:
        raise MoneyError("amount_decimals", f"{str(value)[:40]} has more than three decimals; KWD has 1,000 fils")
    if abs(fils) > MAX_FILS:
        raise MoneyError("amount_too_large", f"must lie within {format_fils(MAX_FILS)} KWD")
    return Fils(fils)


def _order_fault(text: str) -> MoneyError:
    if re.fullmatch(r"-[0-9]+\.[0-9]{3}", text, re.ASCII):
        return MoneyError("amount_not_positive", "the amount must be more than 0.000")
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?", text, re.ASCII):
        whole, _, decimals = text.partition(".")
        if len(decimals) != 3:
            return MoneyError("amount_decimals", "KWD amounts carry exactly three decimals, such as 12.750")
        if len(whole) > 16:
            return MoneyError("amount_too_large", f"the amount must be at most {format_fils(MAX_FILS)}")
    return MoneyError("amount_malformed", "must be a decimal string with three decimals, such as 12.750")
