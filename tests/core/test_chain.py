"""The hash chain: every link holds all facts before it."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from sandbox.core.chain import GENESIS, link

FACTS = st.lists(st.none() | st.integers(-(2**63), 2**63) | st.text(max_size=8), max_size=6)


def test_a_link_never_changes() -> None:
    assert link(GENESIS, (1, "a", None)) == hashlib.sha256(bytes(32) + b'[1,"a",null]').digest()
    whole = "be50bffb88af0208d30f8e4df65968cc39eceb334688c6a59af177be4d17f18f"
    assert link(GENESIS, (1, "a", None)).hex() == whole


def test_the_first_link_follows_32_zero_bytes() -> None:
    assert bytes(32) == GENESIS


@given(FACTS)
def test_a_link_is_32_bytes(facts: list[int | str | None]) -> None:
    assert len(link(GENESIS, facts)) == 32


@given(FACTS, FACTS)
def test_other_facts_make_another_link(some: list[int | str | None], others: list[int | str | None]) -> None:
    assert (link(GENESIS, some) == link(GENESIS, others)) == (some == others)


def test_no_fact_can_lean_on_its_neighbour() -> None:
    assert link(GENESIS, ("ab", "c")) != link(GENESIS, ("a", "bc"))
    assert link(GENESIS, ('a","b',)) != link(GENESIS, ("a", "b"))


def test_nothing_an_empty_text_and_no_fact_are_three_things() -> None:
    assert len({link(GENESIS, (None,)), link(GENESIS, ("",)), link(GENESIS, ()), link(GENESIS, ("null",))}) == 4


def test_a_changed_fact_changes_every_later_link() -> None:
    def head(first: str) -> bytes:
        previous = GENESIS
        for fact in (first, "b", "c"):
            previous = link(previous, (fact,))
        return previous

    assert head("a") == head("a")
    assert head("a") != head("A")
