"""From columns and records to the bytes of an ecosystem's files: one record a line, so that differences are readable.

What a field would be anyway, null or its default, is left out. `building` puts the chunks one after the other.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import starmap
from typing import Any, Literal, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from sandbox.core.money import Fils, format_fils
from sandbox.core.vocabulary import in_files
from sandbox.store.records import ALL_COLLECTIONS, Field
from sandbox.synth.draws import Int
from sandbox.synth.merchants import COUNTRIES, Merchants
from sandbox.synth.model import CATEGORIES, CHANNELS, REVERSED, STATUSES, Accounts, Posted, Texts

__all__ = ["Form", "amounts", "instants", "lines", "transaction_lines"]

Form = Literal["json", "jsonl"]
"""An array a file, or a record a line: also the endings of the files' names."""

_SEPARATORS = {"json": b",\n", "jsonl": b"\n"}
_ENCODER = msgspec.json.Encoder()
_NOTHING = object()

T = TypeVar("T")


class _TransactionLine(msgspec.Struct, omit_defaults=True):
    """A record of `transactions`, and the country of a payment abroad, which is kept as an extra field."""

    transaction_id: str
    account_id: str
    customer_id: str
    amount: str
    direction: str
    status: str
    channel: str
    booked_at: str
    merchant_category: str
    merchant_name: str | None = None
    mcc: str | None = None
    description: str | None = None
    disputed: bool = False
    reversed_at: str | None = None
    transfer_id: str | None = None
    country: str | None = None


def lines(collection: str, records: Iterable[Mapping[str, object]], form: Form) -> bytes:
    """Records of a collection as they stand in a file of that form, between others: one a line.

    Fields that say no more than their absence are left out.
    """
    usual = _usual(collection)
    said = (
        {name: value for name, value in record.items() if value is not None and value != usual.get(name, _NOTHING)}
        for record in records
    )
    return _SEPARATORS[form].join(map(_ENCODER.encode, said))


def transaction_lines(
    posted: Posted,
    accounts: Accounts,
    merchants: Merchants,
    texts: Texts,
    form: Form,
    *,
    holders: list[str],
    transfers: Sequence[str | None],
) -> bytes:
    """The movements of a chunk as they stand in a file of that form, between others: one a line.

    `holders` has the customer's id of each account, `transfers` the id of the transfer of each movement.
    """
    moved = posted.movements
    # -1, where there is none, is the last place of these.
    shops, codes, told, countries = (
        [*known, None] for known in (merchants.name, merchants.mcc, texts.listed, COUNTRIES)
    )
    columns = (
        posted.id,
        _picked(accounts.id, moved.account),
        _picked(holders, moved.account),
        amounts(moved.amount),
        _picked(("DEBIT", "CREDIT"), moved.credit),
        _picked(STATUSES, posted.status),
        _picked(CHANNELS, moved.channel),
        instants(moved.at),
        _picked(CATEGORIES, moved.category),
        _picked(shops, moved.merchant),
        _picked(codes, moved.merchant),
        _picked(told, moved.text),
        posted.disputed.tolist(),
        _taken_back(posted),
        transfers,
        _picked(countries, moved.country),
    )
    return _SEPARATORS[form].join(map(_ENCODER.encode, starmap(_TransactionLine, zip(*columns, strict=True))))


def amounts(fils: Int) -> list[str]:
    """Amounts as files write them; none is negative."""
    dinars, rest = np.divmod(fils, 1_000)
    return [f"{whole}.{part:03d}" for whole, part in zip(dinars.tolist(), rest.tolist(), strict=True)]


def instants(column: Int) -> list[str]:
    """Instants as files write them, to the millisecond."""
    found: list[str] = np.datetime_as_string(column.astype("datetime64[us]"), unit="ms", timezone="UTC").tolist()
    return found


def _picked(values: Sequence[T], places: NDArray[Any]) -> list[T]:
    return [values[place] for place in places.tolist()]


def _taken_back(posted: Posted) -> list[str | None]:
    """When each movement was taken back."""
    found: list[str | None] = [None] * posted.movements.count
    places = np.flatnonzero(posted.status == REVERSED)
    for place, text in zip(places.tolist(), instants(posted.reversed_at[places]), strict=True):
        found[place] = text
    return found


@functools.cache
def _usual(collection: str) -> dict[str, Any]:
    """What each field of a collection is when it is left out."""
    known = ALL_COLLECTIONS.get(collection)
    return {} if known is None else {field.name: _in_file(field) for field in known.fields if not field.required}


def _in_file(field: Field) -> Any:
    if isinstance(field.default, StrEnum):
        return in_files(field.default)
    return format_fils(field.default) if field.kind is Fils else field.default
