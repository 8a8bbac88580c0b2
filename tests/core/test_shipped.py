"""What comes with the package is found, in a checkout and in a wheel, and folders beside it are not ours."""

from pathlib import Path

import pytest

from sandbox.core import shipped
from sandbox.core.shipped import openapi_file, shipped_folder
from sandbox.store.ecosystem import shipped as ecosystems

REPOSITORY = Path(__file__).resolve().parents[2]


def test_in_a_checkout_it_lies_at_the_root() -> None:
    assert [shipped_folder(name) for name in ("seeds", "scenarios", "openapi")] == [
        REPOSITORY / "seeds",
        REPOSITORY / "scenarios",
        REPOSITORY / "openapi",
    ]
    assert openapi_file() == REPOSITORY / "openapi" / "openapi.yaml"


def test_in_a_wheel_it_lies_inside_and_folders_beside_the_package_are_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "sandbox"
    (package / "_bundled" / "seeds" / "mine").mkdir(parents=True)
    (package.parent / "seeds" / "theirs").mkdir(parents=True)
    (package.parent / "scenarios").mkdir()
    monkeypatch.setattr(shipped, "_PACKAGE", package)
    monkeypatch.setattr(shipped, "_BUNDLED", package / "_bundled")
    assert ecosystems() == {"mine": package / "_bundled" / "seeds" / "mine"}
    assert shipped_folder("scenarios") is None
    assert openapi_file() is None
