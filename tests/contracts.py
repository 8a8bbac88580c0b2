"""Small OpenAPI documents to compare, and what a comparison says of them in one line a change."""

from typing import Any

from sandbox.cli.contract import compare

Document = dict[str, Any]
PLACE = "POST /v1/transfers"


def document(operation: dict[str, Any] | None = None, **members: Any) -> Document:
    """A document with one operation, or with none."""
    paths = (
        {} if operation is None else {"/v1/transfers": {"post": {"operationId": "pay", "responses": {}} | operation}}
    )
    return {"openapi": "3.1.0", "info": {"title": "Bank", "version": "0.1.0"}, "paths": paths} | members


def content(schema: Any, media: str = "application/json") -> dict[str, Any]:
    """A `content` of one media type."""
    return {"content": {media: {"schema": schema}}}


def asking(schema: Any, **schemas: Any) -> Document:
    """A document whose operation takes such a body."""
    return document({"requestBody": content(schema)}, components={"schemas": schemas})


def answering(schema: Any, **schemas: Any) -> Document:
    """A document whose operation answers with such a body."""
    return document({"responses": {"200": content(schema)}}, components={"schemas": schemas})


def lines(old: Document, new: Document) -> list[str]:
    """Every change in one line, that of the one operation without its name."""
    return [f"{change.level} {change.rule} {change.where}: {change.what}" for change in compare(old, new)]


def levels(old: Document, new: Document) -> set[str]:
    """How much the changes matter."""
    return {change.level.value for change in compare(old, new)}
