"""One operation of the OpenAPI document: what Litestar says of its handler, completed by what the edge does with it.

Security, refusals, headers, links, hints and examples. The frame of the document is in `openapi`.
"""

from collections import defaultdict
from copy import deepcopy
from http import HTTPStatus
from typing import Any

import msgspec

from sandbox.core.errors import BankError, DomainError
from sandbox.http.hints import hints_of
from sandbox.http.links import links_of
from sandbox.http.operations import Operation
from sandbox.http.problem_members import MEMBERS, OF_OPERATIONS
from sandbox.http.problems import MEDIA_TYPE
from sandbox.http.refusals import needs_steering_rights, refusals_of

JSON = "application/json"

HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {
        "description": "the client's own, else one made here",
        "required": True,
        "schema": {"type": "string"},
        "example": "6d6f1b0e-9b3e-8f57-a4a2-0d8f6d1b6d5e",
    },
    "Sandbank-Time": {
        "description": "business time of the sandbox (RFC 3339)",
        "required": True,
        "schema": {"type": "string", "format": "date-time"},
        "example": "2026-01-15T09:00:00Z",
    },
    "ETag": {
        "description": "tag of this representation (RFC 9110 section 8.8.3)",
        "required": True,
        "schema": {"type": "string"},
        "example": '"bHVuY2gtbW9uZXk"',
    },
    "Location": {
        "description": "where what was made is found",
        "required": True,
        "schema": {"type": "string"},
        "example": "/v1/transfers/8f1d1c1e-6f5e-8d3b-b6c6-2b8a7e3f9a10",
    },
    "Link": {
        "description": 'the pages that follow or go before (RFC 8288), such as `<...>; rel="next"`',
        "schema": {"type": "string"},
        "example": '</v1/accounts?limit=1&cursor=YWNjb3VudHM6MQ>; rel="next"',
    },
    "X-Total-Count": {
        "description": "how many records match, on all pages",
        "schema": {"type": "integer", "minimum": 0},
        "example": 42,
    },
    "Idempotent-Replayed": {
        "description": "`true` where the answer is that of an earlier request with the same Idempotency-Key",
        "schema": {"type": "string", "enum": ["true"]},
        "example": "true",
    },
    "WWW-Authenticate": {
        "description": "how to authenticate (RFC 6750 section 3)",
        "schema": {"type": "string"},
        "example": 'Bearer error="invalid_token"',
    },
    "Allow": {
        "description": "the methods that are served here (RFC 9110 section 10.2.1)",
        "schema": {"type": "string"},
        "example": "GET, HEAD, OPTIONS",
    },
    "Cache-Control": {
        "description": "how long an answer may be kept",
        "schema": {"type": "string"},
        "example": "no-store",
    },
    "Content-Disposition": {
        "description": "the file's name (RFC 6266)",
        "schema": {"type": "string"},
        "example": 'attachment; filename="kuwait.zip"',
    },
}
"""The headers of answers, by name, as components of the document."""

_SAYS_NOTHING = {status.description for status in HTTPStatus}
"""What Litestar says of an answer: the standard's words for its status."""

_IN_GENERAL = {"200": "What was asked for", "201": "What was made", "204": "Done; there is no body"}

_ALWAYS = ("X-Request-Id", "Sandbank-Time")
_ON_STATUS = {401: "WWW-Authenticate", 405: "Allow"}

_TAGS = {"type": "string", "example": '"bHVuY2gtbW9uZXk"'}
"""One tag, several, or `*`. What is no tag at all is the tag of nothing: it says nothing false, so it is no fault."""

_KEY = "^([!-~]([ -~]*[!-~])?)?$"
"""Printable ASCII; an empty one is as good as none."""
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "the ETag that the change is meant for; 412 when the resource has another by now",
    "required": False,
    "schema": _TAGS,
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "the ETag that the client has; 304 when it is still the current one",
    "required": False,
    "schema": _TAGS,
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "needed unless `dry_run`; the same key with the same body repeats the first answer for 24 hours",
    "required": False,
    "schema": {"type": "string", "maxLength": 255, "pattern": _KEY, "examples": ["rent-2026-01"]},
}
_PATH_PARAMETERS = {
    "account_id": "an account of the caller's; staff may name any",
    "transaction_id": "a movement on one of the caller's accounts; staff may name any",
    "transfer_id": "a transfer that the caller ordered; staff may name any",
    "challenge_id": "the challenge that the sign-in answered",
    "sandbox_id": "a sandbox of this server: a-z, 0-9 and -",
    "scenario_name": "a scenario, as `GET /_sandbox/scenarios` lists them",
    "name": "a snapshot of the caller's sandbox",
    "collection": "a collection, as `GET /_data` lists them",
    "record_id": "the record's identifier",
}


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that the bank really gave."""

    headers: tuple[str, ...] = ()
    """Names of those that depend on the operation."""
    body: Any = msgspec.UNSET


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """A request of an operation and its answers, by status, as `make openapi` tried them on `seeds/kuwait`."""

    parameters: dict[str, Any] = {}
    body: Any = msgspec.UNSET
    answers: dict[str, Answered] = {}


def complete(described: dict[str, Any], operation: Operation, example: Example, components: dict[str, Any]) -> None:
    """Say all there is to say of an operation.

    Args:
        described: what Litestar says of it, changed in place.
        operation: as the path table has it.
        example: of it.
        components: the schemas of the document.
    """
    described["security"] = _security(operation)
    described["x-sandbox"] = hints_of(operation)
    if operation.places_order:
        described["responses"]["200"] = deepcopy(described["responses"]["201"])
    answers = {status: answer for status, answer in described["responses"].items() if int(status) < 400}
    for status, answer in answers.items():
        _complete_answer(answer, status, example.answers.get(status, Answered()), components)
    is_tagged = "ETag" in answers.get("200", {}).get("headers", {})
    if is_tagged and operation.method == "GET":
        answers["304"] = {"description": "The client has it already", "headers": _headers(*_ALWAYS, "ETag")}
    _complete_parameters(described, operation, example, is_tagged=is_tagged)
    if operation.places_order:
        answers["200"]["description"] = "What a dry run says would happen"
        answers["201"]["headers"] |= _headers("Idempotent-Replayed")
    for status, links in links_of(operation.operation_id).items():
        answers[status]["links"] = links
    body = described.get("requestBody")
    kinds = refusals_of(operation, takes_body=body is not None, takes_json=body is not None and JSON in body["content"])
    described["responses"] = dict(sorted(answers.items())) | _refused(operation, kinds)
    if body is not None:
        body["required"] = not operation.optional_body
    if body is not None and example.body is not msgspec.UNSET:
        body["content"][JSON]["examples"] = {"example": {"value": example.body}}


def example_problem(kind: type[DomainError]) -> dict[str, Any]:
    """An example of a refusal, as a component of the document."""
    value = {
        "type": f"/problems/{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": " ".join((kind.__doc__ or "").split()),
        "instance": "/v1/...",
        "code": kind.code,
    }
    if kind.reason is not None:
        value["reason"] = kind.reason
    return {"summary": kind.title, "value": value | {"request_id": HEADERS["X-Request-Id"]["example"]}}


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    if operation.roles is not None:
        return [{"bearer": []}]
    return [{}, {"control": []}] if needs_steering_rights(operation) else []


def _complete_parameters(described: dict[str, Any], operation: Operation, example: Example, *, is_tagged: bool) -> None:
    parameters = described.setdefault("parameters", [])
    for parameter in parameters:
        for noise in ("deprecated", "allowEmptyValue", "allowReserved"):
            parameter.pop(noise, None)
        if parameter["in"] == "path":
            parameter.setdefault("description", _PATH_PARAMETERS.get(parameter["name"]))
            parameter["example"] = example.parameters[parameter["name"]]
    if operation.places_order:
        parameters.append(_IDEMPOTENCY_KEY)
    if is_tagged:
        parameters.append(_IF_NONE_MATCH if operation.method == "GET" else _IF_MATCH)
    if not parameters:
        del described["parameters"]


def _complete_answer(answer: dict[str, Any], status: str, seen: Answered, components: dict[str, Any]) -> None:
    answer["headers"] = _headers(*_ALWAYS, *(name for name in HEADERS if name.lower() in seen.headers))
    if status == "204":
        answer.pop("content", None)
    content = answer.get("content", {})
    if answer["description"] in _SAYS_NOTHING:
        named = [media["schema"].get("$ref", "").rpartition("/")[2] for media in content.values()]
        told = [components[name]["description"] for name in named if name in components]
        answer["description"] = told[0] if told else _IN_GENERAL[status]
    if seen.body is not msgspec.UNSET:
        content[JSON]["examples"] = {"example": {"value": seen.body}}


def _headers(*names: str) -> dict[str, dict[str, str]]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _refused(operation: Operation, kinds: list[type[DomainError]]) -> dict[str, dict[str, Any]]:
    """The refusals by status: the codes that one may carry, each with its example."""
    by_status: defaultdict[int, list[type[DomainError]]] = defaultdict(list)
    for kind in kinds:
        by_status[kind.status].append(kind)
    return {str(status): _refusal(operation, status, of_status) for status, of_status in by_status.items()}


def _refusal(operation: Operation, status: int, kinds: list[type[DomainError]]) -> dict[str, Any]:
    codes = [kind.code for kind in kinds]
    members: dict[str, Any] = {}
    if any(issubclass(kind, BankError) for kind in kinds):
        members |= OF_OPERATIONS.get(operation.operation_id, {})
    for code in codes:
        members |= MEMBERS.get(code, {})
    own = {"status": {"type": "integer", "const": status}, "code": {"type": "string", "enum": codes}}
    narrowed = {"type": "object", "properties": own | members}
    names = ("X-Request-Id", _ON_STATUS[status]) if status in _ON_STATUS else ("X-Request-Id",)
    return {
        "description": ", ".join(f"`{code}`" for code in codes),
        "headers": _headers(*names),
        "content": {
            MEDIA_TYPE: {
                "schema": {"allOf": [{"$ref": "#/components/schemas/Problem"}, narrowed]},
                "examples": {code: {"$ref": f"#/components/examples/{code}"} for code in codes},
            }
        },
    }
