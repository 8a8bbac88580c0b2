"""docs/inbox.md is true: its steps print what it says, and its limits are those of the bank."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from served import serve

from sandbox.bank import challenges, messages
from sandbox.core.settings import Settings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "inbox.md").read_text(encoding="utf-8")
STEP = re.compile(r"\*\*\d+\. [^*]+\*\*.*?```sh\n(.*?)```\n\n```json\n(.*?)```", re.DOTALL)
MARK = "=== step is over ==="
NUMBERS = {5: "five"}


def agrees(printed: str, written: str) -> bool:
    """Whether `printed` is `written`, where `...` stands for anything within its line."""
    pattern = "[^\n]*".join(re.escape(part) for part in written.strip().split("..."))
    return re.fullmatch(pattern, printed.strip()) is not None


@pytest.mark.skipif(shutil.which("curl") is None, reason="the steps need curl")
@pytest.mark.skipif(shutil.which("bash") is None, reason="the steps need bash")
def test_the_steps_print_what_the_page_says(tmp_path: Path) -> None:
    steps = STEP.findall(PAGE)
    assert len(steps) == PAGE.count("```sh\n") == 5
    script = tmp_path / "steps.sh"
    with serve() as served:
        blocks = [commands.replace("http://127.0.0.1:8000", served.url) for commands, _ in steps]
        script.write_text("set -e\n" + "".join(f"{block}\necho '{MARK}'\n" for block in blocks), encoding="utf-8")
        done = subprocess.run(
            ["bash", str(script)],
            env=os.environ | {"no_proxy": "*"},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=True,
        )
    outputs = done.stdout.split(f"{MARK}\n")[:-1]
    assert len(outputs) == len(steps)
    for printed, (_, written) in zip(outputs, steps, strict=True):
        assert agrees(printed, written), f"printed:\n{printed}\nthe page says:\n{written}"


def test_another_answer_is_noticed() -> None:
    assert not agrees('{"code":"1"}', '{"token":"..."}')
    assert agrees('{"code":"1"}', '{"code":"..."}')


def test_the_limits_of_the_page_are_those_of_the_bank() -> None:
    assert f"last {messages.KEPT_AT_MOST} messages" in PAGE
    assert f"`code_minutes` ({Settings().code_minutes})" in PAGE
    assert f"{NUMBERS[challenges.RESENDS_AT_MOST]} times, then 422" in PAGE
    assert challenges.WRONG_CODES_AT_MOST == 5
    assert "the fifth ends the challenge" in PAGE
