"""One isolated bank as the house knows it: its id, what it is reset to, its live state and its snapshots."""

import msgspec

from sandbox.core.clock import Instant
from sandbox.core.sandbox_errors import SnapshotUnknownError
from sandbox.core.settings import ClockMode
from sandbox.sandboxes.image import Image
from sandbox.sandboxes.lives import Lives
from sandbox.sandboxes.root import StateRoot


class Snapshot(msgspec.Struct, frozen=True):
    """A named moment of a sandbox."""

    name: str
    image: Image
    seed: int
    mode: ClockMode
    rate: float
    lives: Lives
    """Those of the root it was taken of, up to then: their tokens are good again once it is restored."""


class Sandbox:
    """One isolated bank: its id, what it is reset to, its live state and its snapshots."""

    __slots__ = ("expires_at", "id", "name", "origin", "origin_image", "root", "seed", "snapshots")

    def __init__(
        self, sandbox_id: str, *, name: str | None, origin: str, root: StateRoot, expires_at: Instant | None = None
    ) -> None:
        self.id = sandbox_id
        self.name = name
        self.origin = origin
        """What it was made from: `ecosystem:x`, `sandbox:x` or `snapshot:x`."""
        self.origin_image = root.image
        self.seed = root.seed
        """What a reset goes back to, unless it names another."""
        self.root = root
        self.expires_at = expires_at
        """The wall clock's time at which it is taken away, if it is."""
        self.snapshots: dict[str, Snapshot] = {}

    def snapshot(self, name: str) -> Snapshot:
        """A snapshot by name.

        Raises:
            SnapshotUnknownError: there is none.
        """
        found = self.snapshots.get(name)
        if found is None:
            names = ", ".join(self.snapshots) or "none"
            raise SnapshotUnknownError(f"Sandbox {self.id!r} has no snapshot {name[:80]!r}; it has {names}.")
        return found
