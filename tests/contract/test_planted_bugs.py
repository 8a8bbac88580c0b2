"""Each kind of check finds a bug of its kind, planted for it, within the budget of CI."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from contract.fuzzing import Budget, Way, fuzz
from contract.serving import served_document
from contract.world import World
from msgspec.structs import replace
from schemathesis.core.failures import AcceptedNegativeData, Failure, FailureGroup, ServerError
from schemathesis.openapi import checks

from sandbox.api import accounts as api_accounts
from sandbox.bank import accounts, cash
from sandbox.core.errors import DomainError
from sandbox.http import edge
from sandbox.http.auth import authenticate
from sandbox.http.bodies import strict
from sandbox.http.operations import PathTable

DOCUMENT = served_document()


def found(operation_id: str, way: Way, world: World, budget: Budget, document: Any = DOCUMENT) -> set[type[Failure]]:
    """What the checks find wrong in an operation."""
    with pytest.raises(FailureGroup) as raised:
        # A copy: of a path that it has seen, Schemathesis does not try the methods again that are not served.
        fuzz(operation_id, way, world=world, document=copy.deepcopy(document), budget=replace(budget, shrink=False))
    return {type(failure) for failure in raised.value.exceptions}


def changed_document(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """A document that says something else than is served."""
    changed = copy.deepcopy(DOCUMENT)
    change(changed)
    return changed


def test_an_answer_of_another_type(world: World, budget: Budget, monkeypatch: pytest.MonkeyPatch) -> None:
    rightly = accounts.get_account
    monkeypatch.setattr(accounts, "get_account", lambda *asked: replace(rightly(*asked), nickname=5))
    assert checks.JsonSchemaError in found("getAccount", Way.VALID, world, budget)


def test_a_failure_on_a_rare_input(world: World, budget: Budget, monkeypatch: pytest.MonkeyPatch) -> None:
    rightly = cash.deposit

    def wrongly(work: Any, actor: Any, order: Any) -> Any:
        if order.reference and len(order.reference) > 100:
            raise RuntimeError("planted")
        return rightly(work, actor, order)

    monkeypatch.setattr(cash, "deposit", wrongly)
    assert ServerError in found("deposit", Way.BOUNDARY, world, budget)


@pytest.mark.parametrize("way", [Way.INVALID, Way.BOUNDARY])
def test_a_body_that_is_not_refused(way: Way, world: World, budget: Budget, monkeypatch: pytest.MonkeyPatch) -> None:
    def lenient(kind: Any, value: Any) -> Any:
        return strict(kind, {"nickname": "Whatever"})

    monkeypatch.setattr(api_accounts, "strict", lenient)
    assert AcceptedNegativeData in found("changeAccount", way, world, budget)


def test_a_token_that_is_not_looked_at(world: World, budget: Budget, monkeypatch: pytest.MonkeyPatch) -> None:
    last: list[Any] = []

    def wrongly(call: Any, roles: Any) -> Any:
        try:
            last[:] = [authenticate(call, roles)]
        except DomainError:
            if not last:
                raise
        return last[0]

    monkeypatch.setattr(edge, "authenticate", wrongly)
    assert checks.IgnoredAuth in found("whoAmI", Way.VALID, world, budget)


def test_a_refusal_that_does_not_say_what_is_allowed(
    world: World, budget: Budget, monkeypatch: pytest.MonkeyPatch
) -> None:
    rightly = edge._problem_headers
    monkeypatch.setattr(
        edge, "_problem_headers", lambda refusal: [pair for pair in rightly(refusal) if pair[0] != b"allow"]
    )
    assert checks.UnsupportedMethodResponse in found("getAccount", Way.BOUNDARY, world, budget)


def test_a_method_that_is_said_to_be_allowed_and_is_not(
    world: World, budget: Budget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PathTable, "allowed", lambda *_: "DELETE, GET, HEAD, OPTIONS, PATCH")
    assert checks.AllowHeaderMismatch in found("getAccount", Way.BOUNDARY, world, budget)


X_NEVER = {"name": "X-Never", "in": "header", "required": True, "schema": {"type": "string"}}


@pytest.mark.parametrize(
    ("change", "way", "finding"),
    [
        (lambda read: read["responses"].pop("404"), Way.VALID, checks.UndefinedStatusCode),
        (
            lambda read: read["responses"]["200"].update(content={"text/plain": {"schema": {"type": "string"}}}),
            Way.VALID,
            checks.UndefinedContentType,
        ),
        (
            lambda read: read["responses"]["200"]["headers"].update({"X-Never": X_NEVER}),
            Way.VALID,
            checks.MissingHeaders,
        ),
        (lambda read: read["parameters"].append(X_NEVER), Way.BOUNDARY, checks.MissingHeaderNotRejected),
    ],
)
def test_a_document_that_promises_something_else(
    change: Callable[[dict[str, Any]], object], way: Way, finding: type[Failure], world: World, budget: Budget
) -> None:
    changed = changed_document(lambda document: change(document["paths"]["/v1/accounts/{account_id}"]["get"]))
    assert finding in found("getAccount", way, world, budget, changed)


def test_a_valid_request_that_is_refused(world: World, budget: Budget) -> None:
    changed = changed_document(
        lambda document: document["components"]["schemas"]["OrderAmount"]["properties"]["amount"].pop("pattern")
    )
    assert checks.RejectedPositiveData in found("deposit", Way.VALID, world, budget, changed)
