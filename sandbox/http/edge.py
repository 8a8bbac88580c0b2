"""The edge: the outermost ASGI wrapper, which every request passes before Litestar and every answer after it.

It finds the sandbox, the operation and the actor, answers what needs no door (preflights, OPTIONS, refusals of the
address and of the token), and finishes answers: request id, business time, CORS, HEAD, gzip.
"""

import asyncio
import gzip
import logging
from asyncio import sleep
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote_plus, unquote_to_bytes

from litestar.types import ASGIApp, HTTPResponseStartEvent, HTTPScope, Message, Receive, Scope, Send

from sandbox.core.clock import SECOND, format_instant, stopwatch
from sandbox.core.duration import fixed_duration
from sandbox.core.errors import (
    DomainError,
    Fault,
    InternalError,
    MethodNotAllowedError,
    NotFoundError,
    ValidationFailedError,
)
from sandbox.core.sandbox_errors import ArchiveFailedError, ReadOnlyError, ServerStoppingError
from sandbox.http.auth import authenticate
from sandbox.http.call import Call, attach
from sandbox.http.observing import Observer, Outcome
from sandbox.http.operations import ABOUT_THE_PROCESS, PathTable
from sandbox.http.origins import (
    CONTROL_PREFIX,
    cors_headers,
    cors_origin,
    guard_control_plane,
    is_guarded,
    preflight_headers,
)
from sandbox.http.problems import as_refusal, code_of, problem_body, problem_headers
from sandbox.http.routing import enter_sandbox, named_sandbox, strip_prefix
from sandbox.sandboxes.house import House

if TYPE_CHECKING:
    from sandbox.sandboxes.archive import Archive

_GZIP_FROM_BYTES = 1_024
_GZIP_THREAD_FROM_BYTES = 65_536
"""Compressing more than this takes milliseconds, which the loop must not spend."""

_SINGLE_HEADERS = (b"authorization", b"content-type", b"host", b"idempotency-key", b"if-match", b"x-sandbox")

_CUT_OFF = "The server was stopped before this was answered, and it may have been done. Ask again once it runs again."

_LOG = logging.getLogger("sandbank")


class Edge:
    """Wraps the Litestar application."""

    def __init__(self, app: ASGIApp, *, house: House, table: PathTable, observer: Observer) -> None:
        self._app = app
        self._house = house
        self._table = table
        self._observer = observer
        self._asked = 0
        delay = house.settings.delay or "0"
        self._delay_s = fixed_duration(f"{delay}ms" if delay.isdigit() else delay) / SECOND
        archive = house.archive
        self._archive = archive if archive is not None and archive.durability == "write" else None
        self.stopping = False
        """Whether the server stops: from then on, what it cuts off is answered as a problem."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if cast("str", scope["type"]) != "http":
            await self._app(scope, receive, send)
            return
        started = stopwatch()
        call = Call(cast("HTTPScope", scope), self._house)
        out = _Answer(call, send, self._archive)
        try:
            await self._serve_until_stopped(call, receive, out)
        except Exception:
            # A bug after all that was caught: the server below answers for us.
            out.outcome.status = out.outcome.status or 500
            raise
        finally:
            try:
                self._observer.over(call, out.outcome, started=started)
            finally:
                call.leave()

    async def _serve_until_stopped(self, call: Call, receive: Receive, out: "_Answer") -> None:
        """Serve; where the end of the server cuts that off, the client is told so, unless its answer has begun."""
        try:
            await self._serve(call, receive, out)
        except asyncio.CancelledError:
            if not self.stopping or out.outcome.status is not None:
                raise
            refusal = ServerStoppingError(_CUT_OFF)
            # Or what else the client has sent on this connection would be done now, when no archive keeps it any more.
            refusal.headers["connection"] = "close"
            out.hurry()
            await self._refuse(call, out, refusal)

    async def _serve(self, call: Call, receive: Receive, out: "_Answer") -> None:
        scope = call.scope
        in_path = strip_prefix(call)
        out.origin = cors_origin(call, self._house.settings)
        call.controls = call.path.startswith(CONTROL_PREFIX)
        call.identify(_given_request_id(call) or "")
        method = scope["method"]
        try:
            if method == "OPTIONS":
                self._number(call)
            if method == "OPTIONS" and b"access-control-request-method" in call.headers:
                origin, out.origin = out.origin, None
                await out.send_plain(204, preflight_headers(origin) if origin else [])
                return
            if is_guarded(call.path):
                guard_control_plane(call, self._house.settings)
            if method == "OPTIONS":
                await out.send_plain(204, [(b"allow", self._table.allowed(call.path).encode())])
                return
            if len(call.headers) < len(list(scope["headers"])):
                _require_single_headers(call)
            if self._delay_s and not call.controls:
                await sleep(self._delay_s)
            self._open(call, in_path, method=method)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a problem
            await self._refuse(call, out, error)
            return
        inner = scope | {"path": call.path, "raw_path": call.path.encode(), "method": out.inner_method(method)}
        inner_scope = cast("HTTPScope", inner)
        attach(inner_scope, call)
        await self._app(inner_scope, receive, out)

    def _open(self, call: Call, in_path: str | None, *, method: str) -> None:
        """Find sandbox, operation and actor.

        Raises:
            DomainError: one of them is refused.
        """
        named = named_sandbox(call, in_path=in_path)
        strict = self._house.settings.strict
        try:
            operation = self._table.find(method, call.path)
        except (NotFoundError, MethodNotAllowedError):
            # What is served nowhere is refused in the name of a sandbox all the same.
            enter_sandbox(call, named, scope="house", strict=strict)
            raise
        call.operation = operation
        enter_sandbox(call, named, scope=operation.scope, strict=strict)
        if self._house.settings.read_only:
            _require_no_change(call)
        if operation.roles is not None:
            call.acts(authenticate(call, operation.roles))
        if call.scope["query_string"]:
            _require_known_query(call, operation.query)

    def _number(self, call: Call) -> None:
        """Give an id to a request that brought none and finds no sandbox to draw one from."""
        if not call.request_id:
            self._asked += 1
            call.identify(f"request-{self._asked}")

    async def _refuse(self, call: Call, out: "_Answer", error: Exception) -> None:
        refusal = as_refusal(error)
        if isinstance(refusal, InternalError):
            _LOG.error("the edge failed on %s %s", call.scope["method"], call.path, exc_info=error)
        self._number(call)
        body = problem_body(refusal, call)
        headers = _problem_headers(refusal)
        out.inner_method(call.scope["method"])
        await out.send_plain(refusal.status, headers, body)


class _Answer:
    """Sends an answer: holds its start back until the first bytes are there, then finishes both."""

    __slots__ = ("_archive", "_call", "_ended", "_headless", "_send", "_start", "origin", "outcome")

    def __init__(self, call: Call, send: Send, archive: "Archive | None") -> None:
        self._call = call
        self._send = send
        self._archive = archive
        """What an answer waits for: nobody is told of what a crash could still undo."""
        self._ended = False
        """Whether all has been sent, whatever still comes."""
        self._start: HTTPResponseStartEvent | None = None
        self._headless = False
        self.origin: str | None = None
        self.outcome = Outcome()

    def inner_method(self, method: str) -> str:
        """The method that Litestar sees: HEAD is GET, and its body is dropped here."""
        self._headless = method == "HEAD"
        return "GET" if self._headless else method

    def hurry(self) -> None:
        """Wait for no disk any more."""
        self._archive = None

    async def send_plain(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> None:
        """A whole answer of the edge's own."""
        sized = [*headers, (b"content-length", b"%d" % len(body))] if status != 204 else headers
        await self._out({"type": "http.response.start", "status": status, "headers": sized}, body, more=False)

    async def __call__(self, message: Message) -> None:
        """ASGI send."""
        if self._ended:
            return
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] == "http.response.body" and self._start is not None:
            start, self._start = self._start, None
            await self._out(start, message.get("body", b""), more=message.get("more_body", False))
        elif message["type"] != "http.response.body" or not self._headless:
            if message["type"] == "http.response.body":
                self.outcome.size += len(message.get("body", b""))
            await self._send(message)

    async def _out(self, start: HTTPResponseStartEvent, body: bytes, *, more: bool) -> None:
        call = self._call
        status, headers = start["status"], [*start["headers"]]
        refusal = None if self._archive is None else await _unsettled(call, self._archive)
        if refusal is not None:
            status, headers = refusal.status, _problem_headers(refusal)
            body, more, self._ended = problem_body(refusal, call), False, True
            headers.append((b"content-length", b"%d" % len(body)))
        outcome = self.outcome
        if status >= 400:
            outcome.problem = code_of(headers, body)
        if call.request_id:
            outcome.request_id = call.request_id
            headers.append((b"x-request-id", call.request_id.encode("latin-1")))
        if call.has_root:
            headers.append((b"sandbank-time", format_instant(call.root.now).encode()))
        if self.origin is not None:
            headers += cors_headers(self.origin)
        is_packed = any(name == b"content-encoding" for name, _ in headers)
        if not more and (is_packed or len(body) >= _GZIP_FROM_BYTES):
            headers.append((b"vary", b"Accept-Encoding"))
            if not is_packed and takes_gzip(call):
                body, headers = await _compressed(body, headers)
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        outcome.status = status
        if self._headless:
            body = b""
        outcome.size = len(body)
        await self._send({"type": "http.response.body", "body": body, "more_body": more and not self._headless})


async def _unsettled(call: Call, archive: "Archive") -> DomainError | None:
    """Wait until what a request did, or was told, is on disk; why it is not, if it cannot be written."""
    if call.path in ABOUT_THE_PROCESS or call.sandbox_id is None:
        return None
    try:
        # Who steers may have made or removed other sandboxes than the own one.
        await archive.settled(None if call.controls else call.sandbox_id)
    except ArchiveFailedError as refusal:
        return refusal
    return None


def _problem_headers(refusal: DomainError) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in problem_headers(refusal).items()]


def takes_gzip(call: Call) -> bool:
    """Whether `Accept-Encoding` names gzip and does not refuse it (RFC 9110 section 12.5.3)."""
    for part in (call.header(b"accept-encoding") or "").split(","):
        coding, _, weight = part.partition(";")
        if coding.strip().lower() == "gzip":
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


async def _compressed(body: bytes, headers: list[tuple[bytes, bytes]]) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Gzip with no time in its header, so that equal answers stay equal bytes."""
    if len(body) < _GZIP_THREAD_FROM_BYTES:
        packed = gzip.compress(body, compresslevel=5, mtime=0)
    else:
        packed = await asyncio.to_thread(gzip.compress, body, compresslevel=5, mtime=0)
    kept = [pair for pair in headers if pair[0] != b"content-length"]
    size = (b"content-length", b"%d" % len(packed))
    return packed, [*kept, (b"content-encoding", b"gzip"), size]


def _given_request_id(call: Call) -> str | None:
    """The client's own `X-Request-Id`, when it is fit to be echoed."""
    given = call.header(b"x-request-id")
    return given if given and len(given) <= 128 and given.isascii() and given.isprintable() else None


def _require_no_change(call: Call) -> None:
    """On a read-only server, refuse what would change a bank. Signing in stays possible, rehearsing, and steering."""
    assert call.operation is not None
    if not call.operation.changes_bank or _is_rehearsal(call):
        return
    raise ReadOnlyError(
        "The server was started with --read-only: it answers GET, HEAD, dry runs (?dry_run=true) and /v1/auth."
    )


def _is_rehearsal(call: Call) -> bool:
    """Whether an order only asks what would happen. Where `dry_run` stands twice it is refused later on."""
    assert call.operation is not None
    return call.operation.places_order and b"dry_run=true" in call.scope["query_string"].split(b"&")


def _require_known_query(call: Call, known: frozenset[str] | None) -> None:
    """Name query parameters that the operation does not know, or that stand twice: neither must look like an answer.

    An operation that reads its query itself says so by `None`: only the encoding is looked at here.
    """
    raw = call.scope["query_string"]
    faults = []
    seen: set[str] = set()
    for part in filter(None, raw.split(b"&")):
        name = unquote_plus(part.partition(b"=")[0].decode("latin-1"))
        if known is None:
            pass
        elif name in seen:
            faults.append(Fault(f"?{name}", "repeated_parameter", "stands twice; say it once"))
        elif name not in known:
            allowed = f"known are {', '.join(sorted(known))}" if known else "this operation takes none"
            faults.append(Fault(f"?{name}", "unknown_parameter", f"is not known here; {allowed}"))
        if not _is_utf8(part):
            faults.append(Fault(f"?{name}", "wrong_encoding", "is not percent-encoded UTF-8"))
        seen.add(name)
    if faults:
        raise ValidationFailedError(faults)


def _is_utf8(part: bytes) -> bool:
    try:
        unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        return False
    return True


def _require_single_headers(call: Call) -> None:
    """Refuse a header that decides something and stands twice: taking either would be a guess."""
    names = [name for name, _ in call.scope["headers"]]
    faults = [
        Fault(f"header:{name.decode()}", "repeated_header", "stands twice; send it once")
        for name in _SINGLE_HEADERS
        if names.count(name) > 1
    ]
    if faults:
        raise ValidationFailedError(faults)
