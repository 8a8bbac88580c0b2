"""The rows under load: account list and transfer, one server after the other, round by round.

Ratios are taken within a round, since the machine's pace changes between rounds.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from benchmarks import budgets, customer, load, peers
from benchmarks.load import Measured, Plan
from benchmarks.report import Budget, Row, load_row, ratio_row
from benchmarks.servers import Server
from benchmarks.wire import WireError

Turn = Callable[[], Measured]
"""Prepares one server, loads it once, and checks what came of it."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how often."""

    rounds: int
    seconds: float
    peer_warm_up_seconds: float = 10.0
    """Of load before the first round, for each request at each peer: Java and Node compile what runs often."""


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """The running servers; those that are absent are left out of the table."""

    bare: Server
    sandbank: Server | None = None
    json_server: Server | None = None
    json_server_short: Server | None = None
    peers: Mapping[str, Server] = {}
    """Prism and WireMock, by the names of `peers`."""


def account_list(fleet: Fleet, options: Options) -> list[Row]:
    """`GET` of user1's four accounts: signed in at Sandbank, filtered by customer at json-server.

    Raises:
        WireError: the accounts of a peer are not those of Sandbank.
    """
    if fleet.sandbank is not None:
        for peer in fleet.peers.values():
            _check_same_accounts(fleet.sandbank, peer)
    turns: dict[str, Turn] = {"bare": lambda: load.run(_get(fleet.bare, "/accounts", options))}
    if fleet.sandbank is not None:
        turns["sandbank"] = _bank_list(fleet.sandbank, options)
    if fleet.json_server is not None:
        path = f"/accounts?customer_id={_customer_at(fleet.json_server)}"
        turns["json-server"] = _json_server_list(fleet.json_server, path, options)
    for name, peer in fleet.peers.items():
        turns[name] = _peer_list(peer, options)
        _warm_up(_get(peer, peers.LIST, options, peers.TOKEN), options)
    rounds = interleaved(turns, options.rounds)
    limits = {"bare": budgets.ACCOUNTS_TO_BARE, "json-server": budgets.ACCOUNTS_TO_JSON_SERVER}
    return _rows("account list", rounds, limits)


def transfer(fleet: Fleet, options: Options) -> list[Row]:
    """`POST` of a transfer of one fils between two accounts of user1, each with a key of its own."""
    turns: dict[str, Turn] = {"bare": lambda: load.run(_post(fleet.bare, "/transfers", options))}
    if fleet.sandbank is not None:
        turns["sandbank"] = bank_transfer(fleet.sandbank, options)
    if fleet.json_server is not None:
        turns["json-server"] = _json_server_transfer(fleet.json_server, options)
    if fleet.json_server_short is not None:
        turns["json-server, short rows"] = _json_server_transfer(fleet.json_server_short, options)
    for name, peer in fleet.peers.items():
        turns[name] = _peer_transfer(peer, options)
        _warm_up(_post(peer, peers.TRANSFER, options, peers.TOKEN), options)
    rounds = interleaved(turns, options.rounds)
    limits = {"bare": budgets.TRANSFER_TO_BARE, "json-server": budgets.TRANSFER_TO_JSON_SERVER}
    return _rows("transfer", rounds, limits)


def interleaved(turns: Mapping[str, Turn], rounds: int) -> dict[str, list[Measured]]:
    """Let everybody have a turn in each round."""
    measured: dict[str, list[Measured]] = {name: [] for name in turns}
    for _ in range(rounds):
        for name, turn in turns.items():
            measured[name].append(turn())
    return measured


def _rows(topic: str, rounds: Mapping[str, Sequence[Measured]], limits: Mapping[str, Budget]) -> list[Row]:
    rows = [load_row(topic, name, each) for name, each in rounds.items()]
    ours = rounds.get("sandbank")
    if ours is None:
        return rows
    for name, theirs in rounds.items():
        if name != "sandbank":
            ratios = [mine.rate / other.rate for mine, other in zip(ours, theirs, strict=True)]
            rows.append(ratio_row(topic, f"sandbank / {name}", ratios, share=name == "bare", budget=limits.get(name)))
    return rows


def _get(server: Server, path: str, options: Options, token: str | None = None) -> Plan:
    return Plan(url=server.url, path=path, seconds=options.seconds, token=token)


def _post(server: Server, path: str, options: Options, token: str | None = None) -> Plan:
    """A plan whose order names accounts that nobody but Sandbank looks up."""
    return Plan(
        url=server.url,
        path=path,
        method="POST",
        seconds=options.seconds,
        token=token,
        body=customer.order(from_account="first-account", to_account="second-account"),
        fresh_key=True,
    )


def _warm_up(plan: Plan, options: Options) -> None:
    load.run(msgspec.structs.replace(plan, seconds=options.peer_warm_up_seconds, warm_up_seconds=0.0))


def _bank_list(server: Server, options: Options) -> Turn:
    def turn() -> Measured:
        with server.client() as client:
            token = customer.sign_in(client)
            customer.accounts(client)
        return load.run(_get(server, "/v1/accounts", options, token))

    return turn


def bank_transfer(server: Server, options: Options) -> Turn:
    """Turns of transfers at Sandbank. Each turn starts from the seed, and every answer must have moved its fils."""

    def turn() -> Measured:
        with server.client() as client:
            client.expect(200, "POST", "/_sandbox/reset", {})
            token = customer.sign_in(client)
            source, target, *_ = customer.accounts(client)
            body = customer.order(from_account=source.account_id, to_account=target.account_id)
            plan = msgspec.structs.replace(_post(server, "/v1/transfers", options), token=token, body=body)
            measured = load.run(plan)
            after = {account.account_id: account for account in customer.accounts(client)}
            paid = source.balances.booked.fils - after[source.account_id].balances.booked.fils
            received = after[target.account_id].balances.booked.fils - target.balances.booked.fils
            if not paid == received == measured.answered:
                message = f"{measured.answered} transfers of a fils: {paid} fils paid, {received} received"
                raise WireError(message)
            customer.check_invariants(client)
        return measured

    return turn


def _customer_at(server: Server) -> str:
    """user1's customer id: the holder of the first account."""
    with server.client() as client:
        answer = client.expect(200, "GET", "/accounts?_limit=1")
    return str(msgspec.json.decode(answer.body, type=list[dict[str, object]])[0]["customer_id"])


def _json_server_list(server: Server, path: str, options: Options) -> Turn:
    def turn() -> Measured:
        with server.client() as client:
            found = msgspec.json.decode(client.expect(200, "GET", path).body, type=list[object])
        if len(found) != 4:
            message = f"user1 has 4 accounts, json-server shows {len(found)}"
            raise WireError(message)
        return load.run(_get(server, path, options))

    return turn


def _json_server_transfer(server: Server, options: Options) -> Turn:
    """Every answer must have added its row; the rows of earlier turns stay, a percent or two."""

    def turn() -> Measured:
        before = _stored_transfers(server)
        measured = load.run(_post(server, "/transfers", options))
        added = _stored_transfers(server) - before
        if added != measured.answered:
            message = f"json-server answered {measured.answered} transfers and stored {added}"
            raise WireError(message)
        return measured

    return turn


def _stored_transfers(server: Server) -> int:
    with server.client() as client:
        answer = client.expect(200, "GET", "/transfers")
    return len(msgspec.json.decode(answer.body, type=list[object]))


def _peer_list(server: Server, options: Options) -> Turn:
    def turn() -> Measured:
        with server.client() as client:
            client.token = peers.TOKEN
            customer.accounts(client)
        return load.run(_get(server, peers.LIST, options, peers.TOKEN))

    return turn


def _peer_transfer(server: Server, options: Options) -> Turn:
    """Turns at a server that stores nothing: a look at one answer is all that can be checked."""

    def turn() -> Measured:
        plan = _post(server, peers.TRANSFER, options, peers.TOKEN)
        with server.client() as client:
            client.token = peers.TOKEN
            answer = client.expect(201, "POST", peers.TRANSFER, plan.body, {"Idempotency-Key": "looked-at"})
        if answer.json().get("status") != "settled":
            message = f"{server.name} answers a transfer with {answer.body[:400]!r}"
            raise WireError(message)
        return load.run(plan)

    return turn


def _check_same_accounts(bank: Server, peer: Server) -> None:
    with bank.client() as ours, peer.client() as theirs:
        customer.sign_in(ours)
        theirs.token = peers.TOKEN
        expected, found = ([one.account_id for one in customer.accounts(client)] for client in (ours, theirs))
    if found != expected:
        message = f"{peer.name} lists the accounts {found}, Sandbank lists {expected}"
        raise WireError(message)
