"""A whole report: what an ecosystem is, whether it holds together, its figures beside their targets, its shapes."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from sandbox.core.clock import format_instant
from sandbox.store.checking import check, warn
from sandbox.store.reading import RawEcosystem, survey
from sandbox.synth.report.columns import columns_of
from sandbox.synth.report.comparing import Compared
from sandbox.synth.report.measures import compared_figures
from sandbox.synth.report.shapes import Shapes, shapes_of

__all__ = ["Integrity", "Invariant", "Report", "json_of", "report_on", "with_invariants"]

_SHOWN = 20
"""So many faults and warnings are listed; all are counted."""


class Invariant(msgspec.Struct, frozen=True, kw_only=True):
    """One invariant of the bank's ledger, after all history was posted to it."""

    name: str
    ok: bool
    detail: str | None = None


class Integrity(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the folder keeps every rule, and whether the ledger made from it balances."""

    ok: bool
    fault_count: int
    faults: list[str]
    warning_count: int
    warnings: list[str]
    invariants: list[Invariant] | None = None
    """None where the ledger was not looked at."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of it, as the JSON has it. Amounts are fils, shares per mille."""

    ecosystem: str
    title: str
    as_of: str
    sizes: dict[str, int]
    """Records by collection."""
    integrity: Integrity
    calibrated: bool
    """Whether no figure is off."""
    compared: list[Compared]
    shapes: Shapes | None
    """None for an ecosystem without movements."""


def report_on(folder: Path) -> Report:
    """Read, check and measure a folder; one that breaks rules is measured as far as it can be read.

    Raises:
        EcosystemError: there is no such folder.
    """
    raw, failures = survey(folder)
    faults = [str(failure) for failure in failures + check(raw)]
    warnings = [str(warning) for warning in warn(raw, default_password=False)]
    integrity = Integrity(
        ok=not faults,
        fault_count=len(faults),
        faults=faults[:_SHOWN],
        warning_count=len(warnings),
        warnings=warnings[:_SHOWN],
    )
    return _measured(raw, integrity)


def json_of(report: Report) -> bytes:
    """The report as JSON, the same bytes for the same report."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def with_invariants(report: Report, invariants: Iterable[Invariant]) -> Report:
    """The report, with what the bank found in the ledger."""
    listed = list(invariants)
    ok = report.integrity.ok and all(invariant.ok for invariant in listed)
    integrity = msgspec.structs.replace(report.integrity, ok=ok, invariants=listed)
    return msgspec.structs.replace(report, integrity=integrity)


def _measured(raw: RawEcosystem, integrity: Integrity) -> Report:
    columns = columns_of(raw)
    figures = compared_figures(columns)
    return Report(
        ecosystem=raw.manifest.name,
        title=raw.manifest.title or raw.manifest.name,
        as_of=format_instant(raw.manifest.as_of),
        sizes={name: len(rows) for name, rows in raw.rows.items() if rows},
        integrity=integrity,
        calibrated=not any(figure.off for figure in figures),
        compared=figures,
        shapes=shapes_of(columns),
    )
