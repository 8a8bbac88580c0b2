"""What falls due by the clock: the registry of jobs, and which comes next.

A job settles one kind of thing whose time has come. Whoever writes such a thing says `work.due(at)`; the state root
runs the jobs in order of time, each in a write of its own, before anything else sees a time at or after theirs.
"""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from sandbox.bank import challenges, identity, ledger, sessions
from sandbox.core.clock import Instant
from sandbox.sandboxes.idempotency import drop_expired_answers, next_expired_answer
from sandbox.store.work import Work


class Job(NamedTuple):
    """One kind of thing that falls due.

    `next_at` says the earliest instant at which one does, or None; `run` settles all that are due at `work.now` and
    says how many.
    """

    name: str
    next_at: Callable[[Work], Instant | None]
    run: Callable[[Work], int]


class Fired(msgspec.Struct, frozen=True):
    """A job that ran: its name, at which business time, and how many things it settled."""

    job: str
    at: Instant
    count: int


JOBS: tuple[Job, ...] = (
    Job("expire_holds", ledger.next_hold_expiry, ledger.expire_holds),
    Job("unlock_users", identity.next_unlock, identity.unlock_users),
    Job("expire_sessions", sessions.next_session_end, sessions.expire_sessions),
    Job("expire_codes", challenges.next_code_expiry, challenges.expire_codes),
    Job("expire_idempotency_keys", next_expired_answer, drop_expired_answers),
)
"""In the order in which they run when several are due at the same instant."""


def next_job(work: Work) -> tuple[Instant, Job] | None:
    """The job that is due first, and when."""
    due = ((at, place) for place, job in enumerate(JOBS) if (at := job.next_at(work)) is not None)
    first = min(due, default=None)
    return None if first is None else (first[0], JOBS[first[1]])
