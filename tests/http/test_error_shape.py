"""One shape of refusal on every operation: whatever is wrong with a request, whoever finds it out, in both languages.

Each kind of refusal is asked of every operation of the path table that can give it, with and without the prefix of a
sandbox; a new operation is covered on the day that it is registered. What a refusal means is tested where its rule is.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from checks import FATIMA_CURRENT, FATIMA_CUSTOMER, Filled, assert_problem, serving, unchanged
from litestar.routes import HTTPRoute
from pages import text_of
from support import VIRTUAL, Client

from sandbox.core.catalogue import catalogue
from sandbox.core.vocabulary import Role
from sandbox.http.operations import OPTIONAL_BODY, ROLES, Operation
from sandbox.http.origins import UNGUARDED, is_guarded
from sandbox.sandboxes.house import House

ALWAYS = ["type", "title", "status", "detail", "instance", "code"]
"""The first members of every problem, in this order; `request_id` is the last."""
INTERNAL = re.compile(
    r"Traceback|litestar|msgspec|sqlalchemy|sqlite|uvicorn|\.py\b|\bobject at 0x|line [0-9]+, in", re.IGNORECASE
)
"""What would tell of the house behind the door."""
FILLED = Filled(
    account_id=FATIMA_CURRENT, collection="customers", record_id=FATIMA_CUSTOMER, scenario_name="low-balance"
)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
USERS = {Role.CUSTOMER: "fatima", Role.AUDITOR: "auditor", Role.ADMIN: "admin"}
CONTROL_TOKEN = "a-token-for-tests-only"
LANGUAGES = ("en", "ar")


class Ask(NamedTuple):
    """A request that must be refused."""

    method: str
    path: str
    options: dict[str, Any]
    alone: bool = False
    """Whether it says itself which sandbox it is for, so that a path would say another."""


class Server:
    """A server, who is signed in there, and what its OpenAPI document says."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.operations = client.app.table.operations
        self.tokens: dict[Role, dict[str, str]] = {}
        self.bodies: dict[str, str] = {}
        """The media type of the body, by operation; those that take none are not here."""
        self.needs_body: set[str] = set()
        self.methods: dict[str, set[str]] = {}

    def open(self, *, at: str = "") -> "Server":
        """Sign everybody in, under a prefix where the server is strict, and read the OpenAPI document."""
        self.tokens = {role: self.client.login(username, at=at).headers for role, username in USERS.items()}
        for path in self.client.get("/openapi.json").json()["paths"].values():
            for described in path.values():
                for media_type in described.get("requestBody", {}).get("content", ()):
                    self.bodies[described["operationId"]] = media_type
        for handler in handlers(self.client):
            if not handler.opt.get(OPTIONAL_BODY):
                self.needs_body.add(str(handler.operation_id))
        for operation in self.operations:
            self.methods.setdefault(operation.template, set()).add(operation.method)
        assert len(self.operations) > 50
        assert len(self.bodies) > 15
        return self

    def ask(self, operation: Operation, *, query: str = "", **options: Any) -> Ask:
        """The operation, asked by somebody who may."""
        headers: Any = options.pop("headers", {})
        if operation.roles is not None and isinstance(headers, dict):
            headers = self.tokens[operation.roles[0]] | headers
        path = operation.template.format_map(FILLED) + query
        return Ask(operation.method, path, options | {"headers": headers})


def handlers(client: Client) -> list[Any]:
    """The route handlers of a server, but for those that Litestar adds."""
    routes = [route for route in client.app.litestar.routes if isinstance(route, HTTPRoute)]
    return [handler for route in routes for handler, _ in route.route_handler_map.values() if ROLES in handler.opt]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that refuses everything it is asked here, and so stays as it is."""
    client = Client(VIRTUAL)
    opened = Server(client).open()
    with unchanged(client):
        yield opened
    client.close()


def sent(client: Client, ask: Ask, *, at: str = "", language: str = "en") -> httpx.Response:
    """Ask, in a language."""
    headers = ask.options["headers"]
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
    options = ask.options | {"headers": [*pairs, ("accept-language", language)]}
    return client.request(ask.method, at + ask.path, **options)


def added_members() -> dict[str, set[str]]:
    """The members that problems add of their own, as docs/problems.md has them."""
    rows = re.findall(r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \|", text_of("docs/problems.md"), re.MULTILINE)
    return {code: set(re.findall(r"\w+", members)) for code, members in rows}


ADDED = added_members()


def assert_shape(answer: httpx.Response, ask: Ask, code: str, language: str) -> None:
    """The answer is the problem `code` in the one shape."""
    kind = catalogue()[code]
    body = assert_problem(answer, kind.status, code)
    members = list(body)
    assert members[: len(ALWAYS)] == ALWAYS
    assert members[-1] == "request_id"
    allowed = {*ALWAYS, "request_id", *ADDED.get(code, ())} | ({"reason"} if kind.reason else set())
    allowed |= {"errors"} if code == "validation_failed" else set()
    assert set(members) <= allowed, "docs/problems.md has what a problem may add"
    assert body["title"] == (kind.title_ar if language == "ar" else kind.title)
    assert body["instance"] == re.sub(r"^/s/[^/]+", "", ask.path.partition("?")[0])
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert not INTERNAL.search(body["detail"]), body["detail"]
    assert body["detail"].endswith((".", ")")), "a sentence"
    for fault in body.get("errors", ()):
        assert list(fault) == ["pointer", "code", "detail"]
        assert not INTERNAL.search(fault["detail"]), fault


def assert_refused(server: Server, asks: list[Ask], code: str, *, least: int = 1) -> None:
    """Each request is refused with the problem `code`, in each language and under the prefix of a sandbox too."""
    assert len(asks) >= least, "too few operations: the test would say nothing"
    wrong = []
    for ask in asks:
        for at in ("",) if ask.alone else ("", "/s/default"):
            for language in LANGUAGES:
                answer = sent(server.client, ask, at=at, language=language)
                try:
                    assert_shape(answer, ask, code, language)
                except AssertionError as error:
                    wrong.append(f"{ask.method} {at}{ask.path} ({language}): {answer.status_code} {error}")
    assert not wrong, "\n".join(wrong)


Kind = tuple[str, int, Callable[[Server, Operation], "Ask | None"]]
"""A problem's code, how many operations give it at least, and how: None where an operation cannot."""


def for_a_token(server: Server, operation: Operation, headers: dict[str, str]) -> Ask | None:
    """An operation behind a token, asked with these headers alone."""
    asked = server.ask(operation)
    return None if operation.roles is None else asked._replace(options={"headers": headers})


def by_a_role_that_may_not(server: Server, operation: Operation) -> Ask | None:
    """An operation that is not for everybody, asked by somebody else."""
    others = [role for role in Role if operation.roles is not None and role not in operation.roles]
    return server.ask(operation, headers=server.tokens[others[0]]) if others else None


def with_body(server: Server, operation: Operation, content: bytes, *, only: str = "", kind: str = "") -> Ask | None:
    """An operation that takes a body (of the media type `only`), with this one (said to be a `kind`)."""
    media_type = server.bodies.get(operation.operation_id)
    if media_type is None or (only and media_type != only):
        return None
    headers = {"content-type": kind or media_type, "idempotency-key": "k"}
    return server.ask(operation, content=content, headers=headers)


def with_no_body(server: Server, operation: Operation) -> Ask | None:
    """An operation that needs a body, without one."""
    needs = operation.operation_id in server.needs_body
    return with_body(server, operation, b"", only="application/json") if needs else None


def with_strange_field(server: Server, operation: Operation, content: bytes) -> Ask | None:
    """The same, for bodies that are closed: records of the data plane keep any field."""
    if operation.template.startswith("/_data"):
        return None
    return with_body(server, operation, content, only="application/json")


def with_query(server: Server, operation: Operation, query: str) -> Ask | None:
    """An operation whose parameters are known, with this query."""
    return None if operation.query is None else server.ask(operation, query=query)


def on_guarded(server: Server, operation: Operation, **headers: str) -> Ask | None:
    """An operation of the control or data plane, with these headers."""
    if not is_guarded(operation.template) or operation.template in UNGUARDED:
        return None
    return server.ask(operation, headers={name.replace("_", "-"): value for name, value in headers.items()})


def twice(server: Server, operation: Operation) -> Ask:
    """A request that names two sandboxes."""
    asked = server.ask(operation)
    pairs = [*asked.options["headers"].items(), ("x-sandbox", "default"), ("x-sandbox", "other")]
    return asked._replace(options={"headers": pairs})


def elsewhere(server: Server, operation: Operation, *, prefix: str = "", **headers: str) -> Ask:
    """A request for another sandbox, by path or header."""
    asked = server.ask(operation, headers={name.replace("_", "-"): value for name, value in headers.items()})
    return asked._replace(path=prefix + asked.path, alone=True)


KINDS: dict[str, Kind] = {
    "no token": ("unauthenticated", 15, lambda s, o: for_a_token(s, o, {})),
    "another scheme": ("unauthenticated", 15, lambda s, o: for_a_token(s, o, {"authorization": "Basic eDp5"})),
    "a token of nobody": ("token_invalid", 15, lambda s, o: for_a_token(s, o, {"authorization": "Bearer x.y.z"})),
    "a role that may not": ("forbidden", 5, by_a_role_that_may_not),
    "unknown sandbox by path": ("sandbox_unknown", 50, lambda s, o: elsewhere(s, o, prefix="/s/none")),
    "unknown sandbox by header": ("sandbox_unknown", 50, lambda s, o: elsewhere(s, o, x_sandbox="none")),
    "unknown sandbox by host": ("sandbox_unknown", 50, lambda s, o: elsewhere(s, o, host="none.localhost")),
    "unknown parameter": ("validation_failed", 50, lambda s, o: with_query(s, o, "?surprise=1")),
    "parameter that is no UTF-8": ("validation_failed", 50, lambda s, o: s.ask(o, query="?%ff=%ff")),
    "repeated parameter": ("validation_failed", 50, lambda s, o: with_query(s, o, "?a=1&a=2")),
    "repeated header": ("validation_failed", 50, twice),
    "no body": ("malformed_json", 10, with_no_body),
    "broken JSON": ("malformed_json", 15, lambda s, o: with_body(s, o, b'{"a":', only="application/json")),
    "a body that is no UTF-8": ("malformed_json", 15, lambda s, o: with_body(s, o, b'"\xff"', only="application/json")),
    "a field twice": ("malformed_json", 15, lambda s, o: with_body(s, o, b'{"a":1,"a":2}', only="application/json")),
    "NaN": ("malformed_json", 15, lambda s, o: with_body(s, o, b'{"a":NaN}', only="application/json")),
    "too deep": ("malformed_json", 15, lambda s, o: with_body(s, o, b"[" * 99 + b"]" * 99, only="application/json")),
    "unknown field": ("validation_failed", 12, lambda s, o: with_strange_field(s, o, b'{"surprise":1}')),
    "no object": ("validation_failed", 12, lambda s, o: with_strange_field(s, o, b"[1]")),
    "another media type": ("unsupported_media_type", 16, lambda s, o: with_body(s, o, b"<a/>", kind="text/xml")),
    "no media type": ("unsupported_media_type", 16, lambda s, o: with_body(s, o, b"{}", kind=" ")),
    "foreign host": ("host_not_allowed", 20, lambda s, o: on_guarded(s, o, host="evil.example")),
    "foreign page": ("origin_not_allowed", 20, lambda s, o: on_guarded(s, o, origin="https://evil.example")),
    "image of a foreign page": ("origin_not_allowed", 20, lambda s, o: on_guarded(s, o, sec_fetch_site="cross-site")),
}  # fmt: skip


def asks_of(server: Server, made: Callable[[Server, Operation], "Ask | None"]) -> list[Ask]:
    """What is asked of the operations that can give a refusal."""
    return [ask for operation in server.operations if (ask := made(server, operation)) is not None]


@pytest.mark.parametrize("kind", KINDS)
def test_every_operation_refuses_in_one_shape(server: Server, kind: str) -> None:
    code, least, made = KINDS[kind]
    assert_refused(server, asks_of(server, made), code, least=least)


def test_every_path_refuses_a_method_that_it_has_not(server: Server) -> None:
    asks = [
        Ask(method, template.format_map(FILLED), {"headers": {}})
        for template, methods in server.methods.items()
        for method in sorted({*METHODS, "TRACE", "BREW"} - methods)
    ]
    assert_refused(server, asks, "method_not_allowed", least=200)


def test_a_head_that_is_refused_has_the_headers_of_the_get_and_no_body(server: Server) -> None:
    asked = 0
    for kind in ("no token", "a role that may not", "unknown sandbox by path", "unknown parameter", "foreign page"):
        code, _, made = KINDS[kind]
        for ask in asks_of(server, made):
            if ask.method == "GET":
                asked += 1
                same = ask._replace(options={"headers": ask.options["headers"] | {"x-request-id": "same"}})
                got, head = (sent(server.client, same._replace(method=method)) for method in ("GET", "HEAD"))
                assert got.json()["code"] == code
                assert head.content == b""
                assert (head.status_code, dict(head.headers)) == (got.status_code, dict(got.headers)), ask
    assert asked > 80


NOWHERE = (
    "/nowhere", "/v1", "/v1/", "/v1/accounts/", "/v1//accounts", "//evil.example/v1", "/v1/accounts/a%2Fb", "/%2Fv1",
    "/v1/accounts%00", "/v1/%ff", "/V1/accounts", "/.well-known", "/_sandbox", "/_sandbox/",
    "/_sandbox/info/", "/_data/", "/openapi.json/", "/favicon.ico", "/_litestar", "/_litestar/document.json",
    f"/{'x' * 20_000}", "/v1/" + "a/" * 2_000,
)  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "BREW"])
@pytest.mark.parametrize("path", NOWHERE, ids=lambda path: path[:30])
def test_what_is_served_nowhere_is_a_problem_too(server: Server, path: str, method: str) -> None:
    for at in ("", "/s/default"):
        answer = server.client.request(method, at + path, headers={"accept-language": "ar"})
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        if method != "HEAD":
            assert_problem(answer, 404, "not_found")
            assert answer.json()["title"] == catalogue()["not_found"].title_ar


def without_a_sandbox(_: Server, operation: Operation) -> Ask | None:
    """An operation of a sandbox, asked of none."""
    if operation.scope != "sandbox":
        return None
    return Ask(operation.method, operation.template.format_map(FILLED), {"headers": {}}, alone=True)


OTHERS: dict[str, tuple[dict[str, Any], Kind]] = {
    "read-only": (
        {"read_only": True},
        ("read_only", 10, lambda s, o: s.ask(o) if changes_a_bank(o) else None),
    ),
    "strict": (
        {"strict": True},
        ("sandbox_required", 40, without_a_sandbox),
    ),
    "without the control token": (
        {"control_token": CONTROL_TOKEN},
        ("control_token_required", 20, on_guarded),
    ),
    "with another control token": (
        {"control_token": CONTROL_TOKEN},
        ("control_token_required", 20, lambda s, o: on_guarded(s, o, sandbank_control_token="no")),
    ),
    "too large": (
        {"max_body_bytes": 1_024, "max_import_bytes": 1_024},
        ("body_too_large", 16, lambda s, o: with_body(s, o, b" " * 2_000)),
    ),
}  # fmt: skip


def changes_a_bank(operation: Operation) -> bool:
    """Whether a read-only server refuses an operation."""
    steers = operation.template.startswith(("/_sandbox", "/v1/auth/"))
    return operation.method not in {"GET", "HEAD"} and not steers


@pytest.mark.parametrize("name", OTHERS)
def test_servers_with_other_settings_refuse_in_the_same_shape(name: str) -> None:
    settings, (code, least, made) = OTHERS[name]
    with serving(**settings) as client:
        at = "/s/default" if "strict" in settings else ""
        server = Server(client)
        server.open(at=at)
        assert_refused(server, asks_of(server, made), code, least=least)


SECRET = "the vault is behind the picture"


def assert_silent(caplog: pytest.LogCaptureFixture, server: Server, asks: list[Ask]) -> None:
    """Each request meets the planted bug: its answer says nothing of it, and the log all."""
    for ask in asks:
        caplog.clear()
        for language in LANGUAGES:
            answer = sent(server.client, ask, language=language)
            assert_shape(answer, ask, "internal_error", language)
            assert not INTERNAL.search(answer.text)
            assert SECRET not in answer.text
        assert caplog.text.count(f"ZeroDivisionError: {SECRET}") == len(LANGUAGES), ask


def fails(*_: object, **__: object) -> None:
    raise ZeroDivisionError(SECRET)


async def fails_later(*_: object, **__: object) -> None:
    raise ZeroDivisionError(SECRET)


def test_a_bug_in_any_handler_is_a_500_that_says_nothing_of_itself(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for handler in handlers(server.client):
        assert not handler.has_sync_callable
        monkeypatch.setattr(handler, "_fn", fails_later)
    asks = [with_body(server, operation, b"{}") or server.ask(operation) for operation in server.operations]
    assert_silent(caplog, server, asks)


def test_a_bug_of_the_edge_is_a_500_that_says_nothing_of_itself(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(House, "get", fails)
    assert_silent(caplog, server, [server.ask(operation) for operation in server.operations])


def test_the_shape_is_asserted_in_earnest(server: Server) -> None:
    ask = Ask("GET", "/v1/accounts", {"headers": {}})
    answer = sent(server.client, ask)
    assert_shape(answer, ask, "unauthenticated", "en")
    body = answer.json()
    for wrong in (
        {**body, "title": "Other"},
        {**body, "instance": "/s/default/v1/accounts"},
        {**body, "surprise": 1},
        {**body, "detail": "Traceback (most recent call last)."},
        {name: body[name] for name in body if name != "detail"},
        dict(sorted(body.items())),
    ):
        spoilt = httpx.Response(answer.status_code, json=wrong, headers=without_length(answer))
        with pytest.raises((AssertionError, KeyError)):
            assert_shape(spoilt, ask, "unauthenticated", "en")
    for name in ("vary", "www-authenticate", "content-type", "x-request-id"):
        headers = {key: value for key, value in without_length(answer).items() if key != name}
        with pytest.raises((AssertionError, KeyError)):
            assert_shape(httpx.Response(answer.status_code, json=body, headers=headers), ask, "unauthenticated", "en")


def without_length(answer: httpx.Response) -> dict[str, str]:
    """The headers of an answer, for one with another body."""
    return {name: value for name, value in answer.headers.items() if name != "content-length"}
