"""What the bank writes down about its customers: the records of `customers` and `customer_settings`.

Besides the identifier and the two states every customer has exactly the fields of `PROFILE_FIELDS`.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np

from sandbox.core.money import format_fils
from sandbox.core.vocabulary import CustomerStatus, KycStatus, Language, in_files
from sandbox.synth.cast import CAST
from sandbox.synth.draws import Int, Stream, Weights, uuids
from sandbox.synth.identity import address_numbers, civil_ids, phones
from sandbox.synth.merchants import areas
from sandbox.synth.model import HOUSING, NONE, SECTORS, SEGMENTS, People, Recipe
from sandbox.synth.naming import Word, countries, name_people
from sandbox.synth.provider import Address, Pen
from sandbox.synth.tables import blocks, employers, homes, occupation_place, occupations

__all__ = ["PROFILE_FIELDS", "customer_ids", "customer_records", "marital", "settings_records"]

PROFILE_FIELDS: dict[str, str] = {
    "full_name": "name in Latin letters",
    "full_name_ar": "name in Arabic",
    "gender": "FEMALE or MALE",
    "date_of_birth": "date of birth",
    "nationality": "ISO 3166-1 alpha-2",
    "residency": "CITIZEN, GCC_CITIZEN, or the article of the law that a residence permit rests on",
    "civil_id": "Kuwaiti Civil ID, of the band of invented people",
    "phone": "mobile number in E.164",
    "email": "e-mail address",
    "address": "where they live: governorate, area, block, street, house or flat, PACI number, in both languages",
    "language": "in which language the bank speaks with them: en or ar",
    "marital_status": "SINGLE, MARRIED, DIVORCED or WIDOWED",
    "dependents": "how many people live on them",
    "education": "PRIMARY, INTERMEDIATE, SECONDARY, DIPLOMA, BACHELOR, MASTER or DOCTORATE",
    "occupation": "what they do",
    "employer": "for whom they work, or what they live on",
    "employment_sector": "PUBLIC, PRIVATE, OWN_BUSINESS or NONE",
    "monthly_income": "wage, pension or allowance, and what business, rents or the family bring besides, in KWD",
    "payday": "day of the month on which it is due; 31 is the last one",
    "housing": "OWNED, RENTED, FAMILY or EMPLOYER",
    "segment": "how they behave",
    "risk_rating": "LOW, MEDIUM or HIGH, as the bank rates the risk of money laundering",
    "customer_since": "day on which they became customers",
}

_CITIZEN, _GCC = "CITIZEN", "GCC_CITIZEN"
_GOVERNMENT, _PRIVATE, _DEPENDENT, _ALONE = "ARTICLE_17", "ARTICLE_18", "ARTICLE_22", "ARTICLE_24"
_WITHOUT_EMPLOYER = {
    "Retired": "Retired", "University Student": "Failaka Institute of Applied Studies", "Homemaker": "Not employed",
    "Job Seeker": "Not employed", "Business Owner": "Own business",
}  # fmt: skip

_MARITAL = ("SINGLE", "MARRIED", "DIVORCED", "WIDOWED")
_ADULT, _ELDERLY = 27, 65
_MARRIED_YOUNG, _MARRIED_ADULT = Weights((900, 100)), Weights((420, 500, 80))
_MARRIED_KEEPER, _MARRIED_ELDERLY = Weights((20, 920, 60)), Weights((20, 660, 60, 260))
_RISKS = ("LOW", "MEDIUM", "HIGH")
_RISK, _RISK_OF_WEALTH = Weights((880, 110, 10)), Weights((350, 550, 100))
_UNEXPLAINED = 5
"""Other income of so many wages is looked at more closely, and so is a business."""
_KYC_EXPIRED = 15
"""How many per mille have not brought their papers again."""

_STREETS, _HOUSES, _BUILDINGS, _FLOORS, _FLATS = 40, 90, 120, 12, 24
_NAMED_STREETS = 120
_YEAR = 365
_AGES_AT = date(2026, 1, 1).toordinal()

_CHANNELS = (("push", 850), ("sms", 600), ("email", 350))
_SILENT = 30


def customer_ids(index: Int, seed: int) -> list[str]:
    """The public ids of customers, by their index."""
    return uuids(seed, "customer", index)


def customer_records(people: People, recipe: Recipe) -> list[dict[str, object]]:
    """The customers of a chunk as `customers.json` has them; of when they joined `people.since` has the last word."""
    seed = recipe.seed
    pen = Pen()
    names = name_people(people, seed)
    columns: dict[str, list[object]] = {
        "customer_id": [*customer_ids(people.index, seed)],
        "full_name": [pen.name(name) for name in names],
        "full_name_ar": [pen.name(name, arabic=True) for name in names],
        "email": [
            pen.email(name, "" if member != NONE else str(index))
            for name, index, member in zip(names, people.index.tolist(), people.cast.tolist(), strict=True)
        ],
        **_identity(people, seed),
        "address": [_address_record(address, pen) for address in _addresses(people, seed)],
        **_situation(people, seed),
        "customer_since": [date.fromordinal(day).isoformat() for day in people.joined.tolist()],
        "kyc_status": _kyc(people, seed),
        "status": [in_files(CustomerStatus.ACTIVE)] * people.count,
    }
    for place, member in enumerate(people.cast.tolist()):
        if member != NONE:
            columns["kyc_status"][place] = CAST[member].kyc_status
            columns["status"][place] = CAST[member].customer_status
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def settings_records(people: People, seed: int) -> list[dict[str, object]]:
    """How the customers of a chunk want to be spoken to, as `customer_settings.json` has it."""
    stream = Stream(seed, "profile:settings")
    ids, languages = customer_ids(people.index, seed), _languages(people)
    silent = stream.chance(_SILENT, people.index, 0) & (people.cast == NONE)
    wanted = [stream.chance(chance, people.index, place + 1) for place, (_, chance) in enumerate(_CHANNELS)]
    # The cast shows what there is, and who wants neither of the others gets what the app pushes.
    wanted[0] |= (people.cast != NONE) | ~(wanted[1] | wanted[2])
    return [
        {
            "customer_id": customer_id,
            "language": language,
            "notifications_enabled": not is_silent,
            "channels": {name: wants for (name, _), wants in zip(_CHANNELS, row, strict=True)},
            "currency_display": "د.ك" if language == Language.ARABIC else "KD",
        }
        for customer_id, language, is_silent, row in zip(
            ids, languages, silent.tolist(), np.stack(wanted, axis=1).tolist(), strict=True
        )
    ]


def _identity(people: People, seed: int) -> dict[str, list[object]]:
    """The fields that papers prove."""
    citizens_of = countries(seed, people.index, people.nationality)
    return {
        "phone": [*phones(seed, people.index)],
        "civil_id": [*civil_ids(people.birth, people.index, cast=people.cast)],
        "nationality": [*citizens_of],
        "date_of_birth": [date.fromordinal(day).isoformat() for day in people.birth.tolist()],
        "gender": ["FEMALE" if woman else "MALE" for woman in people.woman.tolist()],
        "residency": [*_residencies(people, citizens_of)],
    }


def _situation(people: People, seed: int) -> dict[str, list[object]]:
    """The fields about how they live and what they have."""
    listed, known = occupations(), employers()
    income = people.income + people.other_income
    return {
        "language": [*_languages(people)],
        "marital_status": [*marital(people, seed)],
        "dependents": [*people.dependents.tolist()],
        "education": [
            listed[place].education[bits % len(listed[place].education)]
            for place, bits in zip(
                people.occupation.tolist(), Stream(seed, "profile:education").bits(people.index).tolist(), strict=True
            )
        ],
        "occupation": [listed[place].name for place in people.occupation.tolist()],
        "employer": [
            known[employer].name if employer != NONE else _WITHOUT_EMPLOYER[listed[place].name]
            for employer, place in zip(people.employer.tolist(), people.occupation.tolist(), strict=True)
        ],
        "employment_sector": [SECTORS[place] for place in people.sector.tolist()],
        "monthly_income": [format_fils(fils) for fils in income.tolist()],
        "payday": [*people.payday.tolist()],
        "housing": [HOUSING[place] for place in people.housing.tolist()],
        "segment": [SEGMENTS[place] for place in people.segment.tolist()],
        "risk_rating": [*_risks(people, seed)],
    }


def _languages(people: People) -> list[str]:
    return [str(Language.ARABIC if arabic else Language.ENGLISH) for arabic in people.arabic.tolist()]


def _residencies(people: People, citizens_of: Sequence[str]) -> list[str]:
    """By which right they live in Kuwait: who has neither work nor business depends on somebody who has."""
    of_sector = {"PUBLIC": _GOVERNMENT, "PRIVATE": _PRIVATE, "OWN_BUSINESS": _ALONE}
    found = []
    for country, sector in zip(citizens_of, people.sector.tolist(), strict=True):
        if country in {"KW", "SA"}:
            found.append(_CITIZEN if country == "KW" else _GCC)
        else:
            found.append(of_sector.get(SECTORS[sector], _DEPENDENT))
    return found


def marital(people: People, seed: int) -> list[str]:
    """The marital status of each, as the field `marital_status` says it."""
    stream = Stream(seed, "profile:marriage")
    age = (_AGES_AT - people.birth) // _YEAR
    keeps_home = people.occupation == occupation_place("Homemaker")
    place = np.where(
        age >= _ELDERLY,
        stream.choice(_MARRIED_ELDERLY, people.index),
        np.where(
            keeps_home | (people.dependents > 0) | (people.segment == SEGMENTS.index("FAMILY")),
            stream.choice(_MARRIED_KEEPER, people.index),
            np.where(
                age < _ADULT, stream.choice(_MARRIED_YOUNG, people.index), stream.choice(_MARRIED_ADULT, people.index)
            ),
        ),
    )
    return [_MARITAL[one] for one in place.tolist()]


def _risks(people: People, seed: int) -> list[str]:
    stream = Stream(seed, "profile:risk")
    wealthy = people.segment == SEGMENTS.index("AFFLUENT")
    place = np.where(wealthy, stream.choice(_RISK_OF_WEALTH, people.index), stream.choice(_RISK, people.index))
    owner = people.sector == SECTORS.index("OWN_BUSINESS")
    unexplained = (people.income > 0) & (people.other_income > _UNEXPLAINED * people.income)
    place = np.where(owner | unexplained, np.maximum(place, _RISKS.index("MEDIUM")), place)
    return [_RISKS[one] for one in place.tolist()]


def _kyc(people: People, seed: int) -> list[object]:
    expired = Stream(seed, "profile:kyc").chance(_KYC_EXPIRED, people.index).tolist()
    return [in_files(KycStatus.EXPIRED if one else KycStatus.VERIFIED) for one in expired]


def _addresses(people: People, seed: int) -> list[Address]:
    """Houses where a family owns one, flats elsewhere."""
    stream, listed, named = Stream(seed, "profile:address"), areas(), homes()["streets"]
    most = np.array([blocks()[area["en"]] for area in listed], dtype=np.int64)[people.area]
    limits: tuple[Int | int, ...] = (most, _STREETS, _HOUSES, _BUILDINGS, _FLOORS, _FLATS, len(named), 1_000)
    drawn = [stream.below(limit, people.index, part).tolist() for part, limit in enumerate(limits)]
    in_house = people.kuwaiti & (people.housing != HOUSING.index("RENTED"))
    found = []
    for number, area, has_house, row in zip(
        address_numbers(seed, people.index), people.area.tolist(), in_house.tolist(), zip(*drawn, strict=True),
        strict=True,
    ):  # fmt: skip
        block, street, house, building, floor, flat = (str(value + 1) for value in row[:6])
        its_street = Word(*named[row[6]]) if row[7] < _NAMED_STREETS else Word(street, street)
        place = (listed[area]["governorate"], Word(listed[area]["en"], listed[area]["ar"]), block, its_street)
        if has_house:
            found.append(Address(*place, house=house, paci=number))
        else:
            found.append(Address(*place, building=building, floor=floor, flat=flat, paci=number))
    return found


def _address_record(address: Address, pen: Pen) -> dict[str, str]:
    inside = (
        {"house": address.house}
        if address.house
        else {"building": address.building, "floor": address.floor, "flat": address.flat}
    )
    return {
        "governorate": address.governorate,
        "area": address.area.latin,
        "area_ar": address.area.arabic,
        "block": address.block,
        "street": address.street.latin,
        **inside,
        "paci_number": address.paci,
        "line": pen.address(address),
        "line_ar": pen.address(address, arabic=True),
    }
