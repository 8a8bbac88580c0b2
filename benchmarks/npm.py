"""json-server from npm, installed once: for the benchmarks, and for the tests that compare answers with its own.

`python -m benchmarks.npm` installs it beforehand.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.paths import WORK

JSON_SERVER_VERSION = "0.17.4"


class AbsentError(RuntimeError):
    """A program that cannot be had on this machine."""


def json_server_command() -> list[str]:
    """How json-server is started, less its options; installed first where it is not there yet.

    Raises:
        AbsentError: Node, npm or the package cannot be had.
    """
    home = WORK / "npm"
    program = home / "node_modules" / "json-server" / "lib" / "cli" / "bin.js"
    node = shutil.which("node")
    if node is None:
        raise AbsentError("node is not on the PATH")
    if not program.exists():
        _install(home, program)
    return [node, str(program)]


def _install(home: Path, program: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise AbsentError("npm is not on the PATH")
    home.mkdir(parents=True, exist_ok=True)
    package = f"json-server@{JSON_SERVER_VERSION}"
    command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(home), package]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        trouble = done.stderr.strip()[-400:]
    except subprocess.TimeoutExpired:
        trouble = "no end after 300 s"
    if not program.exists():
        message = f"npm install {package} failed: {trouble}"
        raise AbsentError(message)


if __name__ == "__main__":
    try:
        print("json-server:", " ".join(json_server_command()))
    except AbsentError as error:
        sys.exit(f"json-server cannot be had, so nothing is compared with it: {error}")
