"""The lines of the log, for people and as JSON."""

import json
import logging
import sys
from typing import Any

import pytest
from logs import LINE
from msgspec import structs

from sandbox.cli.logs.lines import Lines, event_of_record, level_of
from sandbox.cli.logs.redaction import is_secret
from sandbox.core.settings import MASK
from sandbox.http.observing import RequestLine


def told(line: RequestLine | dict[str, Any]) -> dict[str, Any]:
    text = Lines("json")(line).decode()
    assert text.endswith("\n")
    assert text.count("\n") == 1
    found: dict[str, Any] = json.loads(text)
    return found


def shown(line: RequestLine | dict[str, Any], *, colours: bool = False) -> str:
    return Lines("console", colours=colours)(line).decode()


def event(words: str = "something", **facts: Any) -> dict[str, Any]:
    return {"timestamp": "2026-01-15T09:00:00.123Z", "level": "warning", "event": words, **facts}


def test_half_a_character_is_told_and_nothing_turns_a_line_round() -> None:
    assert told(event("caf\udce9.json"))["event"] == "caf\udce9.json"
    line = shown(event("a\u202eb", name="c\u2066d"))
    assert "\u202e" not in line
    assert "\u2066" not in line


def test_a_traceback_that_waits_keeps_no_frame_alive() -> None:
    try:
        json.loads("nobody")
    except ValueError:
        record = logging.LogRecord("sandbank", logging.ERROR, __file__, 1, "failed", None, sys.exc_info())
    made = event_of_record(record)
    assert all(isinstance(value, str) for value in made.values())
    assert "JSONDecodeError" in str(made["exception"])


def test_a_request_as_json() -> None:
    assert told(LINE) == {
        "timestamp": "2026-01-15T09:00:00.123Z",
        "level": "info",
        "event": "request",
        "sandbox": "default",
        "operation": "listAccounts",
        "method": "GET",
        "path": "/v1/accounts",
        "query": "limit=5",
        "status": 200,
        "problem": None,
        "actor": "fatima",
        "request_id": "r-1",
        "write_number": 7,
        "duration_ms": 1.23,
        "bytes": 812,
    }


def test_a_request_for_people_leaves_out_what_there_is_not() -> None:
    assert shown(LINE) == (
        "2026-01-15T09:00:00.123Z info    GET /v1/accounts?limit=5 200 1.23 ms sandbox=default "
        "operation=listAccounts actor=fatima request_id=r-1 write_number=7 bytes=812\n"
    )
    bare = structs.replace(LINE, operation=None, actor=None, query=b"", status=404, problem="not_found")
    assert shown(bare) == (
        "2026-01-15T09:00:00.123Z info    GET /v1/accounts 404 1.23 ms sandbox=default problem=not_found "
        "request_id=r-1 write_number=7 bytes=812\n"
    )


def test_a_request_that_was_cut_off_has_no_status() -> None:
    cut_off = structs.replace(LINE, status=None)
    assert told(cut_off)["status"] is None
    assert " - 1.23 ms" in shown(cut_off)


def test_all_requests_have_the_same_fields() -> None:
    nothing = {"sandbox", "operation", "status", "problem", "actor", "request_id", "write_number"}
    assert list(told(structs.replace(LINE, query=b"", **dict.fromkeys(nothing)))) == list(told(LINE))


def test_no_field_of_a_request_goes_by_the_name_of_a_secret() -> None:
    assert not [name for name in told(LINE) if is_secret(name)]


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, "info"),
        ({"status": 404}, "info"),
        ({"status": 500}, "error"),
        ({"status": 503}, "error"),
        ({"status": None}, "info"),
        ({"operation": "health"}, "debug"),
        ({"operation": "livez"}, "debug"),
        ({"operation": "readyz"}, "debug"),
        ({"operation": "metrics"}, "debug"),
        ({"operation": "health", "status": 500}, "error"),
    ],
)
def test_how_much_a_request_matters(changes: dict[str, Any], level: str) -> None:
    line = structs.replace(LINE, **changes)
    assert logging.getLevelName(level_of(line)).lower() == level
    assert told(line)["level"] == level


def test_what_the_client_made_up_is_masked_where_it_looks_like_a_secret() -> None:
    token = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
    line = structs.replace(LINE, path=f"/v1/{token}".encode(), query=f"cursor={token}".encode(), request_id=token)
    for text in (shown(line), str(told(line))):
        assert token not in text
        assert text.count(MASK) == 3


def test_a_path_that_carries_its_query_is_told_without() -> None:
    assert told(structs.replace(LINE, path=b"/v1/accounts?to=x"))["path"] == "/v1/accounts"


def test_odd_bytes_and_long_paths_stay_in_their_line() -> None:
    line = structs.replace(LINE, path=b"/\xff\xfe\x1b[31m" + b"x" * 5_000)
    for text in (shown(line), Lines("json")(line).decode()):
        assert text.count("\n") == 1
        assert "\x1b" not in text
        assert len(text) < 3_000


def test_an_event_has_its_facts() -> None:
    assert told(event(count=3, folder="a b", items=[1, 2])) == event(count=3, folder="a b", items=[1, 2])
    assert shown(event(count=3, folder="a b", items=[1, 2], none=None)) == (
        '2026-01-15T09:00:00.123Z warning something count=3 folder="a b" items=[1,2]\n'
    )


def test_nobody_can_forge_a_line_or_steer_the_terminal() -> None:
    text = shown(event("bad\n2026-01-15T09:00:00.123Z info forged\x1b[2J", given="x\ny"))
    first, second = text.removesuffix("\n").split("\n")
    assert first.endswith("bad")
    assert second.startswith("  2026"), "what goes on is set in"
    assert "\\x1b[2J" in second
    assert second.endswith('given="x\\ny"')


def fail(words: str) -> None:
    raise ValueError(words)


def test_an_exception_stands_below_its_line_or_in_a_field() -> None:
    with pytest.raises(ValueError, match="what happened") as caught:
        fail("what happened")
    error = caught.value
    facts = (type(error), error, error.__traceback__)
    raised = event_of_record(logging.LogRecord("x", logging.WARNING, __file__, 1, "something", None, facts))
    raised = {name: value for name, value in raised.items() if name != "logger"} | {"timestamp": event()["timestamp"]}
    text = shown(dict(raised))
    assert text.startswith("2026-01-15T09:00:00.123Z warning something\n  Traceback (most recent call last):\n    File")
    assert text.endswith("\n  ValueError: what happened\n")
    found = told(dict(raised))
    assert found["exception"].endswith("ValueError: what happened")
    assert "exc_info" not in found


def test_colours_are_only_there_when_they_are_asked_for() -> None:
    assert "\x1b" not in shown(LINE)
    coloured = shown(LINE, colours=True)
    assert "\x1b[32m200\x1b[0m" in coloured
    assert "\x1b[32minfo   \x1b[0m" in coloured
    assert "\x1b[33m404\x1b[0m" in shown(structs.replace(LINE, status=404), colours=True)
    assert "\x1b[31m500\x1b[0m" in shown(structs.replace(LINE, status=500), colours=True)
    assert "\x1b" not in Lines("json", colours=True)(LINE).decode()


def record(message: object, *values: Any, level: int = logging.ERROR) -> logging.LogRecord:
    made = logging.LogRecord("sandbank", level, "file.py", 1, message, values, None)
    made.created = 1_768_467_600.5
    return made


def test_a_record_of_the_standard_library_is_an_event() -> None:
    assert event_of_record(record("%s of %d", "one", 2)) == {
        "timestamp": "2026-01-15T09:00:00.500Z",
        "level": "error",
        "event": "one of 2",
        "logger": "sandbank",
    }


def test_the_words_of_a_record_are_made_when_it_is_logged() -> None:
    names = ["one"]
    made = event_of_record(record("%s", names))
    names.append("two")
    assert made["event"] == "['one']"


def test_a_record_that_cannot_be_put_in_words_is_told_all_the_same() -> None:
    assert event_of_record(record("%d", "one"))["event"] == "%d"
