"""`sandbank openapi`: the document is written, and drift is found."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from support import Client

from sandbox.cli import main
from sandbox.core import shipped


def openapi(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["openapi", *arguments])


def test_the_document_is_printed_as_yaml_and_is_the_one_that_is_served(client: Client) -> None:
    ended = openapi()
    assert ended.exit_code == 0
    assert yaml.safe_load(ended.stdout) == client.get("/openapi.json").json()


def test_the_document_is_the_same_bytes_every_time() -> None:
    assert openapi().stdout_bytes == openapi().stdout_bytes


def test_what_was_written_is_up_to_date(tmp_path: Path) -> None:
    target = tmp_path / "new" / "openapi.yaml"
    assert openapi("--write", str(target)).exit_code == 0
    assert target.read_text(encoding="utf-8") == openapi().stdout
    checked = openapi("--check", str(target))
    assert checked.exit_code == 0
    assert "up to date" in checked.stdout


@pytest.mark.parametrize("change", ["", "openapi: 3.1.0\n", "added"])
def test_drift_is_a_failure_that_says_what_to_do(tmp_path: Path, change: str) -> None:
    target = tmp_path / "openapi.yaml"
    text = openapi().stdout
    target.write_text(text + "# by hand\n" if change == "added" else change, encoding="utf-8")
    ended = openapi("--check", str(target))
    assert ended.exit_code == 2
    assert "make openapi" in ended.stderr
    assert target.read_text(encoding="utf-8") != text, "a check writes nothing"


def test_a_missing_file_is_drift(tmp_path: Path) -> None:
    assert openapi("--check", str(tmp_path / "none.yaml")).exit_code == 2


def test_the_file_that_came_along_is_found_and_is_of_this_version() -> None:
    told = openapi("--path")
    assert told.exit_code == 0
    assert Path(told.stdout.strip()).read_text(encoding="utf-8") == openapi().stdout


def test_a_file_that_was_taken_out_is_a_failure_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "_BUNDLED", tmp_path)
    told = openapi("--path")
    assert (told.exit_code, told.stdout) == (2, "")
    assert "sandbank openapi --write" in told.stderr


def test_no_machinery_of_yaml_is_left_in_the_document() -> None:
    text = openapi().stdout
    assert "!!" not in text
    assert "&id" not in text
