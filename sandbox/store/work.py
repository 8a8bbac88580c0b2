"""The unit of work: what a bank function gets for one transaction, and the only thing it may touch the world with.

A `Work` that writes has a write number, and with it business time, identifiers and random draws. Events and audit
lines are gathered and written once, at the end. What must survive a refusal is registered with `survive`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import sqlalchemy as sa

from sandbox.core.chain import GENESIS, link
from sandbox.core.clock import NEVER, Instant
from sandbox.core.ids import Draws
from sandbox.core.settings import Settings
from sandbox.core.vocabulary import Severity
from sandbox.store.statement import Statement
from sandbox.store.tables import audit_log, outbox, root

_STATE = (
    root.c.write_number,
    root.c.clock_base,
    root.c.journal_seq,
    root.c.journal_hash,
    root.c.audit_count,
    root.c.audit_hash,
)
TICK = Statement(
    sa.update(root).values(write_number=root.c.write_number + 1, clock_base=sa.bindparam("base")).returning(*_STATE)
)
"""The first statement of every write: it takes the next write number (on a database with several writers, the lock that
makes them take turns too), sets what business time is counted from, and reads what the write goes on from."""
LEAP = Statement(sa.update(root).values(write_number=sa.bindparam("n"), clock_base=sa.bindparam("base")))
"""Takes many write numbers at once; nothing happens at them."""
PEEK = Statement(sa.select(*_STATE))
"""The same without a tick, for what is rolled back anyway."""
_HEADS = ("journal_seq", "journal_hash", "audit_count", "audit_hash")
_SET_HEADS = Statement(sa.update(root).values({name: sa.bindparam(name) for name in _HEADS}))
_ADD_AUDIT = Statement(
    sa.insert(audit_log),
    "id",
    "user",
    "action",
    "severity",
    "ip_address",
    "related_entity_id",
    "created_at",
    "extra",
    "hash",
)
_ADD_EVENT = Statement(sa.insert(outbox), "id", "type", "at", "customer", "account", "data")


class Heads(NamedTuple):
    """The last links of the two chains before a write."""

    journal: tuple[int, bytes] = (0, GENESIS)
    audit: tuple[int, bytes] = (0, GENESIS)


class Work:
    """One transaction on one bank.

    Attributes:
        db: the connection; statements run inside the transaction that the sandbox began.
        now: business time of this write (of the last one, while reading).
        transport_now: what tokens carry.
        draws: identifiers and random numbers of this write.
        rules: the settings of the server.
        dry: whether this is a dry run, which is rolled back whatever comes of it.
        journal_head: the (seq, hash) that the ledger goes on from.
        due_at: the earliest time at which something that this write made falls due.
    """

    __slots__ = (
        "_audits",
        "_events",
        "_heads",
        "_survivors",
        "db",
        "draws",
        "dry",
        "due_at",
        "journal_head",
        "now",
        "rules",
        "transport_now",
    )

    def __init__(
        self,
        db: sa.Connection,
        *,
        now: Instant,
        transport_now: Instant,
        draws: Draws,
        rules: Settings,
        heads: Heads | None = None,
        dry: bool = False,
    ) -> None:
        self.db = db
        self.now = now
        self.transport_now = transport_now
        self.draws = draws
        self.rules = rules
        self.dry = dry
        self._heads = heads or Heads()
        self.journal_head = self._heads.journal
        self.due_at = NEVER
        self._events: list[dict[str, Any]] = []
        self._audits: list[dict[str, Any]] = []
        self._survivors: list[tuple[Callable[..., None], tuple[Any, ...]]] = []

    def emit(self, kind: str, *, customer: int | None, account: int | None = None, data: dict[str, Any]) -> None:
        """An event for the outbox, in order; `data` is what subscribers will read."""
        event = {"type": kind, "customer": customer, "account": account, "data": data}
        self._events.append(event | {"id": self.draws.uuid("event"), "at": self.now})

    def audit(
        self,
        action: str,
        *,
        user: int | None,
        ip_address: str | None,
        related: str | None = None,
        severity: Severity = Severity.INFO,
        extra: dict[str, Any] | None = None,
    ) -> str:
        """A line of the audit trail; its id. `related` is the public id of what it is about, `extra` more fields."""
        line = {
            "id": self.draws.uuid("audit"),
            "user": user,
            "action": action,
            "severity": severity.value,
            "ip_address": ip_address,
            "related_entity_id": related,
            "created_at": self.now,
            "extra": extra,
        }
        self._audits.append(line)
        return str(line["id"])

    def due(self, at: int) -> None:
        """Something that this write makes falls due at business time `at`: a job settles it then."""
        self.due_at = Instant(min(self.due_at, at))

    def survive(self, leave: Callable[..., None], *args: Any) -> None:
        """If this write is refused, run `leave(work, *args)` after the roll back and commit what it does."""
        self._survivors.append((leave, args))

    def refuse(self) -> bool:
        """Forget what the refused order gathered and leave what survives; whether there was anything to leave."""
        self._events.clear()
        self._audits.clear()
        self.journal_head = self._heads.journal
        survivors, self._survivors = self._survivors, []
        for leave, args in survivors:
            leave(self, *args)
        return bool(survivors)

    @property
    def emitted(self) -> int:
        """How many events it has for the outbox."""
        return len(self._events)

    def finish(self) -> None:
        """Write the gathered events and audit lines."""
        if self._events:
            _ADD_EVENT.run_many(self.db, self._events)
        count, previous = self._heads.audit
        for line in self._audits:
            count, previous = count + 1, audit_link(previous, line)
            line["hash"] = previous
        if self._audits:
            _ADD_AUDIT.run_many(self.db, self._audits)
        if (self.journal_head, (count, previous)) != self._heads:
            seq, link = self.journal_head
            _SET_HEADS.run(self.db, journal_seq=seq, journal_hash=link, audit_count=count, audit_hash=previous)


def audit_link(previous: bytes, line: dict[str, Any]) -> bytes:
    """The chain link of one audit line."""
    names = ("id", "user", "action", "severity", "ip_address", "related_entity_id", "created_at")
    return link(previous, [line[name] for name in names])
