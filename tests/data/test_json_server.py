"""The same requests to a real json-server 0.17.4 and to ours: the same answers, but for the differences we document."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonserver import json_server
from msgspec import structs
from support import VIRTUAL, Client, copy_of_tiny

POSTS = [
    {"id": 1, "title": "Karak and kunafa", "views": 120, "author": {"name": "Dalal", "age": 31}, "tags": ["tea"]},
    {"id": 2, "title": "Dhow building", "views": 90, "author": {"name": "Bader", "age": 64}, "tags": ["sea", "wood"]},
    {"id": 3, "title": "Falcons of Jahra", "views": 300, "author": {"name": "Dalal", "age": 31}, "pinned": True},
    {"id": 4, "title": "Pearls", "views": 7, "author": {"name": "Hessa", "age": 8}, "pinned": False, "rating": 4.5},
    {"id": 5, "title": "karak", "views": 120, "author": None, "tags": []},
    {"id": 12, "title": "Sadu (weaving)", "views": 1000, "author": {"name": "Noura", "age": 45}, "rating": 10},
]
COMMENTS = [
    {"id": "c1", "body": "Two sugars", "postId": 1, "at": "2026-01-02T09:00:00Z"},
    {"id": "c2", "body": "No sugar", "postId": 1, "at": "2026-01-03T09:00:00Z"},
    {"id": "c3", "body": "Teak", "postId": 2, "at": "2026-01-04T09:00:00Z"},
    {"id": "c4", "body": "Nobody's", "postId": 99, "at": "2026-01-05T09:00:00Z"},
    {"id": "c5", "body": "", "at": "2026-01-06T09:00:00Z"},
]
PROFILE = {"name": "typicode", "since": 2013}
OURS = ("customers", "accounts", "notifications", "auth_users", "service_requests")

POST_QUERIES = [
    "",
    "?id=1",
    "?id=1&id=3",
    "?title=Pearls",
    "?title=Pearls&views=7",
    "?title=Pearls&views=8",
    "?views=120",
    "?views=120&views=7",
    "?author.name=Dalal",
    "?author.name=Dalal&author.age=31",
    "?author.name_like=^D",
    "?author.age_gte=31",
    "?tags.0=tea",
    "?tags.1=wood",
    "?tags=tea",
    "?pinned=true",
    "?pinned=false",
    "?rating=4.5",
    "?rating=10",
    "?views_gte=120",
    "?views_lte=120",
    "?views_gte=90&views_lte=120",
    "?id_ne=1",
    "?id_ne=1&id_ne=2",
    "?title_ne=Pearls",
    "?pinned_ne=true",
    "?title_like=karak",
    "?title_like=^K",
    "?title_like=a.*a",
    "?title_like=[(]weaving[)]",
    "?title_like=Pearls|Dhow",
    "?id_like=1",
    "?title_like=karak&title_like=dhow",
    "?q=karak",
    "?q=DALAL",
    "?q=wood",
    "?q=31",
    "?q=nothing-like-it",
    "?q=",
    "?q=karak&views_gte=100",
    "?_sort=views",
    "?_sort=views&_order=desc",
    "?_sort=views&_order=DESC",
    "?_sort=title",
    "?_sort=author.name",
    "?_sort=author.name&_order=desc",
    "?_sort=views,title&_order=desc,asc",
    "?_sort=views,title&_order=asc,desc",
    "?_sort=rating",
    "?_sort=rating&_order=desc",
    "?_sort=pinned",
    "?_limit=2",
    "?_limit=0",
    "?_limit=100",
    "?_start=1&_limit=2",
    "?_start=2&_end=4",
    "?_end=2",
    "?_start=4&_end=2",
    "?_start=40&_end=50",
    "?_page=1&_limit=2",
    "?_page=2&_limit=2",
    "?_page=3&_limit=2",
    "?_page=9&_limit=2",
    "?_page=1&_limit=100",
    "?_page=1",
    "?_page=2&_limit=1&_sort=views&_order=desc",
    "?_page=1&_limit=2&title_like=a",
    "?_embed=comments",
    "?_embed=comments&id=1",
    "?_page=1&_limit=1&_embed=comments",
    "?_=1700000000",
    "/1",
    "/12",
    "/1?_embed=comments",
    "/77",
]
COMMENT_QUERIES = [
    "",
    "?postId=1",
    "?body=",
    "?id=c2",
    "?at_gte=2026-01-03",
    "?at_lte=2026-01-03",
    "?_expand=post&postId_gte=1",
    "?_expand=post&postId_gte=1&_sort=body&_order=desc",
    "/c1?_expand=post",
    "/c4?_expand=post",
]
OUR_QUERIES = [
    "/accounts",
    "/accounts?account_type=CURRENT",
    "/accounts?account_type=CURRENT&account_type=WALLET",
    "/accounts?status_ne=ACTIVE",
    "/accounts?iban_like=^KW2",
    "/accounts?account_number_gte=100417001",
    "/accounts?_sort=account_type,account_number&_order=desc,asc",
    "/accounts?_page=2&_limit=3&_sort=iban",
    "/accounts?q=salary",
    "/accounts?opened_at_gte=2020-01-01&_sort=opened_at",
    "/customers?address.area=Mishref",
    "/customers?full_name_like=al-",
    "/notifications?status=UNREAD&_sort=sent_at&_order=desc&_limit=3",
    "/notifications?channel=SMS&channel=EMAIL",
    "/auth_users?role=CUSTOMER&_sort=username",
    "/auth_users?failed_login_attempts_gte=1",
    "/service_requests?_sort=created_at&_start=1&_end=2",
]


class Pair:
    """The two servers, asked the same."""

    def __init__(self, theirs: httpx.Client, ours: Client) -> None:
        self.theirs = theirs
        self.ours = ours

    def ask(self, path: str, method: str = "GET", body: Any = None) -> tuple[httpx.Response, httpx.Response]:
        """Their answer and ours."""
        options = {} if body is None else {"json": body}
        headers = {"connection": "close", "accept-encoding": "identity"}
        theirs = self.theirs.request(method, path, headers=headers, **options)
        return theirs, self.ours.request(method, f"/_data{path}", **options)

    def assert_same(self, path: str, method: str = "GET", body: Any = None) -> None:
        """Status, body and headers are the same; a 404 is a problem here and `{}` there."""
        theirs, ours = self.ask(path, method, body)
        assert ours.status_code == theirs.status_code, ours.text
        if theirs.status_code == 404:
            assert (theirs.json(), ours.json()["code"]) == ({}, "not_found")
            return
        assert ours.json() == theirs.json()
        if "x-total-count" in theirs.headers:
            assert ours.headers["x-total-count"] == theirs.headers["x-total-count"]
        assert _places(ours.headers.get("link", "")) == _places(theirs.headers.get("link", ""))
        assert _places(ours.headers.get("location", "")) == _places(theirs.headers.get("location", ""))


def _places(header: str) -> str:
    """A header without the address that differs."""
    return re.sub(r"http://[^/]*|/_data", "", header)


def bank(folder: Path) -> Client:
    """Ours, on `seeds/tiny` with collections that the bank does not know."""
    copy_of_tiny(folder)
    extras = {"posts": POSTS, "comments": COMMENTS, "profile": PROFILE}
    for name, value in extras.items():
        (folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
    return Client(structs.replace(VIRTUAL, ecosystem=str(folder)))


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both, on posts and comments; only read."""
    ours = bank(tmp_path_factory.mktemp("ours") / "bank")
    with json_server(tmp_path_factory.mktemp("theirs"), {"posts": POSTS, "comments": COMMENTS}) as theirs:
        yield Pair(theirs, ours)
    ours.close()


@pytest.fixture(scope="module")
def reading_ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both, on collections of the bank as it shows them; only read."""
    ours = Client()
    shown = {name: ours.get(f"/_data/{name}").json() for name in OURS}
    with json_server(tmp_path_factory.mktemp("theirs"), shown) as theirs:
        yield Pair(theirs, ours)
    ours.close()


@pytest.fixture
def writing(tmp_path: Path) -> Iterator[Pair]:
    """Both, to be written to."""
    ours = bank(tmp_path / "bank")
    extras = {"posts": POSTS, "comments": COMMENTS, "profile": PROFILE}
    with json_server(tmp_path, extras) as theirs:
        yield Pair(theirs, ours)
    ours.close()


def test_there_are_sixty_queries_or_more() -> None:
    assert len(POST_QUERIES) + len(COMMENT_QUERIES) + len(OUR_QUERIES) >= 60


@pytest.mark.parametrize("query", POST_QUERIES)
def test_a_query_of_posts_is_answered_alike(reading: Pair, query: str) -> None:
    reading.assert_same(f"/posts{query}")


@pytest.mark.parametrize("query", COMMENT_QUERIES)
def test_a_query_of_comments_is_answered_alike(reading: Pair, query: str) -> None:
    reading.assert_same(f"/comments{query}")


@pytest.mark.parametrize("path", OUR_QUERIES)
def test_a_query_of_a_collection_of_the_bank_is_answered_alike(reading_ours: Pair, path: str) -> None:
    reading_ours.assert_same(path)


def test_records_are_added_changed_replaced_and_deleted_alike(writing: Pair) -> None:
    writing.assert_same("/posts", "POST", {"title": "New", "views": 1})
    writing.assert_same("/posts", "POST", {"id": 40, "title": "Numbered", "deep": {"a": [1, 2.5, None]}})
    writing.assert_same("/posts", "POST", {"title": "Next"})
    writing.assert_same("/comments", "POST", {"id": "mine", "body": "Named", "postId": 40})
    writing.assert_same("/posts/1", "PATCH", {"views": 121, "fresh": True})
    writing.assert_same("/posts/1", "PATCH", {"author": {"name": "Another"}})
    writing.assert_same("/posts/2", "PUT", {"title": "Only this"})
    writing.assert_same("/posts/77", "PATCH", {"views": 1})
    writing.assert_same("/posts/77", "PUT", {"views": 1})
    writing.assert_same("/posts/77", "DELETE")
    writing.assert_same("/posts/5", "DELETE")
    writing.assert_same("/posts/40?_embed=comments")
    for query in ("/posts", "/posts/1", "/posts/5", "/posts?_sort=id", "/posts?title_like=n"):
        writing.assert_same(query)


def test_a_collection_that_is_one_value_is_written_alike(writing: Pair) -> None:
    writing.assert_same("/profile")
    writing.assert_same("/profile", "PATCH", {"city": "Kuwait"})
    writing.assert_same("/profile")
    writing.assert_same("/profile", "PUT", {"name": "new"})
    writing.assert_same("/profile", "POST", {"name": "newer"})
    writing.assert_same("/profile")


def theirs_and_ours(pair: Pair, path: str, method: str = "GET", body: Any = None) -> tuple[int, int]:
    theirs, ours = pair.ask(path, method, body)
    return theirs.status_code, ours.status_code


@pytest.mark.parametrize(
    "query",
    [
        "?_page=0",
        "?_page=x",
        "?_limit=-1",
        "?_limit=x",
        "?_start=-1&_end=2",
        "?_end=2&_limit=3",
        "?_page=1&_start=1",
        "?views_gte=many",
        "?views=many",
        "?titel=Pearls",
        "?_sort=titel",
        "?_sort=views&_order=down",
        "?_order=desc",
        "?_limt=3",
        "?_embed=nothing",
        "?_expand=nothing",
        "?callback=f",
    ],
)
def test_what_json_server_takes_for_something_else_is_refused_here(reading: Pair, query: str) -> None:
    assert theirs_and_ours(reading, f"/posts{query}") == (200, 400)


def test_a_broken_pattern_is_a_500_there_and_a_400_here(reading: Pair) -> None:
    assert theirs_and_ours(reading, "/posts?title_like=(") == (500, 400)


def test_a_record_without_its_parent_is_a_500_there_and_stays_alone_here(reading: Pair) -> None:
    assert theirs_and_ours(reading, "/comments?_expand=post") == (500, 200)
    assert "post" not in reading.ours.get("/_data/comments?_expand=post&id=c5").json()[0]


def test_money_is_compared_as_money_here_and_as_text_there(reading_ours: Pair) -> None:
    theirs, ours = reading_ours.ask("/accounts?balance_gte=900")
    assert [record["balance"] for record in theirs.json()] == [
        record["balance"] for record in reading_ours.theirs.get("/accounts").json() if record["balance"] >= "900"
    ]
    assert {float(record["balance"]) >= 900 for record in ours.json()} == {True}
    assert len(ours.json()) > len(theirs.json())


def test_a_taken_id_is_a_500_there_and_a_409_here(writing: Pair) -> None:
    assert theirs_and_ours(writing, "/posts", "POST", {"id": 1}) == (500, 409)


def test_another_id_is_ignored_there_and_refused_here(writing: Pair) -> None:
    assert theirs_and_ours(writing, "/posts/1", "PATCH", {"id": 2}) == (200, 422)


def test_a_delete_takes_orphans_with_it_there_and_leaves_them_here(writing: Pair) -> None:
    writing.assert_same("/posts/1", "DELETE")
    theirs, ours = writing.ask("/comments")
    # Theirs drops every comment whose post is not there, also the one that never had any.
    assert [record["id"] for record in theirs.json()] == ["c3", "c5"]
    assert [record["id"] for record in ours.json()] == ["c1", "c2", "c3", "c4", "c5"]
