"""Civil IDs, against the samples of the fact sheet and the properties of their check digit."""

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sandbox.core import civil_id

SAMPLES = {
    "262012093259": date(1962, 1, 20),
    "255083041792": date(1955, 8, 30),
    "260073081172": date(1960, 7, 30),
    "290042977379": date(1990, 4, 29),
    "284012234397": date(1984, 1, 22),
}

births = st.dates(date(1900, 1, 1), date(2099, 12, 31))
serials = st.integers(0, 9999)


def _made(born: date, serial: int) -> str:
    assume(civil_id.issuable(born, serial))
    return civil_id.make(born, serial)


def _fault(text: str) -> str:
    with pytest.raises(civil_id.CivilIdError) as caught:
        civil_id.validate(text)
    assert isinstance(caught.value, ValueError)
    return f"{caught.value.code}: {caught.value}"


@pytest.mark.parametrize(("text", "born"), SAMPLES.items())
def test_the_samples_of_the_fact_sheet_are_valid_and_made_again(text: str, born: date) -> None:
    assert civil_id.validate(text) == born
    assert civil_id.make(born, int(text[7:11])) == text


def test_people_born_from_2000_on_have_a_leading_three() -> None:
    born = date(2001, 2, 3)
    serial = next(serial for serial in civil_id.SYNTHETIC_SERIALS if civil_id.issuable(born, serial))
    assert civil_id.make(born, serial).startswith("3010203")


@given(births, serials)
def test_what_is_made_tells_the_date_of_birth(born: date, serial: int) -> None:
    text = _made(born, serial)
    assert len(text) == 12
    assert civil_id.validate(text) == born
    assert civil_id.is_synthetic(text) == (serial in civil_id.SYNTHETIC_SERIALS)


@given(births, serials)
def test_a_serial_is_issuable_exactly_when_it_can_be_made(born: date, serial: int) -> None:
    if civil_id.issuable(born, serial):
        assert civil_id.make(born, serial)
        return
    with pytest.raises(civil_id.UnissuableSerialError) as caught:
        civil_id.make(born, serial)
    assert (caught.value.date_of_birth, caught.value.serial) == (born, serial)


def test_about_two_serials_in_eleven_are_skipped() -> None:
    skipped = sum(not civil_id.issuable(date(1990, 4, 29), serial) for serial in range(10_000))
    assert skipped / 10_000 == pytest.approx(2 / 11, abs=0.01)


@given(births)
def test_every_birthday_has_room_for_many_synthetic_people(born: date) -> None:
    assert sum(civil_id.issuable(born, serial) for serial in civil_id.SYNTHETIC_SERIALS) >= 70


@given(births, serials, st.integers(0, 11), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(born: date, serial: int, place: int, shift: int) -> None:
    text = _made(born, serial)
    wrong = str((int(text[place]) + shift) % 10)
    with pytest.raises(civil_id.CivilIdError):
        civil_id.validate(text[:place] + wrong + text[place + 1 :])


@given(births, serials, st.integers(0, 10))
def test_two_swapped_neighbours_are_always_noticed(born: date, serial: int, place: int) -> None:
    text = _made(born, serial)
    assume(text[place] != text[place + 1])
    with pytest.raises(civil_id.CivilIdError):
        civil_id.validate(text[:place] + text[place + 1] + text[place] + text[place + 2 :])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "civil_id_length: a Civil ID has 12 digits, this one has 0"),
        ("26201209325", "civil_id_length: a Civil ID has 12 digits, this one has 11"),
        ("2620120932590", "civil_id_length: a Civil ID has 12 digits, this one has 13"),
        ("26201209325X", "civil_id_digits: a Civil ID has digits 0-9 only; position 12 is 'X'"),
        ("2620 12093259", "civil_id_digits: a Civil ID has digits 0-9 only; position 5 is ' '"),
        ("٢62012093259", "civil_id_digits: a Civil ID has digits 0-9 only; position 1 is '٢'"),
        ("162012093259", "civil_id_century: the first digit is 2 (1900s) or 3 (2000s), not 1"),
        ("262022993259", "civil_id_date: digits 2 to 7 (YYMMDD) are no date of the calendar"),
        ("262132093259", "civil_id_date: digits 2 to 7 (YYMMDD) are no date of the calendar"),
        ("262012093258", "civil_id_check_digit: the last digit does not fit the eleven before it"),
    ],
)
def test_the_fault_is_named(text: str, fault: str) -> None:
    assert _fault(text) == fault


@given(st.text("0123456789", min_size=12, max_size=12) | st.text(max_size=20))
def test_any_text_is_either_a_civil_id_or_a_civil_id_error(text: str) -> None:
    try:
        born = civil_id.validate(text)
    except civil_id.CivilIdError:
        return
    assert civil_id.make(born, int(text[7:11])) == text


@pytest.mark.parametrize("born", [date(1899, 12, 31), date(2100, 1, 1)])
def test_birth_years_beyond_the_two_centuries_are_refused(born: date) -> None:
    with pytest.raises(civil_id.CivilIdError, match="birth years 1900 to 2099") as caught:
        civil_id.make(born, 9900)
    assert caught.value.code == "civil_id_date"


@pytest.mark.parametrize("serial", [-1, 10_000])
def test_serials_of_more_than_four_digits_are_refused(serial: int) -> None:
    with pytest.raises(civil_id.CivilIdError, match="within 0 and 9999"):
        civil_id.issuable(date(1990, 1, 1), serial)


def test_whether_an_invalid_number_is_synthetic_is_not_answered() -> None:
    with pytest.raises(civil_id.CivilIdError):
        civil_id.is_synthetic("262012099999")
