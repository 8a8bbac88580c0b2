"""The ledger of a chunk: every movement has a fate, and no balance breaks a limit at any moment."""

import dataclasses
from collections import defaultdict
from functools import cache

import msgspec
import numpy as np
import pytest
from synth import columns

from sandbox.core import iban
from sandbox.core.clock import DAY, KUWAIT_OFFSET, MILLISECOND, format_instant
from sandbox.core.money import format_fils
from sandbox.store.ecosystem import load_files
from sandbox.synth import ledger, recurring, transfers
from sandbox.synth.calibration import card_payments
from sandbox.synth.draws import Int
from sandbox.synth.merchants import make_merchants
from sandbox.synth.model import (
    ACCOUNT_TYPES,
    ATM,
    CATEGORY,
    CHANNELS,
    COMPLETED,
    CURRENT,
    FAILED,
    ONLINE,
    PENDING,
    POS,
    REVERSED,
    STATUSES,
    Accounts,
    Movements,
    People,
    Posted,
    Texts,
)
from sandbox.synth.window import Window


@dataclasses.dataclass(frozen=True)
class Chunk:
    """Some customers with their movements, before and after posting."""

    people: People
    held: Accounts
    window: Window
    texts: Texts
    blocks: list[Movements]
    posted: Posted


@cache
def chunk(count: int = 60, *, months: int = 12, share: int = 30, seed: int = 1) -> Chunk:
    people = columns.people(count)
    held, window, texts = columns.accounts(people), columns.window(months=months), Texts()
    held = dataclasses.replace(held, overdraft=np.where(held.holder % 10 == 0, 300_000, 0))
    blocks = [
        columns.card_payments(people, held, window, share=share),
        recurring.receive_and_pay(people, held, window, make_merchants(1, count), texts, seed=seed),
        transfers.move(people, held, window, texts, seed=seed),
    ]
    return Chunk(people, held, window, texts, blocks, ledger.post(blocks, people, held, window, texts, seed=seed))


def block(
    made: Chunk, *, account: list[int], at: list[int], amount: list[int], pair: list[int] | None = None
) -> Movements:
    """Payments at a till, given in full; the sides of pairs are debits and credits in turn."""
    count = len(account)
    template = made.blocks[0].taken(np.zeros(count, dtype=np.int64))
    pairs = np.array(pair or [-1] * count, dtype=np.int64)
    return dataclasses.replace(
        template,
        key=np.arange(count, dtype=np.int64) + 1,
        account=np.array(account, dtype=np.int64),
        at=np.array(at, dtype=np.int64),
        amount=np.array(amount, dtype=np.int64),
        credit=(pairs >= 0) & (np.arange(count) % 2 == 1),
        channel=np.where(pairs >= 0, CHANNELS.index("MOBILE"), POS),
        pair=pairs,
    )


def repost(made: Chunk, *blocks: Movements, held: Accounts | None = None, people: People | None = None) -> Posted:
    return ledger.post(list(blocks), people or made.people, held or made.held, made.window, Texts(), seed=1)


def changes(posted: Posted, account: int, *, pending: bool) -> list[tuple[int, int, int]]:
    """What changes an account: (instant, place, signed fils), in order of time."""
    moved = posted.movements
    found = []
    for place in np.flatnonzero(moved.account == account).tolist():
        signed = int(moved.amount[place]) * (1 if moved.credit[place] else -1)
        status = posted.status[place]
        if status in {COMPLETED, REVERSED} or (pending and status == PENDING):
            found.append((int(moved.at[place]), place, signed))
        if status == REVERSED:
            found.append((int(posted.reversed_at[place]), place, -signed))
    return sorted(found)


@pytest.mark.parametrize("share", [10, 30, 80])
def test_no_account_goes_under_its_limit_at_any_moment(share: int) -> None:
    made = chunk(30, share=share)
    for account in range(made.held.count):
        floor = -int(made.held.overdraft[account])
        end = int(made.posted.balance[account])
        running = end - sum(amount for *_, amount in changes(made.posted, account, pending=False))
        assert running >= floor
        for *_, amount in changes(made.posted, account, pending=True):
            running += amount
            assert running >= floor


def test_an_account_opens_with_what_it_should_where_that_lasts() -> None:
    made = chunk()
    raised = 0
    for account in range(made.held.count):
        opening = int(made.posted.balance[account]) - sum(
            amount for *_, amount in changes(made.posted, account, pending=False)
        )
        assert opening >= made.held.opening[account]
        raised += opening > made.held.opening[account]
    assert 0 < raised < made.held.count


def test_a_demo_login_can_always_pay_something() -> None:
    made = chunk()
    starring = dataclasses.replace(made.people, cast=np.arange(60, dtype=np.int64))
    posted = repost(made, *made.blocks, people=starring)
    for account in np.flatnonzero(made.held.kind == CURRENT).tolist():
        happened = changes(posted, account, pending=True)
        pending = sum(amount for *_, amount in happened) - sum(
            amount for *_, amount in changes(posted, account, pending=False)
        )
        running = int(posted.balance[account]) + pending - sum(amount for *_, amount in happened)
        least = min(300_000, int((starring.income + starring.other_income)[made.held.holder[account]]))
        for *_, amount in happened:
            running += amount
            assert running >= least - int(made.held.overdraft[account])


def test_the_balance_after_each_movement_is_what_has_been_booked_so_far() -> None:
    made = chunk()
    posted = made.posted
    for account in range(0, made.held.count, 7):
        mine = changes(posted, account, pending=False)
        opening = int(posted.balance[account]) - sum(amount for *_, amount in mine)
        for place in np.flatnonzero(posted.movements.account == account).tolist():
            at = int(posted.movements.at[place])
            assert posted.after[place] == opening + sum(amount for when, _, amount in mine if when <= at)


def test_nothing_is_lost_before_as_of_and_nothing_is_after_it() -> None:
    made = chunk()
    given = Movements.joined(made.blocks)
    due = given.taken(given.at // MILLISECOND * MILLISECOND <= made.window.as_of)
    assert 0 < given.count - due.count < 200
    assert sorted(made.posted.movements.key.tolist()) == sorted(due.key.tolist())
    assert made.posted.movements.at.max() <= made.window.as_of


def test_movements_stand_in_order_of_time_an_account_has_none_at_one_instant() -> None:
    moved = chunk().posted.movements
    assert (np.diff(moved.at) >= 0).all()
    assert (moved.at % MILLISECOND == 0).all()
    assert len(set(zip(moved.account.tolist(), moved.at.tolist(), strict=True))) == moved.count


def test_movements_at_one_instant_are_put_apart_and_transfers_stay_together() -> None:
    made = chunk()
    noon = int(made.window.start[40])
    given = block(
        made,
        account=[0, 0, 0, 2, 0, 2, 2],
        at=[noon, noon, noon, noon, noon, noon, noon + 400],
        amount=[1_000] * 7,
        pair=[-1, -1, 3, 3, 8, 8, -1],
    )
    given = dataclasses.replace(given, credit=np.array([False, False, False, True, False, True, False]))
    moved = repost(made, given).movements
    assert len(set(zip(moved.account.tolist(), moved.at.tolist(), strict=True))) == 7
    assert moved.at.max() - noon <= 8 * MILLISECOND
    for pair in (3, 8):
        sides = moved.taken(moved.pair == pair)
        assert sides.count == 2
        assert sides.at[0] == sides.at[1]


def test_days_before_somebody_joined_are_left_out_and_the_other_side_with_them() -> None:
    made = chunk()
    day = made.window.start[40]
    joined = made.people.joined.copy()
    joined[2] = made.window.ordinal[41]
    given = block(
        made,
        account=[made.held.of[1, CURRENT], made.held.of[2, CURRENT], made.held.of[1, CURRENT]],
        at=[day, day, day + DAY],
        amount=[5_000] * 3,
        pair=[0, 0, -1],
    )
    moved = repost(made, given, people=dataclasses.replace(made.people, joined=joined)).movements
    assert moved.key.tolist() == [3]


def test_two_movements_with_one_key_are_a_bug() -> None:
    made = chunk()
    with pytest.raises(AssertionError, match="share a key"):
        repost(made, made.blocks[1], made.blocks[1])


def test_cards_are_declined_now_and_then_and_nothing_else_is() -> None:
    posted = chunk(500).posted
    paid = card_payments(posted.movements)
    assert 0.015 < (posted.status[paid] == FAILED).mean() < 0.021
    assert (posted.status[~paid] == COMPLETED).all()


def test_a_declined_payment_says_why() -> None:
    made = chunk(share=60)
    posted = made.posted
    failed = np.flatnonzero(posted.status == FAILED)
    told = [made.texts.listed[place] for place in posted.movements.text[failed].tolist()]
    assert set(told) <= {f"Declined: {reason}" for reason in ledger.DECLINED}
    limit = made.held.overdraft[posted.movements.account[failed]]
    lacks = posted.movements.amount[failed] > posted.after[failed] + limit
    assert [text == "Declined: insufficient funds" for text in told] == lacks.tolist()
    assert lacks.any()
    pins = np.array([text == "Declined: wrong PIN" for text in told])
    assert not (posted.movements.channel[failed][pins] == ONLINE).any()
    shopping = posted.movements.category == CATEGORY["GROCERIES"]
    assert ((posted.movements.text >= 0) & shopping == (posted.status == FAILED) & shopping).all()


def test_reasons_fit_what_was_tried() -> None:
    made = chunk(500, share=60)
    posted, moved = made.posted, made.posted.movements
    told = [made.texts.listed[place] if place >= 0 else "" for place in moved.text.tolist()]
    cards, failed = card_payments(moved), posted.status == FAILED

    def refused(reason: str) -> list[int]:
        places = np.flatnonzero(failed & np.array([text == f"Declined: {reason}" for text in told])).tolist()
        assert places, reason
        return places

    for place in refused("wrong PIN"):
        assert moved.channel[place] == ATM or (moved.channel[place] == POS and moved.amount[place] >= 25_000)
    for place in refused("not confirmed in time"):
        assert moved.channel[place] == ONLINE
    for place in refused("terminal could not reach the bank"):
        assert moved.channel[place] in {POS, ATM}
    for place in refused("suspected fraud"):
        assert moved.channel[place] == ONLINE or moved.amount[place] >= 100_000
    day = (moved.at + KUWAIT_OFFSET) // DAY
    for place in refused("daily limit exceeded"):
        mine = cards & ~failed & (moved.account == moved.account[place]) & (day == day[place])
        assert moved.amount[place] >= 25_000
        assert moved.amount[place] + moved.amount[mine & (moved.at < moved.at[place])].sum() >= 300_000


def test_a_card_that_has_expired_is_not_used_for_five_days() -> None:
    made = chunk()
    start = int(made.window.start[9])
    # Every tenth day something is bought from one account, from another one every fourth day.
    at = [start + 10 * DAY * step for step in range(34)] + [start + 4 * DAY * step + 1 for step in range(85)]
    account = [0] * 34 + [3] * 85
    few = block(made, account=account, at=at, amount=[2_000] * len(at))
    status = np.full(few.count, FAILED)
    likely = ledger._fitting(few, status, np.arange(few.count), until=made.window.as_of)
    expired = likely[:, ledger.DECLINED.index("card expired")] > 0
    assert expired[:33].all()
    assert not expired[34:118].any()


def test_money_sent_home_is_neither_declined_nor_taken_back() -> None:
    posted = chunk(500).posted
    sent = posted.movements.category == CATEGORY["REMITTANCE"]
    assert sent.any()
    assert set(posted.status[sent].tolist()) <= {COMPLETED, PENDING}


@pytest.mark.parametrize("category", ["UTILITIES", "FUEL", "REMITTANCE"])
def test_nobody_tries_to_pay_a_bill_or_a_tank_several_times_over(category: str) -> None:
    made = chunk(share=60)
    paid = dataclasses.replace(made.blocks[0], category=np.full(made.blocks[0].count, CATEGORY[category]))
    asked = dict(zip(paid.key.tolist(), paid.amount.tolist(), strict=True))
    moved = repost(made, paid, *made.blocks[1:]).movements
    known = moved.taken(np.isin(moved.key, paid.key))
    assert [asked[key] for key in known.key.tolist()] == known.amount.tolist()


def test_what_was_tried_in_vain_is_a_multiple_of_what_was_asked() -> None:
    made = chunk(share=60)
    given = Movements.joined(made.blocks)
    asked = dict(zip(given.key.tolist(), given.amount.tolist(), strict=True))
    moved = made.posted.movements
    times = {key: amount / asked[key] for key, amount in zip(moved.key.tolist(), moved.amount.tolist(), strict=True)}
    failed = set(moved.key[made.posted.status == FAILED].tolist())
    assert {factor for key, factor in times.items() if key not in failed} == {1.0}
    assert {times[key] for key in failed} <= {1.0, 2.0, 3.0, 4.0, 5.0, 6.0}


def test_only_shop_payments_of_the_last_days_wait_to_be_booked() -> None:
    made = chunk(500)
    posted = made.posted
    waiting = posted.status == PENDING
    age = (made.window.as_of - posted.movements.at) // DAY
    assert (age[waiting] < 3).all()
    assert set(posted.movements.channel[waiting].tolist()) == {POS, ONLINE}
    shops = card_payments(posted.movements) & (posted.movements.channel != ATM)
    shares = [waiting[shops & (age == days)].mean() for days in range(3)]
    assert shares[0] > shares[1] > shares[2] > 0


def test_a_few_payments_are_taken_back_within_ten_days() -> None:
    made = chunk(500)
    posted = made.posted
    back = posted.status == REVERSED
    shops = card_payments(posted.movements) & (posted.movements.channel != ATM)
    assert 0.003 < back[shops].mean() < 0.005
    assert not back[~shops].any()
    assert (posted.reversed_at[~back] == 0).all()
    later = posted.reversed_at[back] - posted.movements.at[back]
    assert 0 < later.min() <= later.max() <= 11 * DAY
    assert posted.reversed_at.max() <= made.window.as_of


def test_transfers_are_completed_on_both_sides() -> None:
    posted = chunk().posted
    paired = posted.movements.pair >= 0
    assert paired.any()
    assert (posted.status[paired] == COMPLETED).all()


def test_accounts_without_movements_keep_what_they_opened_with() -> None:
    made = chunk()
    opening = made.held.opening.copy()
    opening[1] = 0
    posted = repost(made, block(made, account=[0], at=[int(made.window.start[9])], amount=[1_000]),
                    held=dataclasses.replace(made.held, opening=opening))  # fmt: skip
    assert posted.balance[1:].tolist() == opening[1:].tolist()


def test_no_movements_at_all_are_fine() -> None:
    made = chunk()
    posted = repost(made, made.blocks[0].taken(np.zeros(0, dtype=np.int64)))
    assert posted.id == []
    assert posted.balance.tolist() == made.held.opening.tolist()


def test_the_order_of_blocks_does_not_matter() -> None:
    made = chunk()
    one, other = repost(made, *made.blocks), repost(made, *reversed(made.blocks))
    assert one.id == other.id
    assert (one.status == other.status).all()
    assert (one.after == other.after).all()


def test_a_bank_of_tomorrow_keeps_most_ids_and_fates() -> None:
    made = chunk()
    window = columns.window("2026-01-09T09:00:00Z")
    texts = Texts()
    blocks = [
        recurring.receive_and_pay(made.people, made.held, window, make_merchants(1, 60), texts, seed=1),
        transfers.move(made.people, made.held, window, texts, seed=1),
    ]
    later = ledger.post(blocks, made.people, made.held, window, texts, seed=1)
    today = repost(made, *made.blocks[1:])
    common = set(today.id) & set(later.id)
    assert len(common) > 0.98 * len(today.id)


def total_of(made: Chunk) -> Int:
    total = np.zeros(made.people.count, dtype=np.int64)
    np.add.at(total, made.held.holder, made.posted.balance)
    return total


def test_hardly_anybody_ends_with_more_than_three_years_of_income() -> None:
    made = chunk(500)
    income = made.people.income + made.people.other_income
    assert (total_of(made) > 36 * income).mean() < 0.03


def test_the_checks_of_the_bank_pass() -> None:
    """The rules of docs/ecosystem.md, checked as `validate` does."""
    made = chunk()
    found = load_files("chunk", written(made)).raw.rows["transactions"]
    assert len(found) == len(made.posted.movements.account) > 0


def written(made: Chunk) -> dict[str, bytes]:
    """A chunk as files of an ecosystem, without anything that does not bear on its ledger."""
    posted, moved = made.posted, made.posted.movements
    orders = transfers.transfer_ids(moved, seed=1)
    people = [f"C{position}" for position in range(made.people.count)]
    rows: dict[str, list[dict[str, object]]] = defaultdict(list)
    rows["customers"] = [{"customer_id": name, "full_name": name} for name in people]
    rows["auth_users"] = [{"user_id": f"U{name}", "customer_id": name, "username": name} for name in people]
    rows["accounts"] = [
        {
            "account_id": name,
            "customer_id": people[made.held.holder[place]],
            "account_number": f"{2_000_000_000 + place}",
            "iban": iban.make(f"{2_000_000_000 + place}"),
            "account_type": ACCOUNT_TYPES[made.held.kind[place]],
            "balance": format_fils(int(posted.balance[place])),
            "overdraft_limit": format_fils(int(made.held.overdraft[place])),
            "opened_at": "2018-03-01T08:00:00Z",
        }
        for place, name in enumerate(made.held.id)
    ]
    rows["transfers"] = transfers.records(
        posted, made.held, [f"U{name}" for name in people], people, made.texts, seed=1
    )
    rows["transactions"] = [
        {
            "transaction_id": posted.id[place],
            "account_id": made.held.id[moved.account[place]],
            "amount": format_fils(int(moved.amount[place])),
            "direction": "CREDIT" if moved.credit[place] else "DEBIT",
            "status": STATUSES[posted.status[place]],
            "channel": CHANNELS[moved.channel[place]],
            "booked_at": format_instant(int(moved.at[place])),
            "reversed_at": format_instant(int(posted.reversed_at[place])) if posted.reversed_at[place] else None,
            "transfer_id": orders[place],
        }
        for place in range(moved.count)
    ]
    manifest = {"name": "chunk", "as_of": format_instant(made.window.as_of)}
    return {
        "ecosystem.json": msgspec.json.encode(manifest),
        **{f"{name}.json": msgspec.json.encode(found) for name, found in rows.items()},
    }
