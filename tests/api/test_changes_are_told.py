"""What changed something says so, and orders say the same whoever words them."""

from bankside import FATIMA_CURRENT, FATIMA_SAVINGS
from support import User


def test_a_change_is_never_answered_with_not_modified(fatima: User) -> None:
    answer = fatima.request(
        "PATCH", f"/v1/accounts/{FATIMA_CURRENT}", json={"nickname": "New"}, headers={"if-none-match": "*"}
    )
    assert (answer.status_code, answer.json()["nickname"]) == (200, "New")


def test_a_reversal_without_a_body_and_with_an_empty_one_is_the_same_order(fatima: User) -> None:
    made = fatima.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000").json()["transfer_id"]
    first = fatima.order(f"/v1/transfers/{made}/reversal", key="back")
    again = fatima.order(f"/v1/transfers/{made}/reversal", {}, key="back")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotent-replayed"] == "true"


def test_the_tag_of_balances_stays_while_nothing_moves(fatima: User) -> None:
    path = f"/v1/accounts/{FATIMA_CURRENT}/balances"
    before = fatima.get(path).headers["etag"]
    fatima.client.login("arjun")
    assert fatima.get(path).headers["etag"] == before


def test_an_empty_forwarded_address_is_none(fatima: User) -> None:
    body = {"username": "arjun", "password": "Arjun-2026!"}
    fatima.client.post("/v1/auth/login", body, headers={"x-forwarded-for": ","})
    logs = fatima.client.login("auditor").get("/v1/audit-logs?limit=2").json()["items"]
    assert {log["ip_address"] for log in logs} == {"127.0.0.1"}
