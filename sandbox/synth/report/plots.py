"""The plots of a report: targets beside values, and the shapes of a bank's year. Amounts are in KD."""

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from sandbox.synth.report.canvas import BLUE, GREEN, ORANGE, PALETTE, QUIET, Svg, drawn
from sandbox.synth.report.comparing import Compared, Unit
from sandbox.synth.report.shapes import Balances, Categories, PayDays, Profile, Shapes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["against_targets", "amounts", "balances", "hours", "pay_days", "seasons", "weekdays"]

FILS_PER_DINAR = 1_000
_HEATED_AT_MOST = 36
_WHOLE_MONTH = 28
_MONTHS_NAMED = 6
_TIMES_USUAL = (0, 0.25, 0.5, 0.8, 1.25, 2, 3)
"""Where the colours of the seasons change; white is about as usual."""


def against_targets(name: str, title: str, panels: Sequence[tuple[str, str, Sequence[tuple[str, Compared]]]]) -> Svg:
    """Bars with a mark where the target lies: panels of (heading, what the axis counts, labelled figures)."""

    def paint(axes: "list[Axes]") -> None:
        for axis, (heading, counts, rows) in zip(axes, panels, strict=True):
            values = [_shown(figure.value or 0, figure.unit) for _, figure in rows]
            wanted = [_shown(figure.target, figure.unit) for _, figure in rows]
            places = range(len(rows))
            axis.barh(places, values, height=0.55, color=BLUE, label="this bank")
            axis.plot(wanted, places, "D", color=ORANGE, markeredgecolor="white", markersize=8, label="target")
            for place, (_, figure) in enumerate(rows):
                if figure.value is None:
                    axis.annotate("not in the data", (0, place), (4, -3), textcoords="offset points", color=QUIET)
            axis.set_yticks(places, [label for label, _ in rows])
            axis.invert_yaxis()
            _group_thousands(axis, "x")
            axis.set_xlim(left=0)
            axis.set_xlabel(counts)
            axis.set_title(heading)
            axis.grid(visible=False, axis="y")
        axes[0].figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower right", ncols=2)

    longest = max(len(rows) for _, _, rows in panels)
    return drawn(name, title, paint, height=1.5 + 0.32 * longest, panels=len(panels))


def hours(profile: Profile) -> Svg:
    """Card payments through the day."""
    step = [int(label) + 0.5 for label in profile.labels]

    def paint(axes: "list[Axes]") -> None:
        (axis,) = axes
        axis.plot(step, _percent(profile.ordinary), "o-", markersize=4, color=BLUE, label="other months")
        if profile.ramadan is not None:
            axis.plot(step, _percent(profile.ramadan), "s-", markersize=4, color=ORANGE, label="Ramadan")
        axis.set_xticks(range(0, 25, 2), [f"{hour:02d}:00" for hour in range(0, 25, 2)])
        axis.set_xlim(0, 24)
        axis.set_ylim(bottom=0)
        axis.set_xlabel("hour of the day in Kuwait")
        axis.set_ylabel("% of card payments")
        axis.set_title("When people pay by card")
        axis.legend()

    return drawn("hours", "Card payments by hour of the day, in Ramadan and in other months", paint)


def weekdays(profile: Profile) -> Svg:
    """Card payments through the week."""

    def paint(axes: "list[Axes]") -> None:
        (axis,) = axes
        places = np.arange(len(profile.labels))
        both = profile.ramadan is not None
        width = 0.38 if both else 0.6
        axis.bar(places - (width / 2 if both else 0), profile.ordinary, width, color=BLUE, label="other months")
        if profile.ramadan is not None:
            axis.bar(places + width / 2, profile.ramadan, width, color=ORANGE, label="Ramadan")
            axis.set_ylim(top=1.2 * max(*profile.ordinary, *profile.ramadan))
            axis.legend(ncols=2, loc="upper right")
        axis.set_xticks(places, profile.labels)
        axis.set_ylabel("card payments a day")
        axis.set_xlabel("day of the week; the weekend is Friday and Saturday")
        axis.set_title("Card payments by weekday")
        axis.grid(visible=False, axis="x")

    return drawn("weekdays", "Mean number of card payments a day, by weekday", paint)


def pay_days(paydays: PayDays) -> Svg:
    """On which days of the month money comes in."""

    def paint(axes: "list[Axes]") -> None:
        (axis,) = axes
        days = np.arange(1, 32)
        below = np.zeros(31)
        for colour, (kind, count) in zip(PALETTE, paydays.count.items(), strict=False):
            axis.bar(days, count, 0.8, bottom=below, color=colour, label=_words(kind))
            below += np.array(count)
        axis.set_xticks(days, [str(day) if day % 2 else "" for day in days])
        axis.set_xlabel("day of the month on which it was paid")
        axis.set_ylabel("payments")
        axis.set_title("Salaries, pensions and allowances by day of the month")
        axis.grid(visible=False, axis="x")
        axis.legend()

    return drawn("paydays", "Payments of salaries, pensions and allowances by day of the month", paint)


def balances(series: Balances) -> Svg:
    """What the accounts held over time: in all, and the middle half of the customers."""

    def paint(axes: "list[Axes]") -> None:
        whole, each = axes
        days = np.array(series.days, dtype="datetime64[D]")
        kinds = list(series.total)
        stacked = [np.array(series.total[kind]) / FILS_PER_DINAR / 1_000 for kind in kinds]
        whole.stackplot(days, stacked, labels=[_words(kind) for kind in kinds], colors=PALETTE, alpha=0.85)
        whole.set_ylabel("thousand KD")
        whole.set_title("All accounts together")
        whole.figure.legend(*whole.get_legend_handles_labels(), loc="outside lower left", ncols=4)
        lower, median, upper = (np.array(line) / FILS_PER_DINAR for line in (series.lower, series.median, series.upper))
        each.fill_between(days, lower, upper, color=GREEN, alpha=0.25, label="middle half")
        each.plot(days, median, color=GREEN, linewidth=2, label="median")
        each.set_ylabel("KD a customer")
        each.set_title("A customer's accounts together")
        each.set_ylim(top=1.25 * max(*upper, 1))
        each.legend(loc="upper left", ncols=2)
        for axis in axes:
            axis.set_ylim(bottom=min(0, axis.get_ylim()[0]))
            _group_thousands(axis, "y")
            _name_months(axis, days)

    return drawn("balances", "Booked balances over time", paint, height=4, panels=2)


def seasons(categories: Categories) -> Svg:
    """Which categories have a season: what was spent a day in each month, against the category's own mean.

    Months that the history holds in part are left out where others remain: rents of half a month say nothing.
    """
    names = list(categories.spent)[:_HEATED_AT_MOST]
    whole = np.flatnonzero([days >= _WHOLE_MONTH for days in categories.days])
    kept = whole if len(whole) > 1 else np.arange(len(categories.days))
    days = np.array(categories.days)[kept]
    table = np.array([categories.spent[name] for name in names], dtype=float)[:, kept]
    usual = np.maximum(table.sum(axis=1, keepdims=True) / days.sum(), 1)
    months = [categories.months[place] for place in kept]

    def paint(axes: "list[Axes]") -> None:
        from matplotlib.colors import BoundaryNorm  # noqa: PLC0415 - an extra

        (axis,) = axes
        scale = BoundaryNorm(_TIMES_USUAL, 256, extend="max")
        drawing = axis.pcolormesh(table / days / usual, cmap="BrBG", norm=scale, edgecolors="white", linewidth=1)
        axis.invert_yaxis()
        axis.set_yticks(np.arange(len(names)) + 0.5, [_words(name) for name in names])
        labelled = range(0, len(months), max(1, len(months) // 16))
        axis.set_xticks(
            [place + 0.5 for place in labelled], [months[place] for place in labelled], rotation=45, ha="right"
        )
        axis.grid(visible=False)
        axis.tick_params(length=0)
        axis.set_title("Seasons: money out a day, against the category's mean")
        bar = axis.figure.colorbar(drawing, ax=axis, ticks=_TIMES_USUAL, spacing="uniform")
        bar.set_label("times the mean of the category")

    return drawn("seasons", "Spending a day by category and month", paint, height=1.6 + 0.24 * len(names))


def amounts(shapes: Shapes) -> Svg:
    """How large payments are."""
    edges = [edge / FILS_PER_DINAR for edge in shapes.amount_edges_fils]
    labels = [f"{low:g}-{high:g}" for low, high in itertools.pairwise(edges)] + [f"{edges[-1]:g} or more"]

    def paint(axes: "list[Axes]") -> None:
        (axis,) = axes
        places = np.arange(len(labels))
        width = 0.8 / max(len(shapes.amounts), 1)
        for place, (channel, count) in enumerate(shapes.amounts.items()):
            offset = (place - (len(shapes.amounts) - 1) / 2) * width
            axis.bar(places + offset, _percent(count), width, color=PALETTE[place], label=channel)
        axis.set_xticks(places, labels, rotation=30, ha="right")
        axis.set_xlabel("amount in KD")
        axis.set_ylabel("% of the channel's payments")
        axis.set_title("How large card payments are")
        axis.grid(visible=False, axis="x")
        axis.legend()

    return drawn("amounts", "Card payments by amount and channel", paint)


def _shown(value: float, unit: Unit) -> float:
    """KD or per cent."""
    return value / (FILS_PER_DINAR if unit is Unit.FILS else 10)


def _percent(counts: Sequence[float]) -> list[float]:
    total = sum(counts)
    return [count * 100 / total if total else 0.0 for count in counts]


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _group_thousands(axis: "Axes", which: Literal["x", "y"]) -> None:
    """`12,000` beside the ticks of whole numbers."""
    chosen = axis.xaxis if which == "x" else axis.yaxis
    chosen.set_major_formatter(lambda value, _: f"{value:,.0f}" if value == round(value) else f"{value:,.1f}")


def _name_months(axis: "Axes", days: NDArray[np.datetime64]) -> None:
    """A few firsts of months beside the axis, with the year where it begins; of a short history its two ends."""
    firsts = np.arange(days[0].astype("datetime64[M]") + 1, days[-1].astype("datetime64[M]") + 1)
    ticks = firsts[:: -(-len(firsts) // _MONTHS_NAMED)] if len(firsts) > 1 else np.unique(days[[0, -1]])
    labels, year = [], ""
    for tick in ticks:
        moment = tick.astype("datetime64[D]").item()
        labels.append(f"{moment:%b}" if len(firsts) > 1 else f"{moment:%d %b}")
        if year != f"{moment.year}":
            year = f"{moment.year}"
            labels[-1] += f"\n{year}"
    axis.set_xticks(ticks.astype("datetime64[D]"), labels)
    axis.set_xlim(days[0] - 1, days[-1] + 1)
