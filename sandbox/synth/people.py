"""Who the customers are: where they come from, what they live on, and what they have to spend.

Everything is drawn by index, wages are fitted within blocks of `BLOCK` customers; nothing depends on `as_of`. Ages are
those of the beginning of 2026.
"""

from dataclasses import fields
from datetime import date

import numpy as np

from sandbox.synth import lives, means
from sandbox.synth.cast import CAST
from sandbox.synth.draws import Int, Stream
from sandbox.synth.identity import BLOCK, births
from sandbox.synth.merchants import areas
from sandbox.synth.model import HOUSING, MAX_CUSTOMERS, NONE, SEGMENTS, People, Span
from sandbox.synth.naming import countries
from sandbox.synth.roles import STUDY, Roles, deal
from sandbox.synth.tables import occupation_place
from sandbox.synth.wages import make_wages

__all__ = ["make_people"]

_TODAY = date(2026, 1, 1).toordinal()
_YEAR = 365
_JOINED_LAST = date(2019, 12, 15).toordinal()
_JOINED_LEAST = 240
"""Everybody has been a customer for at least so many days before that."""
_JOINED_FIRST = (date(1996, 1, 7).toordinal(), date(2005, 1, 2).toordinal())
"""Of citizens, and of the others."""
_ACCOUNT_AGE, _STUDENT_ACCOUNT_AGE = 18, 12
_FRIDAY, _SATURDAY = 5, 6
"""Remainders of an ordinal by seven."""
_SECTOR_OF_WORK = (1, 2, 3, 0, 0, 0)
"""Places in `SECTORS`, by what they live on."""
_AGES = ((24, 57), (24, 57), (30, 64), (52, 79), (19, 23), (25, 58))
"""The youngest and the oldest, by what they live on."""
_FOREIGN_WORKERS_OLDEST = 61
_SCORE_SPREAD = 1_000
_SCORE_OF_SEGMENT = {"AFFLUENT": 900, "BUDGET_CONSCIOUS": -300, "YOUNG_PROFESSIONAL": -150, "SENIOR": 150}
_SCORE_OF_COUNTRY = {
    "BD": -400, "NP": -400, "LK": -250, "SY": 150, "EG": 100, "SA": 600, "JO": 250, "LB": 400, "TR": 300, "GB": 1_000,
}  # fmt: skip
_SCORE_OF_YEAR = 12
"""Who is a year older scores so much more."""


def make_people(seed: int, span: Span) -> People:
    """The customers of a span, which begins with a block and ends where it likes.

    The same index is the same person in every span; only the wage looks at who else is in the block.
    """
    assert span.first % BLOCK == 0
    assert span.count > 0
    assert span.first + span.count <= MAX_CUSTOMERS
    ends = span.first + span.count
    blocks = [_block(seed, first, min(BLOCK, ends - first)) for first in range(span.first, ends, BLOCK)]
    return People(
        **{field.name: np.concatenate([getattr(block, field.name) for block in blocks]) for field in fields(People)}
    )


def _block(seed: int, first: int, count: int) -> People:
    index = np.arange(first, first + count, dtype=np.int64)
    cast = np.where(index < len(CAST), index, NONE)
    roles = deal(index)
    kuwaiti = roles.nationality == 0
    birth = births(
        _TODAY - _age_in_days(seed, index, roles),
        index,
        pinned=[CAST[member].birth if member != NONE else None for member in cast.tolist()],
    )
    age = (_TODAY - birth) // _YEAR
    citizens_of = countries(seed, index, roles.nationality)
    segment = lives.segments(seed, index, roles, age=age)
    segment = _pinned(segment, cast, [SEGMENTS.index(member.segment) for member in CAST])
    wages = make_wages(
        kuwaiti=kuwaiti,
        woman=roles.woman,
        work=roles.work,
        score=_scores(seed, index, citizens_of, segment=segment, age=age),
        pinned=_pinned(np.full(count, NONE), cast, [member.wage_place for member in CAST]),
    )
    occupation = lives.occupations_of(seed, index, roles, standing=wages.standing)
    occupation = _pinned(occupation, cast, [occupation_place(member.occupation) for member in CAST])
    income = means.incomes(seed, index, roles, wages=wages.amount)
    other = means.other_incomes(seed, index, roles, segment=segment)
    other = _pinned(other, cast, [member.other_income for member in CAST])
    housing = means.housing(seed, index, roles, income=income + other, segment=segment)
    housing = _pinned(housing, cast, [HOUSING.index(member.housing) for member in CAST])
    rent = means.rents(seed, index, kuwaiti, income=income + other, housing=housing)
    remits = means.remittances(seed, index, roles, rent_share=rent * 1_000 // np.maximum(income + other, 1))
    dependents = lives.dependents(seed, index, roles, segment=segment)
    listed = [area["en"] for area in areas()]
    return People(
        index=index,
        cast=cast,
        segment=segment,
        nationality=roles.nationality,
        woman=roles.woman == 1,
        birth=birth,
        sector=np.array(_SECTOR_OF_WORK, dtype=np.int64)[roles.work],
        occupation=occupation,
        employer=lives.employers_of(seed, index, roles, occupation=occupation),
        income=income,
        other_income=other,
        payday=means.paydays(seed, index, roles),
        hours=lives.hours_of(occupation),
        housing=housing,
        rent=rent,
        dependents=_pinned(dependents, cast, [member.dependents for member in CAST]),
        area=_pinned(lives.homes_of(seed, index, kuwaiti), cast, [listed.index(m.area) for m in CAST]),
        arabic=_pinned(
            lives.speak_arabic(seed, index, citizens_of, segment=segment), cast, [m.arabic for m in CAST]
        ).astype(np.bool_),
        remits=_pinned(remits, cast, [member.remits for member in CAST]),
        joined=_joined(seed, index, roles, birth=birth),
    )


def _pinned(drawn: Int, cast: Int, values: list[int] | list[bool]) -> Int:
    """A column with what is pinned for the cast."""
    return np.where(cast == NONE, drawn, np.array(values, dtype=np.int64)[cast])


def _age_in_days(seed: int, index: Int, roles: Roles) -> Int:
    """Ages in days, within what customers live on: the younger of two draws, since Kuwait is young."""
    least, most = (np.array([ages[end] for ages in _AGES], dtype=np.int64)[roles.work] for end in (0, 1))
    most = np.where((roles.nationality != 0) & (most == _AGES[0][1]), _FOREIGN_WORKERS_OLDEST, most)
    limit = (most + 1 - least) * _YEAR
    stream = Stream(seed, "people:age")
    days = np.minimum(stream.below(limit, index, 0), stream.below(limit, index, 1))
    return (least * 1461 + 3) // 4 + days


def _scores(seed: int, index: Int, citizens_of: list[str], *, segment: Int, age: Int) -> Int:
    """How well somebody earns among others; no two of a block score the same."""
    of_segment = np.array([_SCORE_OF_SEGMENT.get(name, 0) for name in SEGMENTS], dtype=np.int64)
    of_country = np.array([_SCORE_OF_COUNTRY.get(country, 0) for country in citizens_of], dtype=np.int64)
    drawn = Stream(seed, "people:score").below(_SCORE_SPREAD, index)
    return (drawn + of_segment[segment] + of_country + age * _SCORE_OF_YEAR) * BLOCK + index % BLOCK


def _joined(seed: int, index: Int, roles: Roles, *, birth: Int) -> Int:
    """The day they became customers, while the branches were open."""
    age = np.where(roles.work == STUDY, _STUDENT_ACCOUNT_AGE, _ACCOUNT_AGE)
    came = np.where(roles.nationality == 0, *_JOINED_FIRST)
    first = np.minimum(np.maximum(birth + age * 1461 // 4, came), _JOINED_LAST - _JOINED_LEAST)
    day = Stream(seed, "people:joined").between(first, _JOINED_LAST, index)
    return day - np.where(day % 7 == _FRIDAY, 1, np.where(day % 7 == _SATURDAY, 2, 0))
