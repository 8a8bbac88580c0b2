"""How pages and their files are answered: with a tag, so that a browser asks again and is told "as before"."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from litestar import Response

from sandbox.http.call import Call
from sandbox.http.edge import takes_gzip
from sandbox.http.replies import etag, tagged
from sandbox.webui.files import HTML, WebFile

# Swagger UI sets styles on its elements, and its style sheet has images as `data:`. Nothing comes from elsewhere.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_PAGE: Final = MappingProxyType(
    {
        "cache-control": "no-cache",
        "content-security-policy": _POLICY,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
)
_FILE: Final = MappingProxyType({"cache-control": "no-cache", "x-content-type-options": "nosniff"})


def page(call: Call, html: bytes, *, headers: Mapping[str, str]) -> Response[str]:
    """A page made for this request."""
    return tagged(call, html, tag=etag(html), media_type=HTML, headers={**_PAGE, **headers})


def page_file(call: Call, file: WebFile) -> Response[str]:
    """A page that stands in a file."""
    return tagged(call, file.body, tag=file.tag, media_type=file.media_type, headers=_PAGE)


def asset(call: Call, file: WebFile) -> Response[str]:
    """A file that pages fetch, compressed beforehand where it is large. Either form has a tag of its own (RFC 9110)."""
    if file.packed is None:
        return tagged(call, file.body, tag=file.tag, media_type=file.media_type, headers=_FILE)
    headers = {**_FILE, "vary": "Accept-Encoding"}
    if not takes_gzip(call):
        return tagged(call, file.body, tag=file.tag, media_type=file.media_type, headers=headers)
    packed = f'{file.tag[:-1]}-gz"'
    return tagged(
        call, file.packed, tag=packed, media_type=file.media_type, headers=headers, coding={"content-encoding": "gzip"}
    )
