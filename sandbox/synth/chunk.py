"""One chunk of an ecosystem: some hundred customers with everything that is theirs, as lines of the collections' files.

The makers are called here in the order of the story, and nowhere else. A chunk needs nothing of another, so that they
can be made in any order, by any process; chunk 0 also holds the cast and the staff.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.core.clock import parse_instant
from sandbox.synth import (
    access,
    accounts,
    aftermath,
    calibration,
    habits,
    ledger,
    people,
    profile,
    recurring,
    transfers,
)
from sandbox.synth.merchants import Merchants, make_merchants
from sandbox.synth.model import Accounts, Movements, People, Recipe, Span, Texts
from sandbox.synth.window import Window
from sandbox.synth.writing import Form, lines, transaction_lines

__all__ = ["Chunk", "make_chunk"]

_USUAL_MONTHS = 12
_USUAL = Window(parse_instant("2026-01-15T09:00:00Z"), _USUAL_MONTHS)
"""The year whose card payments are brought to the published figures, with factors that hold for every other time: an
amount that was paid must not change because the bank is built for another day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """What a chunk adds to the files of an ecosystem."""

    pieces: dict[str, bytes]
    """By collection: its records, separated as in a file; nothing where there are none."""
    counted: dict[str, int]
    """How many records those are."""


def make_chunk(recipe: Recipe, span: Span, form: Form) -> Chunk:
    """Make the customers of a span, and all that is theirs."""
    seed = recipe.seed
    window = Window(recipe.as_of, recipe.months)
    merchants = make_merchants(seed, recipe.customers)
    texts = Texts()
    anybody = people.make_people(seed, span)
    who = people.since(anybody, window)
    customers = profile.customer_records(who, recipe)
    held = accounts.make_accounts(who, window, seed=seed)
    paid = _paid(who, held, window, merchants, texts, seed=seed)
    usual = paid
    if (recipe.as_of, recipe.months) != (_USUAL.as_of, _USUAL_MONTHS):
        then = people.since(anybody, _USUAL)
        accounts_then = accounts.make_accounts(then, _USUAL, seed=seed)
        usual = _paid(then, accounts_then, _USUAL, merchants, Texts(), seed=seed)
    blocks = [
        calibration.calibrate(paid, calibration.factors(usual)),
        transfers.move(who, held, window, texts, seed=seed),
    ]
    posted = ledger.post(blocks, who, held, window, texts, seed=seed)
    users = access.make_access(who, window, customers, seed=seed)
    after = aftermath.follow(
        who, held, posted, merchants=merchants, window=window, texts=texts, access=users, seed=seed
    )

    names = [str(record["full_name"]) for record in customers]
    written = _Written(form)
    written.put("customers", customers)
    written.put("customer_settings", profile.settings_records(who, seed))
    written.put("accounts", accounts.records(held, users.customer_ids, posted.balance))
    written.put_all(access.records(users))
    written.put("transfers", transfers.records(posted, held, users.users.id, names, texts, seed=seed))
    written.put_all(after)
    holders = [users.customer_ids[position] for position in held.holder.tolist()]
    orders = transfers.transfer_ids(posted.movements, seed=seed)
    moved = transaction_lines(posted, held, merchants, texts, form, holders=holders, transfers=orders)
    written.add("transactions", moved, posted.movements.count)
    return Chunk(pieces=written.pieces, counted=written.counted)


def _paid(who: People, held: Accounts, window: Window, merchants: Merchants, texts: Texts, *, seed: int) -> Movements:
    """What is spent, received and paid: money sent home is paid by card, so that the calibration has to see it all."""
    spent = habits.spend(who, held, window, merchants, seed=seed)
    return Movements.joined([spent, recurring.receive_and_pay(who, held, window, merchants, texts, seed=seed)])


class _Written:
    """The pieces of a chunk as they come."""

    def __init__(self, form: Form) -> None:
        self.pieces: dict[str, bytes] = {}
        self.counted: dict[str, int] = {}
        self._form = form

    def put(self, collection: str, records: Sequence[Mapping[str, object]]) -> None:
        """Add the records of a collection, of which there are none yet."""
        self.add(collection, lines(collection, records, self._form), len(records))

    def add(self, collection: str, written: bytes, count: int) -> None:
        """Add the lines of a collection, of which there are none yet."""
        assert collection not in self.pieces, f"{collection} has been written"
        self.pieces[collection] = written
        self.counted[collection] = count

    def put_all(self, records: Mapping[str, Sequence[Mapping[str, object]]]) -> None:
        """Add the records of several collections."""
        for collection, found in records.items():
            self.put(collection, found)
