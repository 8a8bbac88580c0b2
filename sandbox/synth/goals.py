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
from sandbox.synth.naming import countries, muslim
from sandbox.synth.phrases import LANGUAGES, phrases
from sandbox.synth.profile import marital as marital_statuses
from sandbox.synth.recurring import instalments

__all__ = ["Goal", "make_goals"]

_HOW_MANY = Weights([18, 45, 27, 10])
"""0, 1, 2, 3 goals on a savings account."""
_SLOTS, _DRAWS = 3, 7
_DRAWN = 1_000
_DINAR = 1_000
_TARGET_STEP, _SMALL_STEP, _SMALL = 50 * _DINAR, 10 * _DINAR, 500 * _DINAR
"""Goals are round sums, small ones less so."""
_SAVED_STEP = 5 * _DINAR
_CANCELLED = 50
_MONTH_DAYS = 30
_YOUNGEST_DAYS, _OLDEST_DAYS = 12, 340
_SLOW, _FAST = 550, 1_500
"""How far goals are compared with the time that has passed, per mille."""
_SAVES = 250
"""What can be put by of a month's income, per mille of what rent, instalments and the family abroad leave."""
_LEAST_SAVED = 20 * _DINAR
_MONTHS_LEAST, _MONTHS_MOST = 6, 24
"""A goal is worth so many months of that."""
_OPEN_UNTIL = 920
"""Goals that are not reached have come no further than this, per mille of the time and of the money."""
_REACHED = 220
"""How many per mille of goals are reached, where there is enough on the account."""
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


class _Life(NamedTuple):
    """What the goals of a customer depend on."""

    segment: str
    kuwaiti: bool
    country: str
    unmarried: bool
    muslim: bool
    saves: int
    """Fils a month."""

    def may_save_for(self, option: dict[str, Any]) -> bool:
        """Whether a goal fits: what it is, and what it costs."""
        low, high = self.reach(option)
        return (
            self.segment in option.get("for", SEGMENTS)
            and option.get("kuwaiti", self.kuwaiti) == self.kuwaiti
            and option.get("not_from") != self.country
            and (self.unmarried or "unmarried" not in option)
            and (self.muslim or "muslim" not in option)
            and low + _TARGET_STEP <= high
        )

    def reach(self, option: dict[str, Any]) -> tuple[int, int]:
        """The least and the most fils that somebody would aim at."""
        least, most = option["least"] * _DINAR, option["most"] * _DINAR
        return max(least, self.saves * _MONTHS_LEAST), min(most, self.saves * _MONTHS_MOST)


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
    lives = _lives(facts)
    found: list[Goal] = []
    for position in np.flatnonzero(many).tolist():
        account, life = int(savings[position]), lives[position]
        options = [option for option in phrases()["goals"] if life.may_save_for(option)]
        left = max(int(facts.posted.balance[account]), 0) * _SET_ASIDE // 1_000
        for slot in range(min(many[position], len(options))):
            place = draws[position][0][5] * len(options) // _DRAWN + slot
            # One after the other from a drawn place on, so that nobody saves for the same thing twice.
            option = options[place % len(options)]
            goal, saved = _goal(
                facts, position, slot=slot, option=option, life=life, drawn=draws[position][slot], left=left
            )
            left -= saved
            found.append(goal)
    return found


def _lives(facts: Facts) -> list[_Life]:
    people, seed = facts.people, facts.seed
    income = people.income + people.other_income
    spare = income - people.rent - people.income * people.remits // 1_000 - instalments(people, seed=seed)
    columns = zip(
        people.segment.tolist(), people.kuwaiti.tolist(), countries(seed, people.index, people.nationality),
        marital_statuses(people, seed), muslim(people, seed=seed).tolist(),
        np.maximum(spare * _SAVES // 1_000, _LEAST_SAVED).tolist(),
        strict=True,
    )  # fmt: skip
    return [
        _Life(SEGMENTS[segment], kuwaiti, country, marital != "MARRIED", is_muslim, saves)
        for segment, kuwaiti, country, marital, is_muslim, saves in columns
    ]


def _goal(
    facts: Facts, position: int, *, slot: int, option: dict[str, Any], life: _Life, drawn: list[int], left: int
) -> tuple[Goal, int]:
    """A goal as far as it has come, and what is saved for it."""
    people, language = facts.people, facts.languages[position]
    low, high = life.reach(option)
    # People rather aim at what is near.
    target = low + (high - low) * drawn[0] * drawn[0] // _DRAWN // _DRAWN
    step = _SMALL_STEP if target < _SMALL else _TARGET_STEP
    target = -(-target // step) * step
    planned = max(target // life.saves, _MONTHS_LEAST) * _MONTH_DAYS
    age = _YOUNGEST_DAYS + (_OLDEST_DAYS - _YOUNGEST_DAYS) * drawn[1] // _DRAWN
    age = min(age, planned * _OPEN_UNTIL // 1_000)
    pace = _SLOW + (_FAST - _SLOW) * drawn[2] // _DRAWN
    so_far = min(target * _OPEN_UNTIL // 1_000, left, target * age * pace // planned // 1_000)
    saved = so_far // _SAVED_STEP * _SAVED_STEP
    status = GoalStatus.ACTIVE
    if drawn[6] < _REACHED and left >= target:
        status, saved, age = GoalStatus.COMPLETED, target, max(age, _OLDEST_DAYS // 2)
    elif drawn[3] < _CANCELLED:
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
