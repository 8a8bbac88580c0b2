"""YAML with the line of everything in it, so that a fault of a scenario file can be named by file and line.

Only what a scenario needs: mappings, lists, texts, whole and decimal numbers, true, false and null. No tags, no
anchors and aliases (an alias bomb is small on disk), bounded in size, depth and number of nodes. Plain words are read
as JSON would: `no`, `12:30` and `2026-01-15` are texts.
"""

import re
from decimal import Decimal
from typing import Any, NamedTuple

import yaml

MAX_BYTES = 65_536
MAX_DEPTH = 24
MAX_NODES = 4_000

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,9}", re.ASCII)
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}
_PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "seq", "map", "null", "bool", "int", "float"))


class YamlFault(NamedTuple):
    """What is wrong with the text itself, and on which line (from 1)."""

    line: int
    text: str


class Node(NamedTuple):
    """A value and the line it starts on (from 1).

    `value` is a `dict[str, Node]`, a `list[Node]`, or a scalar: str, int, Decimal, bool, None. `keys` holds the lines
    of a mapping's keys.
    """

    value: Any
    line: int
    keys: dict[str, int]

    def plain(self) -> Any:
        """The value without lines."""
        if isinstance(self.value, dict):
            return {name: node.plain() for name, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


def read_yaml(raw: bytes) -> tuple[Node | None, list[YamlFault]]:
    """The document of a file; None and the faults where it is none that we read."""
    if len(raw) > MAX_BYTES:
        return None, [YamlFault(1, f"the file has {len(raw)} bytes; a scenario has at most {MAX_BYTES}")]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return None, [YamlFault(raw[: error.start].count(b"\n") + 1, "is not UTF-8")]
    try:
        document = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return None, [YamlFault(mark.line + 1 if mark else 1, f"is no YAML: {error.problem or error.context}")]
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        return None, [YamlFault(line, "is no YAML: a control character stands in the text")]
    if document is None:
        return None, [YamlFault(1, "is empty")]
    faults: list[YamlFault] = []
    node = _node(document, faults)
    return (None, faults) if faults else (node, [])


class _Loader(yaml.SafeLoader):
    """Composes nodes, and refuses what could make a small file large."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0
        self._count = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """One node, counted."""
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        self._count += 1
        if self.check_event(yaml.AliasEvent):
            raise self._refusal("aliases (*name) are not read here; write it out")
        if getattr(event, "anchor", None):
            raise self._refusal("anchors (&name) are not read here")
        if self._count > MAX_NODES:
            raise self._refusal(f"more than {MAX_NODES} values")
        if self._depth >= MAX_DEPTH:
            raise self._refusal(f"nested more than {MAX_DEPTH} levels deep")
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def _refusal(self, told: str) -> yaml.MarkedYAMLError:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        mark: Any = event.start_mark
        return yaml.composer.ComposerError(None, None, told, mark)


def _node(node: yaml.Node, faults: list[YamlFault]) -> Node:
    line = node.start_mark.line + 1
    if node.tag not in _PLAIN_TAGS and not (isinstance(node, yaml.ScalarNode) and _implicit(node)):
        faults.append(YamlFault(line, f"the tag {node.tag[:60]} is not read here"))
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, line, faults)
    if isinstance(node, yaml.SequenceNode):
        return Node([_node(item, faults) for item in node.value], line, {})
    return Node(_scalar(node), line, {})


def _mapping(node: yaml.MappingNode, line: int, faults: list[YamlFault]) -> Node:
    found: dict[str, Node] = {}
    keys: dict[str, int] = {}
    for key, value in node.value:
        at = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            faults.append(YamlFault(at, "a key must be a word"))
            continue
        name = str(key.value)
        if name in found:
            faults.append(YamlFault(at, f"the key {name[:60]!r} stands twice; before on line {keys[name]}"))
            continue
        keys[name] = at
        found[name] = _node(value, faults)
    return Node(found, line, keys)


def _implicit(node: yaml.ScalarNode) -> bool:
    """Whether YAML 1.1 guessed the tag (a timestamp, a merge key, `=`), rather than the file stating it."""
    return node.tag in {f"tag:yaml.org,2002:{name}" for name in ("timestamp", "merge", "value")}


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if getattr(node, "style", None) is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    return Decimal(text) if _DECIMAL.fullmatch(text) else text
