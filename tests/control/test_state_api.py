"""`/_sandbox/reset`, `digest`, `invariants`: the state of a sandbox as a whole."""

import json
from pathlib import Path
from typing import Any

import pytest
from checks import FATIMA_CURRENT, FATIMA_SAVINGS, JSON, assert_problem, faults, serving, unchanged
from support import Client, User, copy_of_tiny, edit


def test_a_reset_puts_everything_back(client: Client, fatima: User) -> None:
    start = client.get("/_sandbox/info").json()["digest"]
    fatima.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "100.000")
    assert client.digest() != start
    answer = client.post("/_sandbox/reset")
    assert answer.status_code == 200
    body = answer.json()
    assert body["generation"] == 2
    assert body["took_ms"] >= 0
    assert body["digest"] == client.digest()
    assert answer.headers["sandbank-time"] == "2026-01-15T09:00:00.000Z"
    assert client.login().accounts()[0]["balances"]["booked"]["amount"] == "2547.440"


def test_the_digest_after_a_reset_is_that_of_the_start(client: Client) -> None:
    start = client.digest()
    for generation in (2, 3, 4):
        client.login()
        assert client.digest() != start
        assert client.post("/_sandbox/reset").json() | {"took_ms": 0} == {
            "digest": start,
            "generation": generation,
            "took_ms": 0,
        }


def test_equal_histories_give_equal_bytes_after_a_reset(client: Client) -> None:
    def history() -> tuple[bytes, ...]:
        user = client.login()
        made = user.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000", key="k")
        return made.content, user.get("/v1/transactions").content, client.digest().encode()

    first = history()
    client.post("/_sandbox/reset")
    assert history() == first


def test_another_seed_gives_other_ids(client: Client) -> None:
    first = client.login().transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000").json()["transfer_id"]
    client.post("/_sandbox/reset", {"seed": 11})
    assert client.get("/_sandbox/info").json()["seed"] == 11
    other = client.login().transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000").json()["transfer_id"]
    assert other != first
    client.post("/_sandbox/reset")
    assert client.get("/_sandbox/info").json()["seed"] == 2026, "its own again"


@pytest.mark.parametrize("raw", [b"", b"{}", b"null", b'{"seed":null,"ecosystem":null}'])
def test_a_reset_needs_no_body(client: Client, raw: bytes) -> None:
    answer = client.request("POST", "/_sandbox/reset", content=raw, headers=JSON)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"seed": "1"}, {"/seed": "wrong_type"}),
        ({"seed": 1.5}, {"/seed": "wrong_type"}),
        ({"seed": -1}, {"/seed": "too_small"}),
        ({"seed": 2**53}, {"/seed": "too_large"}),
        ({"seed": True}, {"/seed": "wrong_type"}),
        ({"ecosystem": 1, "more": 1}, {"/ecosystem": "wrong_type", "/more": "unknown_field"}),
        ({"ecosystem": "x" * 65}, {"/ecosystem": "too_long"}),
    ],
)
def test_a_reset_is_strict_about_its_body(client: Client, body: Any, expected: dict[str, str]) -> None:
    client.login()
    with unchanged(client):
        answer = client.request("POST", "/_sandbox/reset", content=json.dumps(body), headers=JSON)
        assert faults(answer) == expected


@pytest.mark.parametrize("name", ["nowhere", "", "../tiny", "/etc", "tiny\n", "TINY"])
def test_a_reset_to_an_unknown_ecosystem_changes_nothing(client: Client, name: str) -> None:
    client.login()
    with unchanged(client):
        answer = client.post("/_sandbox/reset", {"ecosystem": name})
        if name:
            assert_problem(answer, 404, "ecosystem_unknown")
        else:
            assert answer.status_code in {400, 404}


def test_a_reset_to_another_ecosystem_stays_there(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path / "other")

    def rename(rows: list[dict[str, Any]]) -> None:
        rows[0]["nickname"] = "Other"

    edit(folder, "accounts", rename)
    stated = json.loads((folder / "ecosystem.json").read_text(encoding="utf-8"))
    (folder / "ecosystem.json").write_text(json.dumps(stated | {"name": "other"}), encoding="utf-8")
    with serving(ecosystem=str(folder)) as client:
        assert client.login().accounts()[0]["nickname"] == "Other"
        assert client.post("/_sandbox/reset", {"ecosystem": "tiny"}).status_code == 200
        assert client.login().accounts()[0]["nickname"] == "Salary"
        client.post("/_sandbox/reset")
        assert client.login().accounts()[0]["nickname"] == "Salary"
        assert client.post("/_sandbox/reset", {"ecosystem": "other"}).status_code == 200, "the manifest's name"
        assert client.login().accounts()[0]["nickname"] == "Other"
        client.post("/_sandbox/reset")
        assert client.login().accounts()[0]["nickname"] == "Other"


def test_the_started_ecosystem_goes_before_a_shipped_one_of_its_name(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path / "mine")
    edit(folder, "accounts", lambda rows: rows[0].update(nickname="Mine"))
    with serving(ecosystem=str(folder)) as client:
        assert client.post("/_sandbox/reset", {"ecosystem": "tiny"}).status_code == 200
        assert client.login().accounts()[0]["nickname"] == "Mine"


def test_a_seed_stays_when_an_ecosystem_comes_with_it(client: Client) -> None:
    own = client.get("/_sandbox/info").json()["seed"]

    def seed_after(body: dict[str, Any]) -> int:
        assert client.post("/_sandbox/reset", body).status_code == 200
        found: int = client.get("/_sandbox/info").json()["seed"]
        return found

    assert seed_after({"seed": 7}) == 7
    assert seed_after({}) == own
    assert seed_after({"seed": 8, "ecosystem": "tiny"}) == 8
    assert seed_after({}) == 8


def test_a_reset_is_of_one_sandbox_only(client: Client, fatima: User) -> None:
    client.post("/_sandbox/sandboxes", {"id": "t1"})
    there = client.login(at="/s/t1")
    client.post("/_sandbox/reset")
    assert there.get("/v1/auth/me").status_code == 200
    assert_problem(fatima.get("/v1/auth/me"), 401, "token_invalid")


def test_requests_under_way_finish_on_the_old_state(client: Client, fatima: User) -> None:
    async def pay() -> int:
        answer = await client.http.post(
            "/v1/transfers",
            json={
                "from_account_id": FATIMA_CURRENT,
                "to": {"account_id": FATIMA_SAVINGS},
                "amount": {"amount": "1.000", "currency": "KWD"},
            },
            headers=fatima.headers | {"idempotency-key": client.next_key()},
        )
        return answer.status_code

    async def reset() -> int:
        return (await client.http.post("/_sandbox/reset")).status_code

    statuses = client.together(pay, reset, pay, reset, pay)
    assert set(statuses) <= {200, 201, 401}
    client.assert_sound()
    assert client.get("/_sandbox/info").json()["business_time"] == "2026-01-15T09:00:00.000Z"


def test_the_digest_moves_with_writes_and_stands_still_on_reads(client: Client, fatima: User) -> None:
    first = client.digest()
    fatima.accounts()
    assert client.digest() == first
    fatima.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000")
    second = client.digest()
    assert second != first
    assert client.digest() == second


def test_ten_invariants_and_more_hold_at_the_start_and_after_a_day_of_banking(client: Client, fatima: User) -> None:
    cash = {"account_id": FATIMA_CURRENT, "amount": {"amount": "3.000", "currency": "KWD"}}
    assert len(client.get("/_sandbox/invariants").json()["checks"]) >= 10
    client.assert_sound()
    fatima.order("/v1/deposits", cash)
    fatima.order("/v1/withdrawals", cash)
    made = fatima.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000").json()["transfer_id"]
    fatima.order(f"/v1/transfers/{made}/reversal")
    fatima.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "99999.000")
    client.post("/v1/auth/login", {"username": "fatima", "password": "wrong"})
    fatima.request("POST", "/v1/auth/logout")
    with unchanged(client):
        client.assert_sound()
