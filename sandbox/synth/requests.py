"""What customers ask the branch for: cards, cheque books, certificates, and accounts that should work again."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from sandbox.core.clock import DAY, HOUR, MINUTE, SECOND, day_start, format_instant
from sandbox.core.vocabulary import RequestStatus, in_files
from sandbox.synth.accounts import DORMANT, FROZEN
from sandbox.synth.draws import Weights
from sandbox.synth.facts import Facts, Row, at_work, awake
from sandbox.synth.merchants import areas
from sandbox.synth.model import ATM, CURRENT, NONE, SECTORS, SEGMENTS
from sandbox.synth.phrases import LANGUAGES, phrases

__all__ = ["Request", "make_requests"]

_HOW_MANY = Weights([58, 30, 10, 2])
_SLOTS, _DRAWS = 3, 5
_DRAWN = 1_000
_OLDEST_DAYS = 180
_DONE_DAYS = 9
_TENANT = 1
"""Place of RENTED in `model.HOUSING`."""
_EMPLOYERS = (SECTORS.index("PUBLIC"), SECTORS.index("PRIVATE"))
_DINAR = 1_000
_GAP_DAYS = 2
"""Somebody without their card pays with it for so many days at least."""
_BARRED_AT_MOST_DAYS = 40
_CLOSED = 350
"""How many per mille of what is done is closed, not resolved."""
_ASKED_LATELY_DAYS = 20
_ASKS = 600
"""How many per mille of the holders ask for an account that is frozen or dormant."""


class Request(NamedTuple):
    """A request, and what its notification needs of it."""

    position: int
    subjects: dict[str, str]
    """By language."""
    status: RequestStatus
    created_at: int
    updated_at: int
    """0 where nobody has looked at it."""
    row: Row


class _Course(NamedTuple):
    """When a request came, where it stands, and when it moved last."""

    created_at: int
    status: RequestStatus
    updated_at: int


def make_requests(facts: Facts) -> list[Request]:
    """The service requests of a chunk's customers."""
    people, stream = facts.people, facts.stream("requests")
    current = facts.accounts.of[:, CURRENT]
    drawn = stream.choice(_HOW_MANY, people.index, 0)
    # Whoever signs in as one of the cast should find something there.
    wished = np.where(people.cast == NONE, drawn, np.maximum(drawn, 1))
    many = np.where(current == NONE, 0, wished).tolist()
    slots, purposes = np.arange(_SLOTS)[None, :, None], np.arange(_DRAWS)[None, None, :]
    draws = stream.below(_DRAWN, people.index[:, None, None], 1 + slots, purposes).tolist()
    found: list[Request] = []
    for position in np.flatnonzero(many).tolist():
        options, account = _options(facts, position), int(current[position])
        for slot in range(many[position]):
            drawn = draws[position][slot]
            first = draws[position][0][4] * len(options) // _DRAWN + slot * 5
            option, course = _fitting(facts, account, options=options, first=first, drawn=drawn)
            options = [other for other in options if other is not option]
            found.append(_request(facts, account, option=option, course=course, slot=slot))
    found += _about_accounts(facts)
    return sorted(found, key=lambda request: (str(request.row["created_at"]), request.position))


def _options(facts: Facts, position: int) -> list[dict[str, Any]]:
    """What somebody of that life may ask for."""
    people = facts.people
    income = int(people.income[position] + people.other_income[position])
    employed = people.sector[position] in _EMPLOYERS
    segment, kuwaiti = SEGMENTS[people.segment[position]], bool(people.kuwaiti[position])
    return [
        option
        for option in phrases()["requests"]
        if segment in option.get("for", SEGMENTS)
        and option.get("kuwaiti", kuwaiti) == kuwaiti
        and ("renting" not in option or people.housing[position] == _TENANT)
        and ("employed" not in option or employed)
        and ("dependents" not in option or people.dependents[position] > 0)
        and income >= option.get("income", 0) * _DINAR
    ]


def _fitting(
    facts: Facts, account: int, *, options: list[dict[str, Any]], first: int, drawn: list[int]
) -> tuple[dict[str, Any], _Course]:
    """The first of the options from a place on that agrees with what the card of the account was used for."""
    for ahead in range(len(options)):
        option = options[(first + ahead) % len(options)]
        if "card_gone" not in option:
            return option, _course(facts, account, drawn=drawn)
        gaps = list(_gaps(facts, account, kept=option["card_gone"] == "kept", drawn=drawn))
        if gaps:
            wished = _asked_at(facts, _OLDEST_DAYS, drawn=drawn)
            return option, min(gaps, key=lambda gap: abs(gap.created_at - wished))
    raise AssertionError(account)


def _gaps(facts: Facts, account: int, *, kept: bool, drawn: list[int]) -> Iterator[_Course]:
    """Requests for another card between two uses of it; a machine can keep it only where it was used at one."""
    moved = facts.posted.movements
    uses = np.flatnonzero((moved.account == account) & ~moved.credit & (moved.merchant != NONE))
    uses = uses[(moved.at[uses] >= facts.since(_OLDEST_DAYS)) & (moved.at[uses] < facts.as_of)]
    at, abroad, by_machine = moved.at[uses], moved.country[uses] != NONE, moved.channel[uses] == ATM
    wide = (np.diff(at) >= _GAP_DAYS * DAY) & ~abroad[:-1] & ~abroad[1:] & (by_machine[:-1] | (not kept))
    for place in np.flatnonzero(wide).tolist():
        created_at = awake(int(at[place]) // SECOND * SECOND + HOUR + drawn[1] * 15 * SECOND)
        done_at = at_work(created_at)
        if done_at < at[place + 1] and created_at < facts.free_until(facts.holders[account]):
            settled = RequestStatus.CLOSED if drawn[3] < _CLOSED else RequestStatus.RESOLVED
            yield _Course(created_at, settled, done_at)


def _about_accounts(facts: Facts) -> list[Request]:
    """Requests for accounts that do not work: the bank may have answered, but they do not work yet."""
    stream = facts.stream("requests:accounts")
    accounts = facts.accounts
    found: list[Request] = []
    for status, option in ((FROZEN, phrases()["release"]), (DORMANT, phrases()["reactivation"])):
        for account in np.flatnonzero(accounts.status == status).tolist():
            key = int(facts.people.index[accounts.holder[account]]), int(accounts.kind[account])
            if stream.chance(_ASKS, *key, 0)[0]:
                drawn = stream.below(_DRAWN, *key, np.arange(1, _DRAWS)).tolist()
                slot = _SLOTS + int(accounts.kind[account])
                course = _unsettled(facts, account, drawn=drawn)
                if course.created_at < min(facts.as_of, facts.free_until(facts.holders[account])):
                    found.append(_request(facts, account, option=option, course=course, slot=slot))
    return found


def _request(facts: Facts, account: int, *, option: dict[str, Any], course: _Course, slot: int) -> Request:
    position = facts.holders[account]
    language = facts.languages[position]
    area = areas()[facts.people.area[position]]
    words = {each: {"ending": facts.endings[account], "area": area[each]} for each in LANGUAGES}
    subjects = {each: option["subject"][each].format_map(words[each]) for each in LANGUAGES}
    row: Row = {
        "request_id": facts.identifier("request", f"{int(facts.people.index[position])}:{slot}"),
        "customer_id": facts.access.customer_ids[position],
        "request_type": option["type"],
        "subject": subjects[language],
        "description": option["description"][language].format_map(words[language]),
        "status": in_files(course.status),
        "created_at": format_instant(course.created_at),
        "updated_at": format_instant(course.updated_at) if course.updated_at else None,
    }
    return Request(position, subjects, course.status, course.created_at, course.updated_at, row)


def _course(facts: Facts, account: int, *, drawn: list[int]) -> _Course:
    """A request of the last months, asked while its customer could sign in."""
    created_at = _asked_at(facts, _OLDEST_DAYS, drawn=drawn)
    if created_at >= facts.free_until(facts.holders[account]):
        created_at -= _BARRED_AT_MOST_DAYS * DAY
    looked_at = at_work(created_at + drawn[2] * MINUTE)
    done_at = at_work(looked_at + _DONE_DAYS * drawn[2] // _DRAWN * DAY)
    if looked_at > facts.as_of:
        return _Course(created_at, RequestStatus.OPEN, 0)
    if done_at > facts.as_of:
        return _Course(created_at, RequestStatus.IN_PROGRESS, looked_at)
    return _Course(created_at, RequestStatus.CLOSED if drawn[3] < _CLOSED else RequestStatus.RESOLVED, done_at)


def _unsettled(facts: Facts, account: int, *, drawn: list[int]) -> _Course:
    """Asked lately and after the account was set aside: the bank may have looked at it, but it does not work yet."""
    created_at = _asked_at(facts, _ASKED_LATELY_DAYS, drawn=drawn)
    created_at = max(created_at, facts.set_aside_at(account) + 5 * HOUR + drawn[1] * SECOND)
    looked_at = at_work(created_at + drawn[2] * MINUTE)
    if looked_at > facts.as_of:
        return _Course(created_at, RequestStatus.OPEN, 0)
    return _Course(created_at, RequestStatus.IN_PROGRESS, looked_at)


def _asked_at(facts: Facts, days: int, *, drawn: list[int]) -> int:
    """A moment of the last `days`: the same one tomorrow, until it is too old."""
    time = 8 * HOUR + drawn[1] * (14 * HOUR // _DRAWN // SECOND) * SECOND
    ago = (facts.window.last.toordinal() + days * drawn[0] // _DRAWN) % days
    asked_at = day_start(facts.window.last) - ago * DAY + time
    return asked_at if asked_at <= facts.as_of else asked_at - days * DAY
