"""The guard of the control plane: who may steer the server, under which name and with which token."""

import pytest
from checks import assert_problem, serving, unchanged
from support import Client

TOKEN = "a-token-of-sixteen-characters"
OPEN = ["/_sandbox/health", "/_sandbox/livez", "/_sandbox/readyz"]


def guarded(client: Client) -> list[tuple[str, str]]:
    found = [
        (operation.method, operation.template.replace("{sandbox_id}", "default"))
        for operation in client.app.table.operations
        if operation.template.startswith("/_sandbox") and operation.template not in OPEN
    ]
    assert len(found) >= 8
    return found


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1:80", "127.9.9.9", "[::1]:8000", "LOCALHOST"]
)
def test_names_of_this_machine_may_steer(client: Client, host: str) -> None:
    assert client.get("/_sandbox/info", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "",
        "10.0.0.1",
        "0.0.0.0",
        "[::2]",
        "[::1",
        "[::1].evil.example",
        "[::1]evil",
        "\xff",
    ],
)
def test_a_foreign_name_may_not_steer(client: Client, host: str) -> None:
    with unchanged(client):
        for method, path in guarded(client):
            answer = client.request(method, path, headers=[(b"host", host.encode("latin-1"))])
            assert_problem(answer, 403, "host_not_allowed")


@pytest.mark.parametrize("prefix", ["", "/s/default"])
@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost.evil.example", "null", "file://", ""])
def test_a_foreign_page_may_not_steer(client: Client, origin: str, prefix: str) -> None:
    with unchanged(client):
        for method, path in guarded(client):
            answer = client.request(method, prefix + path, headers={"origin": origin})
            assert_problem(answer, 403, "origin_not_allowed")


def test_a_page_on_loopback_may_steer(client: Client) -> None:
    assert client.post("/_sandbox/reset", headers={"origin": "http://localhost:3000"}).status_code == 200


def test_a_named_host_may_steer_and_no_other() -> None:
    with serving(allowed_hosts=("bank", "bank.compose.local")) as client:
        for host in ("bank:8000", "BANK", "bank.compose.local", "localhost"):
            assert client.get("/_sandbox/info", headers={"host": host}).status_code == 200
        assert_problem(client.get("/_sandbox/info", headers={"host": "bank.evil"}), 403, "host_not_allowed")


def test_the_bank_plane_answers_under_any_name(client: Client) -> None:
    body = {"username": "fatima", "password": "Fatima-2026!"}
    assert client.post("/v1/auth/login", body, headers={"host": "bank.example"}).status_code == 200


@pytest.mark.parametrize("headers", [{"sandbank-control-token": TOKEN}, {"authorization": f"Bearer {TOKEN}"}])
def test_the_token_is_taken_from_either_header(headers: dict[str, str]) -> None:
    with serving(control_token=TOKEN) as client:
        for path in ("/_sandbox/info", "/_sandbox/digest", "/_sandbox/sandboxes", "/s/default/_sandbox/digest"):
            assert client.get(path, headers=headers).status_code == 200
        assert client.post("/_sandbox/reset", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sandbank-control-token": ""},
        {"sandbank-control-token": TOKEN[:-1]},
        {"sandbank-control-token": TOKEN + "x"},
        {"sandbank-control-token": TOKEN.upper()},
        {"sandbank-control-token": b"\xff\xfe"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": "Bearer"},
        {"cookie": f"sandbank-control-token={TOKEN}"},
    ],
)
def test_without_the_right_token_nobody_steers(headers: dict[str, str]) -> None:
    with serving(control_token=TOKEN) as client:
        for method, path in guarded(client):
            answer = client.request(method, path, headers=headers)
            problem = assert_problem(answer, 401, "control_token_required")
            assert answer.headers["www-authenticate"] == "Bearer"
            assert TOKEN not in answer.text
            assert "SANDBANK_CONTROL_TOKEN" in problem["detail"]


def test_an_access_token_is_no_control_token() -> None:
    with serving(control_token=TOKEN) as client:
        admin = client.login("admin")
        assert_problem(admin.get("/_sandbox/info"), 401, "control_token_required")


@pytest.mark.parametrize("path", [*OPEN, "/s/default/_sandbox/health"])
def test_health_needs_neither_name_nor_token(path: str) -> None:
    with serving(control_token=TOKEN) as client:
        answer = client.get(path, headers={"host": "10.1.2.3:8000", "origin": "https://monitor.example"})
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_the_bank_plane_needs_no_control_token() -> None:
    with serving(control_token=TOKEN) as client:
        assert len(client.login().accounts()) == 3
