"""JSON Schemas (draft 2020-12) of an ecosystem's files, read off the record types, so that nothing is said twice.

Not for checking a folder: `checking` does that, and the rules that rows keep among each other are no schema's.
"""

from datetime import date
from enum import StrEnum
from typing import Any

from sandbox.core.clock import Instant
from sandbox.core.money import MAX_FILS, Fils, format_fils
from sandbox.core.vocabulary import in_files
from sandbox.store.records import ALL_COLLECTIONS, Collection, Field, Id, Json

DIALECT = "https://json-schema.org/draft/2020-12/schema"

MANIFEST_FIELDS = (
    ("name", "text", "yes", "short name; answers of the control plane show it"),
    ("title", "text", "no, `name`", "one line for people"),
    ("as_of", "timestamp", "yes", "the instant at which the data stand, from 1970 to 8999; business time starts here"),
    ("seed", "whole number", "no, 0", "seed of ids and random draws, from 0 to 2^63 - 1"),
    ("writes", "whole number", "no, none", "exports alone: the write number, from which ids and business time go on"),
    ("logins", "list of logins", "no, none", "whom `sandbank serve` and `GET /_sandbox/info` name as demo logins"),
    ("recipe", "recipe", "no, none", "what `sandbank ecosystem build` made the folder from; not for writing by hand"),
)
RECIPE_FIELDS = (
    ("version", "whole number", "yes", "version of the generator"),
    ("customers", "whole number", "yes", "how many customers were asked for"),
    ("months", "whole number", "yes", "how many months of history"),
    (
        "files",
        "text",
        "yes",
        "mark of the recipe, `seed`, `as_of` and the other files as made: an edited folder no longer has it",
    ),
)
LOGIN_FIELDS = (
    ("username", "text", "yes", "a `username` of `auth_users`"),
    ("password", "text", "yes", "the password as people type it"),
    ("note", "text", "no, empty", "what the login is good for"),
)

SECRETS = {"password": "plain password, hashed at load and never kept", "pin": "plain PIN, the same"}
"""Fields of `credentials` that files may carry and records never do."""

_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MAX_KWD = MAX_FILS / 1_000
_SHAPES: dict[Any, dict[str, Any]] = {
    Id: {"type": "string", "minLength": 1, "maxLength": 64},
    Fils: {
        "anyOf": [
            {"type": "number", "minimum": -_MAX_KWD, "maximum": _MAX_KWD},
            {"type": "string", "pattern": r"^-?[0-9]{1,19}(\.[0-9]{1,3}0{0,6})?$"},
        ]
    },
    Instant: {
        "type": "string",
        "format": "date-time",
        "pattern": rf"^{_DAY}[Tt ][0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}(\.[0-9]{{1,6}})?([Zz]|[+-][0-9]{{2}}:[0-9]{{2}})$",
    },
    date: {"type": "string", "format": "date", "pattern": f"^{_DAY}$"},
    bool: {"type": "boolean"},
    int: {"type": "integer", "minimum": 1 - 2**53, "maximum": 2**53 - 1},
    Json: {},
    str: {"type": "string"},
}


def schemas() -> dict[str, dict[str, Any]]:
    """A JSON Schema for every file, by the name of what it describes; `ecosystem` is the manifest's."""
    return {"ecosystem": _manifest_schema()} | {name: schema(made) for name, made in ALL_COLLECTIONS.items()}


def schema(collection: Collection) -> dict[str, Any]:
    """The JSON Schema of a collection's file: an array of records."""
    return {
        "$schema": DIALECT,
        "title": collection.name,
        "description": story(collection),
        "type": "array",
        "items": {"$ref": "#/$defs/record"},
        "$defs": {"record": record_schema(collection)},
    }


def record_schema(collection: Collection) -> dict[str, Any]:
    """The JSON Schema of one record; fields that the collection does not know are kept, and so allowed."""
    properties = {field.name: _property(field) for field in collection.fields}
    if collection.name == "credentials":
        secrets = {"type": ["string", "null"], "minLength": 1, "writeOnly": True}
        properties |= {name: {"description": doc} | secrets for name, doc in SECRETS.items()}
    return {
        "description": story(collection),
        "type": "object",
        "properties": properties,
        "required": [field.name for field in collection.fields if field.required],
    }


def record_name(collection: Collection) -> str:
    """What the schema of a collection's record is called among others: `AccountRecord`."""
    return f"{collection.kind.__name__.removesuffix('Record')}Record"


def story(collection: Collection) -> str:
    """What a collection holds, in a line."""
    doc = collection.kind.__doc__
    assert doc, f"{collection.name} lacks its documentation"
    return " ".join(doc.split())


def in_file(field: Field) -> Any:
    """The default as a file would write it."""
    if isinstance(field.default, StrEnum):
        return in_files(field.default)
    return format_fils(field.default) if field.kind is Fils else field.default


def _property(field: Field) -> dict[str, Any]:
    made: dict[str, Any] = {"description": field.doc}
    if field.is_enumeration:
        made["enum"] = [in_files(member) for member in field.kind] + ([None] if field.optional else [])
    elif not field.optional or field.kind is Json:
        made |= _SHAPES[field.kind]
    elif "type" in _SHAPES[field.kind]:
        made |= _SHAPES[field.kind] | {"type": [_SHAPES[field.kind]["type"], "null"]}
    else:
        made["anyOf"] = [*_SHAPES[field.kind]["anyOf"], {"type": "null"}]
    if not field.required and field.default is not None:
        made["default"] = in_file(field)
    if field.reference:
        made["x-reference"] = {"collection": field.reference, "field": ALL_COLLECTIONS[field.reference].key}
    return made


_RECIPE_SHAPES = {"whole number": {"type": "integer"}, "text": {"type": "string"}}


def _manifest_schema() -> dict[str, Any]:
    text = {"type": "string"}
    shapes: dict[str, dict[str, Any]] = {
        "name": text,
        "title": text,
        "as_of": _SHAPES[Instant],
        "seed": {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
        "writes": {"type": ["integer", "null"], "minimum": 0, "maximum": 2**40 - 1},
        "logins": {"type": "array", "items": _object({name: text for name, *_ in LOGIN_FIELDS}, LOGIN_FIELDS)},
        "recipe": _object({name: _RECIPE_SHAPES[kind] for name, kind, *_ in RECIPE_FIELDS}, RECIPE_FIELDS),
    }
    described = {name: {"description": doc} | shapes[name] for name, _, _, doc in MANIFEST_FIELDS}
    head = {"$schema": DIALECT, "title": "ecosystem", "description": "The manifest of an ecosystem."}
    return head | _object(described, MANIFEST_FIELDS)


def _object(properties: dict[str, Any], fields: tuple[tuple[str, str, str, str], ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name, _, need, _ in fields if need == "yes"],
        "additionalProperties": False,
    }
