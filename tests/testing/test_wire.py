"""The wire: kept connections that break, servers that are not there."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sandbox.testing import Sandbank
from sandbox.testing.wire import ServerGoneError, Wire

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@contextmanager
def server(*connections: list[bytes]) -> Iterator[tuple[Wire, list[bytes]]]:
    """A server that gives each connection its answers, one for each request, and then hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))
    asked: list[bytes] = []

    def serve() -> None:
        for answers in connections:
            peer, _ = listener.accept()
            with peer:
                for answer in answers:
                    asked.append(peer.recv(65536))
                    peer.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    wire = Wire(f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout=20)
    try:
        yield wire, asked
    finally:
        wire.close()
        thread.join()
        listener.close()


def test_a_connection_is_kept() -> None:
    with server([OK, OK, OK]) as (wire, asked):
        assert [wire.send("POST", f"/{n}").text for n in range(3)] == ["ok", "ok", "ok"]
    assert len(asked) == 3


def test_one_that_the_server_closed_is_opened_again() -> None:
    with server([OK], [OK], [OK]) as (wire, asked):
        for n in range(3):
            assert wire.send("GET", f"/{n}").status == 200
    assert len(asked) == 3


def test_one_that_breaks_is_tried_again_where_that_is_safe() -> None:
    with server([OK, b""], [OK, b""], [OK]) as (wire, asked):
        wire.send("GET", "/1")
        assert wire.send("GET", "/2").text == "ok"
        assert wire.send("POST", "/3", headers={"Idempotency-Key": "k"}).text == "ok"
    assert [line.split()[1] for line in asked] == [b"/1", b"/2", b"/2", b"/3", b"/3"]


def test_an_order_without_a_key_is_never_sent_twice() -> None:
    with server([OK, b""]) as (wire, asked):
        wire.send("GET", "/1")
        with pytest.raises(ServerGoneError):
            wire.send("POST", "/2")
    assert len(asked) == 2


def test_an_answer_that_says_so_ends_the_connection() -> None:
    closing = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nbye"
    with server([closing], [OK]) as (wire, _):
        assert wire.send("GET", "/").text == "bye"
        assert wire.send("GET", "/").text == "ok"


def test_a_path_before_the_server_is_kept() -> None:
    with server([OK]) as (wire, asked):
        within = Wire(f"{wire.url}/bank/")
        assert within.send("GET", "/v1", params={"a": "x y", "b": None, "c": True}).status == 200
        within.close()
    assert asked[0].startswith(b"GET /bank/v1?a=x+y&c=true HTTP/1.1\r\n")


def test_nobody_there_is_said() -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    taken.close()
    with pytest.raises(ServerGoneError, match=f"no Sandbank answers at http://127.0.0.1:{port}: "):
        Sandbank(f"http://127.0.0.1:{port}").info()


def test_a_server_that_hangs_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        wire = Wire(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.05)
        with pytest.raises(TimeoutError, match=r"GET .*/slow was not answered in time"):
            wire.send("GET", "/slow")


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://bank", "", "http://"])
def test_what_is_no_address_is_said(url: str) -> None:
    with pytest.raises(ValueError, match="is no address of a server"):
        Sandbank(url)
