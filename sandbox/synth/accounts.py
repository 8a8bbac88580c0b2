"""Which accounts the customers of a chunk hold, what they are called, and what they should hold at first.

Numbers, IBANs and ids follow from the seed, the customer's index and the kind of account alone, since developers write
them into their apps; only the days on which accounts were opened look at the window, which they lie before. How many
accounts of a kind there are is exact within one for every chunk, however small: shares are laid out, not thrown for.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np

from sandbox.core import iban
from sandbox.core.clock import DAY, HOUR, MINUTE, SECOND, day_start, format_instant
from sandbox.core.money import format_fils
from sandbox.synth.cast import CAST
from sandbox.synth.draws import Int, Stream, bounded_lognormal, uuids
from sandbox.synth.model import (
    ACCOUNT_STATUSES,
    ACCOUNT_TYPES,
    CURRENT,
    FIXED_DEPOSIT,
    NONE,
    SAVINGS,
    SECTORS,
    SEGMENTS,
    WALLET,
    Accounts,
    People,
)
from sandbox.synth.people import day_limit, while_open
from sandbox.synth.phrases import phrases
from sandbox.synth.window import Mask, Window

__all__ = ["ACTIVE", "CLOSED", "DORMANT", "FROZEN", "make_accounts", "records"]

ACTIVE, FROZEN, DORMANT, CLOSED = range(len(ACCOUNT_STATUSES))
_KINDS = len(ACCOUNT_TYPES)
_DINAR = 1_000
_PER_MILLE = 1_000

_SHARES = {
    SAVINGS: (650, {"YOUNG_PROFESSIONAL": 65, "FAMILY": 75, "BUDGET_CONSCIOUS": 50, "TECH_SAVVY": 65, "AFFLUENT": 95,
                    "SENIOR": 80, "STUDENT": 35}),
    WALLET: (400, {"YOUNG_PROFESSIONAL": 60, "FAMILY": 30, "BUDGET_CONSCIOUS": 35, "TECH_SAVVY": 75, "AFFLUENT": 30,
                   "SENIOR": 8, "STUDENT": 80}),
    FIXED_DEPOSIT: (120, {"YOUNG_PROFESSIONAL": 4, "FAMILY": 10, "BUDGET_CONSCIOUS": 3, "TECH_SAVVY": 5,
                          "AFFLUENT": 70, "SENIOR": 35, "STUDENT": 1}),
}  # fmt: skip
"""How many per mille have an account of a kind, and how much likelier one segment is to than another."""
_SHARE_AT_MOST = 970
_OUT_OF_USE = ((FROZEN, 15), (DORMANT, 45), (CLOSED, 35))
"""How many per mille of savings and wallets are in another status than ACTIVE."""

_NICKNAMES_FOR = {
    "Salary": ("wage",), "الراتب": ("wage",), "حساب الراتب": ("wage",), "Salary and rent": ("wage", "rent"),
    "Children": ("dependents",), "مستقبل الأولاد": ("dependents",), "توفير العائلة": ("dependents",),
    "Family deposit": ("dependents",), "وديعة العائلة": ("dependents",),
}  # fmt: skip
"""What a holder must have for a nickname."""

_NUMBERS = 10**9
_NUMBER_STEP = 387_420_489
"""3**18: no factor in common with the count of numbers, so that the steps visit each once."""
_FIRST_NUMBER = 2 * _NUMBERS
"""Account numbers have ten digits and start with 2."""

_OPENED_LAST = date(2025, 11, 30).toordinal()
_WALLETS_SINCE = date(2019, 3, 3).toordinal()
_MARGIN = 4
"""Days before the month in which the window begins."""
_DEPOSIT_LEAST, _DEPOSIT_MOST, _DEPOSIT_RANGE = 92, 880, 360
"""A deposit runs since so many days before `as_of`; the last is how much choice there is in the longest windows."""
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()

_IN_HAND = bounded_lognormal(380, 0.6, least=60, most=2_200)
"""What a current account holds between two wages, per mille of a month's income."""
_SAVED = bounded_lognormal(1_900, 0.8, least=150, most=12_000)
_DEPOSITED = bounded_lognormal(7_000, 0.45, least=2_500, most=16_000)
_IN_WALLET = bounded_lognormal(22 * _DINAR, 0.7, least=3 * _DINAR, most=150 * _DINAR)
_FORGOTTEN = bounded_lognormal(60 * _DINAR, 1.0, least=2 * _DINAR, most=900 * _DINAR)
"""What is left on an account that nobody uses any more, in fils."""
_LIVELIHOOD = 180 * _DINAR
"""What somebody without any income of their own is given a month."""
_DEPOSIT_STEP = 500 * _DINAR
_OVERDRAFT_STEP = 100 * _DINAR
_OVERDRAFT_AT_MOST = 1_000 * _DINAR


def make_accounts(people: People, window: Window, *, seed: int) -> Accounts:
    """The accounts of the customers of a chunk, in the order of their holders and, of one, in that of kinds."""
    holder, kind = (column.astype(np.int64) for column in np.nonzero(_held(people, seed)))
    key = people.index[holder] * _KINDS + kind
    status = _statuses(people, holder, kind=kind, key=key, seed=seed)
    opened_at = _opened(people, window, holder, kind=kind, key=key, seed=seed)
    assert opened_at.max(initial=0) < window.start[0]
    numbers = [str(number) for number in (_FIRST_NUMBER + _scattered(key, seed)).tolist()]
    of = np.full((people.count, _KINDS), NONE, dtype=np.int64)
    active = np.flatnonzero(status == ACTIVE)
    of[holder[active], kind[active]] = active
    return Accounts(
        holder=holder,
        kind=kind,
        status=status,
        opened_at=opened_at,
        overdraft=_overdrafts(people, holder, kind=kind, key=key, seed=seed),
        opening=_openings(people, holder, kind=kind, status=status, key=key, seed=seed),
        id=uuids(seed, "account", key),
        number=numbers,
        iban=[iban.make(number) for number in numbers],
        nickname=_nicknames(people, holder, kind=kind, key=key, seed=seed),
        of=of,
    )


def records(accounts: Accounts, customer_ids: Sequence[str], balance: Int) -> list[dict[str, object]]:
    """The accounts as `accounts.json` has them; fields at their defaults are left out.

    Args:
        accounts: those of a chunk.
        customer_ids: the public ids of the chunk's customers, by position.
        balance: the booked balance of each account at `as_of`, in fils.
    """
    columns = zip(
        accounts.holder.tolist(), accounts.kind.tolist(), accounts.status.tolist(), accounts.opened_at.tolist(),
        accounts.overdraft.tolist(), balance.tolist(), accounts.id, accounts.number, accounts.iban, accounts.nickname,
        strict=True,
    )  # fmt: skip
    found: list[dict[str, object]] = []
    for holder, kind, status, opened_at, overdraft, fils, account_id, number, its_iban, nickname in columns:
        row: dict[str, object] = {
            "account_id": account_id,
            "customer_id": customer_ids[holder],
            "account_number": number,
            "iban": its_iban,
            "account_type": ACCOUNT_TYPES[kind],
            "balance": format_fils(fils),
            "opened_at": format_instant(opened_at),
        }
        if overdraft:
            row["overdraft_limit"] = format_fils(overdraft)
        if status != ACTIVE:
            row["status"] = ACCOUNT_STATUSES[status]
        if nickname is not None:
            row["nickname"] = nickname
        found.append(row)
    return found


def _held(people: People, seed: int) -> Mask:
    """Who has an account of which kind, by [position, kind]."""
    held = np.zeros((people.count, _KINDS), dtype=np.bool_)
    drawn = people.cast == NONE
    held[:, CURRENT] = drawn
    for kind, (share, likelihoods) in _SHARES.items():
        held[:, kind] = _laid_out(people, drawn, share=share, likelihoods=likelihoods, stream=_stream(seed, kind))
    for position in np.flatnonzero(~drawn).tolist():
        pinned = CAST[people.cast[position]].accounts
        held[position] = [name in pinned for name in ACCOUNT_TYPES]
    return held


def _stream(seed: int, kind: int) -> Stream:
    return Stream(seed, f"accounts:held:{ACCOUNT_TYPES[kind]}")


def _laid_out(people: People, among: Mask, *, share: int, likelihoods: dict[str, int], stream: Stream) -> Mask:
    """Exactly `share` per mille of some customers, the likelier ones rather, in an order that is drawn.

    Systematic sampling: chances are summed up along the order, and whoever carries the sum over a whole is taken.
    """
    taken = np.zeros(people.count, dtype=np.bool_)
    places = np.flatnonzero(among)
    if not len(places):
        return taken
    order = places[np.argsort(stream.bits(people.index[places]), kind="stable")]
    wanted = share * len(order)
    chance = np.array([likelihoods[name] for name in SEGMENTS], dtype=np.int64)[people.segment[order]] * _PER_MILLE
    for _ in range(4):  # what is cut off at the top is given to the others in the next round
        chance = np.minimum(chance * wanted // chance.sum(), _SHARE_AT_MOST)
    reached = np.cumsum(chance) + int(stream.below(_PER_MILLE, int(people.index[0]), 1)[0])
    taken[order] = reached // _PER_MILLE > (reached - chance) // _PER_MILLE
    return taken


def _statuses(people: People, holder: Int, *, kind: Int, key: Int, seed: int) -> Int:
    """Mostly ACTIVE; of savings and wallets some are not, at least one each where there are enough of them."""
    status = np.full(len(holder), ACTIVE, dtype=np.int64)
    places = np.flatnonzero(((kind == SAVINGS) | (kind == WALLET)) & (people.cast[holder] == NONE))
    order = places[np.argsort(Stream(seed, "accounts:status").bits(key[places]), kind="stable")]
    if len(order) < len(_OUT_OF_USE) * 5:
        return status
    first = 0
    for which, share in _OUT_OF_USE:
        count = -(-len(order) * share // _PER_MILLE)
        status[order[first : first + count]] = which
        first += count
    return status


def _scattered(key: Int, seed: int) -> Int:
    """A number below a thousand million for each key, another for every other key."""
    start = int(Stream(seed, "accounts:number").below(_NUMBERS, 0)[0])
    return (key * _NUMBER_STEP + start) % _NUMBERS


def _opened(people: People, window: Window, holder: Int, *, kind: Int, key: Int, seed: int) -> Int:
    """The first account on the day they joined, at a branch; others later; all before the window, as `people.since`.

    Deposits are renewed: they were opened some months ago, counted from the month of `as_of`.
    """
    stream = Stream(seed, "accounts:opened")
    limit = day_limit(window)
    joined = np.minimum(people.joined[holder], limit)
    since = np.where(kind == WALLET, np.maximum(joined, _WALLETS_SINCE), joined)
    drawn = stream.between(since, np.maximum(since, _OPENED_LAST), key, 0)
    # Who would open it too late did so at some time before.
    earlier = stream.between(since, np.maximum(since, limit), key, 2)
    day = np.where(kind == CURRENT, joined, np.where(drawn <= limit, drawn, earlier))
    month = window.last.replace(day=1).toordinal()
    newest = min(month - _DEPOSIT_LEAST, window.first.replace(day=1).toordinal() - _MARGIN)
    oldest = min(month - _DEPOSIT_MOST, newest - _DEPOSIT_RANGE)
    deposit = stream.between(np.maximum(oldest, joined), np.maximum(newest, joined), key, 3)
    day = np.where(kind == FIXED_DEPOSIT, deposit, day)
    at_branch = kind != WALLET
    day = np.where(at_branch, while_open(day), day)
    open_from = np.where(at_branch, 8 * HOUR + 30 * MINUTE, 9 * HOUR)
    open_until = np.where(at_branch, 13 * HOUR, 23 * HOUR)
    second = stream.between(open_from // SECOND, open_until // SECOND, key, 1)
    midnight = int(day_start(date.fromordinal(_EPOCH_ORDINAL)))
    opened: Int = midnight + (day - _EPOCH_ORDINAL) * DAY + second * SECOND
    return opened


def _livelihood(people: People) -> Int:
    """What comes in a month, in fils."""
    livelihood: Int = np.maximum(people.income + people.other_income, _LIVELIHOOD)
    return livelihood


def _overdrafts(people: People, holder: Int, *, kind: Int, key: Int, seed: int) -> Int:
    """Some citizens may overdraw their current account, by no more than half a month's income."""
    eligible = (kind == CURRENT) & people.kuwaiti[holder] & (people.income[holder] >= 900 * _DINAR)
    limit = np.minimum(people.income[holder] // 2, _OVERDRAFT_AT_MOST) // _OVERDRAFT_STEP * _OVERDRAFT_STEP
    return np.where(eligible & Stream(seed, "accounts:overdraft").chance(250, key), limit, 0)


def _openings(people: People, holder: Int, *, kind: Int, status: Int, key: Int, seed: int) -> Int:
    stream = Stream(seed, "accounts:opening")
    income = _livelihood(people)[holder]
    deposit = income * stream.quantile(_DEPOSITED, key, 2) // _PER_MILLE
    wished = np.select(
        [kind == CURRENT, kind == SAVINGS, kind == WALLET],
        [
            income * stream.quantile(_IN_HAND, key, 0) // _PER_MILLE,
            income * stream.quantile(_SAVED, key, 1) // _PER_MILLE,
            stream.quantile(_IN_WALLET, key, 3),
        ],
        np.maximum(deposit // _DEPOSIT_STEP, 2) * _DEPOSIT_STEP,
    )
    left = np.select([status == CLOSED, status == DORMANT], [0, stream.quantile(_FORGOTTEN, key, 4)], wished)
    # Coins end at five fils, and what was there before is mostly cash and round wages.
    return left // 5 * 5


def _nicknames(people: People, holder: Int, *, kind: Int, key: Int, seed: int) -> list[str | None]:
    stream = Stream(seed, "accounts:nickname")
    named = stream.chance(430, key, 0).tolist()
    drawn = stream.below(2**31, key, 1).tolist()
    arabic = people.arabic[holder].tolist()
    words = phrases()["nicknames"]
    has = _reasons(people)
    found: list[str | None] = []
    for is_named, place, which, in_arabic, whose in zip(
        named, drawn, kind.tolist(), arabic, holder.tolist(), strict=True
    ):
        options = words[ACCOUNT_TYPES[which]]["ar" if in_arabic else "en"]
        # The first one from the drawn place on that fits the holder; some fit everybody.
        ordered = options[place % len(options) :] + options[: place % len(options)]
        fitting = (name for name in ordered if all(has[need][whose] for need in _NICKNAMES_FOR.get(name, ())))
        found.append(next(fitting) if is_named else None)
    return found


def _reasons(people: People) -> dict[str, list[bool]]:
    """Who has what some names of accounts speak of."""
    return {
        "wage": np.isin(people.sector, (SECTORS.index("PUBLIC"), SECTORS.index("PRIVATE"))).tolist(),
        "rent": (people.rent > 0).tolist(),
        "dependents": (people.dependents > 0).tolist(),
    }
