"""An ecosystem's files as one zip: written with fixed dates, so that equal files are equal bytes, and read with care.

What comes in was sent by somebody: nothing is written to disk, names are names of files and nothing else, and no more
is unpacked than was allowed.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first date that a zip knows."""
_READABLE = 0o600 << 16
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What every tool writes. Others let a few bytes ask for gigabytes of memory."""
MOST_FILES = 1_000
_SHOWN = 80

_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    IndexError,
    NotImplementedError,
    RuntimeError,
)
"""What the standard library raises on bytes that are no zip, or one that it cannot read."""


class ZipError(ValueError):
    """Bytes that are no zip of an ecosystem; the message says why."""


def zipped(files: Mapping[str, bytes]) -> bytes:
    """`files` by name as a zip, in order of name and without a date."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as made:
        for name, raw in sorted(files.items()):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3  # on every machine alike
            info.external_attr = _READABLE
            info.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(info, raw)
    return out.getvalue()


def unzipped(raw: bytes, *, most_bytes: int) -> dict[str, bytes]:
    """The files of a zip, by name.

    Args:
        raw: the zip.
        most_bytes: how much may come out of it, over all files.

    Raises:
        ZipError: it is none, cannot be read, holds names that are no plain file names, or too much.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as given:
            infos = given.infolist()
            _check(infos, most_bytes)
            return {info.filename: _content(given, info, most_bytes) for info in infos}
    except ZipError:
        raise
    except _BROKEN as error:
        raise ZipError(_words(error)) from None


def _check(infos: list[zipfile.ZipInfo], most_bytes: int) -> None:
    """Refuse by what the zip says of itself, before anything is unpacked."""
    if len(infos) > MOST_FILES:
        raise ZipError(f"it holds {len(infos)} files; {MOST_FILES} are the most")
    seen: set[str] = set()
    for info in infos:
        name = info.filename
        shown = repr(name[:_SHOWN])
        # `orig_filename` still has what the library cut off behind a NUL.
        plain = name and name == info.orig_filename and not set(name) & set("/\\") and name not in {".", ".."}
        if not plain or not name.isprintable():
            raise ZipError(f"{shown} is no plain file name: the files stand at the top of the zip, in no folder")
        if name in seen:
            raise ZipError(f"{shown} stands in it twice")
        seen.add(name)
        if info.flag_bits & _ENCRYPTED:
            raise ZipError(f"{shown} is encrypted")
        if info.compress_type not in _METHODS:
            raise ZipError(f"{shown} is compressed by another method than deflate")
    if sum(info.file_size for info in infos) > most_bytes:
        raise _too_much(most_bytes)


def _content(given: zipfile.ZipFile, info: zipfile.ZipInfo, most_bytes: int) -> bytes:
    """The bytes of one file: no more than its own entry says, whatever is packed there."""
    with given.open(info) as packed:
        content = packed.read(info.file_size + 1)
    if len(content) > min(info.file_size, most_bytes):
        raise _too_much(most_bytes)
    return content


def _too_much(most_bytes: int) -> ZipError:
    return ZipError(f"more than {most_bytes} bytes would come out of it, which is more than may come out of this one")


def _words(error: Exception) -> str:
    return str(error)[:_SHOWN].rstrip(".") or type(error).__name__
