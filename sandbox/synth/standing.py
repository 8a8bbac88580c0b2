"""Who signs in, and how they stand with the bank: users, their credentials, and what keeps some of them out.

Users of a chunk are its customers, by position, and after those of the first chunk the staff. Who is locked out follows
from the seed and the customer; since when, from `as_of`.
"""

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sandbox.core.clock import DAY, HOUR, MILLISECOND, MINUTE, NEVER, day_start
from sandbox.core.ids import seed_key
from sandbox.core.passwords import hash_password
from sandbox.core.vocabulary import CredentialStatus, Role, UserStatus, in_files
from sandbox.synth.cast import CAST, STAFF
from sandbox.synth.draws import Int, Stream, uuids
from sandbox.synth.model import MAX_CUSTOMERS, NONE, People
from sandbox.synth.window import Window

__all__ = ["PASSWORD", "Users", "make_users", "user_ids"]

PASSWORD = "Sandbank-2026!"  # noqa: S105 - of customers that were never born
"""The password of everybody but the cast and the staff."""

_LOCKED, _SUSPENDED, _EXPIRED = (
    in_files(UserStatus.LOCKED),
    in_files(UserStatus.SUSPENDED),
    in_files(CredentialStatus.EXPIRED),
)
_ACTIVE = in_files(UserStatus.ACTIVE)
_LOCKED_AFTER = 5
_SHARE = 18
"""How many per mille are locked; so many more have an expired password, and as many a second factor."""
_SECOND_FACTORS = (("SMS",), ("SMS",), ("EMAIL",))
_MONTH_DAYS = 30
_PASSWORD_DAYS = 730
"""A password lasts two years, so that a clock that is put forward by one keeps nobody out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Users:
    """The users of a chunk."""

    index: Int
    """Of the customer; staff stand behind all customers there can be."""
    segment: Int
    """-1 for staff."""
    area: Int
    """Where they live; -1 for staff."""
    id: list[str]
    member: list[int]
    """Place in `CAST`, or -1."""
    role: list[str]
    status: list[str]
    attempts: list[int]
    credential: list[str]
    mfa: list[tuple[str, ...]]
    newcomer: NDArray[np.bool_]
    barred_at: Int
    """Since when they cannot sign in; `NEVER` for those who can."""
    attacked: NDArray[np.bool_]
    """Whether the wrong passwords that locked them were somebody else's."""
    password_until: Int
    """When the password expires, or expired."""

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.index)


def user_ids(index: Int, seed: int) -> list[str]:
    """The public ids of the users of customers, by the customers' index."""
    return uuids(seed, "user", index)


def make_users(people: People, window: Window, *, seed: int) -> Users:
    """The users of a chunk of customers."""
    staff = STAFF if people.count and people.index[0] == 0 else ()
    behind = MAX_CUSTOMERS + np.arange(len(staff), dtype=np.int64)
    nobody = np.full(len(staff), NONE, dtype=np.int64)
    index = np.concatenate([people.index, behind])
    member = np.concatenate([people.cast, nobody]).tolist()
    status, credential, mfa = _states(people, seed)
    for position, place in enumerate(people.cast.tolist()):
        if place != NONE:
            pinned = CAST[place]
            status[position], credential[position] = pinned.user_status, pinned.credential_status
            mfa[position] = pinned.mfa
    role = [in_files(Role.CUSTOMER)] * people.count + [one.role for one in staff]
    status += [_ACTIVE] * len(staff)
    credential += [_ACTIVE] * len(staff)
    barred_at, password_until = _times(index, status, credential=credential, window=window, seed=seed)
    return Users(
        index=index,
        segment=np.concatenate([people.segment, nobody]),
        area=np.concatenate([people.area, nobody]),
        id=user_ids(index, seed),
        member=member,
        role=role,
        status=status,
        attempts=[_attempts(place, is_now) for place, is_now in zip(member, status, strict=True)],
        credential=credential,
        mfa=mfa + [()] * len(staff),
        newcomer=np.array([place != NONE and CAST[place].newcomer for place in member], dtype=np.bool_),
        barred_at=barred_at,
        attacked=Stream(seed, "access:attacked").chance(500, index) & (np.array(member) == NONE),
        password_until=password_until,
    )


@functools.cache
def shared_hash() -> str:
    """The hash of `PASSWORD`, made once: a load of a hundred thousand customers need hash nothing."""
    return hash_password(PASSWORD, seed_key=seed_key(0), username="everybody", version=1, cost="sandbox")


def _states(people: People, seed: int) -> tuple[list[str], list[str], list[tuple[str, ...]]]:
    """Status, credential's status and second factors of the customers: a few of each kind, the same for every day."""
    status = [_ACTIVE] * people.count
    credential = [_ACTIVE] * people.count
    mfa: list[tuple[str, ...]] = [()] * people.count
    drawn = np.flatnonzero(people.cast == NONE)
    order = drawn[np.argsort(Stream(seed, "access:states").bits(people.index[drawn]), kind="stable")].tolist()
    few = -(-len(order) * _SHARE // 1_000)
    for position in order[:few]:
        status[position] = _LOCKED
    for position in order[few : 2 * few]:
        credential[position] = _EXPIRED
    for place, position in enumerate(order[2 * few : 3 * few]):
        mfa[position] = _SECOND_FACTORS[place % len(_SECOND_FACTORS)]
    return status, credential, mfa


def _attempts(member: int, status: str) -> int:
    if member != NONE:
        return CAST[member].failed_attempts
    return _LOCKED_AFTER if status == _LOCKED else 0


def _times(index: Int, status: list[str], *, credential: list[str], window: Window, seed: int) -> tuple[Int, Int]:
    """Since when users are barred, and until when their passwords hold."""
    stream = Stream(seed, "access:times")
    as_of = window.as_of
    minutes = stream.between(20, 4 * 24 * 60, index, 0)
    is_locked = np.array([one == _LOCKED for one in status])
    is_suspended = np.array([one == _SUSPENDED for one in status])
    is_expired = np.array([one == _EXPIRED for one in credential])
    midnight = day_start(window.last)
    expired_at = midnight - stream.between(3, _MONTH_DAYS, index, 1) * DAY
    good_until = midnight + stream.between(_PASSWORD_DAYS - 12 * _MONTH_DAYS, _PASSWORD_DAYS, index, 2) * DAY
    barred_at = np.select(
        [is_locked, is_suspended, is_expired],
        [
            as_of // MILLISECOND * MILLISECOND - minutes * MINUTE - stream.below(60_000, index, 4) * MILLISECOND,
            _working(midnight - stream.between(4, 20, index, 3) * DAY + 11 * HOUR, window),
            expired_at,
        ],
        NEVER,
    ).astype(np.int64)
    return barred_at, np.where(is_expired, expired_at, good_until)


def _working(at: Int, window: Window) -> Int:
    """The same time of a day on which staff are at work: that day, or the last such one before it."""
    working = ~(window.weekend | window.holiday)
    last = np.maximum.accumulate(np.where(working, np.arange(window.days), 0))
    day = np.maximum((at - window.start[0]) // DAY, 0)
    return np.where(day < window.days, at - (day - last[np.minimum(day, window.days - 1)]) * DAY, at)
