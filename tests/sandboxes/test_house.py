"""The house of sandboxes: forks, ids, caps, sources, resets, and nothing made on sight."""

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
import sqlalchemy as sa
from support import TINY, VIRTUAL, copy_of_tiny, edit, tiny_image

from sandbox.core.errors import ValidationFailedError
from sandbox.core.sandbox_errors import (
    EcosystemInvalidError,
    EcosystemUnknownError,
    SandboxExistsError,
    SandboxProtectedError,
    SandboxUnknownError,
    TooManySandboxesError,
)
from sandbox.core.settings import Settings
from sandbox.sandboxes import image as image_module
from sandbox.sandboxes.house import DEFAULT, House
from sandbox.sandboxes.image import Image
from sandbox.sandboxes.sandbox import Sandbox
from sandbox.sandboxes.shelf import Shelf
from sandbox.store.ecosystem import EcosystemNotFoundError
from sandbox.store.statement import Statement
from sandbox.store.tables import customer
from sandbox.store.work import Work

T = TypeVar("T")

NAME = Statement(sa.select(customer.c.full_name).where(customer.c.key == 1))
RENAME = Statement(sa.update(customer).where(customer.c.key == 1).values(full_name=sa.bindparam("name")))
BEFORE = "Fatima Nasser Khaled Al-Saleh"


def new_house(settings: Settings = VIRTUAL, folder: Path = TINY) -> House:
    """A house on an image of its own, since a house closes what it has."""
    shared = tiny_image()
    image = Image(shared.data, shared.facts, warm_copies=settings.warm_copies)
    shelf = Shelf(settings, folder)
    shelf._images[folder, 0] = image
    return House(settings, image, shelf)


@pytest.fixture
def house() -> Iterator[House]:
    """A house with nothing but `default`."""
    made = new_house()
    yield made
    made.close()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine."""
    return asyncio.run(work)


async def forked(house: House, sandbox_id: str | None = None, **options: Any) -> Sandbox:
    """A fork with the usual defaults."""
    usual: dict[str, Any] = {"source": None, "caller": DEFAULT, "seed": None, "name": None}
    return await house.fork(sandbox_id=sandbox_id, **(usual | options))


def fork(house: House, sandbox_id: str | None = None, **options: Any) -> Sandbox:
    """The same without a loop."""
    return run(forked(house, sandbox_id, **options))


def reset(house: House, sandbox: Sandbox, *, ecosystem: str | None = None, seed: int | None = None) -> None:
    """Reset without a loop."""
    run(house.reset(sandbox, ecosystem=ecosystem, seed=seed))


def name_in(sandbox: Sandbox) -> str:
    """The first customer's name."""
    found: str = sandbox.root.read(lambda work: NAME.one(work.db).full_name)
    return found


def rename(sandbox: Sandbox, name: str) -> None:
    """Write to a sandbox."""
    sandbox.root.write(lambda work: RENAME.run(work.db, name=name))


def in_dollars(rows: list[dict[str, Any]]) -> None:
    """Give every account a currency that is none here."""
    for row in rows:
        row["currency"] = "USD"


def drawn(work: Work) -> str:
    """What a write draws."""
    return work.draws.uuid("thing")


def ids(house: House) -> list[str]:
    """The ids of all sandboxes."""
    return [sandbox.id for sandbox in house.all()]


# Opening.


def test_a_house_opens_the_ecosystem_of_its_settings() -> None:
    house = House.open(VIRTUAL)
    assert ids(house) == ["default"]
    assert house.get("default").origin == "ecosystem:tiny"
    house.close()


def test_a_house_opens_a_folder(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path / "mine")
    house = House.open(msgspec.structs.replace(VIRTUAL, ecosystem=str(folder)))
    assert house.get("default").origin == "ecosystem:mine"
    house.close()


def test_an_unknown_ecosystem_opens_nothing() -> None:
    with pytest.raises(EcosystemNotFoundError):
        House.open(msgspec.structs.replace(VIRTUAL, ecosystem="nowhere"))


def test_default_has_the_seed_of_its_ecosystem(house: House) -> None:
    assert house.get("default").root.seed == 2026


def test_the_seed_of_the_settings_goes_first() -> None:
    house = new_house(msgspec.structs.replace(VIRTUAL, seed=0))
    assert house.get("default").root.seed == 0
    house.close()


# Forking.


def test_a_fork_stands_where_the_image_stands(house: House) -> None:
    made = fork(house, "t1", name="first")
    assert (made.id, made.name, made.origin) == ("t1", "first", "ecosystem:tiny")
    assert run(made.root.digest()) == tiny_image().facts.digest
    assert house.get("t1") is made


def test_a_fork_does_not_see_what_the_callers_sandbox_did(house: House) -> None:
    rename(house.get("default"), "changed")
    assert name_in(fork(house, "t1")) == BEFORE


def test_sandboxes_do_not_see_each_other(house: House) -> None:
    first, second = fork(house, "a"), fork(house, "b")
    rename(first, "one")
    rename(second, "two")
    assert [name_in(sandbox) for sandbox in (first, second, house.get("default"))] == ["one", "two", BEFORE]


def test_forks_of_one_image_draw_the_same(house: House) -> None:
    assert fork(house, "a").root.write(drawn) == fork(house, "b").root.write(drawn)


def test_a_fork_may_have_a_seed_of_its_own(house: House) -> None:
    made = fork(house, "a", seed=0)
    assert made.root.seed == 0
    assert made.root.write(drawn) != fork(house, "b").root.write(drawn)


def test_sandboxes_are_listed_in_the_order_in_which_they_were_made(house: House) -> None:
    for sandbox_id in ("z", "a", "m"):
        fork(house, sandbox_id)
    assert ids(house) == ["default", "z", "a", "m"]


def test_an_id_is_made_where_none_is_given(house: House) -> None:
    assert [fork(house).id for _ in range(3)] == ["sb-1", "sb-2", "sb-3"]


def test_a_made_id_steps_over_taken_ones(house: House) -> None:
    fork(house, "sb-1")
    fork(house, "sb-2")
    assert fork(house).id == "sb-3"


def test_a_made_id_is_not_given_twice(house: House) -> None:
    first = fork(house).id
    house.remove(first)
    assert fork(house).id != first


@pytest.mark.parametrize("sandbox_id", ["a", "0", "t-1", "a" * 63, "9-", "default-2"])
def test_a_good_id_is_taken(house: House, sandbox_id: str) -> None:
    assert fork(house, sandbox_id).id == sandbox_id


@pytest.mark.parametrize("sandbox_id", ["A", "-a", "a_b", "a.b", "a b", "a/b", "a" * 64, "ا", "a\n", "٣"])
def test_a_bad_id_is_refused_with_what_is_good(house: House, sandbox_id: str) -> None:
    with pytest.raises(ValidationFailedError) as caught:
        fork(house, sandbox_id)
    assert [fault.pointer for fault in caught.value.faults] == ["/id"]
    assert ids(house) == ["default"]


@pytest.mark.parametrize("taken", ["t1", "default"])
def test_a_taken_id_is_refused(house: House, taken: str) -> None:
    fork(house, "t1")
    with pytest.raises(SandboxExistsError):
        fork(house, taken)


def test_the_cap_counts_default_too() -> None:
    house = new_house(msgspec.structs.replace(VIRTUAL, max_sandboxes=2))
    fork(house, "a")
    with pytest.raises(TooManySandboxesError):
        fork(house, "b")
    house.remove("a")
    assert fork(house, "b").id == "b"
    house.close()


def test_two_forks_at_once_of_the_same_id_make_one(house: House, tmp_path: Path) -> None:
    house.shelf._folders["other"] = copy_of_tiny(tmp_path / "other")

    async def both() -> list[Any]:
        asks = (forked(house, "t1", source="ecosystem:other") for _ in range(2))
        return await asyncio.gather(*asks, return_exceptions=True)

    kinds = sorted(type(outcome).__name__ for outcome in run(both()))
    assert kinds == ["Sandbox", "SandboxExistsError"]
    assert ids(house) == ["default", "t1"]


def test_two_forks_at_once_do_not_pass_the_cap(tmp_path: Path) -> None:
    house = new_house(msgspec.structs.replace(VIRTUAL, max_sandboxes=2))
    house.shelf._folders["other"] = copy_of_tiny(tmp_path / "other")

    async def both() -> list[Any]:
        asks = (forked(house, name, source="ecosystem:other") for name in ("a", "b"))
        return await asyncio.gather(*asks, return_exceptions=True)

    kinds = sorted(type(outcome).__name__ for outcome in run(both()))
    assert kinds == ["Sandbox", "TooManySandboxesError"]
    house.close()


# Sources.


def test_a_fork_of_an_ecosystem_is_clean(house: House) -> None:
    rename(house.get("default"), "changed")
    made = fork(house, "t1", source="ecosystem:tiny")
    assert (name_in(made), made.origin) == (BEFORE, "ecosystem:tiny")


def test_an_ecosystem_is_compiled_once(house: House, tmp_path: Path) -> None:
    house.shelf._folders["other"] = copy_of_tiny(tmp_path / "other")
    first = fork(house, "a", source="ecosystem:other")
    second = fork(house, "b", source="ecosystem:other")
    assert first.root.image is second.root.image is not house.get("default").root.image


def test_a_fork_of_a_sandbox_stands_where_that_one_stands(house: House) -> None:
    first = fork(house, "a")
    rename(first, "changed")
    second = fork(house, "b", source="sandbox:a")
    assert second.origin == "sandbox:a"
    assert (name_in(second), second.root.write_number, second.root.now) == ("changed", 1, first.root.now)
    assert run(second.root.digest()) == run(first.root.digest())
    assert first.root.write(drawn) == second.root.write(drawn)


def test_a_fork_of_a_sandbox_does_not_follow_it(house: House) -> None:
    first = fork(house, "a")
    rename(first, "changed")
    second = fork(house, "b", source="sandbox:a")
    rename(first, "again")
    rename(second, "other")
    assert (name_in(first), name_in(second)) == ("again", "other")
    house.remove("a")
    assert name_in(second) == "other"


def test_a_fork_of_a_fresh_sandbox_shares_its_image(house: House) -> None:
    fork(house, "a")
    assert fork(house, "b", source="sandbox:a").root.image is house.get("default").root.image


def test_a_fork_comes_from_what_the_callers_sandbox_came_from(house: House, tmp_path: Path) -> None:
    house.shelf._folders["other"] = copy_of_tiny(tmp_path / "other")
    first = fork(house, "a", source="ecosystem:other")
    second = fork(house, "b", caller="a")
    assert (second.origin, second.root.image) == ("ecosystem:other", first.root.image)


def test_a_fork_of_a_captured_sandboxs_caller_is_the_captured_state(house: House) -> None:
    rename(fork(house, "a"), "changed")
    rename(fork(house, "b", source="sandbox:a"), "later")
    assert name_in(fork(house, "c", caller="b")) == "changed"


@pytest.mark.parametrize("source", ["", "tiny", "sandbox:", "ecosystem:", ":tiny", "file:tiny", "SANDBOX:a"])
def test_a_source_that_is_none_is_refused(house: House, source: str) -> None:
    with pytest.raises(ValidationFailedError) as caught:
        fork(house, "t1", source=source)
    assert [fault.pointer for fault in caught.value.faults] == ["/from"]


def test_an_unknown_sandbox_as_source_is_refused(house: House) -> None:
    with pytest.raises(SandboxUnknownError):
        fork(house, "t1", source="sandbox:none")


@pytest.mark.parametrize("name", ["none", "../tiny", str(TINY), "x" * 500])
def test_an_unknown_ecosystem_as_source_is_refused_with_those_there_are(house: House, name: str) -> None:
    with pytest.raises(EcosystemUnknownError, match=r"There are: .*tiny\.") as caught:
        fork(house, "t1", source=f"ecosystem:{name}")
    assert len(caught.value.detail) < 300


def test_a_bad_ecosystem_as_source_is_refused_with_its_first_faults(house: House, tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path / "bad")
    edit(folder, "accounts", in_dollars)
    house.shelf._folders["bad"] = folder
    with pytest.raises(EcosystemInvalidError, match=r"8 faults: accounts\.json \[0\].*is not KWD"):
        fork(house, "t1", source="ecosystem:bad")
    assert ids(house) == ["default"]


# Finding and removing.


@pytest.mark.parametrize("sandbox_id", ["none", "", "Default", "default ", "x" * 10_000])
def test_an_unknown_sandbox_is_never_made_on_sight(house: House, sandbox_id: str) -> None:
    with pytest.raises(SandboxUnknownError) as caught:
        house.get(sandbox_id)
    assert len(caught.value.detail) < 200
    assert ids(house) == ["default"]


def test_a_removed_sandbox_is_gone(house: House) -> None:
    fork(house, "t1")
    house.remove("t1")
    with pytest.raises(SandboxUnknownError):
        house.get("t1")
    assert fork(house, "t1").id == "t1"


def test_an_unknown_sandbox_cannot_be_removed(house: House) -> None:
    with pytest.raises(SandboxUnknownError):
        house.remove("none")


def test_default_cannot_be_removed(house: House) -> None:
    with pytest.raises(SandboxProtectedError):
        house.remove("default")
    assert ids(house) == ["default"]


def test_whoever_works_on_a_removed_sandbox_finishes(house: House) -> None:
    made = fork(house, "t1")
    made.root.enter()
    house.remove("t1")
    rename(made, "late")
    assert name_in(made) == "late"
    made.root.leave()


# Resetting.


def test_a_reset_goes_back_to_the_origin(house: House) -> None:
    default = house.get("default")
    rename(default, "changed")
    old = default.root
    reset(house, default)
    assert default.root is not old
    assert (name_in(default), default.root.write_number) == (BEFORE, 0)
    assert run(default.root.digest()) == tiny_image().facts.digest


def test_every_reset_is_another_generation(house: House) -> None:
    default = house.get("default")
    assert default.root.generation == 1
    for generation in (2, 3):
        reset(house, default)
        assert default.root.generation == generation


def test_a_reset_forgets_tokens(house: House) -> None:
    default = house.get("default")
    default.root.tokens["t", "default"] = object()
    reset(house, default)
    assert default.root.tokens == {}


def test_after_a_reset_the_same_is_drawn_again(house: House) -> None:
    default = house.get("default")
    first = default.root.write(drawn)
    reset(house, default)
    assert default.root.write(drawn) == first


def test_a_reset_may_bring_another_seed(house: House) -> None:
    default = house.get("default")
    first = default.root.write(drawn)
    reset(house, default, seed=7)
    assert default.root.seed == 7
    assert default.root.write(drawn) != first


def test_a_fork_of_a_sandbox_is_reset_to_the_captured_state(house: House) -> None:
    rename(fork(house, "a"), "captured")
    second = fork(house, "b", source="sandbox:a")
    rename(second, "later")
    reset(house, second)
    assert (name_in(second), second.root.write_number) == ("captured", 1)


def test_a_reset_to_another_ecosystem_makes_that_the_origin(house: House, tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path / "other")
    edit(folder, "customers", lambda rows: rows[0].update(full_name="Other"))
    house.shelf._folders["other"] = folder
    default = house.get("default")
    reset(house, default, ecosystem="other")
    assert (name_in(default), default.origin) == ("Other", "ecosystem:other")
    rename(default, "changed")
    reset(house, default)
    assert name_in(default) == "Other"


def test_a_reset_to_an_unknown_ecosystem_changes_nothing(house: House) -> None:
    default = house.get("default")
    rename(default, "changed")
    with pytest.raises(EcosystemUnknownError):
        reset(house, default, ecosystem="none")
    assert (name_in(default), default.origin, default.root.generation) == ("changed", "ecosystem:tiny", 1)


def test_requests_under_way_finish_on_the_old_root(house: House) -> None:
    default = house.get("default")
    old = default.root
    old.enter()
    rename(default, "changed")
    reset(house, default)
    found: str = old.read(lambda work: NAME.one(work.db).full_name)
    assert found == "changed"
    old.write(lambda work: RENAME.run(work.db, name="late"))
    assert name_in(default) == BEFORE
    old.leave()


# Ready copies, and the end.


def test_copies_stand_ready_under_a_running_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_module, "_REFILL_DELAY_S", 0)
    house = new_house(msgspec.structs.replace(VIRTUAL, warm_copies=2))

    async def use() -> tuple[bool, int]:
        house.warm()
        for _ in range(20):
            await asyncio.sleep(0)
        waiting = house.get("default").root.image._ready[0]
        rename(house.get("default"), "changed")
        taken = house.get("default").root.read(lambda work: work.db)
        for _ in range(20):
            await asyncio.sleep(0)
        return taken is waiting, len(house.get("default").root.image._ready)

    assert run(use()) == (True, 2)
    house.close()


def test_closing_closes_every_connection(tmp_path: Path) -> None:
    house = new_house()
    house.shelf._folders["other"] = copy_of_tiny(tmp_path / "other")
    rename(house.get("default"), "changed")
    used = [
        house.get("default"),
        fork(house, "a", source="sandbox:default"),
        fork(house, "b", source="ecosystem:other"),
    ]
    rename(used[1], "a")
    open_ones = [sandbox.root.read(lambda work: work.db) for sandbox in used]
    open_ones += [sandbox.origin_image.reader for sandbox in used if sandbox.origin_image.shared]
    house.close()
    assert [db.closed for db in open_ones] == [True] * 5
