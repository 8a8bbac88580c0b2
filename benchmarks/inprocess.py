"""Fork, reset, sleep and waking without HTTP: what sandboxes cost, beside what `lifecycle` sees from outside.

The only module here that may import the bank's own code.
"""

import asyncio
import time
from pathlib import Path

from benchmarks import budgets, data
from benchmarks.report import Budget, Row, times_row
from sandbox.bank import accounts, cash, identity, sessions
from sandbox.bank.access import Actor
from sandbox.bank.devices import DeviceFacts
from sandbox.bank.lists import Window
from sandbox.core.money import OrderAmount
from sandbox.core.settings import Settings
from sandbox.sandboxes.house import DEFAULT, House
from sandbox.sandboxes.root import StateRoot

_TIMES = 300
_IDLE_S = 0.01
"""Given to the loop between two timings, in which it makes the next copy ready."""


def in_process(folder: Path) -> list[Row]:
    """Time fork and reset within this process, alone and with the first write after them.

    The write is a cash deposit. Warm: a ready copy is at hand, as on a server that had a moment to itself. Cold: the
    first write makes its own copy.

    Args:
        folder: an ecosystem of `data.ecosystem`, in which `data.USERNAME` has accounts.

    Returns:
        The rows; their budgets are held against the p50.
    """
    return asyncio.run(_rows(folder))


def sleeping(folder: Path) -> list[Row]:
    """Time a bank that was paid in once as it goes to sleep, and as its next read wakes it.

    Args:
        folder: as for `in_process`.
    """
    return asyncio.run(_sleep_rows(folder))


async def _sleep_rows(folder: Path) -> list[Row]:
    taken: dict[str, list[float]] = {"sleep": [], "wake plus first read": [], "read while awake": []}
    house = House.open(Settings(ecosystem=str(folder)))
    actor, order = _deposit(house.get(DEFAULT).root)
    for _ in range(_TIMES):
        root = await _fresh(house, "fork")
        balance = root.write(cash.deposit, actor, order).balance_after
        started = time.perf_counter()
        root.sleep()
        asleep = time.perf_counter()
        assert not root.awake, "it did not go to sleep"
        taken["sleep"].append((asleep - started) * 1_000)
        for what in ("wake plus first read", "read while awake"):
            started = time.perf_counter()
            booked = root.read(accounts.get_account, actor, order.account_id).balances.booked
            taken[what].append((time.perf_counter() - started) * 1_000)
            assert booked == balance, "it woke as another bank"
        _forget(house)
    house.close()
    return [
        times_row(f"{what}, in process", "sandbank", times, budget=budgets.WAKE if what.startswith("wake") else None)
        for what, times in taken.items()
    ]


async def _rows(folder: Path) -> list[Row]:
    taken: dict[str, list[float]] = {}
    for warmth, copies in (("warm", 4), ("cold", 0)):
        house = House.open(Settings(ecosystem=str(folder), warm_copies=copies))
        actor, order = _deposit(house.get(DEFAULT).root)
        for _ in range(_TIMES):
            for verb in ("reset", "fork"):
                await asyncio.sleep(_IDLE_S if copies else 0)
                started = time.perf_counter()
                root = await _fresh(house, verb)
                made = time.perf_counter()
                view = root.write(cash.deposit, actor, order)
                written = time.perf_counter()
                booked = root.read(accounts.get_account, actor, order.account_id).balances.booked
                assert view.balance_after == booked, "the first write did not take place"
                taken.setdefault(f"{verb} alone", []).append((made - started) * 1_000)
                taken.setdefault(f"{verb} and first write, {warmth}", []).append((written - started) * 1_000)
                _forget(house)
        house.close()
    return [times_row(f"{what}, in process", "sandbank", times, budget=_budget(what)) for what, times in taken.items()]


async def _fresh(house: House, verb: str) -> StateRoot:
    if verb == "reset":
        return await house.reset(house.get(DEFAULT), ecosystem=None, seed=None)
    made = await house.fork(sandbox_id="bench", source=None, caller=DEFAULT, seed=None, name=None)
    return made.root


def _forget(house: House) -> None:
    if any(sandbox.id == "bench" for sandbox in house.all()):
        house.remove("bench")


def _deposit(root: StateRoot) -> tuple[Actor, cash.NewCashMovement]:
    stored = root.read(identity.stored_hash, data.USERNAME)
    opened = root.write(
        identity.sign_in,
        data.USERNAME,
        identity.Verdict(stored, matches=True),
        device=DeviceFacts(fingerprint="bench"),
        ip_address=None,
    )
    assert isinstance(opened, sessions.SignedIn)
    actor = root.read(sessions.actor_of, opened.session_id, ip_address=None)
    first = root.read(accounts.list_accounts, actor, Window(limit=1)).items[0]
    amount = OrderAmount(amount="1.000", currency="KWD")
    return actor, cash.NewCashMovement(account_id=first.account_id, amount=amount)


def _budget(what: str) -> Budget:
    if what.endswith("alone"):
        return budgets.WITHOUT_WRITE
    return budgets.FIRST_WRITE if what.endswith("warm") else budgets.FIRST_WRITE_COLD
