"""What is served is what the document says, for whatever Schemathesis makes up: every operation, every check."""

from collections.abc import Callable

import pytest
from contract.fuzzing import LEFT_OUT, Budget, Way, fuzz, operation_ids
from contract.rules import LEFT_OUT as CHECKS_LEFT_OUT
from contract.rules import USED
from contract.serving import served_document
from contract.world import REAL, UNSAYABLE, World
from schemathesis.checks import CHECKS, load_all_checks

DOCUMENT = served_document()


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("operation_id", operation_ids(DOCUMENT))
def test_an_operation_answers_as_its_document_says(
    operation_id: str, way: Way, world: World, budget: Budget, record_property: Callable[[str, object], None]
) -> None:
    """Valid requests, invalid ones, and those on the boundary, each to a bank as good as new."""
    seen = fuzz(operation_id, way, world=world, document=DOCUMENT, budget=budget)
    record_property("statuses", dict(seen.by_class))
    if way is Way.VALID:
        assert min(seen.statuses) < 300, "what is right was done at least once"


def test_every_check_of_the_installed_schemathesis_is_used_or_left_out_for_a_reason() -> None:
    load_all_checks()
    names = set(CHECKS.get_all_names())
    assert set(CHECKS_LEFT_OUT) <= names
    assert {check.__name__ for check in USED} == names - set(CHECKS_LEFT_OUT)
    assert all(CHECKS_LEFT_OUT.values())


def test_what_is_left_out_is_there() -> None:
    operations = {operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()}
    assert set(LEFT_OUT) <= operations
    assert {name.partition(".")[0] for name in REAL if "." in name} <= operations
    assert set(UNSAYABLE) <= set(REAL)
