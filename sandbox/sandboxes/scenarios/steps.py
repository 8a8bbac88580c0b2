"""Reading the steps of a scenario's file: patch, call, advance, apply, repeat."""

import inspect
import re
from functools import cache
from typing import Any, get_type_hints

from sandbox.bank.acts import ACTS
from sandbox.sandboxes.scenarios.model import Advance, Apply, Call, Moment, Patch, Repeat, Step, When
from sandbox.sandboxes.scenarios.nodes import Node
from sandbox.sandboxes.scenarios.reader import Reader, Scope
from sandbox.sandboxes.scenarios.values import Slot, slot_of_argument
from sandbox.store.records import COLLECTIONS

MAX_TURNS = 1_000
"""How often one step repeats at most."""

KINDS = ("patch", "call", "advance", "apply", "repeat")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_NEXT = ("time", "day", "business_day", "payday")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_OF_MONTH = Slot(kind="integer", least=1, most=31)
TURNS = Slot(kind="integer", least=0, most=MAX_TURNS)
_MORNING = 8 * 60


def read_steps(reader: Reader, node: Node | None, path: str, scope: Scope) -> tuple[Step, ...]:
    """The steps of a list; faults go to the reader."""
    if node is not None and node.value == []:
        reader.fault(node.line, path, "must list at least one step")
    made = (_step(reader, item, f"{path}[{place}]", scope) for place, item in enumerate(reader.items(node, path)))
    return tuple(step for step in made if step is not None)


@cache
def arguments_of(act: str) -> dict[str, tuple[Slot, bool]]:
    """The arguments of an act: what each takes, and whether it must be given."""
    run = ACTS[act].run
    hints = get_type_hints(run, include_extras=True)
    return {
        parameter.name: (slot_of_argument(hints[parameter.name]), parameter.default is inspect.Parameter.empty)
        for parameter in inspect.signature(run).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }


def _step(reader: Reader, node: Node, path: str, scope: Scope) -> Step | None:
    if not isinstance(node.value, dict):
        reader.fault(node.line, path, f"must be a mapping with one of {', '.join(KINDS)}")
        return None
    kinds = [kind for kind in KINDS if kind in node.value]
    fields = reader.mapping(node, path, required=(), optional=(*KINDS, "when"))
    if len(kinds) != 1 or fields is None:
        told = f"has {' and '.join(kinds)}; make two steps" if kinds else f"needs one of {', '.join(KINDS)}"
        reader.fault(node.line, path, told)
        return None
    when = _when(reader, fields["when"], f"{path}.when", scope) if "when" in fields else None
    kind = kinds[0]
    return _READ[kind](reader, fields[kind], f"{path}.{kind}", scope, {"line": node.line, "path": path, "when": when})


def _patch(reader: Reader, node: Node, path: str, scope: Scope, common: dict[str, Any]) -> Step | None:
    fields = reader.mapping(node, path, required=("collection", "set"), optional=("where", "id", "create"))
    if fields is None or "collection" not in fields:
        return None
    name = reader.choice(fields["collection"], f"{path}.collection", tuple(COLLECTIONS))
    if name is None:
        return None
    key = COLLECTIONS[name].key
    slots = reader.slots_of(name)
    where: dict[str, Any] = {}
    if ("where" in fields) == ("id" in fields):
        reader.fault(node.line, path, "needs where or id, not both")
    elif "id" in fields:
        where = {key: reader.value(fields["id"], f"{path}.id", slots[key], scope)}
    else:
        where = reader.values(fields["where"], f"{path}.where", slots, scope, some=True)
    settable = {field: slot for field, slot in slots.items() if field != key}
    changes = reader.values(fields.get("set"), f"{path}.set", settable, scope, some=True)
    create = reader.boolean(fields.get("create"), f"{path}.create")
    return Patch(collection=name, where=where, changes=changes, create=create, **common)


def _call(reader: Reader, node: Node, path: str, scope: Scope, common: dict[str, Any]) -> Step | None:
    if isinstance(node.value, str):
        node = Node({"act": node}, node.line, {"act": node.line})
    fields = reader.mapping(node, path, required=("act",), optional=("with",))
    if fields is None or "act" not in fields:
        return None
    act = reader.choice(fields["act"], f"{path}.act", tuple(ACTS), hint="an act of the bank")
    if act is None:
        return None
    known = arguments_of(act)
    slots = {name: slot for name, (slot, _) in known.items()}
    given = reader.values(fields.get("with"), f"{path}.with", slots, scope)
    stated = fields["with"].value if "with" in fields and isinstance(fields["with"].value, dict) else {}
    for name, (_, required) in known.items():
        if required and name not in stated:
            reader.fault(node.line, f"{path}.with.{name}", f"is missing; {act} needs it")
    return Call(act=act, arguments=given, **common)


def _advance(reader: Reader, node: Node, path: str, scope: Scope, common: dict[str, Any]) -> Step | None:
    if not isinstance(node.value, dict):
        return Advance(by=reader.value(node, path, Slot(kind="duration"), scope), **common)
    fields = reader.mapping(node, path, required=(), optional=("by", "to"))
    if fields is None or len(fields) != 1:
        reader.fault(node.line, path, "needs by (a duration) or to (an instant, or a moment of the calendar)")
        return None
    if "by" in fields:
        return Advance(by=reader.value(fields["by"], f"{path}.by", Slot(kind="duration"), scope), **common)
    to = fields["to"]
    if isinstance(to.value, dict):
        moment = _moment(reader, to, f"{path}.to", scope)
        return None if moment is None else Advance(moment=moment, **common)
    return Advance(to=reader.value(to, f"{path}.to", Slot(kind="instant"), scope), **common)


def _moment(reader: Reader, node: Node, path: str, scope: Scope) -> Moment | None:
    fields = reader.mapping(node, path, required=("next",), optional=("at", "day"))
    if fields is None or "next" not in fields:
        return None
    what = reader.choice(fields["next"], f"{path}.next", _NEXT)
    minute = _MORNING
    if "at" in fields:
        match = _CLOCK.fullmatch(str(fields["at"].value))
        if match is None:
            reader.fault(fields["at"].line, f"{path}.at", "must be a time in Kuwait such as 08:30, in quotes or not")
        else:
            minute = int(match[1]) * 60 + int(match[2])
    day: Any = None
    if what == "payday":
        if "day" not in fields:
            reader.fault(node.line, f"{path}.day", "is missing: the nominal day of the month, 31 is its end")
        else:
            day = reader.value(fields["day"], f"{path}.day", DAY_OF_MONTH, scope)
    elif "day" in fields:
        reader.fault(fields["day"].line, f"{path}.day", "stands beside next: payday only")
    return None if what is None else Moment(next=what, at_minute=minute, day=day)


def _apply(reader: Reader, node: Node, path: str, scope: Scope, common: dict[str, Any]) -> Step | None:
    if isinstance(node.value, str):
        node = Node({"scenario": node}, node.line, {"scenario": node.line})
    fields = reader.mapping(node, path, required=("scenario",), optional=("with",))
    if fields is None or "scenario" not in fields:
        return None
    name = reader.text(fields["scenario"], f"{path}.scenario", most=63)
    given = fields.get("with")
    if given is not None and not isinstance(given.value, dict):
        reader.fault(given.line, f"{path}.with", "must be a mapping of parameters")
        given = None
    arguments = {} if given is None else given.value
    return Apply(
        scenario=name,
        arguments={parameter: item.plain() for parameter, item in arguments.items()},
        argument_lines={parameter: item.line for parameter, item in arguments.items()},
        scope=dict(scope.slots),
        **common,
    )


def _repeat(reader: Reader, node: Node, path: str, scope: Scope, common: dict[str, Any]) -> Step | None:
    fields = reader.mapping(node, path, required=("times", "steps"), optional=("turn",))
    if fields is None:
        return None
    times = reader.value(fields["times"], f"{path}.times", TURNS, scope) if "times" in fields else 0
    turn = None
    if "turn" in fields:
        turn = reader.text(fields["turn"], f"{path}.turn", most=40)
        if turn in scope.slots:
            reader.fault(fields["turn"].line, f"{path}.turn", f"{turn} means something else here; take another name")
        elif not re.fullmatch(r"[a-z][a-z0-9_]*", turn):
            reader.fault(fields["turn"].line, f"{path}.turn", "is made of a-z, 0-9 and _, and starts with a letter")
        scope = scope.with_turn(turn)
    steps = read_steps(reader, fields.get("steps"), f"{path}.steps", scope)
    return Repeat(times=times, turn=turn, steps=steps, **common)


def _when(reader: Reader, node: Node, path: str, scope: Scope) -> When | None:
    fields = reader.mapping(node, path, required=(), optional=("payday", "day_of_month", "business_day", "weekday"))
    if not fields:
        if fields is not None:
            reader.fault(node.line, path, "must say payday, day_of_month, business_day or weekday")
        return None
    days = {
        name: reader.value(fields[name], f"{path}.{name}", DAY_OF_MONTH, scope)
        for name in ("payday", "day_of_month")
        if name in fields
    }
    weekdays: list[int] = []
    if "weekday" in fields:
        stated = fields["weekday"]
        for item in stated.value if isinstance(stated.value, list) else [stated]:
            name = reader.choice(item, f"{path}.weekday", _WEEKDAYS)
            weekdays += [] if name is None else [_WEEKDAYS.index(name)]
    business = reader.boolean(fields["business_day"], f"{path}.business_day") if "business_day" in fields else None
    return When(business_day=business, weekdays=tuple(weekdays), **days)


_READ = {"patch": _patch, "call": _call, "advance": _advance, "apply": _apply, "repeat": _repeat}
