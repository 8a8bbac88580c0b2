"""Filters, full-text search and sorting over the records of one collection, values compared as what they are.

The operators are those of json-server 0.17 (`_gte _lte _ne _like`) and of v1 (`:eq :ne :lt :lte :gt :gte :in
:contains :startsWith :endsWith`), each in both spellings. A field that is null or missing matches none of them.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

from sandbox.bank import record_lists
from sandbox.core.errors import Fault, ValidationFailedError
from sandbox.data.patterns import search_for
from sandbox.data.query import MOST_VALUES, Filter, Query, Sorting, too_many_values
from sandbox.data.tables import Table
from sandbox.data.values import MISSING, Kind, Path, text_of
from sandbox.store.export import SECRETS
from sandbox.store.records import ALL_COLLECTIONS, Json

Test = Callable[[Any], bool]


class _Condition(NamedTuple):
    """A filter that is understood: where the value stands, and what it must be."""

    path: Path
    kind: Kind
    test: Test


def select(table: Table, query: Query) -> Sequence[int]:
    """The positions of the records of a table that a query asks for, in its order.

    Raises:
        ValidationFailedError: a name is no field's, or a value none of its field's type; with every fault.
    """
    faults = list(query.faults)
    conditions = [found for wanted in query.filters if (found := _condition(table, wanted, faults)) is not None]
    keys = [_key(table, wanted, faults) for wanted in query.sort]
    if faults:
        raise ValidationFailedError(faults)
    positions: Sequence[int] = range(len(table.records))
    if query.text:
        wanted = query.text.lower()
        positions = [position for position in positions if _contains(table.records[position], wanted)]
    for condition in conditions:
        column = table.column(condition.path, condition.kind)
        test = condition.test
        positions = [position for position in positions if test(column[position])]
    for key, wanted in reversed(list(zip(keys, query.sort, strict=True))):
        positions = sorted(positions, key=key, reverse=wanted.descending)
    return positions


def few_of(name: str, query: Query) -> dict[str, tuple[str, ...]]:
    """The public ids, by field, that a query narrows a known collection to: those can be found without the rest.

    Empty where a name in the query might be a field that only some other record has.
    """
    collection = ALL_COLLECTIONS.get(name)
    if collection is None or query.faults:
        return {}
    known = {"id", *(field.name for field in collection.fields if field.kind is not Json)} - SECRETS
    asked = [(wanted, _bare(wanted.name, known)) for wanted in query.filters]
    if any(field not in known for _, field in asked) or any(key.name not in known for key in query.sort):
        return {}
    finding = record_lists.finding_fields(name)
    exact = ((collection.key if field == "id" else field, wanted) for wanted, field in asked if wanted.name == field)
    return {field: wanted.values for field, wanted in exact if field in finding}


def _bare(name: str, known: set[str]) -> str:
    """A filter's name without its operator."""
    if name in known:
        return name
    return name.rpartition(":")[0] or name.rpartition("_")[0]


def _key(table: Table, wanted: Sorting, faults: list[Fault]) -> Callable[[int], Any]:
    """What positions are sorted by: values first, then null, then what has no such field, as json-server has it."""
    path = table.path(wanted.name)
    if path is None:
        faults.append(Fault("?_sort", "unknown_field", _unknown(table, wanted.name)))
        return lambda position: position
    column = table.column(path, table.kind(path))

    def key(position: int) -> Any:
        value = column[position]
        return (2,) if value is MISSING else (1,) if value is None else (0, value)

    return key


def _condition(table: Table, wanted: Filter, faults: list[Fault]) -> _Condition | None:
    name, operator, colon = _split(table, wanted.name)
    path = table.path(name)
    if operator not in OPERATORS:
        known = ", ".join(OPERATORS)
        detail = f"ends in {operator!r}, which is no operator; there are {known}"
        faults.append(Fault(f"?{wanted.name}", "unknown_operator", detail))
        return None
    if path is None:
        faults.append(Fault(f"?{wanted.name}", "unknown_field", _unknown(table, name)))
        return None
    kind = table.kind(path)
    if colon and wanted.values == ("null",) and operator in {"eq", "ne"}:
        asked = operator == "eq"
        return _Condition(path, kind, lambda value: (value is None or value is MISSING) == asked)
    as_text = operator in _ON_TEXT
    given = [text for value in wanted.values for text in (value.split(",") if operator == "in" else [value])]
    if len(given) > MOST_VALUES:
        faults.append(too_many_values(wanted.name, len(given)))
        return None
    try:
        values = [text if as_text else kind.of_query(text) for text in given]
        test = OPERATORS[operator](values)
    except ValueError as error:
        about = "" if as_text else f"{name} holds values of type {kind.name}: "
        faults.append(Fault(f"?{wanted.name}", "wrong_value", f"{about}{error}"))
        return None
    return _Condition(path, RAW if as_text else kind, _on_values(test))


def _split(table: Table, name: str) -> tuple[str, str, bool]:
    """The field, the operator and whether it stands after a colon; a field may itself end as an operator does."""
    if ":" in name:
        field, _, operator = name.rpartition(":")
        return field, operator, True
    field, _, operator = name.rpartition("_")
    if field and operator in OPERATORS and table.path(name) is None:
        return field, operator, False
    return name, "eq", False


def _on_values(test: Test) -> Test:
    """The test where null and missing match nothing."""
    return lambda value: value is not None and value is not MISSING and test(value)


def _equal(values: list[Any]) -> Test:
    if len(values) == 1:
        (only,) = values
        return lambda value: bool(value == only)
    return lambda value: value in values


def _unequal(values: list[Any]) -> Test:
    return lambda value: value not in values


def _like(values: list[str]) -> Test:
    search = cache(search_for(values))  # the values of a field are few different ones, most often
    return lambda value: search(text_of(value))


def _containing(values: list[str]) -> Test:
    wanted = [text.lower() for text in values]

    def test(value: Any) -> bool:
        if isinstance(value, list):
            return any(text_of(item).lower() in wanted for item in value)
        found = text_of(value).lower()
        return any(text in found for text in wanted)

    return test


def _starting(values: list[str]) -> Test:
    wanted = tuple(text.lower() for text in values)
    return lambda value: text_of(value).lower().startswith(wanted)


def _ending(values: list[str]) -> Test:
    wanted = tuple(text.lower() for text in values)
    return lambda value: text_of(value).lower().endswith(wanted)


OPERATORS: dict[str, Callable[[list[Any]], Test]] = {
    "eq": _equal,
    "ne": _unequal,
    "lt": lambda values: lambda value: any(value < wanted for wanted in values),
    "lte": lambda values: lambda value: any(value <= wanted for wanted in values),
    "gt": lambda values: lambda value: any(value > wanted for wanted in values),
    "gte": lambda values: lambda value: any(value >= wanted for wanted in values),
    "in": _equal,
    "like": _like,
    "contains": _containing,
    "startsWith": _starting,
    "endsWith": _ending,
}
_ON_TEXT = {"like", "contains", "startsWith", "endsWith"}
RAW = Kind("raw", lambda value: value, str)
"""Values as they stand in the record: for what looks at their text."""


def _contains(value: Any, wanted: str) -> bool:
    if isinstance(value, dict):
        return any(_contains(item, wanted) for item in value.values())
    if isinstance(value, list):
        return any(_contains(item, wanted) for item in value)
    return value is not None and wanted in text_of(value).lower()


def _unknown(table: Table, name: str) -> str:
    known = ", ".join(table.field_names())
    return f"{name[:60]!r} is no field of {table.name}; there are {known}"
