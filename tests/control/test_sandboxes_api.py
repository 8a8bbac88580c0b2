"""`/_sandbox/sandboxes`: isolated banks, made in a moment and taken away."""

import json
from typing import Any

import pytest
from checks import FATIMA_CURRENT, FATIMA_SAVINGS, JSON, assert_problem, faults, serving
from support import Client, User

from sandbox.core.clock import SECOND, Instant
from sandbox.sandboxes import house

VIEW = {"id", "base_url", "from", "name", "seed", "generation", "business_time", "writes", "expires_at", "awake"}


def ids(client: Client) -> list[str]:
    return [item["id"] for item in client.get("/_sandbox/sandboxes").json()["items"]]


def test_a_sandbox_is_made_and_found(client: Client) -> None:
    answer = client.post("/_sandbox/sandboxes", {"id": "t1", "name": "a test", "seed": 3})
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == VIEW | {"digest"}
    assert body["from"] == "ecosystem:tiny"
    assert (body["name"], body["seed"], body["generation"], body["writes"]) == ("a test", 3, 1, 0)
    assert answer.headers["location"] == "/_sandbox/sandboxes/t1"
    assert client.get("/_sandbox/sandboxes/t1").json() == body
    (_, listed) = client.get("/_sandbox/sandboxes").json()["items"]
    assert set(listed) == VIEW
    assert listed.items() <= body.items()


@pytest.mark.parametrize("raw", [b"", b"{}", b"null", b'{"id":null,"from":null,"seed":null,"name":null}'])
def test_a_sandbox_needs_no_body_and_gets_a_name(client: Client, raw: bytes) -> None:
    made = [client.request("POST", "/_sandbox/sandboxes", content=raw, headers=JSON).json()["id"] for _ in range(3)]
    assert made == ["sb-1", "sb-2", "sb-3"]


def test_a_made_name_avoids_the_taken_ones(client: Client) -> None:
    client.post("/_sandbox/sandboxes", {"id": "sb-1"})
    assert client.post("/_sandbox/sandboxes").json()["id"] == "sb-2"


@pytest.mark.parametrize("sandbox_id", ["a", "0", "a-b-c", "x" * 63, "9-", "t1--x"])
def test_ids_of_the_right_form_are_taken(client: Client, sandbox_id: str) -> None:
    assert client.post("/_sandbox/sandboxes", {"id": sandbox_id}).json()["id"] == sandbox_id
    assert client.get(f"/s/{sandbox_id}/_sandbox/info").json()["sandbox"] == sandbox_id
    assert client.get("/_sandbox/info", headers={"host": f"{sandbox_id}.localhost"}).json()["sandbox"] == sandbox_id


@pytest.mark.parametrize("sandbox_id", ["-a", "A", "a_b", "a.b", "a b", "a/b", "é", "٣", "a\n", "%61", "..", "💰"])
def test_ids_of_another_form_are_faults(client: Client, sandbox_id: str) -> None:
    assert faults(client.post("/_sandbox/sandboxes", {"id": sandbox_id})) == {"/id": "wrong_format"}
    assert ids(client) == ["default"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"id": ""}, {"/id"}),
        ({"id": "x" * 64}, {"/id"}),
        ({"id": 1, "seed": "x", "name": [], "ttl": 0}, {"/id", "/seed", "/name", "/ttl"}),
        ({"from": "tiny"}, {"/from"}),
        ({"from": ""}, {"/from"}),
        ({"from": "ecosystem:"}, {"/from"}),
        ({"from": "sandbox:"}, {"/from"}),
        ({"from": "snapshot:"}, {"/from"}),
        ({"source": "ecosystem:tiny"}, {"/source"}),
        ({"seed": -1}, {"/seed"}),
    ],
)
def test_a_wrong_order_makes_nothing(client: Client, body: Any, expected: set[str]) -> None:
    answer = client.request("POST", "/_sandbox/sandboxes", content=json.dumps(body), headers=JSON)
    assert set(faults(answer)) == expected
    assert ids(client) == ["default"]


def test_a_taken_id_is_409(client: Client) -> None:
    for sandbox_id in ("default", "t1"):
        client.post("/_sandbox/sandboxes", {"id": "t1"})
        assert_problem(client.post("/_sandbox/sandboxes", {"id": sandbox_id}), 409, "sandbox_exists")


def test_two_who_want_one_id_at_once_do_not_both_get_it(client: Client) -> None:
    async def ask() -> int:
        return (await client.http.post("/_sandbox/sandboxes", json={"id": "t1"})).status_code

    assert sorted(client.together(ask, ask, ask)) == [201, 409, 409]


def test_over_the_cap_is_503_until_one_is_removed() -> None:
    with serving(max_sandboxes=3) as client:
        for sandbox_id in ("t1", "t2"):
            assert client.post("/_sandbox/sandboxes", {"id": sandbox_id}).status_code == 201
        assert_problem(client.post("/_sandbox/sandboxes", {"id": "t3"}), 503, "too_many_sandboxes")
        assert client.request("DELETE", "/_sandbox/sandboxes/t1").status_code == 204
        assert client.post("/_sandbox/sandboxes", {"id": "t3"}).status_code == 201


def test_a_sandbox_is_taken_away_with_all_that_is_in_it(client: Client) -> None:
    client.post("/_sandbox/sandboxes", {"id": "t1"})
    user = client.login(at="/s/t1")
    answer = client.request("DELETE", "/_sandbox/sandboxes/t1")
    assert (answer.status_code, answer.content) == (204, b"")
    assert_problem(user.get("/v1/accounts"), 404, "sandbox_unknown")
    assert_problem(client.get("/_sandbox/sandboxes/t1"), 404, "sandbox_unknown")
    assert_problem(client.request("DELETE", "/_sandbox/sandboxes/t1"), 404, "sandbox_unknown")
    assert client.post("/_sandbox/sandboxes", {"id": "t1"}).status_code == 201
    assert_problem(user.get("/v1/accounts"), 401, "token_invalid")


def test_default_is_not_taken_away(client: Client, fatima: User) -> None:
    assert_problem(client.request("DELETE", "/_sandbox/sandboxes/default"), 409, "sandbox_protected")
    assert fatima.get("/v1/accounts").status_code == 200


def test_by_default_a_sandbox_is_clean_whatever_happened_to_the_caller(client: Client) -> None:
    start = client.digest()
    client.login()
    assert client.post("/_sandbox/sandboxes", {"id": "t1"}).json()["digest"] == start
    assert client.post("/_sandbox/sandboxes", {"id": "t2", "from": "ecosystem:tiny"}).json()["digest"] == start


def test_a_sandbox_of_a_sandbox_is_its_state_at_that_moment(client: Client) -> None:
    user = client.login()
    user.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "100.000")
    made = client.post("/_sandbox/sandboxes", {"id": "t1", "from": "sandbox:default"}).json()
    assert made["digest"] == client.digest()
    assert made["from"] == "sandbox:default"
    assert made["business_time"] == "2026-01-15T09:00:00.002Z"
    user.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000")
    there = client.login(at="/s/t1")
    assert [row["amount"]["amount"] for row in there.get("/v1/transfers").json()["items"]] == ["100.000"]
    client.assert_sound("/s/t1")
    client.post("/s/t1/_sandbox/reset")
    assert client.digest("/s/t1") == made["digest"], "a reset leads back to what it was made from"


def test_a_sandbox_made_in_a_sandbox_starts_where_that_one_started(client: Client) -> None:
    client.login().transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000")
    first = client.post("/_sandbox/sandboxes", {"id": "t1", "from": "sandbox:default"}).json()
    client.login(at="/s/t1")
    second = client.post("/s/t1/_sandbox/sandboxes", {"id": "t2"}).json()
    assert second["digest"] == first["digest"]


@pytest.mark.parametrize(
    ("source", "code"), [("sandbox:nobody", "sandbox_unknown"), ("ecosystem:nowhere", "ecosystem_unknown")]
)
def test_a_source_that_is_not_there_is_404(client: Client, source: str, code: str) -> None:
    assert_problem(client.post("/_sandbox/sandboxes", {"id": "t1", "from": source}), 404, code)
    assert ids(client) == ["default"]


def test_forks_of_one_moment_go_their_own_ways(client: Client) -> None:
    for sandbox_id in ("t1", "t2"):
        client.post("/_sandbox/sandboxes", {"id": sandbox_id})
    users = {at: client.login(at=at) for at in ("/s/t1", "/s/t2")}
    assert client.digest("/s/t1") == client.digest("/s/t2"), "the name is in no row"
    users["/s/t1"].transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "5.000")
    assert users["/s/t2"].get("/v1/transfers").json()["items"] == []
    assert client.digest("/s/t1") != client.digest("/s/t2")
    assert {item["id"]: item["writes"] for item in client.get("/_sandbox/sandboxes").json()["items"]} == {
        "default": 0,
        "t1": 2,
        "t2": 1,
    }
    for at in ("", *users):
        client.assert_sound(at)


def test_a_wrong_password_here_locks_nobody_there(client: Client) -> None:
    client.post("/_sandbox/sandboxes", {"id": "t1"})
    for _ in range(5):
        client.post("/v1/auth/login", {"username": "fatima", "password": "wrong"})
    assert client.login(at="/s/t1").get("/v1/auth/me").status_code == 200


def test_the_base_url_is_the_one_that_was_asked(client: Client) -> None:
    answer = client.post("/_sandbox/sandboxes", {"id": "t1"}, headers={"host": "127.0.0.1:8123"})
    assert answer.json()["base_url"] == "http://127.0.0.1:8123/s/t1"


def test_a_hundred_sandboxes_are_no_trouble(client: Client) -> None:
    for _ in range(100):
        assert client.post("/_sandbox/sandboxes").status_code == 201
    users = [client.login(at=f"/s/sb-{number}") for number in (1, 50, 100)]
    assert all(len(user.accounts()) == 3 for user in users)


class Wall:
    """A wall clock that a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 1_800_000_000
        monkeypatch.setattr(house, "wall_time", lambda: Instant(self.seconds * SECOND))


def test_a_sandbox_is_taken_away_when_its_time_is_over(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    wall = Wall(monkeypatch)
    made = client.post("/_sandbox/sandboxes", {"id": "t1", "ttl": 60}).json()
    assert made["expires_at"] == "2027-01-15T08:01:00.000Z"
    wall.seconds += 59
    assert client.login(at="/s/t1").accounts()
    wall.seconds += 1
    assert_problem(client.get("/s/t1/_sandbox/digest"), 404, "sandbox_unknown")
    assert ids(client) == ["default"]
    assert client.post("/_sandbox/sandboxes", {"id": "t1"}).json()["expires_at"] is None


def test_sandboxes_whose_time_is_over_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    wall = Wall(monkeypatch)
    with serving(max_sandboxes=2) as client:
        client.post("/_sandbox/sandboxes", {"id": "t1", "ttl": 1})
        assert_problem(client.post("/_sandbox/sandboxes", {"id": "t2"}), 503, "too_many_sandboxes")
        wall.seconds += 1
        assert client.post("/_sandbox/sandboxes", {"id": "t2"}).status_code == 201
        assert ids(client) == ["default", "t2"]
