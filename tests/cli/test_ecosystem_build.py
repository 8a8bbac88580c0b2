"""`sandbank ecosystem build`: flags, what it says on its way, and what it says when it cannot."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sandbox.cli import build as command
from sandbox.cli import main
from sandbox.core.clock import parse_instant


def build(folder: Path, *flags: str, months: str = "1", customers: str = "13") -> Result:
    size = ["--customers", customers, "--months", months]
    return CliRunner().invoke(main, ["ecosystem", "build", *size, "--out", str(folder), *flags])


def as_of(folder: Path) -> str:
    found: str = json.loads((folder / "ecosystem.json").read_text(encoding="utf-8"))["as_of"]
    return found


def test_it_says_what_it_made_and_what_to_do_next(tmp_path: Path) -> None:
    ended = build(tmp_path / "bank", "--as-of", "2026-01-15")
    assert ended.exit_code == 0, ended.output
    first, following = ended.stdout.splitlines()
    assert first.startswith(f"{tmp_path / 'bank'}: 13 customers, ")
    assert " transactions in " in first
    assert f"sandbank serve {tmp_path / 'bank'}" in following
    assert ended.stderr == "13 of 13 customers\n"


def test_quiet_says_nothing(tmp_path: Path) -> None:
    assert build(tmp_path / "bank", "--as-of", "2026-01-15", "--quiet").output == ""


def test_the_manifest_says_what_it_was_made_from(tmp_path: Path) -> None:
    build(tmp_path / "bank", "--as-of", "2026-01-15", "--seed", "5")
    stated = json.loads((tmp_path / "bank" / "ecosystem.json").read_text(encoding="utf-8"))
    assert (stated["name"], stated["seed"]) == ("bank", 5)
    assert stated["title"] == "A Kuwaiti retail bank: 13 customers, 1 month"
    assert {name: stated["recipe"][name] for name in ("customers", "months")} == {"customers": 13, "months": 1}


@pytest.mark.parametrize(
    ("given", "instant"),
    [
        ("2026-01-15", "2026-01-15T09:00:00.000Z"),
        ("2025-12-31T22:30:00+03:00", "2025-12-31T19:30:00.000Z"),
        ("now", "2026-03-04T05:06:07.000Z"),
    ],
)
def test_as_of_is_a_date_an_instant_or_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, instant: str
) -> None:
    monkeypatch.setattr(command, "wall_time", lambda: parse_instant("2026-03-04T05:06:07.890123Z"))
    assert build(tmp_path / "bank", "--as-of", given).exit_code == 0
    assert as_of(tmp_path / "bank") == instant


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--as-of", "2026-02-30"), "--as-of: '2026-02-30' is no real date"),
        (("--as-of", "yesterday"), "--as-of: 'yesterday' is no RFC 3339 timestamp"),
        (("--as-of", "2035-06-01"), "--as-of: the Kuwaiti holidays of 2035 are not known, only those of "),
        (("--as-of", "2020-01-05", "--months", "3"), "--as-of: the Kuwaiti holidays of 2019 are not known"),
        (("--months", "61"), "--months: 61 is not within 1 to 60"),
        (("--customers", "3"), "--customers: 3 is not within 13 to 250000"),
        (("--jobs", "0"), "--jobs"),
        (("--format", "parquet"), "'parquet' is not one of"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_made(tmp_path: Path, flags: tuple[str, ...], words: str) -> None:
    ended = build(tmp_path / "bank", *flags)
    assert ended.exit_code == 2
    assert words in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_somebody_elses_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / "thesis.txt").write_text("mine")
    ended = build(tmp_path / "bank")
    assert ended.exit_code == 2
    assert "holds thesis.txt, which no build made; name another folder" in ended.stderr


def test_progress_is_a_line_for_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    tell = command._progress(1_000)
    for done in range(50, 1_001, 50):
        tell(done)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "100 of 1,000 customers"
    assert len(lines) == 10
