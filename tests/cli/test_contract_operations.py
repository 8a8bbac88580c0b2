"""How two documents differ outside of their schemas: operations, parameters, bodies, answers, security, servers."""

from copy import deepcopy
from typing import Any

import pytest
from contracts import PLACE, Document, answering, content, document, lines

from sandbox.cli.contract import Change, ContractError, Level, Rule, compare

B, N, A = Level.BREAKING, Level.NOTABLE, Level.ADDITION
TEXT = {"type": "string"}
BEARER = {"type": "http", "scheme": "bearer"}
KEY = {"type": "apiKey", "in": "header", "name": "Key"}
SCHEMES = {"bearer": BEARER, "key": KEY, "token": BEARER | {"bearerFormat": "JWT", "description": "a token"}}
GONE: Any = object()


def parameter(name: str = "limit", place: str = "query", schema: Any = TEXT, **members: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": schema} | members


def takes(*parameters: dict[str, Any]) -> dict[str, Any]:
    return {"parameters": list(parameters)}


def body(**members: Any) -> dict[str, Any]:
    return {"requestBody": content(TEXT) | members}


def answer(status: str = "200", **members: Any) -> dict[str, Any]:
    return {"responses": {status: {"description": ""} | members}}


def header(**members: Any) -> dict[str, Any]:
    return answer(headers={"ETag": {"schema": TEXT} | members})


def link(**members: Any) -> dict[str, Any]:
    return answer(links={"read": {"operationId": "getTransfer"} | members})


def secured(*ways: dict[str, list[str]]) -> dict[str, Any]:
    return {"security": list(ways)}


Planted = tuple[str, dict[str, Any], dict[str, Any], Rule, Level, str]

PLANTED: list[Planted] = [
    (
        "another operationId",
        {"operationId": "a"},
        {"operationId": "b"},
        Rule.OPERATION_ID_CHANGED,
        B,
        "operationId is 'b' now, was 'a'",
    ),
    ("no operationId", {}, {"operationId": None}, Rule.OPERATION_ID_CHANGED, B, "operationId is None now, was 'pay'"),
    ("deprecated", {"deprecated": False}, {"deprecated": True}, Rule.DEPRECATED, N, "the operation is deprecated now"),
    ("a parameter gone", takes(parameter()), takes(), Rule.PARAMETER_REMOVED, B, "query parameter 'limit' was removed"),
    ("a parameter more", takes(), takes(parameter()), Rule.PARAMETER_ADDED, A, "query parameter 'limit' was added"),
    (
        "a required parameter",
        takes(),
        takes(parameter(required=True)),
        Rule.REQUIRED_PARAMETER_ADDED,
        B,
        "query parameter 'limit' was added, and is required",
    ),
    (
        "a parameter now required",
        takes(parameter(required=False)),
        takes(parameter(required=True)),
        Rule.PARAMETER_NOW_REQUIRED,
        B,
        "query parameter 'limit' became required",
    ),
    (
        "a parameter now optional",
        takes(parameter(required=True)),
        takes(parameter()),
        Rule.PARAMETER_NOW_OPTIONAL,
        A,
        "query parameter 'limit' is no longer required",
    ),
    (
        "a parameter deprecated",
        takes(parameter()),
        takes(parameter(deprecated=True)),
        Rule.DEPRECATED,
        N,
        "query parameter 'limit' is deprecated now",
    ),
    (
        "the type of a parameter",
        takes(parameter()),
        takes(parameter(schema={"type": "number"})),
        Rule.TYPE_CHANGED,
        B,
        "query parameter 'limit' is number now, was string",
    ),
    (
        "the default of a parameter",
        takes(parameter(schema=TEXT | {"default": 1})),
        takes(parameter(schema=TEXT | {"default": 2})),
        Rule.DEFAULT_CHANGED,
        B,
        "query parameter 'limit' has the default 2 now, was 1",
    ),
    (
        "below a parameter",
        takes(parameter(schema={"type": "object", "properties": {"a": TEXT}})),
        takes(parameter(schema={"type": "object", "properties": {"a": TEXT}, "required": ["a"]})),
        *(Rule.PROPERTY_NOW_REQUIRED, B, "query parameter 'limit', property 'a' became required"),
    ),
    (
        "another style",
        takes(parameter()),
        takes(parameter(style="spaceDelimited")),
        Rule.SERIALISATION_CHANGED,
        B,
        "query parameter 'limit' is written in another form now",
    ),
    (
        "another explode",
        takes(parameter()),
        takes(parameter(explode=False)),
        Rule.SERIALISATION_CHANGED,
        B,
        "query parameter 'limit' is written in another form now",
    ),
    (
        "explode of a path",
        takes(parameter(place="path")),
        takes(parameter(place="path", explode=True)),
        Rule.SERIALISATION_CHANGED,
        B,
        "path parameter 'limit' is written in another form now",
    ),
    (
        "content for a schema",
        takes(parameter()),
        takes({"name": "limit", "in": "query"} | content(TEXT)),
        Rule.SERIALISATION_CHANGED,
        B,
        "query parameter 'limit' is written in another form now",
    ),
    (
        "content of a parameter",
        takes({"name": "limit", "in": "query"} | content(TEXT)),
        takes({"name": "limit", "in": "query"} | content({"type": "number"})),
        *(Rule.TYPE_CHANGED, B, "query parameter 'limit' is number now, was string"),
    ),
    (
        "another place",
        takes(parameter(), parameter("a")),
        takes(parameter("a")),
        Rule.PARAMETER_REMOVED,
        B,
        "query parameter 'limit' was removed",
    ),
    ("a body gone", body(), {}, Rule.BODY_REMOVED, B, "the request body was removed"),
    ("a body more", {}, body(), Rule.BODY_ADDED, A, "a request body was added"),
    (
        "a required body",
        {},
        body(required=True),
        Rule.REQUIRED_BODY_ADDED,
        B,
        "a request body was added, and is required",
    ),
    ("a body now required", body(), body(required=True), Rule.BODY_NOW_REQUIRED, B, "the request body became required"),
    (
        "a body now optional",
        body(required=True),
        body(required=False),
        Rule.BODY_NOW_OPTIONAL,
        A,
        "the request body is no longer required",
    ),
    (
        "a media type gone",
        body(content={"a/b": {}, "c/d": {}}),
        body(content={"a/b": {}}),
        Rule.MEDIA_TYPE_REMOVED,
        B,
        "request body may no longer be c/d",
    ),
    (
        "a media type more",
        body(content={"a/b": {}}),
        body(content={"c/d": {}, "a/b": {}}),
        Rule.MEDIA_TYPE_ADDED,
        A,
        "request body may also be c/d",
    ),
    (
        "another encoding",
        body(content={"a/b": {}}),
        body(content={"a/b": {"encoding": {"f": {"contentType": "c/d"}}}}),
        Rule.SERIALISATION_CHANGED,
        B,
        "request body a/b is written in another form now",
    ),
    (
        "the schema of another media type",
        {"requestBody": content({"type": "object"}, "a/b")},
        {"requestBody": content({"type": "object", "required": ["a"]}, "a/b")},
        *(Rule.PROPERTY_NOW_REQUIRED, B, "request a/b property 'a' became required"),
    ),
    (
        "a success gone",
        answer("201"),
        answer("201") and {"responses": {}},
        Rule.SUCCESS_REMOVED,
        B,
        "response 201 was removed",
    ),
    ("a redirection gone", answer("303"), {"responses": {}}, Rule.SUCCESS_REMOVED, B, "response 303 was removed"),
    ("a success more", {}, answer("202"), Rule.SUCCESS_ADDED, N, "response 202 was added"),
    ("a refusal gone", answer("409"), {}, Rule.REFUSAL_REMOVED, N, "response 409 was removed"),
    ("a refusal more", {}, answer("409"), Rule.REFUSAL_ADDED, A, "response 409 was added"),
    ("any refusal", {}, answer("default"), Rule.REFUSAL_ADDED, A, "response default was added"),
    (
        "an answer's media type gone",
        answer(content={"a/b": {}}),
        answer(),
        Rule.MEDIA_TYPE_REMOVED,
        B,
        "response 200 may no longer be a/b",
    ),
    (
        "an answer's media type more",
        answer(),
        answer(content={"a/b": {}}),
        Rule.MEDIA_TYPE_ADDED,
        A,
        "response 200 may also be a/b",
    ),
    (
        "the schema of a refusal",
        answer("409", **content(TEXT, "application/problem+json")),
        answer("409", **content({"type": "number"}, "application/problem+json")),
        *(Rule.TYPE_CHANGED, B, "response 409 is number now, was string"),
    ),
    ("a header gone", header(), answer(), Rule.HEADER_REMOVED, B, "response 200 header 'ETag' was removed"),
    ("a header more", answer(), header(), Rule.HEADER_ADDED, A, "response 200 header 'ETag' was added"),
    (
        "a header now optional",
        header(required=True),
        header(),
        Rule.HEADER_NOW_OPTIONAL,
        B,
        "response 200 header 'ETag' may be missing now",
    ),
    (
        "a header now promised",
        header(),
        header(required=True),
        Rule.HEADER_NOW_PROMISED,
        A,
        "response 200 header 'ETag' is always there now",
    ),
    (
        "a header deprecated",
        header(),
        header(deprecated=True),
        Rule.DEPRECATED,
        N,
        "response 200 header 'ETag' is deprecated now",
    ),
    (
        "the type of a header",
        header(),
        header(schema={"type": "number"}),
        Rule.TYPE_CHANGED,
        B,
        "response 200 header 'ETag' is number now, was string",
    ),
    (
        "the form of a header",
        header(),
        header(explode=True),
        Rule.SERIALISATION_CHANGED,
        B,
        "response 200 header 'ETag' is written in another form now",
    ),
    ("a link gone", link(), answer(), Rule.LINK_REMOVED, B, "response 200 link 'read' was removed"),
    ("a link more", answer(), link(), Rule.LINK_ADDED, A, "response 200 link 'read' was added"),
    (
        "another link",
        link(),
        link(operationId="getAccount"),
        Rule.LINK_CHANGED,
        B,
        "response 200 link 'read' leads elsewhere now",
    ),
    (
        "a link's parameters",
        link(parameters={"title": "$a"}),
        link(parameters={"title": "$b"}),
        Rule.LINK_CHANGED,
        B,
        "response 200 link 'read' leads elsewhere now",
    ),
    (
        "callbacks",
        {},
        {"callbacks": {"paid": {}}},
        Rule.UNREAD_PART_CHANGED,
        N,
        "callbacks changed: read by people only",
    ),
    (
        "credentials asked for",
        secured({}, {"key": []}),
        secured({"key": []}),
        Rule.SECURITY_TIGHTENED,
        B,
        "can no longer be called without credentials",
    ),
    (
        "credentials of two kinds",
        secured({"key": []}),
        secured({"key": [], "bearer": []}),
        Rule.SECURITY_TIGHTENED,
        B,
        "can no longer be called with key alone",
    ),
    (
        "two kinds with scopes",
        secured({"key": ["b", "a"], "bearer": []}),
        secured({"key": ["a", "b", "c"], "bearer": []}),
        *(Rule.SECURITY_TIGHTENED, B, "can no longer be called with key (a, b) and bearer alone"),
    ),
    (
        "one way in less",
        secured({"key": []}, {"bearer": []}),
        secured({"key": []}),
        Rule.SECURITY_TIGHTENED,
        B,
        "can no longer be called with bearer alone",
    ),
    (
        "another scope",
        secured({"key": ["a"]}),
        secured({"key": ["a", "b"]}),
        Rule.SECURITY_TIGHTENED,
        B,
        "can no longer be called with key (a) alone",
    ),
    (
        "one way in more",
        secured({"key": []}),
        secured({"key": []}, {"bearer": []}),
        Rule.SECURITY_LOOSENED,
        A,
        "may be called with bearer alone now",
    ),
    (
        "a scope less",
        secured({"key": ["a"]}),
        secured({"key": []}),
        Rule.SECURITY_LOOSENED,
        A,
        "may be called with key alone now",
    ),
    ("free", secured({"key": []}), secured(), Rule.SECURITY_LOOSENED, A, "may be called without credentials now"),
]


def with_schemes(operation: dict[str, Any]) -> Document:
    return document(operation, components={"securitySchemes": SCHEMES})


@pytest.mark.parametrize("planted", PLANTED, ids=[planted[0] for planted in PLANTED])
def test_a_planted_change_is_the_only_one_that_is_told(planted: Planted) -> None:
    _, old, new, rule, level, what = planted
    assert compare(with_schemes(old), with_schemes(new)) == [Change(level=level, rule=rule, where=PLACE, what=what)]
    assert compare(with_schemes(old), with_schemes(old)) == []


SAME: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("the case of a header", header(), answer(headers={"etag": {"schema": TEXT}})),
    ("the case of a parameter in a header", takes(parameter("Key", "header")), takes(parameter("key", "header"))),
    ("the order of parameters", takes(parameter("a"), parameter("b")), takes(parameter("b"), parameter("a"))),
    ("a form said or left out", takes(parameter()), takes(parameter(style="form", explode=True, required=False))),
    ("a form in a header", takes(parameter(place="header")), takes(parameter(place="header", style="simple"))),
    ("the form of a header of an answer", header(), header(style="simple", explode=False)),
    ("the writing of a media type", body(content={"a/b; c=d": {}}), body(content={"A/B;c=d": {}})),
    ("words", {}, {"summary": "s", "description": "d", "tags": ["t"], "x-sandbox": {}, "externalDocs": {}}),
    ("words of a parameter", takes(parameter()), takes(parameter(description="d", example="e", examples={}))),
    ("words of an answer", answer(), answer(description="d")),
    ("words of a link", link(), link(description="d")),
    (
        "examples of a body",
        body(),
        body(content={"application/json": {"schema": TEXT, "examples": {"a": {"value": 1}}}}),
    ),
    ("the name of a scheme", secured({"bearer": []}), secured({"token": []})),
    ("no security said", {}, secured()),
    ("headers that are described elsewhere", {}, takes(parameter("Authorization", "header", required=True))),
]


@pytest.mark.parametrize(("old", "new"), [pair[1:] for pair in SAME], ids=[pair[0] for pair in SAME])
def test_the_same_in_other_words_is_no_change(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert lines(with_schemes(old), with_schemes(new)) == []
    assert lines(with_schemes(new), with_schemes(old)) == []


def test_operations_that_come_and_go() -> None:
    old, new = document({}), document({})
    new["paths"]["/docs"] = {"get": {"responses": {}}}
    new["paths"]["/v1/transfers"]["get"] = {"responses": {}}
    assert lines(old, new) == [
        "addition operation-added GET /v1/transfers: the operation was added",
        "addition operation-added GET /docs: the operation was added",
    ]
    assert lines(new, old) == [
        "breaking operation-removed GET /v1/transfers: the operation was removed",
        "breaking operation-removed GET /docs: the operation was removed",
    ]


def test_a_renamed_variable_of_a_path_is_the_same_operation() -> None:
    old = document() | {"paths": {"/a/{id}/b/{n}": {"get": takes(parameter("id", "path"), parameter("n", "path"))}}}
    new = document() | {"paths": {"/a/{a_id}/b/{n}": {"get": takes(parameter("a_id", "path"), parameter("n", "path"))}}}
    assert lines(old, new) == [
        "breaking path-parameter-renamed GET /a/{a_id}/b/{n}: path parameter 'id' is called 'a_id' now"
    ]


def test_parameters_of_a_path_are_those_of_its_operations() -> None:
    old, new = document(takes(parameter())), document({})
    new["paths"]["/v1/transfers"]["parameters"] = [parameter()]
    assert lines(old, new) == []
    new["paths"]["/v1/transfers"]["post"]["parameters"] = [parameter(required=True)]
    assert [line.split()[1] for line in lines(old, new)] == ["parameter-now-required"]


def test_parts_are_followed_into_components() -> None:
    inline = document(takes(parameter()) | body() | answer(headers={"ETag": {"schema": TEXT}}, **content(TEXT)))
    referring = deepcopy(inline)
    operation = referring["paths"]["/v1/transfers"]["post"]
    referring["components"] = {
        "parameters": {"limit": operation["parameters"][0]},
        "requestBodies": {"order": operation["requestBody"]},
        "headers": {"tag": operation["responses"]["200"]["headers"]["ETag"]},
        "responses": {"paid": operation["responses"]["200"]},
        "pathItems": {"transfers": referring["paths"]["/v1/transfers"]},
    }
    operation["parameters"] = [{"$ref": "#/components/parameters/limit"}]
    operation["requestBody"] = {"$ref": "#/components/requestBodies/order"}
    operation["responses"]["200"]["headers"]["ETag"] = {"$ref": "#/components/headers/tag"}
    operation["responses"] = {"200": {"$ref": "#/components/responses/paid"}}
    referring["paths"] = {"/v1/transfers": {"$ref": "#/components/pathItems/transfers"}}
    assert lines(inline, referring) == []
    referring["components"]["requestBodies"]["order"]["required"] = True
    assert [line.split()[1] for line in lines(inline, referring)] == ["body-now-required"]


def test_security_of_the_document_is_that_of_operations_which_say_nothing() -> None:
    said = document(secured({"key": []}), components={"securitySchemes": SCHEMES})
    general = document({}, components={"securitySchemes": SCHEMES}, **secured({"key": []}))
    assert lines(said, general) == []
    assert [line.split()[1] for line in lines(document({}), general)] == ["security-tightened"]


def test_another_scheme_under_the_old_name_is_another_way_in() -> None:
    old = document(secured({"key": []}), components={"securitySchemes": {"key": KEY}})
    new = document(secured({"key": []}), components={"securitySchemes": {"key": KEY | {"name": "Token"}}})
    assert lines(old, new) == [
        f"breaking security-tightened {PLACE}: can no longer be called with key alone",
        f"addition security-loosened {PLACE}: may be called with key alone now",
    ]


def test_servers() -> None:
    old, new = document(), document(servers=[{"url": "/bank"}, {"url": "/"}])
    assert lines(old, new) == ["addition server-added the document: server /bank was added"]
    assert lines(new, old) == ["breaking server-removed the document: server /bank was removed"]


def test_webhooks_are_left_to_people() -> None:
    told = ["notable unread-part-changed the document: webhook 'paid' changed: read by people only"]
    old, new = document(), document(webhooks={"paid": {"post": {"operationId": "paid", "description": "d"}}})
    assert lines(old, new) == told
    assert lines(new, old) == told
    assert lines(new, document(webhooks={"paid": {"post": {"operationId": "paid"}}})) == []


def test_a_schema_that_no_operation_leads_to_is_known_by_its_name() -> None:
    def holding(**schemas: Any) -> Document:
        return document(components={"schemas": schemas})

    record = {"type": "object", "properties": {"a": {"enum": ["x"]}}}
    assert lines(holding(), holding(Record=record)) == ["addition schema-added schema Record: the schema was added"]
    assert lines(holding(Record=record), holding()) == ["breaking schema-removed schema Record: the schema was removed"]
    more = {"type": "object", "properties": {"a": {"enum": ["x", "y"]}, "b": TEXT}}
    assert lines(holding(Record=record), holding(Record=more)) == [
        "notable value-added schema Record: its property 'a' may also be 'y'",
        "addition property-added schema Record: its property 'b' was added",
    ]
    assert lines(holding(Record=more), holding(Record=record)) == [
        "breaking value-removed schema Record: its property 'a' may no longer be 'y'",
        "breaking property-removed schema Record: its property 'b' was removed",
    ]


def test_only_operations_and_parts_that_they_share_lead_to_a_schema() -> None:
    schemas = {"Outer": {"items": {"$ref": "#/components/schemas/Inner"}}, "Inner": TEXT}
    unused = document(components={"schemas": schemas})
    assert lines(unused, document()) == [
        "breaking schema-removed schema Outer: the schema was removed",
        "breaking schema-removed schema Inner: the schema was removed",
    ]
    shared = {"good": content({"$ref": "#/components/schemas/Outer"})}
    used = document(
        {"responses": {"200": {"$ref": "#/components/responses/good"}}},
        components={"schemas": schemas, "responses": shared},
    )
    assert lines(used, answering({"items": TEXT})) == []


def test_a_schema_that_operations_lead_to_has_no_name_of_its_own() -> None:
    outer = {"type": "array", "items": {"$ref": "#/components/schemas/Inner"}}
    of = {"$ref": "#/components/schemas/Outer"}
    used = answering(of, Outer=outer, Inner=TEXT)
    assert lines(used, answering({"type": "array", "items": TEXT})) == []
    assert lines(answering({"type": "array", "items": TEXT}), used) == []
    assert lines(used, answering(TEXT, Outer=outer, Inner=TEXT)) == [
        f"breaking type-changed {PLACE}: response 200 is string now, was array"
    ]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ([], "no OpenAPI 3.1 document"),
        ({"swagger": "2.0"}, "no OpenAPI 3.1 document"),
        ({"openapi": "3.0.3"}, "no OpenAPI 3.1 document"),
        (document() | {"paths": []}, "paths must be a mapping, and is []"),
        (document() | {"paths": {"/a": 1}}, "/a must be a mapping, and is 1"),
        (document() | {"servers": {}}, "servers must be a list, and is {}"),
        (document({"parameters": {}}), "parameters must be a list, and is {}"),
        (document({"parameters": [1]}), "a parameter must be a mapping, and is 1"),
        (document({"responses": {"200": "good"}}), '200 of responses must be a mapping, and is "good"'),
        (document({"requestBody": 1}), "requestBody must be a mapping, and is 1"),
        (document({"requestBody": {"content": {"a/b": 1}}}), "a/b of content must be a mapping, and is 1"),
        (answering(1), "a schema must be a mapping, and is 1"),
        (answering({"type": "text"}), "there is no type 'text'"),
        (answering({"maxLength": "3"}), 'maxLength must be a number, and is "3"'),
        (answering({"properties": []}), "properties must be a mapping, and is []"),
        (answering({"$ref": "#/components/schemas/None"}), "'#/components/schemas/None' leads nowhere"),
        (answering({"$ref": "#/servers/1"}) | {"servers": [{"url": "/"}]}, "'#/servers/1' leads nowhere"),
        (answering({"$ref": "#/servers/a"}) | {"servers": [{"url": "/"}]}, "'#/servers/a' leads nowhere"),
        (answering({"$ref": "other.yaml#/A"}), "'other.yaml#/A' leads out of the document"),
        (
            document({"requestBody": {"$ref": "#/components/a"}}, components={"a": {"$ref": "#/components/a"}}),
            "leads back to itself",
        ),
    ],
)
def test_what_cannot_be_compared_says_why(broken: Any, said: str) -> None:
    good = document({"requestBody": content(TEXT)} | answer(**content(TEXT)))
    for pair in ((broken, good), (good, broken)):
        with pytest.raises(ContractError) as caught:
            compare(*pair)
        assert said in str(caught.value)


def test_numbers_as_statuses_are_statuses() -> None:
    written: dict[Any, Any] = {"responses": {200: {"description": ""}}}
    assert lines(document(written), document(answer())) == []


def test_a_reference_may_lead_anywhere_in_the_document() -> None:
    old = document({"requestBody": content({"$ref": "#/x-parts/0/a~1b"})}, **{"x-parts": [{"a/b": TEXT}]})
    assert lines(old, document(body())) == []


def test_every_rule_of_operations_has_a_planted_change() -> None:
    by_themselves = {
        *(Rule.OPERATION_REMOVED, Rule.OPERATION_ADDED, Rule.SERVER_REMOVED, Rule.SERVER_ADDED),
        *(Rule.PATH_PARAMETER_RENAMED, Rule.SCHEMA_REMOVED, Rule.SCHEMA_ADDED),
    }
    rules = list(Rule)
    assert set(rules[: rules.index(Rule.TYPE_CHANGED)]) <= {planted[3] for planted in PLANTED} | by_themselves
