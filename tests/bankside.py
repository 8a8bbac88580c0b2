"""What tests of the bank room share: the accounts of `seeds/tiny`, and hands that reach below the doors."""

from typing import Any

import sqlalchemy as sa

from sandbox.bank import ledger
from sandbox.bank.access import Actor
from sandbox.bank.chart import CHART
from sandbox.bank.ledger import Leg, Posting
from sandbox.bank.lists import Slice, Window
from sandbox.bank.transactions import TransactionFilter, TransactionView, list_all
from sandbox.bank.transfers import Creditor, NewTransfer, TransferView, create_transfer
from sandbox.core.clock import Instant
from sandbox.core.money import OrderAmount, format_fils
from sandbox.sandboxes.root import StateRoot
from sandbox.store.engine import driver
from sandbox.store.tables import JournalKind
from sandbox.store.work import Work

FATIMA_CURRENT = "2adf63a8-1580-4504-8fbc-68639f8b1a01"
FATIMA_SAVINGS = "4342ff6d-3f7a-4d9c-8272-4028bc30f365"
FATIMA_FROZEN = "6c67d4f0-f39e-40da-bee6-eb564d9ac858"
ARJUN_CURRENT = "a991115b-9191-4c37-aeef-d390c5e2ccae"
YOUSEF_WALLET = "1a856ab0-d7a6-47ff-8460-2915bdf1a3ab"
MARIAM_CURRENT = "b0a1bed8-f96d-49dd-8730-5252d85461da"
MARIAM_DORMANT = "e8e04f3f-5442-44ac-bfba-49f9534fc948"
FATIMA_CUSTOMER = "f6f47dc4-0e37-4f10-a1ed-05cea49137fc"
ARJUN_CUSTOMER = "dad90f1d-5ecd-481f-ba09-c3d716d759d6"
FATIMA_IBAN = "KW23SNBK0000000000000100000001"
ARJUN_IBAN = "KW07SNBK0000000000000100417001"

ALL = Window(200)
VAULT = CHART["cash.vault"]


def raw(root: StateRoot) -> Any:
    """The driver's connection below a bank; the bank takes its own copy first."""
    if not root.awake:
        root.write(lambda _: None)
    return driver(root._memory.own())


def sql(root: StateRoot, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run SQL on a bank, past all its rules."""
    found: list[tuple[Any, ...]] = raw(root).execute(statement, values).fetchall()
    return found


def advance(root: StateRoot, microseconds: int) -> None:
    """Move business time on."""
    root.advance(Instant(root.now + microseconds))


def key_of(root: StateRoot, account_id: str) -> int:
    """The inner key of an account."""
    return int(sql(root, 'SELECT "key" FROM account WHERE id = ?', bytes.fromhex(account_id.replace("-", "")))[0][0])


def booked(root: StateRoot, account_id: str) -> int:
    """The booked balance of an account, in fils."""
    row = sql(root, 'SELECT credits_posted - debits_posted FROM account WHERE "key" = ?', key_of(root, account_id))
    return int(row[0][0])


def available(root: StateRoot, account_id: str) -> int:
    """What an account can still spend, in fils."""
    row = sql(
        root,
        'SELECT credits_posted - debits_posted - debits_pending + overdraft_limit FROM account WHERE "key" = ?',
        key_of(root, account_id),
    )
    return int(row[0][0])


def move(root: StateRoot, account_id: str, fils: int, description: str = "A test") -> Posting:
    """Post cash in (positive) or out (negative)."""
    key = key_of(root, account_id)
    return root.write(_move, key, fils, description)


def _move(work: Work, key: int, fils: int, description: str) -> Posting:
    kind = JournalKind.DEPOSIT if fils > 0 else JournalKind.WITHDRAWAL
    mine = Leg(key, fils, work.draws.uuid("transaction"), description)
    return ledger.post(work, kind=kind, legs=(mine, Leg(VAULT, -fils)), channel="BRANCH")


def reserve(root: StateRoot, account_id: str, fils: int, *, expires_at: int | None = None) -> str:
    """Place a hold: negative fils reserve, positive ones announce a credit."""
    key = key_of(root, account_id)
    return root.write(_reserve, key, fils, expires_at)


def _reserve(work: Work, key: int, fils: int, expires_at: int | None) -> str:
    leg = Leg(key, fils, work.draws.uuid("transaction"), "Held")
    return ledger.place_hold(work, leg, counter=CHART["settlement.knet"], expires_at=expires_at, channel="POS")


def order(payer: str, fils: int, **to: Any) -> NewTransfer:
    """An order to pay `to` (`account_id=` or `iban=`)."""
    amount = OrderAmount(amount=format_fils(fils), currency="KWD")
    return NewTransfer(from_account_id=payer, to=Creditor(**to), amount=amount)


def pay(root: StateRoot, actor: Actor, payer: str, fils: int, **to: Any) -> TransferView:
    """Order a transfer."""
    return root.write(create_transfer, actor, order(payer, fils, **to))


def seen_by(root: StateRoot, actor: Actor, **wanted: Any) -> list[TransactionView]:
    """All transactions an actor sees, on one page."""
    found: Slice[TransactionView] = root.read(list_all, actor, ALL, TransactionFilter(**wanted))
    assert found.next is None
    return found.items


def audited(root: StateRoot, *, after: int = 11) -> list[str]:
    """The actions of the audit trail, oldest first, past the lines that the seed brings."""
    return [row[0] for row in sql(root, 'SELECT action FROM audit_log WHERE "key" > ? ORDER BY "key"', after)]


def rows_of(root: StateRoot, table: sa.Table) -> int:
    """How many rows a table has."""
    return int(sql(root, f'SELECT count(*) FROM "{table.name}"')[0][0])
