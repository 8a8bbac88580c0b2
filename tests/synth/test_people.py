"""Who the customers are: the right mix for any number of them, wages as in the statistics, a pinned cast."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray

from sandbox.core import civil_id
from sandbox.synth import identity, roles
from sandbox.synth.cast import CAST, STAFF, logins
from sandbox.synth.draws import Int
from sandbox.synth.identity import BLOCK, births, civil_ids, phones
from sandbox.synth.model import ACCOUNT_TYPES, HOUSING, MAX_CUSTOMERS, NONE, SECTORS, SEGMENTS, People, Span
from sandbox.synth.people import make_people
from sandbox.synth.tables import employers, nationalities, occupations, targets, work
from sandbox.synth.wages import GRID

PUBLIC, PRIVATE = SECTORS.index("PUBLIC"), SECTORS.index("PRIVATE")
MANY = 5_000


@pytest.fixture(scope="module")
def many() -> People:
    return make_people(2026, Span(0, MANY))


def wage_groups(people: People) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    public, private = people.sector == PUBLIC, people.sector == PRIVATE
    employed, kuwaiti = public | private, people.kuwaiti
    yield "kuwaiti_public", kuwaiti & public
    yield "kuwaiti_private", kuwaiti & private
    yield "kuwaiti_men", kuwaiti & employed & ~people.woman
    yield "kuwaiti_women", kuwaiti & employed & people.woman
    yield "expatriate_all", ~kuwaiti & employed
    yield "expatriate_public", ~kuwaiti & public
    yield "expatriate_private", ~kuwaiti & private


@pytest.mark.parametrize("customers", [40, 60, 137, 500, 1_000, 10_000])
def test_the_nationality_mix_is_right_for_any_number_of_customers(customers: int) -> None:
    counts = np.array(list(targets()["population"]["counts"].values()))
    dealt = np.bincount(roles.deal(np.arange(customers)).nationality, minlength=len(counts))

    assert np.abs(dealt - counts * customers / counts.sum()).max() < 1.5


def test_sixty_customers_have_nineteen_kuwaitis() -> None:
    assert make_people(1, Span(0, 60)).kuwaiti.sum() == 19


@pytest.mark.parametrize("customers", [30, 60, 250, 1_000])
@pytest.mark.parametrize("seed", [1, 2026])
def test_mean_wages_are_those_of_the_statistics(seed: int, customers: int) -> None:
    people = make_people(seed, Span(0, customers))
    wanted = targets()["wages_mean_fils"]

    for name, mask in wage_groups(people):
        assert mask.any(), name
        assert people.income[mask].mean() == pytest.approx(wanted[name], rel=0.05), name


def test_wages_spread_and_stand_on_their_grid(many: People) -> None:
    employed = (many.sector == PUBLIC) | (many.sector == PRIVATE)

    assert (many.income[employed] % GRID == 0).all()
    assert many.income[employed].min() >= 75_000
    assert np.log(many.income[employed & many.kuwaiti]).std() == pytest.approx(0.45, abs=0.05)
    assert np.log(many.income[employed & ~many.kuwaiti]).std() == pytest.approx(0.75, abs=0.1)


def test_citizens_hold_the_public_sector_and_little_of_the_private_one(many: People) -> None:
    assert many.kuwaiti[many.sector == PUBLIC].mean() == pytest.approx(0.78, abs=0.02)
    assert many.kuwaiti[many.sector == PRIVATE].mean() == pytest.approx(0.04, abs=0.005)


def test_every_segment_has_its_share(many: People) -> None:
    shares = np.bincount(many.segment, minlength=len(SEGMENTS)) / many.count

    assert shares.min() > 0.02
    assert shares.max() < 0.45


def test_other_income_is_about_two_hundred_dinars_a_head(many: People) -> None:
    affluent = many.segment == SEGMENTS.index("AFFLUENT")

    assert 150_000 < many.other_income.mean() < 250_000
    assert many.other_income[affluent].min() >= 1_500_000
    assert many.other_income[affluent].max() <= 8_000_000


def test_rent_and_remittance_leave_something_to_live_on(many: People) -> None:
    whole = many.income + many.other_income
    tenants = many.housing == HOUSING.index("RENTED")

    assert (many.rent[~tenants] == 0).all()
    assert (many.rent[tenants] * 1_000 <= whole[tenants] * 350).all()
    assert (many.rent + many.income * many.remits // 1_000 <= whole * 700 // 1_000).all()
    assert not many.remits[many.kuwaiti].any()
    assert many.remits[many.remits > 0].min() >= 200
    assert tenants[many.kuwaiti].mean() < 0.15
    assert tenants[~many.kuwaiti].mean() > 0.5


def test_work_fits_together(many: People) -> None:
    for sector, occupation, employer, hours in zip(
        many.sector.tolist(), many.occupation.tolist(), many.employer.tolist(), many.hours.tolist(), strict=True
    ):
        if sector in {PUBLIC, PRIVATE}:
            assert employers()[employer].sector == SECTORS[sector]
            assert employers()[employer].kind in occupations()[occupation].at
        else:
            assert employer == NONE
        assert 0 <= hours < 4


def test_nobody_is_too_young_and_all_joined_on_a_working_day_before_2020(many: People) -> None:
    joined = [date.fromordinal(day) for day in many.joined.tolist()]

    assert max(joined) < date(2020, 1, 1)
    assert {day.weekday() for day in joined} == {6, 0, 1, 2, 3}
    assert (many.joined - many.birth).min() > 10 * 365


def test_paydays_are_those_of_the_sectors(many: People) -> None:
    assert set(many.payday[many.sector == PUBLIC].tolist()) == {20, 21, 22}
    assert set(many.payday[many.sector == PRIVATE].tolist()) == {31, 1, 2, 3, 4, 5}
    assert set(many.payday[many.segment == SEGMENTS.index("STUDENT")].tolist()) == {25}


def test_the_cast_comes_first_and_is_as_pinned() -> None:
    people = make_people(7, Span(0, 30))

    assert people.cast.tolist() == [*range(len(CAST)), *[NONE] * (30 - len(CAST))]
    for place, member in enumerate(CAST):
        assert date.fromordinal(int(people.birth[place])) == member.birth
        assert SEGMENTS[people.segment[place]] == member.segment
        assert nationalities()[people.nationality[place]] == member.nationality
        assert bool(people.woman[place]) == member.woman
        assert occupations()[people.occupation[place]].name == member.occupation
        assert set(member.accounts) <= set(ACCOUNT_TYPES)
    assert {SEGMENTS[place] for place in people.segment[: len(CAST)]} == set(SEGMENTS)


def test_logins_are_the_cast_and_the_staff() -> None:
    assert [login["username"] for login in logins()] == [
        *(member.username for member in CAST),
        *(member.username for member in STAFF),
    ]
    assert logins()[0]["password"] == "Fatima-2026!"


def test_the_same_index_is_the_same_person_in_a_longer_span() -> None:
    short, long = make_people(3, Span(0, BLOCK)), make_people(3, Span(0, 2 * BLOCK))
    second = make_people(3, Span(BLOCK, BLOCK))

    for field in fields(People):
        whole = getattr(long, field.name)
        assert np.array_equal(whole[:BLOCK], getattr(short, field.name)), field.name
        assert np.array_equal(whole[BLOCK:], getattr(second, field.name)), field.name


def test_another_seed_makes_other_people() -> None:
    one, other = make_people(1, Span(BLOCK, 60)), make_people(2, Span(BLOCK, 60))

    assert (one.birth != other.birth).mean() > 0.9
    assert (one.income != other.income).mean() > 0.5


def block_births(block: int) -> tuple[Int, Int]:
    """Dates of birth of a block in which everybody would be born within twelve years, and its indices."""
    index = np.arange(block * BLOCK, (block + 1) * BLOCK)
    wanted = date(1980, 1, 1).toordinal() + index * 7 % 4383
    return births(wanted, index, pinned=[None] * BLOCK), index


def test_civil_ids_are_unique_even_where_all_are_of_an_age() -> None:
    last = MAX_CUSTOMERS // BLOCK - 1
    found = [
        number
        for block in (0, 1, 98, 99, 100, 198, last - 99, last)
        for number in civil_ids(*block_births(block), cast=np.full(BLOCK, NONE))
    ]

    assert len(set(found)) == len(found)
    assert all(civil_id.is_synthetic(number) for number in found[::50])


def test_no_two_blocks_share_a_serial_on_a_date() -> None:
    blocks = range(MAX_CUSTOMERS // BLOCK)
    group = identity._SERIALS

    for day in (date(1955, 2, 28).toordinal(), date(1990, 7, 1).toordinal(), date(2004, 12, 31).toordinal()):
        for first in range(0, len(blocks), group):
            mine = blocks[first : first + group]
            assert len({identity._serial(day, block) for block in mine}) == len(mine)
        assert identity._CAST_SERIAL not in {identity._serial(day, block) for block in blocks}
        assert all(block // group < identity._GROUPS for block in blocks)


def test_no_two_customers_share_a_phone_or_an_address_number() -> None:
    index = np.arange(MAX_CUSTOMERS)

    assert len(set(phones(5, index))) == MAX_CUSTOMERS
    assert len(set(identity.address_numbers(5, index))) == MAX_CUSTOMERS


def test_every_pool_has_work_for_everybody() -> None:
    for name, bands in work()["pools"].items():
        sector = "PUBLIC" if "PUBLIC" in name else "PRIVATE"
        for occupation in {one for band in bands for one in band}:
            at = next(one.at for one in occupations() if one.name == occupation)
            assert any(one.sector == sector and one.kind in at for one in employers()), (name, occupation)
