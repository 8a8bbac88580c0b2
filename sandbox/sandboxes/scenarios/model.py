"""What a scenario is made of, once its file has been read: plain frozen data, with the lines it came from."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from sandbox.core.vocabulary import AccountStatus, AccountType, Role
from sandbox.sandboxes.scenarios.values import Slot


class ScenarioFault(NamedTuple):
    """One thing wrong in a scenario's file."""

    file: str
    line: int
    path: str
    text: str

    def __str__(self) -> str:
        """As a compiler would say it."""
        where = f" {self.path}:" if self.path else ""
        return f"{self.file}:{self.line}:{where} {self.text}"


class PickUser(msgspec.Struct, frozen=True):
    """A user picked by what they are; `besides` names a parameter whose user it must not be."""

    active: bool
    besides: str | None = None


class PickAccount(msgspec.Struct, frozen=True):
    """An account of the owner, of the first type of these that they have; `status` None takes any."""

    types: tuple[AccountType, ...]
    status: AccountStatus | None


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter: what it takes and what it is when nobody says.

    `owner` names the user parameter to whom an account must belong; `role` is what a user must be.
    """

    name: str
    line: int
    description: str
    slot: Slot
    default: Any
    """A value, a `PickUser` or a `PickAccount`; UNSET where it must be given."""
    stated_default: Any
    """The default as the file has it."""
    owner: str | None = None
    role: Role | None = None

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is msgspec.UNSET


class Precondition(msgspec.Struct, frozen=True, kw_only=True):
    """What must be true before the first step: records of a collection that are there and like this, or are not."""

    says: str
    collection: str
    where: dict[str, Any]
    has: dict[str, Any]
    absent: bool
    line: int
    path: str


class When(msgspec.Struct, frozen=True, kw_only=True):
    """On which days of Kuwait's calendar a step is taken; all that is set must be so."""

    payday: Any = None
    day_of_month: Any = None
    business_day: bool | None = None
    weekdays: tuple[int, ...] = ()
    """As `date.weekday` counts them."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step and where it stands."""

    line: int
    path: str
    when: When | None = None


class Patch(Step, frozen=True, kw_only=True):
    """Change the records found; `create` makes one where there is none."""

    collection: str
    where: dict[str, Any]
    changes: dict[str, Any]
    create: bool = False


class Call(Step, frozen=True, kw_only=True):
    """Call an act of the bank."""

    act: str
    arguments: dict[str, Any]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A moment on Kuwait's calendar after now: `next` time, day, business_day or payday (of nominal day `day`)."""

    next: str
    at_minute: int
    day: Any = None


class Advance(Step, frozen=True, kw_only=True):
    """Move the clock by a duration, to an instant, or to a moment of the calendar."""

    by: str | None = None
    to: str | None = None
    moment: Moment | None = None


class Apply(Step, frozen=True, kw_only=True):
    """Apply another scenario."""

    scenario: str
    arguments: dict[str, Any]
    argument_lines: dict[str, int]
    scope: dict[str, Slot]
    """What the templates in the arguments may name here."""


class Repeat(Step, frozen=True, kw_only=True):
    """Take steps several times; `turn` counts from 1."""

    times: Any
    turn: str | None
    steps: tuple[Step, ...]


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario as its file states it."""

    name: str
    file: str
    """As faults name it."""
    source: str
    """`shipped`, `ecosystem` or `own`."""
    title: str
    story: str
    parameters: tuple[Parameter, ...]
    precondition: tuple[Precondition, ...]
    steps: tuple[Step, ...]
    replaces: tuple[str, ...] = ()
    """The sources of the scenarios of the same name that it stands before."""

    def parameter(self, name: str) -> Parameter | None:
        """A parameter by name."""
        return next((parameter for parameter in self.parameters if parameter.name == name), None)

    def applied(self) -> Iterator[Apply]:
        """Every step that applies another scenario, however deep in repeats."""
        return _applied(self.steps)


def _applied(steps: tuple[Step, ...]) -> Iterator[Apply]:
    for step in steps:
        if isinstance(step, Apply):
            yield step
        elif isinstance(step, Repeat):
            yield from _applied(step.steps)
