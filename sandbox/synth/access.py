"""How the customers of a chunk come in: users, credentials, second factors, devices and sessions, as records.

Nothing is drawn here: who may sign in is `standing`, from what `devices`, and when `signins`. What customers did, and
so had to sign in for, is known after the movements are posted: `aftermath` lays those sign-ins in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sandbox.synth.cast import CAST, STAFF
from sandbox.synth.devices import Devices, make_devices
from sandbox.synth.draws import Int
from sandbox.synth.merchants import areas
from sandbox.synth.model import NONE, People
from sandbox.synth.signins import SignIns, make_sign_ins
from sandbox.synth.standing import Users, make_users, shared_hash
from sandbox.synth.window import Window
from sandbox.synth.writing import instants

__all__ = ["Access", "make_access", "records"]

_HEADQUARTERS = "Kuwait City"


@dataclass(slots=True, kw_only=True)
class Access:
    """Users of a chunk with what they sign in from, and when they did."""

    users: Users
    devices: Devices
    sign_ins: SignIns
    """Set anew by `aftermath`."""
    customer_ids: list[str]
    """By position."""
    usernames: list[str]
    """By place among the users."""


def make_access(people: People, window: Window, customers: Sequence[Mapping[str, object]], *, seed: int) -> Access:
    """The access of a chunk's customers, and with the first chunk that of the staff.

    Args:
        people: the customers.
        window: the days that are generated.
        customers: their records, by position; usernames are what stands before the @ of the e-mail addresses.
        seed: the ecosystem's.
    """
    users = make_users(people, window, seed=seed)
    devices = make_devices(users, seed=seed)
    names = [
        CAST[place].username if place != NONE else str(record["email"]).partition("@")[0]
        for place, record in zip(people.cast.tolist(), customers, strict=True)
    ]
    return Access(
        users=users,
        devices=devices,
        sign_ins=make_sign_ins(users, devices, window, seed=seed),
        customer_ids=[str(record["customer_id"]) for record in customers],
        usernames=[*names, *(one.username for one in STAFF[: users.count - people.count])],
    )


def records(access: Access) -> dict[str, list[dict[str, object]]]:
    """The records of the five collections that are about signing in."""
    return {
        "auth_users": _users(access),
        "credentials": _credentials(access),
        "mfa_settings": [
            {"user_id": user_id, "mfa_enabled": bool(methods), "methods": list(methods)}
            for user_id, methods in zip(access.users.id, access.users.mfa, strict=True)
        ],
        "registered_devices": _devices(access),
        "login_sessions": _sessions(access),
    }


def _users(access: Access) -> list[dict[str, object]]:
    users, customers = access.users, len(access.customer_ids)
    last = np.zeros(users.count, dtype=np.int64)
    last[access.sign_ins.user] = access.sign_ins.at  # of one user they are in order of time: the latest stays
    return [
        {
            "user_id": user_id,
            "customer_id": access.customer_ids[place] if place < customers else None,
            "username": access.usernames[place],
            "role": users.role[place],
            "status": users.status[place],
            "failed_login_attempts": users.attempts[place],
            "last_login_at": at,
        }
        for place, (user_id, at) in enumerate(zip(users.id, _times_or_none(last), strict=True))
    ]


def _credentials(access: Access) -> list[dict[str, object]]:
    users, customers = access.users, len(access.customer_ids)
    found: list[dict[str, object]] = []
    for place, (user_id, until) in enumerate(zip(users.id, instants(users.password_until), strict=True)):
        row: dict[str, object] = {"user_id": user_id, "status": users.credential[place], "expires_at": until}
        member = users.member[place]
        stated = CAST[member] if member != NONE else STAFF[place - customers] if place >= customers else None
        if stated is None:
            row["password_hash"] = shared_hash()
        else:
            row |= {"password": stated.password, "pin": stated.pin}
        found.append(row)
    return found


def _devices(access: Access) -> list[dict[str, object]]:
    devices = access.devices
    columns = zip(
        devices.id, devices.user, devices.model, devices.os, devices.fingerprint, devices.push_token, devices.status,
        strict=True,
    )  # fmt: skip
    return [
        {
            "device_id": device_id,
            "user_id": access.users.id[user],
            "model": model,
            "os": system,
            "fingerprint": fingerprint,
            "push_token": push_token,
            "status": status,
        }
        for device_id, user, model, system, fingerprint, push_token, status in columns
    ]


def _sessions(access: Access) -> list[dict[str, object]]:
    signed_in, users = access.sign_ins, access.users
    listed = areas()
    cities = [listed[area]["en"] if area != NONE else _HEADQUARTERS for area in users.area.tolist()]
    columns = zip(
        signed_in.id, signed_in.user.tolist(), signed_in.device.tolist(), signed_in.ip_address, signed_in.status,
        instants(signed_in.at), _times_or_none(signed_in.expires_at),
        strict=True,
    )  # fmt: skip
    return [
        {
            "session_id": session_id,
            "user_id": users.id[user],
            "device_id": access.devices.id[device],
            "ip_address": ip_address,
            "city": cities[user],
            "status": status,
            "started_at": started_at,
            "expires_at": expires_at,
        }
        for session_id, user, device, ip_address, status, started_at, expires_at in columns
    ]


def _times_or_none(column: Int) -> list[str | None]:
    return [text if at else None for text, at in zip(instants(column), column.tolist(), strict=True)]
