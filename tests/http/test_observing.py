"""What is told of each request once it is over: the facts of its line, whatever became of it."""

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import pytest
from bankside import ARJUN_CURRENT, FATIMA_CURRENT
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from support import PASSWORDS, VIRTUAL, Client, transfer_body

from sandbox.app import create_app
from sandbox.bank import accounts
from sandbox.http.edge import Edge
from sandbox.http.meter import BOUNDS_S, Meter
from sandbox.http.observing import LEFT, Observer, RequestLine

SECRETS = ("Fatima-2026!", "key-of-the-order", "eyJ")


@pytest.fixture
def lines() -> list[RequestLine]:
    """What was told."""
    return []


@pytest.fixture
def watched(lines: list[RequestLine]) -> Iterator[Client]:
    """A server that tells of its requests."""
    made = Client(app=create_app(VIRTUAL, access_log=lines.append))
    yield made
    made.close()


def facts(line: RequestLine, *names: str) -> tuple[Any, ...]:
    return tuple(getattr(line, name) for name in names)


def test_a_log_that_fails_leaves_no_root_entered() -> None:
    def failing(_: RequestLine) -> None:
        raise OSError("no room")

    made = Client(app=create_app(VIRTUAL, access_log=failing))
    try:
        root = made.app.house.get("default").root
        with pytest.raises(OSError, match="no room"):
            made.get("/v1/accounts")
        assert root._in_flight == 0
    finally:
        made.close()


def test_a_line_tells_who_asked_what_and_what_came_of_it(watched: Client, lines: list[RequestLine]) -> None:
    fatima = watched.login()
    answer = fatima.get("/v1/accounts?limit=2")
    line = lines[-1]
    assert facts(line, "sandbox", "operation", "method", "actor") == ("default", "listAccounts", "GET", "fatima")
    assert facts(line, "path", "query", "status", "problem") == (b"/v1/accounts", b"limit=2", 200, None)
    assert line.request_id == answer.headers["x-request-id"]
    assert line.size == len(answer.content)
    assert line.write_number == watched.app.house.get("default").root.write_number
    assert 0 < line.seconds < 10


def test_nobody_acts_where_no_token_is_asked_for(watched: Client, lines: list[RequestLine]) -> None:
    watched.login()
    assert facts(lines[-1], "operation", "actor", "write_number") == ("login", None, 1)
    watched.get("/_sandbox/health")
    assert facts(lines[-1], "operation", "actor", "write_number") == ("health", None, 1)


def test_the_path_is_the_one_that_was_asked(watched: Client, lines: list[RequestLine]) -> None:
    watched.post("/_sandbox/sandboxes", {"id": "t1"})
    watched.get("/s/t1/_sandbox/info")
    assert facts(lines[-1], "sandbox", "path", "operation") == ("t1", b"/s/t1/_sandbox/info", "info")
    watched.get("/no%0Awhere")
    assert facts(lines[-1], "path", "operation", "problem") == (b"/no%0Awhere", None, "not_found")


def test_a_server_that_gives_no_raw_path_is_asked_for_the_other_one(client: Client) -> None:
    lines: list[RequestLine] = []
    edge = edge_around(answering(200), client, lines)
    scope = scope_of("GET", "/_sandbox/health and more")
    del cast("dict[str, Any]", scope)["raw_path"]
    client.run(edge(scope, nothing_more, ignored))
    assert lines[-1].path == b"/_sandbox/health%20and%20more"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/nowhere", (404, "not_found", "default", None)),
        ("/s/nobody/v1/accounts", (404, "sandbox_unknown", None, "listAccounts")),
        ("/v1/accounts", (401, "unauthenticated", "default", "listAccounts")),
    ],
)
def test_a_refusal_is_told_with_its_code(
    watched: Client, lines: list[RequestLine], path: str, told: tuple[Any, ...]
) -> None:
    answer = watched.get(path)
    assert facts(lines[-1], "status", "problem", "sandbox", "operation") == told
    assert (answer.status_code, answer.json()["code"]) == told[:2]
    assert lines[-1].request_id == answer.json()["request_id"]


def test_a_stored_refusal_is_told_like_the_first(watched: Client, lines: list[RequestLine]) -> None:
    fatima = watched.login()
    for _ in range(2):
        answer = fatima.transfer(FATIMA_CURRENT, ARJUN_CURRENT, "99999999.000", key="k")
        assert facts(lines[-1], "status", "problem", "actor") == (422, answer.json()["code"], "fatima")
    assert answer.headers["idempotent-replayed"] == "true"
    assert lines[-1].problem == "insufficient_funds"


def test_json_servers_own_404_has_no_code(watched: Client, lines: list[RequestLine]) -> None:
    answer = watched.get("/_data/notifications/none")
    assert lines[-1].status == answer.status_code == 404
    assert lines[-1].problem == answer.json().get("code")


def test_a_bug_is_told_as_500(
    watched: Client, lines: list[RequestLine], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError

    fatima = watched.login()
    monkeypatch.setattr(accounts, "list_accounts", broken)
    assert fatima.get("/v1/accounts").status_code == 500
    assert facts(lines[-1], "status", "problem", "operation") == (500, "internal_error", "listAccounts")
    assert [record.message for record in caplog.records] == ["GET /v1/accounts failed"]


def test_preflights_options_and_head_are_told_as_such(watched: Client, lines: list[RequestLine]) -> None:
    asked = {"origin": "http://localhost:3000", "access-control-request-method": "GET"}
    watched.request("OPTIONS", "/v1/accounts", headers=asked)
    watched.request("OPTIONS", "/v1/accounts")
    told = [facts(line, "method", "status", "operation", "size") for line in lines]
    assert told == [("OPTIONS", 204, None, 0)] * 2
    watched.request("HEAD", "/_sandbox/info")
    assert facts(lines[-1], "method", "status", "operation", "size") == ("HEAD", 200, "info", 0)


def test_the_size_is_what_was_sent_packed_or_not(watched: Client, lines: list[RequestLine]) -> None:
    plain = watched.get("/_sandbox/info")
    assert lines[-1].size == len(plain.content) == int(plain.headers["content-length"])
    packed = watched.get("/_sandbox/info", headers={"accept-encoding": "gzip"})
    assert lines[-1].size == int(packed.headers["content-length"]) < len(plain.content)


def test_after_a_reset_the_write_number_is_that_of_the_new_bank(watched: Client, lines: list[RequestLine]) -> None:
    watched.login()
    watched.post("/_sandbox/reset")
    assert facts(lines[-1], "operation", "write_number") == ("reset", 0)


def test_no_secret_is_gathered(watched: Client, lines: list[RequestLine]) -> None:
    fatima = watched.login()
    fatima.transfer(FATIMA_CURRENT, ARJUN_CURRENT, "1.000", key="key-of-the-order")
    watched.post("/v1/auth/refresh", {"refresh_token": fatima.tokens["refresh_token"]})
    watched.post("/v1/auth/login", {"username": "fatima", "password": "wrong-password"})
    told = repr(lines)
    assert len(lines) == 4
    for secret in (*SECRETS, *PASSWORDS.values(), fatima.tokens["refresh_token"], "wrong-password"):
        assert secret not in told


def edge_around(app: ASGIApp, client: Client, lines: list[RequestLine], meter: Meter | None = None) -> Edge:
    """The edge around another application than ours."""
    observer = Observer(meter or Meter(), lines.append)
    return Edge(app, house=client.app.house, table=client.app.table, observer=observer)


def scope_of(method: str, path: str) -> HTTPScope:
    scope: Any = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "scheme": "http",
    }
    return cast("HTTPScope", scope)


def answering(status: int, *pieces: bytes) -> ASGIApp:
    """An application that streams `pieces`."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return app


async def nothing_more() -> Any:
    return {"type": "http.disconnect"}


async def ignored(message: Message) -> None:
    """Nobody reads it."""


def test_a_streamed_answer_is_told_once_at_its_end(client: Client) -> None:
    lines: list[RequestLine] = []
    seen: list[int] = []

    async def send(message: Message) -> None:
        seen.append(len(lines))

    edge = edge_around(answering(200, b"one", b"three", b"x" * 100), client, lines)
    client.run(edge(scope_of("GET", "/_sandbox/health"), nothing_more, send))
    assert len(seen) == 5
    assert not any(seen), "while it is sent nothing is told"
    assert [facts(line, "status", "size") for line in lines] == [(200, 108)]


def test_a_streamed_answer_to_head_has_no_size(client: Client) -> None:
    lines: list[RequestLine] = []
    edge = edge_around(answering(200, b"one", b"three"), client, lines)
    client.run(edge(scope_of("HEAD", "/_sandbox/health"), nothing_more, ignored))
    assert [facts(line, "status", "size") for line in lines] == [(200, 0)]


def test_what_breaks_before_it_answers_is_500(client: Client) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise KeyError

    lines: list[RequestLine] = []
    meter = Meter()
    with pytest.raises(KeyError):
        client.run(
            edge_around(broken, client, lines, meter)(scope_of("GET", "/_sandbox/health"), nothing_more, ignored)
        )
    assert [line.status for line in lines] == [500]
    assert meter.requests == {("health", "GET", 500): 1}


def test_what_breaks_while_it_answers_keeps_its_status(client: Client) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise KeyError

    lines: list[RequestLine] = []
    with pytest.raises(KeyError):
        client.run(edge_around(broken, client, lines)(scope_of("GET", "/_sandbox/health"), nothing_more, ignored))
    assert [facts(line, "status", "size") for line in lines] == [(200, 4)]


def test_what_the_end_of_the_server_cuts_off_has_no_status(client: Client) -> None:
    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    async def cut_off() -> None:
        task = asyncio.create_task(edge(scope_of("GET", "/_sandbox/health"), nothing_more, ignored))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    lines: list[RequestLine] = []
    meter = Meter()
    edge = edge_around(waiting, client, lines, meter)
    client.run(cut_off())
    assert [facts(line, "status", "request_id") for line in lines] == [(None, None)]
    assert meter.requests == {("health", "GET", None): 1}


def test_the_end_of_the_server_begins_no_answer_again(client: Client) -> None:
    sent: list[Message] = []

    async def half(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        await asyncio.Event().wait()

    async def keep(message: Message) -> None:
        sent.append(message)

    async def cut_off() -> None:
        task = asyncio.create_task(edge(scope_of("GET", "/_sandbox/health"), nothing_more, keep))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    lines: list[RequestLine] = []
    edge = edge_around(half, client, lines)
    edge.stopping = True
    client.run(cut_off())
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert [facts(line, "status", "size") for line in lines] == [(200, 4)]


def test_a_client_that_leaves_in_the_middle_of_its_request_is_no_bug(
    watched: Client, lines: list[RequestLine], caplog: pytest.LogCaptureFixture
) -> None:
    scope = scope_of("POST", "/v1/auth/login")
    scope["headers"] = [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"content-length", b"90")]
    pieces: list[Any] = [{"type": "http.request", "body": b'{"user', "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Any:
        return pieces.pop(0)

    watched.run(watched.app(scope, receive, ignored))
    assert facts(lines[-1], "status", "problem", "operation") == (LEFT, None, "login")
    assert watched.app.meter.requests == {("login", "POST", LEFT): 1}
    assert not watched.app.meter.refusals
    assert not caplog.records


def test_other_connections_than_requests_are_passed_on_and_not_counted(client: Client) -> None:
    passed = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(scope["type"])

    lines: list[RequestLine] = []
    meter = Meter()
    edge = edge_around(app, client, lines, meter)
    for kind in ("websocket", "lifespan"):
        client.run(edge(cast("Scope", {"type": kind}), nothing_more, ignored))
    assert passed == ["websocket", "lifespan"]
    assert not lines
    assert not meter.requests


def test_without_anybody_to_tell_requests_are_counted_all_the_same(client: Client) -> None:
    client.get("/nowhere")
    assert client.app.meter.requests == {("none", "GET", 404): 1}
    assert client.app.meter.refusals == {"not_found": 1}


def test_made_up_methods_share_a_row() -> None:
    meter = Meter()
    for method in ("FETCH", "GRAB", "GET"):
        meter.add("none", method, 405, problem=None, seconds=0.1)
    assert meter.requests == {("none", "other", 405): 2, ("none", "GET", 405): 1}


@pytest.mark.parametrize(("seconds", "bucket"), [(0.0, 0), (0.0005, 0), (0.00051, 1), (10.0, 13), (10.1, 14)])
def test_a_request_stands_in_the_first_bucket_whose_bound_it_keeps(seconds: float, bucket: int) -> None:
    meter = Meter()
    meter.add("info", "GET", 200, problem=None, seconds=seconds)
    timing = meter.timings["info"]
    assert timing.counts == [int(place == bucket) for place in range(len(BOUNDS_S) + 1)]
    assert timing.seconds == seconds


def test_a_request_id_of_the_clients_own_is_told(watched: Client, lines: list[RequestLine]) -> None:
    watched.get("/_sandbox/info", headers={"x-request-id": "mine"})
    assert lines[-1].request_id == "mine"


def test_telling_draws_no_request_id(client: Client, watched: Client) -> None:
    """Both servers answer the same requests with the same ids, whether or not anybody is told."""

    def ids(of: Client) -> list[str]:
        return [of.get(path).headers["x-request-id"] for path in ("/_sandbox/info", "/nowhere", "/_sandbox/info")]

    assert ids(client) == ids(watched)


def test_an_order_is_told_with_its_write(watched: Client, lines: list[RequestLine]) -> None:
    fatima = watched.login()
    fatima.order("/v1/transfers", transfer_body(FATIMA_CURRENT, ARJUN_CURRENT, "1.000"))
    assert facts(lines[-1], "operation", "status", "write_number") == ("createTransfer", 201, 2)
    fatima.order("/v1/transfers?dry_run=true", transfer_body(FATIMA_CURRENT, ARJUN_CURRENT, "1.000"))
    assert facts(lines[-1], "operation", "status", "write_number") == ("createTransfer", 200, 2)
