"""One fault in an ecosystem does not hide the next, whatever kind they are."""

import json
from pathlib import Path

import pytest
from support import copy_of_tiny, edit

from sandbox.store.ecosystem import load
from sandbox.store.reading import EcosystemError


def faults_of(folder: Path) -> list[tuple[str, str]]:
    """The file and field of every fault."""
    with pytest.raises(EcosystemError) as caught:
        load(folder)
    return [(failure.file, failure.field) for failure in caught.value.failures]


def test_a_wrong_type_a_dangling_reference_and_a_broken_rule_are_named_together(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path)
    edit(folder, "customers", lambda rows: rows[3].update(full_name=7))
    edit(folder, "notifications", lambda rows: rows[0].update(customer_id="nobody"))
    edit(folder, "savings_goals", lambda rows: rows[0].update(target_amount="0.001"))
    edit(folder, "auth_users", lambda rows: rows[0].update(failed_login_attempts=5))

    assert faults_of(folder) == [
        ("customers.json", "full_name"),
        ("notifications.json", "customer_id"),
        ("savings_goals.json", "current_amount"),
        ("auth_users.json", "status"),
    ]


def test_records_that_refer_to_an_unreadable_one_are_not_called_dangling(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path)
    edit(folder, "accounts", lambda rows: rows[0].update(balance="1.2345"))

    assert faults_of(folder) == [("accounts.json", "balance")]


def test_an_unreadable_file_is_one_fault(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path)
    (folder / "accounts.json").write_text('[{"account_id": ', encoding="utf-8")

    assert faults_of(folder) == [("accounts.json", "")]


def test_balances_are_judged_only_when_every_movement_is_known(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path)
    edit(folder, "transactions", lambda rows: rows[5].update(amount="lots"))
    edit(folder, "accounts", lambda rows: rows[0].update(balance="-900000.000"))

    assert faults_of(folder) == [("transactions.json", "amount")]


def test_a_fault_keeps_its_place_in_the_file_when_records_before_it_are_faulty_too(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path)
    edit(folder, "savings_goals", lambda rows: rows[0].update(name=None))
    edit(folder, "savings_goals", lambda rows: rows[1].update(target_amount="0.001"))

    with pytest.raises(EcosystemError) as caught:
        load(folder)

    assert [failure.record.split()[0] for failure in caught.value.failures] == ["[0]", "[1]"]


def test_faults_in_lines_name_the_jsonl_file(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path)
    goals = json.loads((folder / "savings_goals.json").read_text(encoding="utf-8"))
    (folder / "savings_goals.json").unlink()
    line = json.dumps(goals[0] | {"customer_id": "nobody", "account_id": "nothing"})
    (folder / "savings_goals.jsonl").write_text(line, encoding="utf-8")

    assert faults_of(folder) == [("savings_goals.jsonl", "customer_id"), ("savings_goals.jsonl", "account_id")]
