"""How much of the machine's memory this process holds right now, as the operating system counts it.

Asked of the system itself, so that nothing has to be installed for it. Not the peak, which the standard library knows,
and not what Python's objects take.
"""

import ctypes
import os
import sys
from pathlib import Path

__all__ = ["resident_bytes"]

_STATM = Path("/proc/self/statm")
_TASK_INFO = 4
"""`PROC_PIDTASKINFO` of macOS's `libproc.h`: `struct proc_taskinfo`, whose second field is the resident size."""
_TASK_INFO_BYTES = 96


def resident_bytes() -> int | None:
    """Resident memory in bytes; None where it cannot be read."""
    try:
        if sys.platform == "win32":
            return _on_windows()
        if sys.platform == "darwin":
            return _on_macos()
        # The pages of the program, those of them in memory, and more (man 5 proc).
        return int(_STATM.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, IndexError, OSError, ValueError):
        return None


def _on_macos() -> int | None:
    library = ctypes.CDLL("/usr/lib/libproc.dylib")
    found = (ctypes.c_uint64 * (_TASK_INFO_BYTES // 8))()
    size = library.proc_pidinfo(os.getpid(), _TASK_INFO, ctypes.c_uint64(0), ctypes.byref(found), _TASK_INFO_BYTES)
    return found[1] if size == _TASK_INFO_BYTES else None


class _Counters(ctypes.Structure):
    """`PROCESS_MEMORY_COUNTERS` of Windows' `psapi.h`."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("page_faults", ctypes.c_uint32),
        *(
            (name, ctypes.c_size_t)
            for name in (
                "peak_working_set",
                "working_set",
                "peak_paged_pool",
                "paged_pool",
                "peak_nonpaged_pool",
                "nonpaged_pool",
                "pagefile",
                "peak_pagefile",
            )
        ),
    )


def _on_windows() -> int | None:
    kernel = ctypes.CDLL("kernel32.dll")
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    kernel.K32GetProcessMemoryInfo.argtypes = (ctypes.c_void_p, ctypes.POINTER(_Counters), ctypes.c_uint32)
    found = _Counters(size=ctypes.sizeof(_Counters))
    fine = kernel.K32GetProcessMemoryInfo(kernel.GetCurrentProcess(), ctypes.byref(found), found.size)
    return int(found.working_set) if fine else None
