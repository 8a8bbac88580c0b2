"""The rows of the data plane: a filtered list of transactions beside json-server, which has the same ones."""

from contextlib import ExitStack

import msgspec

from benchmarks import data, load, npm, servers
from benchmarks.load import Measured, Plan
from benchmarks.report import Row, load_row, ratio_row, times_row
from benchmarks.servers import Server
from benchmarks.throughput import Options, Turn, interleaved
from benchmarks.wire import WireError

LIMIT = 50
WRITES = 4
"""In a round, each followed by a list."""


class Listed(msgspec.Struct):
    """The part of a transaction that is looked at here."""

    transaction_id: str


def records(options: Options) -> list[Row]:
    """`GET` of 50 transactions of one account out of 10,000, at both; and at Sandbank right after a write.

    Sandbank keeps a large collection in memory until something is written, so that the two differ.
    """
    cache = servers.image_cache()
    folder = data.ecosystem(data.JSON_SERVER_TRANSACTIONS)
    account = _main_account(folder.joinpath("accounts.json").read_bytes())
    query = f"/transactions?account_id={account}&_limit={LIMIT}"
    with ExitStack() as stack:
        bank = stack.enter_context(servers.sandbank(folder, cache=cache, name="sandbank-records"))
        shown = _shown(bank, f"/_data{query}")
        turns: dict[str, Turn] = {"sandbank": _turn(bank, f"/_data{query}", options)}
        try:
            other = stack.enter_context(servers.json_server())
        except npm.AbsentError:
            pass
        else:
            theirs = _shown(other, query)
            if theirs != shown:
                message = f"GET {query}: not the same rows; {shown[:2]} at Sandbank, {theirs[:2]} at json-server"
                raise WireError(message)
            turns["json-server"] = _turn(other, query, options)
        rounds = interleaved(turns, options.rounds)
        written, listed = _after_writes(bank, f"/_data{query}", account, options.rounds * WRITES)
    topic = f"{LIMIT} of an account's transactions, /_data"
    rows = [load_row(topic, name, each) for name, each in rounds.items()]
    if "json-server" in rounds:
        pairs = zip(rounds["sandbank"], rounds["json-server"], strict=True)
        rows.append(ratio_row(topic, "sandbank / json-server", [ours.rate / theirs.rate for ours, theirs in pairs]))
    return [
        *rows,
        times_row("record changed by PATCH, /_data", "sandbank", written),
        times_row("the same list, first after a change", "sandbank", listed),
    ]


def _turn(server: Server, path: str, options: Options) -> Turn:
    def turn() -> Measured:
        return load.run(Plan(url=server.url, path=path, seconds=options.seconds))

    return turn


def _after_writes(server: Server, path: str, account: str, times: int) -> tuple[list[float], list[float]]:
    """The milliseconds of a change to the account, and of the list right after it."""
    written: list[float] = []
    listed: list[float] = []
    with server.client() as client:
        for place in range(times):
            changed = client.expect(200, "PATCH", f"/_data/accounts/{account}", {"nickname": f"Main {place}"})
            written.append(changed.ms)
            listed.append(client.expect(200, "GET", path).ms)
    return written, listed


def _shown(server: Server, path: str) -> list[str]:
    """The ids of the transactions that a server lists.

    Raises:
        WireError: not as many as were asked for.
    """
    with server.client() as client:
        found = msgspec.json.decode(client.expect(200, "GET", path).body, type=list[Listed])
    if len(found) != LIMIT:
        message = f"GET {path} shows {len(found)} transactions, not {LIMIT}"
        raise WireError(message)
    return [one.transaction_id for one in found]


def _main_account(accounts: bytes) -> str:
    """user1's first account, which has a tenth of all transactions."""
    return str(msgspec.json.decode(accounts, type=list[dict[str, object]])[0]["account_id"])
