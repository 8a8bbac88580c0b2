"""What Prism and WireMock are given: Sandbank's own answers, and of our OpenAPI document no more than is said."""

import json
import re
from typing import Any

import pytest
import yaml

from benchmarks import peers

WHOLE: dict[str, Any] = yaml.safe_load(peers.DOCUMENT.read_text(encoding="utf-8"))
KNOWN = peers.Answers(
    accounts={"items": [{"account_id": name} for name in "abcd"], "page": {"next_cursor": None, "has_more": False}},
    transfer={"transfer_id": "t", "status": "settled"},
)
OPERATIONS = {(peers.LIST, "get"): ("200", KNOWN.accounts), (peers.TRANSFER, "post"): ("201", KNOWN.transfer)}


def made(*, short: bool) -> dict[str, Any]:
    """The document as Prism reads it."""
    document: dict[str, Any] = json.loads(json.dumps(peers.document(WHOLE, KNOWN, short=short)))
    return document


@pytest.mark.parametrize("short", [False, True], ids=["whole", "two operations"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=["accounts", "transfer"])
def test_prism_has_sandbanks_answer_as_the_only_successful_one(operation: tuple[str, str], *, short: bool) -> None:
    path, method = operation
    status, body = OPERATIONS[operation]
    given, ours = made(short=short)["paths"][path][method], WHOLE["paths"][path][method]
    assert [code for code in given["responses"] if code.startswith("2")] == [status]
    media = given["responses"][status]["content"]["application/json"]
    assert [example["value"] for example in media["examples"].values()] == [body]
    assert media["schema"] == ours["responses"][status]["content"]["application/json"]["schema"]
    refusals = {code: answer for code, answer in ours["responses"].items() if not code.startswith("2")}
    assert {code: answer for code, answer in given["responses"].items() if code != status} == refusals
    assert {**given, "responses": None} == {**ours, "responses": None}


def test_the_whole_document_differs_in_nothing_else() -> None:
    given, ours = made(short=False), json.loads(json.dumps(WHOLE))
    for path, method in OPERATIONS:
        del given["paths"][path][method], ours["paths"][path][method]
    assert given == ours


def test_the_short_document_has_two_operations_and_all_that_they_refer_to() -> None:
    document = made(short=True)
    assert {(path, method) for path, item in document["paths"].items() for method in item} == set(OPERATIONS)
    references = set(re.findall(r'"#/components/(\w+)/([^"]+)"', json.dumps(document)))
    assert references
    assert all(name in document["components"][kind] for kind, name in references)


def test_the_document_asks_for_a_bearer_token() -> None:
    document = made(short=True)
    for path, method in OPERATIONS:
        (required,) = document["paths"][path][method]["security"]
        (scheme,) = required
        assert document["components"]["securitySchemes"][scheme]["scheme"] == "bearer"


def test_wiremock_has_a_stub_for_each_operation_that_wants_a_bearer_token() -> None:
    stubs = peers.stubs(KNOWN).values()
    given = json.loads(json.dumps([*stubs]))
    for stub, ((path, method), (status, body)) in zip(given, OPERATIONS.items(), strict=True):
        assert stub["request"]["method"] == method.upper()
        assert stub["request"]["urlPath"] == path
        wanted = stub["request"]["headers"]["Authorization"]["matches"]
        assert re.fullmatch(wanted, f"Bearer {peers.TOKEN}")
        assert not re.fullmatch(wanted, "Basic YTpi")
        assert stub["response"]["status"] == int(status)
        assert stub["response"]["jsonBody"] == body


def test_every_peer_has_a_name_and_a_way_to_be_started() -> None:
    assert list(peers.starts(KNOWN)) == [peers.PRISM, peers.PRISM_SHORT, peers.WIREMOCK, peers.WIREMOCK_FORGETFUL]
