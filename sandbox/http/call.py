"""A call: what the edge found out about one request, and what the doors ask it for."""

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from litestar import Request
from litestar.datastructures import State
from litestar.types import HTTPScope, Scope

from sandbox.bank.access import Actor
from sandbox.core.vocabulary import Language
from sandbox.sandboxes.house import House
from sandbox.sandboxes.root import StateRoot

if TYPE_CHECKING:
    from sandbox.http.operations import Operation

AnyRequest = Request[Any, Any, State]

_KEY = "sandbank_call"


class Call:
    """One request: its sandbox, the state root it works on to the end, its operation and its actor."""

    __slots__ = (
        "_actor",
        "_request_id",
        "_root",
        "controls",
        "headers",
        "house",
        "left",
        "named",
        "operation",
        "path",
        "prefix",
        "sandbox_id",
        "scope",
    )

    def __init__(self, scope: HTTPScope, house: House) -> None:
        self.scope = scope
        self.house = house
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.path: str = scope["path"]
        """Without the prefix that names the sandbox."""
        self.prefix = ""
        self.sandbox_id: str | None = None
        self.named: str | None = None
        """The sandbox that the request itself names, by path, header, host or access token."""
        self.operation: Operation | None = None
        self.controls = False
        """Whether it is for the control plane."""
        self.left = False
        """Whether the client left before its request was whole."""
        self._request_id = ""
        self._root: StateRoot | None = None
        self._actor: Actor | None = None

    @property
    def root(self) -> StateRoot:
        """The state root that this request works on."""
        assert self._root is not None, "the edge enters a root before a door reads one"
        return self._root

    @property
    def has_root(self) -> bool:
        """Whether a sandbox was found and entered."""
        return self._root is not None

    @property
    def request_id(self) -> str:
        """The client's own, else drawn from the sandbox when first asked for: by then the request has found its own.

        Empty as long as there is neither.
        """
        if not self._request_id and self._root is not None:
            self._request_id = self._root.request_ids.following(control=self.controls)
        return self._request_id

    def identify(self, request_id: str) -> None:
        """The client, or the edge for a request that finds no sandbox, says what it is called."""
        self._request_id = request_id

    def enter(self, sandbox_id: str, root: StateRoot) -> None:
        """Work on this sandbox from now on; a sandbox entered before is left."""
        self.leave()
        root.enter()
        self.sandbox_id, self._root = sandbox_id, root

    def leave(self) -> None:
        """The request is done with its root."""
        root, self._root = self._root, None
        if root is not None:
            root.leave()

    @property
    def actor(self) -> Actor:
        """Who acts; only where the operation asks for a token."""
        assert self._actor is not None, "the operation is open to anybody"
        return self._actor

    @property
    def username(self) -> str | None:
        """The name of who acts, where a token said so."""
        return None if self._actor is None else self._actor.username

    @property
    def asked(self) -> bytes:
        """The path as it was asked, still percent-encoded, with the prefix that names the sandbox."""
        raw: bytes | None = cast("dict[str, Any]", self.scope).get("raw_path")  # not every server gives it
        return quote(self.scope["path"]).encode() if raw is None else raw

    def acts(self, actor: Actor) -> None:
        """The edge has found out who acts."""
        self._actor = actor

    def header(self, name: bytes) -> str | None:
        """A request header, by lower-case name."""
        raw = self.headers.get(name)
        return None if raw is None else raw.decode("latin-1").strip()

    @property
    def language(self) -> Language:
        """The language of names and titles: what the request asks for, else the customer's own, else English."""
        wanted = self.header(b"accept-language")
        found = preferred_language(wanted) if wanted else None
        if found is not None:
            return found
        return self._actor.language if self._actor else Language.ENGLISH

    @property
    def ip_address(self) -> str:
        """Where the client says it is (`X-Forwarded-For`). The peer's address would put this machine into the data."""
        forwarded = self.header(b"x-forwarded-for")
        return (forwarded or "").split(",")[0].strip()[:45] or "127.0.0.1"

    @property
    def base_url(self) -> str:
        """Scheme and host under which the server was asked."""
        host = self.header(b"host") or "127.0.0.1"
        return f"{self.scope['scheme']}://{host}"


def preferred_language(accept: str) -> Language | None:
    """The best of our languages in an `Accept-Language` (RFC 9110 section 12.5.4), or None."""
    best: tuple[float, Language] | None = None
    for part in accept.split(","):
        tag, _, parameters = part.strip().partition(";")
        primary = tag.strip().lower().split("-")[0]
        if primary not in {member.value for member in Language}:
            continue
        weight = quality(parameters)
        if weight > 0 and (best is None or weight > best[0]):
            best = (weight, Language(primary))
    return best[1] if best else None


def quality(parameters: str) -> float:
    """The weight that the parameters of an `Accept...` item give it (RFC 9110 section 12.4.2); 0 where it is none."""
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def attach(scope: Scope, call: Call) -> None:
    """Put the call where the doors find it."""
    cast("dict[str, Any]", scope)[_KEY] = call


def call_of(request: AnyRequest) -> Call:
    """The call of a request inside Litestar."""
    return cast("Call", cast("dict[str, Any]", request.scope)[_KEY])
