"""docs/generator.md is true: its steps print what it says, and its limits are those of the code."""

import shutil
from pathlib import Path

import pages
import pytest
from click.testing import CliRunner

from sandbox.cli import main
from sandbox.core.calendar import CalendarRangeError, holidays
from sandbox.synth.building import LEAST_CUSTOMERS, SPAN
from sandbox.synth.cast import CAST
from sandbox.synth.model import MAX_CUSTOMERS
from sandbox.synth.window import MONTHS_MOST

PAGE = pages.text_of("docs/generator.md")


@pytest.mark.skipif(shutil.which("bash") is None, reason="the steps need bash")
def test_the_steps_print_what_the_page_says(tmp_path: Path) -> None:
    steps = pages.steps_of(PAGE)
    assert len(steps) == 4
    pages.require_true(steps, tmp_path, pages.WRITTEN_URL)


def test_the_limits_of_the_page_are_those_of_the_code() -> None:
    assert f"| how many, {LEAST_CUSTOMERS} to {MAX_CUSTOMERS:,} |" in PAGE
    assert f"| how much history, 1 to {MONTHS_MOST} |" in PAGE
    assert f"is not within {LEAST_CUSTOMERS} to {MAX_CUSTOMERS}`" in PAGE
    assert f"chunks of {SPAN}" in PAGE
    assert len(CAST) == 11, "the demo logins need eleven"


def test_the_years_of_the_page_are_those_of_the_calendar() -> None:
    assert "2020\nto 2030" in PAGE
    for year in (2019, 2031):
        with pytest.raises(CalendarRangeError, match="only those of 2020 to 2030"):
            holidays(year)


def test_every_flag_is_on_the_page() -> None:
    told = CliRunner().invoke(main, ["ecosystem", "build", "--help"]).output
    flags = {word for word in told.split() if word.startswith("--")} - {"--help"}
    assert flags
    assert all(f"| `{flag}` |" in PAGE for flag in flags)
