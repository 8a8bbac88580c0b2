"""Collections at hand: shared by threads, whole whenever they are seen, and kept no longer than their sandbox."""

import threading
import time
from typing import Any

import pytest
from extras import add_extra
from support import Client

from sandbox.data.query import read_query
from sandbox.data.relations import relate
from sandbox.data.tables import INLINE, INLINE_BYTES, RecordTables, Table


class Halting(dict[str, Any]):
    """A record that lets another thread look while the first one reads it."""

    def __init__(self, record: dict[str, Any]) -> None:
        super().__init__(record)
        self.reached, self.go = threading.Event(), threading.Event()

    def get(self, name: str, default: Any = None) -> Any:
        if not self.reached.is_set():
            self.reached.set()
            assert self.go.wait(10)
        return super().get(name, default)


def test_what_a_thread_is_still_making_is_not_seen_by_others() -> None:
    halting = Halting({"id": 2, "post_id": 1})
    table = Table("comments", [{"id": 1, "post_id": 1}, halting, {"id": 3, "post_id": 1}])
    seen: list[list[Any]] = []
    first = threading.Thread(target=lambda: seen.append(table.having(["post_id"], 1)))
    first.start()
    assert halting.reached.wait(10)
    meanwhile = table.having(["post_id"], 1)
    halting.go.set()
    first.join(10)
    assert [record["id"] for record in meanwhile] == [1, 2, 3]
    assert [[record["id"] for record in found] for found in seen] == [[1, 2, 3]]


def test_children_by_either_of_two_fields_come_once_and_in_order() -> None:
    records = [{"id": 1, "postId": 7}, {"id": 2, "post_id": 7}, {"id": 3, "postId": 7, "post_id": 7}, {"id": 4}]
    assert [record["id"] for record in Table("comments", records).having(["post_id", "postId"], 7)] == [1, 2, 3]


def test_children_of_many_are_not_looked_for_one_by_one() -> None:
    many = 3_000
    posts = Table("posts", [{"id": number} for number in range(many)])
    comments = Table("comments", [{"id": n, "postId": n, "post_id": (n + 1) % many} for n in range(many)])
    start = time.process_time()
    found = relate(posts.records, posts, read_query(b"_embed=comments"), {"posts": posts, "comments": comments})
    assert time.process_time() - start < 1  # 0.02 usually; by looking through all for each it was several
    assert [comment["id"] for comment in found[5]["comments"]] == [4, 5]


def test_few_records_of_many_bytes_are_large_too(client: Client) -> None:
    root = client.app.house.get("default").root
    add_extra(root, "heavy", [{"id": n, "text": "x" * (INLINE_BYTES // 4)} for n in range(5)])
    add_extra(root, "light", [{"id": n} for n in range(5)])
    add_extra(root, "nulls", [None] * 5)
    tables = client.run(RecordTables().tables(root, ["heavy", "light", "nulls"]))
    assert {name: table.large for name, table in tables.items()} == {"heavy": True, "light": False, "nulls": False}
    assert len(tables["heavy"].records) == 5
    assert client.get("/_data/heavy?id=3").json()[0]["id"] == 3


@pytest.fixture
def things(client: Client) -> Client:
    """A server with a sandbox that has a large collection of its own."""
    client.post("/_sandbox/sandboxes", {"id": "t1"})
    add_extra(client.app.house.get("t1").root, "things", [{"id": n} for n in range(INLINE + 1)])
    return client


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/s/t1/_sandbox/reset"),
        ("DELETE", "/_sandbox/sandboxes/t1"),
        ("DELETE", "/s/t1/_data/things/3"),
    ],
)
def test_nothing_is_kept_of_what_was_reset_removed_or_written(things: Client, method: str, path: str) -> None:
    tables = RecordTables()
    root = things.app.house.get("t1").root
    assert len(things.run(tables.tables(root, ["things"]))["things"].records) == INLINE + 1
    assert len(tables._kept) == 1
    assert things.request(method, path).status_code < 300
    assert len(tables._kept) == 0
