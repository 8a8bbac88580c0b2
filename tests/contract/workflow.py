"""Schemathesis's walks along the links of the document: make something, read it, take it back, read it again.

A walk starts in a bank as good as new and ends with all invariants checked. Fatima asks; whatever she reads along a
link, Arjun is then denied.
"""

import itertools
from collections import Counter
from typing import Any
from unittest.mock import patch

import msgspec
from contract.fuzzing import Budget
from contract.in_process import InProcessSchema
from contract.rules import ACCEPTED, REFUSED
from contract.world import HOLDERS, Holder, Names, World
from schemathesis.generation.stateful.control import TransitionController
from schemathesis.generation.stateful.state_machine import StepInput, StepOutput
from schemathesis.specs.openapi import stateful
from schemathesis.wfc.escalation import EscalatingAuthProvider
from secondfactor import ask_for_codes

CUSTOMERS = ("fatima", "arjun")


class WalkedWorld(World):
    """A world for walks: the same at the start of each, and Fatima is asked for a code when she signs in."""

    def __init__(self) -> None:
        super().__init__()
        self.signed: dict[str, dict[str, Any]] = {}
        """Tokens by username."""

    def username(self) -> str:
        """Who signs in: one with a code, one without."""
        return CUSTOMERS[self.root.write_number % 2]

    def begin(self) -> None:
        """Begin a walk: with what another one has left, it would go another way than when it is redone."""
        self.client.touched = True
        self.client._keys = itertools.count(1)
        self.signed.clear()
        self.renew("fatima")
        ask_for_codes(self.root)

    @property
    def holder(self) -> Holder:
        """Whose things requests name: Fatima's."""
        return HOLDERS[CUSTOMERS[0]]

    def refresh_token(self) -> str:
        """Her refresh token."""
        self.token(CUSTOMERS[0])
        return super().refresh_token()

    @property
    def headers(self) -> dict[str, str]:
        """What says that Fatima asks."""
        return _signed(self.token(CUSTOMERS[0]))

    def token(self, username: str) -> str:
        """A token of a customer that is good now: the walk may have ended their session."""
        token = self.signed.get(username, {}).get("access_token", "")
        if self.client.get("/v1/auth/me", headers=_signed(token)).status_code != 200:
            self.sign_in(username)
            self.signed[username] = self.tokens
        self.tokens = self.signed[username]
        return str(self.tokens["access_token"])


class Bearer:
    """Signs requests as one customer."""

    def __init__(self, world: WalkedWorld, username: str) -> None:
        self._world = world
        self._username = username

    def get(self, *_: Any) -> str:
        """Their token."""
        return self._world.token(self._username)

    def set(self, case: Any, token: str, *_: Any) -> None:
        """Sign a request."""
        case.headers.update(_signed(token))


class Customers(EscalatingAuthProvider):
    """Fatima asks, and Arjun must not get what she gets."""

    def __init__(self, world: WalkedWorld) -> None:
        bearers: list[Any] = [Bearer(world, username) for username in CUSTOMERS]
        super().__init__(bearers, list(CUSTOMERS), peers=CUSTOMERS, pinned=CUSTOMERS[0])

    def claim_probe(self, *_: Any) -> bool:
        """Whether Arjun tries: always. Once in a run would be a walk that is another one when it is redone."""
        return True


class Onward(TransitionController):
    """Lets a walk begin with one operation, and from there only go on, as long as a link leads on.

    Left to itself it would hardly ever: one operation in two would be asked for without any link.
    """

    def __init__(self, machine: Any, beginning: str) -> None:
        super().__init__(machine._transitions, machine._root_labels)
        self._beginning = beginning

    def allow_root_transition(self, source: str, bundles: dict[str, Any]) -> bool:
        """Whether an operation may be asked for that no link leads to."""
        return source == self._beginning and not self._leads_on(bundles)

    def _leads_on(self, bundles: dict[str, Any]) -> bool:
        return any(
            bundles.get(f"{link.source.label} -> {link.status_code}")
            and self.allow_transition(link.source.label, link.target.label)
            for link in links(self.transitions)
        )


def links(transitions: Any) -> list[Any]:
    """Every link of a document."""
    return [link for found in transitions.operations.values() for link in found.outgoing]


class Walked(msgspec.Struct):
    """What came of the walks from one operation."""

    walks: int = 0
    taken: Counter[str] = msgspec.field(default_factory=Counter)
    """How often each link was taken with success."""
    links: set[str] = set()
    """Every link that leads on from the operation itself."""


def beginnings(document: dict[str, Any]) -> list[str]:
    """The operations that links lead on from."""
    return [
        operation["operationId"]
        for item in document["paths"].values()
        for operation in item.values()
        if any("links" in answer for answer in operation["responses"].values())
    ]


def walk(beginning: str, *, world: WalkedWorld, document: dict[str, Any], budget: Budget) -> Walked:
    """Walk along the links from an operation, as often as the budget says.

    What the document does not allow is raised as Schemathesis's failures.
    """
    schema = world.schema(document)
    schema.config.checks.positive_data_acceptance.expected_statuses = ACCEPTED
    schema.config.checks.negative_data_rejection.expected_statuses = REFUSED
    schema.config.phases.stateful.inference.algorithms = []  # the links of the document, and no others
    if not schema.auth.providers:
        schema.auth.providers.append(Customers(world))
    label = schema.find_operation_by_id(beginning).label
    walked = Walked()
    machine = _machine(schema, label, world=world, walked=walked)
    walked.links = {link.full_name for link in links(machine._transitions) if link.source.label == label}
    if budget.seed is not None:
        machine._hypothesis_internal_use_seed = budget.seed
    machine.run(settings=budget.settings(budget.walks))
    return walked


def _machine(schema: InProcessSchema, beginning: str, *, world: WalkedWorld, walked: Walked) -> Any:
    # Where an id is needed Schemathesis expects a link to bring it; here the world knows one, so each may begin a walk.
    with patch.object(stateful, "is_likely_root_transition", lambda *_: True):
        base: Any = schema.as_state_machine()

    class Workflow(base):  # type: ignore[misc]
        def setup(self) -> None:
            world.begin()
            self.control = Onward(self, beginning)
            walked.walks += 1

        def step(self, input: StepInput) -> StepOutput:  # noqa: A002 - the name is theirs
            linked = {(place, name) for place, name in input.applied_parameters}
            operation_id = input.case.operation.definition.raw["operationId"]
            Names(world, operation_id).fill(input.case, but=linked)
            output: StepOutput = super().step(input)
            if input.transition is not None and input.is_applied and output.response.status_code < 300:
                walked.taken[input.transition.id] += 1
            return output

        def teardown(self) -> None:
            world.client.assert_sound()
            super().teardown()

    return Workflow


def _signed(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
