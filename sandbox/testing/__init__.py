"""A bank per test: the pytest plugin, and the HTTP client that it hands to tests and that works without it.

`Sandbank` is a server, started in this process or running anywhere; `Bank` is one sandbox of it. Names are loaded at
first use, since pytest loads this package in every run of every project that has Sandbank installed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.testing.aio import AsyncBank, AsyncSession
    from sandbox.testing.bank import Bank, Challenge, InvariantBrokenError, Snapshot
    from sandbox.testing.clock import BankClock
    from sandbox.testing.inbox import Inbox, Message
    from sandbox.testing.sandbank import Sandbank
    from sandbox.testing.session import Session
    from sandbox.testing.wire import Answer, RefusedError

__all__ = [
    "Answer",
    "AsyncBank",
    "AsyncSession",
    "Bank",
    "BankClock",
    "Challenge",
    "Inbox",
    "InvariantBrokenError",
    "Message",
    "RefusedError",
    "Sandbank",
    "Session",
    "Snapshot",
]

_HOMES = {
    "Answer": "wire",
    "AsyncBank": "aio",
    "AsyncSession": "aio",
    "Bank": "bank",
    "BankClock": "clock",
    "Challenge": "bank",
    "Inbox": "inbox",
    "InvariantBrokenError": "bank",
    "Message": "inbox",
    "RefusedError": "wire",
    "Sandbank": "sandbank",
    "Session": "session",
    "Snapshot": "bank",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
