"""Reading ecosystem folders: every fault named by file, record and field, all of them at once."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support import TINY, copy_of_tiny, edit

from sandbox.core.clock import parse_instant
from sandbox.store.reading import EcosystemError, Failure, RawEcosystem, read_folder, survey, survey_files
from sandbox.store.records import COLLECTIONS, RUNTIME_COLLECTIONS

AS_OF = "2026-01-15T09:00:00Z"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A writable copy of `seeds/tiny`."""
    return copy_of_tiny(tmp_path / "tiny")


def failures_of(folder: Path) -> list[Failure]:
    """Why the folder cannot be read."""
    with pytest.raises(EcosystemError) as caught:
        read_folder(folder)
    return caught.value.failures


def only_failure(folder: Path) -> Failure:
    """The one reason why the folder cannot be read."""
    failures = failures_of(folder)
    assert len(failures) == 1, [str(failure) for failure in failures]
    return failures[0]


def setting(position: int, field: str, value: object) -> Callable[[list[dict[str, Any]]], None]:
    """A change that gives one field of one record a value."""

    def change(rows: list[dict[str, Any]]) -> None:
        rows[position][field] = value

    return change


def removing(position: int, field: str) -> Callable[[list[dict[str, Any]]], None]:
    """A change that takes one field away."""

    def change(rows: list[dict[str, Any]]) -> None:
        del rows[position][field]

    return change


def customers(folder: Path, text: str | bytes, *, name: str = "customers.json") -> Path:
    """A folder with nothing but customers."""
    folder.mkdir(exist_ok=True)
    (folder / "ecosystem.json").write_text(json.dumps({"name": "x", "as_of": AS_OF}))
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def manifest(folder: Path, value: object) -> Path:
    """The folder with another manifest."""
    (folder / "ecosystem.json").write_text(json.dumps(value))
    return folder


def edit_manifest(folder: Path, **fields: object) -> Path:
    """The folder with other fields in its manifest."""
    return manifest(folder, json.loads((folder / "ecosystem.json").read_text()) | fields)


ONE = '{"customer_id": "c1", "full_name": "One"}'
TWO = '{"customer_id": "c2", "full_name": "Two"}'


def test_every_record_of_a_good_folder_is_read() -> None:
    raw = read_folder(TINY)
    for name in COLLECTIONS:
        assert len(raw.rows[name]) == len(json.loads((TINY / f"{name}.json").read_text())), name
    assert (raw.manifest.name, raw.manifest.seed, len(raw.manifest.logins)) == ("tiny", 2026, 6)
    assert raw.manifest.as_of == parse_instant(AS_OF)
    assert raw.others == {}


def test_values_are_read_into_their_inner_form() -> None:
    raw = read_folder(TINY)
    account = raw.rows["accounts"][0]
    assert (account["balance"], account["account_type"]) == (2_547_440, "current")
    assert account["opened_at"] == parse_instant("2009-09-13T07:24:00Z")
    assert raw.rows["customers"][0]["date_of_birth"] == "1979-04-12"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert str(only_failure(tmp_path / "none")) == "there is no such folder"


def test_a_folder_without_collections_is_refused(tmp_path: Path) -> None:
    manifest(tmp_path, {"name": "x", "as_of": AS_OF})
    assert only_failure(tmp_path).message == "the folder holds no collection such as customers.json"


def test_an_error_counts_its_failures(tmp_path: Path) -> None:
    with pytest.raises(EcosystemError, match=r"has 1 fault$"):
        read_folder(customers(tmp_path, "["))
    with pytest.raises(EcosystemError, match=r"has 2 faults$"):
        read_folder(customers(tmp_path, "[1, 2]"))


BAD_FILES: list[tuple[bytes, str, str]] = [
    (b"", "", "is empty"),
    (b" \n", "", "is empty"),
    (b"[{", "", "Expecting property name enclosed in double quotes at line 1, column 3"),
    (f"[{ONE},\n {TWO[:-1]}".encode(), "", "Expecting ',' delimiter at line 2, column 42"),
    (b'[{"customer_id": "c1", "full_name": "\xff"}]', "", "the text is not valid UTF-8: byte 37 (0xff)"),
    (ONE.encode("utf-16"), "", "the text is not valid UTF-8: byte 0 (0xff)"),
    (
        b'[{"customer_id": "c1", "full_name": "a", "full_name": "b"}]',
        "",
        "the key 'full_name' stands twice in one object",
    ),
    (b'[{"customer_id": "c1", "full_name": NaN}]', "", "NaN is no JSON number"),
    (b'[{"customer_id": "c1", "full_name": "\\ud800"}]', "", "a \\u escape is half of a surrogate pair"),
    (ONE.encode(), "", "must be a JSON array of records"),
    (b"null", "", "must be a JSON array of records"),
    (b'"x"', "", "must be a JSON array of records"),
    (f"[{ONE}, 5]".encode(), "[1]", "must be a JSON object"),
    (f"[{ONE}, null]".encode(), "[1]", "must be a JSON object"),
    (f"[{ONE}, [{TWO}]]".encode(), "[1]", "must be a JSON object"),
]


@pytest.mark.parametrize(("raw", "record", "message"), BAD_FILES, ids=[message for _, _, message in BAD_FILES])
def test_a_bad_file_is_named_with_what_is_wrong(tmp_path: Path, raw: bytes, record: str, message: str) -> None:
    assert only_failure(customers(tmp_path, raw)) == Failure("customers.json", record, "", message)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    raw = read_folder(customers(tmp_path, b"\xef\xbb\xbf" + f"[{ONE}]".encode()))
    assert raw.rows["customers"][0]["customer_id"] == "c1"


def test_an_unreadable_file_is_named(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "customers.json":
            raise PermissionError(13, "Permission denied")
        return original(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert str(only_failure(tiny)) == "customers.json: cannot be read: Permission denied"


BAD_VALUES: list[tuple[str, str, object, str]] = [
    # Identifiers.
    ("customers", "customer_id", "", "'' is no identifier: a text of 1 to 64 printable characters"),
    ("customers", "customer_id", 7, "7 is no identifier: a text of 1 to 64 printable characters"),
    ("customers", "customer_id", "a\nb", "'a\\nb' is no identifier: a text of 1 to 64 printable characters"),
    ("accounts", "customer_id", ["x"], "['x'] is no identifier: a text of 1 to 64 printable characters"),
    # Texts.
    ("customers", "full_name", 5, "5 is no text"),
    ("customers", "email", {"a": 1}, "{'a': 1} is no text"),
    ("customers", "full_name", "a\0b", "a text must not contain NUL"),
    # Amounts.
    ("accounts", "balance", True, "must be a number or a string such as 12.750"),
    ("accounts", "balance", [1], "must be a number or a string such as 12.750"),
    ("accounts", "balance", "12,750", "'12,750' is no amount such as 12.750"),
    ("accounts", "balance", "1.0005", "1.0005 has more than three decimals; KWD has 1,000 fils"),
    ("accounts", "balance", 2**60, "must lie within 9007199254740.991 KWD"),
    ("accounts", "overdraft_limit", "x", "'x' is no amount such as 12.750"),
    # Enumerations.
    ("accounts", "status", "active", "'active' is none of ACTIVE, FROZEN, DORMANT, CLOSED"),
    ("accounts", "status", "GONE", "'GONE' is none of ACTIVE, FROZEN, DORMANT, CLOSED"),
    ("accounts", "status", 1, "1 is none of ACTIVE, FROZEN, DORMANT, CLOSED"),
    ("customer_settings", "language", "EN", "'EN' is none of en, ar"),
    # Timestamps.
    ("accounts", "opened_at", "2026-01-15", "'2026-01-15' is no RFC 3339 timestamp such as 2026-01-15T09:30:00Z"),
    ("accounts", "opened_at", 1, "1 is no RFC 3339 timestamp such as 2026-01-15T09:30:00Z"),
    (
        "accounts",
        "opened_at",
        "2026-01-15T09:30:00",
        "'2026-01-15T09:30:00' names no time zone; end it with Z or an offset such as +03:00",
    ),
    # Dates.
    ("customers", "date_of_birth", "12.04.1979", "'12.04.1979' is no date such as 1990-05-17"),
    ("customers", "date_of_birth", "1979-02-29", "'1979-02-29' is no date such as 1990-05-17"),
    ("customers", "date_of_birth", "19790412", "'19790412' is no date such as 1990-05-17"),
    ("customers", "date_of_birth", "1979-W15-4", "'1979-W15-4' is no date such as 1990-05-17"),
    ("customers", "date_of_birth", 1979, "1979 is no date such as 1990-05-17"),
    # Booleans.
    ("mfa_settings", "mfa_enabled", 1, "1 is neither true nor false"),
    ("mfa_settings", "mfa_enabled", "true", "'true' is neither true nor false"),
    # Whole numbers.
    ("auth_users", "failed_login_attempts", True, "True is no whole number"),
    ("auth_users", "failed_login_attempts", "1", "'1' is no whole number"),
    ("auth_users", "failed_login_attempts", 1.5, "1.5 is no whole number"),
    ("auth_users", "failed_login_attempts", 2**53, "9007199254740992 is no whole number"),
    # Plain secrets.
    ("credentials", "password", "", "must be a text that is not empty"),
    ("credentials", "password", 1234, "must be a text that is not empty"),
    ("credentials", "pin", 4719, "must be a text that is not empty"),
]


@pytest.mark.parametrize(
    ("collection", "field", "value", "message"),
    BAD_VALUES,
    ids=[f"{collection}.{field}={value!r}" for collection, field, value, _ in BAD_VALUES],
)
def test_a_bad_value_is_named_by_file_record_and_field(
    tiny: Path, collection: str, field: str, value: object, message: str
) -> None:
    edit(tiny, collection, setting(0, field, value))
    found = only_failure(tiny)
    key = COLLECTIONS[collection].key
    name = json.loads((tiny / f"{collection}.json").read_text())[0][key]
    label = f"[0] {name}" if isinstance(name, str) else "[0]"
    assert found == Failure(f"{collection}.json", label, field, message)


def test_a_long_bad_value_is_cut_in_the_message(tiny: Path) -> None:
    edit(tiny, "accounts", setting(0, "status", "x" * 10_000))
    assert len(only_failure(tiny).message) < 150


REQUIRED = [
    (name, field.name) for name, collection in COLLECTIONS.items() for field in collection.fields if field.required
]


@pytest.mark.parametrize(("collection", "field"), REQUIRED)
def test_a_missing_field_is_named(tiny: Path, collection: str, field: str) -> None:
    edit(tiny, collection, removing(0, field))
    found = only_failure(tiny)
    assert (found.file, found.field, found.message) == (f"{collection}.json", field, "is missing")
    assert found.record.startswith("[0]")


NOT_NULL = [
    (name, field.name) for name, collection in COLLECTIONS.items() for field in collection.fields if not field.optional
]


@pytest.mark.parametrize(("collection", "field"), NOT_NULL)
def test_a_field_that_must_have_a_value_is_not_null(tiny: Path, collection: str, field: str) -> None:
    edit(tiny, collection, setting(0, field, None))
    found = only_failure(tiny)
    assert (found.file, found.field, found.message) == (f"{collection}.json", field, "must not be null")


DEFAULTED = [
    (name, field.name, field.default)
    for name, collection in COLLECTIONS.items()
    for field in collection.fields
    if not field.required
]


@pytest.mark.parametrize(("collection", "field", "default"), DEFAULTED)
def test_a_field_left_out_has_its_default(tiny: Path, collection: str, field: str, default: object) -> None:
    edit(tiny, collection, lambda rows: rows[0].update({field: "taken away"}))
    edit(tiny, collection, removing(0, field))
    assert read_folder(tiny).rows[collection][0][field] == default


@pytest.mark.parametrize(
    ("written", "fils"),
    [("12.750", 12_750), ("12.75", 12_750), ("12", 12_000), ('"12.750"', 12_750), ('"12"', 12_000), ("1.2e1", 12_000)],
)
def test_an_amount_may_be_a_number_or_a_text(tiny: Path, written: str, fils: int) -> None:
    path = tiny / "accounts.json"
    path.write_text(path.read_text().replace('"2547.440"', written, 1))
    assert read_folder(tiny).rows["accounts"][0]["balance"] == fils


@pytest.mark.parametrize("written", ["12.7505", '"12.7505"', "1E-4", "0.1000000000000000000000000000000000001"])
def test_an_amount_with_more_than_three_decimals_is_refused(tiny: Path, written: str) -> None:
    path = tiny / "accounts.json"
    path.write_text(path.read_text().replace('"2547.440"', written, 1))
    found = only_failure(tiny)
    assert (found.file, found.field) == ("accounts.json", "balance")
    assert "more than three decimals" in found.message


def test_fields_that_are_not_known_are_kept(tiny: Path) -> None:
    edit(tiny, "customers", setting(1, "loyalty", {"tier": "gold", "points": 1.10}))
    rows = read_folder(tiny).rows["customers"]
    assert rows[1]["extra"] == {"loyalty": {"tier": "gold", "points": Decimal("1.1")}}
    assert rows[0]["extra"] is None


def test_other_collections_are_kept(tiny: Path) -> None:
    (tiny / "branches.json").write_text('[{"name": "Mishref"}, 5, null]')
    (tiny / "rates.json").write_text('{"USD": 0.3070}')
    (tiny / "lines.jsonl").write_text('1\n\n{"a": 2}\n')
    raw = read_folder(tiny)
    assert raw.others == {
        "branches": [{"name": "Mishref"}, 5, None],
        "rates": {"USD": Decimal("0.3070")},
        "lines": [1, {"a": 2}],
    }


def test_a_broken_other_collection_is_refused(tiny: Path) -> None:
    (tiny / "branches.json").write_text("[")
    assert only_failure(tiny).file == "branches.json"


def test_other_files_and_folders_are_left_alone(tiny: Path) -> None:
    (tiny / "README.md").write_text("# Tiny")
    (tiny / "folder.json").mkdir()
    assert read_folder(tiny).others == {}


@pytest.mark.parametrize("name", RUNTIME_COLLECTIONS)
def test_the_banks_own_records_of_a_run_may_be_there_and_empty(tiny: Path, name: str) -> None:
    assert read_folder(tiny).rows[name] == []
    (tiny / f"{name}.json").write_text("[]")
    assert read_folder(tiny).rows[name] == []


@pytest.mark.parametrize("name", RUNTIME_COLLECTIONS)
def test_the_banks_own_records_of_a_run_are_read_like_all_others(tiny: Path, name: str) -> None:
    (tiny / f"{name}.json").write_text('[{"amount": "x"}]')
    found = failures_of(tiny)
    assert {failure.file for failure in found} == {f"{name}.json"}
    assert {(failure.field, failure.message) for failure in found} >= {("status", "is missing")}


def test_lines_of_json_are_read_like_an_array(tmp_path: Path) -> None:
    raw = read_folder(customers(tmp_path, f"{ONE}\n\n  {TWO}\r\n", name="customers.jsonl"))
    assert [row["full_name"] for row in raw.rows["customers"]] == ["One", "Two"]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ('{"customer_id": "c3"', "Expecting ',' delimiter at line 1, column 21"),
        ('{"a": 1, "a": 2}', "the key 'a' stands twice in one object"),
        ('{"a": NaN}', "NaN is no JSON number"),
        (f"{ONE} {TWO}", "Extra data at line 1, column 43"),
    ],
)
def test_a_bad_line_is_named_by_its_number(tmp_path: Path, bad: str, message: str) -> None:
    folder = customers(tmp_path, f"{ONE}\n\n{bad}\n{TWO}\n", name="customers.jsonl")
    assert only_failure(folder) == Failure("customers.jsonl", "line 3", "", message)


def test_every_bad_line_is_named(tmp_path: Path) -> None:
    folder = customers(tmp_path, f"x\n{ONE}\n\xff\n".encode("latin-1"), name="customers.jsonl")
    assert [failure.record for failure in failures_of(folder)] == ["line 1", "line 3"]


def test_a_line_that_is_no_record_is_named_by_its_place(tmp_path: Path) -> None:
    found = only_failure(customers(tmp_path, f"{ONE}\n5\n", name="customers.jsonl"))
    assert (found.file, found.record, found.message) == ("customers.jsonl", "[1]", "must be a JSON object")


def test_a_bad_field_of_a_line_is_named(tmp_path: Path) -> None:
    found = only_failure(customers(tmp_path, '{"customer_id": "c1"}\n', name="customers.jsonl"))
    assert str(found) == "customers.jsonl [0] c1 full_name: is missing"


def test_a_collection_in_two_files_is_refused(tmp_path: Path) -> None:
    customers(tmp_path, f"[{ONE}]")
    customers(tmp_path, "this is not even looked at", name="customers.jsonl")
    assert str(only_failure(tmp_path)) == "customers.jsonl: the collection stands in customers.json too"


def test_without_a_manifest_the_latest_timestamp_counts(tiny: Path) -> None:
    (tiny / "ecosystem.json").unlink()
    found = read_folder(tiny).manifest
    assert (found.name, found.seed, found.logins) == ("tiny", 0, ())
    assert found.as_of == parse_instant("2026-01-15T05:31:17.000Z")


def test_without_a_manifest_the_end_of_a_password_does_not_count(tiny: Path) -> None:
    (tiny / "ecosystem.json").unlink()
    before = read_folder(tiny).manifest.as_of
    edit(tiny, "credentials", setting(0, "expires_at", "2099-01-01T00:00:00Z"))
    edit(tiny, "auth_users", setting(0, "locked_until", "2099-01-01T00:00:00Z"))
    assert read_folder(tiny).manifest.as_of == before


def test_without_a_manifest_and_any_timestamp_as_of_is_needed(tmp_path: Path) -> None:
    folder = customers(tmp_path, f"[{ONE}]")
    (folder / "ecosystem.json").unlink()
    found = only_failure(folder)
    assert (found.file, found.field) == ("ecosystem.json", "as_of")


@pytest.mark.parametrize("text", ["", "{", '{"name": "x", "name": "y"}', "[]", "null", '"x"'])
def test_a_broken_manifest_is_named(tiny: Path, text: str) -> None:
    (tiny / "ecosystem.json").write_text(text)
    assert only_failure(tiny).file == "ecosystem.json"


@pytest.mark.parametrize("as_of", [None, 5, "today", "2026-01-15T09:00:00", "2026-02-30T00:00:00Z"])
def test_a_bad_as_of_is_named(tiny: Path, as_of: object) -> None:
    found = only_failure(edit_manifest(tiny, as_of=as_of))
    assert (found.file, found.field) == ("ecosystem.json", "as_of")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("colour", "red", "is not known here; known are name, title, as_of, seed, writes, logins, recipe"),
        ("name", 5, "5 is no identifier"),
        ("name", "", "'' is no identifier"),
        ("title", 5, "5 is no text"),
        ("seed", "1", "must be a whole number between 0 and 2^63 - 1"),
        ("seed", 1.5, "must be a whole number between 0 and 2^63 - 1"),
        ("seed", -1, "must be a whole number between 0 and 2^63 - 1"),
        ("seed", 2**63, "must be a whole number between 0 and 2^63 - 1"),
        ("logins", [{"username": "x"}], "`password`"),
        ("logins", [{"username": "x", "password": "y", "role": "z"}], "`role`"),
        ("logins", {}, "must be an array of objects with username, password and note"),
    ],
)
def test_a_bad_field_of_the_manifest_is_named(tiny: Path, field: str, value: object, words: str) -> None:
    found = only_failure(edit_manifest(tiny, **{field: value}))
    assert (found.file, found.record, found.field) == ("ecosystem.json", "", field)
    assert words in found.message


def test_all_faults_of_the_manifest_are_named_at_once(tiny: Path) -> None:
    stated = {"colour": "red", "as_of": "today", "seed": -1, "logins": {}, "title": None}
    found = failures_of(manifest(tiny, stated))
    assert [failure.file for failure in found] == ["ecosystem.json"] * 6
    assert sorted(failure.field for failure in found) == ["as_of", "colour", "logins", "name", "seed", "title"]


def test_the_largest_seed_is_good(tiny: Path) -> None:
    assert read_folder(edit_manifest(tiny, seed=2**63 - 1)).manifest.seed == 2**63 - 1


def test_a_manifest_without_a_name_is_refused(tiny: Path) -> None:
    assert only_failure(manifest(tiny, {"as_of": AS_OF})) == Failure("ecosystem.json", "", "name", "is missing")


def test_all_faults_of_all_files_are_named_at_once(tiny: Path) -> None:
    edit(tiny, "accounts", setting(0, "balance", "1.0001"))
    edit(tiny, "accounts", setting(0, "status", "GONE"))
    edit(tiny, "accounts", removing(2, "iban"))
    edit(tiny, "customers", setting(3, "date_of_birth", "soon"))
    (tiny / "notifications.json").write_text("[")
    (tiny / "audit_logs.json").write_text("{}")
    edit_manifest(tiny, seed=-1)
    found = {(failure.file, failure.record[:3], failure.field) for failure in failures_of(tiny)}
    assert found == {
        ("accounts.json", "[0]", "balance"),
        ("accounts.json", "[0]", "status"),
        ("accounts.json", "[2]", "iban"),
        ("customers.json", "[3]", "date_of_birth"),
        ("notifications.json", "", ""),
        ("audit_logs.json", "", ""),
        ("ecosystem.json", "", "seed"),
    }


def test_a_failure_is_one_line_for_people() -> None:
    assert str(Failure("a.json", "[0] x", "name", "is odd")) == "a.json [0] x name: is odd"
    assert str(Failure("a.json", "", "", "is odd")) == "a.json: is odd"


def test_reading_twice_gives_the_same() -> None:
    first: RawEcosystem = read_folder(TINY)
    assert first == read_folder(TINY)


def test_files_in_memory_are_read_like_a_folder() -> None:
    files = {path.name: path.read_bytes() for path in TINY.iterdir() if path.is_file()}
    assert survey_files("tiny", files) == survey(TINY)


def test_files_in_memory_without_a_collection_are_no_ecosystem() -> None:
    _, failures = survey_files("upload", {"README.md": b"# Tiny"})
    assert [(failure.file, failure.field) for failure in failures] == [("", ""), ("ecosystem.json", "as_of")]


@pytest.mark.parametrize("as_of", ["1969-12-31T23:59:59Z", "9000-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"])
def test_a_bank_stands_where_its_time_can_go_on(tiny: Path, as_of: str) -> None:
    found = [failure for failure in failures_of(edit_manifest(tiny, as_of=as_of)) if failure.field == "as_of"]
    assert ["a bank stands between 1970 and 9000" in failure.message for failure in found] == [True]


def test_the_time_that_is_taken_from_the_data_is_held_to_the_same_rule(tmp_path: Path) -> None:
    row = {"notification_id": "n", "customer_id": "c", "channel": "SMS", "type": "X", "title": "x"}
    (tmp_path / "notifications.json").write_text(json.dumps([row | {"sent_at": "9500-01-01T00:00:00Z"}]))
    assert [failure.field for failure in failures_of(tmp_path)] == ["as_of"]


def test_no_collection_has_the_name_of_the_manifest(tiny: Path) -> None:
    (tiny / "ecosystem.jsonl").write_text("{}")
    found = only_failure(tiny)
    assert (found.file, found.message) == (
        "ecosystem.jsonl",
        "the manifest is ecosystem.json; no collection has its name",
    )
