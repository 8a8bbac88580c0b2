"""The client for `async` tests: the same methods, awaited. Each runs in a thread, so the test's own loop goes on.

Written over the synchronous client rather than beside it, so that the two cannot differ.
"""

from __future__ import annotations

import asyncio
import functools
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, Self, TypeVar

from sandbox.testing.bank import Bank, Challenge, Snapshot
from sandbox.testing.clock import BankClock
from sandbox.testing.data import Collection
from sandbox.testing.inbox import Inbox
from sandbox.testing.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from datetime import datetime
    from types import TracebackType

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S")
C = TypeVar("C", bound=AbstractAsyncContextManager[Any, None])


class _Twin(Generic[S]):
    """The asynchronous face of a synchronous object, which is its `sync`."""

    def __init__(self, sync: S) -> None:
        self.sync = sync

    def __repr__(self) -> str:
        return f"<async {self.sync!r}>"


def _awaited(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[_Twin[S], P], Coroutine[Any, Any, T]]:
    """The same method, run in a thread and awaited."""

    async def call(self: _Twin[S], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.to_thread(method, self.sync, *args, **kwargs)

    functools.update_wrapper(call, method)
    return call


class Coming(Generic[C]):
    """What is being made: `await` it to have it, or have it for a block by `async with`, which needs no `await`."""

    def __init__(self, making: Coroutine[Any, Any, C]) -> None:
        self._making = making
        self._made: C | None = None

    def __await__(self) -> Generator[Any, None, C]:
        return self._making.__await__()

    async def __aenter__(self) -> C:
        self._made = await self._making
        await self._made.__aenter__()
        return self._made

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._made is not None, "the block was entered"
        await self._made.__aexit__(kind, error, trace)


class AsyncSession(_Twin[Session]):
    """Somebody signed in: `Session`, awaited."""

    request = _awaited(Session.request)
    get = _awaited(Session.get)
    post = _awaited(Session.post)
    put = _awaited(Session.put)
    patch = _awaited(Session.patch)
    delete = _awaited(Session.delete)
    refresh = _awaited(Session.refresh)
    logout = _awaited(Session.logout)
    me = _awaited(Session.me)
    accounts = _awaited(Session.accounts)
    account = _awaited(Session.account)
    transactions = _awaited(Session.transactions)
    transfer = _awaited(Session.transfer)
    deposit = _awaited(Session.deposit)
    withdraw = _awaited(Session.withdraw)

    @property
    def headers(self) -> dict[str, str]:
        """What an HTTP client of your own sends to be this user."""
        return self.sync.headers


class AsyncChallenge(_Twin[Challenge]):
    """A second factor that is asked for: `Challenge`, awaited."""

    code = _awaited(Challenge.code)
    resend = _awaited(Challenge.resend)

    async def verify(self, code: str) -> AsyncSession:
        """Answer with a code; raises as `Challenge.verify` does."""
        return AsyncSession(await asyncio.to_thread(self.sync.verify, code))


class AsyncSnapshot(_Twin[Snapshot]):
    """A named moment: `Snapshot`, awaited."""

    restore = _awaited(Snapshot.restore)
    delete = _awaited(Snapshot.delete)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.restore()
        await self.delete()


class AsyncClock(_Twin[BankClock]):
    """Business time: `BankClock`, awaited; `await clock.now()` is a call."""

    advance = _awaited(BankClock.advance)
    set = _awaited(BankClock.set)
    freeze = _awaited(BankClock.freeze)
    run = _awaited(BankClock.run)

    async def now(self) -> datetime:
        """Business time, in UTC."""
        return await asyncio.to_thread(lambda: self.sync.now)


class AsyncInbox(_Twin[Inbox]):
    """The messages of a bank: `Inbox`, awaited."""

    list = _awaited(Inbox.list)
    latest = _awaited(Inbox.latest)
    wait = _awaited(Inbox.wait)
    clear = _awaited(Inbox.clear)


class AsyncCollection(_Twin[Collection]):
    """The records of a collection: `Collection`, awaited."""

    list = _awaited(Collection.list)
    get = _awaited(Collection.get)
    create = _awaited(Collection.create)
    replace = _awaited(Collection.replace)
    patch = _awaited(Collection.patch)
    delete = _awaited(Collection.delete)


class AsyncBank(_Twin[Bank]):
    """One bank: `Bank`, awaited. As a context manager it is removed at the end of the block."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.remove()

    request = _awaited(Bank.request)
    get = _awaited(Bank.get)
    post = _awaited(Bank.post)
    put = _awaited(Bank.put)
    patch = _awaited(Bank.patch)
    delete = _awaited(Bank.delete)
    info = _awaited(Bank.info)
    scenario = _awaited(Bank.scenario)
    reset = _awaited(Bank.reset)
    digest = _awaited(Bank.digest)
    invariants = _awaited(Bank.invariants)
    check = _awaited(Bank.check)
    export = _awaited(Bank.export)
    remove = _awaited(Bank.remove)

    @property
    def id(self) -> str:
        """Of the sandbox."""
        return self.sync.id

    @property
    def url(self) -> str:
        """Where it is served."""
        return self.sync.url

    @property
    def clock(self) -> AsyncClock:
        """Its business time."""
        return AsyncClock(self.sync.clock)

    @property
    def inbox(self) -> AsyncInbox:
        """What it sent."""
        return AsyncInbox(self.sync.inbox)

    def data(self, collection: str) -> AsyncCollection:
        """The records of a collection."""
        return AsyncCollection(self.sync.data(collection))

    async def login(
        self,
        username: str,
        password: str | None = None,
        *,
        code: str | None = None,
        device: dict[str, str] | None = None,
    ) -> AsyncSession:
        """Sign somebody in, as `Bank.login` does."""
        return AsyncSession(await asyncio.to_thread(self.sync.login, username, password, code=code, device=device))

    async def challenge(
        self, username: str, password: str | None = None, *, device: dict[str, str] | None = None
    ) -> AsyncChallenge:
        """Sign somebody in as far as the second factor, as `Bank.challenge` does."""
        return AsyncChallenge(await asyncio.to_thread(self.sync.challenge, username, password, device=device))

    def snapshot(self, name: str | None = None) -> Coming[AsyncSnapshot]:
        """Remember this moment, as `Bank.snapshot` does: `async with abank.snapshot():`, or await it."""

        async def make() -> AsyncSnapshot:
            return AsyncSnapshot(await asyncio.to_thread(self.sync.snapshot, name))

        return Coming(make())

    def fork(self, *, id: str | None = None, name: str | None = None) -> Coming[AsyncBank]:  # noqa: A002 - as in the API
        """A second bank that starts as this one is now: `async with abank.fork() as other:`, or await it."""

        async def make() -> AsyncBank:
            return AsyncBank(await asyncio.to_thread(self.sync.fork, id=id, name=name))

        return Coming(make())
