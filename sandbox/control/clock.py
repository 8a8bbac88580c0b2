"""`/_sandbox/clock`: business time, how it goes, and moving it on."""

import asyncio
from typing import Annotated, ClassVar

import msgspec
from litestar import Response, get, post, put
from litestar.params import JSONBody, SkipValidation

from sandbox.core.choice import require_exactly_one
from sandbox.core.clock import Instant, InstantError, format_instant, parse_instant
from sandbox.core.duration import DurationError, parse_duration
from sandbox.core.errors import Fault, ValidationFailedError
from sandbox.core.sandbox_errors import ClockCannotGoBackError
from sandbox.core.settings import ClockMode
from sandbox.http.bodies import strict
from sandbox.http.call import AnyRequest, call_of
from sandbox.http.operations import anybody, refuses
from sandbox.http.replies import plain
from sandbox.sandboxes.jobs import Fired
from sandbox.sandboxes.root import StateRoot

_Time = Annotated[
    str,
    msgspec.Meta(
        max_length=40,
        description="RFC 3339",
        examples=["2026-02-01T08:00:00Z"],
        extra_json_schema={"format": "date-time"},
    ),
]
_FASTEST = 1_000_000


class ClockView(msgspec.Struct, frozen=True, kw_only=True):
    """Business time, and whether it stands still between writes or goes on as the wall clock does."""

    now: str
    mode: ClockMode
    rate: float


class ClockOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the clock is to go on; what is left out stays."""

    mode: Annotated[ClockMode, msgspec.Meta(description="frozen or live")] | None = None
    now: _Time | None = None
    rate: (
        Annotated[
            float, msgspec.Meta(gt=0, le=_FASTEST, description="seconds of business time in a second, while it is live")
        ]
        | None
    ) = None


class AdvanceOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By how much, or until when: one of the two."""

    exactly_one_of: ClassVar[tuple[str, ...]] = ("by", "to")

    by: (
        Annotated[
            str,
            msgspec.Meta(
                max_length=40,
                description="ISO 8601 duration",
                examples=["P3DT2H"],
                extra_json_schema={"format": "duration"},
            ),
        ]
        | None
    ) = None
    to: _Time | None = None

    def __post_init__(self) -> None:
        """Refuse what says neither, or both."""
        require_exactly_one(self)


class FiredView(msgspec.Struct, frozen=True):
    """A job that ran on the way, when in business time, and how many things it settled."""

    job: str
    at: str
    count: int


class Advanced(msgspec.Struct, frozen=True):
    """Business time now, and what fell due on the way, in order."""

    now: str
    fired: list[FiredView]


class ClockSet(ClockView, frozen=True, kw_only=True):
    """The clock as it goes on, and what fell due on the way."""

    fired: list[FiredView]


@get(
    "/_sandbox/clock",
    operation_id="getClock",
    summary="What time is it",
    tags=["control"],
    opt=anybody(),
)
async def get_clock(request: AnyRequest) -> Response[ClockView]:
    """Business time of the caller's sandbox."""
    root = call_of(request).root
    return plain(ClockView(now=format_instant(root.now), mode=root.clock.mode, rate=root.clock.rate))


@put(
    "/_sandbox/clock",
    operation_id="setClock",
    summary="Set the clock",
    tags=["control"],
    opt=anybody() | refuses(ClockCannotGoBackError),
)
async def set_clock(request: AnyRequest, data: SkipValidation[JSONBody[ClockOrder]]) -> Response[ClockSet]:
    """Freeze it, let it go on, at another rate or from another time. Time never goes backwards."""
    root = call_of(request).root
    order = strict(ClockOrder, data)
    fired = [] if order.now is None else await _advanced(root, _instant(order.now, "/now"))
    clock = root.clock
    mode, rate = order.mode or clock.mode, clock.rate if order.rate is None else order.rate
    if (mode, rate) != (clock.mode, clock.rate):
        root.set_clock(mode, rate)
    view = ClockSet(now=format_instant(root.now), mode=clock.mode, rate=clock.rate, fired=fired)
    return plain(view)


@post(
    "/_sandbox/clock/advance",
    operation_id="advanceClock",
    summary="Let time pass",
    tags=["control"],
    opt=anybody() | refuses(ClockCannotGoBackError),
    status_code=200,
)
async def advance_clock(request: AnyRequest, data: SkipValidation[JSONBody[AdvanceOrder]]) -> Response[Advanced]:
    """Move business time on. Everything that falls due on the way happens, in order, before the answer."""
    root = call_of(request).root
    order = strict(AdvanceOrder, data)
    to = _after(root.now, order.by) if order.by is not None else _instant(order.to or "", "/to")
    fired = await _advanced(root, to)
    return plain(Advanced(format_instant(root.now), fired))


async def _advanced(root: StateRoot, to: Instant) -> list[FiredView]:
    """Move the clock, giving others a turn after each job."""
    root.require_future(to)
    fired = []
    for one in root.due_before(to):
        fired.append(_fired(one))
        await asyncio.sleep(0)
    root.arrive(to)
    return fired


def _fired(one: Fired) -> FiredView:
    return FiredView(one.job, format_instant(one.at), one.count)


def _instant(text: str, pointer: str) -> Instant:
    try:
        found = parse_instant(text)
        parse_duration("PT0S").after(found)
    except (InstantError, DurationError) as error:
        raise ValidationFailedError([Fault(pointer, "wrong_format", str(error))]) from None
    return found


def _after(now: Instant, by: str) -> Instant:
    try:
        return parse_duration(by).after(now)
    except DurationError as error:
        raise ValidationFailedError([Fault("/by", "wrong_format", str(error))]) from None


HANDLERS = [get_clock, set_clock, advance_clock]
