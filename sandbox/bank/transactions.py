"""Transactions: the customer's view of the ledger's entries, newest first, filtered and cut.

Rows of one account lie together in order of posting, so that a list costs what it shows, whatever its history.
Dates become bounds on the posting order, which is the order of time.
"""

import heapq
from functools import cache
from itertools import islice
from typing import Any

import msgspec
import sqlalchemy as sa

from sandbox.bank.access import Actor, account_keys, narrowed, own_account
from sandbox.bank.lists import Position, Slice, Window, cut
from sandbox.core.clock import format_instant, local_date
from sandbox.core.errors import NotFoundError
from sandbox.core.money import Money, money
from sandbox.core.vocabulary import Direction, TransactionStatus
from sandbox.store.statement import Statement
from sandbox.store.tables import account, entry, journal, merchant, transfer
from sandbox.store.work import Work


class MerchantView(msgspec.Struct, frozen=True, kw_only=True):
    """Who was paid."""

    name: str
    category: str | None
    mcc: str | None


class TransactionView(msgspec.Struct, frozen=True, kw_only=True):
    """One movement on one account."""

    transaction_id: str | None
    account_id: str
    transfer_id: str | None
    direction: Direction
    amount: Money
    status: TransactionStatus
    description: str | None
    category: str | None
    merchant: MerchantView | None
    channel: str | None
    balance_after: Money | None
    disputed: bool
    booked_at: str
    booking_date: str
    value_date: str
    reversed_at: str | None
    dry_run: bool | msgspec.UnsetType = msgspec.UNSET


class TransactionFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a list is narrowed to; amounts in fils, instants inclusive below and exclusive above."""

    since: int | None = None
    until: int | None = None
    min_amount: int | None = None
    max_amount: int | None = None
    category: str | None = None
    direction: Direction | None = None
    status: TransactionStatus | None = None
    q: str | None = None


_payer = account.alias("payer")
_SELECT = (
    sa.select(
        entry.c.id,
        entry.c.seq,
        entry.c.account,
        entry.c.amount,
        entry.c.balance,
        entry.c.status,
        entry.c.description,
        entry.c.disputed,
        entry.c.reversed_at,
        journal.c.at,
        journal.c.channel,
        merchant.c.name.label("merchant_name"),
        merchant.c.category,
        merchant.c.mcc,
        account.c.id.label("account_id"),
        account.c.customer,
        _payer.c.customer.label("payer"),
        transfer.c.id.label("transfer_id"),
    )
    .select_from(entry)
    .join(journal, journal.c.seq == entry.c.seq)
    .join(account, account.c.key == entry.c.account)
    .outerjoin(merchant, merchant.c.key == journal.c.merchant)
    .outerjoin(transfer, transfer.c.key == journal.c.transfer)
    .outerjoin(_payer, _payer.c.key == transfer.c.from_account)
    .where(entry.c.id.is_not(None))
)
_ONE = Statement(_SELECT.where(entry.c.id == sa.bindparam("transaction_id")))
_AT = Statement(sa.select(journal.c.at).where(journal.c.seq == sa.bindparam("at_seq")))
_LAST = Statement(sa.select(journal.c.seq).order_by(journal.c.seq.desc()).limit(1))

_magnitude = sa.func.abs(entry.c.amount)
# Both sides of a comparison change case in the database: SQLite knows ASCII letters only, Python all of them.
_searched = (entry.c.description, merchant.c.name)
_FILTERS: dict[str, Any] = {
    "since": entry.c.seq >= sa.bindparam("since"),
    "until": entry.c.seq < sa.bindparam("until"),
    "min_amount": _magnitude >= sa.bindparam("min_amount"),
    "max_amount": _magnitude <= sa.bindparam("max_amount"),
    "category": sa.func.lower(merchant.c.category) == sa.func.lower(sa.bindparam("category")),
    "credit": entry.c.amount > 0,
    "debit": entry.c.amount < 0,
    "status": entry.c.status == sa.bindparam("status", type_=entry.c.status.type),
    "q": sa.or_(*(sa.func.lower(text).like(sa.func.lower(sa.bindparam("q")), escape="\\") for text in _searched)),
}


@cache
def _list_statement(scope: str, filters: frozenset[str]) -> Statement:
    """The list of one account, or of all, under a set of filters: there are few sets, each compiled once."""
    core = _SELECT.where(*(_FILTERS[name] for name in sorted(filters)))
    if scope == "account":
        core = core.where(entry.c.account == sa.bindparam("of_account"), entry.c.seq < sa.bindparam("before"))
        core = core.order_by(entry.c.seq.desc())
    else:
        seen = sa.or_(entry.c.seq < sa.bindparam("before"), entry.c.account > sa.bindparam("behind"))
        core = core.where(entry.c.seq <= sa.bindparam("before"), seen)
        core = core.order_by(entry.c.seq.desc(), entry.c.account)
    return Statement(core.limit(sa.bindparam("limit")))


def list_of_account(
    work: Work, actor: Actor, window: Window, account_id: str, wanted: TransactionFilter
) -> Slice[TransactionView]:
    """The transactions of one account, newest first.

    Raises:
        NotFoundError: no account the actor may see.
    """
    owner = own_account(work, actor, account_id)
    names, values = _bounds(work, wanted)
    before = window.after[0] if window.after else _end(work)
    statement = _list_statement("account", names)
    found = statement.all(work.db, of_account=owner.key, before=before, limit=window.limit + 1, **values)
    return _slice(found, window)


def list_all(
    work: Work, actor: Actor, window: Window, wanted: TransactionFilter, *, customer_id: str | None = None
) -> Slice[TransactionView]:
    """The transactions of every account the actor may see, newest first.

    A customer's accounts are read one by one and merged, so that the cost does not grow with history.

    Raises:
        NotFoundError, ForbiddenError: `customer_id` is not one the actor may narrow to.
    """
    whose = narrowed(work, actor, customer_id)
    names, values = _bounds(work, wanted)
    seq, behind = (window.after[0], window.after[1]) if window.after else (_end(work), 0)
    if whose is None:
        statement = _list_statement("all", names)
        found = statement.all(work.db, before=seq, behind=behind, limit=window.limit + 1, **values)
        return _slice(found, window)
    statement = _list_statement("account", names)
    runs = []
    for key in account_keys(work, whose):
        before = seq + 1 if key > behind and window.after else seq
        runs.append(statement.all(work.db, of_account=key, before=before, limit=window.limit + 1, **values))
    merged = heapq.merge(*runs, key=lambda row: (-row.seq, row.account))
    return _slice(list(islice(merged, window.limit + 1)), window)


def get_transaction(work: Work, actor: Actor, transaction_id: str) -> TransactionView:
    """One transaction.

    Raises:
        NotFoundError: none the actor may see.
    """
    row = _ONE.first(work.db, transaction_id=transaction_id)
    if row is None or not (actor.sees_all or row.customer == actor.customer):
        raise NotFoundError(f"There is no transaction {transaction_id[:64]}.")
    return transaction_view(row)


def transaction_view(row: Any) -> TransactionView:
    """The view of an entry row."""
    booking_date = local_date(row.at)
    category = lower_case(row.category)
    named = row.merchant_name is not None
    return TransactionView(
        transaction_id=row.id,
        account_id=row.account_id,
        # Only who paid may look the transfer up; for others the link would lead nowhere.
        transfer_id=row.transfer_id if row.payer == row.customer else None,
        direction=Direction.CREDIT if row.amount > 0 else Direction.DEBIT,
        amount=money(abs(row.amount)),
        status=row.status,
        description=row.description or row.merchant_name,
        category=category,
        merchant=MerchantView(name=row.merchant_name, category=category, mcc=row.mcc) if named else None,
        channel=lower_case(row.channel),
        balance_after=None if row.balance is None else money(row.balance),
        disputed=bool(row.disputed),
        booked_at=format_instant(row.at),
        booking_date=booking_date,
        value_date=booking_date,
        reversed_at=None if row.reversed_at is None else format_instant(row.reversed_at),
    )


def lower_case(text: str | None) -> str | None:
    """A word of a file's open vocabulary as `/v1` writes it: UPPER_SNAKE becomes lower, other text stays."""
    return text.lower() if text is not None and text.isupper() else text


def _slice(found: list[Any], window: Window) -> Slice[TransactionView]:
    rows, more = cut(found, window)
    last: Position | None = (rows[-1].seq, rows[-1].account) if more else None
    return Slice([transaction_view(row) for row in rows], last)


def _end(work: Work) -> int:
    last = _LAST.first(work.db)
    return last.seq + 1 if last else 1


def _bounds(work: Work, wanted: TransactionFilter) -> tuple[frozenset[str], dict[str, Any]]:
    """The names of the filters in use and their values."""
    values: dict[str, Any] = {}
    names = set()
    for name in ("since", "until"):
        instant = getattr(wanted, name)
        if instant is not None:
            values[name] = _first_seq_from(work, instant)
    for name in ("min_amount", "max_amount", "status"):
        if getattr(wanted, name) is not None:
            values[name] = getattr(wanted, name)
    if wanted.category is not None:
        values["category"] = wanted.category
    if wanted.q is not None:
        literal = wanted.q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values["q"] = f"%{literal}%"
    if wanted.direction is not None:
        names.add(wanted.direction.value)
    return frozenset(names | set(values)), values


def _first_seq_from(work: Work, instant: int) -> int:
    """The first posting at or after `instant`, by bisection: posting order is time order."""
    low, high = 1, _end(work)
    while low < high:
        middle = (low + high) // 2
        if _AT.one(work.db, at_seq=middle).at < instant:
            low = middle + 1
        else:
            high = middle
    return low
