"""`/_sandbox/snapshots`: named moments of the caller's sandbox, to come back to or to fork from."""

from typing import Annotated

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody, SkipValidation

from sandbox.control.state import ResetDone
from sandbox.core.clock import elapsed_ms, format_instant, stopwatch
from sandbox.core.errors import Fault, ValidationFailedError
from sandbox.core.sandbox_errors import SnapshotExistsError, SnapshotUnknownError, TooManySnapshotsError
from sandbox.http.bodies import strict
from sandbox.http.call import AnyRequest, Call, call_of
from sandbox.http.operations import anybody, refuses
from sandbox.http.replies import nothing, plain
from sandbox.sandboxes.exchange import NOW, SEED
from sandbox.sandboxes.sandbox import Sandbox, Snapshot

_ALWAYS_THERE = {SEED: "what the sandbox was made from", NOW: "the present"}


class NewSnapshot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to call the present moment."""

    name: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$(?!\n)",
            description="letters, digits, . _ - (1 to 63, starting with a letter or digit); not seed or now",
            examples=["before-pay"],
        ),
    ]


class SnapshotView(msgspec.Struct, frozen=True, kw_only=True):
    """A moment: when in business time, after how many writes, and how many bytes it takes."""

    name: str
    business_time: str
    writes: int
    bytes: int


class SnapshotList(msgspec.Struct, frozen=True):
    """All snapshots of a sandbox."""

    items: list[SnapshotView]


@get(
    "/_sandbox/snapshots",
    operation_id="listSnapshots",
    summary="List snapshots",
    tags=["control"],
    opt=anybody(),
)
async def list_snapshots(request: AnyRequest) -> Response[SnapshotList]:
    """The snapshots of the caller's sandbox, oldest first."""
    sandbox = _sandbox(call_of(request))
    return plain(SnapshotList([_view(snapshot) for snapshot in sandbox.snapshots.values()]))


@post(
    "/_sandbox/snapshots",
    operation_id="takeSnapshot",
    summary="Take a snapshot",
    tags=["control"],
    opt=anybody() | refuses(SnapshotExistsError, TooManySnapshotsError),
)
async def take_snapshot(request: AnyRequest, data: SkipValidation[JSONBody[NewSnapshot]]) -> Response[SnapshotView]:
    """Keep the present moment. It costs the pages that were written to since the sandbox was made."""
    call = call_of(request)
    order = strict(NewSnapshot, data)
    _require_own_name(order.name)
    made = await call.house.take_snapshot(_sandbox(call), order.name)
    return plain(_view(made), status=201, headers={"location": f"{call.prefix}/_sandbox/snapshots/{made.name}"})


@get(
    "/_sandbox/snapshots/{name:str}",
    operation_id="getSnapshot",
    summary="Look at a snapshot",
    tags=["control"],
    opt=anybody() | refuses(SnapshotUnknownError),
)
async def get_snapshot(request: AnyRequest, name: FromPath[str]) -> Response[SnapshotView]:
    """One snapshot."""
    return plain(_view(_sandbox(call_of(request)).snapshot(name)))


@post(
    "/_sandbox/snapshots/{name:str}/restore",
    operation_id="restoreSnapshot",
    summary="Go back to a snapshot",
    tags=["control"],
    opt=anybody() | refuses(SnapshotUnknownError),
    status_code=200,
)
async def restore_snapshot(request: AnyRequest, name: FromPath[str]) -> Response[ResetDone]:
    """Put the sandbox back: data, time, write number. Tokens issued before that moment are good again."""
    call = call_of(request)
    started = stopwatch()
    sandbox = _sandbox(call)
    root = call.house.restore(sandbox, name)
    took_ms = elapsed_ms(started)
    call.enter(sandbox.id, root)
    return plain(ResetDone(digest=await root.digest(), generation=root.generation, took_ms=took_ms))


@delete(
    "/_sandbox/snapshots/{name:str}",
    operation_id="deleteSnapshot",
    summary="Forget a snapshot",
    tags=["control"],
    opt=anybody() | refuses(SnapshotUnknownError),
    status_code=204,
)
async def delete_snapshot(request: AnyRequest, name: FromPath[str]) -> Response[None]:
    """Sandboxes that were made from it stay."""
    call = call_of(request)
    call.house.drop_snapshot(_sandbox(call), name)
    return nothing()


def _require_own_name(name: str) -> None:
    """Refuse the names of the moments that every sandbox has: a diff would never find the snapshot."""
    if name in {SEED, NOW}:
        detail = f"must not be {name}: in /_sandbox/diff that is {_ALWAYS_THERE[name]}"
        raise ValidationFailedError([Fault("/name", "not_allowed", detail)])


def _sandbox(call: Call) -> Sandbox:
    return call.house.get(call.sandbox_id or "")


def _view(snapshot: Snapshot) -> SnapshotView:
    facts = snapshot.image.facts
    return SnapshotView(
        name=snapshot.name,
        business_time=format_instant(snapshot.image.now),
        writes=facts.write_number,
        bytes=len(snapshot.image.delta or b""),
    )


HANDLERS = [list_snapshots, take_snapshot, get_snapshot, restore_snapshot, delete_snapshot]
