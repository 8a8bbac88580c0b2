"""Signing keys and access tokens: Ed25519 (RFC 8032), deterministic, one key pair for each seed.

EdDSA because its signatures are the same bytes every time; ES256 draws a random number for each (RFC 8037, 7519).
"""

import base64
import hashlib
import json
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sandbox.core.ids import derive, seed_key

ALGORITHM = "EdDSA"


class TokenError(ValueError):
    """A text that is no token of ours: malformed, of another algorithm, or with a wrong signature."""


class SigningKey:
    """One Ed25519 key pair and what is done with it."""

    __slots__ = ("_private", "_public", "jwk")

    def __init__(self, seed_key: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(derive(seed_key, "access-token-key"))
        self._public = self._private.public_key()
        raw = self._public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        public = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}
        canonical = json.dumps(public, sort_keys=True, separators=(",", ":")).encode()
        self.jwk = {**public, "kid": _base64url(hashlib.sha256(canonical).digest()), "alg": ALGORITHM, "use": "sig"}
        """The public half as a JSON Web Key; `kid` is its RFC 7638 thumbprint."""

    def sign(self, claims: dict[str, Any]) -> str:
        """`claims` as a signed JWT."""
        return jwt.encode(claims, self._private, algorithm=ALGORITHM, headers={"kid": self.jwk["kid"]})

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a token signed by this key; times are the caller's to judge, on its own clock.

        Raises:
            TokenError: the token is malformed or not signed by this key.
        """
        options: Any = {
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
            "require": ["exp", "iat", "sub"],
        }
        try:
            return jwt.decode(token, self._public, algorithms=[ALGORITHM], options=options)
        except (jwt.PyJWTError, ValueError) as error:
            raise TokenError(str(error)) from error


@lru_cache(maxsize=256)
def signing_key_of(seed: int) -> SigningKey:
    """The key pair of a sandbox's seed."""
    return SigningKey(seed_key(seed))


def peek(token: str) -> dict[str, Any]:
    """The claims of a token without a look at its signature: good for routing, never for trust.

    Raises:
        TokenError: the text is no JWT.
    """
    try:
        return jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError) as error:
        raise TokenError(str(error)) from error


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
