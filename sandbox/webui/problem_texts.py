"""What the catalogue of refusals does not say itself: the meaning in Arabic, what to do, the members, an example.

The texts stand in `problem_texts.json`, by code. In them `backticks` mark what is code. The English meaning is the
docstring of the refusal's class.
"""

from pathlib import Path
from typing import Any, Final

import msgspec

from sandbox.core.catalogue import catalogue
from sandbox.core.errors import DomainError
from sandbox.core.vocabulary import Language

_FILE: Final = Path(__file__).with_name("problem_texts.json")


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text in both languages."""

    en: str
    ar: str

    def of(self, language: Language) -> str:
        """The text in one of them."""
        return self.ar if language is Language.ARABIC else self.en


class _Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the file has of one code."""

    meaning_ar: str
    remedy: Said
    members: dict[str, Said] = {}
    example: dict[str, Any]


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """All there is to say of one refusal. `family` names the branch of the tree of errors."""

    code: str
    family: str
    status: int
    reason: str | None
    title: Said
    meaning: Said
    remedy: Said
    members: dict[str, Said]
    """What a problem of this type adds to the usual members, each with what it tells."""
    example: dict[str, Any]

    def example_in(self, language: Language) -> dict[str, Any]:
        """A whole problem, as an answer has it."""
        example = dict(self.example)
        body = {
            "type": f"/problems/{self.code}",
            "title": self.title.of(language),
            "status": self.status,
            "detail": example.pop("detail"),
            "instance": example.pop("instance"),
            "code": self.code,
        }
        if self.reason is not None:
            body["reason"] = self.reason
        return body | example | {"request_id": _REQUEST_ID}


_REQUEST_ID: Final = "f3a220b1-70a6-895e-b933-454821a54fb4"


def read_texts(file: Path = _FILE) -> dict[str, Explained]:
    """Every refusal of the catalogue, explained, in the catalogue's order.

    Raises:
        KeyError: the file lacks one.
        msgspec.DecodeError: the file is not of the shape of `_Written`.
    """
    written = msgspec.json.decode(file.read_bytes(), type=dict[str, _Written])
    return {code: _explained(kind, written[code]) for code, kind in catalogue().items()}


def _explained(kind: type[DomainError], written: _Written) -> Explained:
    return Explained(
        code=kind.code,
        family=kind.__mro__[1].__name__,
        status=kind.status,
        reason=kind.reason,
        title=Said(kind.title, kind.title_ar),
        # Python leaves docstrings out when it is run with -OO.
        meaning=Said(" ".join((kind.__doc__ or kind.title).split()), written.meaning_ar),
        remedy=written.remedy,
        members=written.members,
        example=written.example,
    )
