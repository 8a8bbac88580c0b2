"""Columns and records become lines of JSON: one a record, without what needs no saying."""

import json

import numpy as np
import pytest

from sandbox.synth.writing import Form, amounts, instants, lines


def test_a_record_is_a_line() -> None:
    written = lines("branches", [{"id": "b1", "city": "Salmiya\nBlock 5"}, {"id": "b2"}], "jsonl")
    assert [json.loads(line) for line in written.splitlines()] == [
        {"id": "b1", "city": "Salmiya\nBlock 5"},
        {"id": "b2"},
    ]


def test_what_a_field_would_be_anyway_is_left_out() -> None:
    account = {"account_id": "a", "balance": "0.000", "overdraft_limit": "0.000", "status": "ACTIVE", "nickname": None}
    assert json.loads(lines("accounts", [account], "json")) == {"account_id": "a", "balance": "0.000"}
    account |= {"overdraft_limit": "100.000", "status": "FROZEN", "nickname": "Ours"}
    assert json.loads(lines("accounts", [account], "json")) == account


def test_fields_that_no_collection_knows_stay() -> None:
    assert json.loads(lines("customers", [{"customer_id": "c", "housing": "", "children": 0}], "json")) == {
        "customer_id": "c",
        "housing": "",
        "children": 0,
    }


def test_no_records_are_no_lines() -> None:
    assert lines("customers", [], "json") == b""


@pytest.mark.parametrize(("form", "between"), [("json", b",\n"), ("jsonl", b"\n")])
def test_lines_are_joined_as_the_file_wants_them(form: Form, between: bytes) -> None:
    written = lines("branches", [{"name": "a\nb"}, {"name": "ج"}], form)
    assert written == b'{"name":"a\\nb"}' + between + '{"name":"ج"}'.encode()


def test_amounts_have_three_decimals() -> None:
    assert amounts(np.array([5, 12_750, 1_000_000, 999])) == ["0.005", "12.750", "1000.000", "0.999"]


def test_instants_are_in_utc_to_the_millisecond() -> None:
    assert instants(np.array([1_768_467_600_000_000, 1_768_467_600_123_000])) == [
        "2026-01-15T09:00:00.000Z",
        "2026-01-15T09:00:00.123Z",
    ]
