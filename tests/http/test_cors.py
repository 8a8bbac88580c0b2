"""CORS: pages on loopback may use the bank, others only when they are named; the control plane is closed to pages."""

import httpx
import pytest
from checks import FATIMA_CURRENT, assert_problem, serving
from support import Client, User

LOOPBACK = [
    "http://localhost:3000",
    "http://localhost",
    "https://localhost:8443",
    "http://127.0.0.1:5173",
    "http://127.8.8.8",
    "http://[::1]:4200",
    "http://t1.localhost:8000",
]
FOREIGN = [
    "https://evil.example",
    "http://localhost.evil.example",
    "http://127.0.0.1.evil.example",
    "http://notlocalhost",
    "null",
    "",
    "file://",
    "http://localhost:3000/",
    "http://localhost:3000, http://evil.example",
]


def preflight(client: Client, origin: str, path: str = "/v1/accounts", method: str = "GET") -> httpx.Response:
    headers = {"origin": origin, "access-control-request-method": method, "access-control-request-headers": "x-sandbox"}
    return client.request("OPTIONS", path, headers=headers)


def listed(response: httpx.Response, header: str) -> set[str]:
    return {name.strip().lower() for name in response.headers[header].split(",")}


@pytest.mark.parametrize("origin", LOOPBACK)
def test_a_page_on_loopback_may_use_the_bank(fatima: User, origin: str) -> None:
    asked = preflight(fatima.client, origin)
    assert (asked.status_code, asked.content) == (204, b"")
    assert asked.headers["access-control-allow-origin"] == origin
    answer = fatima.get("/v1/accounts", headers={"origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin
    assert "origin" in listed(answer, "vary")


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_foreign_page_may_not_read_the_bank(fatima: User, origin: str) -> None:
    assert "access-control-allow-origin" not in preflight(fatima.client, origin).headers
    answer = fatima.get("/v1/accounts", headers={"origin": origin})
    assert answer.status_code == 200, "it is the browser that keeps the answer from the page"
    assert "access-control-allow-origin" not in answer.headers


def test_a_preflight_allows_what_the_bank_takes(client: Client) -> None:
    asked = preflight(client, "http://localhost:3000", method="PATCH")
    assert listed(asked, "access-control-allow-methods") >= {"get", "head", "post", "put", "patch", "delete"}
    assert listed(asked, "access-control-allow-headers") >= {
        "accept-language",
        "authorization",
        "content-type",
        "idempotency-key",
        "if-match",
        "if-none-match",
        "prefer",
        "sandbank-control-token",
        "sandbank-directive",
        "x-request-id",
        "x-sandbox",
    }
    assert "access-control-allow-credentials" not in asked.headers, "bearer tokens only, no cookies"


def test_a_page_may_read_every_header_of_the_contract(fatima: User) -> None:
    answer = fatima.get("/v1/accounts", headers={"origin": "http://localhost:3000"})
    assert listed(answer, "access-control-expose-headers") >= {
        "etag",
        "idempotent-replayed",
        "link",
        "location",
        "ratelimit",
        "ratelimit-policy",
        "retry-after",
        "sandbank-time",
        "x-request-id",
    }


def test_a_preflight_needs_no_token_no_path_and_no_sandbox(client: Client) -> None:
    for path in ("/v1/transfers", "/s/nobody/v1/transfers", "/nowhere"):
        asked = preflight(client, "http://localhost:3000", path)
        assert asked.status_code == 204
        assert "access-control-allow-origin" in asked.headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/accounts", 401),
        ("GET", "/nowhere", 404),
        ("PUT", "/v1/accounts", 405),
        ("GET", "/s/nobody/v1/accounts", 404),
        ("POST", "/v1/auth/login", 400),
    ],
)
def test_errors_can_be_read_too(client: Client, method: str, path: str, status: int) -> None:
    answer = client.request(method, path, headers={"origin": "http://localhost:3000"})
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"


def test_answers_without_a_body_can_be_read_too(fatima: User) -> None:
    origin = {"origin": "http://localhost:3000"}
    tag = fatima.get(f"/v1/accounts/{FATIMA_CURRENT}").headers["etag"]
    unmodified = fatima.get(f"/v1/accounts/{FATIMA_CURRENT}", headers=origin | {"if-none-match": tag})
    assert unmodified.status_code == 304
    assert unmodified.headers["access-control-allow-origin"] == origin["origin"]
    out = fatima.request("POST", "/v1/auth/logout", headers=origin)
    assert out.status_code == 204
    assert out.headers["access-control-allow-origin"] == origin["origin"]
    assert out.headers.get_list("access-control-allow-origin") == [origin["origin"]]


def test_a_named_origin_may_too_and_no_other() -> None:
    with serving(cors=("https://app.example", "capacitor://localhost")) as client:
        for origin in ("https://app.example", "capacitor://localhost", "http://localhost:3000"):
            assert (
                client.get("/v1/accounts", headers={"origin": origin}).headers["access-control-allow-origin"] == origin
            )
        assert "access-control-allow-origin" not in preflight(client, "https://evil.example").headers


def test_a_star_lets_every_page_in() -> None:
    with serving(cors=("*",)) as client:
        answer = client.get("/v1/accounts", headers={"origin": "https://any.example"})
        assert answer.headers["access-control-allow-origin"] == "https://any.example"


@pytest.mark.parametrize("origin", ["https://any.example", "http://localhost:3000"])
def test_a_star_does_not_open_the_control_plane(origin: str) -> None:
    with serving(cors=("*",)) as client:
        assert "access-control-allow-origin" not in preflight(client, origin, "/_sandbox/reset", "POST").headers
        assert "access-control-allow-origin" not in client.get("/_sandbox/info", headers={"origin": origin}).headers
        if origin == "https://any.example":
            reset = client.post("/_sandbox/reset", headers={"origin": origin})
            assert_problem(reset, 403, "origin_not_allowed")


def test_the_control_plane_has_no_cors_unless_asked(client: Client) -> None:
    origin = "http://localhost:3000"
    assert "access-control-allow-origin" not in preflight(client, origin, "/_sandbox/reset", "POST").headers
    answer = client.get("/_sandbox/info", headers={"origin": origin})
    assert "access-control-allow-origin" not in answer.headers
    with serving(cors=("https://app.example",)) as asked:
        answer = asked.get("/_sandbox/info", headers={"origin": "https://app.example"})
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        assert preflight(asked, "https://app.example", "/_sandbox/reset").headers["access-control-allow-origin"]


def test_a_sandbox_in_the_path_opens_no_back_door_to_the_control_plane(client: Client) -> None:
    answer = client.get("/s/default/_sandbox/info", headers={"origin": "http://localhost:3000"})
    assert "access-control-allow-origin" not in answer.headers
    foreign = client.post("/s/default/_sandbox/reset", headers={"origin": "https://evil.example"})
    assert_problem(foreign, 403, "origin_not_allowed")


def test_an_answer_without_an_origin_says_nothing_of_cors(fatima: User) -> None:
    assert "access-control-allow-origin" not in fatima.get("/v1/accounts").headers
