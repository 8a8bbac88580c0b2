"""`/v1/audit-logs` and `/v1/ledger`: what auditors and admins look at."""

from litestar import Response, get

from sandbox.bank import audit, reports
from sandbox.bank.access import narrowed
from sandbox.bank.audit import AuditLogView
from sandbox.bank.invariants import Invariants, check_invariants
from sandbox.bank.reports import TrialBalance
from sandbox.core.errors import NotFoundError
from sandbox.http.call import AnyRequest, call_of
from sandbox.http.operations import STAFF, refuses, roles
from sandbox.http.paging import Cursor, CustomerId, Limit, Page, window
from sandbox.http.replies import listing, plain


@get(
    "/v1/audit-logs",
    operation_id="listAuditLogs",
    summary="Read the audit trail",
    tags=["audit"],
    opt=roles(*STAFF) | refuses(NotFoundError),
)
async def list_audit_logs(
    request: AnyRequest, limit: Limit = 50, cursor: Cursor = None, customer_id: CustomerId = None
) -> Response[Page[AuditLogView]]:
    """Who did what, newest first; the lines form a hash chain."""
    call = call_of(request)
    whose = call.root.read(narrowed, call.actor, customer_id)
    found = call.root.read(audit.list_audit_logs, window(limit, cursor, kind="audit"), customer=whose)
    return listing(call, found, kind="audit")


@get(
    "/v1/ledger/trial-balance",
    operation_id="trialBalance",
    summary="Read the trial balance",
    tags=["audit"],
    opt=roles(*STAFF),
)
async def trial_balance(request: AnyRequest) -> Response[TrialBalance]:
    """Posted debits and credits of every ledger account; the totals are equal."""
    call = call_of(request)
    return plain(call.root.read(reports.trial_balance))


@get(
    "/v1/ledger/integrity",
    operation_id="ledgerIntegrity",
    summary="Check the ledger",
    tags=["audit"],
    opt=roles(*STAFF),
)
async def ledger_integrity(request: AnyRequest) -> Response[Invariants]:
    """Fold the whole ledger and verify its chains."""
    return plain(await call_of(request).root.inspect(check_invariants))


HANDLERS = [list_audit_logs, trial_balance, ledger_integrity]
