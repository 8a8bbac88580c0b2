"""Whether a folder still is what the generator made: its manifest has a recipe, and no other file was edited since."""

import hashlib
from pathlib import Path

from sandbox.core.clock import format_instant
from sandbox.store.reading import MANIFEST, Manifest, stated_manifest
from sandbox.store.recipe import StatedRecipe

__all__ = ["files_mark", "manifest_as_made"]

_FILES = (".json", ".jsonl")


def manifest_as_made(folder: Path) -> Manifest | None:
    """The manifest of a folder that still is what its recipe made; None for every other folder.

    Name, title and logins of the manifest may have been edited: no other file follows from them. (A build that would
    overwrite them looks at those too.)
    """
    manifest = stated_manifest(folder)
    if manifest is None or manifest.lived or manifest.recipe is None:
        return None
    mark = files_mark(folder, manifest.recipe, seed=manifest.seed, as_of=manifest.as_of)
    return manifest if mark == manifest.recipe.files else None


def files_mark(folder: Path, recipe: StatedRecipe, *, seed: int, as_of: int) -> str:
    """SHA-256 over the recipe, and the names and bytes of every file but the manifest.

    Files are read piece by piece: they may be larger than the memory.
    """
    parts = (recipe.version, recipe.customers, recipe.months, seed, format_instant(as_of))
    whole = hashlib.sha256(f"{' '.join(map(str, parts))}\n".encode())
    for path in sorted(folder.iterdir()):
        if path.suffix in _FILES and path.name != MANIFEST and path.is_file():
            with path.open("rb") as file:
                whole.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()
