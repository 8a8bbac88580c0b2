"""Who may ask from where: CORS for browsers, and the guard of the planes that steer the server.

Loopback origins may use the bank plane and the data plane. The control plane and the data plane refuse foreign hosts
and origins, since any web page can send a request to 127.0.0.1 (DNS rebinding, CSRF), and ask for their token once it
is set.
"""

import hmac
import re

from sandbox.core.errors import ControlTokenRequiredError, HostNotAllowedError, OriginNotAllowedError
from sandbox.core.settings import Settings
from sandbox.http.auth import bearer_token
from sandbox.http.call import Call

_LOOPBACK_NAME = re.compile(r"(localhost|[a-z0-9-]+\.localhost|127(\.[0-9]{1,3}){3}|\[::1\])", re.ASCII)
_LOOPBACK_ORIGIN = re.compile(
    r"https?://(?:localhost|[a-z0-9-]+\.localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(:[0-9]+)?", re.ASCII
)

ALLOWED_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
ALLOWED_HEADERS = (
    "Accept, Accept-Language, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, "
    "Prefer, Sandbank-Control-Token, Sandbank-Directive, X-Request-Id, X-Sandbox"
)
EXPOSED_HEADERS = (
    "Allow, ETag, Idempotent-Replayed, Link, Location, RateLimit, RateLimit-Policy, Retry-After, "
    "Sandbank-Time, WWW-Authenticate, X-Request-Id, X-Total-Count"
)
_FOREIGN_PAGE = "cross-site"
"""What browsers say in `Sec-Fetch-Site` (W3C Fetch Metadata) of an image, a form or a link: those carry no `Origin`.
Other ports of this machine are `same-site`; an address that a person typed is `none`."""

CONTROL_PREFIX = "/_sandbox"
DATA_PREFIX = "/_data"
UNGUARDED = {"/_sandbox/health", "/_sandbox/livez", "/_sandbox/readyz"}


def host_name(call: Call) -> str:
    """The host of a request, in lower case and without its port."""
    host = (call.header(b"host") or "").lower()
    if host.startswith("["):
        name, bracket, rest = host.partition("]")
        return name + bracket if not rest or rest.startswith(":") else host
    return host.partition(":")[0]


def is_loopback(host: str) -> bool:
    """Whether a host name or address can only be this machine."""
    return _LOOPBACK_NAME.fullmatch(host if host != "::1" else "[::1]") is not None


def is_guarded(path: str) -> bool:
    """Whether a path is of a plane that steers a sandbox or writes past its customers."""
    return path.startswith((CONTROL_PREFIX, f"{DATA_PREFIX}/")) or path == DATA_PREFIX


def cors_origin(call: Call, settings: Settings) -> str | None:
    """The value of `Access-Control-Allow-Origin` for a request, or None where a page may not read the answer."""
    origin = call.header(b"origin")
    if origin is None:
        return None
    if origin.lower() in settings.cors:
        return origin
    if call.path.startswith(CONTROL_PREFIX):
        return None  # pages steer the server only when they are named
    return origin if "*" in settings.cors or _LOOPBACK_ORIGIN.fullmatch(origin.lower()) else None


def cors_headers(origin: str) -> list[tuple[bytes, bytes]]:
    """The headers with which a page of `origin` may read an answer."""
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", EXPOSED_HEADERS.encode()),
        (b"vary", b"Origin"),
    ]


def preflight_headers(origin: str) -> list[tuple[bytes, bytes]]:
    """The answer to a preflight (Fetch standard, CORS protocol)."""
    return [
        *cors_headers(origin),
        (b"access-control-allow-methods", ALLOWED_METHODS.encode()),
        (b"access-control-allow-headers", ALLOWED_HEADERS.encode()),
        (b"access-control-max-age", b"600"),
    ]


def guard_control_plane(call: Call, settings: Settings) -> None:
    """Refuse who may not steer the server.

    Raises:
        HostNotAllowedError, OriginNotAllowedError: a foreign name or page.
        ControlTokenRequiredError: the token is missing or wrong.
    """
    if call.path in UNGUARDED:
        return
    host = host_name(call)
    if not (is_loopback(host) or host in settings.allowed_hosts or host == settings.host.lower()):
        detail = f"The control plane was asked as {host!r}. Name that host in SANDBANK_ALLOWED_HOSTS to let it in."
        raise HostNotAllowedError(detail)
    origin = call.header(b"origin")
    if origin is not None and not _own_origin(origin.lower(), settings):
        detail = f"Pages of {origin[:80]!r} may not steer the server. Name the origin in SANDBANK_CORS to let them."
        raise OriginNotAllowedError(detail)
    if origin is None and call.header(b"sec-fetch-site") == _FOREIGN_PAGE:
        detail = (
            "A page of another site sent the browser here without saying which it is. Open the address yourself, or "
            "let the page fetch it as an origin that SANDBANK_CORS names."
        )
        raise OriginNotAllowedError(detail)
    if settings.control_token is not None:
        given = call.header(b"sandbank-control-token") or bearer_token(call) or ""
        if not hmac.compare_digest(given.encode(), settings.control_token.encode()):
            raise ControlTokenRequiredError(
                "Send the control token in Sandbank-Control-Token (or as bearer token); the server printed it at "
                "start, or it is the SANDBANK_CONTROL_TOKEN that you set."
            )


def _own_origin(origin: str, settings: Settings) -> bool:
    return _LOOPBACK_ORIGIN.fullmatch(origin) is not None or origin in settings.cors
