"""`python -m sandbox` is `sandbank`: help and version, quickly."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from processes import environment, sandbank

from sandbox import __version__
from sandbox.cli import main


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_names_every_command(tmp_path: Path, flag: str) -> None:
    ended = sandbank(flag, home=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    for command in ("serve", "health", "config", "ecosystem", "openapi"):
        assert command in ended.stdout


def test_version_is_the_packages(tmp_path: Path) -> None:
    ended = sandbank("--version", home=tmp_path)
    assert ended.returncode == 0
    assert ended.stdout.strip() == f"sandbank, version {__version__}"


def test_an_unknown_command_is_a_mistake(tmp_path: Path) -> None:
    ended = sandbank("dance", home=tmp_path)
    assert ended.returncode == 2
    assert "dance" in ended.stderr


@pytest.mark.parametrize("command", ["serve", "health", "config", "ecosystem", "openapi"])
def test_every_command_has_help(command: str) -> None:
    ended = CliRunner().invoke(main, [command, "--help"])
    assert ended.exit_code == 0
    assert "Usage:" in ended.stdout


def test_help_loads_neither_the_web_framework_nor_the_database(tmp_path: Path) -> None:
    code = (
        "import sys, sandbox.cli\n"
        "print([name for name in ('litestar', 'sqlalchemy', 'uvicorn', 'cryptography') if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.strip() == "[]"
