"""A collection at hand: its records in memory, with the columns and indexes that queries have asked for.

Small collections are read for each request. Those that are not are read once, in a thread, and kept until something
is written; after that, only what has changed is read again.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from sandbox.bank import record_lists
from sandbox.bank.record_lists import Baseline
from sandbox.data.values import MISSING, Kind, Path, at, kind_among, kind_of, path_of, text_of
from sandbox.sandboxes.image import Image
from sandbox.sandboxes.root import StateRoot
from sandbox.store.export import SECRETS
from sandbox.store.records import ALL_COLLECTIONS

INLINE = 400
"""Reading more records than this takes longer than the loop may be held up."""

INLINE_BYTES = 256 * 1024
"""The same of bytes, in collections of any JSON."""

_KEPT = 8
"""How many sandboxes' collections are kept; the one used longest ago goes first."""

_BASELINES = 2
"""Of how many clean images the collections are kept."""


class Table:
    """The records of one collection as they stood after one write. Threads may look through it at the same time:
    what is made when it is asked for is shown once it is whole, and at worst it is made twice.
    """  # noqa: D205

    __slots__ = ("_columns", "_groups", "_key", "_kinds", "large", "name", "records")

    def __init__(self, name: str, found: list[Any], *, large: bool = False) -> None:
        self.name = name
        self.records = found
        self.large = large or len(found) > INLINE
        """Whether looking through it takes longer than the loop may be held up."""
        known = ALL_COLLECTIONS.get(name)
        self._key = known.key if known is not None else "id"
        fields = known.fields if known is not None else ()
        self._kinds = {field.name: kind_of(field) for field in fields if field.name not in SECRETS}
        self._columns: dict[tuple[Path, str], list[Any]] = {}
        self._groups: dict[str, dict[str, list[int]]] = {}

    @property
    def key(self) -> str:
        """The field that identifies a record."""
        return self._key

    def path(self, name: str) -> Path | None:
        """The path that a name stands for, or None where no record could have such a field; `id` is the identifier."""
        if name == "id":
            return (self._key,)
        if name in self._kinds:
            return (name,)
        path = (name,) if any(isinstance(record, dict) and name in record for record in self.records) else path_of(name)
        if not path:
            return None
        if not self.records and not self._kinds:
            return path  # nothing says what the records of an empty collection look like
        return path if any(at(record, path) is not MISSING for record in self.records) else None

    def kind(self, path: Path) -> Kind:
        """The type of the values at a path."""
        stated = self._kinds.get(path[0]) if len(path) == 1 else None
        if stated is not None:
            return stated
        values = (at(record, path) for record in self.records)
        return kind_among(value for value in values if value is not None and value is not MISSING)

    def column(self, path: Path, kind: Kind) -> list[Any]:
        """The values at a path, as they are compared, in order of the records; null and missing stay."""
        place = path, kind.name
        found = self._columns.get(place)
        if found is None:
            raw = [at(record, path) for record in self.records]
            found = [value if value is None or value is MISSING else kind.of_record(value) for value in raw]
            self._columns[place] = found
        return found

    def having(self, fields: Sequence[str], value: Any) -> list[Any]:
        """The records one of whose `fields` is `value`, compared as text, in order."""
        wanted = text_of(value)
        groups = [self._grouped(field).get(wanted, []) for field in fields]
        positions = groups[0] if len(groups) == 1 else sorted({position for group in groups for position in group})
        return [self.records[position] for position in positions]

    def _grouped(self, field: str) -> dict[str, list[int]]:
        """The positions of the records by what their `field` is, as text."""
        groups = self._groups.get(field)
        if groups is None:
            groups = {}
            for position, record in enumerate(self.records):
                found = record.get(field) if isinstance(record, dict) else None
                if found is not None:
                    groups.setdefault(text_of(found), []).append(position)
            self._groups[field] = groups
        return groups

    def has_field(self, field: str) -> bool:
        """Whether the records have a field of that name."""
        return field in self._kinds or any(isinstance(record, dict) and field in record for record in self.records)

    def field_names(self) -> list[str]:
        """The names of the fields: those of the record type, or those that the first records have."""
        if self._kinds:
            return list(self._kinds)
        seen: dict[str, None] = {}
        for record in self.records[:20]:
            seen |= dict.fromkeys(record) if isinstance(record, dict) else {}
        return list(seen) or ["none yet"]


class _Kept(NamedTuple):
    """The tables of a root as they stood after write `n`; `outdated` is done when another is made."""

    root: StateRoot
    n: int
    tables: dict[str, Table]
    outdated: asyncio.Future[None]


class RecordTables:
    """The large collections that were read, by state root, until something is written there or it is retired."""

    __slots__ = ("_baselines", "_kept")

    def __init__(self) -> None:
        self._baselines: OrderedDict[int, tuple[Image, Baseline]] = OrderedDict()
        self._kept: OrderedDict[int, _Kept] = OrderedDict()

    async def tables(
        self, root: StateRoot, names: Iterable[str], *, few: Mapping[str, Sequence[str]] | None = None
    ) -> dict[str, Table]:
        """The collections of these names, all as they stood after the same write; names of none are left out.

        Args:
            root: the state of the sandbox.
            names: of the collections; what is asked for is in the first.
            few: public ids by field, when the first may be narrowed to the records that have one of them there.
        """
        wanted = list(dict.fromkeys(names))
        small = partial(record_lists.small_collections, at_most=INLINE, at_most_bytes=INLINE_BYTES)
        found, large = root.read(small, wanted)
        if few and large == wanted[:1]:
            narrowed = root.read(record_lists.few_records, wanted[0], few, at_most=INLINE)
            if narrowed is not None:
                large.remove(wanted[0])
                found[wanted[0]] = narrowed
        tables = {name: Table(name, values) for name, values in found.items()}
        if not large:
            return tables
        n = root.write_number
        kept = dict(self._at(root, n))
        missing = [name for name in large if name not in kept]
        if missing:
            # Small ones are read again in the same copy: nothing may have been written in between.
            read = await root.inspect(partial(_read, self._baseline(root), missing, list(found)))
            tables = {name: Table(name, read[name]) for name in found}
            kept |= {name: Table(name, read[name], large=True) for name in missing}
            self._keep(root, n, kept)
        return tables | {name: kept[name] for name in large}

    def _baseline(self, root: StateRoot) -> Baseline:
        clean = root.image.clean
        if id(clean) not in self._baselines:
            self._baselines[id(clean)] = clean, Baseline(clean.data)
        self._baselines.move_to_end(id(clean))
        while len(self._baselines) > _BASELINES:
            self._baselines.popitem(last=False)
        return self._baselines[id(clean)][1]

    def _at(self, root: StateRoot, n: int) -> dict[str, Table]:
        entry = self._kept.get(id(root))
        if entry is None or entry.n != n:
            return {}
        self._kept.move_to_end(id(root))
        return entry.tables

    def _keep(self, root: StateRoot, n: int, tables: dict[str, Table]) -> None:
        entry = self._kept.get(id(root))
        if entry is not None:
            if entry.n > n:
                return  # somebody has read what was written meanwhile
            self._forget(entry)
        made = self._kept[id(root)] = _Kept(root, n, tables, root.next_commit())
        made.outdated.add_done_callback(lambda _: self._forget(made))
        while len(self._kept) > _KEPT:
            self._forget(next(iter(self._kept.values())))

    def _forget(self, entry: _Kept) -> None:
        """Let go of tables, and of their root: another write was made, the root is retired, or there are too many."""
        if self._kept.get(id(entry.root)) is entry:
            del self._kept[id(entry.root)]
            entry.outdated.cancel()


def _read(baseline: Baseline, large: list[str], small: list[str], db: Any) -> dict[str, list[Any]]:
    known = [name for name in large if name in ALL_COLLECTIONS]
    plain = [name for name in [*large, *small] if name not in ALL_COLLECTIONS or name in small]
    read = record_lists.read_collections(db, names=plain) if plain else {}
    return read | baseline.read_collections(db, names=known) if known else read
