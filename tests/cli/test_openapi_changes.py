"""`sandbank openapi --changes`: what changed since the release is listed, and fails where it breaks unannounced."""

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from sandbox.cli import document, main
from sandbox.cli.contract import ContractError, Version, announces

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The document of the handlers, under the version of which these tests speak."""
    made = document.described()
    made["info"]["version"] = "0.1.0"
    return made


@pytest.fixture
def runs(described: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command on a document that was released, against what the handlers say now or would say."""

    def run(released: Any, *arguments: str, now: dict[str, Any] | None = None) -> Result:
        monkeypatch.setattr(document, "described", lambda: described if now is None else now)
        file = tmp_path / "released.yaml"
        if released is not None:
            file.write_text(released if isinstance(released, str) else yaml.safe_dump(released), encoding="utf-8")
        return CliRunner().invoke(main, ["openapi", "--changes", str(file), *arguments])

    return run


def changed(described: dict[str, Any], version: str) -> dict[str, Any]:
    """A later document, which breaks `GET /v1/accounts`, adds an operation and tells of a code more."""
    later = deepcopy(described)
    later["info"]["version"] = version
    later["paths"]["/v1/new"] = {"get": {"responses": {}}}
    later["paths"]["/v1/accounts"]["get"]["parameters"][0]["required"] = True
    later["components"]["schemas"]["Problem"]["properties"]["help"] = {"type": "string"}
    return later


def test_the_same_document_has_not_changed(runs: Any, described: dict[str, Any]) -> None:
    ended = runs(described)
    assert (ended.exit_code, ended.stdout) == (0, "no change since 0.1.0\n")


def test_changes_are_listed_the_worst_first_and_fail_unannounced(runs: Any, described: dict[str, Any]) -> None:
    ended = runs(described, now=changed(described, "0.1.7"))
    assert ended.exit_code == 1
    told = ended.stdout.splitlines()
    assert told[0] == "breaking  GET /v1/accounts: query parameter 'limit' became required"
    assert "addition  GET /v1/new: the operation was added" in told
    assert not any(line.startswith("breaking") for line in told[1:])
    assert told[-1].startswith("1 breaking, 0 notable, ")
    assert told[-1].endswith(" additions since 0.1.0")
    assert "version 0.1.7 does not announce" in ended.stderr
    assert "raise the version to 0.2.0 in pyproject.toml" in ended.stderr


def test_additions_are_only_counted_in_a_brief_list(runs: Any, described: dict[str, Any]) -> None:
    now = changed(described, "0.1.7")
    full, brief = runs(described, now=now), runs(described, "--brief", now=now)
    assert brief.stdout.splitlines() == [full.stdout.splitlines()[0], full.stdout.splitlines()[-1]]
    assert brief.exit_code == 1


def test_operations_that_share_a_change_share_a_line(runs: Any, described: dict[str, Any]) -> None:
    ended = runs(described, now=changed(described, "0.1.0"))
    refused = sum("404" in each["responses"] for item in described["paths"].values() for each in item.values())
    shared = [line for line in ended.stdout.splitlines() if "response 404 property 'help'" in line]
    assert len(shared) == 1
    assert shared[0].endswith(f" and {refused - 3} more: response 404 property 'help' was added")
    assert shared[0].startswith("addition  POST /v1/auth/login, ")


def test_every_operation_that_comes_or_goes_has_its_own_line(runs: Any, described: dict[str, Any]) -> None:
    added = ["/v1/a", "/v1/b"]
    later = deepcopy(described)
    later["paths"] |= {path: {"get": {"responses": {}}} for path in added}
    assert runs(described, now=later).stdout.splitlines()[:-1] == [
        f"addition  GET {path}: the operation was added" for path in added
    ]
    gone = runs(later, now=described)
    assert gone.exit_code == 1
    assert gone.stdout.splitlines()[:-1] == [f"breaking  GET {path}: the operation was removed" for path in added]


def test_a_version_that_announces_them_may_break_things(runs: Any, described: dict[str, Any]) -> None:
    ended = runs(described, now=changed(described, "0.2.0"))
    assert ended.exit_code == 0
    assert ended.stdout.startswith("breaking  GET /v1/accounts: ")
    assert ended.stderr == ""


def test_additions_need_no_version(runs: Any, described: dict[str, Any]) -> None:
    later = deepcopy(described)
    later["paths"]["/v1/new"] = {"get": {"responses": {}}}
    assert runs(described, now=later).exit_code == 0


@pytest.mark.parametrize(("version", "code"), [("0.1.0", 1), ("0.2.0", 0)])
def test_the_list_for_machines_has_every_change(runs: Any, described: dict[str, Any], version: str, code: int) -> None:
    ended = runs(described, "--json", now=changed(described, version))
    assert ended.exit_code == code
    report = json.loads(ended.stdout)
    assert (report["since"], report["version"], report["announced"]) == ("0.1.0", version, code == 0)
    assert report["changes"][0] == {
        "level": "breaking",
        "rule": "parameter-now-required",
        "where": "GET /v1/accounts",
        "what": "query parameter 'limit' became required",
    }
    answers = [change for change in report["changes"] if change["what"] == "response 404 property 'help' was added"]
    assert len({change["where"] for change in answers}) == len(answers) > 40


def test_json_is_read_too(runs: Any, described: dict[str, Any]) -> None:
    assert runs(json.dumps(described, indent="\t")).exit_code == 0


@pytest.mark.parametrize(
    ("released", "said"),
    [
        (None, "`make baseline` writes it"),
        ("{", "is neither YAML nor JSON: "),
        ("a: [", "is neither YAML nor JSON: "),
        ("", "it is no OpenAPI 3.1 document"),
        ("[]", "it is no OpenAPI 3.1 document"),
        ("openapi: 3.0.0", "it is no OpenAPI 3.1 document"),
        ("openapi: 3.1.0", "info.version is None"),
        ("openapi: 3.1.0\ninfo: {version: next}", "info.version is 'next'; it must begin with three numbers"),
        ("openapi: 3.1.0\ninfo: {version: 0.1.0}\npaths: {/a: {$ref: '#/b'}}", "'#/b' leads nowhere"),
    ],
)
def test_a_file_that_cannot_be_compared_is_a_mistake_that_says_what_to_do(runs: Any, released: Any, said: str) -> None:
    ended = runs(released)
    assert ended.exit_code == 2
    assert said in ended.stderr
    assert "released.yaml" in ended.stderr
    assert ended.stdout == ""


def test_a_file_that_is_no_text_is_a_mistake(tmp_path: Path) -> None:
    file = tmp_path / "released.yaml"
    file.write_bytes(b"\xff\xfe")
    ended = CliRunner().invoke(main, ["openapi", "--changes", str(file)])
    assert ended.exit_code == 2
    assert f"{file} cannot be read" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--json"], "--json goes with --changes only"),
        (["--brief"], "--brief goes with --changes only"),
        (["--changes", "a", "--json", "--brief"], "leave out --brief"),
        (["--check", "a", "--changes", "b"], "go one at a time"),
        (["--path", "--write", "a"], "go one at a time"),
        (["--check", "nowhere.yaml"], "there is no file nowhere.yaml"),
        (["--write", "a", "--changes", "b"], "go one at a time"),
        (["--write", "a", "--check", "b"], "go one at a time"),
    ],
)
def test_options_that_do_not_go_together_are_a_mistake(arguments: list[str], said: str) -> None:
    ended = CliRunner().invoke(main, ["openapi", *arguments])
    assert ended.exit_code == 2
    assert said in ended.stderr


@pytest.mark.parametrize(
    ("since", "version", "announced"),
    [
        ("0.1.0", "0.1.0", False),
        ("0.1.0", "0.1.9", False),
        ("0.1.9", "0.2.0", True),
        ("0.1.0", "0.2.0rc1", True),
        ("0.2.0", "0.1.0", False),
        ("0.9.0", "0.10.0", True),
        ("0.9.0", "1.0.0", True),
        ("1.0.0", "1.0.1", False),
        ("1.0.0", "1.1.0", False),
        ("1.9.0", "2.0.0", True),
        ("2.0.0", "1.9.0", False),
        ("1.0.0", "10.0.0", True),
        ("v1.0.0", "v2.0.0", True),
    ],
)
def test_until_1_0_a_minor_version_may_break_and_then_only_a_major_one(
    since: str,
    version: str,
    announced: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert announces(Version.of(version), since=Version.of(since)) is announced


@pytest.mark.parametrize("text", ["", "1", "1.2", "a.b.c", "one", None, 1.2])
def test_what_is_no_version_is_refused(text: object) -> None:
    with pytest.raises(ContractError, match="must begin with three numbers"):
        Version.of(text)


def test_the_committed_baseline_can_be_compared() -> None:
    ended = CliRunner().invoke(main, ["openapi", "--changes", str(REPOSITORY / "openapi" / "released.yaml")])
    assert ended.exit_code == 0, ended.output
    assert re.search(r" since [0-9]+\.[0-9]+\.[0-9]+\n$", ended.stdout)


def test_lint_lists_the_changes_and_so_does_ci() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.partition("\nlint:")[2].partition("\n\n")[0]
    assert "openapi --changes openapi/released.yaml" in recipe
    assert "\nmake lint\n" in (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
