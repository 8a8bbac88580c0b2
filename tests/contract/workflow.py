"""Schemathesis's walks along the links of the document: make something, read it, take it back, read it again.

A walk starts in a bank as good as new and ends with all invariants checked. Fatima asks; whatever she reads along a
link, Arjun is then denied.
"""

import itertools
from collections import Counter
from typing import Any
from unittest.mock import patch

from contract.rules import ACCEPTED, REFUSED
from contract.world import Names, World
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.transport import Response
from schemathesis.generation.case import Case
from schemathesis.generation.stateful.state_machine import APIStateMachine, StepInput, StepOutput
from schemathesis.specs.openapi import stateful
from schemathesis.wfc.escalation import EscalatingAuthProvider
from secondfactor import ask_for_codes

CUSTOMERS = ("fatima", "arjun")


class WalkedWorld(World):
    """A world for walks: the same at the start of each, and Fatima is asked for a code when she signs in."""

    def __init__(self) -> None:
        super().__init__()
        self.signed: dict[str, str] = {}
        """Tokens by username."""

    def username(self) -> str:
        """Who signs in: one with a code, one without."""
        return CUSTOMERS[self.root.write_number % 2]

    def begin(self) -> None:
        """Begin a walk. Whatever was left of the one before could make this one go another way than when it is redone."""
        self.client.touched = True
        self.client._keys = itertools.count(1)
        self.signed.clear()
        self.renew("fatima")
        ask_for_codes(self.root)

    def token(self, username: str) -> str:
        """A token of a customer that is good now: the walk may have ended their session."""
        token = self.signed.get(username, "")
        if self.client.get("/v1/auth/me", headers=_signed(token)).status_code != 200:
            self.sign_in(username)
            token = self.signed[username] = self.tokens["access_token"]
        return token


class Bearer:
    """Signs requests as one customer."""

    def __init__(self, world: WalkedWorld, username: str) -> None:
        self._world = world
        self._username = username

    def get(self, case: Case, context: Any) -> str:
        """Their token."""
        return self._world.token(self._username)

    def set(self, case: Case, token: str, context: Any) -> None:
        """Sign a request."""
        case.headers.update(_signed(token))


class Walked:
    """What came of the walks: how many there were, and how often each link was taken with success."""

    def __init__(self) -> None:
        self.walks = 0
        self.links: Counter[str] = Counter()


def machine_of(world: WalkedWorld, document: dict[str, Any]) -> tuple[type[APIStateMachine], Walked]:
    """The machine that walks, and what it counts."""
    schema = world.schema(document)
    schema.config.checks.positive_data_acceptance.expected_statuses = ACCEPTED
    schema.config.checks.negative_data_rejection.expected_statuses = REFUSED
    schema.config.phases.stateful.inference.algorithms = []  # the links of the document, and no others
    schema.auth.providers.append(
        EscalatingAuthProvider(
            [Bearer(world, username) for username in CUSTOMERS], list(CUSTOMERS), peers=CUSTOMERS, pinned="fatima"
        )
    )
    walked = Walked()
    # Where an id is needed Schemathesis expects a link to bring it; here the world knows one, so each may begin a walk.
    with patch.object(stateful, "is_likely_root_transition", lambda *_: True):
        base: Any = schema.as_state_machine()

    class Workflow(base):  # type: ignore[misc]
        def setup(self) -> None:
            world.begin()
            walked.walks += 1

        def step(self, input: StepInput) -> StepOutput:  # noqa: A002 - the name is theirs
            linked = {(place, name) for place, name in input.applied_parameters}
            operation_id = input.case.operation.definition.raw["operationId"]
            Names(world, operation_id).fill(input.case, but=linked)
            output: StepOutput = super().step(input)
            if input.transition is not None and input.is_applied and output.response.status_code < 300:
                walked.links[input.transition.id] += 1
            return output

        def teardown(self) -> None:
            world.client.assert_sound()
            super().teardown()

    return Workflow, walked


def links_of(machine: Any) -> set[str]:
    """Every link that there is to walk."""
    return {link.full_name for found in machine._transitions.operations.values() for link in found.outgoing}


def _signed(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
