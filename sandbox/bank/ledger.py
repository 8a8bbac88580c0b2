"""The ledger: every movement is a journal whose entries sum to zero; balances are counters that fold from the entries.

Semantics follow TigerBeetle's two-phase transfers: a pending movement reserves, and is posted, voided or expires
exactly once. The rules that guard money stand here and nowhere else: only ACTIVE accounts move, nothing goes below
its overdraft limit, nothing is reversed twice. Not for: who may order what.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from sandbox.core.chain import link
from sandbox.core.clock import DAY, Instant
from sandbox.core.errors import (
    AccountBlockedError,
    AccountClosedError,
    AlreadyReversedError,
    HoldResolvedError,
    InsufficientFundsError,
    LimitExceededError,
    NotFoundError,
)
from sandbox.core.ids import uuid_text
from sandbox.core.money import MAX_FILS, money
from sandbox.core.vocabulary import AccountStatus, HoldStatus, TransactionStatus
from sandbox.store.statement import Statement
from sandbox.store.tables import JournalKind, account, entry, hold, journal
from sandbox.store.types import JsonText
from sandbox.store.work import Work

_COUNTER_LIMIT = 2**62
"""Counters are 64-bit integers; SQLite would turn an overflow into a float without a word."""


class Leg(NamedTuple):
    """One side of a movement: `amount` in fils, positive where it adds to the account (a credit)."""

    account: int
    amount: int
    id: str | None = None
    description: str | None = None


class Posting(NamedTuple):
    """What was posted: its place in the journal, and the booked balances after it by account key."""

    seq: int
    at: Instant
    balances: dict[int, int]


_ADD_JOURNAL = Statement(sa.insert(journal), "seq", "at", "kind", "transfer", "merchant", "channel", "reverses", "hash")
_ADD_ENTRY = Statement(sa.insert(entry), "account", "seq", "amount", "balance", "status", "id", "description")
_GUARDED = (
    account.c.code,
    account.c.status,
    account.c.overdraft_limit,
    account.c.debits_pending,
    account.c.debits_posted,
    account.c.credits_pending,
    account.c.credits_posted,
)
"""What `_guard` looks at after a change."""
_MOVE = Statement(
    sa.update(account)
    .where(account.c.key == sa.bindparam("account"))
    .values(
        debits_posted=account.c.debits_posted + sa.bindparam("debit"),
        credits_posted=account.c.credits_posted + sa.bindparam("credit"),
    )
    .returning(*_GUARDED)
)
_RESERVE = Statement(
    sa.update(account)
    .where(account.c.key == sa.bindparam("account"))
    .values(
        debits_pending=account.c.debits_pending + sa.bindparam("debit"),
        credits_pending=account.c.credits_pending + sa.bindparam("credit"),
    )
    .returning(*_GUARDED)
)
_LEGS_OF = Statement(
    sa.select(entry.c.account, entry.c.amount, entry.c.id, entry.c.status)
    .where(entry.c.seq == sa.bindparam("seq"))
    .order_by(entry.c.account)
)
_MARK_REVERSED = Statement(
    sa.update(entry)
    .where(entry.c.seq == sa.bindparam("at_seq"))
    .values(status=TransactionStatus.REVERSED, reversed_at=sa.bindparam("at"))
)
_ADD_HOLD = Statement(
    sa.insert(hold),
    "id",
    "account",
    "counter_account",
    "amount",
    "status",
    "description",
    "placed_at",
    "expires_at",
    "seq",
)
_HOLD = Statement(
    sa.select(
        hold.c.key, hold.c.account, hold.c.counter_account, hold.c.amount, hold.c.status, hold.c.seq, hold.c.description
    ).where(hold.c.id == sa.bindparam("hold_id"))
)
_RESOLVE_HOLD = Statement(
    sa.update(hold)
    .where(hold.c.key == sa.bindparam("hold_key"))
    .values(
        status=sa.bindparam("new_status"),
        resolved_at=sa.bindparam("at"),
        resolved_seq=sa.bindparam("posted_seq"),
        posted_amount=sa.bindparam("posted"),
    )
)
_EXPIRED_HOLDS = Statement(
    sa.select(hold.c.id)
    .where(hold.c.status == HoldStatus.ACTIVE.value, hold.c.expires_at <= sa.bindparam("at"))
    .order_by(hold.c.expires_at, hold.c.key)
)
_NEXT_HOLD_EXPIRY = Statement(
    sa.select(sa.func.min(hold.c.expires_at).label("at")).where(hold.c.status == HoldStatus.ACTIVE.value)
)
_PENDING_ENTRY = Statement(
    sa.select(entry.c.id, entry.c.description, entry.c.disputed, entry.c.extra).where(
        entry.c.account == sa.bindparam("of_account"), entry.c.seq == sa.bindparam("at_seq")
    )
)
_FAIL_ENTRY = Statement(
    sa.update(entry)
    .where(entry.c.account == sa.bindparam("of_account"), entry.c.seq == sa.bindparam("at_seq"))
    .values(status=TransactionStatus.FAILED)
)
_CARRY_OVER = Statement(
    sa.update(entry)
    .where(entry.c.account == sa.bindparam("of_account"), entry.c.seq == sa.bindparam("at_seq"))
    .values(disputed=sa.bindparam("was_disputed"), extra=sa.bindparam("kept", type_=JsonText))
)
_DROP_ENTRY = Statement(
    sa.delete(entry).where(entry.c.account == sa.bindparam("of_account"), entry.c.seq == sa.bindparam("at_seq"))
)
_JOURNAL_FACTS = Statement(
    sa.select(journal.c.merchant, journal.c.channel).where(journal.c.seq == sa.bindparam("at_seq"))
)


def post(
    work: Work,
    *,
    kind: JournalKind,
    legs: Sequence[Leg],
    transfer: int | None = None,
    merchant: int | None = None,
    channel: str | None = None,
    reverses: int | None = None,
) -> Posting:
    """Post a movement: one journal row, one entry a leg, the counters of every account.

    Raises:
        AccountBlockedError, AccountClosedError: a customer's account among the legs is not ACTIVE.
        InsufficientFundsError: a leg would take more than is available.
        LimitExceededError: a balance would go past what the bank can count.
    """
    assert sum(leg.amount for leg in legs) == 0, "debits must equal credits"
    assert len({leg.account for leg in legs}) == len(legs), "an account stands once in a journal"
    seq = _add_journal(
        work, kind=kind, legs=legs, transfer=transfer, merchant=merchant, channel=channel, reverses=reverses
    )
    balances: dict[int, int] = {}
    entries = []
    for leg in legs:
        row = _MOVE.one(work.db, account=leg.account, debit=max(-leg.amount, 0), credit=max(leg.amount, 0))
        _guard(row, leg.amount)
        balance = row.credits_posted - row.debits_posted
        balances[leg.account] = balance
        entries.append(_entry(seq, leg, TransactionStatus.COMPLETED, None if row.code else balance))
    _ADD_ENTRY.run_many(work.db, entries)
    return Posting(seq, work.now, balances)


def reverse(work: Work, seq: int, *, transfer: int | None, description: str) -> Posting:
    """Take back the journal `seq` exactly, once.

    Raises:
        AlreadyReversedError: it was taken back before.
        InsufficientFundsError and the other guards of `post`.
    """
    originals = _LEGS_OF.all(work.db, seq=seq)
    assert originals, f"journal {seq} has no entries"
    if any(leg.status is not TransactionStatus.COMPLETED for leg in originals):
        raise AlreadyReversedError("The movement has been taken back already; it is reversed at most once.")
    # Who gives the money back comes first, so that too little money is what a refusal is about.
    legs = [
        Leg(leg.account, -leg.amount, reversal_id(leg.id) if leg.id else None, description if leg.id else None)
        for leg in sorted(originals, key=lambda leg: -leg.amount)
    ]
    _MARK_REVERSED.run(work.db, at_seq=seq, at=work.now)
    return post(work, kind=JournalKind.REVERSAL, legs=legs, transfer=transfer, reverses=seq)


def reversal_id(transaction_id: str) -> str:
    """The transaction id of the exact reversal of `transaction_id`: derived, so that a file needs not carry it."""
    return uuid_text(hashlib.blake2b(f"reversal:{transaction_id}".encode(), digest_size=16).digest())


def record_failed(work: Work, leg: Leg, *, channel: str | None = None, merchant: int | None = None) -> int:
    """A movement that was asked for and never happened: a journal with one entry that no balance counts; its seq."""
    seq = _add_journal(work, kind=JournalKind.FAILED, legs=(leg,), merchant=merchant, channel=channel)
    _ADD_ENTRY.run_many(work.db, [_entry(seq, leg, TransactionStatus.FAILED, None)])
    return seq


def place_hold(
    work: Work,
    leg: Leg,
    *,
    counter: int,
    expires_at: int | None = None,
    channel: str | None = None,
    merchant: int | None = None,
) -> str:
    """Reserve `leg` as a PENDING transaction, expiring after the bank's hold time; the id of the hold.

    Raises:
        AccountBlockedError, AccountClosedError, InsufficientFundsError: as for `post`.
    """
    assert leg.amount != 0
    other = Leg(counter, -leg.amount)
    seq = _add_journal(work, kind=JournalKind.HOLD, legs=(leg, other), merchant=merchant, channel=channel)
    _reserve(work, leg, release=False)
    _reserve(work, other, release=False)
    _ADD_ENTRY.run_many(work.db, [_entry(seq, leg, TransactionStatus.PENDING, None)])
    hold_id = work.draws.uuid("hold")
    ends = Instant(work.now + work.rules.hold_days * DAY if expires_at is None else expires_at)
    work.due(ends)
    _ADD_HOLD.run(
        work.db,
        id=hold_id,
        account=leg.account,
        counter_account=counter,
        amount=leg.amount,
        status=HoldStatus.ACTIVE,
        description=leg.description,
        placed_at=work.now,
        expires_at=ends,
        seq=seq,
    )
    return hold_id


def post_hold(work: Work, hold_id: str, *, amount: int | None = None) -> Posting:
    """Post what was held, or the smaller part `amount` of it (unsigned fils); the rest is released.

    Raises:
        NotFoundError: no such hold.
        HoldResolvedError: it was posted, voided or has expired before.
        LimitExceededError: `amount` is more than was held.
    """
    held = _active_hold(work, hold_id)
    posted = abs(held.amount) if amount is None else amount
    if not 0 < posted <= abs(held.amount):
        detail = f"The hold is over {money(abs(held.amount)).amount} KWD; post that or less."
        raise LimitExceededError(detail, held=money(abs(held.amount)), requested=money(posted))
    signed = posted if held.amount > 0 else -posted
    _release(work, held)
    pending = _PENDING_ENTRY.one(work.db, of_account=held.account, at_seq=held.seq)
    facts = _JOURNAL_FACTS.one(work.db, at_seq=held.seq)
    _DROP_ENTRY.run(work.db, of_account=held.account, at_seq=held.seq)
    posting = post(
        work,
        kind=JournalKind.CLEARING,
        legs=(Leg(held.account, signed, pending.id, pending.description), Leg(held.counter_account, -signed)),
        merchant=facts.merchant,
        channel=facts.channel,
    )
    if pending.disputed is not None or pending.extra is not None:
        carried = {"was_disputed": pending.disputed, "kept": pending.extra}
        _CARRY_OVER.run(work.db, of_account=held.account, at_seq=posting.seq, **carried)
    _resolve(work, held, HoldStatus.POSTED, seq=posting.seq, posted=signed)
    return posting


def void_hold(work: Work, hold_id: str, *, outcome: HoldStatus = HoldStatus.VOIDED) -> None:
    """Release what was held; its transaction becomes FAILED.

    Raises:
        NotFoundError: no such hold.
        HoldResolvedError: it was posted, voided or has expired before.
    """
    held = _active_hold(work, hold_id)
    _release(work, held)
    _FAIL_ENTRY.run(work.db, of_account=held.account, at_seq=held.seq)
    _resolve(work, held, outcome)


def next_hold_expiry(work: Work) -> Instant | None:
    """When the next hold expires, or None where none is active."""
    at: Instant | None = _NEXT_HOLD_EXPIRY.one(work.db).at
    return at


def expire_holds(work: Work) -> int:
    """Expire every hold whose time is over; how many there were."""
    due = _EXPIRED_HOLDS.all(work.db, at=work.now)
    for row in due:
        void_hold(work, row.id, outcome=HoldStatus.EXPIRED)
    return len(due)


def next_seq(work: Work) -> int:
    """The place in the journal that the next posting of this work will take."""
    return work.journal_head[0] + 1


def journal_link(previous: bytes, *, seq: int, at: int, kind: str, legs: Sequence[tuple[int, int]]) -> bytes:
    """The chain link of a journal: its immutable facts, legs as (account key, signed fils) in order of account."""
    facts: list[int | str] = [seq, at, kind]
    for key, amount in sorted(legs):
        facts += (key, amount)
    return link(previous, facts)


def require_open(status: str, *, side: str) -> None:
    """Refuse an account that is not ACTIVE; `side` names it in the message ("paying", "receiving").

    Raises:
        AccountClosedError, AccountBlockedError: with the status as a fact.
    """
    if status == AccountStatus.ACTIVE:
        return
    if status == AccountStatus.CLOSED:
        raise AccountClosedError(f"The {side} account is closed; no money moves on it.")
    raise AccountBlockedError(f"The {side} account is {status}; no money moves on it.", account_status=str(status))


def _add_journal(
    work: Work,
    *,
    kind: JournalKind,
    legs: Sequence[Leg],
    transfer: int | None = None,
    merchant: int | None = None,
    channel: str | None = None,
    reverses: int | None = None,
) -> int:
    seq, previous = next_seq(work), work.journal_head[1]
    pairs = [(leg.account, leg.amount) for leg in legs]
    linked = journal_link(previous, seq=seq, at=work.now, kind=kind, legs=pairs)
    _ADD_JOURNAL.run(
        work.db,
        seq=seq,
        at=work.now,
        kind=kind,
        transfer=transfer,
        merchant=merchant,
        channel=channel,
        reverses=reverses,
        hash=linked,
    )
    work.journal_head = seq, linked
    return seq


def _entry(seq: int, leg: Leg, status: TransactionStatus, balance: int | None) -> dict[str, Any]:
    return {
        "account": leg.account,
        "seq": seq,
        "amount": leg.amount,
        "balance": balance,
        "status": status,
        "id": leg.id,
        "description": leg.description,
    }


def _guard(row: Any, amount: int) -> None:
    """Refuse what an account must not do, seen on its row after the movement."""
    if max(row.debits_posted, row.credits_posted, row.debits_pending, row.credits_pending) > _COUNTER_LIMIT:
        raise LimitExceededError("The ledger cannot count that much money.")
    if row.code is not None:
        return
    require_open(row.status, side="receiving" if amount > 0 else "paying")
    booked = row.credits_posted - row.debits_posted
    available = booked - row.debits_pending + row.overdraft_limit
    if amount < 0 and available < 0:
        before = available - amount
        detail = f"{money(before).amount} KWD is available, {money(-amount).amount} is asked for."
        raise InsufficientFundsError(detail, available=money(before), requested=money(-amount))
    if booked > MAX_FILS:
        raise LimitExceededError(f"No account holds more than {money(MAX_FILS).amount} KWD.")


def _reserve(work: Work, leg: Leg, *, release: bool) -> None:
    debit, credit = max(-leg.amount, 0), max(leg.amount, 0)
    if release:
        debit, credit = -debit, -credit
    row = _RESERVE.one(work.db, account=leg.account, debit=debit, credit=credit)
    if not release:
        _guard(row, leg.amount)


def _release(work: Work, held: Any) -> None:
    _reserve(work, Leg(held.account, held.amount), release=True)
    _reserve(work, Leg(held.counter_account, -held.amount), release=True)


def _active_hold(work: Work, hold_id: str) -> Any:
    held = _HOLD.first(work.db, hold_id=hold_id)
    if held is None:
        raise NotFoundError(f"There is no hold {hold_id}.")
    if held.status != HoldStatus.ACTIVE:
        raise HoldResolvedError(f"The hold is {held.status} already.", hold_status=str(held.status))
    return held


def _resolve(work: Work, held: Any, status: HoldStatus, *, seq: int | None = None, posted: int | None = None) -> None:
    _RESOLVE_HOLD.run(work.db, hold_key=held.key, new_status=status.value, at=work.now, posted_seq=seq, posted=posted)
