"""Accounts: how many of which kind, whose, under which numbers, and in what state."""

from datetime import date

import numpy as np
import pytest
from synth.chunks import SEED, TODAY, TOMORROW, with_cast

from sandbox.core import calendar, iban
from sandbox.core.clock import parse_instant
from sandbox.synth.accounts import ACTIVE, CLOSED, DORMANT, FROZEN, make_accounts, records
from sandbox.synth.cast import CAST
from sandbox.synth.model import ACCOUNT_TYPES, CURRENT, FIXED_DEPOSIT, NONE, SAVINGS, SECTORS, WALLET, Accounts, Span
from sandbox.synth.people import make_people, since
from sandbox.synth.window import Window, local_day

WINDOW = Window(parse_instant(TODAY), 12)


def made(count: int = 60, *, first: int = 0, seed: int = SEED) -> Accounts:
    return make_accounts(with_cast(count, first=first), WINDOW, seed=seed)


def by_place(accounts: Accounts) -> dict[tuple[int, int], str]:
    return dict(zip(zip(accounts.holder.tolist(), accounts.kind.tolist(), strict=True), accounts.number, strict=True))


@pytest.mark.parametrize("seed", range(6))
def test_sixty_customers_hold_about_130_accounts(seed: int) -> None:
    assert abs(made(seed=seed).count - 130) <= 3


def test_the_shares_of_kinds_are_exact_within_one() -> None:
    count = np.bincount(made(500, first=500).kind)
    assert abs(count - [500, 325, 200, 60]).max() <= 1


def test_the_cast_hold_what_they_are_said_to_and_all_of_it_works() -> None:
    accounts = made()
    for place, member in enumerate(CAST):
        mine = accounts.holder == place
        assert [ACCOUNT_TYPES[kind] for kind in accounts.kind[mine]] == sorted(member.accounts, key=ACCOUNT_TYPES.index)
        assert (accounts.status[mine] == ACTIVE).all()


def test_everybody_but_newcomers_has_one_current_account_and_none_of_a_kind_twice() -> None:
    accounts = made()
    pairs = list(zip(accounts.holder.tolist(), accounts.kind.tolist(), strict=True))
    assert len(pairs) == len(set(pairs))
    assert pairs == sorted(pairs)
    with_current = {holder for holder, kind in pairs if kind == CURRENT}
    assert {place for place, member in enumerate(CAST) if member.newcomer} == set(range(60)) - with_current


def test_numbers_and_ids_are_unique_across_chunks_and_ibans_of_the_house_carry_them() -> None:
    first, second = made(500), made(500, first=500)
    for column in ("id", "number", "iban"):
        both = getattr(first, column) + getattr(second, column)
        assert len(set(both)) == len(both)
    assert all(len(number) == 10 and number.isdigit() for number in first.number)
    assert [iban.account_number_of(text) for text in first.iban] == first.number
    assert all(iban.is_house(text) for text in first.iban)


def test_a_bank_of_another_day_has_the_same_accounts() -> None:
    people = with_cast(60)
    today = make_accounts(people, WINDOW, seed=SEED)
    later = make_accounts(people, Window(parse_instant(TOMORROW), 24), seed=SEED)
    for column in ("id", "number", "iban", "nickname"):
        assert getattr(today, column) == getattr(later, column)
    for column in ("holder", "kind", "status", "overdraft", "opening", "of"):
        assert (getattr(today, column) == getattr(later, column)).all()


def test_a_larger_bank_keeps_the_numbers() -> None:
    small, large = by_place(made(60)), by_place(made(500))
    both = small.keys() & large.keys()
    assert len(both) > 100
    assert all(small[place] == large[place] for place in both)


def test_another_seed_gives_other_numbers() -> None:
    assert not set(made().number) & set(made(seed=SEED + 1).number)


def test_of_leads_to_the_accounts_that_work_and_to_no_others() -> None:
    accounts = made(500)
    positions, kinds = np.nonzero(accounts.of != NONE)
    places = accounts.of[positions, kinds]
    assert (accounts.holder[places] == positions).all()
    assert (accounts.kind[places] == kinds).all()
    assert sorted(places.tolist()) == np.flatnonzero(accounts.status == ACTIVE).tolist()


def test_some_savings_and_wallets_are_frozen_dormant_or_closed() -> None:
    for accounts in (made(60), made(500, first=1000)):
        for status in (FROZEN, DORMANT, CLOSED):
            assert (accounts.status == status).any()
        assert np.isin(accounts.kind[accounts.status != ACTIVE], [SAVINGS, WALLET]).all()
        assert (accounts.opening[accounts.status == CLOSED] == 0).all()
        assert (accounts.opening[accounts.status != CLOSED] > 0).all()


@pytest.mark.parametrize(("as_of", "months"), [(TODAY, 1), (TODAY, 12), ("2020-12-31T09:00:00Z", 12), (TODAY, 60)])
def test_accounts_are_opened_after_their_holder_joined_and_before_the_window(as_of: str, months: int) -> None:
    window = Window(parse_instant(as_of), months)
    people = since(make_people(SEED, Span(0, 500)), window)
    accounts = make_accounts(people, window, seed=SEED)
    days = [local_day(at) for at in accounts.opened_at.tolist()]
    assert all(day.toordinal() >= people.joined[holder] for day, holder in zip(days, accounts.holder, strict=True))
    assert max(days) < window.first
    at_branch = [day for day, kind in zip(days, accounts.kind, strict=True) if kind != WALLET]
    assert all(day.weekday() not in {4, 5} for day in at_branch)
    assert all(calendar.is_business_day(day) for day in at_branch if day.year >= 2020)
    assert min(day for day, kind in zip(days, accounts.kind, strict=True) if kind == WALLET) >= date(2019, 3, 1)


def test_accounts_were_opened_in_all_years_up_to_the_window() -> None:
    people = since(make_people(SEED, Span(0, 500)), WINDOW)
    years = {local_day(at).year for at in make_accounts(people, WINDOW, seed=SEED).opened_at.tolist()}
    assert set(range(2005, 2025)) <= years


@pytest.mark.parametrize("months", [1, 12])
def test_deposits_run_since_some_months_but_never_longer_than_their_holder_is_known(months: int) -> None:
    window = Window(parse_instant(TODAY), months)
    people = since(make_people(SEED, Span(0, 500)), window)
    accounts = make_accounts(people, window, seed=SEED)
    deposits = accounts.kind == FIXED_DEPOSIT
    for at, holder in zip(accounts.opened_at[deposits].tolist(), accounts.holder[deposits].tolist(), strict=True):
        age = (window.last - local_day(at)).days
        assert age >= 90
        assert age <= 915
        assert local_day(at).toordinal() >= people.joined[holder]


def test_only_citizens_may_overdraw_by_half_a_wage_at_most() -> None:
    people = with_cast(500)
    accounts = make_accounts(people, WINDOW, seed=SEED)
    holders = accounts.holder[accounts.overdraft > 0]
    assert 10 < len(holders) < 100
    assert people.kuwaiti[holders].all()
    assert (accounts.overdraft <= people.income[accounts.holder] // 2).all()
    assert (accounts.kind[accounts.overdraft > 0] == CURRENT).all()


def test_deposits_are_round_and_large() -> None:
    accounts = made(500)
    deposits = accounts.opening[accounts.kind == FIXED_DEPOSIT]
    assert (deposits % 500_000 == 0).all()
    assert deposits.min() >= 1_000_000


def test_names_are_in_the_language_of_the_holder() -> None:
    people = with_cast(60)
    accounts = make_accounts(people, WINDOW, seed=SEED)
    named = [(name, people.arabic[holder]) for name, holder in zip(accounts.nickname, accounts.holder, strict=True)]
    assert all(name is None or name.isascii() != arabic for name, arabic in named)
    assert 30 < sum(name is not None for name, _ in named) < 80


def test_nicknames_speak_of_nothing_that_the_holder_lacks() -> None:
    people = make_people(SEED, Span(0, 500))
    accounts = make_accounts(people, WINDOW, seed=SEED)
    waged = np.isin(people.sector, (SECTORS.index("PUBLIC"), SECTORS.index("PRIVATE")))
    seen = set()
    for name, holder in zip(accounts.nickname, accounts.holder.tolist(), strict=True):
        seen.add(name)
        if name in {"Salary", "الراتب", "حساب الراتب", "Salary and rent"}:
            assert waged[holder]
        if name == "Salary and rent":
            assert people.rent[holder] > 0
        if name in {"Children", "مستقبل الأولاد"}:
            assert people.dependents[holder] > 0
    assert {"Salary", "الراتب", "Salary and rent", "Children", "مستقبل الأولاد"} <= seen


def test_the_accounts_of_fatima_are_called_as_the_readme_says() -> None:
    accounts = make_accounts(make_people(2026, Span(0, 60)), WINDOW, seed=2026)
    assert accounts.nickname[:2] == ["Salary", "Children"]


def test_records_carry_the_balance_and_leave_defaults_out() -> None:
    accounts = made()
    rows = records(accounts, [f"c-{position}" for position in range(60)], accounts.opening + 1_005)
    plain = next(row for row, place in zip(rows, range(accounts.count), strict=True) if not accounts.overdraft[place])
    assert len(rows) == accounts.count
    assert "overdraft_limit" not in plain
    assert rows[0]["customer_id"] == "c-0"
    assert rows[0]["account_type"] == "CURRENT"
    whole, fils = divmod(int(accounts.opening[0]) + 1_005, 1_000)
    assert rows[0]["balance"] == f"{whole}.{fils:03d}"
    statuses = [row.get("status", "ACTIVE") for row in rows]
    assert statuses.count("ACTIVE") == (accounts.status == ACTIVE).sum()
