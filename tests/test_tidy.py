"""STYLE.md as a test: sizes, docstrings, and no clock, chance or printing where they do not belong."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = REPOSITORY / "sandbox"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "_bundled" not in path.parts)
EVERYTHING = sorted(
    path
    for room in ("sandbox", "tests", "benchmarks")
    for path in (REPOSITORY / room).rglob("*.py")
    if not {"_bundled", ".work"} & set(path.parts)
)

MAX_FUNCTION_LINES = 70
MAX_MODULE_LINES = 450

FORBIDDEN_MODULES = ("random", "secrets", "numpy.random")
"""Chance that no seed of ours governs."""

FORBIDDEN_NAMES = {
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "os.urandom",
    "os.getrandom",
    "uuid.uuid1",
    "uuid.uuid4",
    *(
        f"time.{name}"
        for name in (
            "time",
            "time_ns",
            "monotonic",
            "monotonic_ns",
            "perf_counter",
            "perf_counter_ns",
            "process_time",
            "process_time_ns",
            "clock_gettime",
            "clock_gettime_ns",
            "localtime",
            "gmtime",
            "ctime",
            "strftime",
        )
    ),
}
"""Clocks of the machine, and chance."""

UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)) + r")\b")


def read(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(REPOSITORY)}:{line}"


def aliases_of(tree: ast.Module) -> dict[str, str]:
    """What the imported names of a module really are, wherever in it they are imported."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                first = name.name.partition(".")[0]
                found[name.asname or first] = name.name if name.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for name in node.names:
                found[name.asname or name.name] = f"{node.module}.{name.name}"
    return found


def full_name(node: ast.expr, aliases: dict[str, str]) -> str | None:
    """The dotted name that an expression stands for, its first part resolved through the imports."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in aliases:
        return None
    return ".".join([aliases[node.id], *reversed(parts)])


def is_forbidden(name: str) -> bool:
    within = any(name == module or name.startswith(f"{module}.") for module in FORBIDDEN_MODULES)
    # What a star brings cannot be followed, so a module that has clocks or chance may not be emptied out.
    star = name.endswith(".*") and any(known.startswith(name[:-1]) for known in FORBIDDEN_NAMES)
    return within or star or name in FORBIDDEN_NAMES


def imported_names(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (name.name for name in node.names)
    elif node.module and not node.level:
        yield from (f"{node.module}.{name.name}" for name in node.names)


def uncontrolled(tree: ast.Module) -> list[tuple[int, str]]:
    """Every use of the machine's clock or of chance: (line, what)."""
    aliases = aliases_of(tree)
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found += [(node.lineno, name) for name in imported_names(node) if is_forbidden(name)]
        elif isinstance(node, ast.Attribute | ast.Name):
            name = full_name(node, aliases)
            if name is not None and is_forbidden(name):
                found.append((node.lineno, name))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            first = node.args[0] if node.args else None
            if called in {"__import__", "import_module"} and isinstance(first, ast.Constant):
                name = str(first.value)
                found += [(node.lineno, name)] if is_forbidden(name) else []
    return sorted(set(found))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def calls_of_print(tree: ast.Module) -> list[int]:
    called = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return [node.lineno for node in called if isinstance(node.func, ast.Name) and node.func.id == "print"]


def set_fields(tree: ast.Module) -> list[tuple[int, str]]:
    """Fields of classes whose type is a set: (line, field)."""
    unordered = {"set", "frozenset", "Set", "AbstractSet", "MutableSet"}
    found = []
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    for owner in classes:
        for field in owner.body:
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                names = {part.id for part in ast.walk(field.annotation) if isinstance(part, ast.Name)}
                found += [(field.lineno, f"{owner.name}.{field.target.id}")] if names & unordered else []
    return found


def test_there_is_something_to_look_at() -> None:
    assert len(MODULES) > 50


def test_functions_fit_on_a_screen() -> None:
    long = [
        f"{place(path, node.lineno)} {node.name} has {length} lines"
        for path in MODULES
        for node in functions(read(path))
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    ]
    assert not long, "\n".join(long)


def test_modules_hold_one_thing() -> None:
    long = [
        f"{path.relative_to(REPOSITORY)} has {length} lines"
        for path in MODULES
        if (length := len(path.read_text(encoding="utf-8").splitlines())) > MAX_MODULE_LINES
    ]
    assert not long, "\n".join(long)


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(path.relative_to(REPOSITORY)) for path in MODULES if not ast.get_docstring(read(path))]
    assert not silent


def test_only_core_knows_the_wall_clock_and_chance() -> None:
    outside = [path for path in MODULES if PACKAGE / "core" not in path.parents]
    found = [f"{place(path, line)} uses {name}" for path in outside for line, name in uncontrolled(read(path))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime\ndatetime.now()",
        "from datetime import datetime as d, UTC\nd.now(UTC)",
        "import datetime\ndatetime.datetime.utcnow()",
        "import datetime as dt\nclock = dt.datetime.today",
        "from datetime import date\ndate.today()",
        "import time\ntime.time()",
        "import time as t\nread = t.perf_counter",
        "from time import monotonic as tick",
        "from time import time_ns",
        "from time import *",
        "import uuid\nuuid.uuid4()",
        "from uuid import uuid1 as made",
        "import random",
        "import random as dice\ndice.random()",
        "from random import choice",
        "import secrets",
        "from secrets import token_hex as t",
        "import os\nos.urandom(16)",
        "from os import urandom",
        "import numpy as np\nnp.random.default_rng()",
        "def late():\n    import time\n    return time.time()",
        "__import__('random')",
        "import importlib\nimportlib.import_module('secrets')",
    ],
)
def test_a_planted_clock_or_dice_is_found(source: str) -> None:
    assert uncontrolled(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime, timedelta\ndatetime.fromisoformat('2026-01-15')",
        "import uuid\nuuid.UUID(int=1)",
        "import os\nos.environ",
        "from sandbox.core.clock import stopwatch\nstopwatch()",
        "time = 3\nrandom = time",
        "work.random.draw()",
        "from sandbox.core import random\nrandom.draw()",
    ],
)
def test_what_only_looks_like_one_is_not(source: str) -> None:
    assert not uncontrolled(ast.parse(source))


def test_core_is_where_the_clock_is() -> None:
    found = {name for path in (PACKAGE / "core").rglob("*.py") for _, name in uncontrolled(read(path))}
    assert "time.time_ns" in found


def test_nothing_is_left_for_later() -> None:
    found = [
        f"{place(path, number)}: {line.strip()}"
        for path in EVERYTHING
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert not found, "\n".join(found)


def test_only_the_command_line_prints() -> None:
    outside = [path for path in MODULES if PACKAGE / "cli" not in path.parents]
    found = [place(path, line) for path in outside for line in calls_of_print(read(path))]
    assert not found, "\n".join(found)


def test_no_answer_holds_a_set() -> None:
    doors = [path for path in MODULES if {"bank", "api", "control"} & set(path.relative_to(PACKAGE).parts)]
    found = [f"{place(path, line)} {field}" for path in doors for line, field in set_fields(read(path))]
    assert not found, "\n".join(found)


def test_a_planted_set_and_a_planted_print_are_found() -> None:
    tree = ast.parse("class View(Struct):\n    ids: frozenset[str] | None\n    n: int\n\ndef f():\n    print(1)")
    assert set_fields(tree) == [(2, "View.ids")]
    assert calls_of_print(tree) == [6]
