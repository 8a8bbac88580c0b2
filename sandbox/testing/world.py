"""The bank of one test: which server, which seed, which scenarios, said by its node id and its markers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from sandbox.testing.clock import instant_text
from sandbox.testing.naming import MOST_SEED, sandbox_id_of, seed_of
from sandbox.testing.report import section_of, serve_command
from sandbox.testing.sandbank import scenario_order
from sandbox.testing.wire import RefusedError

if TYPE_CHECKING:
    from sandbox.testing.bank import Bank
    from sandbox.testing.servers import Servers

_KEPT_SECONDS: Final = 3_600
"""A server that serves many runs removes by itself what a killed run left behind."""

_LONGEST_NAME: Final = 140
_MARKER: Final = "@pytest.mark.sandbank takes ecosystem=NAME, seed=WHOLE NUMBER and now=INSTANT"


class Wanted(NamedTuple):
    """What the markers of a test ask for."""

    ecosystem: str | None
    seed: int | None
    now: str | None
    scenarios: list[dict[str, Any]]


class World:
    """What a test asked for, and the bank that it got."""

    def __init__(self, item: pytest.Item, servers: Servers) -> None:
        """Make the bank.

        Raises:
            pytest.fail.Exception: a marker asks for what is not there.
        """
        node_id = node_id_of(item)
        wanted = wanted_by(item)
        sandbank, source = servers.for_ecosystem(wanted.ecosystem)
        self._serve = self._serve_command(servers, wanted)
        self.order: dict[str, Any] = {
            "id": sandbox_id_of(node_id),
            "seed": seed_of(node_id, base=servers.seed) if wanted.seed is None else wanted.seed,
            "name": node_id[-_LONGEST_NAME:],
        }
        """The body of the request that made the bank."""
        if source is not None:
            self.order["from"] = source
        # Time first: who is locked for minutes must still be locked when the test begins.
        if wanted.scenarios and wanted.now is None:
            self.order["scenarios"] = wanted.scenarios
        ttl = {} if sandbank.is_own else {"ttl": _KEPT_SECONDS}
        try:
            self.bank: Bank = sandbank.adopt(sandbank.make(**self.order, **ttl))
        except RefusedError as error:
            raise _refused(node_id, error) from None
        try:
            if wanted.now is not None:
                self.bank.clock.set(wanted.now)
                for scenario in wanted.scenarios:
                    self.bank.scenario(scenario["name"], **scenario["parameters"])
        except RefusedError as error:
            self.bank.remove()
            raise _refused(node_id, error) from None

    def told(self) -> str:
        """What a report says of the bank."""
        return section_of(self.bank, serve=self._serve, order=self.order)

    def _serve_command(self, servers: Servers, wanted: Wanted) -> str:
        if servers.url:
            return f"sandbank serve   # with the settings of {servers.url}"
        return serve_command(wanted.ecosystem or servers.ecosystem, servers.settings)


def node_id_of(item: pytest.Item) -> str:
    """The node id of a test, without the group that xdist's `--dist loadgroup` adds to it."""
    return item.nodeid if item.parent is None else f"{item.parent.nodeid}::{item.name}"


def wanted_by(item: pytest.Item) -> Wanted:
    """What the markers of a test say; those of the test itself win over its class's and module's.

    Raises:
        pytest.fail.Exception: a marker says what it cannot say.
    """
    said: dict[str, Any] = {}
    for marker in reversed(list(item.iter_markers("sandbank"))):
        unknown = set(marker.kwargs) - {"ecosystem", "seed", "now"}
        if marker.args or unknown:
            extra = ", ".join([*map(repr, marker.args), *sorted(unknown)])
            pytest.fail(f"{_MARKER}, not {extra}", pytrace=False)
        said |= marker.kwargs
    seed, ecosystem = said.get("seed"), said.get("ecosystem")
    if seed is not None and not (type(seed) is int and 0 <= seed <= MOST_SEED):
        pytest.fail(f"@pytest.mark.sandbank: seed is a whole number from 0 to {MOST_SEED}, not {seed!r}", pytrace=False)
    try:
        now = instant_text(said.get("now"))
    except (TypeError, ValueError) as error:
        pytest.fail(f"@pytest.mark.sandbank: now: {error}", pytrace=False)
    scenarios = [_scenario(marker) for marker in in_order(item, "scenario")]
    return Wanted(None if ecosystem is None else str(ecosystem), seed, now, scenarios)


def in_order(item: pytest.Item, name: str) -> list[pytest.Mark]:
    """The markers as one reads them: those of the module, of the class, of the test, each from top to bottom."""
    by_node: dict[Any, list[pytest.Mark]] = {}
    for node, marker in item.iter_markers_with_node(name):
        by_node.setdefault(node, []).append(marker)
    found: list[pytest.Mark] = []
    for node, markers in reversed(by_node.items()):
        # Decorators take effect from the bottom up, `pytestmark` lists of modules from the front.
        found += markers if isinstance(node, pytest.Module) else reversed(markers)
    return found


def _scenario(marker: pytest.Mark) -> dict[str, Any]:
    if len(marker.args) != 1 or not isinstance(marker.args[0], str):
        pytest.fail(
            '@pytest.mark.scenario takes a name, and parameters by name: scenario("low-balance", balance="1.000")',
            pytrace=False,
        )
    return scenario_order(marker.args[0], marker.kwargs)


def _refused(node_id: str, error: RefusedError) -> BaseException:
    return pytest.fail.Exception(f"{error}\nSandbank made no bank for {node_id}.", pytrace=False)
