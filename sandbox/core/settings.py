"""Settings: what a run of Sandbank can be told, where it was told, and what is wrong with it.

One struct holds every setting with its default, limits and description; `load` fills it from flags,
environment, `sandbank.toml` and defaults, in that order, and reports all faults at once. Nothing here reads
the real environment or command line: the caller hands both in. Not for what belongs to one sandbox (its
clock, its faults, its scenarios: those change while the server runs), and not for printing: the command line
does that.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta
from msgspec.inspect import BoolType, IntType, LiteralType, Metadata, NoneType, UnionType, VarTupleType
from msgspec.inspect import Type as Shape

from sandbox.core.settings_sources import (
    CONFIG_VARIABLE,
    Given,
    SettingsError,
    flag_name,
    from_environment,
    from_file,
    from_flags,
    parsed,
    shown,
    variable_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "CONFIG_VARIABLE",
    "ClockMode",
    "Durability",
    "LogFormat",
    "LogLevel",
    "PasswordCost",
    "Resolved",
    "SettingInfo",
    "Settings",
    "SettingsError",
    "TransportClock",
    "cache_folder",
    "describe",
    "flag_name",
    "load",
    "variable_name",
]

MASK: Final = "********"
TEN_YEARS_SECONDS: Final = 315_360_000
A_YEAR_MINUTES: Final = 525_600

TransportClock: TypeAlias = Literal["wall", "virtual"]
PasswordCost: TypeAlias = Literal["sandbox", "production"]
ClockMode: TypeAlias = Literal["frozen", "live"]
Durability: TypeAlias = Literal["batch", "write"]
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]
LogFormat: TypeAlias = Literal["console", "json"]

# Control characters and lone surrogates (bytes that are no UTF-8) would break logs and answers later on.
_Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=4096, pattern=r"^[^\x00-\x1f\x7f\ud800-\udfff]+\Z")]
_Token: TypeAlias = Annotated[str, Meta(min_length=16, max_length=512, pattern=r"^[!-~]+\Z")]
# Lower case only: browsers send origins so, and an upper-case one would silently never match.
_Origin: TypeAlias = Annotated[
    str, Meta(pattern=r"^(\*|[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?)\Z")
]
# An address to listen on, unlike a name in a request, may be a bare IPv6 one with its zone.
_Address: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:%-]+\Z")]
_HostName: TypeAlias = Annotated[str, Meta(pattern=r"^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)\Z")]
_AsOf: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^(now|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2}))\Z"
    ),
]
_Delay: TypeAlias = Annotated[str, Meta(pattern=r"^([0-9]{1,5}(ms)?|[0-9]{1,3}s|PT[0-9]{1,3}(\.[0-9]{1,6})?S)\Z")]
_Seed: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]

_SECRET: Final = {"secret": True}


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a run of Sandbank can be told, with the defaults it has when it is told nothing."""

    ecosystem: Annotated[
        _Text,
        Meta(title="a folder or a name", description="Folder of an ecosystem, or the name of a shipped one."),
    ] = "kuwait"
    host: Annotated[_Address, Meta(title="a host name or IP address", description="Address to listen on.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0 picks a free one.")] = 8000
    seed: Annotated[
        _Seed | None,
        Meta(description="Seed of ids and random draws; the ecosystem's own when unset."),
    ] = None
    transport_clock: Annotated[
        TransportClock,
        Meta(description="Clock of tokens and webhook timestamps: the wall clock, or the sandbox's own."),
    ] = "wall"
    clock: Annotated[
        ClockMode,
        Meta(description="Whether business time stands still between writes, or goes on as the wall clock does."),
    ] = "frozen"
    as_of: Annotated[
        _AsOf | None,
        Meta(
            title="`now` or a timestamp such as 2026-03-01T08:00:00Z",
            description="Business time to start at: data are made anew for it or moved; the ecosystem's own if unset.",
        ),
    ] = None
    strict: Annotated[
        bool,
        Meta(description="Refuse requests that name no sandbox, instead of falling back to `default`."),
    ] = False
    cors: Annotated[
        tuple[_Origin, ...],
        Meta(
            title="a list of origins like scheme://host[:port] (lower case, no path), or `*`",
            description="Origins that browsers may call from, besides the loopback ones.",
        ),
    ] = ()
    allowed_hosts: Annotated[
        tuple[_HostName, ...],
        Meta(
            title="a list of host names (lower case, no scheme, no port)",
            description="Host names that the control plane accepts, besides the loopback ones.",
        ),
    ] = ()
    control_token: Annotated[
        _Token | None,
        Meta(
            title="16 to 512 visible ASCII characters",
            description="Token that the control plane asks for once set, on loopback too; off it one is made if unset.",
            extra=_SECRET,
        ),
    ] = None
    password_cost: Annotated[
        PasswordCost,
        Meta(description="Cost of hashing a password: fast for tests, or as a real bank would."),
    ] = "sandbox"  # noqa: S105 - a cost, no password
    default_password: Annotated[
        _Text | None,
        Meta(
            description="Password of users whose hash in the ecosystem cannot be verified.",
            extra=_SECRET,
        ),
    ] = None
    lock_minutes: Annotated[
        int,
        Meta(
            ge=0,
            le=A_YEAR_MINUTES,
            description="Minutes that a user stays locked after failed sign-ins; 0 means until unlocked.",
        ),
    ] = 15
    code_minutes: Annotated[
        int, Meta(ge=1, le=1440, description="Minutes, in business time, that a code sent by SMS or e-mail works.")
    ] = 5
    access_token_seconds: Annotated[
        int, Meta(ge=1, le=TEN_YEARS_SECONDS, description="Seconds that an access token lives.")
    ] = 900
    refresh_token_seconds: Annotated[
        int, Meta(ge=1, le=TEN_YEARS_SECONDS, description="Seconds that a refresh token lives.")
    ] = 2_592_000
    hold_days: Annotated[int, Meta(ge=1, le=365, description="Days after which an uncollected hold is released.")] = 7
    max_sandboxes: Annotated[
        int, Meta(ge=1, le=1_000_000, description="Most sandboxes at once, `default` included.")
    ] = 10_000
    max_snapshots: Annotated[int, Meta(ge=1, le=100_000, description="Most snapshots of one sandbox.")] = 100
    max_awake: Annotated[
        int, Meta(ge=1, le=100_000, description="Most sandboxes that hold a whole database in memory; others sleep.")
    ] = 64
    warm_copies: Annotated[
        int,
        Meta(ge=0, le=64, description="Ready copies kept per image, 64 MiB at most, so that first writes are fast."),
    ] = 4
    cache_dir: Annotated[
        _Text | None,
        Meta(
            title="a folder",
            description="Folder of compiled images; `sandbank` in the user's cache folder when unset.",
        ),
    ] = None
    image_cache: Annotated[bool, Meta(description="Keep compiled images on disk, so that later starts are fast.")] = (
        True
    )
    scenarios_dir: Annotated[
        _Text | None,
        Meta(
            title="a folder",
            description="Folder of your own scenarios; `scenarios` in the working directory when unset.",
        ),
    ] = None
    data_dir: Annotated[
        _Text | None,
        Meta(title="a folder", description="Folder that keeps sandboxes and snapshots over a restart."),
    ] = None
    durability: Annotated[
        Durability,
        Meta(description="With a data folder: write in batches, every half second, or before every answer."),
    ] = "batch"
    watch: Annotated[bool, Meta(description="Load the ecosystem's files again when they change.")] = False
    read_only: Annotated[
        bool, Meta(description="Refuse what would change a bank, sign-in aside; the control plane still steers.")
    ] = False
    delay: Annotated[
        _Delay | None,
        Meta(
            title="milliseconds such as 300, or 2s or PT0.25S",
            description="Wait before each answer of the bank and data planes.",
        ),
    ] = None
    max_body_bytes: Annotated[int, Meta(ge=1024, le=2**30, description="Largest request body accepted, in bytes.")] = (
        1_048_576
    )
    max_import_bytes: Annotated[
        int,
        Meta(
            ge=1024,
            le=2**32,
            description="Largest zip that an import takes, in bytes; unpacked it may be 16 times that.",
        ),
    ] = 67_108_864
    log_level: Annotated[
        LogLevel, Meta(description="Least level of the lines that `sandbank serve` logs; a request's is info.")
    ] = "warning"
    log_format: Annotated[
        LogFormat, Meta(description="How `sandbank serve` logs: for people, or one JSON object a line.")
    ] = "console"

    def __repr__(self) -> str:
        """Hide the secrets: a repr ends up in logs and tracebacks."""
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Every value, secrets hidden, for `rich` and for `repr`."""
        secrets = {info.name for info in describe() if info.secret}
        values = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return [(name, MASK if name in secrets and value is not None else value) for name, value in values]


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a run, and for each the place its value came from."""

    settings: Settings
    sources: dict[str, str]
    """By setting: `default`, `sandbank.toml`, `SANDBANK_PORT` or `--port`."""

    def shown(self) -> dict[str, str]:
        """Every setting as text for people to read, secrets hidden."""
        # The struct itself yields its values masked, so that there is one place which hides secrets.
        return {name: _text(value) for name, value in self.settings.__rich_repr__()}


class SettingInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to know about one setting, for documentation and the command line."""

    name: str
    flag: str
    variable: str
    type_text: str
    default: str
    description: str
    secret: bool


def load(*, flags: Mapping[str, object], environ: Mapping[str, str], file: Path | None) -> Resolved:
    """Resolve the settings of a run: flags, then environment, then settings file, then defaults.

    Args:
        flags: Values of the command line by setting name, as texts or already converted. `None`, and the
            empty tuple that an absent repeatable option leaves, mean "not given".
        environ: The environment; only `SANDBANK_*` is looked at.
        file: The settings file of the working directory, which may be missing. `SANDBANK_CONFIG` replaces it,
            and then the file must be there.

    Raises:
        SettingsError: With every fault of every source, also of values that a stronger source overrides.
    """
    known = _known()
    faults: list[str] = []
    values: dict[str, object] = {}
    sources = dict.fromkeys(known, "default")
    try:
        in_file = from_file(file, named=environ.get(CONFIG_VARIABLE))
    except SettingsError as error:
        in_file = []
        faults += error.faults
    # The weakest source comes first, so that the later ones write over it.
    for given in [*in_file, *from_environment(environ), *from_flags(flags)]:
        try:
            values[given.name] = _accepted(given, known)
        except SettingsError as error:
            faults += error.faults
        else:
            sources[given.name] = given.source
    if faults:
        raise SettingsError(faults)
    return Resolved(settings=msgspec.convert(values, type=Settings), sources=sources)


def describe() -> list[SettingInfo]:
    """Describe every setting, in the order of the struct."""
    return [setting.info for setting in _known().values()]


def cache_folder(settings: Settings, *, environ: Mapping[str, str], home: Callable[[], Path], windows: bool) -> Path:
    """Find the folder for compiled images: the one set, else `sandbank` in the user's cache folder.

    `home` is asked only where it matters: in a container a user need not have one.
    """
    if settings.cache_dir is not None:
        # No shell expands `~` in a settings file.
        within_home = settings.cache_dir.removeprefix("~/")
        return Path(settings.cache_dir) if within_home == settings.cache_dir else home() / within_home
    if windows:
        return Path(environ.get("LOCALAPPDATA") or home() / "AppData" / "Local") / "sandbank"
    named = Path(environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification says to ignore relative paths.
    return (named if named.is_absolute() else home() / ".cache") / "sandbank"


class _Setting(msgspec.Struct, frozen=True, kw_only=True):
    """A setting as `load` needs it: its description, its annotation, and the shape of its values."""

    info: SettingInfo
    hint: object
    shape: Shape


def _known() -> dict[str, _Setting]:
    """Every setting by name, read off the struct so that nothing is said twice."""
    return {field.name: _setting(field) for field in msgspec.structs.fields(Settings)}


def _setting(field: msgspec.structs.FieldInfo) -> _Setting:
    annotated = msgspec.inspect.type_info(field.type)
    if not isinstance(annotated, Metadata):
        raise TypeError(field.name)  # a setting without a description
    schema = annotated.extra_json_schema or {}
    shape = annotated.type
    if isinstance(shape, UnionType):
        (shape,) = (kind for kind in shape.types if not isinstance(kind, NoneType))
    info = SettingInfo(
        name=field.name,
        flag=flag_name(field.name),
        variable=variable_name(field.name),
        type_text=schema.get("title") or _type_text(shape),
        default=_text(field.default),
        description=schema["description"],
        secret=bool((annotated.extra or {}).get("secret")),
    )
    return _Setting(info=info, hint=field.type, shape=shape)


def _type_text(shape: Shape) -> str:
    match shape:
        case IntType(ge=int() as least, le=int() as most):
            return f"a whole number from {least} to {most}"
        case BoolType():
            return "true or false"
        case LiteralType(values=values):
            return " or ".join(map(str, values))
    return "a line of text"


def _text(value: object) -> str:
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(value) or "empty"
    return str(value)


def _accepted(given: Given, known: Mapping[str, _Setting]) -> object:
    """Check one value and convert it to its setting's type.

    Raises:
        SettingsError: When there is no such setting, or it does not take this value.
    """
    setting = known.get(given.name)
    if setting is None:
        raise SettingsError([_unknown(given, known)])
    value = given.value
    if given.textual and isinstance(value, str):
        value = parsed(value, setting.shape)
    if _fits(value, setting):
        return value
    bad = ["the value (hidden)"] if setting.info.secret else map(shown, _refused(value, setting))
    use = setting.info.type_text
    raise SettingsError([f"{given.place}: {quoted} is not allowed; use {use}" for quoted in bad])


def _fits(value: object, setting: _Setting) -> bool:
    try:
        msgspec.convert(value, type=setting.hint)
    except msgspec.ValidationError:
        return False
    return True


def _refused(value: object, setting: _Setting) -> Sequence[object]:
    """Of a list the items at fault, else the value itself."""
    if isinstance(setting.shape, VarTupleType) and isinstance(value, list | tuple):
        return [item for item in value if not _fits((item,), setting)]
    return [value]


def _unknown(given: Given, known: Mapping[str, _Setting]) -> str:
    import difflib  # noqa: PLC0415 - only needed for faults

    names = [*known, "config"] if given.spell is variable_name else [*known]
    meant = difflib.get_close_matches(given.name.lower().replace("-", "_"), names, n=1, cutoff=0.5)
    if meant:
        return f"{given.place}: no such setting; did you mean {given.spell(meant[0])}?"
    return f"{given.place}: no such setting; there are {', '.join(map(given.spell, names))}"
