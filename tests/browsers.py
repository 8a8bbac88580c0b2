"""A browser for tests: Debian's Chromium under Playwright, watched for every request that it makes.

Tests that need it are skipped with a message where Playwright or a Chromium is absent.
"""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request, Route

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator["Browser"]:
    """A browser, or a skipped test that says what is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")
    program = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("needs a Chromium on PATH: apt-get install chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """A page that reaches nothing but `origins`; what else it asks for, and what it complains of, is kept."""

    def __init__(self, browser: "Browser", *origins: str, **options: Any) -> None:
        self._origins = origins
        self.context = browser.new_context(**options)
        self.asked: list[str] = []
        self.outside: list[str] = []
        self.complaints: list[str] = []
        self.context.on("request", self._note)
        self.context.route("**/*", self._pass)
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda said: self._hear(said.type, said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def close(self) -> None:
        """Close the page and forget its cookies and cache."""
        self.context.close()

    def assert_stayed_here(self) -> None:
        """The page asked its own server, and nobody else, and complained of nothing."""
        assert self.asked
        assert self.outside == []
        assert self.complaints == []

    def _is_own(self, url: str) -> bool:
        return url.startswith((*(f"{origin}/" for origin in self._origins), "data:"))

    def _note(self, request: "Request") -> None:
        (self.asked if self._is_own(request.url) else self.outside).append(request.url)

    def _pass(self, route: "Route") -> None:
        if self._is_own(route.request.url):
            route.continue_()
        else:
            route.abort()

    def _hear(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def static_site(folder: Path) -> Iterator[str]:
    """Serve a folder's files on another loopback port, as somebody's application is; its origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
