"""Scenarios: named, parameterised, composable changes to a sandbox, applied all or not at all.

`apply` is what reset, fork and the control plane call. The scenarios at hand are found in `library`, the
values of parameters in `parameters`, and the steps are taken in `running`.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec

from sandbox.core.clock import format_instant
from sandbox.core.errors import Fault, ValidationFailedError
from sandbox.core.sandbox_errors import (
    ScenarioInvalidError,
    ScenarioPreconditionFailedError,
    ScenarioStepFailedError,
    ScenarioUnknownError,
)
from sandbox.sandboxes.jobs import Fired
from sandbox.sandboxes.root import StateRoot
from sandbox.sandboxes.scenarios.library import Library, open_library
from sandbox.sandboxes.scenarios.running import run_scenario

MOST_ORDERS = 32
"""How many scenarios are put together in one order."""

SCENARIO_REFUSALS = (
    ScenarioUnknownError,
    ScenarioInvalidError,
    ScenarioPreconditionFailedError,
    ScenarioStepFailedError,
)
"""What an order of scenarios may be refused with."""


class ScenarioOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A scenario to apply; parameters that are left out have their defaults."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=63, examples=["low-balance"])]
    parameters: Annotated[dict[str, Any], msgspec.Meta(description="by name", examples=[{"balance": "1.500"}])] = (
        msgspec.field(default_factory=dict)
    )


ScenarioOrders = Annotated[
    list[str | ScenarioOrder],
    msgspec.Meta(description="scenarios to apply, in order: names, or names with parameters"),
]
"""As the bodies of reset and fork carry them."""


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario that was applied: with which values, and how the sandbox stood then."""

    name: str
    parameters: dict[str, Any]
    business_time: str
    writes: int
    fired: list[Fired]


async def apply(
    root: StateRoot, orders: Sequence[str | ScenarioOrder], *, pointer: str | None = "/scenarios"
) -> list[Applied]:
    """Apply scenarios to a living sandbox, in order, all or none.

    `pointer` is where the orders stand in the request; None where its body is one order's parameters.

    Raises:
        ValidationFailedError: too many orders, or parameters that do not fit.
        ScenarioUnknownError, ScenarioInvalidError: there is no such scenario, or its file breaks a rule.
        ScenarioPreconditionFailedError, ScenarioStepFailedError: the bank is not so, or refuses a step.
    """
    prepare = preparing(orders, pointer=pointer)
    return [] if prepare is None else await root.rewrite(prepare)


def preparing(
    orders: Sequence[str | ScenarioOrder], *, pointer: str | None = "/scenarios", done: list[Applied] | None = None
) -> Callable[[StateRoot], list[Applied]] | None:
    """What applies scenarios to a root that nobody else works on, in a thread; None where there are no orders.

    Reset and fork do this to a new root before anybody sees it. It refuses as `apply` does. What was applied is put
    into `done` too.

    Raises:
        ValidationFailedError: too many orders.
    """
    if len(orders) > MOST_ORDERS:
        detail = f"must have at most {MOST_ORDERS} items; it has {len(orders)}"
        raise ValidationFailedError([Fault(pointer or "", "too_long", detail)])
    named = [ScenarioOrder(name=order) if isinstance(order, str) else order for order in orders]
    pointers = [_pointer(pointer, place, order) for place, order in enumerate(orders)]
    if not named:
        return None

    def prepare(root: StateRoot) -> list[Applied]:
        made = _apply_all(root, named, pointers)
        if done is not None:
            done[:] = made
        return made

    return prepare


def library_for(root: StateRoot) -> Library:
    """The scenarios that a sandbox can be given. Reads files: not for the event loop."""
    return open_library(root.rules, root.image.clean.folder)


def _apply_all(scratch: StateRoot, orders: Sequence[ScenarioOrder], pointers: Sequence[str]) -> list[Applied]:
    library = library_for(scratch)
    for order in orders:
        library.get(order.name)
    done = []
    for order, pointer in zip(orders, pointers, strict=True):
        values, fired = run_scenario(scratch, library, order.name, order.parameters, pointer)
        made = Applied(
            name=order.name,
            parameters=values,
            business_time=format_instant(scratch.now),
            writes=scratch.write_number,
            fired=fired,
        )
        done.append(made)
    return done


def _pointer(pointer: str | None, place: int, order: str | ScenarioOrder) -> str:
    if pointer is None:
        return ""
    return f"{pointer}/{place}" if isinstance(order, str) else f"{pointer}/{place}/parameters"
