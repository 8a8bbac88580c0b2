"""Identifiers and random draws, all derived from (seed, kind, write number, k-th draw of this write).

The same seed and the same sequence of writes give the same identifiers on every machine. This is the only module
that may make them. The secrets are deterministic test secrets: they protect nothing real.
"""

import base64
import hashlib
import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_VARIANT = "89ab"


def seed_key(seed: int) -> bytes:
    """The 32-byte key that everything of one seed derives from."""
    return hashlib.blake2b(b"sandbank-seed:%d" % seed, digest_size=32).digest()


def derive(key: bytes, purpose: str, size: int = 32) -> bytes:
    """`size` bytes (at most 64) bound to `key` and `purpose`; `key` may have any length."""
    if len(key) > 64:
        key = hashlib.sha256(key).digest()
    return hashlib.blake2b(purpose.encode(), key=key, digest_size=size).digest()


def uuid_text(digest: bytes) -> str:
    """16 bytes as a UUID version 8 (RFC 9562 section 5.8) in canonical text form."""
    text = digest.hex()
    variant = _VARIANT[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-8{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def chance_secret(size: int = 24) -> str:
    """A really random secret in URL-safe text: for what guards the machine, never for the bank's data."""
    return base64.urlsafe_b64encode(os.urandom(size)).decode().rstrip("=")


class Draws:
    """The identifiers and random numbers of one write, in the order in which they are drawn."""

    __slots__ = ("_drawn", "_key", "_write_number")

    def __init__(self, key: bytes, write_number: int) -> None:
        self._key = key
        self._write_number = write_number
        self._drawn = 0

    def uuid(self, kind: str) -> str:
        """The next identifier of this write, bound to `kind` (`"transfer"`, `"session"`, ...)."""
        return uuid_text(self._bytes(kind, 16))

    def secret(self, kind: str) -> str:
        """256 bits in URL-safe text (43 characters), for refresh tokens and the like."""
        return base64.urlsafe_b64encode(self._bytes(kind, 32)).decode().rstrip("=")

    def below(self, limit: int) -> int:
        """A whole number in `[0, limit)`; the bias is below 2**-64 for limits up to 2**64."""
        if limit < 1:
            raise ValueError(f"a draw needs a limit of at least 1, not {limit}")
        return int.from_bytes(self._bytes("below", 16), "big") % limit

    def fraction(self) -> float:
        """A number in `[0, 1)` with 53 random bits."""
        return (int.from_bytes(self._bytes("fraction", 8), "big") >> 11) / 2**53

    def choice(self, options: Sequence[T]) -> T:
        """One of `options`, each as likely."""
        return options[self.below(len(options))]

    def _bytes(self, kind: str, size: int) -> bytes:
        self._drawn += 1
        label = f"{kind}:{self._write_number}:{self._drawn}"
        return hashlib.blake2b(label.encode(), key=self._key, digest_size=size).digest()
