"""docs/benchmarks.md is true: its chart is its table, its rows can be asked for, its peers are those started."""

import re

import pages

from benchmarks import __main__ as command
from benchmarks import chart, npm, paths, peers
from benchmarks.throughput import Options

PAGE = pages.text_of("docs/benchmarks.md")
README = pages.text_of("README.md")


def test_the_chart_is_drawn_from_this_table() -> None:
    drawn = paths.CHART.read_text(encoding="utf-8")
    assert drawn == chart.of(PAGE), "run: .venv/bin/python -m benchmarks.chart"


def test_the_chart_has_every_peer() -> None:
    assert chart.NOT_MEASURED not in paths.CHART.read_text(encoding="utf-8")


def test_the_page_shows_the_chart() -> None:
    assert re.search(r"!\[[^\]]{20,}\]\(benchmarks\.svg\)", PAGE)


def test_the_readme_shows_the_chart_and_leads_to_its_figures() -> None:
    assert re.search(r"!\[[^\]]{20,}\]\(docs/benchmarks\.svg\)", README)
    assert "(docs/benchmarks.md)" in README


def test_every_row_that_can_be_asked_for_is_on_the_page_and_no_other() -> None:
    table = PAGE.partition("| rows | of what |\n")[2].partition("\n\n")[0]
    named = [name for line in table.splitlines()[1:] for name in re.findall(r"`(\w+)`", line.split("|")[1])]
    assert sorted(named) == sorted([*command.WITH_SERVERS, *command.CONTROL, *command.ALONE, *command.EXTRA])


def test_the_peers_are_those_of_the_page() -> None:
    prose = PAGE.partition("## The last run")[0]
    for name, version in (
        ("json-server", npm.JSON_SERVER_VERSION),
        ("Prism", npm.PRISM_VERSION),
        ("WireMock", npm.WIREMOCK_VERSION),
    ):
        assert f"**{name}** {version}" in prose
    assert f"Java {npm.OLDEST_JAVA}" in prose
    assert f"`{' '.join(peers.WITH_JOURNAL)}`" in prose
    assert f"`{' '.join(peers.WITHOUT_JOURNAL)}`" in prose
    assert f"{Options(rounds=1, seconds=1).peer_warm_up_seconds:.0f} seconds of load" in prose
