"""Property: sandboxes never meet. A hundred lives at once on a real server hear what each of them hears alone.

Each life goes on in a fork of its own, all are under way at the same time, and few banks may be awake: they fall asleep
and wake up between almost any two requests. Alone means in this process, in a bank that nobody else is in.
"""

import collections
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import msgspec
import pytest
from bankside import ARJUN_CURRENT, FATIMA_CURRENT
from checks import assert_problem
from lives import Heard, Life, compare
from msgspec import structs
from served import HEADERS, Served, serve, sign_in
from support import PASSWORDS, VIRTUAL, Client, transfer_body

LIVES = 100
WORKERS = 16
AWAKE = 8
QUIET = 4
"""Sandboxes in which nothing happens while somebody waits for a message."""

LIMITS = {"max_awake": AWAKE, "max_sandboxes": LIVES + 2 * QUIET + 7}


def fork_of(number: int) -> dict[str, Any]:
    """How the sandbox of a life is made; every third is prepared with scenarios, in a thread."""
    scenarios = ["low-balance", "second-factor"] if number % 3 == 0 else []
    return {"id": f"life-{number}", "seed": number, "scenarios": scenarios}


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    limits = [word for name, value in LIMITS.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    with serve("--transport-clock", "virtual", *limits) as served:
        yield served


class Crowd(msgspec.Struct):
    """What a hundred lives at once have left."""

    lives: list[Life]
    intrusions: list[httpx.Response]
    """Answers to lives that showed their token in another's sandbox, while all were under way."""
    waited: list[httpx.Response]
    """What those were told who waited in a quiet sandbox."""
    early: int
    """How many of them were told something while the noise was elsewhere."""
    clean: tuple[str, str]
    """The digest of `default` before and after."""
    most_awake: int


def lived(server: Served, numbers: list[int], crowd: list[Life], intrusions: list[httpx.Response]) -> None:
    """Some of the lives in one thread, in turns: one step of each."""
    with server.connect() as http:
        under_way = {}
        for number in numbers:
            made = http.post("/_sandbox/sandboxes", json=fork_of(number))
            assert made.status_code == 201, made.text
            life = crowd[number] = Life(http.request, f"/s/life-{number}", number)
            under_way[number] = life.live()
        while under_way:
            for number, steps in [*under_way.items()]:
                if next(steps, steps) is steps:
                    del under_way[number]
                other = crowd[(number + 1) % LIVES]
                if crowd[number].token is not None and other is not None:
                    # With an id of its own, a refused request leaves no trace at all.
                    headers = {"authorization": f"Bearer {crowd[number].token}", "x-request-id": "an intruder"}
                    intrusions.append(http.get(f"{other.at}/v1/accounts", headers=headers))


def waiting(server: Served, name: str) -> httpx.Response:
    """Wait for any message of a sandbox, however long all lives take."""
    with server.connect() as http:
        while True:
            told = http.post(f"/s/{name}/_sandbox/messages/wait", json={"timeout_ms": 45_000})
            if told.status_code != 408 or told.json()["arrived"]:
                return told


def locked_out(http: httpx.Client, name: str) -> None:
    """Have a sandbox send its first message."""
    made = http.post(f"/s/{name}/_sandbox/scenarios/locked-user")
    assert made.status_code == 200, made.text


@pytest.fixture(scope="module")
def crowd(server: Served) -> Crowd:
    lives: list[Any] = [None] * LIVES
    intrusions: list[httpx.Response] = []
    quiet = [f"quiet-{number}" for number in range(QUIET)]
    with server.connect() as http, ThreadPoolExecutor(WORKERS) as pool, ThreadPoolExecutor(QUIET) as waiters:
        for number, name in enumerate(quiet):
            assert http.post("/_sandbox/sandboxes", json={"id": name, "seed": 1_000 + number}).status_code == 201
        before = http.get("/_sandbox/digest").json()["digest"]
        waits: list[Future[httpx.Response]] = [waiters.submit(waiting, server, name) for name in quiet]
        parts = [list(range(worker, LIVES, WORKERS)) for worker in range(WORKERS)]
        most_awake = 0
        under_way = [pool.submit(lived, server, part, lives, intrusions) for part in parts]
        while not all(one.done() for one in under_way):
            listed = http.get("/_sandbox/sandboxes").json()["items"]
            most_awake = max(most_awake, sum(one["awake"] for one in listed))
        for one in under_way:
            one.result()
        early = sum(wait.done() for wait in waits)
        for name in quiet:
            locked_out(http, name)
        waited = [wait.result(timeout=30) for wait in waits]
        after = http.get("/_sandbox/digest").json()["digest"]
    return Crowd(lives, intrusions, waited, early, (before, after), most_awake)


def alone(number: int) -> Life:
    """The same life with nobody else around."""
    client = Client(structs.replace(VIRTUAL, **LIMITS))
    client.http.headers.update(HEADERS)
    try:
        assert client.post("/_sandbox/sandboxes", fork_of(number)).status_code == 201
        return Life(client.request, f"/s/life-{number}", number).whole()
    finally:
        client.close()


@pytest.mark.parametrize("part", range(10))
def test_a_life_among_a_hundred_is_the_life_alone(crowd: Crowd, part: int) -> None:
    for life in crowd.lives[part::10]:
        expected = alone(life.seed)
        compare(life.heard, expected.heard)
        assert life.digest == expected.digest


def test_the_lives_are_worth_their_name(crowd: Crowd) -> None:
    """They do all there is to do, and no two are the same."""
    heard = [heard for life in crowd.lives for heard in life.heard]
    assert len(heard) > 40 * LIVES
    statuses = {one.status for one in heard}
    assert statuses >= {200, 201, 202, 204, 400, 401, 403, 404, 405, 408, 410, 422, 423}
    assert not {status for status in statuses if status >= 500}
    assert sum("idempotent-replayed" in one.headers for one in heard) >= 10
    done = collections.Counter(step for one in heard if one.status < 300 for step in steps_of(one))
    for step in ("reset", "restore", "snapshots", "scenarios", "advance", "verify", "_data", "wait", "refresh"):
        assert done[step] >= 10, done
    assert len({life.digest for life in crowd.lives}) > LIVES * 9 // 10
    for life in crowd.lives:
        (report,) = (one for one in life.heard if one.asked.startswith("GET /_sandbox/invariants"))
        assert msgspec.json.decode(report.body)["ok"]


def steps_of(heard: Heard) -> list[str]:
    """The parts of a path."""
    return heard.asked.split()[1].split("?")[0].split("/")


def test_no_more_were_awake_than_may_be(crowd: Crowd) -> None:
    assert crowd.most_awake == AWAKE


def test_the_sandbox_that_nobody_used_is_as_it_was(crowd: Crowd) -> None:
    before, after = crowd.clean
    assert before == after


def test_a_token_is_good_in_its_own_sandbox_alone_while_all_are_under_way(crowd: Crowd) -> None:
    assert len(crowd.intrusions) > 10 * LIVES
    for answer in crowd.intrusions:
        assert_problem(answer, 401, "token_of_other_sandbox")


def test_a_token_is_refused_in_every_other_sandbox(crowd: Crowd, server: Served) -> None:
    with server.connect() as http:
        headers = sign_in(http, at=crowd_home(http))
        assert http.get("/v1/accounts", headers=headers).status_code == 200, "it says itself where it belongs"
        for life in crowd.lives:
            assert_problem(http.get(f"{life.at}/v1/accounts", headers=headers), 401, "token_of_other_sandbox")


def crowd_home(http: httpx.Client) -> str:
    """A sandbox beside those of the lives."""
    assert http.post("/_sandbox/sandboxes", json={"id": "home"}).status_code in {201, 409}
    return "/s/home"


def test_a_refresh_token_is_refused_in_every_other_sandbox(crowd: Crowd, server: Served) -> None:
    """Also with its sandbox's name exchanged: the secret is of one bank."""
    with server.connect() as http:
        opened = http.post("/v1/auth/login", json={"username": "arjun", "password": PASSWORDS["arjun"]}).json()
        _, _, rest = opened["refresh_token"].partition(".")
        for life in crowd.lives:
            body = {"refresh_token": opened["refresh_token"]}
            assert_problem(http.post(f"{life.at}/v1/auth/refresh", json=body), 401, "token_of_other_sandbox")
            renamed = {"refresh_token": f"{life.at.removeprefix('/s/')}.{rest}"}
            assert_problem(http.post(f"{life.at}/v1/auth/refresh", json=renamed), 401, "refresh_token_invalid")
        assert http.post("/v1/auth/refresh", json={"refresh_token": opened["refresh_token"]}).status_code == 200


def test_whoever_waits_in_a_quiet_sandbox_hears_nothing_of_the_others(crowd: Crowd) -> None:
    assert crowd.early == 0
    messages = {msgspec.json.decode(answer.content)["message"]["message_id"] for answer in crowd.waited}
    assert [answer.status_code for answer in crowd.waited] == [200] * QUIET
    assert len(messages) == QUIET, "each has a message of its own bank"


def test_nobody_who_waits_is_woken_by_another_sandbox_and_everybody_by_their_own(server: Served) -> None:
    """All wait at once, one message comes at a time: it ends the wait of its own sandbox and no other."""
    names = [f"noisy-{number}" for number in range(QUIET)]
    with server.connect() as http, ThreadPoolExecutor(QUIET) as pool:
        for number, name in enumerate(names):
            assert http.post("/_sandbox/sandboxes", json={"id": name, "seed": number}).status_code == 201
        waits = {name: pool.submit(waiting, server, name) for name in names}
        while names:
            name = names.pop()
            locked_out(http, name)
            told = waits.pop(name).result(timeout=30).json()
            kept = http.get(f"/s/{name}/_sandbox/messages").json()["items"]
            assert [told["message"]] == kept
            assert not any(wait.done() for wait in waits.values())


def test_a_token_of_a_twin_is_refused(server: Served) -> None:
    """Same seed, same sign-in, same session: the tokens differ in the name of the sandbox alone."""
    opened = {}
    with server.connect() as http:
        for name in ("same-a", "same-b"):
            assert http.post("/_sandbox/sandboxes", json={"id": name, "seed": 5}).status_code == 201
            body = {"username": "fatima", "password": PASSWORDS["fatima"]}
            opened[name] = http.post(f"/s/{name}/v1/auth/login", json=body).json()
        assert opened["same-a"]["session_id"] == opened["same-b"]["session_id"]
        bearer = {"authorization": f"Bearer {opened['same-a']['access_token']}"}
        assert_problem(http.get("/s/same-b/v1/accounts", headers=bearer), 401, "token_of_other_sandbox")
        refresh = {"refresh_token": opened["same-a"]["refresh_token"]}
        assert_problem(http.post("/s/same-b/v1/auth/refresh", json=refresh), 401, "token_of_other_sandbox")
        assert http.post("/s/same-a/v1/auth/refresh", json=refresh).status_code == 200


def test_a_lock_a_key_and_a_record_in_one_sandbox_are_none_in_another(server: Served) -> None:
    """Two workers take turns request by request in twins: same names, same keys, same users."""
    twins = ("/s/twin-a", "/s/twin-b")
    turn, answers = threading.Barrier(2, timeout=30), dict[str, list[tuple[int, Any]]]()

    def live(at: str) -> None:
        told = answers[at] = []
        with server.connect() as http:
            made = http.post("/_sandbox/sandboxes", json={"id": at.removeprefix("/s/"), "seed": 5})
            told.append((made.status_code, made.json()["digest"]))
            bearer = sign_in(http, at=at)
            for number in range(12):
                turn.wait()
                wrong = http.post(f"{at}/v1/auth/login", json={"username": "arjun", "password": "wrong"})
                body = transfer_body(FATIMA_CURRENT, ARJUN_CURRENT, "1.000")
                paid = http.post(f"{at}/v1/transfers", json=body, headers=bearer | {"idempotency-key": f"{number % 5}"})
                told.append((wrong.status_code, wrong.json().get("attempts_left")))
                told.append((paid.status_code, (paid.json()["transfer_id"], "idempotent-replayed" in paid.headers)))
            told.append((200, http.get(f"{at}/_sandbox/digest").json()["digest"]))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(live, twins))
    one, other = (answers[at] for at in twins)
    assert one == other
    assert [left for status, left in one if status == 401] == [4, 3, 2, 1]
    assert sum(bool(isinstance(said, tuple) and said[1]) for _, said in one) == 7
