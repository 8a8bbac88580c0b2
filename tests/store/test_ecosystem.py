"""Ecosystems at hand: found by name or path, and told apart by their bytes."""

from pathlib import Path

import pytest
from support import TINY, copy_of_tiny

from sandbox.store.ecosystem import EcosystemNotFoundError, find, fingerprint, load, shipped


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A writable copy of `seeds/tiny`."""
    return copy_of_tiny(tmp_path / "tiny")


def test_tiny_is_shipped() -> None:
    assert shipped()["tiny"] == TINY


def test_every_shipped_ecosystem_is_good() -> None:
    for folder in shipped().values():
        assert load(folder).raw.rows["customers"]


def test_a_shipped_ecosystem_is_found_by_name() -> None:
    assert find("tiny") == TINY


def test_a_folder_is_found_by_path(tiny: Path) -> None:
    assert find(str(tiny)) == tiny


def test_a_relative_path_becomes_an_absolute_one(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny.parent)
    assert find("./tiny") == tiny


def test_a_shipped_name_wins_over_a_folder_of_the_same_name(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny.parent)
    assert find("tiny") == TINY


@pytest.mark.parametrize("name", ["nowhere", "", "tiny/accounts.json", "../tiny-not"])
def test_what_is_not_there_is_answered_with_what_is(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if name:
        with pytest.raises(EcosystemNotFoundError, match=r"shipped: .*tiny"):
            find(name)


def test_the_fingerprint_of_a_copy_is_the_same(tiny: Path) -> None:
    assert fingerprint(tiny) == fingerprint(TINY)


def test_a_changed_byte_changes_the_fingerprint(tiny: Path) -> None:
    path = tiny / "customers.json"
    path.write_bytes(path.read_bytes() + b"\n")
    assert fingerprint(tiny) != fingerprint(TINY)


def test_a_renamed_file_changes_the_fingerprint(tiny: Path) -> None:
    (tiny / "notifications.json").rename(tiny / "notes.json")
    assert fingerprint(tiny) != fingerprint(TINY)


def test_bytes_moved_between_files_change_the_fingerprint(tmp_path: Path) -> None:
    for name, first, second in (("a", b"12", b"3"), ("b", b"1", b"23")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "x.json").write_bytes(first)
        (folder / "y.json").write_bytes(second)
    assert fingerprint(tmp_path / "a") != fingerprint(tmp_path / "b")


def test_files_that_are_not_read_leave_the_fingerprint(tiny: Path) -> None:
    (tiny / "README.md").write_text("# Tiny")
    (tiny / "folder.json").mkdir()
    assert fingerprint(tiny) == fingerprint(TINY)


def test_lines_of_json_enter_the_fingerprint(tiny: Path) -> None:
    (tiny / "lines.jsonl").write_text("1\n")
    assert fingerprint(tiny) != fingerprint(TINY)
