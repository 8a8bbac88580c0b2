"""A real json-server 0.17 beside ours, on the same records: what ours is compared with."""

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest


def command() -> list[str]:
    """How json-server is started; skips the test where it cannot be had."""
    npm = pytest.importorskip("benchmarks.npm", reason="run from the repository, where benchmarks/ lies")
    try:
        found: list[str] = npm.json_server_command()
    except npm.AbsentError as error:
        pytest.skip(f"nothing to compare with: json-server cannot be had here ({error})")
    return found


@contextmanager
def json_server(folder: Path, collections: dict[str, Any], *, key: str = "id") -> Iterator[httpx.Client]:
    """json-server on `collections`, its database written into `folder`; `key` identifies records."""
    database = folder / "db.json"
    database.write_text(json.dumps(collections), encoding="utf-8")
    port = _free_port()
    options = ["--port", str(port), "--host", "127.0.0.1", "--quiet", "--id", key, str(database)]
    with subprocess.Popen([*command(), *options], cwd=folder, stdout=subprocess.DEVNULL) as process:
        try:
            _await(process, port)
            # It answers 304 to a second GET of the same: a client that asks anew each time compares bodies.
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                yield client
        finally:
            process.kill()


def _await(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Come back when it takes connections."""
    while True:
        assert process.poll() is None, "json-server ended before it was ready"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            continue
        return


def _free_port() -> int:
    """A port that was free a moment ago: json-server cannot pick one and say so."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
