"""The document says what a request may be, as far as a schema can: what generated requests have found it silent on."""

from typing import Any

import jsonschema_rs
import pytest
from contract.serving import served_document

DOCUMENT = served_document()
SCHEMAS = DOCUMENT["components"]["schemas"]


def allows(schema: dict[str, Any], value: object) -> bool:
    return jsonschema_rs.validator_for(schema | {"components": DOCUMENT["components"]}, validate_formats=True).is_valid(
        value
    )


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("OrderAmount", {"amount": "12.750", "currency": "KWD"}, {"amount": "12.75", "currency": "KWD"}),
        ("OrderAmount", {"amount": "0.001", "currency": "KWD"}, {"amount": "0.000", "currency": "KWD"}),
        ("Creditor", {"account_id": "a", "iban": None}, {"account_id": "a", "iban": "b"}),
        ("Creditor", {"iban": "b"}, {}),
        ("AdvanceOrder", {"by": "P1D"}, {}),
        ("AdvanceOrder", {"to": "2026-02-01T08:00:00Z"}, {"by": "P1D", "to": "2026-02-01T08:00:00Z"}),
        ("ClockOrder", {"rate": 0.5}, {"rate": 0}),
        ("ClockOrder", {"now": None}, {"now": "tomorrow"}),
        ("NewSandbox", {"seed": 0, "id": "t1"}, {"seed": -1}),
        ("NewSandbox", {"from": "snapshot:before"}, {"from": "before"}),
        ("NewSandbox", {"id": None}, {"id": "T 1"}),
        ("ResetOrder", {"keep": ["clock", "sessions"]}, {"keep": [None]}),
        ("ResetOrder", {"as_of": "now"}, {"as_of": "later"}),
        ("ResetOrder", {"as_of": "2026-02-01T08:00:00Z"}, {"seed": -1}),
    ],
)
def test_a_body(name: str, right: object, wrong: object) -> None:
    assert allows(SCHEMAS[name], right)
    assert not allows(SCHEMAS[name], wrong)


def test_a_body_that_may_be_left_out_is_not_said_to_be_needed() -> None:
    needed = {
        operation["operationId"]: operation["requestBody"]["required"]
        for item in DOCUMENT["paths"].values()
        for operation in item.values()
        if "requestBody" in operation
    }
    assert {name for name, is_needed in needed.items() if not is_needed} == {
        "reverseTransfer",
        "reset",
        "createSandbox",
        "applyScenario",
        "waitForMessage",
    }


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("from", "2026-01-15", "15.1.2026"),
        ("to", "2026-01-15T08:00:00+03:00", "2026-02-30"),
        ("min_amount", "12.5", "a dozen"),
        ("max_amount", "12", "12.7501"),
    ],
)
def test_a_filter(name: str, right: object, wrong: object) -> None:
    parameters = DOCUMENT["paths"]["/v1/transactions"]["get"]["parameters"]
    (schema,) = (parameter["schema"] for parameter in parameters if parameter["name"] == name)
    assert allows(schema, right)
    assert not allows(schema, wrong)
