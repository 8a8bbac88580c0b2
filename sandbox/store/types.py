"""Column types: public identifiers in 16 bytes, enumerations as small numbers, JSON as its own text."""

import re
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_JSON_OUT = msgspec.json.Encoder(order="sorted", decimal_format="number")
_JSON_IN = msgspec.json.Decoder(float_hook=Decimal)

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)


def pack_id(text: str) -> bytes:
    """A public identifier as bytes: 16 for a canonical UUID, its UTF-8 for any other text.

    A text of 16 bytes would look like a UUID, so it gets a trailing NUL; identifiers hold no NUL of their own.
    """
    if _UUID.fullmatch(text):
        return bytes.fromhex(text.replace("-", ""))
    raw = text.encode()
    if b"\0" in raw:
        return b"\0" + raw  # no identifier has a NUL: what is looked up with one must find nothing
    return raw + b"\0" if len(raw) == 16 else raw


def unpack_id(raw: bytes) -> str:
    """The text of `pack_id`'s bytes."""
    if len(raw) == 16:
        text = raw.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return raw.rstrip(b"\0").decode()


class PublicId(sa.LargeBinary):
    """A public identifier: text in Python, bytes in the database (see docs/decisions/0001).

    Its processors are the two functions themselves: a TypeDecorator's layers cost more than the work.
    """

    def bind_processor(self, dialect: Dialect) -> Any:  # noqa: ARG002
        """Pack on the way in."""
        return lambda value: None if value is None else pack_id(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:  # noqa: ARG002
        """Unpack on the way out."""
        return lambda value: None if value is None else unpack_id(value)


class Coded(TypeDecorator[Any]):
    """An enumeration as its ordinal: for tables with many rows. Members may be added at the end only.

    Its processors are look-ups, for the same reason as those of `PublicId`.
    """

    impl = sa.SmallInteger
    cache_ok = True

    def __init__(self, kind: type[StrEnum]) -> None:
        super().__init__()
        self.kind = kind
        self._members: dict[int | None, StrEnum | None] = {None: None, **dict(enumerate(kind))}
        self._codes = {member: code for code, member in self._members.items()}

    def bind_processor(self, dialect: Dialect) -> Any:  # noqa: ARG002
        """The member's ordinal."""
        return self._codes.__getitem__

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:  # noqa: ARG002
        """The member."""
        return self._members.__getitem__


class JsonText(TypeDecorator[Any]):
    """Any JSON value as text with sorted keys: the same value is the same bytes on every database."""

    impl = sa.Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Any:  # noqa: ARG002
        """Encode it; None is SQL NULL."""
        return lambda value: None if value is None else _JSON_OUT.encode(value).decode()

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:  # noqa: ARG002
        """Decode it."""
        return lambda value: None if value is None else _JSON_IN.decode(value)


Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""An integer key: the rowid on SQLite, a bigint elsewhere."""

FilsColumn = sa.BigInteger
InstantColumn = sa.BigInteger
