"""Transfers and holds of an export, each rule broken once: the fault is named by file, record and field."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from bankside import ARJUN_CURRENT, FATIMA_CURRENT, FATIMA_SAVINGS, available, booked, pay, reserve
from support import VIRTUAL, broken_invariants, new_root, sign_in

from sandbox.bank import ledger
from sandbox.bank.transfers import NewReversal, get_transfer, reverse_transfer
from sandbox.core.clock import DAY, Instant
from sandbox.core.errors import AlreadyReversedError, DomainError, HoldResolvedError, InsufficientFundsError
from sandbox.sandboxes.compiling import compile_files
from sandbox.sandboxes.memory import on_copy
from sandbox.sandboxes.root import StateRoot
from sandbox.store.export import digest, export_files
from sandbox.store.reading import EcosystemError, Failure, Manifest

Rows = list[dict[str, Any]]
Files = dict[str, bytes]


def files_of(root: StateRoot) -> Files:
    """The files of a bank's export."""
    manifest = Manifest(name="tiny", title="Tiny", as_of=Instant(0), seed=root.seed)
    return on_copy(root.data, lambda db: export_files(db, manifest))


def bank_of(files: Files) -> StateRoot:
    """The bank of such files."""
    image = compile_files("test", files, VIRTUAL)
    return StateRoot(image, rules=VIRTUAL, seed=image.facts.seed, generation=1)


def again(root: StateRoot) -> StateRoot:
    """The same bank by way of its files."""
    return bank_of(files_of(root))


# A settled, a reversed and a rejected transfer (in this order), and a hold of every status (ACTIVE first).
SETTLED, REVERSED, REJECTED = range(3)
POSTED, VOIDED, EXPIRED, ACTIVE = range(3, 7)  # behind the three holds of the seed


@pytest.fixture(scope="module")
def lived_files() -> Files:
    """The files of a bank with a transfer and a hold of every status."""
    root = new_root()
    fatima = sign_in(root)
    pay(root, fatima, FATIMA_CURRENT, 1_000, account_id=ARJUN_CURRENT)
    back = pay(root, fatima, FATIMA_CURRENT, 2_000, account_id=ARJUN_CURRENT)
    assert back.transfer_id is not None
    root.write(reverse_transfer, fatima, back.transfer_id, NewReversal(reason="Wrong person"))
    with pytest.raises(DomainError):
        pay(root, fatima, FATIMA_CURRENT, 2**40, account_id=ARJUN_CURRENT)
    root.write(ledger.post_hold, reserve(root, FATIMA_CURRENT, -3_000), amount=2_500)
    root.write(ledger.void_hold, reserve(root, FATIMA_CURRENT, -3_001))
    reserve(root, FATIMA_CURRENT, -3_002, expires_at=root.now + DAY)
    root.advance(Instant(root.now + 2 * DAY))
    reserve(root, FATIMA_CURRENT, -3_003)
    files = files_of(root)
    root.close()
    return files


def changed(files: Files, name: str, change: Callable[[Rows], object]) -> Files:
    """The same files with one collection changed."""
    rows = json.loads(files[f"{name}.json"])
    change(rows)
    return files | {f"{name}.json": json.dumps(rows).encode()}


def failures_of(files: Files) -> list[Failure]:
    """Why the files are no ecosystem."""
    with pytest.raises(EcosystemError) as refused:
        bank_of(files)
    return refused.value.failures


def movement(files: Files, of: str, record: int, side: int = 0) -> int:
    """The place of a movement of a transfer or hold in `transactions`."""
    wanted = json.loads(files[f"{of}.json"])[record]
    rows = json.loads(files["transactions.json"])
    if of == "holds":
        return [row["transaction_id"] for row in rows].index(wanted["transaction_id"])
    return [place for place, row in enumerate(rows) if row["transfer_id"] == wanted["transfer_id"]][side]


def test_the_files_of_a_bank_that_ran_are_a_bank(lived_files: Files) -> None:
    root = bank_of(lived_files)
    assert broken_invariants(root) == []
    assert files_of(root) == lived_files
    statuses = [row["status"] for row in json.loads(lived_files["holds.json"])]
    assert statuses == ["ACTIVE", "ACTIVE", "ACTIVE", "POSTED", "VOIDED", "EXPIRED", "ACTIVE"]
    statuses = [row["status"] for row in json.loads(lived_files["transfers.json"])]
    assert statuses == ["SETTLED", "REVERSED", "REJECTED"]
    root.close()


BROKEN_TRANSFERS: list[tuple[int, dict[str, Any], str, str]] = [
    (SETTLED, {"fee": "-0.001"}, "fee", "must be 0.000 or more"),
    (SETTLED, {"created_at": "2030-01-01T00:00:00Z"}, "created_at", "lies after as_of"),
    (SETTLED, {"reversed_at": "2026-01-15T09:00:00Z"}, "reversed_at", "belongs to REVERSED transfers only"),
    (SETTLED, {"to_account_id": None}, "to_account_id", "is needed, unless the transfer is REJECTED"),
    (SETTLED, {"to_account_id": FATIMA_CURRENT}, "to_account_id", "is the account that pays"),
    (SETTLED, {"to_account_id": FATIMA_SAVINGS}, "transfer_id", "its movements must be a DEBIT of the payer"),
    (SETTLED, {"amount": "1.001"}, "transfer_id", "over 1.001 each"),
    (REVERSED, {"status": "SETTLED", "reversed_at": None}, "status", "its movements must be COMPLETED"),
    (SETTLED, {"status": "REVERSED"}, "status", "its movements must be REVERSED when it is REVERSED"),
    (SETTLED, {"status": "REJECTED"}, "status", "a REJECTED transfer moves nothing"),
    (REJECTED, {"amount": "0.000"}, "amount", "must be more than 0.000"),
    (REJECTED, {"status": "SETTLED", "to_account_id": ARJUN_CURRENT}, "transfer_id", "its movements must be"),
    (REJECTED, {"user_id": "nobody"}, "user_id", "'nobody' is in no record of auth_users"),
    (REJECTED, {"from_account_id": "none"}, "from_account_id", "'none' is in no record of accounts"),
]


@pytest.mark.parametrize(("record", "change", "field", "words"), BROKEN_TRANSFERS)
def test_a_transfer_that_breaks_a_rule_is_named(
    lived_files: Files, record: int, change: dict[str, Any], field: str, words: str
) -> None:
    found = failures_of(changed(lived_files, "transfers", lambda rows: rows[record].update(change)))
    named = [failure for failure in found if failure.file == "transfers.json" and failure.field == field]
    assert [words in failure.message for failure in named] == [True], found
    assert named[0].record.startswith(f"[{record}] ")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"channel": "BRANCH"}, "but differ in channel"),
        ({"merchant_name": "Shop", "mcc": "5411"}, "but differ in merchant_name, mcc"),
        ({"booked_at": "2026-01-15T09:00:00Z"}, "but differ in booked_at"),
        ({"amount": "1.001"}, "its movements must be"),
        ({"transfer_id": None}, "its movements must be"),
    ],
)
def test_the_two_sides_of_a_transfer_belong_together(lived_files: Files, change: dict[str, Any], words: str) -> None:
    place = movement(lived_files, "transfers", SETTLED)
    found = failures_of(changed(lived_files, "transactions", lambda rows: rows[place].update(change)))
    assert [words in failure.message for failure in found if failure.file == "transfers.json"] == [True], found


def test_a_third_side_of_a_transfer_is_refused(lived_files: Files) -> None:
    place = movement(lived_files, "transfers", SETTLED)
    more = changed(lived_files, "transactions", lambda rows: rows.append(rows[place] | {"transaction_id": "third"}))
    assert [failure.field for failure in failures_of(more)] == ["transfer_id"]


def test_a_movement_of_a_transfer_that_is_not_there_is_named(lived_files: Files) -> None:
    place = movement(lived_files, "transfers", SETTLED)
    found = failures_of(changed(lived_files, "transactions", lambda rows: rows[place].update(transfer_id="none")))
    assert ("transactions.json", "transfer_id", "'none' is in no record of transfers") in [
        (failure.file, failure.field, failure.message) for failure in found
    ]


BROKEN_HOLDS: list[tuple[int, dict[str, Any], str, str]] = [
    (ACTIVE, {"amount": "0.000"}, "amount", "must be more than 0.000"),
    (ACTIVE, {"amount": "3.004"}, "amount", "is not that of the movement, 3.003"),
    (VOIDED, {"amount": "3.004"}, "amount", "is not that of the movement, 3.001"),
    (POSTED, {"amount": "2.499"}, "amount", "is less than the 2.500 that was posted"),
    (ACTIVE, {"placed_at": "2030-01-01T00:00:00Z"}, "placed_at", "lies after as_of"),
    (ACTIVE, {"placed_at": "2026-01-01T00:00:00Z"}, "placed_at", "is not when the movement was booked"),
    (ACTIVE, {"resolved_at": "2026-01-17T10:00:00Z"}, "resolved_at", "is needed, unless the hold is ACTIVE"),
    (VOIDED, {"resolved_at": None}, "resolved_at", "is needed, unless the hold is ACTIVE"),
    (VOIDED, {"resolved_at": "2026-01-01T00:00:00Z"}, "resolved_at", "must not lie before placed_at"),
    (EXPIRED, {"resolved_at": "2030-01-01T00:00:00Z"}, "resolved_at", "nor after as_of"),
    (POSTED, {"resolved_at": "2026-01-16T00:00:00Z"}, "resolved_at", "is not when the movement was booked"),
    (ACTIVE, {"direction": "CREDIT"}, "transaction_id", "is a movement of another account or direction"),
    (ACTIVE, {"account_id": FATIMA_SAVINGS}, "transaction_id", "is a movement of another account or direction"),
    (ACTIVE, {"transaction_id": "none"}, "transaction_id", "'none' is in no record of transactions"),
    (EXPIRED, {"status": "POSTED"}, "status", "that is POSTED must be COMPLETED or REVERSED"),
    (ACTIVE, {"status": "VOIDED", "resolved_at": "2026-01-17T09:00:00.020Z"}, "status", "must be FAILED"),
    (POSTED, {"status": "ACTIVE", "resolved_at": None}, "status", "that is ACTIVE must be PENDING"),
]


@pytest.mark.parametrize(("record", "change", "field", "words"), BROKEN_HOLDS)
def test_a_hold_that_breaks_a_rule_is_named(
    lived_files: Files, record: int, change: dict[str, Any], field: str, words: str
) -> None:
    found = failures_of(changed(lived_files, "holds", lambda rows: rows[record].update(change)))
    named = [failure for failure in found if failure.file == "holds.json" and failure.field == field]
    assert any(words in failure.message for failure in named), found
    assert named[0].record.startswith(f"[{record}] ")


def test_two_holds_on_one_movement_are_refused(lived_files: Files) -> None:
    twice = changed(lived_files, "holds", lambda rows: rows.append(rows[ACTIVE] | {"hold_id": "second"}))
    assert [(failure.field, failure.message) for failure in failures_of(twice)] == [
        ("transaction_id", f"is the movement of the hold in record [{ACTIVE}] too")
    ]


def test_a_hold_on_a_movement_of_a_transfer_is_refused(lived_files: Files) -> None:
    side = json.loads(lived_files["transactions.json"])[movement(lived_files, "transfers", SETTLED)]
    names = ("transaction_id", "account_id", "direction", "amount")
    odd = {name: side[name] for name in names} | {"placed_at": side["booked_at"], "resolved_at": side["booked_at"]}
    found = failures_of(changed(lived_files, "holds", lambda rows: rows[POSTED].update(odd)))
    assert [(failure.field, failure.message) for failure in found] == [
        ("transaction_id", "is a movement of a transfer, which holds nothing")
    ]


def test_a_pending_movement_without_its_hold_gets_one(lived_files: Files) -> None:
    root = bank_of(changed(lived_files, "holds", lambda rows: rows.pop(ACTIVE)))
    assert broken_invariants(root) == []
    assert len(json.loads(files_of(root)["holds.json"])) == len(json.loads(lived_files["holds.json"]))
    root.close()


def test_the_words_on_a_reversal_belong_to_reversed_movements(lived_files: Files) -> None:
    found = failures_of(changed(lived_files, "transactions", lambda rows: rows[0].update(reversal_description="x")))
    assert [(failure.field, failure.message) for failure in found] == [
        ("reversal_description", "belongs to REVERSED movements only")
    ]


def test_in_a_bank_that_ran_a_limit_may_have_been_larger_once() -> None:
    root = new_root()
    files = files_of(root)
    root.close()
    last = "2026-01-15T08:59:59Z"

    def overdrawn_once(rows: Rows) -> None:
        mine = next(row for row in rows if row["account_id"] == FATIMA_SAVINGS)
        for direction, at in (("DEBIT", "2026-01-15T08:59:58Z"), ("CREDIT", last)):
            name = f"odd-{direction}"
            rows.append(mine | {"transaction_id": name, "direction": direction, "amount": "9000.000", "booked_at": at})

    lived = changed(files, "transactions", overdrawn_once)
    bank = bank_of(lived)
    assert broken_invariants(bank) == []
    bank.close()
    manifest = {name: value for name, value in json.loads(files["ecosystem.json"]).items() if name != "writes"}
    never_ran = lived | {"ecosystem.json": json.dumps(manifest).encode()}
    assert [failure.field for failure in failures_of(never_ran)] == ["amount"]


def test_a_transfer_can_be_taken_back_after_the_bank_was_loaded_again() -> None:
    root = new_root()
    fatima = sign_in(root)
    made = pay(root, fatima, FATIMA_CURRENT, 5_000, account_id=ARJUN_CURRENT)
    assert made.transfer_id is not None
    before = booked(root, FATIMA_CURRENT), booked(root, ARJUN_CURRENT)
    loaded = again(root)
    actor = sign_in(loaded)
    assert loaded.read(get_transfer, actor, made.transfer_id) == made
    assert (booked(loaded, FATIMA_CURRENT), booked(loaded, ARJUN_CURRENT)) == before
    loaded.write(reverse_transfer, actor, made.transfer_id, NewReversal())
    assert (booked(loaded, FATIMA_CURRENT), booked(loaded, ARJUN_CURRENT)) == (before[0] + 5_000, before[1] - 5_000)
    assert broken_invariants(loaded) == []
    twice = again(loaded)
    with pytest.raises(AlreadyReversedError):
        twice.write(reverse_transfer, sign_in(twice), made.transfer_id, NewReversal())
    for bank in (root, loaded, twice):
        bank.close()


def test_a_hold_lives_on_after_the_bank_was_loaded_again() -> None:
    root = new_root()
    held = reserve(root, FATIMA_CURRENT, -4_000, expires_at=root.now + 3 * DAY)
    loaded = again(root)
    before = available(loaded, FATIMA_CURRENT)
    with pytest.raises(InsufficientFundsError):
        pay(loaded, sign_in(loaded), FATIMA_CURRENT, before + 1, account_id=ARJUN_CURRENT)
    loaded.write(ledger.post_hold, held, amount=1_500)
    assert available(loaded, FATIMA_CURRENT) == before + 2_500
    twice = again(loaded)
    with pytest.raises(HoldResolvedError):
        twice.write(ledger.void_hold, held)
    assert broken_invariants(twice) == []
    for bank in (root, loaded, twice):
        bank.close()


def test_a_hold_expires_at_its_own_time_after_the_bank_was_loaded_again() -> None:
    root = new_root()
    ends = Instant(root.now + 3 * DAY)
    reserve(root, FATIMA_CURRENT, -4_000, expires_at=ends)
    loaded = again(root)
    before = available(loaded, FATIMA_CURRENT)
    loaded.advance(Instant(ends - 1))
    assert available(loaded, FATIMA_CURRENT) == before
    loaded.advance(Instant(ends + 1))
    assert available(loaded, FATIMA_CURRENT) == before + 4_000
    root.close()
    loaded.close()


def test_ids_and_business_time_go_on_after_the_bank_was_loaded_again() -> None:
    root = new_root()
    fatima = sign_in(root)
    pay(root, fatima, FATIMA_CURRENT, 1_000, account_id=ARJUN_CURRENT)
    root.advance(Instant(root.now + DAY))
    loaded = again(root)
    assert (loaded.now, loaded.write_number) == (root.now, root.write_number)
    made = [pay(bank, fatima, FATIMA_CURRENT, 1_000, account_id=ARJUN_CURRENT) for bank in (root, loaded)]
    assert made[0] == made[1]
    assert on_copy(root.data, digest) == on_copy(loaded.data, digest)
    root.close()
    loaded.close()
