"""Command lines of `sandbank` in pages and workflows: each must be one that the program takes."""

import re
import shlex

import click

from sandbox.cli import main
from sandbox.cli.options import resolve
from sandbox.core.settings import describe

_NEXT = {"&", "&&", "||", "|", ";"}
"""After these a new command begins."""
_ENDS = _NEXT | {">", "2>", "2>&1", "<"}


def of_sandbank(text: str) -> list[list[str]]:
    """The words of each command `sandbank` in shell lines, without what the shell does with it."""
    found = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        words = shlex.split(re.sub(r"\\(?=\w)", "/", line.removeprefix("$ ")), comments=True)
        for place, word in enumerate(words):
            if word.rpartition("/")[2] == "sandbank" and (place == 0 or words[place - 1] in _NEXT):
                ends = (at for at, other in enumerate(words) if at > place and other in _ENDS)
                found.append(words[place + 1 : next(ends, len(words))])
    return found


def require_taken(words: list[str]) -> None:
    """Fail unless the program knows the command, its options and its settings' values; nothing is run."""
    command: click.Command = main
    context = click.Context(main, info_name="sandbank")
    if words == ["--version"]:
        return
    while isinstance(command, click.Group):
        assert words, f"{context.command_path} wants a command"
        name, *words = words
        found = command.get_command(context, name)
        assert found is not None, f"{context.command_path} has no command {name!r}"
        command, context = found, click.Context(found, info_name=name, parent=context)
    parsed = command.make_context(context.info_name, list(words), parent=context.parent)
    settings = {info.name for info in describe()}
    resolve({name: value for name, value in parsed.params.items() if name in settings})
