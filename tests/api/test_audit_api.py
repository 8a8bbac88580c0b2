"""`/v1/audit-logs` and `/v1/ledger`: what auditors and admins look at."""

from decimal import Decimal
from typing import Any

import pytest
from checks import ARJUN_CUSTOMER, FATIMA_CURRENT, FATIMA_CUSTOMER, FATIMA_SAVINGS, assert_problem, unchanged
from support import Client, User


def trail(user: User, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = user.get(f"/v1/audit-logs?limit=200{query}").json()["items"]
    return found


@pytest.mark.parametrize("path", ["/v1/audit-logs", "/v1/ledger/trial-balance", "/v1/ledger/integrity"])
def test_the_books_are_for_staff(client: Client, fatima: User, path: str) -> None:
    assert_problem(fatima.get(path), 403, "forbidden")
    assert_problem(client.get(path), 401, "unauthenticated")
    for staff in ("auditor", "admin"):
        assert client.login(staff).get(path).status_code == 200


def test_the_trail_tells_newest_first_who_did_what(client: Client, fatima: User) -> None:
    made = fatima.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000").json()["transfer_id"]
    client.post("/v1/auth/login", {"username": "fatima", "password": "wrong"})
    lines = trail(client.login("auditor"))
    assert [line["action"] for line in lines[:4]] == ["signed_in", "sign_in_refused", "transfer_settled", "signed_in"]
    refused, settled = lines[1], lines[2]
    assert (refused["severity"], settled["severity"]) == ("warning", "info")
    assert settled["related_entity_id"] == made
    assert settled["customer_id"] == FATIMA_CUSTOMER
    assert settled["ip_address"] == "127.0.0.1"
    times = [line["created_at"] for line in lines]
    assert times == sorted(times, reverse=True)


def test_the_trail_notes_where_a_request_came_from(client: Client, fatima: User) -> None:
    fatima.request("POST", "/v1/auth/logout", headers={"x-forwarded-for": "94.128.33.208, 10.0.0.1"})
    assert trail(client.login("auditor"))[1]["ip_address"] == "94.128.33.208"


def test_the_lines_of_the_trail_are_chained(client: Client) -> None:
    lines = trail(client.login("auditor"))
    assert len({line["hash"] for line in lines}) == len(lines)
    assert all(len(bytes.fromhex(line["hash"])) == 32 for line in lines)


def test_the_trail_narrows_to_a_customer(client: Client, fatima: User) -> None:
    auditor = client.login("auditor")
    assert {line["customer_id"] for line in trail(auditor, f"&customer_id={FATIMA_CUSTOMER}")} == {FATIMA_CUSTOMER}
    assert {line["customer_id"] for line in trail(auditor, f"&customer_id={ARJUN_CUSTOMER}")} <= {ARJUN_CUSTOMER}
    assert_problem(auditor.get("/v1/audit-logs?customer_id=nobody"), 404, "not_found")


def test_the_pages_of_the_trail_add_up(client: Client) -> None:
    auditor = client.login("auditor")
    seen: list[dict[str, Any]] = []
    following: str | None = "/v1/audit-logs?limit=2"
    while following:
        answer = auditor.get(following)
        seen += answer.json()["items"]
        following = answer.links["next"]["url"] if "next" in answer.links else None
    assert seen == trail(auditor)


def test_the_trial_balance_balances_after_every_kind_of_movement(client: Client, fatima: User) -> None:
    auditor = client.login("auditor")
    before = auditor.get("/v1/ledger/trial-balance").json()
    cash = {"account_id": FATIMA_CURRENT, "amount": {"amount": "7.000", "currency": "KWD"}}
    fatima.order("/v1/deposits", cash)
    fatima.order("/v1/withdrawals", cash)
    fatima.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "7.000")
    fatima.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "70000.000")
    after = auditor.get("/v1/ledger/trial-balance").json()
    assert set(after) == {"as_of", "currency", "lines", "total_debits", "total_credits", "balanced"}
    assert after["balanced"] is True
    assert after["total_debits"] == after["total_credits"]
    moved = Decimal(after["total_debits"]["amount"]) - Decimal(before["total_debits"]["amount"])
    assert moved == Decimal("21.000")
    for line in after["lines"]:
        debits, credited, balance = (Decimal(line[name]["amount"]) for name in ("debits", "credits", "balance"))
        assert balance == credited - debits


def test_the_integrity_of_the_ledger_is_checked_without_a_trace(client: Client) -> None:
    auditor = client.login("auditor")
    with unchanged(client):
        report = auditor.get("/v1/ledger/integrity").json()
    assert report["ok"] is True
    assert report == client.get("/_sandbox/invariants").json()
