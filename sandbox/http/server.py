"""Uvicorn as every Sandbank runs on it, whoever starts it."""

import socket
from collections.abc import Awaitable
from typing import Protocol

import uvicorn
from litestar.types import Receive, Scope, Send

from sandbox.http.protocol import Http1Protocol

__all__ = ["BankServer"]


class _Stoppable(Protocol):
    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]: ...

    def stops(self) -> None:
        """It is about to be stopped."""


class BankServer(uvicorn.Server):
    """Serves an application, and tells it before what it has not answered is cut off."""

    def __init__(self, app: _Stoppable, *, grace_s: int, keep_alive_s: int = 5) -> None:
        """Make it.

        Args:
            app: what is served.
            grace_s: how many seconds requests under way may take once it stops.
            keep_alive_s: how many seconds an idle connection is kept.
        """
        self._app = app
        config = uvicorn.Config(
            app,
            access_log=False,
            # Logging belongs to whoever runs it.
            log_config=None,
            lifespan="on",
            http=Http1Protocol,
            # None is served yet; with a library for it, a handshake would be a 403 that is no problem of ours.
            ws="none",
            timeout_keep_alive=keep_alive_s,
            timeout_graceful_shutdown=grace_s,
        )
        super().__init__(config)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop; what is not answered by the end of the grace gets a problem."""
        self._app.stops()
        await super().shutdown(sockets)
