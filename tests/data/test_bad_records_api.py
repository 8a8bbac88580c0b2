"""Bad bodies and bad addresses at the data plane: a clear problem, never a 500, and nothing changed."""

import json
from typing import Any

import pytest
from checks import FATIMA_CURRENT, JSON, assert_problem, unchanged
from extras import NOTE, NOTE_ID, add_extra
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import Client

from sandbox.store.records import COLLECTIONS

WRITES = [
    ("POST", "/_data/notifications"),
    ("PUT", f"/_data/notifications/{NOTE_ID}"),
    ("PATCH", f"/_data/notifications/{NOTE_ID}"),
    ("PUT", "/_data/profile"),
    ("PATCH", "/_data/profile"),
    ("POST", "/_data/profile"),
    ("POST", "/_data/things"),
    ("PATCH", "/_data/things/1"),
]
NONSENSE: list[Any] = [[], {}, 7, True]


@pytest.fixture
def bank(client: Client) -> Client:
    """A server whose bank has collections of its own too."""
    root = client.app.house.get("default").root
    add_extra(root, "profile", {"name": "typicode"})
    add_extra(root, "things", [{"id": 1}])
    return client


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_broken_json_is_400(bank: Client, method: str, path: str) -> None:
    with unchanged(bank):
        for raw in (b"{", b'{"a":"\xff"}', b'{"a":NaN}', b'{"a":1,"a":1}', b"[" * 700 + b"]" * 700, b""):
            assert_problem(bank.request(method, path, content=raw, headers=JSON), 400, "malformed_json")


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_what_is_no_object_is_400(bank: Client, method: str, path: str) -> None:
    with unchanged(bank):
        for body in ([], [1], "x", 7, True, None):
            answer = bank.request(method, path, content=json.dumps(body).encode(), headers=JSON)
            assert_problem(answer, 400, "validation_failed")


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_nul_in_a_text_is_400(bank: Client, method: str, path: str) -> None:
    with unchanged(bank):
        for body in ({"a": "x\0y"}, {"x\0y": 1}, {"a": [{"b": "\0"}]}):
            answer = bank.request(method, path, content=json.dumps(body).encode(), headers=JSON)
            assert_problem(answer, 400, "validation_failed")


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_another_media_type_is_415_and_too_much_is_413(bank: Client, method: str, path: str) -> None:
    with unchanged(bank):
        text = bank.request(method, path, content=b"{}", headers={"content-type": "text/plain"})
        assert_problem(text, 415, "unsupported_media_type")
        huge = bank.request(method, path, content=b'{"a":"' + b"x" * 2_000_000 + b'"}', headers=JSON)
        assert_problem(huge, 413, "body_too_large")


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_write_takes_no_query(bank: Client, method: str, path: str) -> None:
    with unchanged(bank):
        answer = bank.request(method, f"{path}?_embed=accounts", json=NOTE)
        assert_problem(answer, 400, "validation_failed")


def test_an_unknown_place_is_404(bank: Client) -> None:
    with unchanged(bank):
        for method, path in (
            ("GET", "/_data/nothing"),
            ("POST", "/_data/nothing"),
            ("PUT", "/_data/nothing"),
            ("PATCH", "/_data/nothing"),
            ("GET", "/_data/accounts/nobody"),
            ("PATCH", "/_data/accounts/nobody"),
            ("PUT", "/_data/accounts/nobody"),
            ("DELETE", "/_data/accounts/nobody"),
            ("DELETE", "/_data/nothing/1"),
            ("GET", "/_data/things/2"),
            ("DELETE", "/_data/profile/name"),
            ("GET", f"/_data/accounts/{FATIMA_CURRENT}/transactions"),
            ("GET", "/_data/"),
        ):
            options: dict[str, Any] = {"json": {}} if method in {"POST", "PUT", "PATCH"} else {}
            assert_problem(bank.request(method, path, **options), 404, "not_found")


def test_a_list_is_not_replaced_as_a_whole(bank: Client) -> None:
    with unchanged(bank):
        for path in ("accounts", "things"):
            for method in ("PUT", "PATCH"):
                answer = bank.request(method, f"/_data/{path}", json={"a": 1})
                assert_problem(answer, 405, "method_not_allowed")
                assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_a_value_that_is_no_object_has_no_fields_to_change(bank: Client) -> None:
    add_extra(bank.app.house.get("default").root, "word", "text")
    answer = bank.request("PATCH", "/_data/word", json={"a": 1})
    assert_problem(answer, 405, "method_not_allowed")
    assert "PATCH" not in answer.headers["allow"]
    assert bank.request("PUT", "/_data/word", json={"a": 1}).json() == {"a": 1}


@pytest.mark.parametrize("record_id", ["%00", "a%00b", "%F0%9F%95%8C", "'%3B--", "x" * 4000, "%25", " "])
def test_odd_identifiers_are_404(bank: Client, record_id: str) -> None:
    with unchanged(bank):
        for name in ("accounts", "transactions", "customer_settings", "things"):
            assert_problem(bank.get(f"/_data/{name}/{record_id}"), 404, "not_found")
            assert_problem(bank.request("PATCH", f"/_data/{name}/{record_id}", json={}), 404, "not_found")


def test_a_value_of_no_sense_at_all_is_refused(bank: Client) -> None:
    movement = {"account_id": FATIMA_CURRENT, "amount": "1.000", "direction": "DEBIT"}
    with unchanged(bank):
        for bad in NONSENSE:
            for name in ("booked_at", "status", "transaction_id", "channel", "amount", "account_id"):
                if (name, bad) != ("amount", 7):
                    answer = bank.post("/_data/transactions", movement | {name: bad})
                    assert answer.status_code == 422, (name, bad, answer.text)
        for odd in (True, "2", 1.0, None):
            answer = bank.request("PATCH", "/_data/things/1", json={"id": odd})
            assert answer.status_code == 422, odd
    assert bank.request("PATCH", "/_data/things/1", json={"id": "1", "a": 2}).json() == {"id": 1, "a": 2}


def test_identifiers_that_files_may_not_have_are_refused(bank: Client) -> None:
    with unchanged(bank):
        bads: list[Any] = ["", "x" * 65, "a\nb", 7, True, {}]
        for bad in bads:
            answer = bank.post("/_data/notifications", NOTE | {"notification_id": bad})
            assert answer.status_code == 422, bad


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("name", [*COLLECTIONS])
def test_whatever_is_written_the_answer_is_no_500_and_the_bank_is_sound(name: str) -> None:
    made = Client()
    fields = [field.name for field in COLLECTIONS[name].fields]
    known = made.get(f"/_data/{name}").json()[0]
    place = f"/_data/{name}/{known[COLLECTIONS[name].key]}"

    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    @given(
        body=st.dictionaries(st.sampled_from(fields) | st.text(min_size=1, max_size=6), JSON_VALUES, max_size=4),
        method=st.sampled_from(["PATCH", "PUT", "POST"]),
        whole=st.booleans(),
    )
    def writes(body: dict[str, Any], method: str, *, whole: bool) -> None:
        sent = {field: value for field, value in known.items() if whole} | body
        if method == "POST":
            sent.pop(COLLECTIONS[name].key, None)
        path = f"/_data/{name}" if method == "POST" else place
        answer = made.request(method, path, content=json.dumps(sent).encode(), headers=JSON)
        assert answer.status_code in {200, 201, 400, 409, 422}, answer.text
        if answer.status_code >= 400:
            assert answer.json()["code"] != "internal_error"

    try:
        writes()
        made.assert_sound()
    finally:
        made.close()


OPERATORS = ["", "_gte", "_lte", "_ne", "_like", ":eq", ":in", ":contains", ":gt", ":startsWith"]


@pytest.mark.parametrize("name", [*COLLECTIONS])
def test_whatever_is_asked_the_answer_is_no_500(name: str) -> None:
    made = Client()
    fields = [field.name for field in COLLECTIONS[name].fields]
    own = ["_sort", "_order", "_page", "_limit", "_per_page", "_start", "_end", "q", "_embed", "_expand"]
    names = st.sampled_from(own) | st.builds(str.__add__, st.sampled_from(fields), st.sampled_from(OPERATORS))
    usual = st.sampled_from(["true", "null", "2026-01-01", "1.000"])
    values = st.text(max_size=8) | st.integers(-2, 50).map(str) | usual

    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    @given(query=st.lists(st.tuples(names, values), max_size=4))
    def asks(query: list[tuple[str, str]]) -> None:
        answer = made.get(f"/_data/{name}", params=query)
        assert answer.status_code in {200, 400}, answer.text

    try:
        asks()
    finally:
        made.close()
