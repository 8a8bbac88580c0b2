"""Transfers: to savings after payday and back before the summer, top-ups of wallets, money between customers.

Two movements of one `pair` make a transfer: a debit of the payer and a credit of the receiver, at one instant, with the
app. Between customers it follows WAMD, the instant scheme of Kuwait's banks: 1 to 1,000 KD, 3,000 a day at most.
"""

from collections.abc import Sequence

import numpy as np

from sandbox.core import calendar
from sandbox.core.clock import HOUR, MILLISECOND, format_instant
from sandbox.core.money import format_fils
from sandbox.synth.blocks import Line, rounded, written
from sandbox.synth.draws import Bits, Int, Stream, Weights, uuids
from sandbox.synth.model import (
    CATEGORY,
    CURRENT,
    MOBILE,
    NONE,
    SAVINGS,
    SEGMENTS,
    WALLET,
    Accounts,
    Movements,
    People,
    Posted,
    Texts,
)
from sandbox.synth.naming import countries, name_people
from sandbox.synth.purse import ONE, make_purse
from sandbox.synth.recurring import due_months, instalments, month_starts, paydays
from sandbox.synth.references import References
from sandbox.synth.tables import nationalities
from sandbox.synth.window import Mask, Window

__all__ = ["move", "records", "transfer_ids"]

_DINAR = 1_000
_PER_MILLE = 1_000
_FROM, _UNTIL = 9 * HOUR // MILLISECOND, 23 * HOUR // MILLISECOND

_SAVERS = 600
"""How many per mille of those who have both accounts put something by every month."""
_SPENDS = 700 * _DINAR
"""What somebody of ordinary means spends in a month, about."""
_SAVED_LEAST, _SAVED_MOST, _SWEPT = 350, 900, 1_000
"""How much of what is to spare after that, and after all that is fixed, per mille; the wealthy save all of it."""
_SAVED_ANYWAY = 30
"""Per mille of what is left of the income, where hardly anything is to spare."""
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
_FRIENDS_LEAST, _FRIENDS_MOST = 2, 4
"""How many friends somebody has, as far as there are others of the same nationality; Gulf Arabs are as one."""
_RELATIVES = 2
_JUNIORS = 3
_JUNIOR_BY = 12 * 365
"""Who is given an Eidiya is so many days younger, or more."""
_EIDIYA = 120
"""How likely somebody sends an Eidiya on a day of Eid."""
_WAMD_LEAST, _WAMD_MOST = 1 * _DINAR, 1_000 * _DINAR
_TOLD = ("Dinner", "Shared bill", "Gift", "Diwaniya", "Trip", "Family", "Loan back", "Rent share")
_TOLD_WEIGHTS = Weights([26, 20, 12, 10, 6, 16, 6, 4])
_FOR_THE_FAMILY = 5
"""From this one on they are larger sums, for rent and family: but for the family all go to friends."""

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
    posted: Posted, accounts: Accounts, users: Sequence[str], names: Sequence[str], texts: Texts, *, seed: int
) -> list[dict[str, object]]:
    """The records of the collection `transfers`, in order of time.

    Args:
        posted: the movements of the chunk.
        accounts: those of the chunk.
        users: the public id of each customer's user, by position.
        names: what each customer is called, by position.
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
            "to_name": names[accounts.holder[receiving]],
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
        self._references = References(texts, people)
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
        both = (self._of[:, CURRENT] >= 0) & (self._of[:, SAVINGS] >= 0)
        wealthy = people.segment == SEGMENTS.index("AFFLUENT")
        saves = both & (wealthy | stream.chance(_SAVERS, people.index, 1))
        purse = make_purse(people, seed=seed)
        spare = self._left - purse.often * purse.much // ONE * _SPENDS // ONE
        share = np.where(wealthy, _SWEPT, stream.between(_SAVED_LEAST, _SAVED_MOST, people.index, 0))
        saved = np.maximum(spare * share, self._left * _SAVED_ANYWAY) // _PER_MILLE
        self._saved = np.where(saves, rounded(saved, 5 * _DINAR), 0)
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
            text="To savings",
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
            text="From savings",
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
            text="Wallet top-up",
        )

    def send(self) -> None:
        """To a friend or a relative who is a customer too."""
        people, stream = self._people, Stream(self._seed, "transfers:sending")
        chance = np.array([_SENDING[name] for name in SEGMENTS], dtype=np.int64)[people.segment]
        known = _Circle(people, seed=self._seed)
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
            friend = known.chosen(who, text, stream.bits(*place, 3))
            day = self._first[month] + stream.below(_DAYS, *place, 4)
            amount = np.clip(amount, _WAMD_LEAST, _WAMD_MOST)
            for which, name in enumerate(_TOLD):
                mine = np.flatnonzero((text == which) & (friend >= 0))
                self._pairs(
                    who[mine],
                    payer=self._of[who[mine], CURRENT],
                    receiver=self._of[friend[mine], CURRENT],
                    day=day[mine],
                    amount=amount[mine],
                    slot=_SEND + occasion,
                    category="TRANSFER",
                    text=name,
                )

    def send_eidiya(self) -> None:
        """Gifts of money on the days of both Eids, of Gulf Arabs to younger ones: five, ten or twenty dinars."""
        people, stream = self._people, Stream(self._seed, "transfers:eidiya")
        # The Day of Arafah belongs to the holidays, but children are given something on the feast itself.
        days = np.flatnonzero(self._window.eid & ~np.isin(self._window.ordinal, _arafahs(self._window)))
        chosen = np.flatnonzero(self._sociable() & (people.income >= 400 * _DINAR)).astype(np.int64)
        who, day = np.repeat(chosen, len(days)), np.tile(days, len(chosen))
        place = (people.index[who], self._window.ordinal[day])
        done = stream.chance(_EIDIYA, *place, 0)
        who, day = who[done], day[done]
        place = (people.index[who], self._window.ordinal[day])
        young = _picked(_juniors(people)[who], stream.bits(*place, 1))
        who, day, young = who[young >= 0], day[young >= 0], young[young >= 0]
        self._pairs(
            who,
            payer=self._of[who, CURRENT],
            receiver=self._of[young, CURRENT],
            day=day,
            amount=np.array([5, 10, 20], dtype=np.int64)[
                stream.below(3, people.index[who], self._window.ordinal[day], 2)
            ]
            * _DINAR,
            slot=_SEND_EIDIYA,
            category="TRANSFER",
            text="Eidiya",
        )

    def _pairs(
        self, who: Int, *, payer: Int, receiver: Int, day: Int, amount: Int, slot: int, category: str, text: str
    ) -> None:
        """Both sides of some transfers; those that one side cannot take do not happen."""
        happens = np.flatnonzero((payer >= 0) & (receiver >= 0) & (payer != receiver) & (day >= 0) & (amount > 0))
        happens = happens[day[happens] < self._window.days]
        who, day, amount = who[happens], day[happens], amount[happens]
        place = (self._people.index[who], self._window.ordinal[day], slot)
        time = Stream(self._seed, "transfers:time").between(_FROM, _UNTIL, *place)
        pair = self._pairs_made + np.arange(len(who), dtype=np.int64)
        self._pairs_made += len(who)
        texts = self._references.plain(text, who)
        for credit, account in ((False, payer[happens]), (True, receiver[happens])):
            line = Line(
                who=who, account=account, day=day, time=time, amount=amount, slot=slot << 1 | credit, credit=credit,
                channel=MOBILE, category=CATEGORY[category], text=texts, pair=pair,
            )  # fmt: skip
            self.blocks.append(written(line, maker="transfers", people=self._people, window=self._window))

    def _sociable(self) -> Mask:
        able: Mask = (self._of[:, CURRENT] >= 0) & (self._left > 0)
        return able

    def _cells(self, mask: Mask) -> tuple[Int, Int]:
        """Customers and due months of the grid, those of a mask."""
        chosen = np.flatnonzero(mask).astype(np.int64)
        months = len(self._months)
        return np.repeat(chosen, months), np.tile(np.arange(months, dtype=np.int64), len(chosen))


class _Circle:
    """Who knows whom: each customer's friends and relatives are always the same few."""

    def __init__(self, people: People, *, seed: int) -> None:
        nations = _nations(people, seed)
        stream = Stream(seed, "transfers:friends")
        scattered = np.argsort(np.argsort(stream.bits(people.index, 0), kind="stable"), kind="stable")
        many = stream.between(_FRIENDS_LEAST, _FRIENDS_MOST, people.index, 1)
        # Men have men for friends, and women women, but for where one group of them ends.
        group = np.where(_gulf(people), 0, nations)
        friends = _following(np.lexsort((scattered, people.woman, group)), group, steps=_FRIENDS_MOST)
        friends[np.arange(_FRIENDS_MOST)[None, :] >= many[:, None]] = NONE
        families = [name.family.latin for name in name_people(people, seed)]
        family = np.unique(np.array(families), return_inverse=True)[1].astype(np.int64)
        self._relatives = _following(np.lexsort((scattered, family, nations)), nations, steps=_RELATIVES)
        men = people.kuwaiti & ~people.woman
        tenant = people.rent > 0
        self._friends = {
            "": friends,
            "Diwaniya": np.where((friends >= 0) & men[:, None] & men[friends], friends, NONE),
            "Rent share": np.where((friends >= 0) & tenant[:, None] & tenant[friends], friends, NONE),
        }

    def chosen(self, who: Int, told: Int, drawn: Bits) -> Int:
        """Whom each of some payers sends money to for what is told, a place in `_TOLD`; -1 where nobody fits."""
        found = _picked(self._friends[""][who], drawn)
        for place, name in enumerate(_TOLD):
            options = self._relatives if name == "Family" else self._friends.get(name)
            if options is not None:
                found = np.where(told == place, _picked(options[who], drawn), found)
        return found


def _nations(people: People, seed: int) -> Int:
    """A number for the country that each customer is a citizen of."""
    codes = np.array(countries(seed, people.index, people.nationality))
    return np.unique(codes, return_inverse=True)[1].astype(np.int64) + 1


def _gulf(people: People) -> Mask:
    return np.isin(people.nationality, [nationalities().index(code) for code in ("KW", "SA")])


def _arafahs(window: Window) -> list[int]:
    """The ordinals of the Days of Arafah in the years of a window."""
    years = range(window.first.year, window.last.year + 1)
    return [day.toordinal() for year in years for day, name in calendar.holidays(year).items() if "Arafah" in name]


def _following(order: Int, group: Int, *, steps: int) -> Int:
    """By position, those who come next in an order of which groups are runs, each a ring; -1 where it is too short."""
    found = np.full((len(order), steps), NONE, dtype=np.int64)
    for members in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        for step in range(1, min(steps, len(members) - 1) + 1):
            found[members, step - 1] = np.roll(members, -step)
    return found


def _juniors(people: People) -> Int:
    """By position, Gulf Arabs who are much younger, for those who are Gulf Arabs; -1 where there are not so many."""
    found = np.full((people.count, _JUNIORS), NONE, dtype=np.int64)
    members = np.flatnonzero(_gulf(people))
    by_age = members[np.argsort(people.birth[members], kind="stable")]
    first = np.searchsorted(people.birth[by_age], people.birth[by_age] + _JUNIOR_BY)
    for step in range(_JUNIORS):
        place = first + (np.arange(len(by_age)) * _JUNIORS + step) % np.maximum(len(by_age) - first, 1)
        known = place < len(by_age)
        found[by_age[known], step] = by_age[place[known]]
    return found


def _picked(options: Int, drawn: Bits) -> Int:
    """One of the options of each row, which -1 fills up; -1 where there is none."""
    row = np.sort(options, axis=1)[:, ::-1]
    many = (row >= 0).sum(axis=1)
    place = (drawn % np.maximum(many, 1).astype(np.uint64)).astype(np.int64)
    picked: Int = row[np.arange(len(row)), place]
    return picked
