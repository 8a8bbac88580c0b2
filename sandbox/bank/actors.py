"""Who plays: users and accounts picked by what they are, for scenarios that must work on any bank.

Not for who may do what: see `access`.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from sandbox.bank.access import Actor
from sandbox.core.errors import NotFoundError
from sandbox.core.vocabulary import AccountStatus, AccountType, CredentialStatus, CustomerStatus, Role, UserStatus
from sandbox.store.statement import Statement
from sandbox.store.tables import account, auth_user, credential, customer
from sandbox.store.work import Work

_OF_ROLE = sa.select(auth_user.c.username).where(auth_user.c.role == sa.bindparam("of_role"))
_OLDEST = Statement(_OF_ROLE.order_by(auth_user.c.key).limit(2))
_NAMED = Statement(_OF_ROLE.where(auth_user.c.username == sa.bindparam("of_username")))
_CAN_ACT = (
    _OF_ROLE.outerjoin(customer, customer.c.key == auth_user.c.customer)
    .join(credential, credential.c.user == auth_user.c.key)
    .where(
        auth_user.c.status == UserStatus.ACTIVE.value,
        credential.c.status == CredentialStatus.ACTIVE.value,
        sa.or_(credential.c.expires_at.is_(None), credential.c.expires_at > sa.bindparam("at")),
        sa.or_(
            auth_user.c.customer.is_(None),
            sa.and_(
                customer.c.status == CustomerStatus.ACTIVE.value,
                sa.exists().where(
                    account.c.customer == customer.c.key,
                    account.c.account_type == AccountType.CURRENT.value,
                    account.c.status == AccountStatus.ACTIVE.value,
                ),
            ),
        ),
    )
)
_OLDEST_ACTIVE = Statement(_CAN_ACT.order_by(auth_user.c.key).limit(2))
_NAMED_ACTIVE = Statement(_CAN_ACT.where(auth_user.c.username == sa.bindparam("of_username")))
_ACCOUNTS_OF = Statement(
    sa.select(account.c.id, account.c.account_type, account.c.status)
    .join(auth_user, auth_user.c.customer == account.c.customer)
    .where(auth_user.c.username == sa.bindparam("of_username"))
    .order_by(account.c.key)
)
_ROLE_OF = Statement(sa.select(auth_user.c.role).where(auth_user.c.username == sa.bindparam("of_username")))
_HOLDER = Statement(
    sa.select(
        auth_user.c.key,
        auth_user.c.id,
        auth_user.c.username,
        auth_user.c.role,
        customer.c.key.label("customer"),
        customer.c.id.label("customer_id"),
    )
    .select_from(account)
    .join(customer, customer.c.key == account.c.customer)
    .join(auth_user, auth_user.c.customer == customer.c.key)
    .where(account.c.id == sa.bindparam("account_id"))
    .order_by(auth_user.c.key)
    .limit(1)
)


def first_user(work: Work, role: Role, *, active: bool, among: Sequence[str], besides: str | None = None) -> str | None:
    """The username of the first of `among` (the demo logins) with that role, else of the first such user of the bank.

    `active` asks for one who can sign in now and, being a customer, has an ACTIVE current account. None: nobody is so.
    """
    named, oldest = (_NAMED_ACTIVE, _OLDEST_ACTIVE) if active else (_NAMED, _OLDEST)
    values: dict[str, Any] = {"of_role": role.value} | ({"at": work.now} if active else {})
    for username in among:
        if username != besides and named.first(work.db, of_username=username, **values):
            return username
    # Two are enough to find one besides another.
    return next((str(row.username) for row in oldest.all(work.db, **values) if row.username != besides), None)


def first_account(
    work: Work, username: str, *, types: Sequence[AccountType], status: AccountStatus | None
) -> str | None:
    """The id of a user's account: of the first of `types` of which they have one, the oldest; None: there is none."""
    rows = [row for row in _ACCOUNTS_OF.all(work.db, of_username=username) if status in {None, row.status}]
    for wanted in types:
        for row in rows:
            if row.account_type == wanted:
                return str(row.id)
    return None


def accounts_of(work: Work, username: str) -> list[str]:
    """The ids of a user's accounts, oldest first."""
    return [row.id for row in _ACCOUNTS_OF.all(work.db, of_username=username)]


def role_of(work: Work, username: str) -> Role | None:
    """What a user is, or None where nobody has that name."""
    row = _ROLE_OF.first(work.db, of_username=username)
    return Role(row.role) if row else None


def holder(work: Work, account_id: str) -> Actor:
    """The holder of an account as who gives orders on it, outside any session.

    Raises:
        NotFoundError: there is no such account, or its holder has no user.
    """
    row = _HOLDER.first(work.db, account_id=account_id)
    if row is None:
        raise NotFoundError(f"There is no account {account_id[:64]} whose holder has a user.")
    return Actor(
        user=row.key,
        user_id=row.id,
        username=row.username,
        role=Role(row.role),
        session=0,
        session_id="",
        customer=row.customer,
        customer_id=row.customer_id,
    )
