"""The reference of the command line as Markdown, read off the commands themselves, so that nothing is said twice.

Settings are left to docs/settings.md: of commands that take them all, their flags are named and no more. Not for what a
command is good for: that stands in docs/cli.md above the made part, by hand.
"""

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from sandbox.cli.files import renew_part
from sandbox.core.settings import describe

BEGIN = "<!-- commands:begin (made by `sandbank reference`; do not edit) -->"
END = "<!-- commands:end -->"

_HEAD = ("| option | value | default | what it does |", "|---|---|---|---|")


@click.command("reference")
@click.option("--write", "page", type=click.Path(dir_okay=False, path_type=Path), help="renew the part of this page")
@click.pass_context
def command_reference(context: click.Context, page: Path | None) -> None:
    """Print the reference of all commands as Markdown."""
    text = markdown(context.find_root().command)
    if page is None:
        print(text, end="")
        return
    renew_part(page, text, begin=BEGIN, end=END)
    print(f"wrote {page}")


def markdown(command: click.Command) -> str:
    """The made part of docs/cli.md."""
    return "\n".join(line for words, one in commands_of(command) for line in _section(words, one))


def commands_of(command: click.Command, words: tuple[str, ...] = ("sandbank",)) -> Iterator[tuple[str, click.Command]]:
    """Every command below one, itself included, with the words that call it."""
    yield " ".join(words), command
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from commands_of(inner, (*words, name))


def options_of(command: click.Command) -> list[click.Option]:
    """The options of a command, but for the settings where it takes them all."""
    settings = {info.name for info in describe()}
    options = [one for one in command.params if isinstance(one, click.Option)]
    takes_all = settings <= {one.name for one in options}
    return [one for one in options if not (takes_all and one.name in settings)]


def arguments_of(command: click.Command) -> list[str]:
    """The arguments of a command, as its help names them."""
    return [one.metavar or str(one.name).upper() for one in command.params if isinstance(one, click.Argument)]


def _section(words: str, command: click.Command) -> Iterator[str]:
    yield from (f"### {words}", "")
    yield from (inspect.cleandoc(command.help or ""), "")
    if isinstance(command, click.Group):
        inner = ", ".join(f"`{name}`" for name in command.commands)
        yield from (f"Its commands: {inner}.", "")
        usage = [words, "[OPTIONS]", "COMMAND", "[ARGS]..."]
    else:
        usage = [words, "[OPTIONS]", *arguments_of(command)]
    yield from ("```text", " ".join(usage), "```", "")
    options = options_of(command)
    if options:
        yield from _HEAD
        yield from (_row(option) for option in options)
        yield ""
    if len(options) < sum(isinstance(one, click.Option) for one in command.params):
        flags = ", ".join(f"`{info.flag}`" for info in describe())
        yield from (f"And a flag for each [setting](settings.md#every-setting): {flags}.", "")


def _row(option: click.Option) -> str:
    names = [*option.opts, *option.secondary_opts]
    cells = [", ".join(f"`{name}`" for name in names), _value(option), _default(option), option.help or ""]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _value(option: click.Option) -> str:
    kind = option.type
    words = "text"
    if option.is_flag:
        words = ""
    elif isinstance(kind, click.Choice):
        words = " or ".join(f"`{choice}`" for choice in kind.choices)
    elif isinstance(kind, click.IntRange) and kind.min is not None:
        words = f"whole number from {kind.min}" + (f" to {kind.max}" if kind.max is not None else "")
    elif kind is click.INT:
        words = "whole number"
    elif isinstance(kind, click.Path):
        words = "a file" if kind.file_okay and not kind.dir_okay else "a folder" if not kind.file_okay else "a path"
    return f"{words}, repeatable" if option.multiple else words


def _default(option: click.Option) -> str:
    if option.required:
        return "must be given"
    default = option.default
    if option.is_flag:
        return f"`{option.opts[0]}`" if option.secondary_opts and default is True else ""
    return f"`{default}`" if isinstance(default, str | int) else ""
