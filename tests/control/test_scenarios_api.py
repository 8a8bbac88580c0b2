"""`/_sandbox/scenarios`: the list, applying on top, at reset and at fork, and every refusal."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from checks import ARJUN_CURRENT, FATIMA_CURRENT, assert_problem
from support import PASSWORDS, VIRTUAL, Client, copy_of_tiny

FATIMA = {"username": "fatima", "password": PASSWORDS["fatima"]}
STEPS = "title: T\nstory: S\nsteps:\n  - advance: P1D\n"


def test_the_list_tells_everything_that_a_user_needs(client: Client) -> None:
    listed = client.get("/_sandbox/scenarios").json()
    assert listed["faults"] == []
    found = {item["name"]: item for item in listed["items"]}
    assert list(found) == sorted(found)
    assert found["low-balance"] == {
        "name": "low-balance",
        "title": "An account is nearly empty",
        "story": "Little is left until payday: a coffee can be paid, a week's shopping cannot.",
        "parameters": [
            {
                "name": "user",
                "type": "user",
                "description": "whose account",
                "required": False,
                "default": {"first": "active_customer"},
            },
            {
                "name": "account",
                "type": "account",
                "description": "the account",
                "required": False,
                "default": {"first": ["CURRENT", "WALLET", "SAVINGS"]},
                "owner": "user",
            },
            {
                "name": "balance",
                "type": "money",
                "description": "how much is available afterwards; cash is paid in where there is less now",
                "required": False,
                "default": "1.500",
                "min": "0.000",
                "max": "1000000.000",
            },
        ],
        "precondition": ["The account is ACTIVE."],
        "source": "shipped",
        "replaces": [],
    }


def test_an_answer_says_what_was_done(client: Client) -> None:
    done = client.post("/_sandbox/scenarios/salary-day", {"payday": 25})
    assert done.status_code == 200
    body = done.json()
    assert list(body) == ["name", "parameters", "business_time", "writes", "fired"]
    assert body["parameters"]["account"] == FATIMA_CURRENT
    assert body["business_time"] == client.get("/_sandbox/info").json()["business_time"]
    assert done.headers["sandbank-time"] == body["business_time"]


def test_what_ran_on_the_way_is_reported(client: Client) -> None:
    client.post("/_sandbox/scenarios/locked-user")
    fired = client.post("/_sandbox/scenarios/salary-day", {"user": "arjun"}).json()["fired"]
    assert "unlock_users" in [job["job"] for job in fired]
    assert all(set(job) == {"job", "at", "count"} for job in fired)
    assert client.login().accounts()


def test_it_changes_the_sandbox_that_is_addressed_and_no_other(client: Client) -> None:
    client.post("/_sandbox/sandboxes", {"id": "t1"})
    before = client.digest()
    assert client.post("/s/t1/_sandbox/scenarios/locked-user").status_code == 200
    assert client.digest() == before
    assert client.post("/s/t1/v1/auth/login", FATIMA).status_code == 423
    assert client.post("/v1/auth/login", FATIMA).status_code == 200


def test_sessions_go_on_where_the_scenario_does_not_end_them(client: Client) -> None:
    fatima = client.login()
    client.post("/_sandbox/scenarios/low-balance")
    assert fatima.get("/v1/accounts").status_code == 200


def test_an_unknown_scenario_is_404_and_lists_those_there_are(client: Client) -> None:
    problem = assert_problem(client.post("/_sandbox/scenarios/lockd-user"), 404, "scenario_unknown")
    assert problem["detail"].startswith("There is no scenario 'lockd-user'. Did you mean locked-user? There are: ar")
    assert problem["scenario"] == "lockd-user"


def test_one_is_looked_at_as_it_stands_in_the_list(client: Client, own: Any) -> None:
    for item in client.get("/_sandbox/scenarios").json()["items"]:
        answer = client.get(f"/_sandbox/scenarios/{item['name']}")
        assert (answer.status_code, answer.json()) == (200, item)
    unknown = assert_problem(client.get("/_sandbox/scenarios/low-blance"), 404, "scenario_unknown")
    assert "Did you mean low-balance?" in unknown["detail"]
    nothing_near = assert_problem(client.get("/_sandbox/scenarios/zzz"), 404, "scenario_unknown")
    assert "Did you mean" not in nothing_near["detail"]
    (own.folder / "bad.yaml").write_text("title: x\n", encoding="utf-8")
    assert_problem(own.get("/_sandbox/scenarios/bad"), 422, "scenario_invalid")


def test_a_wrong_field_of_an_order_is_pointed_at(client: Client) -> None:
    for path in ("/_sandbox/sandboxes", "/_sandbox/reset"):
        answer = client.post(path, {"scenarios": [{"name": "low-balance", "params": {}}]})
        (fault,) = assert_problem(answer, 400, "validation_failed")["errors"]
        assert (fault["pointer"], fault["code"]) == ("/scenarios/0/params", "unknown_field")


def test_parameters_that_do_not_fit_are_pointed_at(client: Client) -> None:
    before = client.digest()
    answer = client.post("/_sandbox/scenarios/low-balance", {"balance": "-3", "user": "nobody", "mood": "bad"})
    problem = assert_problem(answer, 400, "validation_failed")
    assert sorted(fault["pointer"] for fault in problem["errors"]) == ["/account", "/balance", "/mood", "/user"]
    assert client.digest() == before


def test_a_refused_step_tells_where_it_stands(client: Client) -> None:
    client.post("/_sandbox/scenarios/frozen-account")
    before = client.digest()
    answer = client.post("/_sandbox/scenarios/salary-day", {"user": "fatima", "account": FATIMA_CURRENT})
    problem = assert_problem(answer, 422, "scenario_precondition_failed")
    assert problem["precondition"] == "The account is ACTIVE."
    assert client.digest() == before


@pytest.fixture
def own(tmp_path: Path) -> Any:
    """A client on a folder of its own scenarios."""
    folder = tmp_path / "mine"
    folder.mkdir()
    made = Client(msgspec.structs.replace(VIRTUAL, scenarios_dir=str(folder)))
    made.folder = folder  # type: ignore[attr-defined]
    yield made
    made.close()


def test_own_files_count_at_once_and_stand_before_shipped_ones(own: Any) -> None:
    (own.folder / "locked-user.yaml").write_text(STEPS, encoding="utf-8")
    (own.folder / "bad.yaml").write_text("title: x\n", encoding="utf-8")
    listed = own.get("/_sandbox/scenarios").json()
    found = {item["name"]: (item["source"], item["replaces"]) for item in listed["items"]}
    assert found["locked-user"] == ("own", ["shipped"])
    assert found["low-balance"] == ("shipped", [])
    assert [fault.partition("bad.yaml")[2] for fault in listed["faults"]] == [
        ":1: story: is missing",
        ":1: steps: is missing",
    ]
    own.post("/_sandbox/scenarios/locked-user")
    assert own.post("/v1/auth/login", FATIMA).status_code == 200
    refused = assert_problem(own.post("/_sandbox/scenarios/bad"), 422, "scenario_invalid")
    assert "bad.yaml:1: story: is missing" in refused["detail"]


def test_a_step_that_the_bank_refuses_is_422_with_file_line_and_cause(own: Any) -> None:
    step = "call: {act: withdraw, with: {account: '" + FATIMA_CURRENT + "', amount: 99999}}"
    (own.folder / "rich.yaml").write_text(f"title: T\nstory: S\nsteps:\n  - {step}\n", encoding="utf-8")
    before = own.digest()
    problem = assert_problem(own.post("/_sandbox/scenarios/rich"), 422, "scenario_step_failed")
    place = {name: problem[name] for name in ("scenario", "file", "line", "step", "cause")}
    assert place == {
        "scenario": "rich",
        "file": str(own.folder / "rich.yaml"),
        "line": 4,
        "step": "steps[0]",
        "cause": "insufficient_funds",
    }
    assert own.digest() == before


def test_an_ecosystem_brings_its_own_scenarios(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path / "bank")
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "tomorrow.yaml").write_text(STEPS, encoding="utf-8")
    client = Client(msgspec.structs.replace(VIRTUAL, ecosystem=str(folder)))
    try:
        found = {item["name"]: item["source"] for item in client.get("/_sandbox/scenarios").json()["items"]}
        assert found["tomorrow"] == "ecosystem"
        assert client.post("/_sandbox/scenarios/tomorrow").json()["business_time"].startswith("2026-01-16")
        client.post("/_sandbox/sandboxes", {"id": "t1"})
        assert client.post("/s/t1/_sandbox/scenarios/tomorrow").status_code == 200
    finally:
        client.close()


ORDERS: list[Any] = ["locked-user", {"name": "low-balance", "parameters": {"user": "arjun", "balance": "1.500"}}]


def test_a_fork_is_given_scenarios_before_anybody_sees_it(client: Client) -> None:
    made = client.post("/_sandbox/sandboxes", {"id": "t1", "scenarios": ORDERS})
    assert made.status_code == 201, made.text
    assert made.json()["digest"] == client.digest("/s/t1") != client.digest()
    assert [(one["name"], one["parameters"]["user"]) for one in made.json()["scenarios"]] == [
        ("locked-user", "fatima"),
        ("low-balance", "arjun"),
    ]
    assert "scenarios" not in client.get("/_sandbox/sandboxes/t1").json()
    assert "scenarios" not in client.post("/_sandbox/sandboxes").json()
    assert client.post("/s/t1/v1/auth/login", FATIMA).status_code == 423
    arjun = client.login("arjun", at="/s/t1")
    assert arjun.accounts()[0]["balances"]["available"]["amount"] == "1.500"
    client.assert_sound("/s/t1")


def test_forks_with_the_same_scenarios_are_the_same_bank(client: Client) -> None:
    digests = [
        client.post("/_sandbox/sandboxes", {"id": name, "scenarios": ["busy-month", *ORDERS]}).json()["digest"]
        for name in ("t1", "t2")
    ]
    assert digests[0] == digests[1]


def test_a_reset_is_given_scenarios_too(client: Client) -> None:
    done = client.post("/_sandbox/reset", {"scenarios": ORDERS})
    assert done.status_code == 200, done.text
    assert client.post("/v1/auth/login", FATIMA).status_code == 423
    locked, low = done.json()["scenarios"]
    assert locked == {"name": "locked-user", "parameters": {"user": "fatima", "attempts": 5}}
    assert low["parameters"] == {"user": "arjun", "account": ARJUN_CURRENT, "balance": "1.500"}
    plain = client.post("/_sandbox/reset").json()
    assert set(plain) == {"digest", "generation", "took_ms"}
    assert plain["digest"] != done.json()["digest"]
    assert client.post("/v1/auth/login", FATIMA).status_code == 200


def test_a_fork_or_reset_that_is_refused_leaves_everything_as_it_was(client: Client) -> None:
    before = client.digest()
    for orders, status, code in (
        (["nothing"], 404, "scenario_unknown"),
        ([{"name": "locked-user", "parameters": {"user": "yousef"}}], 422, "scenario_precondition_failed"),
        ([{"name": "low-balance", "parameters": {"balance": "x"}}], 400, "validation_failed"),
        ([{"nme": "low-balance"}], 400, "validation_failed"),
        ([7], 400, "validation_failed"),
    ):
        assert_problem(client.post("/_sandbox/sandboxes", {"id": "t1", "scenarios": orders}), status, code)
        assert_problem(client.post("/_sandbox/reset", {"scenarios": orders}), status, code)
        assert client.get("/_sandbox/sandboxes/t1").status_code == 404
        assert client.digest() == before


def test_a_fault_of_a_forks_parameters_is_pointed_at(client: Client) -> None:
    order = {"name": "low-balance", "parameters": {"balance": "x"}}
    answer = client.post("/_sandbox/sandboxes", {"scenarios": ["clean-inbox", order]})
    (fault,) = assert_problem(answer, 400, "validation_failed")["errors"]
    assert fault["pointer"] == "/scenarios/1/parameters/balance"
