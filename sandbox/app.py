"""The composition root: settings in, one ASGI application out. Nothing else knows all rooms."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from litestar import Litestar, Response
from litestar.datastructures import State
from litestar.types import Receive, Scope, Send

from sandbox.api import accounts, audit, auth, document, transactions, transfers
from sandbox.control import about, clock, exchange, inbox, metrics, sandboxes, scenarios, snapshots, state
from sandbox.core.errors import InternalError
from sandbox.core.settings import Settings
from sandbox.data import collections
from sandbox.data.tables import RecordTables
from sandbox.http.bodies import BankRequest
from sandbox.http.call import AnyRequest, call_of
from sandbox.http.edge import Edge
from sandbox.http.meter import Meter
from sandbox.http.observing import AccessLog, Observer
from sandbox.http.openapi import StrictStructs, openapi_config
from sandbox.http.operations import PathTable
from sandbox.http.problems import as_refusal, client_left, problem_body, problem_headers
from sandbox.http.replies import Reply
from sandbox.sandboxes.house import House
from sandbox.sandboxes.watching import Watcher
from sandbox.webui import docs, problems

_LOG = logging.getLogger("sandbank")


class Application:
    """The whole server as an ASGI application: the edge around Litestar, and the house they serve."""

    def __init__(self, settings: Settings, *, access_log: AccessLog | None = None) -> None:
        self.settings = settings
        self.house = _open_house(settings)
        self.meter = Meter()
        self.litestar = _litestar(settings, self.house, self.meter)
        self.table = PathTable(self.litestar.routes)
        observer = Observer(self.meter, access_log)
        self._edge = Edge(self.litestar, house=self.house, table=self.table, observer=observer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        await self._edge(scope, receive, send)

    def stops(self) -> None:
        """The server that runs this stops: requests that it cuts off are told so, in the shape of every refusal."""
        self._edge.stopping = True


def create_app(settings: Settings, *, access_log: AccessLog | None = None) -> Application:
    """The application of `settings`; its ecosystem is compiled when this returns.

    Args:
        settings: what it serves, and how. How it logs is up to whoever runs it.
        access_log: takes a line for each request; without it there are none.

    Raises:
        EcosystemNotFoundError, EcosystemError: the ecosystem is not there, or breaks a rule.
        ArchiveError: the archive of the data folder cannot be opened.
    """
    return Application(settings, access_log=access_log)


def _open_house(settings: Settings) -> House:
    house = House.open(settings)
    if settings.data_dir is not None:
        from sandbox.sandboxes.archive import Archive  # noqa: PLC0415 - it loads what only it needs

        try:
            house.archive = Archive.open(house, Path(settings.data_dir).expanduser())
        except BaseException:
            house.close()
            raise
    return house


def _litestar(settings: Settings, house: House, meter: Meter) -> Litestar:
    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        house.warm()
        if house.archive is not None:
            house.archive.start()
        watching = asyncio.create_task(Watcher(house).run()) if settings.watch else None
        yield
        if watching is not None:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
        if house.archive is not None:
            await house.archive.stop()
        house.close()

    return Litestar(
        # One list, no routers: Litestar copies the handlers of a router, which took a fifth of the application's start.
        route_handlers=[
            *auth.HANDLERS,
            *accounts.HANDLERS,
            *transactions.HANDLERS,
            *transfers.HANDLERS,
            *audit.HANDLERS,
            *about.HANDLERS,
            *metrics.HANDLERS,
            *state.HANDLERS,
            *sandboxes.HANDLERS,
            *clock.HANDLERS,
            *snapshots.HANDLERS,
            *scenarios.HANDLERS,
            *inbox.HANDLERS,
            *exchange.HANDLERS,
            *collections.HANDLERS,
            *document.HANDLERS,
            *docs.HANDLERS,
            *problems.HANDLERS,
        ],
        exception_handlers={Exception: _on_error},
        lifespan=[lifespan],
        logging_config=None,
        openapi_config=openapi_config(),
        plugins=[StrictStructs()],
        request_class=BankRequest,
        state=State({"record_tables": RecordTables(), "importing": asyncio.Lock(), "meter": meter}),
        request_max_body_size=settings.max_body_bytes,
    )


def _on_error(request: AnyRequest, error: Exception) -> Response[object]:
    """Any exception as a problem; a bug is logged, and tells the client nothing of itself."""
    refusal = as_refusal(error, handler=request.route_handler)
    if client_left(error):
        call_of(request).left = True
    elif isinstance(refusal, InternalError):
        _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    headers = problem_headers(refusal)
    media_type = headers.pop("content-type")
    return Reply(problem_body(refusal, call_of(request)), status=refusal.status, media_type=media_type, headers=headers)
