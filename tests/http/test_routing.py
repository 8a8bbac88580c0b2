"""Which sandbox a request is for: path, header, host, token, else `default`, in this order."""

from typing import Any

import pytest
from checks import FATIMA_CURRENT, FATIMA_SAVINGS, Filled, assert_problem, serving
from support import PASSWORDS, Client


def make(client: Client, *ids: str) -> None:
    for sandbox_id in ids:
        assert client.post("/_sandbox/sandboxes", {"id": sandbox_id}).status_code == 201


def asked(client: Client, path: str = "/_sandbox/info", **headers: str) -> str:
    """The sandbox that a request reaches."""
    answer = client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["sandbox"]
    return found


def test_a_request_that_names_none_is_for_default(client: Client) -> None:
    assert asked(client) == "default"


def test_each_way_of_naming_works_alone(client: Client) -> None:
    make(client, "t1")
    token = client.login(at="/s/t1").headers["authorization"]
    assert asked(client, "/s/t1/_sandbox/info") == "t1"
    assert asked(client, x_sandbox="t1") == "t1"
    assert asked(client, host="t1.localhost:8000") == "t1"
    assert asked(client, host="T1.LOCALHOST") == "t1"
    assert asked(client, authorization=token) == "t1"


def test_path_beats_header_beats_host_beats_token(client: Client) -> None:
    make(client, "by-path", "by-header", "by-host", "by-token")
    token = client.login(at="/s/by-token").headers["authorization"]
    rest = {"x_sandbox": "by-header", "host": "by-host.localhost", "authorization": token}
    assert asked(client, "/s/by-path/_sandbox/info", **rest) == "by-path"
    assert asked(client, **rest) == "by-header"
    del rest["x_sandbox"]
    assert asked(client, **rest) == "by-host"
    del rest["host"]
    assert asked(client, **rest) == "by-token"


def test_an_empty_header_names_none(client: Client) -> None:
    assert asked(client, x_sandbox="") == "default"


def test_whoever_signs_in_somewhere_stays_there(client: Client) -> None:
    make(client, "t1")
    login = {"username": "fatima", "password": PASSWORDS["fatima"]}
    tokens = client.post("/v1/auth/login", login, headers={"x-sandbox": "t1"}).json()
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    order = {
        "from_account_id": FATIMA_CURRENT,
        "to": {"account_id": FATIMA_SAVINGS},
        "amount": {"amount": "1.000", "currency": "KWD"},
    }
    assert client.post("/v1/transfers", order, headers=bearer | {"idempotency-key": "k"}).status_code == 201
    assert len(client.get("/v1/transfers", headers=bearer).json()["items"]) == 1
    assert client.login().get("/v1/transfers").json()["items"] == []


def test_a_refresh_finds_its_own_sandbox(client: Client) -> None:
    make(client, "t1")
    user = client.login(at="/s/t1")
    renewed = client.post("/v1/auth/refresh", {"refresh_token": user.tokens["refresh_token"]})
    assert renewed.status_code == 200
    bearer = {"authorization": f"Bearer {renewed.json()['access_token']}"}
    assert asked(client, **bearer) == "t1"
    assert client.get("/v1/auth/me", headers=bearer).status_code == 200


@pytest.mark.parametrize("way", ["path", "header", "host", "token"])
def test_a_refresh_does_not_leave_the_sandbox_that_the_request_names(client: Client, way: str) -> None:
    make(client, "t1", "t2")
    order = {"refresh_token": client.login(at="/s/t1").tokens["refresh_token"]}
    elsewhere = {
        "path": {},
        "header": {"x-sandbox": "t2"},
        "host": {"host": "t2.localhost:8000"},
        "token": client.login(at="/s/t2").headers,
    }
    before = {at: client.digest(at) for at in ("/s/t1", "/s/t2")}
    path = "/s/t2/v1/auth/refresh" if way == "path" else "/v1/auth/refresh"
    assert_problem(client.post(path, order, headers=elsewhere[way]), 401, "token_of_other_sandbox")
    assert {at: client.digest(at) for at in before} == before
    assert client.post("/v1/auth/refresh", order).status_code == 200, "the token was not used up"


def test_a_refresh_in_a_sandbox_that_is_gone_is_401(client: Client) -> None:
    make(client, "t1")
    user = client.login(at="/s/t1")
    client.request("DELETE", "/_sandbox/sandboxes/t1")
    order = {"refresh_token": user.tokens["refresh_token"]}
    assert_problem(client.post("/v1/auth/refresh", order), 401, "refresh_token_invalid")
    assert_problem(client.post("/s/default/v1/auth/refresh", order), 401, "refresh_token_invalid")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/s/nobody/v1/accounts", {}),
        ("/v1/accounts", {"x-sandbox": "nobody"}),
        ("/v1/accounts", {"host": "nobody.localhost"}),
        ("/s/nobody/_sandbox/digest", {}),
        ("/s/nobody/openapi.json", {}),
        ("/s/nobody/nowhere", {}),
    ],
)
def test_an_unknown_sandbox_is_404_and_never_made(client: Client, path: str, headers: dict[str, str]) -> None:
    problem = assert_problem(client.get(path, headers=headers), 404, "sandbox_unknown")
    assert problem["sandbox_id"] == "nobody"
    assert len(client.get("/_sandbox/sandboxes").json()["items"]) == 1


def test_the_token_of_a_sandbox_that_is_gone_is_404(client: Client) -> None:
    make(client, "t1")
    user = client.login(at="/s/t1")
    client.request("DELETE", "/_sandbox/sandboxes/t1")
    assert_problem(client.get("/v1/accounts", headers=user.headers), 404, "sandbox_unknown")


def test_every_path_exists_under_a_sandbox_too(client: Client) -> None:
    make(client, "t1", "x")
    admin = client.login("admin", at="/s/t1")
    fatima = client.login(at="/s/t1")
    for operation in client.app.table.operations:
        user = fatima if operation.roles is None or "customer" in operation.roles else admin
        path = operation.template.format_map(Filled(account_id=FATIMA_CURRENT))
        answer = user.request(operation.method, path)
        nothing_served = answer.status_code == 404 and "Nothing is served" in answer.text
        assert not nothing_served, operation
        assert answer.status_code < 500, operation
        if operation.operation_id == "logout":
            fatima = client.login(at="/s/t1")
        if operation.operation_id == "reset":
            admin, fatima = client.login("admin", at="/s/t1"), client.login(at="/s/t1")


def test_a_bare_prefix_says_where_to_go_on(client: Client) -> None:
    for path in ("/s/default", "/s/default/"):
        assert client.get(path).json()["info"] == "/s/default/_sandbox/info"
    assert_problem(client.get("/s/nobody"), 404, "sandbox_unknown")
    assert_problem(client.get("/s/default/s/default/v1/accounts"), 404, "not_found")


STRICT: list[tuple[str, str]] = [
    ("GET", "/v1/accounts"),
    ("POST", "/v1/auth/login"),
    ("GET", "/.well-known/jwks.json"),
    ("POST", "/_sandbox/reset"),
    ("GET", "/_sandbox/digest"),
    ("GET", "/_sandbox/invariants"),
]


def test_a_strict_server_wants_a_sandbox_named() -> None:
    with serving(strict=True) as client:
        for method, path in STRICT:
            assert_problem(client.request(method, path), 400, "sandbox_required")
        make(client, "t1")
        user = client.login(at="/s/t1")
        assert len(user.accounts()) == 3
        assert client.get("/v1/accounts", headers=user.headers).status_code == 200, "the token names it"
        assert client.login(at="/s/default").get("/v1/auth/me").status_code == 200, "default may be named"


def test_a_strict_server_still_says_what_it_is() -> None:
    with serving(strict=True) as client:
        for path in ("/_sandbox/health", "/_sandbox/info", "/_sandbox/sandboxes", "/openapi.json", "/"):
            assert client.get(path).status_code == 200
        assert_problem(client.get("/nowhere"), 404, "not_found")


def test_a_strict_server_refreshes_by_the_token_alone() -> None:
    with serving(strict=True) as client:
        user = client.login(at="/s/default")
        answer = client.post("/v1/auth/refresh", {"refresh_token": user.tokens["refresh_token"]})
        assert answer.status_code == 200


def test_sandboxes_share_no_data_and_no_clock(client: Client) -> None:
    make(client, "t1", "t2")
    users: dict[str, Any] = {at: client.login(at=at) for at in ("", "/s/t1", "/s/t2")}
    times = {at: client.get(f"{at}/_sandbox/digest").headers["sandbank-time"] for at in users}
    digests = {at: client.digest(at) for at in users}
    users["/s/t1"].transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000")
    for at in ("", "/s/t2"):
        assert client.get(f"{at}/_sandbox/digest").headers["sandbank-time"] == times[at]
        assert client.digest(at) == digests[at]
    assert client.digest("/s/t1") != digests["/s/t1"]


def test_equal_requests_get_equal_bytes_in_every_sandbox(client: Client) -> None:
    make(client, "t1")
    answers = []
    for at in ("", "/s/t1"):
        user = client.login(at=at)
        made = user.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000", key="same")
        answers.append((made.content, user.get("/v1/transactions").content, client.digest(at)))
    assert answers[0] == answers[1]


def test_a_refresh_that_follows_its_token_leaves_the_default_sandbox_untouched(client: Client) -> None:
    client.post("/_sandbox/sandboxes", {"id": "t1"})
    token = client.login("fatima", at="/s/t1").tokens["refresh_token"]
    client.post("/_sandbox/sandboxes", {"id": "t2"})
    untouched = client.get("/s/t2/.well-known/jwks.json").headers["x-request-id"]

    assert client.post("/v1/auth/refresh", {"refresh_token": token}).status_code == 200

    assert client.get("/s/default/.well-known/jwks.json").headers["x-request-id"] == untouched
