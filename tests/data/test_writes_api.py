"""Writing over `/_data`: checked like a seed file, money through the ledger, one write each."""

import json
from typing import Any

import httpx
import pytest
from bankside import audited
from checks import ARJUN_CURRENT, FATIMA_CURRENT, FATIMA_CUSTOMER, FATIMA_FROZEN, FATIMA_SAVINGS, assert_problem
from extras import NOTE, NOTE_ID, add_extra
from support import Client

ACCOUNT = {
    "customer_id": FATIMA_CUSTOMER,
    "account_number": "100000099",
    "iban": "KW98SNBK0000000000000100000099",
    "account_type": "SAVINGS",
    "balance": "0.000",
}


def record(client: Client, path: str) -> dict[str, Any]:
    answer = client.get(f"/_data/{path}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def records(client: Client, path: str) -> list[dict[str, Any]]:
    answer = client.get(f"/_data/{path}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def patched(client: Client, path: str, changes: dict[str, Any]) -> dict[str, Any]:
    answer = client.request("PATCH", f"/_data/{path}", json=changes)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def made(client: Client, collection: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(f"/_data/{collection}", body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def faults_of(answer: httpx.Response) -> list[tuple[str, str]]:
    said = assert_problem(answer, 422, "record_invalid")
    return [(fault["pointer"], fault["code"]) for fault in said["errors"]]


def balance(client: Client, account_id: str) -> str:
    return str(record(client, f"accounts/{account_id}")["balance"])


def test_a_new_record_gets_an_identifier_its_defaults_and_a_place(client: Client) -> None:
    answer = client.post("/_data/notifications", NOTE | {"priority": 3, "more": {"a": [1, 2.50]}})
    assert answer.status_code == 201
    new = answer.json()
    assert answer.headers["location"] == f"/_data/notifications/{new['notification_id']}"
    assert client.get(answer.headers["location"]).json() == new
    assert (new["status"], new["priority"], new["more"]) == ("UNREAD", 3, {"a": [1, 2.5]})
    assert new["sent_at"] == answer.headers["sandbank-time"]
    client.assert_sound()


def test_numbers_are_kept_as_exact_as_they_were_sent(client: Client) -> None:
    body = json.dumps(NOTE)[:-1] + ', "rate": 1.50, "huge": 123456789012345678901234567890}'
    headers = {"content-type": "application/json"}
    answer = client.request("POST", "/_data/notifications", content=body, headers=headers)
    for raw in (answer.content, client.get(answer.headers["location"]).content):
        assert b'"rate":1.50' in raw
        assert b'"huge":123456789012345678901234567890' in raw


def test_every_write_is_one_write_and_one_line_of_the_audit_trail(client: Client) -> None:
    root = client.app.house.get("default").root
    new = made(client, "notifications", NOTE)["notification_id"]
    patched(client, f"notifications/{new}", {"title": "Other"})
    client.request("DELETE", f"/_data/notifications/{new}")
    assert root.write_number == 3
    assert audited(root) == ["RECORD_CREATED", "RECORD_CHANGED", "RECORD_DELETED"]
    lines = records(client, "audit_logs?by=data-plane")
    assert {(line["related_entity_id"], line["collection"]) for line in lines} == {(new, "notifications")}


def test_a_refused_write_changes_nothing(client: Client) -> None:
    before = client.digest()
    assert client.post("/_data/accounts", ACCOUNT | {"status": "MERRY"}).status_code == 422
    assert client.request("DELETE", f"/_data/customers/{FATIMA_CUSTOMER}").status_code == 409
    assert client.digest() == before


def test_a_changed_record_keeps_the_rest_and_a_replaced_one_does_not(client: Client) -> None:
    before = record(client, f"notifications/{NOTE_ID}")
    after = patched(client, f"notifications/{NOTE_ID}", {"status": "READ", "starred": True})
    assert after == before | {"status": "READ", "starred": True}
    body = NOTE | {"sent_at": "2026-01-10T11:00:00+03:00"}
    answer = client.request("PUT", f"/_data/notifications/{NOTE_ID}", json=body)
    replaced = answer.json()
    assert (replaced["status"], replaced["sent_at"]) == ("UNREAD", "2026-01-10T08:00:00.000Z")
    assert "starred" not in replaced
    assert replaced["title_ar"] is None


def test_all_faults_of_a_record_are_told_at_once(client: Client) -> None:
    bad = {"customer_id": 7, "account_type": "GOLD", "balance": "1.0001", "opened_at": "soon", "iban": None}
    assert faults_of(client.post("/_data/accounts", bad)) == [
        ("/customer_id", "invalid"),
        ("/account_number", "required"),
        ("/iban", "invalid"),
        ("/account_type", "invalid"),
        ("/balance", "invalid"),
        ("/opened_at", "invalid"),
    ]


def test_references_must_lead_somewhere(client: Client) -> None:
    assert faults_of(client.post("/_data/accounts", ACCOUNT | {"customer_id": "nobody"})) == [
        ("/customer_id", "unknown_reference")
    ]
    assert faults_of(client.request("PATCH", f"/_data/notifications/{NOTE_ID}", json={"customer_id": "nobody"})) == [
        ("/customer_id", "unknown_reference")
    ]


def test_what_is_unique_stays_so(client: Client) -> None:
    other = record(client, f"accounts/{ARJUN_CURRENT}")
    taken = {"iban": other["iban"], "account_number": other["account_number"]}
    assert faults_of(client.post("/_data/accounts", ACCOUNT | taken)) == [
        ("/account_number", "not_unique"),
        ("/iban", "not_unique"),
    ]
    (fatima,) = records(client, "auth_users?username=fatima")
    changed = client.request("PATCH", f"/_data/auth_users/{fatima['user_id']}", json={"username": "arjun"})
    assert faults_of(changed) == [("/username", "not_unique")]


def test_a_taken_identifier_is_409(client: Client) -> None:
    body = NOTE | {"notification_id": NOTE_ID}
    assert_problem(client.post("/_data/notifications", body), 409, "record_exists")
    settings = record(client, f"customer_settings/{FATIMA_CUSTOMER}")
    assert_problem(client.post("/_data/customer_settings", settings), 409, "record_exists")


def test_an_identifier_never_changes(client: Client) -> None:
    for method in ("PATCH", "PUT"):
        answer = client.request(method, f"/_data/notifications/{NOTE_ID}", json=NOTE | {"notification_id": "another"})
        assert faults_of(answer) == [("/notification_id", "not_allowed")]


def test_json_servers_id_is_told_what_it_is_called_here(client: Client) -> None:
    assert faults_of(client.post("/_data/notifications", NOTE | {"id": "mine"})) == [("/id", "not_allowed")]


def test_the_rules_of_a_collection_hold(client: Client) -> None:
    (fatima,) = records(client, "auth_users?username=fatima")
    user = f"/_data/auth_users/{fatima['user_id']}"
    assert faults_of(client.request("PATCH", user, json={"failed_login_attempts": 5})) == [("/status", "rule_broken")]
    goal = records(client, "savings_goals")[0]
    over = client.request("PATCH", f"/_data/savings_goals/{goal['goal_id']}", json={"current_amount": 99999})
    assert faults_of(over) == [("/current_amount", "rule_broken")]
    closed = client.request("PATCH", f"/_data/accounts/{FATIMA_CURRENT}", json={"status": "CLOSED"})
    assert faults_of(closed) == [("/balance", "rule_broken")]
    future = client.post("/_data/accounts", ACCOUNT | {"opened_at": "2030-01-01T00:00:00Z"})
    assert faults_of(future) == [("/opened_at", "rule_broken")]


def test_what_refers_to_a_record_is_judged_with_it(client: Client) -> None:
    (session,) = records(client, "login_sessions?status=ACTIVE&_limit=1")
    device = client.request("PATCH", f"/_data/registered_devices/{session['device_id']}", json={"status": "REVOKED"})
    said = assert_problem(device, 422, "record_invalid")
    assert session["session_id"] in said["detail"]
    disputes = records(client, "dispute_records?_expand=transaction")
    dispute = next(row for row in disputes if row["transaction"]["disputed"])
    settled = client.request("PATCH", f"/_data/transactions/{dispute['transaction_id']}", json={"disputed": False})
    assert dispute["dispute_id"] in assert_problem(settled, 422, "record_invalid")["detail"]
    goal = records(client, "savings_goals")[0]
    taken = client.request("PATCH", f"/_data/accounts/{goal['account_id']}", json={"customer_id": _other(client, goal)})
    assert goal["goal_id"] in assert_problem(taken, 422, "record_invalid")["detail"]


def _other(client: Client, goal: dict[str, Any]) -> str:
    found = [str(row["customer_id"]) for row in records(client, "customers")]
    return next(customer for customer in found if customer != goal["customer_id"])


def test_what_is_referred_to_is_not_deleted(client: Client) -> None:
    said = assert_problem(client.request("DELETE", f"/_data/customers/{FATIMA_CUSTOMER}"), 409, "record_in_use")
    assert {entry["collection"] for entry in said["referred_by"]} >= {"accounts", "customer_settings", "auth_users"}
    said = assert_problem(client.request("DELETE", f"/_data/accounts/{FATIMA_CURRENT}"), 409, "record_in_use")
    assert "transactions" in {entry["collection"] for entry in said["referred_by"]}


def test_what_nothing_refers_to_is_deleted(client: Client) -> None:
    new = made(client, "customers", {"full_name": "Short Stay"})["customer_id"]
    empty = made(client, "accounts", ACCOUNT | {"customer_id": new})["account_id"]
    assert_problem(client.request("DELETE", f"/_data/customers/{new}"), 409, "record_in_use")
    for path in (f"accounts/{empty}", f"customers/{new}"):
        answer = client.request("DELETE", f"/_data/{path}")
        assert (answer.status_code, answer.json()) == (200, {})
        assert_problem(client.get(f"/_data/{path}"), 404, "not_found")
        assert_problem(client.request("DELETE", f"/_data/{path}"), 404, "not_found")
    client.assert_sound()


def test_an_account_that_was_opened_with_money_is_not_deleted(client: Client) -> None:
    opened = made(client, "accounts", ACCOUNT | {"balance": "5"})["account_id"]
    said = assert_problem(client.request("DELETE", f"/_data/accounts/{opened}"), 409, "record_in_use")
    assert said["referred_by"] == [{"collection": "transactions", "records": ["its opening entry"]}]


def test_the_key_of_a_deleted_record_is_never_anothers(client: Client) -> None:
    fatima = client.login("fatima")
    (session,) = records(client, "login_sessions?status=ACTIVE&_sort=-started_at&_limit=1")
    assert session["session_id"] == fatima.tokens["session_id"]
    assert client.request("DELETE", f"/_data/login_sessions/{session['session_id']}").status_code == 200
    client.login("arjun")
    assert fatima.get("/v1/accounts").status_code == 401
    client.assert_sound()


def test_a_changed_balance_posts_an_adjusting_entry(client: Client) -> None:
    before = records(client, f"transactions?account_id={FATIMA_CURRENT}")
    after = patched(client, f"accounts/{FATIMA_CURRENT}", {"balance": 9000})
    assert after["balance"] == "9000.000"
    new = records(client, f"transactions?account_id={FATIMA_CURRENT}")[len(before) :]
    assert [(row["direction"], row["amount"], row["channel"]) for row in new] == [("CREDIT", "6452.560", "ADJUSTMENT")]
    patched(client, f"accounts/{FATIMA_CURRENT}", {"balance": "8999.999"})
    assert records(client, "transactions?channel=ADJUSTMENT&direction=DEBIT")[0]["amount"] == "0.001"
    fatima = client.login("fatima")
    (seen,) = [item for item in fatima.accounts() if item["account_id"] == FATIMA_CURRENT]
    assert seen["balances"]["booked"]["amount"] == "8999.999"
    client.assert_sound()


def test_a_balance_that_stays_posts_nothing(client: Client) -> None:
    patched(client, f"accounts/{FATIMA_CURRENT}", {"balance": "2547.44", "nickname": "Same"})
    assert len(records(client, "transactions")) == 70


def test_an_account_that_is_not_active_can_be_adjusted_and_stays_as_it_is(client: Client) -> None:
    after = patched(client, f"accounts/{FATIMA_FROZEN}", {"balance": "12.345"})
    assert (after["balance"], after["status"]) == ("12.345", "FROZEN")
    closed = patched(client, f"accounts/{FATIMA_FROZEN}", {"balance": "0.000", "status": "CLOSED"})
    assert (closed["balance"], closed["status"]) == ("0.000", "CLOSED")
    client.assert_sound()


def test_a_balance_never_goes_under_what_is_held_or_the_limit(client: Client) -> None:
    account = f"/_data/accounts/{FATIMA_CURRENT}"
    assert faults_of(client.request("PATCH", account, json={"balance": "1.000"})) == [("/balance", "rule_broken")]
    assert faults_of(client.request("PATCH", account, json={"balance": "-5.000"})) == [("/balance", "rule_broken")]
    overdrawn = patched(client, f"accounts/{FATIMA_CURRENT}", {"balance": "-5.000", "overdraft_limit": "100.000"})
    assert overdrawn["balance"] == "-5.000"
    back = client.request("PATCH", account, json={"overdraft_limit": "0.000"})
    assert faults_of(back) == [("/overdraft_limit", "rule_broken")]
    client.assert_sound()


def test_a_new_account_opens_with_its_balance(client: Client) -> None:
    for number, status in enumerate(("ACTIVE", "FROZEN", "DORMANT")):
        body = ACCOUNT | {"balance": "250.500", "status": status, "account_number": f"{number}", "iban": f"X{number}"}
        new = made(client, "accounts", body)
        assert (new["balance"], new["status"]) == ("250.500", status)
        assert records(client, f"transactions?account_id={new['account_id']}") == []
    client.assert_sound()


def test_a_new_account_works_in_the_bank(client: Client) -> None:
    new = made(client, "accounts", ACCOUNT | {"balance": "250.500"})["account_id"]
    fatima = client.login("fatima")
    assert fatima.transfer(new, FATIMA_SAVINGS, "50.500").status_code == 201
    assert balance(client, new) == "200.000"
    client.assert_sound()


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "1.000"},
        {"direction": "CREDIT"},
        {"account_id": FATIMA_SAVINGS},
        {"status": "FAILED"},
        {"booked_at": "2026-01-01T00:00:00Z"},
        {"channel": "ATM"},
    ],
)
def test_a_posted_movements_money_never_changes(client: Client, change: dict[str, str]) -> None:
    fatima = client.login("fatima")
    transfer = fatima.transfer(FATIMA_CURRENT, ARJUN_CURRENT, "7.250").json()["transfer_id"]
    (mine,) = records(client, f"transactions?transfer_id={transfer}&direction=DEBIT")
    answer = client.request("PATCH", f"/_data/transactions/{mine['transaction_id']}", json=change)
    said = assert_problem(answer, 409, "ledger_immutable")
    assert (said["fields"], said["reversal"]) == (list(change), f"/v1/transfers/{transfer}/reversal")
    assert fatima.order(said["reversal"], {}).status_code == 201
    assert_problem(client.request("DELETE", f"/_data/transactions/{mine['transaction_id']}"), 409, "ledger_immutable")


def test_a_movement_can_be_told_about(client: Client) -> None:
    (first, *_) = records(client, "transactions?merchant_name_like=co-op")
    path = f"transactions/{first['transaction_id']}"
    changes = {
        "description": "Other words",
        "disputed": True,
        "merchant_category": "TOYS",
        "mcc": "5945",
        "note": ["x", {"y": 1}],
        "amount": float(first["amount"]),
    }
    assert patched(client, path, changes) == first | changes | {"amount": first["amount"]}
    others = records(client, f"transactions?merchant_name={first['merchant_name']}&merchant_category_ne=TOYS")
    assert others, "the same merchant's other movements stay what they were"
    assert patched(client, path, {"description": None})["description"] is None
    whole = record(client, path)
    without = {name: value for name, value in whole.items() if name != "note"}
    assert client.request("PUT", f"/_data/{path}", json=without).json() == without
    client.assert_sound()


def test_a_transfer_has_no_merchant(client: Client) -> None:
    fatima = client.login("fatima")
    transfer = fatima.transfer(FATIMA_CURRENT, ARJUN_CURRENT, "7.250").json()["transfer_id"]
    (mine, _) = records(client, f"transactions?transfer_id={transfer}")
    answer = client.request("PATCH", f"/_data/transactions/{mine['transaction_id']}", json={"merchant_name": "Souq"})
    assert faults_of(answer) == [("/merchant_name", "not_allowed")]


def movement(**more: Any) -> dict[str, Any]:
    return {"account_id": FATIMA_CURRENT, "amount": "12.750", "direction": "DEBIT", "channel": "POS"} | more


def test_a_new_movement_is_posted_now(client: Client) -> None:
    before = balance(client, FATIMA_CURRENT)
    new = made(client, "transactions", movement(merchant_name="Karak Corner", mcc="5814", tip=1.5))
    assert (new["status"], new["merchant_name"], new["tip"]) == ("COMPLETED", "Karak Corner", 1.5)
    assert new["booked_at"] == client.get("/_data").headers["sandbank-time"]
    assert float(balance(client, FATIMA_CURRENT)) == pytest.approx(float(before) - 12.75)
    listed = client.login("fatima").get("/v1/transactions?limit=1").json()["items"][0]
    assert (listed["transaction_id"], listed["merchant"]["mcc"]) == (new["transaction_id"], "5814")
    client.assert_sound()


def test_a_pending_movement_holds_and_can_be_settled_or_dropped(client: Client) -> None:
    before = balance(client, FATIMA_CURRENT)
    kept, dropped = (made(client, "transactions", movement(status="PENDING"))["transaction_id"] for _ in range(2))
    holds = records(client, f"holds?account_id={FATIMA_CURRENT}&status=ACTIVE&amount=12.750")
    assert {hold["transaction_id"] for hold in holds} == {kept, dropped}
    assert balance(client, FATIMA_CURRENT) == before
    assert patched(client, f"transactions/{kept}", {"status": "COMPLETED", "note": "x"})["note"] == "x"
    assert patched(client, f"transactions/{dropped}", {"status": "FAILED"})["status"] == "FAILED"
    assert float(balance(client, FATIMA_CURRENT)) == pytest.approx(float(before) - 12.75)
    said = assert_problem(
        client.request("PATCH", f"/_data/transactions/{kept}", json={"status": "PENDING"}), 409, "ledger_immutable"
    )
    assert said["reversal"] is None
    client.assert_sound()


def test_a_failed_movement_moves_nothing(client: Client) -> None:
    before = balance(client, FATIMA_CURRENT)
    new = made(client, "transactions", movement(status="FAILED", amount="99999.000"))
    assert (new["status"], balance(client, FATIMA_CURRENT)) == ("FAILED", before)
    client.assert_sound()


def test_the_ledger_guards_new_movements(client: Client) -> None:
    too_much = client.post("/_data/transactions", movement(amount="99999.000"))
    assert_problem(too_much, 422, "insufficient_funds")
    assert_problem(client.post("/_data/transactions", movement(account_id=FATIMA_FROZEN)), 422, "account_blocked")


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"booked_at": "2026-01-01T00:00:00Z"}, "/booked_at"),
        ({"status": "REVERSED"}, "/status"),
        ({"transfer_id": "x"}, "/transfer_id"),
        ({"amount": "-1.000"}, "/amount"),
        ({"amount": 0}, "/amount"),
        ({"customer_id": "dad90f1d-5ecd-481f-ba09-c3d716d759d6"}, "/customer_id"),
        ({"account_id": "nowhere"}, "/account_id"),
    ],
)
def test_a_movement_of_the_past_or_of_nobody_is_refused(client: Client, more: dict[str, Any], pointer: str) -> None:
    assert [place for place, _ in faults_of(client.post("/_data/transactions", movement(**more)))] == [pointer]


def test_what_the_bank_does_itself_is_only_read(client: Client) -> None:
    (hold, *_) = records(client, "holds")
    for path in ("transfers", "holds"):
        answer = client.post(f"/_data/{path}", {})
        assert_problem(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    for method in ("PATCH", "PUT"):
        answer = client.request(method, f"/_data/holds/{hold['hold_id']}", json={})
        assert_problem(answer, 405, "method_not_allowed")
    assert_problem(client.request("DELETE", f"/_data/holds/{hold['hold_id']}"), 405, "method_not_allowed")


def test_the_audit_trail_only_grows(client: Client) -> None:
    line = made(client, "audit_logs", {"action": "TESTED", "severity": "WARNING", "ticket": 7})
    assert record(client, f"audit_logs/{line['log_id']}") == line
    assert (line["ticket"], line["by"]) == (7, "data-plane")
    path = f"/_data/audit_logs/{line['log_id']}"
    for method, options in (("PATCH", {"json": {"action": "X"}}), ("PUT", {"json": {"action": "X"}}), ("DELETE", {})):
        assert_problem(client.request(method, path, **options), 409, "ledger_immutable")
    for field, value in (("created_at", "2026-01-01T00:00:00Z"), ("log_id", "mine")):
        answer = client.post("/_data/audit_logs", {"action": "X", field: value})
        assert faults_of(answer) == [(f"/{field}", "not_allowed")]
    client.assert_sound()


def test_a_plain_password_is_hashed_and_never_shown(client: Client) -> None:
    (fatima,) = records(client, "auth_users?username=fatima")
    path = f"credentials/{fatima['user_id']}"
    after = patched(client, path, {"password": "Another-2026!", "pin": "4711", "hint": "cat"})
    assert set(after) == {"user_id", "status", "expires_at", "hint"}
    client.login("fatima", "Another-2026!")
    assert client.post("/v1/auth/login", {"username": "fatima", "password": "Fatima-2026!"}).status_code == 401
    replaced = client.request("PUT", f"/_data/{path}", json={"user_id": fatima["user_id"]})
    assert "hint" not in replaced.json()
    client.login("fatima", "Another-2026!")  # a secret that nobody could read to send it again is kept
    patched(client, path, {"password_hash": None})
    refused = client.post("/v1/auth/login", {"username": "fatima", "password": "Another-2026!"})
    assert refused.status_code == 401
    assert faults_of(client.request("PATCH", f"/_data/{path}", json={"password": 7})) == [("/password", "invalid")]


def test_a_user_made_here_signs_in(client: Client) -> None:
    new = made(client, "customers", {"full_name": "New Customer"})["customer_id"]
    user = made(client, "auth_users", {"customer_id": new, "username": "newcomer"})["user_id"]
    made(client, "credentials", {"user_id": user, "password": "Newcomer-2026!"})
    made(client, "accounts", ACCOUNT | {"customer_id": new, "balance": "10"})
    accounts = client.login("newcomer", "Newcomer-2026!").accounts()
    assert [account["balances"]["booked"]["amount"] for account in accounts] == ["10.000"]
    client.assert_sound()


def test_a_lock_set_here_locks(client: Client) -> None:
    (fatima,) = records(client, "auth_users?username=fatima")
    lock = {"status": "LOCKED", "failed_login_attempts": 5, "locked_until": "2026-01-15T10:00:00Z"}
    patched(client, f"auth_users/{fatima['user_id']}", lock)
    answer = client.post("/v1/auth/login", {"username": "fatima", "password": "Fatima-2026!"})
    assert_problem(answer, 423, "user_locked")


def test_sandboxes_are_written_to_apart(client: Client) -> None:
    client.post("/_sandbox/sandboxes", {"id": "t1"})
    new = client.post("/s/t1/_data/notifications", NOTE)
    assert new.headers["location"].startswith("/s/t1/_data/notifications/")
    assert client.get(new.headers["location"]).status_code == 200
    assert client.get(new.headers["location"].removeprefix("/s/t1")).status_code == 404


def test_the_same_writes_make_the_same_bank(client: Client) -> None:
    def run(at: str) -> str:
        client.post(f"{at}/_data/notifications", NOTE)
        client.post(f"{at}/_data/transactions", movement(merchant_name="Karak"))
        client.request("PATCH", f"{at}/_data/accounts/{FATIMA_CURRENT}", json={"balance": "5000.000"})
        return client.digest(at)

    client.post("/_sandbox/sandboxes", {"id": "a"})
    client.post("/_sandbox/sandboxes", {"id": "b"})
    assert run("/s/a") == run("/s/b")


def test_records_that_the_bank_does_not_know_are_written_as_they_are(client: Client) -> None:
    add_extra(client.app.house.get("default").root, "things", [])
    assert made(client, "things", {"any": 1.10}) == {"id": 1, "any": 1.1}
    named = made(client, "things", {"id": "named", "a": None})
    drawn = made(client, "things", {"a": 2})["id"]
    assert (named["id"], len(drawn)) == ("named", 36)
    assert patched(client, "things/named", {"b": [1]}) == {"id": "named", "a": None, "b": [1]}
    assert client.request("PUT", "/_data/things/1", json={"c": 1}).json() == {"id": 1, "c": 1}
    assert_problem(client.post("/_data/things", {"id": "1"}), 409, "record_exists")
    assert faults_of(client.post("/_data/things", {"id": 1.5})) == [("/id", "wrong_type")]
    for thing in records(client, "things"):
        assert client.request("DELETE", f"/_data/things/{thing['id']}").json() == {}
    assert records(client, "things") == []
    assert made(client, "things", {"again": True})["id"] == 1
    assert_problem(client.post("/_data/unheard", {}), 404, "not_found")


def test_a_deleted_record_leaves_no_gap_in_the_digest(client: Client) -> None:
    root = client.app.house.get("default").root
    add_extra(root, "things", [{"id": 1}, {"id": 2}, {"id": 3}])
    client.request("DELETE", "/_data/things/2")
    exported = client.get("/_sandbox/export").content
    before = client.digest()
    answer = client.request("POST", "/_sandbox/import", content=exported, headers={"content-type": "application/zip"})
    assert answer.status_code < 300, answer.text
    assert client.digest() == before
    assert json.dumps(records(client, "things")) == '[{"id": 1}, {"id": 3}]'
