"""The way of the lines to stderr: through a queue in memory, to a thread that makes text of them and writes it.

Many test harnesses start a server with a pipe for its stderr and never read it. Such a pipe is full sooner or later,
and whoever writes to it stands still. So only this thread does; when the queue is full too, lines are dropped and
counted, and the count is told as soon as somebody reads again.
"""

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Final

from sandbox.core.clock import MILLISECOND, format_instant, wall_time

__all__ = ["KEPT_LINES", "Output"]

KEPT_LINES: Final = 4_096
"""How many lines wait at most: with what they hold, a few megabytes."""

_GATHER_S = 0.05
"""How long lines gather before they are written: waking the thread for each would cost more than the line."""
_CHUNK = 16
"""How many lines are made and written at once. Between two chunks the event loop gets its turn."""
_AGAIN_S = 0.05
_END: Final = None


class Output:
    """Writes what is put into it to a file descriptor, in order, and never has anybody wait."""

    def __init__(self, descriptor: int, line_of: Callable[[Any], bytes], *, kept: int = KEPT_LINES) -> None:
        """Start.

        Args:
            descriptor: where the lines go.
            line_of: makes a line of what was put; it runs in the thread.
            kept: how much may wait.
        """
        self._descriptor = descriptor
        self._line_of = line_of
        self._kept = kept
        self._queue: SimpleQueue[Any] = SimpleQueue()
        self._ending = threading.Event()
        self._never = threading.Event()
        self._counting = threading.Lock()
        self._dropped = 0
        self._broken = False
        # A daemon: one that stands still in front of a full pipe must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def put(self, told: Any) -> None:
        """Have this written soon."""
        if self._queue.qsize() < self._kept:
            self._queue.put(told)
        else:
            with self._counting:
                self._dropped += 1

    def close(self, *, patience_s: float) -> bool:
        """Write what is waiting, for so long at most; whether all was written."""
        self._ending.set()
        self._queue.put(_END)
        self._thread.join(patience_s)
        return not self._thread.is_alive() and not self._broken

    def _run(self) -> None:
        chunk: list[Any] = []
        while _END not in chunk:
            chunk = [self._queue.get()]
            self._ending.wait(_GATHER_S)
            while chunk:
                while len(chunk) < _CHUNK and not self._queue.empty():
                    chunk.append(self._queue.get())
                self._write(b"".join(self._line(told) for told in chunk if told is not _END))
                if _END in chunk:
                    break
                chunk = [] if self._queue.empty() else [self._queue.get()]
            self._tell_dropped()

    def _line(self, told: Any) -> bytes:
        try:
            return self._line_of(told)
        except Exception as error:  # noqa: BLE001 - one line that cannot be made must not end all others
            return self._line_of(_event("error", f"a line of the log could not be made: {type(error).__name__}"))

    def _tell_dropped(self) -> None:
        with self._counting:
            dropped, self._dropped = self._dropped, 0
        if dropped:
            words = "lines of the log were dropped, since nobody read them"
            self._write(self._line_of(_event("warning", words, count=dropped)))

    def _write(self, text: bytes) -> None:
        """Write all of it, however long that takes; nothing more once nobody can ever read it."""
        rest = memoryview(text)
        while rest and not self._broken:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                # Whoever gave us the descriptor made it one that does not wait.
                self._never.wait(_AGAIN_S)
            except OSError:
                self._broken = True


def _event(level: str, words: str, **facts: int) -> dict[str, Any]:
    now = wall_time()
    return {"timestamp": format_instant(now - now % MILLISECOND), "level": level, "event": words, **facts}
