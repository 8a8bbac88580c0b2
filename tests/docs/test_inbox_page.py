"""docs/inbox.md is true: its steps print what it says, and its limits are those of the bank."""

import shutil
from pathlib import Path

import pages
import pytest

from sandbox.bank import challenges, messages
from sandbox.core.settings import Settings

PAGE = pages.text_of("docs/inbox.md")
NUMBERS = {5: "five"}


@pytest.mark.skipif(shutil.which("curl") is None, reason="the steps need curl")
@pytest.mark.skipif(shutil.which("bash") is None, reason="the steps need bash")
def test_the_steps_print_what_the_page_says(tmp_path: Path) -> None:
    steps = pages.steps_of(PAGE)
    assert len(steps) == 5
    with pages.served(tmp_path) as url:
        pages.require_true(steps, tmp_path, url)


def test_another_answer_is_noticed() -> None:
    assert not pages.agrees('{"code":"1"}', '{"token":"..."}')
    assert pages.agrees('{"code":"1"}', '{"code":"..."}')


def test_the_limits_of_the_page_are_those_of_the_bank() -> None:
    assert f"last {messages.KEPT_AT_MOST} messages" in PAGE
    assert f"`code_minutes` ({Settings().code_minutes})" in PAGE
    assert f"{NUMBERS[challenges.RESENDS_AT_MOST]} times, then 422" in PAGE
    assert challenges.WRONG_CODES_AT_MOST == 5
    assert "the fifth ends the challenge" in PAGE
