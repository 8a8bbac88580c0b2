"""IBANs: making those of our Kuwaiti accounts, checking those of everybody.

The rules are ISO 13616 (structure) and ISO 7064 MOD 97-10 (check digits). Kuwait's structure is
`KW2!n4!a22!c`: two check digits, four letters for the bank, 22 letters or digits for the account; it is
enforced to the letter. Other countries are checked for characters, length and checksum only, not for their
own inner structure.

Not here: whether an account exists, what a bank is called, and which of them a customer may pay.
"""

import re
import string

__all__ = [
    "HOUSE_BANK",
    "HOUSE_BIC",
    "IbanError",
    "account_number_of",
    "bank_of",
    "check_digits",
    "is_house",
    "make",
    "normalise",
    "validate",
]

HOUSE_BANK = "SNBK"
"""The bank code of the house, a fictional one: no Kuwaiti bank uses it."""

HOUSE_BIC = "SNBKKWKW"
"""The BIC of the house; in Kuwait the bank code of an IBAN is the first four letters of the BIC."""

_MIN_LENGTH = 15
_MAX_LENGTH = 34
_KUWAIT_LENGTH = 30
_ACCOUNT_WIDTH = 22
_ACCOUNT = re.compile(r"[A-Z0-9]{1,22}")
_BANK = re.compile(r"[A-Z]{4}")
_FOREIGN_CHARACTER = re.compile(r"[^A-Z0-9]")
_START = re.compile(r"[A-Z]{2}[0-9]{2}")
_KUWAIT = re.compile(r"KW[0-9]{2}[A-Z]{4}[A-Z0-9]{22}")

# Only ASCII letters change case: str.upper() would turn a dotless i or a long s into a letter that passes.
_TO_UPPER = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)
_TO_NUMBER = str.maketrans({letter: str(10 + place) for place, letter in enumerate(string.ascii_uppercase)})

# Countries and territories of the ISO 13616 registry, and those that make IBANs without being in it.
_COUNTRIES_TEXT = """
    AD AE AL AO AT AX AZ BA BE BF BG BH BI BJ BL BR BY CF CG CH CI CM CR CV CY CZ DE DJ DK DO DZ EE EG
    ES FI FK FO FR GA GB GE GF GG GI GL GP GQ GR GT GW HN HR HU IE IL IM IQ IR IS IT JE JO KM KW KZ LB
    LC LI LT LU LV LY MA MC MD ME MF MG MK ML MN MQ MR MT MU MZ NC NE NI NL NO OM PF PK PL PM PS PT QA
    RE RO RS RU SA SC SD SE SI SK SM SN SO ST SV TD TF TG TL TN TR UA VA VG WF XK YE YT
"""
_COUNTRIES = frozenset(_COUNTRIES_TEXT.split())


class IbanError(ValueError):
    """A text that is no IBAN, or not of the kind asked for.

    `code` names the fault: `iban_characters`, `iban_start`, `iban_country`, `iban_length`, `iban_structure`,
    `iban_checksum`, `iban_not_kuwaiti` or `iban_not_house`. The message says what is wrong and where.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def normalise(text: str) -> str:
    """An IBAN in electronic form: no white space, ASCII letters in upper case; nothing is checked."""
    return "".join(text.split()).translate(_TO_UPPER)


def check_digits(country: str, bban: str) -> str:
    """The two check digits, `02` to `98`, for a country code and the rest of the IBAN (ISO 7064 MOD 97-10).

    Args:
        country: two capital letters.
        bban: what follows the check digits: capital letters and digits.

    Raises:
        IbanError: another character is in the way.
    """
    _check_characters(country + bban)
    number = int(f"{bban}{country}00".translate(_TO_NUMBER))
    return f"{98 - number % 97:02d}"


def make(account_number: str, bank: str = HOUSE_BANK) -> str:
    """The Kuwaiti IBAN of an account: its number is filled with zeros on the left to 22 places.

    Args:
        account_number: 1 to 22 digits or letters.
        bank: the four letters of the bank.

    Raises:
        IbanError: the account number or the bank code does not fit the Kuwaiti structure.
    """
    number, bank_code = normalise(account_number), normalise(bank)
    if not _ACCOUNT.fullmatch(number):
        raise IbanError("iban_structure", "an account number has 1 to 22 letters A-Z or digits")
    if not _BANK.fullmatch(bank_code):
        raise IbanError("iban_structure", "a Kuwaiti bank code has exactly four letters")
    bban = bank_code + number.rjust(_ACCOUNT_WIDTH, "0")
    return f"KW{check_digits('KW', bban)}{bban}"


def validate(text: str) -> str:
    """The normalised IBAN, of any country.

    Raises:
        IbanError: the first fault, looked for in the order characters, start, country, length, structure
            (of Kuwait only), checksum.
    """
    iban = normalise(text)
    _check_characters(iban)
    if not _START.match(iban):
        raise IbanError("iban_start", "an IBAN starts with two letters for the country and two check digits")
    country = iban[:2]
    if country not in _COUNTRIES:
        raise IbanError("iban_country", f"there is no IBAN rule for country {country}")
    _check_length(iban)
    if country == "KW" and not _KUWAIT.fullmatch(iban):
        raise IbanError("iban_structure", "a Kuwaiti IBAN has the four letters of the bank at positions 5 to 8")
    # Compared with the made digits rather than by remainder 1: 00, 01 and 99 would pass as 97, 98 and 02.
    if iban[2:4] != check_digits(country, iban[4:]):
        raise IbanError("iban_checksum", f"the check digits {iban[2:4]} do not fit the rest of the IBAN")
    return iban


def bank_of(iban: str) -> str:
    """The four letters of the bank in a Kuwaiti IBAN.

    Raises:
        IbanError: no valid IBAN, or one of another country.
    """
    checked = validate(iban)
    if not checked.startswith("KW"):
        raise IbanError("iban_not_kuwaiti", f"an IBAN of {checked[:2]} has no Kuwaiti bank code")
    return checked[4:8]


def is_house(iban: str) -> bool:
    """Whether an IBAN is one of this bank's own.

    Raises:
        IbanError: no valid IBAN, so that a misspelt one is never taken for a foreign one.
    """
    return _is_house(validate(iban))


def account_number_of(iban: str) -> str:
    """The account number in an IBAN of the house, without the zeros that fill it; `0` if all are zeros.

    Raises:
        IbanError: no valid IBAN, or one of another bank, whose numbering we do not know.
    """
    checked = validate(iban)
    if not _is_house(checked):
        raise IbanError("iban_not_house", "only an IBAN of the house says which account it is")
    return checked[8:].lstrip("0") or "0"


def _is_house(checked: str) -> bool:
    return checked.startswith("KW") and checked[4:8] == HOUSE_BANK


def _check_characters(text: str) -> None:
    foreign = _FOREIGN_CHARACTER.search(text)
    if foreign:
        place = foreign.start() + 1
        raise IbanError(
            "iban_characters", f"an IBAN has letters A-Z and digits only; position {place} is {foreign[0]!r}"
        )


def _check_length(iban: str) -> None:
    length = len(iban)
    if iban.startswith("KW") and length != _KUWAIT_LENGTH:
        raise IbanError("iban_length", f"a Kuwaiti IBAN has {_KUWAIT_LENGTH} characters, this one has {length}")
    if not _MIN_LENGTH <= length <= _MAX_LENGTH:
        raise IbanError("iban_length", f"an IBAN has {_MIN_LENGTH} to {_MAX_LENGTH} characters, this one has {length}")
