"""`/_sandbox/metrics`: how the process does, in the text that Prometheus reads. It tells nothing of any one sandbox."""

import asyncio

import msgspec
from litestar import MediaType, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example

from sandbox.http.call import AnyRequest, call_of
from sandbox.http.meter import Meter
from sandbox.http.operations import of_the_house
from sandbox.http.replies import Reply
from sandbox.sandboxes.house import House

_EXAMPLE = """\
# HELP sandbank_requests_total Requests that are over, by operation, method and status of the answer.
# TYPE sandbank_requests_total counter
sandbank_requests_total{method="GET",operation="listAccounts",status="200"} 12.0
# HELP sandbank_writes_total Writes committed in all sandboxes, those of sandboxes that are gone included.
# TYPE sandbank_writes_total counter
sandbank_writes_total 7.0
"""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted until now: copies, so that another thread can read them."""

    requests: dict[tuple[str, str, int | None], int]
    """By operation, method and status."""
    durations: dict[str, tuple[list[int], float]]
    """By operation: the requests in each bucket, and the seconds of all."""
    refusals: dict[str, int]
    """By code."""
    writes: int
    sandboxes: int
    asleep: int
    outbox_lag: int


@get(
    "/_sandbox/metrics",
    operation_id="metrics",
    summary="Numbers for Prometheus",
    tags=["control"],
    opt=of_the_house(),
    media_type=MediaType.TEXT,
    responses={
        200: ResponseSpec(
            str,
            media_type=MediaType.TEXT,
            description="Prometheus text exposition, version 0.0.4",
            generate_examples=False,
            examples=[Example(summary="after some requests", value=_EXAMPLE)],
        )
    },
)
async def metrics(request: AnyRequest) -> Response[str]:
    """Requests, latency, refusals, writes, sandboxes and memory of the whole process since it started."""
    reading = _reading(request.app.state.meter, call_of(request).house)
    text, content_type = await asyncio.to_thread(_written, reading)
    return Reply(text, media_type=content_type)


def _reading(meter: Meter, house: House) -> Reading:
    return Reading(
        requests=dict(meter.requests),
        durations={name: ([*timing.counts], timing.seconds) for name, timing in meter.timings.items()},
        refusals=dict(meter.refusals),
        writes=house.activity.writes,
        sandboxes=len(house.all()),
        asleep=house.asleep,
        outbox_lag=house.activity.lag,
    )


def _written(reading: Reading) -> tuple[bytes, str]:
    """The text, and what it is. The first time, this loads the client library: a moment that the loop does not have."""
    from sandbox.control.exposition import CONTENT_TYPE, exposition  # noqa: PLC0415

    return exposition(reading), CONTENT_TYPE


HANDLERS = [metrics]
