"""What statements say about wages, rent, money sent home and transfers, in the language of who reads or wrote it."""

import functools
from typing import Any

import numpy as np

from sandbox.synth.draws import Int
from sandbox.synth.model import People, Texts
from sandbox.synth.tables import read

__all__ = ["References"]


class References:
    """Puts references among the texts of a chunk: Arabic ones for customers with whom the bank speaks Arabic."""

    def __init__(self, texts: Texts, people: People) -> None:
        self._texts = texts
        self._arabic = people.arabic

    def plain(self, name: str, who: Int) -> Int:
        """A reference of the table, by its English name, for each of some positions."""
        return np.where(self._arabic[who], self._texts.place(_table()["texts"][name]), self._texts.place(name))

    def of_months(self, name: str, who: Int, number: Int) -> Int:
        """A reference with a month: "Salary October 2025"; months are numbered from the year 0, 12 * year + 1..12."""
        if not len(number):
            return np.empty(0, dtype=np.int64)
        first = int(number.min())
        names = {"en": name, "ar": _table()["texts"][name]}
        column = {
            language: np.array(
                [
                    self._texts.place(f"{names[language]} {months[(month - 1) % 12]} {(month - 1) // 12}")
                    for month in range(first, int(number.max()) + 1)
                ],
                dtype=np.int64,
            )[number - first]
            for language, months in _table()["months"].items()
        }
        return np.where(self._arabic[who], column["ar"], column["en"])

    def sent_to(self, countries: list[str], who: Int) -> Int:
        """What is said of money sent home; `countries` are codes by position.

        Raises:
            KeyError: a country that the table does not name.
        """
        names = {"en": "Remittance to", "ar": _table()["texts"]["Remittance to"]}
        column = {}
        for place, (language, name) in enumerate(names.items()):
            known = {code: f"{name} {words[place]}" for code, words in _table()["countries"].items()}
            remits = sorted(set(who.tolist()))
            listed = np.zeros(len(countries), dtype=np.int64)
            listed[remits] = [self._texts.place(known[countries[position]]) for position in remits]
            column[language] = listed[who]
        return np.where(self._arabic[who], column["ar"], column["en"])


@functools.cache
def _table() -> Any:
    return read("references")
