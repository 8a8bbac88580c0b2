"""Pages of our documentation, run: their numbered steps in one bash against a real server, and what they print."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[1]
WRITTEN_URL = "http://127.0.0.1:8000"
SECONDS = 60

_MARK = "=== step is over ==="
_STEP = re.compile(
    r"^\*\*(\d+)\. ([^*]+)\*\*(?:(?!^\*\*\d).)*?^```sh\n(.*?)^```\n\n^```(?:json|text)\n(.*?)^```",
    re.DOTALL | re.MULTILINE,
)


class Step(NamedTuple):
    """One step of a page: what to paste and what it should print."""

    number: int
    title: str
    commands: str
    printed: str


ENDED = Step(0, "ends what is left", "trap 'kill $! 2> /dev/null || true; wait' EXIT", "")
"""Before steps that start a server in the background."""


def on_a_free_port(home: Path) -> str:
    """Have commands in `home` use a free port; the URL of a server there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (home / "sandbank.toml").write_text(f"port = {port}\n", encoding="utf-8")
    return f"http://127.0.0.1:{port}"


def text_of(page: str) -> str:
    """The text of a page of the repository."""
    return (REPOSITORY / page).read_text(encoding="utf-8")


def steps_of(text: str) -> list[Step]:
    """The numbered steps of a page: every `sh` block must be one's, and they count from 1."""
    found = [Step(int(number), title, commands, printed) for number, title, commands, printed in _STEP.findall(text)]
    assert [step.number for step in found] == list(range(1, len(found) + 1))
    assert text.count("```sh\n") == len(found) > 0
    return found


def agrees(printed: str, written: str) -> bool:
    """Whether `printed` is `written`, where `...` stands for anything within its line."""
    pattern = "[^\n]*".join(re.escape(part) for part in written.strip().split("..."))
    return re.fullmatch(pattern, printed.replace("\r", "").strip()) is not None


def environment(home: Path) -> dict[str, str]:
    """This one, without settings of Sandbank's and proxies, with its command, and with its caches in `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SANDBANK_")}
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    own = {"SANDBANK_CACHE_DIR": str(home / "cache"), "no_proxy": "*", "PYTHONUNBUFFERED": "1", "PATH": path}
    return kept | own


@contextmanager
def server(home: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`sandbank serve` as a child in `home`, on a free port; what it says on stderr lands in `server.log`."""
    command = [sys.executable, "-m", "sandbox", "serve", "--port", "0", *options]
    log = home / "server.log"
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            command, cwd=home, env=environment(home), stdout=subprocess.PIPE, stderr=errors, encoding="utf-8"
        ) as child,
    ):
        # Who waits for a line that never comes is told so by the end of the output.
        last = threading.Timer(SECONDS, child.kill)
        last.start()
        try:
            yield child
        finally:
            last.cancel()
            child.terminate()
            child.wait(SECONDS)


@contextmanager
def served(home: Path, *options: str) -> Iterator[str]:
    """The URL of such a server, when it is ready."""
    with server(home, *options, "--json") as child:
        yield json.loads(first_line(child))["url"]


def first_line(child: subprocess.Popen[str]) -> str:
    """The next line that a server prints."""
    assert child.stdout is not None
    line = child.stdout.readline()
    assert line, "the server ended before it was ready"
    return line


def run_in_bash(commands: list[str], url: str, home: Path) -> list[str]:
    """What each of `commands` prints, all in one bash that stops at the first failure."""
    lines = [f"{block.replace(WRITTEN_URL, url)}\necho '{_MARK}'" for block in commands]
    script = home / "steps.sh"
    script.write_text("set -e\n" + "\n".join(lines) + "\n", encoding="utf-8")
    done = subprocess.run(
        ["bash", str(script)],
        cwd=home,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    outputs = done.stdout.split(f"{_MARK}\n")
    assert done.returncode == 0, f"step {len(outputs)} ended with {done.returncode}: {outputs[-1]}"
    return [output.replace(url, WRITTEN_URL) for output in outputs[:-1]]


def require_true(steps: list[Step], home: Path, url: str = WRITTEN_URL) -> list[str]:
    """Run the steps in `home`: every one must print what its page says. What they printed comes back.

    Without a URL they must need no server.
    """
    outputs = run_in_bash([step.commands for step in steps], url, home)
    wrong = [
        f"step {step.number}, {step.title}\nprinted:\n{output}\nthe page says:\n{step.printed}"
        for step, output in zip(steps, outputs, strict=True)
        if not agrees(output, step.printed)
    ]
    assert not wrong, "\n".join(wrong)
    return outputs
