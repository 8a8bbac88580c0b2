"""What tests build banks with: one line each."""

import asyncio
import atexit
import itertools
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import httpx
import jsonschema_rs
import msgspec

from sandbox.app import Application, create_app
from sandbox.bank import identity, sessions
from sandbox.bank.access import Actor
from sandbox.bank.devices import DeviceFacts
from sandbox.bank.identity import Verdict
from sandbox.bank.invariants import check_invariants
from sandbox.bank.sessions import SignedIn
from sandbox.core.errors import DomainError
from sandbox.core.passwords import verify_password
from sandbox.core.settings import Settings
from sandbox.http.openapi import openapi_document
from sandbox.http.problems import MEDIA_TYPE
from sandbox.sandboxes.compiling import compile_image
from sandbox.sandboxes.image import Image
from sandbox.sandboxes.root import StateRoot

T = TypeVar("T")

TINY = Path(__file__).resolve().parent.parent / "seeds" / "tiny"
PASSWORDS = {"fatima": "Fatima-2026!", "arjun": "Arjun-2026!", "auditor": "Auditor-2026!", "admin": "Admin-2026!"}
LOCKED, EXPIRED = ("yousef", "Yousef-2026!"), ("mariam", "Mariam-2026!")
VIRTUAL = Settings(ecosystem="tiny", transport_clock="virtual", image_cache=False)
_CACHE = tempfile.mkdtemp(prefix="sandbank-tests-")
atexit.register(shutil.rmtree, _CACHE, ignore_errors=True)
CACHED = msgspec.structs.replace(VIRTUAL, image_cache=True, cache_dir=_CACHE)
"""The same with an image cache of this process: the servers of its tests find what the first of them compiled."""

_images: dict[Settings, Image] = {}


def tiny_image(settings: Settings = VIRTUAL) -> Image:
    """The image of `seeds/tiny`, compiled once for each settings."""
    if settings not in _images:
        _images[settings] = compile_image(TINY, settings)
    return _images[settings]


def new_root(settings: Settings = VIRTUAL, *, seed: int = 1) -> StateRoot:
    """A fresh bank, without HTTP."""
    return StateRoot(tiny_image(settings), rules=settings, seed=seed, generation=1)


def sign_in(root: StateRoot, username: str = "fatima", password: str | None = None) -> Actor:
    """Sign in without HTTP."""
    secret = PASSWORDS[username] if password is None else password
    stored = root.read(identity.stored_hash, username)
    verdict = Verdict(stored, stored is not None and verify_password(secret, stored))
    device = DeviceFacts(fingerprint=f"test:{username}")
    opened = root.write(identity.sign_in, username, verdict, device=device, ip_address="127.0.0.1")
    assert isinstance(opened, SignedIn)
    return root.read(sessions.actor_of, opened.session_id, ip_address="127.0.0.1")


def broken_invariants(root: StateRoot) -> list[str]:
    """What is wrong with a bank: nothing, one hopes."""
    report = asyncio.run(root.inspect(check_invariants))
    return [f"{check.name}: {check.detail}" for check in report.checks if not check.ok]


@cache
def the_document() -> dict[str, Any]:
    """The OpenAPI document."""
    app = create_app(VIRTUAL)
    try:
        return openapi_document(app.litestar)
    finally:
        app.house.close()


@cache
def documented_refusals() -> dict[str, dict[str, list[str]]]:
    """The problem codes that the OpenAPI document names, by operation and status."""
    return {operation_id: codes_by_status(operation) for operation_id, operation in described_operations().items()}


def described_operations() -> dict[str, dict[str, Any]]:
    """The operations of the document by their ids."""
    items = the_document()["paths"].values()
    return {operation["operationId"]: operation for item in items for operation in item.values()}


@cache
def problem_validator(operation_id: str, status: str) -> jsonschema_rs.Draft202012Validator:
    """What holds the refusals of an operation against their schema."""
    schema = described_operations()[operation_id]["responses"][status]["content"][MEDIA_TYPE]["schema"]
    return jsonschema_rs.Draft202012Validator(schema | {"components": the_document()["components"]})


def codes_by_status(operation: dict[str, Any]) -> dict[str, list[str]]:
    """The problem codes that an operation may answer by status, as the OpenAPI document describes it."""
    return {
        status: answer["content"][MEDIA_TYPE]["schema"]["allOf"][1]["properties"]["code"]["enum"]
        for status, answer in operation["responses"].items()
        if int(status) >= 400
    }


class Client:
    """A synchronous client of an application in this process, with one event loop for all its requests."""

    def __init__(self, settings: Settings = CACHED, app: Application | None = None) -> None:
        self.app = app or create_app(settings)
        self._runner = asyncio.Runner()
        self._keys = itertools.count(1)
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),  # type: ignore[arg-type]
            base_url="http://localhost",
            headers={"accept-encoding": "identity", "user-agent": "tests"},
        )

    def close(self) -> None:
        """Close everything."""
        self.run(self.http.aclose())
        self._runner.close()
        self.app.house.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the client's loop."""
        return self._runner.run(work)

    def together(self, *asks: Callable[[], Coroutine[Any, Any, T]]) -> list[T]:
        """Run several at once, on one loop."""

        async def gather() -> list[T]:
            return list(await asyncio.gather(*(ask() for ask in asks)))

        return self.run(gather())

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Any request."""
        answer = self.run(self.http.request(method, path, **options))
        self._require_documented(method, answer)
        return answer

    def _require_documented(self, method: str, answer: httpx.Response) -> None:
        """Whatever a test asks: a refusal is one that the OpenAPI document names for this operation."""
        if answer.status_code < 400 or method == "HEAD":
            return
        problem = answer.json()
        try:
            operation = self.app.table.find(method, re.sub(r"^/s/[^/]*", "", answer.request.url.path))
        except DomainError:
            return  # no operation at all
        documented = documented_refusals().get(operation.operation_id)
        if documented is not None:
            assert problem["code"] in documented.get(str(answer.status_code), ()), (
                f"{operation.operation_id} answers {answer.status_code} {problem['code']}, and its document is silent"
            )
            problem_validator(operation.operation_id, str(answer.status_code)).validate(problem)

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, body: object = None, **options: Any) -> httpx.Response:
        """POST; `body` is sent as JSON."""
        return (
            self.request("POST", path, json=body, **options)
            if body is not None
            else self.request("POST", path, **options)
        )

    def login(self, username: str = "fatima", password: str | None = None, *, at: str = "") -> "User":
        """Sign in; `at` is a sandbox prefix such as `/s/t1`."""
        secret = PASSWORDS[username] if password is None else password
        answer = self.post(f"{at}/v1/auth/login", {"username": username, "password": secret})
        assert answer.status_code == 200, answer.text
        return User(self, answer.json(), at)

    def next_key(self) -> str:
        """A new Idempotency-Key."""
        return f"key-{next(self._keys)}"

    def digest(self, at: str = "") -> str:
        """The digest of a sandbox."""
        found: str = self.get(f"{at}/_sandbox/digest").json()["digest"]
        return found

    def assert_sound(self, at: str = "") -> None:
        """All invariants hold."""
        report = self.get(f"{at}/_sandbox/invariants").json()
        assert report["ok"], [check for check in report["checks"] if not check["ok"]]


class User:
    """Somebody signed in: requests carry the token, orders a new Idempotency-Key."""

    def __init__(self, client: Client, tokens: dict[str, Any], at: str = "") -> None:
        self.client = client
        self.tokens = tokens
        self.at = at
        self.headers = {"authorization": f"Bearer {tokens['access_token']}"}

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET as this user."""
        headers = self.headers | options.pop("headers", {})
        return self.client.get(self.at + path, headers=headers, **options)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Any request as this user."""
        headers = self.headers | options.pop("headers", {})
        return self.client.request(method, self.at + path, headers=headers, **options)

    def order(self, path: str, body: object = None, *, key: str | None = None, **options: Any) -> httpx.Response:
        """POST as this user, under a new Idempotency-Key or the given one."""
        headers = self.headers | {"idempotency-key": key or self.client.next_key()} | options.pop("headers", {})
        return self.client.post(self.at + path, body, headers=headers, **options)

    def accounts(self) -> list[dict[str, Any]]:
        """The user's accounts."""
        found: list[dict[str, Any]] = self.get("/v1/accounts").json()["items"]
        return found

    def transfer(self, payer: str, payee: str, amount: str, **options: Any) -> httpx.Response:
        """Pay between accounts of this bank, by account id."""
        return self.order("/v1/transfers", transfer_body(payer, payee, amount), **options)


def transfer_body(payer: str, payee: str, amount: str) -> dict[str, Any]:
    """The body of a transfer order."""
    return {
        "from_account_id": payer,
        "to": {"account_id": payee},
        "amount": {"amount": amount, "currency": "KWD"},
    }


def copy_of_tiny(folder: Path) -> Path:
    """A writable copy of `seeds/tiny`."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in TINY.glob("*.json"):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def without_logins(folder: Path) -> None:
    """Drop the demo logins from an ecosystem's manifest: its users and passwords may then be any."""
    path = folder / "ecosystem.json"
    stated = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(stated | {"logins": []}, ensure_ascii=False), encoding="utf-8")


def edit(folder: Path, collection: str, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Change a collection of an ecosystem folder in place."""
    path = folder / f"{collection}.json"
    rows = json.loads(path.read_text(encoding="utf-8"))
    change(rows)
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
