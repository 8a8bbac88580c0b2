"""The image of the Dockerfile, run as a container runs it: another user, a read-only root, no capabilities.

There is no engine here: what its steps make lies in a folder, and a mount namespace plays the container.
"""

import json
import os
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from packaged import USER, Packaged, confined
from processes import free_port

TOKEN = "a-control-token-of-a-test"
LOGIN = {"username": "fatima", "password": "Fatima-2026!"}
SECONDS = 120


class Container:
    """A running server of the image."""

    def __init__(self, child: "subprocess.Popen[str]", port: int, home: Path) -> None:
        self.child = child
        self.url = f"http://127.0.0.1:{port}"
        self._errors = home / "stderr"

    def stop(self) -> int:
        """End it as `docker stop` does; its exit code."""
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(SECONDS)

    def errors(self) -> str:
        """What it said on stderr."""
        return self._errors.read_text(encoding="utf-8")


def command(packaged: Packaged, words: list[str], *, volume: Path | None = None) -> list[str]:
    """Words in exec form as they are run in the container: the image's PATH finds the program."""
    for folder in packaged.environment["PATH"].split(":"):
        program = Path(folder) / words[0]
        if program.is_file():
            return [*confined(packaged, volume), str(program), *words[1:]]
    raise AssertionError(f"{words[0]} is not on the PATH of the image")


def run(packaged: Packaged, words: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """Run something in the container to its end."""
    return subprocess.run(
        command(packaged, words),
        cwd=packaged.build.place("/bank"),
        env=packaged.environment | variables,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@contextmanager
def container(
    packaged: Packaged, home: Path, variables: Mapping[str, str] = {}, *, volume: Path | None = None
) -> Iterator[Container]:
    """`docker run` of the image: its entry point, its command and its environment, on a free port."""
    image = packaged.build.stages[-1]
    words = [*image.last("ENTRYPOINT").words, *image.last("CMD").words]
    port = free_port()
    own = {"SANDBANK_PORT": str(port), "SANDBANK_CONTROL_TOKEN": TOKEN, "SANDBANK_LOG_LEVEL": "warning"}
    given = packaged.environment | own | dict(variables)
    with (
        (home / "stderr").open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            command(packaged, words, volume=volume),
            cwd=packaged.build.place("/bank"),
            env=given,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as child,
    ):
        last = threading.Timer(SECONDS, child.kill)
        last.start()
        assert child.stdout is not None
        try:
            line = child.stdout.readline()
            made = Container(child, port, home)
            assert line.startswith("Sandbank "), made.errors()
            yield made
        finally:
            last.cancel()
            if child.poll() is None:
                child.kill()


def healthcheck(packaged: Packaged) -> list[str]:
    """The command of HEALTHCHECK."""
    check = packaged.build.stages[-1].last("HEALTHCHECK").rest
    words: list[str] = json.loads(check.removeprefix("CMD "))
    return words


def baked(packaged: Packaged) -> dict[str, tuple[int, int]]:
    """The cache of the image: its files, with size and time."""
    cache = packaged.build.place("/opt/sandbank/cache")
    return {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in cache.rglob("*.image")}


def test_the_container_is_confined_where_it_can_be(packaged: Packaged) -> None:
    if not confined(packaged):
        pytest.skip("needs root, unshare and setpriv; the other tests run as whoever runs them")
    script = 'id -u; for place in "$@"; do touch "$place/made" 2> /dev/null && echo "$place"; done; true'
    places = ["/", "/usr", str(packaged.home), *map(str, map(packaged.build.place, ("/opt/sandbank", "/bank")))]
    told = run(packaged, ["sh", "-c", script, "sh", *places, packaged.environment["TMPDIR"]])
    assert told.stdout.split() == [str(USER), packaged.environment["TMPDIR"]]


def test_it_serves_is_healthy_and_asks_for_its_token(packaged: Packaged, tmp_path: Path) -> None:
    before = baked(packaged)
    with container(packaged, tmp_path) as bank:
        port = bank.url.rpartition(":")[2]
        asked = run(packaged, healthcheck(packaged), SANDBANK_PORT=port)
        assert (asked.returncode, asked.stderr) == (0, "")
        assert asked.stdout == f"{bank.url} is ready\n"
        token = httpx.post(f"{bank.url}/v1/auth/login", json=LOGIN).json()["access_token"]
        accounts = httpx.get(f"{bank.url}/v1/accounts", headers={"authorization": f"Bearer {token}"})
        assert accounts.status_code == 200
        assert httpx.get(f"{bank.url}/_sandbox/info").json()["code"] == "control_token_required"
        steering = {"sandbank-control-token": TOKEN}
        assert httpx.get(f"{bank.url}/_sandbox/info", headers=steering).json()["ecosystem"] == "kuwait"
        forked = httpx.post(f"{bank.url}/_sandbox/sandboxes", headers=steering, json={"id": "t1"})
        assert forked.status_code == 201
        assert bank.stop() == 0
        assert bank.errors() == ""
    assert run(packaged, healthcheck(packaged), SANDBANK_PORT=port).returncode == 1
    assert baked(packaged) == before


def test_names_of_other_services_are_let_in_where_they_are_named(packaged: Packaged, tmp_path: Path) -> None:
    headers = {"sandbank-control-token": TOKEN, "host": "sandbank:8000"}
    with container(packaged, tmp_path, {"SANDBANK_ALLOWED_HOSTS": "sandbank"}) as bank:
        assert httpx.get(f"{bank.url}/_sandbox/info", headers=headers).status_code == 200
        other = headers | {"host": "elsewhere:8000"}
        assert httpx.get(f"{bank.url}/_sandbox/info", headers=other).json()["code"] == "host_not_allowed"


def test_the_baked_images_are_the_ones_that_are_asked_for(packaged: Packaged) -> None:
    assert sorted(name.partition("-")[0] for name in baked(packaged)) == ["kuwait", "tiny"]
    told = run(packaged, ["sandbank", "ecosystem", "compile", "kuwait", "tiny"])
    assert (told.returncode, told.stderr) == (0, "")
    assert [line.partition(", ")[0] for line in told.stdout.splitlines()] == [
        "kuwait: is in the cache already",
        "tiny: is in the cache already",
    ]


def test_files_with_the_times_of_a_layer_find_the_baked_images_too(packaged: Packaged) -> None:
    """Layers keep times to the second; the key of an image must not hang on them."""
    code = (
        "import os, sandbox, pathlib\n"
        "for path in pathlib.Path(sandbox.__file__).parent.rglob('*.py'):\n"
        "    seconds = int(path.stat().st_mtime)\n"
        "    os.utime(path, (seconds, seconds))\n"
    )
    python = packaged.build.place("/opt/sandbank/bin/python")
    subprocess.run([python, "-c", code], cwd=packaged.home, env=packaged.environment, check=True)
    told = run(packaged, ["sandbank", "ecosystem", "compile", "kuwait"])
    assert told.stdout.startswith("kuwait: is in the cache already"), told.stderr


@pytest.mark.parametrize("variables", [{"SANDBANK_HOLD_DAYS": "9"}, {"SANDBANK_AS_OF": "now"}], ids=str)
def test_other_settings_cost_a_compilation_and_nothing_else(
    packaged: Packaged, tmp_path: Path, variables: dict[str, str]
) -> None:
    before = baked(packaged)
    with container(packaged, tmp_path, variables) as bank:
        assert httpx.post(f"{bank.url}/v1/auth/login", json=LOGIN).status_code == 200
        assert bank.stop() == 0
        assert bank.errors() == ""
    assert baked(packaged) == before


def test_a_request_under_way_is_answered_before_it_ends(packaged: Packaged, tmp_path: Path) -> None:
    with container(packaged, tmp_path, {"SANDBANK_DELAY": "2s"}) as bank:
        port = int(bank.url.rpartition(":")[2])
        token = httpx.post(f"{bank.url}/v1/auth/login", json=LOGIN).json()["access_token"]
        head = f"GET /v1/accounts HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close"
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as wire:
            wire.sendall(f"{head}\r\n\r\n".encode())
            # Its connection came first, so it is under way once this one, which does not wait, is answered.
            assert httpx.get(f"{bank.url}/_sandbox/health").status_code == 200
            bank.child.send_signal(signal.SIGTERM)
            assert select.select([wire], [], [], 0)[0] == [], "it was answered before the server was told to stop"
            answer = b""
            while piece := wire.recv(65_536):
                answer += piece
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b'"items":[' in answer
        assert bank.child.wait(SECONDS) == 0
        assert bank.errors() == ""
        with pytest.raises(OSError, match="refused"), socket.create_connection(("127.0.0.1", port), timeout=SECONDS):
            pass


def test_a_volume_at_data_keeps_the_bank_over_a_restart(packaged: Packaged, tmp_path: Path) -> None:
    data = packaged.build.place("/data")
    if os.geteuid() == 0:
        assert (data.stat().st_uid, data.stat().st_gid) == (USER, USER)
    variables = {"SANDBANK_DATA_DIR": str(data)}
    steering = {"sandbank-control-token": TOKEN}
    with container(packaged, tmp_path, variables, volume=data) as bank:
        made = httpx.post(f"{bank.url}/_sandbox/sandboxes", headers=steering, json={"id": "t1"})
        assert made.status_code == 201
        assert bank.stop() == 0
    with container(packaged, tmp_path, variables, volume=data) as bank:
        assert httpx.get(f"{bank.url}/_sandbox/sandboxes/t1", headers=steering).status_code == 200
        assert bank.stop() == 0
        assert bank.errors() == ""


def test_a_data_folder_that_may_only_be_read_is_refused(packaged: Packaged, tmp_path: Path) -> None:
    if not confined(packaged):
        pytest.skip("needs root, unshare and setpriv: whoever runs the tests may write there")
    data = packaged.build.place("/data")
    with container(packaged, tmp_path, {"SANDBANK_DATA_DIR": str(data)}, volume=data) as bank:
        assert bank.stop() == 0
    refused = run(packaged, ["sandbank", "serve", "--port", "0", "--data-dir", str(data)])
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "nothing can be written to" in refused.stderr
