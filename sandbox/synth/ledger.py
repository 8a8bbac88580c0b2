"""Posting: the movements of all makers in order of time, what became of each, and balances that break no limit.

No payment is invented or thrown away here, but for those outside of the time that is generated: payments that would
be too much for an account raise what it holds when the window begins. Cards are declined now and then, rather where
money is short; the payments of the last days wait to be booked; a few are taken back.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from sandbox.core.clock import DAY, HOUR, KUWAIT_OFFSET, MILLISECOND
from sandbox.synth.calibration import card_payments
from sandbox.synth.draws import Bits, Int, Stream, uuids
from sandbox.synth.model import (
    ATM,
    CATEGORY,
    COMPLETED,
    CURRENT,
    FAILED,
    NONE,
    ONLINE,
    PENDING,
    POS,
    REVERSED,
    WALLET,
    Accounts,
    Movements,
    People,
    Posted,
    Texts,
)
from sandbox.synth.window import EPOCH_ORDINAL, Mask, Window

__all__ = ["DECLINED", "post"]

_DINAR = 1_000
_PER_MILLE = 1_000

_FAILED, _FAILED_WHEN_SHORT = 16, 170
"""How many per mille of card payments are declined, and how many where money is short."""
DECLINED = ("insufficient funds", "wrong PIN", "daily limit exceeded", "card expired", "not confirmed in time",
            "suspected fraud", "terminal could not reach the bank")  # fmt: skip
"""Why; the first wherever the account does not hold the amount, or does not hold it a few times."""
_INSUFFICIENT, _PIN, _LIMIT, _EXPIRED, _UNCONFIRMED, _FRAUD, _TERMINAL = range(len(DECLINED))
_TRIED_AT_MOST, _TRIED_FOR_AT_MOST = 6, 250 * _DINAR
"""Money is short where so many times the amount would be too much, and that is not more than people carry home."""
_ONE_PRICE = tuple(CATEGORY[name] for name in ("REMITTANCE", "UTILITIES", "FUEL"))
"""Nobody tries to pay a bill or a tank some times over."""
_REASONS = {
    POS: (0, 50, 60, 10, 0, 15, 12),
    ONLINE: (0, 0, 60, 12, 45, 20, 0),
    ATM: (0, 55, 70, 8, 0, 0, 14),
}
"""How likely each reason is, where `_fitting` lets it be."""
_LIMIT_FROM = 300 * _DINAR
"""Below that on a day, the attempt included, nobody is over a card's daily limit; nor with a small attempt."""
_PIN_FROM = 25 * _DINAR
"""Below that shops ask for no PIN: cards are only held to the terminal."""
_FRAUD_FROM = 100 * _DINAR
_EXPIRED_FOR = 5 * DAY
"""So long nothing is paid with a card that has expired, until the new one is there."""
_PENDING = (650, 350, 120)
"""How likely a payment of today, of yesterday and of the day before still waits to be booked."""
_REVERSED = 4
_REVERSED_WITHIN = 10
"""Refunds come one to ten days later, with the bookings of the night."""
_CUSHION_LEAST, _CUSHION_MOST = 10, 90
"""The lowest point that an account is raised to, per mille of a month's income; at least some dinars."""
_AT_LEAST = (1 * _DINAR, 12 * _DINAR)
_FOR_DEMOS = 300 * _DINAR
"""Whoever signs in as a demo login can pay something, on whichever day: so much, or a month's income."""
_COIN = 5


class _Entries(NamedTuple):
    """What changes accounts, in order of account and instant."""

    order: Int
    """Places: first come those of movements, then, from the number of movements on, those of refunds."""
    back: Int
    """The movement that each refund takes back."""
    used: Int
    """The accounts that have entries."""
    first: Int
    """Where the entries of each of those begin."""
    length: Int
    """How many each of those has."""


def post(
    blocks: list[Movements], people: People, accounts: Accounts, window: Window, texts: Texts, *, seed: int
) -> Posted:
    """All movements of a chunk until `as_of`, in order of time.

    Those after `as_of` and those of days before their customer joined are left out, the other side of a transfer too.
    """
    movements = _in_time(_within(_apart(Movements.joined(blocks)), people, accounts, window))
    assert (np.diff(np.sort(movements.key)) > 0).all(), "two movements share a key"
    signed = np.where(movements.credit, movements.amount, -movements.amount)
    status, reversed_at = _fates(movements, window, seed=seed)
    entries = _entries(movements, reversed_at)
    lowest, spendable = _spendable(entries, signed, status=status, accounts=accounts)
    opening = _openings(lowest, people, accounts, seed=seed)
    # What was there before the payment, were it booked at once.
    there = spendable + (opening + accounts.overdraft)[movements.account] - signed
    short = _times(there, movements) > 0
    status = _declined(movements, short, status=status, seed=seed)
    reversed_at[status != REVERSED] = 0
    lowest, _ = _spendable(entries, signed, status=status, accounts=accounts)
    opening = _openings(lowest, people, accounts, seed=seed)
    booked = np.where((status == COMPLETED) | (status == REVERSED), signed, 0)
    after = _running(entries, booked, back=status == REVERSED) + opening[movements.account]
    balance = opening.copy()
    np.add.at(balance, movements.account, np.where(status == COMPLETED, signed, 0))
    movements = _reasoned(
        movements, status=status, after=after, accounts=accounts, until=window.as_of, texts=texts, seed=seed
    )
    return Posted(
        movements=movements,
        id=uuids(seed, "transaction", movements.key),
        status=status,
        reversed_at=reversed_at,
        disputed=np.zeros(movements.count, dtype=np.bool_),
        balance=balance,
        after=after,
    )


def _apart(movements: Movements) -> Movements:
    """The same movements a few milliseconds apart, so that no account has two at one instant."""
    at = movements.at // MILLISECOND * MILLISECOND
    if not movements.count:
        return movements
    other = _other_sides(movements.pair)
    # An account and a millisecond in one number, which sorts faster than two columns.
    shift = np.int64(int(movements.account.max()) + 1)
    while True:
        place = at // MILLISECOND * shift + movements.account
        order = np.argsort(place, kind="stable")
        same = np.flatnonzero(place[order][1:] == place[order][:-1])
        if not len(same):
            return dataclasses.replace(movements, at=at)
        # Of those that fall together the one with the largest key moves on, and with it the other side of a transfer.
        either = np.stack([order[same], order[same + 1]])
        late = np.where(movements.key[either[0]] > movements.key[either[1]], either[0], either[1])
        late = np.unique(np.concatenate([late, other[late][other[late] >= 0]]))
        at[late] += MILLISECOND


def _other_sides(pair: Int) -> Int:
    """The place of the other side of each movement's transfer, -1 where there is none."""
    other = np.full(len(pair), NONE, dtype=np.int64)
    paired = np.flatnonzero(pair >= 0)
    order = paired[np.argsort(pair[paired], kind="stable")]
    one, two = order[::2], order[1::2]
    assert len(one) == len(two), "a transfer has two sides"
    assert (pair[one] == pair[two]).all(), "a transfer has two sides"
    other[one], other[two] = two, one
    return other


def _within(movements: Movements, people: People, accounts: Accounts, window: Window) -> Movements:
    joined = (people.joined - EPOCH_ORDINAL) * DAY - KUWAIT_OFFSET
    kept = (movements.at <= window.as_of) & (movements.at >= joined[accounts.holder[movements.account]])
    other = _other_sides(movements.pair)
    kept &= (other < 0) | kept[other]
    return movements if kept.all() else movements.taken(kept)


def _in_time(movements: Movements) -> Movements:
    return movements.taken(np.lexsort((movements.key, movements.at)))


def _fates(movements: Movements, window: Window, *, seed: int) -> tuple[Int, Int]:
    """What becomes of each movement, but for those that are declined, and when it is taken back."""
    sent_home = movements.category == CATEGORY["REMITTANCE"]
    shop = np.flatnonzero(card_payments(movements) & (movements.channel != ATM) & ~sent_home)
    key, at = movements.key[shop], movements.at[shop]
    fate = np.full(len(shop), COMPLETED, dtype=np.int64)
    days = (window.as_of - at) // DAY
    waiting = np.array([*_PENDING, 0], dtype=np.int64)[np.minimum(days, len(_PENDING))]
    fate[Stream(seed, "ledger:pending").chance(waiting, key)] = PENDING
    stream = Stream(seed, "ledger:reversed")
    chosen = np.flatnonzero(stream.chance(_REVERSED, key, 0) & (fate == COMPLETED))
    later = stream.between(1, _REVERSED_WITHIN, key[chosen], 1)
    night = stream.between(HOUR // MILLISECOND, 3 * HOUR // MILLISECOND, key[chosen], 2) * MILLISECOND
    midnight = (at[chosen] + KUWAIT_OFFSET) // DAY * DAY - KUWAIT_OFFSET
    back = midnight + later * DAY + night
    happens = (back <= window.as_of) & (back > at[chosen])
    fate[chosen[happens]] = REVERSED
    status = np.full(movements.count, COMPLETED, dtype=np.int64)
    status[shop] = fate
    reversed_at = np.zeros(movements.count, dtype=np.int64)
    reversed_at[shop[chosen[happens]]] = back[happens]
    return status, reversed_at


def _declined(movements: Movements, short: Mask, *, status: Int, seed: int) -> Int:
    """The same fates with some card payments FAILED, more of them where money is short."""
    # Money sent home is sent again until it has arrived: it counts once.
    paid = np.flatnonzero(card_payments(movements) & (movements.category != CATEGORY["REMITTANCE"]))
    chance = np.where(short[paid], _FAILED_WHEN_SHORT, _FAILED)
    fails = paid[Stream(seed, "ledger:failed").chance(chance, movements.key[paid])]
    status = status.copy()
    status[fails] = FAILED
    return status


def _entries(movements: Movements, reversed_at: Int) -> _Entries:
    back = np.flatnonzero(reversed_at)
    account = np.concatenate([movements.account, movements.account[back]])
    # Stable, so that a refund comes after a payment at the same instant: nobody spends it before it is there.
    in_time = np.argsort(np.concatenate([movements.at, reversed_at[back]]), kind="stable")
    order = in_time[np.argsort(account[in_time], kind="stable")]
    used, first, length = np.unique(account[order], return_index=True, return_counts=True)
    return _Entries(order, back, used, first, length)


def _running(entries: _Entries, signed: Int, *, back: Mask) -> Int:
    """What the entries of an account sum up to, after each movement.

    Args:
        entries: those of all accounts.
        signed: what each movement changes.
        back: which movements are taken back in the end.
    """
    return _sums(entries, signed, back=back)[: len(signed)]


def _sums(entries: _Entries, signed: Int, *, back: Mask) -> Int:
    """The running sum within the account after each entry, by place."""
    changes = np.concatenate([signed, np.where(back[entries.back], -signed[entries.back], 0)])
    total = np.cumsum(changes[entries.order])
    before = total[entries.first] - changes[entries.order[entries.first]]
    sums = np.empty(len(changes), dtype=np.int64)
    sums[entries.order] = total - np.repeat(before, entries.length)
    return sums


def _spendable(entries: _Entries, signed: Int, *, status: Int, accounts: Accounts) -> tuple[Int, Int]:
    """The lowest point of each account, and what can be spent after each movement, were accounts to begin with nothing.

    Unlike the booked balance it is less by what waits to be booked.
    """
    sums = _sums(entries, np.where(status == FAILED, 0, signed), back=status == REVERSED)
    lowest = np.zeros(accounts.count, dtype=np.int64)
    if len(entries.used):
        lowest[entries.used] = np.minimum.reduceat(sums[entries.order], entries.first)
    return np.minimum(lowest, 0), sums[: len(signed)]


def _openings(lowest: Int, people: People, accounts: Accounts, *, seed: int) -> Int:
    """What each account holds when the window begins: as much as it should, and enough to stay within its limit."""
    stream = Stream(seed, "ledger:cushion")
    place = (people.index[accounts.holder], accounts.kind)
    cushion = _income(people, accounts) * stream.between(_CUSHION_LEAST, _CUSHION_MOST, *place, 0) // _PER_MILLE
    demo = (people.cast[accounts.holder] != NONE) & (accounts.kind == CURRENT)
    cushion = np.where(demo, np.minimum(_income(people, accounts), _FOR_DEMOS), cushion)
    cushion = np.where(accounts.kind == WALLET, 0, cushion) + stream.between(*_AT_LEAST, *place, 1)
    needed = cushion // _COIN * _COIN - accounts.overdraft - lowest
    return np.where(lowest < 0, np.maximum(accounts.opening, needed), accounts.opening)


def _income(people: People, accounts: Accounts) -> Int:
    """What the holder of each account has a month."""
    return (people.income + people.other_income)[accounts.holder]


def _times(there: Int, movements: Movements) -> Int:
    """How many times an amount somebody tries to pay who has too little for it; 0 where there is enough.

    A multiple of a price is a price too: of notes from a machine, of meals.
    """
    amount = movements.amount
    times = np.maximum(there, 0) // amount + 1
    more = (times <= _TRIED_AT_MOST) & (amount * times <= _TRIED_FOR_AT_MOST)
    short = (times == 1) | (more & ~np.isin(movements.category, _ONE_PRICE))
    return np.where(short, times, 0)


def _reasoned(
    movements: Movements, *, status: Int, after: Int, accounts: Accounts, until: int, texts: Texts, seed: int
) -> Movements:
    """The movements, those that failed with the reason; what an account could not pay is said to have been more."""
    failed = np.flatnonzero(status == FAILED)
    attempts = movements.taken(failed)
    times = _times(after[failed] + accounts.overdraft[attempts.account], attempts)
    lacks = times > 0
    tried_for = np.where(lacks, attempts.amount * times, attempts.amount)
    drawn = Stream(seed, "ledger:reason").bits(attempts.key)
    reason = np.where(lacks, _INSUFFICIENT, _likely(_fitting(movements, status, failed, until=until), drawn))
    places = np.array([texts.place(f"Declined: {name}") for name in DECLINED], dtype=np.int64)
    text, tried = movements.text.copy(), movements.amount.copy()
    text[failed] = places[reason]
    tried[failed] = tried_for
    return dataclasses.replace(movements, text=text, amount=tried)


def _fitting(movements: Movements, status: Int, failed: Int, *, until: int) -> Int:
    """How likely each reason is for each of the movements that failed, by [failed, reason]: 0 where it makes no sense.

    Args:
        movements: all, in order of time.
        status: what became of them.
        failed: the places of those that failed.
        until: the instant of `as_of`.
    """
    channel, amount = movements.channel[failed], movements.amount[failed]
    online, machine = channel == ONLINE, channel == ATM
    spent, idle = _around(movements, status, failed, until=until)
    likely = np.zeros((len(failed), len(DECLINED)), dtype=np.int64)
    for which, weights in _REASONS.items():
        likely[channel == which] = weights
    likely[~(machine | (amount >= _PIN_FROM)), _PIN] = 0
    likely[(spent + amount < _LIMIT_FROM) | (amount < _PIN_FROM), _LIMIT] = 0
    likely[idle < _EXPIRED_FOR, _EXPIRED] = 0
    likely[~(online | (amount >= _FRAUD_FROM) | (movements.country[failed] >= 0)), _FRAUD] = 0
    return likely


def _around(movements: Movements, status: Int, failed: Int, *, until: int) -> tuple[Int, Int]:
    """What had been paid by card that day before each attempt, and how long no card of the account is used after it."""
    cards = np.flatnonzero(card_payments(movements))
    cards = cards[np.argsort(movements.account[cards], kind="stable")]
    account, at = movements.account[cards], movements.at[cards]
    ends = np.append(np.diff(account) != 0, [True] * bool(len(cards)))
    following = np.where(ends, until, np.append(at[1:], until)[: len(at)])
    day = (at + KUWAIT_OFFSET) // DAY
    begins = np.append([True] * bool(len(cards)), (np.diff(account) != 0) | (np.diff(day) != 0))
    paid = np.where(status[cards] == FAILED, 0, movements.amount[cards])
    before = np.cumsum(paid) - paid
    first = np.maximum.accumulate(np.where(begins, np.arange(len(cards)), 0))
    spent, idle = (np.zeros(movements.count, dtype=np.int64) for _ in range(2))
    spent[cards], idle[cards] = before - before[first], following - at
    return spent[failed], idle[failed]


def _likely(weights: Int, drawn: Bits) -> Int:
    """One of the columns of each row, by its weights."""
    total = np.maximum(weights.sum(axis=1), 1).astype(np.uint64)
    value = (((drawn >> np.uint64(32)) * total) >> np.uint64(32)).astype(np.int64)
    return np.asarray((np.cumsum(weights, axis=1) <= value[:, None]).sum(axis=1), dtype=np.int64)
