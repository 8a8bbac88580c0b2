"""The house: every sandbox of this server by id, forks and resets, snapshots, and who sleeps.

`default` always exists. Nothing is made on sight: an unknown id is an error.
"""

import asyncio
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import msgspec

from sandbox.bank.carrying import carry_sessions, living_sessions
from sandbox.core.clock import SECOND, Instant, wall_time
from sandbox.core.errors import Fault, ValidationFailedError
from sandbox.core.sandbox_errors import (
    SandboxExistsError,
    SandboxProtectedError,
    SandboxUnknownError,
    SnapshotExistsError,
    TooManySandboxesError,
    TooManySnapshotsError,
)
from sandbox.core.settings import ClockMode, Settings
from sandbox.sandboxes.activity import Activity
from sandbox.sandboxes.awake import AwakeList
from sandbox.sandboxes.business_clock import BusinessClock
from sandbox.sandboxes.image import Image
from sandbox.sandboxes.lives import lives_until
from sandbox.sandboxes.root import StateRoot
from sandbox.sandboxes.sandbox import Sandbox, Snapshot
from sandbox.sandboxes.shelf import Shelf

if TYPE_CHECKING:
    from sandbox.sandboxes.archive import Archive

DEFAULT = "default"
SANDBOX_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)

Kept = Literal["clock", "sessions"]
Prepare = Callable[[StateRoot], object]
"""What is done to a new bank before anybody sees it. It runs in a thread, and may refuse."""


class _Source(msgspec.Struct, frozen=True):
    """What a sandbox is made from. Without a seed it is the settings' or the image's own."""

    origin: str
    image: Image
    seed: int | None = None
    clock: tuple[ClockMode, float] | None = None


class House:
    """All sandboxes of one server."""

    def __init__(self, settings: Settings, image: Image, shelf: Shelf) -> None:
        self.settings = settings
        self.shelf = shelf
        self._on_change: Callable[[str], None] | None = None
        self.activity = Activity()
        """What was written in all sandboxes since the server started."""
        self._awake = AwakeList(settings.max_awake)
        self._sandboxes: dict[str, Sandbox] = {}
        self.opened = image
        """The ecosystem of the settings, at their time: with a live clock as of now, banks on it start now."""
        self.archive: Archive | None = None
        """What keeps the sandboxes over a restart, where there is a data folder."""
        self.named = 0
        """How many sandboxes were given a made id."""
        source = _Source(f"ecosystem:{shelf.name}", image, settings.seed)
        self._add(Sandbox(DEFAULT, name=None, origin=source.origin, root=self._new_root(source)))

    @classmethod
    def open(cls, settings: Settings) -> "House":
        """Open the ecosystem of the settings and a `default` sandbox on it.

        Raises:
            EcosystemNotFoundError, EcosystemError, AsOfError: there is none, it breaks a rule, or cannot be then.
        """
        shelf, image = Shelf.open(settings)
        return cls(settings, image, shelf)

    @property
    def awake(self) -> int:
        """How many sandboxes hold a whole database in memory."""
        return len(self._awake)

    @property
    def asleep(self) -> int:
        """How many sandboxes keep only the pages that differ from their image."""
        return sum(sandbox.root.asleep for sandbox in self._sandboxes.values())

    def all(self) -> list[Sandbox]:
        """Every sandbox, in the order in which they were made."""
        self._sweep()
        return list(self._sandboxes.values())

    def get(self, sandbox_id: str) -> Sandbox:
        """A sandbox by id.

        Raises:
            SandboxUnknownError: there is none; it is never made on sight.
        """
        found = self._sandboxes.get(sandbox_id)
        if found is not None and (found.expires_at is None or found.expires_at > wall_time()):
            return found
        if found is not None:
            self._drop(found)
        raise SandboxUnknownError(
            f"There is no sandbox {sandbox_id[:80]!r}. POST /_sandbox/sandboxes makes one.",
            sandbox_id=sandbox_id[:80],
        )

    async def fork(
        self,
        *,
        sandbox_id: str | None,
        source: str | None,
        caller: str,
        seed: int | None,
        name: str | None,
        ttl: int | None = None,
        prepare: Prepare | None = None,
    ) -> Sandbox:
        """Make a sandbox from `source` (default: the clean image that the caller's sandbox came from).

        Args:
            sandbox_id: its id, or None for a made one.
            source: `ecosystem:NAME`, `sandbox:ID` or `snapshot:NAME`.
            caller: the sandbox that asks.
            seed: of ids and draws.
            name: for people.
            ttl: seconds after which it is taken away.
            prepare: what is done to it before it is published.

        Raises:
            SandboxExistsError: the id is taken.
            TooManySandboxesError: the cap is reached.
            SandboxUnknownError, SnapshotUnknownError, EcosystemUnknownError, EcosystemInvalidError,
                ValidationFailedError: of the source.
        """
        self._require_room()
        if sandbox_id is not None:
            _require_form(sandbox_id)
            self._require_free(sandbox_id)
        found = await self._source(source, caller)
        root = self._new_root(found if seed is None else msgspec.structs.replace(found, seed=seed))
        if prepare is not None:
            await _prepared(root, prepare)
        try:
            # The source may have taken a moment to compile: somebody else may have been quicker.
            self._require_room()
            if sandbox_id is not None:
                self._require_free(sandbox_id)
        except BaseException:
            root.close()
            raise
        expires_at = None if ttl is None else Instant(wall_time() + ttl * SECOND)
        made = Sandbox(sandbox_id or self._next_id(), name=name, origin=found.origin, root=root, expires_at=expires_at)
        self._add(made)
        return made

    async def reset(
        self,
        sandbox: Sandbox,
        *,
        ecosystem: str | None = None,
        seed: int | None = None,
        as_of: Instant | None = None,
        keep: frozenset[Kept] = frozenset(),
        prepare: Prepare | None = None,
    ) -> StateRoot:
        """Give a sandbox a fresh root on what it was made from, on another ecosystem, or at another time.

        Raises:
            EcosystemUnknownError, EcosystemInvalidError: of the ecosystem.
            ValidationFailedError: sessions are to be kept with another seed, whose keys cannot check their tokens.
        """
        source = _Source(sandbox.origin, sandbox.origin_image, sandbox.seed)
        elsewhere = ecosystem is not None or as_of is not None
        if elsewhere:
            name = sandbox.origin_image.home if ecosystem is None else ecosystem
            image = await self.shelf.image(name, as_of)
            source = _Source(f"ecosystem:{image.home}", image, sandbox.seed if ecosystem is None else None)
        root = self._new_root(source if seed is None else msgspec.structs.replace(source, seed=seed))
        if prepare is not None:
            if "sessions" in keep:
                root.leap(sandbox.root.write_number)
            await _prepared(root, prepare)
        self._require_present(sandbox, root)
        try:
            _keep(root, sandbox.root, keep)
        except BaseException:
            root.close()
            raise
        if elsewhere:
            sandbox.origin, sandbox.origin_image, sandbox.seed = source.origin, source.image, root.seed
        self._swap(sandbox, root)
        return root

    async def reload(self) -> None:
        """Load the files of the settings' ecosystem again: `default` goes over to them, with everybody still signed in.

        Other sandboxes that came from it do so when they are reset; a `default` that came from elsewhere stays.

        Raises:
            EcosystemInvalidError: they break a rule; nothing has changed.
        """
        image = await self.shelf.reload()
        before, self.opened = self.opened, image
        standing_on_it = [sandbox for sandbox in self._sandboxes.values() if sandbox.origin_image is before]
        for sandbox in standing_on_it:
            sandbox.origin_image = image
            self._changed(sandbox.id)
        default = self._sandboxes[DEFAULT]
        if default in standing_on_it:
            same_keys = default.seed == default.root.seed
            await self.reset(default, keep=frozenset({"sessions"} if same_keys else ()))

    def install(self, sandbox: Sandbox, image: Image, *, seed: int | None = None) -> StateRoot:
        """Give a sandbox a root on `image`; what a reset goes back to stays what it was."""
        root = self._new_root(_Source(sandbox.origin, image, seed))
        self._require_present(sandbox, root)
        self._swap(sandbox, root)
        return root

    def remove(self, sandbox_id: str) -> None:
        """Take a sandbox away; whoever works on it finishes.

        Raises:
            SandboxUnknownError: there is none.
            SandboxProtectedError: it is `default`.
        """
        found = self.get(sandbox_id)
        if sandbox_id == DEFAULT:
            raise SandboxProtectedError("The default sandbox always exists; reset it instead.")
        self._drop(found)

    async def take_snapshot(self, sandbox: Sandbox, name: str) -> Snapshot:
        """Keep the present moment of a sandbox under a name.

        Raises:
            SnapshotExistsError: the name is taken.
            TooManySnapshotsError: the cap is reached.
            SandboxUnknownError: the sandbox was taken away meanwhile.
        """
        while True:
            self._require_snapshot_room(sandbox, name)
            root = sandbox.root
            image, clock = await root.capture(), root.clock
            self._require_present(sandbox)
            self._require_snapshot_room(sandbox, name)
            if sandbox.root is root:
                break  # else it was reset meanwhile, and this is a moment of what is over
        lives = lives_until(root.earlier, root.born_at, image.facts.write_number)
        made = Snapshot(name, image, root.seed, clock.mode, clock.rate, lives)
        sandbox.snapshots[name] = made
        self._changed(sandbox.id)
        return made

    def restore(self, sandbox: Sandbox, name: str) -> StateRoot:
        """Put a sandbox back to a snapshot: data, time and write number; tokens of that moment are good again.

        Raises:
            SnapshotUnknownError: there is none of that name.
        """
        snapshot = sandbox.snapshot(name)
        source = _Source(sandbox.origin, snapshot.image, snapshot.seed, (snapshot.mode, snapshot.rate))
        root = self._new_root(source)
        root.earlier = snapshot.lives
        self._swap(sandbox, root)
        return root

    def drop_snapshot(self, sandbox: Sandbox, name: str) -> None:
        """Forget a snapshot.

        Raises:
            SnapshotUnknownError: there is none of that name.
        """
        sandbox.snapshot(name)
        del sandbox.snapshots[name]
        self._changed(sandbox.id)

    def tell(self, on_change: Callable[[str], None]) -> None:
        """From now on, tell the id of each sandbox that was made, written to, changed in any way, or taken away."""
        self._on_change = on_change
        for sandbox in self._sandboxes.values():
            self._publish(sandbox)

    def take_in(self, sandboxes: list[Sandbox], *, named: int) -> None:
        """Have sandboxes of an earlier server go on here; its `default` takes the place of the new one."""
        for sandbox in sandboxes:
            if sandbox.id in self._sandboxes:
                self._sandboxes[sandbox.id].root.close()
            self._add(sandbox)
        self.named = named

    def warm(self) -> None:
        """Make copies ready while the loop is idle."""
        self.shelf.warm()

    def close(self) -> None:
        """Close every connection."""
        for sandbox in self._sandboxes.values():
            sandbox.root.close()
            sandbox.root.image.close()
            sandbox.origin_image.close()
        self.shelf.close()

    def _new_root(self, source: _Source) -> StateRoot:
        image = source.image
        mode, rate = source.clock or (self.settings.clock, 1.0)
        clock = BusinessClock(image.facts.clock_base, mode=mode, rate=rate)
        if self.settings.as_of == "now" and image is self.opened:
            clock.show(wall_time(), write_number=image.facts.write_number)
        given = (source.seed, self.settings.seed, image.facts.seed)
        seed = next(seed for seed in given if seed is not None)
        return StateRoot(image, rules=self.settings, seed=seed, generation=1, clock=clock)

    def _add(self, sandbox: Sandbox) -> None:
        self._sandboxes[sandbox.id] = sandbox
        self._publish(sandbox)

    def _swap(self, sandbox: Sandbox, root: StateRoot) -> None:
        old = sandbox.root
        root.generation = old.generation + 1
        sandbox.root = root
        old.on_commit = None
        old.retire()
        self._publish(sandbox)

    def _publish(self, sandbox: Sandbox) -> None:
        sandbox.root.live_among(self._awake, self.activity)
        if self._on_change is not None:
            sandbox.root.on_commit = lambda _: self._changed(sandbox.id)
        self._changed(sandbox.id)

    def _changed(self, sandbox_id: str) -> None:
        if self._on_change is not None:
            self._on_change(sandbox_id)

    def _drop(self, sandbox: Sandbox) -> None:
        del self._sandboxes[sandbox.id]
        sandbox.root.on_commit = None
        sandbox.root.retire()
        self._changed(sandbox.id)

    def _sweep(self) -> None:
        now = wall_time()
        for sandbox in [*self._sandboxes.values()]:
            if sandbox.expires_at is not None and sandbox.expires_at <= now:
                self._drop(sandbox)

    def _require_room(self) -> None:
        self._sweep()
        most = self.settings.max_sandboxes
        if len(self._sandboxes) >= most:
            raise TooManySandboxesError(
                f"There are {most} sandboxes, as many as the settings allow. Delete some, or raise --max-sandboxes."
            )

    def _require_free(self, sandbox_id: str) -> None:
        if sandbox_id in self._sandboxes:
            raise SandboxExistsError(f"There is a sandbox {sandbox_id!r} already. Delete it first, or take another id.")

    def _require_snapshot_room(self, sandbox: Sandbox, name: str) -> None:
        if name in sandbox.snapshots:
            raise SnapshotExistsError(f"Sandbox {sandbox.id!r} has a snapshot {name!r} already. Delete it first.")
        most = self.settings.max_snapshots
        if len(sandbox.snapshots) >= most:
            raise TooManySnapshotsError(
                f"Sandbox {sandbox.id!r} has {most} snapshots, as many as the settings allow. Delete some, or raise "
                "--max-snapshots."
            )

    def _require_present(self, sandbox: Sandbox, root: StateRoot | None = None) -> None:
        """Refuse to go on with a sandbox that was taken away meanwhile; `root` was made for it."""
        if self._sandboxes.get(sandbox.id) is not sandbox:
            if root is not None:
                root.close()
            raise SandboxUnknownError(f"The sandbox {sandbox.id!r} was taken away meanwhile.", sandbox_id=sandbox.id)

    def _next_id(self) -> str:
        while True:
            self.named += 1
            candidate = f"sb-{self.named}"
            if candidate not in self._sandboxes:
                return candidate

    async def _source(self, source: str | None, caller: str) -> _Source:
        """What a sandbox is made from."""
        asking = self.get(caller)
        if source is None:
            return _Source(asking.origin, asking.origin_image, asking.seed)
        kind, _, name = source.partition(":")
        if kind == "sandbox" and name:
            root = self.get(name).root
            return _Source(source, await root.capture(), root.seed, (root.clock.mode, root.clock.rate))
        if kind == "snapshot" and name:
            snapshot = asking.snapshot(name)
            return _Source(source, snapshot.image, snapshot.seed, (snapshot.mode, snapshot.rate))
        if kind == "ecosystem" and name:
            return _Source(source, await self.shelf.image(name, None))
        detail = "must be ecosystem:NAME, sandbox:ID or snapshot:NAME"
        raise ValidationFailedError([Fault("/from", "wrong_format", detail)])


async def _prepared(root: StateRoot, prepare: Prepare) -> None:
    try:
        root.wake()
        await asyncio.to_thread(prepare, root)
    except BaseException:
        root.close()
        raise


def _keep(root: StateRoot, old: StateRoot, keep: frozenset[Kept]) -> None:
    """Take clock and sessions of the old root along to the new one, which takes its place at once after this."""
    if "clock" in keep:
        if old.now > root.now:
            root.advance(old.now)
        if (root.clock.mode, root.clock.rate) != (old.clock.mode, old.clock.rate):
            root.set_clock(old.clock.mode, old.clock.rate)
    if "sessions" in keep:
        if root.seed != old.seed:
            detail = "sessions cannot be kept with another seed: its keys cannot check their tokens"
            raise ValidationFailedError([Fault("/keep", "conflict", detail)])
        # Identifiers come of write numbers: those of the old root's writes must not be drawn again.
        root.leap(old.write_number)
        root.write(carry_sessions, old.read(living_sessions))
        root.earlier = lives_until(old.earlier, old.born_at, old.write_number)


def _require_form(sandbox_id: str) -> None:
    if not SANDBOX_ID.fullmatch(sandbox_id):
        detail = "must be 1 to 63 of a-z, 0-9 and -, and not start with -"
        raise ValidationFailedError([Fault("/id", "wrong_format", detail)])
