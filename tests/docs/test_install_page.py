"""docs/install.md is true: its steps print what it says, its commands are taken, its wheel is the one that is built."""

import re
import shutil
from pathlib import Path

import commandlines
import pages
import pytest

from sandbox import __version__

PAGE = pages.text_of("docs/install.md")
CONSOLE = "\n".join(re.findall(r"^```(?:console|powershell)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))


@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="needs curl and bash")
def test_the_steps_print_what_the_page_says(tmp_path: Path) -> None:
    steps = pages.steps_of(PAGE)
    assert len(steps) == 3
    pages.require_true([pages.ENDED, *steps], tmp_path, pages.on_a_free_port(tmp_path))


def test_every_command_of_the_page_is_one() -> None:
    found = commandlines.of_sandbank(CONSOLE)
    assert len(found) >= 2
    for words in found:
        commandlines.require_taken(words)


def test_the_wheel_of_the_page_is_the_one_that_is_built() -> None:
    wheels = set(re.findall(r"sandbank-[\w.]+-py3-none-any\.whl", PAGE))
    assert wheels == {f"sandbank-{__version__}-py3-none-any.whl"}


def test_the_python_of_the_page_is_that_of_the_package() -> None:
    project = (pages.REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert 'requires-python = ">=3.11"' in project
    assert "It needs Python 3.11 or newer" in PAGE


@pytest.mark.parametrize(
    "line", ["sandbank dance", "sandbank serve --surprise", "sandbank serve --port x", "x && sandbank", "a/sandbank no"]
)
def test_a_command_that_there_is_not_is_noticed(line: str) -> None:
    (words,) = commandlines.of_sandbank(line)
    with pytest.raises(Exception, match=r"(?i)no (such )?(command|option)|wants a command|whole number"):
        commandlines.require_taken(words)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("$ bank/bin/sandbank serve > log 2>&1 &", [["serve"]]),
        ("bank\\Scripts\\sandbank serve", [["serve"]]),
        ("sandbank health \\\n  --wait 3 && sandbank --version", [["health", "--wait", "3"], ["--version"]]),
        ("pip install sandbank", []),
        ("docker run sandbank serve", []),
        ("# sandbank serve", []),
    ],
)
def test_commands_are_found_in_shell_lines(text: str, found: list[list[str]]) -> None:
    assert commandlines.of_sandbank(text) == found
