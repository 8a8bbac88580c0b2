"""Every shipped scenario with `{}` on `seeds/tiny`: what it promises is true for whoever asks the bank's API."""

import asyncio
from typing import Any

import pytest
from checks import FATIMA_CURRENT, FATIMA_SAVINGS, assert_problem
from support import (
    PASSWORDS,
    VIRTUAL,
    Client,
    broken_invariants,
    copy_of_tiny,
    edit,
    new_root,
    tiny_image,
    without_logins,
)

from sandbox.core.settings import Settings
from sandbox.sandboxes.compiling import compile_image
from sandbox.sandboxes.image import Image
from sandbox.sandboxes.root import StateRoot
from sandbox.sandboxes.scenarios.applying import apply
from sandbox.sandboxes.scenarios.library import open_library

SHIPPED = list(open_library(Settings(), None).scenarios)
THE_FIRST = {
    "locked-user",
    "expired-credentials",
    "suspended-customer",
    "new-customer",
    "empty-account",
    "low-balance",
    "frozen-account",
    "dormant-account",
    "salary-day",
    "busy-month",
    "arabic-customer",
    "clean-inbox",
    "second-factor",
}
FATIMA = {"username": "fatima", "password": PASSWORDS["fatima"]}


def given(client: Client, name: str, **parameters: Any) -> dict[str, Any]:
    """Apply a scenario: the answer."""
    answer = client.post(f"/_sandbox/scenarios/{name}", parameters)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def balances(client: Client, account_id: str) -> dict[str, str]:
    """The balances of one of Fatima's accounts."""
    body = client.login().get(f"/v1/accounts/{account_id}").json()
    return {name: money["amount"] for name, money in body["balances"].items()}


def test_the_first_ones_are_there() -> None:
    assert set(SHIPPED) >= THE_FIRST


@pytest.mark.parametrize("name", SHIPPED)
def test_it_works_with_nothing_said_and_leaves_a_sound_bank(client: Client, name: str) -> None:
    done = client.post(f"/_sandbox/scenarios/{name}")
    assert done.status_code == 200, done.text
    assert done.json()["name"] == name
    assert done.json()["writes"] > 0
    client.assert_sound()


@pytest.mark.parametrize("name", SHIPPED)
def test_twice_from_one_seed_is_the_same_bank(name: str) -> None:
    digests = set()
    for _ in range(2):
        root = new_root(seed=3)
        asyncio.run(apply(root, [name]))
        digests.add(asyncio.run(root.digest()))
    assert len(digests) == 1
    assert digests != {tiny_image().facts.digest}


@pytest.mark.parametrize("name", SHIPPED)
def test_what_it_leaves_can_be_exported_and_imported(client: Client, name: str) -> None:
    given(client, name)
    archive = client.get("/_sandbox/export").content
    left = client.digest()
    client.post("/_sandbox/reset")
    headers = {"content-type": "application/zip"}
    taken = client.request("POST", "/_sandbox/import", content=archive, headers=headers)
    assert taken.status_code == 200, taken.text
    assert client.digest() == left


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Another bank: no demo logins, other usernames, no settings of customers or of second factors."""
    folder = copy_of_tiny(tmp_path_factory.mktemp("elsewhere"))
    without_logins(folder)

    def rename(rows: list[dict[str, Any]]) -> None:
        for place, row in enumerate(rows):
            row["username"] = f"kw{place:05}"

    edit(folder, "auth_users", rename)
    for name in ("customer_settings", "mfa_settings", "notifications"):
        (folder / f"{name}.json").unlink()
    return compile_image(folder, VIRTUAL)


@pytest.mark.parametrize("name", SHIPPED)
def test_it_works_on_another_bank_too(elsewhere: Image, name: str) -> None:
    root = StateRoot(elsewhere, rules=VIRTUAL, seed=1, generation=1)
    (done,) = asyncio.run(apply(root, [name]))
    assert done.parameters.get("user", "kw00000") == "kw00000"
    assert not broken_invariants(root)


def test_locked_user(client: Client) -> None:
    given(client, "locked-user")
    answer = client.post("/v1/auth/login", FATIMA)
    problem = assert_problem(answer, 423, "user_locked")
    assert problem["locked_until"] is not None
    lines = client.login("auditor").get("/v1/audit-logs?limit=9").json()["items"]
    actions = [line["action"] for line in reversed(lines)]
    assert actions[:-2] == ["scenario_applied", *["sign_in_refused"] * 5, "user_locked"]


def test_fewer_attempts_are_only_counted(client: Client) -> None:
    given(client, "locked-user", attempts=3)
    wrong = client.post("/v1/auth/login", FATIMA | {"password": "no"})
    assert assert_problem(wrong, 401, "invalid_credentials")["attempts_left"] == 1
    assert client.login().accounts()


def test_expired_credentials(client: Client) -> None:
    given(client, "expired-credentials")
    assert_problem(client.post("/v1/auth/login", FATIMA), 403, "credentials_expired")
    assert_problem(client.post("/v1/auth/login", FATIMA | {"password": "no"}), 401, "invalid_credentials")
    message = client.get("/_sandbox/messages/latest").json()
    assert message["channel"] == "sms"
    assert "password" in message["body"]


def test_suspended_customer(client: Client) -> None:
    fatima = client.login()
    given(client, "suspended-customer")
    assert_problem(client.post("/v1/auth/login", FATIMA), 403, "user_suspended")
    assert_problem(fatima.get("/v1/accounts"), 401, "token_invalid")


def test_new_customer(client: Client) -> None:
    given(client, "new-customer", username="reem", password="Reem-2026!", full_name="Reem X", deposit="25.000")
    reem = client.login("reem", "Reem-2026!")
    (account,) = reem.accounts()
    assert account["account_type"] == "current"
    assert account["balances"]["available"]["amount"] == "25.000"
    assert reem.get("/v1/auth/me").json()["name"] == "Reem X"
    (opening,) = reem.get("/v1/transactions").json()["items"]
    assert opening["amount"]["amount"] == "25.000"
    paid = client.login().transfer(FATIMA_CURRENT, account["account_id"], "5.000")
    assert paid.status_code == 201
    again = client.post("/_sandbox/scenarios/new-customer", {"username": "reem"})
    assert "Nobody signs in as reem yet" in assert_problem(again, 422, "scenario_precondition_failed")["detail"]


def test_two_new_customers_have_nothing_in_common(client: Client) -> None:
    for username in ("one", "two", "three"):
        given(client, "new-customer", username=username)
    customers = client.get("/_data/customers").json()[-3:]
    accounts = client.get("/_data/accounts").json()[-3:]
    for rows, field in ((customers, "civil_id"), (accounts, "iban"), (accounts, "account_number")):
        assert len({row[field] for row in rows}) == 3
    client.assert_sound()


def test_empty_account(client: Client) -> None:
    given(client, "empty-account")
    left = balances(client, FATIMA_CURRENT)
    assert left["available"] == "0.000"
    assert left["booked"] == left["held"]
    refused = client.login().transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "0.001")
    assert_problem(refused, 422, "insufficient_funds")


@pytest.mark.parametrize("balance", ["1.500", "0.000", "2525.590", "99999.999"])
def test_low_balance_is_exact_whatever_there_was(client: Client, balance: str) -> None:
    assert given(client, "low-balance", balance=balance)["parameters"]["balance"] == balance
    assert balances(client, FATIMA_CURRENT)["available"] == balance
    client.assert_sound()


def test_low_balance_takes_numbers_and_another_account(client: Client) -> None:
    given(client, "low-balance", balance=3, account=FATIMA_SAVINGS)
    assert balances(client, FATIMA_SAVINGS)["available"] == "3.000"


def test_frozen_account(client: Client) -> None:
    given(client, "frozen-account")
    fatima = client.login()
    assert fatima.get(f"/v1/accounts/{FATIMA_CURRENT}").json()["status"] == "frozen"
    for payer, payee in ((FATIMA_CURRENT, FATIMA_SAVINGS), (FATIMA_SAVINGS, FATIMA_CURRENT)):
        refused = assert_problem(fatima.transfer(payer, payee, "1.000"), 422, "account_blocked")
        assert refused["account_status"] == "frozen"


def test_dormant_account(client: Client) -> None:
    done = given(client, "dormant-account")
    assert done["parameters"]["account"] == FATIMA_SAVINGS
    refused = client.login().transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000")
    assert assert_problem(refused, 422, "account_blocked")["account_status"] == "dormant"


def test_salary_day(client: Client) -> None:
    before = balances(client, FATIMA_CURRENT)["booked"]
    done = given(client, "salary-day", amount="1620.000")
    assert done["business_time"].startswith("2026-01-20T05:30:00")
    fatima = client.login()
    newest = fatima.get("/v1/transactions?limit=1").json()["items"][0]
    assert (newest["amount"]["amount"], newest["category"], newest["direction"]) == ("1620.000", "salary", "credit")
    assert newest["booking_date"] == "2026-01-20"
    booked = fatima.get(f"/v1/accounts/{FATIMA_CURRENT}").json()["balances"]["booked"]["amount"]
    assert float(booked) - float(before) == pytest.approx(1620)
    (notice,) = client.get("/_data/notifications?type=SALARY_RECEIVED&status=UNREAD").json()
    assert notice["title_ar"]


def test_the_next_salary_day_is_the_next_month_and_never_on_a_weekend(client: Client) -> None:
    days = [given(client, "salary-day")["business_time"][:10] for _ in range(3)]
    assert days == ["2026-01-20", "2026-02-19", "2026-03-19"]


def test_busy_month(client: Client) -> None:
    done = given(client, "busy-month")
    assert done["business_time"].startswith("2026-02-14")
    fatima = client.login()
    lived = fatima.get(f"/v1/accounts/{FATIMA_CURRENT}/transactions?from=2026-01-16&limit=200").json()["items"]
    categories = {item["category"] for item in lived}
    assert {"groceries", "fuel", "restaurants", "telecom", "cash", "salary", "rent", "utilities"} <= categories
    assert 60 <= len(lived) <= 140
    assert len({item["booking_date"] for item in lived}) >= 25
    assert all(item["mcc"] == "5411" for item in (row["merchant"] for row in lived if row["category"] == "groceries"))
    assert [item["booking_date"] for item in lived if item["category"] == "salary"] == ["2026-01-20"]
    assert [item["booking_date"] for item in lived if item["category"] == "rent"] == ["2026-02-03"]
    client.assert_sound()


def test_a_quiet_week_is_shorter_and_quieter(client: Client) -> None:
    given(client, "busy-month", days=7, intensity=0)
    lived = client.login().get(f"/v1/accounts/{FATIMA_CURRENT}/transactions?from=2026-01-16").json()["items"]
    assert {item["category"] for item in lived} == {"groceries", "cash", "salary"}


def test_a_poor_customer_lives_a_month_too(client: Client) -> None:
    given(client, "empty-account")
    given(client, "busy-month", salary="120.000")
    client.assert_sound()
    actions = {line["action"] for line in client.get("/_data/audit_logs").json()}
    assert {"PURCHASE_DECLINED", "RENT_PUT_OFF"} <= actions


def test_arabic_customer(client: Client) -> None:
    given(client, "arabic-customer")
    fatima = client.login()
    me = fatima.get("/v1/auth/me").json()
    assert (me["language"], me["name"]) == ("ar", "فاطمة ناصر خالد الصالح")
    refused = fatima.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "99999.000").json()
    assert refused["title"] == "الرصيد غير كافٍ"
    assert "العربية" in client.get("/_sandbox/messages/latest").json()["body"]


def test_clean_inbox(client: Client) -> None:
    given(client, "expired-credentials", user="arjun")
    given(client, "arabic-customer")
    given(client, "clean-inbox")
    fatima = "f6f47dc4-0e37-4f10-a1ed-05cea49137fc"
    assert client.get(f"/_data/notifications?customer_id={fatima}").json() == []
    (left,) = client.get("/_sandbox/messages").json()["items"]
    assert "password" in left["body"]


@pytest.mark.parametrize(("method", "to"), [("sms", "+96599014127"), ("email", "fatima.alsaleh@example.com")])
def test_second_factor(client: Client, method: str, to: str) -> None:
    given(client, "second-factor", method=method)
    asked = client.post("/v1/auth/login", FATIMA)
    assert asked.status_code == 202
    challenge = asked.json()["challenge"]
    assert challenge["method"] == method
    message = client.get("/_sandbox/messages/latest").json()
    assert (message["channel"], message["to"]) == (method, to)
    opened = client.post(f"/v1/auth/challenges/{challenge['challenge_id']}/verify", {"code": message["code"]})
    assert opened.status_code == 200
    assert opened.json()["access_token"]


@pytest.mark.parametrize("username", ["arjun", "mariam", "yousef"])
@pytest.mark.parametrize("name", ["clean-inbox", "arabic-customer", "second-factor", "suspended-customer"])
def test_another_customer_can_play(client: Client, name: str, username: str) -> None:
    assert given(client, name, user=username)["parameters"]["user"] == username
    client.assert_sound()
