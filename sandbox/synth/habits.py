"""What customers do with their cards: groceries, fuel, restaurants, shopping, cash, and a little by wallet.

Every habit of `data/habits.json` gives each customer and day a chance, which is the product of the customer's share
(means, segment, taste) and the day's (season, weekday, days since the wage); two payments a day may come of it. The
chances are scaled so that the counts of a chunk meet `targets.json`; amounts are close to it, see `calibration`.
"""

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from sandbox.core.clock import MILLISECOND
from sandbox.synth.bills import bills
from sandbox.synth.blocks import written
from sandbox.synth.calibration import targets
from sandbox.synth.draws import Bits, Int, Quantiles, Stream, bounded_lognormal
from sandbox.synth.merchants import Merchants
from sandbox.synth.model import (
    CATEGORY,
    CHANNELS,
    CURRENT,
    MOBILE,
    NONE,
    ONLINE,
    SEGMENTS,
    WALLET,
    Accounts,
    Movements,
    People,
    movement_key,
)
from sandbox.synth.prices import fuel, rounded_prices
from sandbox.synth.purse import ONE, customs, paid_out
from sandbox.synth.rhythm import CLOCKS, day_factors, payday_factors, regimes, times
from sandbox.synth.trips import Trips, expenses, make_trips, pilgrims
from sandbox.synth.usual import Lives, make_lives
from sandbox.synth.window import EPOCH_ORDINAL, Mask, Window

__all__ = ["spend"]

_LANES = 2
"""So many payments of one habit and day at most."""
_LANE_BITS = 16
_CHANCE = 2**_LANE_BITS
_FINE_LOG2 = 8
"""Shares of customers are kept this much finer than chances."""
_HABITS_A_DRAW = 64 // (_LANES * _LANE_BITS)
_TASTES = bounded_lognormal(ONE, 0.38, least=ONE * 2 // 5, most=ONE * 9 // 4)
_DAYS_A_MONTH = 30.4375
_PER_MILLE = 1_000
_TIER_FACTORS = (820, 1024, 1250)
"""What the tier of a merchant does to a price, of `ONE`."""
_WALLET_MOST = 10_000
"""Nobody pays more than that by wallet."""
_TANK = 4_900
"""What a tank of fuel costs about."""
_AFFORDED = (ONE // 2, ONE * 8 // 5)
"""How far the habits of somebody are cut down or raised to their means."""
_CARDS = ("POS", "ONLINE", "ATM")
_DRIVING = (720, 980)
"""Per mille of expatriates and of Kuwaitis who drive, given means of a driver."""
_DRIVERS_INCOME = 250_000
"""Fils a month: who has less has no car."""
_PREMIUM = 670
"""Per mille of cars that take the dearer fuel; a car keeps to one."""
_TANKS = (85, 112)
"""Per cent of the usual number of tanks that somebody needs."""
_PAID_OUTS_CASH = 15
"""Who draws the wage in notes comes back to a machine so many per cent as often as others do."""
_DRIVERS_TAXIS = 25
"""Who has a car takes so many per cent of the taxis of who has none."""


def spend(people: People, accounts: Accounts, window: Window, merchants: Merchants, *, seed: int) -> Movements:
    """The payments of a chunk's customers by card, and the small ones by wallet; amounts not yet calibrated."""
    lives = make_lives(people, accounts, window, merchants, seed=seed)
    trips = make_trips(lives)
    lines = [*bills(lives, trips.away), *expenses(trips, lives)]
    due = Movements.joined([written(line, maker="habits", people=people, window=window) for line in lines])
    daily = _Daily(lives, trips)
    habitual = daily.movements(daily.scaled(due))
    found = Movements.joined([due, habitual])
    country = np.where(found.merchant >= 0, merchants.country[found.merchant], NONE)
    tier = np.array(_TIER_FACTORS, dtype=np.int64)[merchants.tier[found.merchant]]
    price = tier * merchants.price[found.merchant] // 100
    habit = np.arange(found.count) >= due.count
    dearest = lives.purse.most[accounts.holder[found.account]]
    tanked = found.category == CATEGORY["FUEL"]
    priced = np.where(habit & ~tanked, np.minimum(found.amount * price // ONE, dearest), found.amount)
    priced = np.where(found.channel == MOBILE, np.minimum(priced, _WALLET_MOST), priced)
    priced = np.minimum(priced, merchants.most[found.merchant])
    amount = rounded_prices(priced, category=found.category, channel=found.channel, country=country)
    return dataclasses.replace(found, country=country, amount=amount)


class _Habit(NamedTuple):
    """One habit, with what its chances are made of: `base` by position, `day` by day, `free` by position and day."""

    entry: dict[str, Any]
    number: int
    rate: int
    """What `base` is of somebody of ordinary means."""
    base: Int
    """Expected payments of a lane and day, of `_CHANCE << _FINE_LOG2`."""
    day: Int
    free: Int

    @property
    def channel(self) -> int:
        """Place in `CHANNELS`."""
        return CHANNELS.index(self.entry["channel"])

    def expected(self) -> float:
        """How many payments are to be expected of all customers, on all days."""
        open_days = (self.free * self.day[None, :]).sum(axis=1) // ONE
        expected: float = int((self.base * open_days).sum()) * _LANES / (ONE * (_CHANCE << _FINE_LOG2))
        return expected


class _Daily:
    """Makes the payments of a chunk that come of habit."""

    def __init__(self, lives: Lives, trips: Trips) -> None:
        people, accounts, window, _, purse, usual, seed = lives
        self._people, self._accounts, self._window = people, accounts, window
        self._purse, self._usual, self._trips, self._seed = purse, usual, trips, seed
        self._payday = payday_factors(people, window)
        self._frees: dict[tuple[int, bool], Int] = {}
        chance = np.where(people.kuwaiti, _DRIVING[1], _DRIVING[0])
        car = Stream(seed, "habits:drives")
        earns = people.income + people.other_income >= _DRIVERS_INCOME
        self._drives: Mask = earns & car.chance(chance, people.index)
        self._premium: Mask = car.chance(_PREMIUM, people.index, 1)
        self._observes = pilgrims(people, seed)
        self._paid_out = paid_out(people)

    def scaled(self, due: Movements) -> list[_Habit]:
        """All habits, scaled so that with what is due anyway, and the money sent home, the counts are the targets'."""
        habits = self._afforded([self._habit(number, entry) for number, entry in enumerate(customs()["habits"])])
        months = self._window.days / _DAYS_A_MONTH
        active = self._accounts.of[:, CURRENT] >= 0
        cards = int(active.sum()) * customs()["cards_a_month"] * months
        share = targets()["count_share_per_mille"]
        wanted = {CHANNELS.index(name): cards * share[name] / _PER_MILLE for name in _CARDS}
        for channel in wanted:
            wanted[channel] -= int((due.channel == channel).sum())
        remitters = int((active & (self._people.remits > 0)).sum())
        wanted[ONLINE] -= remitters * months * customs()["remitting_per_mille"] / _PER_MILLE
        wallets = int((self._accounts.of[:, WALLET] >= 0).sum())
        wanted[MOBILE] = wallets * customs()["wallet_payments_a_month"] * months
        expected = dict.fromkeys(wanted, 0.0)
        for habit in habits:
            if habit.entry.get("exact"):
                wanted[habit.channel] -= habit.expected()
            else:
                expected[habit.channel] += habit.expected()
        factor = {
            channel: round(max(wanted[channel], 0.2 * expected[channel]) * ONE / expected[channel])
            if expected[channel]
            else 0
            for channel in wanted
        }
        return [
            habit if habit.entry.get("exact") else habit._replace(base=habit.base * factor[habit.channel] // ONE)
            for habit in habits
        ]

    def movements(self, habits: list[_Habit]) -> Movements:
        """The payments; each draw is the place's of customer, day and habit."""
        cells = [self._drawn(habit, drawn) for habit, drawn in zip(habits, self._draws(len(habits)), strict=True)]
        counts = [len(cell) for cell in cells]
        cell = np.concatenate(cells)
        number = np.repeat(np.arange(len(habits), dtype=np.int64), counts)
        lane, cell = cell % _LANES, cell // _LANES
        who, day = cell // self._window.days, cell % self._window.days
        wallet = np.array([bool(habit.entry.get("wallet")) for habit in habits], dtype=np.bool_)[number]
        account = np.where(wallet, self._accounts.of[who, WALLET], self._accounts.of[who, CURRENT])
        slot = number * _LANES + lane
        key = movement_key(self._people.index[who], "habits", self._window.ordinal[day] - EPOCH_ORDINAL, slot)
        clocks = np.array([CLOCKS.index(habit.entry["hours"]) for habit in habits], dtype=np.int64)
        time = times(
            Stream(self._seed, "habits:time").bits(key),
            clock=clocks[number],
            hours=self._people.hours[who],
            regime=regimes(self._window)[day],
        )
        amounts = Stream(self._seed, "habits:amount").bits(key)
        choices = Stream(self._seed, "habits:merchant").bits(key)
        amount, merchant = np.empty_like(key), np.empty_like(key)
        ends = np.cumsum(counts)
        for habit, end, count in zip(habits, ends.tolist(), counts, strict=True):
            rows = slice(end - count, end)
            entry = habit.entry
            amount[rows] = self._amounts(entry, amounts[rows], who[rows])
            merchant[rows] = self._usual.merchants(
                who[rows],
                choices[rows],
                category=CATEGORY[entry["category"]],
                walk_in=bool(entry.get("walk_in")),
            )
        none = np.full(len(key), NONE, dtype=np.int64)
        return Movements(
            key=key,
            account=account,
            at=self._window.start[day] + time * MILLISECOND,
            amount=amount,
            credit=np.zeros(len(key), dtype=np.bool_),
            channel=np.array([habit.channel for habit in habits], dtype=np.int64)[number],
            category=np.array([CATEGORY[habit.entry["category"]] for habit in habits], dtype=np.int64)[number],
            merchant=merchant,
            text=none,
            pair=none,
            country=none,
        )

    def _habit(self, number: int, entry: dict[str, Any]) -> _Habit:
        """A habit with the chances of everybody and of every day."""
        people, category = self._people, entry["category"]
        shares = np.array([customs()["segments"][name].get(category, 100) for name in SEGMENTS], dtype=np.int64)
        per_cent = shares[people.segment] * (100 + entry.get("dependents", 0) * np.minimum(people.dependents, 6)) // 100
        per_cent = np.where(people.woman, per_cent * customs()["women"].get(category, 100) // 100, per_cent)
        if entry.get("who") == "drivers":
            per_cent = np.where(self._drives, per_cent, 0)
        elif entry.get("who") == "walkers":
            per_cent = np.where(self._drives, per_cent * _DRIVERS_TAXIS // 100, per_cent)
        elif entry.get("who") == "observing":
            per_cent = np.where(self._observes, per_cent, 0)
        elif entry.get("who") == "banked":
            per_cent = np.where(self._paid_out, per_cent * _PAID_OUTS_CASH // 100, per_cent)
        wallet = bool(entry.get("wallet"))
        held = self._accounts.of[:, WALLET if wallet else CURRENT] >= 0
        taste = Stream(self._seed, f"habits:taste:{entry['name']}").quantile(_TASTES, people.index)
        rate = round(entry["monthly"] / _DAYS_A_MONTH / _LANES * (_CHANCE << _FINE_LOG2))
        base = rate * self._purse.often // ONE * per_cent // 100 * taste // ONE
        if entry.get("exact"):
            # A tank is filled when it is empty, however much somebody has to spend.
            much = Stream(self._seed, f"habits:taste:{entry['name']}").between(_TANKS[0], _TANKS[1], people.index)
            base = np.where(per_cent > 0, rate * much // 100, 0)
        return _Habit(
            entry,
            number,
            rate,
            base=np.where(held, base, 0),
            day=day_factors(self._window, season=entry["season"], week=entry["week"]),
            free=self._free(entry["payday"], in_kuwait=entry["channel"] != "ONLINE" or bool(entry.get("at_home"))),
        )

    def _afforded(self, habits: list[_Habit]) -> list[_Habit]:
        """The habits, so that segment, taste and family decide what people spend on, and their means how much."""
        means = [_prices(habit.entry["name"]).mean for habit in habits]
        plain, own = np.zeros_like(self._people.index), np.zeros_like(self._people.index)
        for habit, mean in zip(habits, means, strict=True):
            plain += habit.rate * mean * self._purse.often // ONE * self._purse.much // ONE
            own += habit.base * mean * self._much(habit.entry) // ONE
        share = np.clip(plain * ONE // np.maximum(own, 1), *_AFFORDED)
        return [
            habit if habit.entry.get("exact") else habit._replace(base=habit.base * share // ONE) for habit in habits
        ]

    def _much(self, entry: dict[str, Any]) -> Int:
        """How much more or less than others each customer pays for the same habit."""
        much: Int = ONE + (self._purse.much - ONE) * entry["rich"] // 100
        return much

    def _free(self, strength: int, *, in_kuwait: bool) -> Int:
        """How free people are to spend, by position and day: after the wage more, and not where they are not."""
        if (strength, in_kuwait) not in self._frees:
            free = ONE + (self._payday - ONE) * strength // 100
            self._frees[strength, in_kuwait] = np.where(self._trips.away & in_kuwait, 0, np.maximum(free, ONE // 8))
        return self._frees[strength, in_kuwait]

    def _draws(self, count: int) -> Iterator[Bits]:
        """The lanes of each habit by position and day."""
        index, day = self._people.index[:, None], self._window.ordinal[None, :] - EPOCH_ORDINAL
        for number in range(count):
            place = number % _HABITS_A_DRAW
            if place == 0:
                drawn = Stream(self._seed, f"habits:cells:{number}").bits(index, day)
                lanes = drawn.astype("<u8", copy=False).view("<u2").reshape(*drawn.shape, _HABITS_A_DRAW * _LANES)
            yield lanes[:, :, place * _LANES : (place + 1) * _LANES]

    def _drawn(self, habit: _Habit, lanes: Bits) -> Int:
        """Where a payment happens: positions, days and lanes in one number."""
        shift = 2 * (ONE.bit_length() - 1) + _FINE_LOG2
        chance = (habit.base[:, None] * habit.day[None, :] * habit.free + (1 << (shift - 1))) >> shift
        limits = np.minimum(chance, _CHANCE - 1).astype(np.uint16)
        return np.flatnonzero(lanes < limits[:, :, None]).astype(np.int64)

    def _amounts(self, entry: dict[str, Any], drawn: Bits, who: Int) -> Int:
        """What is paid, before merchants and grids have their say."""
        if entry["category"] == "FUEL":
            return fuel(drawn, premium=self._premium[who])
        much = self._much(entry)[who]
        amount: Int = np.maximum(_prices(entry["name"]).at(drawn) * much // ONE, entry["least"])
        return amount


@functools.cache
def _prices(habit: str) -> Quantiles:
    """How much is paid at a time by somebody of ordinary means."""
    entry = next(entry for entry in customs()["habits"] if entry["name"] == habit)
    if not entry["median"]:
        return Quantiles(lambda _: _TANK)
    return bounded_lognormal(entry["median"], entry["sigma"], least=entry["least"], most=entry["most"])
