"""`/` and `/_sandbox/health`, `livez`, `readyz`, `info`: whether the server lives, and what it serves."""

from typing import TYPE_CHECKING

import msgspec
from litestar import Response, get

from sandbox import __version__
from sandbox.bank.logins import LoginView, demo_logins
from sandbox.core.clock import format_instant
from sandbox.core.settings import Durability
from sandbox.http.call import AnyRequest, call_of
from sandbox.http.operations import of_the_house
from sandbox.http.replies import plain

if TYPE_CHECKING:
    from sandbox.sandboxes.archive import Archive


DOCS = ("README.md", "docs/README.md", "docs/pytest.md", "docs/scenarios.md", "docs/json-server.md", "docs/problems.md")


class Root(msgspec.Struct, frozen=True, kw_only=True):
    """What this is and where to go on. `docs` are files of the repository."""

    name: str
    version: str
    openapi: str
    api_docs: str
    problems: str
    info: str
    bank: str
    data: str
    docs: tuple[str, ...]


class Health(msgspec.Struct, frozen=True):
    """The server answers."""

    status: str


class ArchiveView(msgspec.Struct, frozen=True, kw_only=True):
    """How sandboxes are kept over a restart, and how many have changes that are not on disk yet."""

    durability: Durability
    pending: int
    failure: str | None
    """Why the last attempt to write failed, if it did; it is made again every second."""


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """What is served: the version, the caller's sandbox, its ecosystem and the demo logins."""

    name: str
    version: str
    sandbox: str
    ecosystem: str
    title: str
    seed: int
    digest: str
    business_time: str
    logins: list[LoginView]
    warnings: list[str]
    archive: ArchiveView | None
    """Null without a data folder: nothing outlives the server."""


@get("/", operation_id="root", summary="What this is", tags=["control"], opt=of_the_house())
async def root(request: AnyRequest) -> Response[Root]:
    """The way to everything else, below the address that was asked."""
    prefix = call_of(request).prefix
    return plain(
        Root(
            name="sandbank",
            version=__version__,
            openapi=f"{prefix}/openapi.json",
            api_docs=f"{prefix}/docs",
            problems=f"{prefix}/problems",
            info=f"{prefix}/_sandbox/info",
            bank=f"{prefix}/v1",
            data=f"{prefix}/_data",
            docs=DOCS,
        )
    )


@get(
    "/_sandbox/health",
    operation_id="health",
    summary="Is the server well",
    tags=["control"],
    opt=of_the_house(),
)
async def health() -> Response[Health]:
    """It is, when it answers."""
    return plain(Health("ok"))


@get(
    "/_sandbox/livez",
    operation_id="livez",
    summary="Does the process live",
    tags=["control"],
    opt=of_the_house(),
)
async def livez() -> Response[Health]:
    """It does, when it answers."""
    return plain(Health("ok"))


@get(
    "/_sandbox/readyz",
    operation_id="readyz",
    summary="Can it serve",
    tags=["control"],
    opt=of_the_house(),
)
async def readyz() -> Response[Health]:
    """It can: the ecosystem is compiled before the port is opened."""
    return plain(Health("ok"))


@get(
    "/_sandbox/info",
    operation_id="info",
    summary="What is served",
    tags=["control"],
    opt=of_the_house(),
)
async def info(request: AnyRequest) -> Response[Info]:
    """The version, the ecosystem, its digest, business time, and who can sign in with which password."""
    call = call_of(request)
    root = call.root
    facts = root.image.facts
    return plain(
        Info(
            name="sandbank",
            version=__version__,
            sandbox=call.sandbox_id or "",
            ecosystem=facts.ecosystem,
            title=facts.title,
            seed=root.seed,
            digest=await root.digest(),
            business_time=format_instant(root.now),
            logins=root.read(demo_logins, facts.logins),
            warnings=list(facts.warnings),
            archive=_archive(call.house.archive),
        )
    )


def _archive(archive: "Archive | None") -> ArchiveView | None:
    if archive is None:
        return None
    return ArchiveView(durability=archive.durability, pending=archive.pending, failure=archive.failure)


HANDLERS = [root, health, livez, readyz, info]
