"""docs/scenarios.md is true: its examples run, and its tables are those of the files and of the bank."""

import re
import shutil
from pathlib import Path

import pages
import pytest
from click.testing import CliRunner

from sandbox.bank.acts import ACTS
from sandbox.bank.everyday import Habit
from sandbox.cli import main
from sandbox.core.settings import Settings
from sandbox.sandboxes.scenarios.catalogue import ScenarioView, views_of
from sandbox.sandboxes.scenarios.library import open_library
from sandbox.sandboxes.scenarios.reader import FIELDS
from sandbox.sandboxes.scenarios.steps import KINDS, arguments_of
from sandbox.sandboxes.scenarios.values import PARAMETER_KINDS

PAGE = pages.text_of("docs/scenarios.md")
STEP = re.compile(r"```sh\n(.*?)```\n\n```json\n(.*?)```", re.DOTALL)
SHIPPED = views_of(open_library(Settings(), None))


def scenario_row(view: ScenarioView) -> str:
    parameters = ", ".join(f"`{parameter.name}`" for parameter in view.parameters)
    return f"| `{view.name}` | {view.title} | {view.story} | {parameters} |"


def act_row(name: str) -> str:
    told = (ACTS[name].run.__doc__ or "").splitlines()[0]
    known = arguments_of(name).items()
    given = ", ".join(f"`{argument}`{'' if required else '?'} {slot.kind}" for argument, (slot, required) in known)
    return f"| `{name}` | {given} | {told} |"


def rows(heading: str) -> list[str]:
    """The rows of the table under a heading, without its two first."""
    section = re.split(r"\n##+ ", PAGE.partition(f"# {heading}\n")[2])[0]
    return [line for line in section.splitlines() if line.startswith("| ")][1:]


def test_the_catalogue_is_that_of_the_files() -> None:
    assert rows("The catalogue") == [scenario_row(view) for view in SHIPPED]


def test_the_acts_are_those_of_the_bank() -> None:
    assert rows("Acts") == [act_row(name) for name in ACTS]
    habits = ", ".join(f"`{habit.name}`" for habit in Habit)
    assert f"The habits of `spend` are {habits}." in PAGE


def test_every_type_step_and_field_is_documented() -> None:
    assert [row.split("`")[1] for row in rows("Parameters")] == list(PARAMETER_KINDS)
    assert {row.split("`")[1].partition(":")[0] for row in rows("Steps")} == {*KINDS, "when"}
    for fields in FIELDS.values():
        assert all(f"`{field}`" in PAGE for field in fields)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the steps need curl")
@pytest.mark.skipif(shutil.which("bash") is None, reason="the steps need bash")
def test_the_commands_print_what_the_page_says(tmp_path: Path) -> None:
    steps = STEP.findall(PAGE)
    assert len(steps) == PAGE.count("```sh\n") == 2
    with pages.served(tmp_path) as url:
        outputs = pages.run_in_bash([commands for commands, _ in steps], url, tmp_path)
    for printed, (_, written) in zip(outputs, steps, strict=True):
        assert pages.agrees(printed, written), f"printed:\n{printed}\nthe page says:\n{written}"


def example() -> str:
    shown = re.search(r"`scenarios/eid-shopping.yaml`:\n\n```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert shown is not None
    return shown[1]


def test_the_whole_file_passes_the_check(tmp_path: Path) -> None:
    path = tmp_path / "eid-shopping.yaml"
    path.write_text(example(), encoding="utf-8")
    done = CliRunner().invoke(main, ["scenario", "check", str(path)])
    assert done.exit_code == 0, done.output


def test_the_faults_of_the_page_are_what_check_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").mkdir()
    wrong = (
        "title: Wrong\nstory: It is wrong.\nparameters:\n  days:\n    {type: integer, max: 10, description: how long,\n"
        "     default: 11}\nsteps:\n  - patch:\n      {collection: accounts, id: x,\n       set: {status: OPEN}}\n"
        "  - call: purchse\n"
    )
    (tmp_path / "scenarios" / "wrong.yaml").write_text(wrong, encoding="utf-8")
    refused = CliRunner().invoke(main, ["scenario", "check", "scenarios/wrong.yaml"])
    shown = re.search(r"one that is wrong:\n\n```text\n(.*?)```", PAGE, re.DOTALL)
    assert refused.exit_code == 1
    assert shown is not None
    assert refused.stderr == f"{shown[1]}1 scenario checked, 3 faults\n"


def test_the_console_example_is_what_the_commands_print(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = re.search(r"```console\n(.*?)```", PAGE, re.DOTALL)
    assert shown is not None
    printed = []
    for line in shown[1].splitlines():
        if line.startswith("$ sandbank "):
            done = CliRunner().invoke(main, line.removeprefix("$ sandbank ").split())
            assert done.exit_code == 0, done.output
            printed += [line, *done.stdout.splitlines()]
    assert printed == shown[1].splitlines()
