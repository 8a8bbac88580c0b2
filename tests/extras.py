"""Collections that the bank does not know, put into a running sandbox: for tests that have no folder of their own."""

from typing import Any

from sandbox.sandboxes.root import StateRoot
from sandbox.store.filling import extra_row, insert
from sandbox.store.tables import LIST_MARK, SINGLE_VALUE, extra_record
from sandbox.store.work import Work

NOTE = {"customer_id": "f6f47dc4-0e37-4f10-a1ed-05cea49137fc", "channel": "SMS", "type": "NOTE", "title": "Hello"}
"""A record that can be added to `notifications` of `seeds/tiny`."""

NOTE_ID = "5d001e7b-3fd3-4052-a71f-b1710f8518e9"
"""A record of `notifications` that can be replaced, changed and deleted."""


def add_extra(root: StateRoot, name: str, value: Any) -> None:
    """Add the collection `name`: a list, or one value."""
    root.write(_add, name, value)


def _add(work: Work, name: str, value: Any) -> None:
    items = [(LIST_MARK, None), *enumerate(value)] if isinstance(value, list) else [(SINGLE_VALUE, value)]
    insert(work.db, extra_record, [extra_row(name, position, body) for position, body in items])
