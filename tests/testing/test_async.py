"""Async tests: the bank does not stop for them, nor they for it."""

import asyncio
import inspect
from decimal import Decimal

import pytest

from sandbox.testing import AsyncBank, Bank, RefusedError, aio
from sandbox.testing.bank import Challenge, Snapshot
from sandbox.testing.clock import BankClock
from sandbox.testing.data import Collection
from sandbox.testing.inbox import Inbox
from sandbox.testing.session import Session
from sandbox.testing.wire import Wire

TWINS = {
    aio.AsyncBank: Bank,
    aio.AsyncChallenge: Challenge,
    aio.AsyncClock: BankClock,
    aio.AsyncCollection: Collection,
    aio.AsyncInbox: Inbox,
    aio.AsyncSession: Session,
    aio.AsyncSnapshot: Snapshot,
}
NOT_AWAITED = {"data", "next_key"}
"""What asks the server nothing."""
COMING: dict[type, set[str]] = {aio.AsyncBank: {"fork", "snapshot"}}
"""What may be awaited or stand after `async with`."""


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: twin.__name__)
def test_every_method_has_its_twin(twin: type) -> None:
    public = {name for name, _ in inspect.getmembers(TWINS[twin], inspect.isfunction) if not name.startswith("_")}
    awaited = {name for name, member in inspect.getmembers(twin) if inspect.iscoroutinefunction(member)}
    assert public - NOT_AWAITED - COMING.get(twin, set()) <= awaited


@pytest.mark.asyncio
async def test_a_transfer_is_awaited(abank: AsyncBank) -> None:
    someone = await abank.login("fatima")
    current, savings = (await someone.accounts())[:2]
    paid = await someone.transfer(current, savings, "12.750")
    assert paid.status == "settled"
    assert (await someone.account(current)).booked == current.booked - Decimal("12.750")
    assert someone.headers["Authorization"].startswith("Bearer ")
    with pytest.raises(RefusedError, match="insufficient_funds"):
        await someone.withdraw(current, "99999.000")
    await abank.check()


@pytest.mark.asyncio
async def test_orders_at_the_same_time_all_arrive(abank: AsyncBank) -> None:
    someone = await abank.login("fatima")
    account = (await someone.accounts())[0]
    paid = await asyncio.gather(*(someone.deposit(account, "1.000") for _ in range(20)))
    assert len({movement.transaction_id for movement in paid}) == 20
    assert (await someone.account(account)).booked == account.booked + 20


@pytest.mark.asyncio
async def test_a_blocking_call_in_an_async_test_does_not_stop_the_bank(bank: Bank) -> None:
    assert bank.login("fatima").accounts()


@pytest.mark.asyncio
async def test_waiting_for_a_message_lets_the_test_go_on(abank: AsyncBank) -> None:
    await abank.scenario("second-factor", user="fatima")
    waiting = asyncio.create_task(abank.inbox.wait(channel="sms", timeout=30))
    challenge = await abank.challenge("fatima")
    message = await waiting
    assert message.code is not None
    someone = await challenge.verify(message.code)
    assert (await someone.me())["username"] == "fatima"


@pytest.mark.asyncio
async def test_time_moments_and_forks_are_awaited(abank: AsyncBank) -> None:
    digest = await abank.digest()
    now = await abank.clock.now()
    async with await abank.snapshot():
        await abank.login("fatima")
        await abank.clock.advance("P1D")
        assert await abank.digest() != digest
    assert (await abank.digest(), await abank.clock.now()) == (digest, now)
    other = await abank.fork()
    assert other.id != abank.id
    assert other.url.endswith(f"/s/{other.id}")
    assert await other.digest() == digest
    assert repr(other).startswith("<async <Bank ")


@pytest.mark.asyncio
@pytest.mark.parametrize("awaited", [True, False])
async def test_a_block_has_a_bank_or_a_moment_of_its_own(abank: AsyncBank, awaited: bool) -> None:  # noqa: FBT001
    digest = await abank.digest()
    async with (await abank.fork(id="other")) if awaited else abank.fork(id="other") as other:
        await other.login("fatima")
        assert (other.id, await abank.digest()) == ("other", digest)
    with pytest.raises(RefusedError, match="sandbox_unknown"):
        await other.digest()
    async with (await abank.snapshot("kept")) if awaited else abank.snapshot("kept") as moment:
        assert moment.sync.name == "kept"
        await abank.login("fatima")
    assert await abank.digest() == digest
    assert (await abank.get("/_sandbox/snapshots")).json() == {"items": []}


@pytest.mark.asyncio
async def test_a_block_that_fails_leaves_nothing_either(abank: AsyncBank) -> None:
    with pytest.raises(ZeroDivisionError):
        async with abank.fork(id="failed"):
            raise ZeroDivisionError
    assert (await abank.get("/_sandbox/sandboxes/failed")).problem == "sandbox_unknown"


@pytest.mark.asyncio
async def test_requests_run_beside_each_other(abank: AsyncBank, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two waits of the server for each other's message would never end if one had to wait for the other."""
    sent = Wire.send
    meet = asyncio.Barrier(2)
    loop = asyncio.get_running_loop()

    def both(*args: object, **kwargs: object) -> object:
        asyncio.run_coroutine_threadsafe(meet.wait(), loop).result(timeout=30)
        return sent(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Wire, "send", both)
    digests = await asyncio.gather(abank.digest(), abank.digest())
    assert digests[0] == digests[1]
