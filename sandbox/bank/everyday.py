"""Everyday life in Kuwait: where one spends money, and how much it costs there.

The merchants are invented, their categories and prices are not (research notes, banking 4.7): co-operative societies
sell most groceries, petrol costs 85 and 105 fils a litre, cash comes in notes of 5, 10 and 20 dinars. What is spent is
drawn from the sandbox, so that the same bank lives the same month each time.
"""

from collections.abc import Callable
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from sandbox.bank.access import find_account
from sandbox.bank.actors import holder
from sandbox.bank.movements import Merchant, purchase
from sandbox.core.ids import Draws
from sandbox.core.vocabulary import AccountStatus, Channel, Severity
from sandbox.store.work import Work


class Habit(StrEnum):
    """What one spends money on."""

    GROCERIES = "groceries"
    FUEL = "fuel"
    RESTAURANT = "restaurant"
    COFFEE = "coffee"
    DELIVERY = "delivery"
    TELECOM = "telecom"
    PHARMACY = "pharmacy"
    UTILITIES = "utilities"
    CINEMA = "cinema"
    CASH = "cash"


class Spending(NamedTuple):
    """Where a habit is followed, and what it costs, in fils."""

    places: tuple[Merchant, ...]
    channel: Channel
    price: Callable[[Draws], int]


def _between(least: int, most: int, step: int) -> Callable[[Draws], int]:
    """Prices from `least` to `most` fils in whole steps, small ones more often than large ones."""
    steps = (most - least) // step + 1
    return lambda draws: least + min(draws.below(steps), draws.below(steps)) * step


def _tank(draws: Draws) -> int:
    """Litres of petrol at the pump's price."""
    litre = draws.choice((85, 85, 105))
    return litre * (18 + draws.below(38))


def _one_of(*amounts: int) -> Callable[[Draws], int]:
    return lambda draws: draws.choice(amounts)


SPENDING = MappingProxyType(
    {
        Habit.GROCERIES: Spending(
            (
                Merchant("Nakheel Co-operative Society", "GROCERIES", "5411"),
                Merchant("Rawabi Co-operative Society", "GROCERIES", "5411"),
                Merchant("Malabar Basket", "GROCERIES", "5411"),
            ),
            Channel.POS,
            _between(2_450, 38_900, 5),
        ),
        Habit.FUEL: Spending((Merchant("Sidra Petrol Station", "FUEL", "5541"),), Channel.POS, _tank),
        Habit.RESTAURANT: Spending(
            (
                Merchant("Diwan Al Bahar Restaurant", "RESTAURANTS", "5812"),
                Merchant("Backwater Kitchen", "RESTAURANTS", "5812"),
                Merchant("Machboos House", "RESTAURANTS", "5812"),
            ),
            Channel.POS,
            _between(3_250, 24_500, 50),
        ),
        Habit.COFFEE: Spending(
            (Merchant("Gahwa Corner", "RESTAURANTS", "5814"), Merchant("Dallah Roasters", "RESTAURANTS", "5814")),
            Channel.POS,
            _between(950, 2_850, 50),
        ),
        Habit.DELIVERY: Spending(
            (Merchant("Tawseel Bites", "RESTAURANTS", "5812"),), Channel.ONLINE, _between(2_750, 11_250, 50)
        ),
        Habit.TELECOM: Spending(
            (Merchant("Rahal Telecom", "TELECOM", "4814"),),
            Channel.ONLINE,
            _one_of(5_000, 8_000, 10_000, 12_000, 15_000, 20_000),
        ),
        Habit.PHARMACY: Spending(
            (Merchant("Shifa Corner Pharmacy", "PHARMACY", "5912"),), Channel.POS, _between(1_150, 14_750, 5)
        ),
        Habit.UTILITIES: Spending(
            (Merchant("Noor Bill Payments", "UTILITIES", "4900"),), Channel.ONLINE, _between(8_000, 36_000, 250)
        ),
        Habit.CINEMA: Spending(
            (Merchant("Shasha Cinema", "ENTERTAINMENT", "7832"),), Channel.ONLINE, _one_of(3_500, 4_000, 7_000, 8_000)
        ),
        Habit.CASH: Spending(
            (Merchant(None, "CASH", "6011"),), Channel.ATM, _one_of(10_000, 20_000, 20_000, 40_000, 50_000, 100_000)
        ),
    }
)
"""By habit. Two places of one habit are chosen from by a draw."""


def spend(work: Work, account_id: str, habit: Habit, *, chance: int) -> int | None:
    """Follow a habit once, with a chance in percent; how many fils were spent, or None.

    Nobody is refused here: an account that is not ACTIVE or holds too little is declined at the till, which leaves a
    line in the audit trail.

    Raises:
        NotFoundError: no such account, or its holder has no user.
    """
    actor = holder(work, account_id)
    if work.draws.below(100) >= chance:
        return None
    spending = SPENDING[habit]
    place = work.draws.choice(spending.places)
    amount = spending.price(work.draws)
    row = find_account(work, account_id)
    assert row is not None, "the account of a holder"
    available = row.credits_posted - row.debits_posted - row.debits_pending + row.overdraft_limit
    if row.status != AccountStatus.ACTIVE or available < amount:
        work.audit("PURCHASE_DECLINED", user=actor.user, ip_address=None, related=account_id, severity=Severity.WARNING)
        return None
    description = "Cash withdrawal" if habit is Habit.CASH else None
    purchase(work, account_id, amount, place, channel=spending.channel, description=description)
    return amount
