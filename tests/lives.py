"""Random lives of testers: a seeded program of everything that can be done to one sandbox, and all that it was told.

What a life asks follows from its seed and from what it was answered, so the same life in an equal sandbox hears the
same bytes; outside the promise stand only the `date` of an answer and how long a reset took.
"""

import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import msgspec
from bankside import ARJUN_CURRENT, FATIMA_CURRENT, FATIMA_CUSTOMER, FATIMA_SAVINGS
from support import PASSWORDS, transfer_body

Send = Callable[..., httpx.Response]

LEFT_OUT = {"date", "server", "connection", "transfer-encoding"}
"""Headers of the wire and of the day."""

_TOOK = re.compile(rb'"took_ms":[0-9.]+')
_GENERATION = re.compile(rb'"generation":[0-9]+')


class Heard(msgspec.Struct, frozen=True):
    """One request and everything its answer said."""

    asked: str
    status: int
    headers: dict[str, str]
    body: bytes


class Life:
    """A tester in the sandbox at `at`, whose life is drawn from `seed`."""

    def __init__(self, send: Send, at: str, seed: int, *, steps: int = 30) -> None:
        self.send = send
        self.at = at
        self.seed = seed
        self.steps = steps
        self.random = random.Random(seed)
        self.heard: list[Heard] = []
        self.token: str | None = None
        """The access token of the last sign-in."""
        self.tokens: list[dict[str, str]] = []
        """Access and refresh tokens of all sign-ins."""
        self.bearer: dict[str, str] = {}
        self.challenge: str | None = None
        self.orders: list[tuple[dict[str, Any], dict[str, str]]] = []
        self.snapshots: list[str] = []
        self.records: list[str] = []

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """Send one request and write down what came back."""
        if body is not None:
            options["json"] = body
        answer = self.send(method, self.at + path, **options)
        told = _GENERATION.sub(b'"generation":0', _TOOK.sub(b'"took_ms":0', answer.content))
        timed = told != answer.content
        headers = {name: value for name, value in answer.headers.items() if name not in LEFT_OUT}
        if timed:
            headers.pop("content-length", None)
        if method == "OPTIONS":  # answered before a sandbox is found: the server counts these
            del headers["x-request-id"]
        self.heard.append(Heard(f"{method} {path} {body}", answer.status_code, headers, told))
        return answer

    def live(self) -> Iterator[None]:
        """The whole life; a step yields after each thing that is done."""
        self.sign_in("fatima")
        yield
        ways = [
            (self.any_sign_in, 4),
            (self.wrong_passwords, 3),
            (self.say_code, 4),
            (self.pay, 6),
            (self.pay_again, 3),
            (self.rehearse, 1),
            (self.scenario, 5),
            (self.let_time_pass, 4),
            (self.snapshot, 3),
            (self.restore, 2),
            (self.patch_record, 3),
            (self.add_record, 2),
            (self.drop_record, 1),
            (self.read_records, 2),
            (self.read_bank, 4),
            (self.read_inbox, 3),
            (self.empty_inbox, 1),
            (self.wait_in_vain, 1),
            (self.refresh, 2),
            (self.nonsense, 1),
            (self.reset, 1),
        ]
        choices, weights = zip(*ways, strict=True)
        for _ in range(self.steps):
            self.random.choices(choices, weights)[0]()
            yield
        for path in ("messages", "clock", "snapshots", "invariants", "digest"):
            self.ask("GET", f"/_sandbox/{path}")

    def whole(self) -> "Life":
        """Live it all at once."""
        for _ in self.live():
            pass
        return self

    @property
    def digest(self) -> str:
        """That of the end."""
        return str(msgspec.json.decode(self.heard[-1].body)["digest"])

    # People.

    def took(self, answer: httpx.Response) -> None:
        """Remember what a sign-in gave."""
        if answer.status_code == 200:
            given = answer.json()
            self.token = given["access_token"]
            self.bearer = {"authorization": f"Bearer {self.token}"}
            self.tokens.append({"access": given["access_token"], "refresh": given["refresh_token"]})
        elif answer.status_code == 202:
            self.challenge = answer.json()["challenge"]["challenge_id"]

    def sign_in(self, username: str) -> None:
        self.took(self.ask("POST", "/v1/auth/login", {"username": username, "password": PASSWORDS[username]}))

    def any_sign_in(self) -> None:
        self.sign_in(self.random.choice(["fatima", "fatima", "arjun", "auditor"]))

    def wrong_passwords(self) -> None:
        username = self.random.choice(["fatima", "arjun", "nobody"])
        for _ in range(self.random.randrange(1, 5)):
            self.ask("POST", "/v1/auth/login", {"username": username, "password": "wrong"})

    def say_code(self) -> None:
        """Sign in with a code, by the inbox: sometimes the right one, sometimes another, sometimes a new one."""
        if self.challenge is None:
            self.ask("POST", "/_sandbox/scenarios/second-factor", {"user": self.random.choice(["fatima", "arjun"])})
            self.sign_in(self.random.choice(["fatima", "arjun"]))
        path = f"/v1/auth/challenges/{self.challenge}"
        if self.random.random() < 0.2:
            self.ask("POST", f"{path}/resend")
        wanted = {"match": {"has_code": True}, "timeout_ms": 0}
        found = self.ask("POST", "/_sandbox/messages/wait", wanted)
        code = found.json()["code"] if found.status_code == 200 else "000000"
        if self.random.random() < 0.2:
            code = f"{(int(code) + 1) % 1_000_000:06}"
        answer = self.ask("POST", f"{path}/verify", {"code": code})
        self.took(answer)
        if answer.status_code in {200, 404, 410}:
            self.challenge = None

    def refresh(self) -> None:
        if self.tokens:
            token = self.random.choice(self.tokens[-3:])["refresh"]
            self.took(self.ask("POST", "/v1/auth/refresh", {"refresh_token": token}))

    # Money.

    def amount(self) -> str:
        return self.random.choice(["0.001", "1.000", "12.750", "900.000"])

    def order(self) -> dict[str, Any]:
        return transfer_body(FATIMA_CURRENT, self.random.choice([FATIMA_SAVINGS, ARJUN_CURRENT]), self.amount())

    def pay(self) -> None:
        """Every life has the same keys: an answer of another life under one of them would be seen."""
        body = self.order()
        headers = self.bearer | {"idempotency-key": f"key-{len(self.orders) % 7}"}
        self.orders.append((body, headers))
        self.ask("POST", "/v1/transfers", body, headers=headers)

    def pay_again(self) -> None:
        if self.orders:
            body, headers = self.random.choice(self.orders[-4:])
            self.ask("POST", "/v1/transfers", body, headers=headers | self.bearer)

    def rehearse(self) -> None:
        self.ask("POST", "/v1/transfers?dry_run=true", self.order(), headers=self.bearer)

    # Steering.

    def scenario(self) -> None:
        name = self.random.choice(
            ["low-balance", "locked-user", "frozen-account", "clean-inbox", "second-factor", "salary-day", "none"]
        )
        body = {"user": self.random.choice(["fatima", "arjun"])}
        self.ask("POST", f"/_sandbox/scenarios/{name}", body)

    def let_time_pass(self) -> None:
        by = self.random.choice(["PT1S", "PT3M", "PT20M", "PT7H", "P1D", "P9D", "P40D", "-P1D"])
        self.ask("POST", "/_sandbox/clock/advance", {"by": by})

    def snapshot(self) -> None:
        name = f"life-{self.seed}-{len(self.snapshots)}"
        self.snapshots.append(name)
        self.ask("POST", "/_sandbox/snapshots", {"name": name})

    def restore(self) -> None:
        if self.snapshots:
            self.ask("POST", f"/_sandbox/snapshots/{self.random.choice(self.snapshots)}/restore")

    def reset(self) -> None:
        orders: list[dict[str, Any]] = [
            {},
            {"seed": self.random.randrange(100)},
            {"scenarios": ["low-balance", {"name": "second-factor", "parameters": {"user": "arjun"}}]},
            {"keep": ["clock"]},
            {"keep": ["sessions", "clock"]},
            {"scenarios": ["none"]},
            {"seed": "x"},
        ]
        self.ask("POST", "/_sandbox/reset", self.random.choice(orders))

    def nonsense(self) -> None:
        method, path = self.random.choice(
            [("GET", "/v1/nothing"), ("PUT", "/v1/transfers"), ("OPTIONS", "/v1/accounts")]
        )
        self.ask(method, path, headers=self.bearer)

    # The data plane.

    def patch_record(self) -> None:
        changes = self.random.choice(
            [
                {"full_name": f"Fatima the {self.seed}th"},
                {"email": f"life{self.seed}@example.com"},
                {"status": self.random.choice(["ACTIVE", "SUSPENDED"])},
                {"status": "NO SUCH"},
                {"note": self.random.randrange(10)},
            ]
        )
        self.ask("PATCH", f"/_data/customers/{FATIMA_CUSTOMER}", changes)

    def add_record(self) -> None:
        body = {"customer_id": FATIMA_CUSTOMER, "channel": "PUSH", "type": "NOTE", "title": f"Life {self.seed}"}
        more = {"title_ar": "ملاحظة", "body": "A note", "body_ar": "ملاحظة"}
        answer = self.ask("POST", "/_data/notifications", body | more)
        if answer.status_code == 201:
            self.records.append(answer.json()["notification_id"])

    def drop_record(self) -> None:
        if self.records:
            self.ask("DELETE", f"/_data/notifications/{self.random.choice(self.records)}")

    def read_records(self) -> None:
        path = self.random.choice(
            ["customers?full_name_like=a", "notifications?_sort=-title&_limit=3", "login_sessions", "accounts?_page=1"]
        )
        self.ask("GET", f"/_data/{path}")

    # Looking.

    def read_bank(self) -> None:
        path = self.random.choice(
            ["accounts", "transactions?limit=5", "transfers", "auth/me", f"accounts/{FATIMA_CURRENT}/holds"]
        )
        self.ask("GET", f"/v1/{path}", headers=self.bearer)

    def read_inbox(self) -> None:
        path = self.random.choice(["messages", "messages?channel=sms", "messages/latest"])
        self.ask("GET", f"/_sandbox/{path}")

    def empty_inbox(self) -> None:
        self.ask("DELETE", "/_sandbox/messages")

    def wait_in_vain(self) -> None:
        wanted = {"match": {"to": "+96500000000"}, "timeout_ms": self.random.choice([0, 5])}
        self.ask("POST", "/_sandbox/messages/wait", wanted)


def compare(one: list[Heard], other: list[Heard]) -> None:
    """Every answer is the same; the first that is not is shown."""
    for number, (left, right) in enumerate(zip(one, other, strict=False)):
        assert left == right, f"request {number}, {left.asked}: {left} here, {right} there"
    assert len(one) == len(other)
