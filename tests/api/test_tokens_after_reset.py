"""After a reset the same sign-ins open the same sessions; the tokens of before must not open somebody else's."""

from collections.abc import Iterator

import pytest
from support import VIRTUAL, Client

from sandbox.core.settings import Settings


@pytest.fixture(params=[VIRTUAL, Settings(ecosystem="tiny", image_cache=False)], ids=["virtual", "wall"])
def server(request: pytest.FixtureRequest) -> Iterator[Client]:
    """A server on either transport clock."""
    client = Client(request.param)
    yield client
    client.close()


def refreshed(client: Client, token: str) -> tuple[int, str]:
    """The status and problem code of a refresh."""
    answer = client.post("/v1/auth/refresh", {"refresh_token": token})
    return answer.status_code, answer.json().get("code", "")


def test_an_old_refresh_token_does_not_sign_in_as_who_came_after(server: Client) -> None:
    fatima = server.login("fatima")
    server.post("/_sandbox/reset")
    admin = server.login("admin")

    assert refreshed(server, fatima.tokens["refresh_token"]) == (401, "refresh_token_invalid")
    assert refreshed(server, admin.tokens["refresh_token"]) == (200, "")


def test_an_old_access_token_does_not_act_as_who_came_after(server: Client) -> None:
    fatima = server.login("fatima")
    server.post("/_sandbox/reset")
    server.login("admin")

    answer = fatima.get("/v1/auth/me")

    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


def test_the_tokens_of_a_removed_sandbox_do_not_fit_the_next_of_its_name(server: Client) -> None:
    server.post("/_sandbox/sandboxes", {"id": "t1"})
    fatima = server.login("fatima", at="/s/t1")
    server.request("DELETE", "/_sandbox/sandboxes/t1")
    server.post("/_sandbox/sandboxes", {"id": "t1"})
    server.login("arjun", at="/s/t1")

    assert fatima.get("/v1/auth/me").status_code == 401
    assert refreshed(server, fatima.tokens["refresh_token"])[0] == 401


def test_answers_with_tokens_are_not_to_be_cached(server: Client) -> None:
    body = {"username": "fatima", "password": "Fatima-2026!"}
    assert server.post("/v1/auth/login", body).headers["cache-control"] == "no-store"
