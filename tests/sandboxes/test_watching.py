"""Watching an ecosystem's files: what changes is served, and nobody is turned away meanwhile."""

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from checks import serving
from support import Client, copy_of_tiny, edit

from sandbox.sandboxes.watching import Watcher


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_of_tiny(tmp_path / "mine")


@pytest.fixture
def client(folder: Path) -> Iterator[Client]:
    with serving(ecosystem=str(folder)) as made:
        yield made


def rename(folder: Path, name: str) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[0]["nickname"] = name

    edit(folder, "accounts", change)


def look(client: Client, watcher: Watcher) -> bool:
    """Twice: files are loaded once they stay as they are."""
    return client.run(watcher.check()) or client.run(watcher.check())


def nickname(client: Client, at: str = "") -> str:
    found: str = client.login(at=at).accounts()[0]["nickname"]
    return found


def test_what_has_changed_is_served(client: Client, folder: Path) -> None:
    watcher = Watcher(client.app.house)
    assert not look(client, watcher)
    rename(folder, "Changed")
    assert nickname(client) == "Salary"
    assert look(client, watcher)
    assert nickname(client) == "Changed"
    assert not look(client, watcher)


def test_who_is_signed_in_stays_so(client: Client, folder: Path) -> None:
    watcher, fatima = Watcher(client.app.house), client.login()
    rename(folder, "Changed")
    assert look(client, watcher)
    assert fatima.accounts()[0]["nickname"] == "Changed"


def test_files_that_are_being_written_are_left_for_the_next_look(client: Client, folder: Path) -> None:
    watcher = Watcher(client.app.house)
    rename(folder, "Half")
    assert not client.run(watcher.check())
    rename(folder, "Whole")
    assert not client.run(watcher.check())
    assert client.run(watcher.check())
    assert nickname(client) == "Whole"


def test_a_broken_folder_changes_nothing_but_the_log(
    client: Client, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watcher, before = Watcher(client.app.house), client.digest()
    edit(folder, "accounts", lambda rows: rows[0].update(balance="-1.000"))
    with caplog.at_level(logging.WARNING, logger="sandbank"):
        assert not look(client, watcher)
    assert "the bank of before goes on" in caplog.text
    assert "accounts.json [0]" in caplog.text
    assert client.digest() == before
    client.post("/_sandbox/reset")
    assert client.digest() == before
    edit(folder, "accounts", lambda rows: rows[0].update(balance="2547.440", nickname="Mended"))
    assert look(client, watcher)
    assert nickname(client) == "Mended"


def test_other_sandboxes_go_over_when_they_are_reset(client: Client, folder: Path) -> None:
    client.post("/_sandbox/sandboxes", {"id": "t1"})
    there = client.login(at="/s/t1")
    rename(folder, "Changed")
    assert look(client, Watcher(client.app.house)) is False, "a new watcher takes the folder as it finds it"
    watcher = Watcher(client.app.house)
    rename(folder, "Again")
    assert look(client, watcher)
    assert there.accounts()[0]["nickname"] == "Salary"
    client.post("/s/t1/_sandbox/reset")
    assert nickname(client, "/s/t1") == "Again"


def test_no_request_is_dropped_while_the_bank_is_replaced(client: Client, folder: Path) -> None:
    watcher, fatima = Watcher(client.app.house), client.login()
    seen: list[tuple[int, str]] = []

    async def ask_until(done: asyncio.Event) -> None:
        while not done.is_set():
            answer = await client.http.get("/v1/accounts", headers=fatima.headers)
            seen.append((answer.status_code, answer.json()["items"][0]["nickname"]))
            await asyncio.sleep(0)  # in process nothing else makes way

    async def replace() -> None:
        done = asyncio.Event()
        askers = [asyncio.create_task(ask_until(done)) for _ in range(4)]
        for name in ("One", "Two", "Three"):
            rename(folder, name)
            await watcher.check()
            assert await watcher.check()
        await asyncio.sleep(0)
        done.set()
        await asyncio.gather(*askers)

    client.run(replace())
    assert {status for status, _ in seen} == {200}
    names = list(dict.fromkeys(name for _, name in seen))
    assert names == [name for name in ("Salary", "One", "Two", "Three") if name in names], "each in its turn"


def test_a_folder_that_goes_away_is_waited_for(client: Client, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    watcher, before = Watcher(client.app.house), client.digest()
    folder.rename(folder.with_name("elsewhere"))
    with caplog.at_level(logging.WARNING, logger="sandbank"):
        assert not look(client, watcher)
    (record,) = caplog.records
    assert record.getMessage().endswith(f"goes on. {folder} has 1 fault: there is no such folder.")
    assert record.getMessage().count(str(folder)) == 1
    assert client.digest() == before
    folder.with_name("elsewhere").rename(folder)
    look(client, watcher)
    client.post("/_sandbox/reset")
    assert client.digest() == before
    stated = json.loads((folder / "ecosystem.json").read_text(encoding="utf-8"))
    (folder / "ecosystem.json").write_text(json.dumps(stated | {"title": "New"}), encoding="utf-8")
    assert look(client, watcher)
    assert client.get("/_sandbox/info").json()["title"] == "New"
