"""Taking the open sessions of one bank over to another with the same users: a reset that keeps everybody signed in."""

from typing import Any, NamedTuple

import sqlalchemy as sa

from sandbox.core.vocabulary import SessionStatus
from sandbox.store.tables import auth_user, login_session, refresh_token, registered_device
from sandbox.store.work import Work


class LivingSession(NamedTuple):
    """An open session with all that it stands on, as columns by name."""

    user_id: str
    device: dict[str, Any]
    session: dict[str, Any]
    refresh_tokens: list[dict[str, Any]]


def living_sessions(work: Work) -> list[LivingSession]:
    """Every open session of a bank, oldest first."""
    found = work.db.execute(
        sa.select(login_session, auth_user.c.id.label("user_id"))
        .join(auth_user, auth_user.c.key == login_session.c.user)
        .where(login_session.c.status == SessionStatus.ACTIVE.value)
        .order_by(login_session.c.key)
    ).all()
    return [
        LivingSession(
            row.user_id,
            _columns(work, registered_device, registered_device.c.key == row.device)[0],
            {name: getattr(row, name) for name in login_session.c.keys() if name != "key"},  # noqa: SIM118 - columns
            _columns(work, refresh_token, refresh_token.c.session == row.key),
        )
        for row in found
    ]


def carry_sessions(work: Work, sessions: list[LivingSession]) -> int:
    """Open them here, for the users that are here too; how many are open now."""
    carried = 0
    for one in sessions:
        user = work.db.scalar(sa.select(auth_user.c.key).where(auth_user.c.id == one.user_id))
        if user is None:
            continue
        device = _found_or_added(work, registered_device, one.device | {"user": user})
        session = _found_or_added(work, login_session, one.session | {"user": user, "device": device})
        for token in one.refresh_tokens:
            known = sa.select(refresh_token.c.key).where(refresh_token.c.digest == token["digest"])
            if work.db.scalar(known) is None:
                work.db.execute(sa.insert(refresh_token).values(token | {"session": session}))
        carried += 1
        if one.session.get("expires_at") is not None:
            work.due(one.session["expires_at"])
    return carried


def _columns(work: Work, table: sa.Table, which: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    rows = work.db.execute(sa.select(table).where(which).order_by(table.c.key)).mappings().all()
    return [{str(name): value for name, value in row.items() if name != "key"} for row in rows]


def _found_or_added(work: Work, table: sa.Table, values: dict[str, Any]) -> int:
    """The key of the row with this public id, which gets these values, or is added."""
    key = work.db.scalar(sa.select(table.c.key).where(table.c.id == values["id"]))
    if key is None:
        key = work.db.execute(sa.insert(table).values(values).returning(table.c.key)).scalar_one()
    else:
        work.db.execute(sa.update(table).where(table.c.key == key).values(values))
    return int(key)
