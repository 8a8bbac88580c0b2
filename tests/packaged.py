"""What is delivered, made once for all workers of a run: the steps of the Dockerfile in a checkout, and the sdist."""

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from dockerfiles import Build, StepError, left_out

REPOSITORY = Path(__file__).resolve().parents[1]
USER = 10001
_OFFLINE = (
    "NewConnectionError",
    "NameResolutionError",
    "Temporary failure in name resolution",
    "ConnectTimeoutError",
    "EAI_AGAIN",
    "ENOTFOUND",
)


class Packaged(msgspec.Struct, frozen=True):
    """Where what was made lies."""

    home: Path
    wheel: Path
    sdist: Path
    wheel_of_sdist: Path
    build: Build
    """The image, in a folder."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a container of the image, and a folder for what is temporary."""
        variables = self.build.stages[-1].environment
        mapped = {name: self.build.mapped(value) for name, value in variables.items()}
        return mapped | {"TMPDIR": str(self.home / "tmp")}


def tracked(*folders: str) -> list[str]:
    """The files that git knows, those that are not there any more left out."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("needs a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *folders], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return sorted(path for path in listed.stdout.split("\0") if path and (REPOSITORY / path).is_file())


def checkout(folder: Path) -> Path:
    """A folder with what a fresh checkout has."""
    for path in tracked():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / path, folder / path)
    return folder


def context_of(folder: Path, target: Path) -> Path:
    """The build context that Docker sees of a folder: what `.dockerignore` does not leave out."""
    ignore = (folder / ".dockerignore").read_text(encoding="utf-8")
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not left_out(name, ignore):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target / name)
    return target


def hatch(*arguments: str, folder: Path) -> None:
    """Run the build backend as it stands here, without isolation."""
    variables = os.environ | {"SANDBANK_WEB": "require"}
    command = [sys.executable, "-m", "hatchling", "build", *arguments]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def make(home: Path) -> None:
    """Make everything in `home`."""
    source = checkout(home / "checkout")
    build = _build(home, context_of(source, home / "context"))
    build.run()
    wheels = home / "dist"
    shutil.copytree(build.place("/wheels"), wheels)
    build.finish()
    hatch("-t", "sdist", "-d", str(wheels), folder=source)
    (sdist,) = wheels.glob("*.tar.gz")
    shutil.unpack_archive(sdist, home / "unpacked", filter="data")
    (unpacked,) = (home / "unpacked").iterdir()
    hatch("-t", "wheel", "-d", str(wheels / "of-sdist"), folder=unpacked)
    (home / "python").mkdir()  # see `confined`
    (home / "tmp").mkdir()
    (home / "tmp").chmod(0o777)


def _build(home: Path, context: Path) -> Build:
    return Build((REPOSITORY / "Dockerfile").read_text(encoding="utf-8"), context=context, home=home / "root")


@contextmanager
def shared(run: str, lock: Path) -> Iterator[Packaged]:
    """What was made for a test run, by the first worker that asks; the last one takes it away.

    It lies outside of pytest's own folder, which only its owner may enter: the server runs as somebody else.
    """
    fcntl = pytest.importorskip("fcntl", reason="workers wait for each other with POSIX locks")
    home = Path(tempfile.gettempdir()) / f"sandbank-packaged-{run}"
    state = home / "state.json"

    def users(change: int) -> int:
        facts = json.loads(state.read_text(encoding="utf-8"))
        facts["users"] += change
        state.write_text(json.dumps(facts), encoding="utf-8")
        return int(facts["users"])

    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not state.exists():
            home.mkdir(mode=0o755)
            state.write_text(json.dumps({"users": 0, "failure": _failure(home)}), encoding="utf-8")
        users(+1)
    try:
        failure = json.loads(state.read_text(encoding="utf-8"))["failure"]
        if failure and any(word in failure for word in _OFFLINE) and not os.environ.get("CI"):
            pytest.skip("the package registry cannot be reached, so nothing can be installed")
        if failure:
            pytest.fail(failure, pytrace=False)
        dist = home / "dist"
        (wheel,), (sdist,), (other,) = dist.glob("*.whl"), dist.glob("*.tar.gz"), dist.glob("of-sdist/*.whl")
        yield Packaged(home, wheel, sdist, other, _build(home, home / "context"))
    finally:
        with lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            if users(-1) == 0:
                remove(home)


def _failure(home: Path) -> str:
    try:
        make(home)
    except (StepError, AssertionError, OSError) as error:
        return str(error) or repr(error)
    return ""


def remove(folder: Path) -> None:
    """Take a folder away whose files nobody may write."""
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(path.stat().st_mode | stat.S_IRWXU)
    shutil.rmtree(folder)


def confined(packaged: Packaged, volume: Path | None = None) -> Sequence[str]:
    """What to put before a command so that it runs as in `docker run --read-only --user 10001 --cap-drop ALL`.

    `volume` is a folder of the image that stays writable. It needs root and mount namespaces; without them a command
    runs as whoever runs the tests. Where Python lies in a folder that only root may enter, such as root's own home, it
    is all that is left of that folder.
    """
    if os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("setpriv") is None:
        return ()
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        return ()
    dropped = "--inh-caps=-all --bounding-set=-all"
    steps = [f"home={packaged.home}", f"python={sys.base_prefix}"]
    closed = next(
        (one for one in reversed(Path(sys.base_prefix).parents) if not one.stat().st_mode & stat.S_IXOTH), None
    )
    if closed is not None:
        steps += [
            'mount --bind "$python" "$home/python"',
            f"mount -t tmpfs -o mode=755 tmpfs {closed}",
            'mkdir -p "$python"',
            'mount --bind "$home/python" "$python"',
            f"mount -o remount,bind,ro {closed}",
        ]
    steps += [
        'mount --bind "$home" "$home"',
        'mount -o remount,bind,ro "$home"',
        *([] if volume is None else [f"mount --bind {volume} {volume}", f"mount -o remount,bind,rw {volume}"]),
        'mount -t tmpfs -o mode=1777 tmpfs "$home/tmp"',
        "mount -o remount,bind,ro /",
        f'exec setpriv --reuid {USER} --regid {USER} --clear-groups --no-new-privs {dropped} -- "$@"',
    ]
    script = "\n".join(steps)
    return ("unshare", "--mount", "--propagation", "private", "--", "sh", "-e", "-c", script, "sh")
