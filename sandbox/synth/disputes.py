"""What customers contest: declined payments, payments that were taken back since, and some that stand.

A dispute tells the story that the ledger tells: who won has the money back since the bank decided (the movement is
REVERSED), who lost or gave in has not, and over a FAILED movement there is nothing to win. The bank promises an answer
within five working days, and decides within three to ten.
"""

from typing import Any, NamedTuple

import numpy as np

from sandbox.core.clock import DAY, HOUR, KUWAIT_OFFSET, MILLISECOND, SECOND, day_start, format_instant
from sandbox.core.money import format_fils
from sandbox.core.vocabulary import DisputeStatus, in_files
from sandbox.synth.draws import Int
from sandbox.synth.facts import Facts, Row, at_work, working_days_after
from sandbox.synth.model import ATM, CATEGORIES, CATEGORY, CHANNELS, COMPLETED, FAILED, NONE, ONLINE, POS, REVERSED
from sandbox.synth.phrases import phrases
from sandbox.synth.window import Mask, local_day

__all__ = ["Dispute", "make_disputes"]

_MILLION = 1_000_000
_CHANCES = {
    (COMPLETED, ONLINE): 2_800, (COMPLETED, POS): 400, (COMPLETED, ATM): 1_200,
    (REVERSED, ONLINE): 450_000, (REVERSED, POS): 300_000,
    (FAILED, ONLINE): 9_000, (FAILED, POS): 9_000, (FAILED, ATM): 20_000,
}  # fmt: skip
"""How many of a million card payments of a status and channel are contested."""
_WORTH_IT = 2_500
"""Nobody contests fewer fils."""
_LATEST_DAYS = 12
_DECIDED_FROM_DAYS, _DECIDED_UNTIL_DAYS = 3, 10
"""Working days after a dispute was opened."""
_SEEN_TO_AT_ONCE_DAYS = 3
"""That many at most over what was declined."""
_AWAKE = (9 * HOUR // SECOND, 22 * HOUR // SECOND)
_NO_MONEY = "insufficient funds"
_NEWCOMERS_DAYS = 2
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
    lost = stream.chance(_LOST, key, 2).tolist()
    drawn = stream.below(2**31, key, 3).tolist()
    found: list[Dispute] = []
    for place, opened, after, is_lost, number in zip(
        places.tolist(), opened_at.tolist(), days, lost, drawn, strict=True
    ):
        stands = posted.status[place] == COMPLETED
        end = DisputeStatus.LOST if is_lost and stands else DisputeStatus.WITHDRAWN
        status, moved_at = _course(facts, place, opened=opened, days=after, end=end)
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
    pinned = _for_newcomers(facts, card)
    chance[pinned] = _MILLION
    stream = facts.stream("disputes")
    places = np.flatnonzero(stream.below(_MILLION, moved.key, 0) < chance)
    key, at = moved.key[places], moved.at[places]
    later = stream.between(4 * HOUR // MILLISECOND, _LATEST_DAYS * DAY // MILLISECOND, key, 1) * MILLISECOND
    later[np.isin(places, pinned)] = 4 * HOUR
    time = stream.between(*_AWAKE, key, 2) * SECOND
    opened_at = (at + later + KUWAIT_OFFSET) // DAY * DAY - KUWAIT_OFFSET + time
    opened_at = np.where(opened_at < at + HOUR, opened_at + DAY, opened_at)
    # Whoever was given the money back complained some working days before that.
    given_back = np.flatnonzero(posted.status[places] == REVERSED)
    drawn = stream.below(2**20, key[given_back], 3).tolist()
    for which, number in zip(given_back.tolist(), drawn, strict=True):
        days = _days_before(int(posted.reversed_at[places[which]]), paid_at=int(at[which]), time=int(time[which]))
        opened_at[which] = days[number % len(days)] if days else facts.as_of + 1
    until = [facts.free_until(facts.holders[account]) for account in moved.account[places].tolist()]
    could = (opened_at <= facts.as_of) & (opened_at < np.array(until, dtype=np.int64))
    return places[could], opened_at[could]


def _days_before(reversed_at: int, *, paid_at: int, time: int) -> list[int]:
    """When somebody may have opened the dispute by which a payment was given back."""
    decided_on = local_day(at_work(reversed_at, 0))
    days = [working_days_after(decided_on, -count) for count in range(_DECIDED_FROM_DAYS, _DECIDED_UNTIL_DAYS + 1)]
    moments = [day_start(day) + time for day in days]
    return [moment for moment in moments if paid_at + HOUR < moment < reversed_at]


def _for_newcomers(facts: Facts, card: Mask) -> Int:
    """The latest payment that the first of the cast may have contested: newcomers should find a dispute there."""
    posted, moved = facts.posted, facts.posted.movements
    hers = facts.people.cast[facts.accounts.holder[moved.account]] == 0
    recent = (moved.at > facts.since(2 * _LATEST_DAYS)) & (moved.at < facts.since(_NEWCOMERS_DAYS))
    found = np.flatnonzero(card & hers & recent & (posted.status == COMPLETED) & (moved.channel == ONLINE))
    return found[-1:].astype(np.int64)


def _course(facts: Facts, place: int, *, opened: int, days: int, end: DisputeStatus) -> tuple[DisputeStatus, int]:
    """Where a dispute stands at `as_of`, and since when; who is given the money back hears of it that morning."""
    status = facts.posted.status[place]
    if status == REVERSED:
        given_back = int(facts.posted.reversed_at[place])
        decided = max(at_work(given_back, 0), given_back)
        return (
            (DisputeStatus.WON, decided) if decided <= facts.as_of else (DisputeStatus.PROVISIONAL_CREDIT, given_back)
        )
    decided = at_work(opened, min(days, _SEEN_TO_AT_ONCE_DAYS) if status == FAILED else days)
    if decided <= facts.as_of:
        return end, decided
    looked_at = at_work(opened)
    return (DisputeStatus.UNDER_REVIEW, looked_at) if looked_at <= facts.as_of else (DisputeStatus.OPEN, opened)


def _dispute(facts: Facts, place: int, *, status: DisputeStatus, opened_at: int, moved_at: int, drawn: int) -> Dispute:
    posted, moved = facts.posted, facts.posted.movements
    position = facts.holders[moved.account[place]]
    reasons = _reasons(facts, place)
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


def _reasons(facts: Facts, place: int) -> list[dict[str, Any]]:
    """Why somebody may contest a movement: what was bought says it, and why it was declined."""
    posted, moved = facts.posted, facts.posted.movements
    kind, category = CHANNELS[moved.channel[place]], CATEGORIES[moved.category[place]]
    lacked = False
    if posted.status[place] == FAILED:
        kind = "FAILED_ATM" if kind == "ATM" else "FAILED"
        text = int(moved.text[place])
        lacked = text != NONE and facts.texts.listed[text].endswith(_NO_MONEY)
    return [
        reason
        for reason in phrases()["disputes"][kind]
        if category in reason.get("only", CATEGORIES)
        and category not in reason.get("never", ())
        and not (lacked and "funded" in reason)
    ]
