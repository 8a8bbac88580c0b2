"""The OpenAPI document: what Litestar makes of the handlers, and what it gets wrong put right."""

from typing import Any

from litestar._openapi.schema_generation.plugins.struct import StructSchemaPlugin
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, Contact, License, SecurityScheme, Server, Tag

from sandbox import __version__

_TAGS = (
    ("auth", "Sign-in, refresh, sign-out"),
    ("accounts", "Accounts, balances, holds"),
    ("transactions", "What moved, and cash in and out"),
    ("transfers", "Payments between accounts"),
    ("audit", "What auditors and admins see"),
    ("control", "What steers a sandbox: reset, fork, digest, invariants"),
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
                "bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT", description="access_token")
            }
        ),
        render_plugins=[JsonRenderPlugin(path="/document.json")],
        path="/_litestar",  # out of reach: `/openapi.json` is a handler of ours
        use_handler_docstrings=True,
    )
