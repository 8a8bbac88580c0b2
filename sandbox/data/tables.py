"""A collection at hand: its records in memory, with the columns and indexes that queries have asked for.

Small collections are read for each request. Those that are not are read once, in a thread, and kept until something
is written; after that, only what has changed is read again.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from sandbox.bank import record_lists
from sandbox.bank.record_lists import Baseline
from sandbox.data.values import MISSING, Kind, Path, at, kind_among, kind_of, path_of, text_of
from sandbox.sandboxes.image import Image
from sandbox.sandboxes.root import StateRoot
from sandbox.store.export import SECRETS
from sandbox.store.records import ALL_COLLECTIONS

INLINE = 400
"""Reading more records than this takes longer than the loop may be held up."""

_KEPT = 8
"""How many sandboxes' collections are kept; the one used longest ago goes first."""

_BASELINES = 2
"""Of how many clean images the collections are kept."""


class Table:
    """The records of one collection as they stood after one write."""

    __slots__ = ("_columns", "_groups", "_key", "_kinds", "name", "records")

    def __init__(self, name: str, found: list[Any]) -> None:
        self.name = name
        self.records = found
        known = ALL_COLLECTIONS.get(name)
        self._key = known.key if known is not None else "id"
        fields = known.fields if known is not None else ()
        self._kinds = {field.name: kind_of(field) for field in fields if field.name not in SECRETS}
        self._columns: dict[tuple[Path, str], list[Any]] = {}
        self._groups: dict[str, dict[str, list[Any]]] = {}

    @property
    def key(self) -> str:
        """The field that identifies a record."""
        return self._key

    @property
    def large(self) -> bool:
        """Whether looking through it takes longer than the loop may be held up."""
        return len(self.records) > INLINE

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

    def having(self, field: str, value: Any) -> list[Any]:
        """The records whose `field` is `value`, compared as text."""
        groups = self._groups.get(field)
        if groups is None:
            groups = self._groups[field] = {}
            for record in self.records:
                found = record.get(field) if isinstance(record, dict) else None
                if found is not None:
                    groups.setdefault(text_of(found), []).append(record)
        return groups.get(text_of(value), [])

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


class Shelf:
    """The large collections that were read, by state root, as long as nothing is written."""

    __slots__ = ("_baselines", "_kept")

    def __init__(self) -> None:
        self._baselines: OrderedDict[int, tuple[Image, Baseline]] = OrderedDict()
        self._kept: OrderedDict[int, tuple[StateRoot, int, dict[str, Table]]] = OrderedDict()

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
        found, large = root.read(record_lists.small_collections, wanted, at_most=INLINE)
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
            kept |= {name: Table(name, read[name]) for name in missing}
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
        if entry is None or entry[0] is not root or entry[1] != n:
            return {}
        self._kept.move_to_end(id(root))
        return entry[2]

    def _keep(self, root: StateRoot, n: int, tables: dict[str, Table]) -> None:
        entry = self._kept.get(id(root))
        if entry is not None and entry[0] is root and entry[1] > n:
            return  # somebody has read what was written meanwhile
        self._kept[id(root)] = root, n, tables
        self._kept.move_to_end(id(root))
        for key in [key for key, (held, _, _) in self._kept.items() if held.retired]:
            del self._kept[key]
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


def _read(baseline: Baseline, large: list[str], small: list[str], db: Any) -> dict[str, list[Any]]:
    known = [name for name in large if name in ALL_COLLECTIONS]
    plain = [name for name in [*large, *small] if name not in ALL_COLLECTIONS or name in small]
    read = record_lists.read_collections(db, names=plain) if plain else {}
    return read | baseline.read_collections(db, names=known) if known else read
