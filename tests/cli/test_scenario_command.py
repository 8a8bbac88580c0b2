"""`sandbank scenario`: list, show, check and begin scenarios; exit codes 0, 1 and 2."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support import copy_of_tiny

from sandbox.cli import main

STEPS = "title: T\nstory: S\nsteps:\n  - advance: P1D\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, with its own cache, where `tiny` is the ecosystem."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SANDBANK_ECOSYSTEM", "tiny")
    monkeypatch.setenv("SANDBANK_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["scenario", *arguments])


def write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_list_names_every_scenario_with_its_title(home: Path) -> None:
    ended = run("list")
    assert ended.exit_code == 0
    assert "locked-user          A customer is locked out\n" in ended.stdout
    assert ended.stderr == ""


def test_list_says_what_is_not_shipped_and_what_is_wrong(home: Path) -> None:
    write(home / "scenarios" / "locked-user.yaml", STEPS)
    write(home / "scenarios" / "bad.yaml", "title: x\n")
    ended = run("list")
    assert ended.exit_code == 0
    assert "locked-user          T  (own)\n" in ended.stdout
    assert "warning: scenarios/bad.yaml:1: steps: is missing" in ended.stderr
    assert "warning: scenarios/locked-user.yaml: locked-user stands before the shipped one" in ended.stderr


def test_show_tells_what_it_does_takes_and_needs(home: Path) -> None:
    ended = run("show", "low-balance")
    assert ended.exit_code == 0
    for told in (
        "low-balance: An account is nearly empty",
        "account: account, of user, default: the first CURRENT or WALLET or SAVINGS",
        'balance: money, at least 0.000, at most 1000000.000, default: "1.500"',
        "The account is ACTIVE.",
        "file: scenarios/low-balance.yaml",
    ):
        assert told in ended.stdout


@pytest.mark.parametrize("name", ["second-factor", "new-customer", "busy-month"])
def test_show_writes_every_kind_of_parameter(home: Path, name: str) -> None:
    assert run("show", name).exit_code == 0


def test_show_of_an_unknown_one_is_a_mistake(home: Path) -> None:
    ended = run("show", "nothing")
    assert ended.exit_code == 2
    assert "There is no scenario 'nothing'" in ended.stderr


def test_every_shipped_scenario_passes_the_check(home: Path) -> None:
    ended = run("check")
    assert ended.exit_code == 0, ended.stderr
    assert "13 scenarios checked, no faults" in ended.stdout


def test_check_names_every_fault_by_file_and_line_and_ends_with_1(home: Path) -> None:
    one = write(home / "one.yaml", "title: T\nstory: S\nwhat: x\nsteps:\n  - call: dance\n")
    two = write(home / "two.yaml", "title: T\nsteps: []\n")
    ended = run("check", one, two)
    assert ended.exit_code == 1
    assert [line.removeprefix(f"{home}/").partition(" ")[0] for line in ended.stderr.splitlines()] == [
        "one.yaml:3:",
        "one.yaml:5:",
        "two.yaml:1:",
        "two.yaml:2:",
        "2",
    ]
    assert "2 scenarios checked, 4 faults" in ended.stderr


def test_check_tries_each_on_a_fresh_bank(home: Path) -> None:
    refused = (
        "title: T\nstory: S\nsteps:\n"
        "  - call: {act: withdraw, with: {account: 2adf63a8-1580-4504-8fbc-68639f8b1a01, amount: 9999}}\n"
    )
    before = "precondition:\n  - {says: It rains., collection: customers, where: {full_name: Rain}}\n"
    poor = "parameters:\n  user: {type: user, description: d, role: admin, default: fatima}\n"
    files = [
        write(home / "rich.yaml", refused),
        write(home / "rain.yaml", STEPS.replace("steps:", f"{before}steps:")),
        write(home / "poor.yaml", STEPS.replace("steps:", f"{poor}steps:")),
        write(home / "outer.yaml", "title: T\nstory: S\nsteps:\n  - apply: rich\n"),
    ]
    ended = run("check", *files)
    assert ended.exit_code == 1
    told = ended.stderr.replace(f"{home}/", "")
    assert "rich.yaml:4: steps[0]: 2525.590 KWD is available, 9999.000 is asked for. (insufficient_funds)" in told
    assert "rain.yaml:4: precondition is not true: It rains." in told
    assert "poor.yaml:4: parameters.user: fatima is customer; this takes a admin" in told
    assert run("check", "--no-run", *files).exit_code == 0


def test_an_applied_one_is_found_among_the_files_given(home: Path) -> None:
    files = [write(home / "inner.yaml", STEPS), write(home / "outer.yaml", f"{STEPS}  - apply: inner\n")]
    assert run("check", *files).exit_code == 0
    alone = run("check", files[1])
    assert alone.exit_code == 1
    assert "outer.yaml:5: steps[1].apply.scenario: 'inner' is not known" in alone.stderr


def test_a_scenario_that_needs_a_parameter_is_not_tried(home: Path) -> None:
    text = STEPS.replace("steps:", "parameters:\n  amount: {type: money, description: d}\nsteps:")
    ended = run("check", write(home / "needy.yaml", text))
    assert ended.exit_code == 0
    assert "needy: not tried, since amount must be given" in ended.stdout


def test_check_tries_on_the_ecosystem_that_is_named(home: Path) -> None:
    folder = copy_of_tiny(home / "bank")
    write(folder / "scenarios" / "tomorrow.yaml", STEPS)
    ended = run("check", "--ecosystem", str(folder))
    assert ended.exit_code == 0
    assert "14 scenarios checked" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("check", "missing.yaml"), "there is no file 'missing.yaml'"),
        (("check", "missing"), "there is no file and no scenario 'missing'; there are arabic-customer,"),
        (("check", "notes.txt"), "a scenario's file ends in .yaml"),
        (("check", "a/x.yaml", "b/x.yaml"), "two of the files have one name"),
        (("check", "--ecosystem", "nowhere"), "there is no folder 'nowhere'"),
        (("list", "--scenarios-dir", "nowhere"), "--scenarios-dir: there is no folder 'nowhere'"),
        (("new", "Not This"), "cannot be a name"),
        (("frobnicate",), "No such command"),
    ],
)
def test_mistakes_end_with_2(home: Path, arguments: tuple[str, ...], told: str) -> None:
    for name in ("notes.txt", "a/x.yaml", "b/x.yaml"):
        write(home / name, STEPS)
    ended = run(*arguments)
    assert ended.exit_code == 2
    assert told in ended.stderr


def test_new_writes_a_file_that_works_and_never_over_another(home: Path) -> None:
    ended = run("new", "my-day")
    assert (ended.exit_code, ended.stdout) == (0, "wrote scenarios/my-day.yaml\n")
    assert "# A scenario" in (home / "scenarios" / "my-day.yaml").read_text(encoding="utf-8")
    checked = run("check", "scenarios/my-day.yaml")
    assert checked.exit_code == 0, checked.stderr
    assert "  (own)" in run("list").stdout
    assert run("new", "my-day").exit_code == 2


def test_new_says_that_it_takes_the_place_of_a_shipped_one(home: Path) -> None:
    ended = run("new", "low-balance")
    assert ended.exit_code == 0
    assert "low-balance is the name of a shipped scenario; yours replaces it" in ended.stderr
    assert "stands before the shipped one" in run("list").stderr
    assert run("new", "my-day").stderr == ""


def test_check_takes_the_names_of_scenarios_too(home: Path) -> None:
    ended = run("check", "low-balance")
    assert (ended.exit_code, ended.stdout) == (0, "1 scenario checked, no faults\n"), ended.stderr
    write(home / "scenarios" / "bad.yaml", "title: x\n")
    mixed = run("check", "low-balance", "bad", write(home / "one.yaml", STEPS))
    assert mixed.exit_code == 1
    assert "bad.yaml:1: steps: is missing" in mixed.stderr
    assert "3 scenarios checked, 2 faults" in mixed.stderr


def test_a_file_that_ends_in_yml_is_not_passed_over_in_silence(home: Path) -> None:
    write(home / "scenarios" / "mine.yml", STEPS)
    told = "warning: scenarios/mine.yml: is not read; a scenario's file ends in .yaml\n"
    for command in ("list", "check"):
        ended = run(command)
        assert (ended.exit_code, ended.stderr) == (0, told)
    assert run("check", "low-balance").stderr == ""


def test_new_writes_where_the_settings_say(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBANK_SCENARIOS_DIR", "deep/er")
    assert run("new", "x").exit_code == 0
    assert (home / "deep" / "er" / "x.yaml").is_file()


def test_serve_refuses_a_folder_of_scenarios_that_is_not_there(home: Path) -> None:
    ended = CliRunner().invoke(main, ["serve", "--scenarios-dir", "nowhere"])
    assert ended.exit_code == 2
    assert "there is no folder 'nowhere'" in ended.stderr
