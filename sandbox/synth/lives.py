"""How customers live: the way they behave, what they do and for whom, where, and with how many."""

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sandbox.synth.draws import Int, Stream, Weights
from sandbox.synth.merchants import areas
from sandbox.synth.model import HOURS, HOUSING, NONE, SECTORS, SEGMENTS
from sandbox.synth.roles import BUSINESS, HOME, PENSION, PRIVATE, PUBLIC, STUDY, WORKS, Roles
from sandbox.synth.tables import employers, homes, nationalities, occupation_place, occupations, work

__all__ = [
    "by_faith", "dependents", "employers_of", "from_the_gulf", "homes_of", "hours_of", "occupations_of",
    "segments", "settled", "speak_arabic",
]  # fmt: skip

_YOUNG, _OLD = 34, 60
"""Employees are young below the one age and seniors from the other."""

# In the order of SEGMENTS: young professional, family, budget conscious, tech-savvy, affluent, senior, student.
_SEGMENTS_OF_EMPLOYEES = {
    (True, "young"): (46, 14, 15, 25, 0, 0, 0),
    (True, "middle"): (0, 55, 20, 13, 12, 0, 0),
    (True, "old"): (0, 10, 0, 0, 10, 80, 0),
    (False, "young"): (26, 10, 50, 14, 0, 0, 0),
    (False, "middle"): (0, 38, 50, 11, 1, 0, 0),
    (False, "old"): (0, 0, 20, 0, 0, 80, 0),
}
_SEGMENTS_OF_OTHERS = {
    (True, BUSINESS): (0, 20, 0, 0, 80, 0, 0),
    (False, BUSINESS): (0, 40, 35, 0, 25, 0, 0),
    (True, PENSION): (0, 0, 0, 0, 8, 92, 0),
    (True, HOME): (0, 90, 10, 0, 0, 0, 0),
    (False, HOME): (0, 80, 20, 0, 0, 0, 0),
    (True, STUDY): (0, 0, 0, 0, 0, 0, 1),
    (False, STUDY): (0, 0, 0, 0, 0, 0, 1),
}
_DEPENDENTS = {
    "YOUNG_PROFESSIONAL": ((900, 80, 20), (930, 50, 20)),
    "FAMILY": ((20, 100, 200, 250, 220, 130, 80), (60, 260, 380, 220, 80)),
    "BUDGET_CONSCIOUS": ((300, 200, 250, 150, 100), (330, 220, 270, 130, 50)),
    "TECH_SAVVY": ((650, 180, 120, 50), (680, 200, 120)),
    "AFFLUENT": ((50, 100, 200, 250, 200, 200), (150, 250, 350, 250)),
    "SENIOR": ((550, 250, 150, 50), (500, 300, 200)),
    "STUDENT": ((1,), (1,)),
}
"""Weights of 0, 1, 2, ... people to keep: of citizens, and of the others."""

_LOW_BELOW, _MIDDLE_BELOW = 450, 850
"""Standing within the wages of a group, in per mille."""
_OCCUPATION_OF_OTHERS = {
    BUSINESS: "Business Owner", PENSION: "Retired", STUDY: "University Student", HOME: "Homemaker",
}  # fmt: skip

_FLAT_FROM = 600_000
"""Who has less a month rents no whole flat of their own."""
_ARABS = {"EG": 850, "SY": 850, "SA": 850, "JO": 850, "LB": 850, "YE": 850}
_CITIZENS_ARABIC, _SENIORS_ARABIC = 700, 950
"""How many per mille bank in Arabic."""


def from_the_gulf(nationality: Int) -> NDArray[np.bool_]:
    """Who is a citizen of another state of the Gulf: they need no residence permit, and work as Kuwaitis do."""
    return np.asarray(nationality == nationalities().index("SA"))


def segments(seed: int, index: Int, roles: Roles, *, age: Int) -> Int:
    """How customers behave: places in `SEGMENTS`."""
    stream = Stream(seed, "people:segments")
    kuwaiti = roles.nationality == 0
    segment = np.zeros_like(index)
    employed = (roles.work == PUBLIC) | (roles.work == PRIVATE)
    bands = {"young": age < _YOUNG, "middle": (age >= _YOUNG) & (age < _OLD), "old": age >= _OLD}
    for (citizen, band), weights in _SEGMENTS_OF_EMPLOYEES.items():
        mine = employed & (kuwaiti == citizen) & bands[band]
        segment[mine] = stream.choice(Weights(weights), index[mine])
    for (citizen, kind), weights in _SEGMENTS_OF_OTHERS.items():
        mine = (roles.work == kind) & (kuwaiti == citizen)
        segment[mine] = stream.choice(Weights(weights), index[mine])
    return segment


def dependents(seed: int, index: Int, roles: Roles, *, segment: Int) -> Int:
    """How many people live on a customer."""
    stream = Stream(seed, "people:dependents")
    foreign = (roles.nationality != 0).astype(np.int64)
    found = np.zeros_like(index)
    for place, name in enumerate(SEGMENTS):
        for abroad, weights in enumerate(_DEPENDENTS[name]):
            mine = (segment == place) & (foreign == abroad) & (roles.work != HOME)
            found[mine] = stream.choice(Weights(weights), index[mine])
    return found


def occupations_of(seed: int, index: Int, roles: Roles, *, standing: Int) -> Int:
    """What customers do: those who earn more do other things than those who earn less, and Saudis what citizens do."""
    stream = Stream(seed, "people:occupation")
    band = (standing >= _LOW_BELOW).astype(np.int64) + (standing >= _MIDDLE_BELOW)
    found = np.zeros_like(index)
    for kind, name in _OCCUPATION_OF_OTHERS.items():
        found[roles.work == kind] = occupation_place(name)
    local = (roles.nationality == 0) | from_the_gulf(roles.nationality)
    for origin, citizen in (("KUWAITI", True), ("EXPATRIATE", False)):
        for kind in (PUBLIC, PRIVATE):
            for sex, name in enumerate(("men", "women")):
                group = (local == citizen) & (roles.work == kind) & (roles.woman == sex)
                for level, pool in enumerate(_pools()[f"{origin}_{WORKS[kind]} {name}"]):
                    mine = group & (band == level)
                    found[mine] = pool[stream.below(len(pool), index[mine])]
    return found


def by_faith(occupation: Int, muslim: NDArray[np.bool_]) -> Int:
    """What customers do, once only Muslims are imams; the others who would be are clerks."""
    imam, clerk = occupation_place("Mosque Imam"), occupation_place("Administrative Clerk")
    return np.where((occupation == imam) & ~muslim, clerk, occupation)


def employers_of(seed: int, index: Int, roles: Roles, *, occupation: Int) -> Int:
    """For whom employees work; -1 for the others."""
    stream = Stream(seed, "people:employer")
    found = np.full_like(index, NONE)
    for kind in (PUBLIC, PRIVATE):
        employed = roles.work == kind
        for place in np.unique(occupation[employed]).tolist():
            mine = employed & (occupation == place)
            choices = _employers_for(place, WORKS[kind])
            found[mine] = choices[stream.below(len(choices), index[mine])]
    return found


def hours_of(occupation: Int) -> Int:
    """When they are busy: places in `HOURS`."""
    return np.array([HOURS.index(one.hours) for one in occupations()], dtype=np.int64)[occupation]


def homes_of(seed: int, index: Int, nationality: Int) -> Int:
    """The areas in which they live; citizens of the Gulf live among Kuwaitis."""
    stream = Stream(seed, "people:area")
    citizens, others = (_area_weights(name) for name in ("citizen", "expatriate"))
    local = (nationality == 0) | from_the_gulf(nationality)
    return np.where(local, stream.choice(citizens, index), stream.choice(others, index))


def settled(housing: Int, roles: Roles, *, income: Int) -> Int:
    """How they live, without shared rooms and quarters of employers for citizens of the Gulf: they have family."""
    lodged = (housing == HOUSING.index("EMPLOYER")) | (income < _FLAT_FROM)
    return np.where(from_the_gulf(roles.nationality) & lodged, HOUSING.index("FAMILY"), housing)


def speak_arabic(seed: int, index: Int, citizens_of: Sequence[str], *, segment: Int) -> Int:
    """1 for those with whom the bank speaks Arabic."""
    senior = (segment == SEGMENTS.index("SENIOR")).tolist()
    at_home = (_CITIZENS_ARABIC, _SENIORS_ARABIC)
    chances = [
        at_home[is_senior] if country == "KW" else _ARABS.get(country, 0)
        for country, is_senior in zip(citizens_of, senior, strict=True)
    ]
    return Stream(seed, "people:language").chance(np.array(chances, dtype=np.int64), index).astype(np.int64)


@functools.cache
def _pools() -> dict[str, list[Int]]:
    return {
        name: [np.array([occupation_place(one) for one in band], dtype=np.int64) for band in bands]
        for name, bands in work()["pools"].items()
    }


@functools.cache
def _employers_for(occupation: int, sector: str) -> Int:
    """Who employs people of an occupation; any employer of the sector where nobody specially does."""
    assert sector in SECTORS
    kinds = occupations()[occupation].at
    special = [place for place, one in enumerate(employers()) if one.sector == sector and one.kind in kinds]
    return np.array(special or [place for place, one in enumerate(employers()) if one.sector == sector], dtype=np.int64)


@functools.cache
def _area_weights(whose: str) -> Weights:
    table = homes()[whose]
    return Weights([table.get(area["en"], 0) for area in areas()])
