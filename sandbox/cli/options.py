"""Settings on the command line: one option for each, made from their descriptions, so that none is forgotten."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from sandbox.core.settings import Resolved, Settings, SettingsError, describe, load

F = TypeVar("F", bound=Callable[..., Any])

SETTINGS_FILE = "sandbank.toml"


class MistakeError(click.ClickException):
    """A mistake of the user's."""

    exit_code = 2


def setting_options(command: F) -> F:
    """Give a command one option for each setting. Values stay texts: `load` checks them all at once."""
    for info in reversed(describe()):
        command = _option(info.name, info.flag, info.type_text, info.description)(command)
    return command


def resolve(flags: Mapping[str, object]) -> Resolved:
    """The settings from flags, environment and `sandbank.toml`.

    Raises:
        click.ClickException: with every fault, a line each.
    """
    try:
        return load(flags=flags, environ=os.environ, file=Path(SETTINGS_FILE))
    except SettingsError as error:
        raise fail(*error.faults) from None


def require_scenarios(settings: Settings) -> None:
    """Refuse a folder of scenarios that is set and not there.

    Raises:
        click.ClickException: it is not.
    """
    if settings.scenarios_dir is not None and not Path(settings.scenarios_dir).is_dir():
        raise fail(f"--scenarios-dir: there is no folder {settings.scenarios_dir!r}")


def fail(*lines: str) -> click.ClickException:
    """A mistake of the user's: its lines, and exit code 2."""
    return MistakeError("\n".join(lines))


def _option(name: str, flag: str, type_text: str, description: str) -> Callable[[F], F]:
    if type_text == "true or false":
        return click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=description)
    if type_text.startswith("a list"):
        return click.option(flag, name, multiple=True, help=f"{description} (repeatable)")
    return click.option(flag, name, default=None, metavar="VALUE", help=description)
