"""Kuwaiti phone numbers: any common spelling to E.164, and back to how people write them.

Rules of the national numbering plan: mobile numbers have eight digits and start with 5, 6, 9 or 41; landlines
have eight and start with 22 to 25; toll-free numbers have seven and start with 18. There is no trunk prefix.
Within these first digits every number is accepted, also a block not yet given to an operator.

Not here: who the operator is (numbers move between operators) and numbers of other countries. Kuwait reserves
no range for fiction, so nothing in this project may ever send a message to a number.
"""

import re

__all__ = ["PhoneError", "format", "is_mobile", "validate"]

_COUNTRY_CODE = "+965"
_INTERNATIONAL = re.compile(r"(?:\+|00)(965)?")
_SEPARATORS = str.maketrans("", "", " \N{NO-BREAK SPACE}-.()")
_FOREIGN_CHARACTER = re.compile(r"(?!^\+)[^0-9]")
_MOBILE = re.compile(r"(?:[569][0-9]|41)[0-9]{6}")
_LANDLINE = re.compile(r"2[2-5][0-9]{6}")
_TOLL_FREE = re.compile(r"18[0-9]{5}")
# These are written in three and five digits, all others with a first group of four.
_FIRST_GROUP_OF_THREE = re.compile(r"4|5[^2]|24[04]")


class PhoneError(ValueError):
    """A text that is no Kuwaiti phone number.

    `code` names the fault: `phone_characters`, `phone_country`, `phone_length` or `phone_prefix`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def validate(text: str) -> str:
    """The E.164 form, such as `+96599001234`, of a number written `+965 9900 1234`, `00965...` or `99001234`.

    Spaces, hyphens, dots and parentheses between the digits are ignored.

    Raises:
        PhoneError: the first fault, looked for in the order characters, country, length, first digits.
    """
    return _COUNTRY_CODE + _national(text)


def is_mobile(text: str) -> bool:
    """Whether a number is a mobile one, so that it can receive an SMS or name a wallet.

    Raises:
        PhoneError: no Kuwaiti phone number at all.
    """
    return _MOBILE.fullmatch(_national(text)) is not None


def format(text: str) -> str:  # noqa: A001 - reads well as phone.format; the built-in is not needed here
    """A number as people write it: `+965 9900 1234`, `+965 500 01234`, `+965 1801 234`.

    Raises:
        PhoneError: no Kuwaiti phone number.
    """
    national = _national(text)
    width = 3 if _FIRST_GROUP_OF_THREE.match(national) else 4
    return f"{_COUNTRY_CODE} {national[:width]} {national[width:]}"


def _national(text: str) -> str:
    digits = text.translate(_SEPARATORS)
    foreign = _FOREIGN_CHARACTER.search(digits)
    if foreign:
        raise PhoneError("phone_characters", f"a phone number has digits 0-9 and a leading +, but no {foreign[0]!r}")
    prefix = _INTERNATIONAL.match(digits)
    if prefix:
        if prefix[1] is None:
            raise PhoneError("phone_country", "the country code is not 965, the one of Kuwait")
        digits = digits[prefix.end() :]
    _check_plan(digits)
    return digits


def _check_plan(national: str) -> None:
    if any(rule.fullmatch(national) for rule in (_MOBILE, _LANDLINE, _TOLL_FREE)):
        return
    expected = 7 if national.startswith("18") else 8
    if len(national) != expected:
        raise PhoneError(
            "phone_length",
            f"after the country code come 8 digits (7 if toll-free), here there are {len(national)}",
        )
    raise PhoneError("phone_prefix", f"no Kuwaiti number starts with {national[:2]}")
