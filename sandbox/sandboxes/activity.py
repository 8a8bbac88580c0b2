"""What has happened in all sandboxes of a house since the server started: counts that only grow.

They outlive the sandboxes that they count, so that what watches a server never sees them fall. Who takes the events of
the outbox on is a subscriber here, and how far behind the slowest is can be asked. Not for the numbers of one bank:
those are in its own tables.
"""

__all__ = ["Activity", "Subscriber"]


class Subscriber:
    """Somebody who takes events on: `position` is how many of them, counted as `Activity.events` counts."""

    __slots__ = ("position",)

    def __init__(self, position: int) -> None:
        self.position = position


class Activity:
    """Committed writes and events, and who takes the events on."""

    __slots__ = ("_subscribers", "events", "writes")

    def __init__(self) -> None:
        self.writes = 0
        """Committed writes, also those of sandboxes that are gone."""
        self.events = 0
        """Events that were committed to the outbox of a sandbox in use."""
        self._subscribers: list[Subscriber] = []

    @property
    def lag(self) -> int:
        """How many events the slowest subscriber has not taken on yet; 0 where there is none."""
        return max((self.events - subscriber.position for subscriber in self._subscribers), default=0)

    def add(self, *, writes: int, events: int) -> None:
        """So much was committed."""
        self.writes += writes
        self.events += events

    def instead_of(self, other: "Activity") -> "Activity":
        """Itself, which counts from now on what `other` counted, with what that has counted."""
        if other is not self:
            self.add(writes=other.writes, events=other.events)
        return self

    def subscribe(self) -> Subscriber:
        """Take events on, from the next one."""
        made = Subscriber(self.events)
        self._subscribers.append(made)
        return made
