"""Redaction: what a log must not tell is masked in every event, by its name and by its looks.

The lines of requests hold nothing secret to begin with. This is for the other events, those of bugs above all: nobody
knows beforehand what an exception's words, or a value that somebody logs one day, will carry.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

from structlog.typing import EventDict, WrappedLogger

from sandbox.core.settings import MASK

__all__ = ["Redaction", "is_secret", "masked_query"]

_SECRET = {
    *("code", "codes", "pin", "pins", "otp", "totp", "pwd", "passwd", "cookie", "set_cookie"),
    *("sms_code", "otp_code", "totp_code", "mfa_code", "login_code", "verification_code", "security_code"),
    *("recovery_code", "recovery_codes", "reset_code", "api_key", "private_key", "idempotency_key", "credentials"),
    *("phone", "phone_number", "mobile", "email", "email_address", "body"),
}
"""Names of secrets, and of what says how a person is reached or what was written to them."""
_SECRET_ENDS = ("password", "passphrase", "token", "tokens", "secret", "secrets", "authorization", "_hash", "_pin")
_HARMLESS_QUERY = {
    *("limit", "cursor", "dry_run", "from", "channel", "direction", "status"),
    *("_page", "_per_page", "_limit", "_start", "_end", "_sort", "_order", "_embed", "_expand"),
}
"""Query parameters whose values are told: none of them says anything of a person."""
_SHORTEST_KNOWN = 6
"""A shorter one, such as a default password of one letter, would be found everywhere, and so be told by its gaps."""
_DEEPEST = 8
"""Nobody logs anything so deep on purpose."""

# Every alternative starts with a literal: the time it takes grows with the text, and no faster.
_LOOKS = re.compile(
    r"""
    (?P<jwt>(?<![\w-])eyJ[\w-]+\.[\w.-]+)                              # a JSON Web Token
    | (?P<scheme>\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}                  # what Authorization carries
    | (?P<hash>\$(?:argon2\w*|2[abxy]|scrypt|pbkdf2[\w-]*)\$[\w$=+/.,-]+)  # the hash of a password
    | (?P<name>(?:password|passwd|passphrase|secret|token|authorization|pin_hash)(?:=|['"]\s*:\s*|['"]=))
      (?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s,;&)}\]]+)            # a name and its value
    | (?P<number>['"]?\b(?:code|pin|otp)['"]?\s*[=:]\s*['"]?)\d{4,10}\b  # a code that was sent to somebody
    """,
    re.IGNORECASE | re.VERBOSE,
)
_HINTS = ("$", "eyj", "bearer", "basic", "pass", "secret", "token", "auth", "pin", "code", "otp")
"""Without any of these in it, in lower case, no text looks like a secret; most have none, and this is quicker."""


class Redaction:
    """A processor that masks secrets, `known` ones wherever they stand."""

    def __init__(self, known: Iterable[str | None] = ()) -> None:
        self._known = tuple(secret for secret in known if secret and len(secret) >= _SHORTEST_KNOWN)

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """The event without its secrets."""
        return {name: MASK if is_secret(name) else self._masked(value, _DEEPEST) for name, value in event.items()}

    def text(self, text: str) -> str:
        """A text without what looks like a secret."""
        for secret in self._known:
            text = text.replace(secret, MASK)
        folded = text.lower()
        for hint in _HINTS:
            if hint in folded:
                return _LOOKS.sub(_without_value, text)
        return text

    def _masked(self, value: object, depth: int) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.text(value)
        if depth and isinstance(value, Mapping):
            pairs = ((str(name), inner) for name, inner in value.items())
            return {name: MASK if is_secret(name) else self._masked(inner, depth - 1) for name, inner in pairs}
        if depth and isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
            return [self._masked(inner, depth - 1) for inner in value]
        return self.text(repr(value))


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Whether what goes by this name is never told: `access_token`, `accessToken` and `Access-Token` alike."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    return plain in _SECRET or plain.endswith(_SECRET_ENDS)


def masked_query(raw: bytes, *, filters: bool = False) -> str:
    """A query string as it was asked, with what may say something of a person masked: values, and names of nothing.

    `filters`: any name may be a field's, as on the data plane; only the names of its own language are harmless then.
    """
    pairs = raw.decode("ascii", "backslashreplace").split("&")
    return "&".join(_masked_pair(pair, filters=filters) for pair in pairs)


def _masked_pair(pair: str, *, filters: bool) -> str:
    name, equals, value = pair.partition("=")
    known = unquote_plus(name)
    if known in _HARMLESS_QUERY and (known.startswith("_") or not filters):
        return pair
    if not equals:
        return MASK if name else ""
    return f"{name}={MASK if value else ''}"


def _without_value(found: re.Match[str]) -> str:
    return f"{found['scheme'] or found['name'] or found['number'] or ''}{MASK}"
