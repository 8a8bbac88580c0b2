"""The one catalogue of refusals: every problem type there is, by its code."""

from sandbox.core.errors import BankError, DomainError, IdentityError, RequestError
from sandbox.core.sandbox_errors import SandboxError

_FAMILIES: tuple[type[DomainError], ...] = (RequestError, IdentityError, BankError, SandboxError)


def catalogue() -> dict[str, type[DomainError]]:
    """Every problem type by its code, family by family, in the order of definition."""
    return {kind.code: kind for family in _FAMILIES for kind in family.__subclasses__()}
