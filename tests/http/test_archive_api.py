"""With durability `write` an answer waits for the disk; when that fails, the answer says so and nothing is lost."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from archives import Gate, archive_of
from bankside import ARJUN_CURRENT, FATIMA_CURRENT
from checks import assert_problem
from msgspec import structs
from processes import TIMEOUT_SECONDS
from support import VIRTUAL, Client, User, transfer_body

BODY = transfer_body(FATIMA_CURRENT, ARJUN_CURRENT, "1.000")


@contextmanager
def serving(folder: Path, **changes: Any) -> Iterator[Client]:
    """A server that keeps its sandboxes in `folder`."""
    client = Client(structs.replace(VIRTUAL, data_dir=str(folder), **changes))
    archive = archive_of(client.app.house)

    async def start() -> None:
        archive.start()

    client.run(start())
    try:
        yield client
    finally:
        client.run(archive.stop())
        client.close()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Client]:
    """A server with durability `write`."""
    with serving(tmp_path, durability="write") as client:
        yield client


@pytest.fixture
def user(kept: Client) -> User:
    """Fatima, signed in there."""
    return kept.login()


def test_info_tells_how_sandboxes_are_kept(client: Client, kept: Client, user: User) -> None:
    assert client.get("/_sandbox/info").json()["archive"] is None
    expected = {"durability": "write", "pending": 0, "failure": None}
    assert kept.get("/_sandbox/info").json()["archive"] == expected


def test_in_batches_no_answer_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path) as client:
        gate = Gate(archive_of(client.app.house), monkeypatch)
        assert client.login().transfer(FATIMA_CURRENT, ARJUN_CURRENT, "1.000").status_code == 201
        assert client.get("/_sandbox/info").json()["archive"] == {"durability": "batch", "pending": 1, "failure": None}
        gate.open.set()


def test_nobody_is_told_what_a_crash_could_undo(kept: Client, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.post("/_sandbox/sandboxes", {"id": "other"})
    gate = Gate(archive_of(kept.app.house), monkeypatch)
    headers = user.headers | {"idempotency-key": "the key"}

    async def story() -> list[int]:
        waiting = [asyncio.create_task(kept.http.post("/v1/transfers", json=BODY, headers=headers))]
        await gate.reached.wait()
        # What others see of it is told no earlier; nor is what steers, which sees everything.
        seen = ("/v1/transfers", "/_sandbox/digest", "/_sandbox/sandboxes", "/s/other/_sandbox/clock")
        waiting += [asyncio.create_task(kept.http.get(path, headers=user.headers)) for path in seen]
        for path in ("/_sandbox/livez", "/_sandbox/health", "/s/other/.well-known/jwks.json"):
            assert (await kept.http.get(path)).status_code == 200
        assert not [task for task in waiting if task.done()]
        gate.open.set()
        return [answer.status_code for answer in await asyncio.gather(*waiting)]

    assert kept.run(story()) == [201, 200, 200, 200, 200]


def test_a_sandbox_is_on_disk_when_its_maker_is_told(kept: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(archive_of(kept.app.house), monkeypatch)

    async def story() -> int:
        making = asyncio.create_task(kept.http.post("/_sandbox/sandboxes", json={"id": "made"}))
        await gate.reached.wait()
        assert not making.done()
        gate.open.set()
        return (await making).status_code

    assert kept.run(story()) == 201


def test_a_server_that_stops_answers_who_waits_for_a_stuck_disk(
    kept: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(archive_of(kept.app.house), monkeypatch)
    headers = user.headers | {"idempotency-key": "the key"}

    async def story() -> Any:
        asked = asyncio.create_task(kept.http.post("/v1/transfers", json=BODY, headers=headers))
        await gate.reached.wait()
        kept.app.stops()
        asked.cancel()
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await asked
        finally:
            gate.open.set()

    assert_problem(kept.run(story()), 503, "server_stopping")


def test_a_failing_disk_is_a_503_and_the_order_can_be_asked_for_again(
    kept: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.sandboxes.archive._RETRY_S", 0.001)
    gate = Gate(archive_of(kept.app.house), monkeypatch)
    gate.open.set()
    gate.error = OSError("the disk is gone")
    failed = user.order("/v1/transfers", BODY, key="the key")
    body = assert_problem(failed, 503, "archive_failed")
    assert "the disk is gone" in body["detail"]
    assert failed.headers["retry-after"] == "1"
    assert failed.headers["content-length"] == str(len(failed.content))
    assert not {"etag", "location", "idempotent-replayed"} & set(failed.headers)
    headless = user.request("HEAD", "/v1/accounts")
    assert (headless.status_code, headless.content) == (503, b"")
    assert_problem(kept.get("/_sandbox/info"), 503, "archive_failed")
    assert kept.get("/_sandbox/livez").status_code == 200
    gate.error = None
    done = user.order("/v1/transfers", BODY, key="the key")
    assert (done.status_code, done.headers["idempotent-replayed"]) == (201, "true")
    assert len(user.get("/v1/transfers").json()["items"]) == 1


def test_a_session_and_its_keys_go_on_after_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    for clock in ("wall", "virtual"):
        with serving(folder / clock, transport_clock=clock) as client:
            user = client.login()
            paid = user.order("/v1/transfers", BODY, key="the key")
            asked = [client.get("/_sandbox/clock").headers["x-request-id"] for _ in range(3)]
        with serving(folder / clock, transport_clock=clock) as client:
            again = User(client, user.tokens).order("/v1/transfers", BODY, key="the key")
            assert (again.content, again.headers["idempotent-replayed"]) == (paid.content, "true")
            assert client.get("/_sandbox/clock").headers["x-request-id"] not in asked
            fresh = client.post("/v1/auth/refresh", {"refresh_token": user.tokens["refresh_token"]})
            assert fresh.status_code == 200
            client.assert_sound()
