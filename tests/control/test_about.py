"""`/_sandbox/health`, `livez`, `readyz`, `info`, and the document: what the server says of itself."""

from pathlib import Path
from typing import Any

import pytest
from checks import assert_problem, faults, serving
from support import EXPIRED, LOCKED, PASSWORDS, Client, copy_of_tiny, edit

from sandbox import __version__

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("path", ["/_sandbox/health", "/_sandbox/livez", "/_sandbox/readyz"])
def test_a_server_that_answers_is_well(client: Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_health_is_asked_of_the_house_and_needs_no_sandbox() -> None:
    with serving(strict=True) as client:
        assert client.get("/_sandbox/health").status_code == 200


def test_the_root_leads_to_everything_else(client: Client) -> None:
    answer = client.get("/", headers={"host": "bank.example", "accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    body = answer.json()
    assert (body["name"], body["version"]) == ("sandbank", __version__)
    assert client.get("/").request.url.path == "/"
    for name in ("openapi", "api_docs", "problems", "info", "data"):
        assert client.get(body[name]).status_code == 200
    assert body["bank"] == "/v1"
    assert body["docs"]
    assert all((REPOSITORY / page).is_file() for page in body["docs"])
    assert_problem(client.post("/"), 405, "method_not_allowed")
    assert faults(client.get("/?x=1")) == {"?x": "unknown_parameter"}


def test_info_says_what_is_served(client: Client) -> None:
    body = client.get("/_sandbox/info").json()
    assert body["name"] == "sandbank"
    assert body["version"] == __version__
    assert body["title"] == "One Kuwaiti family and their tenant"
    assert body["digest"] == client.digest()
    assert body["warnings"] == []


def test_info_names_logins_that_work_and_says_which_do_not(client: Client) -> None:
    logins = {login["username"]: login for login in client.get("/_sandbox/info").json()["logins"]}
    assert {name: login["state"] for name, login in logins.items()} == {
        "fatima": "active",
        "arjun": "active",
        "yousef": "locked",
        "mariam": "expired",
        "auditor": "active",
        "admin": "active",
    }
    assert {name: logins[name]["password"] for name in PASSWORDS} == PASSWORDS
    assert (logins["yousef"]["password"], logins["mariam"]["password"]) == (LOCKED[1], EXPIRED[1])
    for name, login in logins.items():
        answer = client.post("/v1/auth/login", {"username": name, "password": login["password"]})
        assert (answer.status_code == 200) is (login["state"] == "active")


def test_info_sees_a_user_being_locked(client: Client) -> None:
    for _ in range(5):
        client.post("/v1/auth/login", {"username": "fatima", "password": "wrong"})
    logins = client.get("/_sandbox/info").json()["logins"]
    assert next(login for login in logins if login["username"] == "fatima")["state"] == "locked"


def test_info_is_of_the_callers_sandbox(client: Client) -> None:
    client.post("/_sandbox/sandboxes", {"id": "t1", "seed": 5})
    client.login(at="/s/t1")
    body = client.get("/s/t1/_sandbox/info").json()
    assert (body["sandbox"], body["seed"]) == ("t1", 5)
    assert body["business_time"] == "2026-01-15T09:00:00.001Z"
    assert client.get("/_sandbox/info").json()["business_time"] == "2026-01-15T09:00:00.000Z"


def test_info_carries_the_warnings_of_the_ecosystem(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path / "odd")

    def simulate(rows: list[dict[str, Any]]) -> None:
        del rows[0]["password"]
        rows[0]["password_hash"] = "$simulated$nothing"

    edit(folder, "credentials", simulate)
    with serving(ecosystem=str(folder)) as client:
        warnings = client.get("/_sandbox/info").json()["warnings"]
        assert any("credentials" in warning for warning in warnings)
        answer = client.post("/v1/auth/login", {"username": "fatima", "password": PASSWORDS["fatima"]})
        assert_problem(answer, 401, "invalid_credentials")


def test_the_server_takes_seed_and_ecosystem_from_its_settings(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path / "mine")
    with serving(seed=77, ecosystem=str(folder)) as client:
        body = client.get("/_sandbox/info").json()
        assert (body["seed"], body["ecosystem"]) == (77, "tiny")
