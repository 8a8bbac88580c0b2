"""`/_sandbox/clock`: business time, moved on with all that falls due on the way."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from bankside import ARJUN_CURRENT, FATIMA_CURRENT
from checks import assert_problem, faults, serving
from support import PASSWORDS, Client, User, transfer_body

from sandbox.core.clock import DAY, HOUR, Instant, parse_instant
from sandbox.sandboxes import business_clock, house, shelf


@pytest.fixture
def walled() -> Iterator[Client]:
    """A bank whose tokens follow the wall clock, so that they outlive days of business time."""
    with serving(transport_clock="wall") as made:
        yield made


START = "2026-01-15T09:00:00.000Z"


def advance(client: Client, at: str = "", **order: str) -> dict[str, Any]:
    answer = client.post(f"{at}/_sandbox/clock/advance", order)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def put(client: Client, order: Any) -> httpx.Response:
    return client.request("PUT", "/_sandbox/clock", json=order)


def test_a_fresh_bank_stands_at_its_own_time(client: Client) -> None:
    assert client.get("/_sandbox/clock").json() == {"now": START, "mode": "frozen", "rate": 1.0}


@pytest.mark.parametrize(
    ("order", "now"),
    [
        ({"by": "PT1H"}, "2026-01-15T10:00:00.000Z"),
        ({"by": "P1M"}, "2026-02-15T09:00:00.000Z"),
        ({"by": "250ms"}, "2026-01-15T09:00:00.250Z"),
        ({"to": "2026-01-16T12:00:00+03:00"}, "2026-01-16T09:00:00.000Z"),
    ],
)
def test_time_passes_to_the_moment_that_was_asked_for(client: Client, order: dict[str, str], now: str) -> None:
    body = advance(client, **order)
    assert body["now"] == now
    answer = client.get("/_sandbox/clock")
    assert (answer.json()["now"], answer.headers["sandbank-time"]) == (now, now)


def test_what_falls_due_happens_in_order_and_is_reported(client: Client, fatima: User) -> None:
    fatima.transfer(FATIMA_CURRENT, ARJUN_CURRENT, "1.000")
    for _ in range(5):
        client.post("/v1/auth/login", {"username": "arjun", "password": "wrong"})
    assert_problem(
        client.post("/v1/auth/login", {"username": "arjun", "password": PASSWORDS["arjun"]}), 423, "user_locked"
    )
    fired = advance(client, by="P40D")["fired"]
    jobs = [one["job"] for one in fired]
    assert jobs == ["unlock_users", "expire_idempotency_keys", "expire_holds", "expire_sessions"]
    times = [parse_instant(one["at"]) for one in fired]
    assert times == sorted(times)
    assert [round((at - parse_instant(START)) / DAY) for at in times] == [0, 1, 7, 30]
    assert all(one["count"] >= 1 for one in fired)
    assert client.login("arjun").accounts()
    assert client.get("/_sandbox/invariants").json()["ok"]


def test_a_job_runs_at_its_own_time_and_not_at_the_end_of_the_way(client: Client) -> None:
    for _ in range(5):
        client.post("/v1/auth/login", {"username": "arjun", "password": "wrong"})
    (unlocked,) = [one for one in advance(client, by="P1D")["fired"] if one["job"] == "unlock_users"]
    assert parse_instant(unlocked["at"]) - parse_instant(START) < HOUR


def test_an_idempotency_key_stands_for_a_day(walled: Client) -> None:
    client, fatima = walled, walled.login()
    body = transfer_body(FATIMA_CURRENT, ARJUN_CURRENT, "1.000")
    headers = fatima.headers | {"idempotency-key": "k"}
    first = client.post("/v1/transfers", body, headers=headers)
    advance(client, by="PT23H")
    assert client.post("/v1/transfers", body, headers=headers).headers["idempotent-replayed"] == "true"
    advance(client, by="PT1H")
    again = client.post("/v1/transfers", body, headers=headers)
    assert "idempotent-replayed" not in again.headers
    assert again.json()["transfer_id"] != first.json()["transfer_id"]


def test_a_session_ends_with_its_time(walled: Client) -> None:
    client, fatima = walled, walled.login()
    advance(client, by="P29D")
    assert fatima.get("/v1/accounts").status_code == 200
    advance(client, by="P2D")
    assert_problem(fatima.get("/v1/accounts"), 401, "token_invalid")


@pytest.mark.parametrize("to", ["2026-01-15T08:59:59.999Z", "1970-01-01T00:00:00Z"])
def test_the_past_is_refused(client: Client, to: str) -> None:
    before = client.digest()
    for answer in (
        client.post("/_sandbox/clock/advance", {"to": to}),
        put(client, {"now": to}),
    ):
        assert assert_problem(answer, 422, "clock_cannot_go_back")["now"] == START
    assert client.digest() == before


@pytest.mark.parametrize(
    ("order", "pointers"),
    [
        ({}, {""}),
        ({"by": "P1D", "to": START}, {""}),
        ({"by": "tomorrow"}, {"/by"}),
        ({"by": "-P1D"}, {"/by"}),
        ({"by": "P9999Y"}, {"/by"}),
        ({"to": "2026-02-30T00:00:00Z"}, {"/to"}),
        ({"to": "2026-02-01"}, {"/to"}),
        ({"to": "9999-12-31T23:59:59Z"}, {"/to"}),
        ({"by": 3, "until": START}, {"/by", "/until"}),
    ],
)
def test_an_order_that_names_no_time_is_refused(client: Client, order: Any, pointers: set[str]) -> None:
    before = client.digest()
    assert set(faults(client.post("/_sandbox/clock/advance", order))) == pointers
    assert client.digest() == before


@pytest.mark.parametrize("order", [{"mode": "warp"}, {"rate": 0}, {"rate": -1}, {"rate": 1e9}, {"rate": "2"}])
def test_a_clock_of_another_kind_is_refused(client: Client, order: Any) -> None:
    assert faults(put(client, order))
    assert client.get("/_sandbox/clock").json() == {"now": START, "mode": "frozen", "rate": 1.0}


def test_a_live_clock_goes_on_and_stands_still_again(client: Client) -> None:
    set_live = put(client, {"mode": "live", "rate": 1_000_000})
    assert (set_live.json()["mode"], set_live.json()["rate"]) == ("live", 1_000_000)
    seen = [parse_instant(client.get("/_sandbox/clock").json()["now"]) for _ in range(3)]
    assert seen[0] < seen[1] < seen[2], "a million seconds pass in one"
    assert seen[2] - seen[0] > 60 * 1_000_000
    frozen = put(client, {"mode": "frozen"}).json()["now"]
    assert parse_instant(frozen) >= seen[2]
    assert client.get("/_sandbox/clock").json() == {"now": frozen, "mode": "frozen", "rate": 1_000_000}


def test_a_live_clock_settles_what_is_due_before_it_answers(client: Client) -> None:
    for _ in range(5):
        client.post("/v1/auth/login", {"username": "arjun", "password": "wrong"})
    put(client, {"mode": "live", "rate": 1_000_000})
    while parse_instant(client.get("/_sandbox/clock").json()["now"]) < parse_instant(START) + HOUR:
        pass
    put(client, {"mode": "frozen"})
    assert client.login("arjun").accounts()
    assert client.get("/_sandbox/invariants").json()["ok"]


def test_every_sandbox_has_its_own_time(client: Client) -> None:
    client.post("/_sandbox/sandboxes", {"id": "t1"})
    advance(client, "/s/t1", by="P1D")
    assert client.get("/_sandbox/clock").json()["now"] == START
    assert client.get("/s/t1/_sandbox/clock").json()["now"] == "2026-01-16T09:00:00.000Z"


def test_a_reset_goes_back_and_can_keep_the_time(client: Client) -> None:
    advance(client, by="P3D")
    client.post("/_sandbox/reset", {"keep": ["clock"]})
    assert client.get("/_sandbox/clock").json()["now"] == "2026-01-18T09:00:00.000Z"
    client.post("/_sandbox/reset")
    assert client.get("/_sandbox/clock").json()["now"] == START


def test_a_reset_can_keep_everybody_signed_in(client: Client, fatima: User) -> None:
    fatima.transfer(FATIMA_CURRENT, ARJUN_CURRENT, "1.000")
    before = fatima.accounts()
    client.post("/_sandbox/reset", {"keep": ["sessions"]})
    after = fatima.accounts()
    assert after != before, "the money is back"
    refreshed = client.post("/v1/auth/refresh", {"refresh_token": fatima.tokens["refresh_token"]})
    assert refreshed.status_code == 200
    client.post("/_sandbox/reset")
    assert_problem(fatima.get("/v1/accounts"), 401, "token_invalid")


def test_the_same_orders_give_the_same_bank(walled: Client) -> None:
    client = walled
    digests = []
    for name in ("a", "b"):
        client.post("/_sandbox/sandboxes", {"id": name})
        there = client.login(at=f"/s/{name}")
        there.transfer(FATIMA_CURRENT, ARJUN_CURRENT, "1.000")
        advance(client, f"/s/{name}", by="P10D")
        there.transfer(FATIMA_CURRENT, ARJUN_CURRENT, "2.000")
        digests.append(client.digest(f"/s/{name}"))
    assert digests[0] == digests[1]


def test_as_of_moves_the_data_by_whole_weeks_and_starts_at_that_time() -> None:
    with serving(as_of="2026-03-03T12:00:00Z") as client:
        assert client.get("/_sandbox/clock").json()["now"] == "2026-03-03T12:00:00.000Z"
        fatima = client.login()
        newest = fatima.get("/v1/transactions?limit=1").json()["items"][0]["booked_at"]
        assert "2026-02-20" < newest < "2026-03-03", "six weeks later than in the files"
        assert client.get("/_sandbox/invariants").json()["ok"]
        client.post("/_sandbox/sandboxes", {"id": "t1"})
        assert client.get("/s/t1/_sandbox/clock").json()["now"] == "2026-03-03T12:00:00.000Z"
        client.post("/_sandbox/reset", {"as_of": "2027-01-01T00:00:00Z"})
        assert client.get("/_sandbox/clock").json()["now"] == "2027-01-01T00:00:00.000Z"
        client.post("/_sandbox/reset")
        assert client.get("/_sandbox/clock").json()["now"] == "2027-01-01T00:00:00.000Z"


@pytest.mark.parametrize("as_of", ["yesterday", "2026-02-30T00:00:00Z", "2026-02-01", "0900-01-01T00:00:00Z"])
def test_a_reset_to_no_time_is_refused(client: Client, as_of: str) -> None:
    assert set(faults(client.post("/_sandbox/reset", {"as_of": as_of}))) == {"/as_of"}


def test_banks_of_a_live_server_as_of_now_start_now_whenever_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    wall = parse_instant("2027-01-15T08:00:00Z")
    for module in (shelf, house, business_clock):
        monkeypatch.setattr(module, "wall_time", lambda: wall)
    with serving(as_of="now", clock="live", transport_clock="wall") as client:
        assert client.get("/_sandbox/clock").json()["now"] == "2027-01-15T08:00:00.000Z"
        wall = Instant(wall + 3 * HOUR)
        client.post("/_sandbox/sandboxes", {"id": "t1"})
        assert client.get("/s/t1/_sandbox/clock").json()["now"] == "2027-01-15T11:00:00.000Z"
        client.post("/_sandbox/reset")
        assert client.get("/_sandbox/clock").json()["now"] == "2027-01-15T11:00:00.000Z"
        client.post("/_sandbox/reset", {"as_of": "2026-03-01T00:00:00Z"})
        assert client.get("/_sandbox/clock").json()["now"] == "2026-03-01T00:00:00.000Z"


def test_time_does_not_go_back_with_the_clock_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    wall = parse_instant("2027-01-15T08:00:00Z")
    monkeypatch.setattr(business_clock, "wall_time", lambda: wall)
    with serving(clock="live", transport_clock="wall") as client:
        seen = []
        for step in (0, HOUR, -HOUR // 2, -3 * HOUR, HOUR):
            wall = Instant(wall + step)
            seen.append(parse_instant(client.get("/_sandbox/clock").json()["now"]))
    start = parse_instant(START)
    assert seen == [start, start + HOUR, start + HOUR, start + HOUR, start + 2 * HOUR]
