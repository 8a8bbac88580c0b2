"""A real server for tests: `sandbank serve` in a child process, ready when its ready line is read."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec
from support import PASSWORDS, TINY

HEADERS = {"host": "localhost", "accept-encoding": "identity", "user-agent": "tests"}
"""The same on every port, so that answers do not differ by the port that was free."""


class Served(msgspec.Struct):
    """A running server: where it is, what its ready line said, and its process."""

    url: str
    ready: dict[str, Any]
    pid: int

    def connect(self) -> httpx.Client:
        """A client over a real socket, with connections of its own."""
        return httpx.Client(base_url=self.url, headers=HEADERS, timeout=60)


@contextmanager
def serve(*options: str, **variables: str) -> Iterator[Served]:
    """Serve `seeds/tiny` on a free port; `variables` enter the child's environment."""
    command = [sys.executable, "-m", "sandbox", "serve", str(TINY), "--port", "0", "--json", *options]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SANDBANK_")}
    environment = inherited | {"SANDBANK_IMAGE_CACHE": "false"} | variables
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            line = child.stdout.readline()
            assert line, "the server ended before it was ready"
            ready = json.loads(line)
            yield Served(ready["url"], ready, child.pid)
        finally:
            child.terminate()
            child.wait(timeout=30)


def sign_in(http: httpx.Client, username: str = "fatima", *, at: str = "") -> dict[str, str]:
    """Sign in over HTTP: the headers of whoever did."""
    answer = http.post(f"{at}/v1/auth/login", json={"username": username, "password": PASSWORDS[username]})
    assert answer.status_code == 200, answer.text
    return {"authorization": f"Bearer {answer.json()['access_token']}"}
