"""The ledger: what posts, what is refused, holds, reversals, counters and the chain."""

from collections.abc import Callable

import pytest
from bankside import (
    ARJUN_CURRENT,
    FATIMA_CURRENT,
    FATIMA_FROZEN,
    FATIMA_SAVINGS,
    MARIAM_DORMANT,
    VAULT,
    YOUSEF_WALLET,
    advance,
    available,
    booked,
    key_of,
    move,
    reserve,
    rows_of,
    seen_by,
    sql,
)
from support import broken_invariants, new_root, sign_in

from sandbox.bank import ledger
from sandbox.bank.accounts import list_holds
from sandbox.bank.ledger import Leg, Posting
from sandbox.bank.lists import Window
from sandbox.core.clock import DAY, HOUR
from sandbox.core.errors import (
    AccountBlockedError,
    AccountClosedError,
    AlreadyReversedError,
    DomainError,
    HoldResolvedError,
    InsufficientFundsError,
    LimitExceededError,
    NotFoundError,
)
from sandbox.core.money import MAX_FILS
from sandbox.core.vocabulary import Direction, HoldStatus, TransactionStatus
from sandbox.sandboxes.root import StateRoot
from sandbox.store.tables import JournalKind, entry, journal
from sandbox.store.work import Work

FATIMA_BOOKED = 2_547_440
FATIMA_HELD = 21_850


def post_pair(root: StateRoot, payer: str, payee: str, fils: int) -> Posting:
    """A movement between two customers' accounts."""
    legs = (Leg(key_of(root, payer), -fils), Leg(key_of(root, payee), fils))

    def run(work: Work) -> Posting:
        named = [leg._replace(id=work.draws.uuid("transaction"), description="A test") for leg in legs]
        return ledger.post(work, kind=JournalKind.MOVEMENT, legs=named)

    return root.write(run)


def statuses(root: StateRoot, seq: int) -> list[int]:
    """The stored statuses of a journal's entries."""
    return [row[0] for row in sql(root, "SELECT status FROM entry WHERE seq = ? ORDER BY account", seq)]


def test_the_seed_bank_has_its_stated_balances_and_holds(root: StateRoot) -> None:
    assert booked(root, FATIMA_CURRENT) == FATIMA_BOOKED
    assert available(root, FATIMA_CURRENT) == FATIMA_BOOKED - FATIMA_HELD
    assert broken_invariants(root) == []


def test_a_posting_moves_both_sides_and_tells_the_new_balances(root: StateRoot) -> None:
    last = sql(root, "SELECT max(seq) FROM journal")[0][0]
    posting = move(root, FATIMA_CURRENT, 1_000)
    assert posting.seq == last + 1
    assert posting.at == root.now
    assert posting.balances[key_of(root, FATIMA_CURRENT)] == FATIMA_BOOKED + 1_000
    assert booked(root, FATIMA_CURRENT) == FATIMA_BOOKED + 1_000
    assert sql(root, "SELECT sum(amount) FROM entry WHERE seq = ?", posting.seq) == [(0,)]
    assert broken_invariants(root) == []


def test_every_entry_of_a_customer_carries_the_running_balance_and_the_banks_own_side_none(root: StateRoot) -> None:
    first, second = move(root, FATIMA_CURRENT, 1_000), move(root, FATIMA_CURRENT, -250)
    key = key_of(root, FATIMA_CURRENT)
    found = sql(root, "SELECT balance FROM entry WHERE account = ? AND seq >= ? ORDER BY seq", key, first.seq)
    assert found == [(FATIMA_BOOKED + 1_000,), (FATIMA_BOOKED + 750,)]
    assert sql(root, "SELECT balance FROM entry WHERE account = ? AND seq = ?", VAULT, second.seq) == [(None,)]


def test_legs_that_do_not_sum_to_zero_are_a_bug_and_leave_nothing(root: StateRoot) -> None:
    key = key_of(root, FATIMA_CURRENT)
    before = rows_of(root, journal)
    with pytest.raises(AssertionError, match="debits must equal credits"):
        root.write(ledger.post, kind=JournalKind.MOVEMENT, legs=(Leg(key, 1_000), Leg(VAULT, -999)))
    assert rows_of(root, journal) == before


def test_an_account_stands_once_in_a_journal(root: StateRoot) -> None:
    key = key_of(root, FATIMA_CURRENT)
    with pytest.raises(AssertionError, match="once"):
        root.write(ledger.post, kind=JournalKind.MOVEMENT, legs=(Leg(key, 1_000), Leg(key, -1_000)))


def test_all_that_is_available_can_be_spent_and_not_one_fils_more(root: StateRoot) -> None:
    whole = available(root, FATIMA_CURRENT)
    with pytest.raises(InsufficientFundsError) as refused:
        move(root, FATIMA_CURRENT, -whole - 1)
    assert refused.value.facts["available"].amount == "2525.590"
    assert refused.value.facts["requested"].amount == "2525.591"
    move(root, FATIMA_CURRENT, -whole)
    assert available(root, FATIMA_CURRENT) == 0
    assert booked(root, FATIMA_CURRENT) == FATIMA_HELD
    with pytest.raises(InsufficientFundsError):
        move(root, FATIMA_CURRENT, -1)
    assert broken_invariants(root) == []


def test_an_overdraft_limit_can_be_used_up_to_its_last_fils(root: StateRoot) -> None:
    sql(root, 'UPDATE account SET overdraft_limit = 500 WHERE "key" = ?', key_of(root, YOUSEF_WALLET))
    whole = available(root, YOUSEF_WALLET)
    with pytest.raises(InsufficientFundsError):
        move(root, YOUSEF_WALLET, -whole - 1)
    move(root, YOUSEF_WALLET, -whole)
    assert booked(root, YOUSEF_WALLET) == -500
    assert broken_invariants(root) == []


def test_a_refused_posting_leaves_no_row_and_no_tick(root: StateRoot) -> None:
    move(root, FATIMA_CURRENT, 1)
    before = rows_of(root, journal), rows_of(root, entry), root.write_number
    with pytest.raises(InsufficientFundsError):
        move(root, FATIMA_CURRENT, -MAX_FILS)
    assert (rows_of(root, journal), rows_of(root, entry), root.write_number) == before


@pytest.mark.parametrize("fils", [1_000, -1_000], ids=["in", "out"])
@pytest.mark.parametrize("account_id", [FATIMA_FROZEN, MARIAM_DORMANT], ids=["frozen", "dormant"])
def test_no_money_moves_on_a_blocked_account(root: StateRoot, account_id: str, fils: int) -> None:
    with pytest.raises(AccountBlockedError) as refused:
        move(root, account_id, fils)
    assert refused.value.facts["account_status"] in {"frozen", "dormant"}
    assert broken_invariants(root) == []


@pytest.mark.parametrize("fils", [1_000, -1_000], ids=["in", "out"])
def test_no_money_moves_on_a_closed_account(root: StateRoot, fils: int) -> None:
    sql(root, "UPDATE account SET status = 'closed' WHERE \"key\" = ?", key_of(root, FATIMA_SAVINGS))
    with pytest.raises(AccountClosedError):
        move(root, FATIMA_SAVINGS, fils)


def test_either_side_of_a_movement_is_guarded(root: StateRoot) -> None:
    with pytest.raises(AccountBlockedError):
        post_pair(root, FATIMA_CURRENT, FATIMA_FROZEN, 1_000)
    with pytest.raises(AccountBlockedError):
        post_pair(root, FATIMA_FROZEN, FATIMA_CURRENT, 1_000)
    assert booked(root, FATIMA_CURRENT) == FATIMA_BOOKED


def test_no_account_holds_more_than_doubles_can_carry(root: StateRoot) -> None:
    room = MAX_FILS - booked(root, FATIMA_CURRENT)
    with pytest.raises(LimitExceededError):
        move(root, FATIMA_CURRENT, room + 1)
    move(root, FATIMA_CURRENT, room)
    assert booked(root, FATIMA_CURRENT) == MAX_FILS
    with pytest.raises(LimitExceededError):
        move(root, FATIMA_CURRENT, 1)
    assert broken_invariants(root) == []


@pytest.mark.parametrize("counter", ["debits_posted", "credits_posted"])
def test_the_banks_own_counters_stop_long_before_they_overflow(root: StateRoot, counter: str) -> None:
    fils = 1_000 if counter == "debits_posted" else -1_000
    sql(root, f'UPDATE account SET {counter} = ? WHERE "key" = ?', 2**62 - 1_000, VAULT)
    move(root, FATIMA_CURRENT, fils)
    with pytest.raises(LimitExceededError, match="cannot count"):
        move(root, FATIMA_CURRENT, fils)
    assert sql(root, f'SELECT {counter}, typeof({counter}) FROM account WHERE "key" = ?', VAULT) == [(2**62, "integer")]


def test_a_hold_reserves_money_without_moving_it(root: StateRoot) -> None:
    before = available(root, ARJUN_CURRENT), booked(root, ARJUN_CURRENT)
    reserve(root, ARJUN_CURRENT, -10_000)
    assert available(root, ARJUN_CURRENT) == before[0] - 10_000
    assert booked(root, ARJUN_CURRENT) == before[1]
    arjun = sign_in(root, "arjun")
    pending = seen_by(root, arjun, status=TransactionStatus.PENDING)
    assert [view.amount.amount for view in pending] == ["10.000", "12.000"]
    assert [view.balance_after for view in pending] == [None, None]
    assert broken_invariants(root) == []


def test_held_money_cannot_be_spent_nor_held_again(root: StateRoot) -> None:
    reserve(root, YOUSEF_WALLET, -170_880)
    with pytest.raises(InsufficientFundsError):
        move(root, YOUSEF_WALLET, -1)
    with pytest.raises(InsufficientFundsError):
        reserve(root, YOUSEF_WALLET, -1)
    assert broken_invariants(root) == []


def test_a_pending_credit_is_never_available(root: StateRoot) -> None:
    before = available(root, YOUSEF_WALLET)
    reserve(root, YOUSEF_WALLET, 50_000)
    assert available(root, YOUSEF_WALLET) == before
    with pytest.raises(InsufficientFundsError):
        move(root, YOUSEF_WALLET, -before - 1)
    assert broken_invariants(root) == []


def test_a_pending_credit_that_is_posted_adds_to_the_balance(root: StateRoot) -> None:
    before = booked(root, YOUSEF_WALLET)
    hold_id = reserve(root, YOUSEF_WALLET, 50_000)
    root.write(ledger.post_hold, hold_id)
    assert booked(root, YOUSEF_WALLET) == available(root, YOUSEF_WALLET) == before + 50_000
    assert broken_invariants(root) == []


def test_a_hold_posted_whole_keeps_its_transaction(root: StateRoot) -> None:
    arjun = sign_in(root, "arjun")
    hold_id = reserve(root, ARJUN_CURRENT, -10_000)
    pending = seen_by(root, arjun)[0]
    before = booked(root, ARJUN_CURRENT)
    root.write(ledger.post_hold, hold_id)
    assert booked(root, ARJUN_CURRENT) == before - 10_000
    posted = seen_by(root, arjun)[0]
    assert (posted.transaction_id, posted.description) == (pending.transaction_id, "Held")
    assert (posted.status, posted.channel) == (TransactionStatus.COMPLETED, "pos")
    assert posted.balance_after is not None
    assert posted.balance_after.amount == "681.555"
    assert broken_invariants(root) == []


def test_a_hold_posted_keeps_what_is_known_of_its_transaction(root: StateRoot) -> None:
    hold_id = reserve(root, ARJUN_CURRENT, -10_000)
    marked = """UPDATE entry SET disputed = 1, extra = '{"terminal":7}' WHERE description = 'Held' RETURNING id"""
    [(public_id,)] = sql(root, marked)
    root.write(ledger.post_hold, hold_id)
    assert sql(root, "SELECT disputed, extra FROM entry WHERE id = ?", public_id) == [(1, '{"terminal":7}')]


def test_a_hold_posted_partly_releases_the_rest(root: StateRoot) -> None:
    before = booked(root, ARJUN_CURRENT), available(root, ARJUN_CURRENT)
    hold_id = reserve(root, ARJUN_CURRENT, -10_000)
    root.write(ledger.post_hold, hold_id, amount=4_000)
    assert booked(root, ARJUN_CURRENT) == before[0] - 4_000
    assert available(root, ARJUN_CURRENT) == before[1] - 4_000
    assert sql(root, 'SELECT status, posted_amount FROM hold ORDER BY "key" DESC LIMIT 1') == [("posted", -4_000)]
    assert broken_invariants(root) == []


@pytest.mark.parametrize("amount", [10_001, 0, -1])
def test_a_hold_is_posted_with_more_than_nothing_and_at_most_what_was_held(root: StateRoot, amount: int) -> None:
    hold_id = reserve(root, ARJUN_CURRENT, -10_000)
    with pytest.raises(LimitExceededError):
        root.write(ledger.post_hold, hold_id, amount=amount)
    root.write(ledger.void_hold, hold_id)
    assert broken_invariants(root) == []


def test_a_voided_hold_gives_the_money_free_and_its_transaction_fails(root: StateRoot) -> None:
    before = available(root, ARJUN_CURRENT)
    hold_id = reserve(root, ARJUN_CURRENT, -10_000)
    root.write(ledger.void_hold, hold_id)
    assert available(root, ARJUN_CURRENT) == before
    arjun = sign_in(root, "arjun")
    assert seen_by(root, arjun)[0].status is TransactionStatus.FAILED
    assert broken_invariants(root) == []


def test_a_hold_expires_when_business_time_passes_its_end_and_not_before(root: StateRoot) -> None:
    before = available(root, ARJUN_CURRENT)
    advance(root, HOUR)
    reserve(root, ARJUN_CURRENT, -10_000)
    placed, expires = sql(root, 'SELECT placed_at, expires_at FROM hold ORDER BY "key" DESC LIMIT 1')[0]
    assert expires == placed + 7 * DAY
    advance(root, expires - root.now - 2_000)
    assert available(root, ARJUN_CURRENT) == before - 10_000 + 12_000, "the seed's own holds are due an hour earlier"
    root.write(lambda _: None)
    assert available(root, ARJUN_CURRENT) == before + 2_000, "one millisecond before its end"
    root.write(lambda _: None)
    assert available(root, ARJUN_CURRENT) == booked(root, ARJUN_CURRENT)
    assert sql(root, "SELECT DISTINCT status FROM hold") == [("expired",)]
    assert broken_invariants(root) == []


def settle_by_posting(root: StateRoot, hold_id: str) -> None:
    root.write(ledger.post_hold, hold_id)


def settle_by_part(root: StateRoot, hold_id: str) -> None:
    root.write(ledger.post_hold, hold_id, amount=1)


def settle_by_voiding(root: StateRoot, hold_id: str) -> None:
    root.write(ledger.void_hold, hold_id)


def settle_by_time(root: StateRoot, hold_id: str) -> None:
    advance(root, 8 * DAY)
    root.write(ledger.expire_holds)
    assert sql(root, "SELECT count(*) FROM hold WHERE status = 'active'") == [(0,)]


@pytest.mark.parametrize("again", [settle_by_posting, settle_by_part, settle_by_voiding])
@pytest.mark.parametrize("once", [settle_by_posting, settle_by_part, settle_by_voiding, settle_by_time])
def test_a_hold_is_resolved_exactly_once(
    root: StateRoot, once: Callable[[StateRoot, str], None], again: Callable[[StateRoot, str], None]
) -> None:
    hold_id = reserve(root, ARJUN_CURRENT, -10_000)
    once(root, hold_id)
    balances = booked(root, ARJUN_CURRENT), available(root, ARJUN_CURRENT)
    with pytest.raises(HoldResolvedError):
        again(root, hold_id)
    assert (booked(root, ARJUN_CURRENT), available(root, ARJUN_CURRENT)) == balances
    assert broken_invariants(root) == []


@pytest.mark.parametrize("resolve", [ledger.post_hold, ledger.void_hold])
def test_a_hold_that_nobody_placed_is_not_found(root: StateRoot, resolve: Callable[..., object]) -> None:
    with pytest.raises(NotFoundError):
        root.write(resolve, "no-such-hold")


def test_a_hold_on_an_account_frozen_since_can_be_voided_but_not_posted(root: StateRoot) -> None:
    hold_id = reserve(root, ARJUN_CURRENT, -10_000)
    sql(root, "UPDATE account SET status = 'frozen' WHERE \"key\" = ?", key_of(root, ARJUN_CURRENT))
    with pytest.raises(AccountBlockedError):
        root.write(ledger.post_hold, hold_id)
    root.write(ledger.void_hold, hold_id)
    assert broken_invariants(root) == []


def test_no_hold_is_placed_on_a_blocked_account(root: StateRoot) -> None:
    with pytest.raises(AccountBlockedError):
        reserve(root, FATIMA_FROZEN, -1)


def test_the_holds_of_an_account_are_listed_oldest_first_and_page_by_page(root: StateRoot) -> None:
    fatima = sign_in(root)
    placed = [reserve(root, FATIMA_CURRENT, -fils) for fils in (100, 200, 300)]
    root.write(ledger.void_hold, placed[1])
    whole = root.read(list_holds, fatima, Window(), FATIMA_CURRENT).items
    assert [view.hold_id for view in whole[2:]] == placed
    assert [view.status for view in whole] == [HoldStatus.ACTIVE] * 3 + [HoldStatus.VOIDED, HoldStatus.ACTIVE]
    assert {view.direction for view in whole} == {Direction.DEBIT}
    assert [view.resolved_at is None for view in whole] == [True, True, True, False, True]
    walked, window = [], Window(2)
    while True:
        page = root.read(list_holds, fatima, window, FATIMA_CURRENT)
        walked += page.items
        if page.next is None:
            break
        window = Window(2, page.next)
    assert walked == whole


def test_a_reversal_negates_every_entry_and_marks_the_original(root: StateRoot) -> None:
    posting = post_pair(root, FATIMA_CURRENT, ARJUN_CURRENT, 5_000)
    back = root.write(ledger.reverse, posting.seq, transfer=None, description="Taken back")
    assert booked(root, FATIMA_CURRENT) == FATIMA_BOOKED
    legs = dict(sql(root, "SELECT account, amount FROM entry WHERE seq = ?", posting.seq))
    taken = dict(sql(root, "SELECT account, amount FROM entry WHERE seq = ?", back.seq))
    assert taken == {key: -amount for key, amount in legs.items()}
    reversed_code = list(TransactionStatus).index(TransactionStatus.REVERSED)
    assert statuses(root, posting.seq) == [reversed_code] * 2
    assert sql(root, "SELECT reverses FROM journal WHERE seq = ?", back.seq) == [(posting.seq,)]
    assert broken_invariants(root) == []


def test_a_reversal_happens_once(root: StateRoot) -> None:
    posting = post_pair(root, FATIMA_CURRENT, ARJUN_CURRENT, 5_000)
    root.write(ledger.reverse, posting.seq, transfer=None, description="Taken back")
    with pytest.raises(AlreadyReversedError):
        root.write(ledger.reverse, posting.seq, transfer=None, description="Taken back")
    assert booked(root, FATIMA_CURRENT) == FATIMA_BOOKED
    assert broken_invariants(root) == []


def test_a_reversal_that_the_receiver_cannot_pay_changes_nothing(root: StateRoot) -> None:
    posting = post_pair(root, FATIMA_CURRENT, ARJUN_CURRENT, 5_000)
    move(root, ARJUN_CURRENT, -available(root, ARJUN_CURRENT))
    with pytest.raises(InsufficientFundsError):
        root.write(ledger.reverse, posting.seq, transfer=None, description="Taken back")
    assert statuses(root, posting.seq) == [0, 0]
    assert booked(root, FATIMA_CURRENT) == FATIMA_BOOKED - 5_000
    assert broken_invariants(root) == []


def test_a_reversal_is_guarded_like_any_posting(root: StateRoot) -> None:
    posting = post_pair(root, FATIMA_CURRENT, ARJUN_CURRENT, 5_000)
    sql(root, "UPDATE account SET status = 'frozen' WHERE \"key\" = ?", key_of(root, FATIMA_CURRENT))
    with pytest.raises(AccountBlockedError):
        root.write(ledger.reverse, posting.seq, transfer=None, description="Taken back")
    assert broken_invariants(root) == []


def test_journals_are_numbered_without_a_gap_through_refusals(root: StateRoot) -> None:
    for fils in (1, -MAX_FILS, 2, -MAX_FILS, 3):
        try:
            move(root, FATIMA_CURRENT, fils)
        except DomainError:
            continue
    found = [row[0] for row in sql(root, "SELECT seq FROM journal ORDER BY seq")]
    assert found == list(range(1, len(found) + 1))


def test_each_journal_is_chained_to_the_one_before(root: StateRoot) -> None:
    first, second = move(root, FATIMA_CURRENT, 1_000), move(root, FATIMA_CURRENT, 2_000)
    (hash_before,) = sql(root, "SELECT hash FROM journal WHERE seq = ?", first.seq)[0]
    at, hash_after = sql(root, "SELECT at, hash FROM journal WHERE seq = ?", second.seq)[0]
    legs = [(VAULT, -2_000), (key_of(root, FATIMA_CURRENT), 2_000)]
    facts = {"seq": second.seq, "at": at, "kind": JournalKind.DEPOSIT}
    assert ledger.journal_link(hash_before, **facts, legs=legs) == hash_after
    assert ledger.journal_link(hash_before, **facts, legs=legs[::-1]) == hash_after, "the order of legs says nothing"
    assert ledger.journal_link(hash_before, **facts, legs=[(VAULT, -1), legs[1]]) != hash_after


def test_several_postings_of_one_work_follow_each_other_in_the_chain(root: StateRoot) -> None:
    key = key_of(root, FATIMA_CURRENT)

    def twice(work: Work) -> list[int]:
        first = ledger.post(work, kind=JournalKind.MOVEMENT, legs=(Leg(key, 5), Leg(VAULT, -5)))
        second = ledger.post(work, kind=JournalKind.MOVEMENT, legs=(Leg(key, 7), Leg(VAULT, -7)))
        return [first.seq, second.seq]

    first, second = root.write(twice)
    assert second == first + 1
    assert broken_invariants(root) == []


def test_the_same_orders_on_the_same_seed_make_the_same_chain() -> None:
    heads = []
    for seed in (1, 1, 2):
        root = new_root(seed=seed)
        move(root, FATIMA_CURRENT, 1_000)
        hold_id = reserve(root, FATIMA_CURRENT, -500)
        root.write(ledger.post_hold, hold_id, amount=200)
        heads.append(sql(root, "SELECT hash FROM journal ORDER BY seq DESC LIMIT 1"))
        root.retire()
    assert heads[0] == heads[1] == heads[2], "no identifier, and so no seed, enters the chain"
