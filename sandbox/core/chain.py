"""The one helper that makes every hash chain (ledger, audit): SHA-256 over the previous link and the new facts.

No wall time and no mutable field goes into a link, so that a chain can be verified from the rows alone.
"""

import hashlib
from collections.abc import Iterable

GENESIS = bytes(32)
"""What the first link follows."""


def link(previous: bytes, facts: Iterable[int | str | bytes | None]) -> bytes:
    """The 32-byte link of `facts` after `previous`; every fact is framed, so none can lean on its neighbour."""
    parts = [previous]
    for fact in facts:
        text = b"" if fact is None else fact if isinstance(fact, bytes) else str(fact).encode()
        parts.append(b"%s%d:" % (b"n" if fact is None else b"v", len(text)))
        parts.append(text)
    return hashlib.sha256(b"".join(parts)).digest()
