"""How two schemas differ: for each difference its rule, and a line for people. Which side says it, the caller knows."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

import msgspec

from sandbox.cli.contract.limits import READ_HERE, limits, values
from sandbox.cli.contract.reading import meaning_of, text_of
from sandbox.cli.contract.rules import Finding, Rule, Side
from sandbox.cli.contract.shapes import KINDS, Branch, annotation, branches

_HAVE_PARTS = frozenset({"properties", "required", "additionalProperties", "items"})
_HIDES = {Side.REQUEST: "readOnly", Side.RESPONSE: "writeOnly"}


class Both(NamedTuple):
    """The two documents, and the side of which schemas are compared."""

    old: Mapping[str, Any]
    new: Mapping[str, Any]
    side: Side


class Place(NamedTuple):
    """Where in a request or response a schema stands."""

    whole: str
    """What the outermost schema is called, as `request body`."""
    parts: str
    """What precedes its properties, as `request`."""
    path: str = ""

    def __str__(self) -> str:
        return f"{self.parts} property '{self.path}'" if self.path else self.whole

    def at(self, name: str) -> "Place":
        """A property of it."""
        return self._replace(path=f"{self.path}.{name}" if self.path else name)

    @property
    def items(self) -> "Place":
        """Its items."""
        return self._replace(path=f"{self.path}[]")

    def called(self, name: str) -> "Place":
        """One of its alternatives."""
        if not name:
            return self
        if self.path:
            return self._replace(path=f"{self.path}({name})")
        return self._replace(whole=f"{self.whole} ({name})", parts=f"{self.parts} ({name})")


def differences(
    both: Both, place: Place, old: Any, new: Any, within: frozenset[tuple[str, str]] = frozenset()
) -> Iterator[Finding]:
    """Every difference between two schemas that stand at the same place."""
    key = was_said, is_said = text_of(old), text_of(new)
    # Schemas of the same words are the same, unless these words point to what is not.
    if key in within or (was_said == is_said and '"$ref"' not in was_said):
        return
    deeper = within | {key}
    yield from _annotations(both, place, old, new)
    before, after = _by_kind(branches(both.old, old)), _by_kind(branches(both.new, new))
    yield from _kinds(place, list(before), list(after))
    for kind in (kind for kind in before if kind in after):
        several = max(len(before[kind]), len(after[kind])) > 1
        for was, now in _pairs(both, before[kind], after[kind]):
            if was is not None and now is not None:
                yield from _branches(both, place.called(now.name) if several else place, was, now, deeper)
            elif now is not None:
                yield Rule.ALTERNATIVE_ADDED, f"{place} may also be {_described(now)}"
            elif was is not None:
                yield Rule.ALTERNATIVE_REMOVED, f"{place} may no longer be {_described(was)}"


def _annotations(both: Both, place: Place, old: Any, new: Any) -> Iterator[Finding]:
    was, now = annotation(both.old, old, "default"), annotation(both.new, new, "default")
    if was is msgspec.UNSET and now is not msgspec.UNSET:
        yield Rule.DEFAULT_STATED, f"{place} has the default {text_of(now)} now"
    elif now is msgspec.UNSET and was is not msgspec.UNSET:
        yield Rule.DEFAULT_CHANGED, f"{place} has no default now, was {text_of(was)}"
    elif was is not msgspec.UNSET and text_of(was) != text_of(now):
        yield Rule.DEFAULT_CHANGED, f"{place} has the default {text_of(now)} now, was {text_of(was)}"
    if annotation(both.new, new, "deprecated") is True and annotation(both.old, old, "deprecated") is not True:
        yield Rule.DEPRECATED, f"{place} is deprecated now"


def _by_kind(found: Iterable[Branch]) -> dict[str, list[Branch]]:
    sorted_out: dict[str, list[Branch]] = {}
    for branch in found:
        sorted_out.setdefault(branch.kind, []).append(branch)
    return sorted_out


def _kinds(place: Place, old: list[str], new: list[str]) -> Iterator[Finding]:
    gone, come = [kind for kind in old if kind not in new], [kind for kind in new if kind not in old]
    if gone and come and len(gone) == len(old):
        yield Rule.TYPE_CHANGED, f"{place} is {_types(new)} now, was {_types(old)}"
        return
    if gone:
        yield Rule.TYPE_REMOVED, f"{place} may no longer be {_types(gone)}"
    if come:
        yield Rule.TYPE_ADDED, f"{place} may also be {_types(come)}"


def _types(kinds: list[str]) -> str:
    return "anything" if len(kinds) == len(KINDS) else " or ".join(kinds)


def _pairs(both: Both, old: list[Branch], new: list[Branch]) -> Iterator[tuple[Branch | None, Branch | None]]:
    """Alternatives of one type that belong together: the same, then those most alike, then what is left."""
    old, new = list(old), list(new)
    while old and new:
        alone = len(old) == len(new) == 1
        was, now = (old[0], new[0]) if alone else max(product(old, new), key=lambda pair: _likeness(both, *pair))
        yield was, now
        old.remove(was)
        new.remove(now)
    yield from ((was, None) for was in old)
    yield from ((None, now) for now in new)


def _likeness(both: Both, old: Branch, new: Branch) -> tuple[bool, bool, int]:
    same = meaning_of(both.old, old.keywords) == meaning_of(both.new, new.keywords)
    listed = "enum" if "enum" in old.keywords else "properties"
    shared = len(set(old.keywords.get(listed, ())) & set(new.keywords.get(listed, ())))
    return same, bool(old.name) and old.name == new.name, shared


def _described(branch: Branch) -> str:
    if "enum" in branch.keywords:
        return values(branch.keywords["enum"])
    article = "an" if branch.kind in {"array", "object"} else "a"
    properties = f" with {', '.join(branch.keywords['properties'])}" if branch.keywords.get("properties") else ""
    return f"{branch.name} ({branch.kind})" if branch.name else f"{article} {branch.kind}{properties}"


def _branches(
    both: Both, place: Place, old: Branch, new: Branch, within: frozenset[tuple[str, str]]
) -> Iterator[Finding]:
    was, now = old.keywords, new.keywords
    yield from limits(place, was, now)
    for keyword in dict.fromkeys([*was, *now]):
        if keyword not in READ_HERE | _HAVE_PARTS and _said(both.old, was, keyword) != _said(both.new, now, keyword):
            yield Rule.OTHER_KEYWORD_CHANGED, f"{place} is under another '{keyword}' now"
    if old.kind == "array":
        yield from differences(both, place.items, was.get("items", True), now.get("items", True), within)
    if old.kind == "object":
        yield from _properties(both, place, was, now, within)
        yield from _required(both, place, was, now)
        yield from _unlisted(both, place, was, now, within)


def _said(root: Mapping[str, Any], keywords: dict[str, Any], keyword: str) -> list[str]:
    return sorted(meaning_of(root, {keyword: value}) for value in keywords.get(keyword, {}).values())


def _properties(
    both: Both, place: Place, was: dict[str, Any], now: dict[str, Any], within: frozenset[tuple[str, str]]
) -> Iterator[Finding]:
    old, new = _visible(both.old, both.side, was), _visible(both.new, both.side, now)
    others_old, others_new = was.get("additionalProperties", True), now.get("additionalProperties", True)
    for name in dict.fromkeys([*old, *new]):
        at = place.at(name)
        if name in old and name in new:
            yield from differences(both, at, old[name], new[name], within)
        elif name in old and not branches(both.new, others_new):
            yield Rule.PROPERTY_REFUSED, f"{at} was removed, and properties that are not listed are refused"
        elif name in old:
            yield Rule.PROPERTY_REMOVED, f"{at} was removed"
            if _is_typed(both.new, others_new):
                yield from differences(both, at, old[name], others_new, within)
        else:
            if name in now.get("required", ()) and name not in was.get("required", ()):
                yield Rule.REQUIRED_PROPERTY_ADDED, f"{at} was added, and is required"
            else:
                yield Rule.PROPERTY_ADDED, f"{at} was added"
            if _is_typed(both.old, others_old):
                yield from differences(both, at, others_old, new[name], within)


def _visible(root: Mapping[str, Any], side: Side, keywords: dict[str, Any]) -> dict[str, Any]:
    """The properties that there are on this side: none that only the other side says."""
    properties = keywords.get("properties", {})
    return {name: part for name, part in properties.items() if annotation(root, part, _HIDES[side]) is not True}


def _is_typed(root: Mapping[str, Any], schema: Any) -> bool:
    """Whether properties that are not listed may be there, but not with any value."""
    found = branches(root, schema)
    return bool(found) and (len(found) < len(KINDS) or any(branch.keywords for branch in found))


def _required(both: Both, place: Place, was: dict[str, Any], now: dict[str, Any]) -> Iterator[Finding]:
    old, new = _visible(both.old, both.side, was), _visible(both.new, both.side, now)
    for name in dict.fromkeys([*was.get("required", ()), *now.get("required", ())]):
        hidden = name not in old | new and name in {*was.get("properties", ()), *now.get("properties", ())}
        asked, asks = name in was.get("required", ()), name in now.get("required", ())
        if asks and not asked and not hidden and not (name in new and name not in old):
            yield Rule.PROPERTY_NOW_REQUIRED, f"{place.at(name)} became required"
        if asked and not asks and not hidden and not (name in old and name not in new):
            yield Rule.PROPERTY_NOW_OPTIONAL, f"{place.at(name)} is no longer required"


def _unlisted(
    both: Both, place: Place, was: dict[str, Any], now: dict[str, Any], within: frozenset[tuple[str, str]]
) -> Iterator[Finding]:
    old, new = was.get("additionalProperties", True), now.get("additionalProperties", True)
    closed, closes = not branches(both.old, old), not branches(both.new, new)
    if closes and not closed:
        yield Rule.UNLISTED_REFUSED, f"{place}: properties that are not listed are refused now"
    elif closed and not closes:
        yield Rule.UNLISTED_ALLOWED, f"{place}: properties that are not listed may be there now"
    elif not closed:
        yield from differences(both, place.at("*"), old, new, within)
