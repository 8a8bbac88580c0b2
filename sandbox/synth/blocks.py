"""How those who make movements one by one write them down: columns that broadcast, and what cannot be is left out."""

import dataclasses

import numpy as np

from sandbox.core.clock import MILLISECOND
from sandbox.synth.draws import Int
from sandbox.synth.model import NONE, Movements, People, movement_key
from sandbox.synth.window import EPOCH_ORDINAL, Window

__all__ = ["Line", "rounded", "written"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is to be written: `who` is a column, the others are columns as long, or single numbers."""

    who: Int
    """Positions in the chunk."""
    account: Int
    day: Int
    """Places in the window; days outside of it are left out."""
    time: Int
    """Milliseconds since the day began."""
    amount: Int
    slot: Int | int
    """See `movement_key`."""
    credit: bool
    channel: int
    category: int
    merchant: Int | int = NONE
    text: Int | int = NONE
    pair: Int | int = NONE

    def due(self, window: Window) -> Int:
        """The places of what can be written: on an account that moves, on a day of the window, and over something."""
        held = (self.account >= 0) & (self.day >= 0) & (self.day < window.days) & (self.amount > 0)
        return np.flatnonzero(held).astype(np.int64)


def written(line: Line, *, maker: str, people: People, window: Window) -> Movements:
    """The movements of a line; who has no account that moves, nothing to move or no day in the window has none."""
    places = line.due(window)
    many = len(line.who)

    def column(value: Int | int) -> Int:
        return np.broadcast_to(np.asarray(value, dtype=np.int64), (many,))[places]

    day = line.day[places]
    return Movements(
        key=movement_key(people.index[line.who[places]], maker, window.ordinal[day] - EPOCH_ORDINAL, column(line.slot)),
        account=line.account[places],
        at=window.start[day] + line.time[places] * MILLISECOND,
        amount=line.amount[places],
        credit=np.full(len(places), line.credit),
        channel=column(line.channel),
        category=column(line.category),
        merchant=column(line.merchant),
        text=column(line.text),
        pair=column(line.pair),
        country=column(NONE),
    )


def rounded(amount: Int, step: int) -> Int:
    """The nearest multiple of a step; halves go up."""
    return (amount + step // 2) // step * step
