"""What the bank writes to people and people to the bank: `data/texts.json`, in English and Arabic, read once."""

import functools
import json
from datetime import date
from importlib.resources import files
from typing import Any

from sandbox.core.money import FILS_PER_DINAR

__all__ = ["LANGUAGES", "amount", "month_name", "phrases"]

LANGUAGES = ("en", "ar")


@functools.cache
def phrases() -> dict[str, Any]:
    """All texts, by what they are for."""
    read: dict[str, Any] = json.loads(files("sandbox.synth").joinpath("data/texts.json").read_text(encoding="utf-8"))
    return read


def amount(fils: int) -> str:
    """An unsigned amount as a letter says it: `1,620.500`."""
    dinars, rest = divmod(fils, FILS_PER_DINAR)
    return f"{dinars:,}.{rest:03d}"


def month_name(day: date, language: str) -> str:
    """The month of a day with its year, in `en` or `ar`."""
    return f"{phrases()['months'][language][day.month - 1]} {day.year}"
