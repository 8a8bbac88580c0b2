"""docs/clock.md is true: its steps print what it says, and its table of jobs is the registry."""

import re
import shutil
from pathlib import Path

import pages
import pytest

from sandbox.core.clock import HOUR, format_instant, parse_instant
from sandbox.core.duration import parse_duration
from sandbox.core.settings import Settings
from sandbox.sandboxes import idempotency
from sandbox.sandboxes.jobs import JOBS

PAGE = pages.text_of("docs/clock.md")


@pytest.mark.skipif(shutil.which("curl") is None, reason="the steps need curl")
@pytest.mark.skipif(shutil.which("bash") is None, reason="the steps need bash")
def test_the_steps_print_what_the_page_says(tmp_path: Path) -> None:
    steps = pages.steps_of(PAGE)
    assert len(steps) == 7
    with pages.served(tmp_path) as url:
        pages.require_true(steps, tmp_path, url)


def test_every_job_is_in_the_table_and_no_other() -> None:
    table = PAGE.partition("## What falls due")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == [job.name for job in JOBS]


def test_the_times_of_the_page_are_those_of_the_bank() -> None:
    settings = Settings()
    assert f"(`--hold-days`, {settings.hold_days})" in PAGE
    assert f"(`--lock-minutes`, {settings.lock_minutes};" in PAGE
    assert f"(`--refresh-token-seconds`, {settings.refresh_token_seconds // 86_400} days)" in PAGE
    assert f"(`--code-minutes`, {settings.code_minutes})" in PAGE
    assert f"forgotten after {idempotency.IDEMPOTENCY_TTL // HOUR} hours" in PAGE


def test_a_month_after_the_end_of_january_is_as_the_page_says() -> None:
    assert "a month after 31 January is 28 or 29 February" in PAGE
    starts = (parse_instant(f"{year}-01-31T09:00:00Z") for year in (2026, 2028))
    ends = [format_instant(parse_duration("P1M").after(start)) for start in starts]
    assert ends == ["2026-02-28T09:00:00.000Z", "2028-02-29T09:00:00.000Z"]


def test_every_duration_of_the_page_is_one() -> None:
    section = PAGE.partition("## Durations")[2].partition("\n## ")[0]
    written = re.findall(r"`(\w+)`", section.partition(". Months")[0])
    assert len([parse_duration(text) for text in written if text != "by"]) == 8
