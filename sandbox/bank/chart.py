"""The chart of accounts: the bank's own side of every movement.

Their keys are fixed, so that posting needs no look-up; customers' accounts follow from `FIRST_CUSTOMER_KEY`.
"""

from types import MappingProxyType

CHART = MappingProxyType(
    {
        "equity.opening": 1,
        "cash.vault": 2,
        "cash.atm": 3,
        "nostro.cbk": 4,
        "settlement.knet": 5,
        "suspense.in": 6,
    }
)
"""Ledger accounts by code: opening balances, cash at branches and in machines, the account at the central bank (Central
Bank of Kuwait), card and online settlement through KNET, and what cannot be placed. Add at the end only."""

FIRST_CUSTOMER_KEY = 101

_BY_CHANNEL = {
    "branch": "cash.vault",
    "atm": "cash.atm",
    "cdm": "cash.atm",
    "pos": "settlement.knet",
    "online": "settlement.knet",
    "adjustment": "suspense.in",
}


def counter_account(channel: str | None) -> int:
    """The key of the bank's own account on the other side of a movement that came through `channel`."""
    return CHART[_BY_CHANNEL.get((channel or "").lower(), "nostro.cbk")]
