"""Drawing without a screen: one figure to one SVG that can stand inside a page, the same bytes every time.

Matplotlib is the extra `report`, so it is imported only when something is drawn.
"""

import io
import re
from collections.abc import Callable
from html import escape
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BLUE", "GREEN", "ORANGE", "PALETTE", "QUIET", "NoPlotsError", "Svg", "drawn", "require_plots"]

Svg = str
"""An `<svg>` element."""

INK, QUIET, GREY = "#1b2a36", "#5b6872", "#8a96a0"
BLUE, ORANGE, GREEN, PINK = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
PALETTE = (BLUE, ORANGE, GREEN, PINK, "#e69f00", "#56b4e9")
"""Okabe and Ito's colours, which people with any kind of sight tell apart."""

_STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "font.family": "sans-serif",
    "font.size": 10,
    "grid.color": "#e3e8ec",
    "legend.frameon": False,
    "svg.fonttype": "none",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
_METADATA = {"Creator": None, "Date": None, "Format": None, "Type": None}
_ID = re.compile(r'(\bid="|url\(#|href="#)')
_WIDTH = 9.0


class NoPlotsError(RuntimeError):
    """Matplotlib is not installed."""

    def __init__(self) -> None:
        super().__init__("plots need Matplotlib: pip install matplotlib")


def require_plots() -> None:
    """Say so early where nothing can be drawn.

    Raises:
        NoPlotsError: Matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise NoPlotsError


def drawn(name: str, title: str, paint: Callable[["list[Axes]"], None], *, height: float = 3.6, panels: int = 1) -> Svg:
    """What `paint` puts on some panels side by side, as SVG.

    `name` makes the identifiers inside unlike those of the page's other drawings; `title` is what a screen reader
    says in its place.

    Raises:
        NoPlotsError: Matplotlib is not installed.
    """
    require_plots()
    import matplotlib as mpl  # noqa: PLC0415 - an extra
    from matplotlib.figure import Figure  # noqa: PLC0415

    buffer = io.StringIO()
    with mpl.rc_context(_STYLE | {"svg.hashsalt": name}):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        paint(list(figure.subplots(1, panels, squeeze=False)[0]))
        figure.savefig(buffer, format="svg", metadata=_METADATA)
    return _standing_alone(buffer.getvalue(), name, title)


def _standing_alone(svg: str, name: str, title: str) -> Svg:
    """The element alone, named for those who do not see it, its identifiers its own."""
    element = svg[svg.index("<svg") :].strip()
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = _ID.sub(lambda found: f"{found[1]}{name}-", element)
    start, end = element.index("<svg"), element.index(">")
    opening = re.sub(r' (width|height)="[^"]*"', "", element[start:end])
    return f'{opening} role="img" aria-label="{escape(title)}">{element[end + 1 :]}'
