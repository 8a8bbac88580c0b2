"""Sign-ins of the last two months: when, from which device, from which address, and what became of the session.

Whether somebody signs in on a day is drawn for that day, so that a bank of tomorrow keeps the sessions of today's.
"""

import functools
import ipaddress
import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np

from sandbox.core.clock import DAY, HOUR, MILLISECOND, MINUTE
from sandbox.core.vocabulary import SessionStatus, in_files
from sandbox.synth.devices import Devices, device_data
from sandbox.synth.draws import Int, Stream, Weights, uuids
from sandbox.synth.model import NONE, SEGMENTS
from sandbox.synth.standing import Users
from sandbox.synth.window import Window

__all__ = ["DAYS", "SignIns", "attackers_address", "bank_addresses", "make_sign_ins"]

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


def make_sign_ins(users: Users, devices: Devices, window: Window, *, seed: int) -> SignIns:
    """What the users of a chunk signed in to lately; at most one session a day and user."""
    stream = Stream(seed, "sign-ins")
    days = min(DAYS, window.days)
    ordinal = window.ordinal[window.days - days :]
    rates = np.array([*(device_data()["sign_ins_a_hundred_days"][name] for name in SEGMENTS), _STAFF_PER_HUNDRED_DAYS])
    rate = np.where(users.newcomer, 0, rates[users.segment])
    happens = stream.chance(10 * rate[:, None], users.index[:, None], ordinal[None, :], 0)
    happens[users.segment == NONE] &= ~window.weekend[window.days - days :]
    user, day = (column.astype(np.int64) for column in np.nonzero(happens))
    key = users.index[user] << _DAY_BITS | ordinal[day]
    hour = np.where(users.segment[user] == NONE, stream.choice(_OFFICE_HOURS, key, 1), stream.choice(_HOURS, key, 1))
    at = window.start[window.days - days + day] + hour * HOUR + stream.below(HOUR // MILLISECOND, key, 2) * MILLISECOND
    kept = (at <= window.as_of) & (at < users.barred_at[user])
    user, key, at = user[kept], key[kept], at[kept]
    on_second = stream.chance(150, key, 3)
    device = np.where(on_second, devices.second[user], devices.first[user])
    status, expires_at = _outcomes(users, user, key=key, at=at, window=window, stream=stream)
    return SignIns(
        user=user,
        device=device,
        at=at,
        id=uuids(seed, "session", key),
        ip_address=_addresses(users, user, key=key, at=at, stream=stream),
        status=status,
        expires_at=expires_at,
    )


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
    text = files("sandbox.synth").joinpath("data/networks.json").read_text(encoding="utf-8")
    read: dict[str, Any] = json.loads(text)
    return read


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


def bank_addresses(drawn: Int) -> list[str]:
    """Addresses of the bank's own offices, by any numbers."""
    first = int(ipaddress.ip_network(_networks()["bank"])[1])
    return _dotted(first + drawn % 200)


def _addresses(users: Users, user: Int, *, key: Int, at: Int, stream: Stream) -> list[str]:
    """At home an address for some weeks, on the move another each time, at the bank one of the bank's."""
    index = users.index[user]
    lease = at // (_MOVES_HOUSE_DAYS * DAY)
    at_home = _ranges("home").addresses(stream, index, 20, index, lease)
    moving = _ranges("mobile").addresses(stream, index, 30, key)
    found = _dotted(np.where(stream.chance(550, key, 7), at_home, moving))
    staff = np.flatnonzero(users.segment[user] == NONE)
    for place, address in zip(staff.tolist(), bank_addresses(stream.below(200, index[staff], 8)), strict=True):
        found[place] = address
    return found


def _dotted(numbers: Int) -> list[str]:
    return [f"{n >> 24}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in numbers.tolist()]
