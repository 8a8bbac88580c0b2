"""Out comes what went in: an export is the ecosystem's own records again, and the digest sees every field of them."""

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support import TINY, VIRTUAL, copy_of_tiny, edit, tiny_image, without_logins

from sandbox.sandboxes.compiling import compile_image
from sandbox.sandboxes.image import Image
from sandbox.store.engine import connect, disconnect
from sandbox.store.export import digest, export
from sandbox.store.records import COLLECTIONS, Field
from sandbox.store.tables import LIST_MARK, SINGLE_VALUE

Row = dict[str, Any]

ENCODER = msgspec.json.Encoder(decimal_format="number")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A writable copy of `seeds/tiny`."""
    return copy_of_tiny(tmp_path / "tiny")


def exported(image: Image) -> dict[str, list[Row]]:
    """What the export of an image writes, in JSON terms."""
    db = connect(image.data, read_only=True)
    found: dict[str, list[Row]] = defaultdict(list)
    for name, record in export(db):
        found[name].append(json.loads(ENCODER.encode(record)))
    disconnect(db)
    return found


def files(folder: Path, name: str) -> list[Row]:
    """What a file says."""
    rows: list[Row] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return rows


def complete(name: str, row: Row) -> Row:
    """A record of a file with every field, as an export writes it, secrets aside."""
    known = {field.name: None if field.required else field.default for field in COLLECTIONS[name].fields}
    whole = known | row
    for field in COLLECTIONS[name].fields:
        if field.is_enumeration and whole[field.name] == field.default:
            whole[field.name] = str(whole[field.name]).upper()
    return {
        field: value for field, value in whole.items() if field not in {"password", "pin", "password_hash", "pin_hash"}
    }


def by_key(name: str, rows: list[Row]) -> list[Row]:
    """Records in order of their identifiers, secrets aside."""
    shown = [complete(name, row) for row in rows]
    return sorted(shown, key=lambda row: str(row[COLLECTIONS[name].key]))


def digest_after(folder: Path, collection: str, change: Callable[[list[Row]], None]) -> str:
    """The digest of a changed ecosystem."""
    edit(folder, collection, change)
    return compile_image(folder, VIRTUAL).facts.digest


@pytest.mark.parametrize("name", COLLECTIONS)
def test_an_export_gives_back_the_records_of_the_files(name: str) -> None:
    assert by_key(name, exported(tiny_image())[name]) == by_key(name, files(TINY, name))


@pytest.mark.parametrize("name", COLLECTIONS)
def test_an_export_gives_back_fields_that_are_not_known(tiny: Path, name: str) -> None:
    extra = {"zz_text": "نص", "zz_deep": {"b": [1, None, {"c": True}], "a": 1.25}, "zz_null": None, "zz_large": 2**70}
    edit(tiny, name, lambda rows: rows[0].update(extra))
    assert by_key(name, exported(compile_image(tiny, VIRTUAL))[name]) == by_key(name, files(tiny, name))


def test_an_export_keeps_every_digit_of_an_unknown_number(tiny: Path) -> None:
    path = tiny / "customers.json"
    path.write_text(path.read_text().replace('"segment"', '"zz": 1.10, "segment"', 1))
    db = connect(compile_image(tiny, VIRTUAL).data)
    record = next(record for name, record in export(db) if name == "customers")
    disconnect(db)
    assert str(record["zz"]) == "1.10"


@pytest.mark.parametrize("value", [[{"name": "Mishref"}, 5, "x", [], None], [], {"USD": 0.307}, None, "text", 5])
def test_an_export_gives_back_other_collections(tiny: Path, value: object) -> None:
    (tiny / "branches.json").write_text(json.dumps(value))
    found = exported(compile_image(tiny, VIRTUAL))["branches"]
    expected = list(enumerate(value)) or [(LIST_MARK, None)] if isinstance(value, list) else [(SINGLE_VALUE, value)]
    assert [(item["position"], item["body"]) for item in found] == expected


def test_identifiers_of_any_kind_come_back(tiny: Path) -> None:
    names = ["a" * length for length in range(14, 19)] + ["ف" * 8, "A-1", "0D3A6ADF-8C0F-4E5F-887B-4A7B089DD2FA"]

    def add(rows: list[Row]) -> None:
        rows.extend(rows[0] | {"notification_id": name} for name in names)

    edit(tiny, "notifications", add)
    found = {row["notification_id"] for row in exported(compile_image(tiny, VIRTUAL))["notifications"]}
    assert set(names) <= found


def test_timestamps_come_back_in_utc(tiny: Path) -> None:
    edit(tiny, "accounts", lambda rows: rows[0].update(opened_at="2009-09-13T10:24:00.0005+03:00"))
    assert exported(compile_image(tiny, VIRTUAL))["accounts"][0]["opened_at"] == "2009-09-13T07:24:00.000500Z"


def test_the_banks_own_accounts_are_not_exported() -> None:
    assert len(exported(tiny_image())["accounts"]) == 8


def test_derived_movements_are_not_exported() -> None:
    assert len(exported(tiny_image())["transactions"]) == 70


def test_holds_of_pending_movements_are_exported() -> None:
    holds = exported(tiny_image())["holds"]
    assert [(hold["amount"], hold["direction"], hold["status"]) for hold in holds] == [
        ("12.000", "DEBIT", "ACTIVE"),
        ("19.500", "DEBIT", "ACTIVE"),
        ("2.350", "DEBIT", "ACTIVE"),
    ]


def test_an_export_can_be_compiled_again_into_the_same_digest(tmp_path: Path) -> None:
    image = tiny_image()
    (tmp_path / "ecosystem.json").write_bytes((TINY / "ecosystem.json").read_bytes())
    for name, rows in exported(image).items():
        if name in COLLECTIONS:
            (tmp_path / f"{name}.json").write_text(json.dumps(rows))
    assert compile_image(tmp_path, VIRTUAL).facts.digest == image.facts.digest


def test_the_digest_is_the_same_in_two_compilations() -> None:
    assert compile_image(TINY, VIRTUAL).facts.digest == tiny_image().facts.digest


def test_two_compilations_give_the_same_bytes() -> None:
    assert compile_image(TINY, VIRTUAL).data == tiny_image().data


def test_the_digest_of_an_image_is_that_of_its_database() -> None:
    db = connect(tiny_image().data)
    assert digest(db) == tiny_image().facts.digest
    disconnect(db)


def test_the_digest_does_not_depend_on_the_order_of_the_records(tiny: Path) -> None:
    for name in ("notifications", "customers", "accounts", "auth_users", "audit_logs"):
        edit(tiny, name, lambda rows: rows.reverse())
    assert compile_image(tiny, VIRTUAL).facts.digest == tiny_image().facts.digest


UUID = "11111111-2222-4333-8444-555555555555"
FATIMA, ARJUN = "f6f47dc4-0e37-4f10-a1ed-05cea49137fc", "dad90f1d-5ecd-481f-ba09-c3d716d759d6"
# Another valid value for each field of a record: what the type suggests, else what the rules allow.
BY_KIND: dict[str, object] = {"Fils": "1.001", "Instant": "2025-06-01T00:00:00Z", "date": "2001-01-01", "Json": [7]}
CHANGES: dict[tuple[str, str], object] = {
    ("accounts", "balance"): "2547.441",
    ("accounts", "account_type"): "WALLET",
    ("accounts", "status"): "FROZEN",
    ("transactions", "amount"): "34.866",
    ("transactions", "direction"): "CREDIT",
    ("transactions", "status"): "FAILED",
    ("transactions", "disputed"): True,
    ("transactions", "account_id"): "4342ff6d-3f7a-4d9c-8272-4028bc30f365",
    ("savings_goals", "account_id"): "2adf63a8-1580-4504-8fbc-68639f8b1a01",
    ("savings_goals", "target_amount"): "1500.001",
    ("savings_goals", "status"): "CANCELLED",
    ("customers", "kyc_status"): "EXPIRED",
    ("customers", "status"): "SUSPENDED",
    ("customer_settings", "language"): "ar",
    ("customer_settings", "notifications_enabled"): False,
    ("service_requests", "request_type"): "CHEQUE_BOOK",
    ("service_requests", "status"): "OPEN",
    ("service_requests", "customer_id"): ARJUN,
    ("dispute_records", "status"): "LOST",
    ("notifications", "channel"): "EMAIL",
    ("notifications", "status"): "UNREAD",
    ("notifications", "customer_id"): ARJUN,
    ("auth_users", "role"): "ADMIN",
    ("auth_users", "status"): "LOCKED",
    ("auth_users", "failed_login_attempts"): 1,
    ("auth_users", "customer_id"): ARJUN,
    ("credentials", "status"): "EXPIRED",
    ("mfa_settings", "mfa_enabled"): True,
    ("registered_devices", "status"): "INACTIVE",
    ("login_sessions", "status"): "REVOKED",
    ("audit_logs", "severity"): "CRITICAL",
    ("audit_logs", "user_id"): "3631cd94-62a3-4e4f-a7e6-08fdc4489368",
}
# Fields that cannot take another value alone: they are only in question together with other records.
BOUND = {
    ("accounts", "currency"): "always KWD",
    ("transactions", "customer_id"): "always the account's holder",
    ("transactions", "reversed_at"): "on REVERSED rows, see below",
    ("transactions", "reversal_description"): "on REVERSED rows, see below",
    ("transactions", "transfer_id"): "needs a transfer, see test_checking_runtime",
    ("dispute_records", "customer_id"): "always the account's holder",
    ("dispute_records", "transaction_id"): "needs another disputed movement, see below",
    ("savings_goals", "customer_id"): "always the account's holder",
    ("login_sessions", "user_id"): "always the device's user",
    ("login_sessions", "device_id"): "always the user's own, see below",
    ("registered_devices", "user_id"): "its sessions would be another's",
    ("credentials", "password_hash"): "not in the digest",
    ("credentials", "pin_hash"): "not in the digest",
    ("accounts", "customer_id"): "its movements would be another's",
}
REFERRED_TO = {field.reference for collection in COLLECTIONS.values() for field in collection.references()}
OTHER_RECORD = {"transactions": 1, "registered_devices": 1}
"""Where the first record could not change alone."""


def is_free(name: str, field: Field) -> bool:
    """Whether a field can take another value while all else stays."""
    if (name, field.name) in BOUND:
        return False
    if field.name != COLLECTIONS[name].key:
        return True
    return field.reference is None and name not in REFERRED_TO


FREE = [
    (name, field) for name, collection in COLLECTIONS.items() for field in collection.fields if is_free(name, field)
]


@pytest.mark.parametrize(("name", "field"), FREE, ids=[f"{name}.{field.name}" for name, field in FREE])
def test_the_digest_sees_every_field(tiny: Path, name: str, field: Field) -> None:
    position = OTHER_RECORD.get(name, 0)
    if (name, field.name) == ("auth_users", "username"):
        without_logins(tiny)
    other = CHANGES.get((name, field.name), BY_KIND.get(field.kind.__name__, "another"))
    assert (
        digest_after(tiny, name, lambda rows: rows[position].update({field.name: other})) != tiny_image().facts.digest
    )


def rewrite(folder: Path, old: str, new: str) -> str:
    """The digest of an ecosystem in which one text stands for another everywhere."""
    for path in folder.glob("*.json"):
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    return compile_image(folder, VIRTUAL).facts.digest


@pytest.mark.parametrize(
    "old",
    [
        pytest.param(FATIMA, id="customer_id"),
        pytest.param("2adf63a8-1580-4504-8fbc-68639f8b1a01", id="account_id"),
        pytest.param("4c1c42c9-ce16-4f36-ab48-856f2419edcd", id="transaction_id"),
        pytest.param("ee41365f-d511-4603-a699-34e5fa51fee1", id="user_id"),
        pytest.param("68e96772-d661-4858-9021-f2740998213f", id="device_id"),
    ],
)
def test_the_digest_sees_an_identifier_that_changes_everywhere(tiny: Path, old: str) -> None:
    assert rewrite(tiny, old, UUID) != tiny_image().facts.digest


def test_the_digest_sees_when_a_movement_was_reversed(tiny: Path) -> None:
    later = digest_after(tiny, "transactions", lambda rows: rows[40].update(reversed_at="2025-12-14T07:05:41Z"))
    assert later != tiny_image().facts.digest


def test_the_digest_sees_what_the_statement_says_of_a_reversal(tiny: Path) -> None:
    other = digest_after(tiny, "transactions", lambda rows: rows[40].update(reversal_description="Taken back"))
    assert other != tiny_image().facts.digest


def test_the_text_of_a_reversal_is_kept_and_the_usual_one_is_left_to_be_derived(tiny: Path) -> None:
    def say(rows: list[Row]) -> None:
        rows[40]["reversal_description"] = "Taken back"

    edit(tiny, "transactions", say)
    found = {row["reversal_description"] for row in exported(compile_image(tiny, VIRTUAL))["transactions"]}
    assert found == {None, "Taken back"}
    assert {row["reversal_description"] for row in exported(tiny_image())["transactions"]} == {None}


def test_the_digest_sees_which_movement_is_in_dispute(tiny: Path) -> None:
    edit(tiny, "transactions", lambda rows: rows[2].update(disputed=True))
    before = compile_image(tiny, VIRTUAL).facts.digest
    other = "a6f71113-2955-4ecf-9a15-fdbaf4b42a5a"
    assert digest_after(tiny, "dispute_records", lambda rows: rows[1].update(transaction_id=other)) != before


def test_the_digest_sees_on_which_device_a_session_is(tiny: Path) -> None:
    edit(tiny, "registered_devices", lambda rows: rows[1].update(status="ACTIVE"))
    before = compile_image(tiny, VIRTUAL).facts.digest
    other = "8ff4e97f-6bec-4052-b81d-56e4ff84ec88"
    assert digest_after(tiny, "login_sessions", lambda rows: rows[4].update(device_id=other)) != before


def test_the_digest_sees_fields_and_collections_that_are_not_known(tiny: Path) -> None:
    with_field = digest_after(tiny, "customers", lambda rows: rows[0].update(zz=1))
    (tiny / "branches.json").write_text("[1]")
    with_collection = compile_image(tiny, VIRTUAL).facts.digest
    assert len({tiny_image().facts.digest, with_field, with_collection}) == 3


def test_the_digest_sees_a_record_more(tiny: Path) -> None:
    more = digest_after(tiny, "notifications", lambda rows: rows.append(rows[0] | {"notification_id": UUID}))
    assert more != tiny_image().facts.digest


def test_the_digest_sees_business_time(tiny: Path) -> None:
    path = tiny / "ecosystem.json"
    path.write_text(path.read_text().replace("2026-01-15T09:00:00.000Z", "2026-01-15T09:00:01.000Z"))
    assert compile_image(tiny, VIRTUAL).facts.digest != tiny_image().facts.digest


@pytest.mark.parametrize("field", ["password", "pin"])
def test_the_digest_ignores_passwords(tiny: Path, field: str) -> None:
    without_logins(tiny)
    other = digest_after(tiny, "credentials", lambda rows: rows[0].update({field: "another"}))
    assert other == tiny_image().facts.digest


def test_the_digest_ignores_the_cost_of_passwords() -> None:
    costly = msgspec.structs.replace(VIRTUAL, default_password="unused")
    assert compile_image(TINY, costly).facts.digest == tiny_image().facts.digest


def test_a_movement_that_leaves_its_customer_out_is_the_holders(tiny: Path) -> None:
    same = digest_after(tiny, "transactions", lambda rows: rows[1].update(customer_id=None))
    assert same == tiny_image().facts.digest
