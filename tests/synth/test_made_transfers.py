"""Transfers: two sides that fit each other, between accounts that move, of amounts that people send."""

import dataclasses
from collections import Counter
from datetime import date

import numpy as np
import pytest
from synth import columns

from sandbox.core.clock import DAY, KUWAIT_OFFSET
from sandbox.synth import ledger
from sandbox.synth.draws import Int
from sandbox.synth.model import (
    CURRENT,
    MOBILE,
    SAVINGS,
    SEGMENTS,
    WALLET,
    Accounts,
    Movements,
    People,
    Posted,
    Span,
    Texts,
)
from sandbox.synth.naming import countries
from sandbox.synth.people import make_people
from sandbox.synth.references import References
from sandbox.synth.tables import nationalities
from sandbox.synth.transfers import move, records, transfer_ids
from sandbox.synth.window import Window, local_day

COUNT = 120


class Made:
    """The transfers of some people: payers' and receivers' sides, in the same order."""

    def __init__(self, people: People, window: Window) -> None:
        self.people = people
        self.held = columns.accounts(people)
        self.window = window
        self.texts = Texts()
        self.movements = move(people, self.held, window, self.texts, seed=1)
        order = np.argsort(self.movements.pair, kind="stable")
        debits = self.movements.taken(order[~self.movements.credit[order]])
        self.debits, self.credits = debits, self.movements.taken(order[self.movements.credit[order]])

    def of(self, *texts: str) -> tuple[Movements, Movements]:
        """Both sides of those with one of some texts."""
        references, everybody = References(self.texts, self.people), np.arange(self.people.count)
        wanted = np.isin(self.debits.text, [place for text in texts for place in references.plain(text, everybody)])
        return self.debits.taken(wanted), self.credits.taken(wanted)

    def kinds(self, movements: Movements) -> set[int]:
        """Kinds of the accounts."""
        return set(self.held.kind[movements.account].tolist())

    def holders(self, movements: Movements) -> Int:
        """Whose each movement is, by position."""
        holder: Int = self.held.holder[movements.account]
        return holder


@pytest.fixture(scope="module")
def people() -> People:
    return columns.people(COUNT)


@pytest.fixture(scope="module")
def made(people: People) -> Made:
    born = columns.people(COUNT).birth + people.index % 40 * 365
    return Made(dataclasses.replace(people, birth=born), columns.window())


@pytest.fixture(scope="module")
def many() -> Made:
    """As they really are."""
    return Made(make_people(2026, Span(0, 500)), columns.window())


BETWEEN = ("Dinner", "Shared bill", "Gift", "Diwaniya", "Trip", "Family", "Loan back", "Rent share", "Eidiya")


def test_both_sides_of_a_transfer_were_booked_as_one(made: Made) -> None:
    assert made.movements.count == 2 * made.debits.count == 2 * len(np.unique(made.movements.pair))
    for name in ("pair", "at", "amount", "channel", "category", "merchant", "text"):
        assert (getattr(made.debits, name) == getattr(made.credits, name)).all(), name
    assert (made.debits.account != made.credits.account).all()
    assert (made.movements.channel == MOBILE).all()
    assert made.movements.amount.min() > 0


def test_all_keys_are_different(made: Made) -> None:
    assert len(np.unique(made.movements.key)) == made.movements.count


def test_savings_go_out_after_payday(made: Made, people: People) -> None:
    paid, received = made.of("To savings")
    assert (made.kinds(paid), made.kinds(received)) == ({CURRENT}, {SAVINGS})
    assert (made.holders(paid) == made.holders(received)).all()
    assert (paid.amount % 5_000 == 0).all()
    assert (paid.amount <= people.income[made.holders(paid)] * 4 // 10 + people.other_income.max()).all()
    ministries = paid.taken(people.payday[made.holders(paid)] == 20)
    assert {local_day(at).day for at in ministries.at.tolist()} <= set(range(15, 24))
    months = Counter(made.holders(paid).tolist()).values()
    assert 7 <= min(months) <= max(months) <= 12


def test_the_wealthy_put_by_what_they_do_not_spend(many: Made) -> None:
    people = many.people
    paid, _ = many.of("To savings")
    holders = many.holders(paid)
    saved = np.bincount(holders, paid.amount, minlength=people.count) / 12 / np.maximum(people.other_income, 1)
    wealthy = (people.segment == SEGMENTS.index("AFFLUENT")) & (many.held.of[:, SAVINGS] >= 0)
    assert wealthy.any()
    assert (saved[wealthy] > 0).all()
    assert np.median(saved[wealthy]) > 0.1


def test_some_savings_come_back_in_summer_or_before_school(made: Made) -> None:
    paid, received = made.of("From savings")
    assert (made.kinds(paid), made.kinds(received)) == ({SAVINGS}, {CURRENT})
    assert 0 < paid.count < COUNT // 4
    assert set(Counter(made.holders(paid).tolist()).values()) == {1}
    assert {local_day(at).month for at in paid.at.tolist()} <= {6, 7, 8, 9}


def test_wallets_are_topped_up(made: Made) -> None:
    paid, received = made.of("Wallet top-up")
    assert (made.kinds(paid), made.kinds(received)) == ({CURRENT}, {WALLET})
    assert 10_000 <= paid.amount.min() <= paid.amount.max() <= 50_000
    assert (paid.amount % 5_000 == 0).all()


def test_people_send_each_other_no_more_than_the_scheme_allows(made: Made) -> None:
    paid, received = made.of(*BETWEEN)
    assert paid.count > COUNT
    assert (made.kinds(paid), made.kinds(received)) == ({CURRENT}, {CURRENT})
    assert (made.holders(paid) != made.holders(received)).all()
    assert 1_000 <= paid.amount.min() <= paid.amount.max() <= 1_000_000
    a_day: Counter[tuple[int, int]] = Counter()
    for holder, at, amount in zip(made.holders(paid).tolist(), paid.at.tolist(), paid.amount.tolist(), strict=True):
        a_day[holder, (at + KUWAIT_OFFSET) // DAY] += amount
    assert max(a_day.values()) <= 3_000_000


def test_friends_are_of_one_country_and_gulf_arabs_among_each_other(many: Made) -> None:
    paid, received = many.of(*BETWEEN)
    codes = np.array(countries(1, many.people.index, many.people.nationality))
    circle = np.where(np.isin(codes, ["KW", "SA"]), "Gulf", codes)
    payer, receiver = many.holders(paid), many.holders(received)
    assert paid.count > many.people.count
    assert (circle[payer] == circle[receiver]).all()
    relatives = many.of("Family")
    payer, receiver = (many.holders(side) for side in relatives)
    assert len(payer)
    assert (codes[payer] == codes[receiver]).all()


def test_everybody_has_a_few_friends(many: Made) -> None:
    paid, received = many.of("Dinner", "Shared bill", "Gift", "Trip", "Loan back")
    friends: dict[int, set[int]] = {}
    for payer, receiver in zip(many.holders(paid).tolist(), many.holders(received).tolist(), strict=True):
        friends.setdefault(payer, set()).add(receiver)
    assert {len(known) for known in friends.values()} == {1, 2, 3, 4}
    relatives = set(zip(*(many.holders(side).tolist() for side in many.of("Family")), strict=True))
    assert max(Counter(payer for payer, _ in relatives).values()) <= 2


def test_only_kuwaiti_men_share_the_costs_of_a_diwaniya(many: Made) -> None:
    sides = many.of("Diwaniya")
    assert sides[0].count
    for side in sides:
        who = many.holders(side)
        assert many.people.kuwaiti[who].all()
        assert not many.people.woman[who].any()


def test_only_tenants_share_a_rent(many: Made) -> None:
    sides = many.of("Rent share")
    assert sides[0].count
    for side in sides:
        assert (many.people.rent[many.holders(side)] > 0).all()


def test_an_eidiya_goes_to_somebody_much_younger_among_gulf_arabs(many: Made) -> None:
    paid, received = many.of("Eidiya")
    payer, receiver = many.holders(paid), many.holders(received)
    gulf = [nationalities().index(code) for code in ("KW", "SA")]
    assert paid.count
    assert np.isin(many.people.nationality[[*payer, *receiver]], gulf).all()
    assert (many.people.birth[receiver] - many.people.birth[payer] >= 10 * 365).all()


def test_who_writes_arabic_writes_references_in_arabic(many: Made) -> None:
    told = [many.texts.listed[place] for place in many.debits.text.tolist()]
    arabic = many.people.arabic[many.holders(many.debits)].tolist()
    assert [text.isascii() for text in told] == [not writes for writes in arabic]
    assert {"قطّة الديوانية", "عائلة", "إلى التوفير", "تعبئة المحفظة", "Dinner", "Family"} <= set(told)


def test_eidiyas_are_sent_on_the_days_of_eid(made: Made) -> None:
    debits, _ = made.of("Eidiya")
    eid = set(made.window.ordinal[made.window.eid].tolist())
    assert debits.count
    days = {local_day(at).toordinal() for at in debits.at.tolist()}
    assert days <= eid
    assert date(2025, 6, 5).toordinal() not in days, "the Day of Arafah is not the feast yet"
    assert set(debits.amount.tolist()) <= {5_000, 10_000, 20_000}


def test_accounts_that_do_not_move_take_no_part(people: People) -> None:
    held = columns.accounts(people)
    held.of[:40, CURRENT] = -1
    held.of[40:80, SAVINGS] = -1
    found = move(people, held, columns.window(), Texts(), seed=1)
    holder, kind = held.holder[found.account], held.kind[found.account]
    assert found.count
    assert not (holder < 40).any()
    assert not ((holder >= 40) & (holder < 80) & (kind == SAVINGS)).any()


@pytest.mark.parametrize("count", [1, 2])
def test_a_chunk_of_hardly_anybody_works(count: int) -> None:
    made = Made(columns.people(count, first=500), columns.window())
    paid, received = made.debits, made.credits
    assert (paid.account != received.account).all()
    if count == 1:
        assert (made.holders(made.movements) == 0).all()


def test_a_bank_of_tomorrow_has_the_same_transfers(made: Made, people: People) -> None:
    later = Made(people, columns.window("2026-01-09T09:00:00Z")).movements
    common = later.taken(later.at < made.window.start[-1])
    known = dict(zip(made.movements.key.tolist(), made.movements.amount.tolist(), strict=True))
    assert all(known[key] == amount for key, amount in zip(common.key.tolist(), common.amount.tolist(), strict=True))


def posted(made: Made) -> tuple[Accounts, Posted]:
    return made.held, ledger.post([made.movements], made.people, made.held, made.window, made.texts, seed=1)


def test_records_name_payer_receiver_and_what_it_was_for(made: Made) -> None:
    held, found = posted(made)
    users = [f"U{position}" for position in range(COUNT)]
    rows = records(found, held, users, users, made.texts, seed=1)
    assert len(rows) == found.movements.count // 2
    ids = transfer_ids(found.movements, seed=1)
    sides: dict[str | None, list[int]] = {}
    for place, transfer_id in enumerate(ids):
        sides.setdefault(transfer_id, []).append(place)
    assert None not in sides
    assert len(sides) == len(rows)
    for row in rows:
        debit, credit = sorted(sides[str(row["transfer_id"])], key=lambda place: bool(found.movements.credit[place]))
        assert not found.movements.credit[debit]
        assert found.movements.credit[credit]
        assert row["from_account_id"] == held.id[found.movements.account[debit]]
        assert row["to_account_id"] == held.id[found.movements.account[credit]]
        assert row["user_id"] == users[held.holder[found.movements.account[debit]]]
        assert row["reference"] == made.texts.listed[found.movements.text[debit]]
    assert [row["created_at"] for row in rows] == sorted(str(row["created_at"]) for row in rows)


def test_movements_that_are_no_transfers_have_no_transfer_id(people: People) -> None:
    held, days = columns.accounts(people), columns.window(months=1)
    assert set(transfer_ids(columns.card_payments(people, held, days), seed=1)) == {None}
