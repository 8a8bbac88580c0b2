"""The invariants: what must be true of a bank at every moment, each folded from the rows themselves.

They read everything, so they run on a copy, in a thread. Sources: double entry; TigerBeetle's rules for pending
transfers; research notes, banking section 3.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from sandbox.bank.ledger import journal_link, reversal_id
from sandbox.core.chain import GENESIS
from sandbox.core.vocabulary import (
    DeviceStatus,
    HoldStatus,
    SessionStatus,
    TransactionStatus,
    TransferStatus,
    UserStatus,
)
from sandbox.store.checking import LOCKED_AFTER
from sandbox.store.tables import (
    COUNTERS,
    JournalKind,
    account,
    audit_log,
    auth_user,
    entry,
    hold,
    journal,
    login_session,
    outbox,
    registered_device,
    root,
    savings_goal,
    transfer,
)
from sandbox.store.work import audit_link

_POSTED = (TransactionStatus.COMPLETED, TransactionStatus.REVERSED)


class Check(msgspec.Struct, frozen=True):
    """One invariant and how it stands; `detail` names the first row that breaks it."""

    name: str
    ok: bool
    detail: str | None = None


class Invariants(msgspec.Struct, frozen=True):
    """All invariants; `ok` when every one holds."""

    ok: bool
    checks: list[Check]


Breaches = Iterator[str]


def check_invariants(db: sa.Connection) -> Invariants:
    """Fold the whole bank."""
    checks = []
    for rule in RULES:
        first = next(rule(db), None)
        name = rule.__name__.strip("_")
        checks.append(Check(name, first is None, first))
    return Invariants(all(check.ok for check in checks), checks)


def _debits_equal_credits(db: sa.Connection) -> Breaches:
    """Every posted journal sums to zero."""
    total = sa.func.sum(entry.c.amount)
    query = sa.select(entry.c.seq, total).where(entry.c.status.in_(_POSTED)).group_by(entry.c.seq).having(total != 0)
    for row in db.execute(query):
        yield f"journal {row[0]} is off by {row[1]} fils"


def _trial_balance(db: sa.Connection) -> Breaches:
    """Over all accounts, posted and pending debits equal credits."""
    folded = (sa.func.coalesce(sa.func.sum(account.c[name]), 0).label(name) for name in COUNTERS)
    sums = db.execute(sa.select(*folded)).one()
    for kind, taken, given in (
        ("posted", sums.debits_posted, sums.credits_posted),
        ("pending", sums.debits_pending, sums.credits_pending),
    ):
        if taken != given:
            yield f"{kind} debits are {taken}, credits {given}"


def _counters_are_the_fold_of_entries(db: sa.Connection) -> Breaches:
    """Each account's four counters follow from its entries and active holds."""
    folded: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for row in db.execute(sa.select(entry.c.account, entry.c.amount).where(entry.c.status.in_(_POSTED))):
        folded[row.account][0 if row.amount < 0 else 1] += abs(row.amount)
    active = sa.select(hold.c.account, hold.c.counter_account, hold.c.amount).where(
        hold.c.status == HoldStatus.ACTIVE.value
    )
    for held in db.execute(active):
        folded[held.account][2 if held.amount < 0 else 3] += abs(held.amount)
        folded[held.counter_account][3 if held.amount < 0 else 2] += abs(held.amount)
    for row in db.execute(sa.select(account)):
        counters = [row.debits_posted, row.credits_posted, row.debits_pending, row.credits_pending]
        if counters != folded[row.key]:
            yield f"account {row.code or row.id} counts {counters}, its entries {folded[row.key]}"


def _no_account_under_its_limit(db: sa.Connection) -> Breaches:
    """Available money is never negative on a customer's account."""
    available = (
        account.c.credits_posted - account.c.debits_posted - account.c.debits_pending + account.c.overdraft_limit
    )
    for row in db.execute(sa.select(account.c.id).where(account.c.code.is_(None), available < 0)):
        yield f"account {row.id} has less than nothing available"


def _running_balances(db: sa.Connection) -> Breaches:
    """The balance on each posted entry is the sum of all entries up to it."""
    query = (
        sa.select(entry.c.account, entry.c.seq, entry.c.amount, entry.c.balance)
        .join(account, account.c.key == entry.c.account)
        .where(account.c.code.is_(None), entry.c.status.in_(_POSTED))
        .order_by(entry.c.account, entry.c.seq)
    )
    running: dict[int, int] = defaultdict(int)
    for row in db.execute(query):
        running[row.account] += row.amount
        if row.balance != running[row.account]:
            yield f"entry {row.account}/{row.seq} says {row.balance}, the sum is {running[row.account]}"


def _unposted_entries_have_no_balance(db: sa.Connection) -> Breaches:
    """PENDING and FAILED entries carry no balance; each PENDING one has its active hold."""
    query = sa.select(entry.c.seq).where(entry.c.status.not_in(_POSTED), entry.c.balance.is_not(None))
    for row in db.execute(query):
        yield f"entry {row.seq} is not posted and has a balance"
    pending = sa.select(entry.c.seq, entry.c.account, entry.c.amount).where(entry.c.status == TransactionStatus.PENDING)
    active = sa.select(hold.c.seq, hold.c.account, hold.c.amount).where(hold.c.status == HoldStatus.ACTIVE.value)
    reserved = {tuple(row) for row in db.execute(active)}
    for seq, *_ in sorted({tuple(row) for row in db.execute(pending)} ^ reserved):
        yield f"journal {seq} has a PENDING entry that is not its active hold, or the other way round"


def _journal_is_gap_free(db: sa.Connection) -> Breaches:
    """Journal rows are numbered 1, 2, 3 ... in order of time."""
    latest = 0
    for expected, row in enumerate(db.execute(sa.select(journal.c.seq, journal.c.at).order_by(journal.c.seq)), 1):
        if row.seq != expected:
            yield f"journal {expected} is missing"
            return
        if row.at < latest:
            yield f"journal {row.seq} is older than the one before"
        latest = row.at


def _ledger_chain(db: sa.Connection) -> Breaches:
    """The hash chain over the journals' immutable facts verifies, up to the end that the bank remembers."""
    legs: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in db.execute(sa.select(entry.c.seq, entry.c.account, entry.c.amount)):
        legs[row.seq].append((row.account, row.amount))
    for held in db.execute(sa.select(hold.c.seq, hold.c.account, hold.c.counter_account, hold.c.amount)):
        # A hold's own facts stand for its journal: its entry moves on when it is posted.
        legs[held.seq] = [(held.account, held.amount), (held.counter_account, -held.amount)]
    previous = GENESIS
    for row in db.execute(sa.select(journal).order_by(journal.c.seq)):
        previous = journal_link(previous, seq=row.seq, at=row.at, kind=row.kind, legs=legs[row.seq])
        if row.hash != previous:
            yield f"journal {row.seq} does not follow from the one before"
            return
    if previous != db.execute(sa.select(root.c.journal_hash)).scalar_one():
        yield "the journal does not end where the bank remembers"


def _audit_chain(db: sa.Connection) -> Breaches:
    """The hash chain over the audit trail verifies, up to the end that the bank remembers."""
    previous, count = GENESIS, 0
    for row in db.execute(sa.select(audit_log).order_by(audit_log.c.key)):
        count += 1
        previous = audit_link(previous, row._asdict())
        if row.hash != previous:
            yield f"audit line {row.id} does not follow from the one before"
            return
    end = db.execute(sa.select(root.c.audit_count, root.c.audit_hash)).one()
    if (count, previous) != (end.audit_count, end.audit_hash):
        yield f"the audit trail has {count} lines, the bank remembers {end.audit_count} and where they end"


def _holds_resolve_once(db: sa.Connection) -> Breaches:
    """A hold is posted at most once and for at most what was held; only a posted one has a posting, over as much."""
    postings: dict[int, str] = {}
    cleared: dict[tuple[int, int], int] = {
        (row.account, row.seq): row.amount
        for row in db.execute(
            sa.select(entry.c.account, entry.c.seq, entry.c.amount)
            .join(journal, journal.c.seq == entry.c.seq)
            .where(journal.c.kind == JournalKind.CLEARING)
        )
    }
    for row in db.execute(sa.select(hold)):
        posted = row.status == HoldStatus.POSTED
        if posted != (row.resolved_seq is not None) or (row.status == HoldStatus.ACTIVE) != (row.resolved_at is None):
            yield f"hold {row.id} is {row.status} but its resolution says otherwise"
        if not posted:
            continue
        taken = row.posted_amount or 0
        if not 0 < abs(taken) <= abs(row.amount) or (taken > 0) != (row.amount > 0):
            yield f"hold {row.id} over {row.amount} fils was posted with {row.posted_amount}"
        if cleared.get((row.account, row.resolved_seq)) != row.posted_amount:
            yield f"hold {row.id} was posted with {row.posted_amount} fils, its journal says otherwise"
        if row.resolved_seq in postings:
            yield f"holds {postings[row.resolved_seq]} and {row.id} share a posting"
        postings[row.resolved_seq] = row.id


def _reversals_are_exact(db: sa.Connection) -> Breaches:
    """A reversal negates every entry of its journal, once, and marks it REVERSED."""
    legs: dict[int, dict[int, Any]] = defaultdict(dict)
    for row in db.execute(sa.select(entry.c.seq, entry.c.account, entry.c.amount, entry.c.status, entry.c.id)):
        legs[row.seq][row.account] = row
    taken_back: set[int] = set()
    for taken in db.execute(sa.select(journal.c.seq, journal.c.reverses).where(journal.c.reverses.is_not(None))):
        original, back = legs[taken.reverses], legs[taken.seq]
        if taken.reverses in taken_back:
            yield f"journal {taken.reverses} was taken back twice"
        taken_back.add(taken.reverses)
        if {key: -leg.amount for key, leg in original.items()} != {key: leg.amount for key, leg in back.items()}:
            yield f"journal {taken.seq} does not negate {taken.reverses}"
            continue
        for key, leg in original.items():
            if leg.id is not None and back[key].id != reversal_id(leg.id):
                yield f"journal {taken.seq} carries a foreign transaction id"
    marked = {seq for seq, of in legs.items() if any(leg.status is TransactionStatus.REVERSED for leg in of.values())}
    for seq in sorted(marked ^ taken_back):
        yield f"journal {seq} is marked reversed without a reversal, or the other way round"


def _transfers_match_the_ledger(db: sa.Connection) -> Breaches:
    """A settled or reversed transfer has its one journal over its amount and accounts; a rejected one has none."""
    query = (
        sa.select(journal.c.transfer, journal.c.seq, entry.c.account, entry.c.amount, entry.c.status)
        .join(entry, entry.c.seq == journal.c.seq)
        .where(journal.c.kind == JournalKind.TRANSFER)
    )
    moved: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    posted: dict[int, int] = {}
    taken_back: set[int] = set()
    for leg in db.execute(query):
        moved[leg.transfer][leg.account] += leg.amount
        posted[leg.transfer] = leg.seq
        if leg.status is TransactionStatus.REVERSED:
            taken_back.add(leg.transfer)
    for row in db.execute(sa.select(transfer)):
        rejected = row.status == TransferStatus.REJECTED
        expected = {} if rejected else {row.from_account: -row.amount, row.to_account: row.amount}
        if moved[row.key] != expected or posted.get(row.key) != row.seq:
            legs = dict(moved[row.key])
            yield f"transfer {row.id} is {row.status} but journal {posted.get(row.key)} moved {legs}"
        elif (row.status == TransferStatus.REVERSED) != (row.key in taken_back):
            yield f"transfer {row.id} is {row.status} and the ledger says otherwise"


def _journals_have_a_cause(db: sa.Connection) -> Breaches:
    """Only transfers and their reversals name a transfer, and every transfer journal names one."""
    query = sa.select(journal.c.seq).where(
        sa.or_(
            sa.and_(journal.c.kind == JournalKind.TRANSFER, journal.c.transfer.is_(None)),
            sa.and_(
                journal.c.kind.not_in((JournalKind.TRANSFER, JournalKind.REVERSAL)), journal.c.transfer.is_not(None)
            ),
        )
    )
    for row in db.execute(query):
        yield f"journal {row.seq} names no transfer, or one that is not its cause"


def _outbox_is_gap_free(db: sa.Connection) -> Breaches:
    """Events are numbered 1, 2, 3 ... in order of time."""
    latest = 0
    for expected, row in enumerate(db.execute(sa.select(outbox.c.seq, outbox.c.at).order_by(outbox.c.seq)), 1):
        if row.seq != expected or row.at < latest:
            yield f"event {expected} is missing or out of order"
            return
        latest = row.at


def _amounts_are_whole(db: sa.Connection) -> Breaches:
    """Every amount is an integer: a database that turned one into a float has lost fils."""
    for name, query in (
        ("entry", sa.select(entry.c.seq, entry.c.amount, entry.c.balance)),
        ("account", sa.select(account.c.key, account.c.overdraft_limit, *(account.c[name] for name in COUNTERS))),
        ("hold", sa.select(hold.c.key, hold.c.amount, hold.c.posted_amount)),
        ("transfer", sa.select(transfer.c.key, transfer.c.amount, transfer.c.fee)),
    ):
        for row in db.execute(query):
            if not all(value is None or isinstance(value, int) for value in row):
                yield f"{name} {row[0]} holds an amount that is no integer"


def _sessions_live_on_active_devices(db: sa.Connection) -> Breaches:
    """An ACTIVE session is on an ACTIVE device of its own user."""
    query = (
        sa.select(login_session.c.id)
        .join(registered_device, registered_device.c.key == login_session.c.device)
        .where(
            login_session.c.status == SessionStatus.ACTIVE.value,
            sa.or_(
                registered_device.c.status != DeviceStatus.ACTIVE.value,
                registered_device.c.user != login_session.c.user,
            ),
        )
    )
    for row in db.execute(query):
        yield f"session {row.id} lives on a device that is not active or not its user's"


def _failed_sign_ins_lock(db: sa.Connection) -> Breaches:
    """Five failed sign-ins or more mean LOCKED."""
    query = sa.select(auth_user.c.username).where(
        auth_user.c.failed_login_attempts >= LOCKED_AFTER, auth_user.c.status != UserStatus.LOCKED.value
    )
    for row in db.execute(query):
        yield f"user {row.username} has failed {LOCKED_AFTER} times and is not locked"


def _goals_stay_under_their_target(db: sa.Connection) -> Breaches:
    """Nobody has saved more for a goal than its target."""
    over = sa.or_(savings_goal.c.current_amount > savings_goal.c.target_amount, savings_goal.c.current_amount < 0)
    for row in db.execute(sa.select(savings_goal.c.id).where(over)):
        yield f"goal {row.id} holds more than its target, or less than nothing"


RULES: tuple[Callable[[sa.Connection], Breaches], ...] = (
    _debits_equal_credits,
    _trial_balance,
    _counters_are_the_fold_of_entries,
    _no_account_under_its_limit,
    _running_balances,
    _unposted_entries_have_no_balance,
    _journal_is_gap_free,
    _ledger_chain,
    _audit_chain,
    _holds_resolve_once,
    _reversals_are_exact,
    _transfers_match_the_ledger,
    _journals_have_a_cause,
    _outbox_is_gap_free,
    _amounts_are_whole,
    _sessions_live_on_active_devices,
    _failed_sign_ins_lock,
    _goals_stay_under_their_target,
)
