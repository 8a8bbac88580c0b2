"""Nobody gets at what is another's, whatever they ask for and however: derived from the document, asked by machine."""

from typing import Any

import pytest
from contract.fuzzing import Budget, generate
from contract.ownership import (
    NOT_OWNED,
    OWNER,
    STRANGER,
    Place,
    asked_by_a_stranger,
    listed_to,
    lists,
    owner_is_served,
    places,
    things_of,
)
from contract.serving import served_document
from contract.world import REAL, Names, World

from sandbox.bank import accounts, transactions
from sandbox.bank.access import Actor

DOCUMENT = served_document()
PLACES = places(DOCUMENT)
LISTS = lists(DOCUMENT)
SIGNED = [
    operation["operationId"]
    for item in DOCUMENT["paths"].values()
    for operation in item.values()
    if {"bearer": []} in operation["security"]
]


def place_of(named: str) -> Place:
    (found,) = (place for place in PLACES if str(place) == named)
    return found


def test_the_document_is_where_the_places_come_from() -> None:
    assert {str(place) for place in PLACES} >= {
        "getAccount-path-account_id",
        "listTransactions-query-customer_id",
        "createTransfer-body-from_account_id",
        "reverseTransfer-path-transfer_id",
    }
    for place in PLACES:
        assert place.path[-1] in REAL, f"{place}: say in contract/world.py what there is by that name"
    operations = {operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()}
    assert {name.partition(".")[0] for name in NOT_OWNED} <= operations


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_what_is_anothers_is_as_if_it_were_not_there(place: Place, world: World, budget: Budget) -> None:
    """Same status, code, headers and words; and the bank is the same after it, its audit log included."""
    for theirs, nothing in asked_by_a_stranger(place, world=world, document=DOCUMENT, budget=budget):
        assert theirs == nothing
        assert theirs.status in {403, 404}


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_the_same_requests_are_done_for_whoever_owns_it(place: Place, world: World, budget: Budget) -> None:
    for_staff = place.operation_id == "listAuditLogs"
    assert owner_is_served(place, world=world, document=DOCUMENT, budget=budget) is not for_staff


@pytest.mark.parametrize("operation_id", LISTS)
def test_a_list_never_shows_what_is_anothers(operation_id: str, world: World, budget: Budget) -> None:
    world.renew(OWNER)
    world.transfer()
    hers = things_of(OWNER, world=world, document=DOCUMENT)
    assert len(hers) > 40
    shown = listed_to(STRANGER, operation_id, world=world, document=DOCUMENT, budget=budget)
    assert not shown & hers


@pytest.mark.parametrize("operation_id", SIGNED)
def test_a_token_of_one_sandbox_opens_nothing_in_another(operation_id: str, world: World, budget: Budget) -> None:
    username = world.user_for(operation_id)
    world.renew(username)
    world.client.post("/_sandbox/sandboxes", {"id": "t1"})
    elsewhere = world.client.login(username, at="/s/t1").headers["authorization"]
    operation = world.schema(DOCUMENT).find_operation_by_id(operation_id)

    def ask(case: Any) -> None:
        Names(world, operation_id).fill(case)
        digest = world.client.digest()
        answer = case.call(headers={"Authorization": elsewhere, "X-Sandbox": "default"})
        assert (answer.status_code, answer.json()["code"]) == (401, "token_of_other_sandbox")
        assert world.client.digest() == digest

    generate(operation.as_strategy(), ask, budget=budget)


class TestPlanted:
    """What is broken on purpose is found."""

    def differs(self, named: str, world: World, budget: Budget) -> bool:
        pairs = asked_by_a_stranger(place_of(named), world=world, document=DOCUMENT, budget=budget)
        return any(theirs != nothing for theirs, nothing in pairs)

    @pytest.mark.parametrize(
        "named",
        [
            "getAccount-path-account_id",
            "listHolds-path-account_id",
            "listTransactions-query-customer_id",
            "getTransfer-path-transfer_id",
        ],
    )
    def test_a_customer_who_sees_all(
        self, named: str, world: World, budget: Budget, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Actor, "sees_all", property(lambda _: True))
        assert self.differs(named, world, budget)

    def test_a_refusal_that_tells_that_there_is_something(
        self, world: World, budget: Budget, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Whoever gives an order on another's account is told that it is not theirs.
        monkeypatch.setattr(Actor, "sees_all", property(lambda _: True))
        pairs = list(
            asked_by_a_stranger(place_of("deposit-body-account_id"), world=world, document=DOCUMENT, budget=budget)
        )
        assert {theirs.status for theirs, _ in pairs} == {403}
        assert {nothing.status for _, nothing in pairs} == {404}

    def test_a_list_that_is_not_narrowed(self, world: World, budget: Budget, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (accounts, transactions):
            monkeypatch.setattr(module, "narrowed", lambda *_, **__: None)
        world.renew(OWNER)
        hers = things_of(OWNER, world=world, document=DOCUMENT)
        for operation_id in ("listAccounts", "listTransactions"):
            assert listed_to(STRANGER, operation_id, world=world, document=DOCUMENT, budget=budget) & hers
