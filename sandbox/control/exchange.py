"""`/_sandbox/export`, `import`, `diff`: a sandbox's state as files, files as its state, and what has changed."""

import asyncio
import re
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

import msgspec
from litestar import Response, get, post
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import QueryParameter

from sandbox.core.clock import elapsed_ms, stopwatch
from sandbox.core.sandbox_errors import EcosystemInvalidError, SnapshotUnknownError, ZipInvalidError
from sandbox.http.bodies import raw_body
from sandbox.http.call import AnyRequest, call_of
from sandbox.http.operations import anybody, refuses
from sandbox.http.replies import Reply, plain
from sandbox.sandboxes.exchange import NOW, SEED, changes, export_zip, files_of_zip, image_of_files, moment
from sandbox.store.diff import CollectionDiff

_ZIP = "application/zip"
_ZIPS = (_ZIP, "application/x-zip-compressed")
"""The second is what Windows calls it."""
_ENCODER = msgspec.json.Encoder(decimal_format="number")
"""Records carry numbers of collections that the bank does not know, digit by digit."""


class ImportDone(msgspec.Struct, frozen=True, kw_only=True):
    """The sandbox is the bank of the files now."""

    digest: str
    generation: int
    took_ms: float


class Diff(msgspec.Struct, frozen=True, rename={"before": "from", "after": "to"}):
    """What lies between two moments of a sandbox; only collections that differ are named."""

    before: str
    after: str
    same: bool
    collections: dict[str, CollectionDiff]


@dataclass
class _ZipOperation(Operation):
    """Documents a body that is a zip."""

    def __post_init__(self) -> None:
        binary = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY, description="an ecosystem's files")
        self.request_body = RequestBody(content={_ZIP: OpenAPIMediaType(schema=binary)}, required=True)


@get(
    "/_sandbox/export",
    operation_id="exportSandbox",
    summary="Export the sandbox as files",
    tags=["control"],
    opt=anybody(),
    media_type=_ZIP,
)
async def export_sandbox(request: AnyRequest) -> Response[bytes]:
    """A zip of the ecosystem's files, in the shape of the seeds. Importing it gives the same digest."""
    root = call_of(request).root
    packed = await export_zip(root)
    return Reply(packed, media_type=_ZIP, headers={"content-disposition": _attachment(root.image.facts.ecosystem)})


@post(
    "/_sandbox/import",
    operation_id="importSandbox",
    summary="Replace the sandbox by files",
    tags=["control"],
    opt=anybody() | refuses(ZipInvalidError, EcosystemInvalidError),
    status_code=200,
    operation_class=_ZipOperation,
    request_max_body_size=None,  # `raw_body` has a limit of its own
)
async def import_sandbox(request: AnyRequest) -> Response[ImportDone]:
    """Load a zip of an export or of any ecosystem. As with a reset, requests under way finish on the old state.

    A later reset goes back to what the sandbox was made from, and not to the files.
    """
    call = call_of(request)
    settings = call.house.settings
    limit = settings.max_import_bytes
    raw = await raw_body(request, media_types=_ZIPS, most_bytes=limit, setting="--max-import-bytes")
    # What comes out of a zip takes many times its size in memory: one at a time.
    async with request.app.state.importing:
        started = stopwatch()
        files = await asyncio.to_thread(files_of_zip, raw, settings)
        del raw
        image = await asyncio.to_thread(image_of_files, files, settings)
        del files
    sandbox = call.house.get(call.sandbox_id or "")
    root = call.house.install(sandbox, image, seed=image.facts.seed)
    took_ms = elapsed_ms(started)
    call.enter(sandbox.id, root)
    return plain(ImportDone(digest=await root.digest(), generation=root.generation, took_ms=took_ms))


@get(
    "/_sandbox/diff",
    operation_id="diffSandbox",
    summary="What has changed",
    tags=["control"],
    opt=anybody() | refuses(SnapshotUnknownError),
)
async def diff_sandbox(
    request: AnyRequest,
    before: Annotated[str, QueryParameter(name="from", description="`seed`, `now`, or the name of a snapshot")] = SEED,
    after: Annotated[str, QueryParameter(name="to", description="`now`, `seed`, or the name of a snapshot")] = NOW,
) -> Response[Diff]:
    """Records added, changed and removed between two moments. `seed` is what the sandbox was made from."""
    call = call_of(request)
    sandbox = call.house.get(call.sandbox_id or "")
    found = await changes(moment(sandbox, before), moment(sandbox, after))
    body = await asyncio.to_thread(_ENCODER.encode, Diff(before, after, not found, found))
    return Reply(body)


def _attachment(name: str) -> str:
    """`Content-Disposition` with a file name that any header can carry, and the real one beside it (RFC 6266)."""
    plain_name = re.sub(r"[^A-Za-z0-9._-]", "-", name)
    return f"attachment; filename=\"{plain_name}.zip\"; filename*=UTF-8''{quote(name, safe='')}.zip"


HANDLERS = [export_sandbox, import_sandbox, diff_sandbox]
