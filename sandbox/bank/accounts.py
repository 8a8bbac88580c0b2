"""Accounts: what a customer holds, its balances and what is reserved on it."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa

from sandbox.bank.access import WITH_HOLDER, Actor, narrowed, own_account, spendable_account
from sandbox.bank.lists import Slice, Window, cut
from sandbox.core.clock import format_instant
from sandbox.core.money import CURRENCY, Money, money
from sandbox.core.vocabulary import AccountStatus, AccountType, Direction, HoldStatus
from sandbox.store.statement import Statement
from sandbox.store.tables import account, hold
from sandbox.store.work import Work


class Balances(msgspec.Struct, frozen=True, kw_only=True):
    """Booked is what the ledger says; available is booked less what is held, plus the overdraft limit."""

    booked: Money
    available: Money
    held: Money


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """An account as `/v1/accounts` shows it."""

    account_id: str
    customer_id: str
    account_number: str
    iban: str
    account_type: AccountType
    currency: str
    status: AccountStatus
    nickname: str | None
    balances: Balances
    opened_at: str


class BalancesView(msgspec.Struct, frozen=True, kw_only=True):
    """The balances of one account; `Sandbank-Time` says when."""

    account_id: str
    balances: Balances


class HoldView(msgspec.Struct, frozen=True, kw_only=True):
    """Money reserved on an account."""

    hold_id: str
    account_id: str
    amount: Money
    direction: Direction
    status: HoldStatus
    description: str | None
    placed_at: str
    expires_at: str
    resolved_at: str | None


class AccountChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a customer may change about an account."""

    nickname: (
        Annotated[
            str,
            msgspec.Meta(
                min_length=1, max_length=40, description="own name; null takes it away", examples=["Household"]
            ),
        ]
        | None
    )


_AFTER = account.c.key > sa.bindparam("after")
_LIST_OF_ONE = Statement(
    WITH_HOLDER.where(account.c.customer == sa.bindparam("of_customer"), _AFTER)
    .order_by(account.c.key)
    .limit(sa.bindparam("limit"))
)
_LIST_OF_ALL = Statement(WITH_HOLDER.where(_AFTER).order_by(account.c.key).limit(sa.bindparam("limit")))
_RENAME = Statement(
    sa.update(account).where(account.c.key == sa.bindparam("account")).values(nickname=sa.bindparam("new_nickname"))
)
_HOLDS = Statement(
    sa.select(
        hold.c.key,
        hold.c.id,
        hold.c.amount,
        hold.c.status,
        hold.c.description,
        hold.c.placed_at,
        hold.c.expires_at,
        hold.c.resolved_at,
    )
    .where(hold.c.account == sa.bindparam("of_account"), hold.c.key > sa.bindparam("after"))
    .order_by(hold.c.key)
    .limit(sa.bindparam("limit"))
)


def list_accounts(work: Work, actor: Actor, window: Window, *, customer_id: str | None = None) -> Slice[AccountView]:
    """The accounts the actor may see, oldest first.

    Raises:
        NotFoundError, ForbiddenError: `customer_id` is not one the actor may narrow to.
    """
    whose = narrowed(work, actor, customer_id)
    after = window.after[0] if window.after else 0
    if whose is None:
        found = _LIST_OF_ALL.all(work.db, after=after, limit=window.limit + 1)
    else:
        found = _LIST_OF_ONE.all(work.db, of_customer=whose, after=after, limit=window.limit + 1)
    rows, more = cut(found, window)
    return Slice([account_view(row) for row in rows], (rows[-1].key,) if more else None)


def get_account(work: Work, actor: Actor, account_id: str) -> AccountView:
    """One account.

    Raises:
        NotFoundError: none the actor may see.
    """
    return account_view(own_account(work, actor, account_id))


def get_balances(work: Work, actor: Actor, account_id: str) -> BalancesView:
    """The balances of one account now.

    Raises:
        NotFoundError: none the actor may see.
    """
    row = own_account(work, actor, account_id)
    return BalancesView(account_id=row.id, balances=balances_of(row))


def list_holds(work: Work, actor: Actor, window: Window, account_id: str) -> Slice[HoldView]:
    """What is or was reserved on one account, oldest first.

    Raises:
        NotFoundError: no account the actor may see.
    """
    owner = own_account(work, actor, account_id)
    after = window.after[0] if window.after else 0
    rows, more = cut(_HOLDS.all(work.db, of_account=owner.key, after=after, limit=window.limit + 1), window)
    return Slice([_hold_view(row, owner.id) for row in rows], (rows[-1].key,) if more else None)


def change_account(
    work: Work, actor: Actor, account_id: str, change: AccountChange, unless: Callable[[AccountView], None]
) -> AccountView:
    """Give an account another nickname; `unless` sees the account first and may refuse (`If-Match`).

    Raises:
        NotFoundError: none the actor may see.
    """
    row = spendable_account(work, actor, account_id)
    unless(account_view(row))
    _RENAME.run(work.db, account=row.key, new_nickname=change.nickname)
    work.audit("ACCOUNT_RENAMED", user=actor.user, ip_address=actor.ip_address, related=row.id)
    return account_view(row._replace(nickname=change.nickname))


def account_view(row: Any) -> AccountView:
    """The view of an account row."""
    return AccountView(
        account_id=row.id,
        customer_id=row.customer_id,
        account_number=row.account_number,
        iban=row.iban,
        account_type=row.account_type,
        currency=CURRENCY,
        status=row.status,
        nickname=row.nickname,
        balances=balances_of(row),
        opened_at=format_instant(row.opened_at),
    )


def balances_of(row: Any) -> Balances:
    """The three balances of an account row."""
    booked = row.credits_posted - row.debits_posted
    return Balances(
        booked=money(booked),
        available=money(booked - row.debits_pending + row.overdraft_limit),
        held=money(row.debits_pending),
    )


def _hold_view(row: Any, account_id: str) -> HoldView:
    return HoldView(
        hold_id=row.id,
        account_id=account_id,
        amount=money(abs(row.amount)),
        direction=Direction.CREDIT if row.amount > 0 else Direction.DEBIT,
        status=row.status,
        description=row.description,
        placed_at=format_instant(row.placed_at),
        expires_at=format_instant(row.expires_at),
        resolved_at=None if row.resolved_at is None else format_instant(row.resolved_at),
    )
