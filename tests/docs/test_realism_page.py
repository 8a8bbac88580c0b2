"""docs/realism.md names every option and verdict, and its example is what the command prints."""

import json
import re
from pathlib import Path

import msgspec
from support import TINY

from sandbox.cli.report import report
from sandbox.synth.report.comparing import Verdict
from sandbox.synth.report.making import report_on

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "realism.md").read_text(encoding="utf-8")


def test_every_option_is_named() -> None:
    options = [name for parameter in report.params for name in [*parameter.opts, *parameter.secondary_opts]]
    named = [name for name in options if name.startswith("--") and name != "--ledger"]
    assert len(named) == 4
    assert not [name for name in named if f"`{name}" not in PAGE]


def test_every_verdict_is_explained() -> None:
    assert not [verdict for verdict in Verdict if f"| `{verdict.value}` |" not in PAGE]


def test_the_example_is_what_the_report_says_of_tiny() -> None:
    shown = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert shown is not None
    example = json.loads(shown[1])
    figures = msgspec.to_builtins(report_on(TINY).compared)
    assert example == next(figure for figure in figures if figure["name"] == example["name"])
