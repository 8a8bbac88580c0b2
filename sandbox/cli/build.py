"""`sandbank ecosystem build`: have the generator make a bank, as large as is asked for."""

import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, cast

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

if TYPE_CHECKING:
    from types import FrameType

    from sandbox.synth.writing import Form

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NOON = 12 * HOUR
_TENTHS = 10
_JOBS_AT_MOST = 4
"""Unless more are asked for: each process takes memory of its own."""
_TERMINATED, _INTERRUPTED = 143, 130
"""Exit codes of what SIGTERM and Ctrl-C end: 128 and the number of the signal."""


@click.command()
@click.option("--customers", type=int, default=60, show_default=True, help="how many customers")
@click.option("--months", type=int, default=12, show_default=True, help="how many months of history, 1 to 60")
@click.option("--seed", type=int, default=2026, show_default=True, help="who they are and what they do")
@click.option(
    "--as-of", default="now", show_default=True, help="a date (noon in Kuwait), an RFC 3339 timestamp, or now"
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="the folder to make")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "jsonl"]),
    default="json",
    show_default=True,
    help="a JSON array in each file, or JSON Lines",
)
@click.option(
    "--jobs", type=click.IntRange(min=1), default=None, help="processes; unless set as many as processors, 4 at most"
)
@click.option("--quiet", is_flag=True, help="say nothing unless something is wrong")
def build(
    *, customers: int, months: int, seed: int, as_of: str, out: Path, form: str, jobs: int | None, quiet: bool
) -> None:
    """Make an ecosystem: the same flags give the same bytes, with any number of processes."""
    as_instant = _instant(as_of)
    begun = stopwatch()
    with _ends_well():
        made = _made(
            out,
            customers=customers,
            months=months,
            seed=seed,
            as_of=as_instant,
            form=cast("Form", form),
            jobs=jobs or _processors(),
            progress=_unseen if quiet else _progress(customers),
        )
    if not quiet:
        counts = ", ".join(_counted(made.get(f"{noun}s", 0), noun) for noun in ("customer", "account", "transaction"))
        print(f"{out}: {counts} in {elapsed_ms(begun) / 1_000:.1f} s")
        print(f"  next: sandbank ecosystem validate {out}, or sandbank serve {out}")


def _made(
    out: Path,
    *,
    customers: int,
    months: int,
    seed: int,
    as_of: Instant,
    form: "Form",
    jobs: int,
    progress: Callable[[int], None],
) -> dict[str, int]:
    """Have it made; how many records of each collection there are.

    Raises:
        click.ClickException: it cannot be made.
    """
    try:
        from sandbox.synth.building import BuildError  # noqa: PLC0415 - NumPy loads only where something is built
        from sandbox.synth.building import build as make  # noqa: PLC0415
        from sandbox.synth.model import Recipe  # noqa: PLC0415
    except ImportError as error:
        raise fail(f"the generator needs NumPy and Faker (pip install numpy faker): {error}") from None
    recipe = Recipe(customers=customers, months=months, seed=seed, as_of=as_of)
    try:
        return make(recipe, out, form=form, jobs=jobs, progress=progress)
    except BuildError as error:
        raise fail(f"--{error}") from None
    except CalendarRangeError as error:
        lie = f"{_counted(months, 'month')} {'lies' if months == 1 else 'lie'}"
        raise fail(f"--as-of: {error}; ask for a time whose {lie} within those years") from None


@contextmanager
def _ends_well() -> Iterator[None]:
    """Within the block SIGTERM and Ctrl-C unwind what is being done, once, and end with a line and an exit code."""
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return
    signals = (signal.SIGTERM, signal.SIGINT)

    def stop(number: int, _: "FrameType | None") -> None:
        for one in signals:
            signal.signal(one, signal.SIG_IGN)  # what is left to do is short
        raise SystemExit(_INTERRUPTED if number == signal.SIGINT else _TERMINATED)

    before = {one: signal.signal(one, stop) for one in signals if signal.getsignal(one) != signal.SIG_IGN}
    try:
        yield
    except SystemExit:
        begin = "\r" if sys.stderr.isatty() else ""  # over the line of progress
        print(f"{begin}stopped; no bank was built", file=sys.stderr, flush=True)
        raise
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


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
    """How many processes there are unless asked for otherwise."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(_JOBS_AT_MOST, allowed)


def _counted(count: int, noun: str) -> str:
    """So many of something."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


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
