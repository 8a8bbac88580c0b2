"""The hand-made tables of `data`, and those about people in types of their own: names, work, homes."""

import functools
import json
from importlib.resources import files
from typing import Any, NamedTuple

__all__ = [
    "Employer", "Occupation", "blocks", "employers", "homes", "names", "nationalities", "occupation_place",
    "occupations", "read", "targets", "work",
]  # fmt: skip


class Occupation(NamedTuple):
    """Something that people do."""

    name: str
    name_ar: tuple[str, str]
    """For a man, for a woman."""
    hours: str
    """One of `model.HOURS`."""
    education: tuple[str, ...]
    """What those who do it may have learnt."""
    at: tuple[str, ...]
    """Kinds of employers."""


class Employer(NamedTuple):
    """An invented employer."""

    name: str
    name_ar: str
    kind: str
    sector: str


@functools.cache
def names() -> dict[str, Any]:
    """Names by culture, and the cultures of countries."""
    return read("names")


@functools.cache
def work() -> dict[str, Any]:
    """Occupations, employers, and who does what."""
    return read("work")


@functools.cache
def homes() -> dict[str, Any]:
    """Where people live."""
    return read("homes")


@functools.cache
def blocks() -> dict[str, int]:
    """How many numbered blocks each area has at most, by its English name."""
    listed: dict[str, int] = read("places")["blocks"]
    return listed


@functools.cache
def targets() -> dict[str, Any]:
    """What a generated bank is calibrated against."""
    return read("targets")


@functools.cache
def nationalities() -> tuple[str, ...]:
    """The codes of `People.nationality`; the last one, `other`, stands for the countries that names has as `others`."""
    return tuple(targets()["population"]["counts"])


@functools.cache
def occupations() -> tuple[Occupation, ...]:
    """All occupations; `People.occupation` is a place here."""
    return tuple(
        Occupation(row["en"], (row["ar"][0], row["ar"][1]), row["hours"], tuple(row["education"]), tuple(row["at"]))
        for row in work()["occupations"]
    )


@functools.cache
def occupation_place(name: str) -> int:
    """The place of an occupation.

    Raises:
        StopIteration: there is none of that name.
    """
    return next(place for place, occupation in enumerate(occupations()) if occupation.name == name)


@functools.cache
def employers() -> tuple[Employer, ...]:
    """All employers; `People.employer` is a place here."""
    return tuple(Employer(row["en"], row["ar"], row["kind"], row["sector"]) for row in work()["employers"])


def read(name: str) -> dict[str, Any]:
    """The content of a table of `data`, read anew: whoever asks more than once keeps it."""
    content: dict[str, Any] = json.loads(
        files("sandbox.synth").joinpath(f"data/{name}.json").read_text(encoding="utf-8")
    )
    return content
