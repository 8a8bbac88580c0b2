"""What values a schema allows, as branches: one for each type, and for each alternative of that type.

References are followed, `allOf` and what stands beside a reference are merged, `anyOf` and `oneOf` are taken apart, a
list of types and `null` too, `const` is an `enum` of one. So schemas that say the same in other words become the same
branches. `oneOf` is read as `anyOf`: what is decided here is which values may come, and alternatives that exclude one
another allow the same either way.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import msgspec

from sandbox.cli.contract.reading import ContractError, is_annotation, mapping, sequence, target, text_of

KINDS = ("null", "boolean", "number", "string", "array", "object")
WHOLE = "whole"
"""Our keyword for numbers without a fraction: `integer` is a `number` that has it."""

LOWER_LIMITS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
UPPER_LIMITS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")

_APPLIES_TO = {
    "number": (WHOLE, "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "format"),
    "string": ("minLength", "maxLength", "pattern", "format", "contentEncoding", "contentMediaType", "contentSchema"),
    "array": (
        *("items", "prefixItems", "contains", "minContains", "maxContains", "minItems", "maxItems", "uniqueItems"),
        "unevaluatedItems",
    ),
    "object": (
        *("properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties"),
        *("maxProperties", "dependentRequired", "dependentSchemas", "unevaluatedProperties"),
    ),
}
_OF_ONE_KIND = frozenset(keyword for keywords in _APPLIES_TO.values() for keyword in keywords)
_NOT_ASSERTING = frozenset(
    {"type", "$ref", "allOf", "anyOf", "oneOf", "default", "deprecated", "readOnly", "writeOnly"}
)
_SCHEMAS = frozenset({"items", "additionalProperties"})
_IDLE: dict[str, int] = {"minLength": 0, "minItems": 0, "minProperties": 0, "uniqueItems": False}
"""Keywords, and the value with which each asks for nothing."""


class Branch(msgspec.Struct, frozen=True, kw_only=True):
    """Values of one type, and the keywords that say which."""

    kind: str
    name: str
    """What people call this alternative: its title, or the name of its component."""
    keywords: dict[str, Any]


class _Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """Schemas that hold together, none of which has alternatives or references any more."""

    name: str = ""
    parts: tuple[Mapping[str, Any], ...] = ()


def branches(root: Mapping[str, Any], schema: Any) -> list[Branch]:
    """Everything that the schema allows; nothing where it allows nothing."""
    found = [branch for alternative in _alternatives(root, schema, ()) for branch in _of_each_kind(alternative)]
    return _lists_joined(found)


def annotation(root: Mapping[str, Any], schema: Any, name: str) -> Any:
    """What a schema says beside its assertions, itself or where it refers to; `msgspec.UNSET` where it is silent."""
    waiting, seen = [schema], set()
    while waiting:
        node = waiting.pop(0)
        if not isinstance(node, Mapping):
            continue
        if name in node:
            return node[name]
        if "$ref" in node and node["$ref"] not in seen:
            seen.add(node["$ref"])
            waiting.append(target(root, str(node["$ref"])))
        waiting += sequence(node.get("allOf"), "allOf")
    return msgspec.UNSET


def both(first: Any, second: Any) -> Any:
    """A schema of the values that both schemas allow."""
    parts: dict[str, Any] = {}
    for schema in (first, second):
        bundled = isinstance(schema, Mapping) and list(schema) == ["allOf"]
        parts |= {text_of(part): part for part in (schema["allOf"] if bundled else [schema])}
    return next(iter(parts.values())) if len(parts) == 1 else {"allOf": list(parts.values())}


def _alternatives(root: Mapping[str, Any], schema: Any, within: tuple[str, ...]) -> list[_Alternative]:
    if schema is True:
        return [_Alternative()]
    if schema is False:
        return []
    node = mapping(schema, "a schema")
    own = {name: value for name, value in node.items() if name not in _NOT_ASSERTING and not is_annotation(name)}
    if "type" in node:
        own["type"] = node["type"]
    found = [_Alternative(parts=(own,) if own else ())]
    reference = str(node.get("$ref", ""))
    # A schema that refers to itself by nothing but references and allOf adds nothing to itself.
    if reference and reference not in within:
        found = _together(found, _alternatives(root, target(root, reference), (*within, reference)))
    for part in sequence(node.get("allOf"), "allOf"):
        found = _together(found, _alternatives(root, part, within))
    for union in ("anyOf", "oneOf"):
        if union in node:
            members = sequence(node[union], union)
            found = _together(found, [each for member in members for each in _alternatives(root, member, within)])
    name = str(node.get("title") or reference.rpartition("/")[2])
    return [_Alternative(name=each.name or name, parts=each.parts) for each in found]


def _together(first: Iterable[_Alternative], second: Sequence[_Alternative]) -> list[_Alternative]:
    return [_Alternative(name=b.name or a.name, parts=a.parts + b.parts) for a, b in product(first, second)]


def _of_each_kind(alternative: _Alternative) -> Iterator[Branch]:
    merged: dict[str, Any] = {}
    kinds = set(KINDS)
    for part in alternative.parts:
        if "type" in part:
            kinds &= _kinds(part["type"], merged)
        for keyword, value in part.items():
            if keyword != "type":
                _merge(merged, keyword, value)
    for kind in (kind for kind in KINDS if kind in kinds):
        applies = _APPLIES_TO.get(kind, ())
        keywords = {name: value for name, value in merged.items() if name in applies or name not in _OF_ONE_KIND}
        if "enum" in keywords:
            whole = bool(keywords.pop(WHOLE, False))
            keywords["enum"] = {
                text: value for text, value in keywords["enum"].items() if _kind_of(value, whole=whole) == kind
            }
            if not keywords["enum"]:
                continue
        yield Branch(kind=kind, name=alternative.name, keywords=keywords)


def _kinds(named: Any, merged: dict[str, Any]) -> set[str]:
    names = {named} if isinstance(named, str) else {str(name) for name in sequence(named, "type")}
    unknown = names - {*KINDS, "integer"}
    if unknown:
        raise ContractError(f"there is no type {min(unknown)!r} in a schema of OpenAPI 3.1")
    if "integer" in names and "number" not in names:
        merged[WHOLE] = True
    return {"number" if name == "integer" else name for name in names}


def _kind_of(value: Any, *, whole: bool) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number" if not whole or float(value).is_integer() else "none"
    if value is None:
        return "null"
    return "array" if isinstance(value, list) else "object" if isinstance(value, Mapping) else "string"


def _merge(merged: dict[str, Any], keyword: str, value: Any) -> None:
    if keyword in _IDLE and value == _IDLE[keyword]:
        return
    if keyword in {"enum", "const"}:
        values = {text_of(each): each for each in (sequence(value, "enum") if keyword == "enum" else [value])}
        known = merged.get("enum", values)
        merged["enum"] = {text: each for text, each in values.items() if text in known}
    elif keyword in LOWER_LIMITS or keyword in UPPER_LIMITS:
        strictest: Callable[..., Any] = max if keyword in LOWER_LIMITS else min
        merged[keyword] = strictest(_number(keyword, value), merged.get(keyword, value))
    elif keyword == "properties":
        known = merged.get("properties", {})
        new = mapping(value, "properties")
        merged["properties"] = known | {
            name: both(known[name], schema) if name in known else schema for name, schema in new.items()
        }
    elif keyword == "required":
        merged["required"] = dict.fromkeys([*merged.get("required", ()), *sequence(value, "required")])
    elif keyword in _SCHEMAS:
        merged[keyword] = both(merged[keyword], value) if keyword in merged else value
    else:
        # Of any other keyword all that holds is kept, each once: two patterns are two.
        merged[keyword] = merged.get(keyword, {}) | {text_of(value): value}


def _number(keyword: str, value: Any) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ContractError(f"{keyword} must be a number, and is {text_of(value)}")
    return value


def _lists_joined(found: list[Branch]) -> list[Branch]:
    """Each branch once, those that differ in the values they list as one: alternatives of constants are an `enum`."""
    if len({branch.kind for branch in found}) == len(found):
        return found
    kept: dict[str, Branch] = {}
    for branch in found:
        rest = {name: value for name, value in branch.keywords.items() if name != "enum"}
        lists = "enum" in branch.keywords
        key = text_of([branch.kind, rest, lists])
        if key in kept and lists:
            values = kept[key].keywords["enum"] | branch.keywords["enum"]
            kept[key] = Branch(kind=branch.kind, name=kept[key].name, keywords={**rest, "enum": values})
        kept.setdefault(key, branch)
    return list(kept.values())
