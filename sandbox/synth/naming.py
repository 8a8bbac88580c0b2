"""What customers are called, in Latin and Arabic letters, after the manner of the country they come from."""

import functools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sandbox.synth.cast import CAST
from sandbox.synth.draws import Int, Stream, Weights
from sandbox.synth.model import NONE, People
from sandbox.synth.tables import names, nationalities

__all__ = ["Name", "Pool", "Word", "believers", "countries", "muslim", "name_people", "pool", "spelt"]

_OTHER = "other"


class Word(NamedTuple):
    """A name in both alphabets."""

    latin: str
    arabic: str


class Name(NamedTuple):
    """Somebody's names; the pattern says which of them are used, and in which order."""

    pattern: str
    given: Word
    father: Word
    grandfather: Word
    family: Word


class Pool(NamedTuple):
    """The names of a culture."""

    pattern: str
    men: tuple[Word, ...]
    women: tuple[Word, ...]
    families: tuple[Word, ...]
    muslim: bool
    """Whether those who are called so keep the fasts and feasts of Islam, as nearly all of them do."""


@functools.cache
def pool(culture: str) -> Pool:
    """The names of one of the cultures of `names.json`."""
    entry: dict[str, Any] = names()["pools"][culture]

    def words(which: str) -> tuple[Word, ...]:
        listed = entry[which]
        # Some cultures share the given names of another one, which they name.
        return getattr(pool(listed), which) if isinstance(listed, str) else tuple(Word(*pair) for pair in listed)

    return Pool(entry["pattern"], words("men"), words("women"), words("families"), entry["muslim"])


def countries(seed: int, index: Int, nationality: Int) -> list[str]:
    """The country that each customer is a citizen of (ISO 3166-1 alpha-2)."""
    others = names()["others"]
    chosen = Stream(seed, "people:country").choice(Weights([weight for _, weight in others]), index).tolist()
    codes = nationalities()
    return [
        others[other][0] if codes[place] == _OTHER else codes[place]
        for place, other in zip(nationality.tolist(), chosen, strict=True)
    ]


def name_people(people: People, seed: int) -> list[Name]:
    """The names of all customers; the cast's as pinned."""
    stream = Stream(seed, "people:names")
    drawn = [stream.bits(people.index, part).tolist() for part in range(1, 5)]
    found = []
    for culture, woman, member, (given, *after) in zip(
        _cultures(seed, people.index, people.nationality, cast=people.cast),
        people.woman.tolist(),
        people.cast.tolist(),
        zip(*drawn, strict=True),
        strict=True,
    ):
        if member != NONE:
            found.append(_of_the_cast(member))
        else:
            found.append(_named(pool(culture), woman=woman, given=given, after=after))
    return found


def muslim(people: People, *, seed: int) -> NDArray[np.bool_]:
    """Who is a Muslim, as their names say: what some save for, and give, follows from it."""
    return believers(seed, people.index, people.nationality, cast=people.cast)


def believers(seed: int, index: Int, nationality: Int, *, cast: Int) -> NDArray[np.bool_]:
    """Who is a Muslim, of customers who are still being made."""
    found = _cultures(seed, index, nationality, cast=cast)
    return np.array([pool(culture).muslim for culture in found], dtype=np.bool_)


def _cultures(seed: int, index: Int, nationality: Int, *, cast: Int) -> list[str]:
    """After the manner of which culture each customer is called."""
    drawn = Stream(seed, "people:names").bits(index, 0).tolist()
    citizens_of = countries(seed, index, nationality)
    return [
        _culture(country, bits) if member == NONE else _culture_of_the_cast(member)
        for country, bits, member in zip(citizens_of, drawn, cast.tolist(), strict=True)
    ]


def spelt(words: tuple[Word, ...], latin: str) -> Word:
    """The name of that Latin spelling.

    Raises:
        LookupError: there is none.
    """
    for word in words:
        if word.latin == latin:
            return word
    raise LookupError(latin)


def _named(its: Pool, *, woman: bool, given: int, after: list[int]) -> Name:
    """A name by the bits for its parts: father, grandfather and family after the given one."""
    own = its.women if woman else its.men
    first = own[given % len(own)]
    father, grandfather = (bits % len(its.men) for bits in after[:2])
    # Nobody is called as the father, and no father as the grandfather.
    if its.men[father] == first:
        father = (father + 1) % len(its.men)
    if grandfather == father:
        grandfather = (grandfather + 1) % len(its.men)
    family = after[2] % len(its.families)
    # Nor is anybody of a family whose name the own one ends with: no Thomas Thomas.
    if set(its.families[family].latin.split()) & set(first.latin.split()):
        family = (family + 1) % len(its.families)
    return Name(its.pattern, first, its.men[father], its.men[grandfather], its.families[family])


def _culture(country: str, bits: int) -> str:
    cultures = names()["cultures"][country]
    rest = bits % sum(weight for _, weight in cultures)
    for culture, weight in cultures:
        if rest < weight:
            return str(culture)
        rest -= weight
    raise AssertionError(country)


@functools.cache
def _of_the_cast(place: int) -> Name:
    member, its = CAST[place], pool(_culture_of_the_cast(place))
    given = spelt(its.women if member.woman else its.men, member.given)
    father = spelt(its.men, member.father)
    grandfather = spelt(its.men, member.grandfather) if member.grandfather else father
    return Name(its.pattern, given, father, grandfather, spelt(its.families, member.family))


@functools.cache
def _culture_of_the_cast(place: int) -> str:
    """The culture of the member's country that has the family."""
    member = CAST[place]
    for culture, _ in names()["cultures"][member.nationality]:
        if member.family in {family.latin for family in pool(culture).families}:
            return str(culture)
    raise LookupError(member.family)
