"""Who the customers are: where they come from, what they live on, and what they have to spend.

Everything is drawn by index, wages are fitted within blocks of `BLOCK` customers; nothing depends on `as_of`, but that
everybody has joined before the days that are generated (`since`). Ages are those of the beginning of 2026.
"""

import functools
from dataclasses import fields, replace
from datetime import date

import numpy as np

from sandbox.core import calendar
from sandbox.core.clock import DAY, HOUR
from sandbox.synth import lives, means
from sandbox.synth.cast import CAST
from sandbox.synth.draws import Int, Stream
from sandbox.synth.identity import BLOCK, births
from sandbox.synth.merchants import areas
from sandbox.synth.model import HOUSING, MAX_CUSTOMERS, NONE, SEGMENTS, People, Span
from sandbox.synth.naming import believers, countries
from sandbox.synth.roles import STUDY, Roles, deal
from sandbox.synth.tables import occupation_place
from sandbox.synth.wages import make_wages
from sandbox.synth.window import Window, local_day

__all__ = ["day_limit", "make_people", "since", "while_open"]

_TODAY = date(2026, 1, 1).toordinal()
_YEAR = 365
_JOINED_LAST = date(2025, 11, 30).toordinal()
_JOINED_FIRST = (date(1996, 1, 7).toordinal(), date(2005, 1, 2).toordinal())
"""Of citizens, and of the others."""
_ACCOUNT_AGE, _STUDENT_ACCOUNT_AGE, _FOREIGN_WORKERS_AGE = 18, 17, 21
"""The least age at which citizens, students and foreign workers become customers."""
_AFTER_BIRTHDAY = 14
"""Days after the birthday at the least: weekends and holidays may bring the day forward."""
_SPREAD_LEAST, _SPREAD_MOST, _SPREAD_STEP, _MARGIN = 357, 5 * _YEAR, 97, 4
"""Who would join too late joined up to so many days before, as their age allows; the step scatters indices."""
_WELCOMED = DAY - 2 * HOUR
"""So long before `as_of` newcomers join: `messages` welcomes them then."""
_BRANCHES_FROM, _BRANCHES_UNTIL = date(1995, 1, 1).toordinal(), date(2030, 12, 31).toordinal()
_HOLIDAYS_FROM = 2020
"""The first year of which `core.calendar` knows the holidays."""
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


def since(people: People, window: Window) -> People:
    """The same customers, of whom nobody joins in the window: newcomers of the cast apart, who joined the day before.

    A bank may be built for days long before those that are drawn, up to the end of 2025. Who would not have been there
    yet is taken to have joined in the years before the one in which the window begins: on the same day for every window
    that begins in that year.
    """
    newcomers = [place for place, member in enumerate(CAST) if member.newcomer]
    welcomed = local_day(window.as_of - _WELCOMED).toordinal()
    limit = day_limit(window)
    adult = people.birth + np.where(people.kuwaiti, _ACCOUNT_AGE, _FOREIGN_WORKERS_AGE) * 1461 // 4
    room = np.clip(limit - adult, _SPREAD_LEAST, _SPREAD_MOST)
    before = while_open(limit - people.index * _SPREAD_STEP % room)
    joined = np.where(people.joined <= limit, people.joined, before)
    return replace(people, joined=np.where(np.isin(people.cast, newcomers), welcomed, joined))


def day_limit(window: Window) -> int:
    """The ordinal of the last day on which something may begin that is there when the window does.

    It moves once a year, so that a bank that is built anew for tomorrow has the same history.
    """
    return date(window.first.year, 1, 1).toordinal() - _MARGIN


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
    occupation = lives.by_faith(occupation, believers(seed, index, roles.nationality, cast=cast))
    occupation = _pinned(occupation, cast, [occupation_place(member.occupation) for member in CAST])
    income = means.incomes(seed, index, roles, wages=wages.amount)
    other = means.other_incomes(seed, index, roles, segment=segment)
    other = _pinned(other, cast, [member.other_income for member in CAST])
    housing = means.housing(seed, index, roles, income=income + other, segment=segment)
    housing = lives.settled(housing, roles, income=income + other)
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
        area=_pinned(lives.homes_of(seed, index, roles.nationality), cast, [listed.index(m.area) for m in CAST]),
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
    """The day they became customers, while the branches were open.

    Citizens rather when they were young, the others at any time since they came.
    """
    kuwaiti = roles.nationality == 0
    workers = np.where(kuwaiti, _ACCOUNT_AGE, _FOREIGN_WORKERS_AGE)
    age = np.where(roles.work == STUDY, _STUDENT_ACCOUNT_AGE, workers)
    first = np.maximum((birth + age * 1461 // 4) + _AFTER_BIRTHDAY, np.where(kuwaiti, *_JOINED_FIRST))
    stream = Stream(seed, "people:joined")
    one, other = (stream.between(first, _JOINED_LAST, index, part) for part in (0, 1))
    return while_open(np.where(kuwaiti, np.minimum(one, other), one))


def while_open(day: Int) -> Int:
    """The same days, or the last ones before on which branches were open: no weekend, and no holiday that is known."""
    return _open_days()[day - _BRANCHES_FROM]


@functools.cache
def _open_days() -> Int:
    """For each day from `_BRANCHES_FROM` on, the last one until it on which branches were open."""
    last = _BRANCHES_FROM
    found = []
    for ordinal in range(_BRANCHES_FROM, _BRANCHES_UNTIL):
        day = date.fromordinal(ordinal)
        known = day.year >= _HOLIDAYS_FROM
        if calendar.is_business_day(day) if known else not calendar.is_weekend(day):
            last = ordinal
        found.append(last)
    return np.array(found, dtype=np.int64)
