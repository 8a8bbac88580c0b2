"""Headers: entity tags and conditions, HEAD, OPTIONS, Location, Link, request ids, business time, gzip."""

import gzip
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import pytest
from checks import FATIMA_CURRENT, FATIMA_SAVINGS, Filled, assert_problem, unchanged
from support import Client, User, transfer_body

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNT = f"/v1/accounts/{FATIMA_CURRENT}"
SINGLES = [ACCOUNT, f"{ACCOUNT}/balances", "/v1/auth/me", "/.well-known/jwks.json"]


def business_time(response: httpx.Response) -> datetime:
    return datetime.fromisoformat(response.headers["sandbank-time"])


def rename(user: User, nickname: str, **headers: str) -> httpx.Response:
    return user.request("PATCH", ACCOUNT, json={"nickname": nickname}, headers=headers)


@pytest.mark.parametrize("path", SINGLES)
def test_a_single_resource_has_a_strong_tag(fatima: User, path: str) -> None:
    first, second = fatima.get(path), fatima.get(path)
    assert first.headers["etag"] == second.headers["etag"]
    assert first.headers["etag"].startswith('"')


@pytest.mark.parametrize("path", SINGLES)
def test_whoever_has_the_resource_gets_304_without_a_body(fatima: User, path: str) -> None:
    tag = fatima.get(path).headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = fatima.get(path, headers={"if-none-match": known})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == tag
        assert "x-request-id" in answer.headers
        assert "content-type" not in answer.headers
    for other in ('"other"', "", tag.strip('"')):
        assert fatima.get(path, headers={"if-none-match": other}).status_code == 200


def test_a_resource_of_every_kind_has_a_tag(client: Client, fatima: User) -> None:
    made = fatima.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000").json()["transfer_id"]
    moved = fatima.get("/v1/transactions?limit=1").json()["items"][0]["transaction_id"]
    for path in (f"/v1/transfers/{made}", f"/v1/transactions/{moved}"):
        tag = fatima.get(path).headers["etag"]
        assert fatima.get(path, headers={"if-none-match": tag}).status_code == 304
    assert "etag" not in client.login("auditor").get("/v1/ledger/trial-balance").headers, "a report is no resource"


def test_a_tag_changes_with_the_resource(fatima: User) -> None:
    before = fatima.get(ACCOUNT).headers["etag"]
    fatima.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000")
    after = fatima.get(ACCOUNT, headers={"if-none-match": before})
    assert after.status_code == 200
    assert after.headers["etag"] != before


def test_a_change_to_what_was_read_goes_through(fatima: User) -> None:
    tag = fatima.get(ACCOUNT).headers["etag"]
    changed = rename(fatima, "one", **{"if-match": tag})
    assert changed.status_code == 200
    assert rename(fatima, "two", **{"if-match": f'"x", {changed.headers["etag"]}'}).status_code == 200
    assert rename(fatima, "three", **{"if-match": "*"}).status_code == 200
    assert rename(fatima, "four").status_code == 200


@pytest.mark.parametrize("wanted", ['"old"', "", "W/", '"a", "b"'])
def test_a_change_to_what_has_changed_is_412(fatima: User, wanted: str) -> None:
    with unchanged(fatima.client):
        assert_problem(rename(fatima, "late", **{"if-match": wanted}), 412, "precondition_failed")


def test_a_weak_tag_is_no_ground_for_a_change(fatima: User) -> None:
    tag = fatima.get(ACCOUNT).headers["etag"]
    assert_problem(rename(fatima, "weak", **{"if-match": f"W/{tag}"}), 412, "precondition_failed")


def test_of_two_changes_to_one_reading_the_second_is_412(fatima: User) -> None:
    tag = fatima.get(ACCOUNT).headers["etag"]
    assert rename(fatima, "first", **{"if-match": tag}).status_code == 200
    assert_problem(rename(fatima, "second", **{"if-match": tag}), 412, "precondition_failed")
    assert fatima.get(ACCOUNT).json()["nickname"] == "first"


def test_head_answers_wherever_get_does_with_the_same_headers(client: Client, fatima: User) -> None:
    admin = client.login("admin")
    asked = 0
    for operation in client.app.table.operations:
        if operation.method != "GET":
            continue
        asked += 1
        user = fatima if operation.roles is None or "customer" in operation.roles else admin
        path = operation.template.format_map(Filled(account_id=FATIMA_CURRENT, sandbox_id="default"))
        headers = {"x-request-id": "same"}
        got, head = (user.request(method, path, headers=headers) for method in ("GET", "HEAD"))
        assert head.status_code == got.status_code, path
        assert head.content == b"", path
        differs = {"content-length"} if operation.operation_id == "metrics" else set()  # it counts the first of the two
        told, expected = ({n: v for n, v in a.headers.items() if n not in differs} for a in (head, got))
        assert told == expected, path
    assert asked > 15


def test_head_of_what_is_not_there_has_no_body(client: Client, fatima: User) -> None:
    for path in ("/nowhere", "/v1/accounts/x", "/s/nobody/v1/accounts"):
        answer = fatima.request("HEAD", path)
        assert (answer.status_code, answer.content) == (404, b"")
    assert client.request("HEAD", "/v1/accounts").content == b""
    assert client.request("HEAD", "/v1/transfers/x/reversal").status_code == 405


def test_options_names_the_methods_of_every_path(client: Client) -> None:
    paths: dict[str, set[str]] = {}
    for operation in client.app.table.operations:
        paths.setdefault(operation.template, {"OPTIONS"}).add(operation.method)
    for template, methods in paths.items():
        answer = client.request("OPTIONS", template.replace("{", "").replace("}", ""))
        assert (answer.status_code, answer.content) == (204, b"")
        expected = methods | ({"HEAD"} if "GET" in methods else set())
        assert set(answer.headers["allow"].split(", ")) == expected


def test_options_of_nothing_is_404(client: Client) -> None:
    assert_problem(client.request("OPTIONS", "/nowhere"), 404, "not_found")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "BREW", "PROPFIND"])
def test_another_method_is_405_with_the_ones_there_are(client: Client, method: str) -> None:
    answer = client.request(method, "/v1/transfers")
    assert_problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


def test_a_405_needs_no_token(client: Client) -> None:
    assert_problem(client.get("/v1/auth/login"), 405, "method_not_allowed")


def test_location_leads_to_what_was_made(client: Client, fatima: User) -> None:
    answer = fatima.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000")
    assert fatima.get(answer.headers["location"]).json() == answer.json()
    made = client.post("/_sandbox/sandboxes", {"id": "t1"})
    assert client.get(made.headers["location"]).json() == made.json()


def test_location_and_link_stay_in_the_sandbox_of_the_path(client: Client) -> None:
    client.post("/_sandbox/sandboxes", {"id": "t1"})
    user = client.login(at="/s/t1")
    made = user.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000")
    assert made.headers["location"].startswith("/s/t1/v1/transfers/")
    link = user.get("/v1/transactions?limit=1").links["next"]["url"]
    assert link.startswith("/s/t1/v1/transactions?")
    assert client.get(link, headers=user.headers).status_code == 200


def test_link_leads_to_what_follows_and_keeps_the_query(fatima: User) -> None:
    answer = fatima.get("/v1/transactions", params={"limit": 2, "q": "a & b=c"})
    assert "link" not in answer.headers
    answer = fatima.get("/v1/transactions", params={"limit": "2", "direction": "debit", "from": "2025-11-01"})
    following = httpx.URL(answer.links["next"]["url"])
    assert dict(following.params) == {
        "limit": "2",
        "direction": "debit",
        "from": "2025-11-01",
        "cursor": answer.json()["page"]["next_cursor"],
    }
    again = fatima.get(str(following))
    assert again.status_code == 200
    assert "cursor" not in dict(httpx.URL(answer.links["next"]["url"]).params.remove("cursor"))
    assert str(again.links["next"]["url"]).count("cursor=") == 1


def test_a_request_id_is_echoed(fatima: User) -> None:
    for path in ("/v1/accounts", "/nowhere", "/_sandbox/health", "/s/nobody/v1/accounts"):
        assert fatima.get(path, headers={"x-request-id": "abc 123"}).headers["x-request-id"] == "abc 123"


@pytest.mark.parametrize("given", [b"", b" ", b"x" * 129, b"\xff", b"a\tb", "طلب".encode()])
def test_a_request_id_that_is_not_fit_to_be_echoed_is_replaced(fatima: User, given: bytes) -> None:
    headers: Any = {"x-request-id": given}
    made = fatima.get("/v1/accounts", headers=headers).headers["x-request-id"]
    assert len(made) == 36


def test_made_request_ids_differ_and_repeat_after_a_reset(client: Client) -> None:
    def ids() -> list[str]:
        return [client.get("/v1/accounts").headers["x-request-id"] for _ in range(3)]

    first = ids()
    assert len(set(first)) == 3
    client.post("/_sandbox/reset")
    assert ids() == first


def test_made_request_ids_of_the_control_plane_are_of_the_same_kind_and_repeat_too(client: Client) -> None:
    def ids() -> list[str]:
        return [client.get(path).headers["x-request-id"] for path in ("/_sandbox/info", "/_sandbox/digest") * 2]

    client.post("/_sandbox/reset")
    first = ids()
    assert len(set(first)) == 4
    assert all(str(UUID(request_id)) == request_id for request_id in first)
    client.get("/v1/accounts")
    client.post("/_sandbox/reset")
    assert ids() == first, "the bank plane does not move them"


def test_the_control_plane_does_not_move_the_ids_of_the_bank_plane(client: Client) -> None:
    first = client.get("/v1/accounts").headers["x-request-id"]
    client.post("/_sandbox/reset")
    for _ in range(3):
        client.get("/_sandbox/health")
    assert client.get("/v1/accounts").headers["x-request-id"] == first


def test_business_time_moves_one_millisecond_a_write_and_not_on_reads(fatima: User) -> None:
    start = business_time(fatima.get("/v1/accounts"))
    for path in ("/v1/accounts", "/v1/transactions", ACCOUNT, "/v1/accounts/x", "/_sandbox/digest"):
        assert business_time(fatima.get(path)) == start
    cash = {"account_id": FATIMA_CURRENT, "amount": {"amount": "1.000", "currency": "KWD"}}
    writes: tuple[Callable[[], httpx.Response], ...] = (
        lambda: fatima.order("/v1/deposits", cash),
        lambda: rename(fatima, "x"),
        lambda: fatima.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000"),
        lambda: fatima.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "100000.000"),
        lambda: fatima.client.post("/v1/auth/login", {"username": "arjun", "password": "wrong"}),
    )
    for number, write in enumerate(writes, 1):
        assert business_time(write()) == start + timedelta(milliseconds=number)
    assert business_time(fatima.order("/v1/deposits", {})) == start + timedelta(milliseconds=len(writes))
    body = transfer_body(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000")
    assert business_time(fatima.order("/v1/transfers?dry_run=true", body)) == start + timedelta(milliseconds=5)


def test_gzip_gives_the_same_bytes_each_time_and_the_right_ones(fatima: User) -> None:
    plain = fatima.get("/v1/transactions")
    packed = [raw_body(fatima, "/v1/transactions", "gzip") for _ in range(2)]
    assert packed[0][1] == packed[1][1]
    headers, body = packed[0]
    assert headers["content-encoding"] == "gzip"
    assert int(headers["content-length"]) == len(body) < len(plain.content)
    assert gzip.decompress(body) == plain.content


def test_an_answer_that_may_be_packed_says_that_it_varies(fatima: User) -> None:
    for accept in ("gzip", "identity"):
        answer = fatima.get("/v1/transactions", headers={"accept-encoding": accept})
        assert "accept-encoding" in answer.headers.get("vary", "").lower(), accept


@pytest.mark.parametrize("accept", ["identity", "br", "", "gzip;q=0", "gzip; q=0.0, identity"])
def test_who_takes_no_gzip_gets_none(fatima: User, accept: str) -> None:
    headers, body = raw_body(fatima, "/v1/transactions", accept)
    assert "content-encoding" not in headers
    assert body.startswith(b"{")


@pytest.mark.parametrize("accept", ["gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.5", "GZIP", "*"])
def test_who_takes_gzip_gets_it(fatima: User, accept: str) -> None:
    headers, _ = raw_body(fatima, "/v1/transactions", accept)
    assert headers.get("content-encoding") == "gzip" or accept == "*"


def test_small_answers_are_not_packed(fatima: User) -> None:
    headers, _ = raw_body(fatima, f"{ACCOUNT}/balances", "gzip")
    assert "content-encoding" not in headers


def raw_body(user: User, path: str, accept: str) -> tuple[httpx.Headers, bytes]:
    """An answer's headers and its bytes as they are sent."""

    async def ask() -> tuple[httpx.Headers, bytes]:
        headers = user.headers | {"accept-encoding": accept}
        async with user.client.http.stream("GET", path, headers=headers) as answer:
            return answer.headers, b"".join([piece async for piece in answer.aiter_raw()])

    return user.client.run(ask())
