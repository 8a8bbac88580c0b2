"""Documented or it does not exist: each name that Sandbank shows to the outside has its entry in the page for it.

The names come from the code, so that what is added without an entry fails here, and says which page lacks what. Other
modules hold the words of an entry against the code; here it is enough that there is one. Each surface is also looked
for in a page from which one entry was taken out, which must be noticed.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from checks import documented_fault_codes
from pages import text_of
from support import VIRTUAL, Client
from surface import fault_codes, headers_read, headers_sent, options_of_the_command_line

from sandbox.core.catalogue import catalogue
from sandbox.core.settings import Settings, describe
from sandbox.core.vocabulary import in_files
from sandbox.data import query
from sandbox.sandboxes.jobs import JOBS
from sandbox.sandboxes.scenarios.catalogue import views_of
from sandbox.sandboxes.scenarios.library import open_library
from sandbox.store.records import ALL_COLLECTIONS
from sandbox.testing import plugin


class Entry(NamedTuple):
    """What a page must have, in the section under a heading (the whole page without one)."""

    text: str
    heading: str = ""


class Surface(NamedTuple):
    """Names of one kind, and the page that has an entry for each."""

    page: str
    entries: list[Entry]


def section_of(text: str, heading: str) -> str:
    """The part of a page under a heading, up to the next one."""
    if not heading:
        return text
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", text, re.DOTALL | re.MULTILINE)
    return "" if found is None else found[1]


def missing(text: str, entries: list[Entry]) -> list[Entry]:
    """The entries that a page lacks."""
    return [entry for entry in entries if entry.text not in section_of(text, entry.heading)]


def settings() -> Iterator[Entry]:
    """Name, flag and variable of each setting."""
    for info in describe():
        yield Entry(f"| `{info.name}` | `{info.flag}` | `{info.variable}` |", "Every setting")


def problems() -> Iterator[Entry]:
    """The code of each problem."""
    for code, kind in catalogue().items():
        yield Entry(f"| `{code}` | {kind.status} |")


def scenarios() -> Iterator[Entry]:
    """Each shipped scenario with each of its parameters."""
    for view in views_of(open_library(Settings(), None)):
        parameters = ", ".join(f"`{parameter.name}`" for parameter in view.parameters)
        yield Entry(f"| `{view.name}` | {view.title} | {view.story} | {parameters} |", "The catalogue")


def commands() -> Iterator[Entry]:
    """Each flag of each command."""
    for words, flags in options_of_the_command_line().items():
        yield Entry(f"{words}", words)
        for flag in flags:
            positive = flag.replace("--no-", "--")  # of a setting the table of settings has one form
            yield Entry(f"`{flag}`" if flag in SHOWN_IN_FULL else f"`{positive}`", words)


SHOWN_IN_FULL = {"--no-ledger", "--no-run"}


def collections() -> Iterator[Entry]:
    """Each field and each value of an enumeration of each collection of an ecosystem."""
    for name, collection in ALL_COLLECTIONS.items():
        for field in collection.fields:
            yield Entry(f"| `{field.name}` | ", name)
            if field.is_enumeration:
                values = ", ".join(f"`{in_files(member)}`" for member in field.kind)
                yield Entry(f"| `{field.name}` | one of {values} | ", name)


def as_written(name: str) -> str:
    """A header as docs/headers.md writes it."""
    special = {"etag": "ETag", "www-authenticate": "WWW-Authenticate"}
    return special.get(name, "-".join(part.capitalize() for part in name.split("-")))


def headers() -> Iterator[Entry]:
    """Each header that is read or sent."""
    for name in headers_read():
        yield Entry(f"`{as_written(name)}`", "What a request can carry")
    for name in headers_sent():
        yield Entry(f"`{as_written(name)}`", "What an answer brings")


def parameters() -> Iterator[Entry]:
    """Each query parameter of the bank and control plane."""
    client = Client(VIRTUAL)
    for operation in client.app.table.operations:
        for name in operation.query or ():
            yield Entry(f"`{name}`", "In the query")
    client.close()


def queries() -> Iterator[Entry]:
    """Each parameter of the data plane's language."""
    for name in query.PARAMETERS:
        yield Entry(f"`{name}=" if name == "q" else f"`{name}", "Queries")


def jobs() -> Iterator[Entry]:
    """Each job of the clock."""
    for job in JOBS:
        yield Entry(f"| `{job.name}` |", "What falls due")


class _Recorder:
    """Stands for pytest's parser, and keeps what the plugin adds to it."""

    def __init__(self) -> None:
        self.options: list[str] = []
        self.settings: list[str] = []

    def getgroup(self, *_: str) -> "_Recorder":
        """A group of options."""
        return self

    def addoption(self, name: str, **_: Any) -> None:
        """An option."""
        self.options.append(name)

    def addini(self, name: str, *_: Any, **__: Any) -> None:
        """A line of the configuration file."""
        self.settings.append(name)


def pytest_plugin() -> Iterator[Entry]:
    """Each option, line of the configuration file, marker and fixture of the pytest plugin."""
    recorder: Any = _Recorder()
    plugin.pytest_addoption(recorder)
    assert len(recorder.options) >= 7
    for option in recorder.options:
        yield Entry(f"| `{option}", "Options")
    for name in recorder.settings:
        yield Entry(f"`{name}", "Options")
    for marker in plugin._MARKERS:
        yield Entry(f"@pytest.mark.{marker.partition('(')[0]}(")
    fixtures = [name for name, value in vars(plugin).items() if type(value).__name__ == "FixtureFunctionDefinition"]
    assert {"bank", "abank", "sandbank"} <= set(fixtures)
    for name in fixtures:
        if not name.startswith("_"):
            yield Entry(f"`{name}`")


def targets() -> Iterator[Entry]:
    """Each target of the Makefile that `make` alone lists, which is `help`."""
    makefile = text_of("Makefile")
    for name in re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE):
        if name != "help":
            yield Entry(f"make {name}")


def faults() -> Iterator[Entry]:
    """Each code of a fault."""
    for code in fault_codes():
        yield Entry(f"`{code}`")


def routes() -> Iterator[Entry]:
    """Each route that is neither of the bank nor of the data plane."""
    client = Client(VIRTUAL)
    for operation in client.app.table.operations:
        if not operation.template.startswith(("/v1/", "/_data")):
            yield Entry(f"| `{operation.method} {operation.template}` |")
    client.close()


MADE: dict[str, tuple[str, Callable[[], Iterator[Entry]], int]] = {
    "settings": ("docs/settings.md", settings, 25),
    "problems": ("docs/problems.md", problems, 50),
    "faults": ("docs/problems.md", faults, 25),
    "scenarios": ("docs/scenarios.md", scenarios, 10),
    "commands": ("docs/cli.md", commands, 80),
    "collections": ("docs/ecosystem.md", collections, 100),
    "headers": ("docs/headers.md", headers, 30),
    "parameters": ("docs/headers.md", parameters, 13),
    "queries": ("docs/json-server.md", queries, 8),
    "jobs": ("docs/clock.md", jobs, 5),
    "pytest plugin": ("docs/pytest.md", pytest_plugin, 16),
    "make targets": ("README.md", targets, 7),
    "routes": ("docs/control-plane.md", routes, 30),
}
"""By kind: the page, the entries, and how many there are at least."""


@pytest.fixture(scope="module", params=MADE)
def surface(request: pytest.FixtureRequest) -> Surface:
    """The names of one kind."""
    page, made, least = MADE[request.param]
    entries = list(dict.fromkeys(made()))
    assert len(entries) >= least, "too few: the test would say nothing"
    return Surface(page, entries)


def test_every_name_has_its_entry(surface: Surface) -> None:
    lacking = missing(text_of(surface.page), surface.entries)
    assert not lacking, f"{surface.page} lacks:\n" + "\n".join(f"{entry.heading}: {entry.text}" for entry in lacking)


def test_no_route_is_documented_that_is_gone() -> None:
    written = re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", text_of("docs/control-plane.md"), re.MULTILINE)
    assert sorted(f"| `{route}` |" for route in written) == sorted(entry.text for entry in routes())


def test_an_entry_that_is_taken_out_is_missed(surface: Surface) -> None:
    text = text_of(surface.page)
    for entry in surface.entries:
        section = section_of(text, entry.heading)
        without = text.replace(section, section.replace(entry.text, "..."))
        assert missing(without, [entry]) == [entry]


def test_a_section_that_is_not_there_has_nothing() -> None:
    assert missing("# One\nthe `name`\n", [Entry("`name`", "Two")]) == [Entry("`name`", "Two")]
    assert missing("# One\nthe `name`\n# Two\n", [Entry("`name`", "Two")]) == [Entry("`name`", "Two")]
    assert missing("# One\n# Two\nthe `name`\n", [Entry("`name`", "Two")]) == []


PLANTED = """
def read(call, request):
    if b"x-one" in call.headers:
        return call.header(b"x-two"), request.headers.get("x-three", "")
"""
SENT = """
NAMED = {"x-four": "4"}

def send(refusal, reply):
    refusal.headers["X-One"] = "1"
    headers = {"x-two": "2"}
    return reply(headers={"x-three": "3"}), reply(headers=NAMED), [(b"x-five", b"5")]
"""
FAULTY = """
def _text_fault(value):
    return "too_odd", "is odd"

def check(value):
    code = "too_loud" if value else "too_quiet"
    raise Refused([Fault("", "too_slow", "is slow"), Fault("", code, "is loud")])
"""


def test_no_code_of_a_fault_is_documented_that_is_gone() -> None:
    assert documented_fault_codes() == fault_codes()


def test_what_is_new_in_the_code_is_seen() -> None:
    assert headers_read(PLANTED) == {"x-one", "x-two", "x-three"}
    assert headers_sent(SENT) == {"x-one", "x-two", "x-three", "x-four", "x-five"}
    assert fault_codes(FAULTY) == {"too_odd", "too_loud", "too_quiet", "too_slow"}
