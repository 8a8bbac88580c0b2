"""What comes and goes every month: on the right days, of the right amounts, to those who have it."""

from collections import Counter
from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from synth import columns

from sandbox.core.calendar import is_business_day
from sandbox.core.clock import HOUR, KUWAIT_OFFSET
from sandbox.synth.cast import CAST
from sandbox.synth.draws import Int
from sandbox.synth.merchants import Merchants, make_merchants
from sandbox.synth.model import CATEGORIES, CATEGORY, MOBILE, ONLINE, SECTORS, SEGMENTS, Movements, People, Span, Texts
from sandbox.synth.people import make_people
from sandbox.synth.recurring import instalments, receive_and_pay, wages
from sandbox.synth.window import Window, local_day

COUNT = 120


@pytest.fixture(scope="module")
def merchants() -> Merchants:
    return make_merchants(1, COUNT)


@pytest.fixture(scope="module")
def people() -> People:
    return columns.people(COUNT)


class Made:
    """Movements of some people, by category."""

    def __init__(self, people: People, merchants: Merchants, window: Window) -> None:
        self.people = people
        self.held = columns.accounts(people)
        self.window = window
        self.texts = Texts()
        self.movements = receive_and_pay(people, self.held, window, merchants, self.texts, seed=1)

    def of(self, category: str) -> Movements:
        """Those of a category."""
        return self.movements.taken(self.movements.category == CATEGORY[category])

    def holders(self, movements: Movements) -> Int:
        """Whose each movement is, by position."""
        holder: Int = self.held.holder[movements.account]
        return holder

    def told(self, movements: Movements) -> list[str]:
        """What is said of each."""
        return [self.texts.listed[place] for place in movements.text.tolist()]


@pytest.fixture(scope="module")
def made(people: People, merchants: Merchants) -> Made:
    return Made(people, merchants, columns.window())


def days(movements: Movements) -> list[date]:
    return [local_day(at) for at in movements.at.tolist()]


def test_salaries_come_on_business_days_about_the_nominal_one(made: Made) -> None:
    salaries = made.of("SALARY")
    assert salaries.count >= 12 * COUNT - COUNT
    assert salaries.credit.all()
    assert all(is_business_day(day) for day in days(salaries))
    ministries = salaries.taken(made.people.payday[made.holders(salaries)] == 20)
    assert {day.day for day in days(ministries)} <= {15, 16, 17, 18, 19, 20}
    assert {date(2025, 3, 20), date(2025, 9, 18), date(2025, 11, 20)} <= set(days(ministries))


def test_salaries_are_brought_forward_where_an_eid_is_near(made: Made) -> None:
    month_end = made.of("SALARY")
    month_end = month_end.taken(made.people.payday[made.holders(month_end)] == 31)
    paid = {day for day in days(month_end) if day.month == 3}
    assert paid
    assert max(paid) < date(2025, 3, 29)


def test_salaries_come_before_eight_in_the_morning(made: Made) -> None:
    salaries = made.of("SALARY")
    time = (salaries.at + KUWAIT_OFFSET) % (24 * HOUR)
    assert 5 * HOUR <= time.min() < time.max() <= 8 * HOUR


def test_everybody_is_paid_once_a_month(made: Made) -> None:
    salaries = made.of("SALARY")
    told = Counter(zip(made.holders(salaries).tolist(), made.told(salaries), strict=True))
    assert set(told.values()) == {1}
    assert {text for _, text in told} >= {f"Salary {month} 2025" for month in ("February", "July", "December")}


def test_who_is_paid_early_in_a_month_is_paid_for_the_month_before(merchants: Merchants) -> None:
    people = columns.people(3, payday=np.full(3, 4), arabic=np.array([True, False, False]))
    found = Made(people, merchants, columns.window("2026-01-15T09:00:00Z", 1))
    salaries = found.of("SALARY")
    assert set(days(salaries)) == {date(2026, 1, 4)}
    assert set(found.told(salaries)) == {"Salary December 2025", "راتب ديسمبر 2025"}


def test_a_salary_of_the_month_after_the_window_may_lie_in_it(merchants: Merchants) -> None:
    people = columns.people(3, payday=np.full(3, 1))
    found = Made(people, merchants, columns.window("2026-07-31T09:00:00Z", 1))
    # 1 August 2026 is a Saturday.
    assert date(2026, 7, 30) in days(found.of("SALARY"))


def test_salaries_stay_equal_but_for_raises_of_two_to_four_per_cent(made: Made, people: People) -> None:
    salaries = made.of("SALARY")
    holders = made.holders(salaries)
    raised = 0
    for position in range(COUNT):
        mine = salaries.taken(holders == position)
        amounts = mine.amount[np.argsort(mine.at)].tolist()
        assert amounts[-1] == people.income[position], "the newest raise has been paid"
        steps = [later / earlier for earlier, later in pairwise(amounts) if later != earlier]
        assert len(steps) <= 2
        assert all(1.015 < step < 1.05 for step in steps)
        raised += bool(steps)
    assert 0.1 * COUNT < raised < 0.5 * COUNT


def test_older_wages_are_never_higher() -> None:
    people = columns.people(COUNT)
    table = wages(people, columns.window(months=48), seed=1)
    assert (np.diff(table, axis=1) >= 0).all()
    assert (table[:, -1] == people.income).all()
    assert (table[:, 0] < people.income).any()


def test_tenants_pay_their_rent_in_the_first_days_of_each_month(made: Made, people: People) -> None:
    rents = made.of("RENT")
    holders = made.holders(rents)
    assert (rents.amount == people.rent[holders]).all()
    assert (rents.channel == MOBILE).all()
    assert not rents.credit.any()
    assert {day.day for day in days(rents)} == {1, 2, 3, 4, 5}
    assert set(np.bincount(holders, minlength=COUNT)[people.rent > 0].tolist()) <= {11, 12, 13}
    assert not np.bincount(holders, minlength=COUNT)[people.rent == 0].any()


def test_money_is_sent_home_in_the_week_after_the_wage(made: Made, people: People) -> None:
    sent = made.of("REMITTANCE")
    holders = made.holders(sent)
    assert (sent.channel == ONLINE).all()
    assert (sent.merchant >= 0).all()
    assert (sent.amount % 1_000 == 0).all()
    assert set(holders.tolist()) <= set(np.flatnonzero(people.remits > 0).tolist())
    per_mille = sent.amount * 1_000 / people.income[holders]
    assert abs(per_mille - 300).max() < 25
    months = np.bincount(holders, minlength=COUNT)[people.remits > 0]
    assert (months.min(), months.max()) == (9, 12)
    assert all(day.day >= 25 or day.day <= 7 for day in days(sent))
    told = set(made.told(sent))
    assert {"Remittance to Egypt", "حوالة إلى الهند"} <= told
    assert not any("abroad" in text for text in told)


def test_a_country_is_named_for_everybody_and_the_demo_login_sends_every_month(merchants: Merchants) -> None:
    people = make_people(2026, Span(0, 500))
    found = Made(people, merchants, columns.window())
    sent = found.of("REMITTANCE")
    countries = {text.partition("Remittance to ")[2] for text in found.told(sent) if text.startswith("Remittance")}
    assert {"India", "Jordan", "the Philippines"} <= countries
    arjun = [member.username for member in CAST].index("arjun")
    assert (found.holders(sent) == arjun).sum() == 12


def test_everybody_has_one_exchange_house(made: Made) -> None:
    sent = made.of("REMITTANCE")
    used = set(zip(made.holders(sent).tolist(), sent.merchant.tolist(), strict=True))
    assert len(used) == len({who for who, _ in used})


def test_instalments_of_citizens_stay_within_the_limit(made: Made, people: People) -> None:
    owed = instalments(people, seed=1)
    assert (owed[~people.kuwaiti] == 0).all()
    assert (owed * 10 <= people.income * 4).all()
    paid = made.of("LOAN")
    assert (paid.amount == owed[made.holders(paid)]).all()
    assert all(is_business_day(day) for day in days(paid))


def test_half_of_the_citizens_with_an_employer_repay_a_loan_however_they_live() -> None:
    people = make_people(2026, Span(0, 2_000))
    owed = instalments(people, seed=2026)
    employed = people.kuwaiti & np.isin(people.sector, [SECTORS.index("PUBLIC"), SECTORS.index("PRIVATE")])
    assert 0.42 < (owed[employed] > 0).mean() < 0.56
    assert all((owed[employed & (people.housing == place)] > 0).any() for place in range(3))
    retired = people.kuwaiti & (people.sector == SECTORS.index("NONE"))
    assert (owed[retired] * 10 <= people.income[retired] * 3).all()
    assert (owed[retired] > 0).any()
    assert ((owed + people.rent)[owed > 0] <= people.income[owed > 0] * 61 // 100).all()


@pytest.mark.parametrize(
    ("sector", "segment", "category", "text"),
    [(0, 6, "ALLOWANCE", "Student allowance May 2025"), (0, 5, "PENSION", "Pension May 2025"),
     (3, 4, "OTHER_INCOME", "Business income May 2025")],
)  # fmt: skip
def test_who_has_no_employer_lives_on_something_else(
    merchants: Merchants, sector: int, segment: int, category: str, text: str
) -> None:
    people = columns.people(
        6, sector=np.full(6, sector), segment=np.full(6, segment), payday=np.full(6, 15), other_income=np.zeros(6, int)
    )
    found = Made(people, merchants, columns.window())
    assert not found.of("SALARY").count
    income = found.of(category)
    assert income.count == 6 * 12
    assert text in found.told(income)


def other_income(merchants: Merchants) -> tuple[Made, dict[tuple[str, int], list[int]]]:
    """The amounts of other income by what is said of it and customer, of people as they really are."""
    found = Made(make_people(2026, Span(0, 500)), merchants, columns.window())
    income = found.of("OTHER_INCOME")
    by_kind: dict[tuple[str, int], list[int]] = {}
    for who, text, amount in zip(
        found.holders(income).tolist(), found.told(income), income.amount.tolist(), strict=True
    ):
        kind = {"إيراد": "Business", "مصروف": "Household", "إيجار": "Rent", "أرباح": "Dividend", "عائد": "Investment"}
        first = text.split()[0]
        by_kind.setdefault((kind.get(first, first), who), []).append(amount)
    return found, by_kind


def test_other_income_is_of_a_kind_that_fits(merchants: Merchants) -> None:
    found, by_kind = other_income(merchants)
    people = found.people
    wealthy = people.segment == SEGMENTS.index("AFFLUENT")
    for (kind, who), amounts in by_kind.items():
        if kind in {"Rent", "Dividend"}:
            assert people.kuwaiti[who]
        if kind in {"Rent", "Household"}:
            assert len(set(amounts)) == 1
            assert len(amounts) >= 11
        if kind == "Business":
            assert people.sector[who] == SECTORS.index("OWN_BUSINESS")
            assert len(set(amounts)) > 6
        if kind == "Dividend":
            assert len(amounts) == 1
            assert wealthy[who]
        if kind == "Household":
            assert people.income[who] == 0
    homemakers = (people.income == 0) & (people.sector == SECTORS.index("NONE")) & (people.other_income > 0)
    assert {who for kind, who in by_kind if kind == "Household"} == set(np.flatnonzero(homemakers & ~wealthy).tolist())
    talal = [member.username for member in CAST].index("talal")
    assert {"Business", "Rent"} <= {kind for kind, who in by_kind if who == talal}


def test_dividends_come_in_april(merchants: Merchants) -> None:
    found, _ = other_income(merchants)
    told = {text for text in found.told(found.of("OTHER_INCOME")) if text.startswith(("Dividend", "أرباح"))}
    assert told == {"Dividend April 2025", "أرباح أسهم أبريل 2025"}


def test_who_reads_arabic_reads_it(merchants: Merchants) -> None:
    found = Made(make_people(2026, Span(0, 500)), merchants, columns.window())
    told = found.told(found.movements)
    arabic = found.people.arabic[found.holders(found.movements)].tolist()
    assert [text.isascii() for text in told] == [not reads for reads in arabic]
    assert {
        "راتب أكتوبر 2025", "معاش أكتوبر 2025", "إيجار أكتوبر 2025", "مكافأة الطلبة أكتوبر 2025",
        "قسط القرض أكتوبر 2025", "حوالة إلى مصر",
    } <= set(told)  # fmt: skip


@pytest.mark.parametrize("as_of", ["2026-01-19T09:00:00Z", "2026-01-20T04:00:00Z", "2026-01-20T09:00:00Z"])
def test_the_last_wage_of_the_window_is_the_income_of_the_record(merchants: Merchants, as_of: str) -> None:
    people = columns.people(COUNT)
    found = Made(people, merchants, columns.window(as_of))
    paid = found.movements.taken(found.movements.at <= found.window.as_of)
    paid = paid.taken(paid.category == CATEGORY["SALARY"])
    order = np.argsort(paid.at, kind="stable")
    last = dict(zip(found.holders(paid)[order].tolist(), paid.amount[order].tolist(), strict=True))
    assert [last[position] for position in range(COUNT)] == people.income.tolist()


def test_citizens_who_rent_get_the_allowance(merchants: Merchants) -> None:
    people = columns.people(6, housing=np.ones(6, int), nationality=np.array([0, 0, 0, 1, 2, 3]))
    found = Made(people, merchants, columns.window())
    allowance = found.of("ALLOWANCE")
    assert set(found.holders(allowance).tolist()) == {0, 1, 2}
    assert set(allowance.amount.tolist()) == {150_000}
    assert all(is_business_day(day) for day in days(allowance))


def test_other_income_comes_on_business_days_and_is_about_what_it_should(made: Made, people: People) -> None:
    income = made.of("OTHER_INCOME")
    holders = made.holders(income)
    assert set(holders.tolist()) == set(np.flatnonzero(people.other_income > 0).tolist())
    monthly = np.bincount(holders, income.amount, minlength=COUNT)[people.other_income > 0] / 12
    assert (abs(monthly / people.other_income[people.other_income > 0] - 1) < 0.15).all()
    assert all(is_business_day(day) for day in days(income))


def test_the_card_costs_something_once_a_year(made: Made) -> None:
    fees = made.of("FEES")
    assert set(np.bincount(made.holders(fees)).tolist()) == {1}
    assert {day.month for day in days(fees)} == {columns.JOINED_IN}


def test_who_has_no_account_that_moves_has_no_movements(merchants: Merchants, people: People) -> None:
    held = columns.accounts(people)
    held.of[:5] = -1
    found = receive_and_pay(people, held, columns.window(), merchants, Texts(), seed=1)
    assert found.count
    assert held.holder[found.account].min() >= 5


def test_keys_are_unique_and_the_same_seed_gives_the_same(made: Made, people: People, merchants: Merchants) -> None:
    again = Made(people, merchants, columns.window())
    assert len(np.unique(made.movements.key)) == made.movements.count
    for name in ("key", "account", "at", "amount", "merchant", "text"):
        assert (getattr(made.movements, name) == getattr(again.movements, name)).all()


def test_a_bank_of_tomorrow_has_the_same_movements(made: Made, people: People, merchants: Merchants) -> None:
    later = Made(people, merchants, columns.window("2026-01-09T09:00:00Z")).movements
    first = made.window.start[1]
    before, after = made.movements.taken(made.movements.at >= first), later.taken(later.at < made.window.start[-1])
    assert set(after.key.tolist()) <= set(before.key.tolist())
    assert after.count > 0.98 * before.count


def test_categories_are_those_of_money_that_recurs(made: Made) -> None:
    assert {CATEGORIES[place] for place in np.unique(made.movements.category).tolist()} == {
        "SALARY", "OTHER_INCOME", "RENT", "LOAN", "REMITTANCE", "FEES",
    }  # fmt: skip
