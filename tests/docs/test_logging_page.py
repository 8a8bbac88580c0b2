"""docs/logging.md is true: its steps print what it says; its lines, fields, names and metrics are the server's."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import get_args

import pages
import pytest
import yaml
from logs import LINE
from prometheus_client.parser import text_string_to_metric_families
from support import Client

from sandbox.cli.logs import lines, setup
from sandbox.cli.logs.lines import Lines
from sandbox.cli.logs.output import KEPT_LINES
from sandbox.cli.logs.redaction import is_secret
from sandbox.core.settings import LogFormat, LogLevel
from sandbox.http.meter import BOUNDS_S
from sandbox.http.observing import LEFT

PAGE = pages.text_of("docs/logging.md")
URL = "/_sandbox/metrics"
AS_JSON = "-H 'Content-Type: application/json'"


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    table = PAGE.partition(f"\n## {heading}\n")[2].partition("\n|---")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in table.splitlines()[1:]]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the steps need curl")
@pytest.mark.skipif(shutil.which("bash") is None, reason="the steps need bash")
def test_the_steps_print_what_the_page_says(tmp_path: Path) -> None:
    steps = pages.steps_of(PAGE)
    assert len(steps) == 4
    with pages.served(tmp_path, "tiny", "--log-level", "info", "--log-format", "json") as url:
        pages.require_true(steps, tmp_path, url)


def test_the_lines_of_the_page_are_those_of_the_server(tmp_path: Path) -> None:
    shown = PAGE.partition("```text\n")[2].partition("```")[0].splitlines()
    with pages.served(tmp_path, "tiny", "--log-level", "info") as url:
        commands = [
            f'curl -s -o /dev/null {url}/_sandbox/sandboxes {AS_JSON} -d \'{{"id": "t1"}}\'',
            *(sign_in(f"{url}{prefix}") for prefix in ("", "/s/t1")),
            f'curl -s -o /dev/null "{url}/s/t1/v1/accounts?limit=2" -H "Authorization: Bearer $TOKEN"',
            f"curl -s -o /dev/null {url}/v1/accounts",
        ]
        pages.run_in_bash(commands, url, tmp_path)
    told = [line for line in (tmp_path / "server.log").read_text(encoding="utf-8").splitlines() if " GET " in line]
    told.insert(0, next(line for line in (tmp_path / "server.log").read_text("utf-8").splitlines() if "login" in line))
    assert len(told) == len(shown) == 3
    for found, written in zip(told, shown, strict=True):
        assert varying(found) == varying(written.replace("request_id=...", "request_id=x"))


def sign_in(url: str) -> str:
    body = '{"username": "fatima", "password": "Fatima-2026!"}'
    read = 'sed \'s/.*"access_token":"\\([^"]*\\)".*/\\1/\''
    return f"TOKEN=$(curl -s {url}/v1/auth/login {AS_JSON} -d '{body}' | {read})"


def varying(line: str) -> str:
    """A line without what differs from run to run."""
    line = re.sub(r"^\S+Z ", "TIME ", line)
    line = re.sub(r" [\d.]+ ms ", " N ms ", line)
    return re.sub(r"(request_id|bytes)=\S+", r"\1=x", line)


def test_every_field_of_a_request_has_its_row_in_order() -> None:
    told = list(json.loads(Lines("json")(LINE)))
    assert [names(row[0])[0] for row in rows("Fields of a request")] == told


def test_the_levels_and_formats_are_those_of_the_settings() -> None:
    assert [names(row[0])[0] for row in rows("Levels")] == list(get_args(LogLevel))
    quiet = next(row for row in rows("Levels") if row[0] == "`debug`")
    assert set(names(quiet[1])) == lines._QUIET
    head = PAGE.partition("\n## ")[0]
    for choice in (*get_args(LogLevel), *get_args(LogFormat)):
        assert f"`{choice}`" in head


def test_the_names_that_are_masked_are_masked() -> None:
    masked = PAGE.partition("- **By name**")[2].partition("- **By its looks**")[0]
    assert len(names(masked)) >= 18
    assert not [name for name in names(masked) if not is_secret(name)]


def test_the_limits_are_those_of_the_program() -> None:
    assert f"It holds {KEPT_LINES:,} lines" in PAGE
    assert f"cut after {lines._LONGEST_PATH:,} characters" in PAGE
    assert setup._LAST_LINES_S == 1.0
    assert "gives the last lines one second" in PAGE
    assert f"{LEFT} where the client left" in PAGE


def test_every_metric_has_its_row() -> None:
    client = Client()
    try:
        client.login()
        client.get("/nowhere")
        found = list(text_string_to_metric_families(client.get(URL).text))
    finally:
        client.close()
    served = []
    for family in found:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        served.append((name, family.type, labels))
    written = [(names(row[0])[0], row[1], set(names(row[2]))) for row in rows("Metrics")]
    assert written == served
    assert f"{len(BOUNDS_S)} buckets" in PAGE


def test_the_example_for_prometheus_names_the_path() -> None:
    config = yaml.safe_load(PAGE.partition("```yaml\n")[2].partition("```")[0])
    (job,) = config["scrape_configs"]
    assert job["metrics_path"] == URL
    assert job["authorization"] == {"credentials_file": "/etc/prometheus/sandbank-control-token"}


def test_the_example_in_python_takes_lines() -> None:
    scope: dict[str, list[object]] = {}
    exec(PAGE.partition("```python\n")[2].partition("```")[0], scope)
    client = Client(app=scope["app"])  # type: ignore[arg-type]
    try:
        client.get("/_sandbox/info")
        assert len(scope["lines"]) == 1
    finally:
        client.close()


@pytest.mark.skipif(shutil.which("jq") is None, reason="the recipes need jq")
def test_the_recipes_are_programs_of_jq(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    bug = {"event": "x", "exception": "Traceback ..."}
    as_json = Lines("json")
    log.write_bytes(as_json(LINE) + as_json({"timestamp": "t", "level": "error", **bug}))
    recipes = re.findall(
        r"^\$ jq (.*)$", PAGE.partition("## Recipes for jq")[2].partition("## Metrics")[0], re.MULTILINE
    )
    assert len(recipes) == 5
    for recipe in recipes:
        done = subprocess.run(f"jq {recipe}", shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), recipe
