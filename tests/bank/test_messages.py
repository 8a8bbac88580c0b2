"""The inbox: what is sent is found again, by channel, address, text and time."""

import pytest
from bankside import rows_of, sql

from sandbox.bank import messages
from sandbox.bank.messages import KEPT_AT_MOST, Contact, MessageView, Wanted
from sandbox.core.clock import format_instant
from sandbox.core.errors import ValidationFailedError
from sandbox.core.sandbox_errors import MessageUnknownError
from sandbox.core.vocabulary import Language, NotificationChannel
from sandbox.sandboxes.root import StateRoot
from sandbox.store.tables import message

SMS, EMAIL, PUSH = NotificationChannel.SMS, NotificationChannel.EMAIL, NotificationChannel.PUSH
PHONE = "+96599001234"


def send(root: StateRoot, body: str = "Hello", *, to: str = PHONE, by: NotificationChannel = SMS) -> str:
    """Send a message; its id."""
    return root.write(messages.send, by, to, body)


def bodies(root: StateRoot, **wanted: object) -> list[str]:
    """What the inbox shows, newest first."""
    found: list[MessageView] = root.read(messages.list_messages, Wanted(**wanted))  # type: ignore[arg-type]
    return [view.body for view in found]


def test_a_message_comes_back_whole(root: StateRoot) -> None:
    sent = root.write(messages.send, EMAIL, "a@b.test", "Your code is 123456", subject="Code", code="123456")
    assert root.read(messages.latest) == MessageView(
        message_id=sent,
        channel=EMAIL,
        to="a@b.test",
        subject="Code",
        body="Your code is 123456",
        sent_at=format_instant(root.now),
        code="123456",
        links=[],
    )


def test_the_newest_comes_first(root: StateRoot) -> None:
    for body in ("one", "two", "three"):
        send(root, body)
    assert bodies(root) == ["three", "two", "one"]


def test_two_messages_of_one_write_keep_their_order(root: StateRoot) -> None:
    root.write(lambda work: [messages.send(work, SMS, PHONE, body) for body in ("one", "two")])
    assert bodies(root) == ["two", "one"]


@pytest.mark.parametrize(
    "spelling", [PHONE, "96599001234", "0096599001234", "99001234", "+965 9900 1234", " 96599001234"]
)
def test_a_phone_number_is_found_in_any_spelling(root: StateRoot, spelling: str) -> None:
    send(root)
    send(root, "other", to="+96599001235")
    assert bodies(root, to=spelling) == ["Hello"]


def test_an_email_address_is_found_in_any_case(root: StateRoot) -> None:
    send(root, to="Fatima@Example.test", by=EMAIL)
    assert bodies(root, to="fatima@example.TEST") == ["Hello"]
    assert bodies(root, to="atima@example.test") == []


def test_filters_narrow_together(root: StateRoot) -> None:
    send(root, "an SMS")
    send(root, "a push", by=PUSH)
    send(root, "another SMS", to="+96599001235")
    root.write(messages.send, SMS, PHONE, "a CODE", subject="Anmeldung", code="000000")
    assert bodies(root, channel=SMS, to=PHONE) == ["a CODE", "an SMS"]
    assert bodies(root, contains="code") == ["a CODE"]
    assert bodies(root, contains="anmeld") == ["a CODE"]
    assert bodies(root, has_code=True) == ["a CODE"]
    assert bodies(root, has_code=False, to=PHONE) == ["a push", "an SMS"]
    assert bodies(root, channel=EMAIL) == []


def test_links_are_found_in_the_body(root: StateRoot) -> None:
    send(
        root,
        "Open https://bank.test/a?b=1#c, or (http://x.test/y). Again: https://bank.test/a?b=1#c! https://k.test/ع؟",
    )
    assert root.read(messages.latest).links == ["https://bank.test/a?b=1#c", "http://x.test/y", "https://k.test/ع"]


def test_clearing_takes_what_was_named_and_says_how_much(root: StateRoot) -> None:
    for _ in range(2):
        send(root)
    send(root, "kept", by=PUSH)
    assert root.write(messages.clear, channel=SMS) == 2
    assert bodies(root) == ["kept"]
    assert root.write(messages.clear, to="9900 1234") == 1
    assert root.write(messages.clear) == 0
    with pytest.raises(MessageUnknownError):
        root.read(messages.latest)


def test_an_inbox_keeps_the_newest_messages_only(root: StateRoot) -> None:
    root.write(lambda work: [messages.send(work, SMS, PHONE, str(k)) for k in range(KEPT_AT_MOST + 3)])
    assert rows_of(root, message) == KEPT_AT_MOST
    assert bodies(root)[0] == str(KEPT_AT_MOST + 2)
    assert bodies(root)[-1] == "3"


def test_since_an_instant_means_after_it(root: StateRoot) -> None:
    send(root, "old")
    then = format_instant(root.now)
    send(root, "new")
    place = root.read(messages.place_of, then)
    assert [view.body for view in root.read(messages.list_messages, after=place)] == ["new"]


def test_since_a_message_means_after_it(root: StateRoot) -> None:
    first, last = root.write(lambda work: [messages.send(work, SMS, PHONE, body) for body in ("one", "two")])
    place = root.read(messages.place_of, first)
    assert [view.message_id for view in root.read(messages.list_messages, after=place)] == [last]
    place = root.read(messages.place_of, last)
    assert root.read(messages.list_messages, after=place) == []


def test_a_place_holds_when_the_inbox_is_emptied_behind_it(root: StateRoot) -> None:
    for _ in range(3):
        last = send(root, "old")
    place = root.read(messages.place_of, last)
    root.write(messages.clear)
    send(root, "new")
    assert [view.body for view in root.read(messages.list_messages, after=place)] == ["new"]


def test_a_message_that_is_gone_is_no_place(root: StateRoot) -> None:
    gone = send(root)
    root.write(messages.clear)
    with pytest.raises(MessageUnknownError):
        root.read(messages.place_of, gone)


@pytest.mark.parametrize("since", ["yesterday", "2026-01-15", "2026-13-15T09:00:00Z", "", "\0"])
def test_what_is_neither_an_instant_nor_an_id_is_no_place(root: StateRoot, since: str) -> None:
    with pytest.raises(ValidationFailedError):
        root.read(messages.place_of, since)


def test_whoever_cannot_be_reached_has_no_address() -> None:
    contact = Contact(customer=None, phone="  ", email=None, language=Language.ENGLISH)
    assert [contact.address(channel) for channel in NotificationChannel] == [None, None, None]


def test_an_inbox_is_read_from_a_bank_that_was_never_written_to(root: StateRoot) -> None:
    assert bodies(root) == []
    assert not root.awake
    assert sql(root, "SELECT count(*) FROM message") == [(0,)]
