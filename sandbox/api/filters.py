"""The filters of transaction lists: how they are written in a query, and what they mean to the bank."""

import re
from datetime import date, timedelta
from typing import Annotated

from litestar.di import Provide
from litestar.openapi.spec import OpenAPIFormat, Schema
from litestar.params import QueryParameter

from sandbox.bank.transactions import TransactionFilter
from sandbox.core.clock import Instant, InstantError, day_start, parse_instant
from sandbox.core.errors import Fault, ValidationFailedError
from sandbox.core.money import MoneyError, fils_of_number
from sandbox.core.vocabulary import Direction, TransactionStatus

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

_WHEN = {"any_of": [Schema(format=OpenAPIFormat.DATE), Schema(format=OpenAPIFormat.DATE_TIME)]}
_HOW_MUCH = {"pattern": r"^[0-9]{1,12}(\.[0-9]{1,3})?$"}

FromFilter = Annotated[
    str | None,
    QueryParameter(
        name="from",
        max_length=40,
        description="from this Kuwaiti date on, or this RFC 3339 instant",
        schema_extra=_WHEN,
    ),
]
ToFilter = Annotated[
    str | None,
    QueryParameter(
        max_length=40, description="to this Kuwaiti date, itself included, or before an instant", schema_extra=_WHEN
    ),
]
MinAmountFilter = Annotated[
    str | None,
    QueryParameter(max_length=24, description="at least this many KWD, unsigned", schema_extra=_HOW_MUCH),
]
MaxAmountFilter = Annotated[
    str | None, QueryParameter(max_length=24, description="at most this many KWD, unsigned", schema_extra=_HOW_MUCH)
]
CategoryFilter = Annotated[str | None, QueryParameter(max_length=64, description="merchant category")]
DirectionFilter = Annotated[Direction | None, QueryParameter(description="credit or debit")]
StatusFilter = Annotated[TransactionStatus | None, QueryParameter(description="where the movement stands")]
TextFilter = Annotated[
    str | None,
    QueryParameter(
        min_length=1, max_length=100, pattern=r"^[^\x00]*$", description="text in the description or merchant"
    ),
]


def transaction_filter(
    from_: FromFilter = None,
    to: ToFilter = None,
    min_amount: MinAmountFilter = None,
    max_amount: MaxAmountFilter = None,
    category: CategoryFilter = None,
    direction: DirectionFilter = None,
    status: StatusFilter = None,
    q: TextFilter = None,
) -> TransactionFilter:
    """The filter that a query asks for.

    Raises:
        ValidationFailedError: with every parameter that says nothing.
    """
    faults: list[Fault] = []
    wanted = TransactionFilter(
        since=_instant("from", from_, faults, last_day=False),
        until=_instant("to", to, faults, last_day=True),
        min_amount=_amount("min_amount", min_amount, faults),
        max_amount=_amount("max_amount", max_amount, faults),
        category=category,
        direction=direction,
        status=status,
        q=q,
    )
    if faults:
        raise ValidationFailedError(faults)
    return wanted


FILTERED = {"wanted": Provide(transaction_filter, sync_to_thread=False)}
"""The dependency of a handler that takes the filters as `wanted`."""


def _instant(name: str, text: str | None, faults: list[Fault], *, last_day: bool) -> Instant | None:
    if text is None:
        return None
    try:
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text)
            if last_day and day == date.max:
                return None  # nothing comes after it
            return day_start(day + timedelta(days=1) if last_day else day)
        # A plus sign of an offset arrives as a space where the client did not escape it.
        return parse_instant(re.sub(r" (\d{2}:\d{2})$", r"+\1", text))
    except (InstantError, ValueError, OverflowError):
        detail = f"{text!r} is neither a date such as 2026-01-15 nor an instant such as 2026-01-15T09:30:00Z"
        faults.append(Fault(f"?{name}", "wrong_format", detail))
        return None


def _amount(name: str, text: str | None, faults: list[Fault]) -> int | None:
    if text is None:
        return None
    try:
        return fils_of_number(text)
    except MoneyError as error:
        faults.append(Fault(f"?{name}", error.code, str(error)))
        return None
