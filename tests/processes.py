"""Real child processes: `sandbank` as users run it, read line by line, never waited for by the clock."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

TIMEOUT_SECONDS = 60
"""Only a hung child reaches it."""

_REPOSITORY = Path(__file__).resolve().parent.parent


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(home: Path, **variables: str) -> dict[str, str]:
    """An environment without settings of the machine, but that `tiny` is the ecosystem; caches go to `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SANDBANK_")}
    own = {"XDG_CACHE_HOME": str(home / "cache"), "PYTHONPATH": str(_REPOSITORY), "SANDBANK_ECOSYSTEM": "tiny"}
    return kept | own | variables


def sandbank(*arguments: str, home: Path, variables: Mapping[str, str] = {}) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in `home`."""
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=home,
        env=environment(home, **variables),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


class Server:
    """A serving child process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        assert process.stdout is not None
        assert process.stderr is not None
        self._out = process.stdout
        self.errors = process.stderr
        """Standard error, for whoever wants to read it while the server runs."""

    def line(self) -> str:
        """The next line of standard output; waits for it."""
        line = self._out.readline()
        if not line:
            raise AssertionError(f"the server ended: {self.errors.read()}")
        return line.rstrip("\n")

    def until(self, start: str) -> list[str]:
        """All lines up to the first that starts so, itself included."""
        lines = [self.line()]
        while not lines[-1].strip().startswith(start):
            lines.append(self.line())
        return lines

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """End it; exit code, the rest of standard output, and standard error."""
        self._process.send_signal(with_signal)
        out, err = self._process.communicate(timeout=TIMEOUT_SECONDS)
        return self._process.returncode, out, err


@contextmanager
def serving_process(*arguments: str, home: Path, variables: Mapping[str, str] = {}) -> Iterator[Server]:
    """`sandbank serve` as a child process, which ends with the block. Its log tells no requests, unless asked to."""
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox", "serve", *arguments],
        cwd=home,
        env=environment(home, **{"SANDBANK_LOG_LEVEL": "warning", **variables}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Server(process)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate(timeout=TIMEOUT_SECONDS)
