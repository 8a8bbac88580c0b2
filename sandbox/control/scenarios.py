"""`/_sandbox/scenarios`: which named changes there are, and applying one on top of the caller's sandbox."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody, SkipValidation

from sandbox.control.clock import FiredView
from sandbox.core.clock import format_instant
from sandbox.core.sandbox_errors import ScenarioInvalidError, ScenarioUnknownError
from sandbox.http.bodies import strict
from sandbox.http.call import AnyRequest, call_of
from sandbox.http.operations import OPTIONAL_BODY, anybody, refuses
from sandbox.http.replies import plain
from sandbox.sandboxes.scenarios.applying import SCENARIO_REFUSALS, Applied, ScenarioOrder, apply, library_for
from sandbox.sandboxes.scenarios.catalogue import ScenarioView, view_of, views_of


class ScenarioList(msgspec.Struct, frozen=True, kw_only=True):
    """The scenarios by name. `faults` tells of the files that break a rule and can therefore not be applied."""

    items: list[ScenarioView]
    faults: list[str]


class ScenarioGiven(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario that a new or reset sandbox was given, with the value of every parameter."""

    name: str
    parameters: Annotated[dict[str, Any], msgspec.Meta(description="users by name, accounts by id, money in KWD")]


ScenariosGiven = list[ScenarioGiven] | msgspec.UnsetType
"""Stands in an answer only where scenarios were asked for."""


class ScenarioApplied(msgspec.Struct, frozen=True, kw_only=True):
    """What was applied, with the value of every parameter, and how the sandbox stands now."""

    name: str
    parameters: Annotated[dict[str, Any], msgspec.Meta(description="users by name, accounts by id, money in KWD")]
    business_time: str
    writes: int
    fired: list[FiredView]


@get(
    "/_sandbox/scenarios",
    operation_id="listScenarios",
    summary="List scenarios",
    tags=["control"],
    opt=anybody(),
)
async def list_scenarios(request: AnyRequest) -> Response[ScenarioList]:
    """What the sandbox can be given: shipped scenarios, those of its ecosystem's folder, and the user's own."""
    library = await asyncio.to_thread(library_for, call_of(request).root)
    faults = [str(fault) for found in library.faults.values() for fault in found]
    return plain(ScenarioList(items=views_of(library), faults=faults))


@get(
    "/_sandbox/scenarios/{scenario_name:str}",
    operation_id="getScenario",
    summary="Look at a scenario",
    tags=["control"],
    opt=anybody() | refuses(ScenarioUnknownError, ScenarioInvalidError),
)
async def get_scenario(request: AnyRequest, scenario_name: FromPath[str]) -> Response[ScenarioView]:
    """What it does, takes and needs."""
    library = await asyncio.to_thread(library_for, call_of(request).root)
    return plain(view_of(library.get(scenario_name)))


@post(
    "/_sandbox/scenarios/{scenario_name:str}",
    operation_id="applyScenario",
    summary="Apply a scenario",
    tags=["control"],
    opt=anybody() | {OPTIONAL_BODY: True} | refuses(*SCENARIO_REFUSALS),
    status_code=200,
)
async def apply_scenario(
    request: AnyRequest, scenario_name: FromPath[str], data: SkipValidation[JSONBody[dict[str, Any] | None]] = None
) -> Response[ScenarioApplied]:
    """Apply it on top of what there is, all or nothing. The body has the parameters; the others have their defaults."""
    given = strict(dict[str, Any], {} if data is None else data)
    order = ScenarioOrder(name=scenario_name, parameters=given)
    (done,) = await apply(call_of(request).root, [order], pointer=None)
    fired = [FiredView(job.job, format_instant(job.at), job.count) for job in done.fired]
    return plain(
        ScenarioApplied(
            name=done.name,
            parameters=done.parameters,
            business_time=done.business_time,
            writes=done.writes,
            fired=fired,
        )
    )


def scenarios_given(done: Sequence[Applied]) -> ScenariosGiven:
    """What was applied, for the answer of a fork or a reset."""
    return [ScenarioGiven(name=one.name, parameters=one.parameters) for one in done] or msgspec.UNSET


HANDLERS = [list_scenarios, get_scenario, apply_scenario]
