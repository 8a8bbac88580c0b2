"""`sandbank health`: does a server answer? For health checks of containers, and for waiting until one is ready.

It needs no curl and loads no web framework, so that it may run every few seconds.
"""

import http.client
import json
import re
import time
from urllib.parse import SplitResult, urlsplit

import click

from sandbox.cli.options import fail, resolve
from sandbox.core.clock import elapsed_ms, stopwatch
from sandbox.core.settings import Settings

_PATH = "/_sandbox/health"
_PLAIN = re.compile(r"[!-~]+")
_PAUSE_S = 0.1
_READ_AT_MOST = 65_536
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - listened on, and not asked
"""Addresses that only a server can use, and where to ask one that does."""


class UnwellError(Exception):
    """The server did not answer as Sandbank does; the message says how."""


@click.command()
@click.option("--url", default=None, metavar="URL", help="the server; that of the settings' host and port when unset")
@click.option(
    "--timeout", "timeout_s", type=click.FloatRange(0.05, 300), default=3.0, show_default=True, metavar="SECONDS",
    help="how long one answer may take",
)  # fmt: skip
@click.option(
    "--wait", "wait_s", type=click.FloatRange(0, 3600), default=0.0, show_default=True, metavar="SECONDS",
    help="how long to ask again until it is ready",
)  # fmt: skip
def health(*, url: str | None, timeout_s: float, wait_s: float) -> None:
    """Ask a server whether it is ready: exit code 0 and a line if so, 1 if not."""
    address = _address(_own_url(resolve({}).settings) if url is None else url)
    begun = stopwatch()
    while True:
        left_s = wait_s - elapsed_ms(begun) / 1_000
        try:
            _ask(address, timeout_s=timeout_s if wait_s == 0 else max(min(timeout_s, left_s), _PAUSE_S))
        except UnwellError as error:
            if left_s > 0:
                time.sleep(min(_PAUSE_S, left_s))
                continue
            waited = f" within {wait_s:g} s" if wait_s else ""
            raise click.ClickException(f"{address.geturl()} is not ready{waited}: {error}") from None
        print(f"{address.geturl()} is ready")
        return


def _own_url(settings: Settings) -> str:
    """Where a server of these settings answers on this machine."""
    if settings.port == 0:
        raise fail("port 0 is whichever was free when the server started; name its address with --url")
    host = _EVERYWHERE.get(settings.host, settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _address(url: str) -> SplitResult:
    """The parts of a URL without a slash at its end.

    Raises:
        click.ClickException: it is none of a server's.
    """
    wanted = "use one such as http://127.0.0.1:8000"
    try:
        parts = urlsplit(url.rstrip("/"))
        port = parts.port
    except ValueError as error:
        raise fail(f"--url: {url!r} is no URL ({error}); {wanted}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise fail(f"--url: {url!r} is not the URL of a server; {wanted}")
    if parts.query or parts.fragment or parts.username is not None or not _PLAIN.fullmatch(url):
        raise fail(f"--url: {url!r} has more than an address and a path; {wanted}")
    return parts


def _ask(address: SplitResult, *, timeout_s: float) -> None:
    """Ask once, directly: proxies of the environment are for other places.

    Raises:
        UnwellError: nobody answered, or somebody else.
    """
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    line = kind(address.hostname or "", address.port, timeout=timeout_s)
    try:
        line.request("GET", f"{address.path}{_PATH}", headers={"Accept": "application/json"})
        answer = line.getresponse()
        body = answer.read(_READ_AT_MOST)
    except TimeoutError:
        raise UnwellError(f"no answer within {timeout_s:g} s") from None
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise UnwellError(getattr(error, "strerror", None) or str(error) or type(error).__name__) from None
    finally:
        line.close()
    if answer.status != http.client.OK:
        raise UnwellError(f"GET {_PATH} is answered with {answer.status}; is it Sandbank?")
    if not _is_well(body):
        raise UnwellError(f"GET {_PATH} is not answered as Sandbank does")


def _is_well(body: bytes) -> bool:
    try:
        said = json.loads(body)
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("status") == "ok"
