"""Building an ecosystem: customers in chunks, made by several processes and written in order, into a folder.

The bytes depend on the recipe alone. The folder is filled beside its place and takes it by a rename, so that nobody
finds half a bank; memory holds a few chunks, however many there are.
"""

import multiprocessing
import os
import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import msgspec
from msgspec import structs

from sandbox.core.clock import format_instant
from sandbox.store.made import files_mark, manifest_as_made
from sandbox.store.reading import MANIFEST
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

_WAITING_FOR_EACH = 2
"""How many chunks may be under way or wait to be written, for each process."""
_OPENINGS = {"json": b"[\n", "jsonl": b""}
_BETWEEN = {"json": b",\n", "jsonl": b"\n"}
_ENDINGS = {"json": b"\n]\n", "jsonl": b"\n"}


class BuildError(ValueError):
    """Nothing was built; the message says why and what to do."""


def build(recipe: Recipe, folder: Path, *, form: Form, jobs: int, progress: Progress) -> dict[str, int]:
    """Make the ecosystem of a recipe; how many records of each collection it has.

    Raises:
        BuildError: the recipe asks for too much or too little, or the folder holds something that was not built.
        CalendarRangeError: the holidays of its time are not known.
    """
    _check(recipe)
    Window(recipe.as_of, recipe.months)
    place = folder.resolve()
    _check_place(place)
    with _beside(place) as half:
        counted = _write(recipe, half, form=form, jobs=jobs, progress=progress)
        _write_manifest(recipe, half, name=place.name)
        _replace(place, half)
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
    if manifest_as_made(place) is None:
        raise BuildError(f"out: {place} is not as a build left it; name another folder, or remove that one yourself")


@contextmanager
def _beside(place: Path) -> Iterator[Path]:
    """An empty folder next to the place, gone afterwards unless it was renamed."""
    half = place.with_name(f".{place.name}.{os.getpid()}.half")
    try:
        half.mkdir(parents=True)
    except OSError as error:
        raise BuildError(f"out: {place} cannot be written: {error.strerror}") from None
    try:
        yield half
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _replace(place: Path, half: Path) -> None:
    old = half.with_suffix(".old")
    if place.exists():
        place.rename(old)
    half.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def _write(recipe: Recipe, folder: Path, *, form: Form, jobs: int, progress: Progress) -> dict[str, int]:
    counted: Counter[str] = Counter()
    done = 0
    with ExitStack() as closing:
        files = _Files(folder, form, closing)
        records = make_merchants(recipe.seed, recipe.customers).records()
        files.put("merchants", lines("merchants", records, form))
        counted["merchants"] = len(records)
        for span, chunk in _chunks(recipe, form, jobs):
            for name, piece in chunk.pieces.items():
                files.put(name, piece)
            counted.update(chunk.counted)
            done += span.count
            progress(done)
    return dict(counted)


def _chunks(recipe: Recipe, form: Form, jobs: int) -> Iterator[tuple[Span, Chunk]]:
    """The chunks in order, made in so many processes; only a few are under way at a time."""
    waiting = deque(spans(recipe.customers))
    workers = min(jobs, len(waiting))
    if workers == 1:
        yield from ((span, make_chunk(recipe, span, form)) for span in waiting)
        return
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        under_way: deque[tuple[Span, Future[Chunk]]] = deque()
        try:
            while waiting or under_way:
                while waiting and len(under_way) < _WAITING_FOR_EACH * workers:
                    span = waiting.popleft()
                    under_way.append((span, pool.submit(make_chunk, recipe, span, form)))
                span, made = under_way.popleft()
                yield span, made.result()
        finally:
            pool.shutdown(cancel_futures=True)


class _Files:
    """The files of a folder, each opened when something is put into it."""

    def __init__(self, folder: Path, form: Form, closing: ExitStack) -> None:
        self._folder, self._form, self._closing = folder, form, closing
        self._open: dict[str, IO[bytes]] = {}

    def put(self, collection: str, piece: bytes) -> None:
        """Add lines, as `writing` made them."""
        if not piece:
            return
        file = self._open.get(collection)
        if file is None:
            path = self._folder / f"{collection}.{self._form}"
            file = self._open[collection] = self._closing.enter_context(path.open("wb"))
            self._closing.callback(file.write, _ENDINGS[self._form])
            file.write(_OPENINGS[self._form])
        else:
            file.write(_BETWEEN[self._form])
        file.write(piece)


def _write_manifest(recipe: Recipe, folder: Path, *, name: str) -> None:
    many = recipe.months
    mark = files_mark(folder, seed=recipe.seed, as_of=recipe.as_of)
    stated = StatedRecipe(version=GENERATOR, customers=recipe.customers, months=recipe.months, files=mark)
    manifest = {
        "name": name,
        "title": f"A Kuwaiti retail bank: {recipe.customers:,} customers, {many} month{'s' if many > 1 else ''}",
        "as_of": format_instant(recipe.as_of),
        "seed": recipe.seed,
        "logins": logins(),
        "recipe": structs.asdict(stated),
    }
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
