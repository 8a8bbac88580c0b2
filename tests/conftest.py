"""Fixtures that every room shares."""

from collections.abc import Iterator

import pytest
from support import Client, User, new_root

from sandbox.sandboxes.root import StateRoot


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
