"""How two schemas differ, planted change by planted change, in what a client says and in what the bank answers."""

from typing import Any

import pytest
from contracts import PLACE, answering, asking, lines

from sandbox.cli.contract import Change, Level, Rule, compare

B, N, A = Level.BREAKING, Level.NOTABLE, Level.ADDITION
TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
NUMBER = {"type": "number"}
MONEY = {"type": "object", "title": "Money", "properties": {"amount": TEXT, "currency": TEXT}}
NAME = {"type": "object", "title": "Name", "properties": {"name": TEXT}}
IBAN = {"type": "object", "title": "Iban", "properties": {"iban": TEXT}}


def thing(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def closed(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return thing(required, **properties) | {"additionalProperties": False}


def rest(schema: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": schema}


def choice(*schemas: Any) -> dict[str, Any]:
    return {"oneOf": list(schemas)}


def values(*listed: Any) -> dict[str, Any]:
    return {"enum": list(listed)}


Planted = tuple[str, Any, Any, Rule, Level | None, Level | None, str]

PLANTED: list[Planted] = [
    ("another type", TEXT, WHOLE, Rule.TYPE_CHANGED, B, B, "body is number now, was string"),
    ("no null", choice(TEXT, {"type": "null"}), TEXT, Rule.TYPE_REMOVED, B, A, "body may no longer be null"),
    ("null", TEXT, {"type": ["string", "null"]}, Rule.TYPE_ADDED, A, B, "body may also be null"),
    (
        "only text",
        {},
        TEXT,
        Rule.TYPE_REMOVED,
        B,
        A,
        "body may no longer be null or boolean or number or array or object",
    ),
    ("anything", TEXT, True, Rule.TYPE_ADDED, A, B, "body may also be null or boolean or number or array or object"),
    ("nothing", TEXT, False, Rule.TYPE_REMOVED, B, A, "body may no longer be string"),
    ("whole", NUMBER, WHOLE, Rule.TYPE_REMOVED, B, A, "body may no longer be a fraction"),
    ("fractions", WHOLE, NUMBER, Rule.TYPE_ADDED, A, B, "body may also be a fraction"),
    (
        "an alternative less",
        choice(MONEY, NAME, IBAN),
        choice(MONEY, IBAN),
        *(Rule.ALTERNATIVE_REMOVED, B, A, "body may no longer be Name (object)"),
    ),
    (
        "an alternative more",
        choice(MONEY, IBAN),
        {"anyOf": [NAME, MONEY, IBAN]},
        *(Rule.ALTERNATIVE_ADDED, A, B, "body may also be Name (object)"),
    ),
    (
        "an alternative without a name",
        choice(thing(a=TEXT), thing(b=TEXT)),
        choice(thing(b=TEXT)),
        *(Rule.ALTERNATIVE_REMOVED, B, A, "body may no longer be an object with a"),
    ),
    (
        "an alternative of values",
        choice({"type": "string", "pattern": "^x"}, {"type": "string", "enum": ["a"]}),
        {"type": "string", "pattern": "^x"},
        *(Rule.ALTERNATIVE_REMOVED, B, A, "body may no longer be 'a'"),
    ),
    ("a value less", values("a", "b", "c"), values("a"), Rule.VALUE_REMOVED, B, A, "body may no longer be 'b' or 'c'"),
    ("a value more", values("a"), values("b", "a"), Rule.VALUE_ADDED, A, N, "body may also be 'b'"),
    ("values listed", TEXT, values("a", "b"), Rule.VALUE_REMOVED, B, A, "body may only be 'a' or 'b'"),
    ("values open", {"const": "a"}, TEXT, Rule.VALUE_ADDED, A, N, "body may be more than 'a'"),
    ("a constant", values(1, 2), {"const": 1.0}, Rule.VALUE_REMOVED, B, A, "body may no longer be 2"),
    (
        "many values",
        TEXT,
        values(*"abcdefgh"),
        Rule.VALUE_REMOVED,
        B,
        A,
        "body may only be 'a' or 'b' or 'c' or 'd' or 'e' or 'f' or 2 more",
    ),
    ("whole numbers listed", WHOLE, values(1, 2), Rule.VALUE_REMOVED, B, A, "body may only be 1 or 2"),
    (
        "two patterns",
        TEXT,
        {"allOf": [TEXT | {"pattern": "a"}, {"pattern": "b"}]},
        *(Rule.LIMIT_TIGHTENED, B, A, "body has pattern a and b now"),
    ),
    ("a new maximum", WHOLE, WHOLE | {"maximum": 9}, Rule.LIMIT_TIGHTENED, B, A, "body has maximum 9 now"),
    ("no maximum", WHOLE | {"maximum": 9}, WHOLE, Rule.LIMIT_LOOSENED, A, N, "body has no maximum now, was 9"),
    *(
        (
            f"{keyword} {old} to {new}",
            TEXT_OR_MORE | {keyword: old},
            TEXT_OR_MORE | {keyword: new},
            rule,
            *levels_,
            f"body has {keyword} {new} now, was {old}",
        )
        for TEXT_OR_MORE in ({"type": ["string", "number", "array", "object"]},)
        for keyword, tightens in (
            *((keyword, 1) for keyword in ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")),
            *((keyword, -1) for keyword in ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")),
        )
        for old, new in ((3, 4), (4, 3))
        for rule, levels_ in [
            (Rule.LIMIT_TIGHTENED, (B, A)) if (new - old) * tightens > 0 else (Rule.LIMIT_LOOSENED, (A, N))
        ]
    ),
    ("a new pattern", TEXT, TEXT | {"pattern": "^a"}, Rule.LIMIT_TIGHTENED, B, A, "body has pattern ^a now"),
    ("no pattern", TEXT | {"pattern": "^a"}, TEXT, Rule.LIMIT_LOOSENED, A, N, "body has no pattern ^a now"),
    (
        "another pattern",
        TEXT | {"pattern": "a"},
        TEXT | {"pattern": "b"},
        Rule.PATTERN_CHANGED,
        B,
        N,
        "body has pattern b now, was a",
    ),
    (
        "another format",
        TEXT | {"format": "date"},
        TEXT | {"format": "time"},
        Rule.FORMAT_CHANGED,
        B,
        B,
        "body has format time now, was date",
    ),
    (
        "unique items",
        {"type": "array"},
        {"type": "array", "uniqueItems": True},
        Rule.LIMIT_TIGHTENED,
        B,
        A,
        "body has uniqueItems true now",
    ),
    ("steps", NUMBER, NUMBER | {"multipleOf": 0.5}, Rule.LIMIT_TIGHTENED, B, A, "body has multipleOf 0.5 now"),
    (
        "a keyword that is not read",
        TEXT,
        TEXT | {"not": {"const": "a"}},
        Rule.OTHER_KEYWORD_CHANGED,
        B,
        B,
        "body is under another 'not' now",
    ),
    ("a default", TEXT, TEXT | {"default": "a"}, Rule.DEFAULT_STATED, N, None, 'body has the default "a" now'),
    (
        "another default",
        TEXT | {"default": None},
        TEXT | {"default": 0},
        Rule.DEFAULT_CHANGED,
        B,
        None,
        "body has the default 0 now, was null",
    ),
    ("no default", TEXT | {"default": 1}, TEXT, Rule.DEFAULT_CHANGED, B, None, "body has no default now, was 1"),
    ("deprecated", TEXT, TEXT | {"deprecated": True}, Rule.DEPRECATED, N, N, "body is deprecated now"),
    ("a property", thing(), thing(a=TEXT), Rule.PROPERTY_ADDED, A, A, "property 'a' was added"),
    ("a property of a closed object", closed(), closed(a=TEXT), Rule.PROPERTY_ADDED, A, A, "property 'a' was added"),
    (
        "a required property",
        thing(),
        thing(("a",), a=TEXT),
        Rule.REQUIRED_PROPERTY_ADDED,
        B,
        A,
        "property 'a' was added, and is required",
    ),
    ("a property gone", thing(a=TEXT), thing(), Rule.PROPERTY_REMOVED, N, B, "property 'a' was removed"),
    (
        "a required property gone",
        thing(("a",), a=TEXT),
        thing(),
        Rule.PROPERTY_REMOVED,
        N,
        B,
        "property 'a' was removed",
    ),
    (
        "a property refused",
        closed(a=TEXT),
        closed(),
        *(Rule.PROPERTY_REFUSED, B, B, "property 'a' was removed, and properties that are not listed are refused"),
    ),
    (
        "required",
        thing(a=TEXT),
        thing(("a",), a=TEXT),
        Rule.PROPERTY_NOW_REQUIRED,
        B,
        A,
        "property 'a' became required",
    ),
    (
        "optional",
        thing(("a",), a=TEXT),
        thing(a=TEXT),
        Rule.PROPERTY_NOW_OPTIONAL,
        A,
        B,
        "property 'a' is no longer required",
    ),
    (
        "required, not described",
        thing(),
        thing(("a",)),
        Rule.PROPERTY_NOW_REQUIRED,
        B,
        A,
        "property 'a' became required",
    ),
    ("closed", thing(), closed(), Rule.UNLISTED_REFUSED, B, A, "body: properties that are not listed are refused now"),
    ("open", closed(), thing(), Rule.UNLISTED_ALLOWED, A, N, "body: properties that are not listed may be there now"),
    ("others of a type", rest(WHOLE), rest(TEXT), Rule.TYPE_CHANGED, B, B, "property '*' is string now, was number"),
    (
        "below",
        thing(a=thing(b=TEXT)),
        thing(a=thing(b=WHOLE)),
        Rule.TYPE_CHANGED,
        B,
        B,
        "property 'a.b' is number now, was string",
    ),
    (
        "in items",
        {"type": "array", "items": thing(b=TEXT)},
        {"type": "array", "items": thing(("b",), b=TEXT)},
        *(Rule.PROPERTY_NOW_REQUIRED, B, A, "property '[].b' became required"),
    ),
    (
        "in items of a property",
        thing(a={"type": "array", "items": TEXT}),
        thing(a={"type": "array", "items": WHOLE}),
        *(Rule.TYPE_CHANGED, B, B, "property 'a[]' is number now, was string"),
    ),
    (
        "in one of several alternatives",
        thing(to=choice(IBAN, NAME)),
        thing(to=choice(NAME | {"required": ["name"]}, IBAN)),
        *(Rule.PROPERTY_NOW_REQUIRED, B, A, "property 'to(Name).name' became required"),
    ),
    (
        "in one of several alternatives at the top",
        choice(IBAN, NAME),
        choice(IBAN, NAME | {"required": ["name"]}),
        *(Rule.PROPERTY_NOW_REQUIRED, B, A, "(Name) property 'name' became required"),
    ),
    (
        "in an alternative beside null",
        thing(to=choice(NAME, {"type": "null"})),
        thing(to=choice(NAME | {"required": ["name"]}, {"type": "null"})),
        *(Rule.PROPERTY_NOW_REQUIRED, B, A, "property 'to.name' became required"),
    ),
    (
        "what allOf adds",
        {"allOf": [thing(a=TEXT)]},
        {"allOf": [thing(a=TEXT), {"required": ["a"]}]},
        *(Rule.PROPERTY_NOW_REQUIRED, B, A, "property 'a' became required"),
    ),
    (
        "what allOf adds to a property",
        {"allOf": [thing(a=TEXT)]},
        {"allOf": [thing(a=TEXT), thing(a={"maxLength": 3})]},
        *(Rule.LIMIT_TIGHTENED, B, A, "property 'a' has maxLength 3 now"),
    ),
    (
        "what allOf adds to all others",
        {"allOf": [rest(TEXT)]},
        {"allOf": [rest(TEXT), rest({"maxLength": 3})]},
        *(Rule.LIMIT_TIGHTENED, B, A, "property '*' has maxLength 3 now"),
    ),
    (
        "the lower of two limits",
        {"allOf": [TEXT | {"maxLength": 5}, {"maxLength": 3}]},
        TEXT | {"maxLength": 5},
        Rule.LIMIT_LOOSENED,
        A,
        N,
        "body has maxLength 5 now, was 3",
    ),
    (
        "the higher of two limits",
        {"allOf": [TEXT | {"minLength": 5}, {"minLength": 3}]},
        TEXT | {"minLength": 3},
        Rule.LIMIT_LOOSENED,
        A,
        N,
        "body has minLength 3 now, was 5",
    ),
    (
        "values of both lists",
        {"allOf": [values(1, 2), values(2, 3)]},
        values(2, 3),
        Rule.VALUE_ADDED,
        A,
        N,
        "body may also be 3",
    ),
    (
        "a second pattern",
        TEXT | {"pattern": "a"},
        {"allOf": [TEXT | {"pattern": "a"}, {"pattern": "b"}]},
        Rule.LIMIT_TIGHTENED,
        B,
        A,
        "body has pattern b now",
    ),
    (
        "beside a reference",
        {"$ref": "#/components/schemas/Text"},
        {"$ref": "#/components/schemas/Text", "maxLength": 3},
        Rule.LIMIT_TIGHTENED,
        B,
        A,
        "body has maxLength 3 now",
    ),
    (
        "beside alternatives",
        choice(TEXT, {"type": "null"}),
        choice(TEXT, {"type": "null"}) | {"maxLength": 3},
        Rule.LIMIT_TIGHTENED,
        B,
        A,
        "body has maxLength 3 now",
    ),
    (
        "a default behind a reference",
        {"$ref": "#/components/schemas/Text"},
        {"$ref": "#/components/schemas/Preset"},
        Rule.DEFAULT_STATED,
        N,
        None,
        'body has the default "a" now',
    ),
    (
        "a default behind allOf",
        {"allOf": [TEXT]},
        {"allOf": [TEXT | {"default": "a"}]},
        Rule.DEFAULT_STATED,
        N,
        None,
        'body has the default "a" now',
    ),
    (
        "null of a list of values",
        {"enum": ["a", None]},
        values("a"),
        Rule.TYPE_REMOVED,
        B,
        A,
        "body may no longer be null",
    ),
]

SHARED = {"Text": TEXT, "Preset": TEXT | {"default": "a"}}


def expected(level: Level | None, rule: Rule, whole: str, parts: str, what: str) -> list[Change]:
    if level is None:
        return []
    subject = f"{parts} {what}" if what.startswith(("property", "(")) else what.replace("body", whole, 1)
    return [Change(level=level, rule=rule, where=PLACE, what=subject)]


@pytest.mark.parametrize("planted", PLANTED, ids=[planted[0] for planted in PLANTED])
def test_a_planted_change_is_the_only_one_that_is_told(planted: Planted) -> None:
    _, old, new, rule, said, heard, what = planted
    assert compare(asking(old, **SHARED), asking(new, **SHARED)) == expected(
        said, rule, "request body", "request", what
    )
    assert compare(answering(old, **SHARED), answering(new, **SHARED)) == expected(
        heard, rule, "response 200", "response 200", what
    )


SAME: list[tuple[str, Any, Any]] = [
    ("null as a type or as an alternative", choice(TEXT, {"type": "null"}), {"type": ["null", "string"]}),
    ("a constant or a list of one", {"const": "a"}, values("a")),
    ("alternatives of constants or a list", choice({"const": "a"}, {"const": "b"}), values("b", "a")),
    ("anyOf or oneOf", choice(TEXT, WHOLE), {"anyOf": [WHOLE, TEXT]}),
    ("one alternative", TEXT, choice(TEXT)),
    ("the same alternative twice", choice(MONEY, MONEY), MONEY),
    ("allOf of one", TEXT, {"allOf": [TEXT]}),
    ("allOf in parts", closed(("a",), a=TEXT), {"allOf": [closed(a=TEXT), {"required": ["a"]}]}),
    ("the same said twice", TEXT | {"pattern": "a"}, {"allOf": [TEXT | {"pattern": "a"}, {"pattern": "a"}]}),
    ("anything", {}, True),
    ("what is said by leaving it out", TEXT, TEXT | {"minLength": 0}),
    (
        "items that need not differ",
        {"type": "array"},
        {"type": "array", "uniqueItems": False, "minItems": 0, "items": {}},
    ),
    ("an object that may have more", thing(), thing() | {"additionalProperties": True, "minProperties": 0}),
    ("the order of properties", thing(("a", "b"), a=TEXT, b=TEXT), thing(("b", "a"), b=TEXT, a=TEXT)),
    ("the order of alternatives", choice(MONEY, NAME), choice(NAME, MONEY)),
    ("9 and 9.0", WHOLE | {"maximum": 9}, WHOLE | {"maximum": 9.0}),
    ("whole numbers are numbers", WHOLE, {"allOf": [NUMBER, WHOLE]}),
    ("every whole number is a number", NUMBER, {"type": ["integer", "number"]}),
    ("words", TEXT, TEXT | {"title": "T", "description": "d", "examples": ["a"], "x-sandbox": 1, "$comment": "c"}),
    ("words below what is not read", {"not": TEXT}, {"not": TEXT | {"description": "d"}}),
    ("a default", TEXT | {"default": "a"}, {"allOf": [TEXT | {"default": "a"}]}),
    ("what is deprecated", TEXT | {"deprecated": True}, {"allOf": [TEXT | {"deprecated": True}]}),
    ("what is not deprecated", TEXT, TEXT | {"deprecated": False}),
    ("in place or by reference", thing(a=TEXT), thing(a={"$ref": "#/components/schemas/Text"})),
    ("the name of a component", {"$ref": "#/components/schemas/Text"}, {"$ref": "#/components/schemas/Text2"}),
    (
        "the order of what is not read",
        {"allOf": [TEXT, {"not": {"const": "a"}}, {"not": {"const": "b"}}]},
        {"allOf": [TEXT, {"not": {"const": "b"}}, {"not": {"const": "a"}}]},
    ),
    (
        "the name of a component, not read",
        {"not": {"$ref": "#/components/schemas/Text"}},
        {"not": {"$ref": "#/components/schemas/Text2"}},
    ),
    ("the limits of another type", TEXT, TEXT | {"maximum": 3, "required": ["a"]}),
]


@pytest.mark.parametrize(("old", "new"), [pair[1:] for pair in SAME], ids=[pair[0] for pair in SAME])
def test_the_same_in_other_words_is_no_change(old: Any, new: Any) -> None:
    schemas = SHARED | {"Text2": TEXT}
    for written in (asking, answering):
        assert lines(written(old, **schemas), written(new, **schemas)) == []
        assert lines(written(new, **schemas), written(old, **schemas)) == []


def test_lists_with_and_without_fractions() -> None:
    listed = values(1, 0.5)
    assert lines(answering(WHOLE), answering(listed)) == [
        f"breaking type-added {PLACE}: response 200 may also be a fraction",
        f"addition value-removed {PLACE}: response 200 may only be 1 or 0.5",
    ]
    assert lines(asking(listed), asking(WHOLE)) == [
        f"breaking type-removed {PLACE}: request body may no longer be a fraction",
        f"addition value-added {PLACE}: request body may be more than 1 or 0.5",
    ]
    assert lines(asking(NUMBER), asking(values(1))) == [f"breaking value-removed {PLACE}: request body may only be 1"]
    assert lines(asking(TEXT), asking(values("a"))) == [f"breaking value-removed {PLACE}: request body may only be 'a'"]


def test_true_and_1_are_different_values() -> None:
    yes = {"enum": [True]}
    assert lines(asking(values(1)), asking(yes)) == [
        f"breaking type-changed {PLACE}: request body is boolean now, was number"
    ]


def test_a_property_may_be_called_as_an_annotation_is() -> None:
    old, new = ({"not": {"properties": {"title": {"type": kind}}}} for kind in ("string", "number"))
    assert lines(asking(old), asking(new)) == [
        f"breaking other-keyword-changed {PLACE}: request body is under another 'not' now"
    ]
    assert lines(asking(thing(title=TEXT)), asking(thing(title=NUMBER))) == [
        f"breaking type-changed {PLACE}: request property 'title' is number now, was string"
    ]


def test_values_of_lists_keep_their_members() -> None:
    old, new = ({"not": {"const": {"title": title}}} for title in "ab")
    assert len(lines(asking(old), asking(new))) == 1


def test_what_only_the_other_side_says_does_not_count() -> None:
    made = thing(("id",), id=TEXT | {"readOnly": True}, pin=TEXT | {"writeOnly": True})
    without_id, without_pin = thing(pin=made["properties"]["pin"]), thing(("id",), id=made["properties"]["id"])
    assert lines(asking(without_id), asking(made)) == []
    assert lines(answering(without_pin), answering(made)) == []
    assert lines(asking(made), asking(without_pin)) == [
        f"notable property-removed {PLACE}: request property 'pin' was removed"
    ]
    assert lines(answering(made), answering(without_id)) == [
        f"breaking property-removed {PLACE}: response 200 property 'id' was removed"
    ]


def test_a_property_that_only_the_bank_says_from_now_on_is_taken_from_clients() -> None:
    old, new = closed(id=TEXT), closed(id={"allOf": [TEXT, {"readOnly": True}]})
    assert [line.split()[1] for line in lines(asking(old), asking(new))] == ["property-refused"]
    assert lines(answering(old), answering(new)) == []


def test_properties_that_were_covered_by_a_type_for_all_are_compared_with_it() -> None:
    assert lines(asking(rest(TEXT)), asking(rest(TEXT) | thing(a=WHOLE))) == [
        f"breaking type-changed {PLACE}: request property 'a' is number now, was string",
        f"addition property-added {PLACE}: request property 'a' was added",
    ]
    assert lines(asking(rest(TEXT) | thing(a=WHOLE)), asking(rest(TEXT))) == [
        f"breaking type-changed {PLACE}: request property 'a' is string now, was number",
        f"notable property-removed {PLACE}: request property 'a' was removed",
    ]


def test_a_required_name_that_gets_or_loses_its_description_is_told_once() -> None:
    bare, described = thing(("a",)), thing(("a",), a=TEXT)
    assert lines(asking(bare), asking(described)) == [
        f"addition property-added {PLACE}: request property 'a' was added"
    ]
    assert lines(answering(bare), answering(thing(a=TEXT))) == [
        f"breaking property-now-optional {PLACE}: response 200 property 'a' is no longer required",
        f"addition property-added {PLACE}: response 200 property 'a' was added",
    ]
    assert lines(asking(thing(a=TEXT)), asking(bare)) == [
        f"breaking property-now-required {PLACE}: request property 'a' became required",
        f"notable property-removed {PLACE}: request property 'a' was removed",
    ]


def test_schemas_that_hold_themselves_come_to_an_end() -> None:
    def tree(leaf: Any, name: str) -> dict[str, Any]:
        return {name: thing(leaf=leaf, children={"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}})}

    def of(name: str) -> dict[str, Any]:
        return {"$ref": f"#/components/schemas/{name}"}

    assert lines(asking(of("Tree"), **tree(TEXT, "Tree")), asking(of("Baum"), **tree(TEXT, "Baum"))) == []
    assert lines(asking(of("Tree"), **tree(TEXT, "Tree")), asking(of("Tree"), **tree(WHOLE, "Tree"))) == [
        f"breaking type-changed {PLACE}: request property 'leaf' is number now, was string",
    ]
    held = {"not": of("Tree")}
    assert lines(asking(held, **tree(TEXT, "Tree")), asking({"not": of("Baum")}, **tree(TEXT, "Baum"))) == []
    assert len(lines(asking(held, **tree(TEXT, "Tree")), asking(held, **tree(WHOLE, "Tree")))) == 1


def test_a_schema_that_is_only_itself_comes_to_an_end() -> None:
    itself = {"Loop": {"allOf": [{"$ref": "#/components/schemas/Loop"}, TEXT]}}
    assert lines(asking({"$ref": "#/components/schemas/Loop"}, **itself), asking(TEXT)) == []
    both = {
        "Both": {
            "allOf": [thing(a={"$ref": "#/components/schemas/Both"}), thing(a={"$ref": "#/components/schemas/Both"})]
        }
    }
    new = {"Both": {"allOf": [*both["Both"]["allOf"], thing(b=TEXT)]}}
    assert lines(
        asking({"$ref": "#/components/schemas/Both"}, **both), asking({"$ref": "#/components/schemas/Both"}, **new)
    ) == [f"addition property-added {PLACE}: request property 'b' was added"]


def test_alternatives_are_told_apart_by_what_they_have_in_common() -> None:
    renamed = [schema | {"title": f"{schema['title']}View"} for schema in (NAME, IBAN, MONEY)]
    renamed[2] = renamed[2] | {"required": ["amount"]}
    assert lines(asking(choice(MONEY, NAME, IBAN)), asking(choice(*renamed))) == [
        f"breaking property-now-required {PLACE}: request (MoneyView) property 'amount' became required"
    ]


def test_alternatives_of_one_name_belong_together() -> None:
    short, long = TEXT | {"title": "Short", "maxLength": 3}, TEXT | {"title": "Long", "minLength": 4}
    assert lines(asking(choice(short, long)), asking(choice(long | {"minLength": 5}, short | {"maxLength": 2}))) == [
        f"breaking limit-tightened {PLACE}: request body (Short) has maxLength 2 now, was 3",
        f"breaking limit-tightened {PLACE}: request body (Long) has minLength 5 now, was 4",
    ]


def test_every_rule_of_schemas_has_a_planted_change() -> None:
    ruled = {Rule.TYPE_CHANGED, *(rule for rule in Rule if rule in list(Rule)[list(Rule).index(Rule.TYPE_CHANGED) :])}
    assert {planted[3] for planted in PLANTED} == ruled | {Rule.DEPRECATED}
