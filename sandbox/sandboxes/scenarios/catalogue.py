"""The catalogue: what a scenario is for, what it takes and what it needs, for lists, help texts and documentation."""

from typing import Annotated, Any

import msgspec

from sandbox.core.money import format_fils
from sandbox.sandboxes.scenarios.library import Library
from sandbox.sandboxes.scenarios.model import Parameter, Scenario


class ParameterView(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"least": "min", "most": "max"}
):
    """A parameter. `default` may say how a user or an account is picked; it is absent where a value must be given.

    `min` and `max` bound a whole number, an amount of money, or the length of a text.
    """

    name: str
    type: str
    description: str
    required: bool
    default: Annotated[Any, msgspec.Meta(description="a value, or how an actor is picked")] = msgspec.UNSET
    choices: list[str] | msgspec.UnsetType = msgspec.UNSET
    least: int | str | msgspec.UnsetType = msgspec.UNSET
    most: int | str | msgspec.UnsetType = msgspec.UNSET
    owner: str | msgspec.UnsetType = msgspec.UNSET
    """The user parameter to whom an account must belong."""


class ScenarioView(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario. `source` is `shipped`, `ecosystem` or `own`; `replaces` names the sources it stands before."""

    name: str
    title: str
    story: str
    parameters: list[ParameterView]
    precondition: list[str]
    source: str
    replaces: list[str]


def views_of(library: Library) -> list[ScenarioView]:
    """Every scenario of a library, by name."""
    return [view_of(scenario) for scenario in library.scenarios.values()]


def view_of(scenario: Scenario) -> ScenarioView:
    """One scenario."""
    return ScenarioView(
        name=scenario.name,
        title=scenario.title,
        story=scenario.story,
        parameters=[_parameter(parameter) for parameter in scenario.parameters],
        precondition=[condition.says for condition in scenario.precondition],
        source=scenario.source,
        replaces=list(scenario.replaces),
    )


def _parameter(parameter: Parameter) -> ParameterView:
    slot = parameter.slot
    picked = isinstance(parameter.stated_default, dict)
    default = parameter.stated_default if picked else parameter.default
    return ParameterView(
        name=parameter.name,
        type=slot.kind,
        description=parameter.description,
        required=parameter.required,
        default=default,
        choices=list(slot.choices) or msgspec.UNSET,
        least=_bound(slot.kind, slot.least),
        most=_bound(slot.kind, slot.most),
        owner=parameter.owner or msgspec.UNSET,
    )


def _bound(kind: str, bound: int | None) -> int | str | msgspec.UnsetType:
    if bound is None:
        return msgspec.UNSET
    return format_fils(bound) if kind == "money" else bound
