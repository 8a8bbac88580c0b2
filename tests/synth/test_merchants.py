"""Merchants: invented, in two languages, enough of every kind, and the same for the same recipe."""

import pytest

from sandbox.synth.merchants import CITIES, COUNTRIES, Merchants, areas, make_merchants
from sandbox.synth.model import CATEGORIES, CATEGORY
from sandbox.synth.purse import customs

ONLINE = {"DELIVERY", "TELECOM", "UTILITIES", "GOVERNMENT", "SUBSCRIPTIONS", "ONLINE_SHOPPING"}
"""Categories that have no shop to walk into."""
MCCS_OF_THE_RESEARCH = {
    "5411", "5541", "5812", "5814", "5912", "4814", "4900", "8211", "8398", "6051", "5944", "4511", "6011", "7011",
}  # fmt: skip


@pytest.fixture(scope="module", params=[13, 60, 5_000], ids=str)
def merchants(request: pytest.FixtureRequest) -> Merchants:
    return make_merchants(1, request.param)


def test_every_size_has_every_code_that_a_kuwaiti_statement_shows(merchants: Merchants) -> None:
    assert set(merchants.mcc) >= MCCS_OF_THE_RESEARCH


def test_everything_that_people_do_finds_a_merchant(merchants: Merchants) -> None:
    for habit in customs()["habits"]:
        table = merchants.walk_in if habit.get("walk_in") else merchants.by_category
        assert len(table[CATEGORY[habit["category"]]]), habit["name"]
    assert len(merchants.by_category[CATEGORY["REMITTANCE"]])


def test_travellers_find_a_merchant_wherever_they_go(merchants: Merchants) -> None:
    trips = customs()["trips"]
    for place, cities in enumerate(CITIES):
        for city, (name, _) in enumerate(cities):
            for spend in [*trips["spends"], {"category": "TRAVEL"}]:
                among = merchants.abroad[place, city, CATEGORY[spend["category"]]].tolist()
                assert among
                assert all(merchants.name[each].split(" – ")[1].startswith(name) for each in among)
                assert all(" – " in merchants.name_ar[each] for each in among)
    for table in ("summer", "eid", "winter", "expatriate"):
        assert all(CITIES[COUNTRIES.index(country)] for country in trips[table])


def test_no_two_have_one_name_and_none_lacks_one(merchants: Merchants) -> None:
    assert len(set(merchants.name)) == len(set(merchants.id)) == merchants.count
    assert all(merchants.name)
    assert all(any("\u0600" <= letter <= "\u06ff" for letter in name) for name in merchants.name_ar)


def test_no_co_operative_bears_the_name_of_an_area_as_real_ones_do(merchants: Merchants) -> None:
    named = {area["en"].removeprefix("Al ").removeprefix("Al-") for area in areas()}
    societies = [name for name in merchants.name if "Co-op" in name]
    assert societies
    assert not [name for name in societies if name.removeprefix("Al ").split(" Co-op")[0] in named]


def test_records_say_where_a_merchant_is(merchants: Merchants) -> None:
    for place, record in enumerate(merchants.records()):
        assert record["category"] == CATEGORIES[merchants.category[place]]
        assert ("area" in record) == ("governorate" in record)
        assert ("area" in record) == (record["country"] == "KW" and record["category"] not in ONLINE)


def test_cash_machines_stand_where_people_live_and_garages_where_there_is_room(merchants: Merchants) -> None:
    machines = [each for each in merchants.records() if each["mcc"] == "6011" and each["country"] == "KW"]
    assert [each["area"] for each in machines[:5]] == ["Salmiya", "Hawalli", "Farwaniya", "Fahaheel", "Jahra"]
    works = [each for each in merchants.records() if each["mcc"] in {"7538", "5532", "5200", "5712"}]
    assert works
    assert {each["area"] for each in works} <= {"Shuwaikh", "Sulaibiya", "Ardiya", "Fahaheel"}


@pytest.mark.parametrize(
    ("category", "word"),
    [("TELECOM", "Thuraya"), ("INSURANCE", "Noor"), ("INSURANCE", "Amana"), ("INSURANCE", "Hilal"),
     ("HEALTH", "Sidra"), ("HEALTH", "Noor"), ("COFFEE", "Karaz"), ("CAR", "Bunn"), ("TRAVEL", "Habaq")],
)  # fmt: skip
def test_names_are_neither_those_of_brands_nor_silly(category: str, word: str) -> None:
    many = make_merchants(1, 5_000)
    names = [many.name[place] for place in many.by_category[CATEGORY[category]].tolist()]
    assert names
    assert not [name for name in names if word in name.split()]


def test_there_are_about_as_many_as_a_town_of_that_size_has() -> None:
    assert 130 <= make_merchants(1, 60).count <= 340
    assert 3_000 <= make_merchants(1, 100_000).count <= 6_000


def test_the_seed_decides_who_they_are() -> None:
    again = make_merchants.__wrapped__(1, 60)
    assert again.records() == make_merchants(1, 60).records()
    assert again.name != make_merchants(2, 60).name
