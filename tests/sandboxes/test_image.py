"""Images: one shared reader, private copies, and copies that stand ready."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from support import tiny_image

from sandbox.sandboxes import image as image_module
from sandbox.sandboxes.image import Image
from sandbox.store.engine import disconnect
from sandbox.store.tables import customer

COUNT = sa.select(sa.func.count()).select_from(customer)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refill without delay, so that no test waits."""
    monkeypatch.setattr(image_module, "_REFILL_DELAY_S", 0)


@pytest.fixture
def image() -> Iterator[Image]:
    """An image that keeps three copies ready."""
    made = Image(tiny_image().data, tiny_image().facts, warm_copies=3)
    yield made
    made.close()


def ready(image: Image) -> int:
    """How many copies stand ready."""
    return len(image._ready)


async def turns(count: int = 30) -> None:
    """Let the loop run."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_there_is_one_reader(image: Image) -> None:
    assert image.reader is image.reader
    assert image.reader.execute(COUNT).scalar_one() == 4


def test_the_reader_refuses_writes(image: Image) -> None:
    with pytest.raises(OperationalError, match="readonly"):
        image.reader.execute(sa.delete(customer))


def test_a_copy_is_private(image: Image) -> None:
    first, second = image.take(), image.take()
    first.exec_driver_sql("PRAGMA foreign_keys = OFF")
    first.execute(sa.delete(customer))
    assert [db.execute(COUNT).scalar_one() for db in (first, second, image.reader)] == [0, 4, 4]
    disconnect(first)
    disconnect(second)


def test_without_a_loop_nothing_stands_ready(image: Image) -> None:
    image.warm()
    disconnect(image.take())
    assert ready(image) == 0


def test_an_idle_loop_makes_copies_ready(image: Image) -> None:
    async def idle() -> int:
        image.warm()
        await turns()
        return ready(image)

    assert asyncio.run(idle()) == 3


def test_copies_are_made_one_at_a_time(image: Image) -> None:
    async def look() -> list[int]:
        image.warm()
        image.warm()
        seen = []
        for _ in range(12):
            await asyncio.sleep(0)
            seen.append(ready(image))
        return seen

    seen = asyncio.run(look())
    assert all(later - earlier in {0, 1} for earlier, later in pairwise(seen))


def test_a_ready_copy_is_taken_and_made_good(image: Image) -> None:
    async def take() -> tuple[bool, int, int]:
        image.warm()
        await turns()
        waiting = image._ready[0]
        taken = image.take()
        left = ready(image)
        await turns()
        disconnect(taken)
        return taken is waiting, left, ready(image)

    assert asyncio.run(take()) == (True, 2, 3)


def test_a_ready_copy_holds_the_image(image: Image) -> None:
    async def take() -> int:
        image.warm()
        await turns()
        taken = image.take()
        found: int = taken.execute(COUNT).scalar_one()
        disconnect(taken)
        return found

    assert asyncio.run(take()) == 4


def test_an_image_without_warm_copies_makes_none() -> None:
    image = Image(tiny_image().data, tiny_image().facts)

    async def idle() -> int:
        image.warm()
        disconnect(image.take())
        await turns()
        return ready(image)

    assert asyncio.run(idle()) == 0
    image.close()


@pytest.mark.parametrize(("fitting", "made"), [(0.9, 0), (2.5, 2), (9, 3)])
def test_copies_that_stand_ready_take_no_more_than_their_share(
    monkeypatch: pytest.MonkeyPatch, fitting: float, made: int
) -> None:
    data = tiny_image().data
    monkeypatch.setattr(image_module, "_READY_BYTES", int(len(data) * fitting))
    image = Image(data, tiny_image().facts, warm_copies=3)

    async def idle() -> int:
        image.warm()
        await turns()
        return ready(image)

    assert asyncio.run(idle()) == made
    image.close()


def test_a_closed_image_makes_no_more_copies(image: Image) -> None:
    async def close() -> int:
        image.warm()
        image.close()
        await turns()
        return ready(image)

    assert asyncio.run(close()) == 0


def test_closing_closes_the_reader_and_what_stands_ready(image: Image) -> None:
    async def close() -> list[sa.Connection]:
        image.warm()
        await turns()
        open_ones = [image.reader, *image._ready]
        image.close()
        return open_ones

    assert [db.closed for db in asyncio.run(close())] == [True] * 4


def test_a_taken_copy_outlives_its_image(image: Image) -> None:
    taken = image.take()
    image.close()
    assert taken.execute(COUNT).scalar_one() == 4
    disconnect(taken)


def test_closing_twice_does_no_harm(image: Image) -> None:
    reader = image.reader
    image.close()
    image.close()
    assert reader.closed
