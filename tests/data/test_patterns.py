"""Patterns of `_like`: they find what Python's regular expressions find, and none of them takes long."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.data.patterns import LONGEST, SEARCHED, search_for

ELEMENTS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "[a-c]", r"\d", r"\W", r"\.", " "])
REPEATS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,1}", "{1,}", "*?"])
BRANCHES = st.builds(
    lambda start, middle, end: start + "".join(middle) + end,
    st.sampled_from(["", "^"]),
    st.lists(st.builds(str.__add__, ELEMENTS, REPEATS), max_size=5),
    st.sampled_from(["", "$"]),
)
PATTERNS = st.lists(BRANCHES, min_size=1, max_size=3).map("|".join)

MANY = [("a" * (SEARCHED - 1)) + "ab"[number % 2] for number in range(1_000)]
LIMIT_SECONDS = 1.0
"""About 0.1 on an idle machine; what the patterns below took in a backtracking search was minutes."""


def seconds(pattern: str) -> float:
    """How long it takes to look through many values of the length that is looked at."""
    search = search_for([pattern])
    start = time.process_time()
    for value in MANY:
        search(value)
    return time.process_time() - start


@settings(max_examples=500, deadline=None)
@given(pattern=PATTERNS, text=st.text("abcAB1 .\n", max_size=8))
def test_a_pattern_finds_what_a_regular_expression_finds(pattern: str, text: str) -> None:
    # Python's `$` also stands before a last line end, JavaScript's does not.
    theirs = re.search(pattern.replace("$", r"\Z"), text, re.IGNORECASE)
    assert search_for([pattern])(text) is (theirs is not None)


@pytest.mark.parametrize(
    "pattern",
    [
        ".?" * 22 + "~~",
        ".?" * 99 + "~~",
        ".*" * 99 + "~~",
        "a?" * 99 + "~",
        "a*a*b~",
        "a{0,150}~",
        "[^~]{190}~",
        "." * 199 + "~",
        "|".join(["a*~"] * 50),
        "[a-z]*" * 33 + "~",
    ],
)
def test_the_worst_patterns_take_no_time(pattern: str) -> None:
    assert seconds(pattern) < LIMIT_SECONDS


@settings(max_examples=25, deadline=None)
@given(pieces=st.lists(st.builds(str.__add__, ELEMENTS, REPEATS), min_size=30, max_size=40))
def test_no_pattern_takes_long(pieces: list[str]) -> None:
    pattern = ("".join(pieces))[: LONGEST - 1]
    try:
        taken = seconds(f"{pattern}~")
    except ValueError:  # cut in the middle of an element
        return
    assert taken < LIMIT_SECONDS


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("karak", "x" * 1_000 + "KARAK", True),
        ("kara.", "x" * 1_000 + "karak", False),
        ("a$", "x" * (SEARCHED - 1) + "ab", False),
        ("x$", "x" * (SEARCHED + 1), False),
        ("^x*$", "x" * SEARCHED, True),
        ("", "", True),
        ("^$", "", True),
        ("^$", "a", False),
        ("a|", "b", True),
        ("^فاطمة", "فاطمة العلي", True),
        (r"[\]-]", "-", True),
        ("[]", "a", False),
        ("[^]", "a", True),
        ("[^A]", "a", False),
        ("a}", "A}", True),
        (r"1\.5", "105", False),
        (r"\d{3}-\d{2}", "tel 123-45", True),
        (r"^\w+$", "naïve", False),
    ],
)
def test_patterns_are_read_as_in_javascript(pattern: str, text: str, *, expected: bool) -> None:
    assert search_for([pattern])(text) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        "(a)",
        "(.|.)" * 20 + "~~",
        "(?=a)",
        r"(a)\1",
        r"\1",
        r"\b",
        r"\u",
        "a)",
        "*",
        "a**",
        "^*",
        "a|+",
        "[",
        "[a",
        "[b-a]",
        r"[a-\d]",
        "a\\",
        "a{",
        "a{2",
        "a{,2}",
        "a{3,2}",
        "a{999}",
        "a^b",
        "a$b",
        "a{150}b{150}",
        "." * (LONGEST + 1),
    ],
)
def test_what_is_not_understood_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"what works|at most"):
        search_for([pattern])


def test_several_patterns_are_one_search() -> None:
    search = search_for(["^a", "b$"])
    assert [search(text) for text in ("ax", "xb", "xa", "bx")] == [True, True, False, False]
    with pytest.raises(ValueError, match="at most"):
        search_for(["a." * 60, "b." * 60])
