"""The peers from npm, each installed once: json-server, Prism and WireMock in exact versions.

json-server also serves the tests that compare answers with its own; `python -m benchmarks.npm` installs it
beforehand. No script of a package is run: none of these needs one, and one of Prism's would report the installation.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from benchmarks.paths import WORK

JSON_SERVER_VERSION = "0.17.4"
PRISM_VERSION = "5.16.0"
WIREMOCK_VERSION = "3.13.2"
OLDEST_JAVA = 11
"""What the classes of WireMock 3 are compiled for."""

_JAVA_VERSION = re.compile(r'version "(\d+)([^"]*)"')


class AbsentError(RuntimeError):
    """A program that cannot be had on this machine."""


class _Installed(msgspec.Struct):
    version: str


def json_server_command() -> list[str]:
    """How json-server is started, less its options; installed first where it is not there yet.

    Raises:
        AbsentError: Node, npm or the package cannot be had.
    """
    node = _on_the_path("node")
    return [node, str(_package("json-server", JSON_SERVER_VERSION) / "lib" / "cli" / "bin.js")]


def prism_command() -> list[str]:
    """How Prism is started, less its options; installed first where it is not there yet.

    Raises:
        AbsentError: Node, npm or the package cannot be had.
    """
    node = _on_the_path("node")
    return [node, str(_package("@stoplight/prism-cli", PRISM_VERSION) / "dist" / "index.js")]


def wiremock_command() -> list[str]:
    """How WireMock is started, less its options; installed first where it is not there yet.

    The package holds the jar and a wrapper in Node that starts it; the jar alone takes less time and memory.

    Raises:
        AbsentError: Java, npm or the package cannot be had.
    """
    java = _on_the_path("java")
    version = java_version()
    if int(re.split(r"\D", version)[0]) < OLDEST_JAVA:
        message = f"WireMock {WIREMOCK_VERSION} needs Java {OLDEST_JAVA} or newer, {java} is {version}"
        raise AbsentError(message)
    jar = _package("wiremock", WIREMOCK_VERSION) / "build" / f"wiremock-standalone-{WIREMOCK_VERSION}.jar"
    return [java, "-jar", str(jar)]


def node_version() -> str:
    """The version of Node.

    Raises:
        AbsentError: there is none.
    """
    return subprocess.run(
        [_on_the_path("node"), "--version"], capture_output=True, text=True, check=False
    ).stdout.strip()


def java_version() -> str:
    """The version of Java, such as `17.0.15`.

    Raises:
        AbsentError: there is none, or it does not say.
    """
    java = _on_the_path("java")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = _JAVA_VERSION.search(said)
    if found is None:
        message = f"{java} -version does not say a version: {said.strip()[:200] or 'nothing'}"
        raise AbsentError(message)
    return found[1] + found[2]


def _on_the_path(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        message = f"{program} is not on the PATH"
        raise AbsentError(message)
    return found


def _package(name: str, version: str) -> Path:
    """The folder of a package in this very version; an older one that lies there is replaced."""
    home = WORK / "npm"
    folder = home / "node_modules" / name
    if not _is_installed(folder, version):
        _install(home, f"{name}@{version}")
        if not _is_installed(folder, version):
            message = f"npm install {name}@{version} left no {name} {version} in {folder}"
            raise AbsentError(message)
    return folder


def _is_installed(folder: Path, version: str) -> bool:
    described = folder / "package.json"
    return described.exists() and msgspec.json.decode(described.read_bytes(), type=_Installed).version == version


def _install(home: Path, package: str) -> None:
    npm = _on_the_path("npm")
    home.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(home), package]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    except subprocess.TimeoutExpired:
        message = f"npm install {package}: no end after 300 s"
        raise AbsentError(message) from None
    if done.returncode:
        message = f"npm install {package} failed: {done.stderr.strip()[-400:]}"
        raise AbsentError(message)


if __name__ == "__main__":
    try:
        print("json-server:", " ".join(json_server_command()))
    except AbsentError as error:
        sys.exit(f"json-server cannot be had, so nothing is compared with it: {error}")
