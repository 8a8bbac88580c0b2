"""Sleeping sandboxes: only so many hold a database in memory; nobody can tell which."""

from bankside import ARJUN_CURRENT, FATIMA_CURRENT
from checks import serving
from hypothesis import given
from hypothesis import strategies as st
from support import Client, User

from sandbox.store.pages import PAGE_BYTES, changed_pages, difference, patch


def awake(client: Client) -> list[str]:
    return [item["id"] for item in client.get("/_sandbox/sandboxes").json()["items"] if item["awake"]]


def users(client: Client, count: int) -> list[User]:
    for number in range(count):
        client.post("/_sandbox/sandboxes", {"id": f"t{number}"})
    return [client.login(at=f"/s/t{number}") for number in range(count)]


def test_the_ones_used_last_are_awake() -> None:
    with serving(max_awake=2) as client:
        there = users(client, 4)
        assert awake(client) == ["t2", "t3"]
        assert there[0].accounts()
        assert awake(client) == ["t0", "t3"]


def test_whoever_slept_goes_on_as_if_nothing_had_happened() -> None:
    with serving(max_awake=1) as crowded, serving(max_awake=64) as roomy:
        digests = []
        for client in (crowded, roomy):
            there = users(client, 3)
            for amount in ("1.000", "2.000", "3.000"):
                for user in there:
                    assert user.transfer(FATIMA_CURRENT, ARJUN_CURRENT, amount).status_code == 201
            digests.append([client.digest(f"/s/t{number}") for number in range(3)])
            for number in range(3):
                client.assert_sound(f"/s/t{number}")
        assert digests[0] == digests[1]


def test_looking_at_a_sleeping_sandbox_as_a_whole_does_not_wake_it() -> None:
    with serving(max_awake=1) as client:
        users(client, 2)
        assert awake(client) == ["t1"]
        client.digest("/s/t0")
        client.assert_sound("/s/t0")
        client.post("/s/t0/_sandbox/snapshots", {"name": "asleep"})
        client.post("/_sandbox/sandboxes", {"id": "copy", "from": "sandbox:t0"})
        assert awake(client) == ["t1"]
        assert client.digest("/s/copy") == client.digest("/s/t0")


def test_a_sandbox_that_is_gone_counts_no_more() -> None:
    with serving(max_awake=2) as client:
        users(client, 2)
        client.request("DELETE", "/_sandbox/sandboxes/t0")
        client.post("/s/t1/_sandbox/reset")
        assert client.app.house.awake == 0
        assert awake(client) == []


def test_many_sandboxes_reset_and_used_again_stay_under_the_limit() -> None:
    with serving(max_awake=3) as client:
        for _ in range(3):
            there = users(client, 6)
            for number, user in enumerate(there):
                user.transfer(FATIMA_CURRENT, ARJUN_CURRENT, "1.000")
                assert client.app.house.awake <= 3
                client.post(f"/s/t{number}/_sandbox/reset")
            for number in range(6):
                client.request("DELETE", f"/_sandbox/sandboxes/t{number}")


pages = st.lists(st.integers(0, 3), max_size=40)


@given(pages, pages, st.integers(0, PAGE_BYTES - 1))
def test_a_difference_leads_from_one_to_the_other(before: list[int], after: list[int], rest: int) -> None:
    base = b"".join(bytes([kind]) * PAGE_BYTES for kind in before)
    now = b"".join(bytes([kind]) * PAGE_BYTES for kind in after) + b"\x01" * rest
    assert patch(base, difference(base, now)) == now
    changed = changed_pages(base, now)
    assert all(base[offset : offset + PAGE_BYTES] != page for offset, page in changed.items())
