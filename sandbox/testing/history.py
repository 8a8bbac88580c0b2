"""What a test did to its bank, request by request, and the same as a shell script that does it again.

The same requests on a sandbox of the same seed give the same bank, so such a script is all it takes to stand where a
test failed. It holds demo passwords; real secrets have no place in a mock bank.
"""

from __future__ import annotations

import json
import shlex
import threading
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from sandbox.testing.wire import Answer, Sent

KEPT: Final = 200
"""How many requests are kept: the first of a test, since a replay has to begin at the beginning."""

_GUARD: Final = "sandbank-control-token"
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_WAITING: Final = "/_sandbox/messages/wait"
"""A POST that changes nothing."""
_OUT_OF_ANSWER: Final = 'sed -n \'s/.*"access_token":"\\([^"]*\\)".*/\\1/p\''


class Step(NamedTuple):
    """A request of a test and how it was answered."""

    sent: Sent
    status: int
    problem: str | None
    gives: str | None
    """The access token in the answer."""

    @property
    def line(self) -> str:
        """The step in one line, for people."""
        ending = f" {self.problem}" if self.problem else ""
        return f"{self.sent.method} {self.sent.path} -> {self.status}{ending}"


class History:
    """The requests of one bank's client, in the order of their answers."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.dropped = 0
        """How many came after the last that was kept."""
        self._lock = threading.Lock()

    def add(self, answer: Answer) -> None:
        """Note a request."""
        gives = None
        if answer.ok and b'"access_token"' in answer.body:
            gives = answer.json().get("access_token")
        step = Step(answer.sent, answer.status, answer.problem, gives)
        with self._lock:
            if len(self.steps) < KEPT:
                self.steps.append(step)
            else:
                self.dropped += 1

    def as_script(self, *, prefix: str) -> list[str]:
        """Curl commands that change a bank at `$URL` as these requests did; what only read is left out.

        `prefix` is the part of their paths that `$URL` holds.
        """
        names: dict[str, str] = {}
        lines = []
        for step in self.steps:
            if step.sent.method in _READING or step.sent.path == prefix + _WAITING:
                continue
            command = curl(step.sent, prefix=prefix, tokens=names)
            if step.gives is not None:
                name = f"TOKEN_{len(names) + 1}"
                names[step.gives] = name
                command = f"{name}=$({command} | {_OUT_OF_ANSWER})"
            lines.append(command)
        return lines


def curl(sent: Sent, *, prefix: str, tokens: dict[str, str]) -> str:
    """The curl command that sends a request to `$URL`, which holds `prefix`.

    `tokens` says of access tokens in which variable they are.
    """
    words = ["curl", "-s"]
    if sent.method != "POST" or sent.body is None:
        words += ["-X", sent.method]
    words.append(f'"$URL"{shlex.quote(sent.path.removeprefix(prefix))}')
    for name, value in sent.headers.items():
        words.append(_header(name, value, tokens))
    if sent.body is not None:
        words += ["-d", shlex.quote(sent.body.decode("utf-8", "replace"))]
    return " ".join(words)


def fork_command(order: dict[str, object], *, user_agent: str) -> str:
    """The curl command that forks a sandbox on the server at `$SERVER`."""
    body = shlex.quote(json.dumps(order, ensure_ascii=False))
    return f'curl -s -A {user_agent} "$SERVER"/_sandbox/sandboxes -H "content-type: application/json" -d {body}'


def _header(name: str, value: str, tokens: dict[str, str]) -> str:
    if name == "user-agent":
        return f"-A {shlex.quote(value)}"
    if name == _GUARD:
        return '-H "Sandbank-Control-Token: $SANDBANK_CONTROL_TOKEN"'
    scheme, _, token = value.partition(" ")
    if name == "authorization" and token in tokens:
        return f'-H "authorization: {scheme} ${tokens[token]}"'
    return f"-H {shlex.quote(f'{name}: {value}')}"
