"""The servers that are compared: started as child processes on free loopback ports, and stopped again.

Each is started as its user would start it; how long that took is kept, since it is one of the figures. Only
processes started here are ever ended. What Prism and WireMock are started with is in `peers`.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import msgspec
import psutil

from benchmarks.data import json_server_file
from benchmarks.npm import json_server_command
from benchmarks.paths import ROOT, WORK
from benchmarks.wire import Client, WireError

START_SECONDS = 180.0
"""Long enough for an uncached start with 100,000 transactions on a busy machine."""

_POLL_SECONDS = 0.002


class ServerError(RuntimeError):
    """A server that did not come up."""


class Server:
    """A running child process that answers HTTP; a context manager that stops it."""

    __slots__ = ("_process", "name", "ready_ms", "started", "url")

    def __init__(self, *, name: str, url: str, process: subprocess.Popen[bytes], started: float) -> None:
        self.name = name
        self.url = url
        self.started = started
        """When the process was started, on `time.perf_counter`."""
        self.ready_ms = (time.perf_counter() - started) * 1000
        """From the start of the process to the first 200."""
        self._process = process

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _end(self._process)

    def client(self) -> Client:
        """A new connection to it."""
        return Client(self.url)

    def since_start_ms(self) -> float:
        """Milliseconds since the process was started."""
        return (time.perf_counter() - self.started) * 1000

    def resident_mib(self) -> float:
        """Resident memory of the process and its children."""
        process = psutil.Process(self._process.pid)
        family = [process, *process.children(recursive=True)]
        return float(sum(member.memory_info().rss for member in family)) / 2**20


def bare() -> Server:
    """Start the bare Litestar application.

    Raises:
        ServerError: it did not come up.
    """
    return launch("bare", [sys.executable, "-m", "benchmarks.bare"], probe="/accounts")


def sandbank(folder: Path, *, cache: Path | None = None, options: Sequence[str] = (), name: str = "sandbank") -> Server:
    """Start Sandbank on an ecosystem.

    Args:
        folder: the ecosystem.
        cache: where compiled images are kept; `None` starts without any cache.
        options: more options of `sandbank serve`.
        name: what the server and its logs are called here.

    Raises:
        ServerError: it did not come up.
    """
    command = [sys.executable, "-m", "sandbox", "serve", str(folder), "--port", "0", "--json", *options]
    settings = {
        "SANDBANK_IMAGE_CACHE": "false" if cache is None else "true",
        "SANDBANK_CACHE_DIR": str(fresh_folder("no-cache") if cache is None else cache),
    }
    return launch(name, command, probe="/_sandbox/health", settings=settings)


def image_cache() -> Path:
    """The folder in which the benchmarks let Sandbank keep its compiled images."""
    folder = WORK / "cache"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def json_server(*, short: bool = False) -> Server:
    """Start json-server on a fresh copy of its file, of the same rows or of short ones.

    Raises:
        AbsentError: Node or the package cannot be had.
        ServerError: it did not come up.
    """
    name = "json-server-short" if short else "json-server"
    program = json_server_command()
    copy = fresh_folder(name) / "db.json"
    shutil.copyfile(json_server_file(short=short), copy)
    port = free_port()
    command = [*program, "--port", str(port), "--host", "127.0.0.1", "--quiet", str(copy)]
    return launch(name, command, probe="/accounts?_limit=1", url=f"http://127.0.0.1:{port}")


def fresh_folder(name: str) -> Path:
    """An empty folder for what a server writes; what an earlier run left there is gone."""
    folder = WORK / "run" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def launch(
    name: str,
    command: Sequence[str],
    *,
    probe: str,
    url: str | None = None,
    settings: Mapping[str, str] | None = None,
    token: str | None = None,
) -> Server:
    """Start a process and wait until it answers.

    Args:
        name: what the server and its logs are called.
        command: how it is started.
        probe: the path that must answer 200.
        url: where it listens; without one its ready line says so.
        settings: more of its environment.
        token: sent with the probe as bearer token.

    Raises:
        ServerError: it did not come up.
    """
    logs = WORK / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    said, complained = logs / f"{name}.out", logs / f"{name}.err"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SANDBANK_")}
    with said.open("wb") as out, complained.open("wb") as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=err,
            stdin=subprocess.DEVNULL,
            cwd=ROOT,
            env={**environment, **(settings or {})},
        )
    try:
        while url is None:
            _check_alive(name, process, started=started, complained=complained)
            url = _ready_url(said.read_bytes())
        while not _answers(url, probe, token):
            _check_alive(name, process, started=started, complained=complained)
    except BaseException:
        _end(process)
        raise
    return Server(name=name, url=url, process=process, started=started)


def free_port() -> int:
    """A port that was free a moment ago, for a server that cannot pick one and say so."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _ready_url(said: bytes) -> str | None:
    """The `url` of the first whole line that is a JSON object."""
    for line in said.split(b"\n")[:-1]:
        try:
            ready = msgspec.json.decode(line, type=dict[str, object])
        except msgspec.DecodeError:
            continue
        return str(ready["url"]).rstrip("/")
    return None


def _answers(url: str, probe: str, token: str | None) -> bool:
    with Client(url) as client:
        client.token = token
        try:
            return client.request("GET", probe).status == 200
        except (OSError, WireError):
            return False


def _check_alive(name: str, process: subprocess.Popen[bytes], *, started: float, complained: Path) -> None:
    """Pause a little; an error when the process has ended or takes too long."""
    if process.poll() is not None:
        trouble = complained.read_text(errors="replace").strip()[-600:]
        message = f"{name} ended with {process.returncode} before it was ready: {trouble or 'no message'}"
        raise ServerError(message)
    if time.perf_counter() - started > START_SECONDS:
        message = f"{name} was not ready after {START_SECONDS:.0f} s; see {complained}"
        raise ServerError(message)
    time.sleep(_POLL_SECONDS)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
