"""`/_sandbox/messages`: the inbox. Read back the code that was sent by SMS, or wait for it."""

import asyncio
from typing import Annotated

import msgspec
from litestar import Response, delete, get, post
from litestar.params import JSONBody, QueryParameter, SkipValidation

from sandbox.bank import messages
from sandbox.bank.messages import MessageView, Position, Wanted
from sandbox.core.sandbox_errors import MessageUnknownError, SandboxWasResetError, WaitTimedOutError
from sandbox.core.vocabulary import NotificationChannel
from sandbox.http.bodies import strict
from sandbox.http.call import AnyRequest, call_of
from sandbox.http.operations import OPTIONAL_BODY, anybody, refuses
from sandbox.http.replies import nothing, plain
from sandbox.sandboxes.root import StateRoot

_ARRIVED_SHOWN = 5
_BODY_SHOWN = 80

ChannelFilter = Annotated[NotificationChannel | None, QueryParameter(description="sms, email or push")]
ToFilter = Annotated[
    str | None,
    QueryParameter(
        min_length=1,
        max_length=254,
        pattern=r"^[^\x00]*$",
        description="phone number, with or without +965, or e-mail address",
    ),
]


class MessageList(msgspec.Struct, frozen=True):
    """Messages, newest first."""

    items: list[MessageView]


class MessageMatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a message must be like; what is left out does not matter."""

    channel: NotificationChannel | None = None
    to: Annotated[str, msgspec.Meta(min_length=1, max_length=254, examples=["+96599001234"])] | None = None
    contains: (
        Annotated[
            str, msgspec.Meta(min_length=1, max_length=500, description="text in subject or body, whatever the case")
        ]
        | None
    ) = None
    has_code: Annotated[bool, msgspec.Meta(description="whether it carries a code")] | None = None


class WaitOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to wait for, after which moment, and for how long."""

    match: MessageMatch | None = None
    since: (
        Annotated[
            str,
            msgspec.Meta(
                min_length=1,
                max_length=64,
                description="an RFC 3339 instant or a message_id; what is older is left out",
            ),
        ]
        | None
    ) = None
    timeout_ms: Annotated[int, msgspec.Meta(ge=0, le=60_000, description="0 looks once")] = 5_000


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """The message, with its code and its links at hand."""

    message: MessageView
    code: str | None
    links: list[str]


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """The start of a message that was not the one waited for."""

    channel: NotificationChannel
    to: str
    subject: str | None
    body: str


@get(
    "/_sandbox/messages",
    operation_id="listMessages",
    summary="Read the inbox",
    tags=["inbox"],
    opt=anybody(),
)
async def list_messages(
    request: AnyRequest, channel: ChannelFilter = None, to: ToFilter = None
) -> Response[MessageList]:
    """What the bank has sent, newest first; the last 500 messages are kept."""
    found = call_of(request).root.read(messages.list_messages, Wanted(channel=channel, to=to))
    return plain(MessageList(found))


@delete(
    "/_sandbox/messages",
    operation_id="deleteMessages",
    summary="Empty the inbox",
    tags=["inbox"],
    opt=anybody(),
    status_code=204,
)
async def delete_messages(request: AnyRequest, channel: ChannelFilter = None, to: ToFilter = None) -> Response[None]:
    """Delete the messages of a channel, to an address, or all of them."""
    call_of(request).root.write(messages.clear, channel=channel, to=to)
    return nothing()


@get(
    "/_sandbox/messages/latest",
    operation_id="latestMessage",
    summary="Read the newest message",
    tags=["inbox"],
    opt=anybody() | refuses(MessageUnknownError),
)
async def latest_message(
    request: AnyRequest, channel: ChannelFilter = None, to: ToFilter = None
) -> Response[MessageView]:
    """The newest message of a channel, to an address, or of all."""
    try:
        return plain(call_of(request).root.read(messages.latest, Wanted(channel=channel, to=to)))
    except MessageUnknownError as refusal:
        raise MessageUnknownError(f"{refusal.detail} POST /_sandbox/messages/wait waits.") from None


@post(
    "/_sandbox/messages/wait",
    operation_id="waitForMessage",
    summary="Wait for a message",
    tags=["inbox"],
    opt=anybody() | {OPTIONAL_BODY: True} | refuses(WaitTimedOutError, SandboxWasResetError),
    status_code=200,
)
async def wait_for_message(
    request: AnyRequest, data: SkipValidation[JSONBody[WaitOrder | None]] = None
) -> Response[Received]:
    """The newest message that matches and came after `since`, else the next one to arrive."""
    call = call_of(request)
    order = strict(WaitOrder, {} if data is None else data)
    root = call.root
    wanted = Wanted(**msgspec.structs.asdict(order.match or MessageMatch()))
    after = root.read(messages.place_of, order.since)
    try:
        async with asyncio.timeout(order.timeout_ms / 1_000):
            found = await _arrival(root, wanted, after)
    except TimeoutError:
        raise _in_vain(root, order, after) from None
    return plain(Received(message=found, code=found.code, links=found.links))


async def _arrival(root: StateRoot, wanted: Wanted, after: Position) -> MessageView:
    """The newest match after a place; as long as there is none, every commit is a reason to look at what is new.

    Raises:
        SandboxWasResetError: the sandbox goes on without this root, so nothing will ever arrive here.
    """
    while not root.retired:
        # Asked for before looking: no commit can fall between the two.
        committed = root.next_commit()
        found, after = root.read(messages.look, wanted, after=after)
        if found is not None:
            committed.cancel()
            return found
        await committed
    raise SandboxWasResetError("The sandbox was reset or removed while the request waited. Wait again.")


def _in_vain(root: StateRoot, order: WaitOrder, after: Position) -> Exception:
    if root.retired:
        return SandboxWasResetError("The sandbox was reset or removed while the request waited. Wait again.")
    others = root.read(messages.list_messages, after=after, most=_ARRIVED_SHOWN)
    arrived = [
        Arrived(channel=other.channel, to=other.to, subject=other.subject, body=_start(other.body)) for other in others
    ]
    count = root.read(messages.count_messages, after=after)
    instead = "nothing came at all" if not count else f"{count} {'other' if count == 1 else 'others'} came"
    since = "" if order.since is None else f" after {order.since}"
    detail = f"Within {order.timeout_ms} ms no message that matches came{since}; {instead}."
    return WaitTimedOutError(detail, arrived=arrived)


def _start(body: str) -> str:
    return body if len(body) <= _BODY_SHOWN else f"{body[:_BODY_SHOWN]}..."


HANDLERS = [list_messages, delete_messages, latest_message, wait_for_message]
