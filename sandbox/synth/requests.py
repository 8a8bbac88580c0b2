"""What customers ask the branch for: cards, cheque books, certificates, and accounts that should work again."""

from typing import Any, NamedTuple

import numpy as np

from sandbox.core.clock import DAY, HOUR, MINUTE, SECOND, day_start, format_instant
from sandbox.core.vocabulary import RequestStatus, in_files
from sandbox.synth.accounts import DORMANT, FROZEN
from sandbox.synth.draws import Weights
from sandbox.synth.facts import Facts, Row, at_work
from sandbox.synth.merchants import areas
from sandbox.synth.model import CURRENT, NONE, SEGMENTS
from sandbox.synth.phrases import LANGUAGES, phrases

__all__ = ["Request", "make_requests"]

_HOW_MANY = Weights([58, 30, 10, 2])
_SLOTS, _DRAWS = 3, 5
_DRAWN = 1_000
_OLDEST_DAYS = 180
_DONE_DAYS = 9
_TENANT = 1
"""Place of RENTED in `model.HOUSING`."""
_ASKS = 600
"""How many per mille of the holders ask for an account that is frozen or dormant."""


class Request(NamedTuple):
    """A request, and what its notification needs of it."""

    position: int
    subjects: dict[str, str]
    """By language."""
    status: RequestStatus
    updated_at: int
    row: Row


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
        options = _options(facts, position)
        for slot in range(many[position]):
            place = draws[position][0][4] * len(options) // _DRAWN + slot * 5
            option = options[place % len(options)]
            found.append(_request(facts, int(current[position]), option=option, drawn=draws[position][slot], slot=slot))
    found += _about_accounts(facts)
    return sorted(found, key=lambda request: (str(request.row["created_at"]), request.position))


def _options(facts: Facts, position: int) -> list[dict[str, Any]]:
    people = facts.people
    segment, kuwaiti = SEGMENTS[people.segment[position]], bool(people.kuwaiti[position])
    return [
        option
        for option in phrases()["requests"]
        if segment in option.get("for", SEGMENTS)
        and option.get("kuwaiti", kuwaiti) == kuwaiti
        and ("renting" not in option or people.housing[position] == _TENANT)
    ]


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
                found.append(_request(facts, account, option=option, drawn=drawn, slot=slot))
    return found


def _request(facts: Facts, account: int, *, option: dict[str, Any], drawn: list[int], slot: int) -> Request:
    position = facts.holders[account]
    language = facts.languages[position]
    age = _OLDEST_DAYS * drawn[0] // _DRAWN
    time = 8 * HOUR + drawn[1] * (14 * HOUR // _DRAWN // SECOND) * SECOND
    created_at = day_start(facts.window.last) - age * DAY + time
    if created_at > facts.as_of:
        created_at -= DAY
    status, updated_at = _course(facts, created_at, drawn, unsettled=option.get("unsettled", False))
    area = areas()[facts.people.area[position]]
    words = {each: {"ending": facts.endings[account], "area": area[each]} for each in LANGUAGES}
    subjects = {each: option["subject"][each].format_map(words[each]) for each in LANGUAGES}
    row: Row = {
        "request_id": facts.identifier("request", f"{int(facts.people.index[position])}:{slot}"),
        "customer_id": facts.access.customer_ids[position],
        "request_type": option["type"],
        "subject": subjects[language],
        "description": option["description"][language].format_map(words[language]),
        "status": in_files(status),
        "created_at": format_instant(created_at),
        "updated_at": format_instant(updated_at) if updated_at else None,
    }
    return Request(position, subjects, status, updated_at, row)


def _course(facts: Facts, created_at: int, drawn: list[int], *, unsettled: bool) -> tuple[RequestStatus, int]:
    """Where a request stands at `as_of`, and when it last moved; 0 where it has not."""
    looked_at = at_work(created_at + drawn[2] * MINUTE)
    done_at = at_work(looked_at + _DONE_DAYS * drawn[2] // _DRAWN * DAY)
    if looked_at > facts.as_of:
        return RequestStatus.OPEN, 0
    if done_at > facts.as_of or unsettled:
        return RequestStatus.IN_PROGRESS, looked_at
    return (RequestStatus.CLOSED if drawn[3] < 350 else RequestStatus.RESOLVED), done_at
