"""What customers contest: declined payments, payments that were taken back since, and some that stand.

A dispute tells the story that the ledger tells: who won has had the money back (the movement is REVERSED), who lost or
gave in has not, and over a FAILED movement there is nothing to win.
"""

from typing import NamedTuple

import numpy as np

from sandbox.core.clock import DAY, HOUR, MILLISECOND, format_instant
from sandbox.core.money import format_fils
from sandbox.core.vocabulary import DisputeStatus, in_files
from sandbox.synth.draws import Int
from sandbox.synth.facts import Facts, Row, at_work
from sandbox.synth.model import ATM, CATEGORY, CHANNELS, COMPLETED, FAILED, NONE, ONLINE, POS, REVERSED
from sandbox.synth.phrases import phrases
from sandbox.synth.window import Mask

__all__ = ["Dispute", "make_disputes"]

_MILLION = 1_000_000
_CHANCES = {
    (COMPLETED, ONLINE): 2_800, (COMPLETED, POS): 400, (COMPLETED, ATM): 1_200,
    (REVERSED, ONLINE): 170_000, (REVERSED, POS): 170_000,
    (FAILED, ONLINE): 9_000, (FAILED, POS): 9_000, (FAILED, ATM): 20_000,
}  # fmt: skip
"""How many of a million card payments of a status and channel are contested."""
_WORTH_IT = 2_500
"""Nobody contests fewer fils."""
_LATEST_DAYS = 12
_DECIDED_FROM_DAYS, _DECIDED_UNTIL_DAYS = 9, 40
_LOST = 700
"""Of payments that stand, how many disputes per mille are lost; the others are withdrawn."""


class Dispute(NamedTuple):
    """A dispute, and what messages and the audit trail need of it."""

    place: int
    """Of the movement."""
    position: int
    status: DisputeStatus
    opened_at: int
    moved_at: int
    """When it came to where it stands."""
    row: Row


def make_disputes(facts: Facts) -> list[Dispute]:
    """The disputes of a chunk's customers; their movements are marked as disputed, unless they FAILED."""
    places, opened_at = _contested(facts)
    posted, moved = facts.posted, facts.posted.movements
    posted.disputed[places] = posted.status[places] != FAILED
    stream = facts.stream("disputes:course")
    key = moved.key[places]
    days = stream.between(_DECIDED_FROM_DAYS, _DECIDED_UNTIL_DAYS, key, 0).tolist()
    hours = stream.between(1, 9, key, 1).tolist()
    lost = stream.chance(_LOST, key, 2).tolist()
    drawn = stream.below(2**31, key, 3).tolist()
    found: list[Dispute] = []
    for place, opened, after, hour, is_lost, number in zip(
        places.tolist(), opened_at.tolist(), days, hours, lost, drawn, strict=True
    ):
        stands = posted.status[place] == COMPLETED
        end = DisputeStatus.LOST if is_lost and stands else DisputeStatus.WITHDRAWN
        status, moved_at = _course(facts, place, opened=opened, after=after * DAY + hour * HOUR, end=end)
        found.append(_dispute(facts, place, status=status, opened_at=opened, moved_at=moved_at, drawn=number))
    return sorted(found, key=lambda dispute: (dispute.opened_at, dispute.place))


def _contested(facts: Facts) -> tuple[Int, Int]:
    """The places of movements that are contested by now, and since when."""
    posted, moved = facts.posted, facts.posted.movements
    chance = np.zeros(moved.count, dtype=np.int64)
    card = ~moved.credit & (moved.merchant != NONE) & (moved.category != CATEGORY["REMITTANCE"])
    card &= moved.amount >= _WORTH_IT
    for (status, channel), share in _CHANCES.items():
        chance[card & (posted.status == status) & (moved.channel == channel)] = share
    chance[_for_newcomers(facts, card)] = _MILLION
    stream = facts.stream("disputes")
    places = np.flatnonzero(stream.below(_MILLION, moved.key, 0) < chance)
    key, at = moved.key[places], moved.at[places]
    later = stream.between(4 * HOUR // MILLISECOND, _LATEST_DAYS * DAY // MILLISECOND, key, 1) * MILLISECOND
    reversed_after = posted.reversed_at[places] - at
    # Whoever was given the money back complained before that.
    within = reversed_after * stream.between(50, 700, key, 2) // 1_000 // MILLISECOND * MILLISECOND
    opened_at = at + np.where(posted.status[places] == REVERSED, within, later)
    by_now = opened_at <= facts.as_of
    return places[by_now], opened_at[by_now]


def _for_newcomers(facts: Facts, card: Mask) -> Int:
    """A recent payment of the first of the cast, whom newcomers sign in as: they should find a dispute there."""
    posted, moved = facts.posted, facts.posted.movements
    hers = facts.people.cast[facts.accounts.holder[moved.account]] == 0
    recent = (moved.at > facts.since(2 * _LATEST_DAYS)) & (moved.at < facts.since(_LATEST_DAYS))
    found = np.flatnonzero(card & hers & recent & (posted.status == COMPLETED) & (moved.channel == ONLINE))
    return found[-1:].astype(np.int64)


def _course(facts: Facts, place: int, *, opened: int, after: int, end: DisputeStatus) -> tuple[DisputeStatus, int]:
    """Where a dispute stands at `as_of`, and since when."""
    status = facts.posted.status[place]
    if status == REVERSED:
        given_back = int(facts.posted.reversed_at[place])
        decided = at_work(given_back + after)
        return (
            (DisputeStatus.WON, decided) if decided <= facts.as_of else (DisputeStatus.PROVISIONAL_CREDIT, given_back)
        )
    decided = at_work(opened + (after // 5 if status == FAILED else after))
    if decided <= facts.as_of:
        return end, decided
    looked_at = at_work(opened + DAY)
    return (DisputeStatus.UNDER_REVIEW, looked_at) if looked_at <= facts.as_of else (DisputeStatus.OPEN, opened)


def _dispute(facts: Facts, place: int, *, status: DisputeStatus, opened_at: int, moved_at: int, drawn: int) -> Dispute:
    posted, moved = facts.posted, facts.posted.movements
    position = facts.holders[moved.account[place]]
    kind = "FAILED" if posted.status[place] == FAILED else CHANNELS[moved.channel[place]]
    reasons = phrases()["disputes"][kind]
    decided = status in {DisputeStatus.WON, DisputeStatus.LOST, DisputeStatus.WITHDRAWN}
    row: Row = {
        "dispute_id": facts.identifier("dispute", posted.id[place]),
        "customer_id": facts.access.customer_ids[position],
        "transaction_id": posted.id[place],
        "reason": reasons[drawn % len(reasons)][facts.languages[position]],
        "amount": format_fils(int(moved.amount[place])),
        "status": in_files(status),
        "opened_at": format_instant(opened_at),
        "resolved_at": format_instant(moved_at) if decided else None,
    }
    return Dispute(place, position, status, opened_at, moved_at, row)
