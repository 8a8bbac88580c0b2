"""The rows of the control plane: scenarios, snapshots, the clock, export and import, one request at a time.

Every round takes each of them in turn, in sandboxes of their own. What came of it is checked before it counts.
"""

import msgspec

from benchmarks import visit
from benchmarks.report import Row, size_row, times_row
from benchmarks.servers import Server
from benchmarks.visit import Payer, Visit
from benchmarks.wire import Client, WireError

SCENARIOS = {"locked-user": 10, "low-balance": 10, "busy-month": 2}
"""How often each is applied in a round."""
SNAPSHOTS = 10
ADVANCES = 10
PAYMENTS_A_DAY = 5
"""Each leaves an idempotency key that expires a day later."""
OTHER_USER = "user2"
DUE = frozenset({"unlock_users", "expire_idempotency_keys"})
"""Jobs that must run on the way; others may."""


class Fired(msgspec.Struct):
    """The part of a job that ran which is looked at here."""

    job: str
    count: int


class Advanced(msgspec.Struct):
    """What advancing the clock answers."""

    now: str
    fired: list[Fired]


def scenarios(server: Server, rounds: int) -> list[Row]:
    """A scenario applied on top of a fresh sandbox, and a sandbox made with it."""
    applied: dict[str, list[float]] = {name: [] for name in SCENARIOS}
    forked: dict[str, list[float]] = {name: [] for name in SCENARIOS}
    with server.client() as client:
        payer = visit.payer(client)
        for _ in range(rounds):
            for name, times in SCENARIOS.items():
                for _ in range(times):
                    with Visit(client, payer) as there:
                        answer = there.expect(200, "POST", f"/_sandbox/scenarios/{name}", {})
                        _require(f"{name} wrote nothing", holds=answer.json()["writes"] != 0)
                        applied[name].append(answer.ms)
                    with Visit(client, payer, scenarios=[name]) as there:
                        _require(f"a fork with {name} is untouched", holds=there.fork.json()["writes"] != 0)
                        forked[name].append(there.fork.ms)
    rows = [times_row(f"scenario {name}, over HTTP", "sandbank", times) for name, times in applied.items()]
    return rows + [times_row(f"fork with {name}, over HTTP", "sandbank", times) for name, times in forked.items()]


def snapshots(server: Server, rounds: int) -> list[Row]:
    """A snapshot after one payment, and back to it after another, up to the first list of accounts."""
    taken: list[float] = []
    sizes: list[int] = []
    firsts: list[float] = []
    seconds: list[float] = []
    with server.client() as client:
        payer = visit.payer(client)
        for _ in range(rounds * SNAPSHOTS):
            with Visit(client, payer) as there:
                there.sign_in()
                there.pay()
                snapshot = there.expect(201, "POST", "/_sandbox/snapshots", {"name": "paid"})
                taken.append(snapshot.ms)
                sizes.append(int(str(snapshot.json()["bytes"])))
                for times in (firsts, seconds):
                    there.pay()
                    back = there.expect(200, "POST", "/_sandbox/snapshots/paid/restore")
                    times.append(back.ms + there.accounts(paid=1).ms)
    return [
        times_row("snapshot after a payment, over HTTP", "sandbank", taken),
        size_row("snapshot after a payment, kept", "sandbank", sizes),
        times_row("restore plus first list, over HTTP", "sandbank", firsts),
        times_row("restore again plus first list, over HTTP", "sandbank", seconds),
    ]


def clock(server: Server, rounds: int) -> list[Row]:
    """A day passes, in which a lock ends and idempotency keys expire."""
    took: list[float] = []
    jobs = settled = 0
    with server.client() as client:
        payer = visit.payer(client)
        for _ in range(rounds * ADVANCES):
            with Visit(client, payer) as there:
                there.expect(200, "POST", "/_sandbox/scenarios/locked-user", {"user": OTHER_USER})
                there.sign_in()
                for _ in range(PAYMENTS_A_DAY):
                    there.pay()
                answer = there.expect(200, "POST", "/_sandbox/clock/advance", {"by": "P1DT1S"})
                fired = msgspec.json.decode(answer.body, type=Advanced).fired
                missing = DUE.difference(one.job for one in fired)
                _require(f"a day has passed without {', '.join(sorted(missing))}: {answer.body!r}", holds=not missing)
                took.append(answer.ms)
                jobs, settled = len(fired), sum(one.count for one in fired)
    topic = f"a day passes, {jobs} jobs run for {settled} things, over HTTP"
    return [times_row(topic, "sandbank", took)]


def exchange(server: Server, rounds: int) -> list[Row]:
    """The sandbox as files, and the files as a sandbox: the digest must be the same. Once a round."""
    exported: list[float] = []
    imported: list[float] = []
    sizes: list[int] = []
    with server.client() as client:
        payer = visit.payer(client)
        for _ in range(rounds):
            with Visit(client, payer) as there:
                there.sign_in()
                there.pay()
                wanted = there.expect(200, "GET", "/_sandbox/digest").json()["digest"]
                files = there.expect(200, "GET", "/_sandbox/export")
                digest = _imported(client, payer, files.body, imported)
                _require(f"exported {wanted}, imported {digest}", holds=digest == wanted)
                exported.append(files.ms)
                sizes.append(len(files.body))
    return [
        times_row("export, over HTTP", "sandbank", exported),
        size_row("export, zip", "sandbank", sizes),
        times_row("import, over HTTP", "sandbank", imported),
    ]


def _imported(client: Client, payer: Payer, files: bytes, times: list[float]) -> object:
    """The digest of a sandbox that was given these files."""
    with Visit(client, payer) as there:
        answer = there.expect(200, "POST", "/_sandbox/import", files)
        times.append(answer.ms)
        return answer.json()["digest"]


def _require(message: str, *, holds: bool) -> None:
    if not holds:
        raise WireError(message)
