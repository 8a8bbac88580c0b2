"""What comes due by card on a day of its own: the telephone, subscriptions, electricity, school fees."""

from collections.abc import Iterator

import numpy as np

from sandbox.core.clock import HOUR, MILLISECOND
from sandbox.synth.blocks import Line
from sandbox.synth.draws import Int, Stream, bounded_lognormal
from sandbox.synth.model import CATEGORY, CURRENT, NONE, ONLINE, SEGMENTS
from sandbox.synth.prices import on_grid
from sandbox.synth.purse import ONE, customs
from sandbox.synth.usual import Lives
from sandbox.synth.window import EPOCH_ORDINAL, Mask

__all__ = ["FIRST_SLOT", "bills"]

FIRST_SLOT = 1_000
_TELEPHONE, _SUBSCRIPTION, _ELECTRICITY, _SCHOOL = range(FIRST_SLOT, FIRST_SLOT + 40, 10)
_HOUR_MS = HOUR // MILLISECOND
_STATE_SCHOOL = ONE * 45 // 100
"""Parents who spend less often than this pay no fees."""
_DAYS = 28
"""Bills come due on a day that every month has."""


def bills(lives: Lives) -> list[Line]:
    """The bills of a chunk's customers who have a current account."""
    maker = _Maker(lives)
    return [maker.telephone(), *maker.subscriptions(), maker.electricity(), maker.school()]


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
        """The same amount every month, on the same day."""
        table, index = self._table["telecom"], self._people.index
        draw = Stream(self._seed, "bills:telephone")
        prices = bounded_lognormal(table["median"], table["sigma"], least=table["least"], most=table["most"])
        much = (self._purse.much + ONE) // 2
        amount = on_grid(draw.quantile(prices, index, 0) * much // ONE, 500)
        return self._monthly(
            draw.chance(table["per_mille"], index, 1), draw, amount=amount[:, None], category="TELECOM", slot=_TELEPHONE
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
        """More in summer, when the air is cooled; expatriates mostly have it in the rent."""
        table, people = self._table["utilities"], self._people
        draw = Stream(self._seed, "bills:electricity")
        sizes = bounded_lognormal(table["median"], table["sigma"], least=table["least"], most=table["most"])
        home = draw.quantile(sizes, people.index, 0) * self._purse.much // ONE
        season = np.array(table["months_per_cent"], dtype=np.int64)[self._months - 1]
        wobble = draw.between(85, 115, people.index[:, None], self._starts[None, :], 1)
        amount = on_grid(home[:, None] * season[None, :] * wobble // 10_000, 5)
        often = np.where(people.kuwaiti, table["per_mille_kuwaiti"], table["per_mille_expatriate"])
        pays = draw.chance(often, people.index, 2) & ~self._student()
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
        fee = np.clip(fee * (1 + children) // 2, table["least"], table["most"])
        share = np.where(self._purse.often < _STATE_SCHOOL, 0, share)
        pays = draw.chance(share, people.index, 1) & (people.dependents > 0) & ~self._student()
        term = np.isin(self._months, table["months"])
        amount = np.where(term[None, :], on_grid(fee, 5_000)[:, None], 0)
        return self._monthly(pays, draw, amount=amount, category="EDUCATION", slot=_SCHOOL)

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
