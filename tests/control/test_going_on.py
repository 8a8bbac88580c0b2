"""What goes on from an earlier life of a sandbox: kept sessions and clocks, restored snapshots, reloaded files."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bankside import ARJUN_CURRENT, FATIMA_CURRENT
from checks import assert_problem, faults, serving
from support import Client, User, copy_of_tiny, edit

from sandbox.core.clock import HOUR, Instant, parse_instant
from sandbox.sandboxes import business_clock, house, shelf
from sandbox.sandboxes.watching import Watcher


@pytest.fixture
def walled() -> Iterator[Client]:
    """A bank whose tokens carry the life of its state root."""
    with serving(transport_clock="wall") as made:
        yield made


def reset(client: Client, at: str = "", **order: Any) -> Any:
    answer = client.post(f"{at}/_sandbox/reset", order)
    assert answer.status_code == 200, answer.text
    return answer.json()


def signed_in(user: User) -> bool:
    return user.get("/v1/accounts").status_code == 200


# Kept sessions.


def test_whoever_was_signed_in_stays_so_and_others_sign_in_as_before(walled: Client) -> None:
    """Identifiers come of write numbers: the new root must not draw those of the sessions that it keeps."""
    before = [walled.login("fatima"), walled.login("fatima"), walled.login("arjun")]
    reset(walled, keep=["sessions"])
    after = [walled.login("fatima"), walled.login("arjun"), walled.login("fatima")]
    assert all(signed_in(user) for user in before + after)
    assert len({user.tokens["session_id"] for user in before + after}) == 6
    for user in before:
        assert walled.post("/v1/auth/refresh", {"refresh_token": user.tokens["refresh_token"]}).status_code == 200
    walled.assert_sound()


def test_sessions_are_kept_over_scenarios_too(walled: Client) -> None:
    before = [walled.login("fatima"), walled.login("arjun")]
    reset(walled, keep=["sessions", "clock"], scenarios=["locked-user", "second-factor"])
    assert all(signed_in(user) for user in before)
    assert walled.login("admin").get("/v1/accounts").status_code == 200
    walled.assert_sound()


def test_a_session_that_was_ended_is_not_kept(walled: Client) -> None:
    fatima = walled.login()
    fatima.request("POST", "/v1/auth/logout")
    reset(walled, keep=["sessions"])
    assert not signed_in(fatima)


def test_sessions_are_not_kept_with_another_seed(walled: Client) -> None:
    walled.login()
    before = walled.digest()
    assert set(faults(walled.post("/_sandbox/reset", {"keep": ["sessions"], "seed": 7}))) == {"/keep"}
    assert walled.digest() == before


def test_what_others_do_while_a_kept_reset_is_prepared_is_kept_too(walled: Client) -> None:
    """Sessions and time are those of the moment at which the new state takes the place of the old one."""

    async def together() -> list[Any]:
        slow = asyncio.create_task(
            walled.http.post("/_sandbox/reset", json={"keep": ["sessions", "clock"], "scenarios": ["busy-month"]})
        )
        await asyncio.sleep(0)
        moved = await walled.http.post("/_sandbox/clock/advance", json={"by": "P90D"})
        signed = await walled.http.post("/v1/auth/login", json={"username": "arjun", "password": "Arjun-2026!"})
        return [await slow, moved, signed]

    done, moved, signed = walled.run(together())
    assert (done.status_code, moved.status_code, signed.status_code) == (200, 200, 200)
    now = walled.get("/_sandbox/clock").json()["now"]
    assert parse_instant(now) >= parse_instant(moved.json()["now"])
    assert signed_in(User(walled, signed.json()))


# Restored snapshots.


def test_a_token_of_an_undone_future_stays_refused_when_its_session_comes_again(walled: Client) -> None:
    walled.post("/_sandbox/snapshots", {"name": "before"})
    undone = walled.login()
    walled.post("/_sandbox/snapshots/before/restore")
    again = walled.login()
    assert again.tokens["session_id"] == undone.tokens["session_id"], "the same writes draw the same identifiers"
    assert signed_in(again)
    assert_problem(undone.get("/v1/accounts"), 401, "token_invalid")
    refused = walled.post("/v1/auth/refresh", {"refresh_token": undone.tokens["refresh_token"]})
    assert_problem(refused, 401, "refresh_token_invalid")
    assert signed_in(again), "nobody was taken for a thief"


def test_tokens_of_the_past_are_good_through_several_restores(walled: Client) -> None:
    first = walled.login("fatima")
    walled.post("/_sandbox/snapshots", {"name": "one"})
    second = walled.login("arjun")
    walled.post("/_sandbox/snapshots", {"name": "two"})
    walled.post("/_sandbox/reset")
    assert not signed_in(first)
    walled.post("/_sandbox/snapshots/two/restore")
    assert signed_in(first)
    assert signed_in(second)
    walled.post("/_sandbox/snapshots/one/restore")
    assert signed_in(first)
    assert not signed_in(second)


# A live clock.


def test_what_is_taken_of_a_live_bank_stands_at_its_present(monkeypatch: pytest.MonkeyPatch) -> None:
    wall = parse_instant("2027-01-15T08:00:00Z")
    for module in (shelf, house, business_clock):
        monkeypatch.setattr(module, "wall_time", lambda: wall)
    with serving(clock="live", transport_clock="wall") as client:
        assert client.get("/_sandbox/clock").json()["now"] == "2026-01-15T09:00:00.000Z"
        wall = Instant(wall + 3 * HOUR)
        taken = client.post("/_sandbox/snapshots", {"name": "noon"}).json()
        assert taken["business_time"].startswith("2026-01-15T12:00:00")
        client.post("/_sandbox/sandboxes", {"id": "t1", "from": "sandbox:default"})
        assert client.get("/s/t1/_sandbox/clock").json()["now"].startswith("2026-01-15T12:00:00")


# Seeds and times.


def test_another_time_keeps_the_seed_of_a_sandbox(client: Client) -> None:
    client.post("/_sandbox/sandboxes", {"id": "t1", "seed": 42})
    reset(client, "/s/t1", as_of="2026-03-01T00:00:00Z")
    assert client.get("/s/t1/_sandbox/info").json()["seed"] == 42
    reset(client, "/s/t1")
    assert client.get("/s/t1/_sandbox/info").json()["seed"] == 42


def test_only_a_few_images_of_other_times_are_kept(client: Client) -> None:
    for week in range(1, 13):
        reset(client, as_of=f"2027-{week:02d}-01T00:00:00Z")
    assert len(client.app.house.shelf._images) <= 6


# Files that change.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = copy_of_tiny(tmp_path / "mine")
    stated = json.loads((made / "ecosystem.json").read_text(encoding="utf-8"))
    (made / "ecosystem.json").write_text(json.dumps(stated | {"name": "another-name"}), encoding="utf-8")
    return made


def reloaded(client: Client, watcher: Watcher) -> bool:
    return client.run(watcher.check()) or client.run(watcher.check())


def test_what_the_files_say_of_a_device_counts_more_than_a_session_on_it(folder: Path) -> None:
    with serving(ecosystem=str(folder), transport_clock="wall") as client:
        body = {"username": "fatima", "password": "Fatima-2026!", "device": {"fingerprint": "f", "model": "x"}}
        on_phone = User(client, client.post("/v1/auth/login", body).json())
        elsewhere = client.login()
        phone = client.get(f"/_data/login_sessions/{on_phone.tokens['session_id']}").json()["device_id"]
        watcher = Watcher(client.app.house)
        owner = on_phone.tokens["user"]["user_id"]

        def revoke(rows: list[dict[str, Any]]) -> None:
            rows.append({"device_id": phone, "user_id": owner, "status": "REVOKED"})

        edit(folder, "registered_devices", revoke)
        assert reloaded(client, watcher)
        assert not signed_in(on_phone)
        assert signed_in(elsewhere)
        device = client.get(f"/_data/registered_devices/{phone}").json()
        assert device["status"] == "REVOKED"


def test_a_default_that_stands_at_another_time_or_bank_is_left_alone(folder: Path) -> None:
    with serving(ecosystem=str(folder)) as client:
        watcher = Watcher(client.app.house)
        reset(client, ecosystem="tiny")
        client.login().transfer(FATIMA_CURRENT, ARJUN_CURRENT, "1.000")
        before = client.digest()
        edit(folder, "accounts", lambda rows: rows[0].update(nickname="Changed"))
        assert reloaded(client, watcher)
        assert client.digest() == before
        reset(client, ecosystem="another-name")
        assert client.login().accounts()[0]["nickname"] == "Changed"


def test_a_changed_folder_is_found_under_whatever_name_it_was_asked_for(folder: Path) -> None:
    with serving(ecosystem=str(folder)) as client:
        reset(client, as_of="2026-01-15T09:00:00Z")
        assert client.get("/_sandbox/sandboxes/default").json()["from"] == "ecosystem:mine"
        reset(client, ecosystem="another-name")
        assert client.get("/_sandbox/sandboxes/default").json()["from"] == "ecosystem:mine"
        watcher = Watcher(client.app.house)
        edit(folder, "accounts", lambda rows: rows[0].update(nickname="Changed"))
        assert reloaded(client, watcher)
        assert client.login().accounts()[0]["nickname"] == "Changed"


def test_snapshots_have_a_cap() -> None:
    with serving(max_snapshots=1) as client:
        assert client.post("/_sandbox/snapshots", {"name": "one"}).status_code == 201
        assert_problem(client.post("/_sandbox/snapshots", {"name": "two"}), 503, "too_many_snapshots")
        client.request("DELETE", "/_sandbox/snapshots/one")
        assert client.post("/_sandbox/snapshots", {"name": "two"}).status_code == 201
