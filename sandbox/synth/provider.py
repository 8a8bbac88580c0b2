"""Kuwaiti names, addresses and numbers for Faker.

For testers it is a provider like any other: `fake.add_provider(KuwaitProvider)`, and Faker's chance chooses. The
generator writes its texts through the same patterns, but brings every word with it: then nothing is drawn, and no byte
depends on Faker's seed or on its version's tables.
"""

import functools
import re
from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from faker.generator import Generator
from faker.providers import BaseProvider

from sandbox.core import civil_id, iban, phone
from sandbox.synth.merchants import areas
from sandbox.synth.naming import Name, Word, pool
from sandbox.synth.tables import blocks, employers, homes, occupations

__all__ = ["Address", "KuwaitProvider", "Pen"]

_TOKENS = (
    "given", "father", "grandfather", "family", "number", "area", "block", "street", "house", "building", "floor",
    "flat",
)  # fmt: skip
_HOUSE = "{{area}}, Block {{block}}, {{street}}, House {{house}}"
_HOUSE_ARABIC = "{{area}}، قطعة {{block}}، {{street}}، منزل {{house}}"
_FLAT = "{{area}}, Block {{block}}, {{street}}, Building {{building}}, Floor {{floor}}, Flat {{flat}}"
_FLAT_ARABIC = "{{area}}، قطعة {{block}}، {{street}}، بناية {{building}}، دور {{floor}}، شقة {{flat}}"
_NUMBERED = ("Street {}", "شارع {}")
_EMAIL = "{{given}}.{{family}}{{number}}@example.com"
_NO_LETTER = re.compile("[^a-z]")
_STREETS, _HOUSES = 40, 90


class Address(NamedTuple):
    """Where somebody lives: in a house, or in a flat of a building."""

    governorate: str
    """ISO 3166-2."""
    area: Word
    block: str
    street: Word
    """Its number, or what it is called."""
    house: str = ""
    building: str = ""
    floor: str = ""
    flat: str = ""
    paci: str = ""
    """The number of the dwelling in the civil registry."""


class Pen:
    """Writes texts from a pattern and given words, with Faker's syntax and without its chance."""

    def __init__(self) -> None:
        self._words: dict[str, str] = {}
        self._generator = Generator()
        for token in _TOKENS:
            self._generator.set_formatter(token, functools.partial(self._words.__getitem__, token))

    def write(self, pattern: str, words: Mapping[str, str]) -> str:
        """The pattern with its tokens replaced.

        Raises:
            KeyError: a word is missing.
        """
        self._words.clear()
        self._words.update(words)
        return self._generator.parse(pattern)

    def name(self, name: Name, *, arabic: bool = False) -> str:
        """A full name."""
        parts = {part: getattr(name, part)[arabic] for part in ("given", "father", "grandfather", "family")}
        return self.write(name.pattern, parts)

    def address(self, address: Address, *, arabic: bool = False) -> str:
        """An address on one line."""
        house, flat = (_HOUSE_ARABIC, _FLAT_ARABIC) if arabic else (_HOUSE, _FLAT)
        street = address.street[arabic]
        words = {
            **address._asdict(),
            "area": address.area[arabic],
            "street": _NUMBERED[arabic].format(street) if street.isdigit() else street,
        }
        return self.write(house if address.house else flat, words)

    def email(self, name: Name, number: str = "") -> str:
        """An address of a domain that is kept for examples (RFC 2606)."""
        words = {part: _NO_LETTER.sub("", getattr(name, part).latin.lower()) for part in ("given", "family")}
        return self.write(_EMAIL, {**words, "number": number})


class KuwaitProvider(BaseProvider):
    """What Faker knows of Kuwait: `fake.kuwaiti_name()`, `fake.civil_id()`, `fake.kuwaiti_address()` and others."""

    def kuwaiti_name(self) -> str:
        """A full name in Latin letters: `Fahad Nasser Khaled Al-Mutairi`."""
        return Pen().name(self._name())

    def kuwaiti_name_ar(self) -> str:
        """A full name in Arabic letters."""
        return Pen().name(self._name(), arabic=True)

    def kuwaiti_email(self) -> str:
        """An e-mail address that is nobody's."""
        return Pen().email(self._name(), str(self.random_int(1, 9_999)))

    def kuwaiti_phone(self) -> str:
        """A mobile number as people write it: `+965 9900 1234`."""
        first = self.random_element(("50", "55", "66", "90", "94", "97", "99"))
        return phone.format(f"+965{first}{self.random_int(0, 999_999):06d}")

    def kuwaiti_address(self) -> str:
        """An address on one line."""
        return Pen().address(self._address())

    def kuwaiti_address_ar(self) -> str:
        """An address on one line, in Arabic."""
        return Pen().address(self._address(), arabic=True)

    def kuwaiti_area(self) -> str:
        """An area, such as `Salmiya`."""
        return str(self.random_element(areas())["en"])

    def kuwaiti_employer(self) -> str:
        """The name of an invented employer."""
        return self.random_element(employers()).name

    def kuwaiti_occupation(self) -> str:
        """Something that people in Kuwait do."""
        return self.random_element(occupations()).name

    def kuwaiti_iban(self) -> str:
        """A valid IBAN of the house bank, which no real bank uses."""
        return iban.make(f"{self.random_int(0, 9_999_999_999):010d}")

    def civil_id(self, date_of_birth: date | None = None) -> str:
        """A valid Civil ID in the band of invented people."""
        born = date_of_birth or date.fromordinal(
            self.random_int(date(1950, 1, 1).toordinal(), date(2007, 12, 31).toordinal())
        )
        serials = [serial for serial in civil_id.SYNTHETIC_SERIALS if civil_id.issuable(born, serial)]
        return civil_id.make(born, self.random_element(serials))

    def _name(self) -> Name:
        its = pool("gulf")
        given = self.random_element((*its.men, *its.women))
        father, grandfather = self.random_sample(its.men, 2)
        return Name(its.pattern, given, father, grandfather, self.random_element(its.families))

    def _address(self) -> Address:
        area, street = self.random_element(areas()), str(self.random_int(1, _STREETS))
        named = self.random_element(([street, street], *homes()["streets"]))
        return Address(
            area["governorate"],
            Word(area["en"], area["ar"]),
            str(self.random_int(1, blocks()[area["en"]])),
            Word(named[0], named[1]),
            str(self.random_int(1, _HOUSES)),
        )
