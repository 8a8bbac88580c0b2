"""Second factors: which of the methods that a user has the bank knows, and which it serves, in whatever shape.

Ecosystems write `mfa_settings.methods` as they like: `["SMS"]`, `[{"type": "email_otp"}]`, `{"sms": true}`.
"""

import re
from collections.abc import Iterator, Mapping

from sandbox.core.vocabulary import SecondFactor

_NAMED_BY = ("method", "type", "channel", "name")
"""The keys of an object that say which method it is, the most telling first."""
_SWITCHES = ("enabled", "active", "status")
_OFF = {"false", "disabled", "inactive", "revoked", "off", "no"}
_NAMES = {
    "sms": SecondFactor.SMS,
    "text": SecondFactor.SMS,
    "textmessage": SecondFactor.SMS,
    "email": SecondFactor.EMAIL,
    "mail": SecondFactor.EMAIL,
}
_NOT_SERVED_YET = frozenset(
    {"totp", "authenticator", "authenticatorapp", "push", "pushnotification", "biometric", "biometrics"}
)
"""Methods of a real bank that have no codes here yet: sign-in does not ask for them."""
_MAX_DEPTH = 4
"""Deeper than any list of methods; what stands below is something else."""


def served_factors(methods: object) -> list[SecondFactor]:
    """The served ones among `methods` (any JSON), in the order in which they stand, each once."""
    found = (_factor(name) for name in _names(methods, _MAX_DEPTH))
    return list(dict.fromkeys(factor for factor in found if factor is not None))


def knows_one(methods: object) -> bool:
    """Whether one of `methods` (any JSON) is a second factor that the bank knows, served yet or not."""
    return any(map(_is_method, _names(methods, _MAX_DEPTH)))


def _names(methods: object, depth: int) -> Iterator[str]:
    if isinstance(methods, str):
        yield from re.split(r"[,;|\s]+", methods)
    elif isinstance(methods, list) and depth:
        for item in methods:
            yield from _names(item, depth - 1)
    elif isinstance(methods, Mapping) and depth:
        yield from _names_of(methods, depth - 1)


def _names_of(stated: Mapping[str, object], depth: int) -> Iterator[str]:
    """An object is one method that names itself, or has a key for each method."""
    named = next((value for key in _NAMED_BY if isinstance(value := stated.get(key), str)), None)
    if named is not None:
        if _is_on(stated):
            yield named
        return
    for key, value in stated.items():
        if not _is_method(key):
            yield from () if isinstance(value, str) else _names(value, depth)
        elif _is_on(value):
            yield key


def _is_on(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(_is_on(value[switch]) for switch in _SWITCHES if switch in value)
    return value is not None and value is not False and str(value).lower() not in _OFF


def _is_method(name: str) -> bool:
    return _factor(name) is not None or not _NOT_SERVED_YET.isdisjoint(_spellings(name))


def _factor(name: str) -> SecondFactor | None:
    return next((_NAMES[spelling] for spelling in _spellings(name) if spelling in _NAMES), None)


def _spellings(name: str) -> tuple[str, str]:
    """The letters of a name, and the same without what says that it is a code: `sms_otp` is `sms`."""
    letters = re.sub(r"[^a-z]", "", name.lower())
    return letters, re.sub(r"(otp|code)$", "", letters)
