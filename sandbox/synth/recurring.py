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
from sandbox.synth.cast import CAST
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
from sandbox.synth.naming import countries
from sandbox.synth.references import References
from sandbox.synth.window import Mask, Month, Window, salary_day

__all__ = ["due_months", "instalments", "month_starts", "paydays", "receive_and_pay", "wages"]

_DINAR = 1_000
_PER_MILLE = 1_000
_UNKNOWN = -10_000
"""The place of a payday that the calendar does not reach: outside of every window."""
_MONTH_BITS = 4
(
    _WAGE, _RENT_ALLOWANCE, _OTHER_INCOME, _RENT, _INSTALMENT, _REMITTANCE, _CARD_FEE, _LETS, _DIVIDEND,
) = range(9)  # fmt: skip
"""Kinds of movements in keys: one of each for a customer, month and day."""
_PAID_BY = 8 * HOUR
"""Wages are on the account by that time of their day."""

_RENT_ALLOWANCE_DAY = 2
_RENT_ALLOWANCE_FILS = 150 * _DINAR
_RAISED = 350
"""How many per mille get a raise each year, in January or in April, of 2 to 4 per cent."""
_INDEBTED, _INDEBTED_PENSIONERS = 500, 250
"""How many per mille of citizens with an employer, and with a pension, repay a loan."""
_REPAID_LEAST, _REPAID_MOST, _REPAID_MOST_OF_PENSION = 100, 380, 290
"""Per mille of the income; the Central Bank allows 40% of a wage and 30% of a pension."""
_FIXED_MOST = 600
"""Rent and instalment together take at most so many per mille of the income."""
_MONTHS_MISSED = 3
"""In so many months of a year, or fewer, somebody who supports a family abroad sends it nothing; always the same."""
_EVERY_MONTH = "arjun"
_REMITTED_AFTER = Weights([30, 24, 16, 11, 8, 6, 5])
"""How likely money is sent on the first to seventh day after the wage."""
_IN_ARREARS = 7
"""Who is paid by this day of the month is paid for the month before."""
_BUSINESS_VARIES = (700, 1_300)
"""What a business earns in a month, per mille of its mean."""
_DIVIDENDS_IN = 4
_SHARES_OF_WEALTH = 150
"""How many per mille of the other income of wealthy citizens are dividends, paid once a year, in April."""
_LET_OF_BUSINESS = 300
"""And how many are rents, where there is a business too."""


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
    """The wage, pension or allowance by [position, due month]: the last one paid is the income, raises come before."""
    number = np.array([month.year * 12 + month.month - 1 for month in due_months(window)], dtype=np.int64)
    newest = number[_last_paid(people, window)][:, None]
    stream = Stream(seed, "recurring:raise")
    working = np.isin(people.sector, (SECTORS.index("PUBLIC"), SECTORS.index("PRIVATE")))
    raised = working & stream.chance(_RAISED, people.index, 0)
    per_mille = stream.between(20, 40, people.index, 1)[:, None]
    april = np.where(stream.chance(500, people.index, 2), 3, 0)[:, None]
    after = (newest - april) // 12 - (number[None, :] - april) // 12
    # What citizens get has fils: the state keeps back its share for their social security.
    step = np.where(people.kuwaiti, 5, _DINAR)[:, None]
    wage = np.broadcast_to(people.income[:, None], (people.count, len(number))).copy()
    for count in range(int(after.max(initial=0))):
        earlier = wage * _PER_MILLE // (_PER_MILLE + per_mille)
        earlier = np.maximum((earlier + step // 2) // step * step, np.minimum(wage, _DINAR))
        wage = np.where(raised[:, None] & (after > count), earlier, wage)
    return wage


def instalments(people: People, *, seed: int) -> Int:
    """What each customer repays of a loan every month, 0 for most."""
    stream = Stream(seed, "recurring:loan")
    working = np.isin(people.sector, (SECTORS.index("PUBLIC"), SECTORS.index("PRIVATE")))
    retired = (people.sector == SECTORS.index("NONE")) & (people.segment != SEGMENTS.index("STUDENT"))
    chance = np.where(working, _INDEBTED, np.where(retired, _INDEBTED_PENSIONERS, 0))
    most = np.where(working, _REPAID_MOST, _REPAID_MOST_OF_PENSION)
    most = np.minimum(most, _FIXED_MOST - people.rent * _PER_MILLE // np.maximum(people.income, 1))
    owes = people.kuwaiti & (people.income > 0) & (most > _REPAID_LEAST) & stream.chance(chance, people.index, 0)
    share = stream.between(_REPAID_LEAST, np.maximum(most, _REPAID_LEAST), people.index, 1)
    return np.where(owes, rounded(people.income * share // _PER_MILLE, _DINAR), 0)


def _last_paid(people: People, window: Window) -> Int:
    """The due month, by its place, whose wage is the last one that each customer got within the window."""
    until = window.days - int(window.as_of < window.start[-1] + _PAID_BY)
    found = paydays(people, window)
    paid = (found > _UNKNOWN) & (found < until)
    months = np.arange(found.shape[1], dtype=np.int64)
    last: Int = np.where(paid, months, 0).max(axis=1)
    return last


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
        self._references = References(texts, people)
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
                hours=(5 * HOUR, _PAID_BY),
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
        """From a business, from houses that are let and from shares, or what the family gives who keeps the home.

        Rents, and what the family gives, are the same every month; foreigners may not own houses here.
        """
        people, stream = self._people, Stream(self._seed, "recurring:other income")
        nominal = stream.between(3, 27, people.index, 0)
        whole = people.other_income
        owner = people.sector == SECTORS.index("OWN_BUSINESS")
        wealthy = people.kuwaiti & (people.segment == SEGMENTS.index("AFFLUENT"))
        keeps_home = (people.sector == SECTORS.index("NONE")) & (people.income == 0) & ~wealthy
        shares = np.where(wealthy, whole * _SHARES_OF_WEALTH // _PER_MILLE, 0)
        lets = np.where(owner, np.where(wealthy, whole * _LET_OF_BUSINESS // _PER_MILLE, 0), whole - shares)
        lets = np.where(people.kuwaiti & ~keeps_home, rounded(lets, 5 * _DINAR), 0)
        months = np.array([month.month for month in self._months], dtype=np.int64)

        def varied(who: Int, month: Int) -> Int:
            place = (people.index[who], self._number[month], 2)
            return rounded((whole - shares - lets)[who] * stream.between(*_BUSINESS_VARIES, *place) // _PER_MILLE, 500)

        def steady(who: Int, _: Int) -> Int:
            return rounded((whole - shares - lets)[who], _DINAR)

        def yearly(who: Int, month: Int) -> Int:
            return np.where(months[month] == _DIVIDENDS_IN, rounded(12 * shares[who], 5), 0)

        def let(who: Int, _: Int) -> Int:
            return lets[who]

        some = whole > 0
        kinds = (
            (some & owner, _OTHER_INCOME, "Business income", varied),
            (some & keeps_home, _OTHER_INCOME, "Household allowance", steady),
            (some & ~people.kuwaiti & ~owner & ~keeps_home, _OTHER_INCOME, "Investment income", varied),
            (lets > 0, _LETS, "Rent received", let),
            (shares > 0, _DIVIDEND, "Dividend", yearly),
        )
        return Movements.joined(
            [
                self._monthly(
                    mask,
                    kind=kind,
                    day=lambda who, month: self._business_day(self._first[month] + nominal[who] - 1),
                    amount=amount,
                    hours=(9 * HOUR, 14 * HOUR),
                    category="OTHER_INCOME",
                    text=name,
                    credit=True,
                )
                for mask, kind, name, amount in kinds
            ]
        )

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
        sent = ~self._missed(who, month)
        who, month = who[sent], month[sent]
        place = (people.index[who], self._number[month])
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
            text=self._references.sent_to(countries(self._seed, people.index, people.nationality), who),
        )
        return written(line, maker="recurring", people=people, window=self._window)

    def _missed(self, who: Int, month: Int) -> Mask:
        """In which cells nothing is sent home: up to three months of a year, the same ones every year."""
        people, stream = self._people, Stream(self._seed, "recurring:months missed")
        member = np.array([name == _EVERY_MONTH for name in (*(one.username for one in CAST), "")])
        missed = np.where(member[people.cast], 0, stream.below(_MONTHS_MISSED + 1, people.index, 12))
        drawn = np.stack([stream.bits(people.index, place) for place in range(12)], axis=1)
        rank = np.argsort(np.argsort(drawn, axis=1, kind="stable"), axis=1, kind="stable")
        found: Mask = rank[who, self._number[month] % 12] < missed[who]
        return found

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
            text=self._references.of_months(text, who, self._number[month] - late[who]),
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
