"""One bank under test: a sandbox, and everything a test does with it.

`Bank` signs people in, moves time, reads the inbox, takes snapshots and checks the books; `Session` is somebody
signed in. Raw requests (`get`, `post` and so on) give every answer back as it is; typed helpers such as `transfer`
give what they are named after, and raise `RefusedError` when the bank refuses.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final, Self, Unpack
from urllib.parse import quote

import msgspec

from sandbox.testing.clock import BankClock
from sandbox.testing.data import Collection
from sandbox.testing.history import History
from sandbox.testing.inbox import Inbox
from sandbox.testing.session import Session
from sandbox.testing.views import Applied, Info, Invariants

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from sandbox.testing.aio import AsyncBank
    from sandbox.testing.sandbank import Sandbank
    from sandbox.testing.views import SandboxFacts
    from sandbox.testing.wire import Answer, Options

__tracebackhide__ = True  # a failure is shown at the test's own line

GUARDED: Final = ("/_sandbox", "/_data")
"""The planes that may ask for the control token."""

_WITH_INBOX: Final = frozenset({"sms", "email"})


class InvariantBrokenError(AssertionError):
    """Something that must be true of a bank at every moment is not."""


class Bank:
    """One sandbox of a server. Any number of threads may use it."""

    def __init__(self, sandbank: Sandbank, facts: SandboxFacts, *, keys: itertools.count[int] | None = None) -> None:
        self.sandbank = sandbank
        """The server that it lives on."""
        self.id: str = facts.id
        self.seed: int = facts.seed
        self.origin: str = facts.source
        """What it was forked from: `ecosystem:tiny`, `sandbox:default`."""
        self.clock = BankClock(self)
        self.inbox = Inbox(self)
        self.history = History()
        """The requests made through this object."""
        self._keys = itertools.count(1) if keys is None else keys
        self._snapshots = itertools.count(1)
        self._forks: list[Bank] = []

    def __repr__(self) -> str:
        return f"<Bank {self.id} at {self.url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    @property
    def url(self) -> str:
        """Where it is served: the base address to give to an application under test."""
        return f"{self.sandbank.url}/s/{self.id}"

    @property
    def aio(self) -> AsyncBank:
        """The same bank for `async` tests."""
        from sandbox.testing.aio import AsyncBank  # noqa: PLC0415 - it stands on this module

        return AsyncBank(self)

    # Requests

    def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        params: Mapping[str, object] | None = None,
        headers: Mapping[str, str | None] | None = None,
        wait: float = 0.0,
    ) -> Answer:
        """Any request to this bank as nobody in particular, or to its planes of control and data.

        Args:
            method: GET, POST and so on.
            path: within the bank, such as `/v1/auth/login`.
            json: the body.
            params: the query; what is None is left out.
            headers: more headers; one that is None is not sent.
            wait: seconds that the server is asked to wait.
        """
        if not path.startswith("/"):
            raise ValueError(f"the path {path!r} does not start with /")
        token = self.sandbank.control_token
        guard = {"sandbank-control-token": token} if token is not None and path.startswith(GUARDED) else {}
        answer = self.sandbank.wire.send(
            method, f"/s/{self.id}{path}", body=json, params=params, headers=guard | dict(headers or {}), wait=wait
        )
        self.history.add(answer)
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

    def next_key(self) -> str:
        """A new Idempotency-Key: the same in every run of a test that asks in the same order."""
        return f"sandbank-testing-{next(self._keys)}"

    # People

    def login(
        self,
        username: str,
        password: str | None = None,
        *,
        code: str | None = None,
        device: Mapping[str, str] | None = None,
    ) -> Session:
        """Sign somebody in.

        A second factor is answered with `code`; without one, with the code that the bank sends to the inbox.

        Args:
            username: of the user.
            password: that of the demo login of this name, when left out.
            code: of an authenticator application, or any other that is known beforehand.
            device: `{"model": "iPhone 17", "os": "iOS 20"}` and the like.

        Raises:
            RefusedError: `invalid_credentials`, `user_locked`, `credentials_expired` and so on.
            LookupError: no password is given, and no demo login has this name.
        """
        signed_in = self._sign_in(username, password, device)
        if isinstance(signed_in, Session):
            return signed_in
        if code is None and signed_in.method not in _WITH_INBOX:
            raise LookupError(f"{username} has to answer with a code by {signed_in.method}: give it as code=...")
        return signed_in.verify(code if code is not None else signed_in.code())

    def challenge(
        self, username: str, password: str | None = None, *, device: Mapping[str, str] | None = None
    ) -> Challenge:
        """Sign somebody in as far as the second factor, for a test that answers it itself.

        Raises:
            RefusedError: as for `login`.
            LookupError: nobody asks this user for a second factor.
        """
        signed_in = self._sign_in(username, password, device)
        if isinstance(signed_in, Session):
            raise LookupError(f"{username} is signed in with the password alone; no second factor is asked for")
        return signed_in

    # The bank as a whole

    def info(self) -> Info:
        """Its ecosystem, business time and demo logins in the state in which they are now."""
        return msgspec.convert(self.get("/_sandbox/info").expect().json(), Info)

    def scenario(self, name: str, /, **parameters: object) -> Applied:
        """Apply a scenario on top of what is there: `bank.scenario("low-balance", balance="1.000")`.

        Raises:
            RefusedError: there is none of that name, a parameter is wrong, or the precondition does not hold.
        """
        path = f"/_sandbox/scenarios/{quote(name, safe='')}"
        return msgspec.convert(self.post(path, json=parameters).expect().json(), Applied)

    def snapshot(self, name: str | None = None) -> Snapshot:
        """Remember this moment under a name; one is made when none is given.

        As a context manager it goes back at the end of the block, and forgets the moment.
        """
        chosen = name or f"moment-{next(self._snapshots)}"
        self.post("/_sandbox/snapshots", json={"name": chosen}).expect()
        return Snapshot(self, chosen)

    def reset(self, /, **order: object) -> str:
        """Go back to what the bank was made from, or to what `ecosystem`, `seed` and so on say; its digest.

        Whoever was signed in no longer is.
        """
        digest: str = self.post("/_sandbox/reset", json=order).expect().json()["digest"]
        return digest

    def digest(self) -> str:
        """A fingerprint of everything in the bank: equal digests mean equal banks."""
        found: str = self.get("/_sandbox/digest").expect().json()["digest"]
        return found

    def invariants(self) -> Invariants:
        """What must be true of a bank at every moment, checked now."""
        return msgspec.convert(self.get("/_sandbox/invariants").expect().json(), Invariants)

    def check(self) -> None:
        """Assert that all invariants hold.

        Raises:
            InvariantBrokenError: with the name of each that does not.
        """
        broken = self.invariants().broken
        if broken:
            lines = "".join(f"\n  {check.name}: {check.detail}" for check in broken)
            raise InvariantBrokenError(f"the books of {self.id} are broken:{lines}")

    def data(self, collection: str) -> Collection:
        """The records of a collection, such as `customers`."""
        return Collection(self, collection)

    def export(self) -> bytes:
        """The whole bank as an ecosystem: a zip of JSON files."""
        return self.get("/_sandbox/export").expect().body

    def fork(self, *, id: str | None = None, name: str | None = None) -> Bank:  # noqa: A002 - as the API calls it
        """A second bank that starts as this one is now. It is removed with this one, if not before."""
        order = {"id": id, "from": f"sandbox:{self.id}", "name": name}
        facts = self.sandbank.make(**{name: value for name, value in order.items() if value is not None})
        # Its idempotency keys go on where ours are: those before are used up in the copy too.
        forked = Bank(self.sandbank, facts, keys=itertools.count(next(self._keys)))
        self._forks.append(forked)
        return forked

    def remove(self) -> None:
        """Take the sandbox away, and those forked from it; nothing of them is left."""
        while self._forks:
            self._forks.pop().remove()
        self.sandbank.remove(self.id)

    def _sign_in(self, username: str, password: str | None, device: Mapping[str, str] | None) -> Session | Challenge:
        secret = self._password_of(username) if password is None else password
        order: dict[str, object] = {"username": username, "password": secret}
        if device is not None:
            order["device"] = dict(device)
        answer = self.post("/v1/auth/login", json=order).expect()
        if answer.status == 202:
            return Challenge(self, username, answer.json()["challenge"])
        return Session(self, username, answer.json())

    def _password_of(self, username: str) -> str:
        logins = self.info().logins
        for login in logins:
            if login.username == username:
                return login.password
        known = ", ".join(login.username for login in logins) or "none"
        raise LookupError(f"no demo login is called {username!r} (there are: {known}); give a password")


class Challenge:
    """The second factor that somebody is asked for."""

    def __init__(self, bank: Bank, username: str, facts: dict[str, Any]) -> None:
        self._bank = bank
        self._username = username
        self.id: str = facts["challenge_id"]
        self.method: str = facts["method"]
        """`sms`, `email`, `totp` and so on."""
        self.expires_at: str = facts["expires_at"]

    def code(self, *, timeout: float = 5.0) -> str:
        """The code that the bank sent, from the inbox.

        Raises:
            RefusedError: none came in time.
        """
        message = self._bank.inbox.wait(channel=self.method, has_code=True, timeout=timeout)
        assert message.code is not None
        return message.code

    def verify(self, code: str) -> Session:
        """Answer with a code.

        Raises:
            RefusedError: it is wrong, or came too late.
        """
        answer = self._bank.post(f"/v1/auth/challenges/{self.id}/verify", json={"code": code}).expect()
        return Session(self._bank, self._username, answer.json())

    def resend(self) -> None:
        """Ask for another code.

        Raises:
            RefusedError: it is too early for that.
        """
        self._bank.post(f"/v1/auth/challenges/{self.id}/resend").expect()


class Snapshot:
    """A named moment of a bank."""

    def __init__(self, bank: Bank, name: str) -> None:
        self._bank = bank
        self.name = name

    def restore(self) -> None:
        """Put the bank back to this moment, its clock included."""
        self._bank.post(f"/_sandbox/snapshots/{self.name}/restore").expect()

    def delete(self) -> None:
        """Forget the moment."""
        self._bank.delete(f"/_sandbox/snapshots/{self.name}").expect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.restore()
        self.delete()
