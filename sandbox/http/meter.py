"""What requests were answered with, how often and how fast: the numbers behind `/_sandbox/metrics`.

They are the process's and not a sandbox's: sandboxes come and go by the thousand. Only whole numbers are added up here,
since every request passes; what a scrape makes of them is told in `control/exposition.py`.
"""

from bisect import bisect_left

__all__ = ["BOUNDS_S", "NO_OPERATION", "NO_STATUS", "Meter", "Timing"]

BOUNDS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the histogram's buckets, in seconds; after the last one comes all that takes longer."""

NO_OPERATION = "none"
"""What is told for a request that was refused or answered before it found an operation."""
NO_STATUS = "none"
"""What is told for a request that the end of the server cut off."""

_METHODS = {method: method for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")}
_OTHER_METHOD = "other"
"""A client may make any method up, and must not be able to make up a row of its own with each."""


class Timing:
    """How long the requests of one operation took."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        """By bucket: each request stands in one."""
        self.seconds = 0.0


class Meter:
    """Counts requests."""

    __slots__ = ("refusals", "requests", "timings")

    def __init__(self) -> None:
        self.requests: dict[tuple[str, str, int | None], int] = {}
        """By operation, method and status."""
        self.timings: dict[str, Timing] = {}
        """By operation."""
        self.refusals: dict[str, int] = {}
        """By code of the catalogue."""

    def add(self, operation: str, method: str, status: int | None, *, problem: str | None, seconds: float) -> None:
        """A request is over."""
        key = (operation, _METHODS.get(method, _OTHER_METHOD), status)
        requests = self.requests
        requests[key] = requests.get(key, 0) + 1
        timing = self.timings.get(operation)
        if timing is None:
            timing = self.timings[operation] = Timing()
        timing.counts[bisect_left(BOUNDS_S, seconds)] += 1
        timing.seconds += seconds
        if problem is not None:
            self.refusals[problem] = self.refusals.get(problem, 0) + 1
