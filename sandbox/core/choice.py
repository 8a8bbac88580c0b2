"""Fields of an order of which exactly one must be there, as OpenAPI's `oneOf` says it."""

from typing import ClassVar, Protocol

__all__ = ["ExactlyOneError", "require_exactly_one"]


class ExactlyOneError(ValueError):
    """None of them is there, or more than one."""

    code = "one_of"


class _Choice(Protocol):
    exactly_one_of: ClassVar[tuple[str, ...]]


def require_exactly_one(order: _Choice) -> None:
    """Refuse an order that does not have exactly one of the fields that its type names in `exactly_one_of`.

    Raises:
        ExactlyOneError: it has none, or several.
    """
    names = order.exactly_one_of
    if sum(getattr(order, name) is not None for name in names) != 1:
        raise ExactlyOneError(f"name exactly one of {' and '.join(names)}")
