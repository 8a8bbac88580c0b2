"""Password hashes: made with derived salts, verified from anywhere, and never a crash."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.core.ids import seed_key
from sandbox.core.passwords import hash_password, readable, verify_password
from sandbox.core.settings import PasswordCost

KEY = seed_key(1)
PASSWORD = "correct horse"

ARGON2I = "$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$m2Ty71nbneX+kE7BCWXHSnpMJtJ6r26bfFT0wwIdxTQ"
ARGON2D = "$argon2d$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$KdUvbYK47x4HBQgWeqag2qEi9qzTWp9YbjUAvP2Bf2E"
ARGON2ID = "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$rAjuexKlLdAHLvqk7TeeiWZjW4OPoRGwldJXdHbTuKI"
BCRYPT = "$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"
LONG_BCRYPT = "$2b$04$S.APocBdZ7ZsUawGjgMeyei0e30.px7ZjHDr8TbnIr6yGBQ6rkuYO"
"""Of 72 times x."""

KNOWN = [ARGON2I, ARGON2D, ARGON2ID, f"$2a{BCRYPT}", f"$2b{BCRYPT}", f"$2y{BCRYPT}"]
NAMES = ["argon2i", "argon2d", "argon2id", "bcrypt 2a", "bcrypt 2b", "bcrypt 2y"]

UNREADABLE = [
    "",
    "!",
    "plain text",
    "simulated_hash_123",
    "5f4dcc3b5aa765d61d8327deb882cf99",
    "$argon2",
    "$argon2id$",
    "$argon2x$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaA",
    "$argon2id$v=19$m=a,t=1,p=1$c2FsdHNhbHQ$aGFzaA",
    "$argon2id$v=19$m=64,t=1$c2FsdHNhbHQ$aGFzaA",
    "$1$salt$hash",
    "$2x" + BCRYPT,
    "$2b" + BCRYPT[:-1],
    "$2b" + BCRYPT + "a",
    "$2b$03" + BCRYPT[3:],
    "$2b$32" + BCRYPT[3:],
    "$2b$²²" + BCRYPT[3:],
    "$2b$٠٤" + BCRYPT[3:],
    "$2b$04$" + "é" * 53,
    "$2b$04$" + "!" * 53,
    "$2b" + BCRYPT[:-1] + "\n",
]


def hashed(password: str = PASSWORD, *, username: str = "fatima", version: int = 0, key: bytes = KEY) -> str:
    """A hash of sandbox cost."""
    return hash_password(password, seed_key=key, username=username, version=version, cost="sandbox")


@pytest.mark.parametrize("stored", KNOWN, ids=NAMES)
def test_the_right_password_matches_a_hash_made_elsewhere(stored: str) -> None:
    assert readable(stored)
    assert verify_password(PASSWORD, stored)


@pytest.mark.parametrize("stored", KNOWN, ids=NAMES)
@pytest.mark.parametrize("password", ["", "Correct horse", "correct horse ", "correct horse\0", "صح", "\ud800"])
def test_a_wrong_password_matches_none(stored: str, password: str) -> None:
    assert not verify_password(password, stored)


@pytest.mark.parametrize("cost", ["sandbox", "production"])
def test_a_made_hash_matches_its_password(cost: PasswordCost) -> None:
    stored = hash_password(PASSWORD, seed_key=KEY, username="fatima", version=0, cost=cost)
    assert readable(stored)
    assert verify_password(PASSWORD, stored)
    assert not verify_password(PASSWORD + "!", stored)


def test_a_sandbox_hash_is_argon2id_at_one_mebibyte() -> None:
    assert hashed().startswith("$argon2id$v=19$m=1024,t=1,p=1$")


def test_a_production_hash_is_argon2id_at_64_mebibytes() -> None:
    stored = hash_password(PASSWORD, seed_key=KEY, username="fatima", version=0, cost="production")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_made_hash_never_changes() -> None:
    stored = "$argon2id$v=19$m=1024,t=1,p=1$IsrPj+CHkbox0od7v3kvpQ$pzyvHNVkzz85MWBOWd1WVx9JrttHHgY9e9UeobwmeL0"
    assert hashed("Fatima-2026!") == stored


def test_every_seed_user_and_version_has_its_own_salt() -> None:
    made = {
        hashed(username=username, version=version, key=seed_key(seed)).split("$")[4]
        for username in ("fatima", "arjun")
        for version in (0, 1)
        for seed in (1, 2)
    }
    assert len(made) == 8


@pytest.mark.parametrize("stored", UNREADABLE)
def test_an_unreadable_hash_matches_nothing_and_raises_nothing(stored: str) -> None:
    assert not readable(stored)
    assert not verify_password(PASSWORD, stored)
    assert not verify_password("", stored)


@given(st.text(max_size=80) | st.text(max_size=80).map(lambda rest: f"$argon2id${rest}"))
def test_no_stored_text_makes_verifying_raise(stored: str) -> None:
    readable(stored)
    assert not verify_password(PASSWORD, stored)


@given(st.text(alphabet="./ABCxyz019", min_size=53, max_size=53), st.sampled_from("aby"))
def test_no_text_in_the_form_of_bcrypt_makes_verifying_raise(rest: str, letter: str) -> None:
    assert not verify_password(PASSWORD, f"$2{letter}$04${rest}")


def test_a_readable_argon2_hash_that_argon2_refuses_matches_nothing() -> None:
    # Less memory than Argon2 works with.
    assert not verify_password(PASSWORD, "$argon2id$v=19$m=1,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + ARGON2ID[-43:])


def test_bcrypt_reads_72_bytes_of_a_longer_password() -> None:
    assert verify_password("x" * 72, LONG_BCRYPT)
    assert verify_password("x" * 73, LONG_BCRYPT)
    assert not verify_password("x" * 71, LONG_BCRYPT)
    assert not verify_password("x" * 71 + "y" * 100, LONG_BCRYPT)


def test_argon2_reads_all_of_a_long_password() -> None:
    stored = hashed("x" * 5_000)
    assert verify_password("x" * 5_000, stored)
    assert not verify_password("x" * 4_999 + "y", stored)


def test_a_password_in_arabic_matches() -> None:
    assert verify_password("كلمة السر", hashed("كلمة السر"))
