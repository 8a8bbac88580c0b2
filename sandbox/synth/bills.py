"""What comes due by card on a day of its own: the telephone, subscriptions, electricity, school fees.

And what people of small means do with their wage on a day of its own: they draw it.
"""

from collections.abc import Iterator

import numpy as np

from sandbox.core.clock import HOUR, MILLISECOND
from sandbox.synth.blocks import Line
from sandbox.synth.draws import Int, Stream, bounded_lognormal
from sandbox.synth.model import ATM, CATEGORY, CURRENT, HOUSING, NONE, ONLINE, SEGMENTS
from sandbox.synth.prices import on_grid
from sandbox.synth.purse import ONE, customs, paid_out
from sandbox.synth.recurring import paydays
from sandbox.synth.trips import pilgrims
from sandbox.synth.usual import Lives
from sandbox.synth.window import EPOCH_ORDINAL, Mask

__all__ = ["FIRST_SLOT", "bills"]

FIRST_SLOT = 1_000
_TELEPHONE, _SUBSCRIPTION, _ELECTRICITY, _SCHOOL, _RAMADAN, _WAGE = range(FIRST_SLOT, FIRST_SLOT + 60, 10)
_HOUR_MS = HOUR // MILLISECOND
_STATE_SCHOOL = ONE * 45 // 100
"""Parents who spend less often than this pay no fees."""
_CONTRACT = ONE * 70 // 100
"""Who spends less often than this has a prepaid telephone."""
_NOTE = 5_000
_DAYS = 28
"""Bills come due on a day that every month has."""


def bills(lives: Lives, away: Mask) -> list[Line]:
    """The bills of a chunk's customers who have a current account; `away`, by [position, day], who travels."""
    maker = _Maker(lives)
    return [
        maker.telephone(),
        *maker.subscriptions(),
        maker.electricity(),
        maker.school(),
        maker.ramadan(),
        maker.wage_in_notes(away),
    ]


class _Maker:
    def __init__(self, lives: Lives) -> None:
        window = lives.window
        self._people, self._accounts, self._window = lives.people, lives.accounts, window
        self._purse, self._usual, self._seed = lives.purse, lives.usual, lives.seed
        self._table = customs()["bills"]
        starts = [window.first.replace(year=month.year, month=month.month, day=1) for month in window.months]
        self._starts = np.array([start.toordinal() for start in starts], dtype=np.int64)
        self._months = np.array([start.month for start in starts], dtype=np.int64)

    def telephone(self) -> Line:
        """Everybody's: the same amount every month, on the same day; prepaid of small means, else by contract."""
        table, index = self._table["telecom"], self._people.index
        draw = Stream(self._seed, "bills:telephone")
        prepaid = (self._purse.often < _CONTRACT) | self._student()
        least, most = (
            np.where(prepaid, table["prepaid"][end], table["postpaid"][end]).astype(np.int64)
            for end in ("least", "most")
        )
        # The better off take the larger packages, and many a small one.
        place = np.minimum(draw.below(1_000, index, 0), draw.below(1_000, index, 2)) * self._purse.much // ONE
        amount = on_grid(least + (most - least) * np.minimum(place, 1_000) // 1_000, 500)
        return self._monthly(
            np.ones(self._people.count, dtype=np.bool_),
            draw,
            amount=amount[:, None],
            category="TELECOM",
            slot=_TELEPHONE,
        )

    def subscriptions(self) -> Iterator[Line]:
        """Films, music, games: the same every month to the fils."""
        table, index = self._table["subscriptions"], self._people.index
        prices = np.array(table["prices"], dtype=np.int64)
        keen = np.array([customs()["segments"][name].get("SUBSCRIPTIONS", 100) for name in SEGMENTS], dtype=np.int64)
        category = CATEGORY["SUBSCRIPTIONS"]
        for number, per_mille in enumerate(table["per_mille"]):
            draw = Stream(self._seed, f"bills:subscription:{number}")
            amount = prices[draw.below(len(prices), index, 0)]
            often = per_mille * keen[self._people.segment] // 100 * np.minimum(self._purse.often, ONE) // ONE
            who = draw.chance(often, index, 1)
            merchant = self._usual.merchants(
                np.arange(self._people.count, dtype=np.int64), draw.bits(index, 2), category=category
            )
            yield self._monthly(
                who,
                draw,
                amount=amount[:, None],
                category="SUBSCRIPTIONS",
                slot=_SUBSCRIPTION + number,
                merchant=merchant,
            )

    def electricity(self) -> Line:
        """Of who owns a home, more in summer, when the air is cooled; most tenants have it in the rent."""
        table, people = self._table["utilities"], self._people
        draw = Stream(self._seed, "bills:electricity")
        owns = people.housing == HOUSING.index("OWNED")
        rents = people.housing == HOUSING.index("RENTED")
        season = np.array(table["months_per_cent"], dtype=np.int64)[self._months - 1]
        wobble = draw.between(85, 115, people.index[:, None], self._starts[None, :], 1)
        amount = np.zeros(wobble.shape, dtype=np.int64)
        for name, mask in (("owner", owns), ("tenant", rents)):
            own = table[name]
            sizes = bounded_lognormal(own["median"], own["sigma"], least=own["least"], most=own["most"])
            home = draw.quantile(sizes, people.index, 0) * (self._purse.much + ONE) // (2 * ONE)
            bill = np.clip(home[:, None] * season[None, :] * wobble // 10_000, own["least"], own["most"])
            amount = np.where(mask[:, None], on_grid(bill, 5), amount)
        pays = owns | (rents & draw.chance(table["per_mille_tenant"], people.index, 2) & ~self._student())
        return self._monthly(pays, draw, amount=amount, category="UTILITIES", slot=_ELECTRICITY)

    def school(self) -> Line:
        """Fees of private schools in three terms, of parents."""
        table, people = self._table["school"], self._people
        draw = Stream(self._seed, "bills:school")
        share = np.where(people.kuwaiti, table["per_mille_kuwaiti"], table["per_mille_expatriate"])
        median = np.where(people.kuwaiti, table["median_kuwaiti"], table["median_expatriate"])
        spread = bounded_lognormal(ONE, table["sigma"], least=ONE // 4, most=ONE * 4)
        fee = median * draw.quantile(spread, people.index, 0) // ONE * self._purse.much // ONE
        children = np.minimum(people.dependents, 3)
        fee = np.minimum(fee * (1 + children) // 2, table["most"])
        yearly = (people.income + people.other_income) * 12
        fee = np.minimum(fee, yearly * table["most_of_income_per_mille"] // 1_000 // len(table["months"]))
        # No private school is to be had for less.
        fee = np.where(fee < table["least"], 0, fee)
        share = np.where(self._purse.often < _STATE_SCHOOL, 0, share)
        pays = draw.chance(share, people.index, 1) & (people.dependents > 0) & ~self._student()
        term = np.isin(self._months, table["months"])
        amount = np.where(term[None, :], fee[:, None] // 5_000 * 5_000, 0)
        school = self._usual.school()
        return self._monthly(pays, draw, amount=amount, category="EDUCATION", slot=_SCHOOL, merchant=school)

    def ramadan(self) -> Line:
        """What many give once in Ramadan besides; each year on a day of its last twenty."""
        table, people = self._table["ramadan"], self._people
        starts = np.flatnonzero(np.diff(self._window.ramadan.astype(np.int64), prepend=0) == 1).astype(np.int64)
        draw = Stream(self._seed, "bills:ramadan")
        pays = (pilgrims(people, self._seed) & (people.income > 0)) & (
            (people.cast >= 0) | draw.chance(table["per_mille"], people.index, 0)
        )
        who = np.repeat(np.flatnonzero(pays).astype(np.int64), len(starts))
        start = np.tile(starts, int(pays.sum()))
        place = (people.index[who], self._window.ordinal[start] - EPOCH_ORDINAL)
        day = start + draw.between(9, 27, *place, 1)
        fasting = self._window.ramadan[np.minimum(day, self._window.days - 1)]
        share = draw.between(500, 1_500, people.index[who], 2)
        gift = people.income[who] * table["of_income_per_mille"] // 1_000 * share // 1_000
        return Line(
            who=who,
            account=self._accounts.of[:, CURRENT][who],
            day=np.where(fasting, day, NONE),
            time=20 * _HOUR_MS + draw.below(3 * _HOUR_MS, *place, 3),
            amount=on_grid(np.clip(gift, table["least"], table["most"]), 500),
            slot=_RAMADAN,
            credit=False,
            channel=ONLINE,
            category=CATEGORY["CHARITY"],
            merchant=self._usual.first(CATEGORY["CHARITY"])[who],
        )

    def wage_in_notes(self, away: Mask) -> Line:
        """Most of what the family at home and the rent leave, drawn in the days after the wage."""
        table, people = self._table["cash"], self._people
        days = paydays(people, self._window)
        draw = Stream(self._seed, "bills:cash")
        who = np.repeat(np.flatnonzero(paid_out(people)).astype(np.int64), days.shape[1])
        paid = days[paid_out(people)].ravel()
        known = (paid >= -_DAYS) & (paid < self._window.days)
        who, paid = who[known], paid[known]
        place = (people.index[who], paid + self._window.ordinal[0] - EPOCH_ORDINAL)
        left = people.income - people.income * people.remits // 1_000 - people.rent
        share = draw.between(table["per_mille"][0], table["per_mille"][1], *place, 0)
        amount = left[who] * share // 1_000 // _NOTE * _NOTE
        day = paid + draw.between(table["days_after"][0], table["days_after"][1], *place, 1)
        gone = away[who, np.clip(day, 0, self._window.days - 1)]
        merchant = self._usual.merchants(who, draw.bits(*place, 3), category=CATEGORY["CASH"])
        return Line(
            who=who,
            account=self._accounts.of[:, CURRENT][who],
            day=day,
            time=17 * _HOUR_MS + draw.below(5 * _HOUR_MS, *place, 2),
            amount=np.where((amount >= table["least"]) & ~gone, amount, 0),
            slot=_WAGE,
            credit=False,
            channel=ATM,
            category=CATEGORY["CASH"],
            merchant=merchant,
        )

    def _student(self) -> Mask:
        mask: Mask = self._people.segment == SEGMENTS.index("STUDENT")
        return mask

    def _monthly(
        self, pays: Mask, draw: Stream, *, amount: Int, category: str, slot: int, merchant: Int | None = None
    ) -> Line:
        """One payment a month, on a day and at about a time of its own."""
        people = self._people
        who = np.flatnonzero(pays).astype(np.int64)
        if merchant is None:
            merchant = self._usual.first(CATEGORY[category])
        due = 1 + draw.below(_DAYS, people.index, 10)
        day = self._starts[None, :] + due[:, None] - 1 - self._window.ordinal[0]
        place = (people.index[:, None], self._starts[None, :] - EPOCH_ORDINAL, 11)
        hour = np.where(draw.chance(500, people.index, 12), 8, 18)
        time = hour[:, None] * _HOUR_MS + draw.below(5 * _HOUR_MS, *place)
        shape = (people.count, len(self._starts))

        def column(values: Int) -> Int:
            return np.broadcast_to(values, shape)[who].ravel()

        return Line(
            who=column(np.arange(people.count, dtype=np.int64)[:, None]),
            account=column(self._accounts.of[:, CURRENT][:, None]),
            day=column(day),
            time=column(time),
            amount=column(amount),
            slot=slot,
            credit=False,
            channel=ONLINE,
            category=CATEGORY[category],
            merchant=column(merchant[:, None]),
            text=NONE,
        )
