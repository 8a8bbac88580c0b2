"""In which state the demo logins are: what a newcomer reads first."""

import msgspec
import sqlalchemy as sa

from sandbox.core.vocabulary import CredentialStatus, CustomerStatus, UserStatus
from sandbox.store.reading import Login
from sandbox.store.statement import Statement
from sandbox.store.tables import auth_user, credential, customer
from sandbox.store.work import Work


class LoginView(msgspec.Struct, frozen=True, kw_only=True):
    """A demo login. `state` is `active`, `locked`, `expired`, `suspended`, `pending` or `unknown`."""

    username: str
    password: str
    role: str
    state: str
    note: str


_STATE = Statement(
    sa.select(
        auth_user.c.role,
        auth_user.c.status,
        credential.c.status.label("credential_status"),
        credential.c.expires_at,
        customer.c.status.label("customer_status"),
    )
    .select_from(auth_user)
    .outerjoin(credential, credential.c.user == auth_user.c.key)
    .outerjoin(customer, customer.c.key == auth_user.c.customer)
    .where(auth_user.c.username == sa.bindparam("of_username"))
)


def demo_logins(work: Work, logins: tuple[Login, ...]) -> list[LoginView]:
    """The manifest's logins as they stand now."""
    return [_view(work, login) for login in logins]


def _view(work: Work, login: Login) -> LoginView:
    row = _STATE.first(work.db, of_username=login.username)
    if row is None:
        role, state = "unknown", "unknown"
    else:
        role, state = row.role, row.status
        expired = row.expires_at is not None and row.expires_at <= work.now
        if state == UserStatus.ACTIVE and row.customer_status not in {None, CustomerStatus.ACTIVE}:
            state = UserStatus.SUSPENDED
        if state == UserStatus.ACTIVE and (expired or row.credential_status == CredentialStatus.EXPIRED):
            state = CredentialStatus.EXPIRED
    return LoginView(username=login.username, password=login.password, role=role, state=str(state), note=login.note)
