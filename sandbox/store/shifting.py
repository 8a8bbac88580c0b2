"""Moving an ecosystem's data in time, by whole weeks: weekdays stay, paydays may not. Dates of birth never move."""

from datetime import date, timedelta

from msgspec import structs

from sandbox.core.clock import DAY, Instant
from sandbox.store.fields import Row
from sandbox.store.reading import RawEcosystem
from sandbox.store.records import ALL_COLLECTIONS, Collection

WEEK = 7 * DAY

_FIXED_DATES = {"date_of_birth"}


def weeks_between(start: int, end: int) -> int:
    """How many whole weeks fit between two instants; less than zero where `end` lies before `start`."""
    return (end - start) // WEEK


def shifted(raw: RawEcosystem, weeks: int) -> RawEcosystem:
    """The same ecosystem, `weeks` weeks later (earlier where less than zero)."""
    if weeks == 0:
        return raw
    rows = {name: _rows(ALL_COLLECTIONS[name], found, weeks) for name, found in raw.rows.items()}
    manifest = structs.replace(raw.manifest, as_of=Instant(raw.manifest.as_of + weeks * WEEK))
    return structs.replace(raw, rows=rows, manifest=manifest)


def _rows(collection: Collection, rows: list[Row], weeks: int) -> list[Row]:
    instants = [field.name for field in collection.fields if field.kind is Instant]
    dates = [field.name for field in collection.fields if field.kind is date and field.name not in _FIXED_DATES]
    days = timedelta(weeks=weeks)
    out = []
    for row in rows:
        moved = {name: row[name] + weeks * WEEK for name in instants if row[name] is not None}
        later = {name: (date.fromisoformat(row[name]) + days).isoformat() for name in dates if row[name] is not None}
        out.append(row | moved | later)
    return out
