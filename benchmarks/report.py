"""What a run found: rows, the budgets they are held to, and how both are written down.

The same table goes to the terminal and, between two markers, into `docs/benchmarks.md`; every figure of every
round goes to `.work/last.json`.
"""

import importlib.metadata
import os
import platform
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import msgspec
import psutil

from benchmarks import npm
from benchmarks.load import Measured, percentile
from benchmarks.paths import DOCUMENT, WORK

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
LIBRARIES = ("litestar", "msgspec", "sqlalchemy", "uvicorn", "uvloop", "httptools")
COLUMNS = ("what", "who", "requests/s", "p50 ms", "p95 ms", "p99 ms", "figure", "budget", "verdict")


class Budget(msgspec.Struct, frozen=True):
    """What a figure is held to: a floor, a ceiling, or both."""

    text: str
    floor: float | None = None
    ceiling: float | None = None

    def holds(self, figure: float) -> bool:
        """Whether the figure keeps within it."""
        high_enough = self.floor is None or figure >= self.floor
        return high_enough and (self.ceiling is None or figure <= self.ceiling)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table: one figure, or one server under one load."""

    topic: str
    subject: str
    rate: float | None = None
    """Answered requests a second."""
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    figure: str = ""
    """What is neither a rate nor a time, with its unit."""
    budget: str = ""
    holds: bool | None = None
    """Whether the budget is kept; `None` where there is none."""
    rounds: list[float] = []
    """The figure of each round, or every single time, in the order in which they were measured."""
    busy: float | None = None
    """The most that the load generator used of its core."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run."""

    made_at: str
    command: str
    machine: list[str]
    rows: list[Row]
    notes: list[str]


def load_row(topic: str, subject: str, rounds: Sequence[Measured]) -> Row:
    """A server under load: the median of its rounds, figure by figure."""
    return Row(
        topic=topic,
        subject=subject,
        rate=median(each.rate for each in rounds),
        p50_ms=median(each.p50_ms for each in rounds),
        p95_ms=median(each.p95_ms for each in rounds),
        p99_ms=median(each.p99_ms for each in rounds),
        rounds=[each.rate for each in rounds],
        busy=max(each.busy for each in rounds),
    )


def times_row(topic: str, subject: str, times_ms: Sequence[float], *, budget: Budget | None = None) -> Row:
    """Single timings: their percentiles; a budget is held against the p50."""
    ordered = sorted(times_ms)
    p50 = percentile(ordered, 0.50)
    return Row(
        topic=topic,
        subject=subject,
        p50_ms=p50,
        p95_ms=percentile(ordered, 0.95),
        p99_ms=percentile(ordered, 0.99) if len(ordered) >= 100 else None,
        budget=budget.text if budget else "",
        holds=budget.holds(p50) if budget else None,
        rounds=list(times_ms),
    )


def ratio_row(
    topic: str, subject: str, ratios: Sequence[float], *, share: bool = False, budget: Budget | None = None
) -> Row:
    """The median of ratios taken round by round, with the lowest and the highest where there are several.

    Args:
        topic: the row's name.
        subject: whose ratio, such as `sandbank / bare`.
        ratios: one a round.
        share: write it as a percentage rather than as a factor.
        budget: held against the median.
    """
    middle, low, high = median(ratios), min(ratios), max(ratios)
    form = "{:.1%}" if share else "{:.2f}x"
    figure = form.format(middle)
    if len(ratios) > 1:
        figure = f"{figure} ({form.format(low)} to {form.format(high)})"
    return Row(
        topic=topic,
        subject=subject,
        figure=figure,
        budget=budget.text if budget else "",
        holds=budget.holds(middle) if budget else None,
        rounds=list(ratios),
    )


def memory_row(topic: str, subject: str, mib: float, *, budget: Budget | None = None) -> Row:
    """A figure of resident memory."""
    return Row(
        topic=topic,
        subject=subject,
        figure=f"{mib:.0f} MiB",
        budget=budget.text if budget else "",
        holds=budget.holds(mib) if budget else None,
        rounds=[mib],
    )


def size_row(topic: str, subject: str, sizes: Sequence[int]) -> Row:
    """The median of sizes in bytes."""
    return Row(topic=topic, subject=subject, figure=f"{median(sizes) / 1024:,.0f} KiB", rounds=[*sizes])


def machine() -> list[str]:
    """What the run stands on, a line each."""
    versions = [f"{name} {_version(name)}" for name in LIBRARIES]
    gib = psutil.virtual_memory().total / 2**30
    load = ", ".join(f"{share:.2f}" for share in os.getloadavg())
    return [
        f"{_processor()}, {os.cpu_count()} cores, {gib:.0f} GiB; {platform.system()} {platform.release()}",
        f"{platform.python_implementation()} {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        f"sandbank {_version('sandbank')}; {', '.join(versions)}",
        _peers(),
        f"load average before the run: {load}",
    ]


def now_text() -> str:
    """The wall clock, to the minute."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table whose columns also line up in a terminal."""
    lines = [list(COLUMNS)]
    for row in rows:
        verdict = "" if row.holds is None else "pass" if row.holds else "**FAIL**"
        rate = "" if row.rate is None else _number(row.rate)
        times = ["" if ms is None else _number(ms) for ms in (row.p50_ms, row.p95_ms, row.p99_ms)]
        lines.append([row.topic, row.subject, rate, *times, row.figure, row.budget, verdict])
    widths = [max(len(line[place]) for line in lines) for place in range(len(COLUMNS))]
    rule = ["-" * (width - 1) + (":" if 2 <= place <= 5 else "-") for place, width in enumerate(widths)]
    lines.insert(1, rule)
    return "\n".join("| " + " | ".join(map(_padded, line, widths, range(9))) + " |" for line in lines)


def text(report: Report) -> str:
    """The report as Markdown."""
    facts = [f"- {line}" for line in [report.made_at, f"`{report.command}`", *report.machine]]
    notes = [f"- {note}" for note in report.notes]
    parts = ["\n".join(facts), table(report.rows), "\n".join(notes)]
    return "\n\n".join(part for part in parts if part) + "\n"


def keep(report: Report) -> Path:
    """Write every figure of the run to `.work/last.json`."""
    WORK.mkdir(parents=True, exist_ok=True)
    file = WORK / "last.json"
    file.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    return file


def publish(report: Report) -> Path:
    """Rewrite what stands between the markers of `docs/benchmarks.md`."""
    before, begin, rest = DOCUMENT.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, f"{DOCUMENT} has lost its marker {BEGIN}"
    assert end, f"{DOCUMENT} has lost its marker {END}"
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text(report)}\n{END}{after}")
    return DOCUMENT


def _number(figure: float) -> str:
    if figure >= 100:
        return f"{figure:,.0f}"
    return f"{figure:.1f}" if figure >= 10 else f"{figure:.3f}"


def _padded(cell: str, width: int, place: int) -> str:
    return cell.rjust(width) if 2 <= place <= 5 else cell.ljust(width)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def _peers() -> str:
    """What is compared with, and what it runs on."""
    node, java = (_or_absent(version) for version in (npm.node_version, npm.java_version))
    by_node = f"json-server {npm.JSON_SERVER_VERSION} and Prism {npm.PRISM_VERSION} on Node {node}"
    return f"{by_node}; WireMock {npm.WIREMOCK_VERSION} on Java {java}"


def _or_absent(version: Callable[[], str]) -> str:
    try:
        return version()
    except npm.AbsentError:
        return "(absent)"


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        for line in facts.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
