"""Whatever the data plane accepts, an export carries and an import takes: no record can be made that does not load.

Random records are patched, made and deleted in every collection, with values of all kinds. Most are refused; after a
few that were not, the bank is written to files and made again from them.
"""

import random
from datetime import date
from typing import Any

import pytest
from exchanging import digest_of, exported, imported, seeded_image
from support import VIRTUAL, broken_invariants

from sandbox.bank import records
from sandbox.core.clock import DAY, Instant
from sandbox.core.errors import DomainError
from sandbox.core.money import Fils
from sandbox.core.vocabulary import in_files
from sandbox.sandboxes.root import StateRoot
from sandbox.store.records import ALL_COLLECTIONS, Collection, Field, Json

ROUNDS, CHANGES = 15, 25
OF_A_KIND: dict[Any, list[Any]] = {
    Fils: ["0.000", "0.001", "1.000", "5000.000", "-3.000"],
    Instant: ["0001-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "2026-01-15T09:00:00Z", "9999-12-31T23:59:59.999Z"],
    date: ["2001-01-01", "1999-02-29"],
    bool: [True, False],
    int: [-1, 0, 4, 5],
    Json: [[1], {"a": 1.5}, "x", None],
    str: ["x", "", "نص", "two\nlines"],
}


class Vandal:
    """Somebody who writes anything into any collection."""

    def __init__(self, root: StateRoot, seed: int) -> None:
        self.root = root
        self.random = random.Random(seed)
        self.made = 0
        self.accepted = 0

    def change(self) -> None:
        """Try to patch, make or delete one record."""
        collection = self.random.choice(list(ALL_COLLECTIONS.values()))
        rows = self.root.read(records.find_records, collection.name, {})
        if not rows:
            return
        record = self.random.choice(rows)
        how = self.random.choice((self.patch, self.patch, self.make, self.delete))
        try:
            how(collection, record)
        except DomainError:
            return
        self.accepted += 1

    def patch(self, collection: Collection, record: dict[str, Any]) -> None:
        fields = self.random.sample(collection.fields, self.random.choice((1, 1, 2)))
        changes = {field.name: self.value(field) for field in fields}
        self.root.write(records.patch_record, collection.name, record[collection.key], changes)

    def make(self, collection: Collection, like: dict[str, Any]) -> None:
        self.made += 1
        name = f"made-{self.made}"
        unique = {collection.key, "username", "iban", "account_number"}
        bodies = {
            field.name: self.value(field) if self.random.random() < 0.3 else like.get(field.name)
            for field in collection.fields
            if field.kind is not Instant or self.random.random() < 0.5
        }
        body = {field: name if field in unique else value for field, value in bodies.items() if value is not None}
        if collection.name == "transactions":
            body = {field: value for field, value in body.items() if not field.startswith(("revers", "transfer"))}
            body |= {"status": self.random.choice(("COMPLETED", "PENDING", "FAILED"))}
            body.pop("booked_at", None)
        self.root.write(records.create_record, collection.name, body)

    def delete(self, collection: Collection, record: dict[str, Any]) -> None:
        self.root.write(records.delete_record, collection.name, record[collection.key])

    def value(self, field: Field) -> Any:
        """A value for a field, fit or not."""
        if field.optional and self.random.random() < 0.2:
            return None
        if field.reference:
            key = ALL_COLLECTIONS[field.reference].key
            return self.random.choice(
                [row[key] for row in self.root.read(records.find_records, field.reference, {})] + ["nobody"]
            )
        if field.is_enumeration:
            return in_files(self.random.choice(list(field.kind)))
        return self.random.choice(OF_A_KIND.get(field.kind, OF_A_KIND[str]))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_the_data_plane_accepts_survives_an_export_and_an_import(seed: int) -> None:
    root = StateRoot(seeded_image(), rules=VIRTUAL, seed=seed, generation=1)
    vandal = Vandal(root, seed)
    for number in range(ROUNDS):
        for _ in range(CHANGES):
            vandal.change()
        if number % 5 == 4:
            root.advance(Instant(root.now + 3 * DAY))
        raw, before = exported(root), digest_of(root)
        assert broken_invariants(root) == []
        loaded = imported(raw)
        assert loaded.image.facts.digest == before
        assert broken_invariants(loaded) == []
        assert exported(loaded) == raw
        root.close()
        vandal.root = root = loaded
    assert vandal.accepted > ROUNDS * CHANGES / 5, "the bank refused nearly everything, which shows nothing"
    root.close()
