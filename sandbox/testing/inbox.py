"""The inbox of a bank under test: every SMS, e-mail and push message that the bank sent, with the codes in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from sandbox.testing.bank import Bank

__tracebackhide__ = True  # a failure is shown at the test's own line


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message that the bank sent."""

    message_id: str
    channel: str
    """`sms`, `email` or `push`."""
    to: str
    body: str
    subject: str | None = None
    sent_at: str
    code: str | None = None
    """The code to sign in or confirm with that it carries, if it carries one."""
    links: list[str] = []


class Inbox:
    """The messages of one bank."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    def list(self, *, channel: str | None = None, to: str | None = None) -> list[Message]:
        """All messages, as the server orders them: newest first."""
        answer = self._bank.get("/_sandbox/messages", params={"channel": channel, "to": to}).expect()
        return [_message(item) for item in answer.json()["items"]]

    def latest(self, *, channel: str | None = None, to: str | None = None) -> Message | None:
        """The newest message, or None where there is none."""
        answer = self._bank.get("/_sandbox/messages/latest", params={"channel": channel, "to": to})
        return None if answer.problem == "message_unknown" else _message(answer.expect().json())

    def wait(
        self,
        *,
        channel: str | None = None,
        to: str | None = None,
        contains: str | None = None,
        has_code: bool | None = None,
        since: Message | None = None,
        timeout: float = 5.0,
    ) -> Message:
        """The newest message that fits: one that is there already, else the next that arrives.

        Args:
            channel: `sms`, `email` or `push`.
            to: a phone number or an e-mail address.
            contains: words of its text.
            has_code: whether it carries a code.
            since: only messages after this one.
            timeout: seconds of real time; the server waits, nobody polls.

        Raises:
            RefusedError: nothing arrived in time.
        """
        match = {"channel": channel, "to": to, "contains": contains, "has_code": has_code}
        order: dict[str, object] = {
            "match": {name: value for name, value in match.items() if value is not None},
            "timeout_ms": round(timeout * 1_000),
        }
        if since is not None:
            order["since"] = since.message_id
        return _message(self._bank.request("POST", "/_sandbox/messages/wait", json=order, wait=timeout).expect().json())

    def clear(self, *, channel: str | None = None, to: str | None = None) -> None:
        """Empty it."""
        self._bank.delete("/_sandbox/messages", params={"channel": channel, "to": to}).expect()


def _message(found: dict[str, Any]) -> Message:
    """A message with the code and the links that stand beside it."""
    inner = found.get("message", found)
    beside = {name: found[name] for name in ("code", "links") if name in found}
    return msgspec.convert(inner | beside, Message)
