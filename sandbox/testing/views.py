"""What the typed helpers of the client give back. Fields that a newer server adds are ignored, not refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec


class Money(msgspec.Struct, frozen=True):
    """An amount in dinars, to the fils: `Decimal("12.750")`."""

    amount: Decimal
    currency: str = "KWD"


class Balances(msgspec.Struct, frozen=True, kw_only=True):
    """The three balances of an account."""

    booked: Money
    available: Money
    held: Money


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account, as `/v1/accounts` shows it."""

    account_id: str
    customer_id: str
    account_number: str
    iban: str
    account_type: str
    currency: str
    status: str
    nickname: str | None
    balances: Balances
    opened_at: str

    @property
    def booked(self) -> Decimal:
        """The booked balance in dinars."""
        return self.balances.booked.amount

    @property
    def available(self) -> Decimal:
        """What can be spent, in dinars."""
        return self.balances.available.amount


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """A movement on an account."""

    transaction_id: str | None
    account_id: str
    transfer_id: str | None
    direction: str
    amount: Money
    status: str
    description: str | None
    balance_after: Money | None
    disputed: bool
    booked_at: str
    booking_date: str


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer and what became of it."""

    transfer_id: str | None
    status: str
    status_reason: str | None
    from_account_id: str
    amount: Money
    reference: str | None
    created_at: str
    reversed_at: str | None


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A demo login of the ecosystem. `state` is `active`, `locked`, `expired`, `suspended` or `pending`."""

    username: str
    password: str
    role: str
    state: str
    note: str


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """What a server serves."""

    version: str
    ecosystem: str
    title: str
    seed: int
    digest: str
    business_time: str
    logins: list[Login]


class SandboxFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A sandbox as the server describes it."""

    id: str
    base_url: str
    seed: int
    business_time: str
    source: str = msgspec.field(name="from")


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One invariant and whether it holds."""

    name: str
    ok: bool
    detail: str | None


class Invariants(msgspec.Struct, frozen=True, kw_only=True):
    """All invariants, folded from the rows anew."""

    ok: bool
    checks: list[Check]

    @property
    def broken(self) -> list[Check]:
        """Those that do not hold."""
        return [check for check in self.checks if not check.ok]


class Fired(msgspec.Struct, frozen=True, kw_only=True):
    """Something that fell due while the clock moved: `count` things of the kind `job` at business time `at`."""

    job: str
    at: str
    count: int


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario that was applied: with which values, and when it was then."""

    name: str
    parameters: dict[str, Any]
    business_time: str
    fired: list[Fired]
