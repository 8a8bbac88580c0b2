"""The files that pages are made of: our own in `static`, and those that the build took from npm in `dist`.

Each is read once, tagged, and compressed once, off the event loop. Only names that stand in `ASSETS` are served, so no
path can lead elsewhere.
"""

import gzip
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

_HERE: Final = Path(__file__).parent
_PACKED_FROM_BYTES: Final = 65_536
"""Smaller ones are compressed by the edge as any answer is."""

CSS: Final = "text/css; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"
SCRIPT: Final = "text/javascript; charset=utf-8"

SWAGGER_UI: Final = {"swagger-ui-bundle.js": SCRIPT, "swagger-ui.css": CSS}
"""What `hatch_build.py` puts into `dist`."""

OWN: Final = {"listing.js": SCRIPT, "page.css": CSS, "swagger.css": CSS, "swagger.js": SCRIPT}
ASSETS: Final = SWAGGER_UI | OWN

_SWAGGER_PAGE: Final = "swagger.html"
_LISTING_PAGE: Final = "listing.html"


class WebFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it is sent."""

    body: bytes
    packed: bytes | None
    """The same compressed, where compressing it for each answer would take too long."""
    media_type: str
    tag: str


class WebFiles(msgspec.Struct, frozen=True):
    """The page at `/docs`, and what it and the other pages fetch."""

    page: WebFile
    assets: Mapping[str, WebFile]

    @property
    def has_swagger_ui(self) -> bool:
        """Whether the build brought Swagger UI; else the page is our own listing."""
        return SWAGGER_UI.keys() <= self.assets.keys()


def read_files(here: Path = _HERE) -> WebFiles:
    """Read all of them. It takes a tenth of a second: call it in a thread."""
    assets = {name: _read(here / "static" / name, media_type) for name, media_type in OWN.items()}
    dist = here / "dist"
    if all((dist / name).is_file() for name in SWAGGER_UI):
        assets |= {name: _read(dist / name, media_type) for name, media_type in SWAGGER_UI.items()}
        page = _SWAGGER_PAGE
    else:
        page = _LISTING_PAGE
    return WebFiles(_read(here / "static" / page, HTML), assets)


def _read(path: Path, media_type: str) -> WebFile:
    body = path.read_bytes()
    packed = gzip.compress(body, compresslevel=6, mtime=0) if len(body) >= _PACKED_FROM_BYTES else None
    tag = f'"{hashlib.blake2b(body, digest_size=9).hexdigest()}"'
    return WebFile(body=body, packed=packed, media_type=media_type, tag=tag)
