"""Bulk posting: the whole history of an ecosystem onto the ledger at once, by the rules of `ledger`.

An account opens with its balance minus its completed movements; a REVERSED row is an entry and its exact reversal;
a PENDING row is a hold; a FAILED row counts nowhere. The rows were checked before; what is asserted here cannot be
false.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa

from sandbox.bank.chart import CHART, counter_account
from sandbox.bank.ledger import journal_link, reversal_id
from sandbox.core.chain import GENESIS
from sandbox.core.clock import DAY, MILLISECOND, Instant
from sandbox.core.ids import uuid_text
from sandbox.core.vocabulary import AccountStatus, Direction, HoldStatus, TransactionStatus
from sandbox.store.checking import movements_of
from sandbox.store.filling import Keys, insert
from sandbox.store.reading import Row
from sandbox.store.statement import Statement
from sandbox.store.tables import COUNTERS, JournalKind, account, entry, hold, journal, merchant, root

_SET_COUNTERS = Statement(
    sa.update(account)
    .where(account.c.key == sa.bindparam("account"))
    .values({name: sa.bindparam(f"new_{name}") for name in COUNTERS})
)
_SET_HEAD = Statement(
    sa.update(root).values(journal_seq=sa.bindparam("journal_seq"), journal_hash=sa.bindparam("journal_hash"))
)
_OPENED = 0
"""Sorts openings before every other event of the same instant."""


class _Event(NamedTuple):
    """Something that becomes one journal row; sorted by instant, then by place in the files."""

    at: int
    place: int
    kind: JournalKind
    account: int
    counter: int
    amount: int
    row: Row | None


def open_chart(db: sa.Connection, *, as_of: Instant) -> None:
    """The bank's own accounts, before any customer's."""
    own = {"status": AccountStatus.ACTIVE.value, "overdraft_limit": 0, "opened_at": as_of}
    zero = dict.fromkeys(COUNTERS, 0)
    insert(db, account, [{"key": key, "code": code, **own, **zero} for code, key in CHART.items()])


def post_history(db: sa.Connection, rows: dict[str, list[Row]], keys: Keys, *, as_of: Instant, hold_days: int) -> None:
    """Post every transaction of `rows`, and the opening entries that make the accounts' balances true."""
    events = sorted(_events(rows, keys, as_of=as_of), key=itemgetter(0, 1))
    _Poster(db, as_of=as_of, hold_days=hold_days).post(events)


def _events(rows: dict[str, list[Row]], keys: Keys, *, as_of: Instant) -> Iterator[_Event]:
    first: dict[str, int] = {}
    moved: dict[str, int] = defaultdict(int)
    for place, row in enumerate(rows["transactions"], 1):
        owner = row["account_id"]
        first[owner] = min(first.get(owner, row["booked_at"]), row["booked_at"])
        moved[owner] += sum(amount for _, amount in movements_of(row))
        yield from _events_of(row, place, keys["accounts"][owner])
    for row in rows["accounts"]:
        owner = row["account_id"]
        amount = row["balance"] - moved[owner]
        if amount:
            at = min(row["opened_at"], as_of, first.get(owner, as_of + MILLISECOND) - MILLISECOND)
            key = keys["accounts"][owner]
            yield _Event(at, _OPENED, JournalKind.OPENING, key, CHART["equity.opening"], amount, None)


def _events_of(row: Row, place: int, key: int) -> Iterator[_Event]:
    signed = row["amount"] if row["direction"] == Direction.CREDIT else -row["amount"]
    counter = counter_account(row["channel"])
    kinds = {TransactionStatus.PENDING: JournalKind.HOLD, TransactionStatus.FAILED: JournalKind.FAILED}
    kind = kinds.get(row["status"], JournalKind.MOVEMENT)
    yield _Event(row["booked_at"], place, kind, key, counter, signed, row)
    if row["status"] == TransactionStatus.REVERSED:
        back = row["reversed_at"] or row["booked_at"] + MILLISECOND
        yield _Event(back, place, JournalKind.REVERSAL, key, counter, -signed, row)


class _Poster:
    """Turns events into journal, entry and hold rows, and the accounts' counters."""

    def __init__(self, db: sa.Connection, *, as_of: Instant, hold_days: int) -> None:
        self._db = db
        self._expires_at = as_of + hold_days * DAY
        self._merchants: dict[tuple[str | None, ...], int] = {}
        self._journals: list[dict[str, Any]] = []
        self._entries: list[dict[str, Any]] = []
        self._holds: list[dict[str, Any]] = []
        self._counters: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTERS, 0))
        self._posted_seq: dict[int, int] = {}

    def post(self, events: list[_Event]) -> None:
        previous = GENESIS
        for seq, event in enumerate(events, 1):
            previous = self._journal(seq, event, previous)
            if event.kind is JournalKind.HOLD:
                self._hold(seq, event)
            elif event.kind is JournalKind.FAILED:
                self._entry(seq, event, TransactionStatus.FAILED, None)
            else:
                self._posted(seq, event)
        merchants = [
            {"key": key, "name": name, "category": category, "mcc": mcc}
            for (name, category, mcc), key in self._merchants.items()
        ]
        for table, rows in (
            (merchant, merchants),
            (journal, self._journals),
            (entry, self._entries),
            (hold, self._holds),
        ):
            insert(self._db, table, rows)
        _SET_HEAD.run(self._db, journal_seq=len(events), journal_hash=previous)
        _SET_COUNTERS.run_many(
            self._db,
            [
                {"account": key} | {f"new_{name}": value for name, value in counters.items()}
                for key, counters in sorted(self._counters.items())
            ],
        )

    def _journal(self, seq: int, event: _Event, previous: bytes) -> bytes:
        row = event.row or {}
        legs = [(event.account, event.amount)]
        if event.kind is not JournalKind.FAILED:
            legs.append((event.counter, -event.amount))
        linked = journal_link(previous, seq=seq, at=event.at, kind=event.kind, legs=legs)
        self._journals.append(
            {
                "seq": seq,
                "at": event.at,
                "kind": event.kind,
                "transfer": None,
                "merchant": self._merchant(row),
                "channel": row.get("channel"),
                "reverses": self._posted_seq[event.place] if event.kind is JournalKind.REVERSAL else None,
                "hash": linked,
            }
        )
        return linked

    def _merchant(self, row: Row) -> int | None:
        facts = (row.get("merchant_name"), row.get("merchant_category"), row.get("mcc"))
        return self._merchants.setdefault(facts, len(self._merchants) + 1) if any(facts) else None

    def _posted(self, seq: int, event: _Event) -> None:
        mine, other = self._counters[event.account], self._counters[event.counter]
        amount = abs(event.amount)
        mine["credits_posted" if event.amount > 0 else "debits_posted"] += amount
        other["debits_posted" if event.amount > 0 else "credits_posted"] += amount
        status = TransactionStatus.COMPLETED
        if event.kind is JournalKind.MOVEMENT:
            assert event.row is not None
            self._posted_seq[event.place] = seq
            status = TransactionStatus(event.row["status"])
        self._entry(seq, event, status, mine["credits_posted"] - mine["debits_posted"])
        # The bank's own side of a movement that was taken back is marked alike, as `ledger.reverse` does.
        self._entries.append(_blank_entry(event.counter, seq, -event.amount, status, _reversed_at(event)))

    def _entry(self, seq: int, event: _Event, status: TransactionStatus, balance: int | None) -> None:
        row = event.row
        line = _blank_entry(event.account, seq, event.amount, status, _reversed_at(event)) | {"balance": balance}
        if row is not None:
            back = event.kind is JournalKind.REVERSAL
            line["id"] = reversal_id(row["transaction_id"]) if back else row["transaction_id"]
            line["description"] = (
                f"Reversal: {row['description'] or row['merchant_name'] or 'movement'}" if back else row["description"]
            )
            line["disputed"] = (row["disputed"] or None) if not back else None
            line["extra"] = None if back else row["extra"]
        self._entries.append(line)

    def _hold(self, seq: int, event: _Event) -> None:
        assert event.row is not None
        mine, other = self._counters[event.account], self._counters[event.counter]
        mine["credits_pending" if event.amount > 0 else "debits_pending"] += abs(event.amount)
        other["debits_pending" if event.amount > 0 else "credits_pending"] += abs(event.amount)
        self._entry(seq, event, TransactionStatus.PENDING, None)
        name = event.row["transaction_id"]
        self._holds.append(
            {
                "key": len(self._holds) + 1,
                "id": uuid_text(hashlib.blake2b(f"hold:{name}".encode(), digest_size=16).digest()),
                "account": event.account,
                "counter_account": event.counter,
                "amount": event.amount,
                "status": HoldStatus.ACTIVE.value,
                "description": event.row["description"] or event.row["merchant_name"],
                "placed_at": event.at,
                "expires_at": self._expires_at,
                "seq": seq,
            }
        )


def _reversed_at(event: _Event) -> int | None:
    row = event.row
    if row is None or event.kind is not JournalKind.MOVEMENT or row["status"] != TransactionStatus.REVERSED:
        return None
    return int(row["reversed_at"] or row["booked_at"] + MILLISECOND)


def _blank_entry(key: int, seq: int, amount: int, status: TransactionStatus, reversed_at: int | None) -> dict[str, Any]:
    return {
        "account": key,
        "seq": seq,
        "amount": amount,
        "balance": None,
        "status": status,
        "id": None,
        "description": None,
        "disputed": None,
        "reversed_at": reversed_at,
        "extra": None,
    }
