"""Bad input at every door: a clear problem, never a 500, and nothing changed."""

import json
from typing import Any

import pytest
from checks import ARJUN_CURRENT, FATIMA_CURRENT, FATIMA_SAVINGS, JSON, assert_problem, faults, unchanged
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import VIRTUAL, Client, User, transfer_body

from sandbox.app import create_app
from sandbox.bank import messages
from sandbox.core.vocabulary import NotificationChannel

GOOD = transfer_body(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000")

BODY_OPERATIONS = {
    "/v1/auth/login": "POST",
    "/v1/auth/challenges/known/verify": "POST",
    "/v1/auth/refresh": "POST",
    f"/v1/accounts/{FATIMA_CURRENT}": "PATCH",
    "/v1/deposits": "POST",
    "/v1/withdrawals": "POST",
    "/v1/transfers": "POST",
    "/v1/transfers/unknown/reversal": "POST",
    "/_sandbox/reset": "POST",
    "/_sandbox/sandboxes": "POST",
    "/_sandbox/scenarios/low-balance": "POST",
    "/_sandbox/messages/wait": "POST",
    "/_sandbox/snapshots": "POST",
    "/_sandbox/clock": "PUT",
    "/_sandbox/clock/advance": "POST",
}
MEDIA_TYPES: list[bytes | None] = [
    b"text/plain",
    b"application/xml",
    b"application/x-www-form-urlencoded",
    b"multipart/form-data; boundary=x",
    b"application/jsonp",
    b"json",
    b"",
    b"\xff\xfe",
    None,
]
BODY_MAY_BE_MISSING = ("reversal", "reset", "sandboxes", "low-balance", "wait")
NEEDS_A_BODY = [path for path in BODY_OPERATIONS if not path.endswith(BODY_MAY_BE_MISSING)]


def ask(user: User, path: str, content: bytes, headers: dict[str, Any] | None = None) -> Any:
    sent = {"idempotency-key": "k"} | (JSON if headers is None else headers)
    return user.request(BODY_OPERATIONS[path], path, content=content, headers=sent)


def test_every_operation_with_a_body_is_tried_here() -> None:
    app = create_app(VIRTUAL)
    # Bodies of the data plane are open, and tried in tests/data/test_bad_records_api.py.
    others = [op for op in app.table.operations if not op.template.startswith("/_data")]
    writing = {f"{op.method} {op.template}" for op in others if op.method in {"POST", "PATCH", "PUT"}}
    app.house.close()
    tried = {f"{method} {path}" for path, method in BODY_OPERATIONS.items()}
    tried = {text.replace(FATIMA_CURRENT, "{account_id}").replace("unknown", "{transfer_id}") for text in tried}
    tried = {text.replace("/known/", "/{challenge_id}/") for text in tried}
    tried = {text.replace("low-balance", "{scenario_name}") for text in tried}
    no_json = {
        "POST /v1/auth/logout",
        "POST /v1/auth/challenges/{challenge_id}/resend",
        "POST /_sandbox/import",
        "POST /_sandbox/snapshots/{name}/restore",
    }
    assert writing - tried == no_json
    assert tried <= writing


@pytest.mark.parametrize("path", BODY_OPERATIONS)
def test_broken_json_is_400_everywhere(fatima: User, path: str) -> None:
    with unchanged(fatima.client):
        for raw in (b"{", b'{"a":"\xff"}', b'{"a":NaN}', b'{"a":1,"a":1}', b"[" * 700 + b"]" * 700):
            assert_problem(ask(fatima, path, raw), 400, "malformed_json")


@pytest.mark.parametrize("path", BODY_OPERATIONS)
def test_a_wrong_shape_is_400_everywhere(fatima: User, path: str) -> None:
    with unchanged(fatima.client):
        bodies: list[Any] = [{"surprise": 1}, [], "x", 7, True]
        for body in bodies:
            assert faults(ask(fatima, path, json.dumps(body).encode())), body


@pytest.mark.parametrize("path", NEEDS_A_BODY)
def test_a_missing_body_is_400(fatima: User, path: str) -> None:
    with unchanged(fatima.client):
        assert_problem(ask(fatima, path, b""), 400, "malformed_json")
        assert_problem(ask(fatima, path, b"", headers={}), 400, "malformed_json")


@pytest.mark.parametrize("path", BODY_OPERATIONS)
def test_a_wrong_media_type_is_415(fatima: User, path: str) -> None:
    with unchanged(fatima.client):
        for media_type in MEDIA_TYPES:
            headers = {} if media_type is None else {"content-type": media_type}
            assert_problem(ask(fatima, path, b'{"a":1}', headers=headers), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "media_type", ["application/json; charset=utf-8", "application/json;charset=UTF-8", "APPLICATION/JSON"]
)
def test_parameters_of_the_media_type_are_fine(fatima: User, media_type: str) -> None:
    answer = ask(fatima, "/v1/transfers", json.dumps(GOOD).encode(), headers={"content-type": media_type})
    assert answer.status_code == 201


@pytest.mark.parametrize("path", BODY_OPERATIONS)
def test_ten_megabytes_are_413(fatima: User, path: str) -> None:
    with unchanged(fatima.client):
        assert_problem(ask(fatima, path, b'{"a":"' + b"x" * 10_000_000 + b'"}'), 413, "body_too_large")


def test_ten_megabytes_in_pieces_are_413(fatima: User) -> None:
    async def pieces() -> Any:
        for _ in range(100):
            yield b" " * 100_000

    with unchanged(fatima.client):
        headers = JSON | {"idempotency-key": "k"}
        answer = fatima.request("POST", "/v1/transfers", content=pieces(), headers=headers)
        assert_problem(answer, 413, "body_too_large")


AMOUNTS: dict[Any, str] = {
    "1.0000": "amount_decimals",
    "1.00": "amount_decimals",
    "1": "amount_decimals",
    "1.": "amount_decimals",
    "0.000": "amount_not_positive",
    "-1.000": "amount_not_positive",
    "-0.000": "amount_not_positive",
    "9007199254740.992": "amount_too_large",
    "9999999999999999.999": "amount_too_large",
    "99999999999999999999999.999": "amount_too_large",
    "NaN": "amount_malformed",
    "Infinity": "amount_malformed",
    "1e3": "amount_malformed",
    "+1.000": "amount_malformed",
    " 1.000": "amount_malformed",
    "1,000": "amount_malformed",
    "1.000 KWD": "amount_malformed",
    "٣.٠٠٠": "amount_malformed",
    "01.000": "amount_malformed",
    "": "amount_malformed",
    ".500": "amount_malformed",
    1: "wrong_type",
    1.5: "wrong_type",
    None: "wrong_type",
}


@pytest.mark.parametrize("path", ["/v1/transfers", "/v1/deposits", "/v1/withdrawals"])
def test_what_is_no_amount_is_400_and_moves_nothing(fatima: User, path: str) -> None:
    start = GOOD if path == "/v1/transfers" else {"account_id": FATIMA_CURRENT}
    with unchanged(fatima.client):
        for amount, code in AMOUNTS.items():
            body = start | {"amount": {"amount": amount, "currency": "KWD"}}
            assert faults(ask(fatima, path, json.dumps(body).encode())) == {"/amount/amount": code}, amount


@pytest.mark.parametrize("account_id", [ARJUN_CURRENT, "x", "0" * 64, "' OR 1=1", "../..", "💰", "\x7f"])
def test_a_foreign_id_in_a_body_is_404(fatima: User, account_id: str) -> None:
    body = GOOD | {"from_account_id": account_id}
    assert_problem(ask(fatima, "/v1/transfers", json.dumps(body).encode()), 404, "not_found")
    assert fatima.get("/v1/transfers").json()["items"] == []


SEGMENTS = ["%ff", "%00", "%C0%80", "%0d%0a", "%F0%9F%92%B0", "%E2%80%AE", "a;b=c", "%25", "%zz", "'", "*", "%20"]


@pytest.mark.parametrize(
    "path", ["/v1/accounts/{}", "/v1/transactions/{}", "/v1/transfers/{}", "/v1/accounts/{}/balances"]
)
def test_an_odd_id_in_a_path_is_404(fatima: User, path: str) -> None:
    with unchanged(fatima.client):
        for segment in (*SEGMENTS, "x" * 8000):
            assert_problem(fatima.get(path.format(segment)), 404, "not_found")


def test_a_path_that_leads_nowhere_is_404(fatima: User) -> None:
    paths = ["/v1", "/v1/", "/v2/accounts", "/v1/accounts/", "/v1//accounts", "/V1/accounts", "/v1/accounts/a/b/c"]
    paths += ["/v1/%ff", "/v1/accounts%00", "/v1/" + "a/" * 2000, "/" + "x" * 20_000, "/_sandbox", "/s"]
    for path in paths:
        assert_problem(fatima.get(path), 404, "not_found")


@pytest.mark.parametrize("name", ["nobody", "", "%ff", "%00", "DEFAULT", "x" * 100, "-a", "a_b", "%2e%2e"])
def test_an_unknown_sandbox_is_404_and_not_made(client: Client, name: str) -> None:
    assert_problem(client.get(f"/s/{name}/v1/accounts"), 404, "sandbox_unknown")
    assert len(client.get("/_sandbox/sandboxes").json()["items"]) == 1


@pytest.mark.parametrize("name", [b"nobody", b"\xff", b"a b", b"x" * 5000])
def test_an_unknown_sandbox_in_the_header_is_404(client: Client, name: bytes) -> None:
    headers: Any = {"x-sandbox": name}
    assert_problem(client.get("/v1/accounts", headers=headers), 404, "sandbox_unknown")
    assert_problem(client.post("/_sandbox/reset", headers=headers), 404, "sandbox_unknown")


@pytest.mark.parametrize(
    "query",
    [
        "surprise=1",
        "Limit=1",
        "li%6dits=1",
        "%00=1",
        "limit=1&surprise",
        "customer=x",
        "cursor[]=1",
        "x" * 5000,
        "=1",
        "=",
        "limit=1&=",
    ],
)
def test_an_unknown_query_parameter_is_400(fatima: User, query: str) -> None:
    with unchanged(fatima.client):
        assert set(faults(fatima.get(f"/v1/accounts?{query}")).values()) == {"unknown_parameter"}


def test_nothing_between_two_ampersands_is_no_parameter(fatima: User) -> None:
    assert fatima.get("/v1/accounts?&limit=1&&&").json() == fatima.get("/v1/accounts?limit=1").json()


def test_a_name_of_a_query_parameter_may_be_percent_encoded(fatima: User) -> None:
    assert fatima.get("/v1/accounts?li%6dit=1").json() == fatima.get("/v1/accounts?limit=1").json()


@pytest.mark.parametrize("query", ["cursor=%ff", "limit=%ff", "limit=1&cursor=a%c3", "customer_id=%C0%80"])
def test_a_query_parameter_that_is_no_utf8_is_400(fatima: User, query: str) -> None:
    name = query.rpartition("=")[0].rpartition("&")[2]
    with unchanged(fatima.client):
        assert faults(fatima.get(f"/v1/accounts?{query}")) == {f"?{name}": "wrong_encoding"}


def test_a_name_of_a_query_parameter_that_is_no_utf8_is_400(fatima: User) -> None:
    with unchanged(fatima.client):
        problem = assert_problem(fatima.get("/v1/accounts?%ff=1"), 400, "validation_failed")
    assert "wrong_encoding" in {fault["code"] for fault in problem["errors"]}


@pytest.mark.parametrize("query", ["limit=1&limit=1", "limit=1&limit=2", "limit=1&cursor=x&li%6dit=3", "limit&limit"])
def test_a_repeated_query_parameter_is_400(fatima: User, query: str) -> None:
    with unchanged(fatima.client):
        assert faults(fatima.get(f"/v1/accounts?{query}")) == {"?limit": "repeated_parameter"}


def test_a_repeated_dry_run_moves_nothing(fatima: User) -> None:
    with unchanged(fatima.client):
        answer = fatima.order("/v1/transfers?dry_run=false&dry_run=true", GOOD)
        assert faults(answer) == {"?dry_run": "repeated_parameter"}


@pytest.mark.parametrize(
    "name", ["authorization", "content-type", "host", "idempotency-key", "if-match", "x-sandbox", "Idempotency-Key"]
)
@pytest.mark.parametrize("same", [True, False])
def test_a_repeated_header_is_400(fatima: User, name: str, *, same: bool) -> None:
    sent = fatima.headers | JSON | {"idempotency-key": "k", "if-match": '"x"', "x-sandbox": "default"}
    sent["host"] = "localhost"
    pairs = [*sent.items(), (name, sent[name.lower()] if same else "other")]
    with unchanged(fatima.client):
        answer = fatima.client.request("POST", "/v1/transfers", json=GOOD, headers=pairs)
        assert faults(answer) == {f"header:{name.lower()}": "repeated_header"}


def test_every_repeated_header_is_named(fatima: User) -> None:
    pairs = [*fatima.headers.items(), *(JSON | {"idempotency-key": "a"}).items(), ("idempotency-key", "b")]
    pairs += [("x-sandbox", "default"), ("x-sandbox", "default")]
    answer = fatima.client.request("POST", "/v1/transfers", json=GOOD, headers=pairs)
    assert faults(answer) == {"header:idempotency-key": "repeated_header", "header:x-sandbox": "repeated_header"}


def test_a_header_that_decides_nothing_may_stand_twice(fatima: User) -> None:
    pairs = [*fatima.headers.items(), ("accept", "*/*"), ("accept", "text/plain"), ("x-forwarded-for", "1.2.3.4")]
    assert fatima.client.request("GET", "/v1/accounts", headers=pairs).status_code == 200


QUERY_FAULTS = {
    "/v1/accounts?limit=0": ("?limit", "too_small", "must be 1 or more"),
    "/v1/accounts?limit=201": ("?limit", "too_large", "must be 200 or less"),
    "/v1/accounts?limit=x": ("?limit", "wrong_type", "must be a whole number"),
    f"/v1/accounts?cursor={'a' * 201}": ("?cursor", "too_long", "must have at most 200 characters"),
    "/v1/accounts?customer_id=": ("?customer_id", "too_short", "must not be empty"),
    "/v1/transactions?direction=up": (
        "?direction", "not_allowed", "must be one of credit, debit",
    ),
    "/_sandbox/messages?channel=fax": ("?channel", "not_allowed", "must be one of push, sms, email"),
    "/_sandbox/messages/latest?channel=": ("?channel", "not_allowed", "must be one of push, sms, email"),
    "/v1/transactions?q=%00": ("?q", "wrong_format", "must not contain NUL"),
    "/v1/transactions?q=%ff": ("?q", "wrong_encoding", "is not percent-encoded UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize("query", QUERY_FAULTS)
def test_a_fault_of_the_query_is_said_in_our_words(fatima: User, query: str) -> None:
    problem = assert_problem(fatima.get(query), 400, "validation_failed")
    pointer, code, detail = QUERY_FAULTS[query]
    assert problem["errors"] == [{"pointer": pointer, "code": code, "detail": detail}]


def test_a_switch_of_the_query_is_true_or_false(fatima: User) -> None:
    problem = assert_problem(fatima.order("/v1/transfers?dry_run=maybe", GOOD), 400, "validation_failed")
    assert problem["errors"] == [{"pointer": "?dry_run", "code": "wrong_type", "detail": "must be true or false"}]


def test_every_operation_refuses_an_unknown_query_parameter(client: Client, fatima: User) -> None:
    admin = client.login("admin")
    for operation in client.app.table.operations:
        if operation.query is None:
            continue  # it reads its query itself, by the collection: see tests/data/test_queries_api.py
        user = fatima if operation.roles is None or "customer" in operation.roles else admin
        path = operation.template.replace("{", "").replace("}", "")
        answer = user.request(operation.method, f"{path}?surprise=1")
        assert faults(answer) == {"?surprise": "unknown_parameter"}, operation


@pytest.mark.parametrize("path", ["/v1/accounts", "/v1/transactions", "/v1/transfers"])
def test_a_bad_limit_is_400(fatima: User, path: str) -> None:
    for limit in ("0", "-1", "201", "1.5", "x", "", "%ff", "%00", "9" * 30, "0x10", "NaN", "1 "):
        assert set(faults(fatima.get(f"{path}?limit={limit}"))) == {"?limit"}, limit


def test_a_bad_cursor_is_400(fatima: User) -> None:
    cursors = ["", "x", "%00", "====", "YQ", "YWNjb3VudHM6", "YWNjb3VudHM6LTE", "YWNjb3VudHM6MTox", "🦆"]
    cursors += ["a" * 150, "YWNjb3VudHM65LqU", "YWNjb3VudHM6MTE1MjkyMTUwNDYwNjg0Njk3NjAw"]
    for cursor in cursors:
        assert faults(fatima.get(f"/v1/accounts?cursor={cursor}")) == {"?cursor": "invalid_cursor"}, cursor


def test_a_cursor_of_another_list_is_400(client: Client) -> None:
    auditor = client.login("auditor")
    lists = ("/v1/accounts", "/v1/transactions", "/v1/audit-logs")
    cursors = {path: auditor.get(f"{path}?limit=1").json()["page"]["next_cursor"] for path in lists}
    for path in lists:
        for origin, cursor in cursors.items():
            answer = auditor.get(path, params={"cursor": cursor})
            if origin == path:
                assert answer.status_code == 200
            else:
                assert faults(answer) == {"?cursor": "invalid_cursor"}


def test_a_cursor_of_somebody_else_shows_only_ones_own(client: Client, fatima: User) -> None:
    cursor = client.login("auditor").get("/v1/accounts?limit=1").json()["page"]["next_cursor"]
    answer = fatima.get("/v1/accounts", params={"cursor": cursor})
    assert {account["customer_id"] for account in answer.json()["items"]} == {fatima.tokens["user"]["customer_id"]}


@pytest.mark.parametrize("value", [b"\xff\xfe\x80", b"", b",,,;;;q=", b"x" * 20_000, b'"', b"*;q=NaN", b"\x7f\x01"])
def test_odd_header_bytes_do_no_harm(fatima: User, value: bytes) -> None:
    names = ["accept", "accept-language", "accept-encoding", "if-none-match", "if-match", "x-request-id", "prefer"]
    names += ["x-forwarded-for", "user-agent", "sandbank-directive", "range", "expect", "cookie", "content-encoding"]
    with unchanged(fatima.client):
        for name in names:
            headers: Any = {name: value}
            answer = fatima.get(f"/v1/accounts/{FATIMA_CURRENT}", headers=headers)
            assert answer.status_code in {200, 304}, (name, answer.text)
            assert_problem(fatima.get("/v1/accounts/unknown", headers=headers), 404, "not_found")


@pytest.mark.parametrize("value", [b"\xff\xfe\x80", b"", b"x" * 20_000, b"94.128.33.208\x00"])
@pytest.mark.parametrize("header", ["user-agent", "x-forwarded-for"])
def test_odd_header_bytes_that_are_kept_do_no_harm(client: Client, header: str, value: bytes) -> None:
    body = {"username": "fatima", "password": "Fatima-2026!"}
    headers: Any = {header: value}
    assert client.post("/v1/auth/login", body, headers=headers).status_code == 200
    assert client.login("auditor").get("/v1/audit-logs").status_code == 200
    client.assert_sound()


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KNOWN_NAMES = [
    *("username", "password", "device", "refresh_token", "nickname", "account_id", "amount", "currency", "channel"),
    *("reference", "from_account_id", "to", "iban", "name", "purpose", "reason", "seed", "id", "from", "ecosystem"),
]
KNOWN_VALUES = st.sampled_from(
    [FATIMA_CURRENT, ARJUN_CURRENT, "KWD", "1.000", "KW07SNBK0000000000000100417001", "fatima", "", "atm", 0, 2**53]
)
LIKELY = st.recursive(
    JSON_VALUES | KNOWN_VALUES,
    lambda inner: st.dictionaries(st.sampled_from(KNOWN_NAMES), inner, max_size=6),
    max_leaves=10,
)


def test_random_bodies_never_break_the_server() -> None:
    client = Client()
    user = client.login()

    @settings(max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(path=st.sampled_from(sorted(BODY_OPERATIONS)), body=JSON_VALUES | LIKELY, dry=st.booleans())
    def try_one(path: str, body: Any, dry: bool) -> None:  # noqa: FBT001
        nonlocal user
        known = path.startswith(("/v1/deposits", "/v1/withdrawals", "/v1/transfers"))
        target = f"{path}?dry_run=true" if dry and known else path
        headers = JSON | {"idempotency-key": client.next_key()}
        if path.endswith("/wait"):
            # A body that asks for nothing special is answered at once.
            root = client.app.house.get("default").root
            root.write(messages.send, NotificationChannel.SMS, "+96599001234", "Hello")
        answer = user.request(BODY_OPERATIONS[path], target, content=json.dumps(body).encode(), headers=headers)
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            assert_problem(answer, answer.status_code, answer.json()["code"])
        elif path == "/_sandbox/reset":
            user = client.login()

    try:
        try_one()
        client.assert_sound()
    finally:
        client.close()


def test_random_bytes_never_break_the_server() -> None:
    client = Client()
    user = client.login()

    @settings(max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(path=st.sampled_from(NEEDS_A_BODY), raw=st.binary(min_size=1, max_size=60))
    def try_one(path: str, raw: bytes) -> None:
        answer = ask(user, path, raw)
        assert answer.status_code == 400
        assert_problem(answer, 400, answer.json()["code"])

    try:
        with unchanged(client):
            try_one()
    finally:
        client.close()
