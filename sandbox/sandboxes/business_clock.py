"""A sandbox's clock: business time, frozen between writes or going on as the wall clock does.

Each write takes one millisecond, so that no two writes happen at the same time; a live clock moves on in between.
Time never goes backwards.
"""

from sandbox.core.clock import MILLISECOND, Instant, business_time, wall_time
from sandbox.core.settings import ClockMode


class BusinessClock:
    """Business time of one sandbox, derived from its base and its write number."""

    __slots__ = ("_latest", "_since", "_wall", "base", "mode", "rate")

    def __init__(self, base: Instant, *, mode: ClockMode = "frozen", rate: float = 1.0) -> None:
        self.base = base
        """Business time before the first write, moved along by whatever moved the clock."""
        self.mode: ClockMode = mode
        self.rate = rate
        """How many seconds of business time pass in a second, while the clock is live."""
        self._since: Instant | None = None
        self._wall = Instant(0)
        self._latest = base
        """The latest time that a live clock has shown."""

    def copy(self) -> "BusinessClock":
        """Another clock that shows the same time."""
        made = BusinessClock(self.base, mode=self.mode, rate=self.rate)
        made._since, made._wall, made._latest = self._since, self._wall, self._latest
        return made

    def at(self, write_number: int) -> Instant:
        """Business time after `write_number` writes."""
        counted = business_time(self.base, write_number)
        if self.mode == "frozen":
            return counted
        wall = wall_time()
        if self._since is None or wall < self._wall:
            # Also where the machine's clock was put back: business time goes on from where it was.
            self._since, self._wall = max(counted, self._latest), wall
        self._latest = Instant(max(counted, self._since + int((wall - self._wall) * self.rate), self._latest))
        return self._latest

    def base_at(self, at: int, write_number: int) -> Instant:
        """The base with which the write of that number happens at `at`, or as soon after the last as it can."""
        return Instant(max(self.base, at - write_number * MILLISECOND))

    @property
    def anchor(self) -> tuple[Instant | None, Instant]:
        """The business time from which a live clock goes on, and what the wall clock said then."""
        return self._since, self._wall

    @anchor.setter
    def anchor(self, anchor: tuple[Instant | None, Instant]) -> None:
        self._since, self._wall = anchor

    def show(self, now: Instant, *, write_number: int) -> None:
        """Go on from `now`, where the clock is live and behind it."""
        if self.mode == "live":
            self._since, self._wall = Instant(max(now, business_time(self.base, write_number))), wall_time()

    def reanchor(self) -> None:
        """Go on from the time of the last write: it was moved."""
        self._since = None

    def set(self, mode: ClockMode, rate: float, *, now: Instant, write_number: int) -> None:
        """Go on from now in another way."""
        self.base = Instant(now - write_number * MILLISECOND)
        self.mode, self.rate = mode, rate
        self._since = None
