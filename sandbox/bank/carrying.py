"""Taking the open sessions of one bank over to another with the same users: a reset that keeps everybody signed in.

The other bank's own data win: a session is carried only to a user that is there, on a device that is ACTIVE there and
that user's, or that is not there at all; what stands there already is left as it is.
"""

from collections import defaultdict
from typing import Any, NamedTuple

import sqlalchemy as sa

from sandbox.core.vocabulary import DeviceStatus, SessionStatus
from sandbox.store.statement import Statement
from sandbox.store.tables import auth_user, login_session, refresh_token, registered_device
from sandbox.store.work import Work

Row = dict[str, Any]

_OPEN = login_session.c.status == SessionStatus.ACTIVE.value
_SESSIONS = (
    sa.select(login_session, auth_user.c.id.label("user_id"))
    .join(auth_user, auth_user.c.key == login_session.c.user)
    .where(_OPEN)
    .order_by(login_session.c.key)
)
_DEVICES = sa.select(registered_device).where(
    registered_device.c.key.in_(sa.select(login_session.c.device).where(_OPEN))
)
_TOKENS = (
    sa.select(refresh_token)
    .join(login_session, login_session.c.key == refresh_token.c.session)
    .where(_OPEN)
    .order_by(refresh_token.c.key)
)


def _adding(table: sa.Table) -> Statement:
    names = [column.name for column in table.c if column.name != "key"]
    return Statement(sa.insert(table).returning(table.c.key), *names)


_USER = Statement(sa.select(auth_user.c.key).where(auth_user.c.id == sa.bindparam("user_id")))
_DEVICE = Statement(
    sa.select(registered_device.c.key, registered_device.c.user, registered_device.c.status).where(
        registered_device.c.id == sa.bindparam("device_id")
    )
)
_SESSION = Statement(sa.select(login_session.c.key).where(login_session.c.id == sa.bindparam("session_id")))
_ADD_DEVICE, _ADD_SESSION, _ADD_TOKEN = _adding(registered_device), _adding(login_session), _adding(refresh_token)


class LivingSession(NamedTuple):
    """An open session with all that it stands on, as columns by name."""

    user_id: str
    device: Row
    session: Row
    refresh_tokens: list[Row]


def living_sessions(work: Work) -> list[LivingSession]:
    """Every open session of a bank, oldest first."""
    devices = {row["key"]: _without_key(row) for row in work.db.execute(_DEVICES).mappings()}
    tokens: dict[int, list[Row]] = defaultdict(list)
    for row in work.db.execute(_TOKENS).mappings():
        tokens[row["session"]].append(_without_key(row))
    found = []
    for row in work.db.execute(_SESSIONS).mappings().all():
        session = _without_key(row)
        user_id = session.pop("user_id")
        found.append(LivingSession(user_id, devices[row["device"]], session, tokens[row["key"]]))
    return found


def carry_sessions(work: Work, sessions: list[LivingSession]) -> int:
    """Open them here; how many were."""
    return sum(_carried(work, one) for one in sessions)


def _carried(work: Work, one: LivingSession) -> bool:
    user = _USER.first(work.db, user_id=one.user_id)
    if user is None or _SESSION.first(work.db, session_id=one.session["id"]) is not None:
        return False
    known = _DEVICE.first(work.db, device_id=one.device["id"])
    if known is None:
        known = _ADD_DEVICE.one(work.db, **one.device | {"user": user.key})
    elif known.user != user.key or known.status != DeviceStatus.ACTIVE:
        return False
    key = _ADD_SESSION.one(work.db, **one.session | {"user": user.key, "device": known.key}).key
    for token in one.refresh_tokens:
        _ADD_TOKEN.one(work.db, **token | {"session": key})
    if one.session["expires_at"] is not None:
        work.due(one.session["expires_at"])
    return True


def _without_key(row: Any) -> Row:
    return {str(name): value for name, value in row.items() if name != "key"}
