"""The log of one run of `sandbank serve`, from its start to its end."""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TextIO

from sandbox.cli.logs.lines import Lines, event_of_record, level_of
from sandbox.cli.logs.output import Output
from sandbox.cli.logs.redaction import Redaction
from sandbox.core.settings import Settings
from sandbox.http.observing import RequestLine

__all__ = ["Log", "open_log", "wants_colours"]

_LAST_LINES_S = 1.0
"""How long the last lines may take to be written once the server has ended."""


class Log:
    """Where the lines of requests go, and whether all was written in the end."""

    def __init__(self, output: Output | None, least: int) -> None:
        self._output = output
        self._least = least
        self.read = True
        """Whether somebody reads what is written: known at the end."""

    def request(self, line: RequestLine) -> None:
        """A request is over."""
        if self._output is not None and level_of(line) >= self._least:
            self._output.put(line)

    def end(self) -> None:
        """Write what is waiting, as far as somebody reads it soon."""
        if self._output is not None:
            self.read = self._output.close(patience_s=_LAST_LINES_S)


@contextmanager
def open_log(settings: Settings, stream: TextIO | None, environ: Mapping[str, str]) -> Iterator[Log]:
    """Log to `stream` until the end of the block: requests, and whatever is logged in this process.

    Args:
        settings: from which level on, and in which format. Their secrets are masked wherever they stand.
        stream: stderr; without one nothing is logged.
        environ: the environment, which may ask for no colours.
    """
    least: int = getattr(logging, settings.log_level.upper())
    descriptor = _descriptor(stream)
    if stream is None or descriptor is None:
        yield Log(None, least)
        return
    redaction = Redaction((settings.control_token, settings.default_password))
    lines = Lines(settings.log_format, colours=wants_colours(stream, environ), redaction=redaction)
    output = Output(descriptor, lines)
    log = Log(output, least)
    with _standard_library_into(output, least):
        try:
            yield log
        finally:
            log.end()


def wants_colours(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether lines for people are coloured: on a terminal, unless `NO_COLOR` is set (https://no-color.org)."""
    able = stream.isatty() and environ.get("TERM") != "dumb" and sys.platform != "win32"
    return able and not environ.get("NO_COLOR")


def _descriptor(stream: TextIO | None) -> int | None:
    """Where a stream writes to. Its own buffer is left out: a thread that waits in it would keep Python from ending."""
    if stream is not None:
        with suppress(OSError, ValueError):
            stream.flush()
            return stream.fileno()
    return None


class _Handler(logging.Handler):
    """Takes the records of the standard library along."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        """Have a record written soon."""
        self._output.put(event_of_record(record))


@contextmanager
def _standard_library_into(output: Output, least: int) -> Iterator[None]:
    """Everything that is logged in this process goes the same way: ours from `least` on, others' from a warning on."""
    everybody, ours = logging.getLogger(), logging.getLogger("sandbank")
    before = everybody.level, ours.level
    handler = _Handler(output)
    everybody.addHandler(handler)
    everybody.setLevel(max(least, logging.WARNING))
    ours.setLevel(least)
    logging.captureWarnings(capture=True)
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        everybody.removeHandler(handler)
        everybody.setLevel(before[0])
        ours.setLevel(before[1])
