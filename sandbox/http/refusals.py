"""What an operation may say no with: what it declares itself, and what follows from how it is asked.

The OpenAPI document lists exactly these, and the tests hold every refusal that they meet against them.
"""

from sandbox.core.errors import (
    BodyTooLargeError,
    ControlTokenRequiredError,
    DomainError,
    ForbiddenError,
    HostNotAllowedError,
    IdempotencyKeyMissingError,
    IdempotencyKeyReusedError,
    InternalError,
    MalformedJsonError,
    OriginNotAllowedError,
    TokenExpiredError,
    TokenInvalidError,
    TokenOfOtherSandboxError,
    UnauthenticatedError,
    UnsupportedMediaTypeError,
    ValidationFailedError,
)
from sandbox.core.sandbox_errors import (
    ArchiveFailedError,
    ReadOnlyError,
    SandboxRequiredError,
    SandboxUnknownError,
    ServerStoppingError,
)
from sandbox.http.operations import ABOUT_THE_PROCESS, EVERYBODY, Operation
from sandbox.http.origins import UNGUARDED, is_guarded

_ALWAYS: tuple[type[DomainError], ...] = (
    ValidationFailedError,
    SandboxUnknownError,
    InternalError,
    ServerStoppingError,
)
"""A parameter or header that is at fault, a sandbox that does not exist, a bug of ours, an end of the server."""

_SIGNED_IN = (UnauthenticatedError, TokenInvalidError, TokenExpiredError, TokenOfOtherSandboxError)
_GUARDED = (ControlTokenRequiredError, HostNotAllowedError, OriginNotAllowedError)
_WITH_BODY = (BodyTooLargeError, UnsupportedMediaTypeError)
_ORDERS = (IdempotencyKeyMissingError, IdempotencyKeyReusedError)


def refusals_of(operation: Operation, *, takes_body: bool, takes_json: bool) -> list[type[DomainError]]:
    """Every problem that an operation may answer, by status and code.

    Args:
        operation: of the path table.
        takes_body: whether a request may carry one.
        takes_json: whether that is JSON.
    """
    kinds = {*_ALWAYS, *operation.refusals}
    if operation.scope == "sandbox":
        kinds.add(SandboxRequiredError)
    if operation.roles is not None:
        kinds.update(_SIGNED_IN)
        if operation.roles != EVERYBODY:
            kinds.add(ForbiddenError)
    if needs_steering_rights(operation):
        kinds.update(_GUARDED)
    if takes_body:
        kinds.update(_WITH_BODY)
    if takes_json:
        kinds.add(MalformedJsonError)
    if operation.places_order:
        kinds.update(_ORDERS)
    if operation.changes_bank:
        kinds.add(ReadOnlyError)
    if operation.template not in ABOUT_THE_PROCESS:
        kinds.add(ArchiveFailedError)
    return sorted(kinds, key=lambda kind: (kind.status, kind.code))


def needs_steering_rights(operation: Operation) -> bool:
    """Whether it is behind the guard of the planes that steer: host, origin, and the control token where one is set."""
    return is_guarded(operation.template) and operation.template not in UNGUARDED
