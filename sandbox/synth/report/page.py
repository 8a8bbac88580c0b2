"""A report as one HTML page that stands alone: plots, tables that say the same, and which figures are calibrated."""

from collections.abc import Iterable, Iterator, Sequence

from sandbox.synth.report import plots
from sandbox.synth.report.comparing import VERDICTS, Compared, Unit, Verdict, amount_of, dinars
from sandbox.synth.report.making import Integrity, Report
from sandbox.synth.report.markup import Cell, Html, badge, details, document, escaped, figure, paragraph, section, table
from sandbox.synth.report.shapes import Profile, Shapes

__all__ = ["page_of"]

_KINDS = {Verdict.TOO_FEW: "quiet", Verdict.ABSENT: "quiet", Verdict.OFF: "bad"}
_MEANINGS = (
    (Verdict.NEAR, "at most a tenth away from its target"),
    (Verdict.ONE_CUSTOMER, "a share of customers: with one more or one fewer of them it would reach its target"),
    (Verdict.FEW, "a mean or share over so few that chance alone moves it as far from its target"),
    (Verdict.TOO_FEW, "a mean over fewer than five says nothing; not counted"),
    (Verdict.ABSENT, "no record says anything about it; not counted"),
    (Verdict.OFF, "none of these: the only verdict that is a failure"),
)
_CALIBRATED = badge("calibrated: held against official figures", "good")
_SHAPED = badge("shaped: looks right to us, no official figure behind it", "quiet")


def page_of(report: Report) -> Html:
    """The whole page.

    Raises:
        NoPlotsError: Matplotlib is not installed.
    """
    parts = [
        f"<header>{_head(report)}</header>",
        section("Does it hold together?", *_integrity(report.integrity)),
        section("Cards", *_cards(report.compared), mark=_CALIBRATED),
        section("Wages", *_wages(report.compared), mark=_CALIBRATED),
        section("Nationalities", *_people(report.compared), mark=_CALIBRATED),
        section("Paydays and prices", *_exact(report.compared), mark=_CALIBRATED),
    ]
    if report.shapes is None:
        parts.append(section("Profiles", paragraph("There are no movements to look at.")))
    else:
        parts += _shapes(report.shapes)
    return document(f"Realism of {report.ecosystem}", parts)


def _head(report: Report) -> Html:
    off = [figure for figure in report.compared if figure.off]
    judged = sum(figure.verdict not in {Verdict.ABSENT, Verdict.TOO_FEW} for figure in report.compared)
    verdict = f"{judged - len(off)} of {judged} calibrated figures hold"
    marks = [
        badge("holds together" if report.integrity.ok else "is broken", "good" if report.integrity.ok else "bad"),
        badge(verdict, "bad" if off else "good"),
    ]
    sizes = table("What it holds", ("collection", "records"), [(name, count) for name, count in report.sizes.items()])
    meanings = table("Verdicts", ("verdict", "meaning"), [(_badge_of(one), meaning) for one, meaning in _MEANINGS])
    return "\n".join(
        [
            f"<h1>Realism of {escaped(report.ecosystem)}</h1>",
            paragraph(f"{report.title}. The data stand at {report.as_of}."),
            f"<p>{' '.join(marks)}</p>",
            paragraph(
                "How near this bank comes to Kuwait: calibrated figures beside official ones, and shapes that are only "
                "looked at. Amounts are Kuwaiti dinars (KD), times those of Kuwait."
            ),
            details("What the verdicts mean", meanings),
            details("Records by collection", sizes),
        ]
    )


def _integrity(integrity: Integrity) -> Iterator[Html]:
    if integrity.fault_count:
        yield paragraph(f"{integrity.fault_count} rules of the files are broken. What could be read was measured.")
        yield _listed("Faults", integrity.faults, integrity.fault_count)
    else:
        yield paragraph("Every rule of the files is kept: records refer to records, balances follow from movements.")
    if integrity.warning_count:
        yield details(
            f"{integrity.warning_count} warnings", _listed("Warnings", integrity.warnings, integrity.warning_count)
        )
    if integrity.invariants is None:
        yield paragraph("The ledger was not looked at.")
        return
    rows = [
        (one.name.replace("_", " "), badge("holds", "good") if one.ok else badge("broken", "bad"), one.detail or "")
        for one in integrity.invariants
    ]
    broken = sum(not one.ok for one in integrity.invariants)
    yield paragraph(f"Posted to the ledger: {len(rows) - broken} of {len(rows)} invariants hold.")
    yield details("All invariants", table("Invariants of the ledger", ("invariant", "", "first breach"), rows))


def _listed(caption: str, lines: Sequence[str], count: int) -> Html:
    rest = f", the first {len(lines)} of {count}" if count > len(lines) else ""
    return table(f"{caption}{rest}", ("",), [(line,) for line in lines])


def _cards(figures: Iterable[Compared]) -> Iterator[Html]:
    mine = _of("cards", figures)

    def rows(kind: str) -> list[tuple[str, Compared]]:
        return [(one.name.rpartition(".")[2], one) for one in mine if one.name.startswith(f"cards.{kind}.")]

    yield paragraph(
        "Payments with a card that were not declined: at a till (POS), online to a merchant, cash from a machine (ATM)."
    )
    panels = [
        ("Mean payment", "KD", rows("mean")),
        ("Share of the number", "% of card payments", rows("count")),
        ("Share of the value", "% of their value", rows("value")),
    ]
    yield figure(plots.against_targets("cards", "Card payments beside the central bank's figures", panels))
    yield _figures("Card payments beside the central bank's figures", mine)


def _wages(figures: Iterable[Compared]) -> Iterator[Html]:
    mine = _of("wages", figures)
    yield paragraph(
        "Salaries as they were paid: each customer's mean payment of the category SALARY, then the mean over customers."
    )
    labelled = [(one.title.rpartition(": ")[2], one) for one in mine]
    yield figure(
        plots.against_targets("wages", "Mean salaries beside official ones", [("Mean salary", "KD a month", labelled)])
    )
    yield _figures("Mean salaries beside official ones", mine)


def _people(figures: Iterable[Compared]) -> Iterator[Html]:
    mine = _of("population", figures)
    labelled = [(one.title.rpartition(": ")[2], one) for one in mine]
    yield figure(
        plots.against_targets(
            "people", "Nationalities beside those of the country", [("Nationalities", "% of customers", labelled)]
        )
    )
    yield _figures("Nationalities beside those of the country", mine)


def _exact(figures: Iterable[Compared]) -> Iterator[Html]:
    yield paragraph("Here the target is all of them: a rule that every payment should keep.")
    yield _figures("Paydays and prices", [*_of("paydays", figures), *_of("prices", figures)])


def _of(family: str, figures: Iterable[Compared]) -> list[Compared]:
    return [one for one in figures if one.name.startswith(f"{family}.")]


def _figures(caption: str, figures: Sequence[Compared]) -> Html:
    """The figures of a section; where all have one source, the caption names it."""
    sources = list(dict.fromkeys(one.source for one in figures))
    mixed = len(sources) > 1
    heads = ("figure", "this bank", "target", "deviation", "taken over", "verdict", *(("source",) if mixed else ()))
    rows: list[tuple[Cell, ...]] = [
        (
            one.title,
            amount_of(one.value, one.unit),
            amount_of(one.target, one.unit),
            "-" if one.deviation_percent is None else f"{one.deviation_percent:+.1f}%",
            f"{one.of:,} {one.counted}",
            _badge_of(one.verdict),
            *((one.source,) if mixed else ()),
        )
        for one in figures
    ]
    return table(caption if mixed else f"{caption}. Source: {sources[0]}", heads, rows)


def _badge_of(verdict: Verdict) -> Html:
    return badge(VERDICTS[verdict], _KINDS.get(verdict, "good"))


def _shapes(shapes: Shapes) -> Iterator[Html]:
    span = f"From {shapes.first_day} to {shapes.last_day}, {shapes.card_payments:,} card payments; hours of Kuwait."
    yield section(
        "Hours and weekdays",
        paragraph(span),
        figure(plots.hours(shapes.hours)),
        details("Hours as a table", _profile("Card payments a day, by hour", shapes.hours)),
        figure(plots.weekdays(shapes.weekdays)),
        details("Weekdays as a table", _profile("Card payments a day, by weekday", shapes.weekdays)),
        mark=_SHAPED,
    )
    yield section("Days of pay", *_pay_days(shapes), mark=_SHAPED)
    yield section("Balances over time", *_balances(shapes), mark=_SHAPED)
    yield section("Seasons", *_seasons(shapes), mark=_SHAPED)
    yield section("Amounts and outcomes", *_amounts(shapes), mark=_SHAPED)
    yield section("Segments", _segments(shapes), mark=_SHAPED)


def _profile(caption: str, profile: Profile) -> Html:
    ramadan: Sequence[float | None] = profile.ramadan or [None] * len(profile.labels)
    rows: list[tuple[Cell, ...]] = list(zip(profile.labels, profile.ordinary, ramadan, strict=True))
    return table(caption, ("", "other months", "Ramadan"), rows)


def _pay_days(shapes: Shapes) -> Iterator[Html]:
    count = shapes.paydays.count
    if not count:
        yield paragraph("Nobody receives a salary, a pension or an allowance.")
        return
    yield paragraph(
        "Ministries pay on the 20th to the 22nd, pensions come on the 9th, private employers pay"
        " at the end of the month or in the first days of the next."
    )
    yield figure(plots.pay_days(shapes.paydays))
    rows: list[tuple[Cell, ...]] = [(f"Day {day}", *(kind[day - 1] for kind in count.values())) for day in range(1, 32)]
    yield details("Days of pay as a table", table("Payments by day of the month", ("day", *map(_words, count)), rows))


def _balances(shapes: Shapes) -> Iterator[Html]:
    series = shapes.balances
    yield figure(plots.balances(series))
    heads = ("day", *(_words(kind) for kind in series.total), "lower quartile", "median", "upper quartile")
    columns = [*series.total.values(), series.lower, series.median, series.upper]
    rows = [(day, *(dinars(column[place]) for column in columns)) for place, day in enumerate(series.days)]
    caption = "Booked balances at the end of the day in KD: all accounts of a kind, and quartiles over customers"
    yield details("Balances as a table", table(caption, heads, rows))


def _seasons(shapes: Shapes) -> Iterator[Html]:
    categories = shapes.categories
    if not categories.spent:
        yield paragraph("No movement has a category.")
        return
    yield paragraph(
        "Green months hold more spending a day than the category's mean, brown ones less; months that the history "
        "holds in part are left out. Expected: charity in Ramadan, travel in summer, education in September."
    )
    yield figure(plots.seasons(categories))
    for title, kinds in (("Money out", categories.spent), ("Money in", categories.received)):
        rows = [(_words(name), *(dinars(value) for value in values)) for name, values in kinds.items()]
        yield details(f"{title} as a table", table(f"{title} by month in KD", ("category", *categories.months), rows))
    if categories.ramadan_factor:
        rows = [(_words(name), f"{factor:.2f}") for name, factor in categories.ramadan_factor.items()]
        caption = "Spending by card a day in Ramadan, divided by that of other days"
        yield details("Ramadan against other days", table(caption, ("category", "factor"), rows))


def _amounts(shapes: Shapes) -> Iterator[Html]:
    yield figure(plots.amounts(shapes))
    rows: list[tuple[Cell, ...]] = [
        (f"{dinars(edge)} KD or more", *(count[place] for count in shapes.amounts.values()))
        for place, edge in enumerate(shapes.amount_edges_fils)
    ]
    caption = "Card payments from each amount up to the next"
    yield details("Amounts as a table", table(caption, ("from", *shapes.amounts), rows))
    total = sum(shapes.statuses.values())
    rows_by_status = [(name, count, f"{count * 100 / total:.2f}%") for name, count in shapes.statuses.items()]
    yield table("What became of all movements", ("status", "movements", "share"), rows_by_status)


def _segments(shapes: Shapes) -> Html:
    heads = ("segment", "customers", "mean salary", "card payments a month", "by card a month", "median balance")
    rows = [
        (
            _words(one.name),
            one.customers,
            amount_of(one.salary_fils, Unit.FILS),
            one.card_payments_a_month,
            amount_of(one.card_fils_a_month, Unit.FILS),
            amount_of(one.balance_median_fils, Unit.FILS),
        )
        for one in shapes.segments
    ]
    return table("Means over the customers of each segment; balances of all their accounts together", heads, rows)


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
