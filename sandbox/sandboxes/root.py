"""The state root: all live state of one sandbox, and the only two ways to its database, `read` and `write`.

Reset swaps the root; whoever still works on the old one finishes there. Functions run inline on the event loop: one
loop, one writer, so every order is serial.
"""

import asyncio
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec
import sqlalchemy as sa
from msgspec import structs

from sandbox.core.clock import HOUR, Instant, business_time, wall_time
from sandbox.core.errors import DomainError, IdempotencyKeyReusedError
from sandbox.core.ids import Draws, seed_key
from sandbox.core.keys import SigningKey
from sandbox.core.settings import Settings
from sandbox.sandboxes.image import Image
from sandbox.store.engine import connect, disconnect, driver, serialize
from sandbox.store.export import digest
from sandbox.store.statement import Statement
from sandbox.store.tables import idempotency
from sandbox.store.work import PEEK, TICK, Heads, Work

P = ParamSpec("P")
T = TypeVar("T")

IDEMPOTENCY_TTL = 24 * HOUR
"""How long, in business time, an Idempotency-Key stands for its first answer."""

_FIND_ANSWER = Statement(
    sa.select(
        idempotency.c.fingerprint,
        idempotency.c.status,
        idempotency.c.body,
        idempotency.c.location,
        idempotency.c.created_at,
    ).where(
        idempotency.c.user == sa.bindparam("of_user"),
        idempotency.c.operation == sa.bindparam("of_operation"),
        idempotency.c.key == sa.bindparam("of_key"),
    )
)
_DROP_ANSWER = Statement(
    sa.delete(idempotency).where(
        idempotency.c.user == sa.bindparam("of_user"),
        idempotency.c.operation == sa.bindparam("of_operation"),
        idempotency.c.key == sa.bindparam("of_key"),
    )
)
_KEEP_ANSWER = Statement(
    sa.insert(idempotency),
    "user",
    "operation",
    "key",
    "fingerprint",
    "status",
    "body",
    "location",
    "created_at",
)


class Answer(msgspec.Struct, frozen=True):
    """An answer in bytes, as it is stored under an Idempotency-Key and sent."""

    status: int
    body: bytes
    location: str | None = None
    replayed: bool = False


class KeyedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order under an Idempotency-Key: its scope, what it asked, and how its answers are written down."""

    user: int
    operation: str
    key: str
    fingerprint: bytes
    encode: Callable[[Any], Answer]
    encode_refusal: Callable[[DomainError], Answer | None]
    """None for a refusal that must not be stored."""


class StateRoot:
    """One bank's live state: its image, its own copy once it was written to, its clock and its token cache."""

    __slots__ = (
        "_captured",
        "_closed",
        "_control_requests",
        "_db",
        "_digest",
        "_in_flight",
        "_key",
        "_requests",
        "_retired",
        "born_at",
        "clock_base",
        "generation",
        "image",
        "rules",
        "seed",
        "tokens",
        "write_number",
    )

    def __init__(self, image: Image, *, rules: Settings, seed: int, generation: int) -> None:
        self.image = image
        self.rules = rules
        self.seed = seed
        self.generation = generation
        self.write_number = image.facts.write_number
        self.clock_base = image.facts.clock_base
        self.born_at = wall_time()
        self.tokens: dict[tuple[str, str], Any] = {}
        """Verified tokens, kept by the door that verifies them; a reset forgets them with the root."""
        self._key = seed_key(seed)
        self._db: sa.Connection | None = None
        self._captured: Image | None = None
        self._digest: tuple[int, str] | None = None
        self._in_flight = 0
        self._retired = False
        self._closed = False
        self._requests = 0
        self._control_requests = 0

    @property
    def now(self) -> Instant:
        """Business time: that of the last write."""
        return business_time(self.clock_base, self.write_number)

    @property
    def transport_now(self) -> Instant:
        """What tokens carry: the wall clock, or business time when that was asked for."""
        return self.now if self.rules.transport_clock == "virtual" else wall_time()

    @property
    def signing_key(self) -> SigningKey:
        """The key pair of this sandbox's seed."""
        return _signing_key(self.seed)

    def next_request_id(self, *, control: bool) -> str:
        """The id of the next request that brings none: derived from the seed and the number of the request.

        The control plane counts apart, so that what looks at a bank does not move the ids of those who use it.
        """
        if control:
            self._control_requests += 1
            return Draws(self._key, self._control_requests).uuid("control-request")
        self._requests += 1
        return Draws(self._key, self._requests).uuid("request")

    def read(self, fn: Callable[Concatenate[Work, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(work, ...)` on the current state; it must not write, and cannot on a fresh sandbox."""
        assert not self._closed, "a closed root answers no more"
        db = self._db or self.image.reader
        work = Work(
            db,
            now=self.now,
            transport_now=self.transport_now,
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
        outcome: T = self._transact(lambda work: fn(work, *args, **kwargs), None)
        return outcome

    def order(
        self, keyed: KeyedOrder, fn: Callable[Concatenate[Work, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Answer:
        """Run `fn(work, ...)` once for its Idempotency-Key: the stored answer commits with what it is about.

        A refusal is an answer too; one that must not be stored is raised.

        Raises:
            IdempotencyKeyReusedError: the key came with another request before.
        """
        answer: Answer = self._transact(lambda work: keyed.encode(fn(work, *args, **kwargs)), keyed)
        return answer

    def rehearse(self, fn: Callable[Concatenate[Work, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """A dry run: what `write` would do, with no tick, no id and no trace.

        Raises:
            DomainError: `fn` would be refused.
        """
        run, work, _ = self._begin(dry=True)
        try:
            return fn(work, *args, **kwargs)
        finally:
            run("ROLLBACK")

    async def inspect(self, fn: Callable[[sa.Connection], T]) -> T:
        """Run `fn(db)` in a thread on a copy of the current state: for what takes more than a few milliseconds."""
        data = self.image.data if self._db is None else serialize(self._db)
        return await asyncio.to_thread(_on_copy, data, fn)

    async def digest(self) -> str:
        """The digest of the current state; free while nothing was written."""
        if self._db is None:
            return self.image.facts.digest
        n = self.write_number
        if self._digest is None or self._digest[0] != n:
            self._digest = n, await self.inspect(digest)
        return self._digest[1]

    async def capture(self) -> Image:
        """An image of the current state, the same one as long as nothing is written; the own one where nothing was."""
        if self._db is None:
            return self.image
        n = self.write_number
        if self._captured is None or self._captured.facts.write_number != n:
            data = serialize(self._db)
            found = await asyncio.to_thread(_on_copy, data, digest)
            facts = structs.replace(self.image.facts, digest=found, write_number=n, clock_base=self.clock_base)
            self._digest = n, found
            self._captured = Image(data, facts, warm_copies=self.rules.warm_copies)
        return self._captured

    def enter(self) -> None:
        """A request starts to work on this root."""
        self._in_flight += 1

    def leave(self) -> None:
        """A request is done; the last one to leave a retired root closes it."""
        self._in_flight -= 1
        self._close_if_done()

    def retire(self) -> None:
        """The sandbox has another root now, or is gone."""
        self._retired = True
        self._close_if_done()

    def close(self) -> None:
        """Close at once: the server stops."""
        self._retired = self._closed = True
        db, self._db = self._db, None
        if db is not None:
            disconnect(db)

    def _close_if_done(self) -> None:
        if not self._retired or self._in_flight > 0 or self._closed:
            return
        try:
            # Giving megabytes back to the allocator can wait until whoever asked for a reset has the answer.
            asyncio.get_running_loop().call_soon(self.close)
            self._closed = True
        except RuntimeError:
            self.close()

    def _begin(self, *, dry: bool) -> tuple[Callable[[str], Any], Work, int]:
        if self._db is None:
            assert not self._closed, "a closed root takes no writes"
            self._db = self.image.take()
        run = driver(self._db).execute
        run("BEGIN IMMEDIATE")
        try:
            state = (PEEK if dry else TICK).one(self._db)
        except BaseException:
            run("ROLLBACK")
            raise
        n = state.write_number
        now = business_time(state.clock_base, n)
        work = Work(
            self._db,
            now=now,
            transport_now=now if self.rules.transport_clock == "virtual" else wall_time(),
            # A dry run keeps the clock where it is, but must not draw the last write's identifiers again.
            draws=Draws(self._key, n + 1 if dry else n),
            rules=self.rules,
            heads=Heads((state.journal_seq, state.journal_hash), (state.audit_count, state.audit_hash)),
            dry=dry,
        )
        return run, work, n

    def _transact(self, ordered: Callable[[Work], Any], keyed: KeyedOrder | None) -> Any:
        """The one way to write: tick, run, and commit what came of it, a refusal's traces and answer included."""
        refusal: DomainError | None = None
        run, work, n = self._begin(dry=False)
        try:
            stored = self._stored(work, keyed) if keyed is not None else None
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
                self._keep(work, keyed, outcome)
            run("COMMIT")
        except BaseException:
            run("ROLLBACK")
            raise
        self.write_number = n
        if refusal is not None and outcome is None:
            raise refusal
        return outcome

    @staticmethod
    def _stored(work: Work, keyed: KeyedOrder) -> Answer | None:
        scope = {"of_user": keyed.user, "of_operation": keyed.operation, "of_key": keyed.key}
        found = _FIND_ANSWER.first(work.db, **scope)
        if found is None:
            return None
        if found.created_at + IDEMPOTENCY_TTL <= work.now:
            _DROP_ANSWER.run(work.db, **scope)
            return None
        if found.fingerprint != keyed.fingerprint:
            raise IdempotencyKeyReusedError(
                f"The Idempotency-Key {keyed.key!r} came with another request before. Use a new key for a new order."
            )
        return Answer(found.status, found.body, found.location, replayed=True)

    @staticmethod
    def _keep(work: Work, keyed: KeyedOrder, answer: Answer) -> None:
        _KEEP_ANSWER.run(
            work.db,
            user=keyed.user,
            operation=keyed.operation,
            key=keyed.key,
            fingerprint=keyed.fingerprint,
            status=answer.status,
            body=answer.body,
            location=answer.location,
            created_at=work.now,
        )


@lru_cache(maxsize=256)
def _signing_key(seed: int) -> SigningKey:
    return SigningKey(seed_key(seed))


def _on_copy(data: bytes, fn: Callable[[sa.Connection], T]) -> T:
    db = connect(data)
    try:
        return fn(db)
    finally:
        disconnect(db)
