"""The way of the lines to stderr: in order, never waited for, and what was dropped is told."""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.cli.logs import output as output_module
from sandbox.cli.logs.output import Output

SOON_S = 20


class Pipe:
    """A pipe whose reader may take its time."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()

    def read(self) -> str:
        """All that comes until the end; the other end is closed first."""
        os.close(self.writing)
        return self.rest()

    def rest(self) -> str:
        """All that comes until everybody has closed the other end."""
        with open(self.reading, "rb", closefd=False) as stream:
            return stream.read().decode()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe, closed at the end."""
    made = Pipe()
    yield made
    for descriptor in (made.reading, made.writing):
        with contextlib.suppress(OSError):  # closed already
            os.close(descriptor)


def line_of(told: Any) -> bytes:
    """What is put, as text; of an event its words and its count."""
    return f"{told['event']} {told.get('count')}\n".encode() if isinstance(told, dict) else f"{told}\n".encode()


def until(reached: Any) -> None:
    end = time.monotonic() + SOON_S
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_lines_come_in_order_and_all_of_them(pipe: Pipe) -> None:
    output = Output(pipe.writing, line_of)
    for number in range(1_000):
        output.put(number)
    assert output.close(patience_s=SOON_S)
    assert pipe.read() == "".join(f"{number}\n" for number in range(1_000))


def test_a_line_is_there_soon_without_another_one_after_it(pipe: Pipe) -> None:
    output = Output(pipe.writing, line_of)
    for number in range(3):
        output.put(number)
        assert os.read(pipe.reading, 100) == f"{number}\n".encode()
    assert output.close(patience_s=SOON_S)


def test_lines_of_many_threads_all_come(pipe: Pipe) -> None:
    output = Output(pipe.writing, line_of)

    def put() -> None:
        for _ in range(200):
            output.put("x")

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert output.close(patience_s=SOON_S)
    assert pipe.read() == "x\n" * 800


def test_nobody_waits_for_a_full_pipe_and_what_was_dropped_is_told(pipe: Pipe) -> None:
    output = Output(pipe.writing, line_of, kept=50)
    long = "x" * 100_000  # more than a pipe takes
    started = time.monotonic()
    output.put(long)
    until(output._queue.empty)
    for number in range(200):
        output.put(number)
    assert time.monotonic() - started < SOON_S
    found = bytearray()
    while b"dropped" not in found:
        found += os.read(pipe.reading, 65_536)
    lines = found.decode().splitlines()
    kept = [line for line in lines if line.isdigit()]
    assert lines[0] == long
    assert kept == [str(number) for number in range(len(kept))], "the first ones are kept, in order"
    assert 50 <= len(kept) < 200
    assert lines[-1] == f"lines of the log were dropped, since nobody read them {200 - len(kept)}"
    output.put("later")
    assert os.read(pipe.reading, 100) == b"later\n"
    assert output.close(patience_s=SOON_S)


def test_the_end_does_not_wait_for_a_pipe_that_nobody_reads(pipe: Pipe) -> None:
    output = Output(pipe.writing, line_of)
    output.put("x" * 200_000)
    until(output._queue.empty)
    started = time.monotonic()
    assert not output.close(patience_s=0.2)
    assert time.monotonic() - started < SOON_S / 2
    os.read(pipe.reading, 65_536)


def test_a_pipe_whose_reader_has_gone_is_given_up(pipe: Pipe) -> None:
    os.close(pipe.reading)
    output = Output(pipe.writing, line_of)
    for _ in range(100):
        output.put("x" * 10_000)
    assert not output.close(patience_s=SOON_S), "nobody has read it"
    assert not output._thread.is_alive()


def test_a_pipe_that_does_not_wait_is_written_to_again(pipe: Pipe) -> None:
    os.set_blocking(pipe.writing, False)
    output = Output(pipe.writing, line_of)
    long = "x" * 300_000
    output.put(long)
    output.put("last")
    found = bytearray()
    while not found.endswith(b"last\n"):
        found += os.read(pipe.reading, 65_536)
    assert found.decode() == f"{long}\nlast\n"
    assert output.close(patience_s=SOON_S)


def test_one_line_that_cannot_be_made_does_not_end_the_others(pipe: Pipe) -> None:
    def fragile(told: Any) -> bytes:
        if told == "bad":
            raise KeyError
        return line_of(told)

    output = Output(pipe.writing, fragile)
    for told in ("one", "bad", "two"):
        output.put(told)
    assert output.close(patience_s=SOON_S)
    assert pipe.read() == "one\na line of the log could not be made: KeyError None\ntwo\n"


def test_lines_wait_only_a_moment() -> None:
    assert output_module._GATHER_S <= 0.1
