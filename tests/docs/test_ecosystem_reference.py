"""docs/ecosystem.md says what the record types and the checks say, and its example is a bank."""

import ast
import inspect
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from click.testing import CliRunner
from support import TINY

from sandbox.cli import main, reference
from sandbox.cli.files import put_between
from sandbox.store import checking, checking_runtime, schemas
from sandbox.store.ecosystem import load
from sandbox.store.reading import EcosystemError, Login, Manifest
from sandbox.store.records import ALL_COLLECTIONS, COLLECTIONS, Json

PAGE = Path(__file__).resolve().parents[2] / "docs" / "ecosystem.md"
SCHEMAS = schemas.schemas()


def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(SCHEMAS[name])


def tiny(name: str) -> Any:
    return json.loads((TINY / f"{name}.json").read_text(encoding="utf-8"))


def example_bank(folder: Path) -> Path:
    """The bank of the page, written to `folder`."""
    folder.mkdir()
    text = PAGE.read_text(encoding="utf-8")
    for name, body in re.findall(r"`(\w+\.json)`:\n\n```json\n(.*?)```", text, re.DOTALL):
        (folder / name).write_text(body, encoding="utf-8")
    assert len(list(folder.iterdir())) == 5
    return folder


def rules_in_code(*, warnings: bool) -> Counter[tuple[str, str]]:
    """How often `checking` finds fault with a field that it names: (collection, field)."""
    found: Counter[tuple[str, str]] = Counter()
    bodies = [ast.parse(inspect.getsource(module)).body for module in (checking, checking_runtime)]
    functions = [node for body in bodies for node in body if isinstance(node, ast.FunctionDef)]
    for function in functions:
        if function.name.startswith("_odd") is warnings:
            for node in ast.walk(function):
                if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 4:
                    collection, _, field, _ = node.value.elts
                    if isinstance(collection, ast.Constant) and isinstance(field, ast.Constant):
                        found[str(collection.value), str(field.value)] += 1
    return found


def test_the_page_is_what_the_record_types_say() -> None:
    page = PAGE.read_text(encoding="utf-8")
    made = put_between(page, reference.markdown(), begin=reference.BEGIN, end=reference.END)
    assert made == page, "run: sandbank ecosystem reference --write docs/ecosystem.md"


def test_the_command_prints_what_the_page_holds() -> None:
    printed = CliRunner().invoke(main, ["ecosystem", "reference"])
    assert printed.exit_code == 0
    assert printed.output in PAGE.read_text(encoding="utf-8")


def test_every_field_has_its_row() -> None:
    text = reference.markdown()
    for collection in ALL_COLLECTIONS.values():
        section = text.partition(f"\n### {collection.name}\n")[2].partition("\n### ")[0]
        missing = [field.name for field in collection.fields if f"\n| `{field.name}` | " not in section]
        assert not missing, collection.name


def test_the_manifest_is_documented_field_by_field() -> None:
    for kind, documented in ((Manifest, schemas.MANIFEST_FIELDS), (Login, schemas.LOGIN_FIELDS)):
        fields = msgspec.structs.fields(kind)
        assert [(field.name, field.required) for field in fields] == [
            (name, need == "yes") for name, _, need, _ in documented
        ]


def test_every_rule_of_the_checks_is_documented_and_no_other() -> None:
    unique = Counter([("accounts", "account_number"), ("accounts", "iban"), ("auth_users", "username")])
    documented = Counter((rule.collection, rule.field) for rule in reference.RULES)
    assert documented == rules_in_code(warnings=False) + unique


def test_every_warning_of_the_checks_is_documented_and_no_other() -> None:
    checked_in_a_loop = Counter([("customers", "civil_id"), ("customers", "phone")])
    documented = Counter((rule.collection, rule.field) for rule in reference.WARNINGS)
    assert documented == rules_in_code(warnings=True) + checked_in_a_loop


def test_every_rule_of_the_demo_logins_is_documented_and_no_other() -> None:
    (judge,) = (node for node in ast.parse(inspect.getsource(checking)).body if getattr(node, "name", "") == "_logins")
    calls = [node for node in ast.walk(judge) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Failure"]
    assert Counter(rule.field for rule in reference.LOGIN_RULES) == Counter(ast.literal_eval(c.args[2]) for c in calls)
    assert {rule.collection for rule in reference.LOGIN_RULES} == {"logins"}
    assert all(f"- `{rule.field}`: {rule.text}\n" in reference.markdown() for rule in reference.LOGIN_RULES)


def test_rules_and_warnings_name_real_fields() -> None:
    for rule in (*reference.RULES, *reference.WARNINGS):
        assert rule.field in {field.name for field in ALL_COLLECTIONS[rule.collection].fields}


def test_there_is_a_valid_schema_for_every_file() -> None:
    assert set(SCHEMAS) == {"ecosystem", *ALL_COLLECTIONS}
    for made in SCHEMAS.values():
        assert made["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert jsonschema_rs.meta.is_valid(made)


@pytest.mark.parametrize("name", ["ecosystem", *COLLECTIONS])
def test_the_schemas_accept_the_tiny_bank(name: str) -> None:
    faults = [f"{error.instance_path}: {error.message}" for error in validator(name).iter_errors(tiny(name))]
    assert not faults


@pytest.mark.parametrize("name", list(COLLECTIONS))
def test_the_schemas_refuse_what_the_reader_refuses(name: str, tmp_path: Path) -> None:
    collection = COLLECTIONS[name]
    record = tiny(name)[0]
    broken: list[dict[str, Any]] = []
    for field in collection.fields:
        if field.required:
            broken.append({key: value for key, value in record.items() if key != field.name})
        if not field.optional:
            broken.append(record | {field.name: None})
        if field.kind is not Json:
            broken.append(record | {field.name: ["no list"]})
    assert validator(name).is_valid([record])
    (tmp_path / f"{name}.json").write_text(json.dumps(broken), encoding="utf-8")
    with pytest.raises(EcosystemError) as refused:
        load(tmp_path)
    named_by_the_reader = {failure.record.split("]")[0] for failure in refused.value.failures}
    assert len(named_by_the_reader - {""}) == len(broken)
    assert [row for row in broken if validator(name).is_valid([row])] == []


@pytest.mark.parametrize("amount", ["12.750", "12.7500", "-3", 12.75, 0, "0.001"])
def test_amounts_may_be_texts_or_numbers(amount: object) -> None:
    assert validator("accounts").is_valid([tiny("accounts")[0] | {"balance": amount}])


@pytest.mark.parametrize("amount", ["12.7501", "12,750", "", "KD 3", None, True])
def test_other_amounts_are_refused(amount: object) -> None:
    assert not validator("accounts").is_valid([tiny("accounts")[0] | {"balance": amount}])


def test_the_command_writes_the_schemas(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["ecosystem", "reference", "--schemas", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    written = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in (tmp_path / "out").iterdir()}
    assert written == {f"{name}.schema.json": made for name, made in SCHEMAS.items()}


def test_a_page_without_markers_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing here", encoding="utf-8")
    refused = CliRunner().invoke(main, ["ecosystem", "reference", "--write", str(page)])
    assert refused.exit_code == 2
    assert page.read_text(encoding="utf-8") == "nothing here"


def test_the_example_of_the_page_is_a_valid_bank_without_warnings(tmp_path: Path) -> None:
    folder = example_bank(tmp_path / "my-bank")
    done = CliRunner().invoke(main, ["ecosystem", "validate", str(folder)])
    assert done.exit_code == 0, done.output
    assert "ecosystem 'my-bank' is valid" in done.output
    assert "warning" not in done.output
    for path in folder.iterdir():
        assert validator(path.stem).is_valid(json.loads(path.read_text(encoding="utf-8")))


def test_the_faults_of_the_page_are_what_validate_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = example_bank(tmp_path / "my-bank")
    monkeypatch.chdir(tmp_path)
    for name, old, new in (("accounts", '"200000002"', '"200000001"'), ("auth_users", "c-noura", "c-nora")):
        path = folder / f"{name}.json"
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    refused = CliRunner().invoke(main, ["ecosystem", "validate", "my-bank"])
    shown = re.search(r"```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert refused.exit_code == 1
    assert shown is not None
    # `validate` names the folder in full where the page has its name.
    assert refused.output.replace(str(folder), "my-bank") == shown[1]
