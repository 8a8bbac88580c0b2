"""Somebody signed in to a bank under test: requests that carry the token, and the everyday orders of a customer."""

from __future__ import annotations

import re
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar, Unpack

import msgspec

from sandbox.testing.views import Account, Transaction, Transfer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.testing.bank import Bank
    from sandbox.testing.wire import Answer, Options

__tracebackhide__ = True  # a failure is shown at the test's own line

T = TypeVar("T")

_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9 ]{10,}")
_LARGEST_PAGE: Final = 200
_FILS: Final = Decimal("0.001")
_EXPIRED: Final = "token_expired"


class Session:
    """A signed-in user.

    An access token lives for minutes, and a test may move the clock by days: an expired one is exchanged by itself,
    once, by the refresh token. `auto_refresh = False` turns that off.
    """

    def __init__(self, bank: Bank, username: str, tokens: dict[str, Any]) -> None:
        self.bank = bank
        self.username = username
        self.access_token: str = tokens["access_token"]
        self.refresh_token: str = tokens["refresh_token"]
        self.session_id: str = tokens["session_id"]
        self.auto_refresh = True
        self._refreshing = threading.Lock()

    def __repr__(self) -> str:
        return f"<Session of {self.username} in {self.bank.id}>"

    @property
    def headers(self) -> dict[str, str]:
        """What an HTTP client of your own sends to be this user."""
        return {"Authorization": f"Bearer {self.access_token}"}

    def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        params: Mapping[str, object] | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Answer:
        """Any request as this user; arguments as for `Bank.request`.

        A POST gets an Idempotency-Key of its own, unless `headers` names one (None: send none).
        """
        given = {name.lower(): value for name, value in (headers or {}).items()}
        if method == "POST" and not path.startswith("/v1/auth/"):
            given.setdefault("idempotency-key", self.bank.next_key())
        token = self.access_token
        answer = self._send(method, path, token, json=json, params=params, headers=given)
        if answer.problem == _EXPIRED and self.auto_refresh and self._renewed(instead_of=token):
            answer = self._send(method, path, self.access_token, json=json, params=params, headers=given)
        return answer

    def get(self, path: str, /, **options: Unpack[Options]) -> Answer:
        """GET; options as for `request`."""
        return self.request("GET", path, **options)

    def post(self, path: str, /, **options: Unpack[Options]) -> Answer:
        """POST; options as for `request`."""
        return self.request("POST", path, **options)

    def put(self, path: str, /, **options: Unpack[Options]) -> Answer:
        """PUT; options as for `request`."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, /, **options: Unpack[Options]) -> Answer:
        """PATCH; options as for `request`."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, /, **options: Unpack[Options]) -> Answer:
        """DELETE; options as for `request`."""
        return self.request("DELETE", path, **options)

    def refresh(self) -> None:
        """Exchange the refresh token for new tokens.

        Raises:
            RefusedError: it is over, or the session is.
        """
        self._exchange().expect()

    def logout(self) -> None:
        """End the session."""
        self.post("/v1/auth/logout").expect()

    # The everyday orders of a customer

    def me(self) -> dict[str, Any]:
        """Who is signed in."""
        found: dict[str, Any] = self.get("/v1/auth/me").expect().json()
        return found

    def accounts(self) -> list[Account]:
        """All accounts."""
        return self._all("/v1/accounts", Account)

    def account(self, account: Account | str) -> Account:
        """One account as it stands now."""
        return msgspec.convert(self.get(f"/v1/accounts/{_id_of(account)}").expect().json(), Account)

    def transactions(
        self, account: Account | str | None = None, /, *, limit: int | None = None, **filters: object
    ) -> list[Transaction]:
        """What moved, newest first: on one account or on all of them, at most `limit`.

        Args:
            account: one of them.
            limit: at most so many; all of them without it.
            filters: `direction="debit"`, `min_amount="100.000"`, `q="rent"` and so on.
        """
        path = "/v1/transactions" if account is None else f"/v1/accounts/{_id_of(account)}/transactions"
        return self._all(path, Transaction, limit=limit, filters=filters)

    def transfer(
        self,
        from_account: Account | str,
        to: Account | str,
        amount: Decimal | int | str,
        *,
        reference: str | None = None,
        key: str | None = None,
    ) -> Transfer:
        """Pay an account.

        Args:
            from_account: who pays, as account or account id.
            to: who receives: an account, an account id or an IBAN.
            amount: in dinars, as text, Decimal or whole number: `"12.750"`.
            reference: a text for both sides.
            key: an Idempotency-Key of your own, as for a retry.

        Raises:
            RefusedError: `insufficient_funds`, `account_blocked` and so on.
        """
        payee = _id_of(to)
        order: dict[str, object] = {
            "from_account_id": _id_of(from_account),
            "to": {"iban": payee} if _IBAN.fullmatch(payee) else {"account_id": payee},
            "amount": money(amount),
        }
        if reference is not None:
            order["reference"] = reference
        return msgspec.convert(self._order("/v1/transfers", order, key), Transfer)

    def deposit(self, account: Account | str, amount: Decimal | int | str, *, key: str | None = None) -> Transaction:
        """Pay cash in.

        Raises:
            RefusedError: the bank refuses.
        """
        order = {"account_id": _id_of(account), "amount": money(amount)}
        return msgspec.convert(self._order("/v1/deposits", order, key), Transaction)

    def withdraw(self, account: Account | str, amount: Decimal | int | str, *, key: str | None = None) -> Transaction:
        """Take cash out.

        Raises:
            RefusedError: `insufficient_funds` and so on.
        """
        order = {"account_id": _id_of(account), "amount": money(amount)}
        return msgspec.convert(self._order("/v1/withdrawals", order, key), Transaction)

    def _order(self, path: str, order: Mapping[str, object], key: str | None) -> Any:
        headers = {} if key is None else {"idempotency-key": key}
        return self.post(path, json=order, headers=headers).expect().json()

    def _all(
        self, path: str, kind: type[T], *, limit: int | None = None, filters: Mapping[str, object] | None = None
    ) -> list[T]:
        found: list[T] = []
        cursor: str | None = None
        while limit is None or len(found) < limit:
            wanted = _LARGEST_PAGE if limit is None else min(_LARGEST_PAGE, limit - len(found))
            params = {**(filters or {}), "limit": wanted, "cursor": cursor}
            page = self.get(path, params=params).expect().json()
            found += msgspec.convert(page["items"], list[kind])  # type: ignore[valid-type]
            cursor = page["page"]["next_cursor"]
            if cursor is None:
                break
        return found

    def _send(
        self,
        method: str,
        path: str,
        token: str,
        *,
        json: object,
        params: Mapping[str, object] | None,
        headers: Mapping[str, str | None],
    ) -> Answer:
        bearer: dict[str, str | None] = {"authorization": f"Bearer {token}"}
        return self.bank.request(method, path, json=json, params=params, headers=bearer | dict(headers))

    def _renewed(self, *, instead_of: str) -> bool:
        """Whether there is another access token now. Only one thread exchanges: a used refresh token ends a session."""
        with self._refreshing:
            return self.access_token != instead_of or self._exchange().ok

    def _exchange(self) -> Answer:
        answer = self.bank.post("/v1/auth/refresh", json={"refresh_token": self.refresh_token})
        if answer.ok:
            tokens = answer.json()
            self.access_token, self.refresh_token = tokens["access_token"], tokens["refresh_token"]
        return answer


def money(amount: Decimal | int | str) -> dict[str, str]:
    """Dinars as the API writes them: `{"amount": "12.750", "currency": "KWD"}`.

    Raises:
        TypeError: a float, which cannot hold fils, or another type.
        ValueError: no number, or one with parts of a fils.
    """
    if isinstance(amount, bool) or not isinstance(amount, Decimal | int | str):
        raise TypeError(f"money is a text such as '12.750', a Decimal or a whole number, not {amount!r}")
    try:
        exact = Decimal(amount)
        fils = exact.quantize(_FILS)
    except ArithmeticError:
        exact, fils = _FILS, None
    if fils is None or fils != exact:
        raise ValueError(f"{amount!r} is no amount in dinars and fils such as '12.750'")
    return {"amount": f"{fils:f}", "currency": "KWD"}


def _id_of(account: Account | str) -> str:
    return account.account_id if isinstance(account, Account) else account
