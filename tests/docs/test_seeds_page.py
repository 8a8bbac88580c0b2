"""docs/seeds.md is true: its files are a bank, its steps print what it says, its faults are those of the checks."""

import re
import shutil
from pathlib import Path

import pages
import pytest
from click.testing import CliRunner

from sandbox.cli import main

PAGE = pages.text_of("docs/seeds.md")
BEFORE_SERVING = 2
"""How many steps need no server."""


def write_files(folder: Path) -> None:
    """The folder `my-bank` of the page."""
    written = dict(re.findall(r"`my-bank/(\w+\.json)`.*?```json\n(.*?)```", PAGE, re.DOTALL))
    (folder / "my-bank").mkdir()
    for name, text in written.items():
        (folder / "my-bank" / name).write_text(text, encoding="utf-8")


def validate(folder: Path) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["ecosystem", "validate", str(folder)])
    return done.exit_code, done.output


def test_every_file_of_the_page_is_written(tmp_path: Path) -> None:
    write_files(tmp_path)
    assert len([*(tmp_path / "my-bank").iterdir()]) == PAGE.partition("## Check them")[0].count("```json\n") == 7


@pytest.mark.skipif(shutil.which("curl") is None, reason="the steps need curl")
@pytest.mark.skipif(shutil.which("bash") is None, reason="the steps need bash")
@pytest.mark.skipif(shutil.which("python3") is None, reason="the steps unpack with python3")
def test_the_steps_print_what_the_page_says(tmp_path: Path) -> None:
    write_files(tmp_path)
    steps = pages.steps_of(PAGE)
    pages.require_true(steps[:BEFORE_SERVING], tmp_path)
    command = re.search(r"^\$ sandbank serve (.+)$", PAGE, re.MULTILINE)
    assert command is not None
    with pages.served(tmp_path, *command[1].split()) as url:
        printed = pages.require_true(steps[BEFORE_SERVING:], tmp_path, url)
    of_the_files, of_the_bank = re.findall(r"[0-9a-f]{64}", printed[-1])
    assert of_the_files == of_the_bank


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("accounts.json", "512.500", "12.500", "the opening balance would be -424.750, under the overdraft limit"),
        ("auth_users.json", "c-noura", "c-nora", "'c-nora' is in no record of customers"),
        ("transactions.json", "12.750", "12.7505", "has more than three decimals"),
        ("accounts.json", "CURRENT", "CURENT", "'CURENT' is none of CURRENT, SAVINGS, "),
        ("ecosystem.json", "as_of", "as_off", "ecosystem.json as_of: is missing"),
    ],
)
def test_faults_are_worded_as_on_the_page(tmp_path: Path, file: str, old: str, new: str, said: str) -> None:
    write_files(tmp_path)
    path = tmp_path / "my-bank" / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    code, printed = validate(tmp_path / "my-bank")
    assert code == 1
    assert said in printed
    assert said in PAGE


def test_warnings_are_worded_as_on_the_page(tmp_path: Path) -> None:
    write_files(tmp_path)
    bank = tmp_path / "my-bank"
    (bank / "account.json").write_text("[]", encoding="utf-8")
    (bank / "credentials.json").write_text('[{"user_id": "u-noura", "password_hash": "made up"}]', encoding="utf-8")
    code, printed = validate(bank)
    assert code == 0
    for said in (
        "no password matches this hash",
        "is kept, but the bank does not know it; did you mean accounts.json?",
    ):
        assert said in printed
        assert said in PAGE
    assert "no password matches" not in validate_with_default(bank)


def validate_with_default(folder: Path) -> str:
    arguments = ["ecosystem", "validate", str(folder), "--default-password", "Noura-2026!"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0
    return done.output
