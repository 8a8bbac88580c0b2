"""The chart: every figure of it is the table's, and a bar is as long as its figure."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest

from benchmarks import chart, peers, report
from benchmarks.report import Report, Row, memory_row, times_row

RATES = {
    "bare": 20160.4,
    "sandbank": 8295.0,
    "json-server": 1289.0,
    peers.PRISM_SHORT: 2400.0,
    peers.WIREMOCK_FORGETFUL: 99.6,
}
STARTS = {"bare": 177.0, "json-server": 168.0, peers.PRISM_SHORT: 1640.0, peers.WIREMOCK_FORGETFUL: 1530.0}
MEMORY = {
    "bare": 40.0,
    "sandbank": 110.0,
    "json-server": 78.0,
    peers.PRISM_SHORT: 149.0,
    peers.WIREMOCK_FORGETFUL: 104.0,
}
LATER = {
    "bare": 40.0,
    "sandbank": 196.0,
    "json-server": 335.0,
    peers.PRISM_SHORT: 170.0,
    peers.WIREMOCK_FORGETFUL: 467.0,
}
ROWS = [
    *(memory_row("memory after start", who, mib) for who, mib in MEMORY.items()),
    *(Row(topic="account list", subject=who, rate=rate, p50_ms=1.0) for who, rate in RATES.items()),
    Row(topic="account list", subject="sandbank / wiremock", figure="83.3x"),
    *(memory_row("memory after the load", who, mib) for who, mib in LATER.items()),
    *(times_row("start to first answer", who, [ms]) for who, ms in STARTS.items()),
    times_row("start to signed-in list, cached image", "sandbank", [495.0]),
    times_row("start to signed-in list, no cache", "sandbank", [1149.0]),
]
MACHINE = [
    "A processor, 2 cores, 24 GiB; Linux 6",
    "json-server 0.17.4 and Prism 5.16.0 on Node v20.20.2; WireMock 3.13.2 on Java 17.0.15",
]
PREFIX = "{http://www.w3.org/2000/svg}"


def document(rows: list[Row]) -> str:
    """A page with this table, as a run writes it."""
    made = Report(made_at="2026-11-21 00:24 UTC", command="a command", machine=MACHINE, rows=rows, notes=["A note."])
    first = "# Page\n\n| rows | of what |\n| --- | --- |\n| `accounts` | the bank |\n"
    return f"{first}\n{report.BEGIN}\n\n{report.text(made)}\n{report.END}\n"


def drawn(rows: list[Row]) -> ET.Element:
    return ET.fromstring(chart.of(document(rows)))


def texts(svg: ET.Element, kind: str = "text") -> list[str]:
    return [element.text or "" for element in svg.iter(f"{PREFIX}{kind}")]


def bars(svg: ET.Element) -> Iterator[tuple[str, int, float]]:
    """The kind of each bar, where it starts, and its length."""
    for element in svg.iter(f"{PREFIX}rect"):
        kind = element.get("class", "")
        if kind != "ground":
            yield kind, int(element.get("x", "")), float(element.get("width", ""))


def test_every_figure_is_printed_as_the_table_has_it() -> None:
    shown = texts(drawn(ROWS))
    names = ["Sandbank", "json-server", "Prism", "WireMock", "bare Litestar"]
    assert [text for text in shown if text in names] == names
    figures = [text for text in shown if re.fullmatch(r"[\d,.]+( \([\d,.]+\))?", text)]
    assert figures == [
        *("8,295", "1,289", "2,400", "99.6", "20,160"),
        *("495 (1,149)", "168", "1,640", "1,530", "177"),
        *("110 (196)", "78 (335)", "149 (170)", "104 (467)", "40 (40)"),
    ]


def test_bars_start_at_the_line_and_are_as_long_as_their_figures() -> None:
    svg = drawn(ROWS)
    lines = [int(element.get("x1", "")) for element in svg.iter(f"{PREFIX}line")]
    panels = [[(kind, length) for kind, left, length in bars(svg) if left == line] for line in lines]
    figures: list[list[float]] = [
        [8295, 1289, 2400, 99.6, 20160],
        [1149, 495, 168, 1640, 1530, 177],
        [196, 110, 335, 78, 170, 149, 467, 104, 40, 40],
    ]
    assert sum(len(panel) for panel in panels) == len([*bars(svg)])
    for panel, expected in zip(panels, figures, strict=True):
        longest = max(length for _, length in panel)
        shares = [figure / max(expected) for figure in expected]
        assert [length / longest for _, length in panel] == pytest.approx(shares, abs=0.001)


def test_sandbank_alone_has_its_colour() -> None:
    kinds = [kind for kind, _, _ in bars(drawn(ROWS))]
    assert [kind for kind in kinds if "ours" in kind] == ["ours", "ours pale", "ours", "ours pale", "ours"]


def test_all_stays_within_the_picture() -> None:
    svg = drawn(ROWS)
    width, height = (int(svg.get(name, "")) for name in ("width", "height"))
    assert svg.get("viewBox") == f"0 0 {width} {height}"
    assert all(left + length < width for _, left, length in bars(svg))
    assert all(int(element.get("y", "")) < height for element in svg.iter(f"{PREFIX}text"))
    # A wide letter of thirteen pixels takes some seven of them.
    widest = max(int(element.get("x", "")) + 7 * len(element.text or "") for element in svg.iter(f"{PREFIX}text"))
    assert widest < width


def test_who_cannot_see_it_is_told_every_figure() -> None:
    svg = drawn(ROWS)
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == "title desc"
    assert [element.get("id") for element in svg[:2]] == ["title", "desc"]
    (said,) = texts(svg, "desc")
    assert "Account list, requests/s, more is better: Sandbank 8,295, json-server 1,289, Prism 2,400" in said
    assert "Memory after start, MiB, less is better (after the load): Sandbank 110 (196)" in said


def test_the_facts_of_the_run_stand_below() -> None:
    versions, machine = texts(drawn(ROWS))[-2:]
    assert versions == f"{MACHINE[1]}."
    assert machine.startswith("A processor, 2 cores, 24 GiB; 2026-11-21 00:24 UTC.")


def test_a_peer_that_was_absent_is_said_to_be_not_measured() -> None:
    svg = drawn([row for row in ROWS if row.subject != peers.WIREMOCK_FORGETFUL])
    assert texts(svg).count(chart.NOT_MEASURED) == 3
    assert "WireMock not measured" in texts(svg, "desc")[0]
    assert len([*bars(svg)]) == len([*bars(drawn(ROWS))]) - 4


@pytest.mark.parametrize(
    ("topic", "heading"),
    [
        ("account list", "Account list, requests/s"),
        ("start to signed-in list, cached image", "Start to first answer, ms"),
        ("memory after start", "Memory after start, MiB"),
    ],
)
def test_there_is_no_chart_without_a_figure_of_sandbank(topic: str, heading: str) -> None:
    rows = [row for row in ROWS if (row.topic, row.subject) != (topic, "sandbank")]
    with pytest.raises(ValueError, match=f"^{heading}: docs/benchmarks.md has no figure of Sandbank; run make bench$"):
        chart.of(document(rows))


def test_a_page_without_a_table_has_no_chart() -> None:
    with pytest.raises(ValueError, match="no figure of Sandbank"):
        chart.of("# Benchmarks\n")


def test_both_colour_schemes_are_dressed_wholly() -> None:
    light, _, dark = chart.STYLE.partition("@media (prefers-color-scheme: dark)")
    for colour in (r"text \{[^}]*fill", r"\.quiet \{[^}]*fill", r"\.ours \{", r"\.theirs \{", r"\.ground \{"):
        assert re.search(colour, light)
        assert re.search(colour, dark)
