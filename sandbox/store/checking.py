"""The rules that an ecosystem's rows keep among each other, each broken one named by file, record and field.

The list is that of docs/ecosystem.md. What is odd but harmless (a phone number that cannot be, a hash that cannot be
read) is a warning, not a failure.
"""

from collections import defaultdict
from collections.abc import Iterator
from difflib import get_close_matches
from operator import itemgetter

from msgspec import structs

from sandbox.core import civil_id, iban, phone
from sandbox.core.clock import MILLISECOND, format_instant
from sandbox.core.money import format_fils
from sandbox.core.passwords import readable, verify_password
from sandbox.core.second_factor import knows_one
from sandbox.core.vocabulary import (
    AccountStatus,
    CredentialStatus,
    DeviceStatus,
    Direction,
    Role,
    SessionStatus,
    TransactionStatus,
    UserStatus,
)
from sandbox.store.checking_runtime import Found, hold_faults, side_faults, transfer_faults
from sandbox.store.fields import Row
from sandbox.store.reading import MANIFEST, Failure, RawEcosystem, record_label
from sandbox.store.records import ALL_COLLECTIONS, COLLECTIONS

_MOVED_AT_MOST = 2**61
"""The bank's own accounts see every movement, and their counters are 64-bit integers."""

_COUNTED = frozenset({TransactionStatus.COMPLETED, TransactionStatus.REVERSED})

LOCKED_AFTER = 5
"""Failed sign-ins in a row that lock a user."""


def check(raw: RawEcosystem) -> list[Failure]:
    """Every broken rule. Records that cannot be judged, since what they stand on is itself at fault, are left out."""
    identity = [*_unique(raw), *_references(raw)]
    sound, whole = _sound(raw, {(name, position) for name, position, _, _ in identity})
    rules = [_accounts, _transactions, _goals, _users, _sessions, _disputes, _audit_logs, transfer_faults, hold_faults]
    if whole:  # a balance is the sum of its movements: it says nothing as long as one of them is not known
        rules += [_running_balances, side_faults]
    found = [_failure(sound, *fault) for rule in rules for fault in rule(sound)]
    return [_failure(raw, *fault) for fault in identity] + found + list(_logins(raw))


def warn(raw: RawEcosystem, *, default_password: bool) -> list[Failure]:
    """What is odd but loads."""
    misnamed = [
        Failure(raw.files[name], "", "", f"is kept, but the bank does not know it; did you mean {near[0]}.json?")
        for name in raw.others
        if (near := get_close_matches(name.lower(), COLLECTIONS, n=1, cutoff=0.8))
    ]
    return misnamed + [_failure(raw, *fault) for fault in _odd(raw, default_password=default_password)]


def _logins(raw: RawEcosystem) -> Iterator[Failure]:
    """Demo logins are what a newcomer tries first: each must be a user, with the password that signs in."""
    if raw.manifest.lived or raw.unread.get("auth_users") != frozenset():
        return  # passwords may have changed since; there are no users, or not all could be read, which has been said
    users = {row["username"]: row["user_id"] for row in raw.rows["auth_users"]}
    stated = {row["user_id"]: row for row in raw.rows["credentials"]}
    for position, login in enumerate(raw.manifest.logins):
        label = f"logins[{position}]"
        if login.username not in users:
            yield Failure(MANIFEST, label, "username", f"{login.username!r} is in no record of auth_users")
            continue
        row = stated.get(users[login.username])
        if row is not None and not _signs_in(row, login.password):
            yield Failure(MANIFEST, label, "password", f"is not the one of {login.username!r} in credentials")


def _signs_in(row: Row, password: str) -> bool:
    if row["password"] is not None:
        return bool(row["password"] == password)
    stored = row["password_hash"]
    return stored is None or not readable(stored) or verify_password(password, stored)


def _failure(raw: RawEcosystem, name: str, position: int, field: str, message: str) -> Failure:
    row = raw.rows[name][position]
    return Failure(raw.files[name], record_label(ALL_COLLECTIONS[name], row["position"], row), field, message)


def _sound(raw: RawEcosystem, faulty: set[tuple[str, int]]) -> tuple[RawEcosystem, bool]:
    """The records whose references all lead to sound records, and whether those are all movements there are."""
    all_are = not faulty and all(unread == frozenset() for unread in raw.unread.values())
    rows = raw.rows if all_are else _sound_rows(raw, faulty)
    ledger = [name for name in ("transactions", "transfers") if name in raw.files]
    whole = all(len(rows[name]) == len(raw.rows[name]) and raw.unread.get(name) == frozenset() for name in ledger)
    return structs.replace(raw, rows=rows), whole


def _sound_rows(raw: RawEcosystem, faulty: set[tuple[str, int]]) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {}
    known: dict[str, set[str]] = {}
    for name in _IN_ORDER:
        collection = ALL_COLLECTIONS[name]
        references = [(field.name, field.reference) for field in collection.references() if field.reference]
        rows[name] = [
            row
            for position, row in enumerate(raw.rows[name])
            if (name, position) not in faulty
            and all(row[field] is None or row[field] in known[target] for field, target in references)
        ]
        known[name] = {row[collection.key] for row in rows[name]}
    return rows


def _in_order_of_reference() -> tuple[str, ...]:
    """Every collection after those that its records refer to."""
    order: list[str] = []

    def put(name: str) -> None:
        if name not in order:
            for field in ALL_COLLECTIONS[name].references():
                put(field.reference or "")
            order.append(name)

    for name in ALL_COLLECTIONS:
        put(name)
    return tuple(order)


_IN_ORDER = _in_order_of_reference()


def _unique(raw: RawEcosystem) -> Found:
    marks = [(name, collection.key) for name, collection in ALL_COLLECTIONS.items()]
    marks += [("accounts", "account_number"), ("accounts", "iban"), ("auth_users", "username")]
    for name, field in marks:
        if len({row[field] for row in raw.rows[name]}) == len(raw.rows[name]):
            continue
        first: dict[object, int] = {}
        for position, row in enumerate(raw.rows[name]):
            value = row[field]
            if value in first:
                yield name, position, field, f"{value!r} stands in record [{first[value]}] too; it must be unique"
            first.setdefault(value, row["position"])


def _references(raw: RawEcosystem) -> Found:
    known = {name: {row[collection.key] for row in raw.rows[name]} for name, collection in ALL_COLLECTIONS.items()}
    for name, collection in ALL_COLLECTIONS.items():
        for field in collection.references():
            assert field.reference is not None
            unread = raw.unread.get(field.reference, frozenset())
            if unread is None:
                continue  # the whole file could not be read, which has been said
            astray = {row[field.name] for row in raw.rows[name]} - known[field.reference] - unread - {None}
            if not astray:
                continue
            for position, row in enumerate(raw.rows[name]):
                if row[field.name] in astray:
                    yield name, position, field.name, f"{row[field.name]!r} is in no record of {field.reference}"


def _accounts(raw: RawEcosystem) -> Found:
    total = 0
    for position, row in enumerate(raw.rows["accounts"]):
        total += abs(row["balance"])
        if total > _MOVED_AT_MOST:
            yield "accounts", position, "balance", "takes all balances together past what the ledger can count"
            return
        if row["opened_at"] > raw.manifest.as_of:
            yield "accounts", position, "opened_at", f"lies after as_of, {format_instant(raw.manifest.as_of)}"
        if row["currency"] != "KWD":
            yield "accounts", position, "currency", f"{row['currency']!r} is not KWD, the only currency here"
        if row["overdraft_limit"] < 0:
            yield "accounts", position, "overdraft_limit", "must be 0.000 or more"
        if row["status"] == AccountStatus.CLOSED and row["balance"]:
            yield "accounts", position, "balance", "a CLOSED account holds 0.000"


def _transactions(raw: RawEcosystem) -> Found:
    as_of = raw.manifest.as_of
    holders = {row["account_id"]: row["customer_id"] for row in raw.rows["accounts"]}
    total = 0
    for position, row in enumerate(raw.rows["transactions"]):
        total += abs(row["amount"])
        if total > _MOVED_AT_MOST:
            yield "transactions", position, "amount", "takes all movements together past what the ledger can count"
            return
        if row["amount"] <= 0:
            yield "transactions", position, "amount", "must be more than 0.000; the direction says which way"
        if row["customer_id"] not in {None, holders[row["account_id"]]}:
            yield "transactions", position, "customer_id", "is not the holder of the account"
        if row["booked_at"] > as_of:
            yield "transactions", position, "booked_at", f"lies after as_of, {format_instant(as_of)}"
        if row["reversal_description"] is not None and row["status"] != TransactionStatus.REVERSED:
            yield "transactions", position, "reversal_description", "belongs to REVERSED movements only"
        back = row["reversed_at"]
        if back is None:
            continue
        if row["status"] != TransactionStatus.REVERSED:
            yield "transactions", position, "reversed_at", "belongs to REVERSED movements only"
        elif not row["booked_at"] < back <= max(as_of, row["booked_at"] + MILLISECOND):
            yield "transactions", position, "reversed_at", "must lie after booked_at and not after as_of"


def movements_of(row: Row) -> tuple[tuple[int, int], ...]:
    """What a row does to the booked balance, as (instant, signed fils): nothing, one movement, or it and back."""
    status = row["status"]
    if status not in _COUNTED:
        return ()
    amount = row["amount"] if row["direction"] == Direction.CREDIT else -row["amount"]
    there = (row["booked_at"], amount)
    if status == TransactionStatus.REVERSED:
        return there, (row["reversed_at"] or row["booked_at"] + MILLISECOND, -amount)
    return (there,)


def _running_balances(raw: RawEcosystem) -> Found:
    moves: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    pending: dict[str, int] = defaultdict(int)
    for position, row in enumerate(raw.rows["transactions"]):
        for at, amount in movements_of(row):
            moves[row["account_id"]].append((at, position, amount))
        if row["status"] == TransactionStatus.PENDING and row["direction"] == Direction.DEBIT:
            pending[row["account_id"]] += row["amount"]
    for position, row in enumerate(raw.rows["accounts"]):
        # In a bank that ran the limit may have been another in its time: only what is there now must keep it.
        mine = [] if raw.manifest.lived else sorted(moves[row["account_id"]], key=itemgetter(0, 1))
        floor = -row["overdraft_limit"]
        running = row["balance"] - sum(amount for _, _, amount in mine)
        if running < floor and not raw.manifest.lived:
            message = f"the opening balance would be {format_fils(running)}, under the overdraft limit"
            yield "accounts", position, "balance", message
            continue
        for at, cause, amount in mine:
            running += amount
            if running < floor:
                low = f"{format_fils(running)} at {format_instant(at)}"
                yield "transactions", cause, "amount", f"takes account {row['account_id']} under its limit: {low}"
                break
        if row["balance"] - pending[row["account_id"]] < floor:
            yield "accounts", position, "balance", "is less than its PENDING movements hold"


def _audit_logs(raw: RawEcosystem) -> Found:
    for position, row in enumerate(raw.rows["audit_logs"]):
        if row["created_at"] > raw.manifest.as_of:
            yield "audit_logs", position, "created_at", f"lies after as_of, {format_instant(raw.manifest.as_of)}"


def _goals(raw: RawEcosystem) -> Found:
    holders = {row["account_id"]: row["customer_id"] for row in raw.rows["accounts"]}
    for position, row in enumerate(raw.rows["savings_goals"]):
        if row["target_amount"] <= 0:
            yield "savings_goals", position, "target_amount", "must be more than 0.000"
        if not 0 <= row["current_amount"] <= row["target_amount"]:
            yield "savings_goals", position, "current_amount", "must lie between 0.000 and the target"
        if holders[row["account_id"]] != row["customer_id"]:
            yield "savings_goals", position, "account_id", "is another customer's account"


def _users(raw: RawEcosystem) -> Found:
    for position, row in enumerate(raw.rows["auth_users"]):
        attempts = row["failed_login_attempts"]
        if attempts < 0:
            yield "auth_users", position, "failed_login_attempts", "must be 0 or more"
        if attempts >= LOCKED_AFTER and row["status"] != UserStatus.LOCKED:
            message = f"{attempts} failed sign-ins mean status LOCKED, not {row['status'].upper()}"
            yield "auth_users", position, "status", message
        if row["role"] == Role.CUSTOMER and row["customer_id"] is None:
            yield "auth_users", position, "customer_id", "is needed for the role CUSTOMER"


def _sessions(raw: RawEcosystem) -> Found:
    devices = {row["device_id"]: row for row in raw.rows["registered_devices"]}
    for position, row in enumerate(raw.rows["login_sessions"]):
        device = devices[row["device_id"]]
        if device["user_id"] != row["user_id"]:
            yield "login_sessions", position, "device_id", "is another user's device"
        if row["status"] == SessionStatus.ACTIVE and device["status"] != DeviceStatus.ACTIVE:
            message = f"the device is {device['status'].upper()}; a session lives only on an ACTIVE one"
            yield "login_sessions", position, "device_id", message


def _disputes(raw: RawEcosystem) -> Found:
    movements = {row["transaction_id"]: row for row in raw.rows["transactions"]}
    holders = {row["account_id"]: row["customer_id"] for row in raw.rows["accounts"]}
    for position, row in enumerate(raw.rows["dispute_records"]):
        movement = movements[row["transaction_id"]]
        if movement["status"] != TransactionStatus.FAILED and not movement["disputed"]:
            message = "only a FAILED movement or one with disputed: true can be in dispute"
            yield "dispute_records", position, "transaction_id", message
        if holders[movement["account_id"]] != row["customer_id"]:
            yield "dispute_records", position, "transaction_id", "is another customer's movement"


def _odd(raw: RawEcosystem, *, default_password: bool) -> Found:
    yield from _odd_customers(raw)
    yield from _odd_ibans(raw)
    for position, row in enumerate(raw.rows["mfa_settings"]):
        if row["mfa_enabled"] and not knows_one(row["methods"]):
            message = "no second factor that is known here is among the methods, so sign-in asks for none"
            yield "mfa_settings", position, "mfa_enabled", message
    with_credentials = {row["user_id"] for row in raw.rows["credentials"]}
    all_read = raw.unread.get("credentials", frozenset()) == frozenset()
    for position, row in enumerate(raw.rows["auth_users"]):
        if all_read and row["user_id"] not in with_credentials:
            yield "auth_users", position, "user_id", "has no record in credentials, so nobody can sign in as this user"
    for position, row in enumerate(raw.rows["credentials"]):
        stored = row["password_hash"]
        unusable = row["password"] is None and (stored is None or not readable(stored))
        if unusable and row["status"] == CredentialStatus.ACTIVE and not default_password:
            message = "no password matches this hash; --default-password gives such users one"
            yield "credentials", position, "password_hash", message


def _odd_customers(raw: RawEcosystem) -> Found:
    for position, row in enumerate(raw.rows["customers"]):
        for field, validate in (("civil_id", civil_id.validate), ("phone", phone.validate)):
            try:
                if row[field] is not None:
                    validate(row[field])
            except ValueError as error:
                yield "customers", position, field, str(error)


def _odd_ibans(raw: RawEcosystem) -> Found:
    for position, row in enumerate(raw.rows["accounts"]):
        try:
            iban.validate(row["iban"])
        except ValueError as error:
            yield "accounts", position, "iban", str(error)
