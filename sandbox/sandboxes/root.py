"""The state root: all live state of one sandbox, and the only two ways to its database, `read` and `write`.

Reset swaps the root; whoever still works on the old one finishes there. Functions run inline on the event loop: one
loop, one writer, so every order is serial.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from msgspec import structs

from sandbox.core.clock import MILLISECOND, NEVER, Instant, business_time, format_instant, wall_time
from sandbox.core.errors import DomainError
from sandbox.core.ids import Draws, seed_key
from sandbox.core.keys import SigningKey, signing_key_of
from sandbox.core.sandbox_errors import ClockCannotGoBackError
from sandbox.core.settings import ClockMode, Settings
from sandbox.sandboxes.activity import Activity
from sandbox.sandboxes.awake import AwakeList
from sandbox.sandboxes.business_clock import BusinessClock
from sandbox.sandboxes.idempotency import Answer, KeyedOrder, keep_answer, stored_answer
from sandbox.sandboxes.image import Image
from sandbox.sandboxes.jobs import Fired, next_job
from sandbox.sandboxes.memory import Memory, on_copy
from sandbox.sandboxes.request_ids import RequestIds
from sandbox.sandboxes.waiters import Waiters
from sandbox.store.engine import driver
from sandbox.store.work import LEAP, PEEK, TICK, Heads, Work

if TYPE_CHECKING:
    from sandbox.sandboxes.lives import Lives

P = ParamSpec("P")
T = TypeVar("T")


class StateRoot:
    """One bank's live state: its image, its own copy once it was written to, its clock and its token cache."""

    __slots__ = (
        "_captured",
        "_closed",
        "_digest",
        "_due_at",
        "_in_flight",
        "_key",
        "_memory",
        "_waiters",
        "activity",
        "born_at",
        "clock",
        "earlier",
        "generation",
        "image",
        "on_commit",
        "request_ids",
        "retired",
        "rules",
        "seed",
        "tokens",
        "write_number",
    )

    def __init__(
        self,
        image: Image,
        *,
        rules: Settings,
        seed: int,
        generation: int,
        clock: BusinessClock | None = None,
        delta: bytes | None = None,
    ) -> None:
        self.image = image
        """What it was born from."""
        self.rules = rules
        self.seed = seed
        self.generation = generation
        self.write_number = image.facts.write_number
        self.clock = clock or BusinessClock(image.facts.clock_base, mode=rules.clock)
        self.born_at = wall_time()
        self.earlier: Lives = ()
        """The lives that it goes on from: tokens of those times are good."""
        self.tokens: dict[tuple[str, str], Any] = {}
        """Verified tokens, kept by the door that verifies them; a reset forgets them with the root."""
        self.retired = False
        """Whether the sandbox has another root now, or is gone."""
        self.on_commit: Callable[[StateRoot], None] | None = None
        """Told after each commit."""
        self.activity = Activity()  # from when a house publishes it, the house's
        self._key = seed_key(seed)
        self._memory = Memory(image, delta)
        self._due_at: Instant | None = None
        self._captured: Image | None = None
        self._digest: tuple[int, str] | None = None
        self._waiters = Waiters()
        self._in_flight = 0
        self._closed = False
        self.request_ids = RequestIds(self._key)

    @property
    def now(self) -> Instant:
        """Business time: that of the last write, or later where the clock is live."""
        return self.clock.at(self.write_number)

    @property
    def transport_now(self) -> Instant:
        """What tokens carry: the wall clock, or business time when that was asked for."""
        return self._transport(self.now)

    @property
    def signing_key(self) -> SigningKey:
        """The key pair of this sandbox's seed."""
        return signing_key_of(self.seed)

    @property
    def awake(self) -> bool:
        """Whether it holds a database of its own in memory."""
        return self._memory.awake

    @property
    def asleep(self) -> bool:
        """Whether it gave its database up for the pages that differ from its image."""
        return self._memory.asleep

    @property
    def data(self) -> bytes:
        """The database's bytes as they are now."""
        return self._memory.data

    def read(self, fn: Callable[Concatenate[Work, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(work, ...)` on the current state; it must not write, and cannot on a fresh sandbox."""
        now = self._settled()
        work = Work(
            self._memory.readable(),
            now=now,
            transport_now=self._transport(now),
            draws=Draws(self._key, self.write_number),
            rules=self.rules,
        )
        return fn(work, *args, **kwargs)

    def write(self, fn: Callable[Concatenate[Work, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(work, ...)` in one transaction and commit.

        Raises:
            DomainError: `fn` refused. Everything it did is rolled back, what it marked as surviving is committed.
            Exception: a bug. Everything is rolled back.
        """
        at = self._settled(MILLISECOND) + MILLISECOND
        outcome: T = self._transact(lambda work: fn(work, *args, **kwargs), None, at=at)
        return outcome

    def order(
        self, keyed: KeyedOrder, fn: Callable[Concatenate[Work, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Answer:
        """Run `fn(work, ...)` once for its Idempotency-Key: the stored answer commits with what it is about.

        A refusal is an answer too; one that must not be stored is raised.

        Raises:
            IdempotencyKeyReusedError: the key came with another request before.
        """
        at = self._settled(MILLISECOND) + MILLISECOND
        answer: Answer = self._transact(lambda work: keyed.encode(fn(work, *args, **kwargs)), keyed, at=at)
        return answer

    def rehearse(self, fn: Callable[Concatenate[Work, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """A dry run: what `write` would do, with no tick, no id and no trace.

        Raises:
            DomainError: `fn` would be refused.
        """
        run, work, _ = self._begin(self._settled(MILLISECOND), dry=True)
        try:
            return fn(work, *args, **kwargs)
        finally:
            run("ROLLBACK")

    def due_before(self, to: int) -> Iterator[Fired]:
        """Run what falls due until `to`, and until the write after all this, in order; a step yields after each job."""
        while self._first_due() <= (until := max(to, business_time(self.clock.base, self.write_number + 1))):
            found = next_job(self._looking())
            if found is None or found[0] > until:
                self._due_at = NEVER if found is None else found[0]
                return
            at, job = found
            count = self._transact(job.run, None, at=at)
            assert count > 0, f"{job.name} said something was due and settled nothing"
            yield Fired(job.name, business_time(self.clock.base, self.write_number), count)

    def arrive(self, to: int) -> None:
        """Have business time be `to`, or a millisecond on where it is that late. Nothing may be due before."""
        now = self._settled(MILLISECOND)  # a live clock has gone on meanwhile
        self._transact(lambda _: None, None, at=max(to, now + MILLISECOND))
        self.clock.reanchor()

    def advance(self, to: Instant) -> list[Fired]:
        """Move business time to `to`, running on the way whatever falls due.

        Raises:
            ClockCannotGoBackError: `to` is in the past.
        """
        self.require_future(to)
        fired = list(self.due_before(to))
        self.arrive(to)
        return fired

    def settle(self) -> None:
        """Do what is due; with a live clock, put the present down too: for whoever takes the bank as a whole."""
        now = self._settled()
        if self.clock.mode == "live":
            self.arrive(now)

    def leap(self, write_number: int) -> None:
        """Go on from a later write number at the same time: the writes before it were another root's."""
        if write_number > self.write_number:
            base = Instant(self.now - write_number * MILLISECOND)
            LEAP.run(self._memory.own(), n=write_number, base=base)
            self.write_number, self.clock.base = write_number, base

    def set_clock(self, mode: ClockMode, rate: float) -> None:
        """Have the clock go on from now in another way."""
        now = self._settled(MILLISECOND)
        self.clock.set(mode, rate, now=now, write_number=self.write_number)
        self.arrive(now)

    def require_future(self, to: Instant) -> None:
        """Refuse a time before now.

        Raises:
            ClockCannotGoBackError: with the time it is.
        """
        if to < self.now:
            now = format_instant(self.now)
            raise ClockCannotGoBackError(
                f"It is {now} here; {format_instant(to)} is over. Reset or restore a snapshot to go back.", now=now
            )

    async def rewrite(self, fn: Callable[["StateRoot"], T]) -> T:
        """Make a change of many writes, all or nothing: on a copy in a thread, which then takes this state's place.

        Whoever writes in between goes first, and the change starts again; in the end it runs inline.

        Raises:
            Exception: what `fn` raises; nothing has changed.
        """
        for inline in (False, False, True):
            before, scratch = self.write_number, self._scratch()
            try:
                outcome = fn(scratch) if inline else await asyncio.to_thread(fn, scratch)
                if self.write_number == before:
                    self._adopt(scratch)
                    return outcome
            finally:
                scratch.close()
        raise AssertionError("inline, nobody writes in between")

    def next_commit(self) -> asyncio.Future[None]:
        """Resolves at the next commit, or when the root is retired."""
        return self._waiters.add(over=self.retired)

    async def inspect(self, fn: Callable[[sa.Connection], T]) -> T:
        """Run `fn(db)` in a thread on a copy of the current state: for what takes more than a few milliseconds."""
        return await asyncio.to_thread(on_copy, self.data, fn)

    async def digest(self) -> str:
        """The digest of the current state; free while nothing was written, and once it is known."""
        n, image = self.write_number, self.image
        if n == image.facts.write_number:
            if not image.facts.digest:
                image.facts = structs.replace(image.facts, digest=await self.inspect(image.digest_of))
            return image.facts.digest
        if self._digest is None or self._digest[0] != n:
            self._digest = n, await self.inspect(image.digest_of)
        return self._digest[1]

    async def capture(self) -> Image:
        """An image of the current state, the same one as long as nothing is written; the own one where nothing was."""
        self.settle()
        n = self.write_number
        if n == self.image.facts.write_number:
            return self.image
        if self._captured is None or self._captured.facts.write_number != n:
            known = self._digest[1] if self._digest and self._digest[0] == n else ""
            facts = structs.replace(self.image.facts, digest=known, write_number=n, clock_base=self.clock.base)
            self._captured = await asyncio.to_thread(self.image.later, self.data, facts)
        return self._captured

    def live_among(self, awake: AwakeList, activity: Activity) -> None:
        """Others have to be awake too: who was used longest ago may have to sleep. What is committed counts there."""
        self._memory.live_among(awake)
        self.activity = activity.instead_of(self.activity)

    def sleep(self) -> None:
        """Keep only the pages that differ from the image; the next use wakes it."""
        self._memory.sleep()

    def wake(self) -> None:
        """Share no connection with others: what works in a thread must not."""
        self._memory.own()

    def enter(self) -> None:
        """A request starts to work on this root."""
        self._in_flight += 1

    def leave(self) -> None:
        """A request is done; the last one to leave a retired root closes it."""
        self._in_flight -= 1
        self._close_if_done()

    def retire(self) -> None:
        """The sandbox has another root now, or is gone."""
        self.retired = True
        self._waiters.wake()
        self._close_if_done()

    def close(self) -> None:
        """Close at once: the server stops."""
        self.retired = self._closed = True
        self._memory.close()

    def _close_if_done(self) -> None:
        if not self.retired or self._in_flight > 0 or self._closed:
            return
        try:
            # Giving megabytes back to the allocator can wait until whoever asked for a reset has the answer.
            asyncio.get_running_loop().call_soon(self.close)
            self._closed = True
        except RuntimeError:
            self.close()

    def _transport(self, now: Instant) -> Instant:
        return now if self.rules.transport_clock == "virtual" else wall_time()

    def _settled(self, ahead: int = 0) -> Instant:
        """Business time, with everything done that is due by then, or `ahead` of it: when a write will happen."""
        now = self.now
        while self._first_due() <= now + ahead:
            for _ in self.due_before(now + ahead):
                pass
            now = self.now
        return now

    def _first_due(self) -> Instant:
        if self._due_at is None:
            untouched = self.write_number == self.image.facts.write_number
            self._due_at = self.image.due_at if untouched else None
            if self._due_at is None:
                found = next_job(self._looking())
                self._due_at = NEVER if found is None else found[0]
            if untouched:
                self.image.due_at = self._due_at
        return self._due_at

    def _looking(self) -> Work:
        now = self.now
        return Work(
            self._memory.readable(),
            now=now,
            transport_now=now,
            draws=Draws(self._key, self.write_number),
            rules=self.rules,
        )

    def _begin(self, at: int, *, dry: bool) -> tuple[Callable[[str], Any], Work, int]:
        db = self._memory.own()
        run = driver(db).execute
        base = self.clock.base_at(at, self.write_number + 1)
        run("BEGIN IMMEDIATE")
        try:
            state = PEEK.one(db) if dry else TICK.one(db, base=base)
        except BaseException:
            run("ROLLBACK")
            raise
        n = state.write_number
        now = Instant(at) if dry else business_time(base, n)
        work = Work(
            db,
            now=now,
            transport_now=self._transport(now),
            # A dry run keeps the clock where it is, but must not draw the last write's identifiers again.
            draws=Draws(self._key, n + 1 if dry else n),
            rules=self.rules,
            heads=Heads((state.journal_seq, state.journal_hash), (state.audit_count, state.audit_hash)),
            dry=dry,
        )
        return run, work, base

    def _transact(self, ordered: Callable[[Work], Any], keyed: KeyedOrder | None, *, at: int) -> Any:
        """The one way to write: tick, run, and commit what came of it, a refusal's traces and answer included."""
        refusal: DomainError | None = None
        run, work, base = self._begin(at, dry=False)
        try:
            stored = stored_answer(work, keyed) if keyed is not None else None
            if stored is not None:
                run("ROLLBACK")
                return stored
            run("SAVEPOINT ordered")
            try:
                outcome = ordered(work)
            except DomainError as error:
                run("ROLLBACK TO ordered")
                outcome = keyed.encode_refusal(error) if keyed is not None else None
                left = work.refuse()
                if outcome is None and not left:
                    raise
                refusal = error
            work.finish()
            if keyed is not None and outcome is not None:
                keep_answer(work, keyed, outcome)
            run("COMMIT")
        except BaseException:
            run("ROLLBACK")
            raise
        self.write_number += 1
        self._committed(base, work.due_at, writes=1, events=work.emitted)
        if refusal is not None and outcome is None:
            raise refusal
        return outcome

    def _committed(self, base: int, due_at: Instant, *, writes: int, events: int) -> None:
        # Nobody takes on the events of a bank that is gone: another one stands in its place.
        self.activity.add(writes=writes, events=0 if self.retired else events)
        self.clock.base = Instant(base)
        if self._due_at is not None:
            self._due_at = min(self._due_at, due_at)
        self._waiters.wake()
        if self.on_commit is not None:
            self.on_commit(self)

    def _scratch(self) -> "StateRoot":
        """Another root with a copy of this state."""
        made = StateRoot(
            self.image, rules=self.rules, seed=self.seed, generation=self.generation, clock=self.clock.copy()
        )
        made.born_at, made.write_number, made._due_at = self.born_at, self.write_number, self._due_at
        made._memory.fill(self.data)
        return made

    def _adopt(self, scratch: "StateRoot") -> None:
        """Go on where `scratch` stands."""
        if scratch.write_number == self.write_number:
            return
        self._memory.take_over(scratch._memory)  # noqa: SLF001 - its own kind
        self.clock, self._due_at = scratch.clock, None
        self.write_number, done = scratch.write_number, scratch.activity
        self._committed(self.clock.base, NEVER, writes=done.writes, events=done.events)
