"""`sandbank ecosystem build`: flags, what it says on its way, and what it says when it cannot."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner, Result
from processes import TIMEOUT_SECONDS, environment

from sandbox.cli import build as command
from sandbox.cli import main
from sandbox.core.clock import parse_instant


def build(folder: Path, *flags: str, months: str = "1", customers: str = "13") -> Result:
    size = ["--customers", customers, "--months", months]
    return CliRunner().invoke(main, ["ecosystem", "build", *size, "--out", str(folder), *flags])


def as_of(folder: Path) -> str:
    found: str = json.loads((folder / "ecosystem.json").read_text(encoding="utf-8"))["as_of"]
    return found


def test_it_says_what_it_made_and_what_to_do_next(tmp_path: Path) -> None:
    ended = build(tmp_path / "bank", "--as-of", "2026-01-15")
    assert ended.exit_code == 0, ended.output
    first, following = ended.stdout.splitlines()
    assert first.startswith(f"{tmp_path / 'bank'}: 13 customers, ")
    assert " transactions in " in first
    assert f"sandbank serve {tmp_path / 'bank'}" in following
    assert ended.stderr == "13 of 13 customers\n"


def test_quiet_says_nothing(tmp_path: Path) -> None:
    assert build(tmp_path / "bank", "--as-of", "2026-01-15", "--quiet").output == ""


def test_the_manifest_says_what_it_was_made_from(tmp_path: Path) -> None:
    build(tmp_path / "bank", "--as-of", "2026-01-15", "--seed", "5")
    stated = json.loads((tmp_path / "bank" / "ecosystem.json").read_text(encoding="utf-8"))
    assert (stated["name"], stated["seed"]) == ("bank", 5)
    assert stated["title"] == "A Kuwaiti retail bank: 13 customers, 1 month"
    assert {name: stated["recipe"][name] for name in ("customers", "months")} == {"customers": 13, "months": 1}


@pytest.mark.parametrize(
    ("given", "instant"),
    [
        ("2026-01-15", "2026-01-15T09:00:00.000Z"),
        ("2025-12-31T22:30:00+03:00", "2025-12-31T19:30:00.000Z"),
        ("now", "2026-03-04T05:06:07.000Z"),
    ],
)
def test_as_of_is_a_date_an_instant_or_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, instant: str
) -> None:
    monkeypatch.setattr(command, "wall_time", lambda: parse_instant("2026-03-04T05:06:07.890123Z"))
    assert build(tmp_path / "bank", "--as-of", given).exit_code == 0
    assert as_of(tmp_path / "bank") == instant


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--as-of", "2026-02-30"), "--as-of: '2026-02-30' is no real date"),
        (("--as-of", "yesterday"), "--as-of: 'yesterday' is no RFC 3339 timestamp"),
        (("--as-of", "2035-06-01"), "--as-of: the Kuwaiti holidays of 2035 are not known, only those of "),
        (("--as-of", "2020-01-05", "--months", "3"), "--as-of: the Kuwaiti holidays of 2019 are not known"),
        (("--as-of", "2020-01-05", "--months", "1"), "ask for a time whose 1 month lies within those years"),
        (("--as-of", "2020-01-05", "--months", "3"), "ask for a time whose 3 months lie within those years"),
        (("--as-of", "0001-01-01"), "--as-of: 0001-01-01T09:00:00.000Z is far from the years whose Kuwaiti holidays"),
        (("--as-of", "9999-12-31T23:59:59Z"), "--as-of: 9999-12-31T23:59:59.000Z is far from the years"),
        (("--months", "61"), "--months: 61 is not within 1 to 60"),
        (("--customers", "3"), "--customers: 3 is not within 13 to 250000"),
        (("--jobs", "0"), "--jobs"),
        (("--format", "parquet"), "'parquet' is not one of"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_made(tmp_path: Path, flags: tuple[str, ...], words: str) -> None:
    ended = build(tmp_path / "bank", *flags)
    assert ended.exit_code == 2
    assert words in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_somebody_elses_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "bank").mkdir()
    (tmp_path / "bank" / "thesis.txt").write_text("mine")
    ended = build(tmp_path / "bank")
    assert ended.exit_code == 2
    assert "holds thesis.txt, which no build made; name another folder" in ended.stderr


def test_a_deleted_current_directory_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    ended = CliRunner().invoke(main, ["ecosystem", "validate", "."])
    assert (ended.exit_code, len(ended.stderr.splitlines())) == (2, 1)
    assert "the folder '.' cannot be opened: No such file or directory (shipped: " in ended.stderr


def test_without_its_libraries_it_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sandbox.synth.building", None)
    ended = build(tmp_path / "bank")
    assert ended.exit_code == 2
    assert "Error: the generator needs NumPy and Faker (pip install numpy faker): " in ended.stderr


def test_what_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    ended = build(tmp_path / "file" / "bank", "--as-of", "2026-01-15")
    assert ended.exit_code == 2
    assert ended.stderr == f"Error: --out: {tmp_path / 'file'} is no folder; name another one\n"


@pytest.mark.parametrize(("count", "words"), [(0, "0 accounts"), (1, "1 account"), (1_200, "1,200 accounts")])
def test_one_is_singular(count: int, words: str) -> None:
    assert command._counted(count, "account") == words


@pytest.mark.parametrize(("allowed", "jobs"), [(1, 1), (3, 3), (64, 4)])
def test_there_are_as_many_processes_as_processors_but_four_at_most(
    monkeypatch: pytest.MonkeyPatch, allowed: int, jobs: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(allowed)), raising=False)
    assert command._processors() == jobs


@contextmanager
def building(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", list[psutil.Process]]]:
    """A build under way, in a process group of its own, and its children; all of them end with the block."""
    flags = ["--customers", "5000", "--months", "24", "--as-of", "2026-01-15", "--jobs", "2", "--out", str(folder)]
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox", "ecosystem", "build", *flags],
        env=environment(folder.parent),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stderr is not None
            process.stderr.readline()  # that a tenth is done
            children = psutil.Process(process.pid).children(recursive=True)
            assert len(children) >= 2
            yield process, children
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(TIMEOUT_SECONDS)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_build_that_is_told_to_stop_leaves_nothing(tmp_path: Path, number: signal.Signals, code: int) -> None:
    with building(tmp_path / "bank") as (process, children):
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as Ctrl-C does
        else:
            process.send_signal(number)
        _, told = process.communicate(timeout=TIMEOUT_SECONDS)
        *progress, last = told.splitlines()
        assert (process.returncode, last) == (code, "stopped; no bank was built")
        assert all(line.endswith(" of 5,000 customers") for line in progress), told
        assert psutil.wait_procs(children, timeout=TIMEOUT_SECONDS)[1] == []
    assert list(tmp_path.iterdir()) == []


def test_processes_end_with_a_build_that_is_killed(tmp_path: Path) -> None:
    with building(tmp_path / "bank") as (process, children):
        process.kill()
        process.wait(TIMEOUT_SECONDS)
        assert psutil.wait_procs(children, timeout=TIMEOUT_SECONDS)[1] == []
    (leftover,) = tmp_path.iterdir()
    assert leftover.name.startswith(".bank.")
    assert build(tmp_path / "bank", "--as-of", "2026-01-15").exit_code == 0


def test_progress_is_a_line_for_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    tell = command._progress(1_000)
    for done in range(50, 1_001, 50):
        tell(done)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "100 of 1,000 customers"
    assert len(lines) == 10
