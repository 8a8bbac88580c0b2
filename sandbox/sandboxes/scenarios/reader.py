"""What reading a scenario's file is made of: a collector of faults, and readers of mappings, texts and values."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sandbox.sandboxes.scenarios.model import ScenarioFault
from sandbox.sandboxes.scenarios.nodes import Node
from sandbox.sandboxes.scenarios.values import (
    MisfitError,
    Slot,
    has_templates,
    settled,
    slot_of_field,
    takes,
    templates,
    whole_template,
)
from sandbox.store.records import ALL_COLLECTIONS

_TEXT = Slot(kind="text")
FIELDS = {
    "user": ("user_id", "customer_id", "username", "role"),
    "account": ("account_id", "customer_id", "account_number", "iban", "account_type"),
}
"""What a template may ask of a user or an account: `{user.customer_id}`."""


class Scope:
    """The names that templates may use at one place, and what each stands for."""

    __slots__ = ("slots",)

    def __init__(self, slots: Mapping[str, Slot]) -> None:
        self.slots: dict[str, Slot] = {"now": Slot(kind="instant"), "today": Slot(kind="date"), **slots}

    def with_turn(self, name: str) -> "Scope":
        """The same, with a counter of turns."""
        return Scope({**self.slots, name: Slot(kind="integer")})

    def slot(self, name: str, field: str | None) -> Slot:
        """What a template stands for.

        Raises:
            MisfitError: there is no such name or field.
        """
        found = self.slots.get(name)
        if found is None:
            names = ", ".join(self.slots)
            raise MisfitError(f"there is no {{{name}}} here; there are {names}{_meant(name, self.slots)}")
        if field is None:
            return found
        known = FIELDS.get(found.kind, ())
        if field not in known:
            what = f"has {', '.join(known)}" if known else f"is a {found.kind} and has no fields"
            raise MisfitError(f"{{{name}}} {what}; not {field}")
        return _TEXT


class Reader:
    """Reads the nodes of one file and gathers every fault."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[ScenarioFault] = []

    def fault(self, line: int, path: str, text: str) -> None:
        """Something is wrong."""
        self.faults.append(ScenarioFault(self.file, line, path, text))

    def mapping(
        self, node: Node, path: str, *, required: Sequence[str], optional: Sequence[str] = ()
    ) -> dict[str, Node] | None:
        """The fields of a mapping; unknown ones are faults and left out, missing ones are faults."""
        if not isinstance(node.value, dict):
            self.fault(node.line, path, f"must be a mapping with {', '.join((*required, *optional))}")
            return None
        known = (*required, *optional)
        for name in node.value:
            if name not in known:
                detail = f"is not known here; known are {', '.join(known)}{_meant(name, known)}"
                self.fault(node.keys[name], _below(path, name), detail)
        for name in required:
            if name not in node.value:
                self.fault(node.line, _below(path, name), "is missing")
        return {name: item for name, item in node.value.items() if name in known}

    def items(self, node: Node | None, path: str) -> list[Node]:
        """The items of a list; none where there is none."""
        if node is None:
            return []
        if not isinstance(node.value, list):
            self.fault(node.line, path, "must be a list")
            return []
        return list(node.value)

    def text(self, node: Node | None, path: str, *, most: int) -> str:
        """A text of 1 to `most` characters; empty where it is at fault or was missing."""
        if node is None:
            return ""
        try:
            return str(settled(Slot(kind="text", least=1, most=most), node.plain()))
        except MisfitError as error:
            self.fault(node.line, path, str(error))
            return ""

    def choice(self, node: Node, path: str, known: Iterable[str], *, hint: str | None = None) -> str | None:
        """One of some words."""
        words = list(known)
        if isinstance(node.value, str) and node.value in words:
            return node.value
        shown = ", ".join(words) or "none here"
        given = f"{node.value[:60]!r}" if isinstance(node.value, str) else "it"
        meant = _meant(node.value, words) if isinstance(node.value, str) else ""
        self.fault(node.line, path, f"{given} is not known; use {f'{hint}: ' if hint else 'one of '}{shown}{meant}")
        return None

    def boolean(self, node: Node | None, path: str) -> bool:
        """True or false; false where there is none."""
        if node is None:
            return False
        if not isinstance(node.value, bool):
            self.fault(node.line, path, "must be true or false")
        return node.value is True

    def values(
        self, node: Node | None, path: str, slots: Mapping[str, Slot], scope: Scope, *, some: bool = False
    ) -> dict[str, Any]:
        """Values for named places, each checked against what its place takes; `some` asks for at least one."""
        if node is None:
            return {}
        if not isinstance(node.value, dict) or (some and not node.value):
            self.fault(node.line, path, f"must be a mapping of some of {', '.join(slots)}")
            return {}
        found: dict[str, Any] = {}
        for name, item in node.value.items():
            slot = slots.get(name)
            if slot is None:
                detail = f"is not known here; known are {', '.join(slots)}{_meant(name, slots)}"
                self.fault(node.keys[name], _below(path, name), detail)
            else:
                found[name] = self.value(item, _below(path, name), slot, scope)
        return found

    def value(self, node: Node, path: str, slot: Slot, scope: Scope) -> Any:
        """A value for one place: settled where it is plain, as it stands where it holds templates."""
        plain = node.plain()
        try:
            if not has_templates(plain):
                return settled(slot, plain)
            check_templates(plain, slot, scope)
        except MisfitError as error:
            self.fault(node.line, path, str(error))
        return plain

    def slots_of(self, collection: str) -> dict[str, Slot]:
        """What the fields of a collection take."""
        return slots_of(collection)


def check_templates(plain: Any, slot: Slot, scope: Scope) -> None:
    """See that a value with templates can be what its place takes.

    Raises:
        MisfitError: a name that is not known there, or a value of another type.
    """
    if isinstance(plain, dict | list):
        if slot.kind != "json":
            raise MisfitError(f"must be of type {slot.kind}, not a list or a mapping")
        for item in plain.values() if isinstance(plain, dict) else plain:
            check_templates(item, slot, scope)
        return
    if not isinstance(plain, str):
        return
    for name, field in templates(plain):
        scope.slot(name, field)
    whole = whole_template(plain)
    given = scope.slot(*whole) if whole is not None else _TEXT
    if not takes(slot, given):
        raise MisfitError(f"must be of type {slot.kind}; {plain[:60]} is of type {given.kind}")


@cache
def slots_of(collection: str) -> dict[str, Slot]:
    """What the fields of a collection take, by name."""
    return {field.name: slot_of_field(field) for field in ALL_COLLECTIONS[collection].fields}


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
