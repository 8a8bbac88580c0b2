"""`/docs`: the API in a browser, with Swagger UI where the build brought it, else as a listing of our own.

Nothing here makes a browser ask another machine. The pages refer to their files relative to themselves, so they work
below `/s/{sandbox}` too, and talk to that sandbox there.
"""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from litestar import Response, get
from litestar.datastructures import State
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, Schema
from litestar.params import PathParameter

from sandbox.core.errors import NotFoundError
from sandbox.http.call import AnyRequest, call_of
from sandbox.http.operations import of_the_house, refuses
from sandbox.webui import answers
from sandbox.webui.files import ASSETS, SWAGGER_UI, WebFiles, read_files

_STATE = "web_files"


@dataclass
class _FileOperation(Operation):
    """An operation that answers with a file of one of several kinds."""

    def __post_init__(self) -> None:
        """Say which kinds."""
        answer = (self.responses or {})["200"]
        text = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))
        kinds = sorted({media_type.partition(";")[0] for media_type in ASSETS.values()})
        answer.content = dict.fromkeys(kinds, text)  # type: ignore[union-attr]


@get(
    "/docs",
    operation_id="apiDocs",
    summary="The API in a browser",
    tags=["docs"],
    opt=of_the_house(),
    media_type="text/html",
)
async def api_docs(request: AnyRequest) -> Response[str]:
    """Every operation, to read and to try out. Works offline; below `/s/{sandbox}` it talks to that sandbox."""
    files = await _files(request.app.state)
    return answers.page_file(call_of(request), files.page)


@get(
    "/docs/{asset:str}",
    operation_id="apiDocsFile",
    summary="A file of the pages",
    tags=["docs"],
    opt=of_the_house() | refuses(NotFoundError),
    operation_class=_FileOperation,
)
async def api_docs_file(
    request: AnyRequest,
    asset: Annotated[str, PathParameter(description="name of the file", schema_extra={"enum": sorted(ASSETS)})],
) -> Response[str]:
    """A script or style sheet that the pages fetch."""
    files = await _files(request.app.state)
    found = files.assets.get(asset)
    if found is None:
        raise NotFoundError(_absent(asset))
    return answers.asset(call_of(request), found)


def _absent(asset: str) -> str:
    if asset in SWAGGER_UI:
        return f"Swagger UI is not part of this installation, and {asset} neither; docs/api-docs.md says how to get it."
    return f"The pages have no file {asset[:64]}; they have {', '.join(sorted(ASSETS))}."


async def _files(state: State) -> WebFiles:
    if _STATE not in state:
        state[_STATE] = await asyncio.to_thread(read_files)
    found: WebFiles = state[_STATE]
    return found


HANDLERS = [api_docs, api_docs_file]
