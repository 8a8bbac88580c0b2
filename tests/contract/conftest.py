"""Fixtures of the contract's tests, and the summary of `make fuzz`."""

from collections import Counter
from collections.abc import Iterator

import pytest
from contract.fuzzing import Budget
from contract.world import World


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A server for generated requests; each finds it as good as new."""
    made = World()
    yield made
    made.close()


@pytest.fixture(scope="session")
def budget(pytestconfig: pytest.Config) -> Budget:
    """How much is asked: the same 25 examples each time, or what `make fuzz` says."""
    return Budget(examples=pytestconfig.getoption("--fuzz-examples"), seed=pytestconfig.getoption("--fuzz-seed"))


def pytest_report_header(config: pytest.Config) -> str | None:
    """What is asked, and how to ask the same again."""
    seed = config.getoption("--fuzz-seed")
    if seed is None:
        return None
    examples = config.getoption("--fuzz-examples")
    return f"fuzzing: {examples} examples; the same again: make fuzz EXAMPLES={examples} SEED={seed}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What was asked, and what came of it."""
    if config.getoption("--fuzz-seed") is None:
        return
    statuses: Counter[str] = Counter()
    counted: Counter[str] = Counter()
    reports = [report for found in ("passed", "failed") for report in terminalreporter.getreports(found)]
    for report in reports:
        for name, value in report.user_properties:
            if name == "statuses":
                statuses.update(value)
            elif name in {"walks", "links"}:
                counted[name] += value
    answers = ", ".join(f"{status} {count:,}" for status, count in sorted(statuses.items()))
    terminalreporter.section("fuzzing")
    terminalreporter.line(f"{statuses.total():,} requests made up: {answers}")
    terminalreporter.line(f"{counted['walks']:,} walks took {counted['links']:,} links with success")
    terminalreporter.line(str(pytest_report_header(config)))
