"""The reference of an ecosystem's files, as Markdown for people and as JSON Schemas for machines.

Fields, types, enumerations and references are read off the record types, so that nothing is said twice; the rules
that rows keep among each other stand here in words, and a test holds them against `store.checking`. Not for checking
a folder: `sandbank ecosystem validate` does that.
"""

import json
from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from sandbox.cli.files import make_folder, write_text
from sandbox.core.clock import Instant
from sandbox.core.money import MAX_FILS, Fils, format_fils
from sandbox.core.vocabulary import in_files
from sandbox.store.records import ALL_COLLECTIONS, COLLECTIONS, RUNTIME_COLLECTIONS, Collection, Field, Id, Json

BEGIN = "<!-- reference:begin (made by `sandbank ecosystem reference`; do not edit) -->"
END = "<!-- reference:end -->"

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Rule(msgspec.Struct, frozen=True):
    """What a field of a collection must keep beyond its type."""

    collection: str
    field: str
    text: str


RULES = (
    Rule("accounts", "account_number", "no two accounts share one"),
    Rule("accounts", "iban", "no two accounts share one"),
    Rule("accounts", "currency", "`KWD`, the only currency here"),
    Rule("accounts", "overdraft_limit", "0.000 or more"),
    Rule("accounts", "balance", "0.000 on a CLOSED account"),
    Rule(
        "accounts",
        "balance",
        "the balance minus every COMPLETED movement is what the account opened with, dated before the first of them; "
        "it is not under the overdraft limit",
    ),
    Rule("accounts", "balance", "at least what the account's PENDING debits hold, less the overdraft limit"),
    Rule("accounts", "balance", "all balances together at most 2^61 fils, which is what the ledger can count"),
    Rule("accounts", "opened_at", "not after `as_of`"),
    Rule("audit_logs", "created_at", "not after `as_of`"),
    Rule("transactions", "amount", "more than 0.000; the direction says which way"),
    Rule("transactions", "amount", "all movements together at most 2^61 fils, which is what the ledger can count"),
    Rule(
        "transactions",
        "amount",
        "no movement takes the running balance under the overdraft limit at any moment (in an export only the balance "
        "that is left must keep it, since limits change)",
    ),
    Rule("transactions", "customer_id", "the holder of the account, when it is given"),
    Rule("transactions", "booked_at", "not after `as_of`"),
    Rule("transactions", "reversed_at", "on REVERSED movements only"),
    Rule("transactions", "reversal_description", "on REVERSED movements only"),
    Rule("transactions", "reversed_at", "after `booked_at` and not after `as_of`"),
    Rule("savings_goals", "target_amount", "more than 0.000"),
    Rule("savings_goals", "current_amount", "between 0.000 and the target"),
    Rule("savings_goals", "account_id", "an account of the same customer"),
    Rule("dispute_records", "transaction_id", "a FAILED movement, or one with `disputed: true`"),
    Rule("dispute_records", "transaction_id", "a movement of the same customer"),
    Rule("auth_users", "username", "no two users share one"),
    Rule("auth_users", "failed_login_attempts", "0 or more"),
    Rule("auth_users", "status", "LOCKED after 5 failed sign-ins or more; staff may lock with fewer"),
    Rule("auth_users", "customer_id", "needed for the role CUSTOMER"),
    Rule("login_sessions", "device_id", "a device of the same user"),
    Rule("login_sessions", "device_id", "an ACTIVE device while the session is ACTIVE"),
    Rule("transfers", "amount", "more than 0.000"),
    Rule("transfers", "fee", "0.000 or more"),
    Rule("transfers", "created_at", "not after `as_of`"),
    Rule("transfers", "reversed_at", "on REVERSED transfers only"),
    Rule("transfers", "to_account_id", "needed, unless the transfer is REJECTED"),
    Rule("transfers", "to_account_id", "another account than the one that pays"),
    Rule("transfers", "status", "a REJECTED transfer has no movements"),
    Rule("transfers", "status", "the movements of a SETTLED transfer are COMPLETED, those of a REVERSED one REVERSED"),
    Rule(
        "transfers",
        "transfer_id",
        "named by exactly two movements: a DEBIT of the payer and a CREDIT of the receiver, over the amount each",
    ),
    Rule("transfers", "transfer_id", "the two were booked as one: instants, status, channel and merchant are equal"),
    Rule("holds", "amount", "more than 0.000; the direction says which way"),
    Rule("holds", "amount", "that of the movement, unless the hold is POSTED"),
    Rule("holds", "amount", "on a POSTED hold at least that of the movement"),
    Rule("holds", "placed_at", "not after `as_of`"),
    Rule("holds", "placed_at", "when the movement was booked, unless the hold is POSTED"),
    Rule("holds", "resolved_at", "on every hold that is not ACTIVE, and on no other"),
    Rule("holds", "resolved_at", "not before `placed_at` and not after `as_of`"),
    Rule("holds", "resolved_at", "on a POSTED hold when the movement was booked"),
    Rule("holds", "transaction_id", "no two holds share one"),
    Rule("holds", "transaction_id", "no movement of a transfer"),
    Rule("holds", "transaction_id", "a movement of the same account and direction"),
    Rule(
        "holds",
        "status",
        "ACTIVE with a PENDING movement, POSTED with a COMPLETED or REVERSED one, VOIDED or EXPIRED with a FAILED one",
    ),
)
"""What fails the load. That identifiers are unique and references real holds everywhere and is said once."""

LOGIN_RULES = (
    Rule("logins", "username", "in a record of `auth_users`"),
    Rule("logins", "password", "the one that signs this user in, where `credentials` has a password or readable hash"),
)
"""What fails the load of a manifest that names demo logins."""

WARNINGS = (
    Rule("customers", "civil_id", "is no Kuwaiti Civil ID: twelve digits, a real date, a fitting check digit"),
    Rule("customers", "phone", "is no Kuwaiti phone number"),
    Rule("accounts", "iban", "is no IBAN: country, length, structure or check digits do not fit"),
    Rule("auth_users", "user_id", "has no record in `credentials`, so that nobody can sign in as this user"),
    Rule(
        "mfa_settings",
        "mfa_enabled",
        "is true while `methods` names no second factor that is known here: SMS or EMAIL, which sign-in asks for, or "
        "an authenticator app (TOTP), push or biometric, which it does not ask for yet",
    ),
    Rule(
        "credentials",
        "password_hash",
        "is neither an Argon2 nor a bcrypt hash and the credential is ACTIVE: no password matches it, unless "
        "`--default-password` gives such users one",
    ),
)
"""What is odd and loads all the same."""

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

_TYPES: dict[Any, str] = {
    Id: "identifier",
    Fils: "amount",
    Instant: "timestamp",
    date: "date",
    bool: "true or false",
    int: "whole number",
    Json: "any JSON",
    str: "text",
}
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


def markdown() -> str:
    """The generated part of docs/ecosystem.md."""
    return "\n".join(_markdown()) + "\n"


def schemas() -> dict[str, dict[str, Any]]:
    """A JSON Schema for every file, by the name of what it describes; `ecosystem` is the manifest's."""
    return {"ecosystem": _manifest_schema()} | {name: schema(made) for name, made in ALL_COLLECTIONS.items()}


def schema(collection: Collection) -> dict[str, Any]:
    """The JSON Schema of a collection's file: an array of records."""
    properties = {field.name: _property(field) for field in collection.fields}
    if collection.name == "credentials":
        secrets = {"type": ["string", "null"], "minLength": 1, "writeOnly": True}
        properties |= {name: {"description": doc} | secrets for name, doc in SECRETS.items()}
    return {
        "$schema": DIALECT,
        "title": collection.name,
        "description": _story(collection),
        "type": "array",
        "items": {"$ref": "#/$defs/record"},
        "$defs": {
            "record": {
                "type": "object",
                "properties": properties,
                "required": [field.name for field in collection.fields if field.required],
            }
        },
    }


def write_schemas(folder: Path) -> list[Path]:
    """Write every schema into `folder`; the paths written.

    Raises:
        click.ClickException: they cannot be.
    """
    make_folder(folder)
    written = []
    for name, made in schemas().items():
        path = folder / f"{name}.schema.json"
        write_text(path, json.dumps(made, indent=2, ensure_ascii=False) + "\n")
        written.append(path)
    return written


def _markdown() -> Iterator[str]:
    yield from ("## The manifest: `ecosystem.json`", "")
    yield from _table(("field", "type", "required", "meaning"), MANIFEST_FIELDS)
    yield from ("", "A login of `logins`:", "")
    yield from _table(("field", "type", "required", "meaning"), LOGIN_FIELDS)
    yield from ("", "A `recipe` ([the generator](generator.md)):", "")
    yield from _table(("field", "type", "required", "meaning"), RECIPE_FIELDS)
    yield from ("", "Rules, in a folder with `auth_users` that is no export:", "")
    yield from (f"- `{rule.field}`: {rule.text}" for rule in LOGIN_RULES)
    yield from ("", "No other field is allowed in the manifest.", "", "## Collections", "")
    yield from ("In the order in which they refer to each other:", "")
    yield from (f"- [`{name}`](#{name}): {_story(made)}" for name, made in COLLECTIONS.items())
    for collection in COLLECTIONS.values():
        yield from _section(collection)
    yield from ("", "## Collections of a bank that ran", "")
    yield "The bank's own record of a run, which exports carry. A folder needs none. They are part of the digest."
    yield ""
    yield from (f"- [`{name}`](#{name}): {_story(made)}" for name, made in RUNTIME_COLLECTIONS.items())
    for collection in RUNTIME_COLLECTIONS.values():
        yield from _section(collection)


def _section(collection: Collection) -> Iterator[str]:
    yield from ("", f"### {collection.name}", "", _story(collection), "")
    rows = [
        (f"`{field.name}`", _type_text(field), _need(field), _meaning(collection, field)) for field in collection.fields
    ]
    if collection.name == "credentials":
        rows += [(f"`{name}`", "text", "no", doc) for name, doc in SECRETS.items()]
    yield from _table(("field", "type", "required", "meaning"), rows)
    for title, rules in (("Rules", RULES), ("Warnings", WARNINGS)):
        mine = [rule for rule in rules if rule.collection == collection.name]
        if mine:
            yield from ("", f"{title}:", "")
            yield from (f"- `{rule.field}`: {rule.text}" for rule in mine)


def _table(head: tuple[str, ...], rows: Any) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        first, *others = row
        yield f"| {' | '.join([first if first.startswith('`') else f'`{first}`', *others])} |"


def _story(collection: Collection) -> str:
    doc = collection.kind.__doc__
    assert doc, f"{collection.name} lacks its documentation"
    return " ".join(doc.split())


def _type_text(field: Field) -> str:
    if field.is_enumeration:
        return "one of " + ", ".join(f"`{in_files(member)}`" for member in field.kind)
    return _TYPES[field.kind]


def _need(field: Field) -> str:
    if field.required:
        return "yes"
    return "no, may be null" if field.default is None else f"no, `{_text(_in_file(field))}`"


def _meaning(collection: Collection, field: Field) -> str:
    target = f": a record of [`{field.reference}`](#{field.reference})" if field.reference else ""
    return field.doc + target + (", unique" if field.name == collection.key else "")


def _in_file(field: Field) -> Any:
    """The default as a file would write it."""
    if isinstance(field.default, StrEnum):
        return in_files(field.default)
    return format_fils(field.default) if field.kind is Fils else field.default


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


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
        made["default"] = _in_file(field)
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
