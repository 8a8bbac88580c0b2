"""A digest from what has changed is the digest by its definition, whatever it is that has changed."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from bankside import ARJUN_CURRENT, FATIMA_CURRENT, FATIMA_CUSTOMER, FATIMA_SAVINGS, order
from exchanging import digest_both_ways, digest_of, seeded_image
from support import VIRTUAL, tiny_image

from sandbox.bank import acts, ledger, records
from sandbox.bank.actors import holder
from sandbox.bank.acts import AccountId
from sandbox.bank.chart import CHART
from sandbox.bank.ledger import Leg
from sandbox.bank.transfers import NewReversal, create_transfer, reverse_transfer
from sandbox.core.money import Fils
from sandbox.sandboxes.image import Image
from sandbox.sandboxes.memory import on_copy
from sandbox.sandboxes.root import StateRoot
from sandbox.store import changes as changes_module
from sandbox.store import digests
from sandbox.store.changes import changes
from sandbox.store.digests import all_hashes, digest_since
from sandbox.store.engine import connect, create_schema, disconnect, driver, serialize
from sandbox.store.export import digest, export, record_hashes
from sandbox.store.tables import COLLECTION_TABLES, entry, extra_record, journal, merchant
from sandbox.store.work import Work

SHOWN = [*COLLECTION_TABLES.values(), entry, journal, merchant, extra_record]
COLUMNS = [(table, column) for table in SHOWN for column in table.columns]


@pytest.fixture
def root() -> StateRoot:
    """A bank that has lived a little."""
    made = StateRoot(seeded_image(), rules=VIRTUAL, seed=7, generation=1)
    made.write(_live)
    return made


@pytest.fixture(scope="module")
def lived() -> Image:
    """A clean image with rows in every table that an export shows."""
    made = StateRoot(seeded_image(), rules=VIRTUAL, seed=7, generation=1)
    made.write(_live)
    return Image(made.data, made.image.facts)


def _deposit(work: Work) -> None:
    acts.deposit(work, account=AccountId(FATIMA_SAVINGS), amount=Fils(5_000))


def _live(work: Work) -> None:
    acts.purchase(
        work,
        account=AccountId(FATIMA_CURRENT),
        amount=Fils(1_500),
        merchant="Sultan Center",
        category="GROCERIES",
        mcc="5411",
    )
    payer = holder(work, FATIMA_CURRENT)
    paid = create_transfer(work, payer, order(FATIMA_CURRENT, 250, account_id=ARJUN_CURRENT))
    assert paid.transfer_id is not None
    reverse_transfer(work, payer, paid.transfer_id, NewReversal(reason="Wrong person"))
    create_transfer(work, payer, order(FATIMA_CURRENT, 300, account_id=FATIMA_SAVINGS))
    _hold(work)


def _hold(work: Work) -> str:
    leg = Leg(_key(work, FATIMA_CURRENT), Fils(-700), work.draws.uuid("transaction"), "Held")
    return ledger.place_hold(work, leg, counter=CHART["settlement.knet"], channel="POS")


def _key(work: Work, account_id: str) -> int:
    table = COLLECTION_TABLES["accounts"]
    return int(work.db.scalar(sa.select(table.c.key).where(table.c.id == account_id)) or 0)


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=[f"{table}.{column.name}" for table, column in COLUMNS])
def test_any_column_of_any_row_may_change(lived: Image, table: sa.Table, column: sa.Column[Any]) -> None:
    """Even against the bank's rules: a row gets what another row has there, or nothing, as raw as it is stored."""
    key = [f'"{each.name}"' for each in table.primary_key.columns]
    where = " AND ".join(f"{name} = ?" for name in key)
    rows = on_copy(
        lived.data,
        lambda db: driver(db).execute(f'SELECT "{column.name}", {", ".join(key)} FROM "{table.name}"').fetchall(),
    )
    values = sorted({row[0] for row in rows}, key=str)

    def mangle(db: sa.Connection, value: Any, place: list[Any]) -> bool:
        run = driver(db).execute
        run("PRAGMA foreign_keys = OFF")
        try:
            run(f'UPDATE "{table.name}" SET "{column.name}" = ? WHERE {where}', [value, *place])
        except sqlite3.IntegrityError:
            return False  # the schema forbids it
        if run("PRAGMA foreign_key_check").fetchall():
            return False  # and so do references: what is referred to is there
        try:
            digest(db)
        except (KeyError, ValueError, TypeError, AttributeError):
            return False  # nobody can say what this would be as a record
        digest_both_ways(db, lived)
        return True

    compared = [
        on_copy(lived.data, partial(mangle, value=other, place=place))
        for value, *place in (rows[len(rows) // 2], rows[-1])
        for other in [*[each for each in values if each != value][:1], None]
    ]
    assert any(compared) or column.primary_key or column.unique or len(values) == 1


@pytest.mark.parametrize("table", SHOWN, ids=[table.name for table in SHOWN])
def test_any_row_may_go(lived: Image, table: sa.Table) -> None:
    def drop(db: sa.Connection, place: list[Any]) -> bool:
        run = driver(db).execute
        run("PRAGMA foreign_keys = OFF")
        run(f'DELETE FROM "{table.name}" WHERE {where}', place)
        if run("PRAGMA foreign_key_check").fetchall():
            return False
        digest_both_ways(db, lived)
        return True

    key = [f'"{each.name}"' for each in table.primary_key.columns]
    where = " AND ".join(f"{name} = ?" for name in key)
    query = f'SELECT {", ".join(key)} FROM "{table.name}"'
    rows = on_copy(lived.data, lambda db: driver(db).execute(query).fetchall())
    gone = [on_copy(lived.data, partial(drop, place=list(row))) for row in rows[-6:]]
    referred_to = table.name in {
        "customer",
        "account",
        "journal",
        "merchant",
        "auth_user",
        "registered_device",
        "transfer",
    }
    assert any(gone) or referred_to


def test_what_a_bank_does_in_a_day(root: StateRoot) -> None:
    """Each step makes another digest, and none takes reading everything."""
    seen = {digest_of(root)}
    for step in STEPS:
        root.write(step)
        seen.add(digest_of(root))
        found = on_copy(root.data, lambda db: changes(db, root.image.clean.data))
        assert found is not None
    assert len(seen) == len(STEPS) + 1


MERCHANT = {"merchant_name": "Another name", "merchant_category": "DINING", "mcc": "5812"}
STEPS: list[Callable[[Work], Any]] = [
    _deposit,
    lambda work: ledger.post_hold(work, _newest(work, "holds", "ACTIVE"), amount=100),
    lambda work: ledger.void_hold(work, _hold(work)),
    lambda work: records.patch_record(work, "customers", FATIMA_CUSTOMER, {"segment": "AFFLUENT", "zz_new": [1.5]}),
    lambda work: records.patch_record(work, "transactions", _newest(work, "transactions", "COMPLETED"), MERCHANT),
    lambda work: records.patch_record(work, "accounts", FATIMA_SAVINGS, {"balance": "77.125"}),
    lambda work: records.delete_record(work, "notifications", _first(work, "notifications", "notification_id")),
    lambda work: records.create_record(work, "branches", {"id": "b2"}),
    lambda work: records.delete_record(work, "branches", "b1"),
    lambda work: records.delete_record(work, "branches", "b2"),
    lambda work: records.create_record(work, "empty", {"id": "e1"}),
    lambda work: records.delete_record(work, "empty", "e1"),
]


def _newest(work: Work, collection: str, status: str) -> str:
    key = {"holds": "hold_id", "transactions": "transaction_id"}[collection]
    return str(records.find_records(work, collection, {"status": status})[-1][key])


def _first(work: Work, collection: str, key: str) -> str:
    return str(records.find_records(work, collection, {})[0][key])


def test_a_record_that_is_made_again_is_the_old_one(root: StateRoot) -> None:
    before = on_copy(root.data, export_of)
    note = root.read(records.find_records, "notifications", {})[-1]
    root.write(records.delete_record, "notifications", note["notification_id"])
    root.write(records.create_record, "notifications", note)
    digest_of(root)
    after = on_copy(root.data, export_of)
    assert before["notifications"] == after["notifications"]


def export_of(db: sa.Connection) -> dict[str, list[Any]]:
    """Every record, by collection."""
    found: dict[str, list[Any]] = {}
    for name, record in export(db):
        found.setdefault(name, []).append(record)
    return found


def test_a_later_moment_is_compared_with_the_clean_image(root: StateRoot) -> None:
    later = root.image.later(root.data, root.image.facts)
    fork = StateRoot(later, rules=VIRTUAL, seed=8, generation=1)
    assert digest_of(fork) == digest_of(root)
    fork.write(_deposit)
    assert digest_of(fork) != digest_of(root)


def test_another_bank_altogether_has_its_own_digest(root: StateRoot) -> None:
    """Slower, and still right: nothing says that the two have anything in common."""
    other = tiny_image()
    assert on_copy(root.data, lambda db: digest_since(db, other.data, all_hashes(other.data))) == digest_of(root)
    empty = on_copy(root.data, lambda db: digest_since(db, EMPTY, b""))
    assert empty == digest_of(root)


def _empty() -> bytes:
    db = connect()
    try:
        create_schema(db)
        return serialize(db)
    finally:
        disconnect(db)


EMPTY = _empty()


def test_too_many_changes_are_read_whole(root: StateRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes_module, "_AT_MOST", 1)
    root.write(_live)
    assert on_copy(root.data, lambda db: changes(db, root.image.clean.data)) is None
    digest_of(root)


def test_another_name_under_an_old_key_is_read_whole(lived: Image) -> None:
    def rename(db: sa.Connection) -> Any:
        driver(db).execute("UPDATE merchant SET name = 'Renamed'")
        digest_both_ways(db, lived)
        return changes(db, lived.data)

    assert on_copy(lived.data, rename) is None


def test_only_what_has_changed_is_hashed_again(root: StateRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    digest_of(root)
    hashed: list[int] = []
    original = record_hashes

    def counted(exported: Any) -> list[bytes]:
        found = original(exported)
        hashed.append(len(found))
        return found

    monkeypatch.setattr(digests, "record_hashes", counted)
    fresh = StateRoot(seeded_image(), rules=VIRTUAL, seed=9, generation=1)
    fresh.write(_deposit)
    on_copy(fresh.data, fresh.image.digest_of)
    assert 0 < sum(hashed) < 10, "a movement, its account before and after, and the like"


def test_two_threads_may_be_first(root: StateRoot) -> None:
    image, data = Image(seeded_image().data, seeded_image().facts), root.data
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: on_copy(data, image.digest_of), range(8)))
    assert set(found) == {on_copy(data, digest)}
