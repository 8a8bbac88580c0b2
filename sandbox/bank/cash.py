"""Deposits and withdrawals: cash at a branch or a machine, on an account of one's own."""

from typing import Annotated, Any

import msgspec

from sandbox.bank.access import Actor, spendable_account
from sandbox.bank.chart import counter_account
from sandbox.bank.ledger import Leg, post
from sandbox.bank.transactions import TransactionView
from sandbox.core.clock import format_instant, local_date
from sandbox.core.money import OrderAmount, money
from sandbox.core.vocabulary import Channel, Direction, TransactionStatus, in_files
from sandbox.store.tables import JournalKind
from sandbox.store.work import Work


class NewCashMovement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order to pay cash in or take it out."""

    account_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64, description="one of your accounts")]
    amount: OrderAmount
    channel: Annotated[Channel, msgspec.Meta(description="where; `branch` by default")] = Channel.BRANCH
    reference: Annotated[str, msgspec.Meta(max_length=140, description="your own text", examples=["Eidiya"])] | None = (
        None
    )


def deposit(work: Work, actor: Actor, order: NewCashMovement) -> TransactionView:
    """Pay cash in.

    Raises:
        NotFoundError: no account of the actor.
        AccountBlockedError, AccountClosedError, LimitExceededError: see `ledger.post`.
    """
    return _move(work, actor, order, kind=JournalKind.DEPOSIT)


def withdraw(work: Work, actor: Actor, order: NewCashMovement) -> TransactionView:
    """Take cash out.

    Raises:
        NotFoundError: no account of the actor.
        InsufficientFundsError, AccountBlockedError, AccountClosedError: see `ledger.post`.
    """
    return _move(work, actor, order, kind=JournalKind.WITHDRAWAL)


def _move(work: Work, actor: Actor, order: NewCashMovement, *, kind: JournalKind) -> TransactionView:
    row = spendable_account(work, actor, order.account_id)
    amount = order.amount.fils
    paid_in = kind is JournalKind.DEPOSIT
    work.survive(_leave_refusal, actor, row.id, kind)
    transaction_id = work.draws.uuid("transaction")
    words = "Cash deposit" if paid_in else "Cash withdrawal"
    description = f"{words}: {order.reference}" if order.reference else words
    signed = amount if paid_in else -amount
    channel = in_files(order.channel)
    other = Leg(counter_account(channel), -signed)
    posting = post(work, kind=kind, legs=(Leg(row.key, signed, transaction_id, description), other), channel=channel)
    action = "DEPOSIT_MADE" if paid_in else "WITHDRAWAL_MADE"
    work.audit(action, user=actor.user, ip_address=actor.ip_address, related=transaction_id)
    balance = money(posting.balances[row.key])
    facts = {"account_id": row.id, "transaction_id": transaction_id, "amount": money(amount)}
    kind_of_event = "payment_received" if paid_in else "payment_sent"
    work.emit(kind_of_event, customer=row.customer, account=row.key, data=facts)
    work.emit("balance_update", customer=row.customer, account=row.key, data={"account_id": row.id, "booked": balance})
    date = local_date(posting.at)
    return TransactionView(
        transaction_id=transaction_id,
        account_id=row.id,
        transfer_id=None,
        direction=Direction.CREDIT if paid_in else Direction.DEBIT,
        amount=money(amount),
        status=TransactionStatus.COMPLETED,
        description=description,
        category=None,
        merchant=None,
        channel=order.channel,
        balance_after=balance,
        disputed=False,
        booked_at=format_instant(posting.at),
        booking_date=date,
        value_date=date,
        reversed_at=None,
    )


def _leave_refusal(work: Work, actor: Actor, account_id: Any, kind: JournalKind) -> None:
    work.audit(f"{kind.upper()}_REFUSED", user=actor.user, ip_address=actor.ip_address, related=account_id)
