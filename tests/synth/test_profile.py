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
from sandbox.synth.people import make_people, since
from sandbox.synth.profile import PROFILE_FIELDS, customer_records, settings_records
from sandbox.synth.tables import blocks, names, nationalities
from sandbox.synth.window import Window

RECIPE = Recipe(customers=1_000, months=12, seed=2026, as_of=parse_instant("2026-01-08T09:00:00Z"))
ARABIC = re.compile(r"[\u0621-\u064a .]+")

Row = dict[str, Any]


@pytest.fixture(scope="module")
def people() -> People:
    return since(make_people(RECIPE.seed, Span(0, RECIPE.customers)), Window(RECIPE.as_of, RECIPE.months))


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


def test_newcomers_joined_yesterday_and_nobody_else_changes_with_the_day(people: People, rows: list[Row]) -> None:
    as_of = parse_instant("2026-12-01T09:00:00Z")
    later = customer_records(since(people, Window(as_of, RECIPE.months)), msgspec.structs.replace(RECIPE, as_of=as_of))

    for place, (before, after) in enumerate(zip(rows, later, strict=True)):
        if place < len(CAST) and CAST[place].newcomer:
            assert before["customer_since"] == "2026-01-07"
            assert after == {**before, "customer_since": "2026-11-30"}
        else:
            assert after == before


def test_the_income_is_all_that_comes_in_a_month(people: People, rows: list[Row]) -> None:
    both = (people.income > 0) & (people.other_income > 0)

    assert both.any()
    for row, whole in zip(rows, (people.income + people.other_income).tolist(), strict=True):
        assert fils_of_number(row["monthly_income"]) == whole


def test_business_and_large_other_income_are_no_low_risk(people: People, rows: list[Row]) -> None:
    looked_at = 0
    for row, wage, other in zip(rows, people.income.tolist(), people.other_income.tolist(), strict=True):
        if row["employment_sector"] == "OWN_BUSINESS" or (wage and other > 5 * wage):
            assert row["risk_rating"] != "LOW", row
            looked_at += 1
    assert looked_at > 20
    assert sum(row["risk_rating"] == "LOW" for row in rows) > len(rows) // 2


def test_blocks_are_those_that_an_area_has(rows: list[Row]) -> None:
    assert (blocks()["Mishref"], blocks()["Rawda"], blocks()["Mansouriya"]) == (6, 5, 2)
    for row in rows:
        assert 1 <= int(row["address"]["block"]) <= blocks()[row["address"]["area"]]


def test_who_is_a_muslim_follows_from_the_same_culture_as_the_name(people: People) -> None:
    found = naming.muslim(people, seed=RECIPE.seed)
    citizens_of = naming.countries(RECIPE.seed, people.index, people.nationality)
    of_india = [bool(one) for one, country in zip(found, citizens_of, strict=True) if country == "IN"]
    families = {
        word.latin for culture in ("coptic", "indian_christian", "keralan") for word in naming.pool(culture).families
    }

    assert found[people.kuwaiti].all()
    assert not any(one for one, country in zip(found, citizens_of, strict=True) if country in {"PH", "LK", "NP", "GB"})
    assert {True, False} == set(of_india)
    for name, is_muslim, country in zip(naming.name_people(people, RECIPE.seed), found, citizens_of, strict=True):
        if country in {"EG", "IN"} and name.family.latin in families:
            assert not is_muslim


def test_nobody_is_called_the_same_twice(people: People) -> None:
    for name in naming.name_people(people, RECIPE.seed):
        assert not set(name.given.latin.split()) & set(name.family.latin.split())


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
