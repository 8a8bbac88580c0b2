"""`/_sandbox/messages`: reading, emptying, and waiting for a message that somebody else causes."""

import asyncio
from typing import Any

import httpx
import pytest
from bankside import sql
from checks import assert_problem, faults, unchanged
from secondfactor import ask_for_codes, contact_of
from support import PASSWORDS, Client

from sandbox.bank import messages
from sandbox.core.clock import elapsed_ms, stopwatch
from sandbox.core.vocabulary import NotificationChannel
from sandbox.sandboxes.root import StateRoot

MESSAGE = {"message_id", "channel", "to", "subject", "body", "sent_at", "code", "links"}
PHONE = "+96599001234"
ZIP = {"content-type": "application/zip"}


def bank(client: Client, sandbox: str = "default") -> StateRoot:
    """The bank behind the doors."""
    return client.app.house.get(sandbox).root


def send(client: Client, body: str = "Hello", *, to: str = PHONE, by: str = "sms", sandbox: str = "default") -> str:
    """Have the bank send something; the id of the message."""
    return bank(client, sandbox).write(messages.send, NotificationChannel(by), to, body)


def wait(client: Client, at: str = "", timeout_ms: int = 60_000, **asked: Any) -> Any:
    """Wait on the loop."""
    return client.http.post(f"{at}/_sandbox/messages/wait", json={"timeout_ms": timeout_ms, **asked})


def at_once(client: Client, **asked: Any) -> httpx.Response:
    """Look once."""
    found: httpx.Response = client.run(wait(client, timeout_ms=0, **asked))
    return found


async def once_waiting(root: StateRoot, waiters: int = 1) -> None:
    """Go on when so many wait for the next commit."""
    for _ in range(10_000):
        if sum(not waiter.done() for waiter in root._waiters._waiting) >= waiters:
            return
        await asyncio.sleep(0)
    pytest.fail("nobody waits")


def test_an_empty_inbox_is_an_empty_list(client: Client) -> None:
    assert client.get("/_sandbox/messages").json() == {"items": []}
    assert_problem(client.get("/_sandbox/messages/latest"), 404, "message_unknown")


def test_messages_come_newest_first_and_whole(client: Client) -> None:
    first, second = send(client, "See https://bank.test/x."), send(client, "two", by="push", to="device-1")
    items = client.get("/_sandbox/messages").json()["items"]
    assert [item["message_id"] for item in items] == [second, first]
    assert all(set(item) == MESSAGE for item in items)
    assert items[1]["links"] == ["https://bank.test/x"]
    assert [item["channel"] for item in items] == ["push", "sms"]
    assert client.get("/_sandbox/messages/latest").json() == items[0]


def test_lists_are_narrowed_by_channel_and_address(client: Client) -> None:
    send(client, "one")
    send(client, "two", to="a@b.test", by="email")
    # A plus sign that the client did not escape arrives as a space.
    for query in ("?channel=sms", "?to=+96599001234", "?to=%2B96599001234", "?channel=sms&to=99001234"):
        assert [item["body"] for item in client.get(f"/_sandbox/messages{query}").json()["items"]] == ["one"]
        assert client.get(f"/_sandbox/messages/latest{query}").json()["body"] == "one"
    assert_problem(client.get("/_sandbox/messages/latest?channel=push"), 404, "message_unknown")


@pytest.mark.parametrize("query", ["channel=SMS", "channel=fax", "to=", "to=%00", f"to={'x' * 255}", "limit=1"])
def test_a_filter_that_says_nothing_is_400(client: Client, query: str) -> None:
    for method, path in (("GET", "/messages"), ("DELETE", "/messages"), ("GET", "/messages/latest")):
        assert set(faults(client.request(method, f"/_sandbox{path}?{query}"))) == {f"?{query.partition('=')[0]}"}


def test_deleting_empties_the_inbox_or_a_part_of_it(client: Client) -> None:
    send(client, "one")
    send(client, "two", by="push")
    answer = client.request("DELETE", "/_sandbox/messages?channel=sms")
    assert (answer.status_code, answer.content) == (204, b"")
    assert [item["body"] for item in client.get("/_sandbox/messages").json()["items"]] == ["two"]
    assert client.request("DELETE", "/_sandbox/messages").status_code == 204
    assert client.get("/_sandbox/messages").json() == {"items": []}


def test_reading_and_waiting_change_nothing(client: Client) -> None:
    send(client)
    with unchanged(client):
        client.get("/_sandbox/messages")
        client.get("/_sandbox/messages/latest")
        assert at_once(client).status_code == 200
        at_once(client, match={"channel": "push"})


def test_a_wait_answers_at_once_with_the_newest_match_that_is_there(client: Client) -> None:
    send(client, "old")
    newest = send(client, "new https://bank.test/x")
    send(client, "a push", by="push")
    answer = client.run(wait(client, match={"channel": "sms"}))
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"message", "code", "links"}
    assert body["message"]["message_id"] == newest
    assert (body["code"], body["links"]) == (None, ["https://bank.test/x"])


def test_a_wait_without_a_body_takes_anything(client: Client) -> None:
    sent = send(client)
    assert client.post("/_sandbox/messages/wait").json()["message"]["message_id"] == sent


def test_a_waiter_gets_the_code_of_a_sign_in_that_comes_after_it(client: Client) -> None:
    root = bank(client)
    ask_for_codes(root)
    phone, _ = contact_of(root, "fatima")

    async def sign_in() -> httpx.Response:
        await once_waiting(root)
        body = {"username": "fatima", "password": PASSWORDS["fatima"]}
        return await client.http.post("/v1/auth/login", json=body)

    match = {"channel": "sms", "to": phone, "has_code": True}
    heard, asked = client.together(lambda: wait(client, match=match), sign_in)
    assert (heard.status_code, asked.status_code) == (200, 202)
    found = asked.json()["challenge"]["challenge_id"]
    verified = client.post(f"/v1/auth/challenges/{found}/verify", {"code": heard.json()["code"]})
    assert verified.status_code == 200


def test_a_waiter_passes_over_commits_and_messages_that_do_not_match(client: Client) -> None:
    root = bank(client)

    async def others() -> httpx.Response:
        await once_waiting(root)
        await client.http.post("/v1/auth/login", json={"username": "arjun", "password": "wrong"})
        await once_waiting(root)
        send(client, "another text")
        await once_waiting(root)
        send(client, "the TEXT that matters")
        return await client.http.get("/_sandbox/messages")

    heard, listed = client.together(lambda: wait(client, match={"contains": "text that"}), others)
    assert heard.json()["message"]["body"] == "the TEXT that matters"
    assert len(listed.json()["items"]) == 2


def test_many_waiters_hear_one_message_each_in_its_own_sandbox(client: Client) -> None:
    client.post("/_sandbox/sandboxes", {"id": "t1"})

    async def send_both() -> httpx.Response:
        await once_waiting(bank(client), 3)
        await once_waiting(bank(client, "t1"), 1)
        send(client, "for default")
        send(client, "for t1", sandbox="t1")
        return await client.http.get("/_sandbox/health")

    heard = client.together(*[lambda: wait(client)] * 3, lambda: wait(client, at="/s/t1"), send_both)
    assert [answer.json()["message"]["body"] for answer in heard[:4]] == ["for default"] * 3 + ["for t1"]


@pytest.mark.parametrize("by_id", [True, False], ids=["message_id", "instant"])
def test_since_leaves_out_what_was_there(client: Client, by_id: bool) -> None:  # noqa: FBT001
    old = send(client, "old")
    since = old if by_id else client.get("/_sandbox/digest").headers["sandbank-time"]
    assert_problem(at_once(client, since=since), 408, "wait_timed_out")
    new = send(client, "new")
    assert at_once(client, since=since).json()["message"]["message_id"] == new


def test_since_a_message_that_is_gone_is_404(client: Client) -> None:
    gone = send(client)
    client.request("DELETE", "/_sandbox/messages")
    assert_problem(at_once(client, since=gone), 404, "message_unknown")


def test_a_wait_in_vain_is_408_and_tells_what_came_instead(client: Client) -> None:
    root = bank(client)

    async def others() -> httpx.Response:
        await once_waiting(root)
        for k in range(6):
            send(client, f"{k} " + "x" * 100, by="email", to="a@b.test")
        return await client.http.get("/_sandbox/messages")

    heard, _ = client.together(lambda: wait(client, timeout_ms=50, match={"channel": "sms"}), others)
    body = assert_problem(heard, 408, "wait_timed_out")
    assert "6 others came" in body["detail"]
    assert [other["body"][0] for other in body["arrived"]] == ["5", "4", "3", "2", "1"]
    assert body["arrived"][0] == {
        "channel": "email",
        "to": "a@b.test",
        "subject": None,
        "body": "5 " + "x" * 78 + "...",
    }


def test_a_wait_in_vain_on_an_empty_inbox_says_so(client: Client) -> None:
    body = assert_problem(at_once(client, match={"has_code": True}), 408, "wait_timed_out")
    assert body["arrived"] == []
    assert "nothing came at all" in body["detail"]


@pytest.mark.parametrize("way", ["reset", "removal", "restore", "import"])
def test_a_waiter_is_sent_home_when_its_sandbox_is_gone(client: Client, way: str) -> None:
    client.post("/_sandbox/sandboxes", {"id": "t1"})
    assert client.post("/s/t1/_sandbox/snapshots", {"name": "before"}).status_code == 201
    exported = client.get("/s/t1/_sandbox/export").content
    root = bank(client, "t1")

    async def end() -> httpx.Response:
        await once_waiting(root)
        if way == "reset":
            return await client.http.post("/s/t1/_sandbox/reset")
        if way == "restore":
            return await client.http.post("/s/t1/_sandbox/snapshots/before/restore")
        if way == "import":
            return await client.http.post("/s/t1/_sandbox/import", content=exported, headers=ZIP)
        return await client.http.delete("/_sandbox/sandboxes/t1")

    started = stopwatch()
    heard, ended = client.together(lambda: wait(client, at="/s/t1"), end)
    assert ended.status_code in {200, 204}
    assert_problem(heard, 409, "sandbox_was_reset")
    assert elapsed_ms(started) < 30_000, "it could have waited twice as long"
    assert root._in_flight == 0
    if way != "removal":
        send(client, "in the new one", sandbox="t1")
        assert client.run(wait(client, at="/s/t1")).json()["message"]["body"] == "in the new one"


def test_a_waiter_that_gave_up_leaves_nothing_to_wake(client: Client) -> None:
    root = bank(client)
    assert_problem(client.run(wait(client, timeout_ms=1)), 408, "wait_timed_out")
    assert all(waiter.done() for waiter in root._waiters._waiting)
    send(client)
    assert root._waiters._waiting == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"match": {"channel": "SMS"}}, "/match/channel"),
        ({"match": {"from": "x"}}, "/match/from"),
        ({"match": {"has_code": "yes"}}, "/match/has_code"),
        ({"match": {"to": ""}}, "/match/to"),
        ({"match": 3}, "/match"),
        ({"since": "yesterday"}, "/since"),
        ({"since": 5}, "/since"),
        ({"timeout_ms": -1}, "/timeout_ms"),
        ({"timeout_ms": 60_001}, "/timeout_ms"),
        ({"timeout_ms": "5"}, "/timeout_ms"),
        ({"timeout": 5}, "/timeout"),
    ],
)
def test_a_wait_that_makes_no_sense_is_400(client: Client, body: dict[str, Any], pointer: str) -> None:
    with unchanged(client):
        assert set(faults(client.post("/_sandbox/messages/wait", body))) == {pointer}


def test_a_reset_empties_the_inbox(client: Client) -> None:
    send(client)
    client.post("/_sandbox/reset")
    assert client.get("/_sandbox/messages").json() == {"items": []}


def test_a_fork_of_a_live_sandbox_takes_the_inbox_along_and_goes_its_own_way(client: Client) -> None:
    send(client, "before")
    client.post("/_sandbox/sandboxes", {"id": "t1", "from": "sandbox:default"})
    send(client, "after", sandbox="t1")
    assert len(client.get("/s/t1/_sandbox/messages").json()["items"]) == 2
    assert len(client.get("/_sandbox/messages").json()["items"]) == 1


def test_an_arabic_customer_is_read_back_in_arabic(client: Client) -> None:
    root = bank(client)
    ask_for_codes(root)
    sql(root, "UPDATE customer_setting SET language = 'ar'")
    client.post("/v1/auth/login", {"username": "fatima", "password": PASSWORDS["fatima"]})
    heard = at_once(client, match={"contains": "رمز تسجيل الدخول", "has_code": True}).json()
    assert heard["code"] in heard["message"]["body"]
    assert heard["code"].isascii()
