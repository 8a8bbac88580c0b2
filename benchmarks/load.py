"""A closed-loop load generator: a few connections, each sending its next request when the last is answered.

It runs as a process of its own (`python -m benchmarks.load`: plan in on stdin, result out on stdout), so that
it shares no interpreter with what it measures. It reports how busy it was: near 100% the figure is its own.
"""

import asyncio
import gc
import subprocess
import sys
import time
import uuid
from collections import Counter
from functools import partial
from typing import cast
from urllib.parse import urlsplit

import msgspec
import uvloop

from benchmarks.paths import ROOT
from benchmarks.wire import HEAD_END, WireError, read_head, request_head

WARM_UP_SECONDS = 0.5
CONNECTIONS = 4


class LoadError(RuntimeError):
    """A run that measured something else than answered requests."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to send, where, and for how long."""

    url: str
    path: str
    seconds: float
    method: str = "GET"
    token: str | None = None
    body: dict[str, object] | None = None
    fresh_key: bool = False
    """Whether each request carries an `Idempotency-Key` of its own."""
    connections: int = CONNECTIONS
    warm_up_seconds: float = WARM_UP_SECONDS


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What came back within the measured seconds."""

    requests: int
    rate: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    answered: int
    """Every answer of the run: warm-up and the last ones under way included."""
    busy: float
    """Share of the time that the generator itself used of one core."""
    failures: dict[str, int]
    first_failure: str = ""


def run(plan: Plan) -> Measured:
    """Carry out a plan in a child process.

    Raises:
        LoadError: an answer was not 2xx, a connection broke, or nothing was answered.
    """
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=msgspec.json.encode(plan),
        capture_output=True,
        cwd=ROOT,
        timeout=plan.seconds + plan.warm_up_seconds + 60,
        check=False,
    )
    if done.returncode:
        message = f"the load generator died:\n{done.stderr.decode(errors='replace')}"
        raise LoadError(message)
    measured = msgspec.json.decode(done.stdout, type=Measured)
    what = f"{plan.method} {plan.url}{plan.path}"
    if measured.failures:
        kinds = ", ".join(f"{count} x {kind}" for kind, count in measured.failures.items())
        message = f"{what}: {kinds} among {measured.answered} answers; the first: {measured.first_failure}"
        raise LoadError(message)
    if not measured.requests:
        message = f"{what}: nothing answered in {plan.seconds} s"
        raise LoadError(message)
    return measured


def percentile(ordered: list[float], share: float) -> float:
    """The nearest-rank percentile of values already in order."""
    rank = max(1, -(-len(ordered) * round(share * 1000) // 1000))
    return ordered[rank - 1]


class _Run:
    """What the connections of one run share."""

    __slots__ = (
        "answered",
        "body",
        "failures",
        "first_failure",
        "from_",
        "head",
        "key_head",
        "keys",
        "latencies",
        "until",
    )

    def __init__(self, plan: Plan) -> None:
        content = msgspec.json.encode(plan.body) if plan.body is not None else b""
        self.head = request_head(
            method=plan.method,
            path=plan.path,
            netloc=urlsplit(plan.url).netloc,
            headers={"Authorization": f"Bearer {plan.token}"} if plan.token else {},
            length=len(content) if plan.body is not None else None,
        )
        self.body = HEAD_END + content
        self.key_head = f"\r\nIdempotency-Key: {uuid.uuid4().hex}-".encode() if plan.fresh_key else b""
        self.keys = 0
        self.latencies: list[float] = []
        self.answered = 0
        self.failures: Counter[str] = Counter()
        self.first_failure = ""
        self.from_ = time.perf_counter() + plan.warm_up_seconds
        self.until = self.from_ + plan.seconds

    def next_request(self) -> bytes:
        """The bytes of one request."""
        if not self.key_head:
            return self.head + self.body
        self.keys += 1
        return b"%b%b%08d%b" % (self.head, self.key_head, self.keys, self.body)

    def answer(self, *, status: int, started: float, now: float, received: bytes) -> None:
        """Count one answer."""
        self.answered += 1
        if not 200 <= status < 300:
            self.fail(str(status), received[-500:].decode(errors="replace"))
        elif self.from_ <= now <= self.until:
            self.latencies.append(now - started)

    def fail(self, kind: str, detail: str) -> None:
        """Count one failure, and keep the first."""
        self.failures[kind] += 1
        self.first_failure = self.first_failure or detail


class _Connection(asyncio.Protocol):
    """One keep-alive connection in its closed loop."""

    __slots__ = ("_length", "_received", "_run", "_started", "_transport", "closed")

    def __init__(self, run: _Run, closed: asyncio.Future[None]) -> None:
        self._run = run
        self._received = b""
        self._length = 0
        self._started = 0.0
        self._transport: asyncio.WriteTransport | None = None
        self.closed = closed

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.WriteTransport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        received = self._received = self._received + data if self._received else data
        if not self._length:
            end = received.find(HEAD_END)
            if end < 0:
                return
            try:
                _, length = read_head(received[:end])
            except WireError as error:
                self._run.fail("protocol", str(error))
                self._close()
                return
            self._length = end + len(HEAD_END) + length
        if len(received) < self._length:
            return
        now = time.perf_counter()
        self._run.answer(status=int(received[9:12]), started=self._started, now=now, received=received)
        if now >= self._run.until:
            self._close()
            return
        self._received, self._length = b"", 0
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._run.fail("connection lost", str(exc))
        if not self.closed.done():
            self.closed.set_result(None)

    def _send(self) -> None:
        assert self._transport is not None
        self._started = time.perf_counter()
        self._transport.write(self._run.next_request())

    def _close(self) -> None:
        assert self._transport is not None
        self._transport.close()
        if not self.closed.done():
            self.closed.set_result(None)


async def _measure(plan: Plan) -> Measured:
    loop = asyncio.get_running_loop()
    host, port = urlsplit(plan.url).hostname, urlsplit(plan.url).port
    assert host is not None
    assert port is not None
    run = _Run(plan)
    cpu, started = time.process_time(), time.perf_counter()
    ends: list[asyncio.Future[None]] = [loop.create_future() for _ in range(plan.connections)]
    for end in ends:
        await loop.create_connection(partial(_Connection, run, end), host, port)
    _, unanswered = await asyncio.wait(ends, timeout=plan.warm_up_seconds + plan.seconds + 30)
    busy = (time.process_time() - cpu) / (time.perf_counter() - started)
    if unanswered:
        run.fail("no answer", f"{len(unanswered)} connections waited 30 s longer than the run")
    ordered = sorted(latency * 1000 for latency in run.latencies) or [0.0]
    return Measured(
        requests=len(run.latencies),
        rate=len(run.latencies) / plan.seconds,
        p50_ms=percentile(ordered, 0.50),
        p95_ms=percentile(ordered, 0.95),
        p99_ms=percentile(ordered, 0.99),
        answered=run.answered,
        busy=busy,
        failures=dict(run.failures),
        first_failure=run.first_failure,
    )


def main() -> None:
    """The child process: read a plan, carry it out, write what was measured."""
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    gc.disable()
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(_measure(plan))))


if __name__ == "__main__":
    main()
