"""A bank as good as new for each generated request, and what there is in it, by the names that requests give it.

`REAL` is all that has to be known of an operation: which values of its parameters and body fields mean something.
"""

from collections.abc import Callable, Collection
from typing import Any

import httpx
import msgspec
from checks import ARJUN_CURRENT, ARJUN_CUSTOMER, FATIMA_CURRENT, FATIMA_CUSTOMER, FATIMA_SAVINGS
from contract.in_process import InProcessSchema, schema_of
from extras import NOTE, NOTE_ID, add_extra
from schemathesis.core import NOT_SET
from schemathesis.core.parameters import ParameterLocation
from secondfactor import ask_for_codes
from support import PASSWORDS, VIRTUAL, Client

from sandbox.bank import messages
from sandbox.core.settings import Settings
from sandbox.core.vocabulary import NotificationChannel, Role
from sandbox.sandboxes.root import StateRoot


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A customer: the account that requests name, and one that may be paid from it."""

    customer_id: str
    account_id: str
    payee: str


HOLDERS = {
    "fatima": Holder(customer_id=FATIMA_CUSTOMER, account_id=FATIMA_CURRENT, payee=FATIMA_SAVINGS),
    "arjun": Holder(customer_id=ARJUN_CUSTOMER, account_id=ARJUN_CURRENT, payee=FATIMA_SAVINGS),
}

NOBODYS = "00000000-0000-4000-8000-000000000000"
"""An id of nothing."""

PHONE = "+96599001234"
LEFT_OUT = object()
"""The value of what a request that is to succeed does not say."""


class World:
    """A server in this process, one user signed in, and nothing left of the request before."""

    def __init__(self, settings: Settings = VIRTUAL) -> None:
        self.client = _Noticing(settings)
        self.tokens: dict[str, Any] = {}
        self._schemas: dict[int, tuple[dict[str, Any], InProcessSchema]] = {}
        self._username = ""
        self._seed = self.root.seed

    def close(self) -> None:
        """Close the server."""
        self.client.close()

    def document(self) -> dict[str, Any]:
        """The document as it is served."""
        found: dict[str, Any] = self.client.get("/openapi.json").json()
        return found

    def schema(self, document: dict[str, Any]) -> InProcessSchema:
        """Schemathesis's view of a document, reaching this server; made once, since it is costly."""
        if id(document) not in self._schemas:
            self._schemas[id(document)] = (document, schema_of(document, self.client))
        return self._schemas[id(document)][1]

    @property
    def root(self) -> StateRoot:
        """The bank itself."""
        return self.client.app.house.get("default").root

    @property
    def headers(self) -> dict[str, str]:
        """What says who asks. Schemathesis's probes know the header by this spelling alone."""
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}

    def user_for(self, operation_id: str) -> str:
        """Somebody who may ask for an operation."""
        (rule,) = (found.roles for found in self.client.app.table.operations if found.operation_id == operation_id)
        return "fatima" if rule is None or Role.CUSTOMER in rule else "auditor"

    def renew(self, username: str) -> None:
        """Put everything back, if anything but reading was asked for, and sign a user in."""
        if not self.client.touched and self._username == username:
            return
        for sandbox in self.client.app.house.all()[1:]:
            self.client.app.house.remove(sandbox.id)
        for snapshot in self.client.get("/_sandbox/snapshots").json()["items"]:
            self.client.request("DELETE", f"/_sandbox/snapshots/{snapshot['name']}")
        # By name: a plain reset goes back to what the last one named.
        self.client.post("/_sandbox/reset", {"ecosystem": "tiny", "seed": self._seed})
        self.sign_in(username)
        self.client.touched = False

    def sign_in(self, username: str) -> None:
        """Sign a user in, with a code where one is asked for."""
        body = {"username": username, "password": PASSWORDS[username]}
        answer = self.client.post("/v1/auth/login", body).json()
        if "challenge" in answer:
            answer = self.client.post(
                f"/v1/auth/challenges/{answer['challenge']['challenge_id']}/verify", {"code": self.code()}
            ).json()
        self.tokens = answer
        self._username = username

    def username(self) -> str:
        """Who signs in."""
        return "fatima"

    @property
    def holder(self) -> Holder:
        """Whose things requests name: those of the customer who is signed in, else Fatima's."""
        return HOLDERS.get(self._username, HOLDERS["fatima"])

    def refresh_token(self) -> str:
        """The refresh token of the user."""
        return str(self.tokens["refresh_token"])

    def transfer(self) -> str:
        """A transfer that the user has ordered."""
        holder = self.holder
        body = {"from_account_id": holder.account_id, "to": {"account_id": holder.payee}, "amount": ONE_DINAR}
        headers = self.headers | {"Idempotency-Key": self.client.next_key()}
        made = self.client.post("/v1/transfers", body, headers=headers)
        return str(made.json().get("transfer_id", NOBODYS))  # where a walk has left too little money there is none

    def transaction(self) -> str:
        """The user's newest transaction."""
        found = self.client.get("/v1/transactions?limit=1", headers=self.headers)
        return str(found.json()["items"][0]["transaction_id"])

    def challenge(self) -> str:
        """A challenge that waits for its code."""
        ask_for_codes(self.root)
        asked = self.client.post("/v1/auth/login", {"username": "fatima", "password": PASSWORDS["fatima"]})
        return str(asked.json()["challenge"]["challenge_id"])

    def code(self) -> str:
        """The code that was sent last."""
        return str(self.client.get("/_sandbox/messages/latest").json()["code"])

    def etag(self) -> str:
        """The tag of the user's account as it is now."""
        account = self.client.get(f"/v1/accounts/{self.holder.account_id}", headers=self.headers)
        return account.headers["etag"]

    def message(self) -> str:
        """The receiver of a message in the inbox."""
        self.root.write(messages.send, NotificationChannel.SMS, PHONE, "Hello")
        self.client.touched = True
        return PHONE

    def sandbox(self) -> str:
        """Another sandbox."""
        return str(self.client.post("/_sandbox/sandboxes").json()["id"])

    def snapshot(self) -> str:
        """A snapshot of the sandbox."""
        made = self.client.post("/_sandbox/snapshots", {"name": self.client.next_key()})
        return str(made.json()["name"])

    def single(self) -> str:
        """A collection that is one value."""
        add_extra(self.root, "profile", {"name": "typicode"})
        self.client.touched = True
        return "profile"


class _Noticing(Client):
    """A client that notices when something is asked for that is not only reading."""

    touched = True

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Any request."""
        self.touched = self.touched or method not in {"GET", "HEAD", "OPTIONS"}
        return super().request(method, path, **options)


ONE_DINAR = {"amount": "1.000", "currency": "KWD"}

REAL: dict[str, Callable[[World], Any]] = {
    # Who
    "username": lambda world: world.username(),
    "password": lambda world: PASSWORDS[world.username()],
    "device_id": lambda _: None,
    "refresh_token": lambda world: world.refresh_token(),
    "challenge_id": World.challenge,
    "code": World.code,
    "explainProblem.code": lambda _: "not_found",
    "customer_id": lambda world: world.holder.customer_id,
    # What
    "account_id": lambda world: world.holder.account_id,
    "from_account_id": lambda world: world.holder.account_id,
    "createTransfer.to": lambda world: {"account_id": world.holder.payee},
    "transfer_id": World.transfer,
    "transaction_id": World.transaction,
    "amount": lambda _: ONE_DINAR,
    "Idempotency-Key": lambda world: world.client.next_key(),
    "If-Match": World.etag,
    # Which of many
    "cursor": lambda _: LEFT_OUT,
    "from": lambda _: "2026-01-01",
    "to": lambda _: "2026-01-10T08:00:00Z",
    "min_amount": lambda _: "1.000",
    "max_amount": lambda _: "100.000",
    # Sandboxes
    "sandbox_id": World.sandbox,
    "id": lambda world: f"t-{world.client.next_key()}",
    "ttl": lambda _: 3600,
    "createSandbox.from": lambda _: "sandbox:default",
    "reset.seed": lambda _: LEFT_OUT,
    "ecosystem": lambda _: "tiny",
    "scenarios": lambda _: ["low-balance"],
    "as_of": lambda _: "2026-02-01T08:00:00Z",
    "name": World.snapshot,
    "takeSnapshot.name": lambda world: f"before-{world.client.next_key()}",
    "createSandbox.name": lambda _: "A test",
    "diffSandbox.from": World.snapshot,
    "diffSandbox.to": lambda _: "now",
    "scenario_name": lambda _: "low-balance",
    "applyScenario.body": lambda _: {},
    "advanceClock.body": lambda _: {"by": "P1DT1H"},
    "now": lambda _: "2026-02-01T08:00:00Z",
    # The inbox
    "listMessages.to": World.message,
    "deleteMessages.to": World.message,
    "latestMessage.channel": lambda _: "sms",
    "latestMessage.to": lambda _: PHONE,
    "match": lambda _: {"to": PHONE},
    "since": lambda _: LEFT_OUT,
    # The data plane
    "collection": lambda _: "notifications",
    "replaceSingle.collection": World.single,
    "changeSingle.collection": World.single,
    "record_id": lambda _: NOTE_ID,
    "createRecord.body": lambda _: NOTE | {"sent_at": "2026-01-10T08:00:00Z"},
    "replaceRecord.body": lambda _: NOTE | {"sent_at": "2026-01-10T08:00:00Z"},
    "changeRecord.body": lambda _: {"title": "Changed"},
    "_limit": lambda _: 10,
    "_sort": lambda _: "customer_id",
    "_order": lambda _: "desc",
    "_embed": lambda _: LEFT_OUT,
    "_expand": lambda _: "customer",
}
"""What there is, by name; a name that an operation means differently stands as `operation.name`."""

FIRST: dict[str, Callable[[World], Any]] = {
    "latestMessage": World.message,
    "waitForMessage": World.message,
    "listTransfers": World.transfer,
    "listSnapshots": World.snapshot,
}
"""What has to happen before an operation can succeed, or has something to show."""

ALWAYS = {"Idempotency-Key"}
"""What a request that is to succeed has to say, although the document lets it be left out: a dry run need not."""

EITHER = (
    ("_page", ("_start", "_end")),
    ("_per_page", ("_start", "_end", "_limit")),
    ("_end", ("_limit",)),
)
"""Parameters that contradict each other: with the first, none of the others."""

UNSAYABLE = {
    "cursor": "only what an answer gave is one",
    "Idempotency-Key": "needed unless `dry_run` is true",
    "_order": "has no more parts than `_sort`",
    "_sort": "the same",
    "_limit": "may be 0, but not on pages",
    "since": "an instant, or what an answer gave",
    "reset.seed": "must be the old one where sessions are kept",
    "applyScenario.body": "each scenario has parameters of its own",
}
"""What no schema of a document can say, so that even a valid request that names nothing real needs it put right; why.

That is little: what a document can say, it has to.
"""


class Names:
    """Puts what there is into a generated request."""

    def __init__(self, world: World, operation_id: str) -> None:
        self._world = world
        self._operation_id = operation_id

    def fill(self, case: Any, *, but: Collection[tuple[ParameterLocation, str | None]] = ()) -> None:
        """Let a request name what there is, wherever it was not made wrong on purpose.

        Args:
            case: the request, changed in place.
            but: places that have their value already; with None for a name, all of that place.
        """
        if self._operation_id in FIRST:
            FIRST[self._operation_id](self._world)
        self.put_right(case, but=but)
        for container, name in self._parameters(case, but):
            if name in container:
                self._set(container, name)
        if case.meta.is_negative_at(ParameterLocation.BODY) or (ParameterLocation.BODY, None) in but:
            return
        whole = REAL.get(f"{self._operation_id}.body")
        if whole is not None and case.body is not NOT_SET and case.body is not None:
            case.body = whole(self._world)
        elif isinstance(case.body, dict):
            given = {name for place, name in but if place is ParameterLocation.BODY}
            case.body = self._filled(case.body, given)

    def put_right(self, case: Any, *, but: Collection[tuple[ParameterLocation, str | None]] = ()) -> None:
        """Let a valid request be what its document has no words for."""
        for container, name in self._parameters(case, but):
            if name in ALWAYS or (name in container and self._is_unsayable(name)):
                self._set(container, name)
        if not case.meta.is_negative_at(ParameterLocation.QUERY):
            for first, others in EITHER:
                for other in others if first in case.query else ():
                    case.query.pop(other, None)
            if "_sort" not in case.query:
                case.query.pop("_order", None)
        if case.meta.is_negative_at(ParameterLocation.BODY) or not isinstance(case.body, dict):
            return
        if self._is_unsayable("body"):
            case.body = REAL[f"{self._operation_id}.body"](self._world)
        else:
            body = dict(case.body)
            for name in filter(self._is_unsayable, case.body):
                self._set(body, name)
            case.body = body

    def _is_unsayable(self, name: str) -> bool:
        return name in UNSAYABLE or f"{self._operation_id}.{name}" in UNSAYABLE

    def _parameters(self, case: Any, but: Collection[tuple[ParameterLocation, str | None]]) -> list[tuple[Any, str]]:
        """The parameters that are not made wrong on purpose, each with what holds it."""
        return [
            (case.get_container(parameter.location), parameter.name)
            for parameter in case.operation.iter_parameters()
            if not case.meta.is_negative_at(parameter.location) and (parameter.location, parameter.name) not in but
        ]

    def _set(self, container: Any, name: str) -> None:
        real = REAL.get(f"{self._operation_id}.{name}") or REAL.get(name)
        if real is None:
            return
        value = real(self._world)
        if value is LEFT_OUT:
            del container[name]
        else:
            container[name] = value

    def _filled(self, body: dict[str, Any], given: Collection[str | None] = ()) -> dict[str, Any]:
        filled = {name: self._filled(value) if isinstance(value, dict) else value for name, value in body.items()}
        for name in body:
            if name not in given:
                self._set(filled, name)
        return filled
