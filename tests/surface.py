"""What Sandbank shows to the outside, read off the code: the names that documentation must have."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from sandbox.cli import main
from sandbox.cli.commands import commands_of

REPOSITORY = Path(__file__).resolve().parents[1]
DOORS = ("http", "api", "control", "data", "sandboxes", "webui")
"""The rooms that read or set headers."""


def missing(text: str, entries: Sequence[str]) -> list[str]:
    """The entries that a page lacks."""
    return [entry for entry in entries if entry not in text]


def headers_read(*sources: str) -> set[str]:
    """The request headers that the code (or this one) asks for, in lower case."""
    return {name for module in _modules(*sources) for node in ast.walk(module) for name in _read_by(node)}


def headers_sent(*sources: str) -> set[str]:
    """The response headers that the code (or this one) sets, in lower case."""
    return {name for module in _modules(*sources) for node in ast.walk(module) for name in _sent_by(node, module)}


FAULTS = {"Fault": 1, "_fault": 1, "MoneyError": 0}
"""What is made of a fault's code, and the place of the code among the arguments."""


def fault_codes(*sources: str) -> set[str]:
    """The codes of the faults that problems name in `errors`."""
    rooms = ("core", "bank", *DOORS)
    return {code for module in _modules(*sources, rooms=rooms) for node in ast.walk(module) for code in _coded_by(node)}


def options_of_the_command_line() -> dict[str, list[str]]:
    """Every flag of every command, its other form included, by the words that call the command."""
    return {
        words: [flag for option in _options(command) for flag in (*option.opts, *option.secondary_opts)]
        for words, command in commands_of(main)
    }


def _options(command: click.Command) -> list[click.Option]:
    return [one for one in command.params if isinstance(one, click.Option)]


def _modules(*sources: str, rooms: tuple[str, ...] = DOORS) -> list[ast.Module]:
    if sources:
        return [ast.parse(source) for source in sources]
    paths = sorted(path for room in rooms for path in (REPOSITORY / "sandbox" / room).rglob("*.py"))
    assert len(paths) > 40
    return [ast.parse(path.read_text(encoding="utf-8")) for path in paths]


def _read_by(node: ast.AST) -> Iterator[str]:
    """`call.header(b"x")`, `request.headers.get("x", ...)`, `b"x" in call.headers`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        owner = ast.unparse(node.func.value)
        if node.func.attr == "header" or (node.func.attr == "get" and owner.endswith("headers")):
            yield from _name(node.args[0])
    elif isinstance(node, ast.Compare) and ast.unparse(node.comparators[0]).endswith("headers"):
        yield from _name(node.left)


def _sent_by(node: ast.AST, module: ast.Module) -> Iterator[str]:
    """`(b"x", value)`, `headers["x"] = value`, `headers = {"x": value}`, `headers={"x": value}`, `headers=NAMED`."""
    if isinstance(node, ast.Tuple) and len(node.elts) == 2 and _is_bytes(node.elts[0]):
        yield from _name(node.elts[0])
    elif isinstance(node, ast.Assign):
        target = node.targets[0]
        if isinstance(target, ast.Subscript) and ast.unparse(target.value).endswith("headers"):
            yield from _name(target.slice)
        elif isinstance(target, ast.Name) and target.id == "headers":
            yield from _keys(node.value)
    elif isinstance(node, ast.FunctionDef) and node.name.endswith("headers"):
        yield from _returned_by(node)
    elif isinstance(node, ast.keyword) and node.arg == "headers":
        yield from _keys(node.value)
        named = {inner.id for inner in ast.walk(node.value) if isinstance(inner, ast.Name)}
        for other in ast.walk(module):
            if isinstance(other, ast.Assign | ast.AnnAssign) and other.value and ast.unparse(_target(other)) in named:
                yield from _keys(other.value)


def _returned_by(function: ast.FunctionDef) -> Iterator[str]:
    for inner in ast.walk(function):
        if isinstance(inner, ast.Return) and isinstance(inner.value, ast.Dict):
            yield from _keys(inner.value)


def _target(node: ast.Assign | ast.AnnAssign) -> ast.expr:
    return node.target if isinstance(node, ast.AnnAssign) else node.targets[0]


_CODE = re.compile(r"[a-z]+(_[a-z]+)*", re.ASCII)


def _coded_by(node: ast.AST) -> Iterator[str]:
    """`Fault(pointer, "code", ...)`, `code = "code" if ... else "code"`, `return "code", detail` of a `..._fault`."""
    if isinstance(node, ast.Call):
        place = FAULTS.get(ast.unparse(node.func).rpartition(".")[2])
        if place is not None and len(node.args) > place:
            yield from _codes(node.args[place])
    elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
        yield from _codes(node.value)
    elif isinstance(node, ast.FunctionDef) and node.name.endswith("_fault"):
        for inner in ast.walk(node):
            if isinstance(inner, ast.Tuple) and len(inner.elts) == 2:
                yield from _codes(inner.elts[0])


def _codes(node: ast.expr) -> Iterator[str]:
    branches = [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node]
    for branch in branches:
        if isinstance(branch, ast.Constant) and isinstance(branch.value, str) and _CODE.fullmatch(branch.value):
            yield branch.value


def _keys(value: ast.expr) -> Iterator[str]:
    for inner in ast.walk(value):
        if isinstance(inner, ast.Dict):
            for key in inner.keys:
                yield from _name(key)


def _is_bytes(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, bytes)


def _name(node: Any) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
        yield (node.value.decode() if isinstance(node.value, bytes) else node.value).lower()
