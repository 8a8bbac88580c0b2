"""Large collections: read once in a thread, kept until something is written, and never in the loop's way."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from extras import NOTE_ID, add_extra
from msgspec import structs
from support import VIRTUAL, Client, copy_of_tiny, edit

from sandbox.bank import record_lists, record_reads, records
from sandbox.data.tables import INLINE, RecordTables

MANY = 1_500


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`seeds/tiny` with many notifications and many things that the bank does not know."""
    folder = copy_of_tiny(tmp_path_factory.mktemp("large") / "bank")

    def multiply(rows: list[dict[str, Any]]) -> None:
        like = rows[0]
        missing = range(MANY - len(rows))
        rows.extend(like | {"notification_id": f"note-{n}", "title": f"Title {n}"} for n in missing)

    edit(folder, "notifications", multiply)
    things = [{"id": number, "name": f"thing {number}", "size": number % 7} for number in range(MANY)]
    (folder / "things.json").write_text(json.dumps(things), encoding="utf-8")
    return folder


@pytest.fixture
def bank(large: Path) -> Iterator[Client]:
    """A server on it."""
    made = Client(structs.replace(VIRTUAL, ecosystem=str(large)))
    yield made
    made.close()


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Which collections were read, and whether on the loop's own thread."""
    seen: list[tuple[str, bool]] = []
    original, keyed = record_lists.read_collections, record_reads.read_keyed

    def watched(db: Any, *, names: Any) -> Any:
        seen.extend((name, threading.current_thread() is threading.main_thread()) for name in names)
        return original(db, names=names)

    def watched_keyed(db: Any, name: str, keys: Any = None) -> Any:
        if keys is None:
            seen.append((name, threading.current_thread() is threading.main_thread()))
        return keyed(db, name, keys)

    monkeypatch.setattr(record_lists, "read_collections", watched)
    monkeypatch.setattr(record_lists, "read_keyed", watched_keyed)
    return seen


def test_a_large_collection_is_read_in_a_thread_and_once(bank: Client, threads: list[tuple[str, bool]]) -> None:
    first = bank.get("/_data/notifications?_limit=3")
    assert threads == [("notifications", False)]
    assert first.headers["x-total-count"] == str(MANY)
    for path in ("notifications?_limit=3", "notifications?title=Title 7", "notifications?_sort=-title&_limit=1"):
        assert bank.get(f"/_data/{path}").status_code == 200
    assert threads == [("notifications", False)]
    assert bank.get("/_data/notifications?_limit=3").content == first.content


def test_few_of_many_are_found_without_the_rest(large: Path, bank: Client, threads: list[tuple[str, bool]]) -> None:
    (one,) = bank.get(f"/_data/notifications?id={NOTE_ID}&_expand=customer").json()
    assert one["customer"]["customer_id"] == one["customer_id"]
    every = json.loads((large / "notifications.json").read_text(encoding="utf-8"))
    counts = Counter(note["customer_id"] for note in every)
    quiet, loud = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    path = f"/_data/notifications?customer_id={quiet}&status_ne=READ&_sort=-sent_at"
    unread = [note["notification_id"] for note in bank.get(path).json()]
    assert "notifications" not in dict(threads)
    assert len(bank.get(f"/_data/notifications?customer_id={loud}").json()) == counts[loud] > INLINE
    assert threads[-1] == ("notifications", False)
    assert unread == [note["notification_id"] for note in bank.get(f"{path}&type_like=.").json()]


def test_a_field_that_other_records_have_is_known(bank: Client) -> None:
    bank.request("PATCH", f"/_data/notifications/{NOTE_ID}", json={"starred": True})
    assert bank.get("/_data/notifications?id=note-7&starred=true").json() == []


def test_a_small_collection_is_read_at_once(bank: Client, threads: list[tuple[str, bool]]) -> None:
    assert bank.get("/_data/accounts").status_code == 200
    assert threads == [("accounts", True)]
    assert len(bank.get("/_data/accounts").json()) < INLINE


def test_a_write_is_seen_at_once(bank: Client) -> None:
    assert bank.get("/_data/notifications?status=READ&title=Changed").json() == []
    bank.request("PATCH", f"/_data/notifications/{NOTE_ID}", json={"title": "Changed"})
    assert len(bank.get("/_data/notifications?title=Changed").json()) == 1
    bank.request("DELETE", f"/_data/notifications/{NOTE_ID}")
    answer = bank.get("/_data/notifications?title=Changed")
    assert (answer.json(), answer.headers["x-total-count"]) == ([], "0")


def test_after_a_write_only_what_changed_is_read(bank: Client, threads: list[tuple[str, bool]]) -> None:
    before = bank.get("/_data/notifications").json()
    bank.request("PATCH", f"/_data/notifications/{NOTE_ID}", json={"title": "Changed"})
    bank.request("DELETE", "/_data/notifications/note-7")
    bank.post("/_data/notifications", before[0] | {"notification_id": "new"})
    bank.post("/_sandbox/sandboxes", {"id": "t1"})
    expected = [
        note | {"title": "Changed"} if note["notification_id"] == NOTE_ID else note
        for note in [*before, before[0] | {"notification_id": "new"}]
        if note["notification_id"] != "note-7"
    ]
    assert bank.get("/_data/notifications").json() == expected
    assert bank.get("/s/t1/_data/notifications").json() == before
    assert threads == [("notifications", False)]


def test_a_reset_is_seen_at_once(bank: Client) -> None:
    bank.request("DELETE", f"/_data/notifications/{NOTE_ID}")
    assert bank.get("/_data/notifications?_limit=1").headers["x-total-count"] == str(MANY - 1)
    bank.post("/_sandbox/reset")
    assert bank.get("/_data/notifications?_limit=1").headers["x-total-count"] == str(MANY)


def test_sandboxes_do_not_see_each_others_collections(bank: Client) -> None:
    bank.post("/_sandbox/sandboxes", {"id": "t1"})
    bank.get("/_data/things?_limit=1")
    bank.request("PATCH", "/s/t1/_data/things/5", json={"name": "other"})
    assert bank.get("/_data/things?name=other").json() == []
    assert [thing["id"] for thing in bank.get("/s/t1/_data/things?name=other").json()] == [5]


def test_large_and_small_ones_are_put_together(bank: Client) -> None:
    expanded = bank.get("/_data/notifications?_limit=2&_expand=customer").json()
    assert all(note["customer"]["customer_id"] == note["customer_id"] for note in expanded)
    embedded = bank.get("/_data/customers?_embed=notifications").json()
    assert sum(len(customer["notifications"]) for customer in embedded) == MANY
    one = bank.get(f"/_data/customers/{embedded[0]['customer_id']}?_embed=notifications").json()
    assert one == embedded[0]


def test_a_large_list_is_whole_json(bank: Client) -> None:
    things = bank.get("/_data/things").json()
    assert [thing["id"] for thing in things] == list(range(MANY))


def test_one_of_many_is_found_without_reading_the_rest(bank: Client, threads: list[tuple[str, bool]]) -> None:
    assert bank.get("/_data/things/1499").json()["name"] == "thing 1499"
    assert bank.get(f"/_data/notifications/{NOTE_ID}").status_code == 200
    assert bank.request("PATCH", "/_data/things/700", json={"size": 70}).json()["size"] == 70
    assert bank.request("DELETE", "/_data/things/701").status_code == 200
    assert bank.post("/_data/things", {"name": "next"}).json()["id"] == MANY
    assert threads == []


def test_a_faulty_query_of_a_large_collection_is_refused_alike(bank: Client) -> None:
    answer = bank.get("/_data/things?size_gte=x&color=1")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["?size_gte", "?color"]


def test_the_list_of_collections_counts_large_ones_too(bank: Client) -> None:
    bank.request("DELETE", "/_data/things/3")
    counted = {item["name"]: item["records"] for item in bank.get("/_data").json()["items"]}
    assert (counted["things"], counted["notifications"], counted["accounts"]) == (MANY - 1, MANY, 8)


def test_the_loop_goes_on_while_a_large_collection_is_read(bank: Client) -> None:
    """A payment-sized request that comes in the middle is answered before the large one is."""

    async def both() -> list[str]:
        done: list[str] = []

        async def ask(name: str, path: str) -> None:
            await bank.http.get(path)
            done.append(name)

        large = asyncio.create_task(ask("large", "/_data/things?_sort=-name"))
        await asyncio.sleep(0)
        await asyncio.gather(large, *(ask("small", "/_sandbox/health") for _ in range(3)))
        return done

    assert bank.run(both()) == ["small", "small", "small", "large"]


def test_only_so_many_sandboxes_are_kept(bank: Client) -> None:
    kept = RecordTables()

    async def read(names: list[str]) -> None:
        for name in names:
            tables = await kept.tables(bank.app.house.get(name).root, ["things"])
            assert len(tables["things"].records) == MANY

    names = [f"s{number}" for number in range(10)]
    for name in names:
        bank.post("/_sandbox/sandboxes", {"id": name})
    bank.run(read(names))
    assert len(kept._kept) == 8
    for name in names[:9]:
        bank.request("DELETE", f"/_sandbox/sandboxes/{name}")
    bank.run(read(["default"]))
    assert len(kept._kept) == 2


def test_a_table_of_an_old_state_never_takes_the_place_of_a_newer_one(bank: Client) -> None:
    kept = RecordTables()
    root = bank.app.house.get("default").root

    async def race() -> tuple[int, int]:
        old = asyncio.create_task(kept.tables(root, ["things"]))
        await asyncio.sleep(0)
        add_extra(root, "more", [])
        root.write(records.delete_record, "things", "3")
        new = await kept.tables(root, ["things"])
        return len((await old)["things"].records), len(new["things"].records)

    assert bank.run(race()) == (MANY, MANY - 1)
    assert len(bank.run(kept.tables(root, ["things"]))["things"].records) == MANY - 1
