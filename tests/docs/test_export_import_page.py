"""docs/export-import.md is true: its steps print what it says, and its limits are those of the code."""

import shutil
from pathlib import Path

import pages
import pytest

from sandbox.core.settings import Settings
from sandbox.sandboxes import exchange
from sandbox.store import zips

PAGE = pages.text_of("docs/export-import.md")


@pytest.mark.skipif(shutil.which("curl") is None, reason="the steps need curl")
@pytest.mark.skipif(shutil.which("bash") is None, reason="the steps need bash")
@pytest.mark.skipif(shutil.which("python3") is None, reason="the steps unpack with python3")
def test_the_steps_print_what_the_page_says(tmp_path: Path) -> None:
    steps = pages.steps_of(PAGE)
    assert len(steps) == 5
    with pages.served(tmp_path) as url:
        pages.require_true(steps, tmp_path, url)


def test_another_answer_is_noticed() -> None:
    assert not pages.agrees('{"same":true}', '{"same":false,...}')
    assert pages.agrees('{"same":false,"collections":{}}', '{"same":false,...}')


def test_the_limits_of_the_page_are_those_of_the_code() -> None:
    assert f"`--max-import-bytes` ({Settings().max_import_bytes // 2**20} MiB)" in PAGE
    assert f"more than {exchange.UNPACKED_TIMES} times `--max-import-bytes`" in PAGE
    assert f"or more than {zips.MOST_FILES:,} files" in PAGE
    assert f"the first {exchange.FAULTS_SHOWN} faults" in PAGE
    page = pages.text_of("docs/problems.md")
    assert f"`errors` too, the first {exchange.FAULTS_SHOWN}" in page


def test_the_limit_of_the_settings_says_how_much_comes_out() -> None:
    page = pages.text_of("docs/settings.md")
    assert f"unpacked it may be {exchange.UNPACKED_TIMES} times that" in page
