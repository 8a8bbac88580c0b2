"""Whether a folder still is what the generator made."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import copy_of_tiny, edit

from sandbox.core.clock import parse_instant
from sandbox.store.ecosystem import load
from sandbox.store.made import files_mark, manifest_as_made
from sandbox.store.reading import EcosystemError
from sandbox.store.recipe import StatedRecipe

AS_OF, SEED = parse_instant("2026-01-15T09:00:00Z"), 2026
RECIPE = {"version": 1, "customers": 60, "months": 12}
STATED = StatedRecipe(version=1, customers=60, months=12, files="")


def state(folder: Path, **fields: object) -> None:
    path = folder / "ecosystem.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields), encoding="utf-8")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder whose manifest has a recipe, and whose files are those of the recipe."""
    folder = copy_of_tiny(tmp_path / "made")
    state(folder, recipe=RECIPE | {"files": files_mark(folder, STATED, seed=SEED, as_of=AS_OF)})
    return folder


def test_a_folder_as_it_was_made_is_known(made: Path) -> None:
    manifest = manifest_as_made(made)
    assert manifest is not None
    assert manifest.recipe is not None
    assert (manifest.recipe.customers, manifest.recipe.months) == (60, 12)
    assert load(made).raw.manifest == manifest


def test_what_people_read_of_a_manifest_may_be_edited(made: Path) -> None:
    state(made, name="mine", title="Mine", logins=[])
    assert manifest_as_made(made) is not None


def state_recipe(folder: Path, **fields: int) -> None:
    stated = json.loads((folder / "ecosystem.json").read_text())["recipe"]
    state(folder, recipe=stated | fields)


EDITS: dict[str, Callable[[Path], object]] = {
    "a record": lambda folder: edit(folder, "accounts", lambda rows: rows[0].update(nickname="Mine")),
    "another file": lambda folder: (folder / "branches.json").write_text("[]"),
    "a file less": lambda folder: (folder / "audit_logs.json").unlink(),
    "another seed": lambda folder: state(folder, seed=7),
    "another time": lambda folder: state(folder, as_of="2026-01-16T09:00:00Z"),
    "more customers": lambda folder: state_recipe(folder, customers=61),
    "fewer months": lambda folder: state_recipe(folder, months=11),
    "another generator": lambda folder: state_recipe(folder, version=2),
    "a bank that ran": lambda folder: state(folder, writes=3),
    "no manifest": lambda folder: (folder / "ecosystem.json").unlink(),
    "a broken manifest": lambda folder: (folder / "ecosystem.json").write_text("{"),
}


@pytest.mark.parametrize("change", EDITS)
def test_an_edited_folder_is_not_what_was_made(made: Path, change: str) -> None:
    EDITS[change](made)
    assert manifest_as_made(made) is None


def test_a_folder_without_a_recipe_was_not_made(tmp_path: Path) -> None:
    assert manifest_as_made(copy_of_tiny(tmp_path / "tiny")) is None


@pytest.mark.parametrize(
    "recipe", [None, {}, RECIPE, RECIPE | {"files": 1}, RECIPE | {"files": "x", "more": 1}, [RECIPE]]
)
def test_a_recipe_that_is_none_is_a_fault(tmp_path: Path, recipe: Any) -> None:
    folder = copy_of_tiny(tmp_path / "tiny")
    state(folder, recipe=recipe)
    with pytest.raises(EcosystemError) as refused:
        load(folder)
    (failure,) = refused.value.failures
    assert (failure.file, failure.field) == ("ecosystem.json", "recipe")
    assert "version, customers, months and files" in failure.message
