"""Refusals of the bank as this door tells them: with the methods, paths and headers that say what to do here."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sandbox.bank.record_refusals import (
    AuditLineImmutableError,
    CollectionOnlyReadError,
    CollectionUnknownError,
    MovementImmutableError,
    NoObjectError,
)
from sandbox.core.errors import (
    DomainError,
    Fault,
    LedgerImmutableError,
    MethodNotAllowedError,
    NotFoundError,
    RecordExistsError,
    RecordInvalidError,
)
from sandbox.sandboxes.root import StateRoot
from sandbox.store.work import Work

P = ParamSpec("P")
T = TypeVar("T")

_MAKING = {"transfers": "POST /v1/transfers", "holds": "POST /_data/transactions with status PENDING"}
"""How records of what the bank itself does come to be."""


def read(root: StateRoot, fn: Callable[Concatenate[Work, P], T], *args: P.args, **options: P.kwargs) -> T:
    """`root.read`, refusals told as this door does."""
    try:
        return root.read(fn, *args, **options)
    except DomainError as refusal:
        raise _told(refusal) from None


def write(root: StateRoot, fn: Callable[Concatenate[Work, P], T], *args: P.args, **options: P.kwargs) -> T:
    """`root.write`, refusals told as this door does."""
    try:
        return root.write(fn, *args, **options)
    except DomainError as refusal:
        raise _told(refusal) from None


def not_allowed(detail: str, allowed: str) -> MethodNotAllowedError:
    """The refusal of a method; `allowed` are those that there are."""
    refusal = MethodNotAllowedError(detail)
    refusal.headers["Allow"] = allowed
    return refusal


def _told(refusal: DomainError) -> DomainError:
    told, plain = refusal, refusal.detail.removesuffix(".")
    match refusal:
        case CollectionUnknownError():
            told = NotFoundError(f"{plain}. GET /_data lists what there is.")
        case CollectionOnlyReadError():
            told = not_allowed(f"{plain}; {_MAKING[refusal.collection]} makes one.", "GET, HEAD, OPTIONS")
        case NoObjectError():
            told = not_allowed(f"{plain}: PUT replaces it.", "GET, HEAD, OPTIONS, POST, PUT")
        case MovementImmutableError():
            told = _of_movement(refusal)
        case AuditLineImmutableError():
            told = LedgerImmutableError(f"{plain}. POST adds one.", fields=refusal.fields, reversal=None)
        case RecordExistsError():
            told = RecordExistsError(f"{plain}. PUT or PATCH changes it.")
        case RecordInvalidError():
            told = RecordInvalidError([_told_fault(fault) for fault in refusal.faults])
    return told


def _of_movement(refusal: MovementImmutableError) -> LedgerImmutableError:
    path = None if refusal.transfer_id is None else f"/v1/transfers/{refusal.transfer_id}/reversal"
    if path is not None:
        way = f"POST {path} takes it back"
    elif refusal.pending:
        way = "PATCH its status to COMPLETED or FAILED to settle or drop it"
    else:
        way = "post a movement the other way to take it back"
    plain = refusal.detail.removesuffix(".")
    return LedgerImmutableError(f"{plain}; {way}.", fields=refusal.fields, reversal=path)


def _told_fault(fault: Fault) -> Fault:
    if (fault.pointer, fault.code) != ("/booked_at", "not_allowed"):
        return fault
    return Fault(fault.pointer, fault.code, f"{fault.detail} (POST /_sandbox/clock/advance moves time)")
