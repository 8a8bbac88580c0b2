"""The archive: what it writes and takes away again, whose answers wait for it, and what it refuses to open."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from archives import AT_ONCE, Gate, archive_of, change, crashed, kept, open_house, picture, rows, settled
from bankside import FATIMA_CURRENT, move
from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncConnection
from support import tiny_image

from sandbox import __version__
from sandbox.core.clock import DAY, SECOND, Instant, wall_time
from sandbox.core.sandbox_errors import ArchiveFailedError
from sandbox.sandboxes.archive_batch import Batch, moment_of
from sandbox.sandboxes.archive_file import ARCHIVE_NAME, ArchiveFile
from sandbox.sandboxes.archive_tables import ArchiveError
from sandbox.sandboxes.house import House
from sandbox.sandboxes.image import Image
from sandbox.store.pages import DeltaError, unpack_pages

BATCHED = structs.replace(AT_ONCE, durability="batch")


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


async def fork(house: House, sandbox_id: str, **options: Any) -> None:
    wanted = {"source": None, "caller": "default", "seed": None, "name": None} | options
    await house.fork(sandbox_id=sandbox_id, **wanted)


def pay_in(house: House, sandbox_id: str = "default", fils: int = 1) -> None:
    move(house.get(sandbox_id).root, FATIMA_CURRENT, fils)


@asynccontextmanager
async def reopened(folder: Path, image: Image | None = None) -> AsyncIterator[House]:
    """The house after a restart; it writes nothing."""
    house, archive = open_house(folder, image=image)
    try:
        yield house
    finally:
        await archive.stop()
        house.close()


def test_an_archive_that_was_never_written_to_brings_nothing_back(tmp_path: Path) -> None:
    house, archive = open_house(tmp_path / "made" / "here")
    assert (archive.restored.sandboxes, archive.restored.snapshots, archive.restored.notes) == (0, 0, ())
    assert [sandbox.id for sandbox in house.all()] == ["default"]
    run(archive.stop())
    house.close()


def test_images_are_stored_once_and_go_with_the_last_who_needs_them(tmp_path: Path) -> None:
    async def story() -> None:
        async with kept(tmp_path) as house:
            for sandbox_id in ("a", "b"):
                await fork(house, sandbox_id)
                pay_in(house, sandbox_id)
            await house.take_snapshot(house.get("a"), "moment")
            pay_in(house, "a")
            await settled(house)
            assert rows(tmp_path, "SELECT count(*) FROM base") == [(1,)]
            assert rows(tmp_path, "SELECT count(*), count(delta) FROM image") == [(2, 1)]
            await fork(house, "c", source="snapshot:moment", caller="a")
            house.drop_snapshot(house.get("a"), "moment")
            await settled(house)
            assert rows(tmp_path, "SELECT count(*), count(delta) FROM image") == [(2, 1)], "c stands on it"
            house.remove("c")
            await settled(house)
            assert rows(tmp_path, "SELECT count(*), count(delta) FROM image") == [(1, 0)]
            await house.reset(house.get("b"), as_of=Instant(house.get("b").root.now + 70 * DAY))
            await settled(house)
            assert rows(tmp_path, "SELECT count(*) FROM base") == [(2,)]
            await house.reset(house.get("b"), ecosystem="tiny")
            await settled(house)
            assert rows(tmp_path, "SELECT count(*) FROM base") == [(1,)]

    run(story())


def test_only_pages_that_have_changed_since_are_written(tmp_path: Path) -> None:
    async def story() -> None:
        async with kept(tmp_path) as house:
            for _ in range(500):
                pay_in(house)
            await settled(house)
            whole = rows(tmp_path, "SELECT count(*) FROM page")[0][0]
            pay_in(house)
            held = archive_of(house)._held
            batch = Batch(held)
            batch.add(moment_of(house.get("default"), held.sandboxes["default"]))
            assert 0 < len(batch.pages) < whole / 2
            assert len(batch.sandboxes) == 1
            await settled(house)
            nothing = Batch(held)
            nothing.add(moment_of(house.get("default"), held.sandboxes["default"]))
            assert nothing.empty

    run(story())


def test_pages_of_before_a_reset_do_not_stay(tmp_path: Path) -> None:
    async def story() -> None:
        async with kept(tmp_path) as house:
            for _ in range(50):
                pay_in(house)
            await settled(house)
            assert rows(tmp_path, "SELECT count(*) FROM page")[0][0] > 10
            root = await house.reset(house.get("default"))
            await settled(house)
            assert rows(tmp_path, "SELECT count(*) FROM page") == [(0,)]
            assert rows(tmp_path, "SELECT size FROM sandbox") == [(None,)]
            assert not root.awake

    run(story())


def test_a_sandbox_that_is_removed_leaves_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        async with kept(tmp_path) as house:
            await fork(house, "a")
            pay_in(house, "a")
            await house.take_snapshot(house.get("a"), "moment")
            await settled(house)
            house.remove("a")
            await settled(house)
            assert rows(tmp_path, "SELECT id FROM sandbox") == [("default",)]
            for table in ("page", "snapshot"):
                assert rows(tmp_path, f"SELECT count(*) FROM {table}") == [(0,)]
        async with reopened(tmp_path) as house:
            assert [sandbox.id for sandbox in house.all()] == ["default"]

    run(story())


def test_whoever_sleeps_is_written_asleep(tmp_path: Path) -> None:
    async def story() -> None:
        async with kept(tmp_path, structs.replace(AT_ONCE, max_awake=1)) as house:
            for sandbox_id in ("a", "b", "c"):
                await fork(house, sandbox_id)
                pay_in(house, sandbox_id)
            asleep = [sandbox.id for sandbox in house.all() if not sandbox.root.awake]
            assert asleep == ["default", "a", "b"]
            await settled(house)
            assert [sandbox.id for sandbox in house.all() if not sandbox.root.awake] == asleep
            left = crashed(tmp_path, tmp_path / "left")
            before = await picture(house)
        async with reopened(left) as house:
            assert await picture(house) == before
            assert house.awake == 0, "they are brought back asleep"

    run(story())


@pytest.mark.parametrize("change_it", ["remove", "reset", "write", "remove and fork"])
def test_what_happens_while_a_batch_is_written_is_in_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change_it: str
) -> None:
    async def story() -> None:
        async with kept(tmp_path) as house:
            await fork(house, "a")
            await settled(house)
            gate = Gate(archive_of(house), monkeypatch)
            pay_in(house, "a")
            await gate.reached.wait()
            if "remove" in change_it:
                house.remove("a")
            if change_it == "reset":
                await house.reset(house.get("a"))
            if change_it == "write":
                pay_in(house, "a", 7)
            if "fork" in change_it:
                await fork(house, "a", seed=7)
            waiting = asyncio.create_task(archive_of(house).settled("a"))
            gate.open.set()
            await waiting
            assert gate.tries == 2, "the one under way was taken before"
            before = await picture(house)
            left = crashed(tmp_path, tmp_path / "left")
        async with reopened(left) as house:
            assert await picture(house) == before

    run(story())


def test_whoever_waits_shares_a_batch_and_others_do_not_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with kept(tmp_path) as house:
            archive = archive_of(house)
            await fork(house, "a")
            await settled(house)
            gate = Gate(archive, monkeypatch)
            waiting = []
            for _ in range(20):
                pay_in(house)
                waiting.append(asyncio.create_task(archive.settled("default")))
            await gate.reached.wait()
            await archive.settled("a")
            assert (archive.pending, [task for task in waiting if task.done()]) == (1, [])
            gate.open.set()
            await asyncio.gather(*waiting)
            assert gate.tries <= 2
            assert archive.pending == 0

    run(story())


def test_a_disk_that_fails_is_said_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sandbox.sandboxes.archive._RETRY_S", 0.01)

    async def story() -> None:
        async with kept(tmp_path) as house:
            archive = archive_of(house)
            await settled(house)
            async with archive._engine.connect() as db:
                # The next page that the file would need is one too many.
                await db.execute(sa.text("PRAGMA max_page_count = 1"))
            for _ in range(40):
                pay_in(house)
            with pytest.raises(ArchiveFailedError, match="full"):
                await archive.settled("default")
            assert archive.pending == 1
            assert "full" in str(archive.failure)
            await archive.settled("default")  # the connection of the next attempt has room again
            assert (archive.pending, archive.failure) == (0, None)
            before, left = await picture(house), crashed(tmp_path, tmp_path / "left")
        async with reopened(left) as house:
            assert await picture(house) == before

    with caplog.at_level(logging.WARNING, logger="sandbank"):
        run(story())
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert "full" in caplog.text


def test_a_bug_in_writing_is_no_promise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.sandboxes.archive._RETRY_S", 0.01)

    async def story() -> None:
        async with kept(tmp_path) as house:
            await settled(house)
            gate = Gate(archive_of(house), monkeypatch)
            gate.open.set()
            gate.error = ValueError("a bug")
            pay_in(house)
            for _ in range(2):
                with pytest.raises(ArchiveFailedError, match="a bug"):
                    await settled(house)
            gate.error = None
            await settled(house)

    run(story())


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Have somebody cancel a task, and see it end by that."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("moment", ["before the transaction", "in the transaction", "after the commit"])
def test_a_cancelled_write_is_no_promise_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    reached = asyncio.Event()

    async def stay(*_: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    async def story() -> None:
        async with kept(tmp_path) as house:
            archive = archive_of(house)
            await fork(house, "a")
            await settled(house)
            write = archive._write

            async def write_and_stay(batch: Batch) -> None:
                # The transaction is committed, and whoever wrote it does not get to know.
                monkeypatch.setattr(batch, "written", lambda: None)
                await write(batch)
                await stay()

            if moment == "before the transaction":
                monkeypatch.setattr(archive, "_write", stay)
            elif moment == "after the commit":
                monkeypatch.setattr(archive, "_write", write_and_stay)
            else:
                monkeypatch.setattr(AsyncConnection, "execute", stay)
            pay_in(house)
            await house.take_snapshot(house.get("default"), "moment")
            await fork(house, "b")
            house.remove("a")
            waiting = [asyncio.create_task(archive.settled(each)) for each in ("default", "a", None)]
            await reached.wait()
            pay_in(house, "b")
            waiting.append(asyncio.create_task(archive.settled("b")))
            await asyncio.sleep(0)
            assert archive._task is not None
            await cancelled(archive._task)
            for told in await asyncio.gather(*waiting, return_exceptions=True):
                assert isinstance(told, ArchiveFailedError)
            assert archive.pending == 3
            with pytest.raises(ArchiveFailedError):
                await archive.settled("default")
            monkeypatch.undo()
            before = await picture(house)
        async with reopened(tmp_path) as house:
            assert await picture(house) == before

    run(story())


def test_what_the_file_contradicts_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.sandboxes.archive._RETRY_S", 0.01)

    async def story() -> None:
        async with kept(tmp_path) as house:
            await fork(house, "a")
            pay_in(house, "a")
            await settled(house)
            held = archive_of(house)._held
            held.sandboxes.clear()
            pay_in(house, "a")
            with pytest.raises(ArchiveFailedError, match="UNIQUE"):
                await settled(house)
            await settled(house)
            assert rows(tmp_path, "SELECT id FROM sandbox ORDER BY key") == [("default",), ("a",)]
            before, left = await picture(house), crashed(tmp_path, tmp_path / "left")
        async with reopened(left) as house:
            assert await picture(house) == before

    run(story())


def test_nobody_waits_for_an_archive_that_has_stopped(tmp_path: Path) -> None:
    async def story() -> None:
        async with kept(tmp_path) as house:
            await settled(house)
        archive_of(house).note("default")
        with pytest.raises(ArchiveFailedError, match="the server has stopped"):
            await archive_of(house).settled("default")

    run(story())


def test_what_cannot_be_written_at_the_end_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        house, archive = open_house(tmp_path, BATCHED)
        archive.start()
        gate = Gate(archive, monkeypatch)
        gate.open.set()
        gate.error = OSError("no such disk")
        pay_in(house)
        await archive.stop()
        house.close()
        assert "no such disk" in str(archive.failure)

    run(story())
    assert [record.levelname for record in caplog.records] == ["ERROR", "CRITICAL"]


def test_in_batches_a_change_is_on_disk_soon_without_anybody_waiting(tmp_path: Path) -> None:
    async def story() -> None:
        async with kept(tmp_path, BATCHED) as house:
            pay_in(house)
            archive = archive_of(house)
            assert archive.pending == 1
            await archive.settled(None)
            assert archive.pending == 0
            assert rows(tmp_path, "SELECT count(*) FROM page")[0][0] > 0

    run(story())


def test_a_state_of_as_many_writes_is_not_taken_for_the_one_before(tmp_path: Path) -> None:
    async def story() -> None:
        async with kept(tmp_path, BATCHED) as house:
            await fork(house, "a")
            default, other = house.get("default"), house.get("a")
            for sandbox in (default, other):
                pay_in(house, sandbox.id, 1)
            await house.take_snapshot(default, "moment")
            held = default.snapshots["moment"].image.facts.write_number
            await settled(house)
            # All of this falls into one batch.
            await house.reset(default)
            pay_in(house, "default", 2)
            house.drop_snapshot(default, "moment")
            await house.take_snapshot(default, "moment")
            house.remove("a")
            await fork(house, "a")
            pay_in(house, "a", 3)
            assert default.root.write_number == house.get("a").root.write_number == held
            before = await picture(house)
        async with reopened(tmp_path) as house:
            assert await picture(house) == before

    run(story())


def test_made_ids_are_not_given_twice(tmp_path: Path) -> None:
    async def story() -> None:
        async with kept(tmp_path) as house:
            for _ in range(2):
                made = await house.fork(sandbox_id=None, source=None, caller="default", seed=None, name=None)
            house.remove(made.id)
        async with kept(tmp_path) as house:
            again = await house.fork(sandbox_id=None, source=None, caller="default", seed=None, name=None)
            assert (made.id, again.id) == ("sb-2", "sb-3")

    run(story())


def test_a_sandbox_whose_time_is_over_does_not_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with kept(tmp_path) as house:
            await fork(house, "short", ttl=60)
            await fork(house, "long", ttl=3_600)
            pay_in(house, "short")
        late = wall_time() + 61 * SECOND
        for place in ("house", "archive_reading"):
            monkeypatch.setattr(f"sandbox.sandboxes.{place}.wall_time", lambda: Instant(late))
        async with kept(tmp_path) as house:
            assert archive_of(house).restored.sandboxes == 2
            assert [sandbox.id for sandbox in house.all()] == ["default", "long"]
            await settled(house)
            assert rows(tmp_path, "SELECT id FROM sandbox") == [("default",), ("long",)]
            assert rows(tmp_path, "SELECT count(*) FROM page") == [(0,)]

    run(story())


def test_a_live_clock_goes_on_while_nobody_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wall = [Instant(1_800_000_000 * SECOND)]
    monkeypatch.setattr("sandbox.sandboxes.business_clock.wall_time", lambda: wall[0])

    async def story() -> None:
        async with kept(tmp_path) as house:
            root = house.get("default").root
            root.set_clock("live", 2.0)
            before = root.now
        wall[0] = Instant(wall[0] + 3_600 * SECOND)
        async with reopened(tmp_path) as house:
            assert house.get("default").root.now - before == 7_200 * SECOND

    run(story())


def other_tiny() -> Image:
    """What `seeds/tiny` would be with another title."""
    image = tiny_image()
    with closing(sqlite3.connect(":memory:")) as db:
        db.deserialize(image.data)
        db.execute("UPDATE customer SET full_name = 'Somebody else' WHERE key = 1")
        db.commit()
        data = db.serialize()
    return Image(data, structs.replace(image.facts, digest=""))


def test_a_changed_ecosystem_is_what_a_reset_goes_to(tmp_path: Path) -> None:
    other = other_tiny()

    async def story() -> None:
        async with kept(tmp_path) as house:
            pay_in(house)
            await fork(house, "fresh")
            await fork(house, "copy", source="sandbox:default")
            before = await picture(house)
        async with kept(tmp_path, image=other) as house:
            now = await picture(house)
            for sandbox_id, then in before.items():
                assert now[sandbox_id]["digest"] == then["digest"], "the archived state goes on"
            (note,) = archive_of(house).restored.notes
            assert "ecosystem:tiny has changed" in note
            assert "/_sandbox/reset" in note
            for sandbox_id in ("default", "fresh"):
                root = await house.reset(house.get(sandbox_id))
                assert root.data == other.data
            copied = await house.reset(house.get("copy"))
            assert await copied.digest() == before["copy"]["digest"], "what was forked is what it goes back to"
        async with reopened(tmp_path, image=other) as house:
            assert archive_of(house).restored.notes == ()

    run(story())


def test_an_unchanged_ecosystem_is_shared_and_a_time_of_its_own_stays(tmp_path: Path) -> None:
    async def story() -> None:
        async with kept(tmp_path) as house:
            later = Instant(house.get("default").root.now + 7 * DAY)
            await fork(house, "a")
            await house.reset(house.get("a"), as_of=later)
        async with reopened(tmp_path) as house:
            assert house.get("default").origin_image is house.opened
            assert (await house.reset(house.get("a"))).now == later

    run(story())


def test_a_default_of_another_ecosystem_is_said(tmp_path: Path) -> None:
    async def story() -> None:
        async with kept(tmp_path) as house:
            pay_in(house)
        change(tmp_path, "UPDATE sandbox SET origin = 'ecosystem:elsewhere'")
        async with reopened(tmp_path) as house:
            (note,) = archive_of(house).restored.notes
            assert "ecosystem:elsewhere" in note
            assert '{"ecosystem": "tiny"}' in note

    run(story())


def refusal(folder: Path) -> str:
    """Why the archive in `folder` cannot be opened: one line."""
    with pytest.raises(ArchiveError) as caught:
        open_house(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A folder with an archive of a bank that was used."""

    async def story() -> None:
        async with kept(tmp_path / "data") as house:
            pay_in(house)
            await house.take_snapshot(house.get("default"), "moment")
            pay_in(house)

    run(story())
    return tmp_path / "data"


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("hello")
    assert "is a file" in refusal(tmp_path / "file")
    assert "cannot be made" in refusal(tmp_path / "file" / "below")


def test_a_folder_that_takes_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sandbank.lock").mkdir()
    assert "nothing can be written" in refusal(tmp_path)


def test_an_archive_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / ARCHIVE_NAME).mkdir()
    assert "cannot be read as an archive" in refusal(tmp_path)


def test_one_server_at_a_time(tmp_path: Path) -> None:
    first = ArchiveFile.open(tmp_path)
    assert "another server works on" in refusal(tmp_path)
    first.release()
    ArchiveFile.open(tmp_path).release()


def test_a_refused_folder_is_free_again(written: Path) -> None:
    change(written, "UPDATE about SET version = 99")
    assert "archive 99" in refusal(written)
    change(written, "UPDATE about SET version = 1")
    ArchiveFile.open(written).release()


@pytest.mark.parametrize("assignment", ["version = 0", "fingerprint = 'of other tables'"])
def test_an_archive_of_other_tables_says_what_to_do(written: Path, assignment: str) -> None:
    change(written, f"UPDATE about SET {assignment}, written_by = '0.0.7'")
    before = (written / ARCHIVE_NAME).read_bytes()
    message = refusal(written)
    for part in ("Sandbank 0.0.7", f"Sandbank {__version__}", "move the file away", "--data-dir", "/_sandbox/export"):
        assert part in message
    assert (written / ARCHIVE_NAME).read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE page SET bytes = CAST(substr(bytes, 1, length(bytes) - 5) || x'0102030405' AS BLOB)",
        "UPDATE page SET bytes = x''",
        "UPDATE base SET hash = x'00'",
        "UPDATE base SET bytes = x'0102'",
        "UPDATE image SET facts = '{}'",
        "UPDATE image SET delta = CAST(substr(delta, 1, length(delta) - 5) || x'0102030405' AS BLOB) WHERE clean > 0",
        "UPDATE image SET delta = substr(delta, 1, length(delta) / 2) WHERE clean > 0",
        "UPDATE image SET delta = x'' WHERE clean > 0",
        "UPDATE image SET delta = NULL WHERE clean > 0",
        "UPDATE sandbox SET standing = '{}'",
        "UPDATE sandbox SET image = 12345",
        "DELETE FROM about",
        "DROP TABLE about",
    ],
)
def test_damaged_bytes_are_not_served(written: Path, statement: str) -> None:
    change(written, statement)
    message = refusal(written)
    assert "cannot be read as an archive" in message
    assert "put a copy of it back" in message


def test_a_snapshot_with_one_wrong_byte_is_not_served(written: Path) -> None:
    ((delta,),) = rows(written, "SELECT delta FROM image WHERE clean > 0")
    refused = 0
    for place in range(0, len(delta), len(delta) // 40):
        broken = bytearray(delta)
        broken[place] ^= 0x10
        change(written, "UPDATE image SET delta = ? WHERE clean > 0", bytes(broken))
        with suppress(DeltaError):
            if unpack_pages(bytes(broken)) == unpack_pages(delta):
                continue  # a few bits of a frame mean nothing
        assert "cannot be read as an archive: image" in refusal(written)
        refused += 1
    assert refused > 35


@pytest.mark.parametrize("data", [b"no database at all", b"x" * 8_192])
def test_some_other_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / ARCHIVE_NAME).write_bytes(data)
    assert "not a database" in refusal(tmp_path)
    assert (tmp_path / ARCHIVE_NAME).read_bytes() == data


def test_a_file_cut_short_is_refused(written: Path) -> None:
    place = written / ARCHIVE_NAME
    place.write_bytes(place.read_bytes()[: place.stat().st_size // 2])
    assert "cannot be read as an archive" in refusal(written)


def test_another_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / ARCHIVE_NAME)) as db, db:
        db.execute("CREATE TABLE mine (a)")
    assert "other tables" in refusal(tmp_path)
    assert rows(tmp_path, "SELECT name FROM sqlite_master") == [("mine",)]
