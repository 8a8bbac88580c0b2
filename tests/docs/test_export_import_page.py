"""docs/export-import.md is true: its steps print what it says, and its limits are those of the code."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from served import serve

from sandbox.core.settings import Settings
from sandbox.sandboxes import exchange
from sandbox.store import zips

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "export-import.md").read_text(encoding="utf-8")
STEP = re.compile(r"\*\*\d+\. [^*]+\*\*.*?```sh\n(.*?)```\n\n```(?:json|text)\n(.*?)```", re.DOTALL)
MARK = "=== step is over ==="


def agrees(printed: str, written: str) -> bool:
    """Whether `printed` is `written`, where `...` stands for anything within its line."""
    pattern = "[^\n]*".join(re.escape(part) for part in written.strip().split("..."))
    return re.fullmatch(pattern, printed.strip()) is not None


@pytest.mark.skipif(shutil.which("curl") is None, reason="the steps need curl")
@pytest.mark.skipif(shutil.which("bash") is None, reason="the steps need bash")
@pytest.mark.skipif(shutil.which("python3") is None, reason="the steps unpack with python3")
def test_the_steps_print_what_the_page_says(tmp_path: Path) -> None:
    steps = STEP.findall(PAGE)
    assert len(steps) == PAGE.count("```sh\n") == 5
    script = tmp_path / "steps.sh"
    with serve() as served:
        blocks = [commands.replace("http://127.0.0.1:8000", served.url) for commands, _ in steps]
        script.write_text("set -e\n" + "".join(f"{block}\necho '{MARK}'\n" for block in blocks), encoding="utf-8")
        done = subprocess.run(
            ["bash", str(script)],
            cwd=tmp_path,
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
    assert not agrees('{"same":true}', '{"same":false,...}')
    assert agrees('{"same":false,"collections":{}}', '{"same":false,...}')


def test_the_limits_of_the_page_are_those_of_the_code() -> None:
    assert f"`--max-import-bytes` ({Settings().max_import_bytes // 2**20} MiB)" in PAGE
    assert f"more than {exchange.UNPACKED_TIMES} times `--max-import-bytes`" in PAGE
    assert f"or more than {zips.MOST_FILES:,} files" in PAGE
    assert f"the first {exchange.FAULTS_SHOWN} faults" in PAGE
    page = (Path(__file__).resolve().parents[2] / "docs" / "problems.md").read_text(encoding="utf-8")
    assert f"`errors` too, the first {exchange.FAULTS_SHOWN}" in page


def test_the_limit_of_the_settings_says_how_much_comes_out() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    assert f"unpacked it may be {exchange.UNPACKED_TIMES} times that" in page
