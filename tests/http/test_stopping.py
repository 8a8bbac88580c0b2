"""A server that stops: what it cuts off is refused in the shape of every refusal."""

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from checks import assert_problem
from litestar.types import Message, Receive, Scope, Send
from support import Client

from sandbox.http.edge import Edge
from sandbox.http.meter import Meter
from sandbox.http.observing import Observer

if TYPE_CHECKING:
    import httpx


@pytest.mark.parametrize(("language", "title"), [("en", "The server is stopping"), ("ar", "الخادم قيد الإيقاف")])
def test_a_request_that_is_cut_off_gets_a_problem(client: Client, language: str, title: str) -> None:
    async def story() -> Any:
        headers = {"x-request-id": "mine", "accept-language": language}
        asked = asyncio.create_task(client.http.post("/_sandbox/messages/wait", headers=headers))
        await asyncio.sleep(0)
        client.app.stops()
        asked.cancel()
        return await asked

    answer: httpx.Response = client.run(story())
    assert_problem(answer, 503, "server_stopping")
    assert answer.json()["title"] == title
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "mine"
    assert client.app.meter.refusals == {"server_stopping": 1}


def test_an_answer_that_has_begun_is_not_begun_again(client: Client) -> None:
    sent: list[Message] = []

    async def half(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        await asyncio.Event().wait()

    async def keep(message: Message) -> None:
        sent.append(message)

    async def nothing() -> Any:
        raise AssertionError

    async def story() -> None:
        scope: Any = {
            "type": "http",
            "method": "GET",
            "path": "/_sandbox/health",
            "raw_path": b"/_sandbox/health",
            "query_string": b"",
            "headers": [(b"host", b"localhost")],
            "client": ("127.0.0.1", 1),
        }
        asked = asyncio.create_task(edge(scope, nothing, keep))
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked

    edge = Edge(half, house=client.app.house, table=client.app.table, observer=Observer(Meter(), None))
    edge.stopping = True
    client.run(story())
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
