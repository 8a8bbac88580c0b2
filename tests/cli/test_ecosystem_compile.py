"""`sandbank ecosystem compile`: afterwards a start finds its image in the cache, even where nothing may be written."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from processes import sandbank, serving_process
from support import copy_of_tiny, edit

from sandbox.cli import main


def compiled(*arguments: str, cache: Path, **variables: str) -> Result:
    return CliRunner().invoke(
        main, ["ecosystem", "compile", *arguments], env={"SANDBANK_CACHE_DIR": str(cache), **variables}
    )


def images(cache: Path) -> list[Path]:
    return sorted(cache.rglob("*.image"))


def test_an_image_is_made_once_and_its_place_is_told(tmp_path: Path) -> None:
    first, second = compiled("tiny", cache=tmp_path), compiled("tiny", cache=tmp_path)
    (image,) = images(tmp_path)
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert re.fullmatch(rf"tiny: compiled in \d+\.\d s, \d+\.\d MB, {re.escape(str(image))}\n", first.stdout)
    assert second.stdout == f"tiny: is in the cache already, {image}\n"


def test_a_start_finds_what_was_compiled(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    variables = {"SANDBANK_CACHE_DIR": str(cache)}
    assert sandbank("ecosystem", "compile", "tiny", home=tmp_path, variables=variables).returncode == 0
    (image,) = images(cache)
    good = image.read_bytes()
    with serving_process("tiny", "--port", "0", "--json", home=tmp_path, variables=variables) as server:
        server.line()
    assert images(cache) == [image]
    assert image.read_bytes() == good


def test_several_are_compiled_and_without_a_name_that_of_the_settings(tmp_path: Path) -> None:
    mine = copy_of_tiny(tmp_path / "mine")
    ended = compiled("tiny", str(mine), cache=tmp_path / "cache")
    assert [line.partition(":")[0] for line in ended.stdout.splitlines()] == ["tiny", str(mine)]
    assert len(images(tmp_path / "cache")) == 2
    again = compiled(cache=tmp_path / "cache", SANDBANK_ECOSYSTEM=str(mine))
    assert again.stdout.startswith(f"{mine}: is in the cache already")


@pytest.mark.parametrize("setting", ["--hold-days=8", "--password-cost=production", "--as-of=2026-03-01T08:00:00Z"])
def test_settings_that_shape_an_image_make_another(tmp_path: Path, setting: str) -> None:
    compiled("tiny", cache=tmp_path)
    first, second = compiled("tiny", setting, cache=tmp_path), compiled("tiny", setting, cache=tmp_path)
    assert "compiled in" in first.stdout
    assert "in the cache already" in second.stdout


def test_what_cannot_be_kept_is_a_failure_that_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ended = compiled("tiny", cache=tmp_path / "file")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert f"cannot be kept in {tmp_path / 'file'}; set --cache-dir" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "there is no folder 'nowhere' and no ecosystem of that name (shipped: kuwait, tiny)"),
        (["tiny", "--no-image-cache"], "nothing would be kept"),
        (["tiny", "--ecosystem", "tiny"], "name the ecosystem once"),
        (["tiny", "--as-of", "9999-12-31T00:00:00Z"], "lies outside of"),
        (["tiny", "--hold-days", "0"], "--hold-days"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, arguments: list[str], told: str) -> None:
    ended = compiled(*arguments, cache=tmp_path)
    assert (ended.exit_code, ended.stdout, images(tmp_path)) == (2, "", [])
    assert told in ended.stderr


def test_faults_of_a_folder_are_named(tmp_path: Path) -> None:
    mine = copy_of_tiny(tmp_path / "mine")
    edit(mine, "accounts", lambda rows: rows[0].update(balance="lots"))
    ended = compiled(str(mine), cache=tmp_path / "cache")
    assert ended.exit_code == 2
    assert "accounts.json" in ended.stderr
    assert "nothing was loaded" in ended.stderr


def test_warnings_of_a_folder_are_told(tmp_path: Path) -> None:
    mine = copy_of_tiny(tmp_path / "mine")
    (mine / "account.json").write_text(json.dumps([]), encoding="utf-8")
    ended = compiled(str(mine), cache=tmp_path / "cache")
    assert ended.exit_code == 0
    assert "did you mean accounts.json?" in ended.stderr
