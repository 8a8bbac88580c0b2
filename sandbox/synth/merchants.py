"""The merchants of an ecosystem: invented shops, cash machines and services, in Kuwait and where its people travel.

Who they are depends on the seed and on the number of customers alone. Their names are made of a word and a pattern of
their category (`data/merchants.json`); where a name is taken already, the area tells the branches apart.
"""

import functools
import json
from collections import defaultdict
from dataclasses import dataclass
from importlib.resources import files
from math import isqrt
from typing import Any

import numpy as np

from sandbox.synth.draws import Int, Stream, Weights
from sandbox.synth.model import CATEGORIES, CATEGORY, NONE

__all__ = [
    "BUDGET", "COUNTRIES", "MEN", "MID", "MINUTES_EAST", "PREMIUM", "TIERS", "WOMEN",
    "Merchants", "areas", "make_merchants",
]  # fmt: skip

AUDIENCES = ("ALL", "men", "women")
ALL, MEN, WOMEN = range(len(AUDIENCES))
"""Whom a shop is for: barbers and tailors of dishdashas, salons and abayas."""
TIERS = ("BUDGET", "MID", "PREMIUM")
BUDGET, MID, PREMIUM = range(len(TIERS))

_AT_HOME_LEAST = 100
_AT_HOME_GROWTH = 13
"""Merchants at home for each square root of a customer: 100 for sixty, 4,100 for a hundred thousand."""
_BRANCHES_ABROAD = 60
"""Merchants of a kind and country abroad: one, and one more for so many square roots of a customer."""
_PER_CENT = 100
_POPULARITY = 1_000
_POPULARITY_LAG = 3
"""The n-th merchant of a category is visited in proportion to 1 / (n + lag)."""
_BUSY = 5
"""A busy area has so many times the merchants of another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchants:
    """The merchants of an ecosystem, as columns; a place in them is a merchant."""

    id: list[str]
    name: list[str]
    name_ar: list[str]
    category: Int
    mcc: list[str]
    tier: Int
    area: Int
    """Place among all areas, in the order of `places.json`; -1 abroad."""
    country: Int
    """Place in `COUNTRIES`; -1 in Kuwait."""
    price: Int
    """Per cent of what is usual in the category."""
    audience: Int
    """Place in `AUDIENCES`."""
    weight: Int
    """How popular, within its category."""
    by_category: dict[int, Int]
    """Those that people in Kuwait use, foreign sites included, `walk_in` not."""
    walk_in: dict[int, Int]
    """Of a category, those that one visits for another reason: stationers beside schools, car parks beside taxis."""
    abroad: dict[tuple[int, int], Int]
    """Those that travellers use, by country and category."""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.id)

    def records(self) -> list[dict[str, object]]:
        """The records of the collection `merchants`; those abroad have no governorate and no area."""
        listed = areas()
        found: list[dict[str, object]] = []
        for place in range(self.count):
            record: dict[str, object] = {
                "id": self.id[place],
                "name": self.name[place],
                "name_ar": self.name_ar[place],
                "mcc": self.mcc[place],
                "category": CATEGORIES[self.category[place]],
                "tier": TIERS[self.tier[place]],
            }
            if self.area[place] >= 0:
                area = listed[self.area[place]]
                record |= {"governorate": area["governorate"], "area": area["en"]}
            abroad = self.country[place] >= 0
            record["country"] = COUNTRIES[self.country[place]] if abroad else "KW"
            found.append(record)
        return found


@functools.cache
def make_merchants(seed: int, customers: int) -> Merchants:
    """The merchants of an ecosystem with so many customers: about 150 for sixty, some thousands for 100,000."""
    maker = _Maker(seed)
    at_home = max(_AT_HOME_LEAST, isqrt(_AT_HOME_GROWTH**2 * customers))
    shares = sum(entry["share"] for entry in _data()["categories"].values())
    for name, entry in _data()["categories"].items():
        count = round(at_home * entry["share"] / shares)
        maker.category(name, entry, min(max(count, entry.get("least", 1)), entry["most"]))
    for entry in _data()["abroad"]:
        maker.kind_abroad(entry, entry.get("least", 1) + isqrt(customers) // _BRANCHES_ABROAD)
    return maker.made()


def areas() -> list[dict[str, str]]:
    """All areas with the code of their governorate, in the order of `places.json`."""
    return _areas()


class _Maker:
    """Collects merchants, one after the other; draws are by category and number, not by order."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        busy = set(_data()["busy_areas"])
        self._areas = Weights([_BUSY if area["en"] in busy else 1 for area in areas()])
        self._names: set[str] = set()
        self._columns: dict[str, list[Any]] = defaultdict(list)

    def category(self, name: str, entry: dict[str, Any], count: int) -> None:
        """Adds the merchants of a category that people in Kuwait use."""
        numbers = np.arange(count, dtype=np.int64)
        drawn = Stream(self._seed, f"merchants:{name}")
        in_areas = drawn.choice(self._areas, numbers, 0).tolist()
        words = drawn.below(len(_data()["words"]), numbers, 1).tolist()
        tiers = drawn.bits(numbers, 2)
        for number in range(count):
            area = areas()[in_areas[number]]
            kind: dict[str, Any]
            if entry.get("atm"):
                english, arabic = f"ATM {area['en']}", f"صراف آلي {area['ar']}"
                kind = {"mcc": "6011", "en": english, "ar": arabic, "tiers": [0, 1, 0]}
            elif "names" in entry:
                english, arabic, mcc = entry["names"][number % len(entry["names"])]
                kind = {"mcc": mcc, "en": english, "ar": arabic, "tiers": [0, 1, 0]}
            else:
                kind = entry["kinds"][number % len(entry["kinds"])]
            word = _data()["words"][words[number]]
            tier = int(Weights(kind["tiers"]).chosen(tiers[number : number + 1])[0])
            country = COUNTRIES.index(kind["country"]) if "country" in kind else NONE
            self._add(
                self._named(kind, word, None if country >= 0 or entry.get("atm") else area),
                category=CATEGORY[name],
                mcc=kind["mcc"],
                tier=tier,
                area=NONE if country >= 0 else in_areas[number],
                country=country,
                weight=_POPULARITY // (number // len(entry.get("kinds", [1])) + _POPULARITY_LAG),
                price=kind.get("price", _PER_CENT),
                audience=AUDIENCES.index(kind.get("audience", "ALL")),
                walk_in=bool(kind.get("walk_in")),
            )

    def kind_abroad(self, entry: dict[str, Any], count: int) -> None:
        """Adds the merchants of a kind to every country that people travel to."""
        for place, country in enumerate(_data()["countries"]):
            if country.get("online_only"):
                continue
            numbers = np.arange(count, dtype=np.int64)
            drawn = Stream(self._seed, f"merchants:{country['code']}:{entry['category']}")
            words = drawn.below(len(_data()["words"]), numbers).tolist()
            for number in range(count):
                english, arabic = country["cities"][number % len(country["cities"])]
                word = _data()["words"][words[number]]
                plain = entry["category"] == "CASH"
                shown = [english, arabic] if plain else [f"{word[0]} {english}", f"{word[1]} {arabic}"]
                self._add(
                    self._named(entry, shown, None),
                    category=CATEGORY[entry["category"]],
                    mcc=entry["mcc"],
                    tier=MID,
                    area=NONE,
                    country=place,
                    weight=_POPULARITY // (number + _POPULARITY_LAG),
                    price=_PER_CENT,
                    audience=ALL,
                    walk_in=False,
                )

    def made(self) -> Merchants:
        """All that were added."""
        columns = {name: np.array(self._columns[name], dtype=np.int64) for name in ("category", "area", "country")}
        category, country = columns["category"], columns["country"]
        walk_in = np.array(self._columns["walk_in"], dtype=np.bool_)
        travelled = np.arange(len(country)) >= len(country) - self._count_abroad()
        both = sorted(set(zip(country[travelled].tolist(), category[travelled].tolist(), strict=True)))
        known = sorted(set(category.tolist()))
        return Merchants(
            id=[f"M{number:05d}" for number in range(1, len(category) + 1)],
            name=self._columns["name"],
            name_ar=self._columns["name_ar"],
            category=category,
            mcc=self._columns["mcc"],
            tier=np.array(self._columns["tier"], dtype=np.int64),
            area=columns["area"],
            country=country,
            price=np.array(self._columns["price"], dtype=np.int64),
            audience=np.array(self._columns["audience"], dtype=np.int64),
            weight=np.array(self._columns["weight"], dtype=np.int64),
            by_category={each: np.flatnonzero((category == each) & ~walk_in & ~travelled) for each in known},
            walk_in={each: np.flatnonzero((category == each) & walk_in) for each in known},
            abroad={pair: np.flatnonzero((country == pair[0]) & (category == pair[1]) & travelled) for pair in both},
        )

    def _count_abroad(self) -> int:
        """How many of the last ones are abroad: the sites that people use from home came before them."""
        last_at_home = max(place for place, area in enumerate(self._columns["area"]) if area >= 0)
        return len(self._columns["area"]) - last_at_home - 1

    def _add(self, names: tuple[str, str], **values: object) -> None:
        for column, value in {"name": names[0], "name_ar": names[1], **values}.items():
            self._columns[column].append(value)

    def _named(self, kind: dict[str, Any], word: list[str], area: dict[str, str] | None) -> tuple[str, str]:
        """The pattern with its word; then with the area, then with a number, until nobody else has that name."""
        english, arabic = kind["en"].format(word[0]), kind["ar"].format(word[1])
        wanted = [(english, arabic)]
        if area is not None:
            wanted.append((f"{english} {area['en']}", f"{arabic} {area['ar']}"))
        base = wanted[-1]
        number = 2
        while wanted[0][0] in self._names:
            wanted.pop(0)
            if not wanted:
                wanted.append((f"{base[0]} {number}", f"{base[1]} {number}"))
                number += 1
        self._names.add(wanted[0][0])
        return wanted[0]


@functools.cache
def _data() -> Any:
    return json.loads(files("sandbox.synth").joinpath("data/merchants.json").read_text(encoding="utf-8"))


@functools.cache
def _areas() -> list[dict[str, str]]:
    places = json.loads(files("sandbox.synth").joinpath("data/places.json").read_text(encoding="utf-8"))
    return [{**area, "governorate": each["code"]} for each in places["governorates"] for area in each["areas"]]


COUNTRIES: tuple[str, ...] = tuple(country["code"] for country in _data()["countries"])
"""Where merchants abroad are (ISO 3166-1 alpha-2), in the order of `data/merchants.json`."""
MINUTES_EAST: tuple[int, ...] = tuple(country["minutes_east"] for country in _data()["countries"])
"""How far the clocks of a country are ahead of Kuwait's, in minutes; summer time left aside."""
