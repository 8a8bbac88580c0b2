"""The path table: every operation the doors serve, made from the registered routes at start.

The edge looks each request up here before Litestar sees it, so that roles, sandbox rules, 404, 405, OPTIONS and
(later) faults and the journal speak of operations, not of URLs.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from litestar.enums import ParamType
from litestar.params import ParameterKwarg
from litestar.routes import BaseRoute, HTTPRoute

from sandbox.core.errors import DomainError, MethodNotAllowedError, NotFoundError
from sandbox.core.vocabulary import Role

ROLES = "roles"
SCOPE = "scope"
OPTIONAL_BODY = "optional_body"
ANY_QUERY = "any_query"
REFUSALS = "refusals"

ABOUT_THE_PROCESS = {"/_sandbox/health", "/_sandbox/livez"}
"""A full disk is no reason to kill the process, which has what is not on disk yet."""

_NEVER_CHANGE_A_BANK = ("/_sandbox/", "/v1/auth/")
"""What steers a sandbox, and signing in and out."""

EVERYBODY: tuple[Role, ...] = tuple(Role)
STAFF = (Role.AUDITOR, Role.ADMIN)
CUSTOMERS = (Role.CUSTOMER,)


def roles(*allowed: Role) -> dict[str, Any]:
    """Handler `opt`: a token is needed, of one of these roles."""
    return {ROLES: allowed}


def anybody(*, finds_own_sandbox: bool = False) -> dict[str, Any]:
    """Handler `opt`: no token is needed. `finds_own_sandbox`: the body may name the sandbox."""
    return {ROLES: None, SCOPE: "body" if finds_own_sandbox else "sandbox"}


def of_the_house() -> dict[str, Any]:
    """Handler `opt`: no token, and even a strict server needs no sandbox named."""
    return {ROLES: None, SCOPE: "house"}


def any_query() -> dict[str, Any]:
    """Handler `opt`: the operation reads its query itself; any parameter may stand in it, more than once too."""
    return {ANY_QUERY: True}


def refuses(*kinds: type[DomainError]) -> dict[str, Any]:
    """Handler `opt`: what this operation may say no with, beyond what `refusals` finds out by itself."""
    return {REFUSALS: kinds}


class Operation(msgspec.Struct, frozen=True):
    """One method on one path."""

    operation_id: str
    method: str
    template: str
    roles: tuple[Role, ...] | None
    scope: str
    query: frozenset[str] | None
    """The parameters it knows; None for one that reads its query itself."""
    optional_body: bool = False
    """Whether it may come without the body that it can take."""
    refusals: tuple[type[DomainError], ...] = ()
    """Its own; `refusals.refusals_of` has all of them."""

    @property
    def places_order(self) -> bool:
        """Whether it moves money: once per Idempotency-Key, or rehearsed."""
        return self.query is not None and "dry_run" in self.query

    @property
    def changes_bank(self) -> bool:
        """Whether it changes what a bank holds, which a read-only server refuses."""
        return self.method != "GET" and not self.template.startswith(_NEVER_CHANGE_A_BANK)


class _Node:
    __slots__ = ("children", "operations", "parameter")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.operations: dict[str, Operation] = {}


class PathTable:
    """Finds the operation of a method and a path."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._root = _Node()
        self.operations: list[Operation] = []
        for route in routes:
            if isinstance(route, HTTPRoute):
                self._add(route)

    def find(self, method: str, path: str) -> Operation:
        """The operation that serves `method` on `path`; HEAD is served wherever GET is.

        Raises:
            NotFoundError: no such path.
            MethodNotAllowedError: the path has other methods; its `headers` carry `Allow`.
        """
        node = self._walk(path)
        if node is None:
            raise NotFoundError(f"Nothing is served at {path}. The OpenAPI document at /openapi.json lists what is.")
        found = node.operations.get("GET" if method == "HEAD" else method)
        if found is not None:
            return found
        allowed = _allowed(node)
        refusal = MethodNotAllowedError(f"{path} takes {allowed}, not {method[:20]}.")
        refusal.headers["Allow"] = allowed
        raise refusal

    def allowed(self, path: str) -> str:
        """The value of `Allow` for a path.

        Raises:
            NotFoundError: no such path.
        """
        node = self._walk(path)
        if node is None:
            raise NotFoundError(f"Nothing is served at {path}.")
        return _allowed(node)

    def _walk(self, path: str) -> _Node | None:
        node = self._root
        for segment in path.split("/")[1:]:
            following = node.children.get(segment) or (node.parameter if segment else None)
            if following is None:
                return None
            node = following
        return node if node.operations else None

    def _add(self, route: HTTPRoute) -> None:
        node = self._root
        for component in route.path_components or [""]:  # "/" has none
            if isinstance(component, str):
                for segment in component.strip("/").split("/"):
                    node = node.children.setdefault(segment, _Node())
            else:
                node.parameter = node.parameter or _Node()
                node = node.parameter
        # Litestar keeps them in the order of a set, which differs from run to run.
        for method, (handler, _) in sorted(route.route_handler_map.items()):
            if method == "OPTIONS" or ROLES not in handler.opt:
                continue  # Litestar's own; what does not say who may use it is not served
            operation = Operation(
                operation_id=str(handler.operation_id or handler.handler_name),
                method=method,
                template=route.path_format,
                roles=handler.opt.get(ROLES),
                scope=handler.opt.get(SCOPE, "sandbox"),
                query=None if handler.opt.get(ANY_QUERY) else _query_names(handler),
                optional_body=bool(handler.opt.get(OPTIONAL_BODY)),
                refusals=handler.opt.get(REFUSALS, ()),
            )
            node.operations[method] = operation
            self.operations.append(operation)


def _allowed(node: _Node) -> str:
    methods = set(node.operations) | {"OPTIONS"}
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(sorted(methods))


def _query_names(handler: Any) -> frozenset[str]:
    """The query parameters of a handler and of what it depends on."""
    depends_on = handler.resolve_dependencies()
    signatures = [handler.parsed_fn_signature, *(provider.parsed_fn_signature for provider in depends_on.values())]
    names = set()
    for signature in signatures:
        for name, field in signature.parameters.items():
            kwarg = field.kwarg_definition
            if name not in depends_on and isinstance(kwarg, ParameterKwarg) and kwarg.param_type == ParamType.QUERY:
                names.add(kwarg.name or name)
    return frozenset(names)
