"""The peers from npm: installed once in exact versions, and told to be absent where they cannot be had."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import npm

COMMANDS = {"json-server": npm.json_server_command, "prism": npm.prism_command, "wiremock": npm.wiremock_command}
JAVA_17 = "echo 'openjdk version \"17.0.15\" 2025-04-15' >&2"
INSTALLS = """
echo "$@" >> "$(dirname "$0")/calls"
for last; do :; done
while [ "$1" != --prefix ]; do shift; done
folder="$2/node_modules/${last%@*}"
mkdir -p "$folder"
echo "{\\"version\\": \\"${last##*@}\\"}" > "$folder/package.json"
"""
"""An npm that leaves what a package says of itself and nothing else."""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Puts programs, given as scripts of sh, on a path that has nothing else but the system's tools."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("sh", "dirname", "mkdir"):
        (folder / tool).symlink_to(f"/bin/{tool}")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(npm, "WORK", tmp_path / "work")

    def put(**scripts: str) -> Path:
        for name, script in scripts.items():
            file = folder / name
            file.write_text(f"#!/bin/sh\n{script}\n")
            file.chmod(0o755)
        return folder

    return put


def calls(folder: Path) -> list[list[str]]:
    """What npm was called with."""
    return [line.split() for line in (folder / "calls").read_text().splitlines()]


@pytest.mark.parametrize(
    ("peer", "missing"), [("json-server", "node"), ("prism", "node"), ("wiremock", "java")], ids=list(COMMANDS)
)
def test_a_peer_whose_runtime_is_missing_is_absent(programs: Callable[..., Path], peer: str, missing: str) -> None:
    programs(npm=INSTALLS)
    with pytest.raises(npm.AbsentError, match=f"^{missing} is not on the PATH$"):
        COMMANDS[peer]()


@pytest.mark.parametrize("peer", COMMANDS)
def test_a_peer_that_nobody_can_install_is_absent(programs: Callable[..., Path], peer: str) -> None:
    programs(node="", java=JAVA_17)
    with pytest.raises(npm.AbsentError, match=r"^npm is not on the PATH$"):
        COMMANDS[peer]()


def test_an_installation_that_fails_says_why(programs: Callable[..., Path]) -> None:
    programs(node="", npm="echo 'registry cannot be reached' >&2; exit 1")
    with pytest.raises(npm.AbsentError, match=rf"prism-cli@{npm.PRISM_VERSION} failed: registry cannot be reached"):
        npm.prism_command()


def test_an_installation_that_leaves_nothing_is_no_installation(programs: Callable[..., Path]) -> None:
    programs(node="", npm="exit 0")
    with pytest.raises(npm.AbsentError, match=f"left no json-server {npm.JSON_SERVER_VERSION} in "):
        npm.json_server_command()


def test_a_package_is_installed_once_in_its_exact_version_and_runs_no_script(programs: Callable[..., Path]) -> None:
    folder = programs(node="", npm=INSTALLS)
    assert npm.prism_command() == npm.prism_command()
    (call,) = calls(folder)
    assert call[-1] == f"@stoplight/prism-cli@{npm.PRISM_VERSION}"
    assert "--ignore-scripts" in call


def test_another_version_than_ours_is_replaced(programs: Callable[..., Path], tmp_path: Path) -> None:
    folder = programs(node="", npm=INSTALLS)
    described = tmp_path / "work" / "npm" / "node_modules" / "json-server" / "package.json"
    described.parent.mkdir(parents=True)
    described.write_text('{"version": "0.16.0"}')
    npm.json_server_command()
    assert len(calls(folder)) == 1
    assert json.loads(described.read_text())["version"] == npm.JSON_SERVER_VERSION


def test_wiremock_is_its_jar_without_the_wrapper(programs: Callable[..., Path], tmp_path: Path) -> None:
    folder = programs(java=JAVA_17, npm=INSTALLS)
    java, option, jar = npm.wiremock_command()
    assert (java, option) == (str(folder / "java"), "-jar")
    assert Path(jar).name == f"wiremock-standalone-{npm.WIREMOCK_VERSION}.jar"
    assert Path(jar).is_relative_to(tmp_path / "work")


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', "17.0.15"),
        ('java version "1.8.0_392"', "1.8.0_392"),
        ('openjdk version "24-ea" 2025-03-18', "24-ea"),
    ],
)
def test_java_says_its_version(programs: Callable[..., Path], said: str, version: str) -> None:
    programs(java=f"echo '{said}' >&2")
    assert npm.java_version() == version


def test_a_java_that_says_nothing_is_none(programs: Callable[..., Path]) -> None:
    programs(java="exit 1")
    with pytest.raises(npm.AbsentError, match="does not say a version: nothing"):
        npm.java_version()


def test_wiremock_is_absent_where_java_is_too_old(programs: Callable[..., Path]) -> None:
    programs(java="echo 'java version \"1.8.0_392\"' >&2", npm=INSTALLS)
    with pytest.raises(npm.AbsentError, match=r"needs Java 11 or newer, .*/java is 1\.8\.0_392"):
        npm.wiremock_command()


def test_an_early_java_is_not_too_old(programs: Callable[..., Path]) -> None:
    programs(java="echo 'openjdk version \"24-ea\"' >&2", npm=INSTALLS)
    assert npm.wiremock_command()[0].startswith(os.environ["PATH"])
