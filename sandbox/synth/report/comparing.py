"""How near a figure comes to its target: within a tenth, within what so few allow, or off.

A figure of a small bank may miss its target by chance alone. So a count may be off by less than one customer, and a
mean or share by two standard errors; the verdict says on which ground it holds. A mean over fewer than five is no
figure at all.
"""

import functools
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec
import numpy as np

from sandbox.synth.draws import Int
from sandbox.synth.report.columns import Mask
from sandbox.synth.tables import read

__all__ = [
    "PER_MILLE",
    "VERDICTS",
    "Compared",
    "Figure",
    "Unit",
    "Verdict",
    "amount_of",
    "compared",
    "count_of",
    "dinars",
    "mean_of",
    "share_of",
    "targets",
]

PER_MILLE = 1_000
NEAR = 0.1
"""A calibrated figure lies within this part of its target."""
_ERRORS_ALLOWED = 2
_FEWEST = 5


class Verdict(StrEnum):
    """What the comparison says; only `off` is a failure."""

    NEAR = "within_10_percent"
    ONE_CUSTOMER = "within_one_customer"
    FEW = "within_two_standard_errors"
    TOO_FEW = "too_few_to_judge"
    ABSENT = "not_in_the_data"
    OFF = "off"


VERDICTS = {
    Verdict.NEAR: "within 10%",
    Verdict.ONE_CUSTOMER: "within one customer",
    Verdict.FEW: "within 2 standard errors",
    Verdict.TOO_FEW: "too few to judge",
    Verdict.ABSENT: "not in the data",
    Verdict.OFF: "off",
}
"""The verdicts in words."""


class Unit(StrEnum):
    """What a figure counts."""

    FILS = "fils"
    PER_MILLE = "per_mille"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A measured value, over how many it was taken, and how far chance alone may move it."""

    value: float
    of: int
    error: float
    """One standard error, in the unit of the value."""
    one: float = 0
    """What a single one more or less would change, where the figure is a count; 0 elsewhere."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A figure beside its target."""

    name: str
    title: str
    unit: Unit
    value: float | None
    """None where the data do not have it."""
    target: float
    deviation_percent: float | None
    of: int
    counted: str
    """What `of` counts."""
    verdict: Verdict
    source: str

    @property
    def off(self) -> bool:
        """Whether the figure misses its target."""
        return self.verdict is Verdict.OFF


@functools.cache
def targets() -> dict[str, Any]:
    """What `targets.json` says; read-only."""
    content: dict[str, Any] = read("targets")
    return content


def compared(
    name: str, title: str, figure: Figure, *, target: float, unit: Unit, counted: str, source: str
) -> Compared:
    """A figure beside its target, with the verdict."""
    absent = figure.of == 0
    return Compared(
        name=name,
        title=title,
        unit=unit,
        value=None if absent else round(figure.value, 1),
        target=round(target, 1),
        deviation_percent=None if absent else round((figure.value / target - 1) * 100, 1),
        of=figure.of,
        counted=counted,
        verdict=_verdict(figure, target),
        source=source,
    )


def amount_of(value: float | None, unit: Unit) -> str:
    """A figure as people read it: `20.170 KD` or `41.5%`."""
    if value is None:
        return "-"
    return f"{dinars(value)} KD" if unit is Unit.FILS else f"{value / 10:.1f}%"


def dinars(fils: float) -> str:
    """`1,234.500`: grouped, since sums of a bank are long."""
    return f"{Decimal(round(fils)).scaleb(-3):,.3f}"


def mean_of(values: Int) -> Figure:
    """The mean of a column."""
    count = len(values)
    error = float(values.std(ddof=1)) / count**0.5 if count > 1 else 0.0
    return Figure(value=float(values.mean()) if count else 0.0, of=count, error=error)


def share_of(values: Int, mask: Mask) -> Figure:
    """The share, in per mille, that those of the mask have in the sum of a column; its error is that of a ratio."""
    total = int(values.sum())
    if total == 0:
        return Figure(value=0.0, of=0, error=0.0)
    share = float(values[mask].sum()) / total
    residuals = np.where(mask, values, 0) - share * values
    return Figure(value=share * PER_MILLE, of=len(values), error=float((residuals**2).sum()) ** 0.5 / total * PER_MILLE)


def count_of(mask: Mask) -> Figure:
    """The share, in per mille, of those of the mask among all."""
    figure = share_of(np.ones(len(mask), dtype=np.int64), mask)
    return msgspec.structs.replace(figure, one=PER_MILLE / len(mask)) if len(mask) else figure


def _verdict(figure: Figure, target: float) -> Verdict:
    distance = abs(figure.value - target)
    if figure.of == 0:
        return Verdict.ABSENT
    if distance <= NEAR * target:
        return Verdict.NEAR
    if figure.one:
        return Verdict.ONE_CUSTOMER if distance < figure.one else Verdict.OFF
    if figure.of < _FEWEST:
        return Verdict.TOO_FEW
    return Verdict.FEW if distance <= _ERRORS_ALLOWED * figure.error else Verdict.OFF
