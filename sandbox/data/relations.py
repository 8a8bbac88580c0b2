"""Records of other collections beside a record: its children by `_embed`, its parents by `_expand` (or `_embed`).

Known collections are related by the references of their record types, others by json-server's convention: a comment
belongs to the post that its `postId`, or `post_id`, names.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from sandbox.core.errors import Fault, ValidationFailedError
from sandbox.data.query import Query
from sandbox.data.tables import Table
from sandbox.store.records import ALL_COLLECTIONS

_IRREGULAR = {"people": "person", "children": "child", "men": "man", "women": "woman", "series": "series"}


class _Relation(NamedTuple):
    """What is put under `name`: the records of `table` that `find` finds for a record."""

    name: str
    find: Callable[[Any], Any]


def singular(name: str) -> str:
    """The name of one record of a collection: `post` of `posts`, `category` of `categories`."""
    head, separator, last = name.rpartition("_")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last.endswith("ies"):
        last = f"{last[:-3]}y"
    elif last.endswith(("sses", "shes", "ches", "xes", "zes", "uses")):
        last = last[:-2]
    elif last.endswith("s") and not last.endswith("ss"):
        last = last[:-1]
    return f"{head}{separator}{last}"


def collections_needed(base: str, query: Query, names: Iterable[str]) -> list[str]:
    """The collections that a query looks at, out of `names`, its own first."""
    known = list(names)
    wanted = [base]
    for relation in (*query.embed, *query.expand):
        parent = _parent_collection(base, relation, known)
        wanted += [name for name in (relation, parent) if name in known]
    return list(dict.fromkeys(wanted))


def relate(records: list[Any], base: Table, query: Query, tables: Mapping[str, Table]) -> list[Any]:
    """The records, each with what a query wants beside it.

    Raises:
        ValidationFailedError: a name is no relation of the collection; with every fault.
    """
    faults: list[Fault] = []
    relations = [found for name in query.embed if (found := _embedded(name, base, tables, faults)) is not None]
    relations += [found for name in query.expand if (found := _expanded(name, base, tables, faults)) is not None]
    if faults:
        raise ValidationFailedError(faults)
    if not relations:
        return records
    return [_related(record, relations) if isinstance(record, dict) else record for record in records]


def _related(record: dict[str, Any], relations: list[_Relation]) -> dict[str, Any]:
    found = {relation.name: relation.find(record) for relation in relations}
    return record | {name: value for name, value in found.items() if value is not None}


def _embedded(name: str, base: Table, tables: Mapping[str, Table], faults: list[Fault]) -> _Relation | None:
    """Children, or, as v1 has it, a parent."""
    children = tables.get(name)
    fields = _fields_to(base.name, children) if children is not None else []
    if children is None or (not fields and children.records):
        problems: list[Fault] = []
        parent = _expanded(name, base, tables, problems)
        if parent is None:
            detail = f"{name[:60]!r} neither belongs to {base.name} nor is what they belong to"
            faults.append(Fault("?_embed", "unknown_relation", detail))
        return parent

    def find(record: dict[str, Any]) -> Any:
        identifier = record.get(base.key)
        return [] if identifier is None else children.having(fields, identifier)

    return _Relation(name, find)


def _expanded(name: str, base: Table, tables: Mapping[str, Table], faults: list[Fault]) -> _Relation | None:
    collection = _parent_collection(base.name, name, tables)
    parents = tables.get(collection) if collection is not None else None
    fields = [field for field in (f"{name}_id", f"{name}Id") if base.has_field(field)]
    if parents is None or (not fields and base.records):
        detail = f"{name[:60]!r} is nothing that {base.name} belong to"
        faults.append(Fault("?_expand", "unknown_relation", detail))
        return None

    def find(record: dict[str, Any]) -> Any:
        for field in fields:
            found = parents.having([parents.key], record[field]) if record.get(field) is not None else []
            if found:
                return found[0]
        return None

    return _Relation(name, find)


def _fields_to(base: str, children: Table) -> list[str]:
    """The fields with which records of a table name the record of `base` that they belong to."""
    known = ALL_COLLECTIONS.get(children.name)
    stated = [field.name for field in known.references() if field.reference == base] if known is not None else []
    one = singular(base)
    return stated or [field for field in (f"{one}Id", f"{one}_id") if children.has_field(field)]


def _parent_collection(base: str, name: str, known: Iterable[str]) -> str | None:
    """The collection that a record's `name` is in: where its reference leads, else by the plural of the name."""
    collection = ALL_COLLECTIONS.get(base)
    for field in collection.references() if collection is not None else ():
        if field.name == f"{name}_id":
            return field.reference
    return next((found for found in known if singular(found) == name), None)
