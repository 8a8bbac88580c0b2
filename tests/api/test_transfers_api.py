"""`/v1/transfers`: orders that move money once, what is left of a refused one, and taking it back."""

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
from support import Client, User, transfer_body

from sandbox.core import iban

ORDERS: dict[str, Any] = {
    "/v1/transfers": transfer_body(FATIMA_CURRENT, FATIMA_SAVINGS, "5.000"),
    "/v1/deposits": {"account_id": FATIMA_CURRENT, "amount": {"amount": "5.000", "currency": "KWD"}},
    "/v1/withdrawals": {"account_id": FATIMA_CURRENT, "amount": {"amount": "5.000", "currency": "KWD"}},
}


def booked(user: User, account_id: str) -> str:
    found: str = user.get(f"/v1/accounts/{account_id}").json()["balances"]["booked"]["amount"]
    return found


def paying(to: dict[str, Any], amount: str = "5.000", **more: object) -> dict[str, Any]:
    return transfer_body(FATIMA_CURRENT, "", amount) | {"to": to} | more


def test_a_transfer_moves_money_on_both_sides(client: Client, fatima: User) -> None:
    arjun = client.login("arjun")
    answer = fatima.order(
        "/v1/transfers", transfer_body(FATIMA_CURRENT, ARJUN_CURRENT, "47.440") | {"reference": "Rent"}
    )
    assert answer.status_code == 201
    made = answer.json()
    assert made["status"] == "settled"
    assert made["amount"] == {"amount": "47.440", "currency": "KWD"}
    assert made["fee"] == {"amount": "0.000", "currency": "KWD"}
    assert made["created_at"] == answer.headers["sandbank-time"]
    assert made["booking_date"] == made["value_date"] == "2026-01-15"
    assert fatima.get(answer.headers["location"]).json() == made
    assert (booked(fatima, FATIMA_CURRENT), booked(arjun, ARJUN_CURRENT)) == ("2500.000", "738.995")
    paid, received = (user.get("/v1/transactions?limit=1").json()["items"][0] for user in (fatima, arjun))
    assert paid["transfer_id"] == made["transfer_id"]
    assert received["transfer_id"] is None, "the payee cannot look the payer's order up"
    assert (paid["direction"], received["direction"]) == ("debit", "credit")
    client.assert_sound()


def test_a_transfer_finds_an_account_by_iban(client: Client, fatima: User) -> None:
    to = {"iban": "kw07 SNBK 0000 0000 0000 0100 417001", "name": "Arjun"}
    made = fatima.order("/v1/transfers", paying(to)).json()
    assert made["to"] == {"account_id": ARJUN_CURRENT, "iban": "KW07SNBK0000000000000100417001", "name": "Arjun"}


def test_transfers_are_listed_newest_first_to_who_ordered_them(client: Client, fatima: User) -> None:
    ids = [fatima.transfer(FATIMA_CURRENT, ARJUN_CURRENT, f"{n}.000").json()["transfer_id"] for n in (1, 2, 3)]
    assert [row["transfer_id"] for row in fatima.get("/v1/transfers").json()["items"]] == ids[::-1]
    arjun = client.login("arjun")
    assert arjun.get("/v1/transfers").json()["items"] == []
    assert_problem(arjun.get(f"/v1/transfers/{ids[0]}"), 404, "not_found")
    auditor = client.login("auditor")
    assert len(auditor.get("/v1/transfers").json()["items"]) == 3
    assert auditor.get(f"/v1/transfers?customer_id={ARJUN_CUSTOMER}").json()["items"] == []


@pytest.mark.parametrize("path", ORDERS)
def test_an_order_without_a_key_is_refused(fatima: User, path: str) -> None:
    with unchanged(fatima.client):
        answer = fatima.request("POST", path, json=ORDERS[path])
        assert_problem(answer, 400, "idempotency_key_missing")


@pytest.mark.parametrize("path", ORDERS)
@pytest.mark.parametrize("key", ["", " ", "\t"])
def test_an_empty_key_is_no_key(fatima: User, path: str, key: str) -> None:
    with unchanged(fatima.client):
        answer = fatima.request("POST", path, json=ORDERS[path], headers={"idempotency-key": key})
        assert_problem(answer, 400, "idempotency_key_missing")


@pytest.mark.parametrize("path", ORDERS)
@pytest.mark.parametrize("key", [b"k" * 256, b"caf\xe9", "مفتاح".encode(), b"a\tb"])
def test_a_key_must_be_short_and_printable(fatima: User, path: str, key: bytes) -> None:
    with unchanged(fatima.client):
        headers: Any = {"idempotency-key": key}
        answer = fatima.request("POST", path, json=ORDERS[path], headers=headers)
        assert faults(answer) == {"header:Idempotency-Key": "wrong_format"}


@pytest.mark.parametrize("path", ORDERS)
def test_a_key_has_to_be_one_on_a_dry_run_as_well(fatima: User, path: str) -> None:
    headers: Any = {"idempotency-key": b"caf\xe9"}
    answer = fatima.request("POST", f"{path}?dry_run=true", json=ORDERS[path], headers=headers)
    assert faults(answer) == {"header:Idempotency-Key": "wrong_format"}
    headers = {"idempotency-key": "two words"}
    assert fatima.request("POST", f"{path}?dry_run=true", json=ORDERS[path], headers=headers).status_code == 200


def test_a_key_of_full_length_is_taken(fatima: User) -> None:
    assert fatima.order("/v1/transfers", ORDERS["/v1/transfers"], key="k" * 255).status_code == 201


@pytest.mark.parametrize("path", ORDERS)
def test_a_replay_answers_the_same_bytes_and_moves_nothing(fatima: User, path: str) -> None:
    first = fatima.order(path, ORDERS[path], key="once")
    assert first.status_code == 201
    assert "idempotent-replayed" not in first.headers
    with unchanged(fatima.client):
        again = fatima.order(path, ORDERS[path], key="once")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["content-type"] == first.headers["content-type"]


def test_the_order_of_fields_and_spaces_make_no_other_request(fatima: User) -> None:
    body = ORDERS["/v1/transfers"]
    fatima.order("/v1/transfers", body, key="once")
    reordered = dict(reversed(body.items()))
    assert fatima.order("/v1/transfers", reordered, key="once").headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize("path", ORDERS)
def test_a_key_reused_for_another_body_is_refused(fatima: User, path: str) -> None:
    fatima.order(path, ORDERS[path], key="once")
    other = ORDERS[path] | {"amount": {"amount": "6.000", "currency": "KWD"}}
    with unchanged(fatima.client):
        assert_problem(fatima.order(path, other, key="once"), 422, "idempotency_key_reused")


def test_a_key_is_of_one_user_and_one_operation(client: Client, fatima: User) -> None:
    fatima.order("/v1/deposits", ORDERS["/v1/deposits"], key="once")
    assert fatima.order("/v1/withdrawals", ORDERS["/v1/withdrawals"], key="once").status_code == 201
    of_arjun = {"account_id": ARJUN_CURRENT, "amount": {"amount": "5.000", "currency": "KWD"}}
    assert client.login("arjun").order("/v1/deposits", of_arjun, key="once").status_code == 201


def test_a_key_is_of_one_sandbox(client: Client, fatima: User) -> None:
    client.post("/_sandbox/sandboxes", {"id": "t1"})
    fatima.order("/v1/deposits", ORDERS["/v1/deposits"], key="once")
    there = client.login(at="/s/t1").order("/v1/deposits", ORDERS["/v1/deposits"], key="once")
    assert "idempotent-replayed" not in there.headers


def test_a_reset_forgets_the_keys(client: Client, fatima: User) -> None:
    fatima.order("/v1/deposits", ORDERS["/v1/deposits"], key="once")
    client.post("/_sandbox/reset")
    again = client.login().order("/v1/deposits", ORDERS["/v1/deposits"], key="once")
    assert "idempotent-replayed" not in again.headers


REFUSED: dict[str, tuple[dict[str, Any], int, str, str | None]] = {
    "too little money": (paying({"account_id": ARJUN_CURRENT}, "99999.000"), 422, "insufficient_funds", "AM04"),
    "unknown account": (paying({"account_id": "nobody"}), 422, "creditor_unknown", "AC03"),
    "unknown IBAN of ours": (
        paying({"iban": iban.make("100999999"), "name": "X"}),
        422,
        "creditor_unknown",
        "AC03",
    ),
    "no IBAN": (paying({"iban": "KW00SNBK0000000000000100417001", "name": "X"}), 422, "iban_invalid", "AC01"),
    "another bank": (paying({"iban": "DE89370400440532013000", "name": "X"}), 422, "bank_unreachable", "AG01"),
    "itself": (paying({"account_id": FATIMA_CURRENT}), 422, "same_account", "BE01"),
    "frozen payer": (transfer_body(FATIMA_FROZEN, FATIMA_CURRENT, "1.000"), 422, "account_blocked", "AC06"),
    "frozen payee": (transfer_body(FATIMA_CURRENT, FATIMA_FROZEN, "1.000"), 422, "account_blocked", "AC06"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_transfer_is_kept_with_its_reason_and_its_answer(fatima: User, case: str) -> None:
    body, status, code, reason = REFUSED[case]
    before = booked(fatima, FATIMA_CURRENT)
    answer = fatima.order("/v1/transfers", body, key="once")
    problem = assert_problem(answer, status, code)
    assert problem["reason"] == reason
    kept = fatima.get(f"/v1/transfers/{problem['transfer_id']}").json()
    assert (kept["status"], kept["status_reason"]) == ("rejected", reason)
    assert booked(fatima, FATIMA_CURRENT) == before
    with unchanged(fatima.client):
        again = fatima.order("/v1/transfers", body, key="once")
    assert (again.status_code, again.content) == (answer.status_code, answer.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-type"] == "application/problem+json"
    fatima.client.assert_sound()


def test_a_stored_refusal_stands_even_when_the_money_has_come(fatima: User) -> None:
    body = transfer_body(FATIMA_CURRENT, ARJUN_CURRENT, "3000.000")
    refused = fatima.order("/v1/transfers", body, key="once")
    assert_problem(refused, 422, "insufficient_funds")
    fatima.order("/v1/deposits", ORDERS["/v1/deposits"] | {"amount": {"amount": "5000.000", "currency": "KWD"}})
    assert fatima.order("/v1/transfers", body, key="once").content == refused.content
    assert fatima.order("/v1/transfers", body).status_code == 201


def test_a_shape_error_is_not_stored(fatima: User) -> None:
    with unchanged(fatima.client):
        assert faults(fatima.order("/v1/transfers", {}, key="once"))
    assert fatima.order("/v1/transfers", ORDERS["/v1/transfers"], key="once").status_code == 201


def test_a_missing_token_is_not_stored(client: Client, fatima: User) -> None:
    answer = client.post("/v1/transfers", ORDERS["/v1/transfers"], headers={"idempotency-key": "once"})
    assert_problem(answer, 401, "unauthenticated")
    assert fatima.order("/v1/transfers", ORDERS["/v1/transfers"], key="once").status_code == 201


def test_paying_from_an_account_of_somebody_else_finds_none(fatima: User) -> None:
    body = transfer_body(ARJUN_CURRENT, FATIMA_CURRENT, "1.000")
    assert_problem(fatima.order("/v1/transfers", body), 404, "not_found")
    assert fatima.get("/v1/transfers").json()["items"] == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"to": {}}, {"/to": "one_of"}),
        ({"to": {"account_id": ARJUN_CURRENT, "iban": "KW"}}, {"/to": "one_of"}),
        ({"to": None}, {"/to": "wrong_type"}),
        ({"to": []}, {"/to": "wrong_type"}),
        ({"to": {"account_id": ARJUN_CURRENT, "bank": "x"}}, {"/to/bank": "unknown_field"}),
        ({"from_account_id": 1}, {"/from_account_id": "wrong_type"}),
        ({"amount": {"amount": "1.00", "currency": "KWD"}}, {"/amount/amount": "amount_decimals"}),
        ({"amount": {"amount": "1.000"}}, {"/amount/currency": "required"}),
        ({"amount": {"amount": "9007199254740.992", "currency": "KWD"}}, {"/amount/amount": "amount_too_large"}),
        (
            {"reference": "r" * 141, "purpose": 1, "extra": 1},
            {
                "/reference": "too_long",
                "/purpose": "wrong_type",
                "/extra": "unknown_field",
            },
        ),
    ],
)
def test_every_fault_of_a_transfer_is_named(fatima: User, changes: dict[str, Any], expected: dict[str, str]) -> None:
    with unchanged(fatima.client):
        assert faults(fatima.order("/v1/transfers", ORDERS["/v1/transfers"] | changes)) == expected


@pytest.mark.parametrize("path", ORDERS)
def test_a_dry_run_says_what_would_happen_and_leaves_no_trace(fatima: User, path: str) -> None:
    with unchanged(fatima.client):
        answer = fatima.request("POST", f"{path}?dry_run=true", json=ORDERS[path])
        again = fatima.request("POST", f"{path}?dry_run=true", json=ORDERS[path])
    assert answer.status_code == 200
    assert answer.content == again.content
    said = answer.json()
    assert said["dry_run"] is True
    made = fatima.order(path, ORDERS[path]).json()
    assert set(said) == set(made) | {"dry_run"}
    own_id = "transfer_id" if path == "/v1/transfers" else "transaction_id"
    assert (said[own_id], "location" in answer.headers) == (None, False)
    timed = {own_id, "dry_run", "created_at", "booked_at"}
    assert {name: said[name] for name in said if name not in timed} == {
        name: made[name] for name in made if name not in timed
    }


def test_a_dry_run_stores_nothing_under_the_key_it_brings(fatima: User) -> None:
    body = ORDERS["/v1/transfers"]
    assert fatima.order("/v1/transfers?dry_run=true", body, key="once").status_code == 200
    assert "idempotent-replayed" not in fatima.order("/v1/transfers", body, key="once").headers


def test_a_dry_run_is_refused_like_the_order_and_leaves_nothing(fatima: User) -> None:
    for body, status, code, _ in (REFUSED["too little money"], REFUSED["itself"], REFUSED["frozen payer"]):
        with unchanged(fatima.client):
            answer = fatima.request("POST", "/v1/transfers?dry_run=true", json=body)
            assert assert_problem(answer, status, code)["transfer_id"] is None
    assert fatima.get("/v1/transfers").json()["items"] == []


def test_an_explicit_no_to_the_dry_run_is_an_order(fatima: User) -> None:
    assert fatima.order("/v1/transfers?dry_run=false", ORDERS["/v1/transfers"]).status_code == 201


@pytest.mark.parametrize("value", ["maybe", "", "2", "%00"])
def test_a_dry_run_that_is_no_boolean_is_a_fault(fatima: User, value: str) -> None:
    with unchanged(fatima.client):
        assert set(faults(fatima.order(f"/v1/transfers?dry_run={value}", ORDERS["/v1/transfers"]))) == {"?dry_run"}


def test_a_transfer_is_taken_back_exactly_and_once(client: Client, fatima: User) -> None:
    before = booked(fatima, FATIMA_CURRENT)
    made = fatima.transfer(FATIMA_CURRENT, ARJUN_CURRENT, "5.000").json()
    path = f"/v1/transfers/{made['transfer_id']}/reversal"
    back = fatima.order(path, {"reason": "wrong person"}, key="back")
    assert back.status_code == 201
    assert back.headers["location"] == f"/v1/transfers/{made['transfer_id']}"
    assert back.json() == made | {"status": "reversed", "reversed_at": back.headers["sandbank-time"]}
    assert booked(fatima, FATIMA_CURRENT) == before
    again = fatima.order(path, {"reason": "wrong person"}, key="back")
    assert again.headers["idempotent-replayed"] == "true"
    assert (again.status_code, again.content) == (201, back.content)
    assert again.headers["location"] == back.headers["location"]
    assert_problem(fatima.order(path), 409, "already_reversed")
    client.assert_sound()


@pytest.mark.parametrize("body", [None, {}, {"reason": None}, {"reason": "عكس"}])
def test_a_reversal_needs_no_body(fatima: User, body: dict[str, Any] | None) -> None:
    made = fatima.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "5.000").json()
    assert fatima.order(f"/v1/transfers/{made['transfer_id']}/reversal", body).status_code == 201


def test_a_reversal_is_rehearsed_without_a_trace(fatima: User) -> None:
    made = fatima.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "5.000").json()
    path = f"/v1/transfers/{made['transfer_id']}/reversal"
    with unchanged(fatima.client):
        answer = fatima.request("POST", f"{path}?dry_run=true")
    assert (answer.status_code, answer.json()["status"], answer.json()["dry_run"]) == (200, "reversed", True)
    assert fatima.order(path).status_code == 201


def test_only_what_settled_is_taken_back(fatima: User) -> None:
    rejected = fatima.transfer(FATIMA_CURRENT, ARJUN_CURRENT, "99999.000").json()["transfer_id"]
    assert_problem(fatima.order(f"/v1/transfers/{rejected}/reversal"), 409, "transfer_not_reversible")
    assert_problem(fatima.order("/v1/transfers/nothing/reversal"), 404, "not_found")


def test_what_the_payee_no_longer_has_is_not_taken_back(client: Client, fatima: User) -> None:
    made = fatima.transfer(FATIMA_CURRENT, ARJUN_CURRENT, "5.000").json()["transfer_id"]
    arjun = client.login("arjun")
    available = arjun.get(f"/v1/accounts/{ARJUN_CURRENT}").json()["balances"]["available"]["amount"]
    arjun.transfer(ARJUN_CURRENT, FATIMA_SAVINGS, available)
    problem = assert_problem(fatima.order(f"/v1/transfers/{made}/reversal"), 422, "insufficient_funds")
    assert "available" not in problem, "how much the payee has is none of the payer's business"
    client.assert_sound()


def test_an_admin_takes_back_for_a_customer_and_the_payee_may_not(client: Client, fatima: User) -> None:
    made = fatima.transfer(FATIMA_CURRENT, ARJUN_CURRENT, "5.000").json()["transfer_id"]
    path = f"/v1/transfers/{made}/reversal"
    assert_problem(client.login("arjun").order(path), 404, "not_found")
    assert_problem(client.login("auditor").order(path), 403, "forbidden")
    assert client.login("admin").order(path).status_code == 201


def test_two_orders_at_once_under_one_key_move_the_money_once(client: Client, fatima: User) -> None:
    headers = fatima.headers | {"idempotency-key": "once"}
    body = ORDERS["/v1/transfers"]

    def ask() -> Any:
        return client.http.post("/v1/transfers", json=body, headers=headers)

    answers = client.together(*[ask] * 8)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 7
    assert booked(fatima, FATIMA_CURRENT) == "2542.440"
