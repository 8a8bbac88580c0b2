"""How two documents differ: servers, operations, webhooks, and schemas that no operation refers to."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.cli.contract.operations import Described, compare_operations, members
from sandbox.cli.contract.reading import ContractError, mapping, meaning_of, resolve, sequence, text_of
from sandbox.cli.contract.rules import Change, Finding, Rule, Side, changes, worst_first
from sandbox.cli.contract.schemas import Both, Place, differences
from sandbox.cli.contract.security import compare_security

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
DOCUMENT = "the document"

_VARIABLE = re.compile(r"\{[^}]*\}")
_REFERENCE = re.compile(r'"\$ref": "#/components/schemas/([^"/]+)')


def compare(old: Any, new: Any) -> list[Change]:
    """Every difference between two parsed OpenAPI 3.1 documents, breaking ones first.

    Raises:
        ContractError: one of them is none, or refers to what is not in it.
    """
    old, new = _checked(old), _checked(new)
    found = changes(DOCUMENT, Side.REQUEST, _servers(old, new))
    before, after = _operations(old), _operations(new)
    for key in dict.fromkeys([*after, *before]):
        was, now = before.get(key), after.get(key)
        if was is None and now is not None:
            found += changes(_named(key, now), Side.REQUEST, [(Rule.OPERATION_ADDED, "the operation was added")])
        elif was is not None and now is None:
            found += changes(_named(key, was), Side.REQUEST, [(Rule.OPERATION_REMOVED, "the operation was removed")])
        elif was is not None and now is not None:
            where = _named(key, now)
            security = compare_security(old, was.operation, new, now.operation)
            found += [*changes(where, Side.REQUEST, security), *compare_operations(where, was, now)]
    found += changes(DOCUMENT, Side.REQUEST, _webhooks(old, new))
    found += _unused_schemas(old, new)
    return worst_first(found)


def _checked(document: Any) -> Mapping[str, Any]:
    if not isinstance(document, Mapping) or not str(document.get("openapi", "")).startswith("3.1"):
        raise ContractError("it is no OpenAPI 3.1 document: it must begin with `openapi: 3.1.0`")
    return document


def _servers(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
    was, now = ([server.get("url") for server in _servers_of(document)] for document in (old, new))
    yield from ((Rule.SERVER_REMOVED, f"server {url} was removed") for url in was if url not in now)
    yield from ((Rule.SERVER_ADDED, f"server {url} was added") for url in now if url not in was)


def _servers_of(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [mapping(server, "a server") for server in sequence(document.get("servers"), "servers")] or [{"url": "/"}]


def _operations(root: Mapping[str, Any]) -> dict[tuple[str, str], Described]:
    """Operations by method and by path with its variables blanked: the same requests, whatever these are called."""
    found = {}
    for path, node in mapping(root.get("paths"), "paths").items():
        item = mapping(resolve(root, node), path)
        for method in (method for method in METHODS if method in item):
            operation = mapping(item[method], f"{method.upper()} {path}")
            found[method, _VARIABLE.sub("{}", path)] = Described(root, path, item, operation)
    return found


def _named(key: tuple[str, str], described: Described) -> str:
    return f"{key[0].upper()} {described.path}"


def _webhooks(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
    both = Both(old, new, Side.REQUEST)
    for name, was, now in members(both, old.get("webhooks"), new.get("webhooks"), "webhooks"):
        if meaning_of(old, was) != meaning_of(new, now):
            yield Rule.UNREAD_PART_CHANGED, f"webhook '{name}' changed: read by people only"


def _unused_schemas(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Schemas that no operation leads to are there for themselves, and known by their names.

    Who reads by them and who writes by them cannot be told, so each difference is weighed on both sides.
    """
    before, after = _schemas(old), _schemas(new)
    found: list[Change] = []
    for name in _unused(old):
        where = f"schema {name}"
        if name not in after:
            found += changes(where, Side.REQUEST, [(Rule.SCHEMA_REMOVED, "the schema was removed")])
        else:
            for side in Side:
                place = Place("it", "its")
                found += changes(where, side, differences(Both(old, new, side), place, before[name], after[name]))
    for name in (name for name in _unused(new) if name not in before):
        found += changes(f"schema {name}", Side.REQUEST, [(Rule.SCHEMA_ADDED, "the schema was added")])
    return found


def _schemas(root: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(mapping(root.get("components"), "components").get("schemas"), "schemas")


def _unused(root: Mapping[str, Any]) -> list[str]:
    schemas = _schemas(root)
    components = {
        name: part for name, part in mapping(root.get("components"), "components").items() if name != "schemas"
    }
    waiting, used = [text_of({**root, "components": components})], set[str]()
    while waiting:
        for name in set(_REFERENCE.findall(waiting.pop())) - used:
            used.add(name)
            waiting.append(text_of(schemas.get(name)))
    return [name for name in schemas if name not in used]
