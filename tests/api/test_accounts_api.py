"""`/v1/accounts`: what a customer and staff see of accounts, and what may be changed."""

import json
from decimal import Decimal

import pytest
from checks import (
    ARJUN_CURRENT,
    ARJUN_CUSTOMER,
    FATIMA_CURRENT,
    FATIMA_CUSTOMER,
    FATIMA_SAVINGS,
    JSON,
    assert_problem,
    faults,
    unchanged,
)
from support import Client, User


def test_a_customer_sees_their_own_accounts_oldest_first(fatima: User) -> None:
    accounts = fatima.accounts()
    assert [account["nickname"] for account in accounts] == ["Salary", "Savings", "Everyday wallet"]
    assert {account["customer_id"] for account in accounts} == {FATIMA_CUSTOMER}


def test_an_account_reads_the_same_alone_and_in_the_list(fatima: User) -> None:
    for account in fatima.accounts():
        assert fatima.get(f"/v1/accounts/{account['account_id']}").json() == account


def test_available_is_booked_less_what_is_held(fatima: User) -> None:
    answer = fatima.get(f"/v1/accounts/{FATIMA_CURRENT}/balances").json()
    assert answer["account_id"] == FATIMA_CURRENT
    booked, available, held = (Decimal(answer["balances"][kind]["amount"]) for kind in ("booked", "available", "held"))
    assert held == Decimal("21.850")
    assert available == booked - held


def test_what_is_held_is_listed(fatima: User) -> None:
    holds = fatima.get(f"/v1/accounts/{FATIMA_CURRENT}/holds").json()["items"]
    assert sum(Decimal(hold["amount"]["amount"]) for hold in holds) == Decimal("21.850")
    assert {hold["status"] for hold in holds} == {"active"}
    assert {hold["direction"] for hold in holds} == {"debit"}
    assert fatima.get(f"/v1/accounts/{FATIMA_SAVINGS}/holds").json()["items"] == []


@pytest.mark.parametrize("below", ["", "/balances", "/holds", "/transactions"])
@pytest.mark.parametrize(
    "account_id", [ARJUN_CURRENT, "00000000-0000-0000-0000-000000000000", "x", "1", FATIMA_CUSTOMER]
)
def test_an_account_of_somebody_else_is_not_there(fatima: User, account_id: str, below: str) -> None:
    assert_problem(fatima.get(f"/v1/accounts/{account_id}{below}"), 404, "not_found")


def test_staff_see_all_accounts_and_may_narrow_to_a_customer(client: Client) -> None:
    auditor = client.login("auditor")
    assert len(auditor.accounts()) == 8
    narrowed = auditor.get("/v1/accounts", params={"customer_id": ARJUN_CUSTOMER}).json()["items"]
    assert [account["account_id"] for account in narrowed] == [ARJUN_CURRENT]
    assert_problem(auditor.get("/v1/accounts?customer_id=nobody"), 404, "not_found")
    assert auditor.get(f"/v1/accounts/{ARJUN_CURRENT}").status_code == 200


def test_a_customer_narrows_to_nobody_but_themselves(fatima: User) -> None:
    assert len(fatima.get("/v1/accounts", params={"customer_id": FATIMA_CUSTOMER}).json()["items"]) == 3
    assert_problem(fatima.get("/v1/accounts", params={"customer_id": ARJUN_CUSTOMER}), 403, "forbidden")


def test_pages_add_up_to_the_whole_list(client: Client) -> None:
    auditor = client.login("auditor")
    seen, cursor = [], None
    while True:
        page = auditor.get("/v1/accounts", params={"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
        seen += page["items"]
        cursor = page["page"]["next_cursor"]
        assert page["page"]["has_more"] is (cursor is not None)
        if cursor is None:
            break
    assert seen == auditor.accounts()


def test_a_page_that_ends_with_the_list_has_no_more(fatima: User) -> None:
    answer = fatima.get("/v1/accounts?limit=3")
    assert answer.json()["page"] == {"next_cursor": None, "has_more": False}
    assert "link" not in answer.headers


@pytest.mark.parametrize("nickname", ["Household", "n", "مصروف البيت", "n" * 40, None])
def test_an_account_takes_a_nickname(fatima: User, nickname: str | None) -> None:
    answer = fatima.request("PATCH", f"/v1/accounts/{FATIMA_CURRENT}", json={"nickname": nickname})
    assert answer.status_code == 200
    assert answer.json()["nickname"] == nickname
    read = fatima.get(f"/v1/accounts/{FATIMA_CURRENT}")
    assert read.json() == answer.json()
    assert read.headers["etag"] == answer.headers["etag"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"nickname": ""}, {"/nickname": "too_short"}),
        ({"nickname": "n" * 41}, {"/nickname": "too_long"}),
        ({"nickname": 7}, {"/nickname": "wrong_type"}),
        ({}, {"/nickname": "required"}),
        ({"nickname": "a", "status": "closed"}, {"/status": "unknown_field"}),
        (
            {"balances": {}, "iban": ""},
            {"/nickname": "required", "/balances": "unknown_field", "/iban": "unknown_field"},
        ),
        ([], {"": "wrong_type"}),
        (None, {"": "wrong_type"}),
    ],
)
def test_nothing_but_the_nickname_changes(fatima: User, body: object, expected: dict[str, str]) -> None:
    with unchanged(fatima.client):
        answer = fatima.request("PATCH", f"/v1/accounts/{FATIMA_CURRENT}", content=json.dumps(body), headers=JSON)
        assert faults(answer) == expected


def test_nobody_renames_an_account_of_somebody_else(client: Client, fatima: User) -> None:
    with unchanged(client):
        answer = fatima.request("PATCH", f"/v1/accounts/{ARJUN_CURRENT}", json={"nickname": "mine"})
        assert_problem(answer, 404, "not_found")
