"""Fixtures of the tests of sandboxes."""

from pathlib import Path

import pytest

from sandbox.core.settings import Settings
from sandbox.sandboxes import compiling
from sandbox.sandboxes.image import Image


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that were compiled, in order."""
    folders: list[Path] = []
    original = compiling.compile_image

    def counted(folder: Path, settings: Settings, *, weeks: int = 0) -> Image:
        folders.append(folder)
        return original(folder, settings, weeks=weeks)

    monkeypatch.setattr(compiling, "compile_image", counted)
    return folders
