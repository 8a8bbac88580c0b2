"""Determinism: the same image, seed and requests give the same bytes out and the same digest.

One fixed script of mixed requests is driven twice and its transcripts are compared. Outside the promise stand the
`date` header and, in a reset's answer, `took_ms`, which measures this machine.
"""

import base64
import json
import random
import re
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest
from served import serve
from support import Client, transfer_body

REQUESTS = 500
USERS = {"fatima": "Fatima-2026!", "arjun": "Arjun-2026!", "auditor": "Auditor-2026!", "admin": "Admin-2026!"}
FORKS = ("child-a", "child-b")

_TOOK = re.compile(rb'"took_ms":[0-9.]+')
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")

Send = Callable[..., httpx.Response]


class Heard(msgspec.Struct, frozen=True):
    """One request and everything its answer said."""

    asked: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Script:
    """A scripted tester: what it asks follows from its random numbers and from what it was answered."""

    def __init__(self, send: Send, at: str = "") -> None:
        self.send = send
        self.at = at
        self.random = random.Random(2026)
        self.transcript: list[Heard] = []
        self.tokens: dict[tuple[str, str], str] = {}
        self.accounts: dict[str, list[str]] = {}
        self.seen: dict[str, list[str]] = {"transfer_id": [], "transaction_id": []}
        self.orders: list[tuple[str, Any, dict[str, str]]] = []
        self.refresh_tokens: list[str] = []
        self.cursors: list[str] = []
        self.forks: list[str] = []

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request and write down what came back."""
        answer = self.send(method, path, **options)
        resets = path.endswith("/_sandbox/reset")
        left_out = {"date", "content-length"} if resets else {"date"}
        headers = tuple((name, value) for name, value in answer.headers.items() if name not in left_out)
        body = _TOOK.sub(b'"took_ms":0', answer.content) if resets else answer.content
        self.transcript.append(Heard(f"{method} {path} {options}", answer.status_code, headers, body))
        return answer

    def run(self) -> list[Heard]:
        """The whole script."""
        for username in ("fatima", "arjun", "auditor"):
            self.sign_in(self.at, username)
            found = self.ask("GET", f"{self.at}/v1/accounts", headers=self.bearer(self.at, username)).json()
            self.accounts[username] = [item["account_id"] for item in found["items"]]
        steps = [
            (self.good_sign_in, 2),
            (self.bad_sign_in, 2),
            (self.refresh, 2),
            (self.lists, 8),
            (self.single_read, 6),
            (self.cash, 6),
            (self.transfer, 9),
            (self.reversal, 3),
            (self.replay, 4),
            (self.dry_run, 3),
            (self.bad_body, 4),
            (self.unknown_path, 2),
            (self.head_or_options, 3),
            (self.fork, 1),
            (self.reset_a_fork, 1),
            (self.look_at_the_house, 3),
        ]
        choices, weights = zip(*steps, strict=True)
        while len(self.transcript) < REQUESTS:
            self.random.choices(choices, weights)[0]()
        self.ask("GET", f"{self.at}/_sandbox/invariants")
        self.ask("GET", f"{self.at}/_sandbox/digest")
        return self.transcript

    def place(self) -> str:
        """Mostly the script's own sandbox, sometimes one of its forks."""
        return f"/s/{self.random.choice(self.forks)}" if self.forks and self.random.random() < 0.25 else self.at

    def bearer(self, place: str, username: str) -> dict[str, str]:
        """Headers of a user; whoever has not signed in there has a token that is none."""
        return {"authorization": f"Bearer {self.tokens.get((place, username), 'nothing')}"}

    def sign_in(self, place: str, username: str, **more: Any) -> None:
        body = {"username": username, "password": USERS[username]} | more
        answer = self.ask("POST", f"{place}/v1/auth/login", json=body)
        if answer.status_code == 200:
            self.tokens[place, username] = answer.json()["access_token"]
            self.refresh_tokens.append(answer.json()["refresh_token"])

    def good_sign_in(self) -> None:
        device = {"model": "Pixel", "os": "Android", "fingerprint": f"print-{self.random.randrange(3)}"}
        more = {"device": device} if self.random.random() < 0.5 else {}
        self.sign_in(self.place(), self.random.choice(["fatima", "arjun", "auditor", "admin"]), **more)

    def bad_sign_in(self) -> None:
        username = self.random.choice(["admin", "yousef", "mariam", "nobody", "auditor"])
        body = {"username": username, "password": f"wrong-{self.random.randrange(9)}"}
        self.ask("POST", f"{self.place()}/v1/auth/login", json=body)

    def refresh(self) -> None:
        token = self.random.choice(self.refresh_tokens)
        answer = self.ask("POST", "/v1/auth/refresh", json={"refresh_token": token})
        if answer.status_code == 200:
            self.refresh_tokens.append(answer.json()["refresh_token"])

    def lists(self) -> None:
        place, username = self.place(), self.random.choice(["fatima", "arjun", "auditor"])
        path = self.random.choice(
            ["accounts", "transactions", "transfers", "audit-logs", "ledger/trial-balance", "auth/me"]
        )
        query: dict[str, Any] = {}
        if path == "transactions":
            filters: dict[str, list[Any]] = {
                "from": ["2025-12-01", "2026-01-15T09:00:00Z", "yesterday"],
                "to": ["2025-12-31", "2026-01-15T09:00:00.100Z"],
                "min_amount": ["10", "0.005", "-"],
                "max_amount": ["100.000", "1"],
                "category": ["groceries", "SALARY"],
                "direction": ["credit", "debit", "sideways"],
                "status": ["completed", "pending", "failed", "reversed"],
                "q": ["cash", "transfer", "%", "_", "Nakheel"],
            }
            for name in self.random.sample(sorted(filters), k=self.random.randrange(4)):
                query[name] = self.random.choice(filters[name])
        if path != "auth/me" and not path.startswith("ledger") and self.random.random() < 0.6:
            query["limit"] = self.random.choice([1, 3, 10, 200, 201])
            if self.cursors and self.random.random() < 0.4:
                query["cursor"] = self.random.choice(self.cursors)
        headers = self.bearer(place, username) | {"accept-language": self.random.choice(["en", "ar", "fr"])}
        answer = self.ask("GET", f"{place}/v1/{path}", params=query, headers=headers)
        self.learn(answer)

    def learn(self, answer: httpx.Response) -> None:
        """Remember cursors and ids of an answer."""
        body = answer.json() if answer.content else {}
        if answer.status_code >= 400:
            return
        cursor = body.get("page", {}).get("next_cursor")
        if cursor:
            self.cursors.append(cursor)
        for item in [body, *body.get("items", [])[:2]]:
            for name, known in self.seen.items():
                if item.get(name):
                    known.append(item[name])

    def single_read(self) -> None:
        place, username = self.place(), self.random.choice(["fatima", "arjun", "auditor"])
        account_id = self.random.choice(self.accounts["auditor"])
        paths = [f"accounts/{account_id}", f"accounts/{account_id}/balances", f"accounts/{account_id}/holds"]
        for name, path in (("transfer_id", "transfers"), ("transaction_id", "transactions")):
            paths += [f"{path}/{found}" for found in self.seen[name][-3:]]
        headers = self.bearer(place, username)
        path = f"{place}/v1/{self.random.choice(paths)}"
        answer = self.ask("GET", path, headers=headers)
        if "etag" in answer.headers and self.random.random() < 0.3:
            self.ask("GET", path, headers=headers | {"if-none-match": answer.headers["etag"]})

    def order(self, place: str, path: str, body: Any, username: str, **options: Any) -> None:
        headers = self.bearer(place, username) | {"idempotency-key": f"key-{len(self.orders)}"}
        self.orders.append((f"{place}/v1/{path}", body, headers))
        self.learn(self.ask("POST", f"{place}/v1/{path}", json=body, headers=headers, **options))

    def amount(self) -> str:
        return self.random.choice(["0.001", "1.000", "12.750", "99.995", "2000.000", "1000000.000"])

    def cash(self) -> None:
        username = self.random.choice(["fatima", "arjun"])
        amount = {"amount": self.amount(), "currency": "KWD"}
        body = {"account_id": self.random.choice(self.accounts[username]), "amount": amount}
        if self.random.random() < 0.5:
            body |= {"channel": self.random.choice(["atm", "cdm", "branch"]), "reference": "عيدية"}
        self.order(self.place(), self.random.choice(["deposits", "withdrawals"]), body, username)

    def new_transfer(self, username: str) -> dict[str, Any]:
        payer = self.random.choice(self.accounts[username])
        body = transfer_body(payer, self.random.choice(self.accounts["auditor"]), self.amount())
        if self.random.random() < 0.3:
            ibans = [
                "KW07SNBK0000000000000100417001",
                "kw23 snbk 0000000000000100000001",
                "KW00",
                "GB82WEST12345698765432",
            ]
            body["to"] = {"iban": self.random.choice(ibans), "name": "Somebody"}
        return body

    def transfer(self) -> None:
        username = self.random.choice(["fatima", "arjun"])
        self.order(self.place(), "transfers", self.new_transfer(username), username)

    def reversal(self) -> None:
        if self.seen["transfer_id"]:
            transfer_id = self.random.choice(self.seen["transfer_id"])
            self.order(self.place(), f"transfers/{transfer_id}/reversal", {"reason": "again"}, "fatima")

    def replay(self) -> None:
        if self.orders:
            path, body, headers = self.random.choice(self.orders)
            self.ask("POST", path, json=body, headers=headers)

    def dry_run(self) -> None:
        place, username = self.place(), self.random.choice(["fatima", "arjun"])
        path = f"{place}/v1/transfers?dry_run=true"
        self.ask("POST", path, json=self.new_transfer(username), headers=self.bearer(place, username))

    def bad_body(self) -> None:
        headers = self.bearer(self.at, "fatima") | {"content-type": "application/json", "idempotency-key": "bad"}
        raw = self.random.choice(
            [
                b"",
                b"{",
                b'{"a":1,"a":2}',
                b"[]",
                b"\xff",
                b"null",
                b'{"amount":1.5,"zzz":true,"to":{}}',
                b'{"amount":"1"}',
            ]
        )
        path = self.random.choice(["/v1/transfers", "/v1/deposits", "/v1/auth/login", "/v1/auth/refresh"])
        self.ask("POST", f"{self.at}{path}", content=raw, headers=headers)

    def unknown_path(self) -> None:
        path = self.random.choice(
            ["/", "/v1/nothing", "/v1/accounts", "/v1/x/y/z", "/_sandbox/nothing", "/v1/accounts/"]
        )
        self.ask(self.random.choice(["GET", "POST", "DELETE"]), f"{self.at}{path}")

    def head_or_options(self) -> None:
        path = self.random.choice(["/v1/accounts", "/v1/transfers", "/_sandbox/info", "/v1/nothing"])
        method = self.random.choice(["HEAD", "OPTIONS"])
        headers = self.bearer(self.at, "fatima")
        if self.random.random() < 0.4:
            headers |= {"origin": "http://localhost:3000", "access-control-request-method": "POST"}
        self.ask(method, f"{self.at}{path}", headers=headers)

    def fork(self) -> None:
        body: dict[str, Any] = {"id": self.random.choice(FORKS)}
        if self.random.random() < 0.5:
            body["seed"] = self.random.randrange(3)
        answer = self.ask("POST", f"{self.at}/_sandbox/sandboxes", json=body)
        if answer.status_code == 201:
            self.forks.append(answer.json()["id"])
            for username in ("fatima", "arjun"):
                self.sign_in(f"/s/{answer.json()['id']}", username)

    def reset_a_fork(self) -> None:
        if self.forks:
            place = f"/s/{self.random.choice(self.forks)}"
            self.ask("POST", f"{place}/_sandbox/reset", json=self.random.choice([{}, {"seed": 5}, {"nothing": 1}]))
            self.sign_in(place, "fatima")

    def look_at_the_house(self) -> None:
        path = self.random.choice(["/_sandbox/info", "/_sandbox/digest", "/_sandbox/sandboxes", "/_sandbox/invariants"])
        self.ask("GET", f"{self.place()}{path}")


def compare(one: list[Heard], other: list[Heard]) -> None:
    """Every answer is the same; the first that is not is shown."""
    for number, (left, right) in enumerate(zip(one, other, strict=True)):
        assert left == right, f"request {number}"


def against_a_child(hash_seed: str) -> list[Heard]:
    """The script against a fresh server in a process of its own."""
    with serve("--transport-clock", "virtual", PYTHONHASHSEED=hash_seed) as server, server.connect() as http:
        return Script(http.request).run()


def test_two_processes_with_different_hash_seeds_answer_the_same_bytes_and_digest() -> None:
    one, other = against_a_child("1"), against_a_child("4242")
    assert len(one) >= REQUESTS
    compare(one, other)
    assert "digest" in json.loads(one[-1].body)
    assert json.loads(one[-2].body)["ok"]


@pytest.fixture(scope="module")
def transcript() -> list[Heard]:
    client = Client()
    try:
        return Script(client.request).run()
    finally:
        client.close()


def test_the_script_is_worth_its_name(transcript: list[Heard]) -> None:
    statuses = {heard.status for heard in transcript}
    assert statuses >= {200, 201, 204, 304, 400, 401, 403, 404, 405, 409, 422, 423}
    assert not {status for status in statuses if status >= 500}
    replayed = [heard for heard in transcript if ("idempotent-replayed", "true") in heard.headers]
    assert len(replayed) >= 5
    methods = {heard.asked.partition(" ")[0] for heard in transcript}
    assert methods == {"GET", "POST", "DELETE", "HEAD", "OPTIONS"}


def in_a_fork(name: str) -> tuple[list[Heard], str]:
    """The script inside a fork of that name on a fresh server; and the fork's digest at the end."""
    client = Client()
    try:
        assert client.post("/_sandbox/sandboxes", {"id": name}).status_code == 201
        return Script(client.request, f"/s/{name}").run(), client.digest(f"/s/{name}")
    finally:
        client.close()


def without_name(heard: Heard, name: str) -> Heard:
    """What was heard, with the fork's own name and the tokens that carry it taken out."""

    def blank(text: str) -> str:
        return _TOKEN.sub(lambda match: _claims(match[0]), text).replace(name, "{name}")

    headers = tuple((key, blank(value)) for key, value in heard.headers if key != "content-length")
    return Heard(blank(heard.asked), heard.status, headers, blank(heard.body.decode()).encode())


def _claims(token: str) -> str:
    """A token as its claims: the signature over another name is another one."""
    body = token.split(".")[1]
    return json.dumps(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))), sort_keys=True)


def test_two_forks_of_different_names_differ_in_their_name_alone() -> None:
    (one, digest), (other, other_digest) = in_a_fork("xq-first"), in_a_fork("zk-the-second-one")
    assert digest == other_digest
    compare(
        [without_name(heard, "xq-first") for heard in one],
        [without_name(heard, "zk-the-second-one") for heard in other],
    )


def test_a_fork_answers_like_the_default_sandbox_would(transcript: list[Heard]) -> None:
    """The digest at the end is that of the same script in `default`."""
    _, digest = in_a_fork("another")
    assert json.loads(transcript[-1].body)["digest"] == digest
