"""What customers have besides wages, and what they must pay each month: pensions, other income, rent, remittances."""

import numpy as np
from numpy.typing import NDArray

from sandbox.synth.draws import Int, Quantiles, Stream, Weights, bounded_lognormal
from sandbox.synth.model import HOUSING, SEGMENTS
from sandbox.synth.roles import BUSINESS, HOME, PENSION, PRIVATE, PUBLIC, STUDY, Roles
from sandbox.synth.tables import nationalities, targets

__all__ = ["housing", "incomes", "other_incomes", "paydays", "remittances", "rents"]

_GRID = 5_000
_PER_MILLE = 1_000

_PENSION_STEPS = 160
_PENSION_LEAST = 800_000
_ALLOWANCES = np.array([200_000, 200_000, 200_000, 250_000], dtype=np.int64)
_FOREIGN_ALLOWANCES = np.array([100_000, 120_000, 150_000, 200_000], dtype=np.int64)

_AFFLUENT = bounded_lognormal(3_500_000, 0.45, least=1_500_000, most=8_000_000)
_BUSINESS = bounded_lognormal(800_000, 0.4, least=350_000, most=2_000_000)
_HOUSEKEEPING = bounded_lognormal(280_000, 0.3, least=120_000, most=600_000)
_FOREIGN_HOUSEKEEPING = bounded_lognormal(140_000, 0.3, least=60_000, most=300_000)
_SIDE = bounded_lognormal(280_000, 0.4, least=100_000, most=700_000)
_WITH_SIDE = {PENSION: 220, PUBLIC: 80, PRIVATE: 80}
"""How many per mille of citizens have something besides: a flat that is let, shares."""

_RENT_LEAST, _RENT_MOST = 80_000, 350_000
_ROOM_LEAST, _ROOM_MOST = 40_000, 75_000
"""A bed or a room in a shared flat."""
_CITIZEN_RENT_LEAST, _CITIZEN_RENT_MOST = 250_000, 450_000
_RENT_CAP = 350
"""A tenant pays at most so many per mille of the income."""

_SENDERS, _SAUDI_SENDERS = 930, 300
_SENT_LEAST, _SENT_MOST = 200, 450
_SENT_LEAST_HOUSED, _SENT_MOST_HOUSED = 450, 650
"""Of workers who live where their employer lets them: the family at home has most of what they earn."""
_KEPT_LEAST = 350
"""Per mille of the income that must be left after rent and remittance."""

_PUBLIC_DAYS = Weights((86, 8, 6))
_PRIVATE_DAYS = Weights((60, 14, 8, 6, 5, 7))
"""The end of the month, and its 1st to 5th day."""


def incomes(seed: int, index: Int, roles: Roles, *, wages: Int) -> Int:
    """Wages, pensions and students' allowances; who has a business or keeps a home has other income only."""
    stream = Stream(seed, "people:income")
    pension = _PENSION_LEAST + stream.between(0, _PENSION_STEPS, index, 0) * _GRID
    kind = stream.below(len(_ALLOWANCES), index, 1)
    allowance = np.where(roles.nationality == 0, _ALLOWANCES[kind], _FOREIGN_ALLOWANCES[kind])
    return np.where(roles.work == PENSION, pension, np.where(roles.work == STUDY, allowance, wages))


def other_incomes(seed: int, index: Int, roles: Roles, *, segment: Int) -> Int:
    """From business, rents, shares, or what the family gives to keep the home."""
    stream = Stream(seed, "people:other income")
    kuwaiti = roles.nationality == 0

    def drawn(table: Quantiles) -> Int:
        return stream.quantile(table, index, 0) // _GRID * _GRID

    side = np.zeros_like(index)
    for work, per_mille in _WITH_SIDE.items():
        side = np.where((roles.work == work) & kuwaiti & stream.chance(per_mille, index, 1), drawn(_SIDE), side)
    keeping = np.where(kuwaiti, drawn(_HOUSEKEEPING), drawn(_FOREIGN_HOUSEKEEPING))
    usual = np.where(roles.work == BUSINESS, drawn(_BUSINESS), np.where(roles.work == HOME, keeping, side))
    return np.where(segment == SEGMENTS.index("AFFLUENT"), drawn(_AFFLUENT), usual)


def housing(seed: int, index: Int, roles: Roles, *, income: Int, segment: Int) -> Int:
    """How they live: citizens in their own or their family's house, the others mostly for rent."""
    owned, rented, family, employer = (HOUSING.index(name) for name in ("OWNED", "RENTED", "FAMILY", "EMPLOYER"))
    stream = Stream(seed, "people:housing")
    settled = np.isin(segment, [SEGMENTS.index(name) for name in ("FAMILY", "AFFLUENT", "SENIOR")])
    citizens = np.where(
        stream.chance(np.where(settled, 700, 150), index, 0),
        owned,
        np.where(stream.chance(np.where(settled, 350, 90), index, 1), rented, family),
    )
    citizens = np.where(np.isin(roles.work, (STUDY, HOME)), family, citizens)
    # Who earns little shares a room, or lives where the employer lets them.
    cannot = income * _RENT_CAP // _PER_MILLE < _ROOM_LEAST
    poor = income * _RENT_CAP // _PER_MILLE < _RENT_LEAST
    housed = cannot | stream.chance(np.where(poor, 420, 80), index, 2)
    workers = np.where(housed & (roles.work != BUSINESS), employer, rented)
    others = np.where(np.isin(roles.work, (STUDY, HOME)), family, workers)
    return np.where(roles.nationality == 0, citizens, others)


def rents(seed: int, index: Int, kuwaiti: NDArray[np.bool_], *, income: Int, housing: Int) -> Int:
    """What tenants pay a month."""
    cap = income * _RENT_CAP // _PER_MILLE // _GRID * _GRID
    share = Stream(seed, "people:rent").between(200, 320, index)
    wish = income * share // _PER_MILLE // _GRID * _GRID
    whole = np.clip(wish, _RENT_LEAST, _RENT_MOST)
    room = np.clip(wish, _ROOM_LEAST, _ROOM_MOST)
    rent = np.where(kuwaiti, np.clip(wish, _CITIZEN_RENT_LEAST, _CITIZEN_RENT_MOST), np.where(cap < whole, room, whole))
    return np.where(housing == HOUSING.index("RENTED"), np.minimum(rent, cap), 0)


def remittances(seed: int, index: Int, roles: Roles, *, rent_share: Int) -> Int:
    """How much of the income foreign employees send home, in per mille; `rent_share` is per mille too."""
    stream = Stream(seed, "people:remittance")
    sends = np.where(roles.nationality == nationalities().index("SA"), _SAUDI_SENDERS, _SENDERS)
    worker = (roles.nationality != 0) & np.isin(roles.work, (PUBLIC, PRIVATE)) & stream.chance(sends, index, 0)
    left = _PER_MILLE - _KEPT_LEAST - rent_share
    least = np.where(rent_share == 0, _SENT_LEAST_HOUSED, _SENT_LEAST)
    most = np.where(rent_share == 0, _SENT_MOST_HOUSED, _SENT_MOST)
    return np.where(worker, np.minimum(stream.between(least, most, index, 1), left), 0)


def paydays(seed: int, index: Int, roles: Roles) -> Int:
    """The nominal day of the month on which the income arrives."""
    days = targets()["paydays"]
    stream = Stream(seed, "people:payday")
    public = np.array([days["ministries"], *days["ministries_some"]], dtype=np.int64)
    private = np.array([days["private_sector"], 1, 2, 3, 4, 5], dtype=np.int64)
    chosen = np.where(
        roles.work == PUBLIC,
        public[stream.choice(_PUBLIC_DAYS, index, 0)],
        private[stream.choice(_PRIVATE_DAYS, index, 1)],
    )
    fixed = {PENSION: days["pensions"], STUDY: days["graduate_allowance"], BUSINESS: 1, HOME: 1}
    for work, day in fixed.items():
        chosen = np.where(roles.work == work, day, chosen)
    return chosen
