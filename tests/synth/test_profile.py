"""What the bank writes down about customers: whole, valid, unique, and in both languages."""

import re
from datetime import date
from typing import Any

import msgspec
import pytest

from sandbox.core import civil_id, phone
from sandbox.core.clock import parse_instant
from sandbox.core.money import fils_of_number
from sandbox.store.records import Customer, CustomerSettings
from sandbox.synth import naming
from sandbox.synth.cast import CAST
from sandbox.synth.model import People, Recipe, Span
from sandbox.synth.people import make_people
from sandbox.synth.profile import PROFILE_FIELDS, customer_records, settings_records
from sandbox.synth.tables import names, nationalities

RECIPE = Recipe(customers=1_000, months=12, seed=2026, as_of=parse_instant("2026-01-08T09:00:00Z"))
ARABIC = re.compile(r"[\u0621-\u064a .]+")

Row = dict[str, Any]


@pytest.fixture(scope="module")
def people() -> People:
    return make_people(RECIPE.seed, Span(0, RECIPE.customers))


@pytest.fixture(scope="module")
def rows(people: People) -> list[Row]:
    return customer_records(people, RECIPE)


def test_there_are_twenty_three_fields() -> None:
    assert len(PROFILE_FIELDS) == 23


def test_every_customer_has_all_fields_and_no_other(rows: list[Row]) -> None:
    wanted = {*PROFILE_FIELDS, "customer_id", "kyc_status", "status"}

    for row in rows:
        assert set(row) == wanted
        assert all(value is not None and value != "" for value in row.values())


def test_every_customer_is_a_record_of_the_collection(rows: list[Row]) -> None:
    known = {field.name for field in msgspec.structs.fields(Customer)}

    assert {"customer_id", "full_name", "full_name_ar", "kyc_status", "status"} <= known & set(rows[0])
    for row in rows:
        assert date.fromisoformat(row["date_of_birth"]) == civil_id.validate(row["civil_id"])
        assert civil_id.is_synthetic(row["civil_id"])
        assert phone.is_mobile(row["phone"])
        assert phone.validate(row["phone"]) == row["phone"]
        assert fils_of_number(row["monthly_income"]) >= 0


@pytest.mark.parametrize("field", ["customer_id", "civil_id", "phone", "email"])
def test_what_names_a_customer_is_unique(rows: list[Row], field: str) -> None:
    assert len({row[field] for row in rows}) == len(rows)


def test_names_are_in_both_alphabets(rows: list[Row]) -> None:
    for row in rows:
        assert row["full_name"].isascii()
        assert ARABIC.fullmatch(row["full_name_ar"].replace("أ", "ا")), row["full_name_ar"]
        assert re.fullmatch(r"[a-z]+\.[a-z]+[0-9]*@example\.com", row["email"]), row["email"]


def test_kuwaitis_carry_the_names_of_father_grandfather_and_family(people: People) -> None:
    for name, kuwaiti in zip(naming.name_people(people, RECIPE.seed), people.kuwaiti.tolist(), strict=True):
        assert name.given != name.father
        if kuwaiti:
            assert name.father != name.grandfather
            assert name.pattern.count("{{") == 4


def test_the_cast_has_its_names_and_usernames(rows: list[Row]) -> None:
    for member, row in zip(CAST, rows, strict=False):
        assert row["full_name"].split()[0].lower() == member.username
        assert row["full_name"].endswith(member.family)
        assert row["kyc_status"] == member.kyc_status
        assert row["language"] == ("ar" if member.arabic else "en")


def test_newcomers_joined_today_and_nobody_else_changes_with_the_day(people: People, rows: list[Row]) -> None:
    later = customer_records(people, msgspec.structs.replace(RECIPE, as_of=parse_instant("2027-03-01T09:00:00Z")))

    for place, (before, after) in enumerate(zip(rows, later, strict=True)):
        if place < len(CAST) and CAST[place].newcomer:
            assert before["customer_since"] == "2026-01-08"
            assert after == {**before, "customer_since": "2027-03-01"}
        else:
            assert after == before


def test_addresses_are_of_a_house_or_a_flat_and_agree_with_their_line(rows: list[Row]) -> None:
    for row in rows:
        address = row["address"]
        assert ("house" in address) != ("flat" in address)
        assert address["line"].startswith(f"{address['area']}, Block {address['block']}, ")
        assert address["line_ar"].startswith(f"{address['area_ar']}، قطعة {address['block']}، ")
        assert re.fullmatch("[1-9][0-9]{7}", address["paci_number"])
        assert address["governorate"].startswith("KW-")


def test_residency_follows_from_citizenship_and_work(rows: list[Row]) -> None:
    by_sector = {"PUBLIC": "ARTICLE_17", "PRIVATE": "ARTICLE_18", "OWN_BUSINESS": "ARTICLE_24", "NONE": "ARTICLE_22"}
    citizens = {"KW": "CITIZEN", "SA": "GCC_CITIZEN"}

    for row in rows:
        assert row["residency"] == citizens.get(row["nationality"], by_sector[row["employment_sector"]])


def test_settings_speak_the_language_of_the_customer(people: People, rows: list[Row]) -> None:
    known = {field.name for field in msgspec.structs.fields(CustomerSettings)}

    for row, settings in zip(rows, settings_records(people, RECIPE.seed), strict=True):
        assert set(settings) <= known
        assert (settings["customer_id"], settings["language"]) == (row["customer_id"], row["language"])
        assert any(settings["channels"].values())  # type: ignore[attr-defined]


def test_the_tables_of_names_are_whole() -> None:
    for country in (*nationalities()[:-1], *(code for code, _ in names()["others"])):
        for culture, weight in names()["cultures"][country]:
            pool = naming.pool(culture)
            assert weight > 0
            for words in (pool.men, pool.women, pool.families):
                assert len(words) > 5
                assert len({word.latin for word in words}) == len(words)
                assert all(word.latin.isascii() and not word.arabic.isascii() for word in words)
