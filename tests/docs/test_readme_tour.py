"""The README is true: its tour prints what it says, its banner is the banner, its links lead somewhere."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
WRITTEN_URL = "http://127.0.0.1:8000"
MARK = "=== step is over ==="
SECONDS = 60

HEADING = "## A five-minute tour in curl\n"
STEP = re.compile(r"\*\*(\d+)\. ([^*]+)\*\*.*?```sh\n(.*?)```\n\n```(?:json|text)\n(.*?)```", re.DOTALL)


class Step(NamedTuple):
    """One step of the tour: what to paste and what it should print."""

    number: int
    title: str
    commands: str
    printed: str


def tour() -> str:
    return README.partition(HEADING)[2].partition("\n## ")[0]


def steps() -> list[Step]:
    return [Step(int(number), title, commands, printed) for number, title, commands, printed in STEP.findall(tour())]


def agrees(printed: str, written: str) -> bool:
    """Whether `printed` is `written`, where `...` stands for anything within its line."""
    pattern = "[^\n]*".join(re.escape(part) for part in written.strip().split("..."))
    return re.fullmatch(pattern, printed.replace("\r", "").strip()) is not None


def environment(home: Path) -> dict[str, str]:
    """This one, without settings of Sandbank's and proxies, and with its caches in `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SANDBANK_")}
    return kept | {"SANDBANK_CACHE_DIR": str(home / "cache"), "no_proxy": "*", "PYTHONUNBUFFERED": "1"}


@contextmanager
def server(home: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`sandbank serve` as a child, on a free port."""
    command = [sys.executable, "-m", "sandbox", "serve", "--port", "0", *options]
    log = home / "server.log"
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            command, cwd=home, env=environment(home), stdout=subprocess.PIPE, stderr=errors, encoding="utf-8"
        ) as child,
    ):
        try:
            yield child
        finally:
            child.terminate()
            child.wait(SECONDS)


def first_line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    line = child.stdout.readline()
    assert line, "the server ended before it was ready"
    return line


def run_in_bash(commands: list[str], url: str, home: Path) -> list[str]:
    """What each of `commands` prints, all in one bash that stops at the first failure."""
    lines = [f"{block.replace(WRITTEN_URL, url)}\necho '{MARK}'" for block in commands]
    script = home / "tour.sh"
    script.write_text("set -e\n" + "\n".join(lines) + "\n", encoding="utf-8")
    done = subprocess.run(
        ["bash", str(script)],
        cwd=home,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )
    outputs = done.stdout.split(f"{MARK}\n")
    assert done.returncode == 0, f"step {len(outputs)} ended with {done.returncode}: {outputs[-1]}"
    return [output.replace(url, WRITTEN_URL) for output in outputs[:-1]]


def test_every_block_of_the_tour_belongs_to_a_step_with_its_output() -> None:
    assert [step.number for step in steps()] == list(range(1, 15))
    assert tour().count("```sh\n") == len(steps())
    assert tour().count("```") == 4 * len(steps())


@pytest.mark.skipif(shutil.which("curl") is None, reason="the tour needs curl")
@pytest.mark.skipif(shutil.which("bash") is None, reason="the tour needs bash")
def test_the_tour_prints_what_the_readme_says(tmp_path: Path) -> None:
    with server(tmp_path, "--json") as child:
        url = json.loads(first_line(child))["url"]
        outputs = run_in_bash([step.commands for step in steps()], url, tmp_path)
    assert len(outputs) == len(steps())
    wrong = [
        f"step {step.number}, {step.title}\nprinted:\n{output}\nREADME.md says:\n{step.printed}"
        for step, output in zip(steps(), outputs, strict=True)
        if not agrees(output, step.printed)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_banner_is_the_one_in_the_readme(tmp_path: Path) -> None:
    shown = re.search(r"```text\n(Sandbank .*?)```", README, re.DOTALL)
    assert shown is not None
    written = shown[1].splitlines()
    with server(tmp_path) as child:
        printed = [first_line(child).rstrip("\n") for _ in written]
    url = printed[1].split()[0]
    assert [line.replace(url, WRITTEN_URL) for line in printed] == written


@pytest.mark.parametrize(
    ("printed", "written"),
    [
        ("401\n", "200\n"),
        ('{"ok":false,"checks":[]}', '{"ok":true,...}'),
        ("", "nothing has changed"),
        ('{"a":1}\nand more', '{"a":1}'),
        ('{"a":1,"b":2}', '{"a":1,...,"b":3}'),
        ('{"a":1\n,"b":2}', '{"a":1...}'),
    ],
)
def test_another_answer_is_noticed(printed: str, written: str) -> None:
    assert not agrees(printed, written)


@pytest.mark.parametrize(
    ("printed", "written"), [("200\r\n", "200\n"), ('{"a":1,"b":2,"c":3}\n', '{"a":1,...,"c":3}\n'), ("", "")]
)
def test_the_same_answer_agrees(printed: str, written: str) -> None:
    assert agrees(printed, written)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_a_command_that_fails_stops_the_tour(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="step 2 ended with 3"):
        run_in_bash(["echo one", "exit 3", "echo three"], "http://127.0.0.1:1", tmp_path)


def test_every_make_target_of_the_readme_exists_and_no_other() -> None:
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"[`$] ?make ([a-z]+)", README))
    assert named == targets - {"help"}


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "CHANGELOG.md",
        *sorted(f"docs/{p.name}" for p in (REPOSITORY / "docs").glob("*.md")),
        "docs/decisions/README.md",
    ],
)
def test_links_of_our_pages_lead_somewhere(page: str) -> None:
    path = REPOSITORY / page
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text(encoding="utf-8"))
    missing = [link for link in links if not (path.parent / link).exists()]
    assert not missing


def test_the_rooms_of_the_readme_are_those_of_the_package() -> None:
    rooms = {
        path.name for path in (REPOSITORY / "sandbox").iterdir() if path.is_dir() and (path / "__init__.py").exists()
    }
    table = README.partition("## The repository")[2].partition("\n## ")[0]
    assert set(re.findall(r"`sandbox/(\w+)`", table)) == rooms
