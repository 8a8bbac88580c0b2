"""Which sandboxes hold a whole database in memory: the ones used last. The others sleep."""

from collections import OrderedDict
from typing import Protocol


class Sleeper(Protocol):
    """What can be put to sleep."""

    def sleep(self) -> None:
        """Give the memory back, keeping what differs."""


class AwakeList:
    """The awake ones in the order of their last use, at most `limit` of them."""

    __slots__ = ("_limit", "_used")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used: OrderedDict[Sleeper, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._used)

    def use(self, sleeper: Sleeper) -> None:
        """`sleeper` is in use; whoever was longest not may have to sleep for it."""
        used = self._used
        used[sleeper] = None
        used.move_to_end(sleeper)
        while len(used) > self._limit:
            used.popitem(last=False)[0].sleep()

    def forget(self, sleeper: Sleeper) -> None:
        """`sleeper` is gone."""
        self._used.pop(sleeper, None)
