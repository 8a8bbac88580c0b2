"""The OpenAPI document: what Litestar makes of the handlers, and what it gets wrong put right."""

import inspect
import re
from pathlib import Path
from typing import Any, get_origin

import msgspec
from litestar import Litestar
from litestar._openapi.schema_generation.plugins.struct import StructSchemaPlugin
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Components,
    Contact,
    License,
    OpenAPIType,
    Schema,
    SecurityScheme,
    Server,
    ServerVariable,
    Tag,
)

from sandbox import __version__
from sandbox.core.catalogue import catalogue
from sandbox.http.openapi_operations import HEADERS, Example, complete, example_problem
from sandbox.http.operations import PathTable
from sandbox.http.problems import Problem
from sandbox.store.records import ALL_COLLECTIONS
from sandbox.store.schemas import record_name, record_schema

_EXAMPLES = Path(__file__).with_name("examples.json")
"""Requests and answers of every operation, made by `make openapi`: what the bank really says."""

_TAGS = (
    ("auth", "Sign-in, refresh, sign-out"),
    ("accounts", "Accounts, balances, holds"),
    ("transactions", "What moved, and cash in and out"),
    ("transfers", "Payments between accounts"),
    ("audit", "What auditors and admins see"),
    ("inbox", "What the bank has sent by SMS, e-mail and push"),
    ("data", "json-server's REST and query language over every collection"),
    ("control", "What steers a sandbox: reset, fork, digest, invariants"),
    ("docs", "Pages for people: this document to try out, and what each problem means"),
)


class StrictStructs(StructSchemaPlugin):
    """Says what a struct is for, and all that a body may not be: Litestar leaves some of it out."""

    def to_openapi_schema(self, field_definition: Any, schema_creator: Any) -> Any:
        """The schema of a struct."""
        schema = super().to_openapi_schema(field_definition, schema_creator)
        kind = get_origin(field_definition.type_) or field_definition.type_
        schema.description = inspect.getdoc(kind)
        if kind.__struct_config__.forbid_unknown_fields:
            schema.additional_properties = False
        for field in msgspec.inspect.type_info(field_definition.type_).fields:  # type: ignore[attr-defined]
            _complete_field((schema.properties or {})[field.encode_name], field.type)
        schema.one_of = [_only(name) for name in getattr(kind, "exactly_one_of", ())] or None
        return schema


def _only(name: str) -> Schema:
    """A body that says this field, and not only as null."""
    return Schema(required=[name], properties={name: Schema(type=OpenAPIType.STRING)})


def _complete_field(schema: Any, kind: msgspec.inspect.Type) -> None:
    """What msgspec knows of a field and Litestar does not say: bounds of 0, what is in a tuple, extras of `Meta`."""
    if not isinstance(schema, Schema):
        return
    if isinstance(kind, msgspec.inspect.UnionType):
        choices = [choice for choice in kind.types if not isinstance(choice, msgspec.inspect.NoneType)]
        if len(choices) == 1:
            _complete_field(schema, choices[0])
    elif isinstance(kind, msgspec.inspect.Metadata):
        for name, value in (kind.extra_json_schema or {}).items():
            if name == "anyOf":
                schema.any_of = [Schema(**choice) for choice in value]
            elif getattr(schema, name, "") is None:
                setattr(schema, name, value)
        _complete_field(schema, kind.type)
    elif isinstance(kind, msgspec.inspect.IntType | msgspec.inspect.FloatType):
        schema.minimum = kind.ge if kind.ge == 0 else schema.minimum
        schema.exclusive_minimum = kind.gt if kind.gt == 0 else schema.exclusive_minimum
    elif isinstance(kind, msgspec.inspect.VarTupleType) and isinstance(kind.item_type, msgspec.inspect.LiteralType):
        schema.items = Schema(type=OpenAPIType.STRING, enum=list(kind.item_type.values))


def openapi_config() -> OpenAPIConfig:
    """The document's frame."""
    return OpenAPIConfig(
        title="Sandbank",
        version=__version__,
        summary="A mock bank for tests",
        description=(
            "A whole retail bank that resets in milliseconds, forks per test, and answers the same every time.\n\n"
            "Every path also exists under `/s/{sandbox}`. A request may name its sandbox in `X-Sandbox`, its language "
            "in `Accept-Language` (en, ar) and itself in `X-Request-Id`. HEAD is served wherever GET is. Refusals are "
            "problems (RFC 9457); each `code` has a page at `/problems/{code}`. `x-sandbox` of an operation says what "
            "testers want to know: roles, ownership, what steers it, which scenario provokes which refusal."
        ),
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        contact=Contact(name="Sandbank"),
        servers=[
            Server(url="/", description="the sandbox `default`, or the one that a header or the token names"),
            Server(
                url="/s/{sandbox}",
                description="a sandbox by its path",
                variables={"sandbox": ServerVariable(default="default", description="its id")},
            ),
        ],
        tags=[Tag(name=name, description=text) for name, text in _TAGS],
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT", description="access_token"),
                "control": SecurityScheme(
                    type="apiKey",
                    name="Sandbank-Control-Token",
                    security_scheme_in="header",
                    description="only where the server is not on loopback, or a token was set",
                ),
            }
        ),
        render_plugins=[JsonRenderPlugin(path="/document.json")],
        path="/_litestar",  # out of reach: `/openapi.json` is a handler of ours
        use_handler_docstrings=True,
    )


def openapi_document(app: Litestar) -> dict[str, Any]:
    """The document: what Litestar says of the handlers, completed by what the edge does with a request."""
    document: dict[str, Any] = app.openapi_schema.to_schema()
    schemas = document["components"]["schemas"]
    examples = msgspec.json.decode(_EXAMPLES.read_bytes(), type=dict[str, Example])
    for operation in PathTable(app.routes).operations:
        described = document["paths"].get(operation.template, {}).get(operation.method.lower())
        if described is not None:
            complete(described, operation, examples.get(operation.operation_id, Example()), schemas)
    _, problem = msgspec.json.schema_components([Problem], ref_template="#/components/schemas/{name}")
    schemas |= problem | {record_name(made): record_schema(made) for made in ALL_COLLECTIONS.values()}
    document["components"]["headers"] = HEADERS
    document["components"]["examples"] = {code: example_problem(kind) for code, kind in sorted(catalogue().items())}
    return _with_plain_names(document)


_PAGE = re.compile(r"\bPage_[A-Za-z0-9_.]+\.([A-Za-z0-9]+?)(?:View)?_(?![A-Za-z0-9_])")


def _with_plain_names(document: dict[str, Any]) -> dict[str, Any]:
    """Pages named after their items: generators of clients make types of these names."""
    renamed: dict[str, Any] = msgspec.json.decode(_PAGE.sub(r"\1Page", msgspec.json.encode(document).decode()))
    return renamed
