"""docs/restart.md is true: it names what the server says, and its example of the banner is the banner."""

import re
from pathlib import Path

import pytest

from sandbox.sandboxes import archive, archive_file, archive_tables
from sandbox.sandboxes.archive_file import ARCHIVE_NAME

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "restart.md").read_text(encoding="utf-8")
REFUSALS = re.findall(r"^\| (`[^|]+`) \| ", PAGE.partition("## When the server refuses")[2], re.MULTILINE)


def test_every_refusal_of_the_page_is_one_of_the_server() -> None:
    said = " ".join(
        Path(module.__file__ or "").read_text(encoding="utf-8") for module in (archive_file, archive_tables)
    )
    fragments = [part for cell in REFUSALS for text in re.findall(r"`([^`]+)`", cell) for part in text.split(" ... ")]
    assert len(fragments) >= 6
    for fragment in fragments:
        assert fragment in said, fragment


@pytest.mark.parametrize("code", ["batch", "write"])
def test_both_durabilities_are_told(code: str) -> None:
    assert f"- `{code}`: " in PAGE


def test_the_times_and_names_are_those_of_the_program() -> None:
    assert archive._BATCH_S == 0.5
    assert "gathered for half a second" in PAGE
    assert archive._RETRY_S == 1.0
    assert "tried again every second" in PAGE
    assert f"`{ARCHIVE_NAME}`" in PAGE
    assert "`sandbank.lock`" in PAGE
