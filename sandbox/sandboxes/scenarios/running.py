"""Taking the steps of a scenario on a state root, each through the bank's own functions and in a write of its own.

The caller sees to it that all of it happens or nothing: the root is a private copy.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sandbox.bank.access import find_account
from sandbox.bank.acts import ACTS
from sandbox.bank.records import create_record, find_records, patch_record
from sandbox.core import calendar
from sandbox.core.clock import MINUTE, Instant, day_start, format_instant, local_date, parse_instant
from sandbox.core.duration import DurationError, parse_duration
from sandbox.core.errors import DomainError, NotFoundError
from sandbox.core.sandbox_errors import ScenarioPreconditionFailedError, ScenarioStepFailedError
from sandbox.sandboxes.jobs import Fired
from sandbox.sandboxes.root import StateRoot
from sandbox.sandboxes.scenarios.library import Library
from sandbox.sandboxes.scenarios.model import (
    Advance,
    Apply,
    Call,
    Moment,
    Patch,
    Precondition,
    Repeat,
    Scenario,
    Step,
    When,
)
from sandbox.sandboxes.scenarios.parameters import resolve
from sandbox.sandboxes.scenarios.reader import slots_of
from sandbox.sandboxes.scenarios.steps import DAY_OF_MONTH, TURNS, arguments_of
from sandbox.sandboxes.scenarios.values import MisfitError, Slot, as_argument, filled, settled, worded
from sandbox.store.reading import Login
from sandbox.store.records import COLLECTIONS
from sandbox.store.work import Work

MOST_STEPS = 20_000
"""How many steps one application takes at most, those in repeats and applied scenarios included."""

Look = Callable[[str, str | None], Any]


def run_scenario(
    root: StateRoot, library: Library, name: str, given: Mapping[str, Any], pointer: str
) -> tuple[dict[str, Any], list[Fired]]:
    """Apply one scenario to `root`: the values of its parameters, and the jobs that ran while its clock moved on.

    Raises:
        ValidationFailedError: the parameters do not fit; `pointer` is where they stand in the request.
        ScenarioPreconditionFailedError, ScenarioStepFailedError: the bank is not so, or refuses a step.
    """
    run = _Run(root, library)
    scenario = library.get(name)
    # First of all a write: from then on a new root reads from its own copy, whatever thread this is.
    values = root.write(_resolved, scenario, given, root.image.facts.logins, pointer)
    run.scenario(scenario, values)
    return values, run.fired


class _Run:
    """One application of one scenario and of those that it applies."""

    def __init__(self, root: StateRoot, library: Library) -> None:
        self.root = root
        self.library = library
        self.fired: list[Fired] = []
        self._steps_taken = 0

    def scenario(self, scenario: Scenario, values: Mapping[str, Any]) -> None:
        """All of a scenario."""
        look = self._look(scenario, values)
        for condition in scenario.precondition:
            self._require(scenario, condition, look)
        self._steps(scenario, scenario.steps, values)

    def _steps(self, scenario: Scenario, steps: tuple[Step, ...], values: Mapping[str, Any]) -> None:
        for step in steps:
            look = self._look(scenario, values)
            try:
                self._count()
                if step.when is None or self._is_day(step.when, look):
                    self._take(scenario, step, values, look)
            except (MisfitError, DurationError, calendar.CalendarRangeError) as error:
                raise _failed(scenario, step, str(error), "validation_failed") from error
            except (ScenarioStepFailedError, ScenarioPreconditionFailedError):
                raise
            except DomainError as error:
                raise _failed(scenario, step, error.detail, error.code) from error

    def _count(self) -> None:
        self._steps_taken += 1
        if self._steps_taken > MOST_STEPS:
            raise MisfitError(f"a scenario takes at most {MOST_STEPS} steps")

    def _take(self, scenario: Scenario, step: Step, values: Mapping[str, Any], look: Look) -> None:
        match step:
            case Patch():
                self.root.write(_patch, step, _filled(step.where, look), _filled(step.changes, look), scenario.name)
            case Call():
                self._call(step, look)
            case Advance():
                self.fired += self.root.advance(self._goal(step, look))
            case Apply():
                target = self.library.get(step.scenario)
                slots = {parameter.name: parameter.slot for parameter in target.parameters}
                given = {name: worded(slots[name], value) for name, value in _filled(step.arguments, look).items()}
                logins = self.root.image.facts.logins
                self.scenario(target, self.root.read(resolve, target, given, logins, ""))
            case Repeat():
                times = settled(TURNS, filled(step.times, look))
                for turn in range(1, times + 1):
                    self._steps(scenario, step.steps, {**values, step.turn: turn} if step.turn else values)

    def _call(self, step: Call, look: Look) -> None:
        act = ACTS[step.act]
        slots = {name: slot for name, (slot, _) in arguments_of(step.act).items()}
        given = _settled(slots, _filled(step.arguments, look))
        arguments = {name: as_argument(slots[name], value) for name, value in given.items()}
        # What a meant refusal leaves is what the scenario is about, and it is committed.
        with contextlib.suppress(*act.meant):
            self.root.write(act.run, **arguments)

    def _goal(self, step: Advance, look: Look) -> Instant:
        """Where the clock goes."""
        now = self.root.now
        if step.by is not None:
            return parse_duration(settled(Slot(kind="duration"), filled(step.by, look))).after(now)
        if step.moment is None:
            return parse_instant(settled(Slot(kind="instant"), filled(step.to, look)))
        return _next(now, step.moment, filled(step.moment.day, look))

    def _is_day(self, when: When, look: Look) -> bool:
        today = date.fromisoformat(local_date(self.root.now))
        nominal, of_month = (
            None if day is None else settled(DAY_OF_MONTH, filled(day, look))
            for day in (when.payday, when.day_of_month)
        )
        return (
            (nominal is None or _is_payday(today, nominal))
            and (of_month is None or today.day == of_month)
            and (when.business_day is None or calendar.is_business_day(today) == when.business_day)
            and (not when.weekdays or today.weekday() in when.weekdays)
        )

    def _require(self, scenario: Scenario, condition: Precondition, look: Look) -> None:
        """Refuse where a precondition is not true.

        Raises:
            ScenarioPreconditionFailedError: with its sentence.
        """
        says = str(filled(condition.says, look))
        try:
            holds, why = self._holds(condition, look), ""
        except MisfitError as error:
            holds, why = False, f" ({error})"
        if not holds:
            detail = f"{scenario.name} needs this to be true: {says}{why}"
            raise ScenarioPreconditionFailedError(detail, scenario=scenario.name, precondition=says)

    def _holds(self, condition: Precondition, look: Look) -> bool:
        slots = slots_of(condition.collection)
        where, wanted = (_settled(slots, _filled(values, look)) for values in (condition.where, condition.has))
        found = self.root.read(find_records, condition.collection, where)
        if condition.absent:
            return not found
        return bool(found) and all(_is_like(record, wanted) for record in found)

    def _look(self, scenario: Scenario, values: Mapping[str, Any]) -> Look:
        """What a template stands for at this moment."""

        def look(name: str, field: str | None) -> Any:
            if name == "now":
                return format_instant(self.root.now)
            if name == "today":
                return local_date(self.root.now)
            value = values[name]
            if field is None:
                return value
            parameter = scenario.parameter(name)
            assert parameter is not None, "only users and accounts have fields"
            return self.root.read(_field, parameter.slot.kind, value, field)

        return look


def _resolved(
    work: Work, scenario: Scenario, given: Mapping[str, Any], logins: Sequence[Login], pointer: str
) -> dict[str, Any]:
    """The values of the parameters, with a line in the audit trail: this was a scenario, and no customer."""
    values = resolve(work, scenario, given, logins, pointer)
    told = {"by": f"scenario:{scenario.name}", "parameters": values}
    work.audit("SCENARIO_APPLIED", user=None, ip_address=None, extra=told)
    return values


def _field(work: Work, kind: str, value: str, field: str) -> Any:
    """A field of a user, by name, or of an account, by id."""
    if kind == "user":
        found = find_records(work, "auth_users", {"username": value})
        if not found:
            raise NotFoundError(f"There is no user {value[:64]!r} any more.")
        return found[0][field]
    row = find_account(work, value)
    assert row is not None, "the account was there when the parameters were looked up"
    return {"account_id": row.id, "account_type": row.account_type.upper()}.get(field) or getattr(row, field)


def _patch(work: Work, step: Patch, where: Mapping[str, Any], changes: Mapping[str, Any], name: str) -> None:
    """Change every record found, or make the one that is missing."""
    slots = slots_of(step.collection)
    wanted, new = _settled(slots, where), _settled(slots, changes)
    by = f"scenario:{name}"
    found = find_records(work, step.collection, wanted)
    if not found and step.create:
        create_record(work, step.collection, {**wanted, **new}, by=by)
        return
    if not found:
        raise NotFoundError(f"No record of {step.collection} is like {wanted}.")
    key = COLLECTIONS[step.collection].key
    for record in found:
        patch_record(work, step.collection, record[key], new, by=by)


def _filled(values: Mapping[str, Any], look: Look) -> dict[str, Any]:
    return {name: filled(value, look) for name, value in values.items()}


def _settled(slots: Mapping[str, Slot], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values in the form of ecosystem files.

    Raises:
        MisfitError: one does not fit; it is named.
    """
    found = {}
    for name, value in values.items():
        slot = slots[name]
        try:
            found[name] = settled(slot, worded(slot, value))
        except MisfitError as error:
            raise MisfitError(f"{name} {error}") from None
    return found


def _is_like(record: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(record.get(name) == value for name, value in wanted.items())


def _next(now: Instant, moment: Moment, day: Any) -> Instant:
    """The first instant after now at which the moment comes."""
    today = date.fromisoformat(local_date(now))
    one_day = timedelta(days=1)

    def at(there: date) -> Instant:
        return Instant(day_start(there) + moment.at_minute * MINUTE)

    if moment.next == "time":
        return at(today) if at(today) > now else at(today + one_day)
    if moment.next == "day":
        return at(today + one_day)
    if moment.next == "business_day":
        return at(calendar.next_business_day(today))
    nominal = settled(DAY_OF_MONTH, day)
    there = today if _is_payday(today, nominal) and at(today) > now else today + one_day
    while not _is_payday(there, nominal):
        there += one_day
    return at(there)


def _is_payday(day: date, nominal: int) -> bool:
    """Whether salaries of the nominal day are paid on `day`; a payday can be brought forward into the month before."""
    following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return day in {
        calendar.payday(day.year, day.month, nominal),
        calendar.payday(following.year, following.month, nominal),
    }


def _failed(scenario: Scenario, step: Step, told: str, cause: str) -> ScenarioStepFailedError:
    return ScenarioStepFailedError(
        f"{scenario.file}:{step.line}: {step.path}: {told}",
        scenario=scenario.name,
        file=scenario.file,
        line=step.line,
        step=step.path,
        cause=cause,
    )
