"""Every refusal is an RFC 9457 problem of the catalogue, whoever makes it: edge, Litestar, a door, a stored answer."""

import logging
from typing import Any

import pytest
from checks import ARJUN_CURRENT, FATIMA_CURRENT, FATIMA_SAVINGS, assert_problem
from support import Client, User, transfer_body

from sandbox.bank import accounts
from sandbox.core.catalogue import catalogue

REFUSALS: dict[str, tuple[int, str, str, dict[str, Any]]] = {
    "unauthenticated": (401, "GET", "/v1/accounts", {"headers": {"authorization": ""}}),
    "token_invalid": (401, "GET", "/v1/accounts", {"headers": {"authorization": "Bearer x"}}),
    "not_found": (404, "GET", "/nowhere", {}),
    "method_not_allowed": (405, "PUT", "/v1/accounts", {}),
    "malformed_json": (
        400,
        "POST",
        "/v1/auth/login",
        {"content": b"{", "headers": {"content-type": "application/json"}},
    ),
    "unsupported_media_type": (415, "POST", "/v1/auth/login", {"content": b"{}"}),
    "validation_failed": (400, "GET", "/v1/accounts?limit=x", {}),
    "body_too_large": (413, "POST", "/v1/auth/login", {"content": b" " * 2_000_000}),
    "invalid_credentials": (401, "POST", "/v1/auth/login", {"json": {"username": "fatima", "password": "wrong"}}),
    "user_locked": (423, "POST", "/v1/auth/login", {"json": {"username": "yousef", "password": "wrong"}}),
    "forbidden": (403, "GET", "/v1/audit-logs", {}),
    "idempotency_key_missing": (400, "POST", "/v1/transfers", {"json": transfer_body(FATIMA_CURRENT, "x", "1.000")}),
    "creditor_unknown": (
        422,
        "POST",
        "/v1/transfers",
        {"json": transfer_body(FATIMA_CURRENT, "x", "1.000"), "headers": {"idempotency-key": "k"}},
    ),
    "precondition_failed": (
        412,
        "PATCH",
        f"/v1/accounts/{FATIMA_CURRENT}",
        {"json": {"nickname": "x"}, "headers": {"if-match": '"old"'}},
    ),
    "sandbox_unknown": (404, "GET", "/s/nobody/v1/accounts", {}),
    "sandbox_protected": (409, "DELETE", "/_sandbox/sandboxes/default", {}),
    "sandbox_exists": (409, "POST", "/_sandbox/sandboxes", {"json": {"id": "default"}}),
    "ecosystem_unknown": (404, "POST", "/_sandbox/reset", {"json": {"ecosystem": "nowhere"}}),
    "host_not_allowed": (403, "GET", "/_sandbox/info", {"headers": {"host": "evil.example"}}),
    "origin_not_allowed": (403, "GET", "/_sandbox/info", {"headers": {"origin": "https://evil.example"}}),
}


@pytest.mark.parametrize("request_id", [None, "my-request-7"])
@pytest.mark.parametrize("code", REFUSALS)
def test_every_refusal_has_all_members(fatima: User, code: str, request_id: str | None) -> None:
    status, method, path, options = REFUSALS[code]
    headers = dict(options.get("headers", {}))
    if request_id is not None:
        headers["x-request-id"] = request_id
    answer = fatima.request(method, path, **options | {"headers": headers})
    body = assert_problem(answer, status, code)
    if request_id is not None:
        assert body["request_id"] == request_id
    assert body["instance"] == path.removeprefix("/s/nobody").partition("?")[0]
    assert body["detail"] != body["title"] or code == "invalid_credentials"


@pytest.mark.parametrize("code", REFUSALS)
def test_every_refusal_speaks_arabic_too(fatima: User, code: str) -> None:
    status, method, path, options = REFUSALS[code]
    headers = dict(options.get("headers", {})) | {"accept-language": "ar"}
    body = assert_problem(fatima.request(method, path, **options | {"headers": headers}), status, code)
    assert body["title"] == catalogue()[code].title_ar


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "application/json;q=0", "image/*"])
def test_a_problem_is_a_problem_whatever_the_client_accepts(client: Client, accept: str) -> None:
    assert_problem(client.get("/v1/accounts", headers={"accept": accept}), 401, "unauthenticated")


def test_a_reason_of_iso_20022_stands_where_there_is_one(fatima: User) -> None:
    answer = fatima.transfer(FATIMA_CURRENT, ARJUN_CURRENT, "999999.000")
    assert assert_problem(answer, 422, "insufficient_funds")["reason"] == "AM04"


def test_a_bug_is_a_500_that_says_nothing_of_itself(
    fatima: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a secret of the house")

    monkeypatch.setattr(accounts, "get_account", broken)
    with caplog.at_level(logging.ERROR, logger="sandbank"):
        answer = fatima.get(f"/v1/accounts/{FATIMA_CURRENT}")
    assert_problem(answer, 500, "internal_error")
    assert "secret" not in answer.text
    assert "a secret of the house" in caplog.text, "the log tells more"


def test_a_bug_in_a_write_leaves_nothing_behind(fatima: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from sandbox.bank import transfers  # noqa: PLC0415

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    before = fatima.client.digest()
    with monkeypatch.context() as patch:
        patch.setattr(transfers, "_tell", broken)
        answer = fatima.order("/v1/transfers", transfer_body(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000"), key="once")
        assert_problem(answer, 500, "internal_error")
    assert fatima.client.digest() == before
    again = fatima.order("/v1/transfers", transfer_body(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000"), key="once")
    assert again.status_code == 201, "a 500 is not stored"
