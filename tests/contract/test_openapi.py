"""The OpenAPI document says what is served, and what is served is what it says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import exampling
import jsonschema_rs
import pytest
from litestar import Litestar
from raised import members_in_code
from support import TINY, Client, codes_by_status

from sandbox.core.catalogue import catalogue
from sandbox.http import openapi
from sandbox.http.hints import PROVOKE
from sandbox.http.links import LINKS
from sandbox.http.operations import EVERYBODY
from sandbox.http.problem_members import MEMBERS
from sandbox.http.problems import MEDIA_TYPE
from sandbox.store.records import ALL_COLLECTIONS

REPOSITORY = Path(__file__).resolve().parents[2]
OTHER_KINDS = {
    "exportSandbox": ["application/zip"],
    "metrics": ["text/plain"],
    "apiDocs": ["text/html"],
    "apiDocsFile": ["text/css", "text/javascript"],
    "listProblems": ["text/html", "application/json"],
    "explainProblem": ["text/html", "application/json"],
}
"""What answers with other than JSON, and with what."""


@pytest.fixture(scope="module")
def served() -> Iterator[Client]:
    """One server for everything that is only read."""
    made = Client()
    yield made
    made.close()


@pytest.fixture(scope="module")
def document(served: Client) -> dict[str, Any]:
    """The document as it is served."""
    found: dict[str, Any] = served.get("/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """The operations of the document by method and path."""
    return {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in {"get", "put", "post", "patch", "delete", "head", "options", "trace"}
    }


def documented_codes(operation: dict[str, Any]) -> set[str]:
    """The problem codes that an operation may answer, as it is described."""
    return {code for codes in codes_by_status(operation).values() for code in codes}


def test_the_document_is_openapi_3_1(served: Client, document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"] == "Sandbank"
    assert served.get("/openapi.json").headers["content-type"] == "application/json"


def test_the_document_is_built_when_it_is_first_asked_for() -> None:
    client = Client()
    try:
        state = client.app.litestar.state
        assert "openapi" not in state
        client.get("/openapi.json")
        assert "openapi" in state
    finally:
        client.close()


def test_the_document_is_built_once_for_all_who_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    built = []

    def counted(app: Litestar) -> dict[str, Any]:
        built.append(app)
        return openapi.openapi_document(app)

    monkeypatch.setattr("sandbox.api.document.openapi", SimpleNamespace(openapi_document=counted))
    client = Client()
    try:
        answers = client.together(*[lambda: client.http.get("/openapi.json")] * 4)
        assert len({answer.content for answer in answers}) == len(built) == 1
        known = {"if-none-match": answers[0].headers["etag"]}
        assert client.get("/openapi.json", headers=known).status_code == 304
    finally:
        client.close()


def test_the_document_is_the_same_bytes_in_every_sandbox(served: Client) -> None:
    assert served.get("/openapi.json").content == served.get("/s/default/openapi.json").content


def test_the_document_lists_exactly_what_is_served(served: Client, document: dict[str, Any]) -> None:
    listed = {(method, path, operation["operationId"]) for (method, path), operation in operations(document).items()}
    assert listed == {
        (operation.method, operation.template, operation.operation_id)
        for operation in served.app.table.operations
        if operation.template != "/openapi.json"
    }


def test_every_operation_says_what_it_is_for(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    assert all(tag["description"] for tag in document["tags"])
    ids = [operation["operationId"] for operation in operations(document).values()]
    assert len(ids) == len(set(ids))
    for place, operation in operations(document).items():
        assert operation["summary"], place
        assert operation["description"], place
        assert len(operation["tags"]) == 1, place
        assert set(operation["tags"]) <= tags, place
        for parameter in operation.get("parameters", []):
            assert parameter.get("description"), (place, parameter["name"])


def test_every_refusal_is_documented_as_a_problem_by_its_codes(document: dict[str, Any]) -> None:
    kinds = catalogue()
    for place, operation in operations(document).items():
        answers = operation["responses"]
        assert any(status.startswith("2") for status in answers), place
        assert {"validation_failed", "sandbox_unknown", "internal_error"} <= documented_codes(operation), place
        for status, answer in answers.items():
            if int(status) < 400:
                continue
            (media_type,) = answer["content"]
            assert media_type == MEDIA_TYPE, (place, status)
            shared, narrowed = answer["content"][MEDIA_TYPE]["schema"]["allOf"]
            assert shared == {"$ref": "#/components/schemas/Problem"}, (place, status)
            assert narrowed["properties"]["status"]["const"] == int(status)
            codes = narrowed["properties"]["code"]["enum"]
            assert list(answer["content"][MEDIA_TYPE]["examples"]) == codes == sorted(codes)
            for code in codes:
                assert kinds[code].status == int(status), (place, code)
                assert f"`{code}`" in answer["description"]


def test_every_member_that_a_problem_adds_is_typed() -> None:
    assert {code: set(members) for code, members in MEMBERS.items()} == members_in_code()


def test_answers_have_one_media_type_and_no_body_where_there_is_none(document: dict[str, Any]) -> None:
    for place, operation in operations(document).items():
        for status, answer in operation["responses"].items():
            if status in {"204", "304"}:
                assert "content" not in answer, (place, status)
            elif int(status) < 400:
                expected = OTHER_KINDS.get(operation["operationId"], ["application/json"])
                assert list(answer["content"]) == expected, (place, status)


def test_every_answer_names_its_headers(document: dict[str, Any]) -> None:
    headers = document["components"]["headers"]
    for header in headers.values():
        assert header["description"]
        assert jsonschema_rs.Draft202012Validator(header["schema"]).is_valid(header["example"])
    for place, operation in operations(document).items():
        for status, answer in operation["responses"].items():
            named = set(answer["headers"])
            assert named <= set(headers), (place, status)
            assert "X-Request-Id" in named, (place, status)
            assert ("WWW-Authenticate" in named) is (status == "401"), (place, status)
            assert ("Sandbank-Time" in named) is (int(status) < 400), (place, status)


def test_every_example_is_one(document: dict[str, Any]) -> None:
    components = {"components": document["components"]}
    found = 0
    for place, operation in operations(document).items():
        parts = [*operation["responses"].values(), operation.get("requestBody", {})]
        for part in parts:
            for media in part.get("content", {}).values():
                validator = jsonschema_rs.Draft202012Validator(media["schema"] | components)
                for example in media.get("examples", {}).values():
                    name = example.get("$ref", "").rpartition("/")[2]
                    validator.validate(
                        example.get("value", document["components"]["examples"].get(name, {}).get("value"))
                    )
                    found += 1
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path":
                assert parameter["example"], place
    assert found > 500


def test_every_operation_shows_a_request_and_its_answers(document: dict[str, Any]) -> None:
    for place, operation in operations(document).items():
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        assert body is None or body["examples"], place
        for status, answer in operation["responses"].items():
            media = answer.get("content", {}).get("application/json")
            assert int(status) >= 300 or media is None or media["examples"], (place, status)


def test_the_examples_are_what_the_bank_says() -> None:
    assert exampling.made() == exampling.PLACE.read_bytes(), "run: make openapi"


def test_what_is_made_or_listed_leads_on(document: dict[str, Any]) -> None:
    described = {operation["operationId"]: operation for operation in operations(document).values()}
    for link in LINKS:
        target = described[link.target]
        wanted = {parameter["name"] for parameter in target.get("parameters", []) if parameter["in"] == "path"}
        assert set(link.parameters) == wanted, link
        assert described[link.source]["responses"][link.status]["links"][link.name]["operationId"] == link.target
    assert len({(link.source, link.status, link.name) for link in LINKS}) == len(LINKS)
    for operation in described.values():
        # A record of the data plane is found by its Location: the name of its identifier depends on the collection.
        if "201" in operation["responses"] and operation["operationId"] != "createRecord":
            assert operation["responses"]["201"]["links"], operation["operationId"]
            assert "Location" in operation["responses"]["201"]["headers"]


def test_links_find_what_they_name_in_the_examples(document: dict[str, Any]) -> None:
    described = {operation["operationId"]: operation for operation in operations(document).values()}
    for link in LINKS:
        media = described[link.source]["responses"][link.status]["content"]["application/json"]
        for expression in (*link.parameters.values(), *(link.body or {}).values()):
            value = media["examples"]["example"]["value"]
            for step in expression.removeprefix("$response.body#/").split("/"):
                value = value[int(step)] if isinstance(value, list) else value[step]
            assert isinstance(value, str), link


def test_hints_say_what_testers_want_to_know(document: dict[str, Any]) -> None:
    scenarios = {path.stem for path in (REPOSITORY / "scenarios").glob("*.yaml")}
    for place, operation in operations(document).items():
        hints = operation["x-sandbox"]
        assert hints["plane"] in {"bank", "control", "data", "about"}, place
        assert hints["sandbox"] in {"required", "optional", "in_body"}, place
        assert hints["changes"] in {"bank", "sandbox", "nothing"}, place
        assert (hints["roles"] is None) is ("bearer" not in json.dumps(operation["security"])), place
        for code, hint in hints.get("provoke", {}).items():
            assert code in documented_codes(operation), place
            assert hint["scenario"] in scenarios, place


@pytest.mark.parametrize(
    ("operation_id", "code", "scenario"),
    [(operation_id, code, name) for operation_id, hints in PROVOKE.items() for code, name in hints.items()],
)
def test_a_scenario_provokes_the_refusal_that_it_is_named_for(
    document: dict[str, Any], operation_id: str, code: str, scenario: str
) -> None:
    client = Client(exampling.KUWAIT)
    (place,) = (found for found, named in operations(document).items() if named["operationId"] == operation_id)
    described = operations(document)[place]
    body = described.get("requestBody", {}).get("content", {}).get("application/json")
    try:
        user = client.login()
        assert client.post(f"/_sandbox/scenarios/{scenario}", {}).status_code == 200
        sent = None if body is None else body["examples"]["example"]["value"]
        answer = user.order(place[1], sent) if place[0] == "POST" else user.get(place[1])
        assert answer.json()["code"] == code
    finally:
        client.close()


def test_every_collection_has_its_schema(document: dict[str, Any]) -> None:
    (listing,) = (o for o in operations(document).values() if o["operationId"] == "listRecords")
    named = listing["x-sandbox"]["collections"]
    assert set(named) == set(ALL_COLLECTIONS)
    schemas = document["components"]["schemas"]
    for name in ("customers", "accounts", "transactions", "auth_users"):
        schema = schemas[named[name]["$ref"].rpartition("/")[2]]
        for record in json.loads((TINY / f"{name}.json").read_text(encoding="utf-8")):
            jsonschema_rs.Draft202012Validator(schema | {"components": document["components"]}).validate(record)


def test_components_have_names_that_types_can_have(document: dict[str, Any]) -> None:
    for kind in ("schemas", "headers", "examples"):
        for name in document["components"][kind]:
            assert re.fullmatch(r"[A-Za-z0-9_-]+", name), name
    assert "AccountPage" in document["components"]["schemas"]


def test_a_token_is_documented_where_it_is_needed(served: Client, document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert schemes["bearer"]["type"] == "http"
    assert schemes["bearer"]["scheme"] == "bearer"
    described = operations(document)
    for operation in served.app.table.operations:
        if operation.template == "/openapi.json":
            continue
        found = described[operation.method, operation.template]
        if operation.roles is None:
            assert all("bearer" not in choice for choice in found["security"]), operation
        else:
            assert found["security"] == [{"bearer": []}], operation
            assert {"unauthenticated", "token_invalid", "token_expired"} <= documented_codes(found), operation
            assert ("forbidden" in documented_codes(found)) is (
                operation.roles != EVERYBODY
                or operation.operation_id in {"listAccounts", "listTransactions", "listTransfers"}
            )


def test_the_control_token_is_documented_where_it_may_be_asked_for(document: dict[str, Any]) -> None:
    free = {"/_sandbox/health", "/_sandbox/livez", "/_sandbox/readyz"}
    for (_, path), operation in operations(document).items():
        if path.startswith("/_sandbox") and path not in free:
            assert operation["security"] == [{}, {"control": []}], path
            assert {"control_token_required", "host_not_allowed", "origin_not_allowed"} <= documented_codes(operation)


def test_orders_that_move_money_document_their_key_and_their_dry_run(document: dict[str, Any]) -> None:
    orders = {"deposit", "withdraw", "createTransfer", "reverseTransfer"}
    for operation in operations(document).values():
        names = {(parameter["in"], parameter["name"]) for parameter in operation.get("parameters", [])}
        is_order = operation["operationId"] in orders
        assert (("header", "Idempotency-Key") in names) is is_order
        assert (("query", "dry_run") in names) is is_order
        assert ({"200", "201"} <= set(operation["responses"])) is is_order


def test_bodies_are_json_and_closed(document: dict[str, Any]) -> None:
    # Records of the data plane keep fields that nobody knows, and each scenario has parameters of its own.
    bodies = [
        operation["requestBody"]
        for (_, path), operation in operations(document).items()
        if "requestBody" in operation
        and not path.startswith(("/_data", "/_sandbox/scenarios"))
        and operation["operationId"] != "importSandbox"
    ]
    assert len(bodies) == 14
    components = document["components"]["schemas"]
    closed = set()

    def close(schema: dict[str, Any]) -> None:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name not in closed:
                closed.add(name)
                close(components[name])
            return
        if schema.get("type") == "object" and schema is not components["ScenarioOrder"]["properties"]["parameters"]:
            assert schema["additionalProperties"] is False, schema.get("title")
        for inner in (*schema.get("properties", {}).values(), *schema.get("oneOf", []), *schema.get("anyOf", [])):
            close(inner)

    for body in bodies:
        assert list(body["content"]) == ["application/json"]
        close(body["content"]["application/json"]["schema"])
    assert closed >= {"NewTransfer", "Creditor", "OrderAmount", "SignIn", "DeviceFacts", "NewSandbox", "ResetOrder"}


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for name in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)):
        assert name in document["components"]["schemas"]


def test_every_schema_is_a_json_schema(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.Draft202012Validator(schema | {"components": document["components"]})
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.Draft202012Validator({"type": "nothing"})
