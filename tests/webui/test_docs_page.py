"""`/docs` and its files: what is answered, and that nothing in them leads to another machine."""

import gzip
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from checks import assert_problem, faults, serving
from support import Client

from sandbox.webui import docs, files
from sandbox.webui.files import ASSETS, OWN, SWAGGER_UI, WebFiles, read_files

HERE = Path(files.__file__).parent


@pytest.fixture
def without_swagger_ui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WebFiles:
    """An installation whose build had no npm."""
    shutil.copytree(HERE / "static", tmp_path / "static")
    found = read_files(tmp_path)
    monkeypatch.setattr(docs, "read_files", lambda: found)
    return found


@pytest.fixture
def with_swagger_ui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WebFiles:
    """An installation whose build brought Swagger UI, here stood for by files of its size."""
    shutil.copytree(HERE / "static", tmp_path / "static")
    (tmp_path / "dist").mkdir()
    for name in SWAGGER_UI:
        (tmp_path / "dist" / name).write_bytes(b"/* much */\n" * 10_000)
    found = read_files(tmp_path)
    monkeypatch.setattr(docs, "read_files", lambda: found)
    return found


@pytest.fixture(scope="module")
def served() -> Iterator[Client]:
    """One server for what is only read."""
    made = Client()
    yield made
    made.close()


def test_the_page_starts_swagger_ui_where_it_was_built(with_swagger_ui: WebFiles, client: Client) -> None:
    assert with_swagger_ui.has_swagger_ui
    answer = client.get("/docs")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert 'src="docs/swagger-ui-bundle.js"' in answer.text
    for name in re.findall(r'"docs/([^"]+)"', answer.text):
        assert client.get(f"/docs/{name}").status_code == 200, name


def test_the_page_is_a_listing_where_it_was_not(without_swagger_ui: WebFiles, client: Client) -> None:
    assert not without_swagger_ui.has_swagger_ui
    answer = client.get("/docs")
    assert "came without Swagger UI" in answer.text
    assert "SANDBANK_WEB=require" in answer.text
    for name in re.findall(r'"docs/([^"]+)"', answer.text):
        assert client.get(f"/docs/{name}").status_code == 200, name
    absent = assert_problem(client.get("/docs/swagger-ui-bundle.js"), 404, "not_found")
    assert "not part of this installation" in absent["detail"]


@pytest.mark.parametrize("name", OWN)
def test_every_file_has_its_kind_and_comes_back_as_304(served: Client, name: str) -> None:
    answer = served.get(f"/docs/{name}")
    assert answer.headers["content-type"] == ASSETS[name]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"
    again = served.get(f"/docs/{name}", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert answer.content == (HERE / "static" / name).read_bytes()


def test_large_files_are_compressed_once(
    with_swagger_ui: WebFiles, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.get("/docs")

    def refuse(*_: object, **__: object) -> bytes:
        raise AssertionError("compressed again")

    monkeypatch.setattr(gzip, "compress", refuse)
    for name in SWAGGER_UI:
        packed = client.get(f"/docs/{name}", headers={"accept-encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert "Accept-Encoding" in packed.headers["vary"]
        plain = client.get(f"/docs/{name}", headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert "Accept-Encoding" in plain.headers["vary"]
        assert packed.content == plain.content
        assert packed.headers["etag"] != plain.headers["etag"]
        known = {"accept-encoding": "gzip", "if-none-match": packed.headers["etag"]}
        again = client.get(f"/docs/{name}", headers=known)
        assert again.status_code == 304
        assert "content-encoding" not in again.headers
        assert "Accept-Encoding" in again.headers["vary"]
        assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])


def test_head_says_what_get_would(served: Client) -> None:
    for path in ("/docs", "/docs/page.css"):
        got, told = served.get(path), served.request("HEAD", path)
        assert told.content == b""
        for header in ("content-length", "content-type", "etag"):
            assert told.headers[header] == got.headers[header], path


@pytest.mark.parametrize(
    "name",
    ["nothing.js", "../app.py", "%2e%2e%2fpage.css", "..%2F..%2Fapp.py", "swagger.html", ".stamp", "%00", "a/b"],
)
def test_no_name_leads_elsewhere(served: Client, name: str) -> None:
    assert_problem(served.get(f"/docs/{name}"), 404, "not_found")


def test_the_page_takes_no_query(served: Client) -> None:
    assert faults(served.get("/docs?url=https://evil.example/openapi.json")) == {"?url": "unknown_parameter"}


def test_every_sandbox_has_the_page_below_its_own_address(served: Client) -> None:
    served.post("/_sandbox/sandboxes", {"id": "t1"})
    assert served.get("/s/t1/docs").content == served.get("/docs").content
    assert served.get("/s/t1/docs/page.css").status_code == 200
    assert_problem(served.get("/s/t9/docs"), 404, "sandbox_unknown")


def test_a_strict_server_shows_it_too() -> None:
    with serving(strict=True) as client:
        assert client.get("/docs").status_code == 200
        assert client.get("/problems").status_code == 200


def test_the_policy_of_a_page_lets_nothing_come_from_elsewhere(served: Client) -> None:
    for path in ("/docs", "/problems", "/problems/not_found"):
        policy = dict(
            part.strip().partition(" ")[::2] for part in served.get(path).headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["connect-src"] == "'self'"
        assert {source for value in policy.values() for source in value.split()} <= {
            "'none'",
            "'self'",
            "'unsafe-inline'",
            "data:",
        }


@pytest.mark.parametrize("path", sorted((HERE / "static").iterdir()), ids=lambda path: path.name)
def test_no_file_of_ours_names_another_machine_or_runs_inline(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"https?://|src=\"//|@import|url\(", text)
    assert not re.search(r"<script>|\son[a-z]+=|innerHTML", text), "the policy forbids it"
