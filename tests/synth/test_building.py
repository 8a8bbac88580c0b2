"""Building an ecosystem: the same bytes from the same recipe, whole or not at all."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from processes import environment
from support import VIRTUAL

from sandbox.core.clock import parse_instant
from sandbox.sandboxes.compiling import compile_image
from sandbox.store.ecosystem import load
from sandbox.store.made import manifest_as_made
from sandbox.synth import building
from sandbox.synth.building import BuildError, build, spans
from sandbox.synth.chunk import Chunk
from sandbox.synth.model import Recipe, Span
from sandbox.synth.writing import Form

KUWAIT = Path(__file__).resolve().parents[2] / "seeds" / "kuwait"
SMALL = Recipe(customers=13, months=1, seed=7, as_of=parse_instant("2025-05-14T09:00:00Z"))


def made(recipe: Recipe, folder: Path, *, form: Form = "json", jobs: int = 1) -> dict[str, bytes]:
    """The files of a recipe, by name."""
    build(recipe, folder, form=form, jobs=jobs, progress=lambda _: None)
    return files(folder)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_shipped_bank_is_what_the_command_makes(tmp_path: Path) -> None:
    flags = ["--customers", "60", "--months", "12", "--seed", "2026", "--as-of", "2026-01-15", "--out", "kuwait"]
    command = [sys.executable, "-m", "sandbox", "ecosystem", "build", "--quiet", *flags]
    subprocess.run(command, cwd=tmp_path, env=environment(tmp_path), check=True, timeout=120)
    again, shipped = files(tmp_path / "kuwait"), files(KUWAIT)
    assert sorted(again) == sorted(shipped)
    assert [name for name in shipped if again[name] != shipped[name]] == []


def test_the_shipped_bank_has_the_size_that_it_should() -> None:
    rows = load(KUWAIT).raw.rows
    assert len(rows["customers"]) == 60
    assert 127 <= len(rows["accounts"]) <= 133
    assert 14_000 <= len(rows["transactions"]) <= 16_000
    assert len(compile_image(KUWAIT, VIRTUAL).data) <= 6_000_000


def test_the_number_of_processes_changes_no_byte(tmp_path: Path) -> None:
    recipe = structs.replace(SMALL, customers=1_013)
    one = made(recipe, tmp_path / "one" / "bank")
    assert made(recipe, tmp_path / "two" / "bank", jobs=2) == one
    customers = json.loads(one["customers.json"])
    assert len({row["civil_id"] for row in customers}) == len({row["phone"] for row in customers}) == 1_013


def test_another_seed_is_another_bank(tmp_path: Path) -> None:
    one, other = (made(structs.replace(SMALL, seed=seed), tmp_path / str(seed)) for seed in (7, 8))
    assert one["customers.json"] != other["customers.json"]


def test_json_lines_hold_the_same_records(tmp_path: Path) -> None:
    arrays, lines = made(SMALL, tmp_path / "json"), made(SMALL, tmp_path / "jsonl", form="jsonl")
    assert {name.removesuffix("l") for name in lines} == set(arrays)
    for name in sorted(set(arrays) - {"ecosystem.json"}):
        found: list[Any] = [json.loads(line) for line in lines[f"{name}l"].splitlines()]
        assert found == json.loads(arrays[name]), name
    rows = [load(tmp_path / form).raw.rows for form in ("json", "jsonl")]
    assert rows[0] == rows[1]


def test_a_file_has_one_record_a_line(tmp_path: Path) -> None:
    first, *records, last = made(SMALL, tmp_path / "bank")["accounts.json"].decode().splitlines()
    assert (first, last) == ("[", "]")
    assert [json.loads(record.removesuffix(","))["account_id"] for record in records]


def test_every_customer_is_in_one_chunk() -> None:
    assert spans(60) == [Span(0, 60)]
    assert spans(1_201) == [Span(0, 500), Span(500, 500), Span(1_000, 201)]


def test_a_build_replaces_what_a_build_made(tmp_path: Path) -> None:
    made(SMALL, tmp_path / "bank")
    other = made(structs.replace(SMALL, seed=8), tmp_path / "bank", form="jsonl")
    assert other == files(tmp_path / "bank")
    assert "customers.json" not in other
    assert [path.name for path in tmp_path.iterdir()] == ["bank"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "bank").mkdir()
    assert "customers.json" in made(SMALL, tmp_path / "bank")
    assert manifest_as_made(tmp_path / "bank") is not None


def test_an_edited_folder_is_not_overwritten(tmp_path: Path) -> None:
    made(SMALL, tmp_path / "bank")
    (tmp_path / "bank" / "accounts.json").write_text("[]")
    with pytest.raises(BuildError, match="is not as a build left it"):
        made(SMALL, tmp_path / "bank")
    assert (tmp_path / "bank" / "accounts.json").read_text() == "[]"


@pytest.mark.parametrize("name", ["notes.txt", "scenarios"])
def test_a_folder_with_something_else_in_it_is_not_overwritten(tmp_path: Path, name: str) -> None:
    made(SMALL, tmp_path / "bank")
    (tmp_path / "bank" / name).mkdir()
    with pytest.raises(BuildError, match=f"holds {name}"):
        made(SMALL, tmp_path / "bank")


def test_a_file_is_no_place_for_a_bank(tmp_path: Path) -> None:
    (tmp_path / "bank").write_text("mine")
    with pytest.raises(BuildError, match="is no folder"):
        made(SMALL, tmp_path / "bank")


MANIFEST_EDITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "title": lambda stated: stated.update(title="Ours"),
    "name": lambda stated: stated.update(name="ours"),
    "logins": lambda stated: stated["logins"].pop(),
    "a note": lambda stated: stated["logins"][0].update(note="try her"),
}


@pytest.mark.parametrize("change", MANIFEST_EDITS)
def test_an_edited_manifest_is_not_overwritten(tmp_path: Path, change: str) -> None:
    made(SMALL, tmp_path / "bank")
    path = tmp_path / "bank" / "ecosystem.json"
    stated = json.loads(path.read_bytes())
    MANIFEST_EDITS[change](stated)
    path.write_text(json.dumps(stated, indent=2) + "\n", encoding="utf-8")
    before = files(tmp_path / "bank")
    with pytest.raises(BuildError, match="is not as a build left it"):
        made(SMALL, tmp_path / "bank")
    assert files(tmp_path / "bank") == before


@pytest.mark.parametrize("name", ["accounts.json", "branches.json", "notes.txt"])
def test_what_was_edited_during_a_build_stays(tmp_path: Path, name: str) -> None:
    made(SMALL, tmp_path / "bank")

    def edit(_: int) -> None:
        (tmp_path / "bank" / name).write_text("mine")

    with pytest.raises(BuildError, match=r"is not as a build left it|holds notes\.txt"):
        build(structs.replace(SMALL, seed=8), tmp_path / "bank", form="json", jobs=1, progress=edit)
    assert (tmp_path / "bank" / name).read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["bank"]


@contextmanager
def failing_renames(monkeypatch: pytest.MonkeyPatch, *numbers: int) -> Iterator[None]:
    """Within the block the renames with those numbers, from 1, fail."""
    original, done = Path.rename, 0

    def rename(path: Path, target: Path) -> Path:
        nonlocal done
        done += 1
        if done in numbers:
            raise OSError(errno.EBUSY, "Device or resource busy")
        return original(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", rename)
        yield


@pytest.mark.parametrize("number", [1, 2])
def test_a_rename_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    before = made(SMALL, tmp_path / "bank")
    with (
        failing_renames(monkeypatch, number),
        pytest.raises(BuildError, match="cannot be replaced, and is as it was: Device or resource busy"),
    ):
        made(structs.replace(SMALL, seed=8), tmp_path / "bank")
    assert files(tmp_path / "bank") == before
    assert [path.name for path in tmp_path.iterdir()] == ["bank"]


def test_what_cannot_be_put_back_is_kept_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = made(SMALL, tmp_path / "bank")
    with failing_renames(monkeypatch, 2, 3), pytest.raises(BuildError, match="what was there is now") as refused:
        made(structs.replace(SMALL, seed=8), tmp_path / "bank")
    (home,) = tmp_path.iterdir()
    assert files(home / "old") == before
    assert str(home / "old") in str(refused.value)


def test_what_other_builds_left_behind_blocks_nothing(tmp_path: Path) -> None:
    leftover = tmp_path / f".bank.{os.getpid()}.half"
    leftover.mkdir()
    assert "customers.json" in made(SMALL, tmp_path / "bank")
    assert sorted(path.name for path in tmp_path.iterdir()) == [leftover.name, "bank"]


def test_the_folder_is_for_whom_the_umask_allows(tmp_path: Path) -> None:
    made(SMALL, tmp_path / "bank")
    (tmp_path / "usual").mkdir()
    assert (tmp_path / "bank").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "out: .*bank cannot be written: No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied"), "out: .*bank cannot be written: Permission denied"),
        (BrokenProcessPool("a process"), "jobs: a process came to an end, .*; use fewer --jobs"),
        (MemoryError(), "jobs: a process came to an end, .*; use fewer --jobs"),
    ],
)
def test_what_the_machine_lacks_is_said_and_nothing_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception, words: str
) -> None:
    def fails(recipe: Recipe, span: Span, form: Form) -> Chunk:
        raise failure

    monkeypatch.setattr(building, "make_chunk", fails)
    with pytest.raises(BuildError, match=words):
        made(SMALL, tmp_path / "new" / "newer" / "bank")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["b" * 65, "my\nbank", "bank\u200f"])
def test_a_folder_has_a_name_that_an_ecosystem_can_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(BuildError, match=r"out: the folder's name is the ecosystem's, and .* is no identifier"):
        made(SMALL, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", ".", "..", "../..", "../inner"])
def test_the_current_directory_is_no_place_for_a_bank(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    with pytest.raises(BuildError, match="is the current directory, or around it; name a folder to make"):
        made(SMALL, Path(name))
    assert Path.cwd() == inner


def test_a_directory_that_was_deleted_is_no_place_for_a_bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(BuildError, match="out: bank cannot be written"):
        made(SMALL, Path("bank"))
    assert "customers.json" in made(SMALL, tmp_path / "bank")


def test_a_link_to_itself_is_no_place_for_a_bank(tmp_path: Path) -> None:
    (tmp_path / "bank").symlink_to(tmp_path / "bank")
    with pytest.raises(BuildError, match="out: "):
        made(SMALL, tmp_path / "bank")


def test_only_a_few_chunks_are_held_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []

    class Quick:
        """Processes that are done at once."""

        def submit(self, make: Callable[..., Path], *given: Any) -> "Future[Path]":
            future = Future[Path]()
            future.set_result(make(*given))
            held.append(len(list(given[-1].iterdir())))
            return future

    @contextmanager
    def quick(workers: int) -> Iterator[Quick]:
        yield Quick()

    monkeypatch.setattr(building, "make_chunk", lambda *_: Chunk(pieces={}, counted={}))
    monkeypatch.setattr(building, "_pool", quick)
    made(structs.replace(SMALL, customers=10_000), tmp_path / "bank", jobs=3)
    assert (len(held), max(held)) == (20, 4)


def test_a_build_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = made(SMALL, tmp_path / "bank")

    def fails(recipe: Recipe, span: Span, form: Form) -> Chunk:
        raise RuntimeError("no memory")

    monkeypatch.setattr(building, "make_chunk", fails)
    with pytest.raises(RuntimeError, match="no memory"):
        made(structs.replace(SMALL, seed=8), tmp_path / "bank")
    assert files(tmp_path / "bank") == before
    assert [path.name for path in tmp_path.iterdir()] == ["bank"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("customers", 12), ("customers", 250_001), ("months", 0), ("months", 61), ("seed", -1), ("seed", 2**63)],
)
def test_a_recipe_has_its_limits(tmp_path: Path, field: str, value: int) -> None:
    with pytest.raises(BuildError, match=f"{field}: {value} is not within "):
        made(structs.replace(SMALL, **{field: value}), tmp_path / "bank")
    assert list(tmp_path.iterdir()) == []
