"""The document as it is served, for what is made from it when tests are collected."""

from functools import cache
from typing import Any

from support import Client


@cache
def served_document() -> dict[str, Any]:
    """The OpenAPI document; whoever changes it changes a copy."""
    client = Client()
    try:
        found: dict[str, Any] = client.get("/openapi.json").json()
    finally:
        client.close()
    return found
