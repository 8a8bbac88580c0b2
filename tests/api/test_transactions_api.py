"""`/v1/transactions`, deposits and withdrawals: what moved, filtered and paged, and cash."""

from decimal import Decimal
from typing import Any

import pytest
from checks import (
    ARJUN_CURRENT,
    ARJUN_CUSTOMER,
    FATIMA_CURRENT,
    FATIMA_FROZEN,
    FATIMA_SAVINGS,
    assert_problem,
    faults,
    unchanged,
)
from support import Client, User

KWD = "KWD"


def listed(user: User, query: str = "", path: str = "/v1/transactions") -> list[dict[str, Any]]:
    answer = user.get(f"{path}?limit=200{'&' if query else ''}{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def cash(account: str, amount: str = "10.000", **more: object) -> dict[str, Any]:
    return {"account_id": account, "amount": {"amount": amount, "currency": KWD}, **more}


def amount_of(transaction: dict[str, Any]) -> Decimal:
    return Decimal(transaction["amount"]["amount"])


def test_movements_come_newest_first(fatima: User) -> None:
    found = listed(fatima)
    assert len(found) > 20
    times = [transaction["booked_at"] for transaction in found]
    assert times == sorted(times, reverse=True)


def test_the_list_of_all_is_that_of_every_account_together(fatima: User) -> None:
    parts = [listed(fatima, path=f"/v1/accounts/{a['account_id']}/transactions") for a in fatima.accounts()]
    together = sorted(row["transaction_id"] for part in parts for row in part)
    assert sorted(row["transaction_id"] for row in listed(fatima)) == together


def test_a_movement_reads_the_same_alone_and_in_the_list(fatima: User) -> None:
    for transaction in listed(fatima)[:10]:
        assert fatima.get(f"/v1/transactions/{transaction['transaction_id']}").json() == transaction


def test_a_movement_of_somebody_else_is_not_there(client: Client, fatima: User) -> None:
    of_arjun = listed(client.login("arjun"))[0]["transaction_id"]
    assert_problem(fatima.get(f"/v1/transactions/{of_arjun}"), 404, "not_found")
    assert client.login("auditor").get(f"/v1/transactions/{of_arjun}").status_code == 200


@pytest.mark.parametrize("limit", [1, 2, 7, 50])
@pytest.mark.parametrize("path", ["/v1/transactions", f"/v1/accounts/{FATIMA_CURRENT}/transactions"])
def test_pages_add_up_to_the_whole_list(fatima: User, path: str, limit: int) -> None:
    seen: list[dict[str, Any]] = []
    following: str | None = f"{path}?limit={limit}"
    while following:
        answer = fatima.get(following)
        page = answer.json()
        assert len(page["items"]) <= limit
        seen += page["items"]
        following = answer.links["next"]["url"] if "next" in answer.links else None
    assert seen == listed(fatima, path=path)


def test_new_movements_do_not_disturb_a_walk_through_the_pages(fatima: User) -> None:
    before = listed(fatima)
    first = fatima.get("/v1/transactions?limit=5").json()
    fatima.order("/v1/deposits", cash(FATIMA_CURRENT))
    rest = fatima.get("/v1/transactions", params={"limit": 200, "cursor": first["page"]["next_cursor"]}).json()
    assert first["items"] + rest["items"] == before


def test_staff_see_everyones_movements_and_may_narrow(client: Client) -> None:
    auditor, arjun = client.login("auditor"), client.login("arjun")
    assert len(listed(auditor)) > len(listed(arjun))
    assert listed(auditor, f"customer_id={ARJUN_CUSTOMER}") == listed(arjun)


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("direction=credit", lambda row: row["direction"] == "credit"),
        ("direction=debit", lambda row: row["direction"] == "debit"),
        ("status=pending", lambda row: row["status"] == "pending"),
        ("status=reversed", lambda row: row["status"] == "reversed"),
        ("category=groceries", lambda row: row["category"] == "groceries"),
        ("category=GROCERIES", lambda row: row["category"] == "groceries"),
        ("min_amount=100", lambda row: amount_of(row) >= 100),
        ("max_amount=10.000", lambda row: amount_of(row) <= 10),
        ("min_amount=5&max_amount=50.5", lambda row: 5 <= amount_of(row) <= Decimal("50.5")),
        ("from=2026-01-01", lambda row: row["booking_date"] >= "2026-01-01"),
        ("to=2025-12-31", lambda row: row["booking_date"] <= "2025-12-31"),
        ("to=9999-12-31", lambda row: row["booking_date"] <= "9999-12-31"),
        ("from=2025-12-01&to=2025-12-31", lambda row: "2025-12-01" <= row["booking_date"] <= "2025-12-31"),
        ("from=2026-01-01T00:00:00Z", lambda row: row["booked_at"] >= "2026-01-01T00:00:00"),
        ("to=2026-01-01T00:00:00Z", lambda row: row["booked_at"] < "2026-01-01T00:00:00"),
        ("q=weekly", lambda row: "weekly" in row["description"].lower()),
        (
            "direction=debit&category=groceries&min_amount=1",
            lambda row: row["direction"] == "debit" and row["category"] == "groceries",
        ),
    ],
)
def test_a_filter_keeps_exactly_what_it_says(fatima: User, query: str, holds: Any) -> None:
    expected = [row for row in listed(fatima) if holds(row)]
    assert expected, "the seed has such movements"
    assert listed(fatima, query) == expected


@pytest.mark.parametrize("query", ["q=%25", "q=_", "q=%5C", "category=nothing", "min_amount=9007199254740"])
def test_a_filter_may_find_nothing(fatima: User, query: str) -> None:
    assert listed(fatima, query) == []


def test_a_filter_goes_on_through_the_pages(fatima: User) -> None:
    first = fatima.get("/v1/transactions?limit=2&direction=credit")
    second = fatima.get(first.links["next"]["url"]).json()["items"]
    assert first.json()["items"] + second == listed(fatima, "direction=credit")[:4]


def test_all_faults_of_the_filters_are_named_at_once(fatima: User) -> None:
    answer = fatima.get("/v1/transactions?from=yesterday&to=2026-02-30&min_amount=1e3&max_amount=1.0001")
    assert faults(answer) == {
        "?from": "wrong_format",
        "?to": "wrong_format",
        "?min_amount": "amount_malformed",
        "?max_amount": "amount_decimals",
    }


@pytest.mark.parametrize("query", ["direction=CREDIT", "status=done", "q=", "q=%00", "limit=0", f"q={'x' * 101}"])
def test_a_parameter_of_a_wrong_form_is_named(fatima: User, query: str) -> None:
    assert set(faults(fatima.get(f"/v1/transactions?{query}"))) == {f"?{query.partition('=')[0]}"}


def test_a_failed_movement_counts_in_no_balance(client: Client) -> None:
    arjun = client.login("arjun")
    failed = listed(arjun, "status=failed")
    assert failed
    assert all(row["balance_after"] is None for row in failed)


def test_a_deposit_is_a_movement_that_is_found_again(fatima: User) -> None:
    answer = fatima.order("/v1/deposits", cash(FATIMA_CURRENT, "12.345", channel="cdm", reference="Eidiya"))
    assert answer.status_code == 201
    made = answer.json()
    assert made["direction"] == "credit"
    assert made["amount"] == {"amount": "12.345", "currency": KWD}
    assert made["balance_after"] == {"amount": "2559.785", "currency": KWD}
    assert (made["channel"], made["status"]) == ("cdm", "completed")
    assert made["description"] == "Cash deposit: Eidiya"
    assert made["booked_at"] == answer.headers["sandbank-time"]
    found = fatima.get(answer.headers["location"])
    assert found.json() == made
    assert listed(fatima)[0] == made
    fatima.client.assert_sound()


def test_a_withdrawal_takes_from_what_is_available(fatima: User) -> None:
    made = fatima.order("/v1/withdrawals", cash(FATIMA_CURRENT, "2525.590", channel="atm")).json()
    assert made["direction"] == "debit"
    assert made["balance_after"]["amount"] == "21.850"
    more = fatima.order("/v1/withdrawals", cash(FATIMA_CURRENT, "0.001"))
    assert_problem(more, 422, "insufficient_funds")
    fatima.client.assert_sound()


@pytest.mark.parametrize("path", ["/v1/deposits", "/v1/withdrawals"])
def test_cash_moves_on_own_open_accounts_only(fatima: User, path: str) -> None:
    assert_problem(fatima.order(path, cash(FATIMA_FROZEN)), 422, "account_blocked")
    assert_problem(fatima.order(path, cash(ARJUN_CURRENT)), 404, "not_found")
    assert_problem(fatima.order(path, cash("nothing")), 404, "not_found")


def test_a_balance_past_what_can_be_counted_is_refused(fatima: User) -> None:
    assert fatima.order("/v1/deposits", cash(FATIMA_SAVINGS, "9007199254734.991")).status_code == 422
    body = assert_problem(
        fatima.order("/v1/deposits", cash(FATIMA_SAVINGS, "9007199254740.991")), 422, "limit_exceeded"
    )
    assert body["reason"] == "AM02"
    fatima.client.assert_sound()


@pytest.mark.parametrize("path", ["/v1/deposits", "/v1/withdrawals"])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"/account_id": "required", "/amount": "required"}),
        (cash(FATIMA_CURRENT, "1.0000"), {"/amount/amount": "amount_decimals"}),
        (cash(FATIMA_CURRENT, "0.000"), {"/amount/amount": "amount_not_positive"}),
        (cash(FATIMA_CURRENT, "-1.000"), {"/amount/amount": "amount_not_positive"}),
        (cash("", channel="moon"), {"/account_id": "too_short", "/channel": "not_allowed"}),
        (cash(FATIMA_CURRENT, reference="x" * 141), {"/reference": "too_long"}),
        (
            {"account_id": FATIMA_CURRENT, "amount": {"amount": 10, "currency": "USD"}},
            {"/amount/amount": "wrong_type", "/amount/currency": "not_allowed"},
        ),
        ({"account_id": FATIMA_CURRENT, "amount": "10.000"}, {"/amount": "wrong_type"}),
    ],
)
def test_every_fault_of_a_cash_order_is_named_and_nothing_moves(
    fatima: User, path: str, body: dict[str, Any], expected: dict[str, str]
) -> None:
    with unchanged(fatima.client):
        assert faults(fatima.order(path, body)) == expected
