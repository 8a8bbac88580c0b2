"""Password and PIN hashes: Argon2id made with derived salts, Argon2 and bcrypt verified at any cost.

Salts derive from the seed, so that the same ecosystem compiles to the same bytes; this is a bank for tests. The
sandbox-grade cost (m=1 MiB, t=1) takes half a millisecond, where the library's default would take 146.
"""

import re

import argon2
import bcrypt
from argon2.exceptions import Argon2Error, InvalidHashError

from sandbox.core.ids import derive
from sandbox.core.settings import PasswordCost

_HASHERS = {
    "sandbox": argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1),
    "production": argon2.PasswordHasher(),
}

_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}", re.ASCII)
_BCRYPT_READS = 72
"""How many bytes of a password bcrypt looks at; others cut the rest, Python's bcrypt 5 refuses it."""


def hash_password(password: str, *, seed_key: bytes, username: str, version: int, cost: PasswordCost) -> str:
    """An Argon2id hash whose salt derives from the seed, the username and the credential's version."""
    salt = derive(seed_key, f"password-salt:{username}:{version}", 16)
    return _HASHERS[cost].hash(password, salt=salt)


def verify_password(password: str, stored: str) -> bool:
    """Whether `password` is the one that `stored` was made from; a hash we cannot read matches nothing."""
    if not readable(stored):
        return False
    try:
        if stored.startswith("$argon2"):
            return _HASHERS["sandbox"].verify(stored, password)
        return bcrypt.checkpw(password.encode()[:_BCRYPT_READS], stored.encode())
    except (Argon2Error, InvalidHashError, ValueError):
        return False


def readable(stored: str) -> bool:
    """Whether `stored` has the form of an Argon2 or bcrypt hash."""
    if stored.startswith("$argon2"):
        try:
            argon2.extract_parameters(stored)
        except InvalidHashError:
            return False
        return True
    return _BCRYPT.fullmatch(stored) is not None
