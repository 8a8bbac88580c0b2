"""Asks one operation what Schemathesis makes up for it, and has every answer looked at by every check of ours.

Three ways of asking: valid requests, naming what there is (and half as many that name what there is not); invalid
ones, wrong somewhere and otherwise naming what there is; and the boundary cases that Schemathesis enumerates.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from functools import partial
from typing import Any

import msgspec
from contract.rules import ACCEPTED, REFUSED, USED, is_done
from contract.world import Names, World
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from msgspec.structs import replace
from schemathesis import GenerationMode
from schemathesis.core import NOT_SET

CI_EXAMPLES = 25
LEFT_OUT = {"importSandbox": "a zip is nothing that can be made up: tests/control/test_exchange_api.py sends many"}
"""Operations that are not asked, and why."""

WAIT = "waitForMessage"


class Way(StrEnum):
    """How an operation is asked."""

    VALID = "valid"
    INVALID = "invalid"
    BOUNDARY = "boundary"


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """How much is asked: the same each time, or what a seed says."""

    examples: int = CI_EXAMPLES
    seed: int | None = None
    shrink: bool = True

    @property
    def walks(self) -> int:
        """How many walks from one beginning: some 20 of those make more than 200 walks in CI."""
        return max(self.examples // 2, 1)

    @property
    def steps(self) -> int:
        """How long one is."""
        return 10 if self.examples <= CI_EXAMPLES else 25

    def settings(self, examples: int) -> settings:
        """Hypothesis's settings for so many examples."""
        return settings(
            max_examples=examples,
            stateful_step_count=self.steps,
            deadline=None,
            derandomize=self.seed is None,
            database=None,
            phases=(Phase.generate, Phase.shrink) if self.shrink else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )


class Seen(msgspec.Struct):
    """What came of it: how often each status."""

    statuses: dict[int, int] = {}

    def add(self, status: int) -> None:
        """Count an answer."""
        self.statuses[status] = self.statuses.get(status, 0) + 1

    @property
    def by_class(self) -> Counter[str]:
        """How often each class of status."""
        counted: Counter[str] = Counter()
        for status, count in self.statuses.items():
            counted[f"{status // 100}xx"] += count
        return counted


def operation_ids(document: dict[str, Any]) -> list[str]:
    """The operations of a document that are asked."""
    return [
        operation["operationId"]
        for item in document["paths"].values()
        for operation in item.values()
        if operation["operationId"] not in LEFT_OUT
    ]


def fuzz(operation_id: str, way: Way, *, world: World, document: dict[str, Any], budget: Budget) -> Seen:
    """Ask an operation; what the document does not allow is raised as Schemathesis's failures."""
    schema = world.schema(document)
    schema.config.checks.positive_data_acceptance.expected_statuses = ACCEPTED
    schema.config.checks.negative_data_rejection.expected_statuses = REFUSED
    operation = schema.find_operation_by_id(operation_id)
    seen = Seen()

    def ask(case: Any, *, real: bool) -> None:
        world.renew(world.user_for(operation_id))
        names = Names(world, operation_id)
        if real:
            names.fill(case)
        elif case.meta.generation.mode is GenerationMode.POSITIVE:
            names.put_right(case)
        if operation_id == WAIT:
            _hurry(case)
        answer = case.call(headers=world.headers)
        seen.add(answer.status_code)
        valid = case.meta.generation.mode is GenerationMode.POSITIVE
        case.validate_response(
            answer,
            checks=USED,
            additional_checks=[is_done] if real and valid else [],
            headers=world.headers,
            transport_kwargs={"headers": world.headers},
        )

    if way is Way.BOUNDARY:
        modes = list(GenerationMode)
        options = schema.config.generation_for(operation=operation)
        for case in schema.iter_coverage_cases(operation, generation_modes=modes, generation_config=options):
            ask(case, real=True)
    elif way is Way.INVALID:
        wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE).filter(_is_wrong_on_the_wire)
        with suppress(Unsatisfiable):  # what takes nothing cannot be asked wrongly
            generate(wrong, partial(ask, real=True), budget=budget)
    else:
        unknown = replace(budget, examples=budget.examples // 2)
        generate(operation.as_strategy(), partial(ask, real=True), budget=budget)
        generate(operation.as_strategy(), partial(ask, real=False), budget=unknown)
    world.client.assert_sound()
    return seen


def generate(cases: Any, ask: Callable[[Any], None], *, budget: Budget) -> None:
    """Ask as many of some generated cases as the budget says."""

    @budget.settings(budget.examples)
    @given(case=cases)
    def asked(case: Any) -> None:
        ask(case)

    (asked if budget.seed is None else seed(budget.seed)(asked))()


def _is_wrong_on_the_wire(case: Any) -> bool:
    """Whether what is wrong in a query arrives: a list of one text is sent as the text, one of none not at all."""
    return not any(isinstance(value, list) and len(value) < 2 for value in (case.query or {}).values())


def _hurry(case: Any) -> None:
    """Let a request that may wait a minute look once."""
    if isinstance(case.body, dict) and isinstance(case.body.get("timeout_ms", 0), int | float):
        case.body["timeout_ms"] = min(case.body.get("timeout_ms", 0), 0)
    elif case.body is NOT_SET or case.body is None:
        case.body = {"timeout_ms": 0}
        case.media_type = "application/json"
