"""What falls due is settled at its moment, before anybody meets it: the cases at the edge of a tick."""

import asyncio
from collections.abc import Callable

import pytest
from bankside import FATIMA_CURRENT, reserve, sql
from clockwork import SETTINGS, Wall, new_house, probed, second_factor_image
from secondfactor import challenged, first_step, resend

from sandbox.bank import identity, sessions
from sandbox.bank.devices import DeviceFacts
from sandbox.bank.identity import Verdict
from sandbox.bank.sessions import SignedIn
from sandbox.core.clock import DAY, HOUR, MILLISECOND, MINUTE, SECOND, Instant
from sandbox.core.errors import InvalidCredentialsError, UserLockedError
from sandbox.core.settings import ClockMode
from sandbox.sandboxes import business_clock, jobs
from sandbox.sandboxes.house import DEFAULT
from sandbox.sandboxes.idempotency import Answer, KeyedOrder
from sandbox.sandboxes.root import StateRoot


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    """The clock that live sandboxes follow."""
    made = Wall()
    monkeypatch.setattr(business_clock, "wall_time", made)
    return made


# What is written now and falls due later: a bank in which nothing else does finds it.


def fail_to_sign_in(root: StateRoot) -> None:
    """Wrong passwords until the user is locked."""
    verdict, device = Verdict("another", matches=False), DeviceFacts(fingerprint="a test")
    for _ in range(5):
        with pytest.raises((InvalidCredentialsError, UserLockedError)):
            root.write(identity.sign_in, "fatima", verdict, device=device, ip_address=None)


def sign_in_and_refresh(root: StateRoot) -> None:
    """A session that is refreshed after a day, and goes on for its whole time from then."""
    opened = first_step(root)
    assert isinstance(opened, SignedIn)
    root.advance(Instant(root.now + DAY))
    root.write(sessions.refresh, opened.refresh_secret, ip_address=None)


def resend_later(root: StateRoot) -> None:
    """A code, and another one before it expires."""
    asked = challenged(root, "arjun")
    root.advance(Instant(root.now + MINUTE))
    resend(root, asked)


LATER: dict[str, tuple[str, Callable[[StateRoot], object]]] = {
    "hold": ("expire_holds", lambda root: reserve(root, FATIMA_CURRENT, -1)),
    "lock": ("unlock_users", fail_to_sign_in),
    "session": ("expire_sessions", first_step),
    "refreshed session": ("expire_sessions", sign_in_and_refresh),
    "code": ("expire_codes", lambda root: challenged(root, "arjun")),
    "second code": ("expire_codes", resend_later),
}


@pytest.mark.parametrize("within", ["write", "rewrite"])
@pytest.mark.parametrize("thing", LATER)
def test_a_bank_knows_of_what_falls_due_as_soon_as_it_is_written(thing: str, within: str) -> None:
    root = StateRoot(second_factor_image(), rules=SETTINGS, seed=1, generation=1)
    job, make = LATER[thing]
    root.advance(Instant(root.now + 40 * DAY))
    assert root.read(jobs.next_job) is None
    if within == "write":
        make(root)
    else:
        asyncio.run(root.rewrite(make))
    assert [one.job for one in root.advance(Instant(root.now + 40 * DAY))] == [job]
    root.close()


# One tick after another: what is due one millisecond after something else that is due.


@pytest.mark.parametrize("gap", [1, MILLISECOND - 1, MILLISECOND, MILLISECOND + 1, 2 * MILLISECOND])
def test_a_write_meets_nothing_that_falls_due_while_others_are_settled(root: StateRoot, gap: int) -> None:
    first = root.now + HOUR
    for number in range(4):
        reserve(root, FATIMA_CURRENT, -10 - number, expires_at=first + number * gap)
    root.advance(Instant(first - MILLISECOND))
    before = active_holds(root)
    root.write(probed)
    assert active_holds(root) < before, "the probe looked at a moment at which something was due"


@pytest.mark.parametrize("gap", [1, MILLISECOND - 1, MILLISECOND, MILLISECOND + 1])
def test_an_order_and_a_rehearsal_meet_nothing_overdue_either(root: StateRoot, gap: int) -> None:
    def keyed(name: str) -> KeyedOrder:
        return KeyedOrder(
            user=1,
            operation="probe",
            key=name,
            fingerprint=b"f" * 16,
            encode=lambda now: Answer(200, str(now).encode()),
            encode_refusal=lambda _: None,
        )

    first = root.now + HOUR
    for number in range(6):
        reserve(root, FATIMA_CURRENT, -10 - number, expires_at=first + number * gap)
    root.advance(Instant(first - MILLISECOND))
    before = active_holds(root)
    root.rehearse(probed)
    root.order(keyed("one"), probed)
    assert active_holds(root) < before, "the probe looked at a moment at which something was due"


@pytest.mark.parametrize("gap", [1, MILLISECOND - 1, MILLISECOND, MILLISECOND + 1])
def test_all_that_is_due_when_the_clock_arrives_is_told(root: StateRoot, gap: int) -> None:
    """Where so much is due at the goal that the clock goes a few ticks further, that is no gap."""
    to = Instant(root.now + HOUR)
    for number in range(5):
        reserve(root, FATIMA_CURRENT, -10 - number, expires_at=to + number * gap)
    before = active_holds(root)
    fired = root.advance(to)
    assert sum(one.count for one in fired) == before - active_holds(root) > 0
    assert [one.at for one in fired] == sorted({one.at for one in fired})
    over = sql(root, "SELECT count(*) FROM hold WHERE status = 'active' AND expires_at <= ?", root.now)
    assert over == [(0,)], "the database itself is settled: an export asks no job first"
    writes = root.write_number
    root.read(probed)
    assert root.write_number == writes, "a read has nothing left to settle"


def active_holds(root: StateRoot) -> int:
    """How many there are."""
    return int(sql(root, "SELECT count(*) FROM hold WHERE status = 'active'")[0][0])


@pytest.mark.parametrize("rate", [1.0, 1_000_000.0])
def test_a_live_clock_that_runs_on_while_a_write_begins_meets_nothing_overdue(
    root: StateRoot, wall: Wall, rate: float
) -> None:
    root.set_clock("live", rate)
    moment = wall.step * rate
    first = root.now + 5_000 * moment + 500 * MILLISECOND
    for number in range(200):
        reserve(root, FATIMA_CURRENT, -1, expires_at=int(first + 3 * number * moment))
    root.advance(Instant(int(first - 10 * moment)))
    before = active_holds(root)
    for _ in range(100):
        for ask in (root.read, root.write, root.rehearse):
            ask(probed)
    assert active_holds(root) <= before - 150, "it was a close thing often enough"


def test_what_fell_due_by_itself_has_its_own_time_even_if_nobody_looked(root: StateRoot, wall: Wall) -> None:
    """Freezing a live clock is the first look after an hour."""
    root.set_clock("live", 1.0)
    due = Instant(root.now + 10 * MINUTE)
    hold = reserve(root, FATIMA_CURRENT, -10, expires_at=due)
    wall.reads += HOUR
    root.set_clock("frozen", 1.0)
    assert resolved(root, hold) == ("expired", due)
    assert root.now >= due + 49 * MINUTE


@pytest.mark.parametrize("mode", ["live", "frozen"])
def test_a_live_clock_never_goes_back_while_it_is_moved(root: StateRoot, wall: Wall, mode: ClockMode) -> None:
    root.set_clock("live", 1_000_000.0)
    for _ in range(20):
        fired = root.due_before(to := Instant(root.now + 5 * SECOND))
        seen = root.now  # as an answer in between would tell it
        assert list(fired) == []
        root.arrive(to)
        assert root.now >= seen
    before = root.now
    root.set_clock(mode, 3.0)
    assert root.now >= before
    assert wall.reads


def resolved(root: StateRoot, hold_id: str) -> tuple[str, int | None]:
    """The status of a hold, and when it was settled."""
    found = sql(root, "SELECT status, resolved_at FROM hold WHERE id = ?", bytes.fromhex(hold_id.replace("-", "")))
    return found[0][0], found[0][1]


def test_whoever_prepares_a_bank_in_a_thread_shares_no_connection_with_the_others() -> None:
    """The image's reader belongs to the loop: two threads on one statement would take each other's rows."""
    house = new_house()
    shared = house.get(DEFAULT).root.image.reader
    used: list[bool] = []

    def prepare(root: StateRoot) -> None:
        used.append(root.read(lambda work: work.db is shared))

    asyncio.run(house.fork(sandbox_id="one", source=None, caller=DEFAULT, seed=None, name=None, prepare=prepare))
    asyncio.run(house.reset(house.get(DEFAULT), prepare=prepare))
    house.close()
    assert used == [False, False]
