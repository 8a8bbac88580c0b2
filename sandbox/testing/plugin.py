"""The pytest plugin: options, markers, and the fixtures `bank`, `abank` and `sandbank`.

Every project that has Sandbank installed loads this module in each of its runs, so it imports nothing but pytest:
the server and the client are loaded by the first test that asks for a bank.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from sandbox.testing.aio import AsyncBank
    from sandbox.testing.bank import Bank
    from sandbox.testing.sandbank import Sandbank
    from sandbox.testing.servers import Servers
    from sandbox.testing.world import World

_WORLD: pytest.StashKey[World] = pytest.StashKey()
"""The bank of a test, and how it was made."""
_FAILED: pytest.StashKey[bool] = pytest.StashKey()

_MARKERS = (
    "scenario(name, /, **parameters): apply a scenario to the test's bank before the test; repeatable, in order",
    "sandbank(*, ecosystem=None, seed=None, now=None): the ecosystem, seed and business time of the test's bank",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options `--sandbank-...`, and the same in the configuration file."""
    group = parser.getgroup("sandbank", "a bank per test")
    group.addoption(
        "--sandbank-url",
        metavar="URL",
        help="use the Sandbank that runs there, instead of starting one in this process",
    )
    group.addoption(
        "--sandbank-control-token", metavar="TOKEN", help="of that server; SANDBANK_CONTROL_TOKEN when not given"
    )
    group.addoption("--sandbank-ecosystem", metavar="NAME", help="folder or shipped name of the banks' ecosystem")
    group.addoption(
        "--sandbank-seed", metavar="N", type=int, help="give every test another seed than that of its node id alone"
    )
    group.addoption(
        "--sandbank-set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="a setting of the server in this process, such as lock_minutes=0 (repeatable)",
    )
    group.addoption(
        "--sandbank-check", action="store_true", default=None, help="check all invariants of the bank after each test"
    )
    group.addoption(
        "--sandbank-keep", action="store_true", help="with --sandbank-url: do not remove the banks of failed tests"
    )
    parser.addini("sandbank_url", "address of a running Sandbank to use")
    parser.addini("sandbank_ecosystem", "folder (from the root directory) or shipped name of the banks' ecosystem")
    parser.addini("sandbank_seed", "give every test another seed than that of its node id alone")
    parser.addini("sandbank_set", "settings of the server in this process, NAME=VALUE each", type="linelist")
    parser.addini("sandbank_check", "check all invariants of the bank after each test", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the markers."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say which bank a failed test had, while it still stands."""
    report = yield
    if report.failed:
        item.stash[_FAILED] = True
        world = item.stash.get(_WORLD, None)
        if world is not None and report.when != "teardown":
            report.sections.append(("sandbank", world.told()))
    return report


@pytest.fixture(scope="session")
def _sandbank_servers(pytestconfig: pytest.Config) -> Iterator[Servers]:
    """The servers of this run, each started when the first test needs it."""
    from sandbox.testing.servers import Servers  # noqa: PLC0415 - only runs that use a bank load this

    servers = Servers(pytestconfig)
    yield servers
    servers.close()


@pytest.fixture(scope="session")
def sandbank(_sandbank_servers: Servers) -> Sandbank:
    """The server of this run: `sandbank.fork()` makes a bank of any lifetime, `sandbank.url` is where it is."""
    return _sandbank_servers.main


@pytest.fixture
def bank(request: pytest.FixtureRequest, _sandbank_servers: Servers) -> Iterator[Bank]:
    """A bank of the test's own, with the seed of its node id, which is removed afterwards."""
    from sandbox.testing.world import World  # noqa: PLC0415

    world = World(request.node, _sandbank_servers)
    request.node.stash[_WORLD] = world
    yield world.bank
    del request.node.stash[_WORLD]
    try:
        if _sandbank_servers.checks:
            world.bank.check()
    finally:
        kept = _sandbank_servers.keeps and request.node.stash.get(_FAILED, False)
        if not kept:
            world.bank.remove()


@pytest.fixture
def abank(bank: Bank) -> AsyncBank:
    """The same bank for `async` tests: every method is awaited."""
    return bank.aio
