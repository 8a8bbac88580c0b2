"""The shapes that checks outside the project rely on (API.md, "Shapes relied on"), field by field."""

from typing import Any

import pytest
from checks import ARJUN_CURRENT, FATIMA_CURRENT, FATIMA_SAVINGS, assert_problem
from support import PASSWORDS, Client, User, transfer_body

MONEY = {"amount", "currency"}
TRANSFER = {
    "transfer_id",
    "status",
    "status_reason",
    "from_account_id",
    "to",
    "amount",
    "fee",
    "booking_date",
    "value_date",
    "fraud",
    "created_at",
}
TRANSFER_ALSO = {"reference", "purpose", "reversed_at"}
TRANSACTION = {
    "transaction_id",
    "account_id",
    "transfer_id",
    "direction",
    "amount",
    "status",
    "description",
    "merchant",
    "channel",
    "balance_after",
    "booked_at",
    "booking_date",
    "value_date",
}
TRANSACTION_ALSO = {"category", "disputed", "reversed_at"}
CASH = {"account_id": FATIMA_CURRENT, "amount": {"amount": "1.000", "currency": "KWD"}}


def assert_money(value: Any) -> None:
    assert set(value) == MONEY
    assert value["currency"] == "KWD"
    whole, _, fils = value["amount"].partition(".")
    assert whole.lstrip("-").isdigit()
    assert len(fils) == 3


def assert_transaction(value: dict[str, Any]) -> None:
    assert set(value) == TRANSACTION | TRANSACTION_ALSO
    assert_money(value["amount"])
    assert not value["amount"]["amount"].startswith("-")
    assert value["direction"] in {"credit", "debit"}
    assert value["status"] in {"completed", "pending", "failed", "reversed"}
    if value["balance_after"] is not None:
        assert_money(value["balance_after"])
    if value["merchant"] is not None:
        assert set(value["merchant"]) == {"name", "category", "mcc"}


def test_info(client: Client) -> None:
    body = client.get("/_sandbox/info").json()
    relied_on = {"name", "version", "sandbox", "ecosystem", "seed", "digest", "business_time", "logins"}
    assert set(body) == relied_on | {"title", "warnings", "archive"}
    assert (body["name"], body["sandbox"], body["ecosystem"], body["seed"]) == ("sandbank", "default", "tiny", 2026)
    assert body["business_time"] == "2026-01-15T09:00:00.000Z"
    assert len(body["logins"]) == 6
    for login in body["logins"]:
        assert set(login) == {"username", "password", "role", "state", "note"}


def test_login_with_every_field_of_the_device(client: Client) -> None:
    device = {"device_id": "d-1", "model": "Pixel 9", "os": "Android 16", "fingerprint": "f"}
    body = {"username": "fatima", "password": PASSWORDS["fatima"], "device": device}
    answer = client.post("/v1/auth/login", body)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "refresh_token", "token_type", "expires_in", "session_id", "user"}
    assert set(answer.json()["user"]) == {"user_id", "customer_id", "username", "role"}
    without_id = {"model": "Pixel 9", "os": "Android 16", "fingerprint": "g"}
    assert client.post("/v1/auth/login", body | {"device": without_id}).status_code == 200


def test_login_refused(client: Client) -> None:
    wrong = {"username": "fatima", "password": "wrong"}
    for left in (4, 3, 2, 1):
        answer = client.post("/v1/auth/login", wrong)
        assert assert_problem(answer, 401, "invalid_credentials")["attempts_left"] == left
    assert set(assert_problem(client.post("/v1/auth/login", wrong), 423, "user_locked")) == {
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "code",
        "request_id",
        "locked_until",
    }


def test_accounts(fatima: User) -> None:
    body = fatima.get("/v1/accounts").json()
    assert set(body) == {"items", "page"}
    assert set(body["page"]) == {"next_cursor", "has_more"}
    for account in body["items"]:
        assert set(account) == {
            "account_id",
            "customer_id",
            "account_number",
            "iban",
            "account_type",
            "currency",
            "status",
            "nickname",
            "balances",
            "opened_at",
        }
        assert set(account["balances"]) == {"booked", "available", "held"}
        for balance in account["balances"].values():
            assert_money(balance)


@pytest.mark.parametrize("to", [{"account_id": ARJUN_CURRENT}, {"iban": "KW07SNBK0000000000000100417001", "name": "A"}])
def test_a_transfer(fatima: User, to: dict[str, str]) -> None:
    body = transfer_body(FATIMA_CURRENT, "", "1.000") | {"to": to, "reference": "r", "purpose": "p"}
    answer = fatima.order("/v1/transfers", body)
    assert answer.status_code == 201
    made = answer.json()
    assert set(made) == TRANSFER | TRANSFER_ALSO
    assert set(made["to"]) == {"account_id", "iban", "name"}
    assert_money(made["amount"])
    assert_money(made["fee"])
    assert made["fraud"] is None, "until payments are scored"
    assert fatima.get("/v1/transfers").json()["items"] == [made]


@pytest.mark.parametrize("path", ["/v1/deposits", "/v1/withdrawals"])
def test_cash(fatima: User, path: str) -> None:
    answer = fatima.order(path, CASH | {"channel": "atm", "reference": "r"})
    assert answer.status_code == 201
    assert_transaction(answer.json())


def test_transactions_in_both_lists(client: Client) -> None:
    auditor = client.login("auditor")
    rows = auditor.get("/v1/transactions?limit=200").json()["items"]
    rows += auditor.get(f"/v1/accounts/{FATIMA_SAVINGS}/transactions").json()["items"]
    assert len(rows) > 60
    for row in rows:
        assert_transaction(row)


def test_making_a_sandbox(client: Client) -> None:
    answer = client.post("/_sandbox/sandboxes", {"id": "t1"})
    assert answer.status_code == 201
    body = answer.json()
    assert {"id", "base_url", "digest"} <= set(body)
    assert (body["id"], body["base_url"]) == ("t1", "http://localhost/s/t1")
    assert body["digest"] == client.digest() == client.digest("/s/t1")
    user = client.login(at="/s/t1")
    assert len(user.accounts()) == 3


def test_lists_of_the_control_plane(client: Client) -> None:
    assert set(client.get("/_sandbox/sandboxes").json()) == {"items"}


def test_digest(client: Client) -> None:
    body = client.get("/_sandbox/digest").json()
    assert set(body) == {"digest"}
    assert len(bytes.fromhex(body["digest"])) == 32


def test_invariants(client: Client) -> None:
    body = client.get("/_sandbox/invariants").json()
    assert set(body) == {"ok", "checks"}
    assert body["ok"] is True
    assert len(body["checks"]) >= 10
    assert len({check["name"] for check in body["checks"]}) == len(body["checks"])
    for check in body["checks"]:
        assert {"name", "ok"} <= set(check) <= {"name", "ok", "detail"}
        assert check["ok"] is True


def test_reset(client: Client) -> None:
    body = client.post("/_sandbox/reset").json()
    assert set(body) == {"digest", "generation", "took_ms"}


def test_holds_balances_and_the_audit_trail(client: Client) -> None:
    auditor = client.login("auditor")
    hold = auditor.get(f"/v1/accounts/{FATIMA_CURRENT}/holds").json()["items"][0]
    assert set(hold) == {
        "hold_id",
        "account_id",
        "amount",
        "direction",
        "status",
        "description",
        "placed_at",
        "expires_at",
        "resolved_at",
    }
    assert set(auditor.get(f"/v1/accounts/{FATIMA_CURRENT}/balances").json()) == {"account_id", "balances"}
    line = auditor.get("/v1/audit-logs?limit=1").json()["items"][0]
    assert set(line) == {
        "log_id",
        "user_id",
        "customer_id",
        "action",
        "severity",
        "ip_address",
        "related_entity_id",
        "created_at",
        "hash",
    }
