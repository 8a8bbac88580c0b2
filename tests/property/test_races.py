"""Races: whoever is first wins, nobody wins twice, sandboxes never meet, and nothing is left behind."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil
import pytest
from bankside import ARJUN_CURRENT, FATIMA_CURRENT, FATIMA_SAVINGS
from connections import open_connections
from msgspec import structs
from served import Served, serve, sign_in
from support import PASSWORDS, VIRTUAL, Client, User, transfer_body

from sandbox.api import auth
from sandbox.core.passwords import verify_password
from sandbox.core.settings import Settings

FORKS = 100
MEBIBYTE = 2**20
BOUND = 24 * MEBIBYTE
"""What a second identical round of forks may add to resident memory: the allocator's own play, not a bank each."""


def drained(user: User) -> None:
    """Leave exactly one dinar available on fatima's current account."""
    held = next(item for item in user.accounts() if item["account_id"] == FATIMA_CURRENT)
    whole = held["balances"]["available"]["amount"]
    rest = int(whole.replace(".", "")) - 1_000
    assert user.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, f"{rest // 1000}.{rest % 1000:03d}").status_code == 201


def available(user: User, account_id: str) -> str:
    """What an account can still spend."""
    found: str = user.get(f"/v1/accounts/{account_id}/balances").json()["balances"]["available"]["amount"]
    return found


def ordering(user: User, payee: str, key: str, *, amount: str = "1.000") -> Callable[[], Any]:
    """A transfer that is sent when it is called."""
    headers = user.headers | {"idempotency-key": key}
    body = transfer_body(FATIMA_CURRENT, payee, amount)
    return lambda: user.client.http.post(f"{user.at}/v1/transfers", json=body, headers=headers)


@pytest.mark.parametrize("first", [0, 1], ids=["savings first", "arjun first"])
def test_of_two_payers_who_race_for_the_last_dinar_exactly_one_wins(client: Client, first: int) -> None:
    one, other = client.login("fatima"), client.login("fatima")
    drained(one)
    asks = [ordering(one, FATIMA_SAVINGS, "one"), ordering(other, ARJUN_CURRENT, "other")]
    answers = client.together(*(asks if first == 0 else asks[::-1]))
    assert sorted(answer.status_code for answer in answers) == [201, 422]
    lost = next(answer for answer in answers if answer.status_code == 422)
    assert lost.json()["code"] == "insufficient_funds"
    assert available(one, FATIMA_CURRENT) == "0.000"
    client.assert_sound()


def test_of_many_who_race_for_the_last_dinar_exactly_one_wins(client: Client) -> None:
    users = [client.login("fatima") for _ in range(10)]
    drained(users[0])
    answers = client.together(*(ordering(user, ARJUN_CURRENT, f"key {i}") for i, user in enumerate(users)))
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 9
    client.assert_sound()


def test_the_same_key_sent_twenty_times_at_once_moves_money_once(client: Client, fatima: User) -> None:
    before = available(fatima, FATIMA_CURRENT)
    answers = client.together(*[ordering(fatima, ARJUN_CURRENT, "the one key")] * 20)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 19
    assert int(before.replace(".", "")) - int(available(fatima, FATIMA_CURRENT).replace(".", "")) == 1_000
    assert len(fatima.get("/v1/transfers").json()["items"]) == 1
    client.assert_sound()


def test_five_wrong_passwords_sent_at_once_lock(client: Client) -> None:
    body = {"username": "fatima", "password": "wrong"}
    answers = client.together(*[lambda: client.http.post("/v1/auth/login", json=body)] * 8)
    assert sorted(answer.status_code for answer in answers) == [401] * 4 + [423] * 4
    assert sorted(answer.json()["attempts_left"] for answer in answers if answer.status_code == 401) == [1, 2, 3, 4]
    right = client.post("/v1/auth/login", {"username": "fatima", "password": PASSWORDS["fatima"]})
    assert (right.status_code, right.json()["code"]) == (423, "user_locked")
    client.assert_sound()


def test_a_refresh_token_sent_many_times_at_once_is_exchanged_at_most_once(client: Client, fatima: User) -> None:
    body = {"refresh_token": fatima.tokens["refresh_token"]}
    answers = client.together(*[lambda: client.http.post("/v1/auth/refresh", json=body)] * 6)
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 5
    assert fatima.get("/v1/accounts").status_code == 401, "the session ended with the theft"


def in_threads(server: Served, works: list[Callable[[httpx.Client], httpx.Response]]) -> list[httpx.Response]:
    """Run each in a thread with a connection of its own; all send at the same moment."""
    barrier = threading.Barrier(len(works), timeout=30)

    def run(work: Callable[[httpx.Client], httpx.Response]) -> httpx.Response:
        with server.connect() as http:
            http.get("/_sandbox/livez")
            barrier.wait()
            return work(http)

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with serve() as served:
        yield served


def posting(path: str, body: Any, headers: dict[str, str]) -> Callable[[httpx.Client], httpx.Response]:
    """A POST for a thread to send."""
    return lambda http: http.post(path, json=body, headers=headers)


@pytest.mark.parametrize("round_number", range(5))
def test_over_real_sockets_exactly_one_of_two_payers_wins(server: Served, round_number: int) -> None:
    at = f"/s/race-{round_number}"
    with server.connect() as http:
        assert http.post("/_sandbox/sandboxes", json={"id": f"race-{round_number}"}).status_code == 201
        users = [sign_in(http, at=at) for _ in range(2)]
        drain = transfer_body(FATIMA_CURRENT, FATIMA_SAVINGS, "2524.590")
        assert http.post(f"{at}/v1/transfers", json=drain, headers=users[0] | {"idempotency-key": "drain"}).is_success
        works = [
            posting(
                f"{at}/v1/transfers", transfer_body(FATIMA_CURRENT, payee, "1.000"), user | {"idempotency-key": key}
            )
            for user, payee, key in zip(users, (FATIMA_SAVINGS, ARJUN_CURRENT), "ab", strict=True)
        ]
        answers = in_threads(server, works)
        assert sorted(answer.status_code for answer in answers) == [201, 422]
        balances = http.get(f"{at}/v1/accounts/{FATIMA_CURRENT}/balances", headers=users[0]).json()["balances"]
        assert balances["available"]["amount"] == "0.000"
        assert http.get(f"{at}/_sandbox/invariants").json()["ok"]


def test_over_real_sockets_the_same_key_moves_money_once_and_five_failures_lock(server: Served) -> None:
    with server.connect() as http:
        http.post("/_sandbox/sandboxes", json={"id": "once"})
        headers = sign_in(http, at="/s/once") | {"idempotency-key": "the one key"}
        order = posting("/s/once/v1/transfers", transfer_body(FATIMA_CURRENT, ARJUN_CURRENT, "1.000"), headers)
        answers = in_threads(server, [order] * 20)
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        wrong = posting("/s/once/v1/auth/login", {"username": "fatima", "password": "wrong"}, {})
        refused = in_threads(server, [wrong] * 6)
        assert sorted(answer.status_code for answer in refused) == [401] * 4 + [423] * 2
        report = http.get("/s/once/_sandbox/invariants").json()
        assert report["ok"], report
        assert len(http.get("/s/once/v1/transfers", headers=headers).json()["items"]) == 1


async def live(http: httpx.AsyncClient, number: int) -> tuple[str, str]:
    """One tester's life in a fork of their own: make it, sign in, pay; the token and the digest at the end."""
    name = f"fork-{number}"
    made = await http.post("/_sandbox/sandboxes", json={"id": name})
    assert made.status_code == 201, made.text
    body = {"username": "fatima", "password": PASSWORDS["fatima"]}
    opened = await http.post(f"/s/{name}/v1/auth/login", json=body)
    token = opened.json()["access_token"]
    headers = {"authorization": f"Bearer {token}", "idempotency-key": "pay"}
    amount = "1.000" if number % 2 else "2.000"
    paid = await http.post(
        f"/s/{name}/v1/transfers", json=transfer_body(FATIMA_CURRENT, ARJUN_CURRENT, amount), headers=headers
    )
    assert paid.status_code == 201, paid.text
    digest = await http.get(f"/s/{name}/_sandbox/digest")
    return token, digest.json()["digest"]


def hundred(client: Client) -> list[tuple[str, str]]:
    """A hundred testers at once."""
    return client.together(*(lambda number=number: live(client.http, number) for number in range(FORKS)))


def leave(client: Client) -> None:
    """Every fork is deleted."""
    gone = client.together(
        *(lambda number=number: client.http.delete(f"/_sandbox/sandboxes/fork-{number}") for number in range(FORKS))
    )
    assert {answer.status_code for answer in gone} == {204}


def test_a_hundred_forks_at_once_never_meet(client: Client) -> None:
    clean = client.digest()
    lives = hundred(client)
    assert client.digest() == clean
    even, odd = {digest for _, digest in lives[::2]}, {digest for _, digest in lives[1::2]}
    assert (len(even), len(odd), len({clean, *even, *odd})) == (1, 1, 3), "equal lives, equal digests"
    for number, (token, _) in enumerate(lives):
        headers = {"authorization": f"Bearer {token}"}
        own = client.get(f"/s/fork-{number}/v1/accounts/{FATIMA_CURRENT}/balances", headers=headers).json()
        assert own["balances"]["booked"]["amount"] == ("2546.440" if number % 2 else "2545.440")
        foreign = client.get(f"/s/fork-{(number + 1) % FORKS}/v1/accounts", headers=headers)
        assert (foreign.status_code, foreign.json()["code"]) == (401, "token_of_other_sandbox")
        at_home = client.get("/v1/accounts", headers=headers)
        assert at_home.status_code == 200, "without a prefix, the token says where it belongs"
    for number in (0, 1, FORKS - 1):
        client.assert_sound(f"/s/fork-{number}")
    leave(client)
    assert client.get("/s/fork-0/v1/accounts").json()["code"] == "sandbox_unknown"


@pytest.fixture
def cold() -> Iterator[Client]:
    """A server that keeps no copies ready, so that its connections can be counted."""
    made = Client(structs.replace(VIRTUAL, warm_copies=0))
    yield made
    made.close()


def test_deleted_forks_leave_no_connection_and_no_memory(cold: Client) -> None:
    memory = psutil.Process().memory_info
    # The first round fills pools, caches and the allocator's arenas; the second finds them there.
    hundred(cold)
    leave(cold)
    connections, resident = open_connections(), memory().rss
    hundred(cold)
    assert open_connections() == connections + Settings().max_awake, "the others sleep"
    leave(cold)
    assert open_connections() <= connections
    assert memory().rss - resident < BOUND
    assert len(cold.get("/_sandbox/sandboxes").json()["items"]) == 1


def test_forks_of_a_sandbox_that_was_written_to_leave_no_connection(cold: Client) -> None:
    cold.login("fatima").transfer(FATIMA_CURRENT, ARJUN_CURRENT, "1.000")

    def generation() -> None:
        for number in range(10):
            made = cold.post("/_sandbox/sandboxes", {"id": f"copy-{number}", "from": "sandbox:default"})
            assert made.status_code == 201
            reader = cold.login("arjun", at=f"/s/copy-{number}")
            assert reader.accounts()
        assert cold.digest("/s/copy-0") == cold.digest("/s/copy-9")
        for number in range(10):
            assert cold.request("DELETE", f"/_sandbox/sandboxes/copy-{number}").status_code == 204

    generation()
    connections = open_connections()
    generation()
    assert open_connections() <= connections


def test_resets_leave_no_connection(cold: Client) -> None:
    def generation() -> None:
        for _ in range(20):
            cold.login("fatima")
            assert cold.post("/_sandbox/reset").status_code == 200

    generation()
    connections = open_connections()
    generation()
    assert open_connections() <= connections


def test_a_request_in_flight_during_a_reset_finishes_on_the_old_state(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = client.digest()
    compared, go_on = threading.Event(), threading.Event()

    def slow(password: str, stored: str) -> bool:
        compared.set()
        assert go_on.wait(30)
        return verify_password(password, stored)

    async def race() -> tuple[httpx.Response, httpx.Response]:
        body = {"username": "fatima", "password": PASSWORDS["fatima"]}
        signing_in = asyncio.ensure_future(client.http.post("/v1/auth/login", json=body))
        await asyncio.to_thread(compared.wait, 30)
        reset = await client.http.post("/_sandbox/reset")
        go_on.set()
        return await signing_in, reset

    client.login("arjun")
    old = client.app.house.get("default").root
    monkeypatch.setattr(auth, "verify_password", slow)
    opened, reset = client.run(race())
    monkeypatch.undo()
    assert (opened.status_code, reset.status_code) == (200, 200)
    assert reset.json()["digest"] == client.digest() == clean, "nothing of it reached the new state"
    late = client.get("/v1/accounts", headers={"authorization": f"Bearer {opened.json()['access_token']}"})
    assert (late.status_code, late.json()["code"]) == (401, "token_invalid")
    assert client.app.house.get("default").root is not old
    assert not old.awake, "the last request to leave a retired root closes it"
    client.assert_sound()


def test_a_request_in_flight_while_its_sandbox_is_deleted_finishes(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post("/_sandbox/sandboxes", {"id": "short"})
    compared, go_on = threading.Event(), threading.Event()

    def slow(password: str, stored: str) -> bool:
        compared.set()
        assert go_on.wait(30)
        return verify_password(password, stored)

    async def race() -> httpx.Response:
        body = {"username": "fatima", "password": PASSWORDS["fatima"]}
        signing_in = asyncio.ensure_future(client.http.post("/s/short/v1/auth/login", json=body))
        await asyncio.to_thread(compared.wait, 30)
        assert (await client.http.delete("/_sandbox/sandboxes/short")).status_code == 204
        go_on.set()
        return await signing_in

    monkeypatch.setattr(auth, "verify_password", slow)
    opened = client.run(race())
    assert opened.status_code == 200
    token = json.loads(opened.content)["access_token"]
    late = client.get("/s/short/v1/accounts", headers={"authorization": f"Bearer {token}"})
    assert (late.status_code, late.json()["code"]) == (404, "sandbox_unknown")
