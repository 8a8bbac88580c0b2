"""What a test's bank is called and which seed it has: both derive from the test's node id.

The node id says the same on every machine, in every xdist worker and in whatever order tests run, so a test always
gets the same bank. Python's `hash` would not do: it differs in every process.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

MOST_SEED: Final = 2**53 - 1
"""The largest seed that the control plane takes: what JSON readers agree on."""

_LONGEST_WORDS: Final = 40


def seed_of(node_id: str, *, base: int | None = None) -> int:
    """The seed of a test's bank; `base` gives a whole run other seeds."""
    text = node_id if base is None else f"{base}:{node_id}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") & MOST_SEED


def sandbox_id_of(node_id: str) -> str:
    """The id of a test's sandbox: words of the test's name for people, a few digits that tell it from all others."""
    words = re.sub(r"[^a-z0-9]+", "-", node_id.rpartition("::")[2].lower()).strip("-")[:_LONGEST_WORDS].strip("-")
    mark = hashlib.blake2b(node_id.encode(), digest_size=5).hexdigest()
    return f"{words or 'test'}-{mark}"


def another(sandbox_id: str, attempt: int) -> str:
    """A free id where `sandbox_id` is taken, as by another run against the same server."""
    suffix = f"-{attempt}"
    return sandbox_id[: 63 - len(suffix)] + suffix
