"""Patterns of `field_like`: the part of JavaScript's regular expressions whose search takes one step a character.

A pattern is compiled into bits, one for each element, and all places where a match may stand move on together
(Navarro and Raffinot, "Fast and simple character classes and bounded gaps pattern matching"). So nothing that a query
says makes a search slow, which no limit on Python's `re` could promise. What is not of that part is refused.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

LONGEST = 200
"""Characters of the patterns of a filter, and their elements once repetitions such as `a{20}` are written out."""
SEARCHED = 200
"""Characters at the beginning of a value that a pattern looks at; plain words are looked for everywhere."""
WORKS = (
    "what works: characters, '.', classes such as [a-z0-9], \\d \\w \\s, each with * + ? or {2,4} after it; ^ at the "
    "beginning, $ at the end, | between alternatives"
)

Search = Callable[[str], bool]
_Accepts = Callable[[str], bool]

_SPECIAL = re.compile(r"[\\^$.*+?()\[{|]")
_TIMES = re.compile(r"\{([0-9]{1,3})(,?)([0-9]{0,3})\}", re.ASCII)
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
_LINE_ENDS = "\n\r\u2028\u2029"
_SETS: dict[str, _Accepts] = {
    "d": lambda char: char.isascii() and char.isdigit(),
    "w": lambda char: char.isascii() and (char.isalnum() or char == "_"),
    "s": lambda char: char.isspace() or char == "\ufeff",
}


class _Element(NamedTuple):
    """What stands for one character: which are accepted, and whether it may be left out or come again."""

    accepts: _Accepts
    optional: bool = False
    repeats: bool = False


class _Alternative(NamedTuple):
    """One of the texts that a pattern stands for."""

    elements: list[_Element]
    from_start: bool
    to_end: bool


def search_for(patterns: Sequence[str]) -> Search:
    """What says whether a text has a match of one of the patterns, whatever the case.

    Raises:
        ValueError: one is no pattern, or not understood here, or they are too long; the message says what works.
    """
    if not any(_SPECIAL.search(pattern) for pattern in patterns):
        words = [pattern.lower() for pattern in patterns]
        return lambda text: any(word in text.lower() for word in words)
    if sum(map(len, patterns)) > LONGEST:
        raise ValueError(f"patterns have at most {LONGEST} characters")
    alternatives = [found for pattern in patterns for found in _Reader(pattern).alternatives()]
    if sum(len(alternative.elements) for alternative in alternatives) > LONGEST:
        raise ValueError(f"patterns stand for at most {LONGEST} characters, repetitions written out")
    return _Machine(alternatives).search


class _Reader:
    """Reads a pattern from left to right."""

    __slots__ = ("_at", "_pattern")

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def alternatives(self) -> list[_Alternative]:
        found = [self._alternative()]
        while self._take("|"):
            found.append(self._alternative())
        return found

    def _alternative(self) -> _Alternative:
        from_start = self._take("^")
        elements: list[_Element] = []
        while (char := self._peek()) not in {"", "|", "$"}:
            self._at += 1
            elements += self._repeated(self._accepts(char))
        to_end = self._take("$")
        if self._peek() not in {"", "|"}:
            raise self._refusal("'$' stands at the end only")
        return _Alternative(elements, from_start, to_end)

    def _accepts(self, char: str) -> _Accepts:
        """What the element that begins with `char`, which is read, accepts."""
        if char == ".":
            return lambda other: other not in _LINE_ENDS
        if char == "[":
            return self._class()
        if char == "\\":
            return self._escape()
        if char in "()":
            raise self._refusal("groups are not understood; \\( is a bracket")
        if char in "*+?{":
            raise self._refusal(f"{char!r} repeats nothing; \\{char} is the character")
        if char == "^":
            raise self._refusal("'^' stands at the beginning only; \\^ is the character")
        return _in_any_case(lambda other: other == char)

    def _escape(self) -> _Accepts:
        char = self._next("'\\' stands at the end")
        if char.lower() in _SETS:
            accepts = _SETS[char.lower()]
            return accepts if char.islower() else lambda other: not accepts(other)
        if char.isalnum() and char not in _CONTROLS:
            raise self._refusal(f"'\\{char}' is not understood")
        plain = _CONTROLS.get(char, char)
        return _in_any_case(lambda other: other == plain)

    def _class(self) -> _Accepts:
        negated = self._take("^")
        members: list[_Accepts] = []
        while not self._take("]"):
            low = self._member()
            if isinstance(low, str) and self._pattern[self._at : self._at + 1] == "-" and self._beyond() != "]":
                self._at += 1
                high = self._member()
                if not isinstance(high, str) or high < low:
                    raise self._refusal("a class has a range that is none")
                members.append(_range(low, high))
            else:
                members.append(_range(low, low) if isinstance(low, str) else low)
        accepts = _in_any_case(lambda char: any(member(char) for member in members))
        return (lambda char: not accepts(char)) if negated else accepts

    def _member(self) -> str | _Accepts:
        """A character of a class, or a set such as that of all digits."""
        char = self._next("a class is not closed by ]")
        if char != "\\":
            return char
        char = self._next("a class is not closed by ]")
        if char.lower() in _SETS:
            accepts = _SETS[char.lower()]
            return accepts if char.islower() else lambda other: not accepts(other)
        if char.isalnum() and char not in _CONTROLS:
            raise self._refusal(f"'\\{char}' is not understood")
        return _CONTROLS.get(char, char)

    def _repeated(self, accepts: _Accepts) -> list[_Element]:
        """The elements that an element and the repetition after it stand for."""
        char = self._peek()
        if char not in {"*", "+", "?", "{"}:
            return [_Element(accepts)]
        if char != "{":
            self._at += 1
            self._take("?")  # as few as possible: whether there is a match does not depend on it
            return [_Element(accepts, optional=char != "+", repeats=char != "?")]
        match = _TIMES.match(self._pattern, self._at)
        if match is None:
            raise self._refusal("'{' is no repetition such as {2,4}; \\{ is the character")
        self._at = match.end()
        self._take("?")
        least = int(match[1])
        most = int(match[3]) if match[3] else None if match[2] else least
        if max(least, most or 0) > LONGEST or (most is not None and most < least):
            raise self._refusal(f"{match[0]} is no repetition of at most {LONGEST} times")
        elements = [_Element(accepts)] * least
        if most is None:
            return [*elements, _Element(accepts, optional=True, repeats=True)]
        return elements + [_Element(accepts, optional=True)] * (most - least)

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _beyond(self) -> str:
        return self._pattern[self._at + 1 : self._at + 2]

    def _take(self, char: str) -> bool:
        """Step over `char` where it comes next; whether it did."""
        taken = self._peek() == char
        self._at += taken
        return taken

    def _next(self, otherwise: str) -> str:
        char = self._peek()
        if not char:
            raise self._refusal(otherwise)
        self._at += 1
        return char

    def _refusal(self, what: str) -> ValueError:
        return ValueError(f"{self._pattern[:40]!r}: {what}; {WORKS}")


class _Machine:
    """Alternatives as bits. Each has a bit for its beginning, then one an element: set when a match may stand there."""

    __slots__ = (
        "_accepts",
        "_anywhere",
        "_at_end",
        "_begin",
        "_first",
        "_last",
        "_masks",
        "_optional",
        "_repeats",
        "_restart",
    )

    def __init__(self, alternatives: list[_Alternative]) -> None:
        self._accepts: list[tuple[int, _Accepts]] = []
        self._masks: dict[str, int] = {}
        self._optional = self._repeats = self._first = self._last = 0
        self._begin = self._restart = self._anywhere = self._at_end = 0
        bit = 1
        for elements, from_start, to_end in alternatives:
            self._begin |= bit
            self._restart |= 0 if from_start else bit
            within = False
            for element in elements:
                if element.optional and not within:
                    self._first |= bit  # before the first of some that may be left out
                if within and not element.optional:
                    self._last |= bit
                within = element.optional
                bit <<= 1
                self._accepts.append((bit, element.accepts))
                self._optional |= bit if element.optional else 0
                self._repeats |= bit if element.repeats else 0
            self._last |= bit if within else 0
            self._at_end |= bit
            self._anywhere |= 0 if to_end else bit
            bit <<= 1

    def search(self, text: str) -> bool:
        """Whether there is a match in the beginning of a text."""
        optional, repeats, restart, anywhere = self._optional, self._repeats, self._restart, self._anywhere
        masks = self._masks
        states = self._leave_out(self._begin)
        for char in text[:SEARCHED]:
            if states & anywhere:
                return True
            mask = masks.get(char)
            if mask is None:
                mask = self._mask(char)
            states = ((states << 1 | states & repeats) & mask) | restart
            if optional:
                states = self._leave_out(states)
            elif not states:
                return False
        return bool(states & (anywhere if len(text) > SEARCHED else self._at_end))

    def _leave_out(self, states: int) -> int:
        """Also the places reached by leaving out what is optional: a subtraction carries over a run of them."""
        reached = states | self._last
        return states | (self._optional & (~(reached - self._first) ^ reached))

    def _mask(self, char: str) -> int:
        """The elements that accept a character."""
        if len(self._masks) >= _MASKS_KEPT:
            self._masks.clear()
        mask = self._masks[char] = sum(bit for bit, accepts in self._accepts if accepts(char))
        return mask


_MASKS_KEPT = 1_000
"""Of how many characters it is kept which elements accept them."""


def _in_any_case(accepts: _Accepts) -> _Accepts:
    return lambda char: accepts(char) or accepts(char.lower()) or accepts(char.upper())


def _range(low: str, high: str) -> _Accepts:
    return lambda char: len(char) == 1 and low <= char <= high
