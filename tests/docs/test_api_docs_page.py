"""docs/api-docs.md is true: its steps print what it says, and it names what the build hook takes."""

import importlib.util
import re
import shutil
from pathlib import Path
from types import ModuleType

import pages
import pytest

from sandbox.core.settings_sources import WEB_VARIABLE

PAGE = pages.text_of("docs/api-docs.md")
WORDS = {5: "five"}


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", pages.REPOSITORY / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(shutil.which("curl") is None, reason="the steps need curl")
@pytest.mark.skipif(shutil.which("bash") is None, reason="the steps need bash")
def test_the_steps_print_what_the_page_says(tmp_path: Path) -> None:
    steps = pages.steps_of(PAGE)
    assert len(steps) == 3
    with pages.served(tmp_path) as url:
        pages.require_true(steps, tmp_path, url)


def test_the_page_has_every_value_of_the_variable(hook: ModuleType) -> None:
    assert hook.VARIABLE == WEB_VARIABLE
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE.partition("| unset |")[2], re.MULTILINE)) == set(hook.MODES)


def test_the_page_names_what_the_hook_needs(hook: ModuleType) -> None:
    assert f"Node {hook.OLDEST_NODE} or newer" in PAGE
    assert f"copies {WORDS[len(hook.TAKEN)]} files" in PAGE
    assert hook.NODE_PACKAGE.partition(">")[0] in PAGE
    for test in re.findall(r"`(tests/[^`]+)`", PAGE):
        assert (pages.REPOSITORY / test).is_file()
