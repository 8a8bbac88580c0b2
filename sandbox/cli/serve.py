"""`sandbank serve`: open the bank and say what to try."""

import errno
import gc
import json
import logging
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

import click
from msgspec import structs

from sandbox import __version__
from sandbox.cli.options import fail, require_scenarios, resolve, setting_options
from sandbox.core.ids import chance_secret
from sandbox.core.settings import Settings

if TYPE_CHECKING:
    from types import FrameType

    from sandbox.app import Application
    from sandbox.bank.logins import LoginView
    from sandbox.http.observing import AccessLog
    from sandbox.sandboxes.archive import Archive

_BACKLOG = 2048
_LAST_ANSWERS_S = 3
"""How long requests under way may take once the server is told to stop."""
_SHOWN = 20

_LOG = logging.getLogger("sandbank")


@click.command()
@click.argument("folder", metavar="[ECOSYSTEM]", required=False)
@setting_options
@click.option("--json", "as_json", is_flag=True, help="print the ready line as JSON")
def serve(*, folder: str | None, as_json: bool, **flags: object) -> None:
    """Serve ECOSYSTEM: a folder of JSON collections, or the name of a shipped one."""
    if folder is not None and flags.get("ecosystem") is not None:
        raise fail("name the ecosystem once: as the argument or with --ecosystem")
    if folder is not None:
        flags["ecosystem"] = folder
    settings = _guarded(resolve(flags).settings)
    require_scenarios(settings)
    listener = _listen(settings)
    from sandbox.cli.logs.setup import open_log  # noqa: PLC0415 - loads what only a server needs

    with open_log(settings, sys.stderr, os.environ) as log:
        try:
            app = _open(settings, log.request)
        except BaseException:
            listener.close()
            raise
        _run(app, listener, as_json=as_json)
    _say_what_is_missing(app, read=log.read)


def _guarded(settings: Settings) -> Settings:
    """On anything but loopback the control plane asks for a token: one is made when none is set."""
    from sandbox.http.origins import is_loopback  # noqa: PLC0415 - loads the web framework

    if settings.control_token is not None or is_loopback(settings.host.lower()):
        return settings
    return structs.replace(settings, control_token=chance_secret())


def _listen(settings: Settings) -> socket.socket:
    """The socket, bound before anything is compiled, so that a taken port is said at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        place = f"{settings.host}:{settings.port}"
        taken = error.errno in {errno.EADDRINUSE, errno.EACCES}
        hint = "choose another --port, or --port 0 for a free one" if taken else "choose another --host"
        raise fail(f"cannot listen on {place}: {error.strerror}; {hint}") from None
    return listener


def _open(settings: Settings, access_log: "AccessLog") -> "Application":
    from sandbox.app import create_app  # noqa: PLC0415 - the web framework loads only where it serves
    from sandbox.cli.opening import opened  # noqa: PLC0415

    return opened(lambda: create_app(settings, access_log=access_log))


def _run(app: "Application", listener: socket.socket, *, as_json: bool) -> None:
    from sandbox.http.server import BankServer  # noqa: PLC0415 - the web framework loads only where it serves

    class Server(BankServer):
        """Says when it is ready, and ends well when it is told to stop."""

        def handle_exit(self, sig: int, frame: "FrameType | None") -> None:  # noqa: ARG002
            """Stop; a second interrupt does not wait. Uvicorn would die of the signal, which reads as a crash."""
            self.force_exit = self.should_exit and sig == signal.SIGINT
            self.should_exit = True

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            """Start, then print the banner."""
            await super().startup(sockets)
            # What was made until now lives as long as the server: the collector need not look at it again.
            gc.collect()
            gc.freeze()
            host, port = listener.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            try:
                await _announce(app, f"http://{shown}:{port}", as_json=as_json)
            except OSError as error:
                # Nobody reads it, or the disk is full: no reason not to serve.
                _LOG.warning("the banner could not be written to stdout: %s", error.strerror)
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    # A wait for a message may last a minute; the archive must be written before a container is killed.
    Server(app, grace_s=_LAST_ANSWERS_S).run(sockets=[listener])


def _say_what_is_missing(app: "Application", *, read: bool) -> None:
    """End with an error where not everything is on disk.

    Raises:
        click.ClickException, SystemExit: it is not; the log has told so already.
    """
    archive = app.house.archive
    if archive is None or archive.failure is None:
        return
    if not read or app.settings.log_format == "json":
        # Where nobody reads, writing would wait for ever; and programs read nothing but JSON.
        raise SystemExit(1)
    raise click.ClickException(f"the archive in {app.settings.data_dir} lacks the last changes: {archive.failure}")


async def _announce(app: "Application", url: str, *, as_json: bool) -> None:
    from sandbox.bank.logins import demo_logins  # noqa: PLC0415
    from sandbox.core.clock import format_instant  # noqa: PLC0415

    root = app.house.get("default").root
    facts = root.image.facts
    logins = root.read(demo_logins, facts.logins)
    token = app.settings.control_token
    notes = () if app.house.archive is None else app.house.archive.restored.notes
    for warning in (*notes, *facts.warnings, *_own_scenarios(app))[:_SHOWN]:
        if app.settings.log_format == "json":
            _LOG.warning("%s", warning)
        else:
            print(f"warning: {warning}", file=sys.stderr)
    if as_json:
        ready: dict[str, Any] = {
            "url": url,
            "version": __version__,
            "ecosystem": facts.ecosystem,
            "digest": await root.digest(),
            "business_time": format_instant(root.now),
            "logins": [structs.asdict(login) for login in logins],
        }
        if app.house.archive is not None:
            ready["restored"] = _restored(app.house.archive)
        if token is not None:
            ready["control_token"] = token
        print(json.dumps(ready, ensure_ascii=False), flush=True)
        return
    lines = _banner(url, facts.title, format_instant(root.now), logins, app.settings)
    if app.house.archive is not None:
        back = _restored(app.house.archive)
        many = [counted(back["sandboxes"], "sandbox", "sandboxes"), counted(back["snapshots"], "snapshot", "snapshots")]
        lines.insert(2, f"  from {app.settings.data_dir}: {', '.join(many)}")
    print("\n".join(lines), flush=True)


def _restored(archive: "Archive") -> dict[str, int]:
    """How many sandboxes and snapshots of before are here again."""
    return {"sandboxes": archive.restored.sandboxes, "snapshots": archive.restored.snapshots}


def counted(number: int, one: str, more: str) -> str:
    """A number with its noun: `1 snapshot`, `2 snapshots`."""
    return f"{number} {one if number == 1 else more}"


def _own_scenarios(app: "Application") -> list[str]:
    """What there is to say of scenarios that do not come with the package; without such, nothing is read."""
    from sandbox.sandboxes.scenarios.library import notes, open_library, own_folder  # noqa: PLC0415

    folder = app.house.get("default").root.image.clean.folder
    beside = folder is not None and (folder / "scenarios").is_dir()
    if not beside and own_folder(app.settings) is None:
        return []
    return notes(open_library(app.settings, folder))


def _banner(url: str, title: str, now: str, logins: "list[LoginView]", settings: Settings) -> list[str]:
    token = settings.control_token
    at = f"{url}/s/default" if settings.strict else url
    lines = [
        f"Sandbank {__version__}: {title}",
        f"  {url}   business time {now}",
        f"  {at}/docs   the API, to read and to try out",
    ]
    if settings.read_only:
        lines.append("  read-only: GET, HEAD, dry runs and sign-in are answered, and the control plane steers")
    if settings.delay is not None:
        unit = " ms" if settings.delay.isdigit() else ""
        lines.append(f"  every answer of the bank and data planes waits {settings.delay}{unit}")
    lines.append("")
    if logins:
        name = max(len(login.username) for login in logins)
        word = max(len(login.password) for login in logins)
        lines.append("Sign in as")
        lines += [
            f"  {login.username:<{name}}  {login.password:<{word}}  {login.role:<8}  {login.state:<9}  {login.note}"
            for login in logins
        ]
        lines.append("")
    if token is not None:
        lines += [f"The control plane asks for this token: {token}", ""]
    first = next((login for login in logins if login.state == "active"), None)
    lines.append("Three things to try")
    if first is not None:
        body = json.dumps({"username": first.username, "password": first.password})
        lines.append(f"  curl -s {at}/v1/auth/login -H 'Content-Type: application/json' -d '{body}'")
    control = f" -H 'Sandbank-Control-Token: {token}'" if token is not None else ""
    lines.append(f"  curl -s {at}/_sandbox/info{control}")
    lines.append(f"  curl -s -X POST {at}/_sandbox/reset{control}")
    return lines
