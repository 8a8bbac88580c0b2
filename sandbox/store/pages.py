"""The pages by which one database differs from another: how a bank sleeps, and what a snapshot keeps.

A bank that was used differs from the image it stands on in a few dozen pages of hundreds. They are found in
milliseconds and, compressed, take tens of kilobytes where the whole database takes megabytes.
"""

import struct

import zstandard

PAGE_BYTES = 4_096
_BLOCK_BYTES = 16_384
"""Whole blocks are compared first: most of them are equal. Small enough that copying one costs next to nothing."""
_HEAD = struct.Struct(">QI")
_LEVEL = 1

Pages = dict[int, bytes]
"""Pages by their offset in the database, in bytes."""


class DeltaError(ValueError):
    """Bytes are no packed difference, or damaged."""


def changed_pages(base: bytes, now: bytes) -> Pages:
    """The pages of `now` that `base` does not have at the same place."""
    found: Pages = {}
    # Slices of bytes are compared by memcmp; views would be compared item by item, ten times as slowly.
    for block in range(0, len(now), _BLOCK_BYTES):
        mine, theirs = now[block : block + _BLOCK_BYTES], base[block : block + _BLOCK_BYTES]
        if mine == theirs:
            continue
        for start in range(0, len(mine), PAGE_BYTES):
            page = mine[start : start + PAGE_BYTES]
            if page != theirs[start : start + PAGE_BYTES]:
                found[block + start] = page
    return found


def with_pages(base: bytes, size: int, pages: Pages) -> bytes:
    """The database of `size` bytes that is `base` but for `pages`."""
    parts: list[bytes] = []
    at = 0
    for offset, page in sorted(pages.items()):
        parts += (base[at:offset], page)
        # Past the end of the base every page is a changed one.
        at = offset + len(page)
    parts.append(base[at:size])
    return b"".join(parts)


def pack_pages(size: int, pages: Pages) -> bytes:
    """A difference in one compressed piece, with a checksum."""
    head = _HEAD.pack(size, len(pages)) + struct.pack(f">{len(pages)}Q", *pages)
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(head + b"".join(pages.values()))


def unpack_pages(delta: bytes) -> tuple[int, Pages]:
    """Size and pages of a packed difference.

    Raises:
        DeltaError: its bytes are not what was packed.
    """
    try:
        raw = zstandard.ZstdDecompressor().decompress(delta)
        size, count = _HEAD.unpack_from(raw)
        offsets = struct.unpack_from(f">{count}Q", raw, _HEAD.size)
    except (zstandard.ZstdError, struct.error, MemoryError) as error:  # a damaged head may ask for any amount of memory
        raise DeltaError(str(error)) from None
    start = _HEAD.size + 8 * count
    pages: Pages = {}
    for offset in offsets:
        pages[offset] = raw[start : start + min(PAGE_BYTES, size - offset)]
        start += len(pages[offset])
    return size, pages


def difference(base: bytes, now: bytes) -> bytes:
    """What leads from `base` to `now`, packed."""
    return pack_pages(len(now), changed_pages(base, now))


def patch(base: bytes, delta: bytes) -> bytes:
    """The database that `difference(base, ...)` was made of."""
    return with_pages(base, *unpack_pages(delta))
