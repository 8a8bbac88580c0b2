"""Clients that offer to speak another protocol than HTTP/1.1, as Java's do with every request: it is ignored."""

import json
import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from support import VIRTUAL
from wires import connected, read_answer

from sandbox.testing.server import ServerThread

OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAA\r\n"
BODY = b'{"id": "h2c", "name": "of a Java client"}'
CHUNKED = b"7\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (BODY[:7], len(BODY) - 7, BODY[7:])
LENGTH = b"Content-Length: %d\r\n" % len(BODY)


@pytest.fixture(scope="module")
def server() -> Iterator[ServerThread]:
    """A bank behind a real socket."""
    made = ServerThread(VIRTUAL)
    yield made
    made.stop()


@pytest.fixture
def wire(server: ServerThread) -> Iterator[socket.socket]:
    """A connection to it."""
    with connected(server.url) as connection:
        yield connection
        connection.sendall(head("DELETE", "/_sandbox/sandboxes/h2c", b"Connection: close\r\n"))
        while connection.recv(65_536):
            pass


def head(method: str, path: str, headers: bytes = b"") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n".encode() + headers + b"\r\n"


def order(headers: bytes = LENGTH) -> bytes:
    return head("POST", "/_sandbox/sandboxes", b"Content-Type: application/json\r\n" + headers + OFFER)


def answers(wire: socket.socket, count: int) -> list[tuple[int, Any]]:
    """Status and body of so many answers."""
    with wire.makefile("rb") as stream:
        found = [read_answer(stream) for _ in range(count)]
    return [(answer.status, json.loads(answer.body)) for answer in found]


@pytest.mark.parametrize(
    "pieces",
    [
        [order() + BODY],
        [order(), BODY],
        [order()[:60], order()[60:] + BODY[:5], BODY[5:]],
        [order(b"Transfer-Encoding: chunked\r\n") + CHUNKED],
        [order(b"Transfer-Encoding: chunked\r\n"), CHUNKED[:9], CHUNKED[9:]],
        [order(LENGTH + b"Connection: keep-alive\r\n") + BODY],
    ],
    ids=["at once", "head and body", "three pieces", "chunked at once", "chunked", "two connection headers"],
)
def test_the_body_arrives(wire: socket.socket, pieces: list[bytes], caplog: pytest.LogCaptureFixture) -> None:
    for piece in pieces:
        wire.sendall(piece)
    ((status, made),) = answers(wire, 1)
    assert (status, made["id"], made["name"]) == (201, "h2c", "of a Java client")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_body_that_is_waited_for_is_asked_for(wire: socket.socket) -> None:
    wire.sendall(order(LENGTH + b"Expect: 100-continue\r\n"))
    assert wire.recv(1_000).startswith(b"HTTP/1.1 100")
    wire.sendall(BODY)
    assert answers(wire, 1)[0][0] == 201


def test_what_follows_on_the_connection_is_answered_too(wire: socket.socket) -> None:
    plain = head("GET", "/_sandbox/sandboxes/h2c")
    offering = head("GET", "/_sandbox/sandboxes/h2c", OFFER)
    wire.sendall(order() + BODY + offering + plain + offering)
    assert [(status, found["id"]) for status, found in answers(wire, 4)] == [(201, "h2c")] + [(200, "h2c")] * 3


def test_a_websocket_that_is_served_nowhere_is_a_request_like_any_other(wire: socket.socket) -> None:
    offer = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    wire.sendall(head("GET", "/socket.io/", offer))
    ((status, problem),) = answers(wire, 1)
    assert (status, problem["code"]) == (404, "not_found")


def test_a_body_that_is_none_is_refused(server: ServerThread) -> None:
    with connected(server.url) as wire:
        wire.sendall(order(b"Transfer-Encoding: chunked\r\n") + b"nonsense\r\n")
        assert wire.recv(1_000).startswith(b"HTTP/1.1 400")
