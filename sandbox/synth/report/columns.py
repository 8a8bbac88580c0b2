"""An ecosystem's records as columns, with what the measures need and no more.

Only the collections' own fields are read, and the extra fields of customers and movements that a folder may carry:
`gender`, `employment_sector`, `payday`, `monthly_income` of customers, `country` of movements. Where a folder lacks
one, the measures that need it say so.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.core.clock import DAY, KUWAIT_OFFSET, MILLISECOND, Instant
from sandbox.core.money import fils_of_number
from sandbox.core.vocabulary import Direction, TransactionStatus
from sandbox.store.fields import Row
from sandbox.store.reading import RawEcosystem
from sandbox.synth.draws import Int

__all__ = ["ABSENT", "HOME", "AccountColumns", "Columns", "CustomerColumns", "MovementColumns", "Names", "columns_of"]

Mask = NDArray[np.bool_]

ABSENT = -1
"""Stands in a column where a record does not say."""
HOME = "KW"
STATUSES = tuple(status.value for status in TransactionStatus)
_COUNTED = (TransactionStatus.COMPLETED.value, TransactionStatus.REVERSED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """A column of texts of which there are few: each once, and their places."""

    listed: list[str]
    place: Int
    """`ABSENT` where there is none."""

    def where(self, *texts: str) -> Mask:
        """Which rows have one of the texts."""
        wanted = [place for place, text in enumerate(self.listed) if text in texts]
        return np.isin(self.place, wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerColumns:
    """Who the customers are, as far as their records say."""

    nationality: Names
    gender: Names
    """`F` and `M`."""
    sector: Names
    segment: Names
    payday: Int
    income: Int
    """Fils a month."""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.payday)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountColumns:
    """The accounts, with the place of their holders among the customers."""

    holder: Int
    kind: Names
    balance: Int


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementColumns:
    """The movements, in the order of the file; amounts are fils, instants microseconds."""

    account: Int
    holder: Int
    at: Int
    back_at: Int
    """When a REVERSED one was taken back; `ABSENT` for all others."""
    amount: Int
    credit: Mask
    status: Names
    channel: Names
    category: Names
    merchant: Mask
    """Whether a merchant is named."""
    abroad: Mask

    @property
    def day(self) -> Int:
        """The day in Kuwait, counted from 1970-01-01."""
        return (self.at + KUWAIT_OFFSET) // DAY

    @property
    def hour(self) -> Int:
        """The hour of the day in Kuwait."""
        return (self.at + KUWAIT_OFFSET) % DAY // (DAY // 24)

    @property
    def counted(self) -> Mask:
        """Which ones moved the booked balance."""
        return self.status.where(*_COUNTED)

    @property
    def accepted(self) -> Mask:
        """Which ones were not declined."""
        return ~self.status.where(TransactionStatus.FAILED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """All that is measured."""

    as_of: Instant
    customers: CustomerColumns
    accounts: AccountColumns
    movements: MovementColumns
    states_country: bool
    """Whether any movement names a country: else nothing can be said of payments abroad."""


def columns_of(raw: RawEcosystem) -> Columns:
    """The columns of an ecosystem; movements and accounts that refer to nothing are left out."""
    customers, accounts = raw.rows["customers"], raw.rows["accounts"]
    customer_places = {row["customer_id"]: place for place, row in enumerate(customers)}
    accounts = [row for row in accounts if row["customer_id"] in customer_places]
    account_places = {row["account_id"]: place for place, row in enumerate(accounts)}
    holder = _whole(customer_places[row["customer_id"]] for row in accounts)
    movements = [row for row in raw.rows["transactions"] if row["account_id"] in account_places]
    countries = [_upper(_extra(row, "country")) for row in movements]
    return Columns(
        as_of=raw.manifest.as_of,
        customers=_customer_columns(customers),
        accounts=AccountColumns(
            holder=holder,
            kind=_names(row["account_type"].upper() for row in accounts),
            balance=_whole(row["balance"] for row in accounts),
        ),
        movements=_movement_columns(movements, account_places, holder, countries),
        states_country=any(country is not None for country in countries),
    )


def _customer_columns(rows: list[Row]) -> CustomerColumns:
    return CustomerColumns(
        nationality=_names(_upper(row["nationality"]) for row in rows),
        gender=_names((_upper(_extra(row, "gender")) or "")[:1] or None for row in rows),
        sector=_names(_upper(_extra(row, "employment_sector")) for row in rows),
        segment=_names(_upper(row["segment"]) for row in rows),
        payday=_whole(_read(_extra(row, "payday"), _day_of_month) for row in rows),
        income=_whole(_read(_extra(row, "monthly_income"), fils_of_number) for row in rows),
    )


def _movement_columns(
    rows: list[Row], account_places: dict[str, int], holder: Int, countries: list[str | None]
) -> MovementColumns:
    account = _whole(account_places[row["account_id"]] for row in rows)
    at = _whole(row["booked_at"] for row in rows)
    status = _names(row["status"] for row in rows)
    stated = _whole(ABSENT if row["reversed_at"] is None else row["reversed_at"] for row in rows)
    back_at = np.where(stated == ABSENT, at + MILLISECOND, stated)
    return MovementColumns(
        account=account,
        holder=holder[account],
        at=at,
        back_at=np.where(status.where(TransactionStatus.REVERSED.value), back_at, ABSENT),
        amount=_whole(row["amount"] for row in rows),
        credit=_mask(row["direction"] == Direction.CREDIT for row in rows),
        status=status,
        channel=_names(_upper(row["channel"]) for row in rows),
        category=_names(_upper(row["merchant_category"]) for row in rows),
        merchant=_mask(row["merchant_name"] is not None for row in rows),
        abroad=_mask(country not in {None, HOME} for country in countries),
    )


def _extra(row: Row, name: str) -> Any:
    return None if row["extra"] is None else row["extra"].get(name)


def _upper(value: Any) -> str | None:
    return value.upper() if isinstance(value, str) and value else None


def _read(value: Any, parse: Callable[[Any], int]) -> int:
    """An extra field may hold anything: what is no such value counts as absent."""
    try:
        return ABSENT if value is None else parse(value)
    except (ValueError, TypeError):
        return ABSENT


def _day_of_month(value: Any) -> int:
    day = int(value)
    return day if 1 <= day <= 31 else ABSENT


def _whole(values: Iterable[int]) -> Int:
    return np.fromiter(values, dtype=np.int64)


def _mask(values: Iterable[bool]) -> Mask:
    return np.fromiter(values, dtype=np.bool_)


def _names(values: Iterable[str | None]) -> Names:
    """In the order of their first appearance, which is that of the file."""
    places: dict[str | None, int] = {None: ABSENT}
    place = _whole(places.setdefault(value, len(places) - 1) for value in values)
    return Names(listed=[text for text in places if text is not None], place=place)
