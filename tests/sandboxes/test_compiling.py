"""Compiling an ecosystem: the cache on disk, and what becomes of each kind of transaction."""

import asyncio
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from support import TINY, VIRTUAL, copy_of_tiny, edit, without_logins

from sandbox.bank.invariants import check_invariants
from sandbox.core.clock import DAY, MILLISECOND, parse_instant
from sandbox.core.passwords import verify_password
from sandbox.core.settings import Settings
from sandbox.sandboxes import compiling
from sandbox.sandboxes.compiling import compile_image, open_image
from sandbox.sandboxes.image import Image, Kept
from sandbox.store.engine import connect, disconnect
from sandbox.store.reading import EcosystemError
from sandbox.store.tables import JournalKind, account, auth_user, credential, entry, hold, journal

Row = dict[str, Any]
SALARY_ACCOUNT = "2adf63a8-1580-4504-8fbc-68639f8b1a01"
REVERSED, FAILED, PENDING = 40, 30, 68
REVERSED_ID = "9094a7ae-9510-4414-bd37-51cdd64075a3"
FAILED_ID = "8f9bd6a8-5a71-42b6-b884-cc7a6aebc3c7"
PENDING_ID = "89e304bb-7ec5-4550-9f41-67a880dd69a9"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A writable copy of `seeds/tiny`."""
    return copy_of_tiny(tmp_path / "tiny")


@pytest.fixture
def cached(tmp_path: Path) -> Settings:
    """Settings with a cache of their own."""
    return msgspec.structs.replace(VIRTUAL, image_cache=True, cache_dir=str(tmp_path / "cache"))


def cache_files(settings: Settings) -> list[Path]:
    """What stands in the cache."""
    assert settings.cache_dir is not None
    return sorted(path for path in Path(settings.cache_dir).rglob("*") if path.is_file())


def setting(position: int, **fields: object) -> Callable[[list[Row]], None]:
    """Give fields of one record other values."""
    return lambda rows: rows[position].update(fields)


def rows(image: Image, statement: sa.Select[Any]) -> list[Any]:
    """What a statement finds in an image."""
    db = connect(image.data)
    found = list(db.execute(statement))
    disconnect(db)
    return found


def entries(image: Image, transaction_id: str) -> list[Any]:
    """The entries of the journal that a transaction of the files became, and of its reversal, customer's side first."""
    mine = sa.select(entry.c.seq).where(entry.c.id == transaction_id).scalar_subquery()
    wanted = sa.or_(journal.c.seq == mine, journal.c.reverses == mine)
    found = sa.select(entry, journal.c.kind, journal.c.at).join(journal, journal.c.seq == entry.c.seq)
    return rows(image, found.where(wanted).order_by(entry.c.seq, entry.c.account.desc()))


def broken(image: Image) -> list[str]:
    """The invariants that do not hold."""
    db = connect(image.data)
    report = check_invariants(db)
    disconnect(db)
    return [f"{check.name}: {check.detail}" for check in report.checks if not check.ok]


# The cache.


def test_an_image_is_compiled_once_and_then_read(cached: Settings, compiled: list[Path]) -> None:
    first, second = open_image(TINY, cached), open_image(TINY, cached)
    assert compiled == [TINY]
    assert (first.data, first.facts) == (second.data, second.facts)


def test_a_cached_image_keeps_all_its_facts(tiny: Path, cached: Settings) -> None:
    edit(tiny, "mfa_settings", setting(0, mfa_enabled=True))
    first, second = open_image(tiny, cached), open_image(tiny, cached)
    assert first.facts.warnings
    assert second.facts == first.facts


def test_without_the_cache_nothing_is_written(cached: Settings, compiled: list[Path]) -> None:
    settings = msgspec.structs.replace(cached, image_cache=False)
    open_image(TINY, settings)
    open_image(TINY, settings)
    assert (len(compiled), cache_files(settings)) == (2, [])


def test_a_copy_under_the_same_name_is_a_hit(tmp_path: Path, cached: Settings, compiled: list[Path]) -> None:
    open_image(copy_of_tiny(tmp_path / "a" / "tiny"), cached)
    open_image(copy_of_tiny(tmp_path / "b" / "tiny"), cached)
    assert len(compiled) == 1


def test_a_changed_file_is_a_miss(tiny: Path, cached: Settings, compiled: list[Path]) -> None:
    before = open_image(tiny, cached)
    edit(tiny, "customers", setting(0, full_name="Fatima"))
    after = open_image(tiny, cached)
    assert len(compiled) == 2
    assert before.facts.digest != after.facts.digest


def test_a_file_more_is_a_miss(tiny: Path, cached: Settings, compiled: list[Path]) -> None:
    open_image(tiny, cached)
    (tiny / "branches.json").write_text("[]")
    open_image(tiny, cached)
    assert len(compiled) == 2


def test_a_changed_file_changed_back_is_a_hit(tiny: Path, cached: Settings, compiled: list[Path]) -> None:
    open_image(tiny, cached)
    (tiny / "branches.json").write_text("[]")
    open_image(tiny, cached)
    (tiny / "branches.json").unlink()
    open_image(tiny, cached)
    assert len(compiled) == 2


@pytest.mark.parametrize("change", [{"default_password": "p"}, {"hold_days": 8}, {"password_cost": "production"}])
def test_a_setting_that_shapes_the_image_is_a_miss(
    cached: Settings, compiled: list[Path], change: dict[str, Any]
) -> None:
    open_image(TINY, cached)
    open_image(TINY, msgspec.structs.replace(cached, **change))
    assert len(compiled) == 2


@pytest.mark.parametrize("change", [{"port": 1}, {"seed": 5}, {"warm_copies": 1}, {"transport_clock": "wall"}])
def test_a_setting_that_does_not_is_a_hit(cached: Settings, compiled: list[Path], change: dict[str, Any]) -> None:
    open_image(TINY, cached)
    open_image(TINY, msgspec.structs.replace(cached, **change))
    assert len(compiled) == 1


def test_changed_code_is_a_miss(cached: Settings, compiled: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    open_image(TINY, cached)
    monkeypatch.setattr(compiling, "_code_marks", lambda *_: ["another"])
    open_image(TINY, cached)
    assert len(compiled) == 2


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the code that shapes images, which can be changed, in the place of the real one."""
    package = tmp_path / "package"
    for room in ("core", "store", "bank", "sandboxes"):
        shutil.copytree(compiling._PACKAGE / room, package / room, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(compiling, "_PACKAGE", package)
    return package


def test_code_with_other_times_is_a_hit(cached: Settings, compiled: list[Path], code: Path) -> None:
    open_image(TINY, cached)
    for path in code.rglob("*.py"):  # as the layers of a container do
        os.utime(path, (1_000_000_000, 1_000_000_000))
    open_image(TINY, cached)
    assert len(compiled) == 1


def test_code_of_the_same_size_and_time_that_says_otherwise_is_a_miss(
    cached: Settings, compiled: list[Path], code: Path
) -> None:
    open_image(TINY, cached)
    path = code / "bank" / "bulk.py"
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"a", b"b", 1))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    open_image(TINY, cached)
    assert len(compiled) == 2


def test_an_image_tells_where_it_is_kept_and_whether_it_was(cached: Settings) -> None:
    first, second = open_image(TINY, cached), open_image(TINY, cached)
    (file,) = cache_files(cached)
    assert first.kept == Kept(file, found=False)
    assert second.kept == Kept(file, found=True)
    assert open_image(TINY, msgspec.structs.replace(cached, image_cache=False)).kept is None


def test_a_user_without_a_home_has_the_cache_that_was_set(
    cached: Settings, compiled: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", none)
    open_image(TINY, cached)
    open_image(TINY, cached)
    assert len(compiled) == 1


def damaged(raw: bytes) -> dict[str, bytes]:
    """What may have become of a file."""
    middle = len(raw) // 2
    return {
        "empty": b"",
        "only its first bytes": raw[:10],
        "only its head": raw[:24],
        "cut in half": raw[:middle],
        "its last byte missing": raw[:-1],
        "a byte too many": raw + b"\0",
        "a changed byte of data": raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :],
        "a changed byte of facts": raw[:30] + bytes([raw[30] ^ 1]) + raw[31:],
        "another size of facts": raw[:19] + bytes([raw[19] ^ 1]) + raw[20:],
        "another magic": b"X" + raw[1:],
        "something else": b"not an image at all, but long enough to have a head",
    }


@pytest.mark.parametrize("damage", damaged(bytes(100)))
def test_a_damaged_file_is_ignored_and_replaced(
    cached: Settings, compiled: list[Path], damage: str, tmp_path: Path
) -> None:
    good = open_image(TINY, cached)
    (file,) = cache_files(cached)
    whole = file.read_bytes()
    file.write_bytes(damaged(whole)[damage])
    again = open_image(TINY, cached)
    assert len(compiled) == 2
    assert again.data == good.data
    assert open_image(TINY, cached).facts == good.facts


def test_a_folder_in_the_place_of_the_file_does_no_harm(cached: Settings, compiled: list[Path]) -> None:
    open_image(TINY, cached)
    (file,) = cache_files(cached)
    file.unlink()
    file.mkdir()
    assert open_image(TINY, cached).facts.ecosystem == "tiny"


def test_a_cache_that_cannot_be_made_only_costs_time(tmp_path: Path, compiled: list[Path]) -> None:
    (tmp_path / "file").write_text("in the way")
    settings = msgspec.structs.replace(VIRTUAL, image_cache=True, cache_dir=str(tmp_path / "file" / "cache"))
    for _ in range(2):
        image = open_image(TINY, settings)
        assert (image.facts.ecosystem, image.kept) == ("tiny", None)
    assert len(compiled) == 2


def test_a_full_disk_leaves_nothing_that_looks_like_an_image(
    cached: Settings, compiled: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> int:
        path.open("wb").close()
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        open_image(TINY, cached)
    assert not [path for path in cache_files(cached) if path.suffix == ".image"]
    open_image(TINY, cached)
    open_image(TINY, cached)
    assert len(compiled) == 2


def test_a_written_cache_leaves_no_half_files(cached: Settings) -> None:
    open_image(TINY, cached)
    assert [path.suffix for path in cache_files(cached)] == [".image"]


def test_an_image_appears_in_the_cache_all_at_once(cached: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    original = Path.replace

    def replace(path: Path, target: Path) -> Path:
        seen.append([file.suffix for file in cache_files(cached)])
        return original(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    open_image(TINY, cached)
    assert seen == [[".half"]]


def opened_elsewhere(cache_dir: str) -> str:
    """Open tiny in another process; the digest of what came of it."""
    return open_image(TINY, Settings(transport_clock="virtual", cache_dir=cache_dir)).facts.digest


def test_two_processes_may_write_the_cache_at_once(cached: Settings, compiled: list[Path]) -> None:
    assert cached.cache_dir is not None
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        first, second = pool.map(opened_elsewhere, [cached.cache_dir] * 2, chunksize=1)
        pool.close()
        pool.join()
    assert first == second == open_image(TINY, cached).facts.digest
    assert compiled == []
    assert [path.suffix for path in cache_files(cached)] == [".image"]


def test_threads_may_write_the_cache_at_once(cached: Settings) -> None:
    async def together() -> set[bytes]:
        images = await asyncio.gather(*(asyncio.to_thread(open_image, TINY, cached) for _ in range(4)))
        return {image.data for image in images}

    assert len(asyncio.run(together())) == 1
    assert open_image(TINY, cached).facts.ecosystem == "tiny"


def test_a_bad_ecosystem_is_not_cached(tiny: Path, cached: Settings) -> None:
    edit(tiny, "accounts", setting(0, currency="USD"))
    for _ in range(2):
        with pytest.raises(EcosystemError):
            open_image(tiny, cached)
    assert cache_files(cached) == []


# What becomes of an ecosystem.


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """Tiny, compiled."""
    made = compile_image(TINY, VIRTUAL)
    yield made
    made.close()


def test_an_image_knows_its_ecosystem(image: Image) -> None:
    facts = image.facts
    assert (facts.ecosystem, facts.title) == ("tiny", "One Kuwaiti family and their tenant")
    assert (facts.seed, facts.write_number, facts.clock_base) == (2026, 0, parse_instant("2026-01-15T09:00:00Z"))
    assert [login.username for login in facts.logins] == ["fatima", "arjun", "yousef", "mariam", "auditor", "admin"]


def test_an_image_is_sound(image: Image) -> None:
    assert broken(image) == []


def test_an_ecosystem_without_a_title_bears_its_name(tiny: Path) -> None:
    (tiny / "ecosystem.json").unlink()
    facts = compile_image(tiny, VIRTUAL).facts
    assert (facts.ecosystem, facts.title, facts.seed) == ("tiny", "tiny", 0)


def balances(image: Image) -> dict[str, int]:
    """The booked balance of every customer's account, by account number."""
    found = sa.select(account).where(account.c.code.is_(None))
    return {row.account_number: row.credits_posted - row.debits_posted for row in rows(image, found)}


def test_accounts_hold_what_the_files_say(image: Image) -> None:
    assert balances(image) == {
        "100000001": 2_547_440,
        "100000002": 6_000_000,
        "100000003": 90_950,
        "100417001": 691_555,
        "100862001": 170_880,
        "100093001": 6_843_500,
        "100093003": 15_000_000,
        "100093002": 1_243_750,
    }


def openings(image: Image) -> dict[str, tuple[int, int]]:
    """The opening amount and instant of each customer's account, by account number."""
    found = (
        sa.select(account.c.account_number, entry.c.amount, journal.c.at)
        .join(entry, entry.c.account == account.c.key)
        .join(journal, journal.c.seq == entry.c.seq)
        .where(journal.c.kind == JournalKind.OPENING, account.c.code.is_(None))
    )
    return {row.account_number: (row.amount, row.at) for row in rows(image, found)}


def test_an_account_opens_with_its_balance_minus_its_movements(tiny: Path) -> None:
    edit(tiny, "accounts", setting(0, balance="9999.000"))
    before, after = openings(compile_image(TINY, VIRTUAL)), openings(compile_image(tiny, VIRTUAL))
    assert after["100000001"][0] - before["100000001"][0] == 9_999_000 - 2_547_440


def test_an_opening_lies_before_the_first_movement(image: Image) -> None:
    first = (
        sa.select(account.c.account_number, sa.func.min(journal.c.at).label("first"))
        .join(entry, entry.c.account == account.c.key)
        .join(journal, journal.c.seq == entry.c.seq)
        .where(journal.c.kind != JournalKind.OPENING, account.c.code.is_(None))
        .group_by(account.c.account_number)
    )
    opened = openings(image)
    found = [row for row in rows(image, first) if row.account_number in opened]
    assert len(found) == 7  # the fixed deposit opened with nothing on it
    assert all(opened[row.account_number][1] < row.first for row in found)


def test_an_account_opened_after_its_first_movement_opens_a_millisecond_before_it(tiny: Path) -> None:
    edit(tiny, "accounts", setting(0, opened_at="2026-01-15T08:00:00Z"))
    at = openings(compile_image(tiny, VIRTUAL))["100000001"][1]
    assert at == parse_instant("2025-11-01T07:42:18Z") - MILLISECOND


def test_an_account_without_money_and_movements_has_no_opening(tiny: Path) -> None:
    new = {"account_id": "empty", "account_number": "1", "iban": "KW1", "balance": "0.000"}
    edit(tiny, "accounts", lambda accounts: accounts.append(accounts[0] | new))
    image = compile_image(tiny, VIRTUAL)
    assert "1" not in openings(image)
    assert balances(image)["1"] == 0
    assert broken(image) == []


def test_an_overdrawn_account_opens_below_zero(tiny: Path) -> None:
    new = {"account_id": "o", "account_number": "1", "iban": "KW1", "balance": "-5.000", "overdraft_limit": "5.000"}
    edit(tiny, "accounts", lambda accounts: accounts.append(accounts[0] | new))
    image = compile_image(tiny, VIRTUAL)
    assert openings(image)["1"][0] == balances(image)["1"] == -5_000
    assert broken(image) == []


def test_a_movement_stands_on_the_banks_side_too(image: Image) -> None:
    mine, banks = entries(image, "15bad226-b9c3-4259-979b-f1c254c83afe")
    assert (mine.amount, banks.amount) == (-34_865, 34_865)
    assert (mine.status.value, mine.kind) == ("completed", JournalKind.MOVEMENT)
    assert banks.id is None


def test_a_reversed_row_is_an_entry_and_its_exact_reversal(image: Image) -> None:
    mine, banks, back, banks_back = entries(image, REVERSED_ID)
    assert [found.amount for found in (mine, banks, back, banks_back)] == [-24_750, 24_750, 24_750, -24_750]
    assert (mine.at, back.at) == (parse_instant("2025-12-12T18:38:02Z"), parse_instant("2025-12-14T07:05:40Z"))
    assert (mine.kind, back.kind) == (JournalKind.MOVEMENT, JournalKind.REVERSAL)
    assert (mine.status.value, back.status.value) == ("reversed", "completed")
    assert mine.reversed_at == back.at
    assert back.id not in {None, mine.id}


def test_a_reversed_row_without_a_time_is_taken_back_a_millisecond_later(tiny: Path) -> None:
    edit(tiny, "transactions", setting(REVERSED, reversed_at=None))
    image = compile_image(tiny, VIRTUAL)
    mine, _, back, _ = entries(image, REVERSED_ID)
    assert back.at == mine.reversed_at == mine.at + MILLISECOND
    assert broken(image) == []


def test_a_reversed_row_booked_at_as_of_is_sound(tiny: Path) -> None:
    edit(tiny, "transactions", setting(REVERSED, reversed_at=None, booked_at="2026-01-15T09:00:00Z"))
    assert broken(compile_image(tiny, VIRTUAL)) == []


def test_a_reversed_row_leaves_the_opening_as_it_is(tiny: Path) -> None:
    before = openings(compile_image(TINY, VIRTUAL))
    edit(tiny, "transactions", lambda movements: movements.__delitem__(REVERSED))
    assert openings(compile_image(tiny, VIRTUAL)) == before


def test_a_pending_row_is_a_hold(image: Image) -> None:
    (mine,) = entries(image, PENDING_ID)
    assert (mine.status.value, mine.kind, mine.balance) == ("pending", JournalKind.HOLD, None)
    (held,) = rows(image, sa.select(hold).where(hold.c.seq == mine.seq))
    assert (held.amount, held.status, held.placed_at) == (-19_500, "active", mine.at)
    assert held.expires_at == image.facts.clock_base + VIRTUAL.hold_days * DAY


def test_a_hold_is_pending_and_not_posted(image: Image) -> None:
    (row,) = rows(image, sa.select(account).where(account.c.id == SALARY_ACCOUNT))
    assert row.debits_pending == 19_500 + 2_350
    assert row.credits_posted - row.debits_posted == 2_547_440


def test_a_failed_row_counts_nowhere(tiny: Path, image: Image) -> None:
    (mine,) = entries(image, FAILED_ID)
    assert (mine.amount, mine.status.value, mine.balance) == (-100_000, "failed", None)
    edit(tiny, "transactions", setting(FAILED, amount="999999.000"))
    other = compile_image(tiny, VIRTUAL)
    assert (balances(other), openings(other)) == (balances(image), openings(image))
    assert broken(other) == []


def test_movements_of_one_instant_keep_the_order_of_the_file(tiny: Path) -> None:
    def add(movements: list[Row]) -> None:
        at = "2026-01-14T10:00:00Z"
        movements.extend(movements[1] | {"transaction_id": name, "booked_at": at} for name in ("z", "y", "x"))

    edit(tiny, "transactions", add)
    edit(tiny, "accounts", setting(0, balance="9999.000"))
    found = rows(
        compile_image(tiny, VIRTUAL), sa.select(entry.c.id).where(entry.c.id.in_(["x", "y", "z"])).order_by(entry.c.seq)
    )
    assert [row.id for row in found] == ["z", "y", "x"]


def stored(image: Image, username: str) -> Any:
    """A user's credential."""
    found = sa.select(credential).join(auth_user, auth_user.c.key == credential.c.user)
    return rows(image, found.where(auth_user.c.username == username))[0]


def test_plain_passwords_and_pins_are_hashed(image: Image) -> None:
    row = stored(image, "fatima")
    assert verify_password("Fatima-2026!", row.password_hash)
    assert verify_password("4719", row.pin_hash)


def test_no_plain_password_stands_in_an_image(image: Image) -> None:
    assert b"Fatima-2026!" not in image.data
    assert b"4719" not in b"".join(row.pin_hash.encode() for row in rows(image, sa.select(credential)) if row.pin_hash)


def test_a_hash_of_the_files_is_kept(tiny: Path) -> None:
    kept = "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"
    edit(tiny, "credentials", setting(0, password=None, password_hash=kept))
    without_logins(tiny)
    assert stored(compile_image(tiny, VIRTUAL), "fatima").password_hash == kept


@pytest.mark.parametrize("unreadable", ["simulated_hash_1", None])
def test_the_default_password_serves_who_could_not_sign_in(tiny: Path, unreadable: str | None) -> None:
    edit(tiny, "credentials", setting(0, password=None, password_hash=unreadable))
    image = compile_image(tiny, msgspec.structs.replace(VIRTUAL, default_password="Default-1"))
    assert verify_password("Default-1", stored(image, "fatima").password_hash)
    assert not verify_password("Default-1", stored(image, "arjun").password_hash)


@pytest.mark.parametrize("unreadable", ["simulated_hash_1", None])
def test_without_it_nothing_matches(tiny: Path, unreadable: str | None) -> None:
    edit(tiny, "credentials", setting(0, password=None, password_hash=unreadable))
    image = compile_image(tiny, VIRTUAL)
    assert not verify_password("", stored(image, "fatima").password_hash)
    assert len(image.facts.warnings) == 1


def test_a_bad_ecosystem_is_refused_with_every_fault(tiny: Path) -> None:
    edit(tiny, "accounts", setting(0, currency="USD"))
    edit(tiny, "accounts", setting(1, currency="EUR"))
    with pytest.raises(EcosystemError) as caught:
        compile_image(tiny, VIRTUAL)
    assert len(caught.value.failures) == 2


def test_an_ecosystem_of_customers_alone_is_enough(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "customers.json").write_text('[{"customer_id": "c1", "full_name": "One"}]')
    (folder / "ecosystem.json").write_text('{"name": "small", "as_of": "2026-01-15T09:00:00Z"}')
    assert broken(compile_image(folder, VIRTUAL)) == []


def test_15_000_transactions_fit_in_six_megabytes(tmp_path: Path) -> None:
    data_rows = pytest.importorskip("benchmarks.data_rows")
    for name, collection in data_rows.build(15_000).items():
        (tmp_path / f"{name}.json").write_bytes(msgspec.json.encode(collection))
    image = compile_image(tmp_path, VIRTUAL)
    assert rows(image, sa.select(sa.func.count()).select_from(journal))[0][0] >= 15_000
    assert len(image.data) <= 6 * 1024 * 1024
