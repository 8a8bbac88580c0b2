"""The columns that the makers of a chunk hand to each other: people, accounts, movements.

A chunk is a run of customers who know each other; a place in its columns is a customer's `position` there. Amounts are
fils, instants microseconds, dates ordinals of `date`; -1 means none. Columns of one table are equally long.
"""

from dataclasses import dataclass, fields
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from sandbox.core.clock import Instant
from sandbox.synth.draws import Int

NONE = -1

SEGMENTS = ("YOUNG_PROFESSIONAL", "FAMILY", "BUDGET_CONSCIOUS", "TECH_SAVVY", "AFFLUENT", "SENIOR", "STUDENT")
SECTORS = ("NONE", "PUBLIC", "PRIVATE", "OWN_BUSINESS")
HOURS = ("OFFICE", "SHIFTS", "STUDENT", "HOME")
"""When somebody is free to spend: after office hours, around shifts, between lectures, all day."""
HOUSING = ("OWNED", "RENTED", "FAMILY", "EMPLOYER")
CHANNELS = ("POS", "ONLINE", "ATM", "MOBILE", "BRANCH", "CDM")
"""POS, ONLINE (with a merchant) and ATM are card payments; MOBILE is the bank's own app."""
POS, ONLINE, ATM, MOBILE, BRANCH, CDM = range(len(CHANNELS))
ACCOUNT_TYPES = ("CURRENT", "SAVINGS", "WALLET", "FIXED_DEPOSIT")
CURRENT, SAVINGS, WALLET, FIXED_DEPOSIT = range(len(ACCOUNT_TYPES))
ACCOUNT_STATUSES = ("ACTIVE", "FROZEN", "DORMANT", "CLOSED")
STATUSES = ("COMPLETED", "PENDING", "FAILED", "REVERSED")
COMPLETED, PENDING, FAILED, REVERSED = range(len(STATUSES))


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """What an ecosystem is made from; the same recipe gives the same bytes."""

    customers: int
    months: int
    seed: int
    as_of: Instant


class Span(msgspec.Struct, frozen=True):
    """The customers of a chunk: those with index `first` and the `count - 1` after it."""

    first: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Who the customers of a chunk are; nothing here but `joined` depends on `as_of`."""

    index: Int
    """Place among all customers of the ecosystem."""
    cast: Int
    """Place in `cast.CAST` of the customers that demo logins stand for."""
    segment: Int
    nationality: Int
    """Place in the countries of `targets.json`, in its order; 0 is Kuwait."""
    woman: NDArray[np.bool_]
    birth: Int
    sector: Int
    occupation: Int
    employer: Int
    """Place in the names of employers, for those who have one."""
    income: Int
    """Wage, pension or allowance a month."""
    other_income: Int
    """From business, rents and shares, a month."""
    payday: Int
    """Nominal day of the month; 31 is its end."""
    hours: Int
    housing: Int
    rent: Int
    """What a tenant pays a month, else 0."""
    dependents: Int
    area: Int
    """Place among all areas, in the order of `places.json`."""
    arabic: NDArray[np.bool_]
    """Whether the bank speaks Arabic with them."""
    remits: Int
    """How much of the income, in per mille, is sent home each month."""
    joined: Int
    """Ordinal of the day they became customers: up to 2025 as drawn; `people.since` brings it before the window."""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.index)

    @property
    def kuwaiti(self) -> NDArray[np.bool_]:
        """Who is a citizen."""
        return np.asarray(self.nationality == 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The accounts of a chunk, in the order of their holders."""

    holder: Int
    """Position of the holder in the chunk."""
    kind: Int
    status: Int
    opened_at: Int
    overdraft: Int
    opening: Int
    """What it should hold when the window begins; more where that would not last."""
    id: list[str]
    number: list[str]
    iban: list[str]
    nickname: list[str | None]
    of: Int
    """Place of a customer's account by [position, kind]; -1 where there is none or it is not ACTIVE."""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.holder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Movements:
    """Movements on accounts of a chunk; the makers hand over blocks, the ledger joins them."""

    key: Int
    """What identifies a movement among all of the ecosystem, see `movement_key`; its public id derives from it."""
    account: Int
    at: Int
    amount: Int
    """Unsigned, more than zero."""
    credit: NDArray[np.bool_]
    channel: Int
    category: Int
    """Place in `CATEGORIES`."""
    merchant: Int
    """Place among the merchants of the ecosystem, or -1."""
    text: Int
    """Place in the chunk's `Texts`, or -1."""
    pair: Int
    """The two sides of a transfer share one number, unique in the chunk; -1 elsewhere."""
    country: Int
    """Place in `merchants.COUNTRIES` of a payment abroad, else -1."""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.key)

    @classmethod
    def joined(cls, blocks: "list[Movements]") -> Self:
        """Several blocks as one."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: np.concatenate([getattr(block, name) for block in blocks]) for name in names})

    def taken(self, places: NDArray[np.bool_] | Int) -> Self:
        """Those at some places, or those that a mask keeps."""
        return type(self)(**{field.name: getattr(self, field.name)[places] for field in fields(self)})


@dataclass(slots=True, kw_only=True)
class Posted:
    """All movements of a chunk, in order of time, with what became of them."""

    movements: Movements
    id: list[str]
    status: Int
    reversed_at: Int
    """0 where it was not taken back."""
    disputed: NDArray[np.bool_]
    """Set by `aftermath`."""
    balance: Int
    """The booked balance of each account at `as_of`."""
    after: Int
    """The booked balance of the account after each movement."""


class Texts:
    """The descriptions of a chunk's movements, each once."""

    __slots__ = ("_places", "listed")

    def __init__(self) -> None:
        self.listed: list[str] = []
        self._places: dict[str, int] = {}

    def place(self, text: str) -> int:
        """The place of a text, which is put into the list if it is new."""
        place = self._places.setdefault(text, len(self.listed))
        if place == len(self.listed):
            self.listed.append(text)
        return place


CATEGORIES = (
    "GROCERIES", "FUEL", "RESTAURANTS", "COFFEE", "DELIVERY", "PHARMACY", "HEALTH", "CLOTHING", "ELECTRONICS",
    "HOME", "TELECOM", "UTILITIES", "GOVERNMENT", "ENTERTAINMENT", "SUBSCRIPTIONS", "BEAUTY", "CAR", "TRANSPORT",
    "EDUCATION", "CHARITY", "TRAVEL", "JEWELLERY", "ONLINE_SHOPPING", "CASH", "REMITTANCE", "SALARY", "PENSION",
    "ALLOWANCE", "OTHER_INCOME", "RENT", "LOAN", "SAVINGS", "TRANSFER", "FEES", "SUPERMARKET", "INSURANCE",
)  # fmt: skip
CATEGORY = {name: place for place, name in enumerate(CATEGORIES)}

MAKERS = ("habits", "recurring", "transfers")
"""Who makes movements; part of their keys."""
_CUSTOMER_BITS, _MAKER_BITS, _DAY_BITS, _SLOT_BITS = 22, 4, 16, 20
MAX_CUSTOMERS = 250_000


def movement_key(customer: Int, maker: str, day: Int | int, slot: Int | int) -> Int:
    """What identifies a movement: whose it is, who made it, on which day, and which of that day.

    `customer` is an index, `day` an ordinal of `date` less that of 1970, `slot` below 2**20 and unique for one maker,
    customer and day.
    """
    place = MAKERS.index(maker)
    shifted = ((customer << _MAKER_BITS | place) << _DAY_BITS | np.asarray(day, dtype=np.int64)) << _SLOT_BITS
    return np.asarray(shifted | np.asarray(slot, dtype=np.int64), dtype=np.int64)
