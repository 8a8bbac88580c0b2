"""Comparing any two contracts: no change told where there is none, and none missed that a value can show.

The oracle is a JSON Schema validator: where it accepts a value under one schema and refuses it under the other, the
comparison must have told so.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import jsonschema_rs
from contracts import Document, answering, asking, document, levels, lines
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

NAMES = ("a", "b", "c")
EXAMPLES = 150

Schema = Any

texts = st.sampled_from(["", "x", "xy", "xyz", "y"])
numbers = st.sampled_from([-1, 0, 1, 2, 3, 0.5])
scalars = st.one_of(st.none(), st.booleans(), numbers, texts)
instances = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner)),
    max_leaves=6,
)
limits = st.integers(0, 3)


def optional(**keywords: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keywords)


def of_type(name: str, **keywords: st.SearchStrategy[Any]) -> st.SearchStrategy[Schema]:
    return optional(**keywords).map(lambda found: {"type": name} | found)


def objects(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    """Objects that refuse what they do not list, so that a property more can only allow more."""
    properties = st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
    required = st.lists(st.sampled_from(NAMES), unique=True, max_size=2)
    return st.builds(
        lambda listed, asked: {
            "type": "object",
            "properties": listed,
            "required": [name for name in asked if name in listed],
            "additionalProperties": False,
        },
        properties,
        required,
    )


leaves = st.one_of(
    of_type("string", minLength=limits, maxLength=limits, pattern=st.sampled_from(["^x", "y$"])),
    of_type("integer", minimum=limits, maximum=limits),
    of_type("number", exclusiveMinimum=limits, exclusiveMaximum=limits, multipleOf=st.sampled_from([0.5, 1, 2])),
    st.sampled_from([{"type": "null"}, {"type": "boolean"}, {}, True, False, {"$ref": "#/components/schemas/Text"}]),
    st.lists(scalars, min_size=1, max_size=3).map(lambda listed: {"enum": listed}),
    scalars.map(lambda value: {"const": value}),
)
schemas: st.SearchStrategy[Schema] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        objects(inner),
        of_type("array", items=inner, minItems=limits, maxItems=limits, uniqueItems=st.booleans()),
        inner.map(lambda schema: {"type": "object", "additionalProperties": schema}),
        st.lists(inner, min_size=1, max_size=3).map(lambda members: {"anyOf": members}),
        st.lists(inner, min_size=1, max_size=2).map(lambda members: {"allOf": members}),
        inner.map(lambda schema: {"not": schema}),
    ),
    max_leaves=5,
)
SHARED = {"Text": {"type": "string", "maxLength": 2}}


@st.composite
def nearby(draw: st.DrawFn, schema: Schema) -> Schema:
    """The schema with one of its parts replaced: two that differ everywhere show little."""
    if not isinstance(schema, dict) or draw(st.integers(0, 3)) == 0:
        return draw(schemas)
    changed = deepcopy(schema)
    keyword = draw(st.sampled_from(sorted(changed) or ["type"]))
    part = changed.get(keyword)
    if keyword == "properties" and part:
        name = draw(st.sampled_from(sorted(part)))
        part[name] = draw(nearby(part[name]))
    elif keyword in {"items", "not", "additionalProperties"} and isinstance(part, dict):
        changed[keyword] = draw(nearby(part))
    elif keyword in {"anyOf", "allOf"} and isinstance(part, list):
        index = draw(st.integers(0, len(part) - 1))
        part[index] = draw(nearby(part[index]))
    elif keyword == "required":
        changed["required"] = [name for name in changed["properties"] if draw(st.booleans())]
    elif isinstance(part, int) and not isinstance(part, bool):
        changed[keyword] = draw(limits)
    else:
        changed.pop(keyword, None)
    return changed


pairs = schemas.flatmap(lambda schema: st.tuples(st.just(schema), nearby(schema)))


def accepts(schema: Schema) -> Callable[[Any], bool]:
    rooted = {"$ref": "#/components/schemas/Root", "components": {"schemas": SHARED | {"Root": schema}}}
    return jsonschema_rs.Draft202012Validator(rooted).is_valid


@settings(max_examples=EXAMPLES)
@given(pairs, st.lists(instances, min_size=20, max_size=20))
def test_what_was_accepted_and_is_refused_now_is_told_as_breaking(
    pair: tuple[Schema, Schema], tried: list[Any]
) -> None:
    old, new = map(accepts, pair)
    if any(old(value) and not new(value) for value in tried):
        event("refused now")
        assert "breaking" in levels(asking(pair[0], **SHARED), asking(pair[1], **SHARED))


@settings(max_examples=EXAMPLES)
@given(pairs, st.lists(instances, min_size=20, max_size=20))
def test_an_answer_that_could_not_be_is_told(pair: tuple[Schema, Schema], tried: list[Any]) -> None:
    old, new = map(accepts, pair)
    if any(new(value) and not old(value) for value in tried):
        event("a new answer")
        assert levels(answering(pair[0], **SHARED), answering(pair[1], **SHARED))


@settings(max_examples=EXAMPLES)
@given(schemas)
def test_a_schema_has_not_changed_against_itself(schema: Schema) -> None:
    for written in (asking, answering):
        one = written(schema, **SHARED)
        assert lines(one, deepcopy(one)) == []


@settings(max_examples=EXAMPLES)
@given(schemas)
def test_the_name_of_a_component_and_words_are_no_change(schema: Schema) -> None:
    described = schema | {"description": "d", "x-words": [1]} if isinstance(schema, dict) else schema
    for written in (asking, answering):
        direct = written(schema, **SHARED)
        named = written({"$ref": "#/components/schemas/Named"}, **SHARED, Named=described)
        assert lines(direct, named) == []
        assert lines(named, direct) == []


def add_operation(contract: Document) -> None:
    contract["paths"]["/v1/new"] = {"get": {"responses": {}}}


def add_parameter(contract: Document) -> None:
    the_operation(contract).setdefault("parameters", []).append({"in": "query", "name": "new", "schema": {}})


def add_refusal(contract: Document) -> None:
    the_operation(contract)["responses"]["409"] = {"description": ""}


def add_header(contract: Document) -> None:
    the_operation(contract)["responses"]["200"]["headers"] = {"New": {"schema": {}}}


def add_link(contract: Document) -> None:
    the_operation(contract)["responses"]["200"]["links"] = {"new": {"operationId": "pay"}}


def add_way_in(contract: Document) -> None:
    the_operation(contract)["security"].append({"bearer": []})


def add_property_said(contract: Document) -> None:
    the_operation(contract)["requestBody"]["content"]["application/json"]["schema"]["properties"]["new"] = {}


def add_property_heard(contract: Document) -> None:
    heard = the_operation(contract)["responses"]["200"]["content"]["application/json"]["schema"]
    heard["properties"]["new"] = {}
    heard["required"].append("new")


def add_value_said(contract: Document) -> None:
    contract["components"]["schemas"]["Said"]["enum"].append("new")


def take_value_heard(contract: Document) -> None:
    contract["components"]["schemas"]["Heard"]["enum"].remove("z")


def the_operation(contract: Document) -> dict[str, Any]:
    found: dict[str, Any] = contract["paths"]["/v1/transfers"]["post"]
    return found


HARMLESS = (
    *(add_operation, add_parameter, add_refusal, add_header, add_link, add_way_in, add_property_said),
    *(add_property_heard, add_value_said, take_value_heard),
)
BREAKS_BACKWARDS = set(HARMLESS) - {add_refusal, take_value_heard}


@st.composite
def contracts(draw: st.DrawFn) -> Document:
    """A contract with an operation that takes and answers objects."""
    said, heard = draw(objects(schemas)), draw(objects(schemas))
    said["properties"]["kind"] = {"$ref": "#/components/schemas/Said"}
    heard["properties"]["kind"] = {"$ref": "#/components/schemas/Heard"}
    named = {"Said": {"enum": ["x", "y"]}, "Heard": {"enum": ["x", "y", "z"]}}
    body = {"content": {"application/json": {"schema": said}}}
    answers = {"200": {"content": {"application/json": {"schema": heard}}}}
    operation = {"requestBody": body, "responses": answers, "security": [{"key": []}]}
    schemes = {"key": {"type": "apiKey", "in": "header", "name": "Key"}, "bearer": {"type": "http", "scheme": "bearer"}}
    return document(operation, components={"schemas": SHARED | named, "securitySchemes": schemes})


@settings(max_examples=EXAMPLES)
@given(contracts(), st.lists(st.sampled_from(HARMLESS), min_size=1, max_size=5, unique=True))
def test_what_is_only_added_breaks_nothing_and_taking_it_away_again_does(
    old: Document, added: list[Callable[[Document], None]]
) -> None:
    new = deepcopy(old)
    for add in added:
        add(new)
    assert levels(old, new) == {"addition"}
    assert len(lines(old, new)) == len(added)
    if BREAKS_BACKWARDS & set(added):
        assert "breaking" in levels(new, old)


@settings(max_examples=EXAMPLES // 3)
@given(contracts(), contracts())
def test_every_change_stands_once_and_breaking_ones_first(old: Document, new: Document) -> None:
    told = lines(old, new)
    assume(told)
    assert len(told) == len(set(told))
    order = ["breaking", "notable", "addition"]
    ranks = [order.index(line.split()[0]) for line in told]
    assert ranks == sorted(ranks)
