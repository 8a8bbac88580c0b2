"""Walks along the links of the document keep every promise, and what breaks only on the third step is found."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from contract.fuzzing import Budget
from contract.serving import served_document
from contract.workflow import WalkedWorld, beginnings, walk
from msgspec.structs import replace
from schemathesis.core.failures import Failure, FailureGroup, ServerError
from schemathesis.openapi.checks import EnsureResourceAvailability, ObjectLevelAuthorizationViolation, UseAfterFree

from sandbox.bank import transactions, transfers
from sandbox.core.sandbox_errors import SnapshotUnknownError
from sandbox.core.vocabulary import Role, TransferStatus
from sandbox.sandboxes.house import House
from sandbox.sandboxes.sandbox import Sandbox

DOCUMENT = served_document()


@pytest.fixture(scope="module")
def walked_world() -> Iterator[WalkedWorld]:
    """A server for walks."""
    made = WalkedWorld()
    yield made
    made.close()


def failures(beginning: str, world: WalkedWorld, budget: Budget) -> set[type[Failure]]:
    """What walks find wrong."""
    with pytest.raises(FailureGroup) as found:
        walk(beginning, world=world, document=DOCUMENT, budget=replace(budget, shrink=False))
    return {type(failure) for failure in found.value.exceptions}


@pytest.mark.parametrize("beginning", beginnings(DOCUMENT))
def test_every_link_leads_to_success_and_no_walk_finds_a_fault(
    beginning: str, walked_world: WalkedWorld, budget: Budget, record_property: Callable[[str, object], None]
) -> None:
    walked = walk(beginning, world=walked_world, document=DOCUMENT, budget=budget)
    record_property("walks", walked.walks)
    record_property("links", walked.taken.total())
    assert walked.links
    assert set(walked.taken) >= walked.links


def test_a_fault_after_transfer_and_reversal_is_found(
    walked_world: WalkedWorld, budget: Budget, monkeypatch: pytest.MonkeyPatch
) -> None:
    rightly = transfers.get_transfer

    def wrongly(work: Any, actor: Any, transfer_id: str) -> Any:
        view = rightly(work, actor, transfer_id)
        if view.status == TransferStatus.REVERSED:
            raise RuntimeError("planted")
        return view

    monkeypatch.setattr(transfers, "get_transfer", wrongly)
    assert ServerError in failures("createTransfer", walked_world, budget)


def test_what_is_there_after_it_was_deleted_is_found(
    walked_world: WalkedWorld, budget: Budget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(House, "remove", lambda *_: None)
    assert UseAfterFree in failures("createSandbox", walked_world, budget)


def test_what_was_made_and_is_not_there_is_found(
    walked_world: WalkedWorld, budget: Budget, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(sandbox: Sandbox, name: str) -> None:
        raise SnapshotUnknownError(name)

    monkeypatch.setattr(Sandbox, "snapshot", missing)
    assert EnsureResourceAvailability in failures("takeSnapshot", walked_world, budget)


def test_what_another_customer_may_read_as_well_is_found(
    walked_world: WalkedWorld, budget: Budget, monkeypatch: pytest.MonkeyPatch
) -> None:
    rightly = transactions.get_transaction

    def wrongly(work: Any, actor: Any, transaction_id: str) -> Any:
        return rightly(work, replace(actor, role=Role.AUDITOR), transaction_id)

    # What the list shows as well would be taken for shared on purpose.
    monkeypatch.setattr(transactions, "get_transaction", wrongly)
    assert ObjectLevelAuthorizationViolation in failures("deposit", walked_world, budget)
