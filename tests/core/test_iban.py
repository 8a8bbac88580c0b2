"""IBANs, against the vectors of the fact sheet and against schwifty."""

import random
import string

import pytest
import schwifty
from hypothesis import assume, given
from hypothesis import strategies as st
from schwifty import registry
from schwifty.exceptions import SchwiftyException

from sandbox.core import iban

OFFICIAL_SAMPLE = "KW81CBKU0000000000001234560101"
HOUSE_SAMPLE = "KW23SNBK0000000000000100000001"

account_numbers = st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=22)
banks = st.text(string.ascii_uppercase, min_size=4, max_size=4)


def _fault(text: str) -> str:
    with pytest.raises(iban.IbanError) as caught:
        iban.validate(text)
    assert isinstance(caught.value, ValueError)
    return f"{caught.value.code}: {caught.value}"


def test_the_official_sample_is_valid_in_any_spelling() -> None:
    assert iban.validate("kw81 cbku 0000 0000 0000 1234 5601 01") == OFFICIAL_SAMPLE


def test_the_house_sample_is_made_from_its_account_number() -> None:
    assert iban.make("100000001") == HOUSE_SAMPLE
    assert iban.HOUSE_BIC[:4] == iban.HOUSE_BANK


@pytest.mark.parametrize(
    ("bank", "digits"),
    [
        ("NBOK", "09"),
        ("KFHO", "52"),
        ("GULB", "59"),
        ("COMB", "05"),
        ("BBYN", "09"),
        ("ABKK", "12"),
        ("BRGN", "78"),
        ("KWIB", "42"),
        ("WRBA", "03"),
        ("BKME", "56"),
        ("CBKU", "74"),
    ],
)
def test_check_digits_are_those_of_the_fact_sheet(bank: str, digits: str) -> None:
    assert iban.check_digits("KW", f"{bank}0000000000001234567890") == digits
    assert iban.make("1234567890", bank) == f"KW{digits}{bank}0000000000001234567890"


@given(account_numbers, banks)
def test_what_we_make_is_valid_for_us_and_for_schwifty(account_number: str, bank: str) -> None:
    made = iban.make(account_number, bank)
    assert iban.validate(made) == made == schwifty.IBAN(made)
    assert iban.bank_of(made) == bank


@given(account_numbers)
def test_the_account_number_of_a_house_iban_comes_back(account_number: str) -> None:
    made = iban.make(account_number)
    assert iban.is_house(made)
    assert iban.account_number_of(made) == (account_number.lstrip("0") or "0")


@given(account_numbers, banks, st.integers(2, 29), st.integers(1, 25))
def test_a_wrong_digit_or_letter_is_always_noticed(account_number: str, bank: str, place: int, shift: int) -> None:
    # A letter typed for a digit is not promised: it counts as two digits, and one in 97 slips through.
    made = iban.make(account_number, bank)
    alphabet = string.digits if made[place].isdigit() else string.ascii_uppercase
    wrong = alphabet[(alphabet.index(made[place]) + shift) % len(alphabet)]
    assume(wrong != made[place])
    with pytest.raises(iban.IbanError):
        iban.validate(made[:place] + wrong + made[place + 1 :])


@given(st.integers(0, 99), account_numbers, st.text("ABKS019", min_size=4, max_size=4))
def test_we_and_schwifty_agree_on_kuwaiti_ibans(digits: int, account_number: str, bank: str) -> None:
    text = f"KW{digits:02d}{bank}{account_number.rjust(22, '0')}"
    try:
        schwifty.IBAN(text)
    except SchwiftyException:
        with pytest.raises(iban.IbanError):
            iban.validate(text)
    else:
        assert iban.validate(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "GB82 WEST 1234 5698 7654 32",
        "DE89370400440532013000",
        "SA0380000000608010167519",
        "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S",
    ],
)
def test_ibans_of_other_countries_are_accepted(text: str) -> None:
    assert iban.validate(text) == text.replace(" ", "")
    assert not iban.is_house(text)


@given(st.sampled_from(["AE", "BH", "EG", "FR", "IT", "JO", "QA", "TR"]), st.integers(0, 2**32))
def test_ibans_of_other_countries_made_by_schwifty_are_accepted(country: str, seed: int) -> None:
    made = str(schwifty.IBAN.random(country_code=country, random=random.Random(seed)))
    assert iban.validate(made) == made


def test_every_country_that_schwifty_knows_has_a_rule_here() -> None:
    for country in registry.get_countries():
        if country != "KW":
            bban = "1" * 20
            text = f"{country}{iban.check_digits(country, bban)}{bban}"
            assert iban.validate(text) == text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "iban_start: an IBAN starts with two letters for the country and two check digits"),
        ("1234", "iban_start: an IBAN starts with two letters for the country and two check digits"),
        (
            HOUSE_SAMPLE[:-1],
            "iban_length: a Kuwaiti IBAN has 30 characters, this one has 29",
        ),
        (f"{HOUSE_SAMPLE}0", "iban_length: a Kuwaiti IBAN has 30 characters, this one has 31"),
        ("NO938601111794", "iban_length: an IBAN has 15 to 34 characters, this one has 14"),
        ("GB82" + "0" * 31, "iban_length: an IBAN has 15 to 34 characters, this one has 35"),
        ("US64SVBKUS6S3300958879", "iban_country: there is no IBAN rule for country US"),
        (
            "KW23-SNBK0000000000000100000001",
            "iban_characters: an IBAN has letters A-Z and digits only; position 5 is '-'",
        ),
        (
            "KW23SNB10000000000000100000001",
            "iban_structure: a Kuwaiti IBAN has the four letters of the bank at positions 5 to 8",
        ),
        (
            "KW24SNBK0000000000000100000001",
            "iban_checksum: the check digits 24 do not fit the rest of the IBAN",
        ),
    ],
)
def test_the_fault_is_named(text: str, fault: str) -> None:
    assert _fault(text) == fault


@pytest.mark.parametrize("letter", ["ı", "ſ", "Κ", "٣", "ß"])
def test_letters_that_only_look_latin_are_refused(letter: str) -> None:
    assert _fault(f"KW23{letter}NBK0000000000000100000001").startswith("iban_characters")


def test_check_digits_that_only_share_the_remainder_are_refused() -> None:
    number = next(str(n) for n in range(1, 1000) if iban.make(str(n))[2:4] == "97")
    valid = iban.make(number)
    assert _fault(f"KW00{valid[4:]}").startswith("iban_checksum")


@given(st.text(max_size=40))
def test_any_text_is_either_an_iban_or_an_iban_error(text: str) -> None:
    try:
        checked = iban.validate(text)
    except iban.IbanError:
        return
    assert iban.normalise(checked) == checked


@pytest.mark.parametrize("account_number", ["", "1" * 23, "12-34", "١٢٣"])
def test_an_account_number_that_does_not_fit_is_refused(account_number: str) -> None:
    with pytest.raises(iban.IbanError, match="1 to 22 letters A-Z or digits"):
        iban.make(account_number)


@pytest.mark.parametrize("bank", ["", "SNB", "SNBKK", "SNB1"])
def test_a_bank_code_that_does_not_fit_is_refused(bank: str) -> None:
    with pytest.raises(iban.IbanError, match="exactly four letters"):
        iban.make("1", bank)


def test_the_bank_of_a_foreign_iban_is_refused() -> None:
    with pytest.raises(iban.IbanError, match="an IBAN of GB has no Kuwaiti bank code"):
        iban.bank_of("GB82WEST12345698765432")


def test_a_house_code_abroad_is_not_the_house() -> None:
    bban = "SNBK0000000000000100000001"
    assert not iban.is_house(f"GB{iban.check_digits('GB', bban)}{bban}")


def test_the_account_number_in_an_iban_of_another_bank_is_refused() -> None:
    with pytest.raises(iban.IbanError, match="only an IBAN of the house") as caught:
        iban.account_number_of(OFFICIAL_SAMPLE)
    assert caught.value.code == "iban_not_house"


def test_a_misspelt_house_iban_is_not_taken_for_a_foreign_one() -> None:
    with pytest.raises(iban.IbanError, match="check digits"):
        iban.is_house("KW24SNBK0000000000000100000001")
