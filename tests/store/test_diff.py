"""The difference of two moments: what was added, changed and removed, by identifier, and no secrets."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support import TINY, VIRTUAL, copy_of_tiny, edit, tiny_image, without_logins

from sandbox.sandboxes.compiling import compile_image
from sandbox.sandboxes.memory import on_copy
from sandbox.store.diff import CollectionDiff, Contents, contents, difference

Rows = list[dict[str, Any]]

ENCODER = msgspec.json.Encoder(decimal_format="number")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A writable copy of `seeds/tiny` without demo logins."""
    folder = copy_of_tiny(tmp_path / "tiny")
    without_logins(folder)
    return folder


def contents_of(folder: Path) -> Contents:
    """The contents of the bank of a folder."""
    return on_copy(compile_image(folder, VIRTUAL).data, contents)


def diff(folder: Path, collection: str, change: Callable[[Rows], Any]) -> dict[str, CollectionDiff]:
    """What a change of a collection's file makes."""
    edit(folder, collection, change)
    return difference(on_copy(tiny_image().data, contents), contents_of(folder))


def extra_diff(folder: Path, before: object, after: object) -> Any:
    """How an extra collection differs, in JSON terms; None where it does not."""
    (folder / "branches.json").write_text(json.dumps(before))
    first = contents_of(folder)
    (folder / "branches.json").write_text(json.dumps(after))
    found = difference(first, contents_of(folder))
    assert set(found) <= {"branches"}
    return json.loads(ENCODER.encode(found["branches"])) if found else None


def test_equal_banks_do_not_differ(tiny: Path) -> None:
    assert difference(on_copy(tiny_image().data, contents), contents_of(tiny)) == {}


def test_a_changed_field_is_named_with_what_it_was_and_is(tiny: Path) -> None:
    found = diff(tiny, "customers", lambda rows: rows[0].update(segment="AFFLUENT"))
    assert list(found) == ["customers"]
    (change,) = found["customers"].changed
    assert (found["customers"].added, found["customers"].removed) == ([], [])
    assert list(change.fields) == ["segment"]
    assert change.fields["segment"].after == "AFFLUENT"
    stated = json.loads((TINY / "customers.json").read_text())[0]
    assert (change.id, change.fields["segment"].before) == (stated["customer_id"], stated["segment"])


def test_a_field_that_is_not_known_comes_and_goes(tiny: Path) -> None:
    found = diff(tiny, "customers", lambda rows: rows[0].update(zz=None))
    (change,) = found["customers"].changed
    assert list(change.fields) == ["zz"]
    assert (change.fields["zz"].before, change.fields["zz"].after) == (None, None)


def test_records_come_and_go(tiny: Path) -> None:
    def swap(rows: Rows) -> None:
        rows.append(rows.pop(0) | {"notification_id": "new"})

    found = diff(tiny, "notifications", swap)["notifications"]
    stated = json.loads((TINY / "notifications.json").read_text())[0]
    assert [record["notification_id"] for record in found.added] == ["new"]
    assert [record["notification_id"] for record in found.removed] == [stated["notification_id"]]
    assert found.removed[0]["title"] == stated["title"]
    assert found.changed == []


def test_another_order_is_no_difference(tiny: Path) -> None:
    assert diff(tiny, "customers", lambda rows: rows.reverse()) == {}


def test_a_changed_password_is_seen_and_not_shown(tiny: Path) -> None:
    found = diff(tiny, "credentials", lambda rows: rows[0].update(password="Another-2026!", pin="9999"))
    (change,) = found["credentials"].changed
    assert "password_hash" in change.fields
    shown = msgspec.json.encode(found).decode()
    assert "argon2" not in shown
    assert (change.fields["password_hash"].before, change.fields["password_hash"].after) == ("***", "***")


def test_a_credential_that_comes_or_goes_shows_no_secret(tiny: Path) -> None:
    gone = diff(tiny, "credentials", lambda rows: rows.pop(0))["credentials"].removed
    assert gone[0]["password_hash"] == "***"
    back = difference(contents_of(tiny), on_copy(tiny_image().data, contents))["credentials"].added
    assert back == gone


def test_records_of_an_unknown_collection_are_found_by_their_id(tiny: Path) -> None:
    before, after = [{"id": 1, "x": 1}, {"id": 2, "x": 2}], [{"id": 2, "x": 3}, {"id": 5, "x": 5}]
    assert extra_diff(tiny, before, after) == {
        "added": [{"id": 5, "x": 5}],
        "changed": [{"id": "2", "fields": {"x": {"from": 2, "to": 3}}}],
        "removed": [{"id": 1, "x": 1}],
    }


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([1, 2], [1, 3, 4], {"added": [{"value": 4}], "changed": [("1", 2, 3)], "removed": []}),
        ([], [7], {"added": [{"value": 7}], "changed": [], "removed": []}),
        ([1, 1], [True, 1.0], {"added": [], "changed": [("0", 1, True), ("1", 1, 1.0)], "removed": []}),
        ("old", "new", {"added": [], "changed": [("", "old", "new")], "removed": []}),
        ([{"id": 1}, {"id": 1}], [{"id": 1}], {"added": [], "changed": [], "removed": [{"id": 1}]}),
        ([{"id": "x"}], [{"id": "x"}], None),
    ],
)
def test_other_values_are_found_by_their_place(
    tiny: Path, before: object, after: object, expected: dict[str, Any] | None
) -> None:
    found = extra_diff(tiny, before, after)
    if found is not None:
        found["changed"] = [
            (change["id"], change["fields"]["value"]["from"], change["fields"]["value"]["to"])
            for change in found["changed"]
        ]
    assert found == expected
