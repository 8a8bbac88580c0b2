"""A Sandbank in this process: the application in a thread of its own, with an event loop of its own.

It always listens on a free port of 127.0.0.1: the cost is below a millisecond, and whatever the test starts (a
browser, an application, another process) can reach the same bank. Because the loop runs in its own thread, neither a
blocking test nor one inside another event loop can stop it.
"""

from __future__ import annotations

import socket
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from sandbox.app import create_app
from sandbox.http.server import BankServer

if TYPE_CHECKING:
    from sandbox.app import Application
    from sandbox.core.settings import Settings

_KEEP_ALIVE_SECONDS = 3600
_GRACE_SECONDS = 2
"""How long a request under way may hold up the end."""
_BACKLOG = 2048


class ServerThread:
    """A running server; `url` is where."""

    def __init__(self, settings: Settings) -> None:
        """Start it, and return when it answers.

        Raises:
            EcosystemNotFoundError, EcosystemError: the ecosystem is not there, or breaks a rule.
        """
        self._settings = settings
        self._ready: Future[_Server] = Future()
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(_BACKLOG)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        # A daemon, so that a run which is cut short does not hang on it.
        self._thread = threading.Thread(target=self._serve, name="sandbank", daemon=True)
        self._thread.start()
        try:
            self._server = self._ready.result()
        except BaseException:
            self._listener.close()
            raise

    def stop(self) -> None:
        """End it; idle connections are closed, and when this returns nothing of it runs."""
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        # Everything happens in this thread, the compiling too: SQLite connections stay in the thread that made them.
        try:
            app = create_app(self._settings)
            server = _Server(app, grace_s=_GRACE_SECONDS, keep_alive_s=_KEEP_ALIVE_SECONDS, ready=self._ready)
            server.run(sockets=[self._listener])
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that waits for the start
            if not self._ready.done():
                self._ready.set_exception(error)


class _Server(BankServer):
    """Says when it is ready."""

    def __init__(self, app: Application, *, grace_s: int, keep_alive_s: int, ready: Future[_Server]) -> None:
        super().__init__(app, grace_s=grace_s, keep_alive_s=keep_alive_s)
        self._told = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then wake whoever waits for it."""
        await super().startup(sockets)
        self._told.set_result(self)
