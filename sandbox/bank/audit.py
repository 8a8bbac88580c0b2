"""The audit trail as auditors and admins read it, newest first."""

from typing import Any

import msgspec
import sqlalchemy as sa

from sandbox.bank.lists import Slice, Window, cut
from sandbox.core.clock import format_instant
from sandbox.core.vocabulary import Severity
from sandbox.store.statement import Statement
from sandbox.store.tables import audit_log, auth_user, customer
from sandbox.store.work import Work


class AuditLogView(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the audit trail; `hash` chains it to the one before."""

    log_id: str
    user_id: str | None
    customer_id: str | None
    action: str
    severity: Severity
    ip_address: str | None
    related_entity_id: str | None
    created_at: str
    hash: str


_SELECT = (
    sa.select(
        audit_log.c.key,
        audit_log.c.id,
        audit_log.c.action,
        audit_log.c.severity,
        audit_log.c.ip_address,
        audit_log.c.related_entity_id,
        audit_log.c.created_at,
        audit_log.c.hash,
        auth_user.c.id.label("user_id"),
        customer.c.id.label("customer_id"),
    )
    .select_from(audit_log)
    .outerjoin(auth_user, auth_user.c.key == audit_log.c.user)
    .outerjoin(customer, customer.c.key == auth_user.c.customer)
    .where(audit_log.c.key < sa.bindparam("before"))
    .order_by(audit_log.c.key.desc())
    .limit(sa.bindparam("limit"))
)
_LIST = Statement(_SELECT)
_LIST_OF_ONE = Statement(_SELECT.where(auth_user.c.customer == sa.bindparam("of_customer")))
_LAST = 2**62


def list_audit_logs(work: Work, window: Window, *, customer: int | None) -> Slice[AuditLogView]:
    """The lines about one customer's users, or all."""
    before = window.after[0] if window.after else _LAST
    values: dict[str, Any] = {"before": before, "limit": window.limit + 1}
    if customer is None:
        found = _LIST.all(work.db, **values)
    else:
        found = _LIST_OF_ONE.all(work.db, **values, of_customer=customer)
    rows, more = cut(found, window)
    return Slice([_view(row) for row in rows], (rows[-1].key,) if more else None)


def _view(row: Any) -> AuditLogView:
    return AuditLogView(
        log_id=row.id,
        user_id=row.user_id,
        customer_id=row.customer_id,
        action=row.action.lower(),
        severity=row.severity,
        ip_address=row.ip_address,
        related_entity_id=row.related_entity_id,
        created_at=format_instant(row.created_at),
        hash=row.hash.hex(),
    )
