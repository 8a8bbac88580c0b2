"""`sandbank ecosystem report`: what is printed and written, and the exit code."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from reportable import card, customer, folder_of

from sandbox.cli import main


def report(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["ecosystem", "report", *arguments])


def test_a_shipped_ecosystem_holds_together() -> None:
    ended = report("tiny")
    assert ended.exit_code == 0, ended.output
    assert "holds together: looked at every rule of the files and 18 invariants of its ledger" in ended.stdout
    assert "4 customers, 8 accounts, 70 transactions" in ended.stdout


def test_the_page_and_the_figures_are_written(tmp_path: Path) -> None:
    page, data = tmp_path / "report.html", tmp_path / "report.json"
    assert report("tiny", "--html", str(page), "--json", str(data)).exit_code == 0
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    found = json.loads(data.read_bytes())
    assert found["ecosystem"] == "tiny"
    assert all(invariant["ok"] for invariant in found["integrity"]["invariants"])


def test_the_figures_can_be_piped() -> None:
    ended = report("tiny", "--json", "-", "--no-ledger")
    assert json.loads(ended.stdout)["integrity"]["invariants"] is None
    assert "holds together" in ended.stderr


def test_a_folder_that_breaks_a_rule_ends_with_1_and_is_still_measured(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "broken", [card("10.000"), card("1.000", status="DONE")])
    page = tmp_path / "report.html"
    ended = report(str(folder), "--html", str(page))
    assert ended.exit_code == 1
    assert "does not hold together" in ended.stdout
    assert "status: 'DONE' is none of" in ended.stdout
    assert page.exists()


def test_only_strict_minds_a_figure_that_is_off(tmp_path: Path) -> None:
    folder = str(folder_of(tmp_path / "mine", customers=[customer("KW")] * 8))
    loose, strict = report(folder), report(folder, "--strict")
    assert (loose.exit_code, strict.exit_code) == (0, 1)
    assert "off: Customers by nationality: Kuwait: 100.0% instead of 32.0%" in loose.stdout


def test_strict_passes_where_nothing_is_off(tmp_path: Path) -> None:
    assert report(str(folder_of(tmp_path / "mine")), "--strict").exit_code == 0


def test_the_shipped_kuwait_is_calibrated_in_every_figure() -> None:
    ended = report("kuwait", "--strict", "--json", "-")
    assert ended.exit_code == 0, ended.stderr
    verdicts = {figure["name"]: figure["verdict"] for figure in json.loads(ended.stdout)["compared"]}
    assert len(verdicts) == 33
    assert not {"off", "too_few_to_judge", "not_in_the_data"} & set(verdicts.values()), verdicts


def test_a_folder_that_is_not_there_is_a_mistake() -> None:
    ended = report("nowhere")
    assert ended.exit_code == 2
    assert "there is no folder 'nowhere'" in ended.stderr


def test_a_place_that_cannot_be_written_is_a_mistake(tmp_path: Path) -> None:
    ended = report("tiny", "--no-ledger", "--json", str(tmp_path / "missing" / "report.json"))
    assert ended.exit_code == 2
    assert "cannot be written" in ended.stderr


def test_without_matplotlib_a_page_is_refused_before_anything_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.synth.report.canvas.find_spec", lambda _: None)
    ended = report("nowhere", "--html", "page.html")
    assert ended.exit_code == 2
    assert "pip install matplotlib" in ended.stderr


def test_without_matplotlib_the_figures_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.synth.report.canvas.find_spec", lambda _: None)
    assert report("tiny", "--json", "-", "--no-ledger").exit_code == 0
