"""docs/ci.md and the workflow of examples/github-actions are true."""

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import commandlines
import pages
import pytest
import yaml

from sandbox.core.settings import describe, load

PAGE = pages.text_of("docs/ci.md")
WORKFLOW = pages.REPOSITORY / "examples" / "github-actions" / "contract-tests.yml"
TEXT = WORKFLOW.read_text(encoding="utf-8")
JOBS: dict[str, Any] = yaml.safe_load(TEXT)["jobs"]
RUNS = [(name, step["run"]) for name, job in JOBS.items() for step in job["steps"] if "run" in step]
ACTIONS = {"actions/checkout@v4", "actions/setup-python@v5", "actions/setup-node@v4", "actions/cache@v4"}


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_steps_print_what_the_page_says(tmp_path: Path) -> None:
    steps = pages.steps_of(PAGE)
    assert len(steps) == 3
    pages.require_true([pages.ENDED, *steps], tmp_path, pages.on_a_free_port(tmp_path))


def test_the_workflow_is_one() -> None:
    said = yaml.safe_load(TEXT)
    # YAML 1.1 reads the key `on` as true.
    assert set(said) == {"name", True, "permissions", "jobs"}
    assert said["permissions"] == {"contents": "read"}
    assert list(JOBS) == ["pytest", "playwright", "container"]
    for job in JOBS.values():
        assert job["runs-on"] == "ubuntu-latest"
        assert job["timeout-minutes"] <= 15
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)
            assert set(step) <= {"run", "uses", "with", "if"}
            assert step.get("uses", "actions/cache@v4") in ACTIONS


@pytest.mark.parametrize(("job", "run"), RUNS)
def test_every_command_of_sandbank_is_taken(job: str, run: str) -> None:
    found = commandlines.of_sandbank(run)
    if "docker exec" in run:
        found = [shlex.split(run.partition("sandbank ")[2])]
    assert bool(found) == bool(re.search(r"(^|bank )sandbank ", run))
    for words in found:
        commandlines.require_taken(words)


def test_each_job_installs_before_it_uses_and_waits_before_it_tests() -> None:
    for name, job in JOBS.items():
        order = "\n".join(step.get("run", "") for step in job["steps"])
        installed = min(order.find(text) % 10_000 for text in ("pip install ./sandbank", "docker build"))
        assert installed < order.index("sandbank ecosystem compile" if name == "pytest" else "sandbank health --")
        if name == "playwright":
            assert order.index("sandbank serve") < order.index("sandbank health") < order.index("playwright test")


def test_the_browsers_go_to_the_server_that_is_started() -> None:
    job = JOBS["playwright"]
    url = job["env"]["BANK_SERVER"]
    (serve,) = [run for name, run in RUNS if "sandbank serve" in run]
    assert re.findall(r"--port (\d+)", serve) == [url.rpartition(":")[2]]
    assert "BANK_SERVER" in (pages.REPOSITORY / "examples" / "playwright" / "sandbank.mjs").read_text(encoding="utf-8")


def test_the_variables_of_jobs_are_settings() -> None:
    known = {info.variable for info in describe()}
    for job in JOBS.values():
        given = {name: value for name, value in job.get("env", {}).items() if name.startswith("SANDBANK_")}
        assert set(given) <= known
        load(flags={}, environ=given, file=None)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_server_of_the_workflow_is_waited_for(tmp_path: Path) -> None:
    url = pages.on_a_free_port(tmp_path)
    written = JOBS["playwright"]["env"]["BANK_SERVER"]
    runs = [run for name, run in RUNS if name == "playwright" and run.startswith("sandbank ")]
    port = url.rpartition(":")[2]
    commands = [pages.ENDED.commands, f"BANK_SERVER={url}", *(run.replace("8001", port) for run in runs)]
    printed = pages.run_in_bash(commands, written, tmp_path)
    assert len(runs) == 2
    assert printed[-1].strip() == f"{url} is ready"
