"""What the data plane says when the bank refuses: the bank says what is wrong, this door which request does better."""

import ast
from pathlib import Path
from typing import Any

import pytest
from checks import ARJUN_CURRENT, FATIMA_CURRENT, JSON, assert_problem
from extras import add_extra
from support import Client

import sandbox.bank

ROUTES = ("/_data", "/_sandbox", "/v1/", "GET ", "POST ", "PUT ", "PATCH ", "DELETE ", "Allow")


def details(client: Client, method: str, path: str, body: Any = None) -> str:
    options = {} if body is None else {"json": body}
    detail: str = client.request(method, f"/_data/{path}", **options).json()["detail"]
    return detail


@pytest.mark.parametrize("module", sorted(Path(sandbox.bank.__file__).parent.glob("*.py")), ids=lambda path: path.stem)
def test_the_bank_names_no_routes(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docstrings = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    assert [text for text in texts if text not in docstrings and any(route in text for route in ROUTES)] == []


def test_a_movement_says_how_it_is_taken_back(client: Client) -> None:
    transfer = client.login("fatima").transfer(FATIMA_CURRENT, ARJUN_CURRENT, "7.250").json()["transfer_id"]
    (mine,) = client.get(f"/_data/transactions?transfer_id={transfer}&direction=DEBIT").json()
    name = mine["transaction_id"]
    assert details(client, "PATCH", f"transactions/{name}", {"amount": "1.000"}) == (
        f"The ledger keeps amount of transaction {name} as it is; POST /v1/transfers/{transfer}/reversal takes it back."
    )
    body = {"account_id": FATIMA_CURRENT, "amount": "9.500", "direction": "DEBIT", "status": "PENDING"}
    held = client.post("/_data/transactions", body).json()["transaction_id"]
    assert details(client, "DELETE", f"transactions/{held}") == (
        f"The ledger keeps transaction {held} as it is; PATCH its status to COMPLETED or FAILED to settle or drop it."
    )
    alone = client.post("/_data/transactions", body | {"status": "COMPLETED"}).json()["transaction_id"]
    said = client.request("DELETE", f"/_data/transactions/{alone}").json()
    assert (said["fields"], said["reversal"]) == ([], None)
    assert said["detail"].endswith("as it is; post a movement the other way to take it back.")


def test_a_movement_of_the_past_says_how_time_is_moved(client: Client) -> None:
    body = {"account_id": FATIMA_CURRENT, "amount": "9.500", "direction": "DEBIT", "booked_at": "2026-01-01T00:00:00Z"}
    said = assert_problem(client.post("/_data/transactions", body), 422, "record_invalid")
    assert said["errors"][0]["detail"].endswith("; leave it out (POST /_sandbox/clock/advance moves time)")


def test_a_line_of_the_audit_trail_says_that_lines_can_be_added(client: Client) -> None:
    line = client.post("/_data/audit_logs", {"action": "TESTED"}).json()["log_id"]
    said = client.request("PATCH", f"/_data/audit_logs/{line}", json={"action": "X"}).json()
    assert (said["fields"], said["reversal"]) == (["action"], None)
    assert said["detail"] == f"Line {line} of the audit trail stays as it is: lines form a chain. POST adds one."


@pytest.mark.parametrize(
    ("name", "way"),
    [("transfers", "POST /v1/transfers"), ("holds", "POST /_data/transactions with status PENDING")],
)
def test_what_is_only_read_says_how_one_is_made(client: Client, name: str, way: str) -> None:
    answer = client.post(f"/_data/{name}", {})
    said = assert_problem(answer, 405, "method_not_allowed")
    assert said["detail"] == f"{name} are the bank's own record of what it did; {way} makes one."
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


def test_one_value_without_fields_says_that_it_is_replaced(client: Client) -> None:
    add_extra(client.app.house.get("default").root, "word", "just text")
    answer = client.request("PATCH", "/_data/word", json={"a": 1})
    said = assert_problem(answer, 405, "method_not_allowed")
    assert (said["detail"], answer.headers["allow"]) == (
        "word is no object: PUT replaces it.",
        "GET, HEAD, OPTIONS, POST, PUT",
    )


def test_what_is_not_there_says_where_to_look(client: Client) -> None:
    for method, path, body in (("GET", "unheard", None), ("POST", "unheard", {}), ("GET", "unheard/1", None)):
        expected = "There is no collection 'unheard'. GET /_data lists what there is."
        assert details(client, method, path, body) == expected
    said = client.get("/_sandbox/messages/latest").json()["detail"]
    assert said == "No such message was sent, or it was deleted. POST /_sandbox/messages/wait waits."


@pytest.mark.parametrize("number", ["1e401", "-1e-401", "1e20000000", "0e999999", "[0.5, 1E+500]"])
def test_a_number_beyond_all_measure_is_refused(client: Client, number: str) -> None:
    add_extra(client.app.house.get("default").root, "things", [{"id": 1, "n": 1}])
    answer = client.request("POST", "/_data/things", content=b'{"n": %s}' % number.encode(), headers=JSON)
    said = assert_problem(answer, 400, "malformed_json")
    assert "has an exponent beyond 400" in said["detail"]
    kept = client.request("POST", "/_data/things", content=b'{"n": 1e400}', headers=JSON)
    assert kept.status_code == 201
    assert client.get("/_data/things?n_like=^1000&q=000").json()[0]["id"] == 2
