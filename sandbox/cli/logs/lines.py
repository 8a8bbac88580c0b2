"""The lines of the log: an event as text, for people or as JSON. Everything here runs in the thread that writes.

An event is what structlog makes of one: a dictionary of facts that a chain of processors turns into a line.
"""

import json
import logging
import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

import msgspec
from structlog.processors import JSONRenderer, format_exc_info
from structlog.typing import EventDict, Processor, WrappedLogger

from sandbox.cli.logs.redaction import Redaction, masked_query
from sandbox.core.clock import MILLISECOND, SECOND, format_instant
from sandbox.core.settings import LogFormat
from sandbox.http.observing import RequestLine

__all__ = ["Event", "Lines", "event_of_record", "level_of"]

Event = Mapping[str, Any]

_LONGEST_PATH = 2_000
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_PLAIN = re.compile(r"[^\s\"'=\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_QUIET = {"health", "livez", "readyz", "metrics"}
"""Operations that machines ask every few seconds, for ever."""
_HEADLINE = ("timestamp", "level", "event", "exception")

_RESET, _DIM, _RED, _GREEN, _YELLOW, _BLUE = "\x1b[0m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[34m"
_OF_LEVEL = {"debug": _DIM, "info": _GREEN, "warning": _YELLOW, "error": _RED, "critical": _RED}
_OF_STATUS = {"2": _GREEN, "3": _GREEN, "4": _YELLOW}


class Lines:
    """Makes a line of an event, or of a request."""

    def __init__(self, log_format: LogFormat, *, colours: bool = False, redaction: Redaction | None = None) -> None:
        last: Processor = _json if log_format == "json" else partial(_for_people, colours=colours)
        self._redaction = redaction or Redaction()
        self._of_event: tuple[Processor, ...] = (self._redaction, last)
        self._of_request: tuple[Processor, ...] = (last,)

    def __call__(self, told: RequestLine | Event) -> bytes:
        """The line, with its end."""
        event: Any
        if isinstance(told, RequestLine):
            # Thousands a second: masked is what the client made up, and no field of ours holds a secret.
            event, chain = _event_of_request(told, self._redaction), self._of_request
        else:
            event, chain = dict(told), self._of_event
        level = event["level"]
        for processor in chain:
            event = processor(None, level, event)
        return f"{event}\n".encode("utf-8", "backslashreplace")


def level_of(line: RequestLine) -> int:
    """How much a request matters, as a level of `logging`."""
    if line.status is not None and line.status >= 500:
        return logging.ERROR
    return logging.DEBUG if line.operation in _QUIET else logging.INFO


def event_of_record(record: logging.LogRecord) -> Event:
    """A record of the standard library as an event. The words are made at once: what they tell of may change."""
    try:
        words = record.getMessage()
    except Exception:  # noqa: BLE001 - whatever a value does when it is to tell its name, the rest is told
        words = str(record.msg)
    event: dict[str, Any] = {
        "timestamp": _moment(int(record.created * SECOND)),
        "level": record.levelname.lower(),
        "event": words,
        "logger": record.name,
    }
    if record.exc_info:
        # Text at once: a traceback that waits in the queue would keep every local of its frames alive.
        event["exception"] = format_exc_info(None, "", {"exc_info": record.exc_info})["exception"]
    return event


def _event_of_request(line: RequestLine, redaction: Redaction) -> EventDict:
    query = masked_query(line.query[:_LONGEST_PATH], filters=b"/_data" in line.path) if line.query else None
    return {
        "timestamp": _moment(line.at),
        "level": logging.getLevelName(level_of(line)).lower(),
        "event": "request",
        "sandbox": line.sandbox,
        "operation": line.operation,
        "method": line.method,
        "path": redaction.text(_shortened(line.path.partition(b"?")[0].decode("ascii", "backslashreplace"))),
        "query": None if query is None else redaction.text(query),
        "status": line.status,
        "problem": line.problem,
        "actor": line.actor,
        "request_id": None if line.request_id is None else redaction.text(line.request_id),
        "write_number": line.write_number,
        "duration_ms": round(line.seconds * 1_000, 2),
        "bytes": line.size,
    }


def _moment(instant: int) -> str:
    """An instant to the millisecond."""
    second, rest = divmod(instant, SECOND)
    return f"{_second(second)}.{rest // MILLISECOND:03}Z"


@lru_cache(maxsize=4)
def _second(second: int) -> str:
    """Many lines are of the same second."""
    return format_instant(second * SECOND).partition(".")[0]


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_PATH else f"{text[:_LONGEST_PATH]}..."


def _to_json(event: object, **_: object) -> str:
    try:
        return msgspec.json.encode(event, enc_hook=repr).decode()
    except UnicodeEncodeError:  # half a character, as in the name of a file that is no UTF-8
        return json.dumps(event, default=repr)


_json: Callable[[WrappedLogger, str, EventDict], Any] = JSONRenderer(serializer=_to_json)


def _for_people(_: WrappedLogger, level: str, event: EventDict, *, colours: bool) -> str:
    """Time, level, what happened; then the facts that there are, and an exception below."""
    facts = {name: value for name, value in event.items() if name not in _HEADLINE and value is not None}
    if event["event"] == "request" and "method" in facts:
        words = _request_words(facts, colours=colours)
    else:
        words = _harmless(str(event["event"]))
    if colours:
        start = f"{_DIM}{event['timestamp']}{_RESET} {_OF_LEVEL.get(level, '')}{level:<7}{_RESET} {words}"
        line = " ".join([start, *[f"{_DIM}{name}={_RESET}{_shown(value)}" for name, value in facts.items()]])
    else:
        start = f"{event['timestamp']} {level:<7} {words}"
        line = " ".join([start, *[f"{name}={_shown(value)}" for name, value in facts.items()]])
    trouble = event.get("exception")
    return f"{line}\n  {_harmless(str(trouble))}" if trouble else line


def _request_words(facts: dict[str, Any], *, colours: bool) -> str:
    """`GET /v1/accounts 200 1.2 ms`; what it tells need not stand among the facts again."""
    method, path, query = facts.pop("method"), facts.pop("path"), facts.pop("query", None)
    status, took = str(facts.pop("status", "-")), facts.pop("duration_ms")
    if colours:
        status = f"{_OF_STATUS.get(status[0], _RED)}{status}{_RESET}"
    asked = f"{method} {path}" if query is None else f"{method} {path}?{query}"
    return f"{_harmless(asked)} {status} {took} ms"


def _harmless(text: str) -> str:
    """A text in which nothing steers a terminal, and no line can pass for one of the log's own."""
    if text.isprintable():
        return text
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text.replace("\r\n", "\n")).replace("\n", "\n  ")


def _shown(value: object) -> str:
    """A value in one piece: as it is, or in quotation marks where it would fall apart."""
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) else _harmless(_to_json(value))
    return str(value) if isinstance(value, int | float) else _harmless(_to_json(value))
