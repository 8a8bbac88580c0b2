"""Fixtures that every room shares."""

from collections.abc import Iterator

import hypothesis
import pytest
from support import Client, User, new_root

from sandbox.sandboxes.root import StateRoot

# The same examples in every run, and no clock that a busy machine could make fail.
hypothesis.settings.register_profile("sandbank", derandomize=True, deadline=None)
hypothesis.settings.load_profile("sandbank")


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `make fuzz` says to the tests of `contract/`."""
    group = parser.getgroup("fuzzing")
    group.addoption("--fuzz-examples", type=int, default=25, help="generated requests an operation and way of asking")
    group.addoption("--fuzz-seed", type=int, default=None, help="other requests than the usual ones, from this seed")


@pytest.fixture
def root() -> Iterator[StateRoot]:
    """A fresh bank on `seeds/tiny`, without HTTP."""
    made = new_root()
    yield made
    made.retire()


@pytest.fixture
def client() -> Iterator[Client]:
    """A fresh server in this process."""
    made = Client()
    yield made
    made.close()


@pytest.fixture
def fatima(client: Client) -> User:
    """An ordinary customer, signed in."""
    return client.login("fatima")
