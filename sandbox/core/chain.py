"""The one helper that makes every hash chain (ledger, audit): SHA-256 over the previous link and the new facts.

No wall time and no mutable field goes into a link, so that a chain can be verified from the rows alone.
"""

import hashlib
from collections.abc import Sequence

import msgspec

_ENCODE = msgspec.json.Encoder().encode

GENESIS = bytes(32)
"""What the first link follows."""


def link(previous: bytes, facts: Sequence[int | str | None]) -> bytes:
    """The 32-byte link of `facts` after `previous`; JSON frames them, so that none can lean on its neighbour."""
    return hashlib.sha256(previous + _ENCODE(facts)).digest()
