"""`sandbank ecosystem validate`: a folder of collections is looked at before it is served."""

from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from support import copy_of_tiny, edit, tiny_image

from sandbox.cli import main


def validate(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["ecosystem", "validate", *arguments])


def test_a_shipped_ecosystem_is_valid() -> None:
    ended = validate("tiny")
    assert ended.exit_code == 0
    assert "is valid" in ended.stdout
    assert tiny_image().facts.digest in ended.stdout
    assert "invariants hold" in ended.stdout
    assert ended.stderr == ""


def test_a_folder_is_valid(tmp_path: Path) -> None:
    ended = validate(str(copy_of_tiny(tmp_path / "mine")))
    assert ended.exit_code == 0
    assert str(tmp_path / "mine") in ended.stdout


def test_every_failure_is_named_and_the_exit_code_is_1(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path / "broken")

    def break_rows(rows: list[dict[str, Any]]) -> None:
        rows[0]["balance"] = "1.2345"
        rows[1]["status"] = "OPEN"
        rows[2]["opened_at"] = "yesterday"

    edit(folder, "accounts", break_rows)
    ended = validate(str(folder))
    assert ended.exit_code == 1
    assert ended.stdout == ""
    for word in ("balance", "status", "opened_at", "Nothing was loaded"):
        assert word in ended.stderr


def test_very_many_failures_are_all_listed(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path / "broken")

    def break_all(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["status"] = "DONE"
            row["channel"] = 1

    edit(folder, "transactions", break_all)
    ended = validate(str(folder))
    assert ended.exit_code == 1
    *named, last = ended.stderr.splitlines()
    assert len(named) == 140, "two for each of 70 records"
    assert sum(" status: " in line for line in named) == sum(" channel: " in line for line in named) == 70
    assert last.endswith("has 140 faults. Nothing was loaded.")


def test_warnings_are_told_beside_faults(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path / "misnamed")
    (folder / "accounts.json").rename(folder / "account.json")
    ended = validate(str(folder))
    assert ended.exit_code == 1
    told = "warning: account.json: is kept, but the bank does not know it; did you mean accounts.json?"
    assert ended.stderr.splitlines()[0] == told
    assert ended.stderr.count("warning: ") == 1


def test_users_whose_credentials_cannot_be_read_are_not_said_to_have_none(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path / "broken")
    edit(folder, "credentials", lambda rows: rows[0].update(status="GOOD"))
    ended = validate(str(folder))
    assert ended.exit_code == 1
    assert "nobody can sign in" not in ended.stderr


def test_a_file_that_is_empty_is_said_to_be(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path / "empty")
    (folder / "notifications.json").write_text(" \n", encoding="utf-8")
    ended = validate(str(folder))
    assert ended.exit_code == 1
    assert ended.stderr.startswith("notifications.json: is empty\n")


def test_a_file_in_place_of_a_folder_is_a_mistake(tmp_path: Path) -> None:
    ended = validate(str(copy_of_tiny(tmp_path / "mine") / "accounts.json"))
    assert ended.exit_code == 2
    assert "accounts.json' is a file, and a folder is wanted" in ended.stderr


def test_a_folder_that_is_not_there_is_a_mistake() -> None:
    ended = validate("nowhere")
    assert ended.exit_code == 2
    assert "tiny" in ended.stderr, "the names there are"


def test_a_hash_that_cannot_be_verified_is_a_warning_that_a_default_password_settles(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path / "odd")

    def simulate(rows: list[dict[str, Any]]) -> None:
        del rows[0]["password"]
        rows[0]["password_hash"] = "$simulated$nothing"

    edit(folder, "credentials", simulate)
    warned = validate(str(folder))
    assert warned.exit_code == 0
    assert "warning: " in warned.stdout
    settled = validate(str(folder), "--default-password", "Default-2026!")
    assert settled.exit_code == 0
    assert "warning: " not in settled.stdout or "default" in settled.stdout.lower()
