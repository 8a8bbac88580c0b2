"""`sandbank health`: says whether a server answers, waits for one, and never takes another for ours."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from processes import environment, free_port, sandbank, serving_process

from sandbox.cli import main
from sandbox.cli.health import _own_url
from sandbox.core.clock import elapsed_ms, stopwatch
from sandbox.core.settings import Settings


def health(*arguments: str, **variables: str) -> Result:
    return CliRunner().invoke(main, ["health", *arguments], env=variables)


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """Some other server: its URL."""

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    other = HTTPServer(("127.0.0.1", 0), Other)
    thread = threading.Thread(target=other.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{other.server_port}"
    finally:
        other.shutdown()
        thread.join()
        other.server_close()


def test_a_server_is_asked_where_the_settings_say_whatever_else_they_ask_for(tmp_path: Path) -> None:
    port = str(free_port())
    variables = {"SANDBANK_HOST": "0.0.0.0", "SANDBANK_PORT": port, "SANDBANK_STRICT": "true"}
    with serving_process("--json", home=tmp_path, variables=variables) as server:
        server.line()
        ended = sandbank("health", home=tmp_path, variables=variables | {"http_proxy": "http://127.0.0.1:1"})
        assert (ended.returncode, ended.stdout) == (0, f"http://127.0.0.1:{port} is ready\n")
        assert health("--url", f"http://127.0.0.1:{port}/").exit_code == 0
        assert health("--url", f"http://localhost:{port}/s/default").exit_code == 0
    gone = sandbank("health", home=tmp_path, variables=variables)
    assert (gone.returncode, gone.stdout) == (1, "")
    assert gone.stderr == f"Error: http://127.0.0.1:{port} is not ready: Connection refused\n"


def test_a_server_that_starts_later_is_waited_for(tmp_path: Path) -> None:
    variables = {"SANDBANK_PORT": str(free_port())}
    command = [sys.executable, "-m", "sandbox", "health", "--wait", "50"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(tmp_path, **variables), stdout=subprocess.PIPE, text=True
    ) as waiting:
        with serving_process("--json", home=tmp_path, variables=variables) as server:
            server.line()
            out, _ = waiting.communicate(timeout=60)
        assert (waiting.returncode, out) == (0, f"http://127.0.0.1:{variables['SANDBANK_PORT']} is ready\n")


def test_waiting_ends() -> None:
    begun = stopwatch()
    ended = health("--url", f"http://127.0.0.1:{free_port()}", "--wait", "0.3")
    assert (ended.exit_code, elapsed_ms(begun) >= 300) == (1, True)
    assert "is not ready within 0.3 s: Connection refused" in ended.stderr


@pytest.mark.parametrize("host", ["a..b", "x" * 70])
def test_a_host_that_can_be_none_is_told_in_a_line(host: str) -> None:
    ended = CliRunner().invoke(main, ["health", "--url", f"http://{host}"])
    assert ended.exit_code == 1
    assert f"Error: http://{host} is not ready: " in ended.stderr
    assert "Traceback" not in ended.output


def test_a_server_that_says_nothing_is_not_ready() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ended = health("--url", f"http://127.0.0.1:{silent.getsockname()[1]}", "--timeout", "0.1")
    assert (ended.exit_code, "no answer within 0.1 s" in ended.stderr) == (1, True)


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (404, b"not here", "is answered with 404; is it Sandbank?"),
        (302, b"", "is answered with 302"),
        (503, b'{"status":"ok"}', "is answered with 503"),
        (200, b"<html>", "is not answered as Sandbank does"),
        (200, b"[]", "is not answered as Sandbank does"),
        (200, b'{"status":"down"}', "is not answered as Sandbank does"),
        (200, b"\xff", "is not answered as Sandbank does"),
    ],
)
def test_another_server_is_not_taken_for_ours(status: int, body: bytes, told: str) -> None:
    with answering(status, body) as url:
        ended = health("--url", url)
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert told in ended.stderr


def test_what_is_no_http_at_all_is_not_ready() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def chatter() -> None:
            line, _ = listener.accept()
            line.recv(1_000)
            line.sendall(b"220 mail.example ESMTP\r\n")
            line.close()

        thread = threading.Thread(target=chatter)
        thread.start()
        ended = health("--url", f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()
    assert (ended.exit_code, "Traceback" in ended.output) == (1, False)
    assert "220 mail.example" in ended.stderr


@pytest.mark.parametrize(
    "url",
    ["", "127.0.0.1:8000", "ftp://127.0.0.1", "http://", "http://[::1", "http://a:99999", "http://a:0", "http://a b",
     "http://a?x=1", "http://me@a", "http://سند"],
)  # fmt: skip
def test_what_is_no_servers_url_is_a_mistake(url: str) -> None:
    ended = health("--url", url)
    assert ended.exit_code == 2
    assert "--url: " in ended.stderr
    assert "http://127.0.0.1:8000" in ended.stderr


@pytest.mark.parametrize("arguments", [("--wait", "-1"), ("--wait", "soon"), ("--timeout", "0")])
def test_seconds_that_cannot_be_are_mistakes(arguments: tuple[str, str]) -> None:
    assert health(*arguments).exit_code == 2


def test_settings_that_are_wrong_are_named() -> None:
    ended = health(SANDBANK_PROT="1")
    assert (ended.exit_code, "did you mean SANDBANK_PORT?" in ended.stderr) == (2, True)


def test_a_port_that_was_left_open_cannot_be_known() -> None:
    ended = health(SANDBANK_PORT="0")
    assert (ended.exit_code, "--url" in ended.stderr) == (2, True)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("::1", "http://[::1]:8000"),
        ("bank.internal", "http://bank.internal:8000"),
    ],
)
def test_where_a_server_listens_is_where_it_is_asked(host: str, url: str) -> None:
    assert _own_url(Settings(host=host)) == url


def test_it_loads_little(tmp_path: Path) -> None:
    code = (
        "import json, sys\nfrom sandbox.cli import main\n"
        "main(['health', '--url', 'http://127.0.0.1:1'], standalone_mode=False)"
    )
    watched = "import atexit, json, sys\natexit.register(lambda: print(json.dumps(sorted(sys.modules))))\n" + code
    ended = subprocess.run(
        [sys.executable, "-c", watched],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    loaded = set(json.loads(ended.stdout))
    assert "http.client" in loaded
    assert not loaded & {"litestar", "sqlalchemy", "uvicorn", "cryptography", "yaml", "numpy"}
