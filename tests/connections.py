"""What a test process holds open: its SQLite connections, and the state roots that are alive."""

import gc
import sqlite3
from typing import Any


def open_connections() -> int:
    """How many SQLite connections of this process are open."""
    found = 0
    for connection in alive(sqlite3.Connection):
        try:
            _ = connection.total_changes
        except sqlite3.ProgrammingError:
            continue
        found += 1
    return found


def alive(kind: type[Any]) -> list[Any]:
    """Every object of exactly this kind that something still holds."""
    gc.collect()
    return [thing for thing in gc.get_objects() if type(thing) is kind]
