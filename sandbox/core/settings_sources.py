"""Where settings come from: the settings file, the environment and the command line, read but not yet judged.

Each source gives its values with the place where a person mends them; `settings` knows which settings there are and
what they take. Nothing here reads the real environment or command line: the caller hands both in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.inspect import BoolType, IntType, LiteralType, VarTupleType
from msgspec.inspect import Type as Shape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONFIG_VARIABLE: Final = "SANDBANK_CONFIG"
"""Names another settings file; no setting."""

WEB_VARIABLE: Final = "SANDBANK_WEB"
"""Read when the package is built (`hatch_build.py`) and never here; a shell may have it set all the same."""

PREFIX: Final = "SANDBANK_"
NO_SETTINGS: Final = (CONFIG_VARIABLE, WEB_VARIABLE)
"""The variables of our prefix that are not settings."""

BOOLEANS: Final = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}
WHOLE_NUMBER: Final = re.compile(r"-?[0-9]{1,19}")
"""ASCII digits only: `int` alone would also take `1_000` and digits of other scripts."""

SHOWN_LENGTH: Final = 60
"""How much of a refused value a fault quotes."""


class SettingsError(ValueError):
    """Settings that cannot be used; `faults` holds one line for each thing wrong, all of them at once."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults: Final = tuple(faults)


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """One value from one source, not yet looked at; its name may be no setting's."""

    name: str
    value: object
    source: str
    place: str
    """Where a person mends it."""
    spell: Callable[[str], str]
    """How this source writes the name of a setting."""
    textual: bool
    """Whether texts stand for other types here, as they do in the environment."""


def flag_name(field: str) -> str:
    """Name the command line flag of a setting: `max_sandboxes` is `--max-sandboxes`."""
    return "--" + field.replace("_", "-")


def variable_name(field: str) -> str:
    """Name the environment variable of a setting: `max_sandboxes` is `SANDBANK_MAX_SANDBOXES`."""
    return PREFIX + field.upper()


def from_file(file: Path | None, *, named: str | None) -> list[Given]:
    """Read the values of the settings file: `named`, which must be there, else `file`, which may be missing.

    Raises:
        SettingsError: When the file cannot be read or is no TOML.
    """
    if named == "":
        raise SettingsError([f"{CONFIG_VARIABLE}: is empty; name a TOML file, or unset it"])
    path = Path(named) if named is not None else file
    if path is None:
        return []
    label = one_line(named or path.name)
    try:
        table = _parsed_toml(path, label=label)
    except FileNotFoundError:
        if named is None:
            return []
        fault = f"{CONFIG_VARIABLE}: there is no file {shown(named)}; name a TOML file, or unset it"
        raise SettingsError([fault]) from None
    place = f"{label}, "
    return [
        Given(name=name, value=value, source=label, place=place + one_line(name), spell=str, textual=False)
        for name, value in table.items()
    ]


def _parsed_toml(path: Path, *, label: str) -> dict[str, object]:
    text = _file_text(path, label=label)
    import tomllib  # noqa: PLC0415 - most starts get no further, having no settings file

    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise SettingsError([_toml_fault(str(error), label=label, text=text)]) from None


def _file_text(path: Path, *, label: str) -> str:
    try:
        # Editors on Windows may put a byte order mark first.
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise SettingsError([f"{label}: cannot be read ({error.strerror}); use a readable TOML file"]) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SettingsError([f"{label}, line {line}: not UTF-8; save the file as UTF-8"]) from None


def _toml_fault(message: str, *, label: str, text: str) -> str:
    """Put the line number, which tomllib hides at the end of its message, where people look for it."""
    found = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", message)
    if found is None:
        return f"{label}: not TOML: {message}"
    line = found[1] or text.rstrip("\n").count("\n") + 1
    return f"{label}, line {line}: not TOML: {message[: found.start()]}"


def from_environment(environ: Mapping[str, str]) -> list[Given]:
    """Read the values of every `SANDBANK_*` variable, in the order of their names."""
    ours = sorted(name for name in environ if name.startswith(PREFIX) and name not in NO_SETTINGS)
    return [
        Given(
            name=_field_of(variable),
            value=environ[variable],
            source=variable,
            place=one_line(variable),
            spell=variable_name,
            textual=True,
        )
        for variable in ours
    ]


def _field_of(variable: str) -> str:
    """Turn `variable_name` round; what is not in upper case stays as it is, and so names no setting."""
    field = variable.removeprefix(PREFIX)
    return field.lower() if field.isupper() else field


def from_flags(flags: Mapping[str, object]) -> list[Given]:
    """Read the values of the command line; `None` and the empty tuple mean "not given"."""
    return [
        Given(name=name, value=value, source=flag, place=flag, spell=flag_name, textual=True)
        for flag, name, value in ((flag_name(name), name, value) for name, value in flags.items())
        if value is not None and value != ()
    ]


def parsed(text: str, shape: Shape) -> object:
    """Read a text as a value; one that cannot be read stays a text, which the check then refuses."""
    stripped = text.strip()
    match shape:
        case IntType():
            return int(stripped) if WHOLE_NUMBER.fullmatch(stripped) else text
        case BoolType():
            return BOOLEANS.get(stripped.lower(), text)
        case LiteralType():
            return stripped
        case VarTupleType():
            return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def shown(value: object) -> str:
    """Quote a value on one line, as TOML would write it, cut when it is long."""
    import json  # noqa: PLC0415 - only needed for faults

    text = json.dumps(value, ensure_ascii=False, default=str)
    if not text.isprintable():
        text = json.dumps(value, default=str)
    return text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 3] + "..."


def one_line(name: str) -> str:
    """Show a name as it is where it fits one line, else quoted."""
    return name if name.isprintable() else shown(name)
