"""Sign-ins of the last two months: when, from which device, from which address, and what became of the session.

Whether somebody signs in on a day is drawn for that day, so that a bank of tomorrow keeps the sessions of today's.
Whoever orders something signs in right before it, and not at another time of that day.
"""

import functools
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sandbox.core.clock import DAY, HOUR, KUWAIT_OFFSET, MILLISECOND, MINUTE, NEVER, SECOND
from sandbox.core.vocabulary import Role, SessionStatus, in_files
from sandbox.synth.devices import Devices, device_data
from sandbox.synth.draws import Int, Stream, Weights, uuids
from sandbox.synth.model import NONE, SEGMENTS
from sandbox.synth.standing import Users
from sandbox.synth.tables import read
from sandbox.synth.window import Window

__all__ = [
    "ACTS_WITHIN",
    "DAYS",
    "LASTS_MOST",
    "Act",
    "SignIns",
    "attackers_address",
    "free_until",
    "kept_since",
    "make_sign_ins",
    "staff_addresses",
]

DAYS = 60
"""How far back sign-ins are kept."""
_STAFF_PER_HUNDRED_DAYS = 12
_HOURS = Weights([3, 1, 1, 1, 1, 2, 5, 9, 11, 10, 9, 9, 10, 10, 9, 8, 8, 9, 10, 11, 13, 14, 12, 8])
_OFFICE_HOURS = Weights([0] * 8 + [9, 10, 9, 9, 8, 6] + [0] * 10)
_KEPT_DAYS = 30
"""A session lives that long without a refresh: the bank's `refresh_token_seconds`, as it is by default."""
_OPEN_FOR_DAYS = 4
"""Sessions not older than this may still be open."""
_MOVES_HOUSE_DAYS = 45
_DAY_BITS = 20
_TIME_BITS = 43
"""Milliseconds until the year 2248."""
ACTS_WITHIN = 4 * MINUTE
"""What somebody does follows the sign-in within this time."""
_ACTS_AFTER = (45, 150)
"""So many seconds after it, or later where it is the second thing."""
_BEFORE_BARRED = 10 * MINUTE
LASTS_MOST = 25 * MINUTE
_AT_DESK_FROM, _AT_DESK_LASTS = 7 * HOUR + 40 * MINUTE, 8 * HOUR
"""Who administers is at work every business day, through the hours of the branches."""
_ADMIN = in_files(Role.ADMIN)
_ENDED, _EXPIRED, _REVOKED, _ACTIVE = (
    in_files(status)
    for status in (SessionStatus.ENDED, SessionStatus.EXPIRED, SessionStatus.REVOKED, SessionStatus.ACTIVE)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIns:
    """The sign-ins of a chunk, those of one user together and in order of time."""

    user: Int
    """Place among the users of the chunk."""
    device: Int
    """Place among the devices of the chunk."""
    at: Int
    id: list[str]
    ip_address: list[str]
    status: list[str]
    expires_at: Int
    """When the session ended by itself or will; 0 where it was ended."""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.user)


class Act(NamedTuple):
    """Something that a user does with the bank."""

    user: int
    """Place among the users of the chunk."""
    at: int


def kept_since(window: Window) -> int:
    """The midnight from which on sign-ins are kept."""
    return int(window.start[window.days - min(DAYS, window.days)])


def free_until(users: Users, user: int) -> int:
    """Until when a user could do something: a while before they were kept out, if they were."""
    barred_at = int(users.barred_at[user])
    return barred_at if barred_at == NEVER else barred_at - _BEFORE_BARRED


def make_sign_ins(users: Users, devices: Devices, window: Window, *, seed: int, acts: Sequence[Act] = ()) -> SignIns:
    """What the users of a chunk signed in to lately.

    Args:
        users: those of the chunk.
        devices: what they sign in with.
        window: the days that are generated.
        seed: the ecosystem's.
        acts: what users did, each by a session that begins a minute or two before; on other days there is at most
            one session.
    """
    stream = Stream(seed, "sign-ins")
    days = min(DAYS, window.days)
    ordinal = window.ordinal[window.days - days :]
    rates = np.array([*(device_data()["sign_ins_a_hundred_days"][name] for name in SEGMENTS), _STAFF_PER_HUNDRED_DAYS])
    rate = np.where(users.newcomer, 0, rates[users.segment])
    happens = stream.chance(10 * rate[:, None], users.index[:, None], ordinal[None, :], 0)
    working = ~(window.weekend | window.holiday)[window.days - days :]
    administers = np.array([role == _ADMIN for role in users.role], dtype=np.bool_)
    happens[administers] = True
    happens[users.segment == NONE] &= working
    user, day = (column.astype(np.int64) for column in np.nonzero(happens))
    key = users.index[user] << _DAY_BITS | ordinal[day]
    hour = np.where(users.segment[user] == NONE, stream.choice(_OFFICE_HOURS, key, 1), stream.choice(_HOURS, key, 1))
    at = window.start[window.days - days + day] + hour * HOUR + stream.below(HOUR // MILLISECOND, key, 2) * MILLISECOND
    minutes = stream.below(30 * MINUTE // MILLISECOND, key, 2) * MILLISECOND
    at = np.where(administers[user], window.start[window.days - days + day] + _AT_DESK_FROM + minutes, at)
    kept = (at <= window.as_of) & (at < users.barred_at[user])
    user, key, at = user[kept], key[kept], at[kept]
    user, key, at = _with_acts(users, (user, key, at), acts=acts, window=window, stream=stream)
    on_second = stream.chance(150, key, 3)
    device = np.where(on_second, devices.second[user], devices.first[user])
    status, expires_at = _outcomes(users, user, key=key, at=at, window=window, stream=stream)
    return SignIns(
        user=user,
        device=device,
        at=at,
        id=uuids(seed, "session", key),
        ip_address=_addresses(users, user, key=key, at=at, stream=stream, seed=seed),
        status=status,
        expires_at=expires_at,
    )


def _with_acts(
    users: Users, drawn: tuple[Int, Int, Int], *, acts: Sequence[Act], window: Window, stream: Stream
) -> tuple[Int, Int, Int]:
    """Users, keys and instants of the sign-ins with those that lead to an act, instead of others of that day."""
    since = kept_since(window)
    begun: list[Act] = []
    for act in sorted(set(acts)):
        if not since <= act.at <= min(window.as_of, free_until(users, act.user)):
            continue
        if begun and begun[-1].user == act.user and act.at - begun[-1].at < ACTS_WITHIN - 5 * SECOND:
            continue
        place = int(users.index[act.user]), act.at // MILLISECOND
        seconds = int(stream.between(*_ACTS_AFTER, *place, 9)[0])
        begun.append(Act(act.user, act.at - seconds * SECOND))
    user = np.array([act.user for act in begun], dtype=np.int64)
    at = np.array([act.at for act in begun], dtype=np.int64)
    key = users.index[user] << _TIME_BITS | at // MILLISECOND
    days_of_acts = users.index[user] << _DAY_BITS | _day(at)
    others = ~np.isin(users.index[drawn[0]] << _DAY_BITS | _day(drawn[2]), days_of_acts)
    user, key, at = (
        np.concatenate([column[others], added]) for column, added in zip(drawn, (user, key, at), strict=True)
    )
    order = np.lexsort((at, user))
    return user[order], key[order], at[order]


def _day(at: Int) -> Int:
    """The day in Kuwait of each instant, counted from 1970."""
    days: Int = (at + KUWAIT_OFFSET) // DAY
    return days


def attackers_address(drawn: int) -> str:
    """One of the addresses that RFC 5737 keeps for examples, by any number: nobody real is accused."""
    networks = [ipaddress.ip_network(text) for text in _networks()["attackers"]]
    return str(networks[drawn % len(networks)][1 + drawn // len(networks) % 254])


def _outcomes(users: Users, user: Int, *, key: Int, at: Int, window: Window, stream: Stream) -> tuple[list[str], Int]:
    """Only the last session of a user may still be open; the others were ended, or ended by themselves."""
    last = np.ones(len(user), dtype=np.bool_)
    last[:-1] = user[:-1] != user[1:]
    free = np.array([barred > window.as_of for barred in users.barred_at.tolist()])[user]
    is_open = last & free & (at > window.as_of - _OPEN_FOR_DAYS * DAY) & stream.chance(600, key, 4)
    is_open |= last & free & (np.array(users.member)[user] == 0)  # the first login that newcomers try
    lasts = np.array([_AT_DESK_LASTS if role == _ADMIN else LASTS_MOST for role in users.role], dtype=np.int64)
    is_open |= last & free & (at + lasts[user] > window.as_of)  # they have not signed out yet
    forgotten = stream.chance(180, key, 5) & (at + _KEPT_DAYS * DAY <= window.as_of)
    revoked = stream.chance(15, key, 6)
    which = np.select([is_open, forgotten, revoked], [3, 1, 2], 0)
    names = (_ENDED, _EXPIRED, _REVOKED, _ACTIVE)
    expires_at = np.where(is_open | forgotten, at + _KEPT_DAYS * DAY, 0)
    # The last session of somebody who signs in rarely may be older than it may live.
    dead = is_open & (expires_at <= window.as_of + MINUTE)
    which = np.where(dead, 1, which)
    return [names[place] for place in which.tolist()], expires_at


@functools.cache
def _networks() -> dict[str, Any]:
    content: dict[str, Any] = read("networks")
    return content


class _Ranges:
    """The networks of several operators, with the share of each."""

    def __init__(self, operators: list[dict[str, Any]]) -> None:
        self._operators = Weights([one["share"] for one in operators])
        networks = [[ipaddress.ip_network(text) for text in one["networks"]] for one in operators]
        most = max(len(listed) for listed in networks)
        self._count: Int = np.array([len(listed) for listed in networks], dtype=np.int64)
        padded = [listed + listed[:1] * (most - len(listed)) for listed in networks]
        self._first: Int = np.array([[int(one[0]) for one in listed] for listed in padded], dtype=np.int64)
        self._blocks: Int = np.array(
            [[one.num_addresses // 256 for one in listed] for listed in padded], dtype=np.int64
        )

    def addresses(self, stream: Stream, subscriber: Int, purpose: int, *place: Int) -> Int:
        """An address for each place, of the operator that the subscriber is with."""
        operator = stream.choice(self._operators, subscriber, purpose)
        network = stream.below(self._count[operator], subscriber, purpose, 1)
        block = stream.below(self._blocks[operator, network], *place, purpose)
        # Neither the network's own address nor that of all.
        return self._first[operator, network] + block * 256 + 1 + stream.below(254, *place, purpose + 1)


@functools.cache
def _ranges(kind: str) -> _Ranges:
    return _Ranges(_networks()[kind])


def staff_addresses(index: Int, *, seed: int) -> list[str]:
    """The address of each desk in the bank's own offices, by the index of who sits there."""
    first = int(ipaddress.ip_network(_networks()["bank"])[1])
    return _dotted(first + Stream(seed, "sign-ins").below(200, index, 8))


def _addresses(users: Users, user: Int, *, key: Int, at: Int, stream: Stream, seed: int) -> list[str]:
    """At home an address for some weeks, on the move another each time, at the bank one of the bank's."""
    index = users.index[user]
    lease = at // (_MOVES_HOUSE_DAYS * DAY)
    at_home = _ranges("home").addresses(stream, index, 20, index, lease)
    moving = _ranges("mobile").addresses(stream, index, 30, key)
    found = _dotted(np.where(stream.chance(550, key, 7), at_home, moving))
    staff = np.flatnonzero(users.segment[user] == NONE)
    for place, address in zip(staff.tolist(), staff_addresses(index[staff], seed=seed), strict=True):
        found[place] = address
    return found


def _dotted(numbers: Int) -> list[str]:
    return [f"{n >> 24}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in numbers.tolist()]
