"""Transfers: from an own account to another account of this bank, settled at once, and taken back at most once.

A transfer that the bank refuses exists as `rejected`, with its ISO 20022 reason, so that a customer can see what
became of it. Payments to other banks are not served yet and are refused as such.
"""

import heapq
from itertools import islice
from typing import Annotated, Any, ClassVar

import msgspec
import sqlalchemy as sa

from sandbox.bank.access import WITH_HOLDER, Actor, account_keys, find_account, narrowed, spendable_account
from sandbox.bank.ledger import Leg, Posting, next_seq, post, require_open, reverse
from sandbox.bank.lists import Slice, Window, cut
from sandbox.core import iban
from sandbox.core.choice import require_exactly_one
from sandbox.core.clock import format_instant, local_date
from sandbox.core.errors import (
    AccountBlockedError,
    AccountClosedError,
    AlreadyReversedError,
    BankError,
    BankUnreachableError,
    CreditorUnknownError,
    ForbiddenError,
    IbanInvalidError,
    InsufficientFundsError,
    NotFoundError,
    SameAccountError,
    TransferNotReversibleError,
)
from sandbox.core.money import Money, OrderAmount, money
from sandbox.core.vocabulary import Role, Severity, TransferStatus
from sandbox.store.statement import Statement
from sandbox.store.tables import JournalKind, account, transfer
from sandbox.store.work import Work

Text140 = Annotated[str, msgspec.Meta(max_length=140)]
"""Remittance text: ISO 20022 allows 140 characters."""


class Creditor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who receives: exactly one of `account_id` and `iban`."""

    exactly_one_of: ClassVar[tuple[str, ...]] = ("account_id", "iban")

    account_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    iban: Annotated[str, msgspec.Meta(min_length=1, max_length=42, description="of this bank")] | None = None
    name: Annotated[str, msgspec.Meta(max_length=140, description="the holder, with an IBAN")] | None = None

    def __post_init__(self) -> None:
        """Refuse what names nobody, or two."""
        require_exactly_one(self)


class NewTransfer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order to pay."""

    from_account_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64, description="one of your accounts")]
    to: Creditor
    amount: OrderAmount
    reference: Annotated[Text140, msgspec.Meta(description="text for both sides")] | None = None
    purpose: Annotated[Text140, msgspec.Meta(description="what for")] | None = None


class NewReversal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order to take a transfer back."""

    reason: Annotated[Text140, msgspec.Meta(description="your own text")] | None = None


class CreditorView(msgspec.Struct, frozen=True, kw_only=True):
    """Who received, as ordered and found."""

    account_id: str | None
    iban: str | None
    name: str | None


class TransferView(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer and what became of it. `fraud` is null until payments are scored."""

    transfer_id: str | None
    status: TransferStatus
    status_reason: str | None
    from_account_id: str
    to: CreditorView
    amount: Money
    fee: Money
    reference: str | None
    purpose: str | None
    booking_date: str
    value_date: str
    fraud: None
    created_at: str
    reversed_at: str | None
    dry_run: bool | msgspec.UnsetType = msgspec.UNSET


_creditor = account.alias("creditor")
_debtor = account.alias("debtor")
_COLUMNS = (
    transfer.c.key,
    transfer.c.id,
    transfer.c.user,
    transfer.c.seq,
    transfer.c.amount,
    transfer.c.fee,
    transfer.c.status,
    transfer.c.status_reason,
    transfer.c.reference,
    transfer.c.purpose,
    transfer.c.to_iban,
    transfer.c.to_name,
    transfer.c.created_at,
    transfer.c.reversed_at,
    _debtor.c.id.label("from_account_id"),
    _debtor.c.customer,
    _debtor.c.key.label("debtor"),
    _creditor.c.id.label("to_account_id"),
    _creditor.c.key.label("creditor"),
    _creditor.c.customer.label("creditor_customer"),
)
_SELECT = (
    sa.select(*_COLUMNS)
    .select_from(transfer)
    .join(_debtor, _debtor.c.key == transfer.c.from_account)
    .outerjoin(_creditor, _creditor.c.key == transfer.c.to_account)
)
_BEFORE = transfer.c.key < sa.bindparam("before")
_NEWEST = transfer.c.key.desc()
_LIST_OF_ALL = Statement(_SELECT.where(_BEFORE).order_by(_NEWEST).limit(sa.bindparam("limit")))
_LIST_OF_ACCOUNT = Statement(
    _SELECT.where(transfer.c.from_account == sa.bindparam("of_account"), _BEFORE)
    .order_by(_NEWEST)
    .limit(sa.bindparam("limit"))
)
_ONE = Statement(_SELECT.where(transfer.c.id == sa.bindparam("transfer_id")))
_CREDITOR_BY_IBAN = Statement(WITH_HOLDER.where(account.c.iban == sa.bindparam("of_iban")))
_ADD = Statement(
    sa.insert(transfer).returning(transfer.c.key),
    "id",
    "user",
    "from_account",
    "to_account",
    "to_iban",
    "to_name",
    "amount",
    "fee",
    "status",
    "status_reason",
    "reference",
    "purpose",
    "created_at",
    "seq",
)
_MARK_REVERSED = Statement(
    sa.update(transfer)
    .where(transfer.c.key == sa.bindparam("transfer"))
    .values(status=TransferStatus.REVERSED.value, reversed_at=sa.bindparam("at"))
)
_LAST = 2**62


def create_transfer(work: Work, actor: Actor, order: NewTransfer) -> TransferView:
    """Pay from an own account to an account of this bank; both sides move at once.

    Raises:
        NotFoundError: no account of the actor's to pay from.
        IbanInvalidError, BankUnreachableError, CreditorUnknownError, SameAccountError: who should receive.
        AccountBlockedError, AccountClosedError, InsufficientFundsError, LimitExceededError: see `ledger.post`.
    """
    debtor = spendable_account(work, actor, order.from_account_id)
    amount = order.amount.fils
    transfer_id = work.draws.uuid("transfer")
    facts = _facts(work, actor, order, transfer_id=transfer_id, debtor=debtor, amount=amount)
    try:
        require_open(debtor.status, side="paying")
        creditor = _find_creditor(work, order.to)
        facts |= {"to_account": creditor.key, "to_iban": creditor.iban}
        if creditor.key == debtor.key:
            raise SameAccountError("The paying and the receiving account are the same.")
        key = _ADD.one(
            work.db, **facts, status=TransferStatus.SETTLED.value, status_reason=None, seq=next_seq(work)
        ).key
        posting = _post(work, order, key=key, amount=amount, debtor=debtor, creditor=creditor)
    except BankError as refusal:
        work.survive(_leave_rejected, actor, facts, refusal.reason)
        refusal.facts["transfer_id"] = None if work.dry else transfer_id
        raise
    work.audit("TRANSFER_SETTLED", user=actor.user, ip_address=actor.ip_address, related=transfer_id)
    _tell(work, transfer_id, amount=amount, payer=debtor, payee=creditor, posting=posting)
    date = local_date(work.now)
    return TransferView(
        transfer_id=transfer_id,
        status=TransferStatus.SETTLED,
        status_reason=None,
        from_account_id=debtor.id,
        to=CreditorView(account_id=creditor.id, iban=creditor.iban, name=order.to.name),
        amount=money(amount),
        fee=money(0),
        reference=order.reference,
        purpose=order.purpose,
        booking_date=date,
        value_date=date,
        fraud=None,
        created_at=format_instant(work.now),
        reversed_at=None,
    )


def list_transfers(work: Work, actor: Actor, window: Window, *, customer_id: str | None = None) -> Slice[TransferView]:
    """The transfers from the actor's accounts (staff: all, or one customer's), newest first.

    Raises:
        NotFoundError, ForbiddenError: `customer_id` is not one the actor may narrow to.
    """
    whose = narrowed(work, actor, customer_id)
    before = window.after[0] if window.after else _LAST
    limit = window.limit + 1
    if whose is None:
        found = _LIST_OF_ALL.all(work.db, before=before, limit=limit)
    else:
        # Account by account and merged, so that the cost does not grow with history.
        runs = [
            _LIST_OF_ACCOUNT.all(work.db, of_account=key, before=before, limit=limit)
            for key in account_keys(work, whose)
        ]
        found = list(islice(heapq.merge(*runs, key=lambda row: -row.key), limit))
    rows, more = cut(found, window)
    return Slice([transfer_view(row) for row in rows], (rows[-1].key,) if more else None)


def get_transfer(work: Work, actor: Actor, transfer_id: str) -> TransferView:
    """One transfer.

    Raises:
        NotFoundError: none the actor may see.
    """
    return transfer_view(_own_transfer(work, actor, transfer_id))


def reverse_transfer(work: Work, actor: Actor, transfer_id: str, order: NewReversal) -> TransferView:
    """Take a settled transfer back, exactly and once: the receiver pays it back, if there is enough to do so.

    Raises:
        NotFoundError: no transfer of the actor's.
        AlreadyReversedError: it was taken back before.
        TransferNotReversibleError: it never settled.
        InsufficientFundsError: the receiver no longer has the money.
        AccountBlockedError, AccountClosedError: one of the accounts takes part in nothing.
    """
    row = _own_transfer(work, actor, transfer_id)
    if actor.role is Role.AUDITOR:
        raise ForbiddenError("An auditor reads everything and changes nothing.")
    work.survive(_leave_refusal, actor, row.id)
    if row.status == TransferStatus.REVERSED:
        raise AlreadyReversedError("The transfer has been reversed already; it is reversed at most once.")
    if row.status != TransferStatus.SETTLED:
        raise TransferNotReversibleError(f"The transfer is {row.status}; only a settled one can be reversed.")
    words = f"Reversal: {order.reason}" if order.reason else "Reversal of a transfer"
    try:
        posting = reverse(work, row.seq, transfer=row.key, description=words)
    except InsufficientFundsError as refusal:
        # How much the receiver has is none of the payer's business.
        raise InsufficientFundsError("The receiving account no longer holds the money.") from refusal
    except (AccountBlockedError, AccountClosedError) as refusal:
        raise type(refusal)("One of the two accounts takes part in no movement any more.") from refusal
    _MARK_REVERSED.run(work.db, transfer=row.key, at=work.now)
    work.audit("TRANSFER_REVERSED", user=actor.user, ip_address=actor.ip_address, related=row.id)
    for kind, owner, key, account_id in (
        ("payment_received", row.customer, row.debtor, row.from_account_id),
        ("payment_sent", row.creditor_customer, row.creditor, row.to_account_id),
    ):
        facts = {"transfer_id": row.id, "account_id": account_id, "amount": money(row.amount), "reversal": True}
        work.emit(kind, customer=owner, account=key, data=facts)
        booked = {"account_id": account_id, "booked": money(posting.balances[key])}
        work.emit("balance_update", customer=owner, account=key, data=booked)
    reversed_row = row._replace(status=TransferStatus.REVERSED, reversed_at=work.now)
    return transfer_view(reversed_row)


def transfer_view(row: Any) -> TransferView:
    """The view of a transfer row."""
    date = local_date(row.created_at)
    return TransferView(
        transfer_id=row.id,
        status=row.status,
        status_reason=row.status_reason,
        from_account_id=row.from_account_id,
        to=CreditorView(account_id=row.to_account_id, iban=row.to_iban, name=row.to_name),
        amount=money(row.amount),
        fee=money(row.fee),
        reference=row.reference,
        purpose=row.purpose,
        booking_date=date,
        value_date=date,
        fraud=None,
        created_at=format_instant(row.created_at),
        reversed_at=None if row.reversed_at is None else format_instant(row.reversed_at),
    )


def _own_transfer(work: Work, actor: Actor, transfer_id: str) -> Any:
    row = _ONE.first(work.db, transfer_id=transfer_id)
    if row is None or not (actor.sees_all or row.customer == actor.customer):
        raise NotFoundError(f"There is no transfer {transfer_id[:64]}.")
    return row


def _find_creditor(work: Work, to: Creditor) -> Any:
    """The row of the account that `to` names."""
    if to.account_id is not None:
        row = find_account(work, to.account_id)
        if row is None:
            raise CreditorUnknownError(f"There is no account {to.account_id[:64]} at this bank.")
        return row
    assert to.iban is not None, "the door lets pass exactly one of account_id and iban"
    try:
        number = iban.validate(to.iban)
    except ValueError as error:
        raise IbanInvalidError(f"{to.iban!r} is no IBAN: {error}") from None
    row = _CREDITOR_BY_IBAN.first(work.db, of_iban=number)
    if row is not None:
        return row
    if number.startswith("KW") and iban.is_house(number):
        raise CreditorUnknownError(f"There is no account {number} at this bank.")
    raise BankUnreachableError(f"{number} is at another bank; only accounts of this bank can be paid so far.")


def _facts(
    work: Work, actor: Actor, order: NewTransfer, *, transfer_id: str, debtor: Any, amount: int
) -> dict[str, Any]:
    return {
        "id": transfer_id,
        "user": actor.user,
        "from_account": debtor.key,
        "to_account": None,
        "to_iban": order.to.iban,
        "to_name": order.to.name,
        "amount": amount,
        "fee": 0,
        "reference": order.reference,
        "purpose": order.purpose,
        "created_at": work.now,
    }


def _post(work: Work, order: NewTransfer, *, key: int, amount: int, debtor: Any, creditor: Any) -> Posting:
    payee = order.to.name or creditor.full_name
    text = f": {order.reference}" if order.reference else ""
    return post(
        work,
        kind=JournalKind.TRANSFER,
        legs=(
            Leg(debtor.key, -amount, work.draws.uuid("transaction"), f"Transfer to {payee}{text}"),
            Leg(creditor.key, amount, work.draws.uuid("transaction"), f"Transfer from {debtor.full_name}{text}"),
        ),
        transfer=key,
        channel="MOBILE",
    )


def _tell(work: Work, transfer_id: str, *, amount: int, payer: Any, payee: Any, posting: Posting) -> None:
    for kind, row in (("payment_sent", payer), ("payment_received", payee)):
        facts = {"transfer_id": transfer_id, "account_id": row.id, "amount": money(amount)}
        work.emit(kind, customer=row.customer, account=row.key, data=facts)
        booked = {"account_id": row.id, "booked": money(posting.balances[row.key])}
        work.emit("balance_update", customer=row.customer, account=row.key, data=booked)


def _leave_rejected(work: Work, actor: Actor, facts: dict[str, Any], reason: str | None) -> None:
    _ADD.one(work.db, **facts, status=TransferStatus.REJECTED.value, status_reason=reason, seq=None)
    work.audit(
        "TRANSFER_REJECTED",
        user=actor.user,
        ip_address=actor.ip_address,
        related=facts["id"],
        severity=Severity.WARNING,
    )


def _leave_refusal(work: Work, actor: Actor, transfer_id: str) -> None:
    work.audit("REVERSAL_REFUSED", user=actor.user, ip_address=actor.ip_address, related=transfer_id)
