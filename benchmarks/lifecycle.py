"""The rows of a life: fork, reset, start, memory; and lists as the history grows."""

from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks import budgets, customer, data, load, npm, peers, servers
from benchmarks.load import Measured, Plan
from benchmarks.report import Row, memory_row, ratio_row, times_row
from benchmarks.servers import Server
from benchmarks.throughput import Fleet, Turn, interleaved
from benchmarks.wire import Answer, Client, WireError

FORKS = 100
WARM_UP_FORKS = 5
HISTORIES = (1_000, 15_000, 100_000)
HISTORY_SECONDS = 0.5
UNCACHED_STARTS = 3


def fork_and_reset(server: Server) -> list[Row]:
    """Fork, reset, and the first write after each, as a client sees them: one request at a time.

    The first write is a sign-in; a second one into the same sandbox shows what it costs without the copy.
    """
    forks: list[float] = []
    firsts: list[float] = []
    seconds: list[float] = []
    resets: list[float] = []
    firsts_after_reset: list[float] = []
    with server.client() as client:
        for place in range(FORKS + WARM_UP_FORKS):
            fork = client.expect(201, "POST", "/_sandbox/sandboxes", {})
            name = str(fork.json()["id"])
            first = _sign_in(client, f"/s/{name}")
            second = _sign_in(client, f"/s/{name}")
            _delete(client, name)
            reset = client.expect(200, "POST", "/_sandbox/reset", {})
            # A sign-in, so that the next reset has something to undo.
            after_reset = _sign_in(client, "")
            if place >= WARM_UP_FORKS:
                forks.append(fork.ms)
                firsts.append(first.ms)
                seconds.append(second.ms)
                resets.append(reset.ms)
                firsts_after_reset.append(after_reset.ms)
    both = [fork + first for fork, first in zip(forks, firsts, strict=True)]
    both_after_reset = [reset + first for reset, first in zip(resets, firsts_after_reset, strict=True)]
    return [
        times_row("fork, over HTTP", "sandbank", forks),
        times_row("fork plus first sign-in, over HTTP", "sandbank", both),
        times_row("reset, over HTTP", "sandbank", resets),
        times_row("reset plus first sign-in, over HTTP", "sandbank", both_after_reset),
        times_row("a sign-in after another, over HTTP", "sandbank", seconds),
    ]


def resident(fleet: Fleet, when: str) -> list[Row]:
    """Resident memory of every running server, and Sandbank's beside that of each other one."""
    running = {"bare": fleet.bare, "sandbank": fleet.sandbank, "json-server": fleet.json_server, **fleet.peers}
    found = {name: server.resident_mib() for name, server in running.items() if server is not None}
    topic = f"memory {when}"
    budget = budgets.RESIDENT if when == "after start" else None
    rows = [memory_row(topic, name, mib, budget=budget if name == "sandbank" else None) for name, mib in found.items()]
    ours = found.get("sandbank")
    if ours is not None:
        others = {name: mib for name, mib in found.items() if name != "sandbank"}
        rows += [ratio_row(topic, f"sandbank / {name}", [ours / mib]) for name, mib in others.items()]
    return rows


def cold_start(transactions: int, rounds: int) -> list[Row]:
    """From the start of the process to the first answer, each start in its turn.

    Sandbank's first answer is counted twice: of `/_sandbox/health`, and of a signed-in `GET /v1/accounts`. The
    latter is what is compared with the other servers, whose first answer is the list of accounts.
    """
    folder, cache = data.ecosystem(transactions), servers.image_cache()
    _sandbank_start(folder=folder, cache=cache)
    starts = {"bare": servers.bare, "json-server": servers.json_server, **peers.starts(peers.answers(folder))}
    others: dict[str, list[float]] = {name: [] for name in starts}
    cached: list[tuple[float, float]] = []
    uncached: list[tuple[float, float]] = []
    for place in range(rounds):
        cached.append(_sandbank_start(folder=folder, cache=cache))
        for name, start in starts.items():
            try:
                with start() as server:
                    others[name].append(server.ready_ms)
            except npm.AbsentError:
                continue
        if place < UNCACHED_STARTS:
            uncached.append(_sandbank_start(folder=folder, cache=None))
    found = {name: times for name, times in others.items() if times}
    rows = [times_row("start to first answer", name, times) for name, times in found.items()]
    for topic, times, budget in (
        ("cached image", cached, budgets.START_CACHED),
        ("no cache", uncached, budgets.START_UNCACHED),
    ):
        healthy, signed_in = zip(*times, strict=True)
        rows.append(times_row(f"start to health, {topic}", "sandbank", healthy))
        rows.append(times_row(f"start to signed-in list, {topic}", "sandbank", signed_in, budget=budget))
    for name, theirs in found.items():
        ratios = [ours / other for (_, ours), other in zip(cached, theirs, strict=True)]
        rows.append(ratio_row("start to signed-in list, cached image", f"sandbank / {name}", ratios))
    return rows


def growing_history(rounds: int) -> list[Row]:
    """The two lists that an app opens first, at three lengths of history, one request at a time."""
    rows: list[Row] = []
    with ExitStack() as stack:
        running: dict[str, Server] = {}
        for count in HISTORIES:
            server = servers.sandbank(data.ecosystem(count), cache=servers.image_cache())
            running[f"{count:,}"] = stack.enter_context(server)
        for what, path in (("accounts", "/v1/accounts"), ("transactions", "/v1/accounts/{}/transactions")):
            turns = {size: _list_turn(server, path) for size, server in running.items()}
            rows += growth_rows(
                f"list of {what} by history", "slowest / shortest history, p50", interleaved(turns, rounds)
            )
    return rows


def growth_rows(topic: str, compared: str, measured: dict[str, list[Measured]]) -> list[Row]:
    """The same requests at banks of growing size, the smallest first, and how the slowest compares with that."""
    rows = [
        Row(
            topic=topic,
            subject=f"sandbank, {size} transactions",
            rate=median(each.rate for each in rounds),
            p50_ms=median(each.p50_ms for each in rounds),
            p95_ms=median(each.p95_ms for each in rounds),
            p99_ms=median(each.p99_ms for each in rounds),
            rounds=[each.p50_ms for each in rounds],
        )
        for size, rounds in measured.items()
    ]
    shortest, *longer = measured.values()
    ratios = [
        max(each.p50_ms for each in others) / first.p50_ms for first, *others in zip(shortest, *longer, strict=True)
    ]
    rows.append(ratio_row(topic, compared, ratios, budget=budgets.HISTORY))
    return rows


def _list_turn(server: Server, path: str) -> Turn:
    """A turn of user1, whose first account has a tenth of all transactions."""

    def turn() -> Measured:
        with server.client() as client:
            token = customer.sign_in(client)
            main = customer.accounts(client)[0].account_id
            client.expect(200, "GET", path.format(main))
        plan = Plan(url=server.url, path=path.format(main), seconds=HISTORY_SECONDS, token=token, connections=1)
        return load.run(plan)

    return turn


def _sandbank_start(*, folder: Path, cache: Path | None) -> tuple[float, float]:
    """Milliseconds to the first healthy answer, and to the first signed-in one."""
    with servers.sandbank(folder, cache=cache) as server, server.client() as client:
        customer.sign_in(client)
        customer.accounts(client)
        return server.ready_ms, server.since_start_ms()


def _delete(client: Client, name: str) -> None:
    """Away with a fork, so that the next one meets the same house."""
    answer = client.request("DELETE", f"/_sandbox/sandboxes/{name}")
    if answer.status not in (200, 204):
        message = f"DELETE of sandbox {name}: {answer.status}: {answer.body[:400]!r}"
        raise WireError(message)


def _sign_in(client: Client, prefix: str) -> Answer:
    return client.expect(200, "POST", f"{prefix}/v1/auth/login", customer.CREDENTIALS)
