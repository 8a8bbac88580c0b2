"""Where a state root stands, beside its data: what it takes to have it go on in another process."""

import msgspec

from sandbox.core.clock import Instant
from sandbox.core.settings import ClockMode, Settings
from sandbox.sandboxes.business_clock import BusinessClock
from sandbox.sandboxes.image import Image
from sandbox.sandboxes.lives import Lives
from sandbox.sandboxes.root import StateRoot


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Identity, clock and counters of a state root at one moment."""

    seed: int
    generation: int
    born_at: Instant
    """Tokens carry it: those of before are good as long as it stays."""
    earlier: Lives = ()
    write_number: int
    clock_base: Instant
    clock_mode: ClockMode
    clock_rate: float
    clock_anchor: tuple[Instant | None, Instant]
    """From which business time a live clock goes on, and the wall clock's time then: it goes on while nobody serves."""
    requests: tuple[int, int]


def standing_of(root: StateRoot) -> Standing:
    """Where `root` stands now. A live clock that nobody has looked at starts to run."""
    clock = root.clock
    clock.at(root.write_number)
    return Standing(
        seed=root.seed,
        generation=root.generation,
        born_at=root.born_at,
        earlier=root.earlier,
        write_number=root.write_number,
        clock_base=clock.base,
        clock_mode=clock.mode,
        clock_rate=clock.rate,
        clock_anchor=clock.anchor,
        requests=root.request_ids.counts,
    )


def resumed(image: Image, standing: Standing, delta: bytes | None, *, rules: Settings) -> StateRoot:
    """The root that stood there, asleep on the pages `delta` over the clean image; None: it was never written to."""
    clock = BusinessClock(standing.clock_base, mode=standing.clock_mode, rate=standing.clock_rate)
    clock.anchor = standing.clock_anchor
    root = StateRoot(image, rules=rules, seed=standing.seed, generation=standing.generation, clock=clock, delta=delta)
    root.born_at, root.earlier, root.write_number = standing.born_at, standing.earlier, standing.write_number
    root.request_ids.counts = standing.requests
    return root
