"""Bulk posting: the whole history of an ecosystem onto the ledger at once, by the rules of `ledger`.

An account opens with its balance minus its completed movements; a REVERSED row is an entry and its exact reversal;
a PENDING row is a hold; a FAILED row counts nowhere. The two sides of a transfer are one journal again, and a hold
that came to its end has both its journals. The rows were checked before; what is asserted here cannot be false.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from operator import attrgetter, itemgetter
from typing import Any

import msgspec
import sqlalchemy as sa

from sandbox.bank.chart import CHART, FIRST_CUSTOMER_KEY, counter_account
from sandbox.bank.ledger import journal_link, reversal_id
from sandbox.core.chain import GENESIS
from sandbox.core.clock import DAY, MILLISECOND, NEVER, Instant
from sandbox.core.ids import uuid_text
from sandbox.core.vocabulary import AccountStatus, Direction, HoldStatus, TransactionStatus
from sandbox.store.checking import movements_of
from sandbox.store.checking_runtime import sides_of_transfers
from sandbox.store.fields import Row
from sandbox.store.filling import Keys, columns, insert
from sandbox.store.reading import derived_reversal_text
from sandbox.store.records import RUNTIME_COLLECTIONS
from sandbox.store.statement import Statement
from sandbox.store.tables import COUNTERS, JournalKind, account, entry, hold, journal, merchant, root, transfer

_SET_COUNTERS = Statement(
    sa.update(account)
    .where(account.c.key == sa.bindparam("account"))
    .values({name: sa.bindparam(f"new_{name}") for name in COUNTERS})
)
_SET_HEAD = Statement(
    sa.update(root).values(journal_seq=sa.bindparam("journal_seq"), journal_hash=sa.bindparam("journal_hash"))
)
_AT_ONCE = 5_000
"""How many journals are posted before they go to the database: a long history needs no more memory than these."""

_OPENED = 0
"""Sorts openings before every other event of the same instant."""


class _Side(msgspec.Struct, frozen=True, gc=False):
    """What an event does to one account; `row` is the customer's movement, none on the bank's own side."""

    account: int
    amount: int
    row: Row | None = None


class _Event(msgspec.Struct, frozen=True, gc=False):
    """Something that becomes one journal row; sorted by instant, then by place in the files.

    `row` is the movement that it comes from, or the account that opens. What it does to which account is told when it
    is posted (`_Story.sides`): a million events are kept, and their sides would take four times the memory.
    """

    at: int
    place: int
    kind: JournalKind
    row: Row
    transfer: str | None = None
    hold: Row | None = None


def open_chart(db: sa.Connection, *, as_of: Instant) -> None:
    """The bank's own accounts, before any customer's."""
    own = {"status": AccountStatus.ACTIVE.value, "overdraft_limit": 0, "opened_at": as_of}
    zero = dict.fromkeys(COUNTERS, 0)
    insert(db, account, [{"key": key, "code": code, **own, **zero} for code, key in CHART.items()])


def post_history(db: sa.Connection, rows: dict[str, list[Row]], keys: Keys, *, as_of: Instant, hold_days: int) -> None:
    """Post every transaction of `rows` with its transfer or hold, and the openings that make all balances true."""
    story = _Story(rows, keys, as_of=as_of, expires_at=as_of + hold_days * DAY)
    _Poster(db, rows, keys, story).post(sorted(story.events(), key=attrgetter("at", "place")))


class _Story:
    """The events that the rows of an ecosystem tell of."""

    def __init__(self, rows: dict[str, list[Row]], keys: Keys, *, as_of: Instant, expires_at: int) -> None:
        self._rows = rows
        self._accounts = keys["accounts"]
        self._as_of = as_of
        self._expires_at = expires_at
        self._transfer_sides = sides_of_transfers(rows)
        self._holds = {row["transaction_id"]: row for row in rows["holds"]}
        self._opened_with: dict[str, int] = {}

    def events(self) -> Iterator[_Event]:
        """Every event, in the order of the files."""
        first: dict[str, int] = {}
        moved: dict[str, int] = defaultdict(int)
        for place, row in enumerate(self._rows["transactions"], 1):
            owner = row["account_id"]
            if row["booked_at"] < first.get(owner, NEVER):
                first[owner] = row["booked_at"]
            for _, amount in movements_of(row):
                moved[owner] += amount
            yield from self._events_of(row, place)
        for row in self._rows["accounts"]:
            owner = row["account_id"]
            amount = row["balance"] - moved[owner]
            if amount:
                self._opened_with[owner] = amount
                at = min(row["opened_at"], self._as_of, first.get(owner, self._as_of + MILLISECOND) - MILLISECOND)
                yield _Event(at, _OPENED, JournalKind.OPENING, row)

    def sides(self, event: _Event) -> tuple[_Side, ...]:
        """What an event of this story does to which account, the customer's first."""
        row = event.row
        if event.kind is JournalKind.OPENING:
            amount = self._opened_with[row["account_id"]]
            return _Side(self._accounts[row["account_id"]], amount), _Side(CHART["equity.opening"], -amount)
        if event.kind is JournalKind.FAILED:
            return (self._side(row, row["amount"]),)
        if event.transfer is not None:
            found = tuple(self._side(side, side["amount"]) for side in self._transfer_sides[event.transfer])
        else:
            held = event.hold if event.kind is JournalKind.HOLD else None
            mine = self._side(row, row["amount"] if held is None else held["amount"])
            found = mine, _Side(counter_account(row["channel"]), -mine.amount)
        if event.kind is JournalKind.REVERSAL:
            return tuple(_Side(side.account, -side.amount, side.row) for side in found)
        return found

    def _events_of(self, row: Row, place: int) -> Iterator[_Event]:
        hold = self._hold_of(row)
        if row["transfer_id"] is not None:
            if row is self._transfer_sides[row["transfer_id"]][0]:  # the other side comes with it
                yield from _posted(row, place, JournalKind.TRANSFER, transfer=row["transfer_id"])
        elif hold is not None:
            yield _Event(hold["placed_at"], place, JournalKind.HOLD, row, hold=hold)
            if hold["status"] == HoldStatus.POSTED:
                yield from _posted(row, place, JournalKind.CLEARING, hold=hold)
        elif row["status"] == TransactionStatus.FAILED:
            yield _Event(row["booked_at"], place, JournalKind.FAILED, row)
        else:
            yield from _posted(row, place, JournalKind.MOVEMENT)

    def _hold_of(self, row: Row) -> Row | None:
        """The hold of a movement; a PENDING one without a record has one that the bank makes up."""
        if row["status"] != TransactionStatus.PENDING:
            return self._holds.get(row["transaction_id"])
        name = row["transaction_id"]
        return self._holds.get(name) or {
            "hold_id": uuid_text(hashlib.blake2b(f"hold:{name}".encode(), digest_size=16).digest()),
            "amount": row["amount"],
            "status": HoldStatus.ACTIVE.value,
            "description": row["description"] or row["merchant_name"],
            "placed_at": row["booked_at"],
            "expires_at": self._expires_at,
            "resolved_at": None,
            "extra": None,
        }

    def _side(self, row: Row, unsigned: int) -> _Side:
        signed = unsigned if row["direction"] == Direction.CREDIT else -unsigned
        return _Side(self._accounts[row["account_id"]], signed, row)


def _posted(
    row: Row, place: int, kind: JournalKind, *, transfer: str | None = None, hold: Row | None = None
) -> Iterator[_Event]:
    """A movement that counts and, where it was taken back, what took it back."""
    yield _Event(row["booked_at"], place, kind, row, transfer, hold)
    if row["status"] == TransactionStatus.REVERSED:
        yield _Event(_reversal_time(row), place, JournalKind.REVERSAL, row, transfer)


class _Poster:
    """Turns events into journal, entry, hold and transfer rows, and the accounts' counters."""

    def __init__(self, db: sa.Connection, rows: dict[str, list[Row]], keys: Keys, story: _Story) -> None:
        self._db = db
        self._rows = rows
        self._keys = keys
        self._story = story
        self._merchants: dict[tuple[str | None, ...], int] = {}
        self._new_merchants: list[dict[str, Any]] = []
        self._journals: list[dict[str, Any]] = []
        self._entries: list[dict[str, Any]] = []
        self._holds: dict[int, dict[str, Any]] = {}
        self._counters: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTERS, 0))
        self._reversed_seq: dict[int, int] = {}

    def post(self, events: list[_Event]) -> None:
        insert(self._db, transfer, self._transfers(events))
        previous = GENESIS
        for seq, event in enumerate(events, 1):
            sides = self._story.sides(event)
            previous = self._journal(seq, event, sides, previous)
            if event.kind is JournalKind.HOLD:
                self._hold(seq, event, sides)
            elif event.kind is JournalKind.FAILED:
                self._entries.append(_entry(sides[0], seq, TransactionStatus.FAILED))
            else:
                self._posted(seq, event, sides)
            if seq % _AT_ONCE == 0:
                self._flush()
        self._flush()
        insert(self._db, hold, sorted(self._holds.values(), key=itemgetter("key")))
        _SET_HEAD.run(self._db, journal_seq=len(events), journal_hash=previous)
        _SET_COUNTERS.run_many(
            self._db,
            [
                {"account": key} | {f"new_{name}": value for name, value in counters.items()}
                for key, counters in sorted(self._counters.items())
            ],
        )

    def _flush(self) -> None:
        """Write what was posted since the last time, in the order in which the rows refer to each other."""
        for table, rows in ((merchant, self._new_merchants), (journal, self._journals), (entry, self._entries)):
            insert(self._db, table, rows)
            rows.clear()

    def _journal(self, seq: int, event: _Event, sides: tuple[_Side, ...], previous: bytes) -> bytes:
        row = sides[0].row or {}
        back = event.kind is JournalKind.REVERSAL
        if back and event.transfer is not None:
            row = {}  # as `ledger.reverse` does: what takes a transfer back came through no channel
        legs = [(side.account, side.amount) for side in sides]
        linked = journal_link(previous, seq=seq, at=event.at, kind=event.kind, legs=legs)
        self._journals.append(
            {
                "seq": seq,
                "at": event.at,
                "kind": event.kind,
                "transfer": None if event.transfer is None else self._keys["transfers"][event.transfer],
                "merchant": self._merchant(row),
                "channel": row.get("channel"),
                "reverses": self._reversed_seq[event.place] if back else None,
                "hash": linked,
            }
        )
        return linked

    def _merchant(self, row: Row) -> int | None:
        facts = name, category, mcc = row.get("merchant_name"), row.get("merchant_category"), row.get("mcc")
        if not any(facts):
            return None
        key = self._merchants.get(facts)
        if key is None:
            key = self._merchants[facts] = len(self._merchants) + 1
            self._new_merchants.append({"key": key, "name": name, "category": category, "mcc": mcc})
        return key

    def _transfers(self, events: list[_Event]) -> list[dict[str, Any]]:
        moved_by = {
            event.transfer: seq
            for seq, event in enumerate(events, 1)
            if event.transfer is not None and event.kind is JournalKind.TRANSFER
        }
        collection = RUNTIME_COLLECTIONS["transfers"]
        return [
            columns(collection, row, self._keys) | {"seq": moved_by.get(row["transfer_id"])}
            for row in self._rows["transfers"]
        ]

    def _posted(self, seq: int, event: _Event, sides: tuple[_Side, ...]) -> None:
        status, reversed_at = TransactionStatus.COMPLETED.value, None
        back = event.kind is JournalKind.REVERSAL
        cause = sides[0].row
        if cause is not None and not back:
            status = cause["status"]
            if status == TransactionStatus.REVERSED:
                self._reversed_seq[event.place] = seq
                reversed_at = _reversal_time(cause)
            if event.hold is not None:
                self._holds[event.place] |= {"resolved_seq": seq, "posted_amount": sides[0].amount}
        for side in sides:
            counters = self._counters[side.account]
            counters["credits_posted" if side.amount > 0 else "debits_posted"] += abs(side.amount)
            line = _entry(side, seq, status, back=back)
            # The bank's own side of a movement that was taken back is marked alike, as `ledger.reverse` does.
            line["reversed_at"] = reversed_at
            if side.account >= FIRST_CUSTOMER_KEY:
                line["balance"] = counters["credits_posted"] - counters["debits_posted"]
            self._entries.append(line)

    def _hold(self, seq: int, event: _Event, sides: tuple[_Side, ...]) -> None:
        mine, other = sides
        held = event.hold
        assert held is not None
        if held["status"] == HoldStatus.ACTIVE:
            for side in sides:
                pending = "credits_pending" if side.amount > 0 else "debits_pending"
                self._counters[side.account][pending] += abs(side.amount)
        if held["status"] != HoldStatus.POSTED:  # a posted one took its entry along
            self._entries.append(_entry(mine, seq, event.row["status"]))
        known = self._keys["holds"]
        made_up = held["hold_id"] not in known
        self._holds[event.place] = {
            "key": len(known) + len(self._holds) + 1 if made_up else known[held["hold_id"]],
            "id": held["hold_id"],
            "account": mine.account,
            "counter_account": other.account,
            "amount": mine.amount,
            "status": held["status"],
            "description": held["description"],
            "placed_at": event.at,
            "expires_at": held["expires_at"],
            "resolved_at": held["resolved_at"],
            "seq": seq,
            "resolved_seq": None,
            "posted_amount": None,
            "extra": held["extra"],
        }


def _reversal_time(row: Row) -> int:
    return int(row["reversed_at"] or row["booked_at"] + MILLISECOND)


def _entry(side: _Side, seq: int, status: str, *, back: bool = False) -> dict[str, Any]:
    line: dict[str, Any] = {
        "account": side.account,
        "seq": seq,
        "amount": side.amount,
        "status": status,
        "balance": None,
        "id": None,
        "description": None,
        "disputed": None,
        "reversed_at": None,
        "extra": None,
    }
    row = side.row
    if row is None:
        return line
    line["id"] = row["transaction_id"]
    if not back:
        line["description"] = row["description"]
        line["disputed"] = row["disputed"] or None
        line["extra"] = row["extra"]
        return line
    line["id"] = reversal_id(row["transaction_id"])
    line["description"] = row["reversal_description"]
    if line["description"] is None:
        line["description"] = derived_reversal_text(row["description"], row["merchant_name"])
    return line
