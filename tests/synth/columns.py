"""Small columns of people and accounts, for tests of what works on them."""

from datetime import date
from typing import Any

import numpy as np

from sandbox.core.clock import SECOND, parse_instant
from sandbox.synth.draws import Int, Stream, bounded_lognormal
from sandbox.synth.model import (
    ACCOUNT_TYPES,
    ATM,
    CATEGORY,
    CURRENT,
    NONE,
    ONLINE,
    POS,
    SAVINGS,
    WALLET,
    Accounts,
    Movements,
    People,
    movement_key,
)
from sandbox.synth.window import EPOCH_ORDINAL, Window

JOINED = date(2018, 3, 1).toordinal()
JOINED_IN = 3
"""The month of it."""


def window(as_of: str = "2026-01-08T09:00:00Z", months: int = 12) -> Window:
    """The days before an instant."""
    return Window(parse_instant(as_of), months)


def people(count: int = 60, *, first: int = 0, seed: int = 1, **changed: Int) -> People:
    """Customers as plain as can be: a third Kuwaitis of the public sector, the others workers who remit."""
    index = np.arange(first, first + count, dtype=np.int64)
    place = Stream(seed, "test:people")
    kuwaiti = index % 3 == 0
    wages = np.where(
        kuwaiti,
        place.quantile(bounded_lognormal(1_450_000, 0.45, least=600_000, most=6_000_000), index, 0),
        place.quantile(bounded_lognormal(255_000, 0.75, least=75_000, most=2_500_000), index, 1),
    )
    columns: dict[str, Any] = {
        "index": index,
        "cast": np.full(count, NONE),
        "segment": place.below(6, index, 2),
        "nationality": np.where(kuwaiti, 0, 1 + index // 3 % 10),
        "woman": place.chance(450, index, 3),
        "birth": np.full(count, date(1988, 5, 17).toordinal()),
        "sector": np.where(kuwaiti, 1, 2),
        "occupation": np.zeros(count, dtype=np.int64),
        "employer": np.zeros(count, dtype=np.int64),
        "income": wages // 1000 * 1000,
        "other_income": np.where(index % 20 == 0, 4_000_000, 0),
        "payday": np.where(kuwaiti, 20, 31),
        "hours": index % 4,
        "housing": np.where(kuwaiti, 0, 1),
        "rent": np.where(kuwaiti, 0, np.minimum(wages * 30 // 100, 350_000) // 5000 * 5000),
        "dependents": index % 4,
        "area": place.below(80, index, 5),
        "arabic": index % 2 == 0,
        "remits": np.where(kuwaiti, 0, 300),
        "joined": np.full(count, JOINED),
    }
    return People(**{**columns, **changed})


def accounts(of_whom: People) -> Accounts:
    """A current account for everybody, savings for every second customer and a wallet for every third."""
    holder: list[int] = []
    kind: list[int] = []
    of = np.full((of_whom.count, len(ACCOUNT_TYPES)), NONE, dtype=np.int64)
    for position in range(of_whom.count):
        kinds = [CURRENT, *([SAVINGS] if position % 2 == 0 else []), *([WALLET] if position % 3 == 0 else [])]
        for each in kinds:
            of[position, each] = len(holder)
            holder.append(position)
            kind.append(each)
    count = len(holder)
    zeros = np.zeros(count, dtype=np.int64)
    names = [f"A{place}" for place in range(count)]
    return Accounts(
        holder=np.array(holder, dtype=np.int64),
        kind=np.array(kind, dtype=np.int64),
        status=zeros,
        opened_at=zeros,
        overdraft=zeros,
        opening=zeros + 500_000,
        id=names,
        number=names,
        iban=names,
        nickname=[None] * count,
        of=of,
    )


def card_payments(
    of_whom: People, held: Accounts, days: Window, *, a_month: int = 17, seed: int = 1, share: int = 30
) -> Movements:
    """Payments as plain as can be: so many a month and customer, of some per mille of the income each."""
    count = days.days * a_month * of_whom.count // 30
    number = np.arange(count, dtype=np.int64)
    stream = Stream(seed, "test:cards")
    who = number % of_whom.count
    day = stream.below(days.days, number, 0)
    income = of_whom.income + of_whom.other_income
    channel = np.array([POS, POS, POS, ONLINE, ATM], dtype=np.int64)[number // of_whom.count % 5]
    none = np.full(count, NONE)
    kept = held.of[who, CURRENT] >= 0
    return Movements(
        key=movement_key(of_whom.index[who], "habits", days.ordinal[day] - EPOCH_ORDINAL, number // of_whom.count),
        account=held.of[who, CURRENT],
        at=days.start[day] + stream.between(8 * 3_600, 23 * 3_600, number, 1) * SECOND,
        amount=np.maximum(income[who] * stream.between(1, 2 * share - 1, number, 2) // 1_000 // 50 * 50, 250),
        credit=np.zeros(count, dtype=np.bool_),
        channel=channel,
        category=np.full(count, CATEGORY["GROCERIES"]),
        merchant=np.zeros(count, dtype=np.int64),
        text=none,
        pair=none,
        country=none,
    ).taken(kept)
