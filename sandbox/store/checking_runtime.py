"""The rules of the two collections that a bank adds while it runs, transfers and holds, and of their movements.

An export carries them, so that it loads as the bank it was: the two sides of a transfer are one journal again, and a
hold knows its movement. Part of `checking`, whose rules they presuppose.
"""

from collections import defaultdict
from collections.abc import Iterator

from sandbox.core.clock import format_instant
from sandbox.core.money import format_fils
from sandbox.core.vocabulary import Direction, HoldStatus, TransactionStatus, TransferStatus
from sandbox.store.fields import Row
from sandbox.store.reading import RawEcosystem

Found = Iterator[tuple[str, int, str, str]]
"""Faults as (collection, position, field, message)."""

MOVEMENT_OF_HOLD = {
    HoldStatus.ACTIVE: (TransactionStatus.PENDING,),
    HoldStatus.POSTED: (TransactionStatus.COMPLETED, TransactionStatus.REVERSED),
    HoldStatus.VOIDED: (TransactionStatus.FAILED,),
    HoldStatus.EXPIRED: (TransactionStatus.FAILED,),
}
"""What the movement of a hold is by the hold's own status."""

_OF_ONE_JOURNAL = (
    "booked_at",
    "status",
    "reversed_at",
    "channel",
    "merchant_name",
    "merchant_category",
    "mcc",
)
"""What the two sides of a transfer share."""


def sides_of_transfers(rows: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """The movements of each transfer, in their order, by the transfer's id."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows["transactions"]:
        if row["transfer_id"] is not None:
            found[row["transfer_id"]].append(row)
    return found


def transfer_faults(raw: RawEcosystem) -> Found:
    """Broken rules of transfers."""
    as_of = raw.manifest.as_of
    for position, row in enumerate(raw.rows["transfers"]):
        if row["amount"] <= 0:
            yield "transfers", position, "amount", "must be more than 0.000"
        if row["fee"] < 0:
            yield "transfers", position, "fee", "must be 0.000 or more"
        if row["created_at"] > as_of:
            yield "transfers", position, "created_at", f"lies after as_of, {format_instant(as_of)}"
        if row["reversed_at"] is not None and row["status"] != TransferStatus.REVERSED:
            yield "transfers", position, "reversed_at", "belongs to REVERSED transfers only"
        if row["status"] == TransferStatus.REJECTED:
            continue
        if row["to_account_id"] is None:
            yield "transfers", position, "to_account_id", "is needed, unless the transfer is REJECTED"
        elif row["to_account_id"] == row["from_account_id"]:
            yield "transfers", position, "to_account_id", "is the account that pays"


def side_faults(raw: RawEcosystem) -> Found:
    """Broken rules between transfers and their movements; only where all movements are known."""
    sides = sides_of_transfers(raw.rows)
    for position, row in enumerate(raw.rows["transfers"]):
        mine = sides[row["transfer_id"]]
        if row["status"] == TransferStatus.REJECTED:
            if mine:
                yield "transfers", position, "status", "a REJECTED transfer moves nothing, but has movements"
            continue
        if {(side["account_id"], side["direction"], side["amount"]) for side in mine} != {
            (row["from_account_id"], Direction.DEBIT, row["amount"]),
            (row["to_account_id"], Direction.CREDIT, row["amount"]),
        } or len(mine) != 2:
            amount = format_fils(row["amount"])
            message = f"its movements must be a DEBIT of the payer and a CREDIT of the receiver, over {amount} each"
            yield "transfers", position, "transfer_id", message
            continue
        differing = [name for name in _OF_ONE_JOURNAL if mine[0][name] != mine[1][name]]
        if differing:
            message = f"its two movements were booked as one, but differ in {', '.join(differing)}"
            yield "transfers", position, "transfer_id", message
        wanted = TransactionStatus.COMPLETED if row["status"] == TransferStatus.SETTLED else TransactionStatus.REVERSED
        if any(side["status"] != wanted for side in mine):
            message = f"its movements must be {wanted.upper()} when it is {row['status'].upper()}"
            yield "transfers", position, "status", message


def hold_faults(raw: RawEcosystem) -> Found:
    """Broken rules of holds."""
    as_of = raw.manifest.as_of
    movements = {row["transaction_id"]: row for row in raw.rows["transactions"]}
    first: dict[str, int] = {}
    for position, row in enumerate(raw.rows["holds"]):
        if row["amount"] <= 0:
            yield "holds", position, "amount", "must be more than 0.000; the direction says which way"
        if row["placed_at"] > as_of:
            yield "holds", position, "placed_at", f"lies after as_of, {format_instant(as_of)}"
        resolved_at = row["resolved_at"]
        if (resolved_at is None) != (row["status"] == HoldStatus.ACTIVE):
            yield "holds", position, "resolved_at", "is needed, unless the hold is ACTIVE: then there is none"
        elif resolved_at is not None and not row["placed_at"] <= resolved_at <= as_of:
            yield "holds", position, "resolved_at", "must not lie before placed_at, nor after as_of"
        movement = movements[row["transaction_id"]]
        if row["transaction_id"] in first:
            message = f"is the movement of the hold in record [{first[row['transaction_id']]}] too"
            yield "holds", position, "transaction_id", message
        first.setdefault(row["transaction_id"], row["position"])
        if movement["transfer_id"] is not None:
            yield "holds", position, "transaction_id", "is a movement of a transfer, which holds nothing"
        if (row["account_id"], row["direction"]) != (movement["account_id"], movement["direction"]):
            yield "holds", position, "transaction_id", "is a movement of another account or direction"
        yield from _fit(position, row, movement)


def _fit(position: int, row: Row, movement: Row) -> Found:
    """Whether a hold and its movement tell the same story."""
    allowed = MOVEMENT_OF_HOLD[HoldStatus(row["status"])]
    if movement["status"] not in allowed:
        wanted = " or ".join(status.upper() for status in allowed)
        message = f"the movement of a hold that is {row['status'].upper()} must be {wanted}"
        yield "holds", position, "status", message
        return
    if row["status"] == HoldStatus.POSTED:
        if movement["amount"] > row["amount"]:
            yield "holds", position, "amount", f"is less than the {format_fils(movement['amount'])} that was posted"
        if movement["booked_at"] != row["resolved_at"]:
            yield "holds", position, "resolved_at", "is not when the movement was booked"
        return
    if movement["amount"] != row["amount"]:
        yield "holds", position, "amount", f"is not that of the movement, {format_fils(movement['amount'])}"
    if movement["booked_at"] != row["placed_at"]:
        yield "holds", position, "placed_at", "is not when the movement was booked"
