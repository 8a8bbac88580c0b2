"""The archive: keeps sandboxes, their state and their snapshots in a file, behind the way of a request.

Whatever changes is noted by the id of its sandbox. One task takes what was noted, finds out in a thread which pages
have changed, and writes all of it in one transaction: at most a second after the change, or with durability `write` at
once, while the answers that depend on it wait. The event loop never waits for the disk.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from sandbox.core.sandbox_errors import ArchiveFailedError, SandboxUnknownError
from sandbox.sandboxes import archive_tables as tables
from sandbox.sandboxes.archive_batch import Batch, Held, Row, data_hash, moment_of
from sandbox.sandboxes.archive_file import ArchiveFile, about_row
from sandbox.sandboxes.archive_reading import Restored, read_archive
from sandbox.sandboxes.house import House

if TYPE_CHECKING:
    from sandbox.sandboxes.image import Image

T = TypeVar("T")

_BATCH_S = 0.5
"""How long changes gather in a batch: with the time that writing takes, none is older than a second on disk."""
_RETRY_S = 1.0
"""How long to wait after the disk has failed."""

_LOG = logging.getLogger("sandbank")


def _upsert(table: sa.Table) -> sa.Insert:
    statement = insert(table)
    keys = set(table.primary_key.columns)
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key.columns),
        set_={column.name: statement.excluded[column.name] for column in table.columns if column not in keys},
    )


_PUT_ABOUT = _upsert(tables.about)
_ADD_BASES = sa.insert(tables.base)
_ADD_IMAGES = sa.insert(tables.image)
_PUT_SANDBOXES = _upsert(tables.sandbox)
_PUT_PAGES = _upsert(tables.page)
_ADD_SNAPSHOTS = sa.insert(tables.snapshot)
_OF_SANDBOX: sa.BindParameter[int] = sa.bindparam("of_sandbox")
_DROP_PAGES = sa.delete(tables.page).where(
    tables.page.c.sandbox == _OF_SANDBOX, tables.page.c.place == sa.bindparam("at_place")
)
_DROP_SNAPSHOTS = sa.delete(tables.snapshot).where(
    tables.snapshot.c.sandbox == _OF_SANDBOX, tables.snapshot.c.name == sa.bindparam("of_name")
)
_DROP_SANDBOX = (
    sa.delete(tables.page).where(tables.page.c.sandbox == _OF_SANDBOX),
    sa.delete(tables.snapshot).where(tables.snapshot.c.sandbox == _OF_SANDBOX),
    sa.delete(tables.sandbox).where(tables.sandbox.c.key == _OF_SANDBOX),
)
_KEPT = [table for table in tables.metadata.sorted_tables if table is not tables.about]
_NAMED = sa.union_all(
    sa.select(tables.sandbox.c.origin_image),
    sa.select(tables.sandbox.c.image),
    sa.select(tables.snapshot.c.image),
)
_LATER = tables.image.alias("later")
_DROP_LATER_IMAGES = (
    sa.delete(tables.image)
    .where(tables.image.c.clean.is_not(None), tables.image.c.key.not_in(_NAMED))
    .returning(tables.image.c.key)
)
_DROP_CLEAN_IMAGES = (
    sa.delete(tables.image)
    .where(
        tables.image.c.clean.is_(None),
        tables.image.c.key.not_in(_NAMED),
        ~sa.exists().where(_LATER.c.clean == tables.image.c.key),
    )
    .returning(tables.image.c.key)
)
_DROP_BASES = (
    sa.delete(tables.base)
    .where(~sa.exists().where(tables.image.c.base == tables.base.c.key))
    .returning(tables.base.c.key)
)


class _Write:
    """One attempt to write a batch, for those who wait for it."""

    __slots__ = ("done", "failure")

    def __init__(self) -> None:
        self.done = asyncio.Event()
        self.failure: str | None = "the server has stopped"
        """Why nobody may rely on it: None from when it has been committed."""

    def end(self) -> None:
        """Have whoever waits go on: nothing more will be done."""
        self.done.set()


class Archive:
    """Keeps the sandboxes of one house in the archive of one folder."""

    def __init__(self, house: House, file: ArchiveFile, held: Held, restored: Restored) -> None:
        self.restored = restored
        """What was brought back."""
        self.durability = house.settings.durability
        self._house = house
        self._file = file
        self._held = held
        self._engine = file.writing(self.durability)
        self._gather_s = 0.0 if self.durability == "write" else _BATCH_S
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="archive")
        self._changed: dict[str, None] = {}
        self._taken: dict[str, None] = {}
        self._noted = asyncio.Event()
        self._stopping = asyncio.Event()
        self._this = self._next = _Write()
        self._task: asyncio.Task[None] | None = None
        self._opened: tuple[Image, bytes] | None = None
        self._events = house.activity.subscribe()
        """How many events are on disk: it is the one subscriber of the outbox that there is without clients."""
        self._in_doubt = False
        """Whether the file may hold something else than it is held to: then all of it is written anew."""
        self.failure: str | None = None
        """Why the last batch could not be written, if it could not."""

    @classmethod
    def open(cls, house: House, folder: Path) -> "Archive":
        """Open the archive of a folder and have the house take in the sandboxes that it holds.

        Raises:
            ArchiveError: it cannot be opened; the message says what to do.
        """
        file = ArchiveFile.open(folder)
        try:
            with file.reading() as db:
                held, restored = read_archive(db, house, file.place)
        except BaseException:
            file.release()
            raise
        return cls(house, file, held, restored)

    @property
    def pending(self) -> int:
        """How many sandboxes have changes that are not on disk yet."""
        return len(self._changed | self._taken)

    def start(self) -> None:
        """Keep from now on what changes in the house."""
        self._house.tell(self.note)
        for sandbox_id in self.restored.gone:
            self.note(sandbox_id)
        self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Write what is not on disk yet, and let go of the folder. What cannot be written is logged."""
        self._stopping.set()
        self._noted.set()
        if self._task is not None:
            await asyncio.wait({self._task})  # somebody may have cancelled it
            for sandbox in self._house.all():
                # Requests are counted without telling: where nothing else has changed, that is all there is to write.
                self.note(sandbox.id)
            try:
                await self._flush()
            finally:
                self._next.end()
        if self.failure is not None:
            _LOG.critical("%d sandboxes are not in the archive as they were: %s", self.pending, self.failure)
        await self._engine.dispose()
        self._worker.shutdown()
        self._file.release()

    def note(self, sandbox_id: str) -> None:
        """A sandbox was made, written to, changed in any way, or taken away."""
        self._changed[sandbox_id] = None
        self._noted.set()

    async def settled(self, sandbox_id: str | None) -> None:
        """Wait until a sandbox is on disk as it is now; None: all of them. Whoever waits shares a batch.

        Raises:
            ArchiveFailedError: it could not be written. What was done stands in memory, and is tried again.
        """
        if sandbox_id in self._changed or (sandbox_id is None and self._changed):
            write = self._next
        elif sandbox_id in self._taken or (sandbox_id is None and self._taken):
            write = self._this
        else:
            return
        await write.done.wait()
        if write.failure is not None:
            refusal = ArchiveFailedError(
                f"What was done is not on disk yet: {write.failure}. It is tried again every second; ask again, an "
                "order with the same Idempotency-Key."
            )
            refusal.headers["Retry-After"] = "1"
            raise refusal

    async def _keep(self) -> None:
        try:
            while True:
                await self._noted.wait()
                await self._pause(_RETRY_S if self.failure is not None else self._gather_s)
                if self._stopping.is_set():
                    return
                await self._flush()
        except BaseException:
            # Cancelled: nobody writes any more but `stop`, and nobody may wait for that.
            self._next.end()
            raise

    async def _pause(self, seconds: float) -> None:
        """Wait so long, or until the archive is stopped."""
        if seconds and not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _flush(self) -> None:
        """Write everything that was noted until now; whatever keeps it from being committed, it stays noted."""
        self._noted.clear()
        self._taken, self._changed = self._changed, {}
        this = self._this = self._next
        self._next = _Write()
        events = self._house.activity.events
        try:
            await self._write(await self._gathered())
        except BaseException as error:
            self._changed = self._taken | self._changed
            self._noted.set()
            # Whoever is cancelled does not get to know what became of the commit. A contradiction says it has happened.
            self._in_doubt |= isinstance(error, sa.exc.IntegrityError) or not isinstance(error, Exception)
            if not isinstance(error, Exception):
                raise
            this.failure = self._failed(error)
            # A connection that has failed may go on failing when the disk is well again.
            await self._engine.dispose()
        else:
            if self.failure is not None:
                _LOG.warning("%s is written again.", self._file.place)
            this.failure = self.failure = None
            self._events.position = events
        finally:
            self._taken = {}
            this.end()

    def _failed(self, error: Exception) -> str:
        """Say once that the archive cannot be written; why."""
        cause = str(error.orig) if isinstance(error, sa.exc.DBAPIError) else f"{type(error).__name__}: {error}"
        if self.failure is None:
            known = isinstance(error, sa.exc.DBAPIError)
            message = "%s cannot be written: %s. Changes are kept in memory and tried again every second."
            _LOG.error(message, self._file.place, cause, exc_info=None if known else error)
        self.failure = cause
        return cause

    async def _gathered(self) -> Batch:
        """The rows for everything that was taken: each sandbox at one moment of its own."""
        if self._in_doubt:
            self._held.nothing()
            self._taken = dict.fromkeys(sandbox.id for sandbox in self._house.all()) | self._taken
        batch = Batch(self._held)
        for sandbox_id in self._taken:
            try:
                sandbox = self._house.get(sandbox_id)
            except SandboxUnknownError:
                batch.remove(sandbox_id)
                continue
            moment = moment_of(sandbox, self._held.sandboxes.get(sandbox_id))
            await self._in_thread(partial(batch.add, moment))
        opened = self._house.opened
        if self._opened is None or self._opened[0] is not opened:
            self._opened = opened, await self._in_thread(lambda: data_hash(opened.data))
        batch.state(about_row(named=self._house.named, opened=self._opened[1]))
        return batch

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Run something in the archive's own thread, where nothing else can hold it up."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    async def _write(self, batch: Batch) -> None:
        if batch.empty and not self._in_doubt:
            batch.written()
            return
        image_keys: set[int] = set()
        base_keys: set[int] = set()
        if self._in_doubt:
            await self._engine.dispose()  # the connection may be in the middle of something
        async with self._engine.begin() as db:
            if self._in_doubt:
                for table in reversed(_KEPT):
                    await db.execute(sa.delete(table))
            for statement, rows in _statements(batch):
                if rows:
                    await db.execute(statement, rows)
            if batch.frees_images:
                for statement in (_DROP_LATER_IMAGES, _DROP_CLEAN_IMAGES):
                    image_keys |= set(await db.scalars(statement))
                base_keys |= set(await db.scalars(_DROP_BASES))
        batch.written()
        self._in_doubt = False
        self._held.forget(image_keys, base_keys)


def _statements(batch: Batch) -> list[tuple[sa.Executable, list[Row]]]:
    """What to run, in an order in which no row ever names one that is not there."""
    return [
        (_PUT_ABOUT, [] if batch.about is None else [batch.about]),
        (_ADD_BASES, batch.bases),
        (_ADD_IMAGES, batch.images),
        (_PUT_SANDBOXES, batch.sandboxes),
        (_DROP_PAGES, batch.gone_pages),
        (_PUT_PAGES, batch.pages),
        (_DROP_SNAPSHOTS, batch.gone_snapshots),
        (_ADD_SNAPSHOTS, batch.snapshots),
        *((statement, batch.gone_sandboxes) for statement in _DROP_SANDBOX),
    ]
