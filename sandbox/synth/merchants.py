"""The merchants of an ecosystem: invented shops, cash machines and services, in Kuwait and where its people travel.

Who they are depends on the seed and on the number of customers alone. Their names are made of a word and a pattern of
their category (`data/merchants.json`); where a name is taken already, the area tells the branches apart. Who is abroad
is in one city, which stands behind the name.
"""

import functools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np

from sandbox.synth.draws import Int, Stream, Weights
from sandbox.synth.model import CATEGORIES, CATEGORY, NONE
from sandbox.synth.tables import read

__all__ = [
    "BUDGET", "CITIES", "COUNTRIES", "MEN", "MID", "MINUTES_EAST", "PREMIUM", "TIERS", "WOMEN",
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
_PRICELESS = 10**9
"""Fils: where nothing is too dear."""
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
    """Place among all areas, in the order of `places.json`; -1 abroad and of what is only online."""
    country: Int
    """Place in `COUNTRIES`; -1 in Kuwait."""
    city: Int
    """Place in `CITIES` of the country, of those that travellers use; else -1."""
    price: Int
    """Per cent of what is usual in the category."""
    most: Int
    """Fils: nothing there costs more."""
    audience: Int
    """Place in `AUDIENCES`."""
    weight: Int
    """How popular, within its category."""
    by_category: dict[int, Int]
    """Those that people in Kuwait use, foreign sites included, `walk_in` and `schools` not."""
    walk_in: dict[int, Int]
    """Of a category, those that one visits for another reason: stationers beside schools, car parks beside taxis."""
    schools: Int
    """Those of EDUCATION that take fees for children: private schools and nurseries."""
    abroad: dict[tuple[int, int, int], Int]
    """Those that travellers use, by country, city and category."""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.id)

    def records(self) -> list[dict[str, object]]:
        """The records of the collection `merchants`; those abroad and online have no governorate and no area."""
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
        self._places = {area["en"]: place for place, area in enumerate(areas())}
        self._names: set[str] = set()
        self._columns: dict[str, list[Any]] = defaultdict(list)

    def category(self, name: str, entry: dict[str, Any], count: int) -> None:
        """Adds the merchants of a category that people in Kuwait use."""
        numbers = np.arange(count, dtype=np.int64)
        drawn = Stream(self._seed, f"merchants:{name}")
        in_areas = drawn.choice(self._areas, numbers, 0).tolist()
        words, tiers = drawn.bits(numbers, 1), drawn.bits(numbers, 2)
        for number in range(count):
            kind, place = _kind(entry, number), in_areas[number]
            if "where" in kind:
                listed = _data()[kind["where"]]
                place = self._places[listed[place % len(listed)]]
            if entry.get("atm"):
                place = self._machine(number, otherwise=place)
                kind |= _name_of_machine(number, areas()[place])
            area = areas()[place]
            country = COUNTRIES.index(kind["country"]) if "country" in kind else NONE
            nowhere = country >= 0 or bool(entry.get("online"))
            among = _words(entry, kind)
            word = among[int(words[number] >> np.uint64(33)) % len(among)] if among else ("", "")
            self._add(
                self._named(kind, word, None if nowhere or entry.get("atm") else area),
                category=CATEGORY[name],
                mcc=kind["mcc"],
                tier=int(Weights(kind["tiers"]).chosen(tiers[number : number + 1])[0]),
                area=NONE if nowhere else place,
                country=country,
                weight=_POPULARITY // (number // len(entry.get("kinds", [1])) + _POPULARITY_LAG),
                price=kind.get("price", _PER_CENT),
                most=kind.get("most", _PRICELESS),
                audience=AUDIENCES.index(kind.get("audience", "ALL")),
                use=kind.get("use", ""),
                city=NONE,
            )

    def kind_abroad(self, entry: dict[str, Any], count: int) -> None:
        """Adds the merchants of a kind to every city that people travel to."""
        for place, country in enumerate(_data()["countries"]):
            if country.get("online_only"):
                continue
            listed = _words({"themes": ["nature", "garden"]}, {}) if country.get("arab") else _data()["words_abroad"]
            for city, (english, arabic, _) in enumerate(country["cities"]):
                first = Stream(self._seed, f"merchants:{english}:{entry['category']}").below(len(listed), 0).tolist()[0]
                for number in range(count):
                    word = listed[(first + number) % len(listed)]
                    names = entry["en"].format(word[0]), entry["ar"].format(word[1])
                    kind = {"en": f"{names[0]} – {english}", "ar": f"{names[1]} – {arabic}"}
                    self._add(
                        self._named(kind, word, None),
                        category=CATEGORY[entry["category"]],
                        mcc=entry["mcc"],
                        tier=MID,
                        area=NONE,
                        country=place,
                        weight=_POPULARITY // (number + _POPULARITY_LAG),
                        price=_PER_CENT,
                        most=_PRICELESS,
                        audience=ALL,
                        use="",
                        city=city,
                    )

    def made(self) -> Merchants:
        """All that were added."""
        numbers = ("category", "area", "country", "city", "tier", "price", "most", "audience", "weight")
        columns = {name: np.array(self._columns[name], dtype=np.int64) for name in numbers}
        category, country, city = columns["category"], columns["country"], columns["city"]
        use = np.array(self._columns["use"])
        travelled = city >= 0
        cities = zip(country[travelled].tolist(), city[travelled].tolist(), category[travelled].tolist(), strict=True)
        known = sorted(set(category.tolist()))
        return Merchants(
            id=[f"M{number:05d}" for number in range(1, len(category) + 1)],
            name=self._columns["name"],
            name_ar=self._columns["name_ar"],
            mcc=self._columns["mcc"],
            by_category={each: np.flatnonzero((category == each) & (use == "") & ~travelled) for each in known},
            walk_in={each: np.flatnonzero((category == each) & (use == "walk_in")) for each in known},
            schools=np.flatnonzero(use == "school"),
            abroad={
                place: np.flatnonzero((country == place[0]) & (city == place[1]) & (category == place[2]))
                for place in sorted(set(cities))
            },
            **columns,
        )

    def _machine(self, number: int, *, otherwise: int) -> int:
        """The area of a cash machine: where people live first, then in malls, then anywhere."""
        listed = [*_data()["atms"]["areas"], *_data()["atms"]["malls"]]
        return self._places[listed[number]] if number < len(listed) else otherwise

    def _add(self, names: tuple[str, str], **values: object) -> None:
        for column, value in {"name": names[0], "name_ar": names[1], **values}.items():
            self._columns[column].append(value)

    def _named(self, kind: dict[str, Any], word: Sequence[str], area: dict[str, str] | None) -> tuple[str, str]:
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


def _kind(entry: dict[str, Any], number: int) -> dict[str, Any]:
    """What the n-th merchant of a category is."""
    if "names" in entry:
        english, arabic, mcc = entry["names"][number % len(entry["names"])]
        return {"mcc": mcc, "en": english, "ar": arabic, "tiers": [0, 1, 0]}
    if entry.get("atm"):
        return {"mcc": "6011", "tiers": [0, 1, 0]}
    return {**entry["kinds"][number % len(entry["kinds"])]}


def _name_of_machine(number: int, area: dict[str, str]) -> dict[str, str]:
    first = len(_data()["atms"]["areas"])
    if first <= number < first + len(_data()["atms"]["malls"]):
        return {"en": f"ATM – {area['en']} Mall", "ar": f"جهاز السحب الآلي – مجمع {area['ar']}"}
    return {"en": f"ATM – {area['en']}", "ar": f"جهاز السحب الآلي – {area['ar']}"}


def _words(entry: dict[str, Any], kind: dict[str, Any]) -> list[list[str]]:
    """The words that fit the names of a kind of merchant, each once."""
    listed = [word for theme in entry.get("themes", ()) for word in _data()["words"][theme]]
    wanted = kind.get("words")
    fitting = [word for word in listed if word[0] not in entry.get("not", ()) and (not wanted or word[0] in wanted)]
    return [word for place, word in enumerate(fitting) if word not in fitting[:place]]


@functools.cache
def _data() -> Any:
    return read("merchants")


@functools.cache
def _areas() -> list[dict[str, str]]:
    places = read("places")
    return [{**area, "governorate": each["code"]} for each in places["governorates"] for area in each["areas"]]


COUNTRIES: tuple[str, ...] = tuple(country["code"] for country in _data()["countries"])
"""Where merchants abroad are (ISO 3166-1 alpha-2), in the order of `data/merchants.json`."""
MINUTES_EAST: tuple[int, ...] = tuple(country["minutes_east"] for country in _data()["countries"])
"""How far the clocks of a country are ahead of Kuwait's, in minutes; summer time left aside."""
CITIES: tuple[tuple[tuple[str, int], ...], ...] = tuple(
    () if country.get("online_only") else tuple((english, weight) for english, _, weight in country["cities"])
    for country in _data()["countries"]
)
"""The cities of each country that people travel to, with how many of ten or so go there."""
