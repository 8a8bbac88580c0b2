"""Small suites that the plugin's tests run."""

import json
import re
from pathlib import Path

import pytest

AS_DELIVERED = "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
"""Nothing of ours is set: the bank is the one that everybody gets."""

INI = f"{AS_DELIVERED}sandbank_ecosystem = tiny\n"

UNUSED = [part for name in ("hypothesispytest", "schemathesis", "faker") for part in ("-p", f"no:{name}")]
"""Options without plugins that take every process half a second to load."""

DIGESTS = """
import json, pathlib, pytest

def note(request, bank):
    someone = bank.login("fatima")
    current, savings = someone.accounts()[:2]
    paid = someone.transfer(current, savings, "1.250")
    fact = [bank.seed, bank.digest(), paid.transfer_id, someone.access_token, bank.id]
    folder = pathlib.Path(request.config.rootpath, "noted")
    folder.mkdir(exist_ok=True)
    (folder / f"{bank.id}.json").write_text(json.dumps([request.node.nodeid.partition("@")[0], fact]))

@pytest.mark.parametrize("n", range(12))
def test_one(request, bank, n):
    note(request, bank)

class TestGroup:
    @pytest.mark.parametrize("name", ["راتب", "a b/c::d", "x" * 100])
    def test_two(self, request, bank, name):
        note(request, bank)

    @pytest.mark.xdist_group("together")
    def test_three(self, request, bank):
        note(request, bank)
"""
"""Tests that write down what their bank was: `noted` reads it."""


def noted(folder: Path) -> dict[str, list[object]]:
    """By node id what the tests of `DIGESTS` wrote down; forgotten afterwards."""
    found = {}
    for path in sorted((folder / "noted").iterdir()):
        node_id, fact = json.loads(path.read_text(encoding="utf-8"))
        found[node_id] = fact
        path.unlink()
    return found


def section(result: pytest.RunResult) -> str:
    """What the report of the one failed test says of its bank."""
    told = re.search(r"^-+ sandbank -+\n(.*?)\n[=_]{3}", result.stdout.str(), re.MULTILINE | re.DOTALL)
    assert told is not None, result.stdout.str()
    return told[1]
