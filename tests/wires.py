"""A bare connection to a server, for what no HTTP client sends."""

import socket
from typing import IO

import msgspec
from processes import TIMEOUT_SECONDS


class Answer(msgspec.Struct):
    """An answer as it came; names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def connected(url: str) -> socket.socket:
    """A connection to the server at a loopback URL; each piece that is sent leaves at once."""
    wire = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=TIMEOUT_SECONDS)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return wire


def read_answer(stream: IO[bytes]) -> Answer:
    """The next answer; interim ones (100) are passed over."""
    status = 100
    while status == 100:
        status = int(stream.readline().split()[1])
        headers = {}
        while line := stream.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
    return Answer(status, headers, stream.read(int(headers.get("content-length", "0"))))
