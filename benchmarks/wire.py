"""HTTP/1.1 by hand: just enough of it to time answers with little cost of our own.

Keep-alive and Content-Length only; anything else is an error, never a guess. `Client` is the sequential one,
for set-up, probes and single timings; the load generator in `load` shares the parsing.
"""

import re
import socket
import time
from typing import Self
from urllib.parse import urlsplit

import msgspec

HEAD_END = b"\r\n\r\n"

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)", re.IGNORECASE)
_BODILESS = frozenset({204, 304})


class WireError(RuntimeError):
    """An answer that this client does not understand, or none at all."""


class Answer(msgspec.Struct, frozen=True):
    """One answer and the milliseconds from the first byte sent to the last byte received."""

    status: int
    body: bytes
    ms: float

    def json(self) -> dict[str, object]:
        """The body as a JSON object."""
        return msgspec.json.decode(self.body, type=dict[str, object])


def read_head(head: bytes) -> tuple[int, int]:
    """The status and the length of the body, of everything before the empty line.

    Raises:
        WireError: no HTTP/1.1, or a body without Content-Length.
    """
    if not head.startswith(b"HTTP/1.1 "):
        message = f"no HTTP/1.1 answer: {head[:60]!r}"
        raise WireError(message)
    status = int(head[9:12])
    if status in _BODILESS:
        return status, 0
    found = _LENGTH.search(head)
    if found is None:
        message = f"an answer without Content-Length: {head[:200]!r}"
        raise WireError(message)
    return status, int(found[1])


def request_head(
    *,
    method: str,
    path: str,
    netloc: str,
    headers: dict[str, str],
    length: int | None,
    media_type: str = "application/json",
) -> bytes:
    """Request line and headers, without the empty line that ends them."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {netloc}", "User-Agent: sandbank-benchmarks"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if length is not None:
        lines += [f"Content-Type: {media_type}", f"Content-Length: {length}"]
    return "\r\n".join(lines).encode()


def _content(body: object) -> tuple[bytes, str]:
    """A body's bytes and its media type."""
    if isinstance(body, bytes):
        return body, "application/zip"
    return b"" if body is None else msgspec.json.encode(body), "application/json"


class Client:
    """One connection, one request at a time; reconnects when the server closed it between two requests."""

    __slots__ = ("_netloc", "_place", "_socket", "token")

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._netloc = parts.netloc
        self._place = (parts.hostname, parts.port or 80)
        self._socket: socket.socket | None = None
        self.token: str | None = None
        """Sent as bearer token once set."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def request(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Answer:
        """Send one request and wait for the whole answer. A body of bytes is a zip, any other becomes JSON.

        Raises:
            OSError: nothing listens there, or the connection broke.
            WireError: the answer is beyond this client.
        """
        content, media_type = _content(body)
        head = request_head(
            method=method,
            path=path,
            netloc=self._netloc,
            headers={**self._authorization(), **(headers or {})},
            length=None if body is None else len(content),
            media_type=media_type,
        )
        sent = head + HEAD_END + content
        fresh = self._socket is None
        try:
            return self._exchange(sent)
        except (ConnectionError, WireError):
            self.close()
            # A POST may have been carried out; only a GET on a connection gone stale is worth a repeat.
            if fresh or method != "GET":
                raise
            return self._exchange(sent)

    def expect(
        self,
        status: int,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """`request`, and an error unless the answer has this status.

        Raises:
            WireError: another status, with the beginning of the body.
        """
        answer = self.request(method, path, body, headers)
        if answer.status != status:
            message = f"{method} {path}: {answer.status}, not {status}: {answer.body[:400]!r}"
            raise WireError(message)
        return answer

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _authorization(self) -> dict[str, str]:
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    def _exchange(self, sent: bytes) -> Answer:
        connection = self._connected()
        started = time.perf_counter()
        connection.sendall(sent)
        received = bytearray()
        while (end := received.find(HEAD_END)) < 0:
            self._receive(connection, received)
        status, length = read_head(bytes(received[:end]))
        whole = end + len(HEAD_END) + length
        while len(received) < whole:
            self._receive(connection, received)
        elapsed = (time.perf_counter() - started) * 1000
        return Answer(status, bytes(received[end + len(HEAD_END) : whole]), elapsed)

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(self._place, timeout=60)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def _receive(self, connection: socket.socket, received: bytearray) -> None:
        chunk = connection.recv(65536)
        if not chunk:
            raise WireError("the server closed the connection before its answer was complete")
        received += chunk
