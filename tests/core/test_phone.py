"""Kuwaiti phone numbers, against the fact sheet and against phonenumbers (Google's metadata)."""

import re

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sandbox.core import phone

first_digits = st.sampled_from(["5", "6", "9", "41", "22", "23", "24", "25", "18"])


@st.composite
def _numbers(draw: st.DrawFn) -> str:
    """A national number by the plan: seven digits after 18, else eight."""
    start = draw(first_digits)
    rest = (7 if start == "18" else 8) - len(start)
    return start + draw(st.text("0123456789", min_size=rest, max_size=rest))


numbers = _numbers()


def _library_number(national: str) -> phonenumbers.PhoneNumber:
    return phonenumbers.PhoneNumber(country_code=965, national_number=int(national))


def _fault(text: str) -> str:
    with pytest.raises(phone.PhoneError) as caught:
        phone.validate(text)
    assert isinstance(caught.value, ValueError)
    return f"{caught.value.code}: {caught.value}"


@pytest.mark.parametrize(
    "text",
    [
        "+965 9900 1234",
        "+96599001234",
        "99001234",
        "9900 1234",
        "9900-1234",
        "0096599001234",
        "00965 9900.1234",
        "(+965) 9900 1234",
        "+965\N{NO-BREAK SPACE}9900\N{NO-BREAK SPACE}1234",
    ],
)
def test_every_common_spelling_gives_the_same_number(text: str) -> None:
    assert phone.validate(text) == "+96599001234"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("+96599001234", "+965 9900 1234"),
        ("50001234", "+965 500 01234"),
        ("60001234", "+965 6000 1234"),
        ("41001234", "+965 410 01234"),
        ("52221234", "+965 5222 1234"),
        ("22345678", "+965 2234 5678"),
        ("24441234", "+965 244 41234"),
        ("1801234", "+965 1801 234"),
    ],
)
def test_numbers_are_shown_as_kuwait_writes_them(text: str, shown: str) -> None:
    assert phone.format(text) == shown


@given(numbers)
def test_a_number_is_shown_as_phonenumbers_shows_it(national: str) -> None:
    expected = phonenumbers.format_number(_library_number(national), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    assert phone.format(national) == expected


@given(numbers)
def test_what_is_shown_is_read_back(national: str) -> None:
    assert phone.validate(phone.format(national)) == phone.validate(national) == f"+965{national}"


@given(st.text("0123456789", min_size=6, max_size=9) | numbers)
@example("52221234")
@example("24441234")
def test_whatever_phonenumbers_calls_valid_is_accepted(national: str) -> None:
    number = _library_number(national)
    if national.startswith("0") or not phonenumbers.is_valid_number(number):
        return
    assert phone.validate(national) == phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    is_mobile = phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
    assert phone.is_mobile(national) == is_mobile


@given(st.text("0123456789", min_size=1, max_size=12))
def test_whatever_is_accepted_follows_the_general_pattern_of_phonenumbers(text: str) -> None:
    try:
        accepted = phone.validate(text)
    except phone.PhoneError:
        return
    metadata = phonenumbers.PhoneMetadata.metadata_for_region("KW")
    assert metadata is not None
    assert metadata.general_desc is not None
    assert re.fullmatch(metadata.general_desc.national_number_pattern or "", accepted[4:])


@pytest.mark.parametrize("text", ["50001234", "60001234", "99001234", "41001234"])
def test_mobile_numbers_are_mobile(text: str) -> None:
    assert phone.is_mobile(text)


@pytest.mark.parametrize("text", ["22345678", "25001234", "1801234"])
def test_landlines_and_toll_free_numbers_are_not_mobile(text: str) -> None:
    assert not phone.is_mobile(text)


def test_a_mobile_number_that_begins_like_the_country_code_is_kept_whole() -> None:
    assert phone.validate("96512345") == "+96596512345"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "phone_length: after the country code come 8 digits (7 if toll-free), here there are 0"),
        ("+965", "phone_length: after the country code come 8 digits (7 if toll-free), here there are 0"),
        ("9900123", "phone_length: after the country code come 8 digits (7 if toll-free), here there are 7"),
        (
            "990012345",
            "phone_length: after the country code come 8 digits (7 if toll-free), here there are 9",
        ),
        ("18012345", "phone_length: after the country code come 8 digits (7 if toll-free), here there are 8"),
        (
            "96599001234",
            "phone_length: after the country code come 8 digits (7 if toll-free), here there are 11",
        ),
        ("70001234", "phone_prefix: no Kuwaiti number starts with 70"),
        ("+965 2600 1234", "phone_prefix: no Kuwaiti number starts with 26"),
        ("42001234", "phone_prefix: no Kuwaiti number starts with 42"),
        ("+966 50 000 1234", "phone_country: the country code is not 965, the one of Kuwait"),
        ("0020 10 0000 1234", "phone_country: the country code is not 965, the one of Kuwait"),
        ("9900 12E4", "phone_characters: a phone number has digits 0-9 and a leading +, but no 'E'"),
        ("9900+1234", "phone_characters: a phone number has digits 0-9 and a leading +, but no '+'"),
        ("++96599001234", "phone_characters: a phone number has digits 0-9 and a leading +, but no '+'"),
        ("٩٩٠٠١٢٣٤", "phone_characters: a phone number has digits 0-9 and a leading +, but no '٩'"),
        ("99001234\n", "phone_characters: a phone number has digits 0-9 and a leading +, but no '\\n'"),
    ],
)
def test_the_fault_is_named(text: str, fault: str) -> None:
    assert _fault(text) == fault


@given(st.text("+0123456789 -", max_size=16) | st.text(max_size=16))
def test_any_text_is_either_a_number_or_a_phone_error(text: str) -> None:
    try:
        accepted = phone.validate(text)
    except phone.PhoneError:
        return
    assert phone.validate(accepted) == accepted
