"""The log of one run: what goes into it, from which level on, and that it leaves nothing behind."""

import io
import json
import logging
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any, TextIO, cast

import pytest
from logs import LINE
from msgspec import structs

from sandbox.cli.logs.setup import open_log, wants_colours
from sandbox.core.settings import MASK, LogLevel, Settings

TOKEN = "a-token-of-sixteen-characters"


def logged(path: Path, *, level: LogLevel = "info", what: Any) -> list[dict[str, Any]]:
    """What `what(log)` has logged."""
    settings = Settings(log_level=level, log_format="json", control_token=TOKEN)
    with path.open("w", encoding="utf-8") as stream, open_log(settings, stream, {}) as log:
        what(log)
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("level", "told"),
    [
        ("debug", ["GET health", "GET listAccounts", "500", "debug", "info", "warning", "error"]),
        ("info", ["GET listAccounts", "500", "info", "warning", "error"]),
        ("warning", ["500", "warning", "error"]),
        ("error", ["500", "error"]),
    ],
)
def test_the_level_holds_for_requests_and_for_all_else(tmp_path: Path, level: LogLevel, told: list[str]) -> None:
    def everything(log: Any) -> None:
        log.request(structs.replace(LINE, operation="health"))
        log.request(LINE)
        log.request(structs.replace(LINE, status=500))
        for name in ("debug", "info", "warning", "error"):
            getattr(logging.getLogger("sandbank"), name)(name)

    def short(event: dict[str, Any]) -> str:
        if event["event"] != "request":
            return str(event["event"])
        return "500" if event["status"] == 500 else f"{event['method']} {event['operation']}"

    assert [short(event) for event in logged(tmp_path / "log", level=level, what=everything)] == told


def test_others_are_heard_from_a_warning_on(tmp_path: Path) -> None:
    def others(_: Any) -> None:
        logging.getLogger("uvicorn.error").info("Started")
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
        logging.getLogger("asyncio").error("Task exception was never retrieved")
        warnings.warn("something is old", DeprecationWarning, stacklevel=1)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        found = logged(tmp_path / "log", level="debug", what=others)
    told = [(event["logger"], event["level"]) for event in found]
    assert told == [("uvicorn.error", "warning"), ("asyncio", "error"), ("py.warnings", "warning")]
    assert "something is old" in found[-1]["event"]


def test_a_bug_is_told_with_its_traceback_and_without_secrets(tmp_path: Path) -> None:
    def bug(_: Any) -> None:
        try:
            int(f"who is {TOKEN}?")
        except ValueError:
            logging.getLogger("sandbank").exception("%s failed", "it")

    (event,) = logged(tmp_path / "log", what=bug)
    assert event["event"] == "it failed"
    assert event["level"] == "error"
    assert event["exception"].startswith("Traceback (most recent call last):")
    assert event["exception"].endswith(f"ValueError: invalid literal for int() with base 10: 'who is {MASK}?'")


def test_it_leaves_logging_as_it_was(tmp_path: Path) -> None:
    def state() -> tuple[Any, ...]:
        everybody, ours = logging.getLogger(), logging.getLogger("sandbank")
        return everybody.level, ours.level, [*everybody.handlers], warnings.showwarning

    before = state()
    logged(tmp_path / "log", what=lambda _: None)
    assert state() == before


def test_without_a_stderr_nothing_is_logged_and_nothing_fails() -> None:
    for stream in (None, io.StringIO()):
        with open_log(Settings(), stream, {}) as log:
            log.request(LINE)
            logging.getLogger("sandbank").info("hello")
        assert log.read


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.skipif(sys.platform == "win32", reason="no colours there")
def test_colours_are_for_terminals_and_no_color_takes_them_away() -> None:
    terminal = cast("TextIO", Terminal())
    assert wants_colours(terminal, {})
    assert wants_colours(terminal, {"NO_COLOR": ""}), "an empty one does not count"
    assert not wants_colours(terminal, {"NO_COLOR": "1"})
    assert not wants_colours(terminal, {"TERM": "dumb"})
    assert not wants_colours(io.StringIO(), {})


@pytest.mark.parametrize("code", ["import sandbox.app", "import sandbox.cli", "import sandbox.testing.server"])
def test_the_libraries_of_logs_and_metrics_are_not_loaded_before_they_are_needed(code: str) -> None:
    check = "import sys; print([name for name in ('structlog', 'prometheus_client') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", f"{code}; {check}"], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
