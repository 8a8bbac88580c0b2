"""The invariants: a sound bank passes them all, and each sees exactly what it is there to see.

Each case forges rows with SQL on a copy, as a careful forger would: where the ledger's chain would give the forgery
away, it is sealed anew, so that the rule in question is the only one left to notice.
"""

from collections import defaultdict
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from bankside import ARJUN_CURRENT, FATIMA_CURRENT, FATIMA_SAVINGS, move, pay, reserve, sql
from support import broken_invariants, new_root, sign_in, tiny_image

from sandbox.bank import ledger
from sandbox.bank.chart import CHART
from sandbox.bank.invariants import RULES, check_invariants
from sandbox.bank.ledger import journal_link
from sandbox.bank.transfers import NewReversal, reverse_transfer
from sandbox.core.chain import GENESIS
from sandbox.core.errors import InsufficientFundsError
from sandbox.core.money import MAX_FILS
from sandbox.core.vocabulary import TransactionStatus
from sandbox.sandboxes.root import StateRoot
from sandbox.store.engine import connect, disconnect, driver
from sandbox.store.tables import JournalKind, entry, hold, journal

NAMES = [rule.__name__.strip("_") for rule in RULES]
STATUS = {status: code for code, status in enumerate(TransactionStatus)}
KIND = {kind: code for code, kind in enumerate(JournalKind)}

Forgery = Callable[[sa.Connection], None]


def lived_in() -> bytes:
    """A bank in which a bit of everything has happened."""
    root = new_root()
    fatima = sign_in(root)
    made = [pay(root, fatima, FATIMA_CURRENT, fils, account_id=ARJUN_CURRENT) for fils in (1_000, 2_000, 3_000)]
    assert made[0].transfer_id is not None
    root.write(reverse_transfer, fatima, made[0].transfer_id, NewReversal())
    with pytest.raises(InsufficientFundsError):
        pay(root, fatima, FATIMA_CURRENT, MAX_FILS, account_id=ARJUN_CURRENT)
    move(root, FATIMA_SAVINGS, 5_000)
    move(root, FATIMA_SAVINGS, 6_000)
    move(root, FATIMA_SAVINGS, -700)
    holds = [reserve(root, FATIMA_SAVINGS, -fils) for fils in (100, 200, 300, 400)]
    root.write(ledger.post_hold, holds[0])
    root.write(ledger.post_hold, holds[1], amount=50)
    root.write(ledger.void_hold, holds[2])
    assert broken_invariants(root) == []
    data = root.data
    root.retire()
    return data


@pytest.fixture(scope="module")
def bank() -> bytes:
    return lived_in()


def run(statement: str, *values: object) -> Forgery:
    """Forge by one statement that touches something."""

    def forge(db: sa.Connection) -> None:
        assert driver(db).execute(statement, values).rowcount > 0, "the forgery touches nothing"

    return forge


def sealed(*forgeries: Forgery) -> Forgery:
    """Forge, then seal the ledger's chain anew."""

    def forge(db: sa.Connection) -> None:
        for step in forgeries:
            step(db)
        seal(db)

    return forge


def seal(db: sa.Connection) -> None:
    """Recompute every link of the ledger's chain from the rows as they stand now."""
    legs: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in db.execute(sa.select(entry.c.seq, entry.c.account, entry.c.amount)):
        legs[row.seq].append((row.account, row.amount))
    for held in db.execute(sa.select(hold.c.seq, hold.c.account, hold.c.counter_account, hold.c.amount)):
        legs[held.seq] = [(held.account, held.amount), (held.counter_account, -held.amount)]
    previous = GENESIS
    for line in db.execute(sa.select(journal).order_by(journal.c.seq)).all():
        previous = journal_link(previous, seq=line.seq, at=line.at, kind=line.kind, legs=legs[line.seq])
        driver(db).execute("UPDATE journal SET hash = ? WHERE seq = ?", (previous, line.seq))
    driver(db).execute("UPDATE root SET journal_hash = ?", (previous,))


def swap_the_banks_side_of_two_deposits(db: sa.Connection) -> None:
    """The vault's fold stays what it was; the two journals no longer sum to zero."""
    query = "SELECT e.seq, e.amount FROM entry e JOIN journal j ON j.seq = e.seq WHERE e.account = ? AND j.kind = ?"
    vault = CHART["cash.vault"]
    (first, one), (second, other) = driver(db).execute(query, (vault, KIND[JournalKind.DEPOSIT])).fetchall()
    for seq, amount in ((first, other), (second, one)):
        run("UPDATE entry SET amount = ? WHERE seq = ? AND account = ?", amount, seq, vault)(db)


def forge_halves_of_fils(db: sa.Connection) -> None:
    run(
        "UPDATE entry SET amount = amount - 0.5 WHERE status = ? AND balance IS NULL", STATUS[TransactionStatus.FAILED]
    )(db)


def postpone_a_journal(db: sa.Connection) -> None:
    run("UPDATE journal SET at = at + 100000000 WHERE seq = (SELECT max(seq) - 1 FROM journal)")(db)


def drop_a_failed_journal(db: sa.Connection) -> None:
    failed = "SELECT seq FROM journal WHERE kind = ? LIMIT 1"
    (seq,) = driver(db).execute(failed, (KIND[JournalKind.FAILED],)).fetchone()
    run("DELETE FROM entry WHERE seq = ?", seq)(db)
    run("DELETE FROM journal WHERE seq = ?", seq)(db)


FORGERIES: list[tuple[str, str, Forgery]] = [
    ("debits_equal_credits", "a journal that is off", sealed(swap_the_banks_side_of_two_deposits)),
    ("trial_balance", "an account gone with its counters", run("DELETE FROM account WHERE code = 'equity.opening'")),
    (
        "counters_are_the_fold_of_entries",
        "both counters grow alike",
        run(
            "UPDATE account SET debits_posted = debits_posted + 1, credits_posted = credits_posted + 1"
            " WHERE code IS NULL"
        ),
    ),
    (
        "counters_are_the_fold_of_entries",
        "both pending counters grow alike",
        run("UPDATE account SET debits_pending = 1, credits_pending = 1 WHERE code = 'nostro.cbk'"),
    ),
    (
        "no_account_under_its_limit",
        "a limit below zero",
        run("UPDATE account SET overdraft_limit = -100000000 WHERE nickname = 'Salary'"),
    ),
    (
        "running_balances",
        "a balance that is no sum",
        run(
            "UPDATE entry SET balance = balance + 1 WHERE seq = (SELECT max(seq) FROM entry WHERE balance IS NOT NULL)"
        ),
    ),
    (
        "unposted_entries_have_no_balance",
        "a failed movement with a balance",
        run("UPDATE entry SET balance = 0 WHERE status = ?", STATUS[TransactionStatus.FAILED]),
    ),
    (
        "unposted_entries_have_no_balance",
        "a pending movement without its hold",
        run(
            "UPDATE entry SET status = ? WHERE status = ?",
            STATUS[TransactionStatus.FAILED],
            STATUS[TransactionStatus.PENDING],
        ),
    ),
    ("journal_is_gap_free", "a missing number", sealed(drop_a_failed_journal)),
    ("journal_is_gap_free", "time going backwards", sealed(postpone_a_journal)),
    ("ledger_chain", "a link cut", run("UPDATE journal SET hash = zeroblob(32) WHERE seq = 5")),
    ("ledger_chain", "a cause changed", run("UPDATE journal SET kind = ? WHERE seq = 5", KIND[JournalKind.CLEARING])),
    ("ledger_chain", "a time changed", run("UPDATE journal SET at = at + 1 WHERE seq = 5")),
    ("audit_chain", "a line rewritten", run("UPDATE audit_log SET severity = 'info' WHERE severity = 'critical'")),
    (
        "audit_chain",
        "the last line removed",
        run('DELETE FROM audit_log WHERE "key" = (SELECT max("key") FROM audit_log)'),
    ),
    ("audit_chain", "the whole trail removed", run("DELETE FROM audit_log")),
    ("audit_chain", "another place", run("UPDATE audit_log SET ip_address = '203.0.113.9' WHERE \"key\" = 3")),
    ("ledger_chain", "another end", run("UPDATE root SET journal_hash = zeroblob(32)")),
    (
        "goals_stay_under_their_target",
        "more than the target",
        run("UPDATE savings_goal SET current_amount = target_amount + 1"),
    ),
    ("goals_stay_under_their_target", "less than nothing", run("UPDATE savings_goal SET current_amount = -1")),
    (
        "unposted_entries_have_no_balance",
        "more than is held",
        run("UPDATE entry SET amount = amount * 10 WHERE status = ?", STATUS[TransactionStatus.PENDING]),
    ),
    (
        "holds_resolve_once",
        "posted with less than its journal says",
        run("UPDATE hold SET posted_amount = -1 WHERE status = 'posted'"),
    ),
    ("audit_chain", "a line removed", run('DELETE FROM audit_log WHERE "key" = 4')),
    ("audit_chain", "another culprit", run('UPDATE audit_log SET user = 2 WHERE "key" = 3')),
    (
        "holds_resolve_once",
        "a resolution of an active hold",
        run("UPDATE hold SET resolved_at = placed_at WHERE status = 'active'"),
    ),
    (
        "holds_resolve_once",
        "posted with more than was held",
        run("UPDATE hold SET posted_amount = posted_amount * 100 WHERE status = 'posted'"),
    ),
    (
        "holds_resolve_once",
        "posted with an unknown amount",
        run("UPDATE hold SET posted_amount = NULL WHERE status = 'posted'"),
    ),
    (
        "holds_resolve_once",
        "two holds with one posting",
        run("UPDATE hold SET resolved_seq = (SELECT max(resolved_seq) FROM hold) WHERE status = 'posted'"),
    ),
    (
        "holds_resolve_once",
        "a posting of a voided hold",
        run("UPDATE hold SET status = 'voided' WHERE status = 'posted'"),
    ),
    (
        "reversals_are_exact",
        "a mark without a reversal",
        run(
            "UPDATE entry SET status = ? WHERE seq = (SELECT max(seq) FROM journal WHERE kind = ?)",
            STATUS[TransactionStatus.REVERSED],
            KIND[JournalKind.DEPOSIT],
        ),
    ),
    (
        "reversals_are_exact",
        "a reversal of another movement",
        run("UPDATE journal SET reverses = 1 WHERE reverses IS NOT NULL"),
    ),
    (
        "reversals_are_exact",
        "a foreign transaction id",
        run(
            "UPDATE entry SET id = zeroblob(16) WHERE id IS NOT NULL AND amount > 0"
            " AND seq = (SELECT max(seq) FROM journal WHERE reverses IS NOT NULL)"
        ),
    ),
    (
        "transfers_match_the_ledger",
        "another amount",
        run("UPDATE transfer SET amount = amount + 1 WHERE status = 'settled'"),
    ),
    (
        "transfers_match_the_ledger",
        "settled without a movement",
        run("UPDATE transfer SET status = 'settled', status_reason = NULL WHERE status = 'rejected'"),
    ),
    (
        "transfers_match_the_ledger",
        "rejected after it moved",
        run("UPDATE transfer SET status = 'rejected' WHERE status = 'settled'"),
    ),
    (
        "transfers_match_the_ledger",
        "reversed without a reversal",
        run("UPDATE transfer SET status = 'reversed' WHERE status = 'settled'"),
    ),
    (
        "transfers_match_the_ledger",
        "settled although taken back",
        run("UPDATE transfer SET status = 'settled' WHERE status = 'reversed'"),
    ),
    (
        "transfers_match_the_ledger",
        "another receiver",
        run("UPDATE transfer SET to_account = 103 WHERE status = 'settled'"),
    ),
    (
        "journals_have_a_cause",
        "a deposit that names a transfer",
        run("UPDATE journal SET transfer = 1 WHERE kind = ?", KIND[JournalKind.DEPOSIT]),
    ),
    ("outbox_is_gap_free", "a missing event", run("DELETE FROM outbox WHERE seq = 3")),
    ("outbox_is_gap_free", "time going backwards", run("UPDATE outbox SET at = 0 WHERE seq = 3")),
    ("amounts_are_whole", "half a fils", sealed(forge_halves_of_fils)),
    (
        "amounts_are_whole",
        "half a fils in a rejected transfer",
        run("UPDATE transfer SET amount = 0.5 WHERE status = 'rejected'"),
    ),
    (
        "amounts_are_whole",
        "half a fils of overdraft",
        run("UPDATE account SET overdraft_limit = 0.5 WHERE code IS NULL"),
    ),
    (
        "sessions_live_on_active_devices",
        "a revoked device",
        run("UPDATE registered_device SET status = 'revoked' WHERE status = 'active'"),
    ),
    (
        "sessions_live_on_active_devices",
        "somebody else's device",
        run("UPDATE registered_device SET user = 2 WHERE user = 1"),
    ),
    (
        "failed_sign_ins_lock",
        "five failures and no lock",
        run("UPDATE auth_user SET failed_login_attempts = 5 WHERE username = 'fatima'"),
    ),
]


def breaches(data: bytes, forge: Forgery) -> list[str]:
    """The names of the rules that a forgery breaks."""
    db = connect(data)
    try:
        driver(db).execute("PRAGMA foreign_keys = OFF")
        forge(db)
        report = check_invariants(db)
    finally:
        disconnect(db)
    assert [check.name for check in report.checks] == NAMES
    assert report.ok == all(check.ok for check in report.checks)
    assert all((check.detail is None) == check.ok for check in report.checks)
    return [check.name for check in report.checks if not check.ok]


@pytest.mark.parametrize(
    ("rule", "forge"),
    [(rule, forge) for rule, _, forge in FORGERIES],
    ids=[f"{rule}: {what}" for rule, what, _ in FORGERIES],
)
def test_a_forgery_breaks_exactly_the_rule_against_it(bank: bytes, rule: str, forge: Forgery) -> None:
    assert breaches(bank, forge) == [rule]


def test_every_rule_is_forged_against() -> None:
    assert {rule for rule, _, _ in FORGERIES} == set(NAMES)
    assert len(NAMES) == len(set(NAMES)) >= 10


def test_a_fresh_bank_keeps_every_rule() -> None:
    assert breaches(tiny_image().data, lambda _: None) == []


def test_a_bank_that_was_lived_in_keeps_every_rule(bank: bytes) -> None:
    assert breaches(bank, lambda _: None) == []
    assert breaches(bank, seal) == [], "sealing an honest ledger changes nothing"


def test_the_first_row_that_breaks_a_rule_is_named(root: StateRoot) -> None:
    sql(root, "UPDATE account SET credits_posted = credits_posted + 7 WHERE code IS NULL")
    broken = broken_invariants(root)
    assert any("posted debits are" in line for line in broken)
    assert any("account 2adf63a8-1580-4504-8fbc-68639f8b1a01 counts" in line for line in broken)
