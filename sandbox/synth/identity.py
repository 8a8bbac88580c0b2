"""Dates of birth, Civil IDs, phone and address numbers: no two customers ever share one, whoever makes which of them.

A Civil ID is a date and a serial. Of every date one group of blocks of customers may be born on it, each block has a
serial of its own there, and within a block nobody shares a birthday; so a number names its block, and in it one person.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np

from sandbox.core import civil_id
from sandbox.core.bits import bits
from sandbox.synth.draws import Int, Stream
from sandbox.synth.model import MAX_CUSTOMERS, NONE

__all__ = ["BLOCK", "address_numbers", "births", "civil_ids", "phones"]

BLOCK = 500
"""Customers with one quotient of their index by this make a block."""

_CAST_SERIAL = civil_id.SYNTHETIC_SERIALS[-1]
"""For the cast alone, whose dates of birth are pinned."""
_SERIALS = len(civil_id.SYNTHETIC_SERIALS) - 1
_GROUPS = -(-MAX_CUSTOMERS // BLOCK // _SERIALS)
_DAYS_KEY = 0x5A4E4442414E4B31
"""Any number would do: it scatters groups and serials over the dates."""

_MOBILES = ("50", "55", "66", "90", "94", "96", "97", "99")
"""First digits of mobile numbers of which every block is in use (phonenumbers 9.0, Kuwait)."""
_EACH = 10**6
_PHONE_STEP = 4_944_271
_ADDRESSES = range(10_000_000, 100_000_000)
_ADDRESS_STEP = 55_623_059
"""Steps share no factor with how many numbers there are, so that multiples of them meet only after all."""


def births(wanted: Int, index: Int, *, pinned: Sequence[date | None]) -> Int:
    """The ordinals of dates of birth of customers of one block: those wanted, or the next ones that are free.

    Args:
        wanted: ordinals of the dates that were drawn.
        index: of the customers.
        pinned: dates of the cast, which stand.
    """
    taken = {day.toordinal() for day in pinned if day is not None}
    found: list[int] = []
    for first, its_index, fixed in zip(wanted.tolist(), index.tolist(), pinned, strict=True):
        day = first if fixed is None else fixed.toordinal()
        while fixed is None and (day in taken or not _may_be_born(day, its_index // BLOCK)):
            day += 1
        taken.add(day)
        found.append(day)
    return np.array(found, dtype=np.int64)


def civil_ids(birth: Int, index: Int, *, cast: Int) -> list[str]:
    """The Civil IDs that belong to dates made by `births`."""
    return [
        civil_id.make(date.fromordinal(day), _CAST_SERIAL if member != NONE else _serial(day, its_index // BLOCK))
        for day, its_index, member in zip(birth.tolist(), index.tolist(), cast.tolist(), strict=True)
    ]


def phones(seed: int, index: Int) -> list[str]:
    """Mobile numbers in E.164."""
    total = _EACH * len(_MOBILES)
    turned = int(Stream(seed, "people:phones").below(total)[0])
    numbers = ((index * _PHONE_STEP + turned) % total).tolist()
    return [f"+965{_MOBILES[number // _EACH]}{number % _EACH:06d}" for number in numbers]


def address_numbers(seed: int, index: Int) -> list[str]:
    """Numbers of eight digits, such as those that the civil registry (PACI) gives to dwellings."""
    turned = int(Stream(seed, "people:addresses").below(len(_ADDRESSES))[0])
    return [str(_ADDRESSES[number]) for number in ((index * _ADDRESS_STEP + turned) % len(_ADDRESSES)).tolist()]


def _may_be_born(day: int, block: int) -> bool:
    """Whether a date is one of a block's, and its serial there one that has a check digit."""
    if (bits(_DAYS_KEY, day) >> 32) % _GROUPS != block // _SERIALS:
        return False
    return civil_id.issuable(date.fromordinal(day), _serial(day, block))


def _serial(day: int, block: int) -> int:
    """The serial of a block on a date: blocks of one group have different ones."""
    return civil_id.SYNTHETIC_SERIALS[(bits(_DAYS_KEY, day) + block) % _SERIALS]
