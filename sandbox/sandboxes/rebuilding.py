"""Making an ecosystem of the generator anew for another time, so that paydays, Ramadan and weekends are that time's.

The generator's libraries never enter the process that serves: a child process runs `sandbank ecosystem build` into a
folder of its own, which is then compiled like any other. Only a folder that still is what the generator made can be
made anew; what somebody edited is moved in time instead (`store.shifting`).
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from sandbox.core.clock import HOUR, Instant, format_instant
from sandbox.store.made import manifest_as_made
from sandbox.store.reading import MANIFEST, Manifest
from sandbox.store.recipe import GENERATOR

__all__ = ["Generator", "RebuildError", "hours_between", "rebuilt", "untouched"]

_HOME = Path(__file__).resolve().parent.parent.parent
"""Where the package lies: the child must run this one, wherever it is started."""
_RUN = "import sys; sys.path.append(sys.argv.pop(1)); from sandbox.cli import main; main()"
_LONGEST_S = 900
_SHOWN = 200


class RebuildError(Exception):
    """The ecosystem could not be made anew; the message says why."""


def hours_between(start: int, end: int) -> int:
    """How many whole hours fit between two instants; less than zero where `end` lies before `start`."""
    return (end - start) // HOUR


def untouched(folder: Path) -> Manifest | None:
    """The manifest of a folder that is what today's generator makes of its recipe; None for every other folder."""
    manifest = manifest_as_made(folder)
    recipe = None if manifest is None else manifest.recipe
    return manifest if recipe is not None and recipe.version == GENERATOR else None


class Generator:
    """The generator as a server runs it: one build at a time in a child process, which ends with the server."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[str] | None = None
        self._stopped = False

    def run(self, manifest: Manifest, as_of: Instant, folder: Path) -> None:
        """Build the ecosystem of a manifest for an instant, into a folder; may run in a thread.

        Raises:
            RebuildError: the generator refused, is not there, or was stopped.
        """
        if self._stopped:
            raise RebuildError("the server stops")
        told = ""
        try:
            with subprocess.Popen(  # noqa: S603 - our own command, with numbers and a folder of ours
                command(manifest, as_of, folder),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,
            ) as child:
                self._child = child
                try:
                    _, told = child.communicate(timeout=_LONGEST_S)
                finally:
                    self._child = None
                    _end(child)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RebuildError(f"the generator did not end well: {error}") from None
        if self._stopped:
            raise RebuildError("the server stops")
        if child.returncode:
            raise RebuildError(_reason(told, child.returncode))

    def stop(self) -> None:
        """End what is being built; nothing is built any more."""
        self._stopped = True
        child = self._child
        if child is not None:
            _end(child)


@contextmanager
def rebuilt(manifest: Manifest, *, hours: int, generator: Generator) -> Iterator[Path]:
    """The ecosystem of a manifest with a recipe, made so many hours later: a folder that is gone afterwards.

    Name, title and logins are those of the manifest, since they may have been edited.

    Raises:
        RebuildError: the generator refused, or is not there, or nothing can be written.
    """
    with ExitStack() as closing:
        try:
            home = closing.enter_context(tempfile.TemporaryDirectory(prefix="sandbank-"))
            folder = Path(home) / "made"
            generator.run(manifest, Instant(manifest.as_of + hours * HOUR), folder)
            made = msgspec.json.decode((folder / MANIFEST).read_bytes())
            kept = {"name": manifest.name, "title": manifest.title, "logins": manifest.logins}
            (folder / MANIFEST).write_bytes(msgspec.json.encode(made | kept))
        except OSError as error:
            raise RebuildError(f"there is no place to build it: {error}") from None
        yield folder


def command(manifest: Manifest, as_of: Instant, folder: Path) -> list[str]:
    """What the child process runs."""
    recipe = manifest.recipe
    assert recipe is not None
    asked = {
        "customers": recipe.customers,
        "months": recipe.months,
        "seed": manifest.seed,
        "as-of": format_instant(as_of),
        "out": folder,
    }
    flags = [text for name, value in asked.items() for text in (f"--{name}", str(value))]
    return [sys.executable, "-P", "-c", _RUN, str(_HOME), "ecosystem", "build", "--quiet", *flags]


def _end(child: subprocess.Popen[str]) -> None:
    """End a child with its own children, unless it has ended."""
    if child.poll() is not None:
        return
    if hasattr(os, "killpg"):
        os.killpg(child.pid, signal.SIGKILL)  # it leads a session of its own
    else:
        child.kill()


def _reason(told: str, code: int) -> str:
    """The last line that the child said, which is the mistake or the error, without what to do about its flags."""
    last = told.strip().rpartition("\n")[2].removeprefix("Error: ").removeprefix("--as-of: ").partition("; ask")[0]
    return last[:_SHOWN] if last else f"the generator ended with exit code {code}"
