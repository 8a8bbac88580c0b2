"""Property: time only goes on, and what falls due happens at its moment, whatever else is done to a bank.

Hypothesis drives sandboxes of a house below the doors: people sign in and fail to, holds are placed, posted and voided,
codes are asked for, and time passes, by itself or because it is told to. In between banks sleep, are forked, go back to
snapshots and are reset. A model says which jobs run, at which instant and how many things they settle; a probe inside
every read and every write finds nothing that is overdue. The wall clock of live sandboxes is a false one: every look at
it takes a moment.
"""

import asyncio
import copy
import itertools
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from bankside import ARJUN_CURRENT, FATIMA_CURRENT, FATIMA_SAVINGS, order
from clockwork import (
    SETTINGS,
    Asked,
    Expected,
    Held,
    Opened,
    Wall,
    digest_of,
    fatima,
    hold_back,
    last_write,
    new_house,
    probed,
    rows,
)
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from secondfactor import other_than

from sandbox.bank import challenges, identity, ledger, sessions
from sandbox.bank.challenges import ChallengeView
from sandbox.bank.devices import DeviceFacts
from sandbox.bank.identity import Verdict
from sandbox.bank.invariants import check_invariants
from sandbox.bank.sessions import SignedIn
from sandbox.bank.transfers import create_transfer
from sandbox.core.clock import DAY, HOUR, MILLISECOND, MINUTE, SECOND, Instant
from sandbox.core.errors import (
    ChallengeEndedError,
    CodeInvalidError,
    DomainError,
    HoldResolvedError,
    InvalidCredentialsError,
    RefreshTokenInvalidError,
    UserLockedError,
)
from sandbox.core.sandbox_errors import ClockCannotGoBackError
from sandbox.core.settings import ClockMode
from sandbox.sandboxes import business_clock, jobs
from sandbox.sandboxes.house import DEFAULT
from sandbox.sandboxes.idempotency import IDEMPOTENCY_TTL, Answer, KeyedOrder
from sandbox.sandboxes.jobs import Fired, Job
from sandbox.sandboxes.root import StateRoot
from sandbox.sandboxes.sandbox import Sandbox
from sandbox.store.work import Work

MOST_SANDBOXES = 4
LOCKS_AT = 5
WRONG_CODES_AT_MOST = 5

ticks = st.integers(1, 5).map(lambda half: half * MILLISECOND // 2)
gaps = st.one_of(
    ticks.map(lambda tick: tick + MILLISECOND),
    st.integers(1, 90).map(lambda minutes: minutes * MINUTE),
    st.sampled_from([HOUR, 6 * HOUR, DAY, 3 * DAY, 8 * DAY, 31 * DAY]),
)
places = st.sampled_from([0, 0, 0, *range(1, MOST_SANDBOXES)])
usernames = st.sampled_from(["fatima", "arjun"])
picks = st.integers(0, 5)


class OurError(Exception):
    """What a change that fails fails with."""


class Place(msgspec.Struct):
    """A sandbox, what it must be like, what it goes back to, and the latest time that anybody has seen."""

    sandbox: Sandbox
    bank: Expected
    origin: tuple[Expected, str]
    snapshots: dict[str, tuple[Expected, str, int]] = {}
    seen: int = 0

    @property
    def root(self) -> StateRoot:
        """Its present state."""
        return self.sandbox.root


def future(root: StateRoot, gap: int) -> Instant:
    """A time to advance to. A fast live clock runs on between two looks: its goal lies a little further."""
    return Instant(root.now + gap + (MINUTE if root.clock.mode == "live" else 0))


class ClockMachine(RuleBasedStateMachine):
    """Random lives over time."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = pytest.MonkeyPatch()
        self.wall = Wall(11)
        self.patches.setattr(business_clock, "wall_time", self.wall)
        self.fired: list[tuple[str, int, int]] = []
        self.patches.setattr(jobs, "JOBS", tuple(self.recorded(job) for job in jobs.JOBS))
        self.house = new_house()
        self.numbers = itertools.count(1)
        self.places: list[Place] = []
        self.last: Place | None = None

    def teardown(self) -> None:
        """All invariants hold in the end; then the house closes, and the clock is given back."""
        reports = [asyncio.run(place.root.inspect(check_invariants)) for place in self.places]
        self.house.close()
        self.patches.undo()
        assert [check for report in reports for check in report.checks if not check.ok] == []

    def recorded(self, job: Job) -> Job:
        """The same job; that it ran is written down, with what it found overdue before its own turn."""

        def run(work: Work) -> int:
            count = job.run(work)
            self.fired.append((job.name, work.now, count))
            return count

        return job._replace(run=run)

    @initialize()
    def start(self) -> None:
        """The default sandbox, with the holds that the ecosystem brings."""
        sandbox = self.house.get(DEFAULT)
        root = sandbox.root
        holds = dict(root.read(rows, "SELECT id, expires_at FROM hold WHERE status = 'active'"))
        bank = Expected(root.now, due={("expire_holds", hold): at for hold, at in holds.items()})
        bank.holds = {hold: Held() for hold in holds}
        assert holds
        self.places.append(Place(sandbox, bank, (copy.deepcopy(bank), digest_of(root))))

    def at(self, number: int, among: Callable[[Expected], Any] = lambda _: True) -> Place:
        """The place of a step: one of those in whose bank there is something."""
        found = [place for place in self.places if among(place.bank)]
        self.last = found[number % len(found)]
        return self.last

    @staticmethod
    def newest(known: dict[str, Any], pick: int) -> str:
        """One of the last few."""
        return list(known)[-1 - pick % len(known)]

    # What is common to all steps.

    def wrote(self, place: Place, fn: Callable[..., Any], *args: Any, ticks: bool = True, **more: Any) -> Any:
        """A write and what came of it: it finds nothing overdue, and happens a millisecond after whatever was."""
        seen: list[Instant] = []

        def watched(work: Work) -> Any:
            seen.append(probed(work))
            return fn(work, *args, **more)

        try:
            outcome = place.root.write(watched)
        except DomainError as refusal:
            outcome = refusal
        self.settled(place, seen[0])
        if place.bank.mode == "frozen":
            assert seen[0] == place.bank.now + MILLISECOND
        if ticks:
            place.bank.now = seen[0]
        return outcome

    def read(self, place: Place, fn: Callable[..., Any], *args: Any) -> Any:
        """A read and what came of it: it finds nothing overdue."""

        def watched(work: Work) -> tuple[Instant, Any]:
            return probed(work), fn(work, *args)

        now, found = place.root.read(watched)
        self.settled(place, now)
        return found

    def settled(self, place: Place, until: int) -> None:
        """The jobs that had to run until then have run, at their instants, and no other."""
        fired, self.fired = self.fired, []
        assert fired == place.bank.settle(until)

    # People.

    @rule(number=places, username=usernames, other=st.integers(0, 1))
    def sign_in(self, number: int, username: str, other: int) -> None:
        """The right password: a session for fatima, a code for arjun, and nothing for who is locked."""
        place = self.at(number)
        bank = place.bank
        stored = self.read(place, identity.stored_hash, username)
        verdict = Verdict(stored, matches=True)
        device = DeviceFacts(fingerprint=f"device {other}")
        opened = self.wrote(place, identity.sign_in, username, verdict, device=device, ip_address=None)
        if ("unlock_users", username) in bank.due:
            assert isinstance(opened, UserLockedError)
        elif username == "fatima":
            self.opens(bank, username, opened)
        else:
            assert isinstance(opened, ChallengeView), opened
            wrong = 0
            for known, asked in bank.codes.items():
                if asked.status == "open":
                    asked.status, wrong = "replaced", asked.wrong
                    del bank.due["expire_codes", known]
            bank.codes[opened.challenge_id] = Asked(wrong=wrong)
            self.asks(bank, opened.challenge_id)

    def opens(self, bank: Expected, username: str, opened: Any) -> None:
        assert isinstance(opened, SignedIn), opened
        bank.failures[username] = 0
        bank.sessions[opened.session_id] = Opened(opened.refresh_secret)
        bank.due["expire_sessions", opened.session_id] = bank.now + SETTINGS.refresh_token_seconds * SECOND

    def asks(self, bank: Expected, challenge_id: str) -> None:
        bank.due["expire_codes", challenge_id] = bank.now + SETTINGS.code_minutes * MINUTE

    @rule(number=places, username=usernames, times=st.integers(1, LOCKS_AT))
    def fail_to_sign_in(self, number: int, username: str, times: int) -> None:
        """Wrong passwords; the fifth in a row locks for a while."""
        place = self.at(number)
        bank = place.bank
        for _ in range(times):
            verdict = Verdict("another", matches=False)
            device = DeviceFacts(fingerprint="a test")
            refused = self.wrote(place, identity.sign_in, username, verdict, device=device, ip_address=None)
            if ("unlock_users", username) in bank.due:
                assert isinstance(refused, UserLockedError)
                continue
            bank.failures[username] += 1
            locks = bank.failures[username] == LOCKS_AT
            assert isinstance(refused, UserLockedError if locks else InvalidCredentialsError), refused
            if locks:
                bank.due["unlock_users", username] = bank.now + SETTINGS.lock_minutes * MINUTE

    @precondition(lambda self: any(place.bank.codes for place in self.places))
    @rule(number=places, pick=picks, right=st.booleans())
    def answer(self, number: int, pick: int, *, right: bool) -> None:
        """A code: the one that was sent, or another one."""
        place = self.at(number, lambda bank: bank.codes)
        bank, challenge_id = place.bank, self.newest(place.bank.codes, pick)
        code = dict(self.read(place, rows, "SELECT id, code FROM challenge"))[challenge_id]
        said = code if right else other_than(code)
        outcome = self.wrote(place, identity.answer_challenge, challenge_id, said, ip_address=None)
        asked = bank.codes[challenge_id]
        if asked.status != "open":
            assert isinstance(outcome, ChallengeEndedError), outcome
        elif ("unlock_users", "arjun") in bank.due:
            assert isinstance(outcome, UserLockedError), outcome
        elif right:
            del bank.due["expire_codes", challenge_id]
            asked.status = "used"
            self.opens(bank, "arjun", outcome)
        else:
            asked.wrong += 1
            assert isinstance(outcome, CodeInvalidError), outcome
            if asked.wrong == WRONG_CODES_AT_MOST:
                asked.status = "refused"
                del bank.due["expire_codes", challenge_id]

    @precondition(lambda self: any(place.bank.codes for place in self.places))
    @rule(number=places, pick=picks)
    def resend(self, number: int, pick: int) -> None:
        """A new code stands for its whole time."""
        place = self.at(number, lambda bank: bank.codes)
        bank, challenge_id = place.bank, self.newest(place.bank.codes, pick)
        outcome = self.wrote(place, identity.resend_code, challenge_id, ip_address=None)
        asked = bank.codes[challenge_id]
        if asked.status != "open":
            assert isinstance(outcome, ChallengeEndedError), outcome
        elif isinstance(outcome, ChallengeView):
            asked.resends += 1
            self.asks(bank, challenge_id)
        else:
            assert isinstance(outcome, UserLockedError) or asked.resends == challenges.RESENDS_AT_MOST

    @precondition(lambda self: any(place.bank.sessions for place in self.places))
    @rule(number=places, pick=picks)
    def refresh(self, number: int, pick: int) -> None:
        """A session that is refreshed goes on for its whole time."""
        place = self.at(number, lambda bank: bank.sessions)
        bank, session_id = place.bank, self.newest(place.bank.sessions, pick)
        outcome = self.wrote(place, sessions.refresh, bank.sessions[session_id].secret, ip_address=None, ticks=False)
        if bank.sessions[session_id].status != "active":
            assert isinstance(outcome, RefreshTokenInvalidError), outcome
        else:
            assert isinstance(outcome, SignedIn), outcome
            bank.now = last_write(place.root)
            bank.sessions[session_id].secret = outcome.refresh_secret
            bank.due["expire_sessions", session_id] = bank.now + SETTINGS.refresh_token_seconds * SECOND

    # Money.

    @rule(number=places, fils=st.integers(1, 50), gap=gaps)
    def place_hold(self, number: int, fils: int, gap: int) -> None:
        """Reserve a little, for some time."""
        place = self.at(number)
        self.reserves(place, place.bank, fils, place.root.now + gap)

    @rule(number=places, gap=gaps, tick=ticks, times=st.integers(2, 4))
    def place_holds_close_together(self, number: int, gap: int, tick: int, times: int) -> None:
        """Reserve a little several times, to end one tick or so after another."""
        place = self.at(number)
        first = place.root.now + times * MILLISECOND + gap
        for which in range(times):
            self.reserves(place, place.bank, 1, first + which * tick)

    def reserves(self, place: Place, bank: Expected, fils: int, ends: int | None) -> None:
        hold = self.wrote(place, hold_back, fils, ends)
        assert not isinstance(hold, DomainError), hold
        bank.holds[hold] = Held()
        bank.due["expire_holds", hold] = bank.now + SETTINGS.hold_days * DAY if ends is None else ends

    @rule(number=places, pick=picks, posts=st.booleans())
    def resolve_hold(self, number: int, pick: int, *, posts: bool) -> None:
        """Post or void a hold, which may be over."""
        place = self.at(number)
        bank, hold = place.bank, self.newest(place.bank.holds, pick)
        outcome = self.wrote(place, ledger.post_hold if posts else ledger.void_hold, hold, ticks=False)
        if bank.holds[hold].status == "active":
            assert not isinstance(outcome, DomainError), outcome
            bank.now = last_write(place.root)
            bank.holds[hold] = Held("posted" if posts else "voided", bank.now)
            del bank.due["expire_holds", hold]
        else:
            assert isinstance(outcome, HoldResolvedError), outcome

    @rule(number=places, there=st.booleans())
    def transfer(self, number: int, *, there: bool) -> None:
        """A little money moves: a write like any other."""
        place = self.at(number)
        to = FATIMA_SAVINGS if there else ARJUN_CURRENT
        paid = self.wrote(place, create_transfer, fatima(), order(FATIMA_CURRENT, 1, account_id=to))
        assert not isinstance(paid, DomainError), paid

    @rule(number=places, key=st.sampled_from("abc"))
    def keyed_order(self, number: int, key: str) -> None:
        """The same key stands for its first answer for a day."""
        place = self.at(number)
        bank, made = place.bank, str(next(self.numbers)).encode()
        ran: list[Instant] = []

        def fn(work: Work) -> bytes:
            ran.append(probed(work))
            return made

        keyed = KeyedOrder(
            user=1,
            operation="a test",
            key=key,
            fingerprint=b"f" * 16,
            encode=lambda body: Answer(200, body),
            encode_refusal=lambda _: None,
        )
        answer = place.root.order(keyed, fn)
        if ran:
            self.settled(place, ran[0])
        elif bank.mode == "frozen":
            self.settled(place, bank.now + MILLISECOND)
        else:
            self.read(place, probed)
        assert answer.replayed == (not ran) == (key in bank.answers)
        assert answer.body == bank.answers.get(key, made)
        if ran:
            bank.now = last_write(place.root)
            bank.answers[key] = made
            bank.due["expire_idempotency_keys", key] = bank.now + IDEMPOTENCY_TTL

    # Time.

    @rule(number=places, gap=gaps)
    def advance(self, number: int, gap: int) -> None:
        """The clock is told to go on: what runs on the way is what the answer tells."""
        place = self.at(number)
        to = future(place.root, gap)
        self.arrived(place, place.root.advance(to), to)

    @rule(number=places, pick=picks, early=st.integers(-2, 2))
    def advance_to_the_moment(self, number: int, pick: int, early: int) -> None:
        """To the very millisecond at which something is due, or close by."""
        place = self.at(number)
        due = sorted(place.bank.due.values())
        to = Instant(max(due[pick % len(due)] + early * MILLISECOND if due else 0, future(place.root, 0)))
        self.arrived(place, place.root.advance(to), to)

    def arrived(self, place: Place, told: list[Fired], to: int) -> None:
        bank, came = place.bank, last_write(place.root)
        ran = list(self.fired)
        self.settled(place, came)
        assert ran == [(one.job, one.at, one.count) for one in told] or bank.mode == "live"
        assert came == max(to, bank.now + MILLISECOND) if bank.mode == "frozen" else came >= to
        bank.now = came

    @rule(number=places, gap=gaps)
    def go_back(self, number: int, gap: int) -> None:
        """Time never goes back."""
        place = self.at(number)
        with pytest.raises(ClockCannotGoBackError):
            place.root.advance(Instant(place.root.now - gap))

    @rule(number=places, mode=st.sampled_from(["live", "frozen"]), rate=st.sampled_from([0.25, 1.0, 60.0, 100_000.0]))
    def set_clock(self, number: int, mode: ClockMode, rate: float) -> None:
        """Let the clock go on by itself, or no more."""
        place = self.at(number)
        bank = place.bank
        place.root.set_clock(mode, rate)
        came = last_write(place.root)
        self.settled(place, came)
        assert came == bank.now + MILLISECOND if bank.mode == "frozen" else came > bank.now
        bank.now, bank.mode, bank.rate = came, mode, rate

    @rule(gap=gaps)
    def wait(self, gap: int) -> None:
        """The wall clock goes on, and with it whoever is live. Nobody looks what has fallen due."""
        self.last = None
        before = [place.root.now for place in self.places]
        self.wall.reads += gap
        for place, then in zip(self.places, before, strict=True):
            passed = place.root.now - then
            # The writes of before, a millisecond each, may be ahead of a slow clock.
            assert passed >= gap * place.bank.rate - SECOND if place.bank.mode == "live" else passed == 0

    # What must change nothing, or all at once.

    @rule(number=places)
    def sleep(self, number: int) -> None:
        """Sleeping changes nothing but what it costs."""
        place = self.at(number)
        before = digest_of(place.root), place.root.write_number
        place.root.sleep()
        assert not place.root.awake
        assert (digest_of(place.root), place.root.write_number) == before
        assert asyncio.run(place.root.digest()) == before[0]

    @rule(number=places, gap=gaps, fails=st.booleans(), holds=st.integers(0, 2))
    def rewrite(self, number: int, gap: int, holds: int, *, fails: bool) -> None:
        """Many writes and a move of the clock, all or none."""
        place = self.at(number)
        bank, root = copy.deepcopy(place.bank), place.root
        before, waiting = (digest_of(root), root.write_number), self.waiting(root)
        made = Place(Sandbox("scratch", name=None, origin="", root=root), bank, place.origin)

        def change(scratch: StateRoot) -> None:
            made.sandbox.root = scratch
            for _ in range(holds):
                self.reserves(made, bank, 1, None)
            to = future(scratch, gap)
            self.arrived(made, scratch.advance(to), to)
            if fails:
                raise OurError

        if fails:
            with pytest.raises(OurError):
                asyncio.run(root.rewrite(change))
            assert (digest_of(root), root.write_number) == before
            assert not waiting.done()
        else:
            asyncio.run(root.rewrite(change))
            place.bank = bank
            assert waiting.done()
        waiting.cancel()

    @staticmethod
    def waiting(root: StateRoot) -> asyncio.Future[None]:
        """Somebody who waits for the next commit."""

        async def wait() -> asyncio.Future[None]:
            return root.next_commit()

        return asyncio.run(wait())

    @precondition(lambda self: len(self.places) < MOST_SANDBOXES)
    @rule(number=places)
    def fork(self, number: int) -> None:
        """A copy of a bank as it is now, with its clock."""
        source = self.at(number)
        made = asyncio.run(
            self.house.fork(
                sandbox_id=None, source=f"sandbox:{source.sandbox.id}", caller=DEFAULT, seed=None, name=None
            )
        )
        self.put_down(source)
        known = digest_of(source.root)
        assert digest_of(made.root) == known
        bank = copy.deepcopy(source.bank)
        back_to = copy.deepcopy(bank)
        back_to.mode, back_to.rate = "frozen", 1.0
        self.places.append(Place(made, bank, (back_to, known)))

    def put_down(self, place: Place) -> None:
        """Whoever took the bank as a whole had what was due done, and the present of a live clock put down."""
        bank, came = place.bank, last_write(place.root)
        self.settled(place, came)
        assert came > bank.now if bank.mode == "live" else came == bank.now
        bank.now = came

    @rule(number=places, again=st.booleans())
    def take_snapshot(self, number: int, *, again: bool) -> None:
        """Keep the present moment."""
        place = self.at(number)
        name = f"moment-{next(self.numbers)}"
        asyncio.run(self.house.take_snapshot(place.sandbox, name))
        self.put_down(place)
        if again and place.snapshots:
            self.house.drop_snapshot(place.sandbox, old := next(iter(place.snapshots)))
            del place.snapshots[old]
        place.snapshots[name] = copy.deepcopy(place.bank), digest_of(place.root), place.root.write_number

    @precondition(lambda self: any(place.snapshots for place in self.places))
    @rule(number=places, pick=picks)
    def restore(self, number: int, pick: int) -> None:
        """Back to a snapshot: data, time, and how the clock went."""
        place = self.at(number)
        if not place.snapshots:
            return
        name = self.newest(place.snapshots, pick)
        bank, known, writes = place.snapshots[name]
        self.house.restore(place.sandbox, name)
        place.bank, place.seen = copy.deepcopy(bank), 0
        assert (digest_of(place.root), place.root.write_number) == (known, writes)
        assert (place.root.clock.mode, place.root.clock.rate) == (bank.mode, bank.rate)

    @rule(number=places)
    def reset(self, number: int) -> None:
        """Back to what it was made from, with the clock of the settings."""
        place = self.at(number)
        asyncio.run(self.house.reset(place.sandbox))
        bank, known = place.origin
        place.bank, place.seen = copy.deepcopy(bank), 0
        assert digest_of(place.root) == known
        assert place.root.clock.mode == "frozen"

    # What must be true after every step.

    @invariant()
    def nothing_is_overdue_and_time_goes_on(self) -> None:
        """Where the last step was: what is due has been done at its moment, and the clock has not gone back."""
        if self.last is None:
            return
        place, bank = self.last, self.last.bank
        now = self.read(place, probed)
        assert now >= max(place.seen, bank.now)
        assert now == bank.now or bank.mode == "live"
        assert (bank.now, place.root.clock.mode) == (last_write(place.root), bank.mode)
        place.seen = place.root.now

    @invariant()
    def everything_stands_as_the_model_says(self) -> None:
        """Statuses, and when holds were settled."""
        if self.last is None:
            return
        place, bank = self.last, self.last.bank
        held = {row[0]: (row[1], row[2]) for row in self.read(place, rows, "SELECT id, status, resolved_at FROM hold")}
        assert held == {hold: (known.status, known.resolved_at) for hold, known in bank.holds.items()}
        asked = dict(self.read(place, rows, "SELECT id, status FROM challenge"))
        assert asked == {challenge: known.status for challenge, known in bank.codes.items()}
        opened = dict(self.read(place, rows, "SELECT id, status FROM login_session"))
        assert {key: opened[key] for key in bank.sessions} == {
            key: known.status for key, known in bank.sessions.items()
        }
        locked = "SELECT username FROM auth_user WHERE status = 'locked' AND locked_until IS NOT NULL"
        expected = {thing for job, thing in bank.due if job == "unlock_users"}
        assert {row[0] for row in self.read(place, rows, locked)} == expected


TestClockMachine = ClockMachine.TestCase
TestClockMachine.settings = settings(
    derandomize=True,
    database=None,
    max_examples=55,
    stateful_step_count=40,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),  # making a failure's steps fewer takes minutes in which nothing is told
    suppress_health_check=list(HealthCheck),
)
