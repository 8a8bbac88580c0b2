"""Devices: what a client says of the one it runs on, and which of a user's devices that is."""

from typing import Annotated

import msgspec
import sqlalchemy as sa

from sandbox.core.errors import DeviceNotActiveError
from sandbox.core.vocabulary import DeviceStatus
from sandbox.store.statement import Statement
from sandbox.store.tables import registered_device
from sandbox.store.work import Work


class DeviceFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a client says of the device it runs on."""

    device_id: Annotated[str, msgspec.Meta(max_length=64, description="of a device known before")] | None = None
    model: Annotated[str, msgspec.Meta(max_length=140, examples=["iPhone 17"])] | None = None
    os: Annotated[str, msgspec.Meta(max_length=140, examples=["iOS 20"])] | None = None
    fingerprint: Annotated[str, msgspec.Meta(max_length=256)] | None = None


_DEVICE_COLUMNS = (registered_device.c.key, registered_device.c.id, registered_device.c.status)
_OF_USER = registered_device.c.user == sa.bindparam("of_user")
_DEVICE_BY_ID = Statement(
    sa.select(*_DEVICE_COLUMNS).where(_OF_USER, registered_device.c.id == sa.bindparam("device_id"))
)
_DEVICE_BY_FINGERPRINT = Statement(
    sa.select(*_DEVICE_COLUMNS)
    .where(_OF_USER, registered_device.c.fingerprint == sa.bindparam("of_fingerprint"))
    .order_by(registered_device.c.key)
    .limit(1)
)
_ADD_DEVICE = Statement(
    sa.insert(registered_device).returning(registered_device.c.key),
    "id",
    "user",
    "model",
    "os",
    "fingerprint",
    "status",
)


def device_for(work: Work, user: int, facts: DeviceFacts) -> int:
    """The key of the device signed in from: one known by its id or fingerprint, or a newly registered one.

    Raises:
        DeviceNotActiveError: the device is known and may not be used.
    """
    known = known_device(work, user, facts)
    if known is not None:
        return known
    added = _ADD_DEVICE.one(
        work.db,
        id=work.draws.uuid("device"),
        user=user,
        model=facts.model,
        os=facts.os,
        fingerprint=facts.fingerprint,
        status=DeviceStatus.ACTIVE.value,
    )
    return int(added.key)


def known_device(work: Work, user: int, facts: DeviceFacts) -> int | None:
    """The key of the user's device that the facts are of, or None for a new one.

    Raises:
        DeviceNotActiveError: the device is known and may not be used.
    """
    row = _DEVICE_BY_ID.first(work.db, of_user=user, device_id=facts.device_id) if facts.device_id else None
    if row is None and facts.fingerprint is not None:
        row = _DEVICE_BY_FINGERPRINT.first(work.db, of_user=user, of_fingerprint=facts.fingerprint)
    if row is None:
        return None
    if row.status != DeviceStatus.ACTIVE:
        raise DeviceNotActiveError(f"The device is {row.status}; sign in from another one.", device_id=row.id)
    return int(row.key)
