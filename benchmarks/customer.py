"""user1 as a client of Sandbank: signs in, looks at the accounts, orders transfers."""

import msgspec

from benchmarks.data import USERNAME
from benchmarks.data_rows import PASSWORD
from benchmarks.wire import Answer, Client, WireError

CREDENTIALS = {"username": USERNAME, "password": PASSWORD}


class Money(msgspec.Struct):
    """An amount in KWD."""

    amount: str

    @property
    def fils(self) -> int:
        """The amount in fils."""
        return int(self.amount.replace(".", ""))


class Balances(msgspec.Struct):
    """The balances looked at here."""

    booked: Money


class Account(msgspec.Struct):
    """The part of an account that is looked at here."""

    account_id: str
    balances: Balances


class _Accounts(msgspec.Struct):
    items: list[Account]


def sign_in(client: Client) -> str:
    """Sign in and give the client the access token."""
    answer = client.expect(200, "POST", "/v1/auth/login", CREDENTIALS)
    token = client.token = str(answer.json()["access_token"])
    return token


def accounts(client: Client) -> list[Account]:
    """user1's accounts.

    Raises:
        WireError: not the four that the data has.
    """
    return accounts_of(client.expect(200, "GET", "/v1/accounts"))


def accounts_of(answer: Answer) -> list[Account]:
    """The accounts that an answer lists.

    Raises:
        WireError: not the four that the data has.
    """
    found = msgspec.json.decode(answer.body, type=_Accounts).items
    if len(found) != 4:
        message = f"user1 has 4 accounts, GET /v1/accounts shows {len(found)}"
        raise WireError(message)
    return found


def order(*, from_account: str, to_account: str) -> dict[str, object]:
    """The body of a transfer of one fils between two accounts."""
    return {
        "from_account_id": from_account,
        "to": {"account_id": to_account},
        "amount": {"amount": "0.001", "currency": "KWD"},
    }


def check_invariants(client: Client) -> None:
    """Let the bank fold its ledger.

    Raises:
        WireError: an invariant does not hold.
    """
    answer = client.expect(200, "GET", "/_sandbox/invariants")
    if answer.json()["ok"] is not True:
        message = f"invariants do not hold after the load: {answer.body[:600]!r}"
        raise WireError(message)
