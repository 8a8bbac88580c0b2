"""Cash: deposits and withdrawals on accounts of one's own."""

import json
from typing import Any

import pytest
from bankside import (
    ARJUN_CURRENT,
    FATIMA_CURRENT,
    FATIMA_FROZEN,
    FATIMA_SAVINGS,
    audited,
    available,
    booked,
    key_of,
    rows_of,
    seen_by,
    sql,
)
from support import broken_invariants, sign_in

from sandbox.bank.access import Actor
from sandbox.bank.cash import NewCashMovement, deposit, withdraw
from sandbox.bank.chart import CHART
from sandbox.bank.transactions import get_transaction
from sandbox.core.clock import format_instant, local_date
from sandbox.core.errors import (
    AccountBlockedError,
    AccountClosedError,
    InsufficientFundsError,
    LimitExceededError,
    NotFoundError,
)
from sandbox.core.money import MAX_FILS, OrderAmount, format_fils
from sandbox.core.vocabulary import Channel, Direction, TransactionStatus
from sandbox.sandboxes.root import StateRoot
from sandbox.store.tables import journal, outbox


@pytest.fixture
def fatima(root: StateRoot) -> Actor:
    return sign_in(root)


def cash(account_id: str, fils: int, **more: Any) -> NewCashMovement:
    """An order over cash."""
    amount = OrderAmount(amount=format_fils(fils), currency="KWD")
    return NewCashMovement(account_id=account_id, amount=amount, **more)


def test_a_deposit_adds_to_the_account_and_answers_with_its_transaction(root: StateRoot, fatima: Actor) -> None:
    made = root.write(deposit, fatima, cash(FATIMA_CURRENT, 12_750, reference="Eidiya"))
    assert booked(root, FATIMA_CURRENT) == 2_560_190
    assert (made.direction, made.amount.amount, made.status) == (
        Direction.CREDIT,
        "12.750",
        TransactionStatus.COMPLETED,
    )
    assert made.balance_after is not None
    assert made.balance_after.amount == "2560.190"
    assert (made.description, made.channel) == ("Cash deposit: Eidiya", "branch")
    assert (made.booked_at, made.booking_date) == (format_instant(root.now), local_date(root.now))
    assert audited(root)[-1] == "DEPOSIT_MADE"
    assert broken_invariants(root) == []


def test_a_withdrawal_takes_from_the_account(root: StateRoot, fatima: Actor) -> None:
    made = root.write(withdraw, fatima, cash(FATIMA_CURRENT, 20_000, channel=Channel.ATM))
    assert booked(root, FATIMA_CURRENT) == 2_527_440
    assert (made.direction, made.description, made.channel) == (Direction.DEBIT, "Cash withdrawal", "atm")
    assert audited(root)[-1] == "WITHDRAWAL_MADE"
    assert broken_invariants(root) == []


@pytest.mark.parametrize("move", [deposit, withdraw], ids=["in", "out"])
@pytest.mark.parametrize("channel", list(Channel))
def test_the_answer_is_the_transaction_as_it_is_read_later(
    root: StateRoot, fatima: Actor, move: Any, channel: Channel
) -> None:
    made = root.write(move, fatima, cash(FATIMA_CURRENT, 1, channel=channel, reference="خاص"))
    assert root.read(get_transaction, fatima, made.transaction_id) == made
    assert seen_by(root, fatima)[0] == made


@pytest.mark.parametrize(
    ("channel", "code"),
    [(Channel.BRANCH, "cash.vault"), (Channel.ATM, "cash.atm"), (Channel.CDM, "cash.atm")],
)
def test_cash_comes_from_where_it_is_kept(root: StateRoot, fatima: Actor, channel: Channel, code: str) -> None:
    root.write(withdraw, fatima, cash(FATIMA_CURRENT, 5_000, channel=channel))
    legs = dict(sql(root, "SELECT account, amount FROM entry WHERE seq = (SELECT max(seq) FROM journal)"))
    assert legs == {key_of(root, FATIMA_CURRENT): -5_000, CHART[code]: 5_000}


def test_no_more_is_paid_out_than_is_available(root: StateRoot, fatima: Actor) -> None:
    whole = available(root, FATIMA_CURRENT)
    with pytest.raises(InsufficientFundsError) as refused:
        root.write(withdraw, fatima, cash(FATIMA_CURRENT, whole + 1))
    assert refused.value.facts["available"].amount == format_fils(whole)
    root.write(withdraw, fatima, cash(FATIMA_CURRENT, whole))
    assert available(root, FATIMA_CURRENT) == 0


def test_a_refusal_leaves_an_audit_line_and_nothing_else(root: StateRoot, fatima: Actor) -> None:
    before = rows_of(root, journal), rows_of(root, outbox)
    with pytest.raises(InsufficientFundsError):
        root.write(withdraw, fatima, cash(FATIMA_CURRENT, MAX_FILS))
    with pytest.raises(LimitExceededError):
        root.write(deposit, fatima, cash(FATIMA_CURRENT, MAX_FILS))
    assert audited(root)[-2:] == ["WITHDRAWAL_REFUSED", "DEPOSIT_REFUSED"]
    assert (rows_of(root, journal), rows_of(root, outbox)) == before
    assert broken_invariants(root) == []


@pytest.mark.parametrize("move", [deposit, withdraw], ids=["in", "out"])
def test_blocked_and_closed_accounts_take_part_in_nothing(root: StateRoot, fatima: Actor, move: Any) -> None:
    with pytest.raises(AccountBlockedError):
        root.write(move, fatima, cash(FATIMA_FROZEN, 1))
    sql(root, "UPDATE account SET status = 'closed' WHERE \"key\" = ?", key_of(root, FATIMA_SAVINGS))
    with pytest.raises(AccountClosedError):
        root.write(move, fatima, cash(FATIMA_SAVINGS, 1))


@pytest.mark.parametrize("move", [deposit, withdraw], ids=["in", "out"])
@pytest.mark.parametrize("account_id", [ARJUN_CURRENT, "nobody's"])
def test_a_foreign_account_is_not_found_and_leaves_no_trace(
    root: StateRoot, fatima: Actor, move: Any, account_id: str
) -> None:
    before = root.write_number
    with pytest.raises(NotFoundError):
        root.write(move, fatima, cash(account_id, 1))
    assert root.write_number == before


def test_a_movement_tells_its_owner(root: StateRoot, fatima: Actor) -> None:
    made = root.write(deposit, fatima, cash(FATIMA_CURRENT, 1_000))
    root.write(withdraw, fatima, cash(FATIMA_CURRENT, 500))
    found = [(kind, json.loads(data)) for kind, data in sql(root, "SELECT type, data FROM outbox ORDER BY seq")]
    assert [kind for kind, _ in found] == ["payment_received", "balance_update", "payment_sent", "balance_update"]
    assert found[0][1]["transaction_id"] == made.transaction_id
    assert [data["booked"]["amount"] for _, data in found if "booked" in data] == ["2548.440", "2547.940"]
    assert set(sql(root, "SELECT customer, account FROM outbox")) == {(fatima.customer, key_of(root, FATIMA_CURRENT))}


@pytest.mark.parametrize("move", [deposit, withdraw], ids=["in", "out"])
def test_a_rehearsal_says_what_would_be_and_leaves_nothing(root: StateRoot, fatima: Actor, move: Any) -> None:
    before = root.write_number, rows_of(root, journal), rows_of(root, outbox), audited(root)
    said = root.rehearse(move, fatima, cash(FATIMA_CURRENT, 1_000))
    made = root.write(move, fatima, cash(FATIMA_CURRENT, 1_000))
    assert said.balance_after == made.balance_after
    sql(root, "DELETE FROM outbox")
    assert before[0] + 1 == root.write_number
    assert (before[1] + 1, audited(root)[:-1]) == (rows_of(root, journal), before[3])
