"""How two operations differ: parameters, body, responses, headers, links. Their schemas are compared in `schemas`."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sandbox.cli.contract.reading import mapping, meaning_of, resolve, sequence
from sandbox.cli.contract.rules import Change, Finding, Rule, Side, changes
from sandbox.cli.contract.schemas import Both, Place, differences

_JSON = frozenset({"application/json", "application/problem+json"})
_STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}
_GIVEN_BY_OTHERS = frozenset({"accept", "content-type", "authorization"})
"""Headers that OpenAPI forbids to describe as parameters: they stand elsewhere in a document."""


class Described(NamedTuple):
    """An operation in its document."""

    root: Mapping[str, Any]
    path: str
    item: Mapping[str, Any]
    """The path's own members, such as parameters of all its operations."""
    operation: Mapping[str, Any]


def compare_operations(where: str, old: Described, new: Described) -> list[Change]:
    """Every difference between two versions of one operation."""
    said = Both(old.root, new.root, Side.REQUEST)
    heard = said._replace(side=Side.RESPONSE)
    return [
        *changes(where, Side.REQUEST, _names(old, new)),
        *changes(where, Side.REQUEST, _parameters(said, old, new)),
        *changes(where, Side.REQUEST, _body(said, old.operation, new.operation)),
        *changes(where, Side.RESPONSE, _responses(heard, old.operation, new.operation)),
        *changes(where, Side.REQUEST, _callbacks(said, old.operation, new.operation)),
    ]


def members(both: Both, old: Any, new: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    """Named members of two nodes side by side, references followed; none where one lacks the name."""
    was, now = _members(both.old, old, place), _members(both.new, new, place)
    yield from ((name, was.get(name), now.get(name)) for name in dict.fromkeys([*was, *now]))


def _members(root: Mapping[str, Any], node: Any, place: str) -> dict[str, Mapping[str, Any]]:
    named = mapping(resolve(root, node), place)
    return {name: mapping(resolve(root, member), f"{name} of {place}") for name, member in named.items()}


def variables(path: str) -> list[str]:
    """The names between the braces of a path."""
    return [piece.partition("}")[0] for piece in path.split("{")[1:]]


def _names(old: Described, new: Described) -> Iterator[Finding]:
    was, now = old.operation.get("operationId"), new.operation.get("operationId")
    if was is not None and was != now:
        yield Rule.OPERATION_ID_CHANGED, f"operationId is {now!r} now, was {was!r}"
    for before, after in zip(variables(old.path), variables(new.path), strict=True):
        if before != after:
            yield Rule.PATH_PARAMETER_RENAMED, f"path parameter '{before}' is called '{after}' now"
    if new.operation.get("deprecated") is True and old.operation.get("deprecated") is not True:
        yield Rule.DEPRECATED, "the operation is deprecated now"


def _parameters(both: Both, old: Described, new: Described) -> Iterator[Finding]:
    renamed = dict(zip(variables(old.path), variables(new.path), strict=True))
    was, now = _parameters_of(old, renamed), _parameters_of(new, {})
    for key in dict.fromkeys([*was, *now]):
        before, after = was.get(key), now.get(key)
        name = f"{key[0]} parameter '{(after or before or {}).get('name')}'"
        if after is None:
            yield Rule.PARAMETER_REMOVED, f"{name} was removed"
        elif before is None:
            if after.get("required") is True:
                yield Rule.REQUIRED_PARAMETER_ADDED, f"{name} was added, and is required"
            else:
                yield Rule.PARAMETER_ADDED, f"{name} was added"
        else:
            yield from _parameter(both, name, before, after)


def _parameters_of(described: Described, renamed: Mapping[str, str]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Parameters by place and name, those of the operation over those of its path."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for holder in (described.item, described.operation):
        for node in sequence(holder.get("parameters"), "parameters"):
            parameter = mapping(resolve(described.root, node), "a parameter")
            place, name = str(parameter.get("in")), str(parameter.get("name"))
            if place == "header":
                name = name.lower()  # names of headers have no case
                if name in _GIVEN_BY_OTHERS:
                    continue
            found[place, renamed.get(name, name) if place == "path" else name] = parameter
    return found


def _parameter(both: Both, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
    was, now = old.get("required") is True, new.get("required") is True
    if now and not was:
        yield Rule.PARAMETER_NOW_REQUIRED, f"{name} became required"
    elif was and not now:
        yield Rule.PARAMETER_NOW_OPTIONAL, f"{name} is no longer required"
    if new.get("deprecated") is True and old.get("deprecated") is not True:
        yield Rule.DEPRECATED, f"{name} is deprecated now"
    yield from _written(both, name, old, new)


def _written(both: Both, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
    """How a parameter or header is written: its form, and its schema."""
    if _form(old) != _form(new):
        yield Rule.SERIALISATION_CHANGED, f"{name} is written in another form now"
    elif "content" in old:
        yield from _content(both, name, name, old.get("content"), new.get("content"))
    else:
        place = Place(name, f"{name},")
        yield from differences(both, place, old.get("schema", True), new.get("schema", True))


def _form(parameter: Mapping[str, Any]) -> tuple[Any, ...]:
    if "content" in parameter:
        return ("content",)
    style = parameter.get("style", _STYLES.get(str(parameter.get("in", "header"))))
    return style, parameter.get("explode", style == "form"), parameter.get("allowReserved", False)


def _body(both: Both, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
    was, now = _body_of(both.old, old), _body_of(both.new, new)
    if was is None and now is not None:
        if now.get("required") is True:
            yield Rule.REQUIRED_BODY_ADDED, "a request body was added, and is required"
        else:
            yield Rule.BODY_ADDED, "a request body was added"
    elif was is not None and now is None:
        yield Rule.BODY_REMOVED, "the request body was removed"
    elif was is not None and now is not None:
        if now.get("required") is True and was.get("required") is not True:
            yield Rule.BODY_NOW_REQUIRED, "the request body became required"
        elif was.get("required") is True and now.get("required") is not True:
            yield Rule.BODY_NOW_OPTIONAL, "the request body is no longer required"
        yield from _content(both, "request body", "request", was.get("content"), now.get("content"))


def _body_of(root: Mapping[str, Any], operation: Mapping[str, Any]) -> Mapping[str, Any] | None:
    body = operation.get("requestBody")
    return None if body is None else mapping(resolve(root, body), "requestBody")


def _content(both: Both, whole: str, parts: str, old: Any, new: Any) -> Iterator[Finding]:
    was = {name.lower().replace(" ", ""): media for name, media, _ in members(both, old, {}, "content")}
    now = {name.lower().replace(" ", ""): media for name, _, media in members(both, {}, new, "content")}
    for name in dict.fromkeys([*was, *now]):
        if name not in now:
            yield Rule.MEDIA_TYPE_REMOVED, f"{whole} may no longer be {name}"
        elif name not in was:
            yield Rule.MEDIA_TYPE_ADDED, f"{whole} may also be {name}"
        else:
            before, after = mapping(was[name], name), mapping(now[name], name)
            shown = "" if name in _JSON else f" {name}"
            if meaning_of(both.old, before.get("encoding", {})) != meaning_of(both.new, after.get("encoding", {})):
                yield Rule.SERIALISATION_CHANGED, f"{whole}{shown} is written in another form now"
            place = Place(f"{whole}{shown}", f"{parts}{shown}")
            yield from differences(both, place, before.get("schema", True), after.get("schema", True))


def _responses(both: Both, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
    for status, was, now in members(both, old.get("responses"), new.get("responses"), "responses"):
        good = status[0] in "123"
        if now is None:
            yield Rule.SUCCESS_REMOVED if good else Rule.REFUSAL_REMOVED, f"response {status} was removed"
        elif was is None:
            yield Rule.SUCCESS_ADDED if good else Rule.REFUSAL_ADDED, f"response {status} was added"
        else:
            name = f"response {status}"
            yield from _content(both, name, name, was.get("content"), now.get("content"))
            yield from _headers(both, name, was.get("headers"), now.get("headers"))
            yield from _links(both, name, was.get("links"), now.get("links"))


def _headers(both: Both, response: str, old: Any, new: Any) -> Iterator[Finding]:
    was = {name.lower(): (name, header) for name, header, _ in members(both, old, {}, "headers")}
    now = {name.lower(): (name, header) for name, _, header in members(both, {}, new, "headers")}
    for key in dict.fromkeys([*was, *now]):
        name = f"{response} header '{(now.get(key) or was[key])[0]}'"
        if key not in now:
            yield Rule.HEADER_REMOVED, f"{name} was removed"
        elif key not in was:
            yield Rule.HEADER_ADDED, f"{name} was added"
        else:
            before, after = was[key][1], now[key][1]
            promised, promises = before.get("required") is True, after.get("required") is True
            if promised and not promises:
                yield Rule.HEADER_NOW_OPTIONAL, f"{name} may be missing now"
            elif promises and not promised:
                yield Rule.HEADER_NOW_PROMISED, f"{name} is always there now"
            if after.get("deprecated") is True and before.get("deprecated") is not True:
                yield Rule.DEPRECATED, f"{name} is deprecated now"
            yield from _written(both, name, before, after)


def _links(both: Both, response: str, old: Any, new: Any) -> Iterator[Finding]:
    for name, was, now in members(both, old, new, "links"):
        if now is None:
            yield Rule.LINK_REMOVED, f"{response} link '{name}' was removed"
        elif was is None:
            yield Rule.LINK_ADDED, f"{response} link '{name}' was added"
        elif meaning_of(both.old, was) != meaning_of(both.new, now):
            yield Rule.LINK_CHANGED, f"{response} link '{name}' leads elsewhere now"


def _callbacks(both: Both, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
    was, now = ({"callbacks": operation.get("callbacks", {})} for operation in (old, new))
    if meaning_of(both.old, was) != meaning_of(both.new, now):
        yield Rule.UNREAD_PART_CHANGED, "callbacks changed: read by people only"
