"""Fixtures of the contract's tests, and the summary of `make fuzz`."""

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
