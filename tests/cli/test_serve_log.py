"""The log of a real `sandbank serve`: its lines, its silence, and a stderr that nobody reads."""

import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from processes import TIMEOUT_SECONDS, Server, environment, free_port, sandbank, serving_process
from support import PASSWORDS

from sandbox.cli.logs.output import KEPT_LINES
from sandbox.http.observing import LEFT

JSON = ("--json", "--port", "0")
LOG = ("--log-format", "json", "--log-level", "info")


def url_of(server: Server) -> str:
    return str(json.loads(server.line())["url"])


def lines_of(server: Server) -> list[dict[str, Any]]:
    """The log, once the server has ended well."""
    code, _, err = server.stop()
    assert code == 0, err
    return [json.loads(line) for line in err.splitlines()]


def ask_fifty(wire: socket.socket, path: str) -> None:
    """Fifty requests at once for what there is not; back when all fifty have their answer."""
    wire.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 50)
    seen = b""
    while seen.count(b'"request_id"') < 50:
        piece = wire.recv(65_536)
        assert piece, "the server closed the connection"
        seen += piece


def test_each_request_is_a_line_and_no_secret_stands_in_any(tmp_path: Path) -> None:
    with serving_process(*JSON, *LOG, home=tmp_path) as server:
        url = url_of(server)
        body = {"username": "fatima", "password": PASSWORDS["fatima"]}
        tokens = httpx.post(f"{url}/v1/auth/login", json=body).json()
        headers = {"authorization": f"Bearer {tokens['access_token']}", "idempotency-key": "key-of-the-order"}
        for path in ("/v1/accounts", "/v1/accounts/none", f"/nowhere/{tokens['access_token']}"):
            httpx.get(f"{url}{path}", headers=headers)
        httpx.get(f"{url}/_sandbox/messages?to=%2B96599001234")
        httpx.get(f"{url}/_sandbox/health")
        httpx.get(f"{url}/_sandbox/metrics")
        code, _, err = server.stop()
    assert code == 0
    told = [json.loads(line) for line in err.splitlines()]
    assert [(line["operation"], line["status"], line["actor"]) for line in told] == [
        ("login", 200, None),
        ("listAccounts", 200, "fatima"),
        ("getAccount", 404, "fatima"),
        (None, 404, None),
        ("listMessages", 200, None),
    ]
    for secret in (PASSWORDS["fatima"], tokens["access_token"], tokens["refresh_token"], "key-of-the-order", "9659900"):
        assert secret not in err


def test_by_default_lines_are_for_people_and_go_to_stderr(tmp_path: Path) -> None:
    with serving_process("--port", "0", home=tmp_path, variables={"SANDBANK_LOG_LEVEL": "info"}) as server:
        banner = server.until("curl -s -X POST")
        url = next(line for line in banner if line.startswith("  http")).split()[0]
        httpx.get(f"{url}/_sandbox/info")
        code, out, err = server.stop()
    assert (code, out) == (0, "")
    (line,) = err.splitlines()
    assert " info    GET /_sandbox/info 200 " in line
    assert "\x1b" not in line, "a pipe gets no colours"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
def test_a_banner_that_cannot_be_written_is_no_reason_not_to_serve(tmp_path: Path) -> None:
    port = str(free_port())
    with (
        Path("/dev/full").open("w", encoding="utf-8") as full,
        subprocess.Popen(
            [sys.executable, "-m", "sandbox", "serve", "tiny", "--port", port],
            cwd=tmp_path,
            env=environment(tmp_path),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert sandbank("health", "--url", f"http://127.0.0.1:{port}", "--wait", "30", home=tmp_path).returncode == 0
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=TIMEOUT_SECONDS)
    assert process.returncode == 0
    assert "the banner could not be written to stdout: No space left on device" in said
    assert "Traceback" not in said


def test_a_garbled_request_and_a_client_that_leaves_are_told_like_all_else(tmp_path: Path) -> None:
    with serving_process(*JSON, *LOG, home=tmp_path) as server:
        address = ("127.0.0.1", int(url_of(server).rpartition(":")[2]))
        with socket.create_connection(address, timeout=TIMEOUT_SECONDS) as wire:
            wire.sendall(b"nonsense\r\n\r\n")
            wire.recv(1_000)
        with socket.create_connection(address, timeout=TIMEOUT_SECONDS) as wire:
            head = b"POST /v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            wire.sendall(head + b"Content-Length: 90\r\nExpect: 100-continue\r\n\r\n")
            assert wire.recv(1_000).startswith(b"HTTP/1.1 100")
        with httpx.Client(base_url=f"http://127.0.0.1:{address[1]}") as http:
            end = time.monotonic() + TIMEOUT_SECONDS
            while f'status="{LEFT}"' not in http.get("/_sandbox/metrics").text:
                assert time.monotonic() < end
                time.sleep(0.01)
        first, second = lines_of(server)
    assert (first["logger"], first["level"]) == ("uvicorn.error", "warning")
    assert first["event"] == "Invalid HTTP request received."
    assert (second["event"], second["operation"], second["status"]) == ("request", "login", LEFT)


def test_warnings_of_the_start_are_events_too_where_programs_read(tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "mine.yml").write_text("", encoding="utf-8")
    with serving_process(*JSON, *LOG, home=tmp_path) as server:
        url_of(server)
        (line,) = lines_of(server)
    assert (line["level"], line["event"]) == (
        "warning",
        "scenarios/mine.yml: is not read; a scenario's file ends in .yaml",
    )


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_stderr_that_nobody_reads_holds_nobody_up(tmp_path: Path, log_format: str) -> None:
    # Such a line takes more than two kilobytes: a pipe is full after thirty of them.
    path = "/_sandbox/health/" + "x" * 2_000
    asked = KEPT_LINES + 2_000
    command = [sys.executable, "-m", "sandbox", "serve", *JSON, "--log-format", log_format, "--log-level", "info"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=TIMEOUT_SECONDS) as wire:
                for _ in range(asked // 50):
                    ask_fifty(wire, path)
            started = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(TIMEOUT_SECONDS) == 0
            assert time.monotonic() - started < TIMEOUT_SECONDS / 4
        finally:
            if process.poll() is None:
                process.kill()


def test_once_somebody_reads_again_the_dropped_lines_are_counted(tmp_path: Path) -> None:
    path = "/_sandbox/health/" + "x" * 2_000
    asked = (KEPT_LINES + 2_000) // 50 * 50
    with serving_process(*JSON, *LOG, home=tmp_path) as server:
        port = int(url_of(server).rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS) as wire:
            for _ in range(asked // 50):
                ask_fifty(wire, path)
        errors = server.errors
        told: list[dict[str, Any]] = []
        while not told or told[-1]["event"] == "request":
            told.append(json.loads(errors.readline()))
        assert server.stop()[0] == 0
    assert told[-1]["level"] == "warning"
    assert told[-1]["event"] == "lines of the log were dropped, since nobody read them"
    assert told[-1]["count"] == asked - (len(told) - 1) > 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal to open")
@pytest.mark.parametrize(
    ("variables", "coloured"), [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False)]
)
def test_a_terminal_gets_colours_unless_it_wants_none(
    tmp_path: Path, variables: dict[str, str], *, coloured: bool
) -> None:
    here, there = pty.openpty()
    quiet = {name: value for name, value in environment(tmp_path, **variables).items() if name != "NO_COLOR"}
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox", "serve", *JSON, "--log-level", "info"],
        cwd=tmp_path,
        env=quiet | variables,
        stdout=subprocess.PIPE,
        stderr=there,
        text=True,
    ) as process:
        try:
            os.close(there)
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            httpx.get(f"{url}/_sandbox/info")
            line = ""
            while "/_sandbox/info" not in line or not line.endswith("\n"):
                assert select.select([here], [], [], TIMEOUT_SECONDS)[0], f"nothing more was written after {line!r}"
                line += os.read(here, 10_000).decode()
        finally:
            process.terminate()
            process.wait(TIMEOUT_SECONDS)
            os.close(here)
    assert ("\x1b[" in line) is coloured
