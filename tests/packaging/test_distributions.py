"""The wheel and the sdist: they hold what they should, nothing else, and the wheel serves from an empty venv."""

import base64
import csv
import hashlib
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest
import yaml
from packaged import Packaged, tracked

from sandbox import __version__

BUNDLED = ("seeds", "scenarios", "openapi")
WEB = "sandbox/webui/dist/"
"""Made by the build, and known to no git."""
MEBIBYTE = 2**20


def files_of(wheel: Path) -> dict[str, bytes]:
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def metadata_of(files: dict[str, bytes], name: str) -> str:
    return files[f"sandbank-{__version__}.dist-info/{name}"].decode()


def in_wheel(path: str) -> str:
    """Where a file of the repository lies in the wheel."""
    return path if path.startswith("sandbox/") else f"sandbox/_bundled/{path}"


def test_the_wheel_has_every_file_of_the_package_and_no_other(packaged: Packaged) -> None:
    files = {name for name in files_of(packaged.wheel) if ".dist-info/" not in name and not name.startswith(WEB)}
    assert sorted(files) == sorted(in_wheel(path) for path in tracked("sandbox", *BUNDLED))


def test_what_people_look_for_is_in_the_wheel(packaged: Packaged) -> None:
    files = files_of(packaged.wheel)
    for name in (
        "sandbox/py.typed",
        "sandbox/_bundled/seeds/kuwait/transactions.json",
        "sandbox/_bundled/seeds/tiny/ecosystem.json",
        "sandbox/_bundled/scenarios/locked-user.yaml",
        "sandbox/_bundled/openapi/openapi.yaml",
    ):
        assert name in files
    assert not [name for name in files if "__pycache__" in name or name.startswith("tests")]
    assert packaged.wheel.name == f"sandbank-{__version__}-py3-none-any.whl"
    assert packaged.wheel.stat().st_size < 8 * MEBIBYTE, "a large ecosystem has slipped in"


def test_the_record_of_the_wheel_is_true(packaged: Packaged) -> None:
    files = files_of(packaged.wheel)
    rows = {name: (mark, size) for name, mark, size in csv.reader(io.StringIO(metadata_of(files, "RECORD")))}
    assert rows.keys() == files.keys()
    for name, (mark, size) in rows.items():
        if not name.endswith("/RECORD"):
            digest = base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).rstrip(b"=").decode()
            assert (mark, int(size)) == (f"sha256={digest}", len(files[name])), name


def test_the_wheel_says_what_it_is(packaged: Packaged) -> None:
    files = files_of(packaged.wheel)
    said = Parser().parsestr(metadata_of(files, "METADATA"))
    assert (said["Name"], said["Version"], said["Requires-Python"]) == ("sandbank", __version__, ">=3.11")
    assert (said["License-Expression"], said["License-File"]) == ("Apache-2.0", "LICENSE")
    assert metadata_of(files, "licenses/LICENSE").lstrip().startswith("Apache License")
    points = metadata_of(files, "entry_points.txt")
    assert "sandbank = sandbox.cli:main" in points
    assert "sandbank = sandbox.testing.plugin" in points
    for needed in said.get_all("Requires-Dist", []):
        assert "hatchling" not in needed or "extra == 'dev'" in needed


def test_the_sdist_has_what_git_has(packaged: Packaged) -> None:
    with tarfile.open(packaged.sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    known = {path for path in tracked() if path != ".gitattributes"}
    assert known - names == set()
    assert {name for name in names - known if not name.startswith(WEB)} <= {
        "PKG-INFO",
        "hatch_build.py",
        "web/package.json",
    }


def test_a_wheel_of_the_sdist_is_the_same_wheel(packaged: Packaged) -> None:
    assert files_of(packaged.wheel_of_sdist) == files_of(packaged.wheel)


# Installed into an empty venv, in an empty folder, without this repository.


def environment(home: Path) -> dict[str, str]:
    """Nothing of this environment but where programs lie."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LANG": "C.UTF-8"}


def sandbank(packaged: Packaged, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    command = [str(packaged.build.place("/opt/sandbank/bin/sandbank")), *arguments]
    return subprocess.run(command, cwd=home, env=environment(home), capture_output=True, text=True, check=False)


@contextmanager
def serving(packaged: Packaged, *arguments: str, home: Path) -> Iterator[httpx.Client]:
    """A client of `sandbank serve`, installed."""
    command = [str(packaged.build.place("/opt/sandbank/bin/sandbank")), "serve", "--port", "0", "--json", *arguments]
    with subprocess.Popen(command, cwd=home, env=environment(home), stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            line = child.stdout.readline()
            assert line, "the server ended before it was ready"
            with httpx.Client(base_url=json.loads(line)["url"], timeout=60) as http:
                yield http
        finally:
            child.terminate()
            assert child.wait(timeout=30) == 0


def test_the_venv_holds_the_wheel_and_nothing_of_the_repository(packaged: Packaged, tmp_path: Path) -> None:
    python = packaged.build.place("/opt/sandbank/bin/python")
    code = "import json, sandbox, sys; print(json.dumps([sandbox.__file__, sys.path]))"
    told = subprocess.run(
        [python, "-c", code], cwd=tmp_path, env=environment(tmp_path), capture_output=True, check=True
    )
    place, path = json.loads(told.stdout)
    assert Path(place).is_relative_to(packaged.home / "root" / "opt" / "sandbank")
    assert not [one for one in path if one.startswith(str(Path(__file__).parents[2]))]


def test_the_installed_bank_serves_kuwait(packaged: Packaged, tmp_path: Path) -> None:
    with serving(packaged, home=tmp_path) as http:
        assert http.get("/_sandbox/info").json()["ecosystem"] == "kuwait"
        login = {"username": "fatima", "password": "Fatima-2026!"}
        token = http.post("/v1/auth/login", json=login).json()["access_token"]
        accounts = http.get("/v1/accounts", headers={"authorization": f"Bearer {token}"}).json()["items"]
        assert "Salary" in [account["nickname"] for account in accounts]
        applied = http.post("/_sandbox/scenarios/locked-user")
        assert applied.status_code == 200, applied.text
        assert http.post("/v1/auth/login", json=login).json()["code"] == "user_locked"
        assert http.get("/_sandbox/invariants").json()["ok"] is True
        shipped = sandbank(packaged, "openapi", "--path", home=tmp_path).stdout.strip()
        assert yaml.safe_load(Path(shipped).read_text(encoding="utf-8")) == http.get("/openapi.json").json()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--version"], f"sandbank, version {__version__}\n"),
        (["scenario", "list"], "locked-user"),
        (["ecosystem", "validate", "tiny"], "is valid"),
        (["config"], "cache_dir"),
    ],
)
def test_installed_commands_work(packaged: Packaged, tmp_path: Path, arguments: list[str], said: str) -> None:
    ended = sandbank(packaged, *arguments, home=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert said in ended.stdout


def test_an_installed_generator_builds(packaged: Packaged, tmp_path: Path) -> None:
    flags = ["--customers", "20", "--months", "1", "--as-of", "2026-01-15", "--jobs", "1", "--quiet"]
    ended = sandbank(packaged, "ecosystem", "build", *flags, "--out", "small", home=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / "small" / "ecosystem.json").is_file()
