"""Trying a scenario: apply it with its defaults to a fresh bank, and say by file and line what goes wrong.

For the command line, which checks files before anybody relies on them.
"""

import asyncio
from typing import NamedTuple

from sandbox.bank.invariants import check_invariants
from sandbox.core.errors import DomainError, ValidationFailedError
from sandbox.core.sandbox_errors import ScenarioPreconditionFailedError, ScenarioStepFailedError
from sandbox.core.settings import Settings
from sandbox.sandboxes.image import Image
from sandbox.sandboxes.root import StateRoot
from sandbox.sandboxes.scenarios.library import Library
from sandbox.sandboxes.scenarios.model import Scenario
from sandbox.sandboxes.scenarios.running import run_scenario


class Trial(NamedTuple):
    """How a trial went: what is wrong, and how many writes it took; `needs` are the parameters without a default."""

    faults: list[str]
    writes: int
    needs: list[str]


def try_scenario(image: Image, settings: Settings, library: Library, name: str) -> Trial:
    """Apply a scenario with its defaults to a fresh bank of `image` and check all invariants.

    One that needs a parameter is not tried.
    """
    scenario = library.get(name)
    needs = [parameter.name for parameter in scenario.parameters if parameter.required]
    if needs:
        return Trial([], 0, needs)
    root = StateRoot(image, rules=settings, seed=image.facts.seed, generation=1)
    try:
        run_scenario(root, library, name, {}, "")
        report = asyncio.run(root.inspect(check_invariants))
        broken = [f"{check.name}: {check.detail}" for check in report.checks if not check.ok]
        return Trial([f"{scenario.file}:1: breaks the invariant {told}" for told in broken], root.write_number, [])
    except DomainError as error:
        return Trial(_told(scenario, error), root.write_number, [])
    finally:
        root.close()


def _told(scenario: Scenario, error: DomainError) -> list[str]:
    if isinstance(error, ScenarioStepFailedError):
        return [f"{error.detail} ({error.facts['cause']})"]
    if isinstance(error, ValidationFailedError):
        lines = {parameter.name: parameter.line for parameter in scenario.parameters}
        names = [(fault.pointer.lstrip("/"), fault.detail) for fault in error.faults]
        return [f"{scenario.file}:{lines.get(name, 1)}: parameters.{name}: {detail}" for name, detail in names]
    if isinstance(error, ScenarioPreconditionFailedError) and error.facts["scenario"] == scenario.name:
        says = error.facts["precondition"]
        line = next((known.line for known in scenario.precondition if known.says == says), None)
        line = line or (scenario.precondition[0].line if scenario.precondition else 1)
        return [f"{scenario.file}:{line}: precondition is not true: {says}"]
    return [f"{scenario.file}:1: {error.detail} ({error.code})"]
