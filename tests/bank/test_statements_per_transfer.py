"""The budget of a transfer: how many SQL statements one may cost."""

import pytest
from bankside import ARJUN_CURRENT, ARJUN_IBAN, FATIMA_CURRENT, raw
from support import Client, User, transfer_body

BUDGET = 20


def run_for(client: Client, fatima: User, to: dict[str, str]) -> list[str]:
    """The statements of one transfer, as SQLite tells of them.

    BEGIN, SAVEPOINT and COMMIT are included, and an `executemany` counts once for each of its rows; what
    authentication reads before the order begins is not the transfer's.
    """
    root = client.app.house.get("default").root
    seen: list[str] = []
    raw(root).set_trace_callback(seen.append)
    try:
        answer = fatima.order("/v1/transfers", transfer_body(FATIMA_CURRENT, ARJUN_CURRENT, "1.000") | {"to": to})
    finally:
        raw(root).set_trace_callback(None)
    assert answer.status_code == 201, answer.text
    return seen[seen.index("BEGIN IMMEDIATE") :]


@pytest.mark.parametrize("to", [{"account_id": ARJUN_CURRENT}, {"iban": ARJUN_IBAN}], ids=["account", "iban"])
def test_a_transfer_under_a_key_stays_within_its_budget(client: Client, fatima: User, to: dict[str, str]) -> None:
    run_for(client, fatima, to)
    statements = run_for(client, fatima, to)
    assert statements[-1] == "COMMIT"
    assert sum(statement.startswith("BEGIN") for statement in statements) == 1
    assert len(statements) <= BUDGET, "\n".join(statements)


def test_a_read_costs_few_statements_and_begins_no_transaction(client: Client, fatima: User) -> None:
    root = client.app.house.get("default").root
    seen: list[str] = []
    raw(root).set_trace_callback(seen.append)
    try:
        assert fatima.get("/v1/accounts").status_code == 200
        assert fatima.get("/v1/accounts").status_code == 200
    finally:
        raw(root).set_trace_callback(None)
    assert all(statement.startswith("SELECT") for statement in seen)
    assert len(seen) <= 4
