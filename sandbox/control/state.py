"""`/_sandbox/reset`, `digest`, `invariants`: the state of the caller's sandbox as a whole."""

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.params import JSONBody, SkipValidation

from sandbox.bank.invariants import Invariants, check_invariants
from sandbox.control.scenarios import ScenariosGiven, scenarios_given
from sandbox.core.clock import Instant, elapsed_ms, stopwatch
from sandbox.core.errors import Fault, ValidationFailedError
from sandbox.core.sandbox_errors import EcosystemInvalidError, EcosystemUnknownError
from sandbox.http.bodies import strict
from sandbox.http.call import AnyRequest, call_of
from sandbox.http.operations import OPTIONAL_BODY, anybody, refuses
from sandbox.http.replies import plain
from sandbox.sandboxes.house import Kept
from sandbox.sandboxes.scenarios.applying import SCENARIO_REFUSALS, Applied, ScenarioOrders, preparing
from sandbox.sandboxes.shelf import AsOfError, parse_as_of

Seed = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1, description="of ids and draws; default: its own")] | None


class ResetOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to reset to; by default what the sandbox was made from."""

    ecosystem: Annotated[str, msgspec.Meta(max_length=64, description="name of another ecosystem")] | None = None
    seed: Seed = None
    as_of: (
        Annotated[
            str,
            msgspec.Meta(
                max_length=40,
                description="`now` or RFC 3339: business time to start at",
                extra_json_schema={"anyOf": [{"const": "now"}, {"format": "date-time"}]},
            ),
        ]
        | None
    ) = None
    scenarios: ScenarioOrders = []
    keep: Annotated[
        tuple[Kept, ...], msgspec.Meta(max_length=2, description="what goes on: the clock, the open sessions")
    ] = ()


class ResetDone(msgspec.Struct, frozen=True, kw_only=True):
    """The sandbox is as if nothing had happened."""

    digest: str
    generation: int
    took_ms: float
    scenarios: ScenariosGiven = msgspec.UNSET


class Digest(msgspec.Struct, frozen=True):
    """SHA-256 over everything an export would write."""

    digest: str


@post(
    "/_sandbox/reset",
    operation_id="reset",
    summary="Reset the sandbox",
    tags=["control"],
    opt=anybody() | {OPTIONAL_BODY: True} | refuses(EcosystemUnknownError, EcosystemInvalidError, *SCENARIO_REFUSALS),
    status_code=200,
)
async def reset(request: AnyRequest, data: SkipValidation[JSONBody[ResetOrder | None]] = None) -> Response[ResetDone]:
    """Put the sandbox back to what it was made from. Requests under way finish on the old state; its tokens end."""
    call = call_of(request)
    order = strict(ResetOrder, {} if data is None else data)
    as_of = None if order.as_of is None else _as_of(order.as_of)
    given: list[Applied] = []
    started = stopwatch()
    sandbox = call.house.get(call.sandbox_id or "")
    root = await call.house.reset(
        sandbox,
        ecosystem=order.ecosystem,
        seed=order.seed,
        as_of=as_of,
        keep=frozenset(order.keep),
        prepare=preparing(order.scenarios, done=given),
    )
    took_ms = elapsed_ms(started)
    call.enter(sandbox.id, root)
    return plain(
        ResetDone(
            digest=await root.digest(),
            generation=root.generation,
            took_ms=took_ms,
            scenarios=scenarios_given(given),
        )
    )


@get(
    "/_sandbox/digest",
    operation_id="digest",
    summary="Digest of the state",
    tags=["control"],
    opt=anybody(),
)
async def digest(request: AnyRequest) -> Response[Digest]:
    """Equal digests mean equal banks, whatever they are called."""
    return plain(Digest(await call_of(request).root.digest()))


@get(
    "/_sandbox/invariants",
    operation_id="invariants",
    summary="Check all invariants",
    tags=["control"],
    opt=anybody(),
)
async def invariants(request: AnyRequest) -> Response[Invariants]:
    """Fold the ledger and everything else that must be true at every moment."""
    return plain(await call_of(request).root.inspect(check_invariants))


def _as_of(text: str) -> Instant:
    try:
        return parse_as_of(text)
    except AsOfError as error:
        raise ValidationFailedError([Fault("/as_of", "wrong_format", str(error))]) from None


HANDLERS = [reset, digest, invariants]
