"""Who may do what: every operation of the OpenAPI document, asked by everybody."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from checks import FATIMA_CURRENT, FATIMA_CUSTOMER, FATIMA_SAVINGS
from extras import NOTE, NOTE_ID, add_extra
from secondfactor import ask_for_codes
from support import PASSWORDS, VIRTUAL, Client, User, transfer_body

from sandbox.app import create_app

ACTORS = ("anonymous", "fatima", "arjun", "auditor", "admin")
"""Fatima asks for her own things, arjun for hers."""

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "roles.md"
DOCUMENT = yaml.safe_load((REPOSITORY / "openapi" / "openapi.yaml").read_text(encoding="utf-8"))
"""As it is committed; `make lint` holds it against the handlers."""

OPERATIONS: dict[str, dict[str, Any]] = {
    operation["operationId"]: {"method": method.upper(), "path": path} | operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}


def expected(operation: dict[str, Any], actor: str) -> int:
    """What an actor gets: a whole status, or the first digit of one."""
    hints = operation["x-sandbox"]
    role = actor if actor in {"auditor", "admin"} else "customer"
    if hints["roles"] is None:
        return 2
    if actor == "anonymous":
        return 401
    if role not in hints["roles"]:
        return 403
    return 404 if hints["owned"] and actor == "arjun" else 2


CASH = {"account_id": FATIMA_CURRENT, "amount": {"amount": "1.000", "currency": "KWD"}}


def test_every_operation_of_the_server_stands_in_the_document() -> None:
    app = create_app(VIRTUAL)
    try:
        assert {operation.operation_id for operation in app.table.operations} == set(OPERATIONS) | {"openapiDocument"}
    finally:
        app.house.close()


def matrix() -> str:
    """The table of docs/roles.md."""
    shown = {2: "yes", 401: "401", 403: "403", 404: "404"}
    lines = [f"| operation | | {' | '.join(ACTORS)} |", f"|{'---|' * (len(ACTORS) + 2)}"]
    for name, operation in OPERATIONS.items():
        cells = " | ".join(shown[expected(operation, actor)] for actor in ACTORS)
        lines.append(f"| `{name}` | `{operation['method']} {operation['path']}` | {cells} |")
    return "\n".join(lines)


def test_the_matrix_of_the_page_is_that_of_the_document() -> None:
    assert f"\n{matrix()}\n" in PAGE.read_text(encoding="utf-8"), f"docs/roles.md lacks\n{matrix()}"


def prepared(client: Client, fatima: User) -> tuple[dict[str, str], dict[str, Any]]:
    """Path parameters and bodies with which every operation works for its owner."""
    made = fatima.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000").json()
    client.post("/_sandbox/sandboxes", {"id": "t1"})
    client.post("/_sandbox/snapshots", {"name": "s1"})
    asked, code = arjun_has_a_code(client)
    parameters = {
        "account_id": FATIMA_CURRENT,
        "transaction_id": fatima.get("/v1/transactions?limit=1").json()["items"][0]["transaction_id"],
        "transfer_id": made["transfer_id"],
        "sandbox_id": "t1",
        "scenario_name": "clean-inbox",
        "name": "s1",
        "challenge_id": asked,
        "collection": "notifications",
        "record_id": NOTE_ID,
        "asset": "page.css",
        "code": "not_found",
    }
    add_extra(client.app.house.get("default").root, "profile", {"name": "typicode"})
    note = NOTE | {"sent_at": "2026-01-10T08:00:00Z"}
    bodies: dict[str, Any] = {
        "login": {"username": "fatima", "password": PASSWORDS["fatima"]},
        "verifyChallenge": {"code": code},
        "refresh": {"refresh_token": fatima.tokens["refresh_token"]},
        "changeAccount": {"nickname": "Household"},
        "deposit": CASH,
        "withdraw": CASH,
        "createTransfer": transfer_body(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000"),
        "createRecord": note,
        "replaceRecord": note,
        "changeRecord": note,
        "replaceSingle": note,
        "changeSingle": note,
        "takeSnapshot": {"name": "s2"},
        "setClock": {"rate": 2},
        "advanceClock": {"by": "PT1M"},
        "importSandbox": client.get("/_sandbox/export").content,
    }
    return parameters, bodies


def arjun_has_a_code(client: Client) -> tuple[str, str]:
    """A challenge that waits for its code, and the code; after it arjun signs in with the password alone again."""
    root = client.app.house.get("default").root
    ask_for_codes(root, "arjun")
    answer = client.post("/v1/auth/login", {"username": "arjun", "password": PASSWORDS["arjun"]})
    ask_for_codes(root, "arjun", [])
    code = client.get("/_sandbox/messages/latest").json()["code"]
    return answer.json()["challenge"]["challenge_id"], code


@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_an_operation_is_open_to_exactly_who_may_use_it(client: Client, operation_id: str, actor: str) -> None:
    operation = OPERATIONS[operation_id]
    fatima = client.login("fatima")
    parameters, bodies = prepared(client, fatima)
    headers = {"idempotency-key": "k"}
    if actor != "anonymous":
        headers |= client.login(actor).headers
    if operation_id in {"replaceSingle", "changeSingle"}:
        parameters["collection"] = "profile"
    options = {"json": bodies[operation_id]} if operation_id in bodies else {}
    if operation_id == "importSandbox":
        options = {"content": bodies[operation_id]}
        headers |= {"content-type": "application/zip"}
    answer = client.request(operation["method"], operation["path"].format_map(parameters), headers=headers, **options)
    wanted = expected(operation, actor)
    assert answer.status_code == wanted or answer.status_code // 100 == wanted, answer.text
    if wanted == 403:
        assert answer.json()["code"] == "forbidden"


def test_an_auditor_changes_nothing(client: Client) -> None:
    auditor = client.login("auditor")
    parameters, bodies = prepared(client, client.login("fatima"))
    before = client.digest()
    for operation in client.app.table.operations:
        if operation.method == "GET" or operation.roles is None or operation.operation_id == "logout":
            continue
        path = operation.template.format_map(parameters)
        answer = auditor.request(
            operation.method, path, json=bodies.get(operation.operation_id, {}), headers={"idempotency-key": "k"}
        )
        assert answer.status_code == 403, operation
    assert client.digest() == before


def test_no_answer_to_an_auditor_carries_a_secret(client: Client) -> None:
    auditor = client.login("auditor")
    parameters, _ = prepared(client, client.login("fatima"))
    for operation in client.app.table.operations:
        if operation.method != "GET" or not operation.template.startswith("/v1"):
            continue
        text = auditor.get(operation.template.format_map(parameters)).text.lower()
        for word in ("password", "$argon2", "pin_hash", "push_token", "refresh"):
            assert word not in text.replace("token_refreshed", "").replace("refresh_token_reused", ""), operation


def test_lists_show_a_customer_nothing_of_anybody_else(client: Client) -> None:
    arjun = client.login("arjun")
    for path in ("/v1/accounts", "/v1/transactions?limit=200", "/v1/transfers"):
        text = arjun.get(path).text
        assert FATIMA_CUSTOMER not in text
        assert FATIMA_CURRENT not in text
