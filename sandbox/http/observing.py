"""What is told of each request once it is over: a count for the metrics, and the facts of its line in the access log.

Here the facts are only gathered, since every request passes: whoever asked for the lines makes text of them elsewhere,
and nobody did where the application is embedded or tested. Nothing that a client keeps secret is gathered at all:
no header but the request's id, no body.
"""

from collections.abc import Callable

import msgspec

from sandbox.core.clock import Instant, stopwatch, wall_time
from sandbox.http.call import Call
from sandbox.http.meter import NO_OPERATION, Meter

__all__ = ["LEFT", "AccessLog", "Observer", "Outcome", "RequestLine"]

LEFT = 499
"""The status that is told, and sent to nobody, where the client left before its request was whole. No standard has one;
web servers and proxies use this."""


class RequestLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One request, as it is told in the log. Path and query are as they were asked: percent-encoded, never decoded."""

    at: Instant
    sandbox: str | None
    operation: str | None
    method: str
    path: bytes
    query: bytes
    status: int | None
    problem: str | None
    actor: str | None
    request_id: str | None
    write_number: int | None
    seconds: float
    size: int


AccessLog = Callable[[RequestLine], None]
"""Takes a line; it is called on the event loop, so it must not wait for anything."""


class Outcome:
    """What became of a request: its answer, as far as it was sent."""

    __slots__ = ("problem", "request_id", "size", "status")

    def __init__(self) -> None:
        self.status: int | None = None
        """None as long as nothing was answered."""
        self.problem: str | None = None
        """The code of the refusal, if it was one."""
        self.request_id: str | None = None
        self.size = 0
        """Bytes of the body that were sent, packed ones where it was packed."""


class Observer:
    """Told of every request by the edge."""

    __slots__ = ("_log", "_meter")

    def __init__(self, meter: Meter, log: AccessLog | None) -> None:
        self._meter = meter
        self._log = log

    def over(self, call: Call, outcome: Outcome, *, started: float) -> None:
        """A request is over; `started` is the stopwatch's reading at its start, and its sandbox is not left yet."""
        seconds = stopwatch() - started
        status, problem = (LEFT, None) if call.left else (outcome.status, outcome.problem)
        operation = None if call.operation is None else call.operation.operation_id
        method = call.scope["method"]
        self._meter.add(operation or NO_OPERATION, method, status, problem=problem, seconds=seconds)
        if self._log is None:
            return
        self._log(
            RequestLine(
                at=wall_time(),
                sandbox=call.sandbox_id,
                operation=operation,
                method=method,
                path=call.asked,
                query=call.scope["query_string"],
                status=status,
                problem=problem,
                actor=call.username,
                request_id=outcome.request_id,
                write_number=call.root.write_number if call.has_root else None,
                seconds=seconds,
                size=outcome.size,
            )
        )
