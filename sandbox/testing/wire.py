"""HTTP for tests: requests over kept connections, and answers that are easy to look at. Standard library only.

Any number of threads may share one `Wire`: each request borrows a connection of its own. Nothing here knows the bank.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypedDict
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import Message as HeaderFields

__tracebackhide__ = True  # a failure is shown at the test's own line

USER_AGENT: Final = "sandbank-testing"
"""The same in every version: a sign-in without a device names its device after it, so it enters the digest."""

TIMEOUT_SECONDS: Final = 30.0
"""How long an answer may take. Only a server that hangs gets there."""

_REPEATABLE: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


_SANDBOX: Final = re.compile(r"^/s/[^/]+/")


class Sent(NamedTuple):
    """A request as it was sent."""

    method: str
    path: str
    """With its query, and without the server's address."""
    headers: Mapping[str, str]
    body: bytes | None


class Options(TypedDict, total=False):
    """What may be said of a request besides its method and path."""

    json: object
    params: Mapping[str, object] | None
    headers: Mapping[str, str | None] | None


class RefusedError(Exception):
    """The bank answered with a problem where the test counted on success."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.status: int = answer.status
        """The HTTP status."""
        self.code: str | None = answer.problem
        """The problem's code, such as `insufficient_funds`; None where the answer is no problem."""
        asked, said = _told(answer)
        # Reports show the beginning of a message: the reason comes first.
        super().__init__(f"{said} ({asked})" if answer.problem else f"{asked} {said}")


class ServerGoneError(ConnectionError):
    """No Sandbank answers at this address."""


class Answer:
    """An answer to a request."""

    __slots__ = ("body", "headers", "sent", "status")

    def __init__(self, sent: Sent, status: int, headers: HeaderFields, body: bytes) -> None:
        self.sent = sent
        self.status = status
        self.headers = headers
        """Names in any case: `answer.headers["etag"]`."""
        self.body = body

    def __repr__(self) -> str:
        return f"<Answer {' '.join(_told(self))}>"

    @property
    def ok(self) -> bool:
        """Whether the status is a 2xx."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body, decoded.

        Raises:
            ValueError: it is no JSON.
        """
        return json.loads(self.body)

    @property
    def problem(self) -> str | None:
        """The code of the problem (RFC 9457) that this answer is, such as `user_locked`; None if it is none."""
        if "problem+json" not in self.headers.get("content-type", ""):
            return None
        code: str | None = self.json().get("code")
        return code

    def expect(self, *statuses: int) -> Answer:
        """This answer, if it has one of `statuses` (without any: a 2xx).

        Raises:
            RefusedError: it has another.
        """
        if self.status in statuses or (self.ok and not statuses):
            return self
        raise RefusedError(self)


class Wire:
    """The connections to one server."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT_SECONDS) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url!r} is no address of a server; it looks like http://127.0.0.1:8000")
        self.url = url.rstrip("/")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._prefix = parts.path.rstrip("/")
        self._timeout = timeout
        self._idle: list[http.client.HTTPConnection] = []

    def send(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, object] | None = None,
        headers: Mapping[str, str | None] | None = None,
        wait: float = 0.0,
    ) -> Answer:
        """Send a request and wait for its answer.

        Args:
            method: GET, POST and so on.
            path: from `/` on.
            body: sent as JSON; bytes are sent as they are.
            params: the query.
            headers: one that is None is left out, also where it would be made.
            wait: seconds that the server itself may wait, on top of the timeout.

        Raises:
            ServerGoneError: nobody listens there, or the connection broke.
            TimeoutError: no answer came in time.
        """
        sent = _request(method, path, body=body, params=params, headers=headers)
        kept = self._borrow()
        if kept is not None:
            try:
                return self._over(kept, sent, wait)
            except ServerGoneError:
                # The server may have closed it just now. What may have been carried out is not sent twice.
                if method not in _REPEATABLE and "idempotency-key" not in sent.headers:
                    raise
        return self._over(self._connect(), sent, wait)

    def close(self) -> None:
        """Close the connections that nobody uses. The next request opens a new one."""
        while self._idle:
            self._idle.pop().close()

    def _connect(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        return kind(self._host, self._port, timeout=self._timeout)

    def _borrow(self) -> http.client.HTTPConnection | None:
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread took the last one
                return None
            if _is_open(connection.sock):
                return connection
            connection.close()
        return None

    def _over(self, connection: http.client.HTTPConnection, sent: Sent, wait: float) -> Answer:
        try:
            if connection.sock is None:
                connection.connect()
            connection.sock.settimeout(self._timeout + wait)
            connection.request(sent.method, self._prefix + sent.path, body=sent.body, headers=dict(sent.headers))
            got = connection.getresponse()
            answer = Answer(sent, got.status, got.headers, got.read())
        except TimeoutError:
            connection.close()
            raise TimeoutError(f"{sent.method} {self.url}{sent.path} was not answered in time") from None
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            said = str(error) or type(error).__name__
            raise ServerGoneError(f"no Sandbank answers at {self.url}: {said}") from error
        except BaseException:
            connection.close()
            raise
        if got.will_close:
            connection.close()
        else:
            self._idle.append(connection)
        return answer


def _request(
    method: str,
    path: str,
    *,
    body: object,
    params: Mapping[str, object] | None,
    headers: Mapping[str, str | None] | None,
) -> Sent:
    if params:
        asked = {name: _query_text(value) for name, value in params.items() if value is not None}
        path += ("&" if "?" in path else "?") + urlencode(asked) if asked else ""
    named: dict[str, str | None] = {"user-agent": USER_AGENT}
    data: bytes | None = None
    if isinstance(body, bytes):
        data = body
    elif body is not None:
        data = json.dumps(body, ensure_ascii=False).encode()
        named["content-type"] = "application/json"
    for name, value in (headers or {}).items():
        named[name.lower()] = value
    return Sent(method, path, {name: value for name, value in named.items() if value is not None}, data)


def _query_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_open(kept: socket.socket | None) -> bool:
    """Whether the other side has neither closed an idle connection nor said something that nobody asked for."""
    if kept is None:
        return False
    try:
        kept.settimeout(0)
        kept.recv(1, socket.MSG_PEEK)
    except (BlockingIOError, InterruptedError):
        return True
    except (OSError, ValueError):  # `ValueError`: TLS sockets take no flags
        return False
    return False


def _told(answer: Answer) -> tuple[str, str]:
    """What was asked, with the status; and what was said."""
    asked = f"{answer.sent.method} {re.sub(_SANDBOX, '/', answer.sent.path)} -> {answer.status}"
    code = answer.problem
    if code is None:
        return asked, HTTPStatus(answer.status).phrase if answer.status in set(HTTPStatus) else "is no HTTP status"
    return asked, f"{code}: {answer.json().get('detail')}"
