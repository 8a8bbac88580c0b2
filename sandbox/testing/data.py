"""The data plane of a bank under test: the records of a collection, past all rules but those of the data itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.testing.bank import Bank

__tracebackhide__ = True  # a failure is shown at the test's own line

Record = dict[str, Any]
"""A record in the shape of an ecosystem's file: enumerations in upper case, money as a text such as `12.750`."""


class Collection:
    """One collection of one bank: `bank.data("customers")`."""

    def __init__(self, bank: Bank, name: str) -> None:
        self._bank = bank
        self._path = f"/_data/{quote(name, safe='')}"

    def list(self, /, **query: object) -> list[Record]:
        """The records that fit json-server's query: `list(status="ACTIVE", _sort="username", _limit=10)`."""
        found: list[Record] = self._bank.get(self._path, params=query).expect().json()
        return found

    def get(self, record_id: str) -> Record:
        """One record.

        Raises:
            RefusedError: there is none.
        """
        return self._one(self._bank.get(self._at(record_id)))

    def create(self, record: Mapping[str, Any]) -> Record:
        """Add a record."""
        return self._one(self._bank.post(self._path, json=dict(record)))

    def replace(self, record_id: str, record: Mapping[str, Any]) -> Record:
        """Put another record in its place."""
        return self._one(self._bank.put(self._at(record_id), json=dict(record)))

    def patch(self, record_id: str, /, **changes: object) -> Record:
        """Change some fields of a record."""
        return self._one(self._bank.patch(self._at(record_id), json=changes))

    def delete(self, record_id: str) -> None:
        """Take a record away."""
        self._bank.delete(self._at(record_id)).expect()

    def _at(self, record_id: str) -> str:
        return f"{self._path}/{quote(record_id, safe='')}"

    def _one(self, answer: Any) -> Record:
        found: Record = answer.expect().json()
        return found
