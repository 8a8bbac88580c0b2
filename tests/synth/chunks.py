"""A chunk of customers with accounts, movements and access, for tests of what comes after the movements."""

import functools
from dataclasses import dataclass

import numpy as np
from synth import columns

from sandbox.core.clock import parse_instant
from sandbox.synth import access, accounts, aftermath, ledger, recurring, transfers
from sandbox.synth.cast import CAST
from sandbox.synth.facts import Row
from sandbox.synth.merchants import Merchants, make_merchants
from sandbox.synth.model import NONE, Accounts, People, Posted, Texts
from sandbox.synth.window import Window

SEED = 11
TODAY, TOMORROW = "2026-01-08T09:00:00Z", "2026-01-09T09:00:00Z"


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """Columns of a chunk, and the records that are made of them."""

    window: Window
    people: People
    accounts: Accounts
    posted: Posted
    merchants: Merchants
    texts: Texts
    customers: list[Row]
    access: access.Access
    records: dict[str, list[Row]]
    """By collection: those of access and aftermath."""


def with_cast(count: int, *, first: int = 0) -> People:
    """Customers of whom the first are the cast."""
    index = np.arange(first, first + count, dtype=np.int64)
    return columns.people(count, first=first, cast=np.where(index < len(CAST), index, NONE))


@functools.cache
def chunk(count: int = 60, *, first: int = 0, as_of: str = TODAY, months: int = 12) -> Chunk:
    """A chunk; tests share it, and change nothing in it."""
    window = Window(parse_instant(as_of), months)
    people = with_cast(count, first=first)
    held = accounts.make_accounts(people, window, seed=SEED)
    merchants, texts = make_merchants(SEED, count), Texts()
    blocks = [
        columns.card_payments(people, held, window),
        recurring.receive_and_pay(people, held, window, merchants, texts, seed=SEED),
        transfers.move(people, held, window, texts, seed=SEED),
    ]
    posted = ledger.post(blocks, people, held, window, texts, seed=SEED)
    customers: list[Row] = [
        {"customer_id": f"c-{index}", "full_name": f"Customer {index}", "email": f"customer.{index}@example.com"}
        for index in people.index.tolist()
    ]
    signing_in = access.make_access(people, window, customers, seed=SEED)
    after = aftermath.follow(
        people, held, posted, merchants=merchants, window=window, texts=texts, access=signing_in, seed=SEED
    )
    return Chunk(
        window=window,
        people=people,
        accounts=held,
        posted=posted,
        merchants=merchants,
        texts=texts,
        customers=customers,
        access=signing_in,
        records=access.records(signing_in) | after,
    )
