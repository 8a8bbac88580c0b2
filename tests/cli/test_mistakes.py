"""One shape of mistakes on the command line: exit code 2 and a line `Error: ...` on stderr, never a traceback.

Each command, sub-command, argument and option is taken from the commands themselves, so a new one is covered at once.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
from click.testing import CliRunner, Result

from sandbox.cli import main
from sandbox.core.settings import describe


class Command(NamedTuple):
    """A command and the words that call it."""

    words: tuple[str, ...]
    command: click.Command

    @property
    def name(self) -> str:
        """How people call it."""
        return " ".join(self.words) or "(sandbank itself)"


def commands_of(command: click.Command = main, words: tuple[str, ...] = ()) -> Iterator[Command]:
    """Every command of the command line, groups included."""
    yield Command(words, command)
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from commands_of(inner, (*words, name))


ALL = list(commands_of())
LEAVES = [one for one in ALL if not isinstance(one.command, click.Group)]
OPTIONS = [
    pytest.param(one, option, id=f"{one.name} {option.opts[0]}")
    for one in ALL
    for option in one.command.params
    if isinstance(option, click.Option)
]


def by_name(one: Any) -> str:
    """The id of a test."""
    return one.name if isinstance(one, Command) else str(one)


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and an image cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBANK_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder").mkdir()
    return tmp_path


def run(*words: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(main, words)


def assert_mistake(done: Result, *said: str) -> None:
    """It is a mistake, told in one way."""
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    (begin,) = [number for number, line in enumerate(lines) if line.startswith("Error: ")]
    assert begin == 0 or lines[0].startswith("Usage: "), done.stderr
    assert not any(word in done.stderr for word in ("Traceback", "Errno", "codec", "None:")), done.stderr
    told = "\n".join(lines[begin:])
    assert all(word in told for word in said), told


def filled(one: Command) -> list[str]:
    """The words of a command with its arguments and needed options, so that only what is added is wrong."""
    words = list(one.words)
    for parameter in one.command.params:
        if parameter.required:
            words += [parameter.opts[0]] * isinstance(parameter, click.Option) + ["somewhere"]
    return words


@pytest.mark.parametrize("one", ALL, ids=by_name)
def test_an_option_that_there_is_not_is_named(one: Command) -> None:
    assert_mistake(run(*filled(one), "--no-such-option"), "--no-such-option")


@pytest.mark.parametrize("one", [one for one in ALL if isinstance(one.command, click.Group)], ids=by_name)
def test_a_command_that_there_is_not_is_named(one: Command) -> None:
    assert_mistake(run(*one.words, "no-such-command"), "no-such-command")


@pytest.mark.parametrize("one", LEAVES, ids=by_name)
def test_a_needed_argument_or_option_is_named(one: Command) -> None:
    needed = [parameter for parameter in one.command.params if parameter.required]
    if needed:
        assert_mistake(run(*one.words), "Missing")


@pytest.mark.parametrize("one", LEAVES, ids=by_name)
def test_an_argument_too_many_is_named(one: Command) -> None:
    arguments = [parameter for parameter in one.command.params if isinstance(parameter, click.Argument)]
    if not any(argument.nargs == -1 for argument in arguments):
        assert_mistake(run(*filled(one), *["folder"] * len(arguments), "surplus"), "surplus")


@pytest.mark.parametrize(("one", "option"), OPTIONS)
def test_an_option_without_its_value_is_named(one: Command, option: click.Option) -> None:
    if not option.is_flag:
        assert_mistake(run(*filled(one), option.opts[0]), option.opts[0])


@pytest.mark.parametrize(("one", "option"), OPTIONS)
def test_a_flag_takes_no_value(one: Command, option: click.Option) -> None:
    if option.is_flag:
        assert_mistake(run(*filled(one), f"{option.opts[0]}=surely"), option.opts[0])


@pytest.mark.parametrize(("one", "option"), OPTIONS)
def test_a_value_of_the_wrong_type_is_named(one: Command, option: click.Option) -> None:
    if isinstance(option.type, click.Choice) or option.type.name.startswith("integer"):
        assert_mistake(run(*filled(one), option.opts[0], "no-such-value"), option.opts[0], "no-such-value")


@pytest.mark.parametrize("name", ["serve", "config"])
def test_a_wrong_value_of_any_setting_is_named(name: str) -> None:
    """Before anything is compiled or bound. Flags without a value and any text cannot be wrong."""
    takes_any = {"true or false", "a folder", "a folder or a name", "a host name or IP address", "a line of text"}
    strict = [info for info in describe() if info.type_text not in takes_any]
    assert len(strict) > 15
    for info in strict:
        assert_mistake(run(name, info.flag, "\tno such value"), f"Error: {info.flag}: ")


READS_SETTINGS = ("serve", "config", "scenario list", "scenario show low-balance", "scenario check", "scenario new x")


@pytest.mark.parametrize("words", READS_SETTINGS)
def test_a_wrong_variable_and_a_wrong_settings_file_are_named(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("sandbank.toml").write_text("colour = 1\n", encoding="utf-8")
    monkeypatch.setenv("SANDBANK_PROT", "1")
    assert_mistake(run(*words.split()), "SANDBANK_PROT", "sandbank.toml", "colour")


PLACES = {
    "openapi --write file/x": "file",
    "openapi --write folder": "folder",
    "openapi --check binary": "binary",
    "openapi --check nowhere": "nowhere",
    "openapi --check folder": "folder",
    "ecosystem validate nowhere": "nowhere",
    "ecosystem compile nowhere": "nowhere",
    "reference --write nowhere": "nowhere",
    "health --url nowhere": "nowhere",
    "ecosystem validate file": "file",
    "ecosystem reference --write nowhere": "nowhere",
    "ecosystem reference --write binary": "binary",
    "ecosystem reference --write file": "file",
    "ecosystem reference --schemas file/x": "file/x",
    "ecosystem report nowhere": "nowhere",
    "ecosystem report file": "file",
    "ecosystem report tiny --json file/x": "file/x",
    "ecosystem report tiny --json /dev/full": "/dev/full",
    "ecosystem report tiny --html nowhere/x": "nowhere/x",
    "ecosystem build --out file": "file",
    "ecosystem build --out file/x": "file is no folder",
    "scenario list --ecosystem nowhere": "nowhere",
    "scenario list --scenarios-dir nowhere": "nowhere",
    "scenario show nowhere": "nowhere",
    "scenario check nowhere": "nowhere",
    "scenario check file": "file",
    "scenario check --ecosystem folder": "folder",
    "scenario new A_B": "A_B",
    "scenario new x --scenarios-dir file": "file is a file",
    "scenario new x --scenarios-dir file/x": "file/x",
    "serve nowhere": "nowhere",
    "serve file": "file",
    "serve folder": "folder",
    "serve tiny --ecosystem tiny": "once",
    "serve tiny --data-dir file": "file",
    "serve tiny --data-dir file/x": "file/x",
    "serve tiny --scenarios-dir nowhere": "nowhere",
    "serve tiny --host no.such.host.invalid": "no.such.host.invalid",
    "serve tiny --as-of 1800-01-01T00:00:00Z": "--as-of: ",
}


@pytest.mark.parametrize("line", PLACES)
def test_what_is_not_there_or_cannot_be_written_is_named(line: str) -> None:
    assert_mistake(run(*line.split()), PLACES[line])


def test_every_command_has_a_place_that_is_wrong() -> None:
    """Or takes none: then a wrong setting is what it can be given."""
    tried = {tuple(line.split()[: len(one.words)]) for line in PLACES for one in LEAVES}
    assert {one.words for one in LEAVES} - tried <= {("config",)}
