"""The rules among an ecosystem's rows: each broken alone, each named by file, record and field, and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import TINY, copy_of_tiny, edit, without_logins

from sandbox.core.passwords import hash_password
from sandbox.store.checking import LOCKED_AFTER, movements_of
from sandbox.store.ecosystem import load
from sandbox.store.reading import EcosystemError, Failure
from sandbox.store.records import COLLECTIONS

Row = dict[str, Any]
Change = Callable[[list[Row]], None]

FATIMA, ARJUN = "f6f47dc4-0e37-4f10-a1ed-05cea49137fc", "dad90f1d-5ecd-481f-ba09-c3d716d759d6"
SALARY, SAVINGS, WALLET = 0, 1, 2
"""Fatima's accounts, by place."""
ARJUNS = 3
DISPUTED, REVERSED, PENDING = 21, 40, 68
"""Transactions of tiny by place: Arjun's disputed one, Fatima's reversed one, one of her two pending ones."""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A writable copy of `seeds/tiny`."""
    return copy_of_tiny(tmp_path / "tiny")


def failures_of(folder: Path) -> list[Failure]:
    """The broken rules."""
    with pytest.raises(EcosystemError) as caught:
        load(folder)
    return caught.value.failures


def setting(position: int, **fields: object) -> Change:
    """Give fields of one record other values."""
    return lambda rows: rows[position].update(fields)


def doubling(position: int, **fields: object) -> Change:
    """Append a copy of one record with some other values."""
    return lambda rows: rows.append(rows[position] | fields)


def places(failures: list[Failure]) -> list[tuple[str, str, str]]:
    """Where the faults are: file, place and field."""
    return [(failure.file, failure.record.split(" ")[0], failure.field) for failure in failures]


def test_tiny_breaks_no_rule_and_is_not_odd() -> None:
    assert load(TINY).warnings == ()


RULES: dict[str, tuple[str, Change, int, str, str]] = {
    "an account in another currency": (
        "accounts", setting(0, currency="USD"), 0, "currency", "'USD' is not KWD, the only currency here",
    ),
    "an account of tomorrow": (
        "accounts", setting(WALLET, opened_at="2026-01-15T09:00:00.001Z"), WALLET, "opened_at",
        "lies after as_of, 2026-01-15T09:00:00.000Z",
    ),
    "an audit line of tomorrow": (
        "audit_logs", setting(0, created_at="2026-01-15T09:00:00.001Z"), 0, "created_at",
        "lies after as_of, 2026-01-15T09:00:00.000Z",
    ),
    "a negative overdraft limit": (
        "accounts", setting(0, overdraft_limit="-0.001"), 0, "overdraft_limit", "must be 0.000 or more",
    ),
    "money on a closed account": (
        "accounts", setting(SAVINGS, status="CLOSED"), SAVINGS, "balance", "a CLOSED account holds 0.000",
    ),
    "a movement of nothing": (
        "transactions", setting(PENDING, amount="0.000"), PENDING, "amount",
        "must be more than 0.000; the direction says which way",
    ),
    "a movement of another customer": (
        "transactions", setting(1, customer_id=ARJUN), 1, "customer_id", "is not the holder of the account",
    ),
    "a movement in the future": (
        "transactions", setting(PENDING, booked_at="2026-01-15T09:00:00.001Z"), PENDING, "booked_at",
        "lies after as_of, 2026-01-15T09:00:00.000Z",
    ),
    "a reversal of what was not reversed": (
        "transactions", setting(1, reversed_at="2026-01-01T00:00:00Z"), 1, "reversed_at",
        "belongs to REVERSED movements only",
    ),
    "a reversal before the movement": (
        "transactions", setting(REVERSED, reversed_at="2025-12-12T18:38:01Z"), REVERSED, "reversed_at",
        "must lie after booked_at and not after as_of",
    ),
    "a reversal at the moment of the movement": (
        "transactions", setting(REVERSED, reversed_at="2025-12-12T18:38:02Z"), REVERSED, "reversed_at",
        "must lie after booked_at and not after as_of",
    ),
    "a reversal in the future": (
        "transactions", setting(REVERSED, reversed_at="2026-01-15T09:00:01Z"), REVERSED, "reversed_at",
        "must lie after booked_at and not after as_of",
    ),
    "a goal of nothing": (
        "savings_goals", setting(0, target_amount="0.000", current_amount="0.000"), 0, "target_amount",
        "must be more than 0.000",
    ),
    "a goal over its target": (
        "savings_goals", setting(0, current_amount="1500.001"), 0, "current_amount",
        "must lie between 0.000 and the target",
    ),
    "a goal below nothing": (
        "savings_goals", setting(0, current_amount="-0.001"), 0, "current_amount",
        "must lie between 0.000 and the target",
    ),
    "a goal on another's account": (
        "savings_goals", setting(0, customer_id=ARJUN), 0, "account_id", "is another customer's account",
    ),
    "fewer than no failed sign-ins": (
        "auth_users", setting(0, failed_login_attempts=-1), 0, "failed_login_attempts", "must be 0 or more",
    ),
    "five failed sign-ins without a lock": (
        "auth_users", setting(0, failed_login_attempts=5), 0, "status",
        "5 failed sign-ins mean status LOCKED, not ACTIVE",
    ),
    "many failed sign-ins of a suspended user": (
        "auth_users", setting(0, failed_login_attempts=9, status="SUSPENDED"), 0, "status",
        "9 failed sign-ins mean status LOCKED, not SUSPENDED",
    ),
    "a customer's user without customer": (
        "auth_users", setting(0, customer_id=None), 0, "customer_id", "is needed for the role CUSTOMER",
    ),
    "a session on another's device": (
        "login_sessions", setting(4, device_id="dafb483d-c131-4548-abdb-c31bf80e589e"), 4, "device_id",
        "is another user's device",
    ),
    "a live session on a revoked device": (
        "login_sessions", setting(4, device_id="8ff4e97f-6bec-4052-b81d-56e4ff84ec88"), 4, "device_id",
        "the device is REVOKED; a session lives only on an ACTIVE one",
    ),
    "a dispute of an undisputed movement": (
        "transactions", setting(DISPUTED, disputed=False), -1, "transaction_id",
        "only a FAILED movement or one with disputed: true can be in dispute",
    ),
    "a dispute by another customer": (
        "dispute_records", setting(1, customer_id=FATIMA), 1, "transaction_id", "is another customer's movement",
    ),
    "an opening under the limit": (
        "accounts", setting(WALLET, balance="0.000"), WALLET, "balance",
        "the opening balance would be -90.950, under the overdraft limit",
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_is_named_by_file_record_and_field(tiny: Path, rule: str) -> None:
    collection, change, position, field, message = RULES[rule]
    edit(tiny, collection, change)
    if rule == "a dispute of an undisputed movement":
        collection, position = "dispute_records", 1
    if rule == "an opening under the limit":
        message = failures_of(tiny)[0].message
        assert message.startswith("the opening balance would be -")
        assert message.endswith(", under the overdraft limit")
    (found,) = failures_of(tiny)
    key = load(TINY).raw.rows[collection][position][COLLECTIONS[collection].key]
    assert found == Failure(f"{collection}.json", f"[{position}] {key}", field, message)


@pytest.mark.parametrize(
    ("collection", "field"),
    [(name, collection.key) for name, collection in COLLECTIONS.items()],
)
def test_identifiers_are_unique(tiny: Path, collection: str, field: str) -> None:
    count = len(load(TINY).raw.rows[collection])
    others = {"accounts": {"account_number": "9", "iban": "KW9"}, "auth_users": {"username": "x"}}
    edit(tiny, collection, doubling(0, **others.get(collection, {})))
    (found,) = failures_of(tiny)
    assert places([found]) == [(f"{collection}.json", f"[{count}]", field)]
    assert found.message.endswith("stands in record [0] too; it must be unique")


@pytest.mark.parametrize(
    ("collection", "position", "field", "taken"),
    [
        ("accounts", 1, "account_number", "100000001"),
        ("accounts", 1, "iban", "KW23SNBK0000000000000100000001"),
        ("auth_users", 1, "username", "fatima"),
    ],
)
def test_numbers_and_names_are_unique(tiny: Path, collection: str, position: int, field: str, taken: str) -> None:
    edit(tiny, collection, setting(position, **{field: taken}))
    without_logins(tiny)
    (found,) = failures_of(tiny)
    assert places([found]) == [(f"{collection}.json", f"[{position}]", field)]
    assert found.message == f"{taken!r} stands in record [0] too; it must be unique"


REFERENCES = [
    (name, field.name, field.reference) for name, collection in COLLECTIONS.items() for field in collection.references()
]


@pytest.mark.parametrize(("collection", "field", "target"), REFERENCES)
def test_every_reference_names_a_record(tiny: Path, collection: str, field: str, target: str) -> None:
    edit(tiny, collection, setting(0, **{field: "nobody"}))
    (found,) = failures_of(tiny)
    assert places([found]) == [(f"{collection}.json", "[0]", field)]
    assert found.message == f"'nobody' is in no record of {target}"


def test_a_running_balance_under_the_limit_names_the_movement_that_took_it_there(tiny: Path) -> None:
    far_below = {
        "amount": "3000.000",
        "direction": "DEBIT",
        "transaction_id": "down",
        "booked_at": "2026-01-14T10:00:00Z",
    }
    back_again = {
        "amount": "3000.000",
        "direction": "CREDIT",
        "transaction_id": "up",
        "booked_at": "2026-01-14T11:00:00Z",
    }
    edit(tiny, "transactions", doubling(1, **far_below))
    edit(tiny, "transactions", doubling(1, **back_again))
    (found,) = failures_of(tiny)
    assert (found.file, found.record, found.field) == ("transactions.json", "[70] down", "amount")
    assert found.message.startswith("takes account 2adf63a8-1580-4504-8fbc-68639f8b1a01 under its limit: -")
    assert found.message.endswith(" at 2026-01-14T10:00:00.000Z")


def test_an_overdraft_limit_lets_a_running_balance_go_below_zero(tiny: Path) -> None:
    test_a_running_balance_under_the_limit_names_the_movement_that_took_it_there(tiny)
    edit(tiny, "accounts", setting(SALARY, overdraft_limit="3000.000"))
    assert load(tiny).warnings == ()


def test_movements_of_one_instant_count_in_the_order_of_the_file(tiny: Path) -> None:
    at = "2026-01-14T10:00:00Z"
    edit(tiny, "transactions", doubling(1, amount="3000.000", direction="CREDIT", transaction_id="up", booked_at=at))
    edit(tiny, "transactions", doubling(1, amount="3000.000", direction="DEBIT", transaction_id="down", booked_at=at))
    assert load(tiny).warnings == ()
    edit(tiny, "transactions", lambda rows: rows.append(rows.pop(-2)))
    assert places(failures_of(tiny)) == [("transactions.json", "[70]", "amount")]


def test_pending_movements_may_not_hold_more_than_there_is(tiny: Path) -> None:
    edit(tiny, "transactions", setting(PENDING, amount="2545.091"))
    (found,) = failures_of(tiny)
    assert places([found]) == [("accounts.json", "[0]", "balance")]
    assert found.message == "is less than its PENDING movements hold"


def test_pending_movements_may_hold_all_there_is(tiny: Path) -> None:
    edit(tiny, "transactions", setting(PENDING, amount="2545.090"))
    assert load(tiny).warnings == ()


def test_a_pending_credit_holds_nothing(tiny: Path) -> None:
    edit(tiny, "transactions", setting(PENDING, amount="9999.000", direction="CREDIT"))
    assert load(tiny).warnings == ()


def test_a_failed_movement_may_be_larger_than_any_balance(tiny: Path) -> None:
    edit(tiny, "transactions", setting(PENDING, amount="999999.000", status="FAILED"))
    assert load(tiny).warnings == ()


def test_staff_may_lock_a_user_with_fewer_failed_sign_ins(tiny: Path) -> None:
    edit(tiny, "auth_users", setting(0, status="LOCKED", failed_login_attempts=0))
    assert load(tiny).warnings == ()


def test_one_failed_sign_in_less_does_not_lock(tiny: Path) -> None:
    edit(tiny, "auth_users", setting(0, failed_login_attempts=LOCKED_AFTER - 1))
    assert load(tiny).warnings == ()


def test_an_ended_session_may_have_been_on_a_device_that_was_revoked_since(tiny: Path) -> None:
    edit(tiny, "login_sessions", setting(4, device_id="8ff4e97f-6bec-4052-b81d-56e4ff84ec88", status="ENDED"))
    assert load(tiny).warnings == ()


def test_a_movement_may_leave_its_customer_out(tiny: Path) -> None:
    edit(tiny, "transactions", setting(1, customer_id=None))
    assert load(tiny).warnings == ()


def test_a_goal_may_be_reached(tiny: Path) -> None:
    edit(tiny, "savings_goals", setting(0, current_amount="1500.000", status="COMPLETED"))
    assert load(tiny).warnings == ()


def test_a_movement_may_be_booked_at_as_of(tiny: Path) -> None:
    edit(tiny, "transactions", setting(PENDING, booked_at="2026-01-15T12:00:00+03:00"))
    assert load(tiny).warnings == ()


def test_broken_rules_are_all_named_at_once(tiny: Path) -> None:
    edit(tiny, "accounts", setting(0, currency="USD"))
    edit(tiny, "savings_goals", setting(0, current_amount="9999.000"))
    edit(tiny, "savings_goals", setting(1, customer_id=FATIMA))
    edit(tiny, "auth_users", setting(0, failed_login_attempts=7))
    assert places(failures_of(tiny)) == [
        ("accounts.json", "[0]", "currency"),
        ("savings_goals.json", "[0]", "current_amount"),
        ("savings_goals.json", "[1]", "account_id"),
        ("auth_users.json", "[0]", "status"),
    ]


def test_broken_references_are_named_before_rules_that_need_them(tiny: Path) -> None:
    edit(tiny, "transactions", setting(0, account_id="nobody", amount="-1.000"))
    edit(tiny, "accounts", setting(1, customer_id="nobody"))
    found = places(failures_of(tiny))
    assert found == [("accounts.json", "[1]", "customer_id"), ("transactions.json", "[0]", "account_id")]


def login(tiny: Path, **fields: object) -> None:
    """Give fields of Fatima's demo login other values."""
    path = tiny / "ecosystem.json"
    stated = json.loads(path.read_text(encoding="utf-8"))
    stated["logins"][0] |= fields
    path.write_text(json.dumps(stated, ensure_ascii=False), encoding="utf-8")


def test_a_demo_login_is_a_user(tiny: Path) -> None:
    login(tiny, username="nobody")
    assert failures_of(tiny) == [
        Failure("ecosystem.json", "logins[0]", "username", "'nobody' is in no record of auth_users")
    ]


NOT_HERS = Failure("ecosystem.json", "logins[0]", "password", "is not the one of 'fatima' in credentials")


def test_a_demo_login_has_the_plain_password_of_its_user(tiny: Path) -> None:
    login(tiny, password="another")
    assert failures_of(tiny) == [NOT_HERS]
    edit(tiny, "credentials", setting(0, password="another"))
    assert load(tiny).warnings == ()


def test_a_demo_login_has_the_password_of_a_readable_hash(tiny: Path) -> None:
    stored = hash_password("Of-the-hash-1", seed_key=b"k" * 32, username="fatima", version=1, cost="sandbox")
    edit(tiny, "credentials", setting(0, password=None, password_hash=stored))
    assert failures_of(tiny) == [NOT_HERS]
    login(tiny, password="Of-the-hash-1")
    assert load(tiny).warnings == ()


def test_the_password_of_an_unreadable_hash_is_anybodys_guess(tiny: Path) -> None:
    edit(tiny, "credentials", setting(0, **UNREADABLE))
    login(tiny, password="another")
    assert places(list(load(tiny).warnings)) == [("credentials.json", "[0]", "password_hash")]


@pytest.mark.parametrize("name", ["auth_users", "credentials"])
def test_demo_logins_are_not_judged_by_users_that_could_not_be_read(tiny: Path, name: str) -> None:
    login(tiny, password="another")
    (tiny / f"{name}.json").write_text("[", encoding="utf-8")
    assert {failure.file for failure in failures_of(tiny)} == {f"{name}.json"}


def test_a_folder_without_users_may_name_demo_logins(tmp_path: Path) -> None:
    for name in ("ecosystem", "customers"):
        (tmp_path / f"{name}.json").write_bytes((TINY / f"{name}.json").read_bytes())
    assert load(tmp_path).warnings == ()


COUNTED = {"amount": 5, "direction": "credit", "booked_at": 1_000, "reversed_at": None}


@pytest.mark.parametrize(
    ("fields", "movements"),
    [
        ({"status": "completed"}, [(1_000, 5)]),
        ({"status": "completed", "direction": "debit"}, [(1_000, -5)]),
        ({"status": "pending"}, []),
        ({"status": "failed"}, []),
        ({"status": "reversed"}, [(1_000, 5), (2_000, -5)]),
        ({"status": "reversed", "direction": "debit", "reversed_at": 9_000}, [(1_000, -5), (9_000, 5)]),
    ],
)
def test_a_row_moves_the_balance_by_its_status(fields: Row, movements: list[tuple[int, int]]) -> None:
    assert list(movements_of(COUNTED | fields)) == movements


UNREADABLE = {"password": None, "password_hash": "simulated_hash_1"}

ODDITIES: dict[str, tuple[str, Change, int, str]] = {
    "a Civil ID with a wrong check digit": ("customers", setting(0, civil_id="279041299127"), 0, "civil_id"),
    "a phone number that cannot be": ("customers", setting(1, phone="+9651"), 1, "phone"),
    "an IBAN with wrong check digits": ("accounts", setting(0, iban="KW24SNBK0000000000000100000001"), 0, "iban"),
    "a second factor that is not known": (
        "mfa_settings", setting(0, mfa_enabled=True, methods=["PIGEON"]), 0, "mfa_enabled",
    ),
    "a second factor switched off": (
        "mfa_settings", setting(1, mfa_enabled=True, methods=[{"type": "SMS", "enabled": False}]), 1, "mfa_enabled",
    ),
    "a simulated hash": ("credentials", setting(0, **UNREADABLE), 0, "password_hash"),
    "a user without credentials": (
        "auth_users", doubling(0, user_id="u", username="new"), 6, "user_id",
    ),
    "no password at all": ("credentials", setting(0, password=None), 0, "password_hash"),
}  # fmt: skip


@pytest.mark.parametrize("oddity", ODDITIES)
def test_what_is_odd_is_a_warning(tiny: Path, oddity: str) -> None:
    collection, change, position, field = ODDITIES[oddity]
    edit(tiny, collection, change)
    (found,) = load(tiny).warnings
    assert places([found]) == [(f"{collection}.json", f"[{position}]", field)]
    assert found.message


@pytest.mark.parametrize(("name", "meant"), [("account", "accounts"), ("Account", "accounts")])
def test_a_file_with_almost_the_name_of_a_collection_is_a_warning(tiny: Path, name: str, meant: str) -> None:
    (tiny / f"{name}.json").write_text("[]", encoding="utf-8")
    message = f"is kept, but the bank does not know it; did you mean {meant}.json?"
    assert load(tiny).warnings == (Failure(f"{name}.json", "", "", message),)


def test_a_file_of_quite_another_name_is_not_odd(tiny: Path) -> None:
    (tiny / "branches.json").write_text("[]", encoding="utf-8")
    assert load(tiny).warnings == ()


@pytest.mark.parametrize("methods", [["TOTP", "SMS"], [{"type": "email"}], ["TOTP"], {"push": True}, ["biometric"]])
def test_a_second_factor_that_is_known_is_not_odd(tiny: Path, methods: object) -> None:
    edit(tiny, "mfa_settings", setting(0, mfa_enabled=True, methods=methods))
    assert load(tiny).warnings == ()


def test_missing_identifiers_of_a_customer_are_not_odd(tiny: Path) -> None:
    edit(tiny, "customers", setting(0, civil_id=None, phone=None))
    assert load(tiny).warnings == ()


def test_a_default_password_makes_up_for_unreadable_hashes(tiny: Path) -> None:
    edit(tiny, "credentials", setting(0, **UNREADABLE))
    assert load(tiny, default_password=True).warnings == ()


def test_an_unreadable_hash_of_an_expired_credential_is_not_odd(tiny: Path) -> None:
    edit(tiny, "credentials", setting(0, **UNREADABLE, status="EXPIRED"))
    assert load(tiny).warnings == ()


def test_every_oddity_is_named(tiny: Path) -> None:
    for collection, change, _, _ in ODDITIES.values():
        edit(tiny, collection, change)
    assert len(load(tiny).warnings) == len(ODDITIES) - 1  # the last one changes what the one before did
