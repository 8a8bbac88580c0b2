"""`sandbank ecosystem report`: how near a folder of collections comes to Kuwait."""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sandbox.cli.files import write_text
from sandbox.cli.options import fail

if TYPE_CHECKING:
    from sandbox.synth.report.comparing import Compared
    from sandbox.synth.report.making import Report

_ASIDE = "-"


@click.command()
@click.argument("folder")
@click.option("--html", "page", type=click.Path(dir_okay=False, path_type=Path), help="write a page with plots here")
@click.option(
    "--json", "data", type=click.Path(dir_okay=False, allow_dash=True), help="write all figures here, or to -"
)
@click.option("--ledger/--no-ledger", default=True, show_default=True, help="post the history, check the ledger too")
@click.option("--strict", is_flag=True, help="exit code 1 also where a calibrated figure is off")
def report(*, folder: str, page: Path | None, data: str | None, ledger: bool, strict: bool) -> None:
    """Measure FOLDER (or a shipped ecosystem) against Kuwait: integrity, cards, wages, people, paydays, profiles.

    Exit code 1 where the folder does not hold together.
    """
    from sandbox.store.ecosystem import EcosystemNotFoundError, find  # noqa: PLC0415 - NumPy loads only here
    from sandbox.synth.report.canvas import NoPlotsError, require_plots  # noqa: PLC0415
    from sandbox.synth.report.making import json_of, report_on  # noqa: PLC0415

    try:
        if page is not None:
            require_plots()
        place = find(folder)
        made = report_on(place)
        if ledger and made.integrity.ok:
            made = _with_ledger(made, place)
        if page is not None:
            from sandbox.synth.report.page import page_of  # noqa: PLC0415 - Matplotlib is slow to load

            write_text(page, page_of(made))
    except (EcosystemNotFoundError, NoPlotsError) as error:
        raise fail(str(error)) from None
    if data is not None and data != _ASIDE:
        write_text(Path(data), json_of(made).decode())
    if data == _ASIDE:
        print(json_of(made).decode(), end="")
    for line in _summary(made, place):
        print(line, file=sys.stderr if data == _ASIDE else sys.stdout)
    if not made.integrity.ok or (strict and not made.calibrated):
        raise SystemExit(1)


def _with_ledger(made: "Report", place: Path) -> "Report":
    """The report, with the invariants of the ledger that the folder's history makes."""
    from sandbox.bank.invariants import check_invariants  # noqa: PLC0415 - the bank loads only where it is needed
    from sandbox.core.settings import Settings  # noqa: PLC0415
    from sandbox.sandboxes.compiling import compile_image  # noqa: PLC0415
    from sandbox.synth.report.making import Invariant, with_invariants  # noqa: PLC0415

    image = compile_image(place, Settings())  # held: its reader ends with it
    checks = check_invariants(image.reader).checks
    return with_invariants(made, (Invariant(name=one.name, ok=one.ok, detail=one.detail) for one in checks))


def _summary(made: "Report", place: Path) -> Iterator[str]:
    integrity = made.integrity
    counts = ", ".join(f"{made.sizes.get(name, 0):,} {name}" for name in ("customers", "accounts", "transactions"))
    yield f"{place}: ecosystem {made.ecosystem!r} at {made.as_of}: {counts}"
    invariants = integrity.invariants or []
    looked = f" and {len(invariants)} invariants of its ledger" if invariants else ""
    verdict = "holds together" if integrity.ok else "does not hold together"
    yield f"  {verdict}: looked at every rule of the files{looked}"
    yield from (f"  fault: {fault}" for fault in integrity.faults)
    if integrity.fault_count > len(integrity.faults):
        yield f"  and {integrity.fault_count - len(integrity.faults)} more; `sandbank ecosystem validate` names all"
    yield from (f"  broken invariant {one.name}: {one.detail}" for one in invariants if not one.ok)
    yield "  calibrated figures: " + ", ".join(f"{count} {words}" for words, count in _verdicts(made).items())
    yield from (f"  off: {_line(figure)}" for figure in made.compared if figure.off)


def _verdicts(made: "Report") -> dict[str, int]:
    from sandbox.synth.report.comparing import VERDICTS  # noqa: PLC0415

    given = Counter(figure.verdict for figure in made.compared)
    return {words: given[verdict] for verdict, words in VERDICTS.items() if given[verdict]}


def _line(figure: "Compared") -> str:
    from sandbox.synth.report.comparing import amount_of  # noqa: PLC0415

    value, target = amount_of(figure.value, figure.unit), amount_of(figure.target, figure.unit)
    return f"{figure.title}: {value} instead of {target} ({figure.deviation_percent:+.1f}%)"
