"""Records below the doors: what scenarios and the data plane write with."""

from typing import Any

import pytest
from bankside import ARJUN_CURRENT, FATIMA_CURRENT, FATIMA_CUSTOMER, audited, pay, rows_of, sql
from support import broken_invariants, sign_in

from sandbox.bank import records
from sandbox.bank.record_reads import count_all, largest
from sandbox.core.errors import NotFoundError, RecordInvalidError
from sandbox.sandboxes.root import StateRoot
from sandbox.store.export import SECRETS, export
from sandbox.store.records import ALL_COLLECTIONS
from sandbox.store.tables import outbox
from sandbox.store.work import Work


def find(root: StateRoot, collection: str, **where: Any) -> list[dict[str, Any]]:
    return root.read(records.find_records, collection, where)


def exported(work: Work) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in ALL_COLLECTIONS}
    for name, record in export(work.db):
        found[name].append({field: value for field, value in record.items() if field not in SECRETS})
    return found


def counted(work: Work, name: str) -> int:
    return count_all(work.db, name)


def at_most(work: Work, name: str) -> int:
    return largest(work.db, name)


def test_records_are_what_an_export_writes(root: StateRoot) -> None:
    fatima = sign_in(root)
    settled = pay(root, fatima, FATIMA_CURRENT, 7_250, account_id=ARJUN_CURRENT)
    assert settled.transfer_id is not None
    sql(root, "UPDATE entry SET extra = '{\"note\":1}' WHERE seq = (SELECT max(seq) FROM entry)")
    for name, expected in root.read(exported).items():
        assert find(root, name) == expected, name
        assert root.read(counted, name) == len(expected) <= root.read(at_most, name)
        for record in expected:
            assert root.read(records.get_record, name, record[ALL_COLLECTIONS[name].key]) == record


def test_records_are_found_by_any_field(root: StateRoot) -> None:
    (user,) = find(root, "auth_users", username="fatima")
    assert user["customer_id"] == FATIMA_CUSTOMER
    assert [row["account_id"] for row in find(root, "accounts", balance="2547.44")] == [FATIMA_CURRENT]
    current = find(root, "accounts", customer_id=FATIMA_CUSTOMER, account_type="CURRENT", status="ACTIVE")
    assert [row["account_id"] for row in current] == [FATIMA_CURRENT]
    assert {row["role"] for row in find(root, "auth_users", customer_id=None)} == {"AUDITOR", "ADMIN"}
    assert all(row["direction"] == "CREDIT" for row in find(root, "transactions", direction="CREDIT"))
    first = find(root, "customers")[0]
    assert first in find(root, "customers", address=first["address"], customer_id=first["customer_id"])
    assert find(root, "customers", address={"area": "Atlantis"}) == []
    assert find(root, "customers", vip=True) == []


def test_a_value_that_no_field_could_have_is_told(root: StateRoot) -> None:
    with pytest.raises(RecordInvalidError) as refused:
        find(root, "accounts", status="MERRY")
    assert "accounts" in refused.value.detail
    with pytest.raises(NotFoundError):
        find(root, "nothing")


def test_secrets_are_neither_shown_nor_found_by(root: StateRoot) -> None:
    (user,) = find(root, "auth_users", username="fatima")
    (stored,) = find(root, "credentials", user_id=user["user_id"])
    assert not SECRETS & stored.keys()
    assert find(root, "credentials", password_hash="x") == []


def test_who_wrote_is_kept(root: StateRoot) -> None:
    root.write(records.patch_record, "accounts", FATIMA_CURRENT, {"nickname": "Mine"}, by="scenario:locked-user")
    assert audited(root) == ["RECORD_CHANGED"]
    (line,) = find(root, "audit_logs", action="RECORD_CHANGED")
    assert (line["by"], line["collection"], line["related_entity_id"]) == (
        "scenario:locked-user",
        "accounts",
        FATIMA_CURRENT,
    )
    assert broken_invariants(root) == []


def test_a_password_given_here_is_hashed_too(root: StateRoot) -> None:
    (user,) = find(root, "auth_users", username="fatima")
    root.write(records.patch_record, "credentials", user["user_id"], {"password": "Scenario-2026!"})
    assert sign_in(root, "fatima", "Scenario-2026!").username == "fatima"
    assert all("Scenario" not in str(row) for row in sql(root, "SELECT * FROM credential"))


def test_a_movement_made_here_is_told_to_subscribers(root: StateRoot) -> None:
    body = {"account_id": FATIMA_CURRENT, "amount": "1.000", "direction": "CREDIT"}
    root.write(records.create_record, "transactions", body)
    assert rows_of(root, outbox) == 2
    kinds = [row[0] for row in sql(root, "SELECT type FROM outbox ORDER BY seq")]
    assert kinds == ["payment_received", "balance_update"]


def test_a_lock_that_ends_by_itself_is_known_to_fall_due(root: StateRoot) -> None:
    (user,) = find(root, "auth_users", username="fatima")
    lock = {"status": "LOCKED", "failed_login_attempts": 5, "locked_until": "2026-01-15T09:30:00Z"}

    def locking(work: Work) -> int:
        records.patch_record(work, "auth_users", user["user_id"], lock)
        return work.due_at

    assert root.write(locking) == 1_768_469_400_000_000
