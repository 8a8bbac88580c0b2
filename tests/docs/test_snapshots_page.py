"""docs/snapshots.md is true: its steps print what it says, its fields and limits are those of the server."""

import re
import shutil
from pathlib import Path

import msgspec
import pages
import pytest

from sandbox.control.sandboxes import NewSandbox
from sandbox.control.state import ResetOrder
from sandbox.core.catalogue import catalogue
from sandbox.core.settings import Settings

PAGE = pages.text_of("docs/snapshots.md")


def section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def fields_in(heading: str) -> set[str]:
    """The fields in the first column of a section's table."""
    rows = re.findall(r"^\| (`.*?) \|", section(heading), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


@pytest.mark.skipif(shutil.which("curl") is None, reason="the steps need curl")
@pytest.mark.skipif(shutil.which("bash") is None, reason="the steps need bash")
def test_the_steps_print_what_the_page_says(tmp_path: Path) -> None:
    steps = pages.steps_of(PAGE)
    assert len(steps) == 7
    with pages.served(tmp_path) as url:
        pages.require_true(steps, tmp_path, url)


def test_the_fields_of_a_new_sandbox_are_those_of_the_page() -> None:
    names = {field.encode_name for field in msgspec.structs.fields(NewSandbox)}
    assert fields_in("What a sandbox is made from") == names


def test_the_fields_of_a_reset_are_those_of_the_page() -> None:
    assert fields_in("Reset") == {field.encode_name for field in msgspec.structs.fields(ResetOrder)}


def test_the_limits_of_the_page_are_those_of_the_settings() -> None:
    settings = Settings()
    assert f"`--max-awake` sandboxes ({settings.max_awake})" in PAGE
    assert f"`--max-sandboxes` ({settings.max_sandboxes})" in PAGE


def test_the_refusals_of_the_page_are_in_the_catalogue() -> None:
    said = re.findall(r"\| ([0-9]{3}) `(\w+)`", section("When it is refused"))
    assert len(said) == 9
    assert said == [(str(catalogue()[code].status), code) for _, code in said]
