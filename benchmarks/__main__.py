"""`python -m benchmarks`: start the servers, measure the rows asked for, print the table, keep the document.

A row that meets a wrong answer, a refused request or a server that does not come up is no row: it is told,
the others go on, the document stays as it was and the exit code is 1. A missed budget is a finding, no error.
"""

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import msgspec

from benchmarks import (
    chart,
    control,
    data,
    durability,
    generated,
    inprocess,
    lifecycle,
    many,
    npm,
    peers,
    records,
    report,
    servers,
    throughput,
)
from benchmarks.load import LoadError
from benchmarks.report import Report, Row
from benchmarks.servers import Server, ServerError
from benchmarks.throughput import Fleet, Options
from benchmarks.wire import WireError

WITH_SERVERS = ("accounts", "transfer", "fork", "memory")
CONTROL = ("scenarios", "snapshots", "clock", "exchange")
"""Rows of the control plane, which share one running Sandbank."""
ALONE = ("records", "durability", "many", "start", "inprocess", "sleep")
EXTRA = ("history", "generated")
"""Measured when they are asked for."""
BUSY_TOO = 0.9
"""From this share of a core on the load generator may have been what was measured."""


_TROUBLE = (LoadError, ServerError, npm.AbsentError, WireError, OSError, KeyError, msgspec.MsgspecError)
"""What a server that does not do as agreed can lead to."""


class Findings:
    """The rows found so far, and what went wrong on the way."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.failures: list[str] = []
        self.notes: list[str] = []

    def measure(self, name: str, rows: Callable[[], Sequence[Row]]) -> None:
        """Measure one group of rows, and show them at once."""
        _say(f"{name} ...")
        try:
            found = rows()
        except _TROUBLE as error:
            self.fail(f"{name}: {type(error).__name__}: {error}")
            return
        self.rows += found
        if found:
            print(report.table(found), flush=True)

    def server(self, name: str, start: Callable[[], Server]) -> Server | None:
        """Start one server; say so when it cannot be had."""
        _say(f"starting {name} ...")
        try:
            return start()
        except npm.AbsentError as error:
            self.notes.append(f"{name} is left out: {error}")
            _say(self.notes[-1])
        except ServerError as error:
            self.fail(str(error))
        return None

    def fail(self, what: str) -> None:
        """Keep a failure and tell it."""
        self.failures.append(what)
        _say(f"FAILED: {what}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks and say whether all rows could be measured."""
    chosen = _parser().parse_args(arguments)
    wanted = _wanted(chosen)
    options = Options(rounds=chosen.rounds, seconds=chosen.seconds)
    machine = report.machine()
    findings = Findings()
    if not wanted.isdisjoint(WITH_SERVERS):
        _with_servers(findings, wanted=wanted, options=options, transactions=chosen.transactions)
    if not wanted.isdisjoint(CONTROL):
        _control(findings, wanted=wanted, options=options, transactions=chosen.transactions)
    for name, what, rows in _alone(options, transactions=chosen.transactions, sandboxes=chosen.sandboxes):
        if name in wanted:
            findings.measure(what, rows)
    made = Report(
        made_at=report.now_text(),
        command=shlex.join(["python", "-m", "benchmarks", *(sys.argv[1:] if arguments is None else arguments)]),
        machine=machine,
        rows=findings.rows,
        notes=_notes(findings, options=options, transactions=chosen.transactions),
    )
    print(f"\n{report.text(made)}")
    _say(f"every figure: {report.keep(made)}")
    if findings.failures:
        _say(f"not written to the document, since {len(findings.failures)} failed:")
        _say("\n".join(f"  {failure}" for failure in findings.failures))
        return 1
    if chosen.no_write or chosen.only:
        _say("not written to the document, as asked")
    else:
        _say(f"written: {report.publish(made)}")
        _say(f"drawn: {chart.publish()}")
    return 0


def _with_servers(findings: Findings, *, wanted: set[str], options: Options, transactions: int) -> None:
    """The rows that share one set of running servers."""
    with ExitStack() as stack:
        fleet = _fleet(findings, stack, transactions=transactions, short_rows="transfer" in wanted)
        if fleet is None:
            return
        if "memory" in wanted:
            findings.measure("memory", lambda: lifecycle.resident(fleet, "after start"))
        if "accounts" in wanted:
            findings.measure("account list", lambda: throughput.account_list(fleet, options))
        if "transfer" in wanted:
            findings.measure("transfer", lambda: throughput.transfer(fleet, options))
        sandbank = fleet.sandbank
        if "fork" in wanted and sandbank is not None:
            findings.measure("fork and reset", lambda: lifecycle.fork_and_reset(sandbank))
        if "memory" in wanted:
            findings.measure("memory", lambda: lifecycle.resident(fleet, "after the load"))


def _fleet(findings: Findings, stack: ExitStack, *, transactions: int, short_rows: bool) -> Fleet | None:
    """All servers that can be had; `None` when not even the bare one comes up."""
    folder = data.ecosystem(transactions)

    def running(name: str, start: Callable[[], Server]) -> Server | None:
        server = findings.server(name, start)
        return server and stack.enter_context(server)

    bare = running("bare", servers.bare)
    if bare is None:
        return None
    sandbank = running("sandbank", lambda: servers.sandbank(folder, cache=servers.image_cache()))
    json_server = running("json-server", servers.json_server)
    short = running("json-server, short rows", lambda: servers.json_server(short=True)) if short_rows else None
    try:
        started = {name: running(name, start) for name, start in peers.starts(peers.answers(folder)).items()}
    except _TROUBLE as error:
        findings.fail(f"what Prism and WireMock are to answer: {type(error).__name__}: {error}")
        started = {}
    return Fleet(
        bare=bare,
        sandbank=sandbank,
        json_server=json_server,
        json_server_short=short,
        peers={name: server for name, server in started.items() if server is not None},
    )


def _control(findings: Findings, *, wanted: set[str], options: Options, transactions: int) -> None:
    """The rows of the control plane."""
    folder = data.ecosystem(transactions)
    server = findings.server(
        "sandbank for the control plane",
        lambda: servers.sandbank(folder, cache=servers.image_cache(), name="sandbank-control"),
    )
    if server is None:
        return
    groups = {
        "scenarios": control.scenarios,
        "snapshots": control.snapshots,
        "clock": control.clock,
        "exchange": control.exchange,
    }
    with server:
        for name, rows in groups.items():
            if name in wanted:
                findings.measure(name, partial(rows, server, options.rounds))


def _alone(
    options: Options, *, transactions: int, sandboxes: int
) -> list[tuple[str, str, Callable[[], Sequence[Row]]]]:
    """The rows that start what they need themselves: the name of each, what it is called, and how it is measured."""

    def folder() -> Path:
        return data.ecosystem(transactions)

    return [
        ("records", "data plane", lambda: records.records(options)),
        ("durability", "durability", lambda: durability.durability(transactions, options)),
        ("many", f"{sandboxes:,} sandboxes", lambda: many.many(transactions, sandboxes)),
        ("start", "start", lambda: lifecycle.cold_start(transactions, options.rounds)),
        ("inprocess", "in process", lambda: inprocess.in_process(folder())),
        ("sleep", "sleep and waking, in process", lambda: inprocess.sleeping(folder())),
        ("history", "history", lambda: lifecycle.growing_history(options.rounds)),
        ("generated", "generator", generated.making),
        ("generated", "loading", generated.loading),
        ("generated", "lists as the bank grows", lambda: generated.lists(options.rounds)),
    ]


def _notes(findings: Findings, *, options: Options, transactions: int) -> list[str]:
    """What a reader of the table needs beside it."""
    same, short = (data.json_server_file(short=short).stat().st_size / 1e6 for short in (False, True))
    count = data.JSON_SERVER_TRANSACTIONS
    notes = [
        f"{options.rounds} rounds of {options.seconds:g} s; Sandbank holds {transactions:,} transactions.",
        f"json-server holds {count:,} transactions in {same:.1f} MB, or in {short:.1f} MB with short rows.",
    ]
    busiest = max((row.busy for row in findings.rows if row.busy is not None), default=None)
    if busiest is not None:
        doubt = ": too much, the fastest figures are its own" if busiest > BUSY_TOO else ""
        notes.append(f"The load generator used at most {busiest:.0%} of its core{doubt}.")
    return notes + findings.notes


def _wanted(chosen: argparse.Namespace) -> set[str]:
    names = {*WITH_SERVERS, *CONTROL, *ALONE, *EXTRA}
    if chosen.only:
        wanted = {name.strip() for name in chosen.only.split(",")}
        if unknown := sorted(wanted - names):
            _parser().error(f"--only: no such row: {', '.join(unknown)}; there are {', '.join(sorted(names))}")
        return wanted
    return names if chosen.history else names - {*EXTRA}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of load, a server and a round (default 2)")
    parser.add_argument(
        "--transactions",
        type=int,
        default=data.DEFAULT_TRANSACTIONS,
        help="in Sandbank's ecosystem (default %(default)s)",
    )
    parser.add_argument(
        "--sandboxes",
        type=int,
        default=many.SANDBOXES,
        help="in the row of many sandboxes (default %(default)s)",
    )
    parser.add_argument(
        "--only",
        metavar="ROW,ROW",
        help=f"of {', '.join((*WITH_SERVERS, *CONTROL, *ALONE, *EXTRA))}; the document is not written then",
    )
    parser.add_argument("--history", action="store_true", help="also generated banks, to 1,000,000 transactions")
    parser.add_argument("--no-write", action="store_true", help="leave docs/benchmarks.md and its chart as they are")
    return parser


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
