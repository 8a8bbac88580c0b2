"""The realism report: figures beside targets, verdicts, and the shapes of a folder's history."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reportable import card, customer, folder_of, income
from support import TINY

from sandbox.synth.report.comparing import Compared, Figure, Unit, Verdict, compared, mean_of, share_of
from sandbox.synth.report.making import Invariant, Report, json_of, report_on, with_invariants
from sandbox.synth.report.shapes import Shapes


def measured(report: Report, name: str) -> Compared:
    return next(figure for figure in report.compared if figure.name == name)


def shapes(report: Report) -> Shapes:
    assert report.shapes is not None
    return report.shapes


def judged(value: float, target: float = 100.0, *, of: int = 1_000, error: float = 0.0, one: float = 0.0) -> Verdict:
    figure = Figure(value=value, of=of, error=error, one=one)
    return compared("x", "X", figure, target=target, unit=Unit.FILS, counted="of them", source="nobody").verdict


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({"value": 110.0}, Verdict.NEAR),
        ({"value": 90.0}, Verdict.NEAR),
        ({"value": 111.0}, Verdict.OFF),
        ({"value": 111.0, "error": 6.0}, Verdict.FEW),
        ({"value": 111.0, "error": 5.0}, Verdict.OFF),
        ({"value": 111.0, "error": 6.0, "of": 4}, Verdict.TOO_FEW),
        ({"value": 115.0, "one": 16.0}, Verdict.ONE_CUSTOMER),
        ({"value": 117.0, "one": 16.0}, Verdict.OFF),
        ({"value": 0.0, "of": 0}, Verdict.ABSENT),
    ],
)
def test_a_verdict_says_on_which_ground_a_figure_holds(given: dict[str, Any], verdict: Verdict) -> None:
    assert judged(**given) is verdict


def test_a_mean_comes_with_its_standard_error() -> None:
    figure = mean_of(np.array([10_000, 20_000, 30_000]))
    assert (figure.value, figure.of) == (20_000, 3)
    assert figure.error == pytest.approx(10_000 / 3**0.5)


def test_the_error_of_a_share_shrinks_with_the_number_it_is_taken_over() -> None:
    few, many = (share_of(np.ones(count, dtype=np.int64), np.arange(count) % 2 == 0) for count in (100, 10_000))
    assert few.value == many.value == 500
    assert few.error == pytest.approx(50)
    assert many.error == pytest.approx(5)


def test_means_and_shares_of_cards_are_those_of_the_payments(tmp_path: Path) -> None:
    movements = [card("10.000"), card("30.000"), card("60.000", "ONLINE"), card("100.000", "ATM")]
    report = report_on(folder_of(tmp_path / "mine", movements))
    assert measured(report, "cards.mean.POS").value == 20_000
    assert measured(report, "cards.mean.ATM").value == 100_000
    assert measured(report, "cards.count.POS").value == 500
    assert measured(report, "cards.value.ONLINE").value == 300
    assert measured(report, "cards.value.ONLINE").of == 4


@pytest.mark.parametrize(
    "other",
    [
        card("500.000", status="FAILED"),
        card("500.000", direction="CREDIT"),
        card("500.000", "ONLINE", merchant_name=None),
        card("500.000", "MOBILE"),
    ],
    ids=["declined", "credit", "online to nobody", "in the app"],
)
def test_what_is_no_card_payment_is_not_counted(tmp_path: Path, other: dict[str, Any]) -> None:
    report = report_on(folder_of(tmp_path / "mine", [card("10.000"), dict(other)]))
    assert measured(report, "cards.value.POS").value == 1_000
    assert measured(report, "cards.value.POS").of == 1


def test_payments_abroad_are_known_by_their_country(tmp_path: Path) -> None:
    movements = [card("30.000"), card("10.000", country="AE"), card("60.000", country="KW")]
    assert measured(report_on(folder_of(tmp_path / "told", movements)), "cards.abroad").value == 100
    silent = measured(report_on(folder_of(tmp_path / "silent", [card("30.000")])), "cards.abroad")
    assert (silent.value, silent.verdict) == (None, Verdict.ABSENT)


def test_wages_are_salaries_as_paid_by_group(tmp_path: Path) -> None:
    customers = [
        customer("KW", gender="FEMALE", employment_sector="PUBLIC"),
        customer("KW", gender="M", employment_sector="private"),
        customer("IN", gender="MALE", employment_sector="PRIVATE"),
        customer(None, gender="MALE", employment_sector="PRIVATE"),
    ]
    movements = [
        income("1000.000", "2025-11-20T04:00:00Z", who=0),
        income("2000.000", "2025-12-18T04:00:00Z", who=0),
        income("1300.000", "2025-11-30T04:00:00Z", who=1),
        income("300.000", "2025-11-30T04:00:00Z", who=2),
        income("9000.000", "2025-11-30T04:00:00Z", who=3),
    ]
    report = report_on(folder_of(tmp_path / "mine", movements, customers=customers))
    values = {
        name: measured(report, f"wages.{name}").value for name in ("kuwaiti_public", "kuwaiti_men", "kuwaiti_women")
    }
    assert values == {"kuwaiti_public": 1_500_000, "kuwaiti_men": 1_300_000, "kuwaiti_women": 1_500_000}
    assert measured(report, "wages.expatriate_all").value == 300_000, "who has no nationality is in no group"
    assert measured(report, "wages.expatriate_public").verdict is Verdict.ABSENT


def test_a_share_of_customers_may_be_off_by_less_than_one_of_them(tmp_path: Path) -> None:
    customers = [customer("KW")] * 3 + [customer("IN")] * 2 + [customer("EG")] + [customer("PE")] * 4
    report = report_on(folder_of(tmp_path / "mine", customers=customers))
    assert measured(report, "population.KW").verdict is Verdict.NEAR
    assert measured(report, "population.EG").verdict is Verdict.ONE_CUSTOMER
    assert measured(report, "population.other").verdict is Verdict.OFF


@pytest.mark.parametrize(
    ("day", "right"),
    [
        ("2025-11-20", 1_000),  # a Thursday
        ("2025-12-18", 1_000),  # the 20th is a Saturday
        ("2025-12-20", 0),
        ("2025-12-21", 0),
        ("2025-11-19", 0),
    ],
)
def test_a_salary_is_paid_on_its_payday_or_before_the_weekend(tmp_path: Path, day: str, right: int) -> None:
    movements = [income("1500.000", f"{day}T04:00:00Z")]
    report = report_on(folder_of(tmp_path / "mine", movements, customers=[customer(payday=20)]))
    assert measured(report, "paydays.salaries").value == right


def test_a_salary_due_on_the_first_may_come_in_the_month_before(tmp_path: Path) -> None:
    movements = [income("300.000", "2025-10-30T04:00:00Z")]  # 1 November 2025 is a Saturday
    report = report_on(folder_of(tmp_path / "mine", movements, customers=[customer("IN", payday=1)]))
    assert measured(report, "paydays.salaries").value == 1_000


def test_salaries_come_on_banking_days(tmp_path: Path) -> None:
    days = ("2025-11-20", "2025-11-21", "2025-11-22", "2025-02-25")  # Thursday, Friday, Saturday, National Day
    movements = [income("1500.000", f"{day}T04:00:00Z") for day in days]
    assert measured(report_on(folder_of(tmp_path / "mine", movements)), "paydays.banking_days").value == 250


def test_years_that_the_calendar_does_not_know_are_left_out(tmp_path: Path) -> None:
    movements = [income("1500.000", "2011-11-20T04:00:00Z"), card("10.000", at="2011-11-20T04:00:00Z")]
    report = report_on(folder_of(tmp_path / "mine", movements))
    assert measured(report, "paydays.salaries").verdict is Verdict.ABSENT
    assert shapes(report).hours.ramadan is None


def test_fuel_has_its_price_and_cash_its_notes(tmp_path: Path) -> None:
    fuel = [card(amount, merchant_category="FUEL") for amount in ("3.570", "4.200", "3.851", "4.260")]
    cash = [card("25.000", "ATM"), card("26.000", "ATM"), card("33.500", "ATM", country="AE")]
    report = report_on(folder_of(tmp_path / "mine", fuel + cash))
    assert measured(report, "prices.fuel").value == 750, "42 l, 40 l, 45.3 l, and what no tenths of a litre cost"
    assert measured(report, "prices.cash").value == 500, "machines abroad give other notes"


def test_hours_and_weekdays_are_those_of_kuwait(tmp_path: Path) -> None:
    late = [card("10.000", at="2025-11-05T21:30:00Z")]  # Thursday 00:30
    found = shapes(report_on(folder_of(tmp_path / "mine", late)))
    assert [hour for hour, count in enumerate(found.hours.ordinary) if count] == [0]
    weekdays = zip(found.weekdays.labels, found.weekdays.ordinary, strict=True)
    assert [label for label, count in weekdays if count] == ["Thursday"]
    assert found.hours.ramadan is None


def test_ramadan_has_profiles_of_its_own(tmp_path: Path) -> None:
    movements = [
        card("10.000", at="2025-03-10T18:00:00Z", merchant_category="CHARITY"),
        card("10.000", at="2025-04-10T09:00:00Z", merchant_category="CHARITY"),
        card("10.000", at="2026-01-10T09:00:00Z"),
    ]
    found = shapes(report_on(folder_of(tmp_path / "mine", movements)))
    assert found.first_day == "2026-01-10", "what lies before a long lull is no history"
    steady = [card("1.000", at=f"2025-{month:02d}-15T09:00:00Z") for month in range(3, 13)]
    found = shapes(report_on(folder_of(tmp_path / "steady", [*movements, *steady])))
    assert found.hours.ramadan is not None
    assert [hour for hour, count in enumerate(found.hours.ramadan) if count] == [12, 21]
    assert found.categories.ramadan_factor["CHARITY"] > 5


def test_balances_are_folded_back_from_what_is_stated(tmp_path: Path) -> None:
    movements = [
        income("100.000", "2026-01-05T09:00:00Z"),
        card("30.000", at="2026-01-08T09:00:00Z"),
        card("5.000", at="2026-01-10T09:00:00Z", status="REVERSED", reversed_at="2026-01-12T09:00:00Z"),
        card("7.000", at="2026-01-13T09:00:00Z", status="FAILED"),
        card("8.000", at="2026-01-14T09:00:00Z", status="PENDING"),
    ]
    series = shapes(report_on(folder_of(tmp_path / "mine", movements, balance="170.000"))).balances
    held = dict(zip(series.days, series.total["CURRENT"], strict=True))
    assert held["2026-01-05"] == held["2026-01-07"] == 200_000
    assert held["2026-01-08"] == held["2026-01-09"] == 170_000
    assert held["2026-01-10"] == held["2026-01-11"] == 165_000
    assert held["2026-01-12"] == held["2026-01-15"] == 170_000
    assert series.median == series.total["CURRENT"]


def test_spending_is_told_by_category_and_month(tmp_path: Path) -> None:
    movements = [
        card("10.000", at="2025-11-05T09:00:00Z"),
        card("4.000", at="2025-12-31T22:00:00Z"),  # 1 January in Kuwait
        card("99.000", at="2025-12-05T09:00:00Z", status="FAILED"),
        income("800.000", "2025-12-18T04:00:00Z"),
    ]
    found = shapes(report_on(folder_of(tmp_path / "mine", movements))).categories
    assert (found.months, found.days) == (["2025-11", "2025-12", "2026-01"], [26, 31, 15])
    assert found.spent == {"GROCERIES": [10_000, 0, 4_000]}
    assert found.received == {"SALARY": [0, 800_000, 0]}


def test_extra_fields_that_make_no_sense_count_as_absent(tmp_path: Path) -> None:
    odd = [customer(payday="soon", gender=7, employment_sector=["x"], monthly_income="plenty"), customer(payday=99)]
    movements = [income("1.000", "2025-11-20T04:00:00Z", country={"code": "KW"}), card("1.000", country=[])]
    report = report_on(folder_of(tmp_path / "mine", movements, customers=odd))
    assert report.integrity.ok
    assert measured(report, "wages.kuwaiti_public").verdict is Verdict.ABSENT
    assert measured(report, "cards.abroad").verdict is Verdict.ABSENT


def test_a_bank_without_movements_has_no_shapes(tmp_path: Path) -> None:
    report = report_on(folder_of(tmp_path / "mine"))
    assert report.shapes is None
    assert report.calibrated, "nothing is off where nothing can be said"


def test_a_broken_folder_is_measured_as_far_as_it_can_be_read(tmp_path: Path) -> None:
    movements = [card("10.000"), card("30.000", booked_at="yesterday"), card("20.000") | {"who": 0}]
    folder = folder_of(tmp_path / "mine", movements)
    rows = folder / "transactions.json"
    rows.write_text(
        rows.read_text(encoding="utf-8").replace('"t-2", "account_id": "a-0"', '"t-2", "account_id": "a-9"')
    )
    report = report_on(folder)
    assert not report.integrity.ok
    assert report.integrity.fault_count == len(report.integrity.faults) == 2
    assert measured(report, "cards.mean.POS").value == 10_000


def test_a_broken_ledger_breaks_the_whole() -> None:
    report = report_on(TINY)
    sound, broken = Invariant(name="one", ok=True), Invariant(name="two", ok=False, detail="row 7")
    assert with_invariants(report, [sound]).integrity.ok
    assert not with_invariants(report, [sound, broken]).integrity.ok


def test_the_json_is_the_same_each_time() -> None:
    assert json_of(report_on(TINY)) == json_of(report_on(TINY))
