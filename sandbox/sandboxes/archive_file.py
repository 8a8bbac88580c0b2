"""The archive file on disk: its folder, its lock, and whether it can be opened at all.

One server at a time works on a folder: it holds a lock in a file beside the archive, which ends with the process,
however that ends. The archive itself stays readable for others, so that it can be copied while the server runs.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from sandbox import __version__
from sandbox.core.settings import Durability
from sandbox.sandboxes.archive_tables import ARCHIVE_VERSION, ArchiveError, about, fingerprint, metadata
from sandbox.store.engine import schema_statements

ARCHIVE_NAME = "sandbank.archive"
_LOCK_NAME = "sandbank.lock"


class ArchiveFile:
    """The archive of one folder, which nobody else works on."""

    def __init__(self, place: Path, lock: sqlite3.Connection) -> None:
        self.place = place
        self._lock = lock

    @classmethod
    def open(cls, folder: Path) -> "ArchiveFile":
        """Take the folder, making it and an empty archive where there is none.

        Raises:
            ArchiveError: it cannot be used, another server uses it, or the archive is another version's or damaged.
        """
        _make_folder(folder)
        lock = _locked(folder)
        made = cls(folder / ARCHIVE_NAME, lock)
        try:
            with made.reading() as db:
                _prepare(db, made.place)
        except BaseException:
            made.release()
            raise
        return made

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A plain connection, for the time before the server runs.

        Raises:
            ArchiveError: the file cannot be read.
        """
        engine = sa.create_engine(sa.URL.create("sqlite", database=str(self.place)), poolclass=NullPool)
        _on_connect(engine, "NORMAL")
        try:
            with engine.connect() as db:
                yield db
        except sa.exc.DBAPIError as error:
            raise ArchiveError(_unreadable(self.place, error)) from None
        finally:
            engine.dispose()

    def writing(self, durability: Durability) -> AsyncEngine:
        """An engine for the writer: with durability `write`, a commit has reached the disk when it returns."""
        url = sa.URL.create("sqlite+aiosqlite", database=str(self.place))
        engine = create_async_engine(url, pool_size=1, max_overflow=0, hide_parameters=True)
        _on_connect(engine.sync_engine, "FULL" if durability == "write" else "NORMAL")
        return engine

    def release(self) -> None:
        """Let others have the folder."""
        self._lock.close()


def about_row(*, named: int, opened: bytes) -> dict[str, Any]:
    """The one row that says what the archive is, and what is to be said of the house as a whole."""
    marks = {"key": 1, "version": ARCHIVE_VERSION, "fingerprint": fingerprint(), "written_by": __version__}
    return marks | {"named": named, "opened": opened}


def _make_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ArchiveError(f"--data-dir: {str(folder)!r} is a file; name a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArchiveError(f"--data-dir: the folder {str(folder)!r} cannot be made: {error.strerror}") from None
    # SQLite may open what is there already, and fails later with words that lead astray.
    if not os.access(folder, os.W_OK):
        raise ArchiveError(f"--data-dir: nothing can be written to {str(folder)!r}; look at its rights, and its mount")


def _locked(folder: Path) -> sqlite3.Connection:
    """A connection that holds the folder's lock: SQLite's own, which every system has and which ends with a process."""
    lock = None
    try:
        lock = sqlite3.connect(folder / _LOCK_NAME, timeout=0, isolation_level=None, check_same_thread=False)
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        if lock is not None:
            lock.close()
        if "locked" in str(error):
            message = f"--data-dir: another server works on {str(folder)!r}; stop it, or name another folder"
        else:
            message = f"--data-dir: nothing can be written to {str(folder)!r}: {error}"
        raise ArchiveError(message) from None
    return lock


def _on_connect(engine: sa.Engine, synchronous: str) -> None:
    def set_up(raw: Any, _: object) -> None:
        cursor = raw.cursor()
        for pragma in ("journal_mode = WAL", f"synchronous = {synchronous}", "foreign_keys = ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    sa.event.listen(engine, "connect", set_up)


def _prepare(db: sa.Connection, place: Path) -> None:
    """Make the tables of an empty file; refuse one that is another version's.

    Raises:
        ArchiveError: with which version wrote it and what to do.
    """
    tables = sa.inspect(db).get_table_names()
    if not tables:
        db.rollback()
        db.exec_driver_sql("BEGIN IMMEDIATE")
        for statement in schema_statements(metadata):
            db.execute(statement)
        db.execute(sa.insert(about), about_row(named=0, opened=b""))
        db.commit()
        return
    if about.name not in tables:
        raise ArchiveError(_unreadable(place, "it has other tables"))
    # Only what every version has: the rest of the row may be another one's.
    marks = (about.c.version, about.c.fingerprint, about.c.written_by)
    try:
        version, known, written_by = db.execute(sa.select(*marks)).one()
    except (sa.exc.OperationalError, sa.exc.NoResultFound):
        raise ArchiveError(_unreadable(place, "it does not say which version wrote it")) from None
    if (version, known) != (ARCHIVE_VERSION, fingerprint()):
        raise ArchiveError(
            f"{str(place)!r} was written by Sandbank {written_by} with other tables (archive {version}, {known}) than"
            f" Sandbank {__version__} has (archive {ARCHIVE_VERSION}, {fingerprint()}); move the file away or name"
            " another --data-dir to start anew; to keep a bank, serve the file with the version that wrote it, take"
            " GET /_sandbox/export there, and POST it to /_sandbox/import here"
        )


def _unreadable(place: Path, why: object) -> str:
    reason = why.orig if isinstance(why, sa.exc.DBAPIError) else why
    return (
        f"{str(place)!r} cannot be read as an archive: {reason}; put a copy of it back, move it away to start anew,"
        " or name another --data-dir"
    )


def damaged(place: Path, what: str) -> ArchiveError:
    """The error for an archive whose bytes are not what was written."""
    return ArchiveError(_unreadable(place, f"{what} is damaged"))
