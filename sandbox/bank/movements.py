"""Movements that come from outside the bank's own doors: purchases at merchants, bills, salaries.

They are posted as a card scheme or the central bank would report them. Not for what a customer orders here: see `cash`
and `transfers`.
"""

from typing import NamedTuple

import sqlalchemy as sa

from sandbox.bank.access import Actor, spendable_account
from sandbox.bank.actors import holder
from sandbox.bank.chart import counter_account
from sandbox.bank.ledger import Leg, Posting, place_hold, post
from sandbox.core.money import money
from sandbox.core.vocabulary import Channel, Severity, in_files
from sandbox.store.statement import Statement
from sandbox.store.tables import JournalKind, merchant
from sandbox.store.work import Work


class Merchant(NamedTuple):
    """Who was paid, or what for where nobody is named: `category` is UPPER_SNAKE, `mcc` ISO 18245."""

    name: str | None
    category: str | None
    mcc: str | None


_FIND_MERCHANT = Statement(
    sa.select(merchant.c.key)
    .where(
        merchant.c.name.is_not_distinct_from(sa.bindparam("of_name", type_=sa.Text)),
        merchant.c.category.is_not_distinct_from(sa.bindparam("of_category", type_=sa.Text)),
        merchant.c.mcc.is_not_distinct_from(sa.bindparam("of_mcc", type_=sa.Text)),
    )
    .order_by(merchant.c.key)
    .limit(1)
)
_ADD_MERCHANT = Statement(sa.insert(merchant).returning(merchant.c.key), "name", "category", "mcc")


def purchase(
    work: Work, account_id: str, amount: int, at: Merchant, *, channel: Channel, description: str | None
) -> Posting:
    """Pay `amount` fils at a merchant by card or on its page; booked at once.

    Raises:
        NotFoundError: no such account, or its holder has no user.
        InsufficientFundsError, AccountBlockedError, AccountClosedError, LimitExceededError: see `ledger.post`.
    """
    return _move(work, account_id, -amount, at, channel=channel, description=description, action="PURCHASE_MADE")


def receive(
    work: Work, account_id: str, amount: int, of: Merchant, *, channel: Channel, description: str | None
) -> Posting:
    """Credit `amount` fils that come from another bank, such as a salary.

    Raises:
        NotFoundError: no such account, or its holder has no user.
        AccountBlockedError, AccountClosedError, LimitExceededError: see `ledger.post`.
    """
    return _move(work, account_id, amount, of, channel=channel, description=description, action="PAYMENT_RECEIVED")


def reserve(
    work: Work, account_id: str, amount: int, at: Merchant, *, expires_at: int | None, description: str | None
) -> str:
    """Hold `amount` fils for a merchant, as a hotel or a petrol station does; the id of the hold.

    `expires_at` is an instant; None: after the bank's hold time.

    Raises:
        NotFoundError: no such account, or its holder has no user.
        InsufficientFundsError, AccountBlockedError, AccountClosedError: see `ledger.place_hold`.
    """
    actor = holder(work, account_id)
    row = spendable_account(work, actor, account_id)
    channel = in_files(Channel.POS)
    leg = Leg(row.key, -amount, work.draws.uuid("transaction"), description or at.name)
    hold_id = place_hold(
        work,
        leg,
        counter=counter_account(channel),
        expires_at=expires_at,
        channel=channel,
        merchant=merchant_key(work, at),
    )
    work.audit("HOLD_PLACED", user=actor.user, ip_address=None, related=hold_id)
    return hold_id


def merchant_key(work: Work, wanted: Merchant) -> int:
    """The inner key of a merchant, made when it is met for the first time."""
    found = _FIND_MERCHANT.first(work.db, of_name=wanted.name, of_category=wanted.category, of_mcc=wanted.mcc)
    if found is None:
        found = _ADD_MERCHANT.one(work.db, name=wanted.name, category=wanted.category, mcc=wanted.mcc)
    return int(found.key)


def _move(
    work: Work,
    account_id: str,
    signed: int,
    other: Merchant,
    *,
    channel: Channel,
    description: str | None,
    action: str,
) -> Posting:
    actor = holder(work, account_id)
    row = spendable_account(work, actor, account_id)
    work.survive(_leave_refusal, actor, row.id, action)
    transaction_id = work.draws.uuid("transaction")
    where = in_files(channel)
    posting = post(
        work,
        kind=JournalKind.MOVEMENT,
        legs=(
            Leg(row.key, signed, transaction_id, description or other.name),
            Leg(counter_account(where), -signed),
        ),
        merchant=merchant_key(work, other) if any(other) else None,
        channel=where,
    )
    work.audit(action, user=actor.user, ip_address=None, related=transaction_id)
    facts = {"account_id": row.id, "transaction_id": transaction_id, "amount": money(abs(signed))}
    kind = "payment_received" if signed > 0 else "payment_sent"
    work.emit(kind, customer=row.customer, account=row.key, data=facts)
    booked = {"account_id": row.id, "booked": money(posting.balances[row.key])}
    work.emit("balance_update", customer=row.customer, account=row.key, data=booked)
    return posting


def _leave_refusal(work: Work, actor: Actor, account_id: str, action: str) -> None:
    refused = f"{action.rpartition('_')[0]}_REFUSED"
    work.audit(refused, user=actor.user, ip_address=None, related=account_id, severity=Severity.WARNING)
