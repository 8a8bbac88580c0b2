"""What customers save for: goals on their savings accounts, which never promise more than is there."""

from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np

from sandbox.core.clock import HOUR, SECOND, day_start, format_instant
from sandbox.core.money import format_fils
from sandbox.core.vocabulary import GoalStatus, in_files
from sandbox.synth.draws import Weights
from sandbox.synth.facts import Facts, Row
from sandbox.synth.model import NONE, SAVINGS, SEGMENTS
from sandbox.synth.phrases import LANGUAGES, phrases

__all__ = ["Goal", "make_goals"]

_HOW_MANY = Weights([18, 45, 27, 10])
"""0, 1, 2, 3 goals on a savings account."""
_SLOTS, _DRAWS = 3, 6
_DRAWN = 1_000
_DINAR = 1_000
_TARGET_STEP = 50
_SAVED_STEP = 5 * _DINAR
_CANCELLED = 50
_MONTH_DAYS = 30
_YOUNGEST_DAYS, _OLDEST_DAYS = 12, 340
_SLOW, _FAST = 550, 1_500
"""How far goals are compared with the time that has passed, per mille."""
_LITTLE = 300 * _DINAR
"""Who earns less than this a month aims at the lower end."""
_SET_ASIDE = 900
"""How much of the balance goals may count on, per mille."""


class Goal(NamedTuple):
    """A goal, and what its notification needs of it."""

    position: int
    names: dict[str, str]
    """By language."""
    target: int
    reached: bool
    row: Row


def make_goals(facts: Facts) -> list[Goal]:
    """The savings goals of a chunk's customers."""
    people, stream = facts.people, facts.stream("goals")
    savings = facts.accounts.of[:, SAVINGS]
    drawn = stream.choice(_HOW_MANY, people.index, 0)
    # Whoever signs in as one of the cast should find something there.
    wished = np.where(people.cast == NONE, drawn, np.maximum(drawn, 1))
    many = np.where(savings == NONE, 0, wished).tolist()
    slots, purposes = np.arange(_SLOTS)[None, :, None], np.arange(_DRAWS)[None, None, :]
    draws = stream.below(_DRAWN, people.index[:, None, None], 1 + slots, purposes).tolist()
    found: list[Goal] = []
    for position in np.flatnonzero(many).tolist():
        account = int(savings[position])
        options = _options(facts, position)
        left = max(int(facts.posted.balance[account]), 0) * _SET_ASIDE // 1_000
        for slot in range(min(many[position], len(options))):
            place = draws[position][0][5] * len(options) // _DRAWN + slot
            # One after the other from a drawn place on, so that nobody saves for the same thing twice.
            option = options[place % len(options)]
            goal, saved = _goal(facts, position, slot=slot, option=option, drawn=draws[position][slot], left=left)
            left -= saved
            found.append(goal)
    return found


def _options(facts: Facts, position: int) -> list[dict[str, Any]]:
    """What somebody of that segment and nationality may save for."""
    segment, kuwaiti = SEGMENTS[facts.people.segment[position]], bool(facts.people.kuwaiti[position])
    return [
        option
        for option in phrases()["goals"]
        if segment in option.get("for", SEGMENTS) and option.get("kuwaiti", kuwaiti) == kuwaiti
    ]


def _goal(
    facts: Facts, position: int, *, slot: int, option: dict[str, Any], drawn: list[int], left: int
) -> tuple[Goal, int]:
    """A goal as far as it has come, and what is saved for it."""
    people, language = facts.people, facts.languages[position]
    reach = drawn[0] // 4 if people.income[position] + people.other_income[position] < _LITTLE else drawn[0]
    target = (option["least"] + (option["most"] - option["least"]) * reach // _DRAWN) // _TARGET_STEP
    target *= _TARGET_STEP * _DINAR
    planned = option["months"] * _MONTH_DAYS
    age = _YOUNGEST_DAYS + (_OLDEST_DAYS - _YOUNGEST_DAYS) * drawn[1] // _DRAWN
    pace = _SLOW + (_FAST - _SLOW) * drawn[2] // _DRAWN
    saved = min(target, left, target * age * pace // planned // 1_000) // _SAVED_STEP * _SAVED_STEP
    status = GoalStatus.COMPLETED if saved == target else GoalStatus.ACTIVE
    if drawn[3] < _CANCELLED:
        status, saved = GoalStatus.CANCELLED, 0
    created_on = facts.window.last - timedelta(days=age)
    index = int(people.index[position])
    row: Row = {
        "goal_id": facts.identifier("goal", f"{index}:{slot}"),
        "customer_id": facts.access.customer_ids[position],
        "account_id": facts.accounts.id[facts.accounts.of[position, SAVINGS]],
        "name": option[language],
        "target_amount": format_fils(target),
        "current_amount": format_fils(saved),
        "target_date": (created_on + timedelta(days=planned)).isoformat(),
        "status": in_files(status),
        "created_at": format_instant(
            day_start(created_on) + 9 * HOUR + drawn[4] * (13 * HOUR // _DRAWN // SECOND) * SECOND
        ),
    }
    names = {each: option[each] for each in LANGUAGES}
    return Goal(position, names, target, status is GoalStatus.COMPLETED, row), saved
