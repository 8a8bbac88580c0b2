"""A real server that is stopped while a request waits: it ends soon, and the client gets a problem."""

import json
import socket
from pathlib import Path

import httpx
from processes import serving_process
from support import VIRTUAL
from wires import connected, read_answer

from sandbox.core.clock import elapsed_ms, stopwatch
from sandbox.testing.server import ServerThread

WAIT = b'{"timeout_ms": 60000}'
MAKE = b"POST /_sandbox/sandboxes HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"


def waiting_at(url: str, *, then: bytes = b"") -> socket.socket:
    """A connection whose request the server has begun, and which waits for a minute; `then` follows on it."""
    wire = connected(url)
    head = b"POST /_sandbox/messages/wait HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    wire.sendall(head + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(WAIT))
    assert wire.recv(1_000).startswith(b"HTTP/1.1 100")  # it has begun to read
    wire.sendall(WAIT + then)
    return wire


def assert_cut_off(wire: socket.socket) -> None:
    """All that comes is one problem; then the connection is closed."""
    with wire.makefile("rb") as stream:
        answer = read_answer(stream)
        assert stream.read() == b""
    assert (answer.status, answer.headers["content-type"]) == (503, "application/problem+json")
    assert answer.headers["connection"] == "close"
    problem = json.loads(answer.body)
    assert (problem["code"], problem["request_id"]) == ("server_stopping", answer.headers["x-request-id"])


def test_a_request_that_waits_does_not_keep_a_stopped_server(tmp_path: Path) -> None:
    """A wait may last a minute; who stops a container gives it ten seconds."""
    with (
        serving_process("--port", "0", "--json", home=tmp_path) as server,
        waiting_at(json.loads(server.line())["url"]) as wire,
    ):
        started = stopwatch()
        code, _, _ = server.stop()
        assert elapsed_ms(started) < 20_000
        assert_cut_off(wire)
    assert code == 0


def test_what_follows_on_the_connection_is_not_begun_when_no_archive_keeps_it_any_more(tmp_path: Path) -> None:
    options = ("--port", "0", "--json", "--data-dir", "data")
    with (
        serving_process(*options, home=tmp_path) as server,
        waiting_at(json.loads(server.line())["url"], then=MAKE * 50) as wire,
    ):
        assert server.stop()[0] == 0
        assert_cut_off(wire)
    with serving_process(*options, home=tmp_path) as server:
        listed = httpx.get(f"{json.loads(server.line())['url']}/_sandbox/sandboxes").json()
    assert [sandbox["id"] for sandbox in listed["items"]] == ["default"]


def test_a_server_in_a_thread_tells_whom_it_cuts_off_too() -> None:
    server = ServerThread(VIRTUAL)
    with waiting_at(server.url) as wire:
        server.stop()
        assert_cut_off(wire)
