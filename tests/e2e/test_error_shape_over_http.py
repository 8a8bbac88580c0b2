"""Refusals over a real socket: what reaches us is a problem; what is no HTTP is the plain 400 that the page tells of.

What is asked here no HTTP client would send, so it is written to the socket byte by byte.
"""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from pages import REPOSITORY, text_of
from processes import Server, serving_process
from wires import Answer, connected, read_answer

from sandbox.core.catalogue import catalogue

HOST = b"Host: localhost\r\n"
LOGIN = b"POST /v1/auth/login HTTP/1.1\r\nContent-Type: application/json\r\n" + HOST
CLOSE = HOST + b"Connection: close\r\n"
HANDSHAKE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + HOST
)


class Running(NamedTuple):
    """A running server and its port."""

    process: Server
    port: int


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server of `seeds/tiny`."""
    with serving_process("--json", "--port", "0", home=tmp_path_factory.mktemp("home")) as process:
        yield Running(process, int(json.loads(process.line())["url"].rpartition(":")[2]))


def exchange(port: int, raw: bytes) -> Answer:
    """Send bytes, read one answer."""
    with connected(f"http://127.0.0.1:{port}") as wire:
        wire.sendall(raw)
        return read_answer(wire.makefile("rb"))


NO_HTTP = {
    "no request line": b"garbage\r\n\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a method that HTTP has not": b"BREW /v1/accounts HTTP/1.1\r\n" + CLOSE + b"\r\n",
    "a path that is not ASCII": "GET /v1/ط HTTP/1.1\r\n".encode() + CLOSE + b"\r\n",
    "NUL in the path": b"GET /v1/a\x00b HTTP/1.1\r\n" + CLOSE + b"\r\n",
    "a path of 100 KB": b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n" + CLOSE + b"\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
    "a length that is no number": LOGIN + b"Content-Length: x\r\n\r\n{}",
    "two lengths": LOGIN + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length and chunks": LOGIN + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a chunk without a size": LOGIN + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", NO_HTTP)
def test_what_is_no_http_is_the_plain_400_of_the_page(running: Running, name: str) -> None:
    answer = exchange(running.port, NO_HTTP[name])
    assert (answer.status, answer.body) == (400, b"Invalid HTTP request received.")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["connection"] == "close"
    assert "x-request-id" not in answer.headers
    page = " ".join(text_of("docs/problems.md").split())
    assert "400 with the plain text `Invalid HTTP request received.`" in page


REACHES_US = {
    "HTTP/1.0": (b"GET /nowhere HTTP/1.0\r\n\r\n", "not_found"),
    "no host": (b"GET /_sandbox/info HTTP/1.1\r\n\r\n", "host_not_allowed"),
    "the whole address": (b"GET http://localhost/v1/accounts HTTP/1.1\r\n" + CLOSE + b"\r\n", "unauthenticated"),
    "an asterisk": (b"OPTIONS * HTTP/1.1\r\n" + CLOSE + b"\r\n", "not_found"),
    "TRACE": (b"TRACE / HTTP/1.1\r\n" + CLOSE + b"\r\n", "method_not_allowed"),
    "two slashes": (b"GET //evil.example/v1 HTTP/1.1\r\n" + CLOSE + b"\r\n", "not_found"),
    "a path of 60 KB": (b"GET /" + b"x" * 60_000 + b" HTTP/1.1\r\n" + CLOSE + b"\r\n", "not_found"),
    "a header of 200 KB": (b"GET /v1/accounts HTTP/1.1\r\nX-Big: " + b"x" * 200_000 + b"\r\n\r\n", "unauthenticated"),
    "a large body to come": (LOGIN + b"Content-Length: 99999999\r\n\r\n{", "body_too_large"),
    "a body that is waited for": (
        LOGIN + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
        "validation_failed",
    ),
    "a WebSocket": (b"GET /v1/accounts HTTP/1.1\r\n" + HANDSHAKE + b"\r\n", "unauthenticated"),
    "a WebSocket to nowhere": (b"GET /socket HTTP/1.1\r\n" + HANDSHAKE + b"\r\n", "not_found"),
}


@pytest.mark.parametrize("name", REACHES_US)
def test_what_is_http_is_a_problem(running: Running, name: str) -> None:
    raw, code = REACHES_US[name]
    answer = exchange(running.port, raw)
    assert_problem_of(answer, code)


def assert_problem_of(answer: Answer, code: str) -> None:
    """The answer is that problem."""
    body = json.loads(answer.body)
    assert (body["code"], body["status"], answer.status) == (code, catalogue()[code].status, catalogue()[code].status)
    assert body["type"] == f"/problems/{code}"
    assert body["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_client_that_goes_away_in_the_middle_of_a_body_is_no_failure_of_the_server(tmp_path: Path) -> None:
    with serving_process("--json", "--port", "0", home=tmp_path) as process:
        port = int(json.loads(process.line())["url"].rpartition(":")[2])
        for path, kind in (("/v1/auth/login", "application/json"), ("/_sandbox/import", "application/zip")):
            head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: 20\r\n\r\n"
            with socket.create_connection(("127.0.0.1", port), timeout=30) as wire:
                wire.sendall(head.encode() + b"{}")
        assert_problem_of(exchange(port, b"GET /nowhere HTTP/1.1\r\n" + CLOSE + b"\r\n"), "not_found")
        code, _, told = process.stop()
    assert (code, told) == (0, "")


def test_a_websocket_library_that_is_installed_changes_no_answer(tmp_path: Path) -> None:
    libraries = tmp_path / "libraries"
    for name in ("websockets", "wsproto"):
        (libraries / name).mkdir(parents=True)
        (libraries / name / "__init__.py").write_text("", encoding="utf-8")
    path = os.pathsep.join([str(REPOSITORY), str(libraries)])
    with serving_process("--json", "--port", "0", home=tmp_path, variables={"PYTHONPATH": path}) as process:
        port = int(json.loads(process.line())["url"].rpartition(":")[2])
        assert_problem_of(exchange(port, REACHES_US["a WebSocket"][0]), "unauthenticated")
