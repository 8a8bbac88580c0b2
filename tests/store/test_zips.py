"""Zips of an ecosystem's files: equal files are equal bytes, and what comes in is trusted in nothing."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sandbox.store.zips import ZipError, unzipped, zipped

MOST = 100_000
FILES = {"ecosystem.json": b"{}", "customers.json": b"[1, 2]" * 50, "branches.json": b"[]", "فروع.json": b"1"}


def made(files: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip as any tool would write it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as packed:
        for name, content in files:
            packed.writestr(name, content)
    return out.getvalue()


def refusal(raw: bytes, most_bytes: int = MOST) -> str:
    """Why a zip is refused."""
    with pytest.raises(ZipError) as refused:
        unzipped(raw, most_bytes=most_bytes)
    return str(refused.value)


def with_flag(raw: bytes) -> bytes:
    """The same zip, whose files say that they are encrypted."""
    changed = bytearray(raw)
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = raw.index(signature)
        changed[start + place] |= 1
    return bytes(changed)


def test_what_was_packed_comes_out() -> None:
    assert unzipped(zipped(FILES), most_bytes=MOST) == FILES


def test_equal_files_are_equal_bytes_in_whatever_order() -> None:
    assert zipped(FILES) == zipped(dict(reversed(FILES.items())))


def test_no_date_and_no_machine_stands_in_a_zip() -> None:
    with zipfile.ZipFile(io.BytesIO(zipped(FILES))) as packed:
        assert {info.date_time for info in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.create_system for info in packed.infolist()} == {3}
        assert [info.filename for info in packed.infolist()] == sorted(FILES)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_of_another_tool_is_read(method: int) -> None:
    assert unzipped(made(FILES.items(), method), most_bytes=MOST) == FILES


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_are_refused(method: int) -> None:
    assert "compressed by another method than deflate" in refusal(made([("a.json", b"1" * 500)], method))


@pytest.mark.parametrize(
    "name",
    ["../a.json", "/etc/passwd", "folder/a.json", "folder/", "..\\a.json", "..", ".", "a\n.json", "a\x7f.json"],
)
def test_names_that_are_no_plain_file_names_are_refused(name: str) -> None:
    assert "is no plain file name" in refusal(made([(name, b"1")]))


def test_a_name_cut_short_by_a_nul_is_refused() -> None:
    raw = made([("aXb.json", b"1")]).replace(b"aXb.json", b"a\0b.json")
    assert "is no plain file name" in refusal(raw)


def test_a_name_that_stands_twice_is_refused() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        raw = made([("a.json", b"1"), ("a.json", b"2")])
    assert "'a.json' stands in it twice" in refusal(raw)


def test_an_encrypted_file_is_refused() -> None:
    assert "'a.json' is encrypted" in refusal(with_flag(made([("a.json", b"1")])))


def test_too_many_files_are_refused() -> None:
    assert "it holds 1001 files" in refusal(made((f"{n}.json", b"1") for n in range(1_001)))


def test_a_zip_that_says_it_holds_too_much_is_refused_before_it_is_unpacked() -> None:
    bomb = made([("a.json", b"0" * 5_000_000)])
    assert len(bomb) < 10_000
    assert "more than 100000 bytes would come out" in refusal(bomb)


def test_many_files_are_too_much_together() -> None:
    assert "more than 100000 bytes" in refusal(made((f"{n}.json", b"0" * 30_000) for n in range(4)))


def test_exactly_what_is_allowed_comes_out() -> None:
    files = {"a.json": b"0" * 60_000, "b.json": b"1" * 40_000}
    assert unzipped(made(files.items()), most_bytes=MOST) == files


def test_a_zip_that_lies_about_its_size_is_refused() -> None:
    bomb = made([("a.json", b"0" * 5_000_000)])
    true_size, said = struct.pack("<L", 5_000_000), struct.pack("<L", 10)
    assert bomb.count(true_size) == 2
    assert "Bad CRC-32" in refusal(bomb.replace(true_size, said))


def test_damaged_content_is_refused() -> None:
    raw = made([("a.json", b"hello")], zipfile.ZIP_STORED).replace(b"hello", b"jello")
    assert "Bad CRC-32" in refusal(raw)


@pytest.mark.parametrize("raw", [b"", b"[]", b"PK", b"PK\x05\x06", zlib.compress(b"x"), b"\x1f\x8b" + b"0" * 50])
def test_what_is_no_zip_is_refused(raw: bytes) -> None:
    assert refusal(raw) == "File is not a zip file"


def test_an_empty_zip_holds_nothing() -> None:
    assert unzipped(made([]), most_bytes=MOST) == {}


GOOD = zipped({"a.json": b"[1, 2, 3]" * 20, "b.json": b"{}"})


@settings(max_examples=400, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    place=st.integers(0, len(GOOD) - 1),
    change=st.integers(1, 255),
    cut=st.integers(0, len(GOOD)),
    more=st.binary(max_size=20),
)
@example(place=0, change=1, cut=0, more=b"")
def test_a_damaged_zip_is_read_or_refused_and_never_anything_else(
    place: int, change: int, cut: int, more: bytes
) -> None:
    broken = bytearray(GOOD)
    broken[place] ^= change
    for raw in (bytes(broken), GOOD[:cut], GOOD[:cut] + more, more + GOOD):
        try:
            found = unzipped(raw, most_bytes=MOST)
        except ZipError:
            continue
        assert sum(map(len, found.values())) <= MOST
