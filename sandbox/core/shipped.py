"""What comes with the package beside its code: ecosystems, scenarios and the OpenAPI document, each in its folder.

Inside a wheel they lie in `sandbox/_bundled`, in a checkout at its root. Not for reading them: the rooms above do that.
"""

from pathlib import Path
from typing import Literal, TypeAlias

__all__ = ["openapi_file", "shipped_folder"]

Shipped: TypeAlias = Literal["seeds", "scenarios", "openapi"]

_PACKAGE = Path(__file__).resolve().parent.parent
_BUNDLED = _PACKAGE / "_bundled"


def shipped_folder(name: Shipped) -> Path | None:
    """The folder of that name which came with the package; None where it was taken out."""
    # Beside an installed package lie others, whose folders of the same name are none of ours.
    home = _BUNDLED if _BUNDLED.is_dir() else _PACKAGE.parent
    folder = home / name
    return folder if folder.is_dir() else None


def openapi_file() -> Path | None:
    """The OpenAPI document of this version, as YAML; None where it was taken out."""
    folder = shipped_folder("openapi")
    return None if folder is None else folder / "openapi.yaml"
