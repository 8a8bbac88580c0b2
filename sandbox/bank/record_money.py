"""Records that are money: balances and movements are written through the ledger, and what is posted stays as it is.

A changed balance is a movement of its own (channel ADJUSTMENT, against the suspense account). A movement can be told
about (description, dispute, merchant, further fields), not changed.
"""

from typing import Any

import sqlalchemy as sa

from sandbox.bank.chart import CHART, counter_account
from sandbox.bank.ledger import Leg, place_hold, post, post_hold, record_failed, void_hold
from sandbox.bank.movements import Merchant, merchant_key
from sandbox.bank.record_reads import Record, row_of
from sandbox.bank.record_refusals import MovementImmutableError
from sandbox.bank.record_rules import parsed, pointer, reference_keys, require_sound
from sandbox.core.clock import format_instant
from sandbox.core.errors import (
    Fault,
    InsufficientFundsError,
    LimitExceededError,
    RecordInvalidError,
)
from sandbox.core.money import format_fils, money
from sandbox.core.vocabulary import AccountStatus, Direction, HoldStatus, TransactionStatus
from sandbox.store.fields import Row
from sandbox.store.records import COLLECTIONS
from sandbox.store.statement import Statement
from sandbox.store.tables import JournalKind, account, entry, hold, journal
from sandbox.store.types import JsonText
from sandbox.store.work import Work

ADJUSTMENT = "ADJUSTMENT"
"""The channel of the movement that a changed balance posts."""

_TOLD = frozenset({"description", "disputed", "merchant_name", "merchant_category", "mcc"})
"""What may be said anew of a movement; the rest of its known fields are the ledger's."""

_MERCHANT = ("merchant_name", "merchant_category", "mcc")

_STATE = Statement(
    sa.select(
        account.c.customer,
        account.c.status,
        account.c.overdraft_limit,
        account.c.debits_pending,
        (account.c.credits_posted - account.c.debits_posted).label("booked"),
    ).where(account.c.key == sa.bindparam("account"))
)
_SET_STATUS = Statement(
    sa.update(account).where(account.c.key == sa.bindparam("account")).values(status=sa.bindparam("new_status"))
)
_PLACE = Statement(
    sa.select(entry.c.account, entry.c.seq, journal.c.transfer)
    .join(journal, journal.c.seq == entry.c.seq)
    .where(entry.c.id == sa.bindparam("transaction_id"))
)
_TELL = Statement(
    sa.update(entry)
    .where(entry.c.account == sa.bindparam("of_account"), entry.c.seq == sa.bindparam("at_seq"))
    .values(
        description=sa.bindparam("text"),
        disputed=sa.bindparam("contested"),
        extra=sa.bindparam("kept", type_=JsonText),
    )
)
_SET_MERCHANT = Statement(
    sa.update(journal).where(journal.c.seq == sa.bindparam("at_seq")).values(merchant=sa.bindparam("new_merchant"))
)
_HOLD_AT = Statement(
    sa.select(hold.c.id).where(hold.c.account == sa.bindparam("of_account"), hold.c.seq == sa.bindparam("at_seq"))
)


def open_balance(work: Work, key: int, fils: int, status: str) -> None:
    """Put the first money on a new account: an opening entry, whatever its status."""
    if fils:
        legs = (Leg(key, fils), Leg(CHART["equity.opening"], -fils))
        _post_on(work, key, status, kind=JournalKind.OPENING, legs=legs)


def adjust_balance(work: Work, key: int, fils: int, status: str) -> None:
    """Bring an account to `fils` by a movement that says so, whatever its status; leave it with `status`.

    Raises:
        RecordInvalidError: the balance would be less than what is held, or past what can be counted.
    """
    before = _STATE.one(work.db, account=key)
    difference = fils - before.booked
    if difference:
        mine = Leg(key, difference, work.draws.uuid("transaction"), "Balance adjustment")
        other = Leg(counter_account(ADJUSTMENT), -difference)
        _post_on(work, key, status, kind=JournalKind.MOVEMENT, legs=(mine, other), channel=ADJUSTMENT)
        _tell_balance(work, key)
    after = _STATE.one(work.db, account=key)
    if after.booked - after.debits_pending + after.overdraft_limit < 0:
        held = f", and {format_fils(after.debits_pending)} KWD is held" if after.debits_pending else ""
        detail = f"would leave less than nothing available: {format_fils(after.booked)} KWD is booked{held}"
        raise RecordInvalidError([Fault("/balance" if difference else "/overdraft_limit", "rule_broken", detail)])


def create_transaction(work: Work, record: Record) -> str:
    """Post a movement now (COMPLETED), hold it (PENDING) or note that it came to nothing (FAILED); its identifier.

    Raises:
        RecordInvalidError: a field, a reference or a rule is at fault.
        InsufficientFundsError, AccountBlockedError, AccountClosedError, LimitExceededError: see `ledger.post`.
    """
    record = {"status": "COMPLETED", "transaction_id": work.draws.uuid("transaction")} | record
    _require_now(work, record)
    record["booked_at"] = format_instant(work.now)
    row = parsed(COLLECTIONS["transactions"], record)
    if row["status"] == TransactionStatus.REVERSED:
        raise RecordInvalidError(
            [Fault("/status", "not_allowed", "cannot be REVERSED from the start: post it, then reverse its transfer")]
        )
    keys = reference_keys(work, COLLECTIONS["transactions"], row)
    require_sound(work, "transactions", record, row)
    key = keys["accounts"][row["account_id"]]
    signed = row["amount"] if row["direction"] == Direction.CREDIT else -row["amount"]
    leg = Leg(key, signed, row["transaction_id"], row["description"])
    facts = {"channel": row["channel"], "merchant": _merchant(work, row)}
    other = counter_account(row["channel"])
    if row["status"] == TransactionStatus.COMPLETED:
        post(work, kind=JournalKind.MOVEMENT, legs=(leg, Leg(other, -signed)), **facts)
        _tell_movement(work, key, row, signed)
    elif row["status"] == TransactionStatus.PENDING:
        place_hold(work, leg, counter=other, **facts)
    else:
        record_failed(work, leg, **facts)
    _tell(work, row)
    return str(row["transaction_id"])


def change_transaction(work: Work, record_id: str, record: Record, before: Record) -> None:
    """Say other things of a movement; a PENDING one may be settled (COMPLETED) or dropped (FAILED).

    Raises:
        MovementImmutableError: its money was to be changed.
        RecordInvalidError: a field or a rule is at fault.
    """
    row = parsed(COLLECTIONS["transactions"], record)
    was = parsed(COLLECTIONS["transactions"], before)
    changed = [field.name for field in COLLECTIONS["transactions"].fields if row[field.name] != was[field.name]]
    place = _PLACE.one(work.db, transaction_id=record_id)
    resolves = was["status"] == TransactionStatus.PENDING and row["status"] in {
        TransactionStatus.COMPLETED,
        TransactionStatus.FAILED,
    }
    fixed = [name for name in changed if name not in _TOLD and not (name == "status" and resolves)]
    if fixed:
        raise immutable(work, record_id, fixed)
    shared = [name for name in changed if name in _MERCHANT and place.transfer is not None]
    if shared:
        detail = "belongs to a transfer, which is between accounts: it has no merchant"
        raise RecordInvalidError([Fault(pointer(name), "not_allowed", detail) for name in shared])
    require_sound(work, "transactions", record, row)
    if any(name in _MERCHANT for name in changed):
        _SET_MERCHANT.run(work.db, at_seq=place.seq, new_merchant=_merchant(work, row))
    if "status" in changed:
        held = _HOLD_AT.one(work.db, of_account=place.account, at_seq=place.seq).id
        if row["status"] == TransactionStatus.COMPLETED:
            post_hold(work, held)
            signed = row["amount"] if row["direction"] == Direction.CREDIT else -row["amount"]
            _tell_movement(work, place.account, row, signed)
        else:
            void_hold(work, held, outcome=HoldStatus.VOIDED)
    _tell(work, row)


def immutable(work: Work, record_id: str, fields: list[str]) -> MovementImmutableError:
    """The refusal to change or delete a movement."""
    found = row_of(work.db, "transactions", record_id)
    assert found is not None
    pending = found.status == TransactionStatus.PENDING
    return MovementImmutableError(record_id, fields, transfer_id=found.transfer_id, pending=pending)


def _require_now(work: Work, record: Record) -> None:
    """Refuse what only a movement of the past could have: the ledger goes on in order of time."""
    faults = []
    now = format_instant(work.now)
    if record.get("booked_at") not in (None, now):
        detail = f"a new movement is booked now, {now}; leave it out"
        faults.append(Fault("/booked_at", "not_allowed", detail))
    faults += [
        Fault(pointer(name), "not_allowed", "belongs to what the bank itself has done; leave it out")
        for name in ("reversed_at", "reversal_description", "transfer_id")
        if record.get(name) is not None
    ]
    if faults:
        raise RecordInvalidError(faults)


def _post_on(work: Work, key: int, status: str, **facts: Any) -> None:
    """Post on an account that need not be ACTIVE: staff may set what is on it."""
    _SET_STATUS.run(work.db, account=key, new_status=AccountStatus.ACTIVE.value)
    try:
        post(work, **facts)
    except (InsufficientFundsError, LimitExceededError) as refusal:
        raise RecordInvalidError([Fault("/balance", "rule_broken", refusal.detail)]) from None
    _SET_STATUS.run(work.db, account=key, new_status=status)


def _merchant(work: Work, row: Row) -> int | None:
    """The key of the merchant that a movement names, if it does."""
    named = Merchant(*(row[name] for name in _MERCHANT))
    return merchant_key(work, named) if any(named) else None


def _tell(work: Work, row: Row) -> None:
    """Keep what is said of a movement beside its money."""
    place = _PLACE.one(work.db, transaction_id=row["transaction_id"])
    facts = {"text": row["description"], "contested": row["disputed"] or None, "kept": row["extra"]}
    _TELL.run(work.db, of_account=place.account, at_seq=place.seq, **facts)


def _tell_movement(work: Work, key: int, row: Row, signed: int) -> None:
    """The events of a movement, as the bank plane sends them."""
    facts = {"account_id": row["account_id"], "transaction_id": row["transaction_id"], "amount": money(abs(signed))}
    customer = _STATE.one(work.db, account=key).customer
    work.emit("payment_received" if signed > 0 else "payment_sent", customer=customer, account=key, data=facts)
    _tell_balance(work, key)


def _tell_balance(work: Work, key: int) -> None:
    state = _STATE.one(work.db, account=key)
    row = work.db.execute(sa.select(account.c.id).where(account.c.key == key)).one()
    data = {"account_id": row.id, "booked": money(state.booked)}
    work.emit("balance_update", customer=state.customer, account=key, data=data)
