"""What comes and goes every month: wages, pensions, allowances, other income; rent, instalments, money sent home.

Days are those of the research notes (banking 4.6): ministries on the 20th, pensions about the 9th, the rent allowance
on the 2nd, allowances of students on the 25th, private employers at the month's end; all moved before weekends,
holidays and Eid. Expatriates who support a family abroad send it money in the week after.
"""

from collections.abc import Callable
from datetime import date

import numpy as np

from sandbox.core.calendar import CalendarRangeError
from sandbox.core.clock import HOUR, MILLISECOND, MINUTE
from sandbox.synth.blocks import Line, rounded, written
from sandbox.synth.draws import Int, Stream, Weights
from sandbox.synth.merchants import Merchants
from sandbox.synth.model import (
    CATEGORY,
    CURRENT,
    HOUSING,
    MOBILE,
    NONE,
    ONLINE,
    SECTORS,
    SEGMENTS,
    Accounts,
    Movements,
    People,
    Texts,
)
from sandbox.synth.window import Mask, Month, Window, salary_day

__all__ = ["due_months", "instalments", "month_starts", "paydays", "receive_and_pay", "wages"]

_DINAR = 1_000
_PER_MILLE = 1_000
_UNKNOWN = -10_000
"""The place of a payday that the calendar does not reach: outside of every window."""
_MONTH_BITS = 4
_WAGE, _RENT_ALLOWANCE, _OTHER_INCOME, _RENT, _INSTALMENT, _REMITTANCE, _CARD_FEE = range(7)
"""Kinds of movements in keys: one of each for a customer, month and day."""

_RENT_ALLOWANCE_DAY = 2
_RENT_ALLOWANCE_FILS = 150 * _DINAR
_RAISED = 350
"""How many per mille get a raise each year, in January or in April, of 2 to 4 per cent."""
_INDEBTED = 380
"""How many per mille of working citizens with a home of their own repay a loan; the limit is 40% of the wage."""
_REMITTING = 900
"""In how many of a thousand months somebody who supports a family abroad sends money."""
_REMITTED_AFTER = Weights([30, 24, 16, 11, 8, 6, 5])
"""How likely money is sent on the first to seventh day after the wage."""
_HOME = ("", " to India", " to Egypt", " to Bangladesh", " to the Philippines", " to Syria", " to Sri Lanka",
         " to Saudi Arabia", " to Nepal", " to Pakistan", " abroad")  # fmt: skip
"""Where to, in the order of nationalities."""
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_IN_ARREARS = 7
"""Who is paid by this day of the month is paid for the month before."""
_KINDS_OF_INCOME = ("Rent received", "Business income", "Dividend")


def receive_and_pay(
    people: People, accounts: Accounts, window: Window, merchants: Merchants, texts: Texts, *, seed: int
) -> Movements:
    """All of it, for the customers of a chunk whose current account moves."""
    maker = _Maker(people, accounts, window, texts, seed)
    return Movements.joined(
        [
            *maker.wages(),
            maker.rent_allowance(),
            maker.other_income(),
            maker.rent(),
            maker.instalments(),
            maker.remittances(merchants),
            maker.card_fees(),
        ]
    )


def due_months(window: Window) -> list[Month]:
    """The months whose paydays may lie in the window, or bring something to it: one more at either end."""
    first, last = window.months[0], window.months[-1]
    before = Month(first.year - (first.month == 1), (first.month - 2) % 12 + 1)
    after = Month(last.year + (last.month == 12), last.month % 12 + 1)
    return [before, *window.months, after]


def month_starts(window: Window) -> Int:
    """The first day of each due month, as a place in the window; it may lie outside of it."""
    days = [date(month.year, month.month, 1).toordinal() for month in due_months(window)]
    first: Int = np.array(days, dtype=np.int64) - window.ordinal[0]
    return first


def paydays(people: People, window: Window) -> Int:
    """The day of each customer's wage by [position, due month], as a place in the window; it may lie outside of it."""
    months = due_months(window)
    by_nominal = np.full((32, len(months)), _UNKNOWN, dtype=np.int64)
    for nominal in np.unique(people.payday).tolist():
        by_nominal[nominal] = [_place(window, month, nominal) for month in months]
    return by_nominal[people.payday]


def wages(people: People, window: Window, *, seed: int) -> Int:
    """The wage, pension or allowance by [position, due month]: the income is the newest one, raises come before it."""
    number = np.array([month.year * 12 + month.month - 1 for month in due_months(window)], dtype=np.int64)
    newest = window.last.year * 12 + window.last.month - 1
    stream = Stream(seed, "recurring:raise")
    working = np.isin(people.sector, (SECTORS.index("PUBLIC"), SECTORS.index("PRIVATE")))
    raised = working & stream.chance(_RAISED, people.index, 0)
    per_mille = stream.between(20, 40, people.index, 1)[:, None]
    april = np.where(stream.chance(500, people.index, 2), 3, 0)[:, None]
    after = (newest - april) // 12 - (number[None, :] - april) // 12
    wage = np.broadcast_to(people.income[:, None], (people.count, len(number))).copy()
    for count in range(int(after.max(initial=0))):
        earlier = np.maximum(rounded(wage * _PER_MILLE // (_PER_MILLE + per_mille), _DINAR), np.minimum(wage, _DINAR))
        wage = np.where(raised[:, None] & (after > count), earlier, wage)
    return wage


def instalments(people: People, *, seed: int) -> Int:
    """What each customer repays of a loan every month, 0 for most."""
    stream = Stream(seed, "recurring:loan")
    working = np.isin(people.sector, (SECTORS.index("PUBLIC"), SECTORS.index("PRIVATE")))
    eligible = people.kuwaiti & working & (people.housing == HOUSING.index("OWNED"))
    share = stream.between(100, 330, people.index, 1)
    return np.where(
        eligible & stream.chance(_INDEBTED, people.index, 0), rounded(people.income * share // _PER_MILLE, _DINAR), 0
    )


def _place(window: Window, month: Month, nominal: int) -> int:
    try:
        day = salary_day(month, nominal)
    except CalendarRangeError:
        return _UNKNOWN
    return day.toordinal() - int(window.ordinal[0])


def _milliseconds(duration: int) -> int:
    return duration // MILLISECOND


class _Maker:
    """Makes each kind of movement as a grid of customers by due months."""

    def __init__(self, people: People, accounts: Accounts, window: Window, texts: Texts, seed: int) -> None:
        self._people = people
        self._current = accounts.of[:, CURRENT]
        self._window = window
        self._texts = texts
        self._seed = seed
        self._months = due_months(window)
        self._number = np.array([month.year * 12 + month.month for month in self._months], dtype=np.int64)
        self._paydays = paydays(people, window)
        self._wages = wages(people, window, seed=seed)
        self._first = month_starts(window)

    def wages(self) -> list[Movements]:
        """Salaries, pensions and allowances, early in the morning."""
        people = self._people
        salary = np.isin(people.sector, (SECTORS.index("PUBLIC"), SECTORS.index("PRIVATE")))
        student = people.segment == SEGMENTS.index("STUDENT")
        pension = ~student & (people.sector == SECTORS.index("NONE"))
        business = people.sector == SECTORS.index("OWN_BUSINESS")
        kinds = (
            (salary, "SALARY", "Salary"),
            (student & ~salary & ~business, "ALLOWANCE", "Student allowance"),
            (pension, "PENSION", "Pension"),
            (business, "OTHER_INCOME", "Business income"),
        )
        return [
            self._monthly(
                mask,
                kind=_WAGE,
                day=lambda who, month: self._paydays[who, month],
                amount=lambda who, month: self._wages[who, month],
                hours=(5 * HOUR, 8 * HOUR),
                category=category,
                text=text,
                credit=True,
            )
            for mask, category, text in kinds
        ]

    def rent_allowance(self) -> Movements:
        """What the state gives citizens who rent."""
        people = self._people
        days = np.array([_place(self._window, month, _RENT_ALLOWANCE_DAY) for month in self._months], dtype=np.int64)
        return self._monthly(
            people.kuwaiti & (people.housing == HOUSING.index("RENTED")),
            kind=_RENT_ALLOWANCE,
            day=lambda _, month: days[month],
            amount=lambda who, _: np.full(len(who), _RENT_ALLOWANCE_FILS, dtype=np.int64),
            hours=(5 * HOUR, 8 * HOUR),
            category="ALLOWANCE",
            text="Rent allowance",
            credit=True,
        )

    def other_income(self) -> Movements:
        """From houses, shops and shares: once a month, on a business day, more or less the same."""
        people, stream = self._people, Stream(self._seed, "recurring:other income")
        nominal = stream.between(3, 27, people.index, 0)
        kind = stream.below(len(_KINDS_OF_INCOME), people.index, 1)
        found = [
            self._monthly(
                (people.other_income > 0) & (kind == place),
                kind=_OTHER_INCOME,
                day=lambda who, month: self._business_day(self._first[month] + nominal[who] - 1),
                amount=lambda who, month: rounded(
                    people.other_income[who]
                    * stream.between(850, 1_150, people.index[who], self._number[month], 2)
                    // _PER_MILLE,
                    _DINAR,
                ),
                hours=(9 * HOUR, 14 * HOUR),
                category="OTHER_INCOME",
                text=name,
                credit=True,
            )
            for place, name in enumerate(_KINDS_OF_INCOME)
        ]
        return Movements.joined(found)

    def rent(self) -> Movements:
        """Tenants pay on one of the first five days, with the bank's app."""
        people = self._people
        nominal = Stream(self._seed, "recurring:rent day").below(5, people.index)
        return self._monthly(
            people.rent > 0,
            kind=_RENT,
            day=lambda who, month: self._first[month] + nominal[who],
            amount=lambda who, _: people.rent[who],
            hours=(9 * HOUR, 22 * HOUR),
            category="RENT",
            text="Rent",
            channel=MOBILE,
        )

    def instalments(self) -> Movements:
        """Loans are repaid as soon as the wage is there."""
        owed = instalments(self._people, seed=self._seed)
        return self._monthly(
            owed > 0,
            kind=_INSTALMENT,
            day=lambda who, month: self._paydays[who, month],
            amount=lambda who, _: owed[who],
            hours=(8 * HOUR + 10 * MINUTE, 9 * HOUR),
            category="LOAN",
            text="Loan instalment",
        )

    def remittances(self, merchants: Merchants) -> Movements:
        """Money sent home through the exchange house that somebody is used to; not in every month."""
        people, stream = self._people, Stream(self._seed, "recurring:remittance")
        houses = merchants.by_category.get(CATEGORY["REMITTANCE"], np.empty(0, dtype=np.int64))
        if not len(houses):
            return self._nothing()
        favourite = houses[Weights(merchants.weight[houses].tolist()).chosen(stream.bits(people.index, 0))]
        who, month = self._cells(people.remits > 0)
        place = (people.index[who], self._number[month])
        sent = stream.chance(_REMITTING, *place, 1)
        who, month = who[sent], month[sent]
        place = (people.index[who], self._number[month])
        where = np.array([self._texts.place(f"Remittance{name}") for name in _HOME], dtype=np.int64)
        line = Line(
            who=who,
            account=self._current[who],
            day=self._paydays[who, month] + 1 + stream.choice(_REMITTED_AFTER, *place, 2),
            time=stream.between(_milliseconds(9 * HOUR), _milliseconds(22 * HOUR), *place, 3),
            amount=rounded(self._wages[who, month] * people.remits[who] // _PER_MILLE, _DINAR),
            slot=self._slot(_REMITTANCE, month),
            credit=False,
            channel=ONLINE,
            category=CATEGORY["REMITTANCE"],
            merchant=favourite[who],
            text=where[np.minimum(people.nationality[who], len(_HOME) - 1)],
        )
        return written(line, maker="recurring", people=people, window=self._window)

    def card_fees(self) -> Movements:
        """Once a year, in the month in which they became customers: 5 KD, for the affluent 20."""
        people = self._people
        born = np.array([date.fromordinal(day).month for day in people.joined.tolist()], dtype=np.int64)
        affluent = people.segment == SEGMENTS.index("AFFLUENT")
        months = np.array([month.month for month in self._months], dtype=np.int64)
        return self._monthly(
            people.income > 0,
            kind=_CARD_FEE,
            day=lambda _, month: self._first[month] + 6,
            amount=lambda who, month: np.where(
                born[who] == months[month], np.where(affluent[who], 20, 5) * _DINAR, 0
            ).astype(np.int64),
            hours=(2 * HOUR, 4 * HOUR),
            category="FEES",
            text="Annual card fee",
        )

    def _monthly(
        self,
        mask: Mask,
        *,
        kind: int,
        day: Callable[[Int, Int], Int],
        amount: Callable[[Int, Int], Int],
        hours: tuple[int, int],
        category: str,
        text: str,
        credit: bool = False,
        channel: int = ONLINE,
    ) -> Movements:
        """One movement a month for those of a mask; what hangs on customer and month is asked for by both."""
        who, month = self._cells(mask)
        if not len(who):
            return self._nothing()
        place = (self._people.index[who], self._number[month], kind)
        late = (self._people.payday <= _IN_ARREARS).astype(np.int64) if kind == _WAGE else np.zeros_like(self._current)
        time = Stream(self._seed, "recurring:time").between(*(_milliseconds(hour) for hour in hours), *place)
        line = Line(
            who=who,
            account=self._current[who],
            day=day(who, month),
            time=time,
            amount=amount(who, month),
            slot=self._slot(kind, month),
            credit=credit,
            channel=channel,
            category=CATEGORY[category],
            text=self._month_texts(text)[month - late[who]],
        )
        return written(line, maker="recurring", people=self._people, window=self._window)

    def _cells(self, mask: Mask) -> tuple[Int, Int]:
        """Customers and due months of the grid, those of a mask."""
        chosen = np.flatnonzero(mask & (self._current >= 0))
        months = len(self._months)
        return np.repeat(chosen, months).astype(np.int64), np.tile(np.arange(months, dtype=np.int64), len(chosen))

    def _slot(self, kind: int, month: Int) -> Int:
        """Unique on a day even where two months' payments fall on it."""
        return (kind << _MONTH_BITS) | (self._number[month] % 12)

    def _month_texts(self, text: str) -> Int:
        """The text of each due month, and last that of the month before, which the first one's place less one means."""
        numbers = [*self._number.tolist(), int(self._number[0]) - 1]
        names = [f"{text} {_MONTHS[(number - 1) % 12]} {(number - 1) // 12}" for number in numbers]
        return np.array([self._texts.place(name) for name in names], dtype=np.int64)

    def _business_day(self, day: Int) -> Int:
        """The same day, or the business day before; days outside the window stay."""
        closed = self._window.weekend | self._window.holiday
        last_open = np.maximum.accumulate(np.where(closed, -1, np.arange(self._window.days)))
        inside = (day >= 0) & (day < self._window.days)
        return np.where(inside, last_open[np.clip(day, 0, self._window.days - 1)], day)

    def _nothing(self) -> Movements:
        none = np.empty(0, dtype=np.int64)
        line = Line(
            who=none, account=none, day=none, time=none, amount=none, slot=none, credit=False, channel=NONE,
            category=NONE,
        )  # fmt: skip
        return written(line, maker="recurring", people=self._people, window=self._window)
