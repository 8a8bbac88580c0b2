"""Records of collections that the bank does not know: the identifiers they get."""

from typing import Any

import pytest
from extras import add_extra

from sandbox.bank import record_extras, records
from sandbox.core.errors import LedgerImmutableError, MethodNotAllowedError, NotFoundError
from sandbox.sandboxes.root import StateRoot
from sandbox.store.work import Work


def added(root: StateRoot, count: int) -> list[Any]:
    return [root.write(records.create_record, "things", {"n": n})["id"] for n in range(count)]


@pytest.mark.parametrize("huge", [2**63 - 1, 2**63, 10**15, -(2**70), 10**100])
def test_after_a_huge_number_the_others_are_counted_on(root: StateRoot, huge: int) -> None:
    add_extra(root, "things", [{"id": 7}, {"id": "8"}, {"id": huge}])
    assert added(root, 3) == [9, 10, 11]


@pytest.mark.parametrize("last", [2**63 - 1, 10**15 - 1])
def test_where_no_number_can_follow_identifiers_are_drawn(root: StateRoot, last: int) -> None:
    add_extra(root, "things", [{"id": last}])
    drawn = added(root, 3)
    assert [len(found) for found in drawn] == [36, 36, 36]
    assert len(set(drawn)) == 3


def test_numbers_go_on_up_to_fifteen_digits(root: StateRoot) -> None:
    add_extra(root, "things", [{"id": 10**15 - 2}])
    first, second = added(root, 2)
    assert (first, len(second)) == (10**15 - 1, 36)


def test_bytes_are_counted_no_further_than_needed(root: StateRoot) -> None:
    add_extra(root, "things", [{"id": 1, "text": "x" * 100}, {"id": 2}])

    def more(work: Work, than: int) -> bool:
        return record_extras.has_more_bytes(work.db, "things", than=than)

    assert [root.read(more, than) for than in (50, 1_000)] == [True, False]


def test_a_refusal_here_carries_facts_and_no_routes(root: StateRoot) -> None:
    with pytest.raises(NotFoundError) as unknown:
        root.read(records.get_record, "unheard", "1")
    assert unknown.value.detail == "There is no collection 'unheard'."
    with pytest.raises(MethodNotAllowedError) as only_read:
        root.write(records.create_record, "holds", {})
    assert (only_read.value.detail, only_read.value.headers) == ("holds are the bank's own record of what it did.", {})
    movement = root.read(records.find_records, "transactions", {})[0]["transaction_id"]
    with pytest.raises(LedgerImmutableError) as immutable:
        root.write(records.delete_record, "transactions", movement)
    assert immutable.value.detail == f"The ledger keeps transaction {movement} as it is."
