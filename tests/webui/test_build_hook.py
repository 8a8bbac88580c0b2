"""hatch_build.py: when it builds, what it asks for, and that nothing it meets stands in the way of an install."""

import importlib.util
import json
import os
import shutil
import stat
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sandbox.webui.files import SWAGGER_UI

REPOSITORY = Path(__file__).resolve().parents[2]
WEB = REPOSITORY / "web"


def loaded() -> ModuleType:
    """The hook, loaded from its file as hatchling does."""
    spec = importlib.util.spec_from_file_location("hatch_build", REPOSITORY / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


hook = loaded()


class Said:
    """Stands for hatchling's application: keeps what it is told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.infos: list[str] = []
        self.display_warning = self.warnings.append
        self.display_info = self.infos.append


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A source tree with nothing built in it."""
    folder = tmp_path / "source"
    shutil.copytree(WEB, folder / "web", ignore=shutil.ignore_patterns("node_modules"))
    (folder / "sandbox" / "webui").mkdir(parents=True)
    return folder


@pytest.fixture(autouse=True)
def nothing_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SANDBANK_WEB", raising=False)


def built(root: Path) -> Path:
    """Put files in place as a build does."""
    dist: Path = hook.dist_of(root)
    dist.mkdir(parents=True)
    for name in hook.TAKEN.values():
        (dist / name).write_text(name)
    (dist / hook.STAMP).write_text(hook.digest_of(root))
    return dist


def made(root: Path) -> tuple[Any, Said]:
    """The hook for a source tree, and who hears what it says."""
    said = Said()
    return hook.WebBuildHook(str(root), {}, None, None, "", "wheel", said), said


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


NPM = """
printf '%s\\n' "$*" "options:$NODE_OPTIONS" >> "$PROTOCOL"
mkdir -p node_modules/swagger-ui-dist && cd node_modules/swagger-ui-dist
for file in {files}; do echo "$file" > "$file"; done
"""


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of programs, but for the machine's own tools; `PROTOCOL` is what npm was asked."""
    if shutil.which("sh") is None or shutil.which("mkdir") is None:
        pytest.skip("the stand-ins for npm and node need a shell")
    folder = tmp_path / "bin"
    program(folder, "node", "echo v22.1.0")
    for tool in ("mkdir", "sh"):
        (folder / tool).symlink_to(shutil.which(tool) or "")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("PROTOCOL", str(tmp_path / "protocol"))
    return folder


@pytest.mark.parametrize(("given", "mode"), [(None, None), ("", None), ("skip", "skip"), ("require", "require")])
def test_the_variable_says_what_to_do(given: str | None, mode: str | None) -> None:
    assert hook.mode_of({} if given is None else {"SANDBANK_WEB": given}) == mode


@pytest.mark.parametrize("given", ["yes", "SKIP", " skip", "0"])
def test_any_other_value_is_refused_with_what_to_use(given: str) -> None:
    with pytest.raises(SystemExit, match=r"SANDBANK_WEB=.*: use one of skip, build, require, or unset it"):
        hook.mode_of({"SANDBANK_WEB": given})


@pytest.mark.parametrize(("mode", "due"), [(None, True), ("skip", False), ("build", True), ("require", True)])
def test_what_is_not_there_is_due(root: Path, mode: str | None, due: bool) -> None:  # noqa: FBT001
    assert hook.is_due(root, mode) is due


@pytest.mark.parametrize(("mode", "due"), [(None, False), ("skip", False), ("build", True), ("require", False)])
def test_what_is_fresh_is_built_only_when_forced(root: Path, mode: str | None, due: bool) -> None:  # noqa: FBT001
    built(root)
    assert hook.is_due(root, mode) is due


@pytest.mark.parametrize("source", hook.SOURCES)
def test_a_changed_source_makes_it_due_again(root: Path, source: str) -> None:
    built(root)
    with (root / "web" / source).open("a") as file:
        file.write("\n")
    assert hook.is_due(root, None)


@pytest.mark.parametrize("name", [*hook.TAKEN.values(), hook.STAMP])
def test_a_missing_file_makes_it_due_again(root: Path, name: str) -> None:
    (built(root) / name).unlink()
    assert hook.is_due(root, None)


def test_an_unpacked_sdist_is_trusted_when_it_has_the_files(root: Path) -> None:
    (root / "PKG-INFO").touch()
    assert hook.is_due(root, None)
    (built(root) / hook.STAMP).unlink()
    assert not hook.is_due(root, None)


def test_node_is_asked_for_only_where_something_is_due_and_the_machine_has_none(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "has_node_package", lambda: True)
    monkeypatch.setattr(hook, "system_npm", lambda: None)
    assert made(root)[0].dependencies() == [hook.NODE_PACKAGE]
    monkeypatch.setattr(hook, "has_node_package", lambda: False)
    assert made(root)[0].dependencies() == [], "pip would fail on a package without a wheel for this machine"
    monkeypatch.setattr(hook, "has_node_package", lambda: True)
    monkeypatch.setenv("SANDBANK_WEB", "skip")
    assert made(root)[0].dependencies() == []
    monkeypatch.delenv("SANDBANK_WEB")
    monkeypatch.setattr(hook, "system_npm", lambda: "/usr/bin/npm")
    assert made(root)[0].dependencies() == []
    monkeypatch.setattr(hook, "system_npm", lambda: None)
    built(root)
    assert made(root)[0].dependencies() == []


@pytest.mark.parametrize(
    ("machine", "system", "library", "there"),
    [
        ("x86_64", "Linux", ("glibc", "2.36"), True),
        ("aarch64", "Linux", ("glibc", "2.28"), True),
        ("x86_64", "Linux", ("glibc", "2.17"), False),
        ("x86_64", "Linux", ("", ""), True),  # musl
        ("riscv64", "Linux", ("glibc", "2.39"), False),
        ("arm64", "Darwin", ("", ""), True),
        ("AMD64", "Windows", ("", ""), True),
        ("amd64", "FreeBSD", ("", ""), False),
    ],
)
def test_node_as_a_package_is_known_to_be_there_or_not(
    monkeypatch: pytest.MonkeyPatch,
    machine: str,
    system: str,
    library: tuple[str, str],
    there: bool,  # noqa: FBT001
) -> None:
    monkeypatch.setattr(hook.platform, "machine", lambda: machine)
    monkeypatch.setattr(hook.platform, "system", lambda: system)
    monkeypatch.setattr(hook.platform, "libc_ver", lambda: library)
    assert hook.has_node_package() is there


@pytest.mark.parametrize(
    ("version", "usable"), [("v20.0.0", True), ("v24.1.0", True), ("v18.19.0", False), ("?", False)]
)
def test_an_old_node_is_as_good_as_none(bin_folder: Path, version: str, usable: bool) -> None:  # noqa: FBT001
    program(bin_folder, "npm", "exit 0")
    program(bin_folder, "node", f"echo {version}")
    assert (hook.system_npm() is not None) is usable


def test_node_without_npm_is_as_good_as_none(bin_folder: Path) -> None:
    assert hook.system_npm() is None


def test_a_build_takes_the_files_once_and_runs_nothing_of_the_packages(
    root: Path, bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(bin_folder, "npm", NPM.replace("{files}", " ".join(hook.TAKEN)))
    monkeypatch.setenv("NODE_OPTIONS", "--require /tmp/spy.js")
    builder, said = made(root)
    assert builder.dependencies() == []
    builder.initialize("standard", {})
    dist = hook.dist_of(root)
    assert sorted(path.name for path in dist.iterdir()) == sorted([*hook.TAKEN.values(), hook.STAMP])
    assert (dist / "swagger-ui.LICENSE.txt").read_text() == "LICENSE\n"
    assert said.infos
    assert not said.warnings
    builder.initialize("editable", {})
    asked = (tmp_path / "protocol").read_text().splitlines()
    assert len(asked) == 2, "the second call finds it fresh"
    assert asked[0].startswith("ci --ignore-scripts ")
    assert asked[1] == "options:"
    assert not (root / "web" / "node_modules").exists()


FAILURES = {
    "no npm at all": None,
    "npm fails": "echo 'npm error code ENOTFOUND' >&2; echo 'npm error A complete log of this is in x' >&2; exit 1",
    "npm brings something else": "exit 0",
}


@pytest.mark.parametrize("script", FAILURES.values(), ids=FAILURES)
def test_a_build_that_fails_warns_and_lets_the_install_go_on(root: Path, bin_folder: Path, script: str | None) -> None:
    if script is not None:
        program(bin_folder, "npm", script)
    builder, said = made(root)
    builder.initialize("standard", {})
    (warning,) = said.warnings
    assert warning.startswith("Swagger UI was not built, /docs will be a plain listing: ")
    assert not hook.dist_of(root).exists()


@pytest.mark.parametrize("script", FAILURES.values(), ids=FAILURES)
def test_a_required_build_that_fails_ends_the_install(
    root: Path, bin_folder: Path, script: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANDBANK_WEB", "require")
    if script is not None:
        program(bin_folder, "npm", script)
    with pytest.raises(SystemExit, match="SANDBANK_WEB=require: Swagger UI was not built: "):
        made(root)[0].initialize("standard", {})


def test_a_slow_registry_does_not_hold_up_an_install(
    root: Path, bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(bin_folder, "npm", "exec /bin/sleep 60")
    monkeypatch.setattr(hook, "NPM_SECONDS", 0.05)
    builder, said = made(root)
    builder.initialize("standard", {})
    assert "npm took more than 0.05 seconds" in said.warnings[0]


def test_a_tree_without_web_can_be_built_too(root: Path, bin_folder: Path) -> None:
    program(bin_folder, "npm", "exit 0")
    shutil.rmtree(root / "web")
    builder, said = made(root)
    builder.initialize("standard", {})
    assert len(said.warnings) == 1


def test_what_npm_complains_of_is_told_on_one_line() -> None:
    output = (
        "npm error code E404\nnpm error 404 Not Found\n\nnpm error A complete log of this run can be found in: /x\n"
    )
    assert hook.reason_of(output) == "code E404; 404 Not Found"
    output = "npm error code ECONNREFUSED\nnpm error errno -111\nnpm error FetchError: request to http://x/ failed\n"
    assert hook.reason_of(output) == "code ECONNREFUSED; FetchError: request to http://x/ failed"


def test_the_built_files_are_those_that_are_served() -> None:
    assert set(SWAGGER_UI) <= set(hook.TAKEN.values())


def test_the_lock_file_names_no_registry_and_pins_what_it_takes() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert "node_modules/swagger-ui-dist" in packages
    for name, package in packages.items():
        assert package.get("resolved", "https://registry.npmjs.org/").startswith("https://registry.npmjs.org/"), name
        assert package["integrity"].startswith("sha512-"), name
    wanted = json.loads((WEB / "package.json").read_text())["dependencies"]
    assert lock["packages"][""]["dependencies"] == wanted


def test_a_built_tree_of_this_checkout_is_fresh() -> None:
    if not hook.dist_of(REPOSITORY).is_dir():
        pytest.skip(f"Swagger UI is not built here; SANDBANK_WEB={os.environ.get('SANDBANK_WEB', '')}")
    assert hook.is_fresh(REPOSITORY), "make install builds it anew"
