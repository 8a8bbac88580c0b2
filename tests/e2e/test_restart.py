"""Over a restart, and over `kill -9` under load: who was told of a transfer finds it again, exactly once."""

import json
import re
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec
import pytest
from bankside import FATIMA_CURRENT, FATIMA_SAVINGS
from processes import Server, sandbank, serving_process
from served import HEADERS, sign_in
from support import copy_of_tiny, edit, transfer_body

CLIENTS = 4
AMOUNT = "0.001"


class Paid(msgspec.Struct):
    """One order: its key, and the bytes of its answer once there was one."""

    key: str
    answer: bytes | None = None


class Load:
    """Several clients that transfer as fast as they can, until the server is gone or they are told to stop."""

    def __init__(self, url: str, token: dict[str, str], name: str) -> None:
        self.orders: list[list[Paid]] = [[] for _ in range(CLIENTS)]
        self.failures: list[str] = []
        self._url = url
        self._token = token
        self._name = name
        self._answered = threading.Semaphore(0)
        self._enough = threading.Event()
        self._threads = [threading.Thread(target=self._pay, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Have every client finish its order."""
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, count: int) -> None:
        """Wait for so many answers more."""
        for _ in range(count):
            assert self._answered.acquire(timeout=60), self.failures

    def all(self) -> list[Paid]:
        return [paid for orders in self.orders for paid in orders]

    def acknowledged(self) -> list[Paid]:
        return [paid for paid in self.all() if paid.answer is not None]

    def _pay(self, number: int) -> None:
        with httpx.Client(base_url=self._url, headers=HEADERS | self._token, timeout=60) as http:
            while not self._enough.is_set():
                paid = Paid(f"{self._name}-{number}-{len(self.orders[number])}")
                self.orders[number].append(paid)
                try:
                    answer = order(http, paid.key)
                except httpx.TransportError:
                    return
                if answer.status_code != 201:
                    self.failures.append(answer.text)
                    return
                paid.answer = answer.content
                self._answered.release()


def order(http: httpx.Client, key: str, **headers: str) -> httpx.Response:
    body = transfer_body(FATIMA_CURRENT, FATIMA_SAVINGS, AMOUNT)
    return http.post("/v1/transfers", json=body, headers={"idempotency-key": key} | headers)


@contextmanager
def serving(home: Path, *options: str) -> Iterator[tuple[Server, dict[str, Any], httpx.Client]]:
    """A server with its data in `home/data`, its ready line, and a client."""
    with serving_process("--json", "--port", "0", "--data-dir", "data", *options, home=home) as server:
        ready = json.loads(server.line())
        with httpx.Client(base_url=ready["url"], headers=HEADERS, timeout=60) as http:
            yield server, ready, http


def balance(http: httpx.Client, token: dict[str, str]) -> int:
    answer = http.get(f"/v1/accounts/{FATIMA_CURRENT}/balances", headers=token)
    return int(answer.json()["balances"]["booked"]["amount"].replace(".", ""))


def transfers(http: httpx.Client, token: dict[str, str]) -> list[str]:
    """The ids of all of fatima's transfers."""
    found: list[str] = []
    path = "/v1/transfers?limit=100"
    while path:
        page = http.get(path, headers=token)
        found += [item["transfer_id"] for item in page.json()["items"]]
        path = page.links.get("next", {}).get("url", "")
    return found


def assert_sound(http: httpx.Client) -> None:
    report = http.get("/_sandbox/invariants").json()
    assert report["ok"], [check for check in report["checks"] if not check["ok"]]


def until(http: httpx.Client, true: Callable[[dict[str, Any]], bool]) -> None:
    """Ask for the archive's state until something is true of it."""
    for _ in range(100_000):
        if true(http.get("/_sandbox/info").json()["archive"]):
            return
    raise AssertionError("it never became true")


def test_no_acknowledged_transfer_is_lost_to_kill_9(tmp_path: Path) -> None:
    with serving(tmp_path, "--durability", "write") as (server, _, http):
        token = sign_in(http)
        before = balance(http, token)
        with Load(http.base_url.__str__(), token, "first") as load:
            load.wait_for(60)
            server.stop(signal.SIGKILL)
    assert not load.failures
    assert len(load.acknowledged()) >= 60
    with serving(tmp_path, "--durability", "write") as (server, ready, http):
        assert ready["restored"]["sandboxes"] == 1
        assert_sound(http)
        kept = transfers(http, token)  # the token of before is good as well
        assert len(set(kept)) == len(kept)
        told = [json.loads(paid.answer or b"")["transfer_id"] for paid in load.acknowledged()]
        assert set(told) <= set(kept)
        assert len(kept) <= len(load.all())
        assert before - balance(http, token) == len(kept)
        for paid in load.all():
            again = order(http, paid.key, **token)
            assert again.status_code == 201
            if paid.answer is not None:
                assert again.headers["idempotent-replayed"] == "true"
                assert again.content == paid.answer
        assert len(transfers(http, token)) == len(load.all()), "every key has paid exactly once"
        assert before - balance(http, token) == len(load.all())
        assert_sound(http)


def test_in_batches_kill_9_leaves_a_sound_bank_with_all_that_was_written(tmp_path: Path) -> None:
    with serving(tmp_path) as (server, _, http):
        token = sign_in(http)
        before = balance(http, token)
        with Load(http.base_url.__str__(), token, "first") as first:
            first.wait_for(40)
        until(http, lambda archive: archive["pending"] == 0)
        with Load(http.base_url.__str__(), token, "second") as second:
            second.wait_for(40)
            server.stop(signal.SIGKILL)
    assert not first.failures + second.failures
    with serving(tmp_path) as (_, _, http):
        assert_sound(http)
        kept = transfers(http, token)
        assert before - balance(http, token) == len(kept) == len(set(kept))
        for paid in first.all():
            again = order(http, paid.key, **token)
            assert (again.headers.get("idempotent-replayed"), again.content) == ("true", paid.answer)
        # Of what came after, nothing is there without all that came before it.
        for orders in second.orders:
            replays = [order(http, paid.key, **token).headers.get("idempotent-replayed") for paid in orders]
            assert replays == sorted(replays, key=lambda replayed: replayed is None)
        assert_sound(http)


@pytest.mark.parametrize("durability", ["batch", "write"])
def test_a_server_that_is_stopped_goes_on_where_it_was(tmp_path: Path, durability: str) -> None:
    with serving(tmp_path, "--durability", durability) as (server, ready, http):
        assert ready["restored"] == {"sandboxes": 0, "snapshots": 0}
        assert http.post("/_sandbox/sandboxes", json={"id": "t1", "name": "mine"}).status_code == 201
        token = sign_in(http, at="/s/t1")
        assert http.post("/s/t1/_sandbox/snapshots", json={"name": "before"}).status_code == 201
        moment = http.get("/s/t1/_sandbox/digest").json()
        paid = order(http, "the key", **token)
        assert http.post("/s/t1/_sandbox/clock/advance", json={"by": "PT1H"}).status_code == 200
        state = http.get("/s/t1/_sandbox/digest").json()
        listed = http.get("/_sandbox/sandboxes").json()["items"]
        assert server.stop() == (0, "", "")
    with serving(tmp_path, "--durability", durability) as (server, ready, http):
        assert ready["restored"] == {"sandboxes": 2, "snapshots": 1}
        again = http.get("/_sandbox/sandboxes").json()["items"]
        assert [facts(item) for item in again] == [facts(item) for item in listed]
        assert http.get("/s/t1/_sandbox/digest").json() == state
        assert order(http, "the key", **token).content == paid.content
        assert http.get("/v1/accounts", headers=token).status_code == 200
        assert http.post("/s/t1/_sandbox/snapshots/before/restore").json()["digest"] == moment["digest"]
        assert server.stop() == (0, "", "")


def facts(item: dict[str, Any]) -> dict[str, Any]:
    """What a restart does not change of a sandbox in the list: it has another port, and everybody sleeps."""
    return {name: value for name, value in item.items() if name not in {"base_url", "awake"}}


def test_the_banner_says_what_is_back_and_what_has_changed(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path / "mine")
    options = (str(folder), "--port", "0", "--data-dir", "data")
    with serving_process(*options, home=tmp_path) as server:
        assert "  from data: 0 sandboxes, 0 snapshots" in server.until("curl -s -X POST")
        assert server.stop()[0] == 0
    edit(folder, "accounts", lambda accounts: accounts[0].update(nickname="Another"))
    with serving_process(*options, home=tmp_path) as server:
        assert "  from data: 1 sandbox, 0 snapshots" in server.until("curl -s -X POST")
        code, _, err = server.stop()
        assert (code, err.count("\n")) == (0, 1)
        assert "warning: default goes on from the archive; ecosystem:" in err


def refused(home: Path, *options: str) -> str:
    ended = sandbank("serve", "--port", "0", *options, home=home)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_what_cannot_be_opened_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("hello")
    assert re.fullmatch(r"Error: --data-dir: 'file' is a file; .*\n", refused(tmp_path, "--data-dir", "file"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sandbank.archive").write_bytes(b"hello" * 1_000)
    assert re.fullmatch(r"Error: 'data/sandbank.archive' cannot be .*\n", refused(tmp_path, "--data-dir", "data"))


def test_a_second_server_on_a_folder_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path) as (server, _, _):
        assert "another server works on 'data'" in refused(tmp_path, "--data-dir", "data")
        assert server.stop()[0] == 0
    with serving(tmp_path) as (server, _, _):
        server.stop(signal.SIGKILL)
    with serving(tmp_path):
        pass


def test_a_server_that_cannot_write_at_the_end_says_so(tmp_path: Path) -> None:
    with serving(tmp_path) as (server, _, http):
        until(http, lambda archive: archive["pending"] == 0)
        with closing(sqlite3.connect(tmp_path / "data" / "sandbank.archive", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            sign_in(http)
            code, _, err = server.stop()
    assert code == 1
    assert "the archive in data lacks the last changes: database is locked" in err
    assert "Traceback" not in err
