"""Transfers: to savings after payday and back before the summer, top-ups of wallets, money between customers.

Two movements of one `pair` make a transfer: a debit of the payer and a credit of the receiver, at one instant, with the
app. Between customers it follows WAMD, the instant scheme of Kuwait's banks: 1 to 1,000 KD, 3,000 a day at most.
"""

from collections.abc import Sequence

import numpy as np

from sandbox.core.clock import HOUR, MILLISECOND, format_instant
from sandbox.core.money import format_fils
from sandbox.synth.blocks import Line, rounded, written
from sandbox.synth.draws import Bits, Int, Stream, Weights, uuids
from sandbox.synth.model import (
    CATEGORY,
    CURRENT,
    MOBILE,
    SAVINGS,
    SEGMENTS,
    WALLET,
    Accounts,
    Movements,
    People,
    Posted,
    Texts,
)
from sandbox.synth.recurring import due_months, instalments, month_starts, paydays
from sandbox.synth.window import Mask, Window

__all__ = ["move", "records", "transfer_ids"]

_DINAR = 1_000
_PER_MILLE = 1_000
_FROM, _UNTIL = 9 * HOUR // MILLISECOND, 23 * HOUR // MILLISECOND

_SAVERS = 600
"""How many per mille of those who have both accounts put something by every month."""
_SAVED_LEAST, _SAVED_MOST = 100, 350
"""How much of what rent, instalments and the family abroad leave, per mille."""
_SKIPPED = 120
_BACK = 350
"""How many per mille of savers take some of it back: before the summer's travels or before school begins."""
_SUMMER, _SCHOOL = (6, 18), (8, 24)
_TOP_UPS = 700
"""How many per mille of wallets are topped up in a month."""
_DAYS = 28
"""Transfers of a month happen on its first days, which every month has."""

_SENDING = {"YOUNG_PROFESSIONAL": 240, "FAMILY": 180, "BUDGET_CONSCIOUS": 150, "TECH_SAVVY": 300, "AFFLUENT": 260,
            "SENIOR": 110, "STUDENT": 260}  # fmt: skip
"""How likely somebody sends money to another customer, for each of two occasions a month."""
_OCCASIONS = 2
_FRIENDS = 12
"""Friends stand at most so far apart in the chunk's order of nationalities."""
_EIDIYA = 60
"""How likely somebody sends an Eidiya on a day of Eid."""
_WAMD_LEAST, _WAMD_MOST = 1 * _DINAR, 1_000 * _DINAR
_TOLD = ("Dinner", "Shared bill", "Gift", "Diwaniya", "Trip", "Family", "Loan back", "Rent share")
_TOLD_WEIGHTS = Weights([26, 20, 12, 10, 6, 16, 6, 4])
_FOR_THE_FAMILY = 5
"""From this one on they are larger sums."""

_SAVE, _TAKE_BACK, _TOP_UP, _SEND, _SEND_EIDIYA = 0, 1, 2, 4, 8
"""Kinds of transfers in keys; of those between customers one for each occasion."""


def move(people: People, accounts: Accounts, window: Window, texts: Texts, *, seed: int) -> Movements:
    """All transfers of a chunk: both sides of each, with keys of their own."""
    maker = _Maker(people, accounts, window, texts, seed)
    maker.save()
    maker.take_back()
    maker.top_up()
    maker.send()
    maker.send_eidiya()
    return Movements.joined(maker.blocks)


def transfer_ids(movements: Movements, *, seed: int) -> list[str | None]:
    """The public id of the transfer that each movement is one side of."""
    paired = np.flatnonzero(movements.pair >= 0)
    # Both sides of a pair have keys that differ in the lowest bit alone, see `_Maker._pairs`.
    ids = uuids(seed, "transfer", movements.key[paired] >> 1)
    found: list[str | None] = [None] * movements.count
    for place, transfer_id in zip(paired.tolist(), ids, strict=True):
        found[place] = transfer_id
    return found


def records(
    posted: Posted, accounts: Accounts, users: Sequence[str], texts: Texts, *, seed: int
) -> list[dict[str, object]]:
    """The records of the collection `transfers`, in order of time.

    Args:
        posted: the movements of the chunk.
        accounts: those of the chunk.
        users: the public id of each customer's user, by position.
        texts: where the descriptions of the movements stand; a transfer's reference is that of its movements.
        seed: the ecosystem's.
    """
    movements = posted.movements
    ids = transfer_ids(movements, seed=seed)
    paired = np.flatnonzero(movements.pair >= 0)
    order = paired[np.lexsort((movements.credit[paired], movements.pair[paired]))]
    payer, receiver = order[::2], order[1::2]
    assert (movements.pair[payer] == movements.pair[receiver]).all()
    in_time = np.argsort(payer, kind="stable")
    payer, receiver = payer[in_time], receiver[in_time]
    return [
        {
            "transfer_id": ids[debit],
            "user_id": users[accounts.holder[paying]],
            "from_account_id": accounts.id[paying],
            "to_account_id": accounts.id[receiving],
            "to_iban": accounts.iban[receiving],
            "amount": format_fils(amount),
            "status": "SETTLED",
            "reference": texts.listed[text],
            "created_at": format_instant(at),
        }
        for debit, paying, receiving, amount, text, at in zip(
            payer.tolist(),
            movements.account[payer].tolist(),
            movements.account[receiver].tolist(),
            movements.amount[payer].tolist(),
            movements.text[payer].tolist(),
            movements.at[payer].tolist(),
            strict=True,
        )
    ]


class _Maker:
    """Collects pairs of movements; their numbers count up through the chunk."""

    def __init__(self, people: People, accounts: Accounts, window: Window, texts: Texts, seed: int) -> None:
        self._people = people
        self._of = accounts.of
        self._window = window
        self._texts = texts
        self._seed = seed
        self._pairs_made = 0
        self._months = due_months(window)
        self._number = np.array([month.year * 12 + month.month for month in self._months], dtype=np.int64)
        self._first = month_starts(window)
        self._paydays = paydays(people, window)
        income = people.income + people.other_income
        fixed = people.rent + people.income * people.remits // _PER_MILLE + instalments(people, seed=seed)
        self._left = np.maximum(income - fixed, 0)
        """What is left of a month's income for everything that is not fixed."""
        stream = Stream(seed, "transfers:saving")
        share = stream.between(_SAVED_LEAST, _SAVED_MOST, people.index, 0)
        saves = stream.chance(_SAVERS, people.index, 1) & (self._of[:, CURRENT] >= 0) & (self._of[:, SAVINGS] >= 0)
        self._saved = np.where(saves, rounded(self._left * share // _PER_MILLE, 5 * _DINAR), 0)
        """What each customer puts by in a month."""
        self.blocks: list[Movements] = []

    def save(self) -> None:
        """From the current account to savings, within three days after the wage."""
        stream = Stream(self._seed, "transfers:saving month")
        who, month = self._cells(self._saved > 0)
        place = (self._people.index[who], self._number[month])
        kept = ~stream.chance(_SKIPPED, *place, 0)
        self._pairs(
            who[kept],
            payer=self._of[who, CURRENT][kept],
            receiver=self._of[who, SAVINGS][kept],
            day=(self._paydays[who, month] + stream.below(4, *place, 1))[kept],
            amount=self._saved[who][kept],
            slot=_SAVE,
            category="SAVINGS",
            text=self._texts.place("To savings"),
        )

    def take_back(self) -> None:
        """Once a year, from savings, some months' worth of them."""
        people, stream = self._people, Stream(self._seed, "transfers:back")
        does = (self._saved > 0) & stream.chance(_BACK, people.index, 0)
        school = (people.dependents > 0) & stream.chance(500, people.index, 1)
        months = np.array([month.month for month in self._months], dtype=np.int64)
        who, month = self._cells(does)
        due = np.where(school[who], _SCHOOL[0], _SUMMER[0]) == months[month]
        who, month = who[due], month[due]
        place = (people.index[who], self._number[month])
        first = self._first[month] + np.where(school[who], _SCHOOL[1], _SUMMER[1]) - 1
        worth = self._saved[who] * stream.between(20, 50, *place, 2) // 10
        self._pairs(
            who,
            payer=self._of[who, SAVINGS],
            receiver=self._of[who, CURRENT],
            day=first + stream.below(14, *place, 3),
            amount=rounded(worth, 10 * _DINAR),
            slot=_TAKE_BACK,
            category="SAVINGS",
            text=self._texts.place("From savings"),
        )

    def top_up(self) -> None:
        """From the current account to the wallet, ten to fifty dinars."""
        people, stream = self._people, Stream(self._seed, "transfers:top-up")
        who, month = self._cells((self._of[:, CURRENT] >= 0) & (self._of[:, WALLET] >= 0) & (self._left > 0))
        place = (people.index[who], self._number[month])
        done = stream.chance(_TOP_UPS, *place, 0)
        who, month = who[done], month[done]
        place = (people.index[who], self._number[month])
        most = np.clip(self._left[who] // 40, 10 * _DINAR, 50 * _DINAR) // (5 * _DINAR)
        self._pairs(
            who,
            payer=self._of[who, CURRENT],
            receiver=self._of[who, WALLET],
            day=self._first[month] + stream.below(_DAYS, *place, 1),
            amount=stream.between(2, most, *place, 2) * 5 * _DINAR,
            slot=_TOP_UP,
            category="TRANSFER",
            text=self._texts.place("Wallet top-up"),
        )

    def send(self) -> None:
        """To a friend or a relative who is a customer too."""
        people, stream = self._people, Stream(self._seed, "transfers:sending")
        chance = np.array([_SENDING[name] for name in SEGMENTS], dtype=np.int64)[people.segment]
        told = np.array([self._texts.place(text) for text in _TOLD], dtype=np.int64)
        for occasion in range(_OCCASIONS):
            who, month = self._cells(self._sociable())
            place = (people.index[who], self._number[month], occasion)
            done = stream.chance(chance[who], *place, 0)
            who, month = who[done], month[done]
            place = (people.index[who], self._number[month], occasion)
            text = stream.choice(_TOLD_WEIGHTS, *place, 1)
            large = text >= _FOR_THE_FAMILY
            share = np.where(large, stream.between(40, 160, *place, 2), stream.between(4, 40, *place, 2))
            amount = self._left[who] * share // _PER_MILLE
            amount = np.where(large, rounded(amount, 5 * _DINAR), rounded(amount, _DINAR // 4))
            self._pairs(
                who,
                payer=self._of[who, CURRENT],
                receiver=self._of[self._friend(who, stream.bits(*place, 3)), CURRENT],
                day=self._first[month] + stream.below(_DAYS, *place, 4),
                amount=np.clip(amount, _WAMD_LEAST, _WAMD_MOST),
                slot=_SEND + occasion,
                category="TRANSFER",
                text=told[text],
            )

    def send_eidiya(self) -> None:
        """Gifts of money on the days of both Eids: five, ten or twenty dinars."""
        people, stream = self._people, Stream(self._seed, "transfers:eidiya")
        days = np.flatnonzero(self._window.eid).astype(np.int64)
        chosen = np.flatnonzero(self._sociable() & (people.income >= 400 * _DINAR)).astype(np.int64)
        who, day = np.repeat(chosen, len(days)), np.tile(days, len(chosen))
        place = (people.index[who], self._window.ordinal[day])
        done = stream.chance(_EIDIYA, *place, 0)
        who, day = who[done], day[done]
        place = (people.index[who], self._window.ordinal[day])
        self._pairs(
            who,
            payer=self._of[who, CURRENT],
            receiver=self._of[self._friend(who, stream.bits(*place, 1)), CURRENT],
            day=day,
            amount=np.array([5, 10, 20], dtype=np.int64)[stream.below(3, *place, 2)] * _DINAR,
            slot=_SEND_EIDIYA,
            category="TRANSFER",
            text=self._texts.place("Eidiya"),
        )

    def _pairs(
        self, who: Int, *, payer: Int, receiver: Int, day: Int, amount: Int, slot: int, category: str, text: Int | int
    ) -> None:
        """Both sides of some transfers; those that one side cannot take do not happen."""
        happens = np.flatnonzero((payer >= 0) & (receiver >= 0) & (payer != receiver) & (day >= 0) & (amount > 0))
        happens = happens[day[happens] < self._window.days]
        who, day, amount = who[happens], day[happens], amount[happens]
        place = (self._people.index[who], self._window.ordinal[day], slot)
        time = Stream(self._seed, "transfers:time").between(_FROM, _UNTIL, *place)
        pair = self._pairs_made + np.arange(len(who), dtype=np.int64)
        self._pairs_made += len(who)
        texts = np.broadcast_to(np.asarray(text, dtype=np.int64), payer.shape)[happens]
        for credit, account in ((False, payer[happens]), (True, receiver[happens])):
            line = Line(
                who=who, account=account, day=day, time=time, amount=amount, slot=slot << 1 | credit, credit=credit,
                channel=MOBILE, category=CATEGORY[category], text=texts, pair=pair,
            )  # fmt: skip
            self.blocks.append(written(line, maker="transfers", people=self._people, window=self._window))

    def _sociable(self) -> Mask:
        able: Mask = (self._of[:, CURRENT] >= 0) & (self._left > 0)
        return able

    def _friend(self, who: Int, drawn: Bits) -> Int:
        """The position of somebody who stands near in the order of nationalities; oneself in a chunk of one."""
        count = self._people.count
        order = np.argsort(self._people.nationality, kind="stable")
        rank = np.empty(count, dtype=np.int64)
        rank[order] = np.arange(count)
        reach = np.uint64(max(min(_FRIENDS, count - 1), 1))
        step = 1 + (drawn % reach).astype(np.int64)
        friend: Int = order[(rank[who] + step) % count]
        return friend

    def _cells(self, mask: Mask) -> tuple[Int, Int]:
        """Customers and due months of the grid, those of a mask."""
        chosen = np.flatnonzero(mask).astype(np.int64)
        months = len(self._months)
        return np.repeat(chosen, months), np.tile(np.arange(months, dtype=np.int64), len(chosen))
