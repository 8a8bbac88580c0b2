"""Whatever is done to a house of sandboxes, and whenever it is written: what comes back is what there was."""

import asyncio
import inspect
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from archives import AT_ONCE, crashed, kept, open_house, picture, settled
from bankside import FATIMA_CURRENT, move
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from sandbox.bank.invariants import check_invariants
from sandbox.bank.ledger import Posting
from sandbox.core.clock import DAY, HOUR, Instant
from sandbox.core.errors import DomainError
from sandbox.sandboxes.house import House
from sandbox.sandboxes.root import StateRoot

if TYPE_CHECKING:
    from collections.abc import Callable

IDS = ("default", "a", "b", "c")
NAMES = ("one", "two")
ACTIONS = (
    "write", "write", "write many", "rewrite", "fork", "fork of it", "fork of a snapshot", "reset", "reset elsewhere",
    "reset and keep", "snapshot", "restore", "drop", "remove", "advance", "live", "rehearse", "sleep", "flush", "flush",
)  # fmt: skip
Step = tuple[str, str, str, int]
steps = st.lists(
    st.tuples(st.sampled_from(ACTIONS), st.sampled_from(IDS), st.sampled_from(NAMES), st.integers(1, 9)), max_size=25
)
CROWDED = structs.replace(AT_ONCE, max_awake=2)


def pay_in(root: StateRoot, fils: int) -> Posting:
    root.request_ids.following(control=fils % 2 == 0)
    return move(root, FATIMA_CURRENT, fils)


async def fork(house: House, sandbox_id: str, source: str | None, caller: str, *, ttl: int | None = None) -> None:
    await house.fork(sandbox_id=sandbox_id, source=source, caller=caller, seed=None, name="forked", ttl=ttl)


async def act(house: House, step: Step) -> None:
    """Do one thing; what is refused has not happened."""
    action, sandbox_id, name, number = step
    if action == "fork":
        await house.fork(sandbox_id=sandbox_id, source=None, caller="default", seed=number, name=name)
        return
    sandbox = house.get(sandbox_id)
    root = sandbox.root
    as_of = Instant(sandbox.origin_image.facts.clock_base + number * 7 * DAY)
    actions: dict[str, Callable[[], object]] = {
        "write": lambda: pay_in(root, number),
        "write many": lambda: [pay_in(root, number) for _ in range(10 * number)],
        "rewrite": lambda: root.rewrite(lambda scratch: [pay_in(scratch, number) for _ in range(3)]),
        "fork of it": lambda: fork(house, "c", f"sandbox:{sandbox_id}", "default", ttl=3600),
        "fork of a snapshot": lambda: fork(house, "b", f"snapshot:{name}", sandbox_id),
        "reset": lambda: house.reset(sandbox),
        "reset elsewhere": lambda: house.reset(sandbox, as_of=as_of, seed=number),
        "reset and keep": lambda: house.reset(sandbox, keep=frozenset({"clock", "sessions"})),
        "snapshot": lambda: house.take_snapshot(sandbox, name),
        "restore": lambda: house.restore(sandbox, name),
        "drop": lambda: house.drop_snapshot(sandbox, name),
        "remove": lambda: house.remove(sandbox_id),
        "advance": lambda: root.advance(Instant(root.now + number * HOUR)),
        "live": lambda: root.set_clock("live" if number > 5 else "frozen", 0.5),
        "rehearse": lambda: root.rehearse(lambda work: work.draws.uuid("nothing")),
        "sleep": root.sleep,
    }
    done = actions[action]()
    if inspect.isawaitable(done):
        await done


async def run(house: House, done: list[Step]) -> None:
    for step in done:
        if step[0] == "flush":
            await settled(house)
            continue
        try:
            await act(house, step)
        except DomainError:
            continue
        # The writer gets a turn now and then, wherever it stands.
        for _ in range(step[3] % 4):
            await asyncio.sleep(0)


def steps_of(*texts: str) -> list[Step]:
    """Steps after the sandbox `a` is there: an action and a sandbox each."""
    split = [text.rpartition(" ") for text in texts]
    return [("fork", "a", "one", 1), *((split[i][0], split[i][2], "one", i + 1) for i in range(len(split)))]


@settings(max_examples=60)
@given(steps)
@example(steps_of("snapshot default", "write default", "flush default", "restore default", "drop default"))
@example(steps_of("write many a", "flush a", "reset a", "write a", "flush a", "remove a", "fork a"))
@example(steps_of("snapshot a", "write a", "flush a", "drop a", "snapshot a", "flush a", "reset a", "write a"))
@example(steps_of("snapshot a", "write a", "flush a", "reset a", "write a", "drop a", "live a", "live a", "write a"))
@example(steps_of("snapshot a", "write a", "flush a", "fork of a snapshot a", "drop a", "remove a", "flush a"))
def test_what_comes_back_is_what_there_was(done: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(there_and_back(Path(place), done))


async def there_and_back(place: Path, done: list[Step]) -> None:
    folder = place / "data"
    async with kept(folder, CROWDED) as house:
        await run(house, done)
        await settled(house)
        before = await picture(house)
        # A crash after what was settled loses nothing but how many requests were numbered: none were.
        after_crash = crashed(folder, place / "crashed")
    for left in (folder, after_crash):
        again, archive = open_house(left, CROWDED)
        try:
            assert await picture(again) == before
            for sandbox in again.all():
                assert not [check for check in (await sandbox.root.inspect(check_invariants)).checks if not check.ok]
        finally:
            await archive.stop()
            again.close()
