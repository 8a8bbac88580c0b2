"""Small ecosystems to measure: a customer, an account and movements in one line each."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

AS_OF = "2026-01-15T09:00:00Z"
_STATED = "100000.000"


def card(amount: str, channel: str = "POS", *, at: str = "2025-11-03T09:00:00Z", **more: Any) -> dict[str, Any]:
    """A card payment; ONLINE ones and those at a till name a merchant."""
    merchant = {} if channel == "ATM" else {"merchant_name": "Some shop"}
    return _movement(amount, "DEBIT", channel, at) | {"merchant_category": "GROCERIES"} | merchant | more


def income(amount: str, at: str, category: str = "SALARY", **more: Any) -> dict[str, Any]:
    """A salary, or another income."""
    return _movement(amount, "CREDIT", "ONLINE", at) | {"merchant_category": category} | more


def customer(nationality: str | None = "KW", **more: Any) -> dict[str, Any]:
    """A customer, with whatever else the record carries."""
    return {"full_name": "Somebody", "nationality": nationality} | more


def folder_of(
    folder: Path,
    movements: Iterable[dict[str, Any]] = (),
    *,
    customers: Iterable[dict[str, Any]] = ({"full_name": "Somebody"},),
    balance: str = _STATED,
) -> Path:
    """Write customers, an account for each, and movements: on the first one unless `who` says another place."""
    people = [{"customer_id": f"c-{place}", **person} for place, person in enumerate(customers)]
    accounts = [
        {
            "account_id": f"a-{place}",
            "customer_id": f"c-{place}",
            "account_number": f"{200000001 + place}",
            "iban": f"KW{_check_digits(200000001 + place)}SNBK0000000000000{200000001 + place}",
            "account_type": "CURRENT",
            "balance": balance,
            "opened_at": "2020-01-01T09:00:00Z",
        }
        for place in range(len(people))
    ]
    rows = []
    for place, movement in enumerate(movements):
        who = movement.pop("who", 0)
        rows.append({"transaction_id": f"t-{place}", "account_id": f"a-{who}", **movement})
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {"name": folder.name, "title": "Made to be measured", "as_of": AS_OF}
    for name, value in (
        ("ecosystem", manifest),
        ("customers", people),
        ("accounts", accounts),
        ("transactions", rows),
    ):
        (folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
    return folder


def _movement(amount: str, direction: str, channel: str, at: str) -> dict[str, Any]:
    return {"amount": amount, "direction": direction, "status": "COMPLETED", "channel": channel, "booked_at": at}


def _check_digits(number: int) -> str:
    letters = f"SNBK0000000000000{number}KW00"
    return f"{98 - int(''.join(str(int(letter, 36)) for letter in letters)) % 97:02d}"
