"""`/_sandbox/sandboxes`: fork, list, look at and remove sandboxes."""

from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody, SkipValidation

from sandbox.control.scenarios import ScenariosGiven, scenarios_given
from sandbox.control.state import Seed
from sandbox.core.clock import format_instant
from sandbox.core.sandbox_errors import (
    EcosystemInvalidError,
    EcosystemUnknownError,
    SandboxExistsError,
    SandboxProtectedError,
    SnapshotUnknownError,
    TooManySandboxesError,
)
from sandbox.http.bodies import strict
from sandbox.http.call import AnyRequest, Call, call_of
from sandbox.http.operations import OPTIONAL_BODY, of_the_house, refuses
from sandbox.http.replies import nothing, plain
from sandbox.sandboxes.house import DEFAULT, SANDBOX_ID
from sandbox.sandboxes.sandbox import Sandbox
from sandbox.sandboxes.scenarios.applying import SCENARIO_REFUSALS, Applied, ScenarioOrders, preparing


class NewSandbox(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"source": "from"}):
    """A sandbox to make; everything may be left out."""

    id: (
        Annotated[
            str,
            msgspec.Meta(
                min_length=1,
                max_length=63,
                description="a-z, 0-9 and -; made when left out",
                extra_json_schema={"pattern": f"^{SANDBOX_ID.pattern}$"},
            ),
        ]
        | None
    ) = None
    source: (
        Annotated[
            str,
            msgspec.Meta(
                max_length=128,
                description="ecosystem:NAME, sandbox:ID or snapshot:NAME; default: the caller's own clean image",
                extra_json_schema={"pattern": "^(ecosystem|sandbox|snapshot):."},
            ),
        ]
        | None
    ) = None
    seed: Seed = None
    name: Annotated[str, msgspec.Meta(max_length=140, description="for people, such as a test's name")] | None = None
    scenarios: ScenarioOrders = []
    ttl: (
        Annotated[int, msgspec.Meta(ge=1, le=31_536_000, description="seconds after which it is taken away")] | None
    ) = None


class SandboxView(msgspec.Struct, frozen=True, kw_only=True, rename={"source": "from"}):
    """A sandbox and where it is reached."""

    id: str
    base_url: str
    source: str
    name: str | None
    seed: int
    generation: int
    business_time: str
    writes: int
    expires_at: str | None
    """The wall clock's time at which it is taken away."""
    awake: bool
    """Whether it holds a whole database in memory."""


class SandboxMade(SandboxView, frozen=True, kw_only=True, rename={"source": "from"}):
    """The same with its digest."""

    digest: str
    scenarios: ScenariosGiven = msgspec.UNSET


class SandboxList(msgspec.Struct, frozen=True):
    """All sandboxes."""

    items: list[SandboxView]


@post(
    "/_sandbox/sandboxes",
    operation_id="createSandbox",
    summary="Fork a sandbox",
    tags=["control"],
    opt=of_the_house()
    | {OPTIONAL_BODY: True}
    | refuses(
        EcosystemUnknownError,
        EcosystemInvalidError,
        SnapshotUnknownError,
        SandboxExistsError,
        TooManySandboxesError,
        *SCENARIO_REFUSALS,
    ),
)
async def create_sandbox(
    request: AnyRequest, data: SkipValidation[JSONBody[NewSandbox | None]] = None
) -> Response[SandboxMade]:
    """Make an isolated bank. It costs nothing until it is written to."""
    call = call_of(request)
    order = strict(NewSandbox, {} if data is None else data)
    given: list[Applied] = []
    made = await call.house.fork(
        sandbox_id=order.id,
        source=order.source,
        caller=call.sandbox_id or DEFAULT,
        seed=order.seed,
        name=order.name,
        ttl=order.ttl,
        prepare=preparing(order.scenarios, done=given),
    )
    view = await _made(call, made, scenarios=scenarios_given(given))
    return plain(view, status=201, headers={"location": f"/_sandbox/sandboxes/{made.id}"})


@get(
    "/_sandbox/sandboxes",
    operation_id="listSandboxes",
    summary="List sandboxes",
    tags=["control"],
    opt=of_the_house(),
)
async def list_sandboxes(request: AnyRequest) -> Response[SandboxList]:
    """Every sandbox of this server, oldest first."""
    call = call_of(request)
    return plain(SandboxList([SandboxView(**_facts(call, sandbox)) for sandbox in call.house.all()]))


@get(
    "/_sandbox/sandboxes/{sandbox_id:str}",
    operation_id="getSandbox",
    summary="Look at a sandbox",
    tags=["control"],
    opt=of_the_house(),
)
async def get_sandbox(request: AnyRequest, sandbox_id: FromPath[str]) -> Response[SandboxMade]:
    """One sandbox with its digest."""
    call = call_of(request)
    return plain(await _made(call, call.house.get(sandbox_id)))


@delete(
    "/_sandbox/sandboxes/{sandbox_id:str}",
    operation_id="deleteSandbox",
    summary="Remove a sandbox",
    tags=["control"],
    opt=of_the_house() | refuses(SandboxProtectedError),
    status_code=204,
)
async def delete_sandbox(request: AnyRequest, sandbox_id: FromPath[str]) -> Response[None]:
    """Requests under way finish; nothing of it survives them."""
    call_of(request).house.remove(sandbox_id)
    return nothing()


async def _made(call: Call, sandbox: Sandbox, *, scenarios: ScenariosGiven = msgspec.UNSET) -> SandboxMade:
    return SandboxMade(**_facts(call, sandbox), digest=await sandbox.root.digest(), scenarios=scenarios)


def _facts(call: Call, sandbox: Sandbox) -> dict[str, Any]:
    root = sandbox.root
    return {
        "id": sandbox.id,
        "base_url": f"{call.base_url}/s/{sandbox.id}",
        "source": sandbox.origin,
        "name": sandbox.name,
        "seed": root.seed,
        "generation": root.generation,
        "business_time": format_instant(root.now),
        "writes": root.write_number,
        "expires_at": None if sandbox.expires_at is None else format_instant(sandbox.expires_at),
        "awake": root.awake,
    }


HANDLERS = [create_sandbox, list_sandboxes, get_sandbox, delete_sandbox]
