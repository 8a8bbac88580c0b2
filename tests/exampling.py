"""The examples of the OpenAPI document: every operation asked of `seeds/kuwait`, and what the bank answered.

`make openapi` writes them to `sandbox/http/examples.json`; a test tries them again and holds them against that file.
"""

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
from extras import add_extra
from msgspec import structs
from support import VIRTUAL, Client

from sandbox.http.openapi_operations import HEADERS, Answered, Example

PLACE = Path(__file__).resolve().parents[1] / "sandbox" / "http" / "examples.json"
KUWAIT = structs.replace(VIRTUAL, ecosystem="kuwait")

CURRENT = "fa726c03-d26a-8ade-b155-21d74d2cbec8"
SAVINGS = "fa650ea6-61c5-816a-9c01-a53c50992f8e"
LOGIN = {"username": "fatima", "password": "Fatima-2026!"}
PAYMENT = {
    "from_account_id": CURRENT,
    "to": {"account_id": SAVINGS},
    "amount": {"amount": "12.750", "currency": "KWD"},
    "reference": "Eid clothes",
}
CASH = {"account_id": CURRENT, "amount": {"amount": "20.000", "currency": "KWD"}}

_SHOWN = 2
"""How many items of a long list an example has."""
_TOKEN_SHOWN = 24
_OF_OPERATIONS = {name.lower() for name in HEADERS} - {"x-request-id", "sandbank-time", "www-authenticate", "allow"}


class Tried:
    """The examples found so far."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._templates = {found.operation_id: found for found in client.app.table.operations}
        self.examples: dict[str, Example] = {}
        self._headers: dict[str, str] = {}

    def sign_in(self, username: str) -> None:
        """Ask as this user from now on."""
        password = f"{username.capitalize()}-2026!"
        answer = self._client.post("/v1/auth/login", {"username": username, "password": password})
        self._headers = {"authorization": f"Bearer {answer.json()['access_token']}"}

    def ask(
        self, operation_id: str, body: Any = msgspec.UNSET, *, at: str = "", query: str = "", **parameters: str
    ) -> Any:
        """Ask one operation; what it answered, in full."""
        operation = self._templates[operation_id]
        sent: dict[str, Any] = {} if body is msgspec.UNSET else {"json": body}
        if isinstance(body, bytes):
            sent = {"content": body}
        headers = {"accept": "application/json"} | (self._headers if operation.roles is not None else {})
        if operation.places_order and "dry_run" not in query:
            headers["idempotency-key"] = self._client.next_key()
        if isinstance(body, bytes):
            headers["content-type"] = "application/zip"
        path = at + operation.template.format_map(parameters) + query
        answer = self._client.request(operation.method, path, headers=headers, **sent)
        assert answer.status_code < 300, (operation_id, answer.text)
        self._keep(operation_id, answer, body, parameters, query)
        is_json = answer.headers.get("content-type") == "application/json"
        return answer.json() if is_json else answer.content

    def _keep(
        self, operation_id: str, answer: httpx.Response, body: Any, parameters: dict[str, str], query: str
    ) -> None:
        known = self.examples.get(operation_id, Example())
        shown = _shown(answer.json()) if answer.headers.get("content-type") == "application/json" else msgspec.UNSET
        answered = Answered(headers=tuple(sorted(_OF_OPERATIONS & set(answer.headers))), body=shown)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(query).query).items()}
        self.examples[operation_id] = Example(
            parameters=known.parameters or parameters | asked,
            body=msgspec.UNSET if isinstance(body, bytes) else body,
            answers=dict(sorted((known.answers | {str(answer.status_code): answered}).items())),
        )


def made() -> bytes:
    """The examples as a file."""
    client = Client(KUWAIT)
    try:
        tried = Tried(client)
        _sign_in(tried)
        _bank(tried)
        _records(tried, client)
        _control(tried)
        _pages(tried)
    finally:
        client.close()
    text = msgspec.json.encode(dict(sorted(tried.examples.items())))
    return msgspec.json.format(text, indent=1) + b"\n"


def _sign_in(tried: Tried) -> None:
    tokens = tried.ask("login", LOGIN)
    tried.ask("refresh", {"refresh_token": tokens["refresh_token"]})
    tried.ask("createSandbox", {"id": "t1", "scenarios": ["second-factor"]})
    asked = tried.ask("login", LOGIN, at="/s/t1")["challenge"]["challenge_id"]
    tried.ask("resendCode", at="/s/t1", challenge_id=asked)
    code = tried.ask("latestMessage", at="/s/t1")["code"]
    tried.ask("waitForMessage", {"match": {"channel": "sms", "has_code": True}, "timeout_ms": 5000}, at="/s/t1")
    tried.ask("listMessages", at="/s/t1", query="?channel=sms")
    tried.ask("verifyChallenge", {"code": code}, at="/s/t1", challenge_id=asked)
    tried.ask("deleteMessages", at="/s/t1")


def _bank(tried: Tried) -> None:
    tried.sign_in("fatima")
    tried.ask("whoAmI")
    tried.ask("listAccounts", query="?limit=1")
    tried.ask("changeAccount", {"nickname": "Household"}, account_id=CURRENT)
    for operation_id in ("getAccount", "getBalances", "listHolds"):
        tried.ask(operation_id, account_id=CURRENT)
    found = tried.ask("listTransactions", query="?limit=1")["items"][0]["transaction_id"]
    tried.ask("listAccountTransactions", query="?limit=1", account_id=CURRENT)
    tried.ask("getTransaction", transaction_id=found)
    for operation_id, body in (("deposit", CASH), ("withdraw", CASH), ("createTransfer", PAYMENT)):
        tried.ask(operation_id, body, query="?dry_run=true")
        tried.ask(operation_id, body)
    paid = tried.ask("listTransfers", query="?limit=1")["items"][0]["transfer_id"]
    tried.ask("getTransfer", transfer_id=paid)
    tried.ask("reverseTransfer", {"reason": "Paid twice"}, query="?dry_run=true", transfer_id=paid)
    tried.ask("reverseTransfer", {"reason": "Paid twice"}, transfer_id=paid)
    tried.sign_in("auditor")
    tried.ask("listAuditLogs", query="?limit=1")
    for operation_id in ("trialBalance", "ledgerIntegrity", "keys", "logout"):
        tried.ask(operation_id)


def _records(tried: Tried, client: Client) -> None:
    add_extra(client.app.house.get("default").root, "profile", {"name": "Front desk"})
    tried.ask("listCollections")
    customer = tried.ask("getRecord", collection="accounts", record_id=CURRENT)["customer_id"]
    tried.ask("listRecords", query="?_limit=2&_sort=-balance", collection="accounts")
    request = {
        "customer_id": customer,
        "request_type": "CHEQUE_BOOK",
        "subject": "A cheque book",
        "description": "Fifty leaves, please",
        "created_at": "2026-01-14T08:00:00Z",
        "updated_at": "2026-01-14T08:00:00Z",
    }
    record_id = tried.ask("createRecord", request, collection="service_requests")["request_id"]
    of_record = {"collection": "service_requests", "record_id": record_id}
    tried.ask("changeRecord", {"status": "IN_PROGRESS"}, **of_record)
    tried.ask("replaceRecord", request | {"status": "RESOLVED"}, **of_record)
    tried.ask("deleteRecord", **of_record)
    tried.ask("replaceSingle", {"name": "Front desk", "floor": 1}, collection="profile")
    tried.ask("changeSingle", {"floor": 2}, collection="profile")


def _pages(tried: Tried) -> None:
    tried.ask("apiDocs")
    tried.ask("apiDocsFile", asset="page.css")
    tried.ask("listProblems", query="?lang=en")
    tried.ask("explainProblem", code="insufficient_funds")


def _control(tried: Tried) -> None:
    for operation_id in ("root", "metrics", "health", "livez", "readyz", "info", "digest", "invariants", "getClock"):
        tried.ask(operation_id)
    tried.ask("reset", {"scenarios": ["low-balance"]})
    tried.ask("takeSnapshot", {"name": "before-pay"})
    tried.ask("listSnapshots")
    tried.ask("getSnapshot", name="before-pay")
    tried.ask("advanceClock", {"by": "P3DT2H"})
    tried.ask("setClock", {"mode": "frozen", "now": "2026-01-25T08:00:00Z"})
    tried.ask("applyScenario", {"balance": "1.500"}, scenario_name="low-balance")
    tried.ask("diffSandbox", query="?from=before-pay")
    tried.ask("restoreSnapshot", name="before-pay")
    tried.ask("deleteSnapshot", name="before-pay")
    tried.ask("listScenarios")
    tried.ask("getScenario", scenario_name="low-balance")
    tried.ask("importSandbox", tried.ask("exportSandbox"))
    tried.ask("createSandbox", {"id": "t2", "scenarios": ["locked-user"], "ttl": 3600})
    tried.ask("listSandboxes")
    tried.ask("getSandbox", sandbox_id="t2")
    tried.ask("deleteSandbox", sandbox_id="t2")


def _shown(value: Any, name: str = "") -> Any:
    """A body as an example shows it: long lists and tokens cut, and nothing that a clock of this machine says."""
    if isinstance(value, dict):
        return {key: _shown(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shown(inner) for inner in value[:_SHOWN]]
    if name in {"access_token", "refresh_token"}:
        return f"{value[:_TOKEN_SHOWN]}..."
    return 0.9 if name == "took_ms" else "2026-01-15T10:00:00Z" if name == "expires_at" and value else value


if __name__ == "__main__":
    PLACE.write_bytes(made())
    json.dump({"wrote": str(PLACE)}, sys.stdout)
    sys.stdout.write("\n")
