"""Reports on the whole ledger: the trial balance."""

import msgspec
import sqlalchemy as sa

from sandbox.core.clock import format_instant
from sandbox.core.money import CURRENCY, Money, money
from sandbox.store.statement import Statement
from sandbox.store.tables import account
from sandbox.store.work import Work


class TrialBalanceLine(msgspec.Struct, frozen=True, kw_only=True):
    """One ledger account, or all accounts of one product; balance is credits less debits."""

    code: str
    accounts: int
    debits: Money
    credits: Money
    balance: Money


class TrialBalance(msgspec.Struct, frozen=True, kw_only=True):
    """Posted debits and credits of every ledger account; the totals must be equal."""

    as_of: str
    currency: str
    lines: list[TrialBalanceLine]
    total_debits: Money
    total_credits: Money
    balanced: bool


_code = sa.func.coalesce(account.c.code, sa.literal("customers.") + account.c.account_type).label("line")
_LINES = Statement(
    sa.select(
        _code,
        sa.func.count().label("accounts"),
        sa.cast(sa.func.sum(account.c.debits_posted), sa.BigInteger).label("debits"),
        sa.cast(sa.func.sum(account.c.credits_posted), sa.BigInteger).label("credits"),
    )
    .group_by(_code)
    .order_by(_code)
)


def trial_balance(work: Work) -> TrialBalance:
    """Fold the counters of all accounts."""
    rows = _LINES.all(work.db)
    taken, given = sum(row.debits for row in rows), sum(row.credits for row in rows)
    return TrialBalance(
        as_of=format_instant(work.now),
        currency=CURRENCY,
        lines=[
            TrialBalanceLine(
                code=row.line,
                accounts=row.accounts,
                debits=money(row.debits),
                credits=money(row.credits),
                balance=money(row.credits - row.debits),
            )
            for row in rows
        ],
        total_debits=money(taken),
        total_credits=money(given),
        balanced=taken == given,
    )
