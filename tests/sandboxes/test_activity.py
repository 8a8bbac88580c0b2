"""What a house counts of all its sandboxes: committed writes and events, and who is behind with the events."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from bankside import FATIMA_CURRENT
from support import VIRTUAL, sign_in

from sandbox.bank import cash
from sandbox.bank.cash import NewCashMovement
from sandbox.core.money import OrderAmount
from sandbox.sandboxes.activity import Activity
from sandbox.sandboxes.house import DEFAULT, House
from sandbox.sandboxes.root import StateRoot
from sandbox.store.tables import outbox
from sandbox.store.work import Work


@pytest.fixture
def house() -> Iterator[House]:
    """A house with nothing but `default`."""
    made = House.open(VIRTUAL)
    yield made
    made.close()


def tell(work: Work) -> None:
    """A write with two events."""
    work.emit("one.happened", customer=None, data={})
    work.emit("other.happened", customer=None, data={})


def count_rows(root: StateRoot, table: sa.Table) -> int:
    return root.read(lambda work: int(work.db.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()))


def counts(house: House) -> tuple[int, int]:
    return house.activity.writes, house.activity.events


def test_writes_and_events_are_counted_and_reads_are_not(house: House) -> None:
    root = house.get(DEFAULT).root
    root.write(tell)
    root.write(lambda _: None)
    root.read(lambda _: None)
    assert counts(house) == (2, 2)


def test_a_dry_run_and_a_failed_write_are_not_counted(house: House) -> None:
    root = house.get(DEFAULT).root

    def fail(work: Work) -> None:
        tell(work)
        raise KeyError

    root.rehearse(tell)
    with pytest.raises(KeyError):
        root.write(fail)
    assert counts(house) == (0, 0)


def test_what_gone_sandboxes_wrote_stays_counted(house: House) -> None:
    async def story() -> None:
        made = await house.fork(sandbox_id="t1", source=None, caller=DEFAULT, seed=None, name=None)
        made.root.write(tell)
        house.remove("t1")
        house.get(DEFAULT).root.write(tell)
        await house.reset(house.get(DEFAULT))
        house.get(DEFAULT).root.write(tell)

    asyncio.run(story())
    assert counts(house) == (3, 6)


def test_what_was_written_before_a_sandbox_is_there_counts_once_it_is(house: House) -> None:
    def prepare(root: StateRoot) -> None:
        root.write(tell)
        assert counts(house) == (0, 0), "it is written in another thread, where nothing of the house may be touched"

    async def story() -> None:
        await house.fork(sandbox_id="t1", source=None, caller=DEFAULT, seed=None, name=None, prepare=prepare)
        house.tell(lambda _: None)  # everything is published again

    asyncio.run(story())
    assert counts(house) == (1, 2)


def test_a_change_of_many_writes_counts_each_of_them_once(house: House) -> None:
    def change(root: StateRoot) -> Any:
        root.write(tell)
        root.write(tell)
        return root.write_number

    root = house.get(DEFAULT).root
    before = root.write_number
    assert asyncio.run(root.rewrite(change)) == before + 2 == root.write_number
    assert counts(house) == (2, 4)


def test_a_refused_change_of_many_writes_counts_nothing(house: House) -> None:
    def change(root: StateRoot) -> None:
        root.write(tell)
        raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(house.get(DEFAULT).root.rewrite(change))
    assert counts(house) == (0, 0)


def test_nobody_can_be_behind_with_the_events_of_a_bank_that_is_gone(house: House) -> None:
    async def story() -> None:
        old = house.get(DEFAULT).root
        old.enter()
        subscriber = house.activity.subscribe()
        await house.reset(house.get(DEFAULT))
        old.write(tell)  # whoever works on it finishes
        old.leave()
        assert subscriber.position == house.activity.events

    asyncio.run(story())
    assert counts(house) == (1, 0)


def test_an_order_emits_what_the_outbox_gets(house: House) -> None:
    root = house.get(DEFAULT).root
    actor = sign_in(root)
    before = counts(house)
    in_outbox = count_rows(root, outbox)
    order = NewCashMovement(account_id=FATIMA_CURRENT, amount=OrderAmount(amount="1.000", currency="KWD"))
    root.write(cash.deposit, actor, order)
    made = count_rows(root, outbox) - in_outbox
    assert made > 0
    assert counts(house) == (before[0] + 1, before[1] + made)


def test_the_lag_is_that_of_the_slowest() -> None:
    activity = Activity()
    assert activity.lag == 0, "nobody is there to be behind"
    activity.add(writes=1, events=5)
    assert activity.lag == 0
    slow, quick = activity.subscribe(), activity.subscribe()
    activity.add(writes=1, events=3)
    quick.position += 3
    assert activity.lag == 3
    slow.position += 2
    assert activity.lag == 1
