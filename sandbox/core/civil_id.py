"""Kuwaiti Civil IDs: the 12-digit number of a person, made for synthetic people and checked for all.

The layout is `C YYMMDD SSSS X`: century (2 for 1900 to 1999, 3 for 2000 to 2099), date of birth, serial,
check digit. The check digit is 11 minus the weighted sum of the eleven others modulo 11. About two serials in
eleven would need a check digit of 10 or 11: such numbers are never issued.

Not here: who a number belongs to. Real people hold real numbers, so seeds use `SYNTHETIC_SERIALS` only;
messages never repeat the number.
"""

import re
from datetime import date

__all__ = [
    "SYNTHETIC_SERIALS",
    "CivilIdError",
    "UnissuableSerialError",
    "is_synthetic",
    "issuable",
    "make",
    "validate",
]

SYNTHETIC_SERIALS = range(9900, 10000)
"""The serials kept for invented people; the band is our convention, not a rule of Kuwait."""

_LENGTH = 12
_WEIGHTS = (2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CENTURY_DIGITS = {19: "2", 20: "3"}
_CENTURIES = {digit: century for century, digit in _CENTURY_DIGITS.items()}
_NO_DIGIT = re.compile(r"[^0-9]")


class CivilIdError(ValueError):
    """A text that is no Civil ID, or facts of which none can be made.

    `code` names the fault: `civil_id_digits`, `civil_id_length`, `civil_id_century`, `civil_id_date`,
    `civil_id_check_digit`, `civil_id_serial` or `civil_id_unissuable`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class UnissuableSerialError(CivilIdError):
    """A serial that the check digit forbids for this date of birth; the next one may do."""

    def __init__(self, *, date_of_birth: date, serial: int) -> None:
        super().__init__("civil_id_unissuable", f"serial {serial:04d} has no check digit for {date_of_birth:%Y-%m-%d}")
        self.date_of_birth = date_of_birth
        self.serial = serial


def make(date_of_birth: date, serial: int) -> str:
    """The Civil ID of a date of birth and a serial.

    Args:
        date_of_birth: from 1900-01-01 to 2099-12-31.
        serial: 0 to 9999; for invented people one of `SYNTHETIC_SERIALS`.

    Raises:
        UnissuableSerialError: the check digit would be 10 or 11.
        CivilIdError: date or serial out of range.
    """
    body = _body(date_of_birth, serial)
    check = _check_value(body)
    if check > 9:
        raise UnissuableSerialError(date_of_birth=date_of_birth, serial=serial)
    return f"{body}{check}"


def issuable(date_of_birth: date, serial: int) -> bool:
    """Whether `make` would give a number for this date of birth and serial.

    Raises:
        CivilIdError: date or serial out of range.
    """
    return _check_value(_body(date_of_birth, serial)) <= 9


def validate(text: str) -> date:
    """The date of birth that a Civil ID carries.

    Raises:
        CivilIdError: the first fault, looked for in the order digits, length, century, date, check digit.
    """
    foreign = _NO_DIGIT.search(text)
    if foreign:
        raise CivilIdError(
            "civil_id_digits",
            f"a Civil ID has digits 0-9 only; position {foreign.start() + 1} is {foreign[0]!r}",
        )
    if len(text) != _LENGTH:
        raise CivilIdError("civil_id_length", f"a Civil ID has {_LENGTH} digits, this one has {len(text)}")
    date_of_birth = _date_of_birth(text)
    if _check_value(text[:-1]) != int(text[-1]):
        raise CivilIdError("civil_id_check_digit", "the last digit does not fit the eleven before it")
    return date_of_birth


def is_synthetic(text: str) -> bool:
    """Whether a Civil ID lies in the band of invented people.

    Raises:
        CivilIdError: no valid Civil ID.
    """
    validate(text)
    return int(text[7:11]) in SYNTHETIC_SERIALS


def _body(date_of_birth: date, serial: int) -> str:
    century_digit = _CENTURY_DIGITS.get(date_of_birth.year // 100)
    if century_digit is None:
        raise CivilIdError("civil_id_date", f"a Civil ID carries birth years 1900 to 2099, not {date_of_birth.year}")
    if not 0 <= serial <= 9999:
        raise CivilIdError("civil_id_serial", f"a serial lies within 0 and 9999, {serial} does not")
    return f"{century_digit}{date_of_birth:%y%m%d}{serial:04d}"


def _check_value(body: str) -> int:
    weighted = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, body, strict=True))
    return 11 - weighted % 11


def _date_of_birth(text: str) -> date:
    century = _CENTURIES.get(text[0])
    if century is None:
        raise CivilIdError("civil_id_century", f"the first digit is 2 (1900s) or 3 (2000s), not {text[0]}")
    year, month, day = century * 100 + int(text[1:3]), int(text[3:5]), int(text[5:7])
    try:
        return date(year, month, day)
    except ValueError as fault:
        raise CivilIdError("civil_id_date", "digits 2 to 7 (YYMMDD) are no date of the calendar") from fault
