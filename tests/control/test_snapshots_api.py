"""`/_sandbox/snapshots`: named moments, to come back to and to fork from."""

from typing import Any

import pytest
from bankside import ARJUN_CURRENT, FATIMA_CURRENT
from checks import assert_problem, faults
from support import Client, User

VIEW = {"name", "business_time", "writes", "bytes"}


def take(client: Client, name: str, at: str = "") -> dict[str, Any]:
    answer = client.post(f"{at}/_sandbox/snapshots", {"name": name})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def restore(client: Client, name: str, at: str = "") -> dict[str, Any]:
    answer = client.post(f"{at}/_sandbox/snapshots/{name}/restore")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def pay(user: User, amount: str = "1.000") -> None:
    assert user.transfer(FATIMA_CURRENT, ARJUN_CURRENT, amount).status_code == 201


def test_a_snapshot_is_taken_listed_and_forgotten(client: Client, fatima: User) -> None:
    pay(fatima)
    made = take(client, "paid")
    assert set(made) == VIEW
    assert made["writes"] == 2
    assert 0 < made["bytes"] < 100_000
    assert client.get("/_sandbox/snapshots").json() == {"items": [made]}
    assert client.get("/_sandbox/snapshots/paid").json() == made
    assert client.request("DELETE", "/_sandbox/snapshots/paid").status_code == 204
    assert client.get("/_sandbox/snapshots").json() == {"items": []}
    assert_problem(client.get("/_sandbox/snapshots/paid"), 404, "snapshot_unknown")


def test_a_snapshot_of_a_fresh_bank_takes_nothing(client: Client) -> None:
    assert take(client, "fresh") == {
        "name": "fresh",
        "business_time": "2026-01-15T09:00:00.000Z",
        "writes": 0,
        "bytes": 0,
    }


def test_a_sandbox_goes_back_to_the_moment(client: Client, fatima: User) -> None:
    pay(fatima)
    then, accounts = client.digest(), fatima.accounts()
    take(client, "paid")
    pay(fatima, "2.000")
    client.post("/_sandbox/clock/advance", {"by": "PT1M"})
    assert client.digest() != then
    done = restore(client, "paid")
    assert (done["digest"], done["generation"]) == (then, 2)
    assert client.digest() == then
    assert fatima.accounts() == accounts, "tokens of that moment are good again"
    client.assert_sound()


def test_what_happens_after_is_the_same_again(client: Client, fatima: User) -> None:
    take(client, "before")
    pay(fatima)
    once = client.digest()
    restore(client, "before")
    pay(fatima)
    assert client.digest() == once


def test_a_token_of_an_undone_sign_in_opens_nothing(client: Client) -> None:
    take(client, "before")
    fatima = client.login()
    restore(client, "before")
    assert_problem(fatima.get("/v1/accounts"), 401, "token_invalid")


def test_snapshots_outlive_a_reset_and_a_restore(client: Client, fatima: User) -> None:
    pay(fatima)
    then = client.digest()
    take(client, "paid")
    client.post("/_sandbox/reset")
    assert restore(client, "paid")["digest"] == then
    client.post("/_sandbox/reset")
    assert restore(client, "paid")["digest"] == then


def test_a_name_is_taken_once(client: Client) -> None:
    take(client, "x")
    assert_problem(client.post("/_sandbox/snapshots", {"name": "x"}), 409, "snapshot_exists")


def test_of_two_who_want_a_name_at_once_one_gets_it(client: Client, fatima: User) -> None:
    pay(fatima)

    def ask() -> Any:
        return client.http.post("/_sandbox/snapshots", json={"name": "x"})

    answers = client.together(ask, ask)
    assert sorted(answer.status_code for answer in answers) == [201, 409]


@pytest.mark.parametrize("name", ["", " ", "a b", "../x", "-x", ".x", "x" * 64, "é", "a/b", "x\n", None, 3])
def test_names_of_another_form_are_faults(client: Client, name: Any) -> None:
    assert set(faults(client.post("/_sandbox/snapshots", {"name": name}))) == {"/name"}
    assert client.get("/_sandbox/snapshots").json() == {"items": []}


def test_what_a_name_may_be_is_said_in_words(client: Client) -> None:
    (fault,) = assert_problem(client.post("/_sandbox/snapshots", {"name": "a b"}), 400, "validation_failed")["errors"]
    words = "must be letters, digits, . _ - (1 to 63, starting with a letter or digit); not seed or now"
    assert fault == {"pointer": "/name", "code": "wrong_format", "detail": words}


@pytest.mark.parametrize("name", ["seed", "now"])
def test_the_moments_that_every_sandbox_has_are_no_names(client: Client, name: str) -> None:
    answer = client.post("/_sandbox/snapshots", {"name": name})
    assert faults(answer) == {"/name": "not_allowed"}
    assert f"must not be {name}: in /_sandbox/diff that is" in answer.json()["detail"]
    take(client, f"{name}s")


@pytest.mark.parametrize(("method", "rest"), [("GET", ""), ("DELETE", ""), ("POST", "/restore")])
def test_an_unknown_snapshot_is_404_and_names_those_there_are(client: Client, method: str, rest: str) -> None:
    take(client, "known")
    problem = assert_problem(client.request(method, f"/_sandbox/snapshots/other{rest}"), 404, "snapshot_unknown")
    assert "known" in problem["detail"]


def test_a_sandbox_is_made_from_a_snapshot(client: Client, fatima: User) -> None:
    pay(fatima)
    then = client.digest()
    take(client, "paid")
    pay(fatima)
    made = client.post("/_sandbox/sandboxes", {"id": "t1", "from": "snapshot:paid"})
    assert (made.json()["digest"], made.json()["from"]) == (then, "snapshot:paid")
    client.login(at="/s/t1").transfer(FATIMA_CURRENT, ARJUN_CURRENT, "3.000")
    assert client.post("/s/t1/_sandbox/reset").json()["digest"] == then
    assert_problem(client.post("/_sandbox/sandboxes", {"from": "snapshot:x"}), 404, "snapshot_unknown")


def test_snapshots_are_of_one_sandbox(client: Client) -> None:
    client.post("/_sandbox/sandboxes", {"id": "t1"})
    take(client, "mine", "/s/t1")
    assert client.get("/_sandbox/snapshots").json() == {"items": []}
    assert_problem(client.post("/_sandbox/snapshots/mine/restore"), 404, "snapshot_unknown")


def test_a_fork_of_a_fork_of_a_snapshot_stands_where_it_should(client: Client, fatima: User) -> None:
    """Later moments are kept as pages that differ from the clean image, however many steps lie between."""
    pay(fatima)
    take(client, "one")
    client.post("/_sandbox/sandboxes", {"id": "t1", "from": "snapshot:one"})
    there = client.login(at="/s/t1")
    pay(there, "2.000")
    take(client, "two", "/s/t1")
    expected = client.digest("/s/t1")
    pay(there, "4.000")
    made = client.post("/s/t1/_sandbox/sandboxes", {"id": "t2", "from": "snapshot:two"})
    assert made.json()["digest"] == expected
    client.post("/_sandbox/sandboxes", {"id": "t3", "from": "sandbox:t2"})
    assert client.digest("/s/t3") == expected
    client.assert_sound("/s/t3")


def test_a_live_clock_is_live_again_after_a_restore(client: Client) -> None:
    client.request("PUT", "/_sandbox/clock", json={"mode": "live", "rate": 60})
    take(client, "live")
    client.request("PUT", "/_sandbox/clock", json={"mode": "frozen"})
    restore(client, "live")
    clock = client.get("/_sandbox/clock").json()
    assert (clock["mode"], clock["rate"]) == ("live", 60)
