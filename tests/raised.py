"""With which facts each problem is raised, found in the code of the package."""

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

from sandbox.core.catalogue import catalogue

PACKAGE = Path(__file__).resolve().parents[1] / "sandbox"


@cache
def members_in_code() -> dict[str, set[str]]:
    """The facts by code; codes without facts are left out."""
    codes = {kind.__name__: kind.code for kind in catalogue().values()}
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in codes:
                found[codes[node.func.id]] |= {word.arg for word in node.keywords if word.arg}
    return {code: members for code, members in found.items() if members}
