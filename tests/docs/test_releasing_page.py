"""docs/releasing.md is true: its files, its rules, its levels and its example."""

import json
import re
from pathlib import Path

import pages
import pytest
import yaml
from click.testing import CliRunner
from contracts import Document, asking, lines
from contracts import document as contract

from sandbox import __version__
from sandbox.cli import document, main
from sandbox.cli.contract import WEIGHTS, Level, Rule, Version, announces

PAGE = pages.text_of("docs/releasing.md")


def test_the_folder_holds_what_the_page_says_and_no_more() -> None:
    folder = pages.REPOSITORY / "openapi"
    named = re.findall(r"^\| \[`openapi/([^`]+)`\]\(\.\./openapi/\1\) \|", PAGE, re.MULTILINE)
    assert sorted(named) == sorted(path.name for path in folder.iterdir())


def test_every_rule_has_its_row_with_its_levels() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| ([a-z]*) ?\| ([a-z]*) ?\| [^|]+ \|$", PAGE, re.MULTILINE)
    assert rows == [(rule.value, *(level or "" for level in WEIGHTS[rule])) for rule in Rule]


def test_every_level_has_its_row() -> None:
    table = PAGE.partition("| level | means |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [level.value for level in Level]


def test_every_rule_weighs_somewhere() -> None:
    assert all(any(weights) for weights in WEIGHTS.values())


def test_the_example_is_what_the_command_prints(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    new = document.described()
    new["info"]["version"] = "0.1.0"
    released = tmp_path / "released.json"
    released.write_text(json.dumps(new), encoding="utf-8")
    new["paths"]["/v1/transfers/totals"] = {"get": {"responses": {}}}
    new["paths"]["/v1/accounts"]["get"]["parameters"][0]["required"] = True
    new["components"]["schemas"]["TransferStatus"]["enum"].append("held")
    monkeypatch.setattr(document, "described", lambda: new)
    command, _, printed = PAGE.partition("```text\n$ .venv/bin/sandbank ")[2].partition("\n```")[0].partition("\n")
    assert command == "openapi --changes openapi/released.yaml"
    ended = CliRunner().invoke(main, ["openapi", "--changes", str(released)])
    assert ended.stdout == printed + "\n"
    assert ended.exit_code == 1


def test_the_versions_of_the_page_announce() -> None:
    pairs = re.findall(r"`([0-9.]+)` to `([0-9.]+)`", PAGE)
    assert len(pairs) == 2
    assert all(announces(Version.of(new), since=Version.of(old)) for old, new in pairs)


def test_the_commands_of_the_page_are_targets() -> None:
    makefile = pages.text_of("Makefile")
    targets = set(re.findall(r"`make ([a-z]+)`", PAGE))
    assert targets >= {"baseline", "lint", "openapi", "test"}
    assert all(f"\n{target}:" in makefile for target in targets)


def test_a_baseline_is_checked_before_it_is_written() -> None:
    recipe = pages.text_of("Makefile").partition("\nbaseline:")[2].partition("\n\n")[0].splitlines()[1:]
    assert [line.split("openapi ", 1)[1] for line in recipe[:2]] == [
        "--check openapi/openapi.yaml",
        "--changes openapi/released.yaml --brief",
    ]
    assert recipe[2].strip() == "@cp openapi/openapi.yaml openapi/released.yaml"


def test_the_baseline_is_that_of_the_newest_version_of_the_changelog() -> None:
    newest = re.findall(r"^## \[([0-9.]+)\] - ", pages.text_of("CHANGELOG.md"), re.MULTILINE)[0]
    baseline = yaml.safe_load(pages.text_of("openapi/released.yaml"))
    assert baseline["info"]["version"] == newest


def test_both_places_of_the_version_agree() -> None:
    assert f'\nversion = "{__version__}"\n' in pages.text_of("pyproject.toml")


def test_keywords_that_the_page_calls_unread_are_breaking() -> None:
    unread = re.search(r"is not compared by its meaning \(([^)]*) and the\s+like\)", PAGE)
    assert unread is not None
    for keyword in re.findall(r"`(\w+)`", unread[1]):
        told = lines(asking({}), asking({keyword: [{}] if keyword == "prefixItems" else {"a": {}}}))
        assert [line.split()[:2] for line in told] == [["breaking", "other-keyword-changed"]], keyword


def test_the_order_of_things_is_no_change() -> None:
    path: Document = {"get": {"responses": {}}}
    assert lines(contract(paths={"/a": path, "/b": path}), contract(paths={"/b": path, "/a": path})) == []
