"""The rows of generated banks: how fast they are made, how long they take to load, and lists as the bank grows.

Three sizes of the same bank over one year: some 15,000, 100,000 and 1,000,000 transactions. The folders are made by the
command that a user would type, under `.work`, and kept from run to run for as long as the package's code is the same.
"""

import hashlib
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import msgspec
import psutil

from benchmarks import budgets, load, servers
from benchmarks.lifecycle import HISTORY_SECONDS, growth_rows
from benchmarks.load import Measured, Plan
from benchmarks.paths import ROOT, WORK
from benchmarks.report import Row, memory_row, ratio_row, times_row
from benchmarks.servers import Server
from benchmarks.throughput import Turn, interleaved
from benchmarks.wire import Client

SIZES = {"15,000": 60, "100,000": 410, "1,000,000": 4_100}
"""How many customers make about so many transactions in a year."""
SEED, MONTHS, AS_OF = 2026, 12, "2026-01-15"
CREDENTIALS = {"username": "fatima", "password": "Fatima-2026!"}
LOAD_SECONDS = 600
_POLL_SECONDS = 0.02

_COMPILE = """
import pathlib, sys, time, msgspec
from sandbox.core.settings import Settings
from sandbox.sandboxes.compiling import compile_image
before = time.perf_counter()
image = compile_image(pathlib.Path(sys.argv[1]), Settings(image_cache=False))
took = time.perf_counter() - before
status = pathlib.Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
peak = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
print(msgspec.json.encode({"seconds": took, "bytes": len(image.data), "peak_mib": peak / 1024}).decode())
"""


class Loaded(msgspec.Struct):
    """What compiling a folder in a fresh process took."""

    seconds: float
    bytes: int
    peak_mib: float


class _Account(msgspec.Struct):
    account_id: str


class _Accounts(msgspec.Struct):
    items: list[_Account]


class Built(msgspec.Struct):
    """One build: its seconds, and the most memory that its processes held together."""

    folder: Path
    seconds: float
    peak_mib: float


def making() -> list[Row]:
    """Movements a second of the generator, written to JSON Lines, with one process and with two."""
    rows: list[Row] = []
    rates: dict[int, float] = {}
    for jobs in (1, 2):
        built = _build(SIZES["1,000,000"], WORK / "run" / f"built-{jobs}", jobs=jobs)
        count = _lines(built.folder / "transactions.jsonl")
        rates[jobs] = count / built.seconds
        who = f"generator, {jobs} process{'es' if jobs > 1 else ''}"
        topic = f"{count:,} transactions to JSON Lines"
        rows.append(
            Row(
                topic=topic,
                subject=who,
                figure=f"{rates[jobs]:,.0f} rows/s, {built.seconds:.1f} s",
                rounds=[rates[jobs]],
            )
        )
        rows.append(memory_row(topic, f"{who}, at most", built.peak_mib))
    rows.append(ratio_row("generator", "two processes / one", [rates[2] / rates[1]]))
    return rows


def loading() -> list[Row]:
    """Reading, checking, posting and serialising each size, in a fresh process."""
    rows: list[Row] = []
    for size, customers in SIZES.items():
        folder = _kept(customers)
        done = subprocess.run(
            [sys.executable, "-c", _COMPILE, str(folder)],
            cwd=ROOT,
            capture_output=True,
            check=True,
            timeout=LOAD_SECONDS,
        )
        loaded = msgspec.json.decode(done.stdout, type=Loaded)
        count = _lines(folder / "transactions.jsonl")
        topic = f"load of {size} transactions"
        figure = f"{loaded.bytes / 1e6:.2f} MB image, {count / loaded.seconds:,.0f} rows/s"
        budget = budgets.IMAGE if customers == SIZES["15,000"] else None
        rows.append(times_row(topic, "sandbank, no cache", [loaded.seconds * 1000]))
        rows.append(
            Row(
                topic=topic,
                subject="sandbank",
                figure=figure,
                budget=budget.text if budget else "",
                holds=budget.holds(loaded.bytes / 1e6) if budget else None,
                rounds=[loaded.bytes],
            )
        )
        if loaded.peak_mib:  # where the system tells it; `ru_maxrss` would be that of whoever started the process
            rows.append(memory_row(topic, "sandbank, at most", loaded.peak_mib))
    return rows


def lists(rounds: int) -> list[Row]:
    """Accounts, balances and transactions of one customer, while the bank around grows."""
    rows: list[Row] = []
    with ExitStack() as stack:
        running: dict[str, Server] = {}
        for size, customers in SIZES.items():
            server = servers.sandbank(_kept(customers), cache=servers.image_cache(), name=f"sandbank-{customers}")
            running[size] = stack.enter_context(server)
            rows.append(memory_row("memory by bank", f"sandbank, {size} transactions", server.resident_mib()))
        for what, path in (
            ("accounts", "/v1/accounts"),
            ("balances", "/v1/accounts/{}/balances"),
            ("transactions", "/v1/accounts/{}/transactions"),
        ):
            turns = {size: _turn(server, path) for size, server in running.items()}
            rows += growth_rows(f"{what} by bank", "slowest / smallest bank, p50", interleaved(turns, rounds))
    return rows


def _turn(server: Server, path: str) -> Turn:
    """A turn of fatima, on the account that she lives on."""

    def turn() -> Measured:
        with server.client() as client:
            token = _sign_in(client)
            found = msgspec.json.decode(client.expect(200, "GET", "/v1/accounts").body, type=_Accounts)
            main = found.items[0].account_id
            client.expect(200, "GET", path.format(main))
        plan = Plan(url=server.url, path=path.format(main), seconds=HISTORY_SECONDS, token=token, connections=1)
        return load.run(plan)

    return turn


def _sign_in(client: Client) -> str:
    token = client.token = str(client.expect(200, "POST", "/v1/auth/login", CREDENTIALS).json()["access_token"])
    return token


def _kept(customers: int) -> Path:
    """The folder of a bank of so many customers, built unless it is there already."""
    folder = WORK / "data" / f"generated-{customers}-{_edition()}"
    return folder if folder.exists() else _build(customers, folder, jobs=2).folder


def _build(customers: int, folder: Path, *, jobs: int) -> Built:
    """Type the command; an earlier folder of the same name is replaced."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    flags = {
        "customers": customers,
        "months": MONTHS,
        "seed": SEED,
        "as-of": AS_OF,
        "out": folder,
        "format": "jsonl",
        "jobs": jobs,
    }
    command = [sys.executable, "-m", "sandbox", "ecosystem", "build", "--quiet"]
    command += [part for name, value in flags.items() for part in (f"--{name}", str(value))]
    before = time.perf_counter()
    peak = 0.0
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as child:
        family = psutil.Process(child.pid)
        while child.poll() is None:
            peak = max(peak, _resident_mib(family))
            time.sleep(_POLL_SECONDS)
    seconds = time.perf_counter() - before
    if child.returncode:
        message = f"{' '.join(command)} ended with {child.returncode}"
        raise OSError(message)
    return Built(folder, seconds, peak)


def _resident_mib(process: psutil.Process) -> float:
    try:
        members = [process, *process.children(recursive=True)]
        return float(sum(member.memory_info().rss for member in members)) / 2**20
    except psutil.Error:  # it has just ended
        return 0.0


def _lines(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for _ in lines)


def _edition() -> str:
    """What the folders were made by, so that a changed generator never meets old ones."""
    room = ROOT / "sandbox" / "synth"
    sources = sorted(path for path in room.rglob("*") if path.suffix in {".py", ".json"})
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:10]
