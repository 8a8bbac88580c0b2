"""`sandbank config`: every setting, its value, and where it comes from."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sandbox.cli import main
from sandbox.core.settings import Settings, describe

TOKEN = "a-token-of-sixteen-characters"


def run(*arguments: str, monkeypatch: pytest.MonkeyPatch, home: Path, **variables: str) -> Result:
    monkeypatch.chdir(home)
    return CliRunner().invoke(main, ["config", *arguments], env=variables)


def test_every_setting_stands_there_with_its_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ended = run("--json", monkeypatch=monkeypatch, home=tmp_path)
    assert ended.exit_code == 0
    rows = json.loads(ended.stdout)
    assert list(rows) == [info.name for info in describe()]
    assert rows["port"] == {"value": "8000", "source": "default"}
    assert {row["source"] for row in rows.values()} == {"default"}


def test_each_value_says_where_it_comes_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sandbank.toml").write_text("seed = 1\nport = 1\nlock_minutes = 1\n", encoding="utf-8")
    variables = {"SANDBANK_PORT": "2", "SANDBANK_SEED": "2"}
    ended = run("--json", "--seed", "3", monkeypatch=monkeypatch, home=tmp_path, **variables)
    rows = json.loads(ended.stdout)
    assert rows["seed"] == {"value": "3", "source": "--seed"}
    assert rows["port"] == {"value": "2", "source": "SANDBANK_PORT"}
    assert rows["lock_minutes"] == {"value": "1", "source": "sandbank.toml"}


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_secrets_are_masked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, form: list[str]) -> None:
    ended = run(
        *form, "--control-token", TOKEN, monkeypatch=monkeypatch, home=tmp_path, SANDBANK_DEFAULT_PASSWORD="hidden-word"
    )
    assert ended.exit_code == 0
    assert TOKEN not in ended.output
    assert "hidden-word" not in ended.output
    assert "********" in ended.output


def test_people_get_a_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lines = run(monkeypatch=monkeypatch, home=tmp_path).stdout.splitlines()
    assert len(lines) == len(describe())
    assert lines[0].split() == ["ecosystem", Settings().ecosystem, "default"]


def test_switches_have_two_sides_and_lists_repeat(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    arguments = ["--strict", "--no-image-cache", "--cors", "https://a.example", "--cors", "https://b.example"]
    rows = json.loads(run("--json", *arguments, monkeypatch=monkeypatch, home=tmp_path).stdout)
    assert (rows["strict"]["value"], rows["image_cache"]["value"]) == ("true", "false")
    assert rows["cors"]["value"] == "https://a.example, https://b.example"


def test_all_faults_of_all_sources_are_named_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sandbank.toml").write_text("lock_minutes = -1\nmore = 1\n", encoding="utf-8")
    ended = run("--port", "x", monkeypatch=monkeypatch, home=tmp_path, SANDBANK_SEED="y")
    assert ended.exit_code == 2
    for word in ("lock_minutes", "more", "--port", "SANDBANK_SEED"):
        assert word in ended.output
