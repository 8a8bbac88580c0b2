"""Resident memory as the system tells it; the ways of other systems, with what those would answer."""

import ctypes
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from sandbox.core import resident


def test_it_is_what_others_read_too() -> None:
    found = resident.resident_bytes()
    assert found is not None
    assert found == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)


@pytest.mark.skipif(sys.platform != "linux", reason="reads a file of Linux")
def test_it_moves_with_what_is_held() -> None:
    before = resident.resident_bytes()
    held = b"x" * 50_000_000
    after = resident.resident_bytes()
    assert before is not None
    assert after is not None
    assert after - before > len(held) * 0.8


@pytest.mark.parametrize("said", [b"", b"12", b"12 many 3"])
def test_what_cannot_be_read_is_no_number(said: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(resident, "_STATM", tmp_path / "statm")
    assert resident.resident_bytes() is None, "there is no such file"
    (tmp_path / "statm").write_bytes(said)
    assert resident.resident_bytes() is None


class MacOs:
    """A `libproc` that fills in what macOS would."""

    def __init__(self, size: int) -> None:
        self._size = size

    def proc_pidinfo(self, _: int, flavor: int, __: object, found: Any, room: int) -> int:
        assert (flavor, room) == (4, 96)
        found._obj[0], found._obj[1] = 5_000_000_000, 123_456_789
        return self._size


@pytest.mark.parametrize(("size", "found"), [(96, 123_456_789), (0, None)])
def test_macos_is_asked_for_its_task_info(size: int, found: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: MacOs(size))
    assert resident.resident_bytes() == found


class Windows:
    """A `kernel32` that fills in what Windows would."""

    def __init__(self, fine: int) -> None:
        self.GetCurrentProcess = type("Function", (), {"__call__": lambda _: -1})()
        self.K32GetProcessMemoryInfo = type("Function", (), {"__call__": lambda _, *given: self.fill(*given)})()
        self._fine = fine

    def fill(self, process: int, found: Any, size: int) -> int:
        assert (process, size) == (-1, 8 + 8 * ctypes.sizeof(ctypes.c_size_t))
        found._obj.working_set = 123_456_789
        return self._fine


@pytest.mark.parametrize(("fine", "found"), [(1, 123_456_789), (0, None)])
def test_windows_is_asked_for_its_counters(fine: int, found: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Windows(fine))
    assert resident.resident_bytes() == found


def test_a_library_that_is_not_there_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_: str) -> None:
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", absent)
    for system in ("darwin", "win32"):
        monkeypatch.setattr(sys, "platform", system)
        assert resident.resident_bytes() is None
