"""Making an ecosystem of the generator anew for another day, so that paydays, Ramadan and weekends are that day's.

The generator's libraries never enter the process that serves: a child process runs `sandbank ecosystem build` into a
folder of its own, which is then compiled like any other. Only a folder that still is what the generator made can be
made anew; what somebody edited is moved in time instead (`store.shifting`).
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from sandbox.core.clock import DAY, Instant, format_instant
from sandbox.store.made import manifest_as_made
from sandbox.store.reading import MANIFEST, Manifest
from sandbox.store.recipe import GENERATOR

__all__ = ["RebuildError", "days_between", "rebuilt", "untouched"]

_HOME = Path(__file__).resolve().parent.parent.parent
"""Where the package lies: the child must run this one, wherever it is started."""
_LONGEST_S = 900
_SHOWN = 200


class RebuildError(Exception):
    """The ecosystem could not be made anew; the message says why."""


def days_between(start: int, end: int) -> int:
    """How many whole days fit between two instants; less than zero where `end` lies before `start`."""
    return (end - start) // DAY


def untouched(folder: Path) -> Manifest | None:
    """The manifest of a folder that is what today's generator makes of its recipe; None for every other folder."""
    manifest = manifest_as_made(folder)
    recipe = None if manifest is None else manifest.recipe
    return manifest if recipe is not None and recipe.version == GENERATOR else None


@contextmanager
def rebuilt(manifest: Manifest, *, days: int) -> Iterator[Path]:
    """The ecosystem of a manifest with a recipe, made so many days later: a folder that is gone afterwards.

    Name, title and logins are those of the manifest, since they may have been edited.

    Raises:
        RebuildError: the generator refused, or is not there.
    """
    as_of = Instant(manifest.as_of + days * DAY)
    with tempfile.TemporaryDirectory(prefix="sandbank-") as home:
        folder = Path(home) / "made"
        _run_generator(manifest, as_of, folder)
        made = msgspec.json.decode((folder / MANIFEST).read_bytes())
        kept = {"name": manifest.name, "title": manifest.title, "logins": manifest.logins}
        (folder / MANIFEST).write_bytes(msgspec.json.encode(made | kept))
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
    return [sys.executable, "-P", "-m", "sandbox", "ecosystem", "build", "--quiet", *flags]


def _run_generator(manifest: Manifest, as_of: Instant, folder: Path) -> None:
    paths = [str(_HOME), *filter(None, [os.environ.get("PYTHONPATH")])]
    try:
        ended = subprocess.run(  # noqa: S603 - our own command, with numbers and a folder of ours
            command(manifest, as_of, folder),
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=_LONGEST_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RebuildError(f"the generator did not end well: {error}") from None
    if ended.returncode:
        raise RebuildError(_reason(ended.stderr, ended.returncode))


def _reason(told: str, code: int) -> str:
    """The last line that the child said, which is the mistake or the error, without what to do about its flags."""
    last = told.strip().rpartition("\n")[2].removeprefix("Error: ").removeprefix("--as-of: ").partition("; ask")[0]
    return last[:_SHOWN] if last else f"the generator ended with exit code {code}"
