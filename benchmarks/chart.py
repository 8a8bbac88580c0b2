"""The chart of a run: account list, start and memory of each server, drawn from the table of `docs/benchmarks.md`.

It reads the document rather than the run, so that chart and table cannot differ; `python -m benchmarks.chart` draws it
again. Bars start at zero and carry their figures; the same document always gives the same bytes.
"""

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

import msgspec

from benchmarks import peers
from benchmarks.paths import CHART, DOCUMENT
from benchmarks.report import BEGIN, END

SANDBANK = "sandbank"
SERVERS = {
    SANDBANK: "Sandbank",
    "json-server": "json-server",
    peers.PRISM_SHORT: "Prism",
    peers.WIREMOCK_FORGETFUL: "WireMock",
    "bare": "bare Litestar",
}
"""Who is drawn, from the top, and under what name; Prism and WireMock in the way that is kinder to them."""
NOT_MEASURED = "not measured"

WIDTH, MARGIN = 920, 20
NAMES_WIDTH = 100
PANEL_WIDTH, PANEL_GAP = 244, 24
BAR_HEIGHT, ROW_HEIGHT = 18, 32
FIGURES_WIDTH = 92
"""Kept free to the right of the longest bar, for its figures."""
ROWS_TOP, NOTES_GAP, NOTE_HEIGHT = 92, 26, 18

STYLE = """\
  :root { color-scheme: light dark }
  text { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; font-size: 13px; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 }
  .heading { font-weight: 600 }
  .quiet { font-size: 12px; fill: #59636e }
  .ours { fill: #0a6b8a }
  .theirs { fill: #8c959f }
  .pale { opacity: 0.4 }
  .ground { fill: #ffffff; stroke: #d1d9e0 }
  .zero { stroke: #818b98 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .quiet { fill: #9198a1 }
    .ours { fill: #3fb6dc }
    .theirs { fill: #768390 }
    .ground { fill: #0d1117; stroke: #3d444d }
  }
"""


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One server in one panel: its figure as the table prints it, and a second one behind it."""

    server: str
    figure: str = ""
    """Empty where the table has none."""
    behind: str = ""

    @property
    def text(self) -> str:
        """What stands beside the bar."""
        if not self.figure:
            return NOT_MEASURED
        return f"{self.figure} ({self.behind})" if self.behind else self.figure


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of figure for all servers."""

    heading: str
    hint: str
    bars: list[Bar]

    @property
    def longest(self) -> float:
        """What the scale ends with."""
        return max(_number(figure) for bar in self.bars for figure in (bar.figure, bar.behind) if figure)


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """What the chart says."""

    panels: list[Panel]
    notes: list[str]


_Table = dict[tuple[str, str], dict[str, str]]


def of(document: str) -> str:
    """The chart of a document, as SVG.

    Raises:
        ValueError: a figure of Sandbank is not in its table.
    """
    run = document.partition(BEGIN)[2].partition(END)[0]
    table = _table(run)
    panels = [
        Panel(
            heading="Account list, requests/s",
            hint="more is better",
            bars=[Bar(server=server, figure=_cell(table, "account list", server, "requests/s")) for server in SERVERS],
        ),
        Panel(
            heading="Start to first answer, ms",
            hint="less is better (Sandbank without a cache)",
            bars=[_start(table, server) for server in SERVERS],
        ),
        Panel(
            heading="Memory after start, MiB",
            hint="less is better (after the load)",
            bars=[
                Bar(
                    server=server,
                    figure=_cell(table, "memory after start", server, "figure").removesuffix(" MiB"),
                    behind=_cell(table, "memory after the load", server, "figure").removesuffix(" MiB"),
                )
                for server in SERVERS
            ],
        ),
    ]
    for panel in panels:
        if not panel.bars[0].figure:
            message = f"{panel.heading}: docs/benchmarks.md has no figure of Sandbank; run make bench"
            raise ValueError(message)
    return _svg(Drawn(panels=panels, notes=_notes(run)))


def publish() -> Path:
    """Draw the chart of `docs/benchmarks.md` beside it."""
    CHART.write_text(of(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    return CHART


def _start(table: _Table, server: str) -> Bar:
    """Sandbank's first answer is the signed-in list, and the pale bar is a start that compiles the bank first."""
    if server != SANDBANK:
        return Bar(server=server, figure=_cell(table, "start to first answer", server, "p50 ms"))
    cached, uncached = (
        _cell(table, f"start to signed-in list, {how}", server, "p50 ms") for how in ("cached image", "no cache")
    )
    return Bar(server=server, figure=cached, behind=uncached)


def _notes(run: str) -> list[str]:
    """What each of them did, and the facts of the run: beside which versions, on what, and when."""
    facts = [line.removeprefix("- ") for line in run.splitlines() if line.startswith("- ")]
    when = next((fact for fact in facts if fact.endswith(" UTC")), "")
    machine = next((fact.partition(";")[0] for fact in facts if " cores, " in fact), "")
    versions = next((fact for fact in facts if fact.startswith("json-server ") and " on Node " in fact), "")
    return [
        "Sandbank checks the token and reads SQL; json-server filters a file; Prism (a document of two operations) and",
        "WireMock (two stubs, no journal) repeat what they were given; bare Litestar only encodes JSON.",
        f"{versions}.",
        f"{machine}; {when}. Medians of one run, every bar from zero.",
    ]


def _table(run: str) -> _Table:
    """The cells of every row, by what and who."""
    lines = [_cells(line) for line in run.splitlines() if line.startswith("| ")]
    start = next((place for place, cells in enumerate(lines) if cells[:2] == ["what", "who"]), len(lines))
    names = lines[start] if start < len(lines) else []
    return {(cells[0], cells[1]): dict(zip(names, cells, strict=True)) for cells in lines[start + 2 :]}


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _cell(table: _Table, what: str, who: str, column: str) -> str:
    """One cell; empty where there is no such row."""
    return table.get((what, who), {}).get(column, "")


def _number(figure: str) -> float:
    return float(figure.replace(",", ""))


def _svg(drawn: Drawn) -> str:
    notes_top = ROWS_TOP + ROW_HEIGHT * len(SERVERS) + NOTES_GAP
    height = notes_top + NOTE_HEIGHT * (len(drawn.notes) - 1) + MARGIN
    title = "Sandbank beside json-server, Prism and WireMock"
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title desc">',
        f'<title id="title">{title}</title>',
        f'<desc id="desc">{escape(_in_words(drawn.panels))}</desc>',
        f"<style>\n{STYLE}</style>",
        f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>',
        _text(MARGIN, 30, title, "title"),
        *_names(),
    ]
    for place, panel in enumerate(drawn.panels):
        lines += _panel(panel, MARGIN + NAMES_WIDTH + place * (PANEL_WIDTH + PANEL_GAP))
    lines += [_text(MARGIN, notes_top + NOTE_HEIGHT * place, note, "quiet") for place, note in enumerate(drawn.notes)]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _names() -> Iterator[str]:
    for place, (server, name) in enumerate(SERVERS.items()):
        yield _text(MARGIN, _middle(place), name, "heading" if server == SANDBANK else "name")


def _panel(panel: Panel, left: int) -> Iterator[str]:
    yield _text(left, 58, panel.heading, "heading")
    yield _text(left, 76, panel.hint, "quiet")
    for place, bar in enumerate(panel.bars):
        colour = "ours" if bar.server == SANDBANK else "theirs"
        lengths = [_length(panel, bar.behind), _length(panel, bar.figure)]
        for length, kind in zip(lengths, (f"{colour} pale", colour), strict=True):
            if length:
                top = ROWS_TOP + ROW_HEIGHT * place + (ROW_HEIGHT - BAR_HEIGHT) // 2
                yield f'<rect class="{kind}" x="{left}" y="{top}" width="{length:.1f}" height="{BAR_HEIGHT}"/>'
        figures = "heading" if bar.server == SANDBANK else "name" if bar.figure else "quiet"
        yield _text(round(left + max(lengths) + 6), _middle(place), bar.text, figures)
    bottom = ROWS_TOP + ROW_HEIGHT * len(panel.bars)
    yield f'<line class="zero" x1="{left}" y1="{ROWS_TOP}" x2="{left}" y2="{bottom}"/>'


def _length(panel: Panel, figure: str) -> float:
    return (PANEL_WIDTH - FIGURES_WIDTH) * _number(figure) / panel.longest if figure else 0.0


def _middle(place: int) -> int:
    """The base line of a row's text."""
    return ROWS_TOP + ROW_HEIGHT * place + ROW_HEIGHT // 2 + 5


def _text(left: int, base: int, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{left}" y="{base}">{escape(text)}</text>'


def _in_words(panels: Sequence[Panel]) -> str:
    """Every figure, for who cannot see the bars."""
    said = [
        f"{panel.heading}, {panel.hint}: " + ", ".join(f"{SERVERS[bar.server]} {bar.text}" for bar in panel.bars)
        for panel in panels
    ]
    return ". ".join(said) + "."


if __name__ == "__main__":
    print(publish())
