"""docs/headers.md is true and whole: its steps print what it says, and it has a row for every header, read or sent.

What is read and sent is found twice: in the code, and in the answers of a server that is asked for many things.
"""

import re
import shutil
from pathlib import Path
from typing import Any

import pages
import pytest
from checks import FATIMA_CURRENT, FATIMA_SAVINGS, Filled
from support import Client, User
from surface import headers_read, headers_sent

from sandbox.http import call, edge, orders, paging
from sandbox.http.origins import ALLOWED_HEADERS, EXPOSED_HEADERS

PAGE = pages.text_of("docs/headers.md")
TOKEN = "only-for-this-page"
OF_THE_SERVER = {"date", "server", "connection"}
NOT_SHOWN = {"retry-after"}
"""What no step shows, since no page fills a disk: tests/http/test_archive_api.py does."""


def rows(heading: str) -> list[str]:
    """The names in the first column of the table under a heading."""
    section = re.split(r"\n##+ ", PAGE.partition(f"# {heading}\n")[2])[0]
    cells = [line.split(" | ")[0] for line in section.splitlines() if line.startswith("| `")]
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


REQUEST = [name.lower() for name in rows("What a request can carry")]
QUERY = rows("In the query")
ANSWER = [name.lower() for name in rows("What an answer brings")]
RESERVED = [name.lower() for name in rows("Reserved")]


def names(listed: str) -> set[str]:
    """The names of a list with commas, in lower case."""
    return {name.strip().lower() for name in listed.split(",")}


@pytest.mark.skipif(shutil.which("curl") is None, reason="the steps need curl")
@pytest.mark.skipif(shutil.which("bash") is None, reason="the steps need bash")
def test_the_steps_print_what_the_page_says(tmp_path: Path) -> None:
    steps = pages.steps_of(PAGE)
    assert len(steps) == 13
    with pages.served(tmp_path, "--control-token", TOKEN) as url:
        pages.require_true(steps, tmp_path, url)


def test_every_header_has_a_step_that_shows_it() -> None:
    steps = pages.steps_of(PAGE)
    sent = "\n".join(step.commands for step in steps).lower()
    assert [name for name in REQUEST if f"{name}:" not in sent] == []
    printed = "\n".join(step.printed for step in steps).lower()
    assert {name for name in ANSWER if f"{name}:" not in printed} == OF_THE_SERVER | NOT_SHOWN


def test_every_header_that_the_code_reads_has_its_row_and_no_other() -> None:
    # The length is read by Litestar, before the body is.
    assert headers_read() | {"content-length"} == set(REQUEST)
    assert len(REQUEST) == len(set(REQUEST))


def test_every_header_that_the_code_sends_has_its_row_and_no_other() -> None:
    assert headers_sent() | OF_THE_SERVER == set(ANSWER)
    assert len(ANSWER) == len(set(ANSWER))


def test_what_pages_are_told_of_is_documented() -> None:
    assert names(ALLOWED_HEADERS) <= {*REQUEST, *RESERVED}
    assert names(EXPOSED_HEADERS) <= {*ANSWER, *RESERVED}


def test_what_is_reserved_is_neither_read_nor_sent() -> None:
    assert set(RESERVED) & (headers_read() | headers_sent()) == set()
    assert set(RESERVED) <= names(ALLOWED_HEADERS) | names(EXPOSED_HEADERS)


def answers(client: Client, fatima: User) -> list[Any]:
    """What a server says to many things: some by name, then every operation, asked by nobody and by two users."""
    page = {"origin": "http://localhost:3000"}
    told = [fatima.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000", key="one", headers=page) for _ in range(2)]
    told += [fatima.get(f"/v1/{name}?limit=1") for name in ("accounts", "transactions")]
    told.append(client.post("/v1/auth/login", {"username": "fatima", "password": "Fatima-2026!"}))
    told += [client.request(method, "/v1/transfers") for method in ("OPTIONS", "PUT", "HEAD")]
    told.append(client.request("OPTIONS", "/v1/transfers", headers=page | {"access-control-request-method": "POST"}))
    told.append(client.get("/_data/accounts?_page=1&_limit=1"))
    admin = client.login("admin")
    for operation in client.app.table.operations:
        path = operation.template.format_map(Filled(account_id=FATIMA_CURRENT, collection="transactions"))
        told.append(client.request(operation.method, path, json={"timeout_ms": 0}))
        if operation.method == "GET":
            told += [user.get(path, headers={"accept-encoding": "gzip"}) for user in (fatima, admin)]
    return told


def test_every_header_of_an_answer_has_its_row(client: Client, fatima: User) -> None:
    seen = {name for answer in answers(client, fatima) for name in answer.headers}
    assert seen <= set(ANSWER)
    assert set(ANSWER) - seen == OF_THE_SERVER | NOT_SHOWN


def test_an_answer_always_says_what_its_request_is_called(client: Client, fatima: User) -> None:
    assert [answer.request for answer in answers(client, fatima) if "x-request-id" not in answer.headers] == []


def test_the_limits_of_the_page_are_those_of_the_code() -> None:
    source = Path(orders.__file__).read_text(encoding="utf-8")
    assert "len(key) > 255" in source
    assert "1 to 255 printable ASCII characters" in PAGE
    assert f"answers of {edge._GZIP_FROM_BYTES:,} bytes and more" in PAGE
    assert f"1 to {paging.MAX_LIMIT}, else 50" in PAGE


KEPT = {"x-forwarded-for": ("login_sessions", "ip_address", 45), "user-agent": ("registered_devices", "model", 140)}


@pytest.mark.parametrize("header", KEPT)
def test_what_is_kept_of_a_long_header_is_what_the_page_says(client: Client, header: str) -> None:
    collection, field, kept = KEPT[header]
    body = {"username": "fatima", "password": "Fatima-2026!"}
    assert client.post("/v1/auth/login", body, headers={header: "9" * 200}).status_code == 200
    assert "9" * kept in [record[field] for record in client.get(f"/_data/{collection}").json()]
    row = next(line for line in PAGE.splitlines() if line.lower().startswith(f"| `{header}`"))
    assert f"cut at {kept} characters" in row


def test_the_deciding_headers_of_the_page_are_those_of_the_edge() -> None:
    listed = re.search(r"stands twice \((.*?)\)", " ".join(PAGE.split()))
    assert listed is not None
    assert names(listed[1].replace("`", "")) == {name.decode() for name in edge._SINGLE_HEADERS}


def test_every_query_parameter_of_the_bank_and_control_plane_has_its_row(client: Client) -> None:
    known = {name for operation in client.app.table.operations for name in operation.query or ()}
    assert set(QUERY) == known
    assert "dry_run" in known


def test_what_a_page_of_another_language_gets_is_english() -> None:
    assert call.preferred_language("fr, de;q=0.5") is None


def directives(document: dict[str, Any]) -> set[str]:
    """What steers an operation for one request: what the document's hints name, and what its parameters show."""
    found = set()
    for path in document["paths"].values():
        for described in path.values():
            found |= set(described.get("x-sandbox", {}).get("directives", ()))
            parameters = {parameter["name"] for parameter in described.get("parameters", ())}
            found |= parameters & {"dry_run", "Idempotency-Key"}
    return found


def test_every_directive_of_the_openapi_document_has_its_row(client: Client) -> None:
    found = directives(client.get("/openapi.json").json())
    assert {"dry_run", "Idempotency-Key"} <= found
    assert {name.lower() for name in found} <= {*REQUEST, *(name.lower() for name in QUERY)}


def test_a_directive_without_a_row_is_found() -> None:
    hinted = {"paths": {"/x": {"post": {"x-sandbox": {"directives": ["Sandbank-Magic"]}}}}}
    assert directives(hinted) == {"Sandbank-Magic"}
    assert "sandbank-magic" not in {*REQUEST, *QUERY}


def test_directives_are_not_served_yet_as_the_page_says(client: Client) -> None:
    assert "`GET /_sandbox/directives`" in PAGE
    assert client.get("/_sandbox/directives").status_code == 404
