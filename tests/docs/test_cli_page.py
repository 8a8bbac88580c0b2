"""docs/cli.md is true and whole: the made part is what the commands say, and what stands above it can be pasted."""

import json
import re
import shlex
from pathlib import Path

import click
import pages
import pytest
from click.testing import CliRunner, Result

from sandbox.cli import main
from sandbox.cli.commands import BEGIN, END, arguments_of, commands_of, markdown
from sandbox.cli.files import put_between

PAGE = pages.text_of("docs/cli.md")
LEAVES = {words: one for words, one in commands_of(main) if not isinstance(one, click.Group)}
ROWS = re.findall(r"^\| [a-z][^|]* \| (`sandbank [^|]*`) \|$", PAGE, re.MULTILINE)
EXAMPLES = [line for row in ROWS for line in re.findall(r"`(sandbank [^`]+)`", row)]


def run(line: str) -> Result:
    """Run a command as the page has it."""
    return CliRunner().invoke(main, shlex.split(line)[1:])


def test_the_made_part_is_what_the_commands_say() -> None:
    made = put_between(PAGE, markdown(main), begin=BEGIN, end=END)
    assert made == PAGE, "run: sandbank reference --write docs/cli.md"


def test_the_command_prints_the_made_part_and_renews_it(tmp_path: Path) -> None:
    assert run("sandbank reference").stdout == markdown(main)
    page = tmp_path / "cli.md"
    page.write_text(put_between(PAGE, "old\n", begin=BEGIN, end=END), encoding="utf-8")
    assert run(f"sandbank reference --write {page}").exit_code == 0
    assert page.read_text(encoding="utf-8") == PAGE


def test_a_page_without_the_lines_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing here", encoding="utf-8")
    refused = run(f"sandbank reference --write {page}")
    assert (refused.exit_code, page.read_text(encoding="utf-8")) == (2, "nothing here")
    assert "lacks the lines" in refused.stderr


def example_of(words: str) -> list[str]:
    """The examples of a command."""
    return [line for line in EXAMPLES if line == words or line.startswith(f"{words} ")]


@pytest.mark.parametrize("words", LEAVES)
def test_every_command_has_a_row_with_an_example(words: str) -> None:
    assert example_of(words), f"the first table of docs/cli.md lacks a row with `{words} ...`"


def test_a_command_without_an_example_would_be_found() -> None:
    assert example_of("sandbank dance") == []


def test_the_examples_can_be_pasted_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBANK_CACHE_DIR", str(tmp_path / "cache"))
    for line in EXAMPLES:
        if not line.startswith(("sandbank serve", "sandbank health")):  # one goes on, the other asks it
            done = run(line)
            assert done.exit_code == 0, f"{line}: {done.output}"
    with pages.served(tmp_path, "my-bank", "--port", "0"):
        assert (tmp_path / "my-bank" / "ecosystem.json").is_file()


@pytest.mark.parametrize("words", LEAVES)
def test_the_help_of_a_command_speaks_of_its_arguments(words: str) -> None:
    for argument in arguments_of(LEAVES[words]):
        for name in re.findall(r"[A-Z]+", argument):
            assert name in (LEAVES[words].help or ""), f"{words}: {argument}"


def test_the_mistakes_of_the_page_are_what_the_commands_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (shown,) = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    printed = []
    for line in shown.splitlines():
        if line.startswith("$ "):
            done = run(line.removeprefix("$ "))
            assert done.exit_code == 2
            printed += [line, *done.stderr.splitlines()]
    assert printed == shown.splitlines()


FAULTY = ("sandbank ecosystem validate bank", "sandbank ecosystem report bank", "sandbank scenario check wrong.yaml")


@pytest.mark.parametrize("line", FAULTY)
def test_what_is_at_fault_ends_with_1_as_the_page_says(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / "accounts.json").write_text('[{"account_id": "a"}]', encoding="utf-8")
    (tmp_path / "wrong.yaml").write_text("title: Wrong\n", encoding="utf-8")
    assert run(line).exit_code == 1
    row = next(row for row in PAGE.splitlines() if row.startswith("| 1 |"))
    assert f"`{' '.join(line.split()[1:3])}`" in row


def test_the_page_has_all_that_the_ready_line_has(tmp_path: Path) -> None:
    options = ("tiny", "--json", "--data-dir", "kept", "--control-token", "only-for-this-test")
    with pages.server(tmp_path, *options) as child:
        ready = json.loads(pages.first_line(child))
    section = PAGE.partition("## What `serve` prints")[2].partition("\n## ")[0]
    assert [name for name in ready if f"`{name}`" not in section] == []
    assert {"restored", "control_token"} <= set(ready)
