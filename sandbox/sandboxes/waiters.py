"""Who waits for the next commit."""

import asyncio


class Waiters:
    """Futures that are resolved together."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    def add(self, *, over: bool) -> asyncio.Future[None]:
        """One more, which needs not wait where it is `over` already."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if over:
            waiter.set_result(None)
        else:
            # Those whose time ran out have gone, and would stay here on a bank that nobody writes to.
            self._waiting = [other for other in self._waiting if not other.done()] + [waiter]
        return waiter

    def wake(self) -> None:
        """Resolve all that wait."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for waiter in waiting:
                if not waiter.done():
                    waiter.set_result(None)
