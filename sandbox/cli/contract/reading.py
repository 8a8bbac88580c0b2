"""Reading a parsed document: following references, texts that stand for values. It knows nothing of changes."""

import json
from collections.abc import Mapping
from typing import Any

ANNOTATIONS = frozenset(
    {"title", "description", "summary", "example", "examples", "externalDocs", "xml", "discriminator"}
    | {"$comment", "$schema", "$id", "$anchor", "$defs"}
)
"""Members that say nothing of which values are allowed."""

_VALUES = frozenset({"const", "enum", "default"})
"""Members that hold values, whose own members are not ours to read."""

_NAMED = frozenset({"properties", "patternProperties", "dependentSchemas", "headers", "parameters"})
"""Members whose own members have names that the author chose: a property may well be called `title`."""


class ContractError(Exception):
    """A document that cannot be compared, and why."""


def resolve(root: Mapping[str, Any], node: Any) -> Any:
    """What a node stands for, its reference followed.

    Raises:
        ContractError: the reference leads nowhere, out of the document or back to itself.
    """
    seen: set[str] = set()
    while isinstance(node, Mapping) and "$ref" in node:
        reference = str(node["$ref"])
        if reference in seen:
            raise ContractError(f"the reference {reference!r} leads back to itself")
        seen.add(reference)
        node = target(root, reference)
    return node


def target(root: Mapping[str, Any], reference: str) -> Any:
    """What a reference points to.

    Raises:
        ContractError: nothing, or something outside of the document.
    """
    if reference != "#" and not reference.startswith("#/"):
        raise ContractError(f"the reference {reference!r} leads out of the document; only '#/...' can be followed")
    found: Any = root
    for part in reference.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        elif isinstance(found, Mapping) and name in found:
            found = found[name]
        else:
            raise ContractError(f"the reference {reference!r} leads nowhere")
    return found


def mapping(node: Any, place: str) -> Mapping[str, Any]:
    """The node, which must be a mapping; nothing is an empty one.

    Raises:
        ContractError: it is something else.
    """
    if node is None:
        return {}
    if not isinstance(node, Mapping):
        raise ContractError(f"{place} must be a mapping, and is {text_of(node)}")
    # Unquoted statuses are numbers in YAML.
    return {str(name): member for name, member in node.items()}


def sequence(node: Any, place: str) -> list[Any]:
    """The node, which must be a list; nothing is an empty one.

    Raises:
        ContractError: it is something else.
    """
    if node is None:
        return []
    if not isinstance(node, list | tuple):
        raise ContractError(f"{place} must be a list, and is {text_of(node)}")
    return list(node)


def text_of(value: Any) -> str:
    """One text for equal values, whatever the order of their members: 1 and 1.0 are equal, 1 and true are not."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, default=str)


def meaning_of(root: Mapping[str, Any], node: Any) -> str:
    """A text of what a node says: references replaced by what they point to, annotations left out."""
    return text_of(_bare(root, node, ()))


def _bare(root: Mapping[str, Any], node: Any, within: tuple[str, ...], *, names_are_ours: bool = False) -> Any:
    if isinstance(node, list | tuple):
        return [_bare(root, member, within) for member in node]
    if not isinstance(node, Mapping):
        return node
    reference = str(node.get("$ref", ""))
    if reference in within:
        return {"again": len(within) - within.index(reference)}
    members: dict[str, Any] = {}
    for name, member in node.items():
        if name in _VALUES:
            members[name] = member
        elif names_are_ours or not is_annotation(str(name)):
            members[name] = _bare(root, member, within, names_are_ours=name in _NAMED)
    if reference:
        members["$ref"] = _bare(root, target(root, reference), (*within, reference))
    return members["$ref"] if list(members) == ["$ref"] else members


def is_annotation(name: str) -> bool:
    """Whether a member only describes."""
    return name in ANNOTATIONS or name.startswith("x-")


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return {str(name): _plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
