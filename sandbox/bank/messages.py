"""Messages that the bank sends: they go nowhere but into the inbox of the sandbox, where a tester reads them back.

The code and the links of a message are kept beside it, so that nobody has to search its text. Not for the
`notifications` of an ecosystem: those are what a customer sees in the app.
"""

import re
from itertools import islice
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from sandbox.core.clock import (
    DAY,
    HOUR,
    KUWAIT_OFFSET,
    MINUTE,
    Instant,
    InstantError,
    format_instant,
    parse_instant,
)
from sandbox.core.errors import Fault, ValidationFailedError
from sandbox.core.sandbox_errors import MessageUnknownError
from sandbox.core.vocabulary import Language, NotificationChannel
from sandbox.store.statement import Statement
from sandbox.store.tables import message
from sandbox.store.work import Work

KEPT_AT_MOST = 500
"""Messages that an inbox keeps; after that the oldest goes, so that a bank under load does not grow without end."""


class MessageView(msgspec.Struct, frozen=True, kw_only=True):
    """One message. `code` is the one it carries, `links` are the addresses in its body."""

    message_id: str
    channel: NotificationChannel
    to: str
    subject: str | None
    body: str
    sent_at: str
    code: str | None
    links: list[str]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages; what is None does not narrow. `contains` looks in subject and body, whatever the case."""

    channel: NotificationChannel | None = None
    to: str | None = None
    contains: str | None = None
    has_code: bool | None = None


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """How a customer is reached: their key, addresses and language. Staff have neither."""

    customer: int | None
    phone: str | None
    email: str | None
    language: Language

    def address(self, channel: NotificationChannel) -> str | None:
        """Where a message of `channel` goes, or None where there is no such address."""
        known = {NotificationChannel.SMS: self.phone, NotificationChannel.EMAIL: self.email}
        return (known.get(channel) or "").strip() or None


class Position(NamedTuple):
    """A place in the inbox. Keys start again when the inbox is emptied, business time never does."""

    sent_at: int
    key: int


class Look(NamedTuple):
    """What a look into the inbox found, and the place after which the next one goes on."""

    found: MessageView | None
    seen: Position


BEGINNING = Position(-(2**62), 0)
"""Before every message."""
ANY = Wanted()
"""Every message."""

_URL = re.compile(r"https?://[^\s<>\"']+")
_AFTER_A_URL = ".,;:!?)]}،؛؟"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_LOCAL_NUMBER_DIGITS = 8

_ADD = Statement(
    sa.insert(message).returning(message.c.key),
    "id",
    "channel",
    "recipient",
    "address",
    "subject",
    "body",
    "sent_at",
    "code",
    "links",
    "customer",
)
_DROP_OLDEST = Statement(
    sa.delete(message).where(
        message.c.key
        <= sa.select(message.c.key).order_by(message.c.key.desc()).limit(1).offset(KEPT_AT_MOST).scalar_subquery()
    )
)
_CHANNEL = sa.bindparam("of_channel", type_=sa.Text)
_ADDRESS = sa.bindparam("of_address", type_=sa.Text)
_CARRIES_CODE = sa.bindparam("carries_code", type_=sa.Boolean)
_NARROWED = (
    sa.or_(_CHANNEL.is_(None), message.c.channel == _CHANNEL),
    sa.or_(_ADDRESS.is_(None), message.c.address == _ADDRESS),
)
_SEEN = message.alias("seen")
_AFTER = (
    # Where the message of the place is still there, whatever came later has a larger key: nothing else is looked at.
    message.c.key
    > sa.func.coalesce(
        sa.select(_SEEN.c.key)
        .where(_SEEN.c.key == sa.bindparam("after_key"), _SEEN.c.sent_at == sa.bindparam("after_at"))
        .scalar_subquery(),
        0,
    ),
    sa.or_(
        message.c.sent_at > sa.bindparam("after_at"),
        sa.and_(message.c.sent_at == sa.bindparam("after_at"), message.c.key > sa.bindparam("after_key")),
    ),
)
_WANTED = (*_NARROWED, sa.or_(_CARRIES_CODE.is_(None), message.c.code.is_not(None) == _CARRIES_CODE), *_AFTER)
# Of the messages that are there, whichever was sent later has the larger key.
_NEWEST_FIRST = message.c.key.desc()
_LIST = Statement(sa.select(message).where(*_WANTED).order_by(_NEWEST_FIRST).limit(sa.bindparam("most")))
_TEXTS = Statement(sa.select(message.c.key, message.c.subject, message.c.body).where(*_WANTED).order_by(_NEWEST_FIRST))
_BY_KEY = Statement(sa.select(message).where(message.c.key == sa.bindparam("of_key")))
_NEWEST = Statement(sa.select(message.c.sent_at, message.c.key).order_by(_NEWEST_FIRST).limit(1))
_COUNT = Statement(sa.select(sa.func.count().label("count")).select_from(message).where(*_AFTER))
_CLEAR = Statement(sa.delete(message).where(*_NARROWED))
_FIND = Statement(sa.select(message.c.sent_at, message.c.key).where(message.c.id == sa.bindparam("message_id")))


def send(
    work: Work,
    channel: NotificationChannel,
    to: str,
    body: str,
    *,
    subject: str | None = None,
    customer: int | None = None,
    code: str | None = None,
) -> str:
    """Put a message into the inbox; its id. `customer` is the key of whom it is for, `code` the one it carries."""
    message_id = work.draws.uuid("message")
    _ADD.one(
        work.db,
        id=message_id,
        channel=channel.value,
        recipient=to,
        address=_address(to),
        subject=subject,
        body=body,
        sent_at=work.now,
        code=code,
        links=links_in(body),
        customer=customer,
    )
    _DROP_OLDEST.run(work.db)
    return message_id


def clear(work: Work, *, channel: NotificationChannel | None = None, to: str | None = None) -> int:
    """Delete the messages of a channel, to an address, or all; how many there were."""
    return _CLEAR.run(work.db, of_channel=channel, of_address=None if to is None else _address(to))


def list_messages(
    work: Work, wanted: Wanted = ANY, *, after: Position = BEGINNING, most: int = KEPT_AT_MOST
) -> list[MessageView]:
    """The messages that are wanted and stand after a place, newest first, and no more than `most`."""
    values = {
        "of_channel": wanted.channel,
        "of_address": None if wanted.to is None else _address(wanted.to),
        "carries_code": wanted.has_code,
        "after_at": after.sent_at,
        "after_key": after.key,
    }
    text = wanted.contains
    if text is None:
        return [_view(row) for row in _LIST.all(work.db, **values, most=most)]
    # No database folds the case of every script as Python does.
    fitting = (row.key for row in _TEXTS.all(work.db, **values) if _contains(row, text))
    return [_view(_BY_KEY.one(work.db, of_key=key)) for key in islice(fitting, most)]


def count_messages(work: Work, *, after: Position) -> int:
    """How many messages stand after a place."""
    count: int = _COUNT.one(work.db, after_at=after.sent_at, after_key=after.key).count
    return count


def look(work: Work, wanted: Wanted, *, after: Position) -> Look:
    """The newest message that is wanted after a place. Where nothing has come since, it costs next to nothing."""
    newest = _NEWEST.first(work.db)
    place = after if newest is None else Position(newest.sent_at, newest.key)
    if place <= after:
        return Look(None, after)
    found = list_messages(work, wanted, after=after, most=1)
    return Look(found[0] if found else None, place)


def latest(work: Work, wanted: Wanted = ANY) -> MessageView:
    """The newest message that is wanted.

    Raises:
        MessageUnknownError: there is none.
    """
    found = list_messages(work, wanted, most=1)
    if not found:
        raise MessageUnknownError("No such message was sent, or it was deleted.")
    return found[0]


def place_of(work: Work, since: str | None) -> Position:
    """The place after which to look: everything sent at an RFC 3339 instant or before it, or up to a message.

    Raises:
        MessageUnknownError: there is no message of that id.
        ValidationFailedError: `since` is neither an instant nor an id.
    """
    if since is None:
        return BEGINNING
    if _UUID.fullmatch(since):
        found = _FIND.first(work.db, message_id=since)
        if found is None:
            raise MessageUnknownError(f"There is no message {since}: it may have been deleted. Name an instant.")
        return Position(found.sent_at, found.key)
    try:
        return Position(parse_instant(since), 2**62)
    except InstantError:
        detail = "must be an RFC 3339 instant such as 2026-01-15T09:30:00Z, or a message_id"
        raise ValidationFailedError([Fault("/since", "wrong_format", detail)]) from None


def clock_time(instant: int) -> str:
    """The time of day in Kuwait, `HH:MM`, as messages to customers say it."""
    minutes = (instant + KUWAIT_OFFSET) % DAY // MINUTE
    return f"{minutes // (HOUR // MINUTE):02}:{minutes % (HOUR // MINUTE):02}"


def links_in(body: str) -> list[str]:
    """The http addresses in a text, each once, without the punctuation that ends a sentence."""
    return list(dict.fromkeys(found.rstrip(_AFTER_A_URL) for found in _URL.findall(body)))


def _address(to: str) -> str:
    """What two spellings of one recipient have in common: the digits of a phone number, else lower case."""
    text = to.strip().lower()
    digits = re.sub(r"[\s().+-]", "", text)
    if not (digits.isascii() and digits.isdigit()):
        return text
    digits = digits.removeprefix("00")
    return f"965{digits}" if len(digits) == _LOCAL_NUMBER_DIGITS else digits


def _contains(row: Any, text: str) -> bool:
    return text.casefold() in f"{row.subject or ''}\n{row.body}".casefold()


def _view(row: Any) -> MessageView:
    return MessageView(
        message_id=row.id,
        channel=NotificationChannel(row.channel),
        to=row.recipient,
        subject=row.subject,
        body=row.body,
        sent_at=format_instant(Instant(row.sent_at)),
        code=row.code,
        links=row.links,
    )
