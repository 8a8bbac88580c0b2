"""The enumerations: one rule for their case, and the order that stored ordinals rely on."""

import re
from enum import StrEnum

import pytest

from sandbox.core import vocabulary
from sandbox.core.vocabulary import Direction, Language, TransactionStatus, in_files
from sandbox.store.tables import JournalKind

KINDS = [kind for kind in vars(vocabulary).values() if isinstance(kind, type) and issubclass(kind, StrEnum)]
KINDS.remove(StrEnum)
MEMBERS = [member for kind in KINDS for member in kind]


def named(member: StrEnum) -> str:
    """A test's id."""
    return f"{type(member).__name__}.{member.name}"


@pytest.mark.parametrize("member", [member for member in MEMBERS if not isinstance(member, Language)], ids=named)
def test_a_value_is_snake_case_outside_and_upper_snake_in_files(member: StrEnum) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", member.value)
    assert in_files(member) == member.name == member.value.upper()


@pytest.mark.parametrize("language", Language)
def test_a_language_keeps_its_iso_639_case(language: Language) -> None:
    assert in_files(language) == language.value
    assert re.fullmatch(r"[a-z]{2}", language.value)


def test_a_plain_text_has_a_form_in_files_too() -> None:
    assert in_files("current") == "CURRENT"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_two_members_look_alike_in_files(kind: type[StrEnum]) -> None:
    assert len({in_files(member) for member in kind}) == len(kind)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_enumeration_says_what_it_is(kind: type[StrEnum]) -> None:
    assert kind.__doc__


def test_the_bank_speaks_english_and_arabic() -> None:
    assert [language.value for language in Language] == ["en", "ar"]


def test_enumerations_stored_by_ordinal_only_grow_at_their_end() -> None:
    assert list(TransactionStatus)[:4] == ["completed", "pending", "failed", "reversed"]
    first = ["opening", "movement", "deposit", "withdrawal", "transfer", "hold", "clearing", "reversal", "failed"]
    assert list(JournalKind)[:9] == first


def test_a_direction_is_credit_or_debit() -> None:
    assert [in_files(direction) for direction in Direction] == ["CREDIT", "DEBIT"]
