"""Building an ecosystem: customers in chunks, made by several processes and written in order, into a folder.

The bytes depend on the recipe alone. The folder is filled beside its place and takes it by a rename, so that nobody
finds half a bank; memory holds a few chunks, however many there are. The processes end with the one that builds,
however that ends.
"""

import multiprocessing
import os
import shutil
import signal
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing, contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from typing import IO

import msgspec
from msgspec import structs

from sandbox.core.clock import Instant, format_instant
from sandbox.store.fields import identifier
from sandbox.store.made import files_mark, manifest_as_made
from sandbox.store.reading import EARLIEST, LATEST, MANIFEST
from sandbox.store.recipe import GENERATOR, StatedRecipe
from sandbox.synth.cast import CAST, logins
from sandbox.synth.chunk import Chunk, make_chunk
from sandbox.synth.merchants import make_merchants
from sandbox.synth.model import MAX_CUSTOMERS, Recipe, Span
from sandbox.synth.window import MONTHS_MOST, Window
from sandbox.synth.writing import Form, lines

__all__ = ["LEAST_CUSTOMERS", "SPAN", "BuildError", "Progress", "build", "spans"]

SPAN = 500
"""How many customers are made at once."""
LEAST_CUSTOMERS = 2 + len(CAST)

Progress = Callable[[int], None]
"""Is told how many customers are done."""

_WAITING = 1
"""How many chunks may wait to be written, besides one for each process that is being made."""
_OPENINGS = {"json": b"[\n", "jsonl": b""}
_BETWEEN = {"json": b",\n", "jsonl": b"\n"}
_ENDINGS = {"json": b"\n]\n", "jsonl": b"\n"}


class BuildError(ValueError):
    """Nothing was built; the message says why and what to do."""


def build(recipe: Recipe, folder: Path, *, form: Form, jobs: int, progress: Progress) -> dict[str, int]:
    """Make the ecosystem of a recipe; how many records of each collection it has.

    Raises:
        BuildError: the recipe asks for too much or too little, the folder holds something that was not built or cannot
            be written, or a process was ended.
        CalendarRangeError: the holidays of its time are not known.
    """
    _check(recipe)
    Window(recipe.as_of, recipe.months)
    try:
        place = _resolved(folder)
        _check_place(place)
        with _beside(place) as half:
            counted = _write(recipe, half, form=form, jobs=jobs, progress=progress)
            _write_manifest(recipe, half, name=place.name)
            _replace(place, half)
    except OSError as error:
        raise BuildError(f"out: {folder} cannot be written: {error.strerror or error}") from None
    except (BrokenProcessPool, MemoryError):
        raise BuildError("jobs: a process came to an end, perhaps for want of memory; use fewer --jobs") from None
    return counted


def spans(customers: int) -> list[Span]:
    """The chunks of so many customers."""
    return [Span(first, min(SPAN, customers - first)) for first in range(0, customers, SPAN)]


def _check(recipe: Recipe) -> None:
    if not LEAST_CUSTOMERS <= recipe.customers <= MAX_CUSTOMERS:
        raise BuildError(f"customers: {recipe.customers} is not within {LEAST_CUSTOMERS} to {MAX_CUSTOMERS}")
    if not 1 <= recipe.months <= MONTHS_MOST:
        raise BuildError(f"months: {recipe.months} is not within 1 to {MONTHS_MOST}")
    if not 0 <= recipe.seed < 2**63:
        raise BuildError(f"seed: {recipe.seed} is not within 0 to 2^63 - 1")
    if not EARLIEST <= recipe.as_of < LATEST:
        told = format_instant(recipe.as_of)
        raise BuildError(f"as-of: {told} is far from the years whose Kuwaiti holidays are known")


def _resolved(folder: Path) -> Path:
    """The place of a folder: one that may be replaced, under a name that the ecosystem can have."""
    try:
        place = folder.resolve()
    except RuntimeError:  # Python 3.11 and 3.12
        raise BuildError(f"out: {folder} is a link to itself; name another folder") from None
    _check_not_around(place)
    within = next(folder for folder in place.parents if folder.exists())
    if not within.is_dir():
        raise BuildError(f"out: {within} is no folder; name another one")
    try:
        identifier(place.name)
    except ValueError as error:
        raise BuildError(f"out: the folder's name is the ecosystem's, and {error}") from None
    return place


def _check_not_around(place: Path) -> None:
    """Whether the current directory lies elsewhere: who stands in a folder that is replaced stands in nothing."""
    try:
        here = Path.cwd()
    except OSError:  # it was deleted
        return
    if place.exists() and any(place.samefile(folder) for folder in (here, *here.parents)):
        raise BuildError(f"out: {place} is the current directory, or around it; name a folder to make, such as my-bank")


def _check_place(place: Path) -> None:
    """Whether the folder may be (over)written: it is not there, empty, or what a build made and nobody edited."""
    if not place.exists() and not place.is_symlink():
        return
    if not place.is_dir():
        raise BuildError(f"out: {place} is no folder; name another one")
    found = sorted(place.iterdir())
    if not found:
        return
    others = [path.name for path in found if path.suffix not in {".json", ".jsonl"} or not path.is_file()]
    if others:
        raise BuildError(f"out: {place} holds {others[0]}, which no build made; name another folder, or move that away")
    if not _is_as_built(place):
        raise BuildError(f"out: {place} is not as a build left it; name another folder, or remove that one yourself")


def _is_as_built(place: Path) -> bool:
    """Whether a folder holds what a build of its recipe writes there, the manifest included."""
    stated = manifest_as_made(place)
    if stated is None or stated.recipe is None:
        return False
    wanted = _manifest(stated.recipe, name=place.name, seed=stated.seed, as_of=stated.as_of)
    return (place / MANIFEST).read_bytes() == wanted


@contextmanager
def _beside(place: Path) -> Iterator[Path]:
    """An empty folder next to the place, gone afterwards unless it was renamed; so are parents made for nothing."""
    missing = [folder for folder in place.parents if not folder.exists()]
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        home = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".half", dir=place.parent))
        try:
            half = home / "new"  # the one above is its maker's alone; this one is open to whom the umask allows
            half.mkdir()
            yield half
        finally:
            for name in ("new", "chunks"):  # not "old", which is there only if it could not be put back
                shutil.rmtree(home / name, ignore_errors=True)
            with suppress(OSError):
                home.rmdir()
    finally:
        for folder in missing:
            with suppress(OSError):
                folder.rmdir()


def _replace(place: Path, half: Path) -> None:
    """Put the new folder in its place; what was there is gone, or, where that fails, there as before."""
    _check_place(place)
    old = half.with_name("old")
    try:
        if place.exists():
            place.rename(old)
        half.rename(place)
    except OSError as error:
        raise BuildError(f"out: {place} cannot be replaced, and is as it was: {error.strerror or error}") from None
    finally:
        if half.exists():
            _put_back(place, old)
        else:
            shutil.rmtree(old, ignore_errors=True)


def _put_back(place: Path, old: Path) -> None:
    if not old.exists():
        return
    try:
        old.rename(place)
    except OSError as error:
        raise BuildError(f"out: {place} cannot be replaced; what was there is now {old}: {error.strerror}") from None


def _write(recipe: Recipe, folder: Path, *, form: Form, jobs: int, progress: Progress) -> dict[str, int]:
    counted: Counter[str] = Counter()
    done = 0
    with ExitStack() as stack:
        files = _Files(folder, form, stack)
        records = make_merchants(recipe.seed, recipe.customers).records()
        files.put("merchants", lines("merchants", records, form))
        counted["merchants"] = len(records)
        chunks = stack.enter_context(closing(_chunks(recipe, form, jobs, folder.with_name("chunks"))))
        for span, chunk in chunks:
            for name, piece in chunk.pieces.items():
                files.put(name, piece)
            counted.update(chunk.counted)
            done += span.count
            del chunk  # it need not be held while the next one is made
            progress(done)
    return dict(counted)


def _chunks(recipe: Recipe, form: Form, jobs: int, aside: Path) -> Generator[tuple[Span, Chunk], None, None]:
    """The chunks in order, made in so many processes; only a few are under way at a time."""
    waiting = deque(spans(recipe.customers))
    workers = min(jobs, len(waiting))
    if workers <= 1:
        yield from ((span, make_chunk(recipe, span, form)) for span in waiting)
        return
    aside.mkdir()
    under_way: deque[tuple[Span, Future[Path]]] = deque()
    with _pool(workers) as pool:
        while waiting or under_way:
            while waiting and len(under_way) < workers + _WAITING:
                span = waiting.popleft()
                under_way.append((span, _submitted(pool, recipe, span, form, aside)))
            span, made = under_way.popleft()
            yield span, _taken(made.result())


def _submitted(pool: ProcessPoolExecutor, recipe: Recipe, span: Span, form: Form, aside: Path) -> Future[Path]:
    """A chunk to be made. The first starts the processes: Ctrl-C is not for them, not even while they start."""
    masks = hasattr(signal, "pthread_sigmask")  # not on Windows
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT]) if masks else None
    try:
        return pool.submit(_make_aside, recipe, span, form, aside)
    except OSError as error:
        raise BuildError(f"jobs: the processes cannot be started: {error.strerror}; use fewer --jobs") from None
    finally:
        if before is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _make_aside(recipe: Recipe, span: Span, form: Form, aside: Path) -> Path:
    """Make a chunk in a process of the pool, as a file.

    What a process sends must be short: the pool waits for ever for the rest of a message whose sender was ended.
    """
    path = aside / f"{span.first}"
    path.write_bytes(msgspec.msgpack.encode(make_chunk(recipe, span, form)))
    return path


def _taken(path: Path) -> Chunk:
    raw = path.read_bytes()
    path.unlink()
    return msgspec.msgpack.decode(raw, type=Chunk)


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """So many processes. Where the block fails they end at once, whatever they are at; so they do if this one dies."""
    context = multiprocessing.get_context("spawn")
    watched, held = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(watched,))
    try:
        yield pool
    except BaseException:
        held.close()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        held.close()
        watched.close()


def _start_worker(watched: Connection) -> None:
    """What a process does before its first chunk: it leaves Ctrl-C to its parent, and ends when that is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with, args=(watched,), daemon=True).start()


def _end_with(watched: Connection) -> None:
    """End this process when the other end of the pipe is closed, which the parent holds and nobody else."""
    watched.poll(None)
    os._exit(1)


class _Files:
    """The files of a folder, each opened when something is put into it."""

    def __init__(self, folder: Path, form: Form, stack: ExitStack) -> None:
        self._folder, self._form, self._stack = folder, form, stack
        self._open: dict[str, IO[bytes]] = {}

    def put(self, collection: str, piece: bytes) -> None:
        """Add lines, as `writing` made them."""
        if not piece:
            return
        file = self._open.get(collection)
        if file is None:
            path = self._folder / f"{collection}.{self._form}"
            file = self._open[collection] = self._stack.enter_context(path.open("wb"))
            self._stack.callback(file.write, _ENDINGS[self._form])
            file.write(_OPENINGS[self._form])
        else:
            file.write(_BETWEEN[self._form])
        file.write(piece)


def _write_manifest(recipe: Recipe, folder: Path, *, name: str) -> None:
    stated = StatedRecipe(version=GENERATOR, customers=recipe.customers, months=recipe.months, files="")
    mark = files_mark(folder, stated, seed=recipe.seed, as_of=recipe.as_of)
    stated = structs.replace(stated, files=mark)
    (folder / MANIFEST).write_bytes(_manifest(stated, name=name, seed=recipe.seed, as_of=recipe.as_of))


def _manifest(recipe: StatedRecipe, *, name: str, seed: int, as_of: Instant) -> bytes:
    """The manifest that a build writes."""
    many = recipe.months
    manifest = {
        "name": name,
        "title": f"A Kuwaiti retail bank: {recipe.customers:,} customers, {many} month{'s' if many > 1 else ''}",
        "as_of": format_instant(as_of),
        "seed": seed,
        "logins": logins(),
        "recipe": structs.asdict(recipe),
    }
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
