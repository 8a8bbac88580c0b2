"""Who may do what: every operation of the server, asked by everybody."""

from typing import Any

import pytest
from checks import FATIMA_CURRENT, FATIMA_CUSTOMER, FATIMA_SAVINGS
from extras import NOTE, NOTE_ID, add_extra
from secondfactor import ask_for_codes
from support import PASSWORDS, VIRTUAL, Client, User, transfer_body

from sandbox.app import create_app

ACTORS = ("anonymous", "fatima", "arjun", "auditor", "admin")

# What each actor gets, in the order of ACTORS: fatima asks for her own things, arjun for hers.
EVERYBODY = (2, 2, 2, 2, 2)
SIGNED_IN = (401, 2, 2, 2, 2)
OWNER_AND_STAFF = (401, 2, 404, 2, 2)
OWNER = (401, 2, 404, 403, 403)
CUSTOMERS = (401, 2, 2, 403, 403)
OWNER_AND_ADMIN = (401, 2, 404, 403, 2)
STAFF = (401, 403, 403, 2, 2)

EXPECTED: dict[str, tuple[int, ...]] = {
    "login": EVERYBODY,
    "verifyChallenge": EVERYBODY,
    "resendCode": EVERYBODY,
    "refresh": EVERYBODY,
    "logout": SIGNED_IN,
    "whoAmI": SIGNED_IN,
    "keys": EVERYBODY,
    "openapiDocument": EVERYBODY,
    "root": EVERYBODY,
    "apiDocs": EVERYBODY,
    "apiDocsFile": EVERYBODY,
    "listProblems": EVERYBODY,
    "explainProblem": EVERYBODY,
    "listAccounts": SIGNED_IN,
    "getAccount": OWNER_AND_STAFF,
    "changeAccount": OWNER,
    "getBalances": OWNER_AND_STAFF,
    "listHolds": OWNER_AND_STAFF,
    "listAccountTransactions": OWNER_AND_STAFF,
    "listTransactions": SIGNED_IN,
    "getTransaction": OWNER_AND_STAFF,
    "deposit": OWNER,
    "withdraw": OWNER,
    "createTransfer": OWNER,
    "listTransfers": SIGNED_IN,
    "getTransfer": OWNER_AND_STAFF,
    "reverseTransfer": OWNER_AND_ADMIN,
    "listAuditLogs": STAFF,
    "trialBalance": STAFF,
    "ledgerIntegrity": STAFF,
    "health": EVERYBODY,
    "livez": EVERYBODY,
    "readyz": EVERYBODY,
    "info": EVERYBODY,
    "reset": EVERYBODY,
    "digest": EVERYBODY,
    "invariants": EVERYBODY,
    "exportSandbox": EVERYBODY,
    "importSandbox": EVERYBODY,
    "diffSandbox": EVERYBODY,
    "listCollections": EVERYBODY,
    "listRecords": EVERYBODY,
    "getRecord": EVERYBODY,
    "createRecord": EVERYBODY,
    "replaceRecord": EVERYBODY,
    "changeRecord": EVERYBODY,
    "deleteRecord": EVERYBODY,
    "replaceSingle": EVERYBODY,
    "changeSingle": EVERYBODY,
    "createSandbox": EVERYBODY,
    "listSandboxes": EVERYBODY,
    "getSandbox": EVERYBODY,
    "deleteSandbox": EVERYBODY,
    "listSnapshots": EVERYBODY,
    "takeSnapshot": EVERYBODY,
    "getSnapshot": EVERYBODY,
    "restoreSnapshot": EVERYBODY,
    "deleteSnapshot": EVERYBODY,
    "getClock": EVERYBODY,
    "setClock": EVERYBODY,
    "advanceClock": EVERYBODY,
    "listScenarios": EVERYBODY,
    "getScenario": EVERYBODY,
    "applyScenario": EVERYBODY,
    "listMessages": EVERYBODY,
    "deleteMessages": EVERYBODY,
    "latestMessage": EVERYBODY,
    "waitForMessage": EVERYBODY,
}

CASH = {"account_id": FATIMA_CURRENT, "amount": {"amount": "1.000", "currency": "KWD"}}


def test_every_operation_of_the_server_stands_in_the_matrix() -> None:
    app = create_app(VIRTUAL)
    try:
        assert {operation.operation_id for operation in app.table.operations} == set(EXPECTED)
    finally:
        app.house.close()


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
@pytest.mark.parametrize("operation_id", EXPECTED)
def test_an_operation_is_open_to_exactly_who_may_use_it(client: Client, operation_id: str, actor: str) -> None:
    operation = next(found for found in client.app.table.operations if found.operation_id == operation_id)
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
    answer = client.request(operation.method, operation.template.format_map(parameters), headers=headers, **options)
    expected = EXPECTED[operation_id][ACTORS.index(actor)]
    assert answer.status_code == expected or answer.status_code // 100 == expected, answer.text
    if expected == 403:
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
