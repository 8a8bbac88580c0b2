"""The figures for which Kuwait has official ones: people, wages, cards, paydays, fuel. Each beside its target."""

import functools
from collections.abc import Callable, Iterator
from datetime import date

import numpy as np

from sandbox.core import calendar
from sandbox.synth.draws import Int
from sandbox.synth.report.columns import ABSENT, HOME, Columns, Mask, MovementColumns
from sandbox.synth.report.comparing import (
    PER_MILLE,
    Compared,
    Figure,
    Unit,
    compared,
    count_of,
    mean_of,
    share_of,
    targets,
)
from sandbox.synth.window import Month, salary_day

__all__ = ["CARD_CHANNELS", "EPOCH", "card_payments", "compared_figures", "salaries_by_customer"]

CARD_CHANNELS = ("POS", "ONLINE", "ATM")
EPOCH = date(1970, 1, 1).toordinal()
_NOTE = 5_000
"""Cash machines give notes of 5, 10 and 20 KD."""
_MONTH_END = 31
_LATEST_PRIVATE = 7
"""Private employers pay at the end of the month, or in the first days of the next."""
_COUNTRIES = {
    "KW": "Kuwait",
    "IN": "India",
    "EG": "Egypt",
    "BD": "Bangladesh",
    "PH": "Philippines",
    "SY": "Syria",
    "LK": "Sri Lanka",
    "SA": "Saudi Arabia",
    "NP": "Nepal",
    "PK": "Pakistan",
    "other": "all others",
}
_CHANNEL_TITLES = {"POS": "in shops (POS)", "ONLINE": "online", "ATM": "at cash machines"}


def compared_figures(columns: Columns) -> list[Compared]:
    """Every calibrated figure, in the order of the report."""
    return [*_cards(columns), *_wages(columns), *_people(columns), *_paydays(columns), *_prices(columns)]


def card_payments(movements: MovementColumns) -> Mask:
    """Which movements are payments with a card that were not declined, as the central bank counts them.

    At a till, online to a merchant, or cash from a machine.
    """
    online = movements.channel.where("ONLINE") & movements.merchant
    return (movements.channel.where("POS", "ATM") | online) & movements.accepted & ~movements.credit


def salaries_by_customer(columns: Columns) -> tuple[Int, Int]:
    """Who receives a salary, as places among the customers, and the mean of each one's payments in fils."""
    movements = columns.movements
    paid = _received(movements, "SALARY")
    count = np.bincount(movements.holder[paid], minlength=columns.customers.count)
    total = np.zeros(columns.customers.count, dtype=np.int64)
    np.add.at(total, movements.holder[paid], movements.amount[paid])
    employees = np.flatnonzero(count)
    return employees, total[employees] // count[employees]


def _received(movements: MovementColumns, category: str) -> Mask:
    return movements.category.where(category) & movements.credit & movements.counted


def _cards(columns: Columns) -> Iterator[Compared]:
    movements = columns.movements
    cards = card_payments(movements)
    amounts = movements.amount[cards]
    ones = np.ones(len(amounts), dtype=np.int64)
    wanted = targets()["cards"]
    judge = functools.partial(compared, counted="card payments", source=wanted["source"])
    by_channel = {channel: movements.channel.where(channel)[cards] for channel in CARD_CHANNELS}
    for channel, mask in by_channel.items():
        title = f"Mean payment {_CHANNEL_TITLES[channel]}"
        mean = wanted["mean_fils"][channel]
        yield judge(f"cards.mean.{channel}", title, mean_of(amounts[mask]), target=mean, unit=Unit.FILS)
    for kind, words, values in (("count", "number", ones), ("value", "value", amounts)):
        for channel, mask in by_channel.items():
            title = f"Share of the {words} {_CHANNEL_TITLES[channel]}"
            share = wanted[f"{kind}_share_per_mille"][channel]
            figure = share_of(values, mask)
            yield judge(f"cards.{kind}.{channel}", title, figure, target=share, unit=Unit.PER_MILLE)
    abroad = share_of(amounts, movements.abroad[cards]) if columns.states_country else _nothing()
    title, share = "Share of the value abroad", wanted["abroad_value_share_per_mille"]
    yield judge("cards.abroad", title, abroad, target=share, unit=Unit.PER_MILLE)


def _wages(columns: Columns) -> Iterator[Compared]:
    customers = columns.customers
    employees, paid = salaries_by_customer(columns)
    known = (customers.nationality.place != ABSENT)[employees]
    kuwaiti = customers.nationality.where(HOME)[employees]
    public, private = (customers.sector.where(name)[employees] for name in ("PUBLIC", "PRIVATE"))
    men, women = (customers.gender.where(name)[employees] for name in ("M", "F"))
    expatriate = known & ~kuwaiti
    groups: dict[str, tuple[str, Mask]] = {
        "kuwaiti_public": ("Kuwaitis, public sector", kuwaiti & public),
        "kuwaiti_private": ("Kuwaitis, private sector", kuwaiti & private),
        "kuwaiti_men": ("Kuwaiti men", kuwaiti & men),
        "kuwaiti_women": ("Kuwaiti women", kuwaiti & women),
        "expatriate_all": ("Expatriates", expatriate),
        "expatriate_public": ("Expatriates, public sector", expatriate & public),
        "expatriate_private": ("Expatriates, private sector", expatriate & private),
    }
    wanted = targets()["wages_mean_fils"]
    for name, (title, mask) in groups.items():
        yield compared(
            f"wages.{name}",
            f"Mean salary a month: {title}",
            mean_of(paid[mask]),
            target=wanted[name],
            unit=Unit.FILS,
            counted="employees",
            source=wanted["source"],
        )


def _people(columns: Columns) -> Iterator[Compared]:
    nationality = columns.customers.nationality
    known = nationality.place != ABSENT
    wanted = targets()["population"]
    counts: dict[str, int] = wanted["counts"]
    named = [country for country in counts if country != "other"]
    for country, count in counts.items():
        mask = nationality.where(country) if country in named else ~nationality.where(*named)
        yield compared(
            f"population.{country}",
            f"Customers by nationality: {_COUNTRIES.get(country, country)}",
            count_of(mask[known]),
            target=PER_MILLE * count / sum(counts.values()),
            unit=Unit.PER_MILLE,
            counted="customers",
            source=wanted["source"],
        )


def _paydays(columns: Columns) -> Iterator[Compared]:
    movements, payday = columns.movements, columns.customers.payday
    source = targets()["paydays"]["source"]
    judge = functools.partial(compared, target=PER_MILLE, unit=Unit.PER_MILLE, source=source)
    salaries = _received(movements, "SALARY")
    days = movements.day[salaries]
    due = payday[movements.holder[salaries]]
    yield judge(
        "paydays.banking_days",
        "Salaries paid on a day on which banks work",
        _kept(days, due, lambda day, _: calendar.is_business_day(day)),
        counted="salaries",
    )
    yield judge(
        "paydays.salaries",
        "Salaries paid on their payday, or moved before a weekend, a holiday or an Eid",
        _kept(days, due, lambda day, nominal: _is_payday(day, (nominal,) if nominal != ABSENT else _usual_paydays())),
        counted="salaries",
    )
    pensions = movements.day[_received(movements, "PENSION")]
    nominal = targets()["paydays"]["pensions"]
    yield judge(
        "paydays.pensions",
        f"Pensions paid on day {nominal} of the month, or moved likewise",
        _kept(pensions, np.full(len(pensions), nominal), lambda day, nominal: _is_payday(day, (nominal,))),
        counted="pensions",
    )


def _prices(columns: Columns) -> Iterator[Compared]:
    movements = columns.movements
    at_home = card_payments(movements) & ~movements.abroad
    prices = targets()["fuel_fils_per_litre"]
    fuel = movements.amount[at_home & movements.category.where("FUEL")]
    judge = functools.partial(compared, target=PER_MILLE, unit=Unit.PER_MILLE)
    fits = _whole_tenths(fuel, prices["91"]) | _whole_tenths(fuel, prices["95"])
    yield judge(
        "prices.fuel",
        f"Fuel sold by the tenth of a litre at {prices['91']} or {prices['95']} fils",
        share_of(np.ones(len(fuel), dtype=np.int64), fits),
        counted="payments for fuel",
        source=f"prices {prices['source']}",
    )
    cash = movements.amount[at_home & movements.channel.where("ATM")]
    yield judge(
        "prices.cash",
        "Cash given in notes of 5, 10 and 20 KD",
        share_of(np.ones(len(cash), dtype=np.int64), cash % _NOTE == 0),
        counted="withdrawals",
        source="the notes that cash machines give",
    )


def _nothing() -> Figure:
    return Figure(value=0.0, of=0, error=0.0)


def _whole_tenths(amount: Int, price: int) -> Mask:
    """Whether some tenths of a litre cost the amount, rounded to fils."""
    tenths = (amount * 10 + price // 2) // price
    return np.asarray(np.abs(tenths * price - amount * 10) <= 5)


def _kept(days: Int, nominal: Int, keeps: Callable[[date, int], bool]) -> Figure:
    """The share of days that keep a rule; days of which the calendar knows nothing are left out."""
    pairs, count = np.unique(np.stack([days, nominal]), axis=1, return_counts=True)
    kept = of = 0
    for (day, due), times in zip(pairs.T.tolist(), count.tolist(), strict=True):
        try:
            kept += times * keeps(date.fromordinal(day + EPOCH), due)
        except calendar.CalendarRangeError:
            continue
        of += times
    return Figure(value=PER_MILLE * kept / of, of=of, error=0.0) if of else _nothing()


def _usual_paydays() -> tuple[int, ...]:
    """The nominal days on which somebody in Kuwait is paid, for customers whose record names none."""
    wanted = targets()["paydays"]
    return (wanted["ministries"], *wanted["ministries_some"], _MONTH_END, *range(1, _LATEST_PRIVATE + 1))


def _is_payday(day: date, nominal: tuple[int, ...]) -> bool:
    """Whether a salary due on one of the days is paid on this one; the first of a month may move into the last."""
    following = Month(day.year + day.month // 12, day.month % 12 + 1)
    return any(_paid_on(month, due) == day for month in (Month(day.year, day.month), following) for due in nominal)


@functools.cache
def _paid_on(month: Month, nominal: int) -> date:
    return salary_day(month, nominal)
