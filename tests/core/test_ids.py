"""Identifiers and draws: the same on every machine, for ever. A changed vector here breaks every recorded run."""

import re
import uuid
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.core.ids import Draws, chance_secret, derive, seed_key, uuid_text

KEY = seed_key(1)
SEEDS = st.integers(0, 2**63 - 1)
WRITE_NUMBERS = st.integers(0, 2**40)


def test_the_key_of_a_seed_never_changes() -> None:
    assert KEY.hex() == "7536ff02de77376b05eff94e3ad8d047a6eac08f7666de4ddc6514048222b682"
    assert seed_key(2026).hex() == "941bd918ac66f73d2e3f1e3d54dd875b3793c9ad65e03c51eee0dd5327eea20e"


def test_derived_bytes_never_change() -> None:
    whole = "dc968e5e7227da1ebfd87fe24bea6f4b1c4d31777413466f931a0ef3e06c6098"
    assert derive(KEY, "access-token-key").hex() == whole
    assert derive(b"x" * 100, "p", 16).hex() == "e1d1c7e1c026ca7c1594eb36ee210065"


def test_the_draws_of_a_write_never_change() -> None:
    draws = Draws(KEY, 7)
    assert draws.uuid("transfer") == "52a15921-eb94-8b91-8412-dd5e34f1dd2e"
    assert draws.uuid("transfer") == "6e441e6a-1052-8e88-b805-85f8b08ded35"
    assert draws.secret("refresh") == "7mc8DtQkAoXR8qAubyDMjsAGhmA8sJ87ff6gQwzFJko"
    assert draws.below(1000) == 150
    assert draws.fraction() == 0.15831363848887925
    assert draws.choice("abcdef") == "d"


@given(SEEDS, WRITE_NUMBERS, st.integers(1, 5))
def test_the_same_seed_write_and_place_give_the_same_identifier(seed: int, n: int, k: int) -> None:
    first, second = Draws(seed_key(seed), n), Draws(seed_key(seed), n)
    assert [first.uuid("x") for _ in range(k)] == [second.uuid("x") for _ in range(k)]


def test_another_seed_kind_write_or_place_gives_another_identifier() -> None:
    found: set[str] = set()
    for seed, n, kind in product(range(5), range(25), ("a", "b", "a:1")):
        draws = Draws(seed_key(seed), n)
        found.update(draws.uuid(kind) for _ in range(4))
    assert len(found) == 5 * 25 * 3 * 4


def test_every_draw_takes_a_place_whatever_its_kind() -> None:
    plain, mixed = Draws(KEY, 1), Draws(KEY, 1)
    plain.uuid("a")
    mixed.below(10)
    assert plain.uuid("b") == mixed.uuid("b")


@given(st.binary(min_size=16, max_size=16))
def test_an_identifier_is_a_canonical_uuid_of_version_8(digest: bytes) -> None:
    text = uuid_text(digest)
    parsed = uuid.UUID(text)
    assert str(parsed) == text
    assert parsed.version == 8
    assert parsed.variant == uuid.RFC_4122


@given(st.binary(min_size=16, max_size=16))
def test_an_identifier_keeps_122_bits_of_its_digest(digest: bytes) -> None:
    kept = int("ffffffffffff0fff3fffffffffffffff", 16)
    assert uuid.UUID(uuid_text(digest)).int & kept == int.from_bytes(digest, "big") & kept


def test_a_secret_is_256_bits_in_url_safe_text() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", Draws(KEY, 1).secret("refresh"))


@given(st.integers(1, 2**64), WRITE_NUMBERS)
def test_a_draw_lies_below_its_limit(limit: int, n: int) -> None:
    assert 0 <= Draws(KEY, n).below(limit) < limit


@pytest.mark.parametrize("limit", [0, -1])
def test_a_draw_needs_a_positive_limit(limit: int) -> None:
    with pytest.raises(ValueError, match="a limit of at least 1"):
        Draws(KEY, 1).below(limit)


def test_draws_reach_every_number_below_their_limit() -> None:
    draws = Draws(KEY, 1)
    assert {draws.below(6) for _ in range(200)} == set(range(6))


@given(WRITE_NUMBERS)
def test_a_fraction_lies_between_0_and_1(n: int) -> None:
    assert 0 <= Draws(KEY, n).fraction() < 1


def test_fractions_are_spread_evenly() -> None:
    draws = Draws(KEY, 1)
    assert abs(sum(draws.fraction() for _ in range(2_000)) / 2_000 - 0.5) < 0.03


@given(st.lists(st.integers(), min_size=1), WRITE_NUMBERS)
def test_a_choice_is_one_of_its_options(options: list[int], n: int) -> None:
    assert Draws(KEY, n).choice(options) in options


def test_nothing_can_be_chosen_from_nothing() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Draws(KEY, 1).choice([])


def test_derived_bytes_are_bound_to_key_and_purpose() -> None:
    made = {derive(key, purpose) for key in (b"", b"k", b"k" * 64, b"k" * 65) for purpose in ("", "p", "q")}
    assert len(made) == 12


def test_a_chance_secret_is_another_one_every_time() -> None:
    assert len({chance_secret() for _ in range(20)}) == 20
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", chance_secret())
