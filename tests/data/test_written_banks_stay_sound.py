"""Whatever is written over `/_data`, in whatever order: all invariants hold, and an export loads as the same bank."""

import asyncio
import contextlib
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from support import VIRTUAL, broken_invariants, new_root

from sandbox.bank import records
from sandbox.core.errors import DomainError
from sandbox.core.money import format_fils
from sandbox.core.vocabulary import in_files
from sandbox.sandboxes.exchange import export_zip, files_of_zip, image_of_files
from sandbox.sandboxes.root import StateRoot
from sandbox.store.records import COLLECTIONS

picks = st.integers(0, 2**16)
amounts = st.integers(-2_000, 5_000_000).map(format_fils)
STATUSES = ("ACTIVE", "FROZEN", "DORMANT", "CLOSED", "COMPLETED", "PENDING", "FAILED", "REVERSED", "REVOKED", "LOCKED")
FREE = ("notifications", "service_requests", "login_sessions", "registered_devices", "mfa_settings", "savings_goals")


class DataPlane(RuleBasedStateMachine):
    """Writes records, also ones that must be refused."""

    root: StateRoot

    @initialize()
    def start(self) -> None:
        """A fresh bank."""
        self.root = new_root()

    def pick(self, collection: str, pick: int) -> dict[str, Any] | None:
        """Some record of a collection."""
        found = self.root.read(records.find_records, collection, {})
        return found[pick % len(found)] if found else None

    def write(self, fn: Any, *args: Any) -> Any:
        """Do a write; the bank may refuse it."""
        with contextlib.suppress(DomainError):
            return self.root.write(fn, *args)
        return None

    @rule(pick=picks, balance=amounts, limit=amounts, status=st.sampled_from(STATUSES[:4]))
    def set_balance(self, pick: int, balance: str, limit: str, status: str) -> None:
        """Another balance, limit or status of an account; what was accepted is what is there."""
        account = self.pick("accounts", pick)
        assert account is not None
        choices: list[dict[str, Any]] = [
            {"balance": balance},
            {"status": status},
            {"balance": balance, "overdraft_limit": limit},
            {"balance": "0.000", "status": status},
        ]
        changes = choices[pick % 4]
        after = self.write(records.patch_record, "accounts", account["account_id"], changes)
        if after is not None:
            assert {name: after[name] for name in changes} == changes

    @rule(pick=picks, balance=amounts, status=st.sampled_from(STATUSES[:4]))
    def open_account(self, pick: int, balance: str, status: str) -> None:
        """A new account with money on it."""
        customer = self.pick("customers", pick)
        assert customer is not None
        number = str(self.root.write_number)
        facts = {"account_number": number, "iban": f"IBAN{number}", "account_type": "CURRENT"}
        body = facts | {"customer_id": customer["customer_id"], "balance": balance, "status": status}
        self.write(records.create_record, "accounts", body)

    @rule(
        pick=picks,
        amount=amounts,
        direction=st.sampled_from(["CREDIT", "DEBIT"]),
        status=st.sampled_from(STATUSES[4:8]),
        channel=st.sampled_from([None, "POS", "ATM", "ADJUSTMENT", "odd"]),
    )
    def post(self, pick: int, amount: str, direction: str, status: str, channel: str | None) -> None:
        """A movement in any status."""
        account = self.pick("accounts", pick)
        assert account is not None
        facts = {"direction": direction, "status": status, "channel": channel, "merchant_name": channel}
        self.write(
            records.create_record, "transactions", {"account_id": account["account_id"], "amount": amount} | facts
        )

    @rule(pick=picks, status=st.sampled_from(STATUSES[4:8]), disputed=st.booleans())
    def tell_movement(self, pick: int, status: str, *, disputed: bool) -> None:
        """Other words about a movement, or another status for it."""
        movement = self.pick("transactions", -1 - pick % 12)
        assert movement is not None
        choices: list[dict[str, Any]] = [
            {"status": status},
            {"disputed": disputed, "note": pick},
            {"merchant_name": "Souq", "description": None},
        ]
        self.write(records.patch_record, "transactions", movement["transaction_id"], choices[pick % 3])

    @rule(name=st.sampled_from([*COLLECTIONS]), pick=picks)
    def delete(self, name: str, pick: int) -> None:
        """Any record of any collection."""
        record = self.pick(name, pick)
        if record is not None:
            self.write(records.delete_record, name, record[COLLECTIONS[name].key])

    @rule(name=st.sampled_from(FREE), pick=picks, other=picks)
    def mix(self, name: str, pick: int, other: int) -> None:
        """Fields of one record in another, and a new record made of an old one."""
        record, source = self.pick(name, pick), self.pick(name, other)
        if record is None or source is None:
            return
        key = COLLECTIONS[name].key
        changes = {field: value for field, value in source.items() if field != key}
        kinds = [field.kind for field in COLLECTIONS[name].fields if field.name == "status"]
        for kind in kinds:
            changes["status"] = [*map(in_files, kind)][pick % len(kind)]
        self.write(records.patch_record, name, record[key], changes)
        self.write(records.create_record, name, changes)

    @rule(pick=picks, attempts=st.integers(0, 7), status=st.sampled_from(STATUSES))
    def lock(self, pick: int, attempts: int, status: str) -> None:
        """Failed sign-ins and statuses of users."""
        user = self.pick("auth_users", pick)
        assert user is not None
        changes = {"failed_login_attempts": attempts, "status": status}
        self.write(records.patch_record, "auth_users", user["user_id"], changes)

    @invariant()
    def all_invariants_hold(self) -> None:
        """After each step."""
        if hasattr(self, "root"):
            assert broken_invariants(self.root) == []

    def teardown(self) -> None:
        """What was written can be exported and loaded: it is the same bank."""
        if hasattr(self, "root"):
            packed = asyncio.run(export_zip(self.root))
            loaded = image_of_files(files_of_zip(packed, VIRTUAL), VIRTUAL)
            assert loaded.facts.digest == asyncio.run(self.root.digest())
            loaded.close()
            self.root.retire()


TestDataPlane = DataPlane.TestCase
TestDataPlane.settings = settings(
    derandomize=True,
    database=None,
    max_examples=40,
    stateful_step_count=20,
    deadline=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
