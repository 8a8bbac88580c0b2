"""The reference of an ecosystem's files, as Markdown for people and as JSON Schemas for machines.

Fields, types, enumerations and references are read off the record types, so that nothing is said twice; the rules
that rows keep among each other stand here in words, and a test holds them against `store.checking`. Not for checking
a folder: `sandbank ecosystem validate` does that.
"""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from sandbox.cli.files import make_folder, write_text
from sandbox.core.clock import Instant
from sandbox.core.money import Fils
from sandbox.core.vocabulary import in_files
from sandbox.store.records import COLLECTIONS, RUNTIME_COLLECTIONS, Collection, Field, Id, Json
from sandbox.store.schemas import LOGIN_FIELDS, MANIFEST_FIELDS, RECIPE_FIELDS, SECRETS, in_file, schemas, story

BEGIN = "<!-- reference:begin (made by `sandbank ecosystem reference`; do not edit) -->"
END = "<!-- reference:end -->"


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


def markdown() -> str:
    """The generated part of docs/ecosystem.md."""
    return "\n".join(_markdown()) + "\n"


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
    yield from (f"- [`{name}`](#{name}): {story(made)}" for name, made in COLLECTIONS.items())
    for collection in COLLECTIONS.values():
        yield from _section(collection)
    yield from ("", "## Collections of a bank that ran", "")
    yield "The bank's own record of a run, which exports carry. A folder needs none. They are part of the digest."
    yield ""
    yield from (f"- [`{name}`](#{name}): {story(made)}" for name, made in RUNTIME_COLLECTIONS.items())
    for collection in RUNTIME_COLLECTIONS.values():
        yield from _section(collection)


def _section(collection: Collection) -> Iterator[str]:
    yield from ("", f"### {collection.name}", "", story(collection), "")
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


def _type_text(field: Field) -> str:
    if field.is_enumeration:
        return "one of " + ", ".join(f"`{in_files(member)}`" for member in field.kind)
    return _TYPES[field.kind]


def _need(field: Field) -> str:
    if field.required:
        return "yes"
    return "no, may be null" if field.default is None else f"no, `{_text(in_file(field))}`"


def _meaning(collection: Collection, field: Field) -> str:
    target = f": a record of [`{field.reference}`](#{field.reference})" if field.reference else ""
    return field.doc + target + (", unique" if field.name == collection.key else "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
