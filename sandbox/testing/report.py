"""What the report of a failed test says about its bank: which one it was, and how to stand there again with curl."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from sandbox.testing.history import fork_command
from sandbox.testing.wire import USER_AGENT, RefusedError

if TYPE_CHECKING:
    from sandbox.testing.bank import Bank

TITLE = "sandbank"
_LAST_SHOWN = 15


def section_of(bank: Bank, *, serve: str, order: dict[str, object]) -> str:
    """The section of a failed test.

    Args:
        bank: of the test.
        serve: the command that starts an equal server.
        order: the body of the request that forks an equal sandbox.
    """
    steps = list(bank.history.steps)
    lines = [f"sandbox        {bank.id}", f"seed           {bank.seed}", *_state(bank)]
    if steps:
        shown = [step.line.replace(f"/s/{bank.id}/", "/", 1) for step in steps[-_LAST_SHOWN:]]
        lines += ["", "Its last requests:", *(f"  {line}" for line in shown)]
    lines += [
        "",
        "To stand here again, serve the same bank and paste the rest into another shell:",
        f"  {serve}",
        "",
        "SERVER=http://127.0.0.1:8000",
        fork_command(order, user_agent=USER_AGENT),
        f"URL=$SERVER/s/{order['id']}",
        *bank.history.as_script(prefix=f"/s/{bank.id}"),
    ]
    if bank.history.dropped:
        lines.append(f"# ... and {bank.history.dropped} requests more than are kept")
    return "\n".join(lines)


def serve_command(ecosystem: str | None, settings: dict[str, Any]) -> str:
    """The command line that starts a server like the plugin's own."""
    words = ["sandbank", "serve", *([ecosystem] if ecosystem else [])]
    for name, value in ({"transport_clock": "virtual"} | settings).items():
        flag = name.replace("_", "-")
        words += {"true": [f"--{flag}"], "false": [f"--no-{flag}"]}.get(str(value).lower(), [f"--{flag}", str(value)])
    return shlex.join(words)


def _state(bank: Bank) -> list[str]:
    try:
        info = bank.info()
    except (OSError, RefusedError) as error:  # the report must not hide the failure that it is about
        return [f"state          unknown: {error}"]
    return [f"digest         {info.digest}", f"business time  {info.business_time}"]
