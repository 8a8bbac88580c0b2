"""`sandbank scenario`: list, show, check and begin scenarios."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from sandbox.cli.files import make_folder
from sandbox.cli.options import fail, require_scenarios, resolve
from sandbox.core.shipped import shipped_folder

if TYPE_CHECKING:
    from sandbox.core.settings import Settings
    from sandbox.sandboxes.scenarios.catalogue import ParameterView
    from sandbox.sandboxes.scenarios.library import Library

F = TypeVar("F", bound=Callable[..., Any])

_TEMPLATE = """\
# A scenario: a named change to a sandbox. `sandbank scenario check {path}` tells every fault.
title: What has happened, in a few words
story: >
  What somebody who watches the bank would see, and what it is good for.

# Everybody and everything in it is a parameter with a default, so that it works on any bank.
# Types: user, account, money, integer, text, duration, choice, boolean.
parameters:
  user:
    type: user
    default: {{first: active_customer}}   # or a username
    description: who it happens to
  account:
    type: account
    of: user                             # must be one of theirs
    default: {{first: [CURRENT, WALLET]}}
    description: the account it happens on
  amount:
    type: money
    min: 0.001
    max: 1000.000
    default: 12.750
    description: how much is spent

# What must be true before; `says` is what people read when it is not.
precondition:
  - says: The account is ACTIVE.
    collection: accounts
    where: {{account_id: "{{account}}"}}
    has: {{status: ACTIVE}}

# Steps: call (an act of the bank), patch (records), advance (the clock), apply (another scenario), repeat.
steps:
  - call:
      act: purchase
      with:
        account: "{{account}}"
        amount: "{{amount}}"
        merchant: Nakheel Co-operative Society
        category: GROCERIES
        mcc: "5411"
  - advance: P1D
"""


def _options(command: F) -> F:
    for flag, told in (
        ("--scenarios-dir", "folder of your own scenarios (default: ./scenarios)"),
        ("--ecosystem", "the ecosystem whose scenarios count too, and on which they are tried"),
    ):
        command = click.option(flag, default=None, metavar="VALUE", help=told)(command)
    return command


@click.group()
def scenario() -> None:
    """Scenarios: named changes to a sandbox."""


@scenario.command("list")
@_options
def list_them(ecosystem: str | None, scenarios_dir: str | None) -> None:
    """List every scenario at hand."""
    from sandbox.sandboxes.scenarios.library import notes  # noqa: PLC0415 - the bank loads only where it is needed

    library = _library(_settings(ecosystem, scenarios_dir))
    width = max((len(name) for name in library.scenarios), default=0)
    for name, found in library.scenarios.items():
        source = "" if found.source == "shipped" else f"  ({found.source})"
        print(f"{name:<{width}}  {found.title}{source}")
    for note in notes(library):
        print(f"warning: {note}", file=sys.stderr)


@scenario.command()
@click.argument("name")
@_options
def show(name: str, ecosystem: str | None, scenarios_dir: str | None) -> None:
    """Tell what NAME does, takes and needs."""
    from sandbox.core.errors import DomainError  # noqa: PLC0415
    from sandbox.sandboxes.scenarios.catalogue import view_of  # noqa: PLC0415

    try:
        found = _library(_settings(ecosystem, scenarios_dir)).get(name)
    except DomainError as error:
        raise fail(error.detail) from None
    view = view_of(found)
    print(f"{view.name}: {view.title}\n\n{view.story}\n\nfile: {found.file}")
    if view.parameters:
        print("\nparameters")
    for parameter in view.parameters:
        print(f"  {parameter.name}: {_typed(parameter)}\n      {parameter.description}")
    if view.precondition:
        print("\nbefore")
    for sentence in view.precondition:
        print(f"  {sentence}")


@scenario.command()
@click.argument("files", metavar="[FILE|NAME]...", nargs=-1, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--run/--no-run", default=True, help="also try each with its defaults on the ecosystem (default: yes)")
@_options
def check(files: tuple[Path, ...], *, run: bool, ecosystem: str | None, scenarios_dir: str | None) -> None:
    """Check each FILE, or scenario by its NAME, or all at hand: faults by line, then a trial on a fresh bank."""
    settings = _settings(ecosystem, scenarios_dir)
    library = _library(settings, tuple(path for path in files if not _is_name(path)))
    everything = sorted({*library.scenarios, *library.faults})
    for path in files:
        if path.stem not in everything:
            raise fail(f"there is no file and no scenario {str(path)!r}; there are {', '.join(library.scenarios)}")
    names = list(dict.fromkeys(path.stem for path in files)) or everything
    for path in () if files else library.misnamed:
        print(f"warning: {path}: is not read; a scenario's file ends in .yaml", file=sys.stderr)
    faults = [str(fault) for name in names for fault in library.faults.get(name, ())]
    if run:
        faults += _tried(settings, library, [name for name in names if name in library.scenarios])
    for fault in faults:
        print(fault, file=sys.stderr)
    told = "1 scenario" if len(names) == 1 else f"{len(names)} scenarios"
    if faults:
        found = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        print(f"{told} checked, {found}", file=sys.stderr)
        raise SystemExit(1)
    print(f"{told} checked, no faults")


@scenario.command()
@click.argument("name")
@_options
def new(name: str, ecosystem: str | None, scenarios_dir: str | None) -> None:
    """Begin a scenario: write a commented NAME.yaml that passes the check."""
    from sandbox.sandboxes.scenarios.files import NAME  # noqa: PLC0415
    from sandbox.sandboxes.scenarios.library import OWN, SUFFIX  # noqa: PLC0415

    if not NAME.fullmatch(name):
        raise fail(f"{name!r} cannot be a name: use a-z, 0-9 and -, and do not start with -")
    settings = resolve({"ecosystem": ecosystem, "scenarios_dir": scenarios_dir}).settings
    folder = Path(settings.scenarios_dir or OWN)
    path = folder / f"{name}{SUFFIX}"
    try:
        make_folder(folder)
        with path.open("x", encoding="utf-8") as file:
            file.write(_TEMPLATE.format(path=path))
    except FileExistsError:
        raise fail(f"{path} is there already") from None
    except OSError as error:
        raise fail(f"{path} cannot be written: {error.strerror}") from None
    print(f"wrote {path}")
    shipped = shipped_folder("scenarios")
    if shipped is not None and (shipped / path.name).is_file():
        print(f"warning: {name} is the name of a shipped scenario; yours replaces it from now on", file=sys.stderr)


def _is_name(path: Path) -> bool:
    """Whether an argument of `check` can only be the name of a scenario."""
    from sandbox.sandboxes.scenarios.files import NAME  # noqa: PLC0415

    return NAME.fullmatch(str(path)) is not None and not path.exists()


def _settings(ecosystem: str | None, scenarios_dir: str | None) -> "Settings":
    settings = resolve({"ecosystem": ecosystem, "scenarios_dir": scenarios_dir}).settings
    require_scenarios(settings)
    return settings


def _library(settings: "Settings", files: tuple[Path, ...] = ()) -> "Library":
    """What is at hand on the ecosystem of the settings, with the files given standing before it."""
    from sandbox.sandboxes.scenarios.library import SUFFIX, library_of, sources  # noqa: PLC0415
    from sandbox.store.ecosystem import EcosystemNotFoundError, find  # noqa: PLC0415

    for path in files:
        if not path.is_file() or not os.access(path, os.R_OK):
            raise fail(f"there is no file {str(path)!r}")
        if path.suffix != SUFFIX:
            raise fail(f"{path}: a scenario's file ends in {SUFFIX}")
    names = [path.stem for path in files]
    if len(set(names)) < len(names):
        raise fail("two of the files have one name; check them one after the other")
    try:
        folder = find(settings.ecosystem)
    except EcosystemNotFoundError as error:
        raise fail(str(error)) from None
    return library_of([*(("own", path) for path in files), *sources(settings, folder)])


def _tried(settings: "Settings", library: "Library", names: list[str]) -> list[str]:
    """Try scenarios on a fresh bank: what goes wrong."""
    from sandbox.sandboxes.compiling import open_image  # noqa: PLC0415
    from sandbox.sandboxes.scenarios.trial import try_scenario  # noqa: PLC0415
    from sandbox.store.ecosystem import find  # noqa: PLC0415
    from sandbox.store.reading import EcosystemError  # noqa: PLC0415

    try:
        image = open_image(find(settings.ecosystem), settings)
    except EcosystemError as error:
        raise fail(f"{error}; sandbank ecosystem validate tells more") from None
    faults: list[str] = []
    for name in names:
        trial = try_scenario(image, settings, library, name)
        faults += trial.faults
        if trial.needs:
            print(f"{name}: not tried, since {', '.join(trial.needs)} must be given")
    return faults


def _typed(parameter: "ParameterView") -> str:
    """The type of a parameter with its limits and default, on one line."""
    words: list[str] = [parameter.type]
    if parameter.choices is not msgspec.UNSET:
        words.append(f"one of {', '.join(parameter.choices)}")
    if parameter.owner is not msgspec.UNSET:
        words.append(f"of {parameter.owner}")
    for name, bound in (("at least", parameter.least), ("at most", parameter.most)):
        if bound is not msgspec.UNSET:
            words.append(f"{name} {bound}")
    if parameter.required:
        words.append("must be given")
    elif isinstance(parameter.default, dict):
        first = parameter.default["first"]
        words.append(f"default: the first {' or '.join(first) if isinstance(first, list) else first}")
    else:
        words.append(f"default: {msgspec.json.encode(parameter.default).decode()}")
    return ", ".join(words)
