"""`/openapi.json`: the contract, as a machine reads it. Built when it is first asked for."""

import asyncio

from litestar import Response, get

from sandbox.http import openapi
from sandbox.http.call import AnyRequest
from sandbox.http.operations import of_the_house
from sandbox.http.replies import Reply, encode


@get(
    "/openapi.json",
    operation_id="openapiDocument",
    summary="This document",
    tags=["control"],
    opt=of_the_house(),
    include_in_schema=False,
)
async def openapi_document(request: AnyRequest) -> Response[object]:
    """OpenAPI 3.1."""
    app = request.app
    if "openapi" not in app.state:
        # It takes tens of milliseconds, which the loop must not spend.
        app.state["openapi"] = await asyncio.to_thread(lambda: encode(openapi.openapi_document(app)))
    return Reply(app.state["openapi"])
