"""`--read-only` and `--delay`: what a run as a whole is told."""

import asyncio
from typing import Any

import pytest
from bankside import ARJUN_CURRENT, FATIMA_CURRENT
from checks import assert_problem, faults, serving, unchanged
from support import transfer_body


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/transfers", transfer_body(FATIMA_CURRENT, ARJUN_CURRENT, "1.000")),
        ("POST", "/v1/transfers?dry_run=false", transfer_body(FATIMA_CURRENT, ARJUN_CURRENT, "1.000")),
        ("PATCH", f"/v1/accounts/{FATIMA_CURRENT}?dry_run=true", {"nickname": "x"}),
        ("POST", "/_data/notifications?dry_run=true", {"title": "x"}),
        ("PATCH", f"/v1/accounts/{FATIMA_CURRENT}", {"nickname": "x"}),
        ("POST", "/_data/customers", {"full_name": "x"}),
        ("DELETE", "/_data/notifications/x", None),
    ],
)
def test_a_read_only_bank_changes_nothing(method: str, path: str, body: Any) -> None:
    with serving(read_only=True) as client:
        fatima = client.login()
        with unchanged(client):
            answer = fatima.request(method, path, json=body, headers={"idempotency-key": "k"})
            detail = assert_problem(answer, 403, "read_only")["detail"]
            assert detail.endswith("--read-only: it answers GET, HEAD, dry runs (?dry_run=true) and /v1/auth.")


def test_a_read_only_bank_says_what_would_happen() -> None:
    body = transfer_body(FATIMA_CURRENT, ARJUN_CURRENT, "1.000")
    with serving(read_only=True) as client:
        fatima = client.login()
        with unchanged(client):
            rehearsed = fatima.request("POST", "/v1/transfers?dry_run=true", json=body)
            assert (rehearsed.status_code, rehearsed.json()["dry_run"]) == (200, True)
            twice = fatima.request("POST", "/v1/transfers?dry_run=true&dry_run=false", json=body)
            assert faults(twice) == {"?dry_run": "repeated_parameter"}


def test_a_read_only_bank_is_read_signed_in_to_and_steered() -> None:
    with serving(read_only=True) as client:
        fatima = client.login()
        assert fatima.accounts()
        assert fatima.request("HEAD", "/v1/accounts").status_code == 200
        assert client.get("/_data/customers").status_code == 200
        assert client.post("/_sandbox/clock/advance", {"by": "PT1H"}).status_code == 200
        assert client.post("/_sandbox/reset").status_code == 200
        assert client.post("/_sandbox/sandboxes", {"id": "t1"}).status_code == 201


@pytest.mark.parametrize(("delay", "seconds"), [("250ms", 0.25), ("2s", 2.0), ("PT0.5S", 0.5), ("300", 0.3)])
def test_answers_of_the_bank_wait_and_those_of_the_control_plane_do_not(
    monkeypatch: pytest.MonkeyPatch, delay: str, seconds: float
) -> None:
    waits: list[float] = []

    async def sleep(length: float) -> None:
        waits.append(length)

    monkeypatch.setattr("sandbox.http.edge.sleep", sleep)
    with serving(delay=delay) as client:
        fatima = client.login()
        assert waits == [seconds]
        fatima.accounts()
        client.get("/_data/customers")
        assert waits == [seconds] * 3
        client.get("/_sandbox/info")
        client.get("/_sandbox/health")
        assert waits == [seconds] * 3


def test_a_delay_really_takes_its_time() -> None:
    with serving(delay="30ms") as client:

        async def timed() -> float:
            loop = asyncio.get_running_loop()
            started = loop.time()
            await client.http.get("/v1/accounts")
            return loop.time() - started

        assert client.run(timed()) >= 0.029


@pytest.mark.parametrize("delay", [None, "0", "0ms"])
def test_without_a_delay_nothing_waits(monkeypatch: pytest.MonkeyPatch, delay: str | None) -> None:
    async def sleep(length: float) -> None:
        raise AssertionError(length)

    monkeypatch.setattr("sandbox.http.edge.sleep", sleep)
    with serving(delay=delay) as client:
        assert client.login().accounts()
