"""The devices that the users of a chunk sign in from: one to three each, the first a phone that suits their segment."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from sandbox.core.vocabulary import DeviceStatus, in_files
from sandbox.synth.draws import Int, Stream, Weights, uuids
from sandbox.synth.model import SEGMENTS
from sandbox.synth.standing import Users
from sandbox.synth.tables import read

__all__ = ["Devices", "device_data", "make_devices"]

_SLOTS = 3
_HOW_MANY = Weights([50, 38, 12])
_OTHER_FIRST = 550
"""How many per mille of second devices are another kind of device, not the phone before this one."""
_ACTIVE, _INACTIVE, _REVOKED = (
    in_files(status) for status in (DeviceStatus.ACTIVE, DeviceStatus.INACTIVE, DeviceStatus.REVOKED)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """The devices of a chunk, in the order of their users; the first of a user is the phone of today."""

    user: list[int]
    """Place among the users of the chunk."""
    id: list[str]
    model: list[str]
    os: list[str]
    fingerprint: list[str]
    push_token: list[str | None]
    status: list[str]
    first: Int
    """By user: the place of the first device."""
    second: Int
    """By user: the place of another one in use; the first where there is none."""


@functools.cache
def device_data() -> dict[str, Any]:
    """`data/devices.json`."""
    content: dict[str, Any] = read("devices")
    return content


def make_devices(users: Users, *, seed: int) -> Devices:
    """The devices of the users of a chunk; nothing of them depends on `as_of`."""
    stream = Stream(seed, "devices")
    index = users.index
    many = np.where(users.newcomer | (users.segment < 0), 0, stream.choice(_HOW_MANY, index, 0)) + 1
    user = np.repeat(np.arange(users.count, dtype=np.int64), many)
    starts = np.cumsum(many) - many
    slot = np.arange(len(user), dtype=np.int64) - starts[user]
    key = index[user] * _SLOTS + slot
    is_other = stream.chance(_OTHER_FIRST, index, 1)[user] ^ (slot == 2)
    drawn = stream.below(2**31, key, 2).tolist()
    is_revoked = stream.chance(400, key, 3).tolist()
    data = device_data()
    classes = _classes(users, stream)
    chosen: list[list[str]] = []
    status: list[str] = []
    for owner, place, other, number, gone in zip(
        user.tolist(), slot.tolist(), is_other.tolist(), drawn, is_revoked, strict=True
    ):
        if classes[owner] is None:
            options = data["office"]
        elif place == 0:
            options = data["phones"][classes[owner]]
        else:
            options = data["others"] if other else data["phones"]["OLDER"]
        chosen.append(options[number % len(options)])
        status.append(_ACTIVE if place == 0 or other else _REVOKED if gone else _INACTIVE)
    second = starts.copy()
    in_use = np.array([one == _ACTIVE for one in status]) & (slot > 0)
    second[user[in_use]] = np.flatnonzero(in_use)
    return Devices(
        user=user.tolist(),
        id=uuids(seed, "device", key),
        model=[model for model, _ in chosen],
        os=[system for _, system in chosen],
        fingerprint=_hexadecimal(stream, key, 4, 5),
        push_token=[
            f"push-{token}" if system.startswith(("iOS", "Android")) and is_now == _ACTIVE else None
            for token, (_, system), is_now in zip(_hexadecimal(stream, key, 6), chosen, status, strict=True)
        ],
        status=status,
        first=starts,
        second=second,
    )


def _classes(users: Users, stream: Stream) -> list[str | None]:
    """The class of each user's phone; None for staff, who work at a desk."""
    data = device_data()
    weights = {place: Weights(data["by_segment"][name]) for place, name in enumerate(SEGMENTS)}
    bits = stream.bits(users.index, 7)
    found: list[str | None] = [None] * users.count
    for segment, weighted in weights.items():
        places = np.flatnonzero(users.segment == segment)
        for place, which in zip(places.tolist(), weighted.chosen(bits[places]).tolist(), strict=True):
            found[place] = data["classes"][which]
    return found


def _hexadecimal(stream: Stream, key: Int, *purposes: int) -> list[str]:
    """Sixteen digits for each purpose."""
    columns = [stream.bits(key, purpose).tolist() for purpose in purposes]
    return ["".join(f"{number:016x}" for number in numbers) for numbers in zip(*columns, strict=True)]
