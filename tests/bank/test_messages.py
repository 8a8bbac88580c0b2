"""The inbox: what is sent is found again, by channel, address, text and time."""

from typing import Any

import pytest
from bankside import rows_of, sql

from sandbox.bank import messages
from sandbox.bank.messages import BEGINNING, KEPT_AT_MOST, Contact, MessageView, Position, Wanted
from sandbox.core.clock import MILLISECOND, Instant, format_instant
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


def looks(root: StateRoot, *, after: Position = BEGINNING, **wanted: Any) -> tuple[str | None, Position]:
    """The text of what a look finds, and from where the next one goes on."""
    found = root.read(messages.look, Wanted(**wanted), after=after)
    return None if found.found is None else found.found.body, found.seen


@pytest.mark.parametrize("wanted", [{}, {"contains": "o"}, {"channel": SMS, "has_code": False, "to": "99001234"}])
def test_a_look_finds_the_newest_and_goes_on_after_it(root: StateRoot, wanted: dict[str, Any]) -> None:
    assert looks(root, **wanted) == (None, BEGINNING)
    send(root, "old one")
    send(root, "the newest one")
    send(root, "a push", by=PUSH)
    wanted = wanted or {"channel": SMS}
    body, seen = looks(root, **wanted)
    assert body == "the newest one"
    assert looks(root, after=seen, **wanted) == (None, seen)
    send(root, "another one")
    assert looks(root, after=seen, **wanted)[0] == "another one"


def test_a_look_passes_over_what_is_not_wanted_once(root: StateRoot) -> None:
    for k in range(3):
        send(root, f"{k}")
    body, seen = looks(root, contains="code")
    assert body is None
    send(root, "a push", by=PUSH)
    assert looks(root, after=seen, channel=SMS)[0] is None
    send(root, "the code")
    assert looks(root, after=seen, contains="code")[0] == "the code"


def test_a_look_finds_what_comes_after_the_inbox_was_emptied(root: StateRoot) -> None:
    for _ in range(3):
        send(root, "old")
    _, seen = looks(root, contains="new")
    root.write(messages.clear)
    assert looks(root, after=seen, contains="new") == (None, seen)
    send(root, "new")
    assert looks(root, after=seen, contains="new")[0] == "new"
    send(root, "a push", by=PUSH)
    _, seen = looks(root, after=seen, channel=EMAIL)
    root.write(messages.clear, channel=PUSH)
    send(root, "newer")
    assert looks(root, after=seen)[0] == "newer"


def test_a_look_reads_no_further_back_than_the_last_one(root: StateRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    root.write(lambda work: [messages.send(work, SMS, PHONE, str(k)) for k in range(KEPT_AT_MOST)])
    _, seen = looks(root, contains="code")
    read: list[str] = []
    contains = messages._contains

    def noted(row: Any, text: str) -> bool:
        read.append(row.body)
        return contains(row, text)

    monkeypatch.setattr(messages, "_contains", noted)
    root.write(lambda _: None)
    assert looks(root, after=seen, contains="code") == (None, seen)
    assert read == []
    send(root, "one more")
    assert looks(root, after=seen, contains="code")[0] is None
    assert read == ["one more"]


def test_a_look_from_a_time_to_come_waits_for_it(root: StateRoot) -> None:
    ahead = Position(root.now + 10 * MILLISECOND, 2**62)
    send(root, "too early")
    assert looks(root, after=ahead) == (None, ahead)
    root.advance(Instant(root.now + 20 * MILLISECOND))
    send(root, "late enough")
    assert looks(root, after=ahead)[0] == "late enough"


def test_a_part_of_the_list_is_its_newest(root: StateRoot) -> None:
    for k in range(5):
        send(root, f"message {k}")
    for wanted in (Wanted(), Wanted(contains="MESSAGE")):
        found = root.read(messages.list_messages, wanted, most=2)
        assert [view.body for view in found] == ["message 4", "message 3"]
    assert root.read(messages.count_messages, after=BEGINNING) == 5


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
