"""A visit of user1 to a sandbox of its own: signs in there, pays, reads, and steers it by its control plane."""

from collections.abc import Sequence
from typing import Self

import msgspec

from benchmarks import customer
from benchmarks.wire import Answer, Client, WireError


class Payer(msgspec.Struct, frozen=True, kw_only=True):
    """What user1 pays with: every fresh sandbox has the same accounts and balances."""

    order: dict[str, object]
    fils: int
    """What the account that pays starts with."""


class Visit:
    """One fresh sandbox, over a connection that visits share; a context manager that takes the sandbox away."""

    __slots__ = ("_client", "_payer", "_token", "fork", "name", "paid")

    def __init__(self, client: Client, payer: Payer, *, scenarios: Sequence[str] = ()) -> None:
        self._client = client
        self._payer = payer
        self._token: str | None = None
        self.paid = 0
        """How many fils were paid."""
        self.fork = client.expect(201, "POST", "/_sandbox/sandboxes", {"scenarios": scenarios} if scenarios else {})
        """The answer that made the sandbox."""
        self.name = str(self.fork.json()["id"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.expect(204, "DELETE", f"/_sandbox/sandboxes/{self.name}")

    def expect(
        self, status: int, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send a request to the sandbox, signed in once `sign_in` was called.

        Raises:
            WireError: another status.
        """
        signed = {} if self._token is None else {"Authorization": f"Bearer {self._token}"}
        return self._client.expect(status, method, f"/s/{self.name}{path}", body, {**signed, **(headers or {})})

    def sign_in(self) -> Answer:
        """Sign user1 in."""
        answer = self.expect(200, "POST", "/v1/auth/login", customer.CREDENTIALS)
        self._token = str(answer.json()["access_token"])
        return answer

    def pay(self) -> Answer:
        """Transfer one fils, with a key of its own."""
        self.paid += 1
        return self.expect(
            201, "POST", "/v1/transfers", self._payer.order, {"Idempotency-Key": f"{self.name}-{self.paid}"}
        )

    def accounts(self, *, paid: int) -> Answer:
        """The accounts, of which the first must have paid so many fils.

        Raises:
            WireError: it has not.
        """
        answer = self.expect(200, "GET", "/v1/accounts")
        moved = self._payer.fils - customer.accounts_of(answer)[0].balances.booked.fils
        if moved != paid:
            message = f"sandbox {self.name}: {paid} fils were paid, the balance has lost {moved}"
            raise WireError(message)
        return answer


def payer(client: Client) -> Payer:
    """Who pays in every sandbox, looked up in `default` as it was loaded."""
    client.expect(200, "POST", "/_sandbox/reset", {})
    customer.sign_in(client)
    source, target, *_ = customer.accounts(client)
    # Requests to other sandboxes follow, and a token of `default` is none there.
    client.token = None
    order = customer.order(from_account=source.account_id, to_account=target.account_id)
    return Payer(order=order, fils=source.balances.booked.fils)
