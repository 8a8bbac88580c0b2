"""Habits: a month of payments that a Kuwaiti banker would believe."""

from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray
from synth import columns

from sandbox.core.clock import DAY, HOUR, KUWAIT_OFFSET, parse_instant
from sandbox.synth.accounts import make_accounts
from sandbox.synth.calibration import calibrate, card_payments
from sandbox.synth.habits import spend
from sandbox.synth.merchants import CITIES, COUNTRIES, MEN, WOMEN, Merchants, make_merchants
from sandbox.synth.model import (
    ATM,
    CATEGORY,
    CURRENT,
    HOUSING,
    MOBILE,
    NONE,
    ONLINE,
    POS,
    WALLET,
    Accounts,
    Movements,
    People,
    Span,
)
from sandbox.synth.people import make_people
from sandbox.synth.purse import customs, paid_out
from sandbox.synth.trips import countries_of, flies, make_trips, pilgrims
from sandbox.synth.usual import make_lives
from sandbox.synth.window import EPOCH_ORDINAL, Window

CUSTOMERS, MONTHS, SEED = 300, 12, 1
NIGHT = 4
"""Until this hour a payment belongs to the evening before."""

Mask = NDArray[np.bool_]


class Year:
    """A year of payments, with what it was made from."""

    def __init__(self) -> None:
        self.people: People = columns.people(CUSTOMERS)
        self.accounts: Accounts = columns.accounts(self.people)
        self.window: Window = columns.window()
        self.merchants: Merchants = make_merchants(SEED, CUSTOMERS)
        self.made: Movements = spend(self.people, self.accounts, self.window, self.merchants, seed=SEED)
        local = self.made.at + KUWAIT_OFFSET
        self.hour = local // HOUR % 24
        day = (local - NIGHT * HOUR) // DAY + EPOCH_ORDINAL - self.window.ordinal[0]
        self.day = np.clip(day, 0, self.window.days - 1)
        self.who = self.accounts.holder[self.made.account]
        self.at_home: Mask = self.made.country < 0

    def of(self, *categories: str) -> Mask:
        """The payments of some categories."""
        return np.isin(self.made.category, [CATEGORY[name] for name in categories])

    def a_day(self, mask: Mask, days: Mask) -> float:
        """How many of some payments fall on one of some days."""
        return int((mask & days[self.day]).sum()) / int(days.sum())


@pytest.fixture(scope="module")
def year() -> Year:
    return Year()


def test_nothing_is_paid_twice_and_nothing_costs_nothing(year: Year) -> None:
    assert len(set(year.made.key.tolist())) == year.made.count
    assert int(year.made.amount.min()) > 0
    assert not year.made.credit.any()


def test_everything_is_paid_to_a_merchant_of_its_kind(year: Year) -> None:
    assert (year.merchants.category[year.made.merchant] == year.made.category).all()
    assert (year.merchants.country[year.made.merchant] == year.made.country).all()


def test_cards_are_used_as_often_and_for_what_the_central_bank_counts(year: Year) -> None:
    cards = card_payments(year.made)
    remitted = int((year.people.remits > 0).sum()) * MONTHS * 0.9
    total = int(cards.sum()) + remitted
    assert total / CUSTOMERS / MONTHS == pytest.approx(customs()["cards_a_month"], rel=0.03)
    counts = {channel: int((cards & (year.made.channel == channel)).sum()) for channel in (POS, ONLINE, ATM)}
    assert counts[POS] / total == pytest.approx(0.704, rel=0.02)
    assert (counts[ONLINE] + remitted) / total == pytest.approx(0.244, rel=0.03)
    assert counts[ATM] / total == pytest.approx(0.052, rel=0.06)


@pytest.mark.parametrize(
    ("category", "least", "most"),
    [("GROCERIES", 9_000, 17_000), ("RESTAURANTS", 6_500, 11_000), ("COFFEE", 1_800, 3_200), ("FUEL", 4_000, 6_000)],
)
def test_prices_are_those_of_kuwait(year: Year, category: str, least: int, most: int) -> None:
    mine = year.of(category) & year.at_home & (year.made.channel == POS)
    assert least <= int(calibrate(year.made).amount[mine].mean()) <= most


def test_fuel_is_litres_at_one_of_two_tariffs(year: Year) -> None:
    fifths = year.made.amount[year.of("FUEL")] * 5
    assert ((fifths % 85 == 0) | (fifths % 105 == 0)).all()


def test_a_car_keeps_to_one_grade_and_is_filled_about_every_week(year: Year) -> None:
    income = year.people.income + year.people.other_income
    fills = []
    for who in set(year.who[year.of("FUEL")].tolist()):
        amounts = year.made.amount[year.of("FUEL") & (year.who == who)] * 5
        assert (amounts % 85 == 0).all() or (amounts % 105 == 0).all()
        assert income[who] >= 250_000
        fills.append(len(amounts) / MONTHS)
    assert len(fills) > 50
    assert 3 <= np.percentile(fills, 10) <= np.percentile(fills, 90) <= 5.3


def test_machines_give_notes(year: Year) -> None:
    machine = (year.made.channel == ATM) & year.at_home
    assert (year.made.amount[machine] % 5_000 == 0).all()


def test_shops_end_their_prices_on_coins(year: Year) -> None:
    shops = year.at_home & (year.made.channel == POS) & ~year.of("FUEL")
    assert (year.made.amount[shops] % 5 == 0).all()
    assert (year.made.amount[shops & year.of("CLOTHING")] % 250 == 0).all()


def test_nothing_is_cheaper_or_dearer_than_it_can_be(year: Year) -> None:
    paid = calibrate(year.made)
    for category, least in customs()["floors"].items():
        if category != "about":
            assert int(paid.amount[year.of(category)].min()) >= least
    butchers = np.array([code == "5422" for code in year.merchants.mcc])[year.made.merchant]
    assert butchers.any()
    assert int(paid.amount[butchers].max()) <= 80_000


def test_in_ramadan_restaurants_sell_nothing_by_day(year: Year) -> None:
    eating = year.of("RESTAURANTS", "COFFEE") & year.at_home & year.window.ramadan[year.day]
    by_day = (year.hour >= 5) & (year.hour < 18)
    assert not (eating & by_day).any()
    assert int((eating & ((year.hour >= 19) | (year.hour < 3))).sum()) > 0.9 * int(eating.sum())


def test_in_ramadan_people_give_three_times_as_much_and_more(year: Year) -> None:
    ordinary = ~year.window.ramadan & ~year.window.eid
    giving = year.of("CHARITY")
    assert 2.5 < year.a_day(giving, year.window.ramadan) / year.a_day(giving, ordinary) < 6


def test_who_gives_more_in_ramadan_gives_more_money_too(year: Year) -> None:
    giving = year.of("CHARITY")
    ordinary = ~year.window.ramadan & ~year.window.eid
    in_ramadan = int(year.made.amount[giving & year.window.ramadan[year.day]].sum()) / int(year.window.ramadan.sum())
    otherwise = int(year.made.amount[giving & ordinary[year.day]].sum()) / int(ordinary.sum())
    assert 2.5 < in_ramadan / otherwise < 6
    observing = pilgrims(year.people, SEED)
    assert observing[year.who[giving]].all()


def test_the_cast_gives_in_ramadan() -> None:
    people = columns.people(12, cast=np.arange(12, dtype=np.int64))
    accounts = columns.accounts(people)
    window = columns.window()
    made = spend(people, accounts, window, make_merchants(SEED, 12), seed=SEED)
    day = (made.at + KUWAIT_OFFSET) // DAY + EPOCH_ORDINAL - window.ordinal[0]
    given = (made.category == CATEGORY["CHARITY"]) & window.ramadan[day]
    assert set(accounts.holder[made.account[given]].tolist()) >= set(np.flatnonzero(pilgrims(people, SEED)).tolist())


def test_cupboards_are_filled_before_ramadan_and_notes_drawn_before_eid(year: Year) -> None:
    begin = int(np.flatnonzero(year.window.ramadan)[0])
    days = np.arange(year.window.days)
    before = (days >= begin - 14) & (days < begin)
    ordinary = ~year.window.ramadan & ~year.window.eid & ~before
    food = year.of("GROCERIES", "SUPERMARKET") & year.at_home
    assert year.a_day(food, before) > 1.2 * year.a_day(food, ordinary)
    eve = ~year.window.eid & (year.window.before_eid <= 4)
    assert year.a_day(year.of("CASH"), eve) > 1.6 * year.a_day(year.of("CASH"), ordinary)


def test_the_week_after_the_wage_is_the_best_for_shops(year: Year) -> None:
    ministries = year.people.payday == 20
    mine = year.of("CLOTHING", "CASH", "SUPERMARKET") & ministries[year.who] & year.at_home
    after = np.isin(year.window.day_of_month, range(20, 27))
    before = np.isin(year.window.day_of_month, range(10, 17))
    assert year.a_day(mine, after) > 1.3 * year.a_day(mine, before)


def test_school_begins_in_september(year: Year) -> None:
    lessons = year.of("EDUCATION")
    assert year.a_day(lessons, year.window.month_of == 9) > 3 * year.a_day(lessons, year.window.month_of == 7)


def test_offices_empty_before_people_go_shopping(year: Year) -> None:
    working = (year.people.hours == 0)[year.who] & np.isin(year.window.weekday[year.day], (6, 0, 1, 2))
    shopping = working & year.of("CLOTHING", "HOME", "ELECTRONICS") & (year.made.channel == POS) & year.at_home
    evening = int((shopping & (year.hour >= 16)).sum())
    assert evening > 3 * int((shopping & (year.hour >= 8) & (year.hour < 14)).sum())


def test_who_travels_spends_there_and_not_in_the_shops_of_kuwait(year: Year) -> None:
    lives = make_lives(year.people, year.accounts, year.window, year.merchants, seed=SEED)
    away = make_trips(lives).away
    present = (year.made.channel != ONLINE) & year.at_home
    began = (year.made.key >> 20 & 0xFFFF) + EPOCH_ORDINAL - year.window.ordinal[0]
    assert not away[year.who[present], began[present]].any()
    there = ~year.at_home & (year.made.channel != ONLINE)
    assert away[year.who[there], began[there]].all()
    in_summer = np.isin(year.window.month_of[year.day], (7, 8))
    assert int((there & in_summer).sum()) > 0.35 * int(there.sum())


@pytest.mark.parametrize(("as_of", "seed"), [("2022-06-15", 2), ("2021-06-25", 22), ("2029-01-20", 2)])
def test_nobody_has_two_journeys_at_once_also_of_those_that_are_only_booked(as_of: str, seed: int) -> None:
    window = Window(parse_instant(f"{as_of}T09:00:00Z"), 1)
    who = make_people(seed, Span(0, 500))
    held = make_accounts(who, window, seed=seed)
    made = spend(who, held, window, make_merchants(seed, 500), seed=seed)
    assert len(np.unique(made.key)) == made.count


def test_a_journey_has_one_city(year: Year) -> None:
    trips = make_trips(make_lives(year.people, year.accounts, year.window, year.merchants, seed=SEED))
    city = year.merchants.city[year.made.merchant]
    began = (year.made.key >> 20 & 0xFFFF) + EPOCH_ORDINAL - year.window.ordinal[0]
    several = 0
    for who, first, nights, country, town in zip(
        trips.who.tolist(),
        trips.first.tolist(),
        trips.nights.tolist(),
        trips.country.tolist(),
        trips.city.tolist(),
        strict=True,
    ):
        during = (year.who == who) & (city >= 0) & (began >= first) & (began < first + nights)
        assert set(city[during].tolist()) <= {town}
        assert set(year.made.country[during].tolist()) <= {country}
        several += int(during.sum()) > 1
    assert several > 20


def test_nobody_but_who_may_be_a_pilgrim_is_in_makkah() -> None:
    people = columns.people(3_000)
    window = columns.window()
    merchants = make_merchants(SEED, 60)
    trips = make_trips(make_lives(people, columns.accounts(people), window, merchants, seed=SEED))
    country = COUNTRIES.index("SA")
    makkah = [name for name, _ in CITIES[country]].index("Makkah")
    there = trips.who[(trips.country == country) & (trips.city == makkah)]
    assert len(there) > 10
    assert pilgrims(people, SEED)[there].all()
    strangers = {"IN", "PH", "LK", "NP", "IR", "GB"}
    assert not strangers & {countries_of(people, SEED)[who] for who in there.tolist()}


def test_who_flies_has_a_ticket_and_nobody_else(year: Year) -> None:
    trips = make_trips(make_lives(year.people, year.accounts, year.window, year.merchants, seed=SEED))
    flights = flies(trips) & (trips.first >= 0) & (trips.first < year.window.days)
    bought = year.of("TRAVEL") & (year.made.channel == ONLINE)
    tickets = bought & (year.made.amount >= 45_000)
    for who in trips.who[flights].tolist():
        assert (tickets & (year.who == who)).any()
    assert set(year.who[bought].tolist()) <= set(trips.who[flies(trips)].tolist())


def test_in_summer_kuwaitis_leave_the_gulf(year: Year) -> None:
    people = columns.people(3_000)
    merchants = make_merchants(SEED, 60)
    trips = make_trips(make_lives(people, columns.accounts(people), year.window, merchants, seed=SEED))
    inside = (trips.first >= 0) & (trips.first < year.window.days)
    month = year.window.month_of[np.clip(trips.first, 0, year.window.days - 1)]
    mine = inside & np.isin(month, (7, 8)) & people.kuwaiti[trips.who]
    counts = np.bincount(trips.country[mine], minlength=len(COUNTRIES))
    assert counts.argmax() == COUNTRIES.index("TR")
    assert sum(counts[COUNTRIES.index(code)] for code in ("BH", "QA", "SA")) < 0.09 * counts.sum()


def test_expatriates_fly_home_and_kuwaitis_to_the_gulf_and_beyond(year: Year) -> None:
    there = ~year.at_home & (year.made.channel != ONLINE)
    indians = (year.people.nationality == 1)[year.who]
    seen = year.made.country[there & indians]
    assert int((seen == COUNTRIES.index("IN")).sum()) > 0.5 * len(seen) > 0
    kuwaitis = year.people.kuwaiti[year.who]
    assert len(set(year.made.country[there & kuwaitis].tolist())) >= 6


def test_nobody_visits_a_barber_of_the_other_sex_by_habit(year: Year) -> None:
    audience = year.merchants.audience[year.made.merchant]
    woman = year.people.woman[year.who]
    wrong = (woman & (audience == MEN)) | (~woman & (audience == WOMEN))
    assert int(wrong.sum()) < 0.01 * int(year.of("BEAUTY", "CLOTHING").sum())


def test_people_come_back_to_the_same_shops(year: Year) -> None:
    shares = []
    for who in range(60):
        visited = year.made.merchant[(year.who == who) & year.of("GROCERIES") & year.at_home]
        if len(visited) >= 12:
            shares.append(int(np.bincount(visited).max()) / len(visited))
    assert len(shares) > 10
    assert np.median(shares) > 0.3


def test_bills_are_the_same_every_month(year: Year) -> None:
    films = year.of("SUBSCRIPTIONS")
    accounts, counts = np.unique(year.made.account[films], return_counts=True)
    assert counts.max() <= 3 * (MONTHS + 1)
    one = year.made.account == accounts[counts.argmin()]
    assert len(set(year.made.amount[films & one].tolist())) == 1


def test_everybody_has_a_telephone_and_owners_pay_for_electricity(year: Year) -> None:
    def paying(category: str) -> set[int]:
        return set(year.who[year.of(category)].tolist())

    assert paying("TELECOM") == set(range(CUSTOMERS))
    owners = set(np.flatnonzero(year.people.housing == HOUSING.index("OWNED")).tolist())
    assert owners <= paying("UTILITIES")
    assert len(paying("UTILITIES") - owners) < 0.25 * (CUSTOMERS - len(owners))


def test_who_lives_with_the_employer_pays_no_electricity() -> None:
    people = columns.people(60, housing=np.full(60, HOUSING.index("EMPLOYER"), dtype=np.int64))
    made = spend(people, columns.accounts(people), columns.window(), make_merchants(SEED, 60), seed=SEED)
    assert not (made.category == CATEGORY["UTILITIES"]).any()


def test_fees_go_to_schools_for_children_and_take_an_eighth_of_the_income_at_most(year: Year) -> None:
    fees = year.of("EDUCATION") & np.isin(year.made.merchant, year.merchants.schools)
    assert fees.any()
    assert {year.merchants.mcc[place] for place in year.made.merchant[fees].tolist()} <= {"8211", "8351"}
    assert (year.people.dependents[year.who[fees]] > 0).all()
    paid = np.bincount(year.who[fees], weights=calibrate(year.made).amount[fees], minlength=CUSTOMERS)
    assert (paid <= 12 * (year.people.income + year.people.other_income) * 0.12).all()


def test_who_earns_little_draws_most_of_it(year: Year) -> None:
    mine = np.flatnonzero(paid_out(year.people))
    drawn = year.of("CASH") & year.at_home & np.isin(year.who, mine)
    left = year.people.income * (1_000 - year.people.remits) // 1_000 - year.people.rent
    assert len(mine) > 10
    assert 0.4 < int(year.made.amount[drawn].sum()) / MONTHS / int(left[mine].sum()) < 0.9


def test_wallets_pay_for_little_things(year: Year) -> None:
    small = year.made.channel == MOBILE
    assert small.any()
    assert (year.accounts.kind[year.made.account[small]] == WALLET).all()
    assert (year.accounts.kind[year.made.account[~small]] == CURRENT).all()
    assert int(year.made.amount[small].max()) <= 10_000


def test_who_has_no_account_that_moves_spends_nothing() -> None:
    people = columns.people(30)
    accounts = columns.accounts(people)
    accounts.of[6] = NONE
    made = spend(people, accounts, columns.window(months=2), make_merchants(SEED, 30), seed=SEED)
    assert 6 not in set(accounts.holder[made.account].tolist())


def test_a_bank_of_tomorrow_keeps_the_payments_of_today(year: Year) -> None:
    tomorrow = columns.window("2026-01-09T09:00:00Z")
    made = spend(year.people, year.accounts, tomorrow, year.merchants, seed=SEED)
    both = np.isin(year.made.key, made.key)
    assert int(both.sum()) > 0.97 * year.made.count
    assert date.fromordinal(int(tomorrow.ordinal[-1])) == date(2026, 1, 9)


def test_the_same_recipe_makes_the_same_year(year: Year) -> None:
    again = spend(year.people, year.accounts, year.window, year.merchants, seed=SEED)
    for name in ("key", "at", "amount", "merchant"):
        assert (getattr(again, name) == getattr(year.made, name)).all()
    other = spend(year.people, year.accounts, year.window, year.merchants, seed=SEED + 1)
    assert set(other.key.tolist()) != set(again.key.tolist())
