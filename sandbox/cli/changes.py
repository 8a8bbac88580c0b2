"""What `sandbank openapi --changes` prints: what changed since the release, and whether the version announces it."""

import json
from pathlib import Path
from typing import Any

import click
import msgspec
import yaml

from sandbox.cli.contract import Change, ContractError, Level, Rule, Version, announces, compare
from sandbox.cli.options import fail

_NAMED = 3
"""How many operations a line names that have the same change, since they share a schema."""

_ONE_EACH = frozenset({Rule.OPERATION_ADDED, Rule.OPERATION_REMOVED})


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison found, as `--json` prints it."""

    since: str
    version: str
    announced: bool
    """Whether `version` may break what was there in `since`."""
    changes: list[Change]

    @property
    def broken(self) -> int:
        """How many of the changes break something."""
        return sum(change.level is Level.BREAKING for change in self.changes)


def report_of(released: Path, document: dict[str, Any]) -> Report:
    """What changed since the released document, which is a file in YAML or JSON.

    Raises:
        click.ClickException: the file cannot be read, or cannot be compared.
    """
    old = _load(released)
    try:
        changes = compare(old, document)
        since, version = (Version.of(_info(each).get("version")) for each in (old, document))
    except ContractError as error:
        raise fail(f"{released} cannot be compared with what the handlers say: {error}") from None
    return Report(since=str(since), version=str(version), announced=announces(version, since=since), changes=changes)


def show(report: Report, *, as_json: bool, brief: bool) -> None:
    """Print a report: a line for each change, which names the first of the operations that have it.

    A brief one only counts additions.
    """
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
        return
    shown = [change for change in report.changes if not brief or change.level is not Level.ADDITION]
    for change, places in _shared(shown):
        more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
        print(f"{change.level:<8}  {', '.join(places[:_NAMED])}{more}: {change.what}")
    print(f"{_counted(report)} since {report.since}" if report.changes else f"no change since {report.since}")


def _counted(report: Report) -> str:
    additions = sum(change.level is Level.ADDITION for change in report.changes)
    notable = len(report.changes) - report.broken - additions
    return f"{report.broken} breaking, {notable} notable, {additions} addition{'' if additions == 1 else 's'}"


def require_announced(report: Report, context: click.Context) -> None:
    """End with exit code 1 where something breaks and the version does not say so."""
    if report.broken and not report.announced:
        announcing = Version.of(report.since).announcing
        click.echo(
            f"{report.broken} breaking, and version {report.version} does not announce that to those who use "
            f"{report.since}. Keep what was released, or raise the version to {announcing} in pyproject.toml and "
            "sandbox/__init__.py, and say in CHANGELOG.md what breaks (docs/releasing.md).",
            err=True,
        )
        context.exit(1)


def _shared(changes: list[Change]) -> list[tuple[Change, list[str]]]:
    """Changes that say the same, with all the places that say it."""
    found: dict[tuple[str, ...], tuple[Change, list[str]]] = {}
    for change in changes:
        apart = change.where if change.rule in _ONE_EACH else ""
        found.setdefault((change.level, change.what, apart), (change, []))[1].append(change.where)
    return list(found.values())


def _info(document: Any) -> dict[str, Any]:
    info = document.get("info")
    return info if isinstance(info, dict) else {}


def _load(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise fail(f"there is no {path}: `make baseline` writes it at a release (docs/releasing.md)") from None
    except (OSError, UnicodeDecodeError) as error:
        raise fail(f"{path} cannot be read: {error}") from None
    try:
        # Most JSON is YAML, but not all of it, and YAML takes much longer.
        if text.lstrip().startswith("{"):
            return json.loads(text)
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except (ValueError, yaml.YAMLError) as error:
        raise fail(f"{path} is neither YAML nor JSON: {error}") from None
