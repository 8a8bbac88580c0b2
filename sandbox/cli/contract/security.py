"""Who may call an operation, before and after: the ways in, each a set of credentials with their scopes."""

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.cli.contract.reading import mapping, meaning_of, resolve, sequence
from sandbox.cli.contract.rules import Finding, Rule

_Way = dict[str, tuple[str, frozenset[str]]]
"""The credentials that one way in asks for: what each is, the name it has in the document, and its scopes."""

_ONLY_HINTS = frozenset({"bearerFormat"})


def compare_security(
    old_root: Mapping[str, Any], old: Mapping[str, Any], new_root: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[Finding]:
    """What credentials that sufficed no longer do, and which suffice now."""
    was, now = _ways_in(old_root, old), _ways_in(new_root, new)
    for way in was:
        if not any(_suffices(way, asked) for asked in now):
            yield Rule.SECURITY_TIGHTENED, f"can no longer be called {_called(way)}"
    for way in now:
        if not any(_suffices(way, asked) for asked in was):
            yield Rule.SECURITY_LOOSENED, f"may be called {_called(way)} now"


def _suffices(held: _Way, asked: _Way) -> bool:
    return all(scheme in held and held[scheme][1] >= scopes for scheme, (_, scopes) in asked.items())


def _ways_in(root: Mapping[str, Any], operation: Mapping[str, Any]) -> list[_Way]:
    stated = operation.get("security", root.get("security"))
    ways = [_way(root, mapping(each, "security")) for each in sequence(stated, "security")]
    return ways or [{}]  # no way stated: everybody may come in


def _way(root: Mapping[str, Any], asked: Mapping[str, Any]) -> _Way:
    return {
        _identity(root, name): (name, frozenset(str(scope) for scope in sequence(scopes, "scopes")))
        for name, scopes in asked.items()
    }


def _identity(root: Mapping[str, Any], name: str) -> str:
    """What a scheme asks for, whatever it is called in the document."""
    components = mapping(root.get("components"), "components")
    scheme = mapping(resolve(root, mapping(components.get("securitySchemes"), "securitySchemes").get(name)), name)
    return meaning_of(root, {key: value for key, value in scheme.items() if key not in _ONLY_HINTS} or name)


def _called(way: _Way) -> str:
    if not way:
        return "without credentials"
    names = (f"{name} ({', '.join(sorted(scopes))})" if scopes else name for name, scopes in way.values())
    return f"with {' and '.join(names)} alone"
