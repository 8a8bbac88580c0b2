"""The ids of requests that bring none: derived from the sandbox's seed and the number of the request.

The control plane counts apart, so that what looks at a bank does not move the ids of those who use it.
"""

from sandbox.core.ids import Draws


class RequestIds:
    """Counts the requests of one state root and names them."""

    __slots__ = ("_key", "counts")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.counts = (0, 0)
        """How many have been named: of the bank and data planes, and of the control plane."""

    def following(self, *, control: bool) -> str:
        """The id of the next request."""
        asked, steered = self.counts
        if control:
            self.counts = asked, steered + 1
            return Draws(self._key, steered + 1).uuid("control-request")
        self.counts = asked + 1, steered
        return Draws(self._key, asked + 1).uuid("request")
