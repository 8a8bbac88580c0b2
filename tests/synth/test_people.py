"""Who the customers are: the right mix for any number of them, wages as in the statistics, a pinned cast."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray

from sandbox.core import calendar, civil_id
from sandbox.core.clock import parse_instant
from sandbox.synth import identity, roles
from sandbox.synth.cast import CAST, STAFF, logins
from sandbox.synth.draws import Int
from sandbox.synth.identity import BLOCK, births, civil_ids, phones
from sandbox.synth.lives import from_the_gulf
from sandbox.synth.model import ACCOUNT_TYPES, HOUSING, MAX_CUSTOMERS, NONE, SECTORS, SEGMENTS, People, Span
from sandbox.synth.naming import muslim
from sandbox.synth.people import day_limit, make_people, since
from sandbox.synth.tables import employers, nationalities, occupations, targets, work
from sandbox.synth.wages import GRID, NET_GRID
from sandbox.synth.window import Window

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

    assert (many.income[employed] % np.where(many.kuwaiti, NET_GRID, GRID)[employed] == 0).all()
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


def test_workers_whom_the_employer_houses_send_home_most_of_what_they_earn(many: People) -> None:
    employed = ~many.kuwaiti & ((many.sector == PUBLIC) | (many.sector == PRIVATE))
    sent = many.remits[employed & (many.housing == HOUSING.index("EMPLOYER"))]

    assert (sent > 0).mean() > 0.8
    assert 450 <= sent[sent > 0].min() < sent.max() <= 650
    assert many.remits[employed & (many.housing == HOUSING.index("RENTED"))].max() <= 450


def test_net_wages_of_citizens_have_fils(many: People) -> None:
    employed = (many.sector == PUBLIC) | (many.sector == PRIVATE)

    assert (many.income[employed & many.kuwaiti] % 1_000 != 0).mean() > 0.95


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


def test_nobody_was_too_young_to_join_and_all_did_on_a_working_day(many: People) -> None:
    joined = [date.fromordinal(day) for day in many.joined.tolist()]
    years = (many.joined - many.birth) * 4 // 1461
    students = many.segment == SEGMENTS.index("STUDENT")
    workers = ~many.kuwaiti & np.isin(many.sector, (PUBLIC, PRIVATE))

    assert {day.weekday() for day in joined} == {6, 0, 1, 2, 3}
    assert all(calendar.is_business_day(day) for day in joined if day.year >= 2020)
    assert years[students].min() >= 17
    assert years[~students].min() >= 18
    assert years[workers].min() >= 21


def test_customers_joined_in_all_years_up_to_2025(many: People) -> None:
    years = np.bincount([date.fromordinal(day).year for day in many.joined.tolist()], minlength=2026)

    assert years[2005:2026].min() > 50
    assert years[2020:2026].sum() > many.count // 5
    assert years.sum() == years[1996:2026].sum()


@pytest.mark.parametrize(("as_of", "months"), [("2020-12-31", 12), ("2022-06-01", 24), ("2026-01-15", 12)])
def test_everybody_has_joined_before_the_window_but_the_newcomer(many: People, as_of: str, months: int) -> None:
    window = Window(parse_instant(f"{as_of}T09:00:00Z"), months)
    settled = since(many, window)
    newcomers = np.isin(many.cast, [place for place, member in enumerate(CAST) if member.newcomer])
    early = (many.joined <= day_limit(window)) & ~newcomers

    assert (settled.joined[newcomers] == date.fromisoformat(as_of).toordinal() - 1).all()
    assert settled.joined[~newcomers].max() < window.ordinal[0]
    assert (settled.joined[early] == many.joined[early]).all()
    assert {day % 7 for day in settled.joined[~newcomers].tolist()} == {0, 1, 2, 3, 4}


def test_the_days_on_which_they_joined_are_the_same_for_every_window_of_a_year(many: People) -> None:
    one, other = (since(many, Window(parse_instant(f"{day}T09:00:00Z"), 12)) for day in ("2026-01-15", "2026-11-20"))
    others = many.cast == NONE

    assert (one.joined[others] == other.joined[others]).all()


def test_most_speakers_of_arabic_bank_in_it(many: People) -> None:
    senior = many.segment == SEGMENTS.index("SENIOR")
    egyptian = many.nationality == nationalities().index("EG")
    indian = many.nationality == nationalities().index("IN")

    assert many.arabic[many.kuwaiti & ~senior].mean() == pytest.approx(0.70, abs=0.03)
    assert many.arabic[many.kuwaiti & senior].mean() == pytest.approx(0.95, abs=0.03)
    assert many.arabic[egyptian].mean() == pytest.approx(0.85, abs=0.04)
    assert not many.arabic[indian].any()


def test_the_languages_of_the_cast_are_pinned(many: People) -> None:
    assert {member.username for member in CAST if member.arabic} == {"mariam", "bader", "hessa"}
    assert many.arabic[: len(CAST)].tolist() == [member.arabic for member in CAST]


def test_citizens_of_the_gulf_live_and_work_as_kuwaitis_do(many: People) -> None:
    saudi = from_the_gulf(many.nationality)
    local = {one for name, bands in work()["pools"].items() if "KUWAITI" in name for band in bands for one in band}
    employed = saudi & np.isin(many.sector, (PUBLIC, PRIVATE))

    assert saudi.sum() > 50
    assert HOUSING.index("EMPLOYER") not in many.housing[saudi]
    assert many.rent[saudi & (many.rent > 0)].min() >= 80_000
    assert {occupations()[place].name for place in many.occupation[employed].tolist()} <= local


def test_only_muslims_are_imams(many: People) -> None:
    imams = np.array([occupations()[place].name == "Mosque Imam" for place in many.occupation.tolist()])

    assert imams.any()
    assert muslim(many, seed=2026)[imams].all()


def test_nurseries_employ_women_who_look_after_children(many: People) -> None:
    nursery = np.array([one.kind == "nursery" for one in employers()])
    there = (many.employer != NONE) & nursery[many.employer]

    assert there.any()
    assert many.woman[there].all()
    assert {occupations()[place].name for place in many.occupation[there].tolist()} == {"Nursery Assistant"}


@pytest.mark.parametrize("count", range(1, 30))
def test_wages_of_a_last_span_of_few_customers_are_sensible(count: int) -> None:
    people = make_people(2026, Span(BLOCK, count))
    employed = np.isin(people.sector, (PUBLIC, PRIVATE))

    assert (people.income[employed & ~people.kuwaiti] <= 2_000_000).all()
    assert (people.income[employed & people.kuwaiti] >= 500_000).all()
    assert people.income.max() <= 4_000_000


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
