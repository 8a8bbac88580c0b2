"""Prism and WireMock on the resource that is measured: what each is given, and how each is started.

Both know Sandbank's own answers to the two requests, asked of it beforehand: Prism as the examples of our OpenAPI
document, WireMock as the bodies of two stubs. Neither keeps anything that is sent to it.
"""

from collections.abc import Callable
from pathlib import Path

import msgspec
import yaml

from benchmarks import customer, npm, servers
from benchmarks.paths import ROOT
from benchmarks.servers import Server

DOCUMENT = ROOT / "openapi" / "openapi.yaml"
LIST = "/v1/accounts"
TRANSFER = "/v1/transfers"
TOKEN = "a-token-that-nobody-checks"
"""Prism and WireMock only look whether there is one."""
JOURNAL_ENTRIES = 1_000
"""How many requests WireMock remembers. Left alone it keeps all, and grows until the load ends or its memory does."""
WITH_JOURNAL = ("--max-request-journal-entries", str(JOURNAL_ENTRIES))
WITHOUT_JOURNAL = ("--no-request-journal",)

PRISM = "prism"
PRISM_SHORT = "prism, two operations"
WIREMOCK = "wiremock"
WIREMOCK_FORGETFUL = "wiremock, no journal"

Json = dict[str, object]


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What Sandbank answers to the two requests."""

    accounts: Json
    """200 to `GET /v1/accounts` of user1."""
    transfer: Json
    """201 to `POST /v1/transfers` of one fils."""


def answers(folder: Path) -> Answers:
    """Ask a Sandbank of its own on this ecosystem.

    Raises:
        ServerError: it did not come up.
        WireError: it answered something else.
    """
    bank = servers.sandbank(folder, cache=servers.image_cache(), name="sandbank-asked")
    with bank, bank.client() as client:
        customer.sign_in(client)
        listed = client.expect(200, "GET", LIST)
        source, target, *_ = customer.accounts_of(listed)
        order = customer.order(from_account=source.account_id, to_account=target.account_id)
        paid = client.expect(201, "POST", TRANSFER, order, {"Idempotency-Key": "asked-for-the-peers"})
    return Answers(accounts=listed.json(), transfer=paid.json())


def starts(known: Answers) -> dict[str, Callable[[], Server]]:
    """How each peer is started, by the name it has in the table."""
    return {
        PRISM: lambda: prism(known),
        PRISM_SHORT: lambda: prism(known, short=True),
        WIREMOCK: lambda: wiremock(known),
        WIREMOCK_FORGETFUL: lambda: wiremock(known, journal=False),
    }


def prism(known: Answers, *, short: bool = False) -> Server:
    """Start Prism on our OpenAPI document, without a line of log for each request.

    Args:
        known: what it answers.
        short: leave only the two operations in the document, which is kinder to Prism.

    Raises:
        AbsentError: Node or the package cannot be had.
        ServerError: it did not come up.
    """
    program = npm.prism_command()
    name = "prism-short" if short else "prism"
    file = servers.fresh_folder(name) / "openapi.json"
    file.write_bytes(msgspec.json.encode(document(yaml.safe_load(DOCUMENT.read_text()), known, short=short)))
    port = servers.free_port()
    options = ["--host", "127.0.0.1", "--port", str(port), "--verboseLevel", "error", "--multiprocess", "false"]
    command = [*program, "mock", str(file), *options]
    return servers.launch(name, command, probe=LIST, url=f"http://127.0.0.1:{port}", token=TOKEN)


def wiremock(known: Answers, *, journal: bool = True) -> Server:
    """Start WireMock on two stubs.

    Args:
        known: what they answer.
        journal: let it remember requests, which its users ask it for; without, it is quicker and smaller.

    Raises:
        AbsentError: Java or the package cannot be had.
        ServerError: it did not come up.
    """
    program = npm.wiremock_command()
    name = "wiremock" if journal else "wiremock-no-journal"
    home = servers.fresh_folder(name)
    for folder in ("mappings", "__files"):
        (home / folder).mkdir()
    for what, stub in stubs(known).items():
        (home / "mappings" / f"{what}.json").write_bytes(msgspec.json.encode(stub))
    port = servers.free_port()
    options = ["--bind-address", "127.0.0.1", "--port", str(port), "--root-dir", str(home), "--disable-banner"]
    # Our load generator reads bodies of a stated length only.
    options += ["--use-chunked-encoding", "never", *(WITH_JOURNAL if journal else WITHOUT_JOURNAL)]
    command = [*program, *options]
    return servers.launch(name, command, probe=LIST, url=f"http://127.0.0.1:{port}", token=TOKEN)


def document(whole: Json, known: Answers, *, short: bool) -> Json:
    """Our OpenAPI document with the known answers as the only successful ones of the two operations."""
    paths = msgspec.convert(whole["paths"], dict[str, Json])
    listing = _answering(paths[LIST]["get"], "200", known.accounts)
    ordering = _answering(paths[TRANSFER]["post"], "201", known.transfer)
    if short:
        return {**whole, "paths": {LIST: {"get": listing}, TRANSFER: {"post": ordering}}}
    changed = {LIST: {**paths[LIST], "get": listing}, TRANSFER: {**paths[TRANSFER], "post": ordering}}
    return {**whole, "paths": {**paths, **changed}}


def stubs(known: Answers) -> dict[str, Json]:
    """The mappings of WireMock: a method, a path and any bearer token on one side, an answer on the other."""
    return {
        "accounts": _stub("GET", LIST, 200, known.accounts),
        "transfers": _stub("POST", TRANSFER, 201, known.transfer),
    }


class _Operation(msgspec.Struct):
    """The part of an operation that is looked at here."""

    responses: dict[str, Json]


def _answering(operation: object, status: str, body: Json) -> Json:
    """An operation whose one successful answer has this example; its refusals stay."""
    responses = msgspec.convert(operation, _Operation).responses
    content = msgspec.convert(responses[status]["content"], dict[str, Json])
    media = {"schema": content["application/json"]["schema"], "examples": {"benchmark": {"value": body}}}
    answer = {**responses[status], "content": {"application/json": media}}
    refusals = {code: refusal for code, refusal in responses.items() if not code.startswith("2")}
    return {**msgspec.convert(operation, Json), "responses": {status: answer, **refusals}}


def _stub(method: str, path: str, status: int, body: Json) -> Json:
    return {
        "request": {"method": method, "urlPath": path, "headers": {"Authorization": {"matches": "Bearer .+"}}},
        "response": {"status": status, "headers": {"Content-Type": "application/json"}, "jsonBody": body},
    }
