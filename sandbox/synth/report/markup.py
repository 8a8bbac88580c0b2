"""The few pieces of HTML that a report is made of: escaped, and with what a screen reader needs."""

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["Cell", "Html", "badge", "details", "document", "escaped", "figure", "paragraph", "section", "table"]

Html = str
"""A piece of HTML: texts within it are escaped."""


class Marked(str):
    """A piece of HTML that may stand in a table as it is; every other text there is escaped."""

    __slots__ = ()


Cell = str | float | None
"""What stands in a table: a text, a number, or nothing."""

_STYLE = """
:root { color-scheme: light; --ink: #1b2a36; --line: #d5dce2; --soft: #f4f7f9; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem; color: var(--ink); background: #fff;
       font: 16px/1.5 system-ui, sans-serif; }
h1 { margin: 0 0 .25rem; } h2 { margin: 2.5rem 0 .5rem; } h2 .badge { font-size: .8rem; vertical-align: middle; }
figure { margin: 1rem 0; overflow-x: auto; } figure svg { width: 100%; min-width: 36rem; height: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: .75rem 0; font-size: .9rem; }
caption { text-align: left; padding: .25rem 0; color: #44525e; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { background: var(--soft); } tbody th { font-weight: 400; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.badge { display: inline-block; padding: .05rem .5rem; border-radius: 1rem; border: 1px solid; white-space: nowrap; }
.good { color: #00603f; background: #e5f5ee; } .bad { color: #8f2400; background: #fdece3; }
.quiet { color: #44525e; background: var(--soft); }
summary { cursor: pointer; padding: .25rem 0; } code { font-size: .9em; }
@media print { details > * { display: block; } section { break-inside: avoid; } }
"""
_NUMERIC = "+-0123456789"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The page asks for nothing outside itself, and the browser holds it to that."""


def document(title: str, parts: Iterable[Html]) -> Html:
    """A whole page."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def section(heading: str, *parts: Html, mark: Html = "") -> Html:
    """A part of the page under a heading."""
    return "\n".join([f"<section>\n<h2>{escape(heading)} {mark}</h2>", *parts, "</section>"])


def paragraph(text: str) -> Html:
    """Plain words."""
    return f"<p>{escape(text)}</p>"


def escaped(text: str) -> Html:
    """A text that means itself."""
    return escape(text)


def badge(text: str, kind: str) -> Marked:
    """A word that stands out: `good`, `bad` or `quiet`; the word alone says all."""
    return Marked(f'<span class="badge {kind}">{escape(text)}</span>')


def figure(svg: str) -> Html:
    """A drawing; the table beside it says the same in words."""
    return f"<figure>{svg}</figure>"


def details(summary: str, *parts: Html) -> Html:
    """What is folded away until somebody asks; it needs no script."""
    return "\n".join([f"<details>\n<summary>{escape(summary)}</summary>", *parts, "</details>"])


def table(caption: str, heads: Sequence[str], rows: Iterable[tuple[Cell, ...]]) -> Html:
    """A table whose first column names its rows.

    Columns of numbers, or of texts that begin like one, are set right.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    classes = [_class([row[place] for row in cells]) if place else "" for place in range(len(heads))]
    head = "".join(f'<th scope="col"{look}>{escape(text)}</th>' for look, text in zip(classes, heads, strict=True))
    lines = [f"<tr>{_row(row, classes)}</tr>" for row in cells]
    body = "\n".join(lines)
    return (
        f'<div class="wide"><table>\n<caption>{escape(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def _class(column: list[Html]) -> Html:
    """How the cells of a column look."""
    return ' class="number"' if all(cell[:1] in _NUMERIC for cell in column) else ""


def _row(cells: list[Html], classes: list[Html]) -> Html:
    first, *others = cells
    data = "".join(f"<td{look}>{cell}</td>" for look, cell in zip(classes[1:], others, strict=True))
    return f'<th scope="row">{first}</th>{data}'


def _cell(value: Cell) -> Html:
    if value is None:
        return "-"
    if isinstance(value, Marked):
        return value
    return escape(value) if isinstance(value, str) else f"{value:,}"
