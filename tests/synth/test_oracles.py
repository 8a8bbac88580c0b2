"""What others say of `seeds/kuwait`: libraries that know IBANs, telephone numbers and holidays, and none of ours."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import holidays
import phonenumbers
import pytest
import schwifty

KUWAIT = Path(__file__).resolve().parents[2] / "seeds" / "kuwait"
HERE = timezone(timedelta(hours=3))
FRIDAY, SATURDAY = 4, 5

Records = list[dict[str, Any]]


def read(collection: str) -> Records:
    found: Records = json.loads((KUWAIT / f"{collection}.json").read_bytes())
    return found


@pytest.fixture(scope="module")
def salaries() -> Records:
    paid = [
        row for row in read("transactions") if row["merchant_category"] == "SALARY" and row["direction"] == "CREDIT"
    ]
    assert len(paid) > 300
    return paid


def test_schwifty_validates_every_iban() -> None:
    accounts = read("accounts")
    assert len(accounts) > 100
    for account in accounts:
        found = schwifty.IBAN(account["iban"])
        assert found.country_code == "KW"
        assert found.bank_code == "SNBK"


def test_phonenumbers_validates_every_telephone_number() -> None:
    customers = read("customers")
    assert len(customers) >= 60
    for customer in customers:
        number = phonenumbers.parse(customer["phone"])
        assert phonenumbers.is_valid_number(number), customer["phone"]
        assert phonenumbers.region_code_for_number(number) == "KW"
        assert phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE


def test_no_salary_is_paid_on_a_weekend_or_a_public_holiday(salaries: Records) -> None:
    paid = {datetime.fromisoformat(row["booked_at"]).astimezone(HERE).date() for row in salaries}
    closed = holidays.country_holidays("KW", years=range(2020, 2031))
    assert not [day for day in sorted(paid) if day in closed]
    assert not [day for day in sorted(paid) if day.weekday() in {FRIDAY, SATURDAY}]


def test_the_libraries_can_say_no() -> None:
    assert not schwifty.IBAN("KW24SNBK0000000000000100000001", allow_invalid=True).is_valid
    assert not phonenumbers.is_valid_number(phonenumbers.parse("+96533001234"))
