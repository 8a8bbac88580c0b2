"""Our Faker provider: of use to testers, and without any chance where the generator writes with it."""

import re

import pytest
from faker import Faker
from faker import generator as faker_generator

from sandbox.core import civil_id, iban, phone
from sandbox.core.clock import parse_instant
from sandbox.synth.model import Recipe, Span
from sandbox.synth.naming import Name, Word
from sandbox.synth.people import make_people
from sandbox.synth.profile import customer_records
from sandbox.synth.provider import Address, KuwaitProvider, Pen
from sandbox.synth.tables import blocks

NAME = Name(
    "{{given}} {{father}} {{grandfather}} {{family}}",
    Word("Noura", "نورة"),
    Word("Fahad", "فهد"),
    Word("Saud", "سعود"),
    Word("Al-Mutairi", "المطيري"),
)


@pytest.fixture
def fake() -> Faker:
    made = Faker()
    made.add_provider(KuwaitProvider)
    made.seed_instance(7)
    return made


def test_testers_get_valid_numbers(fake: Faker) -> None:
    for _ in range(20):
        assert civil_id.is_synthetic(fake.civil_id())
        assert phone.is_mobile(fake.kuwaiti_phone())
        assert iban.is_house(fake.kuwaiti_iban())


def test_testers_get_names_and_addresses(fake: Faker) -> None:
    assert len(fake.kuwaiti_name().split()) >= 4
    assert not fake.kuwaiti_name_ar().isascii()
    assert fake.kuwaiti_email().endswith("@example.com")
    assert re.fullmatch(r"[\w' -]+, Block [0-9]+, [\w ]+, House [0-9]+", fake.kuwaiti_address())
    assert "قطعة" in fake.kuwaiti_address_ar()
    assert all((fake.kuwaiti_area(), fake.kuwaiti_employer(), fake.kuwaiti_occupation()))


def test_blocks_are_those_that_an_area_has(fake: Faker) -> None:
    for _ in range(60):
        area, block = fake.kuwaiti_address().split(", Block ")
        assert 1 <= int(block.split(",")[0]) <= blocks()[area]


def test_the_same_seed_of_faker_gives_the_same_person(fake: Faker) -> None:
    first = fake.kuwaiti_name()
    fake.seed_instance(7)

    assert fake.kuwaiti_name() == first


def test_the_generator_neither_reads_nor_moves_the_chance_of_faker() -> None:
    recipe = Recipe(customers=60, months=1, seed=4, as_of=parse_instant("2026-01-08T09:00:00Z"))
    people = make_people(recipe.seed, Span(0, 60))
    Faker.seed(1)
    before = faker_generator.random.getstate()
    first = customer_records(people, recipe)

    assert faker_generator.random.getstate() == before
    Faker.seed(2)
    assert customer_records(people, recipe) == first


def test_a_pen_writes_what_it_is_given() -> None:
    house = Address("KW-HA", Word("Mishref", "مشرف"), "4", Word("7", "7"), house="23")
    flat = Address("KW-HA", Word("Salmiya", "السالمية"), "10", Word("Pearl Street", "شارع اللؤلؤ"), "", "18", "3", "7")

    assert Pen().name(NAME) == "Noura Fahad Saud Al-Mutairi"
    assert Pen().name(NAME, arabic=True) == "نورة فهد سعود المطيري"
    assert Pen().email(NAME, "41") == "noura.almutairi41@example.com"
    assert Pen().address(house) == "Mishref, Block 4, Street 7, House 23"
    assert Pen().address(house, arabic=True) == "مشرف، قطعة 4، شارع 7، منزل 23"
    assert Pen().address(flat) == "Salmiya, Block 10, Pearl Street, Building 18, Floor 3, Flat 7"


def test_a_pen_misses_words_loudly() -> None:
    with pytest.raises(KeyError, match="family"):
        Pen().write("{{given}} {{family}}", {"given": "Noura"})
