"""What the bank writes to people and people to the bank: `data/texts.json`, in English and Arabic, read once."""

import functools
from datetime import date
from typing import Any

from sandbox.core.money import FILS_PER_DINAR
from sandbox.synth.tables import read

__all__ = ["LANGUAGES", "amount", "month_name", "phrases"]

LANGUAGES = ("en", "ar")


@functools.cache
def phrases() -> dict[str, Any]:
    """All texts, by what they are for."""
    content: dict[str, Any] = read("texts")
    return content


def amount(fils: int) -> str:
    """An unsigned amount as a letter says it: `1,620.500`."""
    dinars, rest = divmod(fils, FILS_PER_DINAR)
    return f"{dinars:,}.{rest:03d}"


def month_name(day: date, language: str) -> str:
    """The month of a day with its year, in `en` or `ar`."""
    return f"{phrases()['months'][language][day.month - 1]} {day.year}"
