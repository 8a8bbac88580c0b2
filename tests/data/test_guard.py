"""Who may use the data plane, and from which pages."""

from checks import assert_problem
from extras import NOTE, NOTE_ID
from msgspec import structs
from support import VIRTUAL, Client

PAGE = {"origin": "http://localhost:5173"}
TOKEN = "a-control-token-of-16"


def test_a_foreign_name_or_page_is_refused(client: Client) -> None:
    for path in ("/_data", "/_data/accounts", "/s/default/_data/accounts"):
        assert_problem(client.get(path, headers={"host": "evil.example"}), 403, "host_not_allowed")
        assert_problem(client.get(path, headers={"origin": "https://evil.example"}), 403, "origin_not_allowed")
    answer = client.request("DELETE", f"/_data/notifications/{NOTE_ID}", headers={"origin": "https://evil.example"})
    assert_problem(answer, 403, "origin_not_allowed")
    assert client.get(f"/_data/notifications/{NOTE_ID}").status_code == 200


def test_a_page_of_this_machine_reads_and_writes(client: Client) -> None:
    answer = client.get("/_data/accounts?_page=1&_limit=2", headers=PAGE)
    assert answer.headers["access-control-allow-origin"] == PAGE["origin"]
    assert {"Link", "X-Total-Count", "Location"} <= {
        name.strip() for name in answer.headers["access-control-expose-headers"].split(",")
    }
    made = client.post("/_data/notifications", NOTE, headers=PAGE)
    assert (made.status_code, made.headers["access-control-allow-origin"]) == (201, PAGE["origin"])
    refused = client.get("/_data/nothing", headers=PAGE)
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (404, PAGE["origin"])


def test_a_preflight_is_answered(client: Client) -> None:
    asked = PAGE | {"access-control-request-method": "PATCH"}
    answer = client.request("OPTIONS", "/_data/accounts/x", headers=asked)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, PAGE["origin"])
    assert "PATCH" in answer.headers["access-control-allow-methods"]


def test_the_control_token_is_asked_for_once_it_is_set() -> None:
    client = Client(structs.replace(VIRTUAL, control_token=TOKEN))
    try:
        assert_problem(client.get("/_data/accounts"), 401, "control_token_required")
        assert_problem(client.post("/_data/notifications", NOTE), 401, "control_token_required")
        headers = {"sandbank-control-token": TOKEN}
        assert client.get("/_data/accounts", headers=headers).status_code == 200
        assert client.post("/_data/notifications", NOTE, headers=headers).status_code == 201
    finally:
        client.close()


def test_a_read_only_server_is_read_only_here_too() -> None:
    client = Client(structs.replace(VIRTUAL, read_only=True))
    try:
        assert client.get("/_data/accounts").status_code == 200
        assert_problem(client.post("/_data/notifications", NOTE), 403, "read_only")
        assert_problem(client.request("DELETE", f"/_data/notifications/{NOTE_ID}"), 403, "read_only")
    finally:
        client.close()


def test_a_strict_server_wants_a_sandbox_named() -> None:
    client = Client(structs.replace(VIRTUAL, strict=True))
    try:
        assert_problem(client.get("/_data/accounts"), 400, "sandbox_required")
        assert client.get("/s/default/_data/accounts").status_code == 200
        assert client.get("/_data/accounts", headers={"x-sandbox": "default"}).status_code == 200
    finally:
        client.close()


def test_other_paths_of_like_names_are_not_served(client: Client) -> None:
    assert_problem(client.get("/_database/accounts"), 404, "not_found")


def test_a_page_of_another_site_cannot_send_the_browser_here(client: Client) -> None:
    for path in ("/_data", "/_data/accounts", "/s/default/_data/accounts", "/_sandbox/info", "/_sandbox/messages"):
        refused = client.get(path, headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"})
        assert_problem(refused, 403, "origin_not_allowed")
        for site in ("none", "same-origin", "same-site"):
            assert client.get(path, headers={"sec-fetch-site": site}).status_code == 200
    named = client.get("/_data/accounts", headers=PAGE | {"sec-fetch-site": "cross-site"})
    assert named.status_code == 200  # localhost and 127.0.0.1 are two sites
    assert client.get("/_sandbox/health", headers={"sec-fetch-site": "cross-site"}).status_code == 200
