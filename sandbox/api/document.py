"""`/openapi.json`: the contract, as a machine reads it. Built when it is first asked for."""

import asyncio

from litestar import Litestar, Response, get

from sandbox.http import openapi
from sandbox.http.call import AnyRequest, call_of
from sandbox.http.operations import of_the_house
from sandbox.http.replies import encode, etag, tagged

_STATE = "openapi"


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
    if _STATE not in app.state:
        # Kept before it is done: whoever asks meanwhile waits for the same one.
        app.state[_STATE] = asyncio.create_task(asyncio.to_thread(_built, app))
    body, tag = await asyncio.shield(app.state[_STATE])
    return tagged(call_of(request), body, tag=tag, headers={"cache-control": "no-cache"})


def _built(app: Litestar) -> tuple[bytes, str]:
    """The document and its entity tag. It takes some tenths of a second, which the loop must not spend."""
    body = encode(openapi.openapi_document(app))
    return body, etag(body)


HANDLERS = [openapi_document]
