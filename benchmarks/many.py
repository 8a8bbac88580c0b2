"""The row of many sandboxes: a thousand on one server, each signed in to and paid in once, most of them asleep."""

from statistics import median

import msgspec

from benchmarks import budgets, data, servers, visit
from benchmarks.report import Row, memory_row, ratio_row, times_row
from benchmarks.visit import Visit
from benchmarks.wire import Client, WireError

SANDBOXES = 1_000
COMPARED = 50
"""How many of the first and of the last are compared; fewer than are awake at once, so that the first had room."""
WOKEN = 300
WARM_UP = 10


class Standing(msgspec.Struct):
    """The part of a sandbox that is looked at here."""

    id: str
    awake: bool


class _Sandboxes(msgspec.Struct):
    items: list[Standing]


def many(transactions: int, count: int) -> list[Row]:
    """Memory, waking, and the last sandbox against the first, on a server of its own with its usual settings.

    Args:
        transactions: in the ecosystem.
        count: how many sandboxes; the budgets are for 1,000.
    """
    folder = data.ecosystem(transactions)
    with (
        servers.sandbank(folder, cache=servers.image_cache(), name="sandbank-many") as server,
        server.client() as client,
    ):
        alone = server.resident_mib()
        visits, made = _filled(client, count)
        filled = server.resident_mib()
        waking, awake = _woken(client, visits)
        after = server.resident_mib()
    topic = f"{count:,} sandboxes"
    budget = budgets.MANY_RESIDENT if count >= SANDBOXES else None
    few = min(COMPARED, count // 2)
    first, last = median(made[:few]), median(made[-few:])
    return [
        memory_row(f"memory before {topic}", "sandbank", alone),
        memory_row(f"memory with {topic}, paid in once", "sandbank", filled, budget=budget),
        memory_row(f"memory with {topic}, {len(waking)} woken", "sandbank", after, budget=budget),
        times_row("fork, sign-in and payment, over HTTP", f"sandbank, first {few} of {count:,}", made[:few]),
        times_row("fork, sign-in and payment, over HTTP", f"sandbank, last {few} of {count:,}", made[-few:]),
        ratio_row(
            "fork, sign-in and payment, over HTTP", "last / first, p50", [last / first], budget=budgets.LAST_TO_FIRST
        ),
        times_row(f"account list of a sandbox asleep among {count:,}", "sandbank", waking, budget=budgets.WAKE),
        times_row("account list of the same, awake", "sandbank", awake),
        times_row("what waking adds", "sandbank", [slow - fast for slow, fast in zip(waking, awake, strict=True)]),
    ]


def _filled(client: Client, count: int) -> tuple[list[Visit], list[float]]:
    """So many sandboxes, and the milliseconds that making, signing in and paying took in each."""
    payer = visit.payer(client)
    for _ in range(WARM_UP):
        with Visit(client, payer) as there:
            there.sign_in()
            there.pay()
    visits: list[Visit] = []
    made: list[float] = []
    for _ in range(count):
        there = Visit(client, payer)
        made.append(there.fork.ms + there.sign_in().ms + there.pay().ms)
        visits.append(there)
    return visits, made


def _woken(client: Client, visits: list[Visit]) -> tuple[list[float], list[float]]:
    """The milliseconds of a list that wakes its sandbox, and of the same list once more.

    Every one woken sends another to sleep, since as many are awake as may be; that is part of it.
    """
    answer = client.expect(200, "GET", "/_sandbox/sandboxes")
    asleep = {one.id for one in msgspec.json.decode(answer.body, type=_Sandboxes).items if not one.awake}
    # Who has slept longest is at the front, and whoever is sent to sleep has been used since.
    sleepers = [there for there in visits if there.name in asleep][:WOKEN]
    if not sleepers:
        message = f"none of {len(visits)} sandboxes is asleep"
        raise WireError(message)
    waking: list[float] = []
    awake: list[float] = []
    for there in sleepers:
        waking.append(there.accounts(paid=1).ms)
        awake.append(there.accounts(paid=1).ms)
    return waking, awake
