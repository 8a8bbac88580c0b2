"""What tests of the clock share: a false wall clock, probes for what is overdue, and a model of what falls due."""

import asyncio
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from bankside import FATIMA_CURRENT, key_of
from msgspec import structs
from support import VIRTUAL, copy_of_tiny, edit, new_root, sign_in

from sandbox.bank import ledger
from sandbox.bank.access import Actor
from sandbox.bank.chart import CHART
from sandbox.bank.ledger import Leg
from sandbox.core.clock import MILLISECOND, SECOND, Instant, business_time
from sandbox.core.settings import ClockMode
from sandbox.sandboxes import jobs
from sandbox.sandboxes.compiling import compile_image
from sandbox.sandboxes.house import House
from sandbox.sandboxes.idempotency import IDEMPOTENCY_TTL
from sandbox.sandboxes.image import Image
from sandbox.sandboxes.root import StateRoot
from sandbox.sandboxes.shelf import Shelf
from sandbox.store.export import digest
from sandbox.store.work import Work

SETTINGS = structs.replace(VIRTUAL, warm_copies=0, max_awake=2)
PLACES = {job.name: place for place, job in enumerate(jobs.JOBS)}

OVERDUE = {
    "hold": "SELECT id FROM hold WHERE status = 'active' AND expires_at <= ?",
    "user": "SELECT id FROM auth_user WHERE status = 'locked' AND locked_until <= ?",
    "challenge": "SELECT id FROM challenge WHERE status = 'open' AND expires_at <= ?",
    "session": "SELECT id FROM login_session WHERE status = 'active' AND expires_at <= ?",
    "answer": f'SELECT "key" FROM idempotency WHERE created_at + {IDEMPOTENCY_TTL} <= ?',
}


class Wall:
    """A machine's clock that every look moves on."""

    def __init__(self, step: int = 7) -> None:
        self.reads = 1_800_000_000 * SECOND
        self.step = step

    def __call__(self) -> Instant:
        """What it says; a moment later it says something else."""
        self.reads += self.step
        return Instant(self.reads)


def overdue(work: Work) -> list[tuple[str, Any]]:
    """What should have been settled by now, and was not."""
    raw: Any = work.db.connection.dbapi_connection
    return [(kind, row[0]) for kind, query in OVERDUE.items() for row in raw.execute(query, (work.now,))]


def probed(work: Work) -> Instant:
    """The time it is, at which nothing is overdue."""
    assert overdue(work) == []
    return work.now


def rows(work: Work, query: str) -> list[tuple[Any, ...]]:
    """What a query finds, identifiers as text."""
    raw: Any = work.db.connection.dbapi_connection
    return [tuple(uuid_text_of(value) for value in row) for row in raw.execute(query)]


def uuid_text_of(value: Any) -> Any:
    """An identifier as text; anything else as it is."""
    return str(UUID(bytes=value)) if isinstance(value, bytes) else value


def hold_back(work: Work, fils: int, ends: int | None) -> str:
    """Reserve a little on fatima's account; the hold."""
    leg = Leg(fatima_current(), -fils, work.draws.uuid("transaction"), "Held")
    return ledger.place_hold(work, leg, counter=CHART["settlement.knet"], expires_at=ends)


@lru_cache(maxsize=1)
def fatima_current() -> int:
    """The key of that account, the same in every sandbox."""
    return key_of(new_root(), FATIMA_CURRENT)


def last_write(root: StateRoot) -> Instant:
    """When the last write happened."""
    return business_time(root.clock.base, root.write_number)


class Held(msgspec.Struct):
    """A hold as it must be."""

    status: str = "active"
    resolved_at: int | None = None


class Asked(msgspec.Struct):
    """A challenge as it must be."""

    status: str = "open"
    wrong: int = 0
    resends: int = 0


class Opened(msgspec.Struct):
    """A session as it must be, and the secret that refreshes it."""

    secret: str
    status: str = "active"


class Expected(msgspec.Struct):
    """What a bank must be like: its time, and everything that will fall due."""

    now: int
    """When the last write happened."""
    mode: ClockMode = "frozen"
    rate: float = 1.0
    due: dict[tuple[str, str], int] = {}
    """When what falls due, by job and thing."""
    holds: dict[str, Held] = {}
    codes: dict[str, Asked] = {}
    sessions: dict[str, Opened] = {}
    failures: dict[str, int] = msgspec.field(default_factory=lambda: {"fatima": 0, "arjun": 0})
    answers: dict[str, bytes] = {}

    def settle(self, until: int) -> list[tuple[str, int, int]]:
        """Run what falls due until then, one millisecond apart at least: jobs, when, and how many each settles."""
        fired = []
        while self.due and min(self.due.values()) <= until:
            at, _, job = min((at, PLACES[job], job) for (job, _), at in self.due.items())
            self.now = max(at, self.now + MILLISECOND)
            over = [thing for (name, thing), at in self.due.items() if name == job and at <= self.now]
            for thing in over:
                del self.due[job, thing]
                self.end(job, thing)
            fired.append((job, self.now, len(over)))
        return fired

    def end(self, job: str, thing: str) -> None:
        """What a job does to one thing."""
        match job:
            case "expire_holds":
                self.holds[thing] = Held("expired", self.now)
            case "unlock_users":
                self.failures[thing] = 0
            case "expire_codes":
                self.codes[thing].status = "expired"
            case "expire_sessions":
                self.sessions[thing].status = "expired"
            case "expire_idempotency_keys":
                del self.answers[thing]


@lru_cache(maxsize=1)
def second_factor_image() -> Image:
    """The bank of `seeds/tiny` in which arjun signs in with a code, and passwords stay good for ever."""

    def ask(rows: list[dict[str, Any]]) -> None:
        users = {
            row["username"]: row["user_id"] for row in msgspec.json.decode((folder / "auth_users.json").read_bytes())
        }
        for row in rows:
            if row["user_id"] == users["arjun"]:
                row |= {"mfa_enabled": True, "methods": ["SMS"]}

    def stay_good(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if row["status"] == "ACTIVE":
                row["expires_at"] = None

    with tempfile.TemporaryDirectory() as made:
        folder = copy_of_tiny(Path(made) / "tiny")
        edit(folder, "mfa_settings", ask)
        edit(folder, "credentials", stay_good)
        return compile_image(folder, SETTINGS)


@lru_cache(maxsize=1)
def fatima() -> Actor:
    """An actor is keys alone, which are the same in every sandbox."""
    return sign_in(new_root(), "fatima")


def new_house() -> House:
    """A house on that bank."""
    return House(SETTINGS, second_factor_image(), Shelf(SETTINGS, Path("tiny")))


def digest_of(root: StateRoot) -> str:
    """The digest, computed and not remembered; by what has changed it is the same."""
    whole = asyncio.run(root.inspect(digest))
    assert asyncio.run(root.inspect(root.image.digest_of)) == whole
    return whole
