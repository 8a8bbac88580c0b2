"""The digest of a bank that came from a known one: only the records that differ are written and hashed anew.

What `export.digest` says is the definition. A digest is over the sorted hashes of all records, so that of a later
moment follows from the hashes of the earlier one, less those of the records that differ as they were, plus those of
the same records as they are.
"""

from bisect import bisect_left, insort

import sqlalchemy as sa

from sandbox.store.changes import Changes, changes
from sandbox.store.engine import connect, disconnect
from sandbox.store.export import PublicIds, digest, digest_over, export, extra_records, record_hashes, records

_HASH_BYTES = 32


def all_hashes(image: bytes) -> bytes:
    """The hashes of all records of the bank whose bytes are `image`, sorted, one after another: 32 bytes each."""
    db = connect(image)
    try:
        return b"".join(sorted(record_hashes(export(db))))
    finally:
        disconnect(db)


def digest_since(db: sa.Connection, image: bytes, hashes: bytes) -> str:
    """The digest of the bank of `db`, a private connection.

    Args:
        db: the bank.
        image: the bytes of an earlier moment of it, or of any bank: it is only slower with one that has little in
            common with it.
        hashes: those of `image`; see `all_hashes`.
    """
    found = changes(db, image)
    if found is None:
        return digest(db)
    present = [hashes[at : at + _HASH_BYTES] for at in range(0, len(hashes), _HASH_BYTES)]
    before = connect(image)
    try:
        outdated = _hashes_of(before, found)
    finally:
        disconnect(before)
    for each in outdated:
        place = bisect_left(present, each)
        assert present[place] == each, "the hashes are not those of the image"
        del present[place]
    for each in _hashes_of(db, found):
        insort(present, each)
    return digest_over(db, present)


def _hashes_of(db: sa.Connection, found: Changes) -> list[bytes]:
    """The hashes of those records as they are in one of the two banks."""
    ids = PublicIds(db)
    known = ((name, record) for name, keys in found.keys.items() for record in records(db, name, ids, keys=keys))
    return record_hashes(known) + (record_hashes(extra_records(db, names=found.extras)) if found.extras else [])
