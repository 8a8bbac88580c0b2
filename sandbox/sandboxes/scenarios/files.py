"""Reading a scenario's file: its head, its parameters and its precondition, with every fault by file and line.

Steps are read in `steps`; what needs the other scenarios (whom a step applies) is checked in
`library`.
"""

import re
from typing import Any

import msgspec

from sandbox.core.vocabulary import AccountStatus, AccountType, Role
from sandbox.sandboxes.scenarios.model import (
    Parameter,
    PickAccount,
    PickUser,
    Precondition,
    Scenario,
    ScenarioFault,
)
from sandbox.sandboxes.scenarios.nodes import Node, read_yaml
from sandbox.sandboxes.scenarios.reader import Reader, Scope
from sandbox.sandboxes.scenarios.steps import read_steps
from sandbox.sandboxes.scenarios.values import MAX_TEXT, PARAMETER_KINDS, MisfitError, Slot, has_templates, settled
from sandbox.store.records import ALL_COLLECTIONS

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
"""What a scenario, and so its file, may be called."""

_PARAMETER_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_RESERVED = frozenset({"now", "today"})
_LIMITS = {
    "user": ("role",),
    "account": ("of",),
    "money": ("min", "max"),
    "integer": ("min", "max"),
    "text": ("min_length", "max_length"),
    "choice": ("choices",),
    "duration": (),
    "boolean": (),
}
_USERS = {"active_customer": (Role.CUSTOMER, True), "customer": (Role.CUSTOMER, False)} | {
    role.value: (role, True) for role in (Role.AUDITOR, Role.ADMIN)
}


def read_scenario(raw: bytes, *, name: str, file: str, source: str) -> tuple[Scenario | None, list[ScenarioFault]]:
    """The scenario in a file's bytes; None and every fault where it breaks a rule. `file` is how faults name it."""
    document, broken = read_yaml(raw)
    if document is None:
        return None, [ScenarioFault(file, fault.line, "", fault.text) for fault in broken]
    reader = Reader(file)
    if not NAME.fullmatch(name):
        reader.fault(1, "", f"the file's name {name[:70]!r} must be made of a-z, 0-9 and -, and not start with -")
    fields = reader.mapping(document, "", required=("title", "story", "steps"), optional=("parameters", "precondition"))
    if fields is None:
        return None, reader.faults
    title = reader.text(fields.get("title"), "title", most=140)
    story = reader.text(fields.get("story"), "story", most=MAX_TEXT * 4)
    parameters = _parameters(reader, fields.get("parameters"))
    scope = Scope({parameter.name: parameter.slot for parameter in parameters})
    precondition = _preconditions(reader, fields.get("precondition"), scope)
    steps = read_steps(reader, fields.get("steps"), "steps", scope)
    if reader.faults:
        return None, sorted(reader.faults, key=lambda fault: fault.line)
    made = Scenario(
        name=name,
        file=file,
        source=source,
        title=title,
        story=" ".join(story.split()),
        parameters=parameters,
        precondition=precondition,
        steps=steps,
    )
    return made, []


def _parameters(reader: Reader, node: Node | None) -> tuple[Parameter, ...]:
    if node is None:
        return ()
    if not isinstance(node.value, dict):
        reader.fault(node.line, "parameters", "must be a mapping of names to parameters")
        return ()
    found: list[Parameter] = []
    for name, item in node.value.items():
        path = f"parameters.{name}"
        if not _PARAMETER_NAME.fullmatch(name) or name in _RESERVED:
            reader.fault(
                node.keys[name],
                path,
                "a name is made of a-z, 0-9 and _, starts with a letter, and is none "
                f"of {', '.join(sorted(_RESERVED))}",
            )
        made = _parameter(reader, name, item, path, {known.name: known for known in found})
        if made is not None:
            found.append(msgspec.structs.replace(made, line=node.keys[name]))
    return tuple(found)


def _parameter(reader: Reader, name: str, node: Node, path: str, before: dict[str, Parameter]) -> Parameter | None:
    stated = node.value.get("type") if isinstance(node.value, dict) else None
    kind = stated.value if stated is not None else None
    limits = _LIMITS.get(kind, ()) if isinstance(kind, str) else ()
    fields = reader.mapping(node, path, required=("type", "description"), optional=("default", *limits))
    if fields is None or stated is None:
        return None
    if kind not in PARAMETER_KINDS:
        reader.fault(stated.line, f"{path}.type", f"must be one of {', '.join(PARAMETER_KINDS)}")
        return None
    description = reader.text(fields.get("description"), f"{path}.description", most=300)
    slot = _limited(reader, kind, fields, path)
    role = _role(reader, fields.get("role"), path) if kind == "user" else None
    owner = _owner(reader, fields.get("of"), path, before) if kind == "account" else None
    blank = Parameter(
        name=name,
        line=node.line,
        description=description,
        slot=slot,
        default=msgspec.UNSET,
        stated_default=None,
        owner=owner,
        role=role,
    )
    default: Any = msgspec.UNSET
    given = fields.get("default")
    if given is not None and (kind != "choice" or slot.choices):
        default = _default(reader, given, f"{path}.default", blank, before)
    return msgspec.structs.replace(blank, default=default, stated_default=None if given is None else given.plain())


def _limited(reader: Reader, kind: str, fields: dict[str, Node], path: str) -> Slot:
    """The slot of a parameter with its limits."""
    choices: tuple[str, ...] = ()
    if kind == "choice":
        node = fields.get("choices")
        options = [item.value for item in node.value] if node is not None and isinstance(node.value, list) else []
        if not options or any(not isinstance(option, str) for option in options):
            line = node.line if node is not None else fields["type"].line
            told = "needs choices, such as [sms, email]" if node is None else "must list at least one text"
            reader.fault(line, path if node is None else f"{path}.choices", told)
        else:
            choices = tuple(options)
    bounds = ("min_length", "max_length") if kind == "text" else ("min", "max")
    least, most = (_bound(reader, fields.get(name), f"{path}.{name}", kind) for name in bounds)
    if least is not None and most is not None and least > most:
        reader.fault(fields[bounds[0]].line, f"{path}.{bounds[0]}", f"must not be over {bounds[1]}")
    return Slot(kind=kind, choices=choices, least=least, most=most)


def _bound(reader: Reader, node: Node | None, path: str, kind: str) -> int | None:
    """A limit: an integer, for money in fils."""
    if node is None:
        return None
    try:
        value = settled(Slot(kind="money" if kind == "money" else "integer"), node.value)
    except MisfitError as error:
        reader.fault(node.line, path, str(error))
        return None
    return int(value.replace(".", "")) if kind == "money" else int(value)


def _role(reader: Reader, node: Node | None, path: str) -> Role | None:
    if node is None:
        return Role.CUSTOMER
    text = reader.choice(node, f"{path}.role", (*(role.value for role in Role), "any"))
    return None if text in {None, "any"} else Role(text)


def _owner(reader: Reader, node: Node | None, path: str, before: dict[str, Parameter]) -> str | None:
    if node is None:
        return None
    users = [name for name, known in before.items() if known.slot.kind == "user"]
    return reader.choice(node, f"{path}.of", users, hint="a parameter of type user that stands before it")


def _default(reader: Reader, node: Node, path: str, of: Parameter, before: dict[str, Parameter]) -> Any:
    if isinstance(node.value, dict) and of.slot.kind == "user":
        return _pick_user(reader, node, path, of.role, before)
    if isinstance(node.value, dict) and of.slot.kind == "account":
        return _pick_account(reader, node, path, of.owner)
    try:
        return settled(of.slot, node.plain())
    except MisfitError as error:
        reader.fault(node.line, path, str(error))
        return None


def _pick_user(
    reader: Reader, node: Node, path: str, role: Role | None, before: dict[str, Parameter]
) -> PickUser | None:
    fields = reader.mapping(node, path, required=("first",), optional=("besides",))
    if fields is None or "first" not in fields:
        return None
    first = reader.choice(fields["first"], f"{path}.first", tuple(_USERS))
    besides = None
    if "besides" in fields:
        users = [name for name, known in before.items() if known.slot.kind == "user"]
        besides = reader.choice(fields["besides"], f"{path}.besides", users, hint="a user parameter before it")
    if first is None:
        return None
    whose, active = _USERS[first]
    if role is not whose:
        reader.fault(node.line, path, f"first: {first} picks a {whose.value}; say role: {whose.value}")
    return PickUser(active, besides)


def _pick_account(reader: Reader, node: Node, path: str, owner: str | None) -> PickAccount | None:
    fields = reader.mapping(node, path, required=("first",), optional=("status",))
    if fields is None or "first" not in fields:
        return None
    if owner is None:
        reader.fault(node.line, path, "picks an account, so say whose: `of: user` beside the type")
    first = fields["first"]
    items = first.value if isinstance(first.value, list) else [first]
    known = tuple(kind.name for kind in AccountType)
    types = [reader.choice(item, f"{path}.first", known) for item in items]
    status: AccountStatus | None = AccountStatus.ACTIVE
    if "status" in fields:
        text = reader.choice(fields["status"], f"{path}.status", (*(member.name for member in AccountStatus), "ANY"))
        status = None if text in {None, "ANY"} else AccountStatus[str(text)]
    return PickAccount(tuple(AccountType[text] for text in types if text is not None), status)


def _preconditions(reader: Reader, node: Node | None, scope: Scope) -> tuple[Precondition, ...]:
    found = []
    for place, item in enumerate(reader.items(node, "precondition")):
        path = f"precondition[{place}]"
        fields = reader.mapping(item, path, required=("says", "collection", "where"), optional=("has", "absent"))
        if fields is None or not {"says", "collection", "where"} <= set(fields):
            continue
        collection = reader.choice(fields["collection"], f"{path}.collection", tuple(ALL_COLLECTIONS))
        if collection is None:
            continue
        slots = reader.slots_of(collection)
        absent = reader.boolean(fields.get("absent"), f"{path}.absent")
        if absent and "has" in fields:
            reader.fault(fields["has"].line, f"{path}.has", "cannot stand beside absent")
        found.append(
            Precondition(
                says=_sentence(reader, fields["says"], f"{path}.says", scope),
                collection=collection,
                where=reader.values(fields["where"], f"{path}.where", slots, scope, some=True),
                has=reader.values(fields.get("has"), f"{path}.has", slots, scope),
                absent=absent,
                line=item.line,
                path=path,
            )
        )
    return tuple(found)


def _sentence(reader: Reader, node: Node, path: str, scope: Scope) -> str:
    """A text for people, in which templates may stand."""
    text = reader.text(node, path, most=200)
    return str(reader.value(node, path, Slot(kind="text"), scope)) if has_templates(text) else text
