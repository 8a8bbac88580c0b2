"""What is only looked at: profiles for which there is no official figure, but which anybody in Kuwait knows.

Hours and weekdays in and outside Ramadan, days of pay, balances over time, spending by month, amounts, segments.
"""

from datetime import date

import msgspec
import numpy as np

from sandbox.core import calendar
from sandbox.core.clock import DAY, KUWAIT_OFFSET
from sandbox.synth.draws import Int
from sandbox.synth.report.columns import ABSENT, Columns, Mask, MovementColumns
from sandbox.synth.report.measures import CARD_CHANNELS, EPOCH, card_payments, salaries_by_customer

__all__ = ["Balances", "Categories", "PayDays", "Profile", "Segment", "Shapes", "shapes_of"]

WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_LULL = 60
"""A longer gap without any movement ends the series: what lies before is some old deposit, not a history."""
_POINTS = 60
"""Of a series of balances, at most about so many."""
_EDGES_FILS = (0, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000)
_INCOME = ("SALARY", "PENSION", "ALLOWANCE")


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Card payments by hour or by weekday: the mean number a day, outside Ramadan and in it."""

    labels: list[str]
    ordinary: list[float]
    ramadan: list[float] | None
    """None where the history holds no Ramadan."""


class PayDays(msgspec.Struct, frozen=True, kw_only=True):
    """How many payments of each kind came on each day of the month, from 1 to 31."""

    count: dict[str, list[int]]


class Balances(msgspec.Struct, frozen=True, kw_only=True):
    """Booked balances at the end of some days: by kind of account in all, and quartiles over customers; fils."""

    days: list[str]
    total: dict[str, list[int]]
    lower: list[int]
    median: list[int]
    upper: list[int]


class Categories(msgspec.Struct, frozen=True, kw_only=True):
    """Money out and in, by category and calendar month; fils."""

    months: list[str]
    days: list[int]
    """How many days of each month the history holds."""
    spent: dict[str, list[int]]
    received: dict[str, list[int]]
    ramadan_factor: dict[str, float]
    """Spending by card a day in Ramadan, divided by that of other days."""


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """Customers of one segment; means over its customers, and the median of their balances."""

    name: str
    customers: int
    salary_fils: int | None
    """Mean over those who receive one."""
    card_payments_a_month: float
    card_fils_a_month: int
    balance_median_fils: int


class Shapes(msgspec.Struct, frozen=True, kw_only=True):
    """All of it; None for a history without a movement."""

    first_day: str
    last_day: str
    card_payments: int
    hours: Profile
    weekdays: Profile
    paydays: PayDays
    balances: Balances
    categories: Categories
    amounts: dict[str, list[int]]
    """How many card payments of each channel lie at or over each of `amount_edges_fils`, and under the next."""
    amount_edges_fils: list[int]
    statuses: dict[str, int]
    segments: list[Segment]


def shapes_of(columns: Columns) -> Shapes | None:
    """Every profile of an ecosystem."""
    movements = columns.movements
    day = movements.day
    if not len(day):
        return None
    first, last = _history(day, (columns.as_of + KUWAIT_OFFSET) // DAY)
    cards = card_payments(movements) & (day >= first)
    edges = np.array(_EDGES_FILS, dtype=np.int64)
    return Shapes(
        first_day=_iso(first),
        last_day=_iso(last),
        card_payments=int(cards.sum()),
        hours=_hours(movements, cards, first, last),
        weekdays=_weekdays(day[cards], first, last),
        paydays=_pay_days(movements, first),
        balances=_balances(columns, first, last),
        categories=_categories(movements, cards, first, last),
        amounts={
            channel: _tally(
                np.searchsorted(edges, movements.amount[cards & movements.channel.where(channel)], side="right") - 1,
                len(edges),
            )
            for channel in CARD_CHANNELS
        },
        amount_edges_fils=list(_EDGES_FILS),
        statuses={
            text.upper(): int((movements.status.place == place).sum())
            for place, text in enumerate(movements.status.listed)
        },
        segments=_segments(columns, cards, (last - first + 1) * 12 / 365.25),
    )


def _history(day: Int, last: int) -> tuple[int, int]:
    """The days from the first movement, or from the one after the last long lull, to `as_of`.

    Or to the last movement, where `as_of` lies a long lull after it.
    """
    there = np.unique(day)
    lulls = np.flatnonzero(np.diff(there) > _LULL)
    first = int(there[lulls[-1] + 1] if len(lulls) else there[0])
    newest = int(there[-1])
    return first, last if newest <= last <= newest + _LULL else newest


def _ramadan(first: int, last: int) -> Mask:
    """Which days from `first` to `last` lie in Ramadan; years that the calendar does not know have none."""

    def within(day: int) -> bool:
        try:
            return calendar.is_ramadan(date.fromordinal(day + EPOCH))
        except calendar.CalendarRangeError:
            return False

    return np.array([within(day) for day in range(first, last + 1)])


def _hours(movements: MovementColumns, cards: Mask, first: int, last: int) -> Profile:
    ramadan = _ramadan(first, last)
    within = ramadan[movements.day[cards] - first]
    hour = movements.hour[cards]
    return _profile(
        [f"{label:02d}" for label in range(24)],
        [_tally(hour[~within], 24), _tally(hour[within], 24)],
        [[int((~ramadan).sum())] * 24, [int(ramadan.sum())] * 24],
    )


def _weekdays(day: Int, first: int, last: int) -> Profile:
    ramadan = _ramadan(first, last)
    within = ramadan[day - first]
    every = _weekday(np.arange(first, last + 1))
    return _profile(
        list(WEEKDAYS),
        [_tally(_weekday(day[~within]), 7), _tally(_weekday(day[within]), 7)],
        [_tally(every[~ramadan], 7), _tally(every[ramadan], 7)],
    )


def _weekday(day: Int) -> Int:
    """0 is Sunday, as the week begins in Kuwait; 1970-01-01 was a Thursday."""
    return (day + 4) % 7


def _profile(labels: list[str], counts: list[list[int]], days: list[list[int]]) -> Profile:
    ordinary, ramadan = (
        [round(count / max(number, 1), 3) for count, number in zip(counted, numbers, strict=True)]
        for counted, numbers in zip(counts, days, strict=True)
    )
    return Profile(labels=labels, ordinary=ordinary, ramadan=ramadan if any(days[1]) else None)


def _pay_days(movements: MovementColumns, first: int) -> PayDays:
    count = {}
    for kind in _INCOME:
        paid = movements.category.where(kind) & movements.credit & movements.counted & (movements.day >= first)
        if paid.any():
            count[kind] = _tally(_day_of_month(movements.day[paid]) - 1, 31)
    return PayDays(count=count)


def _balances(columns: Columns, first: int, last: int) -> Balances:
    """What the accounts held, folded back from what they hold: at the ends of some days, evenly spaced up to now."""
    movements, accounts = columns.movements, columns.accounts
    step = max(1, -(-(last - first) // _POINTS))
    ends = np.arange(last, first - 1, -step)[::-1]
    signed = np.where(movements.credit, movements.amount, -movements.amount)
    back = movements.back_at != ABSENT
    counted = movements.counted
    account = np.concatenate([movements.account[counted], movements.account[back]])
    amount = np.concatenate([signed[counted], -signed[back]])
    day = np.concatenate([movements.day[counted], (movements.back_at[back] + KUWAIT_OFFSET) // DAY])
    slot = np.searchsorted(ends, day)  # the first end at which it is in the balance

    def held(owner: Int, owners: int) -> Int:
        """Balance by owner at each end: that of today, less what came later."""
        moved = np.zeros((owners, len(ends) + 1), dtype=np.int64)
        np.add.at(moved, (owner[account], slot), amount)
        now = np.zeros(owners, dtype=np.int64)
        np.add.at(now, owner, accounts.balance)
        later = np.cumsum(moved[:, ::-1], axis=1)[:, ::-1]
        return np.asarray(now[:, None] - later[:, 1:])

    kinds = held(accounts.kind.place, len(accounts.kind.listed))
    holders = np.unique(accounts.holder, return_inverse=True)[1]
    of_customers = np.sort(held(holders, int(holders.max(initial=-1)) + 1), axis=0)
    lower, median, upper = (of_customers[int(len(of_customers) * part / 4)].tolist() for part in (1, 2, 3))
    return Balances(
        days=[_iso(int(end)) for end in ends],
        total={kind: kinds[place].tolist() for place, kind in enumerate(accounts.kind.listed)},
        lower=lower,
        median=median,
        upper=upper,
    )


def _categories(movements: MovementColumns, cards: Mask, first: int, last: int) -> Categories:
    days = np.arange(first, last + 1)
    month_of_day = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    months = np.unique(month_of_day)
    kept = movements.accepted & (movements.day >= first) & (movements.category.place != ABSENT)
    month = np.searchsorted(months, month_of_day[movements.day[kept] - first])
    listed = movements.category.listed

    def by_month(mask: Mask) -> dict[str, list[int]]:
        table = np.zeros((len(listed), len(months)), dtype=np.int64)
        np.add.at(table, (movements.category.place[kept][mask], month[mask]), movements.amount[kept][mask])
        order = np.argsort(-table.sum(axis=1), kind="stable")
        return {listed[place]: table[place].tolist() for place in order if table[place].any()}

    credit = movements.credit[kept]
    return Categories(
        months=[str(np.datetime64(int(number), "M")) for number in months],
        days=[int((month_of_day == number).sum()) for number in months],
        spent=by_month(~credit),
        received=by_month(credit),
        ramadan_factor=_ramadan_factor(movements, cards, first, last),
    )


def _ramadan_factor(movements: MovementColumns, cards: Mask, first: int, last: int) -> dict[str, float]:
    ramadan = _ramadan(first, last)
    ramadan_days, ordinary_days = int(ramadan.sum()), int((~ramadan).sum())
    if not ramadan_days or not ordinary_days:
        return {}
    within = ramadan[movements.day[cards] - first]
    place, amount = movements.category.place[cards], movements.amount[cards]
    factors = {}
    for number, name in enumerate(movements.category.listed):
        mine = place == number
        inside, outside = int(amount[mine & within].sum()), int(amount[mine & ~within].sum())
        if outside:
            factors[name] = round(inside / outside * ordinary_days / ramadan_days, 2)
    return dict(sorted(factors.items(), key=lambda item: -item[1]))


def _segments(columns: Columns, cards: Mask, months: float) -> list[Segment]:
    customers, movements, accounts = columns.customers, columns.movements, columns.accounts
    holder, amount = movements.holder[cards], movements.amount[cards]
    count = np.bincount(holder, minlength=customers.count)
    spent = np.bincount(holder, weights=amount, minlength=customers.count)
    balance = np.zeros(customers.count, dtype=np.int64)
    np.add.at(balance, accounts.holder, accounts.balance)
    employees, paid = salaries_by_customer(columns)
    found = []
    for name in sorted(customers.segment.listed):
        mine = customers.segment.where(name)
        salaries = paid[mine[employees]]
        found.append(
            Segment(
                name=name,
                customers=int(mine.sum()),
                salary_fils=round(float(salaries.mean())) if len(salaries) else None,
                card_payments_a_month=round(float(count[mine].mean()) / months, 1),
                card_fils_a_month=round(float(spent[mine].mean()) / months),
                balance_median_fils=round(float(np.median(balance[mine]))),
            )
        )
    return found


def _tally(places: Int, length: int) -> list[int]:
    counts: list[int] = np.bincount(places, minlength=length).tolist()
    return counts


def _day_of_month(day: Int) -> Int:
    days = day.astype("datetime64[D]")
    return np.asarray((days - days.astype("datetime64[M]")).astype(np.int64) + 1)


def _iso(day: int) -> str:
    return date.fromordinal(day + EPOCH).isoformat()
