"""The OpenAPI document: what Litestar makes of the handlers, and what it gets wrong put right."""

from copy import deepcopy
from typing import Any

from litestar import Litestar
from litestar._openapi.schema_generation.plugins.struct import StructSchemaPlugin
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, Contact, License, SecurityScheme, Server, Tag

from sandbox import __version__
from sandbox.http.operations import Operation, PathTable
from sandbox.http.origins import UNGUARDED, is_guarded

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
    """Says `additionalProperties: false` where a body with an unknown field is refused."""

    def to_openapi_schema(self, field_definition: Any, schema_creator: Any) -> Any:
        """The schema of a struct."""
        schema = super().to_openapi_schema(field_definition, schema_creator)
        if field_definition.type_.__struct_config__.forbid_unknown_fields:
            schema.additional_properties = False
        return schema


def openapi_config() -> OpenAPIConfig:
    """The document's frame."""
    return OpenAPIConfig(
        title="Sandbank",
        version=__version__,
        summary="A mock bank for tests",
        description=(
            "A whole retail bank that resets in milliseconds, forks per test, and answers the same every time. "
            "Every path also exists under `/s/{sandbox}`."
        ),
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        contact=Contact(name="Sandbank"),
        servers=[Server(url="/")],
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
    """The document: what Litestar says of the handlers, completed by what the edge asks of a request."""
    document: dict[str, Any] = app.openapi_schema.to_schema()
    for operation in PathTable(app.routes).operations:
        described = document["paths"].get(operation.template, {}).get(operation.method.lower())
        if described is not None:
            _complete(described, operation)
    return document


def _complete(described: dict[str, Any], operation: Operation) -> None:
    if operation.roles is not None:
        described["security"] = [{"bearer": []}]
    elif is_guarded(operation.template) and operation.template not in UNGUARDED:
        described["security"] = [{}, {"control": []}]
    else:
        described["security"] = []
    if operation.query is not None and "dry_run" in operation.query:
        described.setdefault("parameters", []).append(deepcopy(_IDEMPOTENCY_KEY))
        rehearsed = deepcopy(described["responses"]["201"]) | {"description": "What a dry run says would happen"}
        described["responses"] = {"200": rehearsed} | described["responses"]
    if "204" in described["responses"]:
        described["responses"]["204"].pop("content", None)


_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "needed unless `dry_run`; the same key with the same body repeats the first answer for 24 hours",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
