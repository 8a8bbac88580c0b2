"""Who acts, and what they may see: the one place where ownership is decided.

A customer sees what is theirs; an auditor and an admin see everything. What one may not see does not exist for them.
"""

from typing import Any

import msgspec
import sqlalchemy as sa

from sandbox.core.errors import ForbiddenError, NotFoundError
from sandbox.core.vocabulary import Language, Role
from sandbox.store.statement import Statement
from sandbox.store.tables import account, customer
from sandbox.store.work import Work


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in user. Keys are the bank's inner integers, ids the public ones."""

    user: int
    user_id: str
    username: str
    role: Role
    session: int
    session_id: str
    customer: int | None = None
    customer_id: str | None = None
    language: Language = Language.ENGLISH
    ip_address: str | None = None

    @property
    def sees_all(self) -> bool:
        """Whether ownership does not narrow what the actor reads."""
        return self.role is not Role.CUSTOMER


_BALANCE_COLUMNS = (
    account.c.debits_pending,
    account.c.debits_posted,
    account.c.credits_posted,
    account.c.overdraft_limit,
)
_ACCOUNT_COLUMNS = (
    account.c.key,
    account.c.id,
    account.c.customer,
    account.c.account_number,
    account.c.iban,
    account.c.account_type,
    account.c.status,
    account.c.nickname,
    account.c.opened_at,
    *_BALANCE_COLUMNS,
    customer.c.id.label("customer_id"),
    customer.c.full_name,
)
"""What an account row carries wherever it is read."""

WITH_HOLDER = sa.select(*_ACCOUNT_COLUMNS).join(customer, customer.c.key == account.c.customer)
"""Accounts with their holders, to be narrowed."""
_BY_ID = Statement(WITH_HOLDER.where(account.c.id == sa.bindparam("account_id")))
_KEYS = Statement(
    sa.select(account.c.key).where(account.c.customer == sa.bindparam("of_customer")).order_by(account.c.key)
)
_CUSTOMER = Statement(sa.select(customer.c.key).where(customer.c.id == sa.bindparam("customer_id")))


def find_account(work: Work, account_id: str) -> Any | None:
    """The row of an account of this bank, whoever asks, or None where there is none."""
    return _BY_ID.first(work.db, account_id=account_id)


def own_account(work: Work, actor: Actor, account_id: str) -> Any:
    """The row of an account that the actor may see.

    Raises:
        NotFoundError: there is none, or it is someone else's.
    """
    row = find_account(work, account_id)
    if row is None or not (actor.sees_all or row.customer == actor.customer):
        raise NotFoundError(f"There is no account {account_id[:64]}.")
    return row


def spendable_account(work: Work, actor: Actor, account_id: str) -> Any:
    """The row of an account that the actor may give orders on: their own, whatever their role lets them see.

    Raises:
        NotFoundError: there is none, or it is someone else's.
        ForbiddenError: the actor sees it, but it is not theirs.
    """
    row = own_account(work, actor, account_id)
    if row.customer != actor.customer:
        raise ForbiddenError("Only the holder of an account gives orders on it.")
    return row


def narrowed(work: Work, actor: Actor, customer_id: str | None) -> int | None:
    """Whose things a list shows, as a customer's key; None for everyone's.

    Raises:
        NotFoundError: no such customer.
        ForbiddenError: a customer asks for another one's list.
    """
    if not actor.sees_all:
        if customer_id not in {None, actor.customer_id}:
            raise ForbiddenError("A customer's lists show their own things; leave customer_id out.")
        return actor.customer
    if customer_id is None:
        return None
    row = _CUSTOMER.first(work.db, customer_id=customer_id)
    if row is None:
        raise NotFoundError(f"There is no customer {customer_id[:64]}.")
    return int(row.key)


def account_keys(work: Work, customer_key: int) -> list[int]:
    """The inner keys of a customer's accounts, oldest first: for lists that are read account by account."""
    return [row.key for row in _KEYS.all(work.db, of_customer=customer_key)]
