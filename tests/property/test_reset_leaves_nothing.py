"""Property: a reset leaves nothing behind. Whatever life went before, the next one is as in a sandbox just made."""

import asyncio
from typing import Any

import httpx
import psutil
import pytest
from bankside import ARJUN_CURRENT, FATIMA_CURRENT
from checks import assert_problem, serving
from connections import alive, open_connections
from lives import Life, compare
from support import Client, new_root

from sandbox.core.clock import HOUR
from sandbox.core.settings import ClockMode
from sandbox.sandboxes.image import Image
from sandbox.sandboxes.memory import Memory
from sandbox.sandboxes.root import StateRoot
from sandbox.sandboxes.sandbox import Sandbox
from sandbox.store.work import Work

BEFORE = range(100, 116)
"""Lives that are lived before a reset."""
NEXT = 7
"""The life that is lived after it."""
AT = "/s/x"
START = {"now": "2026-01-15T09:00:00.000Z", "mode": "frozen", "rate": 1.0}
RESETS = 200
MEBIBYTE = 2**20
BOUND = 16 * MEBIBYTE
"""What the second hundred resets may add to resident memory: the allocator's own play. A bank has half a mebibyte."""


def make(client: Client) -> str:
    """The sandbox of all lives, made anew; its digest."""
    answer = client.post("/_sandbox/sandboxes", {"id": "x", "seed": 11})
    assert answer.status_code == 201, answer.text
    digest: str = answer.json()["digest"]
    return digest


def sandbox_of(client: Client) -> Sandbox:
    """That sandbox, below the doors."""
    return client.app.house.get("x")


def live(client: Client, seed: int, *, steps: int = 30) -> Life:
    """A whole life in it."""
    return Life(client.request, AT, seed, steps=steps).whole()


def reset(client: Client) -> str:
    """Put it back; the digest that the answer tells."""
    answer = client.post(f"{AT}/_sandbox/reset")
    assert answer.status_code == 200, answer.text
    digest: str = answer.json()["digest"]
    return digest


def told(client: Client, path: str) -> Any:
    """What the control plane says of it."""
    return client.get(f"{AT}/_sandbox/{path}").json()


def forget_snapshots(client: Client) -> None:
    """Drop the one thing that a reset leaves."""
    for snapshot in told(client, "snapshots")["items"]:
        assert client.request("DELETE", f"{AT}/_sandbox/snapshots/{snapshot['name']}").status_code == 204


def everything(work: Work) -> list[str]:
    """The whole database as SQL, also what no export writes."""
    raw: Any = work.db.connection.dbapi_connection
    return list(raw.iterdump())


@pytest.fixture(scope="module")
def fresh() -> list[str]:
    """A bank that nothing was ever done to."""
    return new_root().read(everything)


@pytest.mark.parametrize("before", BEFORE)
def test_the_next_life_is_that_of_a_sandbox_just_made(client: Client, before: int, fresh: list[str]) -> None:
    clean = make(client)
    told(client, "digest")  # the first number of the control plane: after a reset, that is the reset's own
    expected = live(client, NEXT)
    assert client.request("DELETE", "/_sandbox/sandboxes/x").status_code == 204
    assert make(client) == clean
    assert live(client, before).digest != clean

    kept = told(client, "snapshots")["items"]
    assert reset(client) == clean == told(client, "digest")["digest"]
    root = sandbox_of(client).root
    assert told(client, "messages") == {"items": []}
    assert told(client, "clock") == START
    assert root.read(everything) == fresh
    assert (root.write_number, root.awake, root.tokens) == (0, False, {})
    assert told(client, "snapshots")["items"] == kept, "snapshots are the one thing that stays"

    forget_snapshots(client)
    reset(client)
    again = live(client, NEXT)
    compare(again.heard, expected.heard)


@pytest.mark.parametrize("before", BEFORE[:6])
def test_a_snapshot_of_before_a_reset_is_as_good_after_it(client: Client, before: int) -> None:
    make(client)
    live(client, before)
    client.post(f"{AT}/_sandbox/snapshots", {"name": "kept"})
    then = client.digest(AT)
    reset(client)
    live(client, NEXT)
    restored = client.post(f"{AT}/_sandbox/snapshots/kept/restore")
    assert restored.json()["digest"] == then == client.digest(AT)
    client.assert_sound(AT)


@pytest.mark.parametrize("clock", ["wall", "virtual"])
@pytest.mark.parametrize("before", BEFORE[:6])
def test_every_token_of_before_is_refused(before: int, clock: str) -> None:
    with serving(transport_clock=clock) as client:
        make(client)
        tokens = live(client, before).tokens
        assert tokens
        reset(client)
        refused(client, tokens)
        if clock == "wall":
            # With the virtual clock equal lives have equal tokens: there, those of before may be somebody's of now.
            forget_snapshots(client)  # a life that goes back to one has the tokens of that moment again
            live(client, before)
            refused(client, tokens)


def refused(client: Client, tokens: list[dict[str, str]]) -> None:
    """None of these tokens opens anything."""
    for token in tokens:
        headers = {"authorization": f"Bearer {token['access']}"}
        for path in (f"{AT}/v1/accounts", "/v1/accounts"):
            answer = client.get(path, headers=headers)
            assert (answer.status_code, answer.json().get("code")) in {(401, "token_invalid"), (401, "token_expired")}
        answer = client.post(f"{AT}/v1/auth/refresh", {"refresh_token": token["refresh"]})
        assert_problem(answer, 401, "refresh_token_invalid")


@pytest.mark.parametrize("mode", ["frozen", "live"])
def test_the_clock_goes_as_the_settings_say_again(mode: ClockMode) -> None:
    other = "live" if mode == "frozen" else "frozen"
    with serving(clock=mode) as client:
        make(client)
        moved = client.request(
            "PUT", f"{AT}/_sandbox/clock", json={"mode": other, "rate": 60.0, "now": "2026-03-01T00:00:00Z"}
        )
        assert moved.json()["mode"] == other
        reset(client)
        clock, root = told(client, "clock"), sandbox_of(client).root
        assert (clock["mode"], clock["rate"]) == (mode, 1.0)
        assert 0 <= root.now - root.image.facts.clock_base < HOUR


def test_whoever_waits_is_told_and_nobody_waits_any_more(client: Client) -> None:
    make(client)
    old = sandbox_of(client).root

    async def race() -> list[httpx.Response]:
        wait = {"timeout_ms": 30_000}
        waits = [asyncio.ensure_future(client.http.post(f"{AT}/_sandbox/messages/wait", json=wait)) for _ in range(5)]
        for _ in range(1_000):  # turns of the loop, until all of them wait
            await asyncio.sleep(0)
        assert len(old._waiters._waiting) == len(waits)
        assert (await client.http.post(f"{AT}/_sandbox/reset")).status_code == 200
        return await asyncio.gather(*waits)

    for answer in client.run(race()):
        assert_problem(answer, 409, "sandbox_was_reset")
    assert sandbox_of(client).root._waiters._waiting == old._waiters._waiting == []
    assert told(client, "messages") == {"items": []}


def test_an_answer_under_a_key_is_given_again_until_a_reset(client: Client) -> None:
    make(client)
    body = {
        "from_account_id": FATIMA_CURRENT,
        "to": {"account_id": ARJUN_CURRENT},
        "amount": {"amount": "1.000", "currency": "KWD"},
    }
    answers = []
    for _ in range(2):
        fatima = client.login("fatima", at=AT)
        answers += [fatima.order("/v1/transfers", body, key="the one key") for _ in range(2)]
        reset(client)
    replayed = ["idempotent-replayed" in answer.headers for answer in answers]
    assert replayed == [False, True, False, True]
    assert len({answer.content for answer in answers}) == 1


def test_two_hundred_resets_leave_no_connection_no_root_and_no_memory() -> None:
    memory = psutil.Process().memory_info
    with serving(warm_copies=0) as client:
        make(client)

        def generation() -> tuple[int, ...]:
            for number in range(RESETS // 2):
                live(client, 1_000 + number, steps=5)
                forget_snapshots(client)
                reset(client)
            # The house and the edge may hold the last root; nothing holds those before.
            return open_connections(), *(len(alive(kind)) for kind in (StateRoot, Memory, Image))

        # The first hundred fills pools, caches and the allocator's arenas; the second finds them there.
        first, resident = generation(), memory().rss
        assert generation() == first
        assert memory().rss - resident < BOUND
        assert sandbox_of(client).root.generation > RESETS
