"""The yardstick: a Litestar application that only takes and gives JSON, served as Sandbank is served.

`GET /accounts` answers four accounts in the shape of our `GET /v1/accounts`; `POST /transfers` takes a typed
order and answers 201. No sign-in, no database, no rules: what Sandbank adds is the distance to this.
"""

import socket
from typing import Literal

import msgspec
import uvicorn
from litestar import Litestar, get, post


class Money(msgspec.Struct, frozen=True):
    """An amount and its currency."""

    amount: str
    currency: Literal["KWD"] = "KWD"


class Balances(msgspec.Struct, frozen=True):
    """What is booked, what may be spent, and what is held."""

    booked: Money
    available: Money
    held: Money


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account as `/v1/accounts` shows it."""

    account_id: str
    account_number: str
    iban: str
    account_type: str
    currency: str
    status: str
    nickname: str | None
    balances: Balances
    opened_at: str


class Page(msgspec.Struct, frozen=True):
    """Where a list goes on."""

    next_cursor: str | None = None
    has_more: bool = False


class Accounts(msgspec.Struct, frozen=True):
    """A page of accounts."""

    items: list[Account]
    page: Page


class Destination(msgspec.Struct, frozen=True):
    """Who is paid."""

    account_id: str


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A transfer's body."""

    from_account_id: str
    to: Destination
    amount: Money
    reference: str | None = None
    purpose: str | None = None


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """What a transfer answers."""

    transfer_id: str
    status: str
    from_account_id: str
    to: Destination
    amount: Money
    fee: Money
    booking_date: str
    value_date: str
    created_at: str


NOTHING = Money("0.000")
ACCOUNTS = Accounts(
    items=[
        Account(
            account_id=f"6f1c2f0e-6d0b-4c55-9a53-0d5a6f2b7c0{digit}",
            account_number=f"10000000000{digit}",
            iban=f"KW81SNBK000000000010000000000{digit}",
            account_type="current",
            currency="KWD",
            status="active",
            nickname=None,
            balances=Balances(Money("52418.250"), Money("52418.250"), NOTHING),
            opened_at="2021-03-14T07:30:00.000Z",
        )
        for digit in range(1, 5)
    ],
    page=Page(),
)


@get("/accounts")
async def accounts() -> Accounts:
    """Answer four accounts, encoded anew for each request."""
    return ACCOUNTS


@post("/transfers")
async def transfer(data: Order) -> Transfer:
    """Answer 201 without moving anything."""
    return Transfer(
        transfer_id="0d0a3c52-5f6e-4d0f-8f57-6b1b8d2f4a11",
        status="settled",
        from_account_id=data.from_account_id,
        to=data.to,
        amount=data.amount,
        fee=NOTHING,
        booking_date="2026-01-15",
        value_date="2026-01-15",
        created_at="2026-01-15T09:00:00.001Z",
    )


def main() -> None:
    """Serve on a free loopback port, after a ready line like Sandbank's."""
    app = Litestar(route_handlers=[accounts, transfer], openapi_config=None, logging_config=None)
    listener = socket.create_server(("127.0.0.1", 0))
    print(msgspec.json.encode({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"}).decode(), flush=True)
    config = uvicorn.Config(app, loop="uvloop", http="httptools", access_log=False, log_level="warning")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
