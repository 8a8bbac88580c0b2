"""A server that stops: what it cuts off is refused in the shape of every refusal."""

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from checks import assert_problem
from support import Client

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
