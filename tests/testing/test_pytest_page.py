"""docs/pytest.md is true: its suites pass, its script prints what it says, its TypeScript is that of the example."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import served
import yaml
from suites import AS_DELIVERED, UNUSED

from sandbox.core.settings import describe
from sandbox.testing import Sandbank
from sandbox.testing.plugin import pytest_addoption

pytest_plugins = ["pytester"]

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "examples" / "playwright"
PAGE = (REPOSITORY / "docs" / "pytest.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall(PAGE)
SUITES = {code.partition("\n")[0].removeprefix("# "): code for language, code in BLOCKS if language == "python"}
BROWSER = "conftest.py"
SECONDS = 60


def blocks(language: str) -> list[str]:
    return [code for found, code in BLOCKS if found == language]


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SANDBANK_")}
    return kept | {"no_proxy": "*"}


def test_every_kind_of_block_is_looked_at() -> None:
    assert {language for language, _ in BLOCKS} == {"console", "python", "ini", "yaml", "ts", "sh", "text"}
    assert all(re.fullmatch(r"\w+\.py", name) for name in SUITES)
    assert len(SUITES) == len(blocks("python"))


def test_links_within_the_page_lead_to_its_headings() -> None:
    headings = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^##+ (.+)$", BLOCK.sub("", PAGE), re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) == headings


def test_the_suites_of_the_page_pass(pytester: pytest.Pytester) -> None:
    pytester.makeini(AS_DELIVERED)
    for name, code in SUITES.items():
        if name != BROWSER:
            (pytester.path / name).write_text(code, encoding="utf-8")
    # In a process of their own, for their names may be those of modules of ours.
    result = pytester.runpytest_subprocess(*UNUSED, "--sandbank-check", *(name for name in SUITES if name != BROWSER))
    expected = sum(len(re.findall(r"^ *(?:async )?def test_", code, re.MULTILINE)) for code in SUITES.values())
    result.assert_outcomes(passed=expected)


def test_the_configuration_of_the_page_is_taken(pytester: pytest.Pytester) -> None:
    (ini,) = blocks("ini")
    pytester.makeini(ini + AS_DELIVERED.partition("\n")[2])
    pytester.makepyfile("""
        def test_it(bank, pytestconfig):
            assert pytestconfig.getini("sandbank_set") == ["lock_minutes = 30", "access_token_seconds = 3600"]
            tokens = bank.post("/v1/auth/login", json={"username": "fatima", "password": "Fatima-2026!"}).json()
            assert tokens["expires_in"] == 3600
    """)
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


def test_every_option_is_on_the_page_and_no_other(pytester: pytest.Pytester) -> None:
    parser = pytest.Parser(_ispytest=True)
    pytest_addoption(parser)
    options = {name for group in parser._groups for option in group.options for name in option.names()}
    table = PAGE.partition("## Options")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(--[\w-]+)", table, re.MULTILINE)) == options
    in_file = {name for name in parser._inidict if name.startswith("sandbank")}
    assert set(re.findall(r"^\|[^|]*\| `(\w+)", table, re.MULTILINE)) == in_file
    used = set(re.findall(r"--sandbank-[\w-]+", PAGE))
    assert used == options


def test_a_page_of_the_browser_asks_its_own_bank(pytester: pytest.Pytester) -> None:
    """With a stand-in for Playwright's page, since no browser is needed to see where requests go."""
    pytester.makeini(AS_DELIVERED)
    pytester.syspathinsert()
    (pytester.path / "conftest.py").write_text(SUITES[BROWSER], encoding="utf-8")
    (pytester.path / "browser.py").write_text(
        """
import fnmatch, pytest

class Page:
    def route(self, pattern, handler): self.pattern, self.handler = pattern, handler

    def asks(self, url):
        assert fnmatch.fnmatch(url, self.pattern)
        class Route: pass
        route = Route()
        route.request = Route()
        route.request.url = url
        route.continue_ = lambda url: setattr(route, "went_to", url)
        self.handler(route)
        return route.went_to

@pytest.fixture
def page(): return Page()
""",
        encoding="utf-8",
    )
    pytester.makepyfile("""
        def test_it(page, bank):
            assert page.asks("http://127.0.0.1:8000/v1/accounts") == bank.url + "/v1/accounts"
    """)
    pytester.runpytest_inprocess("-p", "browser").assert_outcomes(passed=1)


def test_the_workflow_is_yaml_whose_steps_make_sense() -> None:
    (text,) = blocks("yaml")
    steps = yaml.safe_load(text)["jobs"]["test"]["steps"]
    serve = next(step["run"] for step in steps if "sandbank serve" in step.get("run", ""))
    run = next(step["run"] for step in steps if "--sandbank-url" in step.get("run", ""))
    assert re.findall(r"http://127.0.0.1:\d+", serve) == re.findall(r"http://127.0.0.1:\d+", run)


@pytest.mark.skipif(shutil.which("curl") is None or shutil.which("bash") is None, reason="needs curl and bash")
def test_the_shell_script_prints_what_the_page_says() -> None:
    (script,) = blocks("sh")
    printed = blocks("text")[-1]
    with served.serve() as server, Sandbank(server.url) as sandbank:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script.replace("http://127.0.0.1:8000", server.url)],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert (done.stdout, done.stderr, done.returncode) == (printed, "", 0)
        assert [item["id"] for item in sandbank.request("GET", "/_sandbox/sandboxes").json()["items"]] == ["default"]


def test_the_typescript_of_the_page_is_that_of_the_example() -> None:
    files = [path.read_text(encoding="utf-8") for path in sorted(EXAMPLE.glob("*.ts"))]
    assert blocks("ts")
    missing = [code for code in blocks("ts") if not any(code in text for text in files)]
    assert not missing


def test_the_example_sets_no_variable_that_the_server_would_refuse() -> None:
    files = [path for path in EXAMPLE.iterdir() if path.is_file()]
    named = {name for path in files for name in re.findall(r"SANDBANK_[A-Z_]+", path.read_text(encoding="utf-8"))}
    assert named == {info.variable for info in describe() if info.variable in named}
    assert "SANDBANK_CONTROL_TOKEN" in named


def test_the_address_of_the_bank_stands_once_in_the_example() -> None:
    code = [path.read_text(encoding="utf-8") for path in EXAMPLE.iterdir() if path.suffix in {".ts", ".mjs"}]
    assert sum(text.count("8000") for text in code) == 1


STEERING = """
import { Refused, forkBank, seedOf } from "HELPER";

const server = process.argv[1];
const bank = await forkBank("a test", { server });
const again = await forkBank("a test", { server });
const clean = await bank.digest();
await bank.scenario("second-factor", { user: "fatima" });
const asked = await fetch(`${bank.url}/v1/auth/login`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ username: "fatima", password: "Fatima-2026!" }),
});
const code = await bank.code({ channel: "sms" });
const { now } = await bank.advance("P3D");
const written = await bank.digest();
const broken = await bank.broken();
await bank.reset();
const reset = await bank.digest();
const told = await bank.scenario("no-such-thing").catch((e) => [e instanceof Refused, e.status, e.code]);
await bank.remove();
const gone = await bank.digest().catch((error) => error.code);
const scenarios = ["locked-user", { name: "low-balance", parameters: { balance: "1.000" } }];
const worldly = await forkBank("another test", { server, scenarios });
console.log(JSON.stringify({
  seeds: [bank.seed, again.seed, seedOf("a test"), worldly.seed], clean, reset, written, again: await again.digest(),
  asked: asked.status, code, now, broken, told, gone, worldly: await worldly.digest(),
}));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_helper_of_the_example_forks_and_steers_under_node() -> None:
    script = STEERING.replace("HELPER", (EXAMPLE / "sandbank.mjs").as_uri())
    with served.serve("--transport-clock", "virtual", SANDBANK_CONTROL_TOKEN="a-token-for-the-tests") as server:
        ran = subprocess.run(
            ["node", "--input-type=module", "-e", script, server.url],
            env=environment() | {"SANDBANK_CONTROL_TOKEN": "a-token-for-the-tests"},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert len(set(said["seeds"])) == 2
    assert len(set(said["seeds"][:3])) == 1
    assert all(0 <= seed < 2**53 for seed in said["seeds"])
    assert said["clean"] == said["reset"] == said["again"]
    assert len({said["clean"], said["written"], said["worldly"]}) == 3
    assert (said["asked"], said["broken"]) == (202, [])
    assert re.fullmatch(r"\d{6}", said["code"])
    assert said["now"].startswith("2026-01-18T")
    assert said["told"] == [True, 404, "scenario_unknown"]
    assert said["gone"] == "sandbox_unknown"


def modules_of_playwright() -> Path | None:
    """Where `npm install` put Playwright and TypeScript: in the example, or where NODE_PATH says."""
    for folder in (EXAMPLE / "node_modules", Path(os.environ.get("NODE_PATH", "nowhere"))):
        if (folder / "@playwright" / "test").is_dir() and (folder / "typescript").is_dir():
            return folder
    return None


@pytest.mark.skipif(modules_of_playwright() is None, reason="needs `npm install` in examples/playwright")
def test_the_example_compiles_and_passes_under_playwright(tmp_path: Path) -> None:
    project = shutil.copytree(EXAMPLE, tmp_path / "project", ignore=shutil.ignore_patterns("node_modules"))
    modules = modules_of_playwright()
    assert modules is not None
    (project / "node_modules").symlink_to(modules.resolve())
    with served.serve("--transport-clock", "virtual") as server:
        config = project / "playwright.config.ts"
        config.write_text(config.read_text(encoding="utf-8").replace("!process.env.CI", "true"), encoding="utf-8")
        for command in (["node_modules/typescript/bin/tsc"], ["node_modules/@playwright/test/cli.js", "test"]):
            ran = subprocess.run(
                ["node", *command],
                cwd=project,
                env=environment() | {"BANK_SERVER": server.url},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 passed" in ran.stdout
