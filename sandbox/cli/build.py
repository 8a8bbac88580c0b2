"""`sandbank ecosystem build`: have the generator make a bank, as large as is asked for."""

import os
import re
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import click

from sandbox.cli.options import fail
from sandbox.core.calendar import CalendarRangeError
from sandbox.core.clock import (
    HOUR,
    SECOND,
    Instant,
    InstantError,
    day_start,
    elapsed_ms,
    parse_instant,
    stopwatch,
    wall_time,
)

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NOON = 12 * HOUR
_TENTHS = 10


@click.command()
@click.option("--customers", type=int, default=60, show_default=True, help="how many customers")
@click.option("--months", type=int, default=12, show_default=True, help="how many months of history, 1 to 60")
@click.option("--seed", type=int, default=2026, show_default=True, help="who they are and what they do")
@click.option(
    "--as-of", default="now", show_default=True, help="a date (noon in Kuwait), an RFC 3339 timestamp, or now"
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="the folder to make")
@click.option("--format", "form", type=click.Choice(["json", "jsonl"]), default="json", show_default=True)
@click.option("--jobs", type=click.IntRange(min=1), default=None, help="processes; as many as processors unless set")
@click.option("--quiet", is_flag=True, help="say nothing unless something is wrong")
def build(
    *, customers: int, months: int, seed: int, as_of: str, out: Path, form: str, jobs: int | None, quiet: bool
) -> None:
    """Make an ecosystem: the same flags give the same bytes, with any number of processes."""
    from sandbox.synth.building import BuildError  # noqa: PLC0415 - NumPy loads only where something is built
    from sandbox.synth.building import build as make  # noqa: PLC0415
    from sandbox.synth.model import Recipe  # noqa: PLC0415

    recipe = Recipe(customers=customers, months=months, seed=seed, as_of=_instant(as_of))
    shown = _unseen if quiet else _progress(customers)
    begun = stopwatch()
    try:
        made = make(
            recipe, out, form="jsonl" if form == "jsonl" else "json", jobs=jobs or _processors(), progress=shown
        )
    except BuildError as error:
        raise fail(f"--{error}") from None
    except CalendarRangeError as error:
        raise fail(f"--as-of: {error}; ask for a time whose {months} months lie within those years") from None
    if not quiet:
        counts = ", ".join(f"{made.get(name, 0):,} {name}" for name in ("customers", "accounts", "transactions"))
        print(f"{out}: {counts} in {elapsed_ms(begun) / 1_000:.1f} s")
        print(f"  next: sandbank ecosystem validate {out}, or sandbank serve {out}")


def _instant(text: str) -> Instant:
    """The instant of a flag.

    Raises:
        click.ClickException: it is none.
    """
    try:
        if text == "now":
            return Instant(wall_time() // SECOND * SECOND)
        if _DAY.fullmatch(text):
            return Instant(day_start(date.fromisoformat(text)) + _NOON)
        return parse_instant(text)
    except InstantError as error:
        raise fail(f"--as-of: {error}; or a date such as 2026-01-15, or now") from None
    except ValueError as error:
        raise fail(f"--as-of: {text!r} is no real date: {error}") from None


def _processors() -> int:
    return os.cpu_count() or 1


def _unseen(_: int) -> None:
    """Says nothing."""


def _progress(customers: int) -> Callable[[int], None]:
    """What is told how many customers are done: one line that changes on a terminal, else a line for each tenth."""
    terminal = sys.stderr.isatty()
    told = 0

    def tell(done: int) -> None:
        nonlocal told
        text = f"{done:,} of {customers:,} customers"
        if terminal:
            print(f"\r{text}", end="\n" if done == customers else "", file=sys.stderr, flush=True)
        elif done * _TENTHS // customers > told:
            told = done * _TENTHS // customers
            print(text, file=sys.stderr, flush=True)

    return tell
