"""Over a real socket: five wrong passwords lock, and a stored refusal replays byte for byte."""

from collections.abc import Iterator

import httpx
import pytest
from bankside import ARJUN_CURRENT, FATIMA_CURRENT
from served import Served, serve, sign_in
from support import LOCKED, PASSWORDS, transfer_body


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with serve() as served:
        yield served


@pytest.fixture
def http(server: Served) -> Iterator[httpx.Client]:
    """A client of a server in its clean state."""
    with server.connect() as client:
        assert client.post("/_sandbox/reset").status_code == 200
        yield client


def attempt(http: httpx.Client, username: str, password: str) -> httpx.Response:
    """One attempt to sign in."""
    return http.post("/v1/auth/login", json={"username": username, "password": password})


def test_five_wrong_passwords_lock_the_user_for_the_right_one_too(http: httpx.Client) -> None:
    for left in (4, 3, 2, 1):
        answer = attempt(http, "fatima", "wrong")
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_credentials")
        assert answer.json()["attempts_left"] == left
    for password in ("wrong", "wrong", PASSWORDS["fatima"]):
        answer = attempt(http, "fatima", password)
        assert (answer.status_code, answer.json()["code"]) == (423, "user_locked")
        assert answer.json()["locked_until"].startswith("2026-01-15T09:15:00")
        assert answer.headers["content-type"] == "application/problem+json"
    assert attempt(http, "arjun", PASSWORDS["arjun"]).status_code == 200
    states = {login["username"]: login["state"] for login in http.get("/_sandbox/info").json()["logins"]}
    assert states["fatima"] == "locked"
    assert http.get("/_sandbox/invariants").json()["ok"]


def test_a_lock_lives_in_its_own_sandbox_and_ends_with_a_reset(http: httpx.Client) -> None:
    assert http.post("/_sandbox/sandboxes", json={"id": "other"}).status_code == 201
    try:
        for _ in range(5):
            attempt(http, "fatima", "wrong")
        assert attempt(http, "fatima", PASSWORDS["fatima"]).status_code == 423
        sign_in(http, at="/s/other")
        http.post("/_sandbox/reset")
        sign_in(http)
    finally:
        http.delete("/_sandbox/sandboxes/other")


def test_a_user_locked_by_staff_has_no_end_of_the_lock(http: httpx.Client) -> None:
    answer = attempt(http, *LOCKED)
    assert (answer.status_code, answer.json()["locked_until"]) == (423, None)


def test_a_stored_refusal_replays_byte_for_byte(http: httpx.Client) -> None:
    headers = sign_in(http) | {"idempotency-key": "the same"}
    body = transfer_body(FATIMA_CURRENT, ARJUN_CURRENT, "1000000.000")
    first = http.post("/v1/transfers", json=body, headers=headers)
    assert (first.status_code, first.json()["code"], first.json()["reason"]) == (422, "insufficient_funds", "AM04")
    assert "idempotent-replayed" not in first.headers
    listed = http.get("/v1/transfers", headers=headers).json()["items"]
    # In between there is money: the answer to the same order stays what it was.
    paid_in = {"account_id": FATIMA_CURRENT, "amount": {"amount": "1000000.000", "currency": "KWD"}}
    assert http.post("/v1/deposits", json=paid_in, headers=headers | {"idempotency-key": "more"}).status_code == 201
    for _ in range(3):
        again = http.post("/v1/transfers", json=body, headers=headers)
        assert (again.status_code, again.content) == (422, first.content)
        assert again.headers["idempotent-replayed"] == "true"
        assert again.headers["content-type"] == first.headers["content-type"]
    assert http.get("/v1/transfers", headers=headers).json()["items"] == listed
    fresh = http.post("/v1/transfers", json=body, headers=headers | {"idempotency-key": "another"})
    assert fresh.status_code == 201


def test_a_stored_success_replays_byte_for_byte_and_moves_no_money_again(http: httpx.Client) -> None:
    headers = sign_in(http) | {"idempotency-key": "the same"}
    body = transfer_body(FATIMA_CURRENT, ARJUN_CURRENT, "1.000")
    first = http.post("/v1/transfers", json=body, headers=headers)
    digest = http.get("/_sandbox/digest").json()
    again = http.post("/v1/transfers", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"
    assert http.get("/_sandbox/digest").json() == digest


def test_the_same_key_with_another_order_is_refused(http: httpx.Client) -> None:
    headers = sign_in(http) | {"idempotency-key": "the same"}
    http.post("/v1/transfers", json=transfer_body(FATIMA_CURRENT, ARJUN_CURRENT, "1.000"), headers=headers)
    other = http.post("/v1/transfers", json=transfer_body(FATIMA_CURRENT, ARJUN_CURRENT, "1.001"), headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
