"""`/_sandbox/export`, `import`, `diff`: a bank as files, files as a bank, and what has changed."""

import io
import json
import threading
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import httpx
import pytest
from checks import ARJUN_CURRENT, FATIMA_CURRENT, FATIMA_SAVINGS, assert_problem, faults, serving
from msgspec import structs
from support import TINY, VIRTUAL, Client, User

from sandbox.core.clock import DAY, Instant
from sandbox.core.settings import Settings
from sandbox.sandboxes.exchange import image_of_files
from sandbox.sandboxes.image import Image
from sandbox.store.zips import unzipped, zipped

ZIP = {"content-type": "application/zip"}
SMALL = structs.replace(VIRTUAL, max_import_bytes=20_000)


def exported(client: Client, at: str = "") -> bytes:
    """The zip of a sandbox."""
    answer = client.get(f"{at}/_sandbox/export")
    assert answer.status_code == 200, answer.text
    return answer.content


def load(client: Client, raw: bytes, at: str = "", headers: dict[str, str] | None = None) -> httpx.Response:
    """Import a zip."""
    return client.post(f"{at}/_sandbox/import", content=raw, headers=ZIP if headers is None else headers)


def files_of(raw: bytes) -> dict[str, Any]:
    """The JSON values in a zip, by collection."""
    found = unzipped(raw, most_bytes=2**26)
    return {name.removesuffix(".json"): json.loads(content) for name, content in found.items()}


def changed(raw: bytes, name: str, change: Callable[[Any], object]) -> bytes:
    """The same zip with one collection changed in place."""
    files = unzipped(raw, most_bytes=2**26)
    value = json.loads(files[f"{name}.json"])
    change(value)
    return zipped(files | {f"{name}.json": json.dumps(value).encode()})


def seed_zip() -> bytes:
    """`seeds/tiny` as anybody would zip it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in TINY.glob("*.json"):
            packed.write(path, path.name)
    return out.getvalue()


def live(client: Client, at: str = "") -> User:
    """A day at the bank: sign-ins, a lock, cash, a transfer, one taken back, one refused."""
    fatima = client.login("fatima", at=at)
    fatima.transfer(FATIMA_CURRENT, ARJUN_CURRENT, "12.750")
    back = fatima.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "3.000").json()
    fatima.order(f"/v1/transfers/{back['transfer_id']}/reversal", {"reason": "Twice"})
    fatima.transfer(FATIMA_CURRENT, ARJUN_CURRENT, "99999.000")
    body = {"account_id": FATIMA_CURRENT, "amount": {"amount": "5.000", "currency": "KWD"}}
    fatima.order("/v1/deposits", body)
    for _ in range(5):
        client.post(f"{at}/v1/auth/login", {"username": "arjun", "password": "wrong"})
    return fatima


def test_an_export_is_a_zip_with_the_files_of_the_ecosystem(client: Client) -> None:
    answer = client.get("/_sandbox/export")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == "attachment; filename=\"tiny.zip\"; filename*=UTF-8''tiny.zip"
    found = files_of(answer.content)
    assert set(found) == {path.stem for path in TINY.glob("*.json")} | {"holds"}
    assert found["accounts"] == json.loads((TINY / "accounts.json").read_text(encoding="utf-8"))
    assert found["ecosystem"] == json.loads((TINY / "ecosystem.json").read_text(encoding="utf-8")) | {"writes": 0}


def test_a_file_of_an_export_looks_like_one_of_the_seed(client: Client) -> None:
    raw = unzipped(exported(client), most_bytes=2**26)
    for name in ("accounts.json", "savings_goals.json", "audit_logs.json", "notifications.json"):
        assert raw[name] == (TINY / name).read_bytes(), name


def test_an_export_is_the_same_bytes_as_long_as_nothing_happens(client: Client) -> None:
    live(client)
    assert exported(client) == exported(client)


def test_with_a_live_clock_an_export_and_a_diff_stand_at_now() -> None:
    with serving(clock="live") as client:
        root = client.app.house.get("default").root
        fatima = client.login("fatima")
        fatima.transfer(FATIMA_CURRENT, ARJUN_CURRENT, "12.750")
        root.clock.show(Instant(root.now + DAY), write_number=root.write_number)
        then = root.now
        load(client, exported(client))
        assert client.app.house.get("default").root.image.now >= then
        root = client.app.house.get("default").root
        root.clock.show(Instant(root.now + DAY), write_number=root.write_number)
        before = root.write_number
        diff(client)
        assert root.write_number > before


def test_an_export_changes_nothing(client: Client) -> None:
    live(client)
    before = client.digest(), client.get("/_sandbox/sandboxes/default").json()
    exported(client)
    assert (client.digest(), client.get("/_sandbox/sandboxes/default").json()) == before


def test_an_export_and_an_import_give_the_same_digest(client: Client) -> None:
    live(client)
    before, raw = client.digest(), exported(client)
    answer = load(client, raw)
    assert answer.status_code == 200, answer.text
    assert answer.json() | {"took_ms": 0} == {"digest": before, "generation": 2, "took_ms": 0}
    assert answer.json()["took_ms"] > 0
    assert client.digest() == before
    assert exported(client) == raw
    client.assert_sound()


def test_an_import_makes_another_sandbox_the_same_bank(client: Client) -> None:
    live(client)
    client.post("/_sandbox/sandboxes", {"id": "copy", "seed": 5})
    assert load(client, exported(client), at="/s/copy").json()["digest"] == client.digest()
    copy = client.get("/_sandbox/sandboxes/copy").json()
    original = client.get("/_sandbox/sandboxes/default").json()
    for name in ("business_time", "writes", "seed", "digest"):
        assert copy[name] == original[name], name
    assert client.login("fatima", at="/s/copy").transfer(FATIMA_CURRENT, ARJUN_CURRENT, "1.000").status_code == 201


def test_the_same_requests_give_the_same_answers_after_an_import(client: Client) -> None:
    live(client)
    client.post("/_sandbox/sandboxes", {"id": "copy"})
    load(client, exported(client), at="/s/copy")

    def goes_on(at: str) -> list[object]:
        user = client.login("fatima", at=at)
        answers = [user.transfer(FATIMA_CURRENT, ARJUN_CURRENT, "7.000"), user.get("/v1/transactions?limit=200")]
        answers += [user.get(f"/v1/transfers/{answers[0].json()['transfer_id']}"), user.get("/v1/transfers")]
        return [answer.json() for answer in answers]

    assert goes_on("") == goes_on("/s/copy")
    assert client.digest() == client.digest("/s/copy")


def test_an_old_transfer_is_taken_back_after_an_import(client: Client) -> None:
    fatima = live(client)
    made = next(item for item in fatima.get("/v1/transfers").json()["items"] if item["status"] == "settled")
    load(client, exported(client))
    again = client.login("fatima")
    answer = again.order(f"/v1/transfers/{made['transfer_id']}/reversal", {})
    assert (answer.status_code, answer.json()["status"]) == (201, "reversed")
    twice = again.order(f"/v1/transfers/{made['transfer_id']}/reversal", {})
    assert_problem(twice, 409, "already_reversed")
    client.assert_sound()


def test_a_lock_outlives_an_import(client: Client) -> None:
    live(client)
    load(client, exported(client))
    answer = client.post("/v1/auth/login", {"username": "arjun", "password": "Arjun-2026!"})
    assert_problem(answer, 423, "user_locked")


def test_a_reset_after_an_import_goes_back_to_what_the_sandbox_was_made_from(client: Client) -> None:
    start = client.digest()
    live(client)
    raw = exported(client)
    load(client, raw)
    assert client.get("/_sandbox/sandboxes/default").json()["from"] == "ecosystem:tiny"
    answer = client.post("/_sandbox/reset").json()
    assert (answer["digest"], answer["generation"]) == (start, 3)


def test_tokens_end_with_an_import(client: Client) -> None:
    user = client.login("fatima")
    load(client, seed_zip())
    assert user.get("/v1/accounts").status_code == 401


def test_any_ecosystem_can_be_imported(client: Client) -> None:
    answer = load(client, seed_zip())
    assert answer.status_code == 200, answer.text
    assert client.digest() == answer.json()["digest"]
    assert client.login("fatima").accounts()[0]["balances"]["booked"]["amount"] == "2547.440"


def test_a_zip_by_its_name_on_windows_is_one_too(client: Client) -> None:
    assert load(client, seed_zip(), headers={"content-type": "application/x-zip-compressed"}).status_code == 200


@pytest.mark.parametrize("value", [[], [{"id": 1, "rate": 1.5}, None], {"USD": 3.26}, None, "text"])
def test_collections_that_the_bank_does_not_know_survive(client: Client, value: object) -> None:
    files = unzipped(exported(client), most_bytes=2**26) | {"branches.json": json.dumps(value).encode()}
    answer = load(client, zipped(files))
    raw = exported(client)
    assert files_of(raw)["branches"] == value
    assert load(client, raw).json()["digest"] == answer.json()["digest"]


def test_fields_that_the_bank_does_not_know_survive(client: Client) -> None:
    raw = changed(exported(client), "transactions", lambda rows: rows[3].update(zz_note={"a": [1, 2.50]}))
    answer = load(client, raw)
    assert files_of(exported(client))["transactions"][3]["zz_note"] == {"a": [1, 2.5]}
    assert load(client, exported(client)).json()["digest"] == answer.json()["digest"]


def test_an_empty_collection_is_part_of_the_digest(client: Client) -> None:
    files = unzipped(exported(client), most_bytes=2**26)
    with_one = load(client, zipped(files | {"branches.json": b"[]"})).json()["digest"]
    assert with_one != load(client, zipped(files)).json()["digest"]


def refused(client: Client, raw: bytes, status: int, code: str, **options: Any) -> dict[str, Any]:
    """The problem of an import that is refused, after which everything is as before."""
    user = client.login("fatima")
    before = client.digest(), client.get("/_sandbox/sandboxes/default").json()
    found: dict[str, Any] = assert_problem(load(client, raw, **options), status, code)
    assert (client.digest(), client.get("/_sandbox/sandboxes/default").json()) == before
    assert user.get("/v1/accounts").status_code == 200
    return found


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "The zip cannot be read: File is not a zip file."),
        (b"{}", "The zip cannot be read: File is not a zip file."),
        (zipped({"../accounts.json": b"[]"}), "'../accounts.json' is no plain file name"),
        (zipped({"tiny/accounts.json": b"[]"}), "the files stand at the top of the zip"),
    ],
)
def test_what_is_no_zip_of_files_is_refused(client: Client, raw: bytes, words: str) -> None:
    assert words in refused(client, raw, 422, "zip_invalid")["detail"]


def test_an_empty_zip_is_no_ecosystem(client: Client) -> None:
    problem = refused(client, zipped({}), 422, "ecosystem_invalid")
    assert "holds no collection such as customers.json" in problem["detail"]


def test_every_fault_of_an_ecosystem_is_named(client: Client) -> None:
    def spoil(rows: list[dict[str, Any]]) -> None:
        rows[0]["balance"] = "x"
        rows[1]["currency"] = "USD"

    problem = refused(client, changed(exported(client), "accounts", spoil), 422, "ecosystem_invalid")
    places = {error["pointer"] for error in problem["errors"]}
    first, second = (row["account_id"] for row in files_of(exported(client))["accounts"][:2])
    assert places == {f"accounts.json [0] {first} balance", f"accounts.json [1] {second} currency"}
    assert "2 faults" in problem["detail"]


def test_thousands_of_faults_are_named_up_to_a_limit(client: Client) -> None:
    rows = [{"customer_id": str(n)} for n in range(3_000)]
    raw = zipped({"customers.json": json.dumps(rows).encode(), "ecosystem.json": b"{}"})
    problem = refused(client, raw, 422, "ecosystem_invalid")
    assert len(problem["errors"]) == 200
    assert "3002 faults" in problem["detail"]


@pytest.mark.parametrize("headers", [{}, {"content-type": "application/json"}, {"content-type": "text/zip"}])
def test_another_media_type_is_refused(client: Client, headers: dict[str, str]) -> None:
    problem = refused(client, seed_zip(), 415, "unsupported_media_type", headers=headers)
    assert "must be application/zip" in problem["detail"]


def test_a_zip_over_the_limit_is_refused_and_one_under_it_taken() -> None:
    client = Client(SMALL)
    problem = refused(client, b"0" * 20_001, 413, "body_too_large")
    assert "larger than 20000 bytes; --max-import-bytes" in problem["detail"]
    assert load(client, seed_zip()).status_code == 200
    client.close()


def test_a_zip_is_larger_than_other_bodies_may_be() -> None:
    client = Client(structs.replace(VIRTUAL, max_body_bytes=1_024))
    assert len(seed_zip()) > 1_024
    assert load(client, seed_zip()).status_code == 200
    assert client.post("/_sandbox/reset", {"ecosystem": "x" * 2_000}).status_code == 413
    client.close()


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    client = Client(SMALL)
    bomb = zipped({"customers.json": b" " * 400_000 + b"[]"})
    assert len(bomb) < 20_000
    assert "more than 320000 bytes would come out" in refused(client, bomb, 422, "zip_invalid")["detail"]
    client.close()


def test_a_small_zip_may_not_ask_for_much_whatever_the_limit(client: Client) -> None:
    bomb = zipped({"customers.json": b" " * 20_000_000 + b"[]"})
    most = 100 * len(bomb) + 1_000_000
    assert most < 20_000_000 < 16 * VIRTUAL.max_import_bytes
    assert f"more than {most} bytes would come out" in refused(client, bomb, 422, "zip_invalid")["detail"]


def test_a_bank_of_many_equal_records_is_no_bomb(client: Client) -> None:
    rows = [{"id": n, "note": "the same words in every one of them, as generators write them"} for n in range(20_000)]
    files = unzipped(exported(client), most_bytes=2**26) | {"branches.json": json.dumps(rows).encode()}
    assert load(client, zipped(files)).status_code == 200


def test_imports_take_turns(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    at_work, most = [0], [0]
    lock = threading.Lock()

    def counted(files: Mapping[str, bytes], settings: Settings) -> Image:
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        try:
            return image_of_files(files, settings)
        finally:
            with lock:
                at_work[0] -= 1

    monkeypatch.setattr("sandbox.control.exchange.image_of_files", counted)
    raw = exported(client)
    for sandbox in ("a", "b", "c"):
        client.post("/_sandbox/sandboxes", {"id": sandbox})
    answers = client.together(
        *[
            partial(client.http.post, f"/s/{sandbox}/_sandbox/import", content=raw, headers=ZIP)
            for sandbox in ("a", "b", "c", "default")
        ]
    )
    assert [answer.status_code for answer in answers] == [200] * 4
    assert most == [1]


def test_after_an_import_that_was_refused_comes_the_next(client: Client) -> None:
    raw = exported(client)
    posts = [partial(client.http.post, "/_sandbox/import", content=body, headers=ZIP) for body in (b"{}", raw)]
    assert [answer.status_code for answer in client.together(*posts)] == [422, 200]


def test_an_import_asks_for_no_parameters(client: Client) -> None:
    answer = client.post("/_sandbox/import?dry_run=true", content=seed_zip(), headers=ZIP)
    assert_problem(answer, 400, "validation_failed")


def test_the_name_of_an_export_fits_into_a_header(client: Client) -> None:
    load(client, changed(exported(client), "ecosystem", lambda stated: stated.update(name='بنك "1"')))
    disposition = client.get("/_sandbox/export").headers["content-disposition"]
    encoded = "%D8%A8%D9%86%D9%83%20%221%22"
    assert disposition == f"attachment; filename=\"-----1-.zip\"; filename*=UTF-8''{encoded}.zip"
    assert files_of(exported(client))["ecosystem"]["name"] == 'بنك "1"'


def diff(client: Client, query: str = "", at: str = "") -> dict[str, Any]:
    """What has changed."""
    answer = client.get(f"{at}/_sandbox/diff{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_fresh_bank_is_the_same_as_its_seed(client: Client) -> None:
    assert diff(client) == {"from": "seed", "to": "now", "same": True, "collections": {}}


def test_a_transfer_is_told_by_what_it_adds_and_changes(client: Client) -> None:
    client.login("fatima").transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "12.750")
    found = diff(client)
    assert found["same"] is False
    assert set(found["collections"]) == {
        "accounts",
        "transactions",
        "transfers",
        "auth_users",
        "registered_devices",
        "login_sessions",
        "audit_logs",
    }
    balances = {change["id"]: change["fields"] for change in found["collections"]["accounts"]["changed"]}
    assert balances[FATIMA_CURRENT] == {"balance": {"from": "2547.440", "to": "2534.690"}}
    assert [row["amount"] for row in found["collections"]["transactions"]["added"]] == ["12.750", "12.750"]
    (made,) = found["collections"]["transfers"]["added"]
    assert {row["transfer_id"] for row in found["collections"]["transactions"]["added"]} == {made["transfer_id"]}


def test_backwards_what_was_added_is_removed(client: Client) -> None:
    client.login("fatima").transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "12.750")
    found = diff(client, "?from=now&to=seed")
    assert (found["from"], found["to"]) == ("now", "seed")
    assert len(found["collections"]["transactions"]["removed"]) == 2
    assert found["collections"]["transactions"]["added"] == []


@pytest.mark.parametrize("moment", ["seed", "now"])
def test_a_moment_does_not_differ_from_itself(client: Client, moment: str) -> None:
    live(client)
    assert diff(client, f"?from={moment}&to={moment}")["same"] is True


def test_after_an_import_the_seed_is_still_what_the_sandbox_was_made_from(client: Client) -> None:
    live(client)
    before = diff(client)
    load(client, exported(client))
    assert diff(client) == before


def test_no_secret_is_shown(client: Client) -> None:
    def other(rows: list[dict[str, Any]]) -> None:
        rows[0] |= {"password": "Another-2026!", "pin": "4711"}

    files = changed(changed(seed_zip(), "credentials", other), "ecosystem", lambda stated: stated.update(logins=[]))
    load(client, files)
    answer = client.get("/_sandbox/diff")
    (change,) = answer.json()["collections"]["credentials"]["changed"]
    assert change["fields"]["password_hash"] == {"from": "***", "to": "***"}
    assert "argon2" not in answer.text


@pytest.mark.parametrize("query", ["?from=lunch", "?to=lunch", "?from=", "?to=", f"?from={'x' * 5_000}"])
def test_a_moment_that_has_no_name_is_unknown(client: Client, query: str) -> None:
    assert_problem(client.get(f"/_sandbox/diff{query}"), 404, "snapshot_unknown")


def test_a_snapshot_is_a_moment_too(client: Client) -> None:
    fatima = client.login("fatima")
    client.post("/_sandbox/snapshots", {"name": "signed-in"})
    fatima.request("PATCH", f"/v1/accounts/{FATIMA_CURRENT}", json={"nickname": "For bread"})
    found = diff(client, "?from=signed-in")
    assert set(found["collections"]) == {"accounts", "audit_logs"}
    (change,) = found["collections"]["accounts"]["changed"]
    assert change == {"id": FATIMA_CURRENT, "fields": {"nickname": {"from": "Salary", "to": "For bread"}}}
    assert "login_sessions" in diff(client, "?to=signed-in")["collections"]


def test_other_parameters_are_refused(client: Client) -> None:
    assert faults(client.get("/_sandbox/diff?since=seed")) == {"?since": "unknown_parameter"}


def test_a_sandbox_is_exported_imported_and_compared_alone(client: Client) -> None:
    client.post("/_sandbox/sandboxes", {"id": "other"})
    live(client, at="/s/other")
    assert diff(client)["same"] is True
    assert diff(client, at="/s/other")["same"] is False
    before = client.digest()
    load(client, exported(client, at="/s/other"), at="/s/other")
    assert client.digest() == before
    assert VIRTUAL.max_import_bytes == 64 * 2**20
