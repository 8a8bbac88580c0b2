"""What a manifest says of the generator that made its folder.

Only what was made by today's generator and never edited (`made`) can be made anew for another day; everything else is
data like anybody else's. The generator itself is `synth`; nothing here needs it.
"""

from typing import Any

import msgspec

__all__ = ["GENERATOR", "StatedRecipe", "recipe_of"]

GENERATOR = 1
"""Version of the generator: the same recipe under another version gives another bank."""


class StatedRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `recipe` of a manifest; `seed` and `as_of`, which belong to it, are the manifest's own."""

    version: int
    customers: int
    months: int
    files: str
    """`made.files_mark` of the folder as it was made, which covers the fields above, the seed and the instant too."""


def recipe_of(value: Any) -> StatedRecipe:
    """The recipe that a manifest states.

    Raises:
        ValueError: it is none; the message says what is wrong.
    """
    try:
        return msgspec.convert(value, StatedRecipe)
    except msgspec.ValidationError as error:
        raise ValueError(f"must be an object with version, customers, months and files: {error}") from None
