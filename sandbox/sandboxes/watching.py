"""Watching an ecosystem's files: when they change, the bank is compiled again and takes the old one's place.

Files are looked at twice a second, which works on every file system, network and container volumes included. A folder
that breaks a rule changes nothing but a line in the log: the bank of before goes on.
"""

import asyncio
import logging

from sandbox.core.sandbox_errors import EcosystemInvalidError
from sandbox.sandboxes.house import House
from sandbox.store.ecosystem import fingerprint

_EVERY_S = 0.5

_LOG = logging.getLogger("sandbank")


class Watcher:
    """Looks at the folder of a house's ecosystem."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._loaded = self._seen = self._look()

    async def run(self) -> None:
        """Look for ever; cancel to stop."""
        while True:
            await asyncio.sleep(_EVERY_S)
            await self.check()

    async def check(self) -> bool:
        """Look once; whether the bank was replaced. Files that are just being written are left for the next look."""
        now = await asyncio.to_thread(self._look)
        settled, self._seen = now == self._seen, now
        if now == self._loaded or not settled:
            return False
        self._loaded = now
        try:
            await self._house.reload()
        except EcosystemInvalidError as error:
            _LOG.warning("A changed folder cannot be loaded; the bank of before goes on. %s", error)
            return False
        except Exception:  # noqa: BLE001 - whatever it was, the next change may mend it
            _LOG.exception("A changed folder could not be loaded; the bank of before goes on.")
            return False
        _LOG.warning("%s has changed and was loaded again.", self._house.shelf.name)
        return True

    def _look(self) -> str:
        """What the folder holds, in a few bytes; nothing while it cannot be read."""
        try:
            return fingerprint(self._house.shelf.folder)
        except OSError:
            return ""
