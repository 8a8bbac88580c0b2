"""How values of one type differ between two branches: lists of values, limits, patterns. Nothing that has parts."""

from collections.abc import Iterable, Iterator
from typing import Any

from sandbox.cli.contract.reading import text_of
from sandbox.cli.contract.rules import Finding, Rule
from sandbox.cli.contract.shapes import LOWER_LIMITS, UPPER_LIMITS, WHOLE

READ_HERE = frozenset({WHOLE, "enum", *LOWER_LIMITS, *UPPER_LIMITS, "pattern", "format", "multipleOf", "uniqueItems"})
"""Keywords that are compared here."""

_SHOWN = 6


def limits(place: object, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Finding]:
    """Every difference in the keywords of two branches that are read here."""
    yield from _fractions(place, old, new)
    yield from _lists(place, old.get("enum"), new.get("enum"))
    for keyword in dict.fromkeys([*old, *new]):
        if keyword in LOWER_LIMITS or keyword in UPPER_LIMITS:
            yield from _bounds(place, keyword, old.get(keyword), new.get(keyword))
        elif keyword in READ_HERE - {WHOLE, "enum"}:
            yield from _sets(place, keyword, old.get(keyword, {}), new.get(keyword, {}))


def values(texts: Iterable[str]) -> str:
    """A list of values for people."""
    texts = list(texts)
    shown = [f"'{text[1:-1]}'" if text.startswith('"') else text for text in texts[:_SHOWN]]
    more = [f"{len(texts) - _SHOWN} more"] if len(texts) > _SHOWN else []
    return " or ".join(shown + more)


def _fractions(place: object, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Finding]:
    was, now = _is_whole(old), _is_whole(new)
    # A list that is new, or was there, says by itself which numbers are meant.
    if now and not was and "enum" not in new:
        yield Rule.TYPE_REMOVED, f"{place} may no longer be a fraction"
    if was and not now and "enum" not in old:
        yield Rule.TYPE_ADDED, f"{place} may also be a fraction"


def _is_whole(keywords: dict[str, Any]) -> bool:
    listed = keywords.get("enum")
    if listed is None:
        return WHOLE in keywords
    numbers = [value for value in listed.values() if isinstance(value, int | float) and not isinstance(value, bool)]
    return bool(numbers) and all(float(number).is_integer() for number in numbers)


def _lists(place: object, old: dict[str, Any] | None, new: dict[str, Any] | None) -> Iterator[Finding]:
    if old is None and new is not None:
        yield Rule.VALUE_REMOVED, f"{place} may only be {values(new)}"
    elif new is None and old is not None:
        yield Rule.VALUE_ADDED, f"{place} may be more than {values(old)}"
    elif old is not None and new is not None:
        gone, come = [text for text in old if text not in new], [text for text in new if text not in old]
        if gone:
            yield Rule.VALUE_REMOVED, f"{place} may no longer be {values(gone)}"
        if come:
            yield Rule.VALUE_ADDED, f"{place} may also be {values(come)}"


def _bounds(place: object, keyword: str, old: float | None, new: float | None) -> Iterator[Finding]:
    if old == new:
        return
    if old is None:
        yield Rule.LIMIT_TIGHTENED, f"{place} has {keyword} {text_of(new)} now"
    elif new is None:
        yield Rule.LIMIT_LOOSENED, f"{place} has no {keyword} now, was {text_of(old)}"
    else:
        tighter = (new > old) is (keyword in LOWER_LIMITS)
        rule = Rule.LIMIT_TIGHTENED if tighter else Rule.LIMIT_LOOSENED
        yield rule, f"{place} has {keyword} {text_of(new)} now, was {text_of(old)}"


def _sets(place: object, keyword: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Finding]:
    gone, come = [old[text] for text in old if text not in new], [new[text] for text in new if text not in old]
    if come and not gone:
        yield Rule.LIMIT_TIGHTENED, f"{place} has {keyword} {_joined(come)} now"
    elif gone and not come:
        yield Rule.LIMIT_LOOSENED, f"{place} has no {keyword} {_joined(gone)} now"
    elif gone:
        rule = Rule.FORMAT_CHANGED if keyword == "format" else Rule.PATTERN_CHANGED
        yield rule, f"{place} has {keyword} {_joined(come)} now, was {_joined(gone)}"


def _joined(stated: Iterable[Any]) -> str:
    return " and ".join(value if isinstance(value, str) else text_of(value) for value in stated)
