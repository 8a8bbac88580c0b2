"""Which sandbox a request is for: path, header, host, token, else `default`, in this order.

Whoever signs in through `/s/{id}` stays there with no further change, since the token says so.
"""

from sandbox.core.sandbox_errors import SandboxRequiredError
from sandbox.http.auth import bearer_token, sandbox_claim
from sandbox.http.call import Call
from sandbox.http.origins import host_name
from sandbox.sandboxes.house import DEFAULT

_PATH = "/s/"
_HOST = ".localhost"


def strip_prefix(call: Call) -> str | None:
    """The sandbox that the path names, if it does; the call's path loses that prefix."""
    if not call.path.startswith(_PATH):
        return None
    named, slash, rest = call.path[len(_PATH) :].partition("/")
    call.prefix = f"{_PATH}{named}"
    call.path = slash + rest if slash else "/"
    return named


def named_sandbox(call: Call, *, in_path: str | None) -> str | None:
    """The sandbox that a request names in any way, if it does."""
    if in_path is not None:
        return in_path
    by_header = call.header(b"x-sandbox")
    if by_header:
        return by_header
    host = host_name(call)
    if host.endswith(_HOST):
        return host.removesuffix(_HOST)
    token = bearer_token(call)
    return sandbox_claim(token) if token is not None else None


def enter_sandbox(call: Call, named: str | None, *, scope: str, strict: bool) -> None:
    """Enter the sandbox of a request.

    Raises:
        SandboxUnknownError: the named one does not exist.
        SandboxRequiredError: none is named and the server is strict.
    """
    if named is None and strict and scope == "sandbox":
        raise SandboxRequiredError(
            "This server is strict: name a sandbox by /s/{id}/..., X-Sandbox, {id}.localhost or its token."
        )
    call.named = named
    sandbox_id = DEFAULT if named is None else named
    call.enter(sandbox_id, call.house.get(sandbox_id).root)
