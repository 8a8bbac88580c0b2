"""`/docs` and `/problems` in a real browser: they work, and make it ask nobody but the server itself."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from browsers import Watched, chromium
from support import VIRTUAL

from sandbox.core.settings import Settings
from sandbox.testing.server import ServerThread
from sandbox.webui import docs, files
from sandbox.webui.files import read_files

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

HERE = Path(files.__file__).parent
needs_swagger_ui = pytest.mark.skipif(
    not read_files().has_swagger_ui,
    reason="Swagger UI was not built here: SANDBANK_WEB=require make -B install says why",
)


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server with two sandboxes, `default` and `t1`."""
    server = ServerThread(Settings(ecosystem="tiny", image_cache=False))
    assert httpx.post(f"{server.url}/_sandbox/sandboxes", json={"id": "t1"}).status_code == 201
    yield server.url
    server.stop()


@pytest.fixture
def watched(browser: "Browser", url: str) -> Iterator[Callable[[str], Watched]]:
    """Opens a path of the server in a page of its own."""
    opened: list[Watched] = []

    def open_page(path: str) -> Watched:
        found = Watched(browser, url, locale="en-GB")
        opened.append(found)
        found.page.goto(url + path)
        return found

    yield open_page
    for one in opened:
        one.close()


def operations_of(url: str) -> list[str]:
    """The ids of all operations of the document."""
    paths = httpx.get(f"{url}/openapi.json").json()["paths"]
    return [operation["operationId"] for item in paths.values() for operation in item.values()]


@needs_swagger_ui
@pytest.mark.parametrize("at", ["", "/s/t1"])
def test_swagger_ui_shows_every_operation_and_asks_nobody_else(
    watched: Callable[[str], Watched], url: str, at: str
) -> None:
    shown = watched(f"{at}/docs")
    tags = shown.page.locator(".opblock-tag")
    tags.first.wait_for()
    for tag in tags.all():
        tag.click()
    wanted = operations_of(url)
    shown.page.locator(".opblock").nth(len(wanted) - 1).wait_for()
    ids = {(block.get_attribute("id") or "").rpartition("-")[2] for block in shown.page.locator(".opblock").all()}
    assert ids == set(wanted)
    assert shown.page.locator(".servers option").all_inner_texts() == [f"{url}{at} - the sandbox of this page"]
    assert all(asked.startswith((f"{url}{at}/", "data:")) for asked in shown.asked)
    shown.assert_stayed_here()


@needs_swagger_ui
def test_what_is_tried_out_goes_to_the_sandbox_of_the_page(watched: Callable[[str], Watched], url: str) -> None:
    shown = watched("/s/t1/docs#/auth/login")
    operation = shown.page.locator("#operations-auth-login")
    operation.locator("textarea").fill('{"username": "fatima", "password": "Fatima-2026!"}')
    with shown.page.expect_response("**/v1/auth/login") as answered:
        operation.locator(".execute").click()
    assert answered.value.url == f"{url}/s/t1/v1/auth/login"
    assert answered.value.status == 200
    operation.locator(".live-responses-table .response .response-col_status", has_text="200").wait_for()
    shown.assert_stayed_here()


@needs_swagger_ui
def test_one_click_signs_in_and_the_token_is_sent_along(watched: Callable[[str], Watched]) -> None:
    shown = watched("/s/t1/docs#/accounts/listAccounts")
    shown.page.get_by_role("button", name="fatima", exact=True).click()
    shown.page.get_by_text("Signed in as fatima").wait_for()
    operation = shown.page.locator("#operations-accounts-listAccounts")
    with shown.page.expect_response("**/s/t1/v1/accounts**") as answered:
        operation.locator(".execute").click()
    assert answered.value.status == 200
    assert len(answered.value.json()["items"]) == 3
    # Only who can sign in is offered, and another page knows nothing of the token.
    names = shown.page.locator("#sign-in button").all_inner_texts()
    assert names == ["fatima", "arjun", "auditor", "admin"]
    shown.page.goto(shown.page.url.replace("/s/t1", ""))
    with shown.page.expect_response("**/v1/accounts**") as refused:
        shown.page.locator("#operations-accounts-listAccounts .execute").click()
    assert refused.value.status == 401


@needs_swagger_ui
def test_one_click_answers_a_second_factor_whatever_else_lies_in_the_inbox(
    url: str, watched: Callable[[str], Watched]
) -> None:
    made = {"id": "t2", "scenarios": ["second-factor"]}
    assert httpx.post(f"{url}/_sandbox/sandboxes", json=made).status_code == 201
    shown = watched("/s/t2/docs")
    wrong = {"username": "arjun", "password": "wrong"}

    def lock_arjun(route: "Route") -> None:
        """The lock of another customer is told by SMS too: after the code, and without one."""
        answer = route.fetch()
        for _ in range(5):
            httpx.post(f"{url}/s/t2/v1/auth/login", json=wrong)
        route.fulfill(response=answer)

    shown.page.route("**/s/t2/v1/auth/login", lock_arjun)
    shown.page.get_by_role("button", name="fatima", exact=True).click()
    shown.page.get_by_text("Signed in as fatima").wait_for()
    assert httpx.get(f"{url}/s/t2/_sandbox/messages/latest").json()["code"] is None


@needs_swagger_ui
def test_a_control_token_takes_the_buttons_away_and_nothing_else(browser: "Browser") -> None:
    server = ServerThread(Settings(ecosystem="tiny", image_cache=False, control_token="a-token-of-sixteen-characters"))
    shown = Watched(browser, server.url)
    try:
        with shown.page.expect_response("**/_sandbox/info") as refused:
            shown.page.goto(f"{server.url}/docs")
        assert refused.value.status == 401
        shown.page.locator(".opblock-tag").first.wait_for()
        assert not shown.page.locator("#sign-in").is_visible()
        assert shown.outside == []
    finally:
        shown.close()
        server.stop()


def test_a_page_that_asks_elsewhere_or_complains_is_noticed(browser: "Browser", url: str) -> None:
    shown = Watched(browser, url)
    shown.page.goto(f"{url}/openapi.json")
    shown.assert_stayed_here()
    shown.page.set_content('<img src="http://192.0.2.1/logo.png">')
    assert shown.outside == ["http://192.0.2.1/logo.png"]
    shown.page.evaluate("console.error('no')")
    assert "no" in shown.complaints
    shown.close()


def test_the_listing_shows_every_operation_and_says_how_to_get_more(
    browser: "Browser", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(HERE / "static", tmp_path / "static")
    monkeypatch.setattr(docs, "read_files", lambda: read_files(tmp_path))
    server = ServerThread(VIRTUAL)
    shown = Watched(browser, server.url)
    try:
        shown.page.goto(f"{server.url}/s/default/docs")
        shown.page.locator("#createTransfer summary").click()
        assert {found.get_attribute("id") for found in shown.page.locator(".operation").all()} == set(
            operations_of(server.url)
        )
        inside = shown.page.locator("#createTransfer .inside").inner_text()
        for said in ("Idempotency-Key", "dry_run", "NewTransfer", "201", "422", "application/problem+json"):
            assert said in inside
        assert "SANDBANK_WEB=require" in shown.page.inner_text("main")
        shown.assert_stayed_here()
    finally:
        shown.close()
        server.stop()


def test_the_page_of_a_problem_reads_from_right_to_left_in_arabic(watched: Callable[[str], Watched]) -> None:
    shown = watched("/problems/insufficient_funds")
    page = shown.page
    assert page.locator("html").get_attribute("dir") == "ltr"
    page.get_by_role("link", name="العربية").click()
    page.get_by_role("heading", name="الرصيد غير كافٍ").wait_for()
    assert page.locator("html").get_attribute("dir") == "rtl"
    brand, main = page.locator(".brand").bounding_box(), page.locator("main").bounding_box()
    assert brand is not None
    assert main is not None
    assert brand["x"] > main["x"] + main["width"] / 2, "the bar begins on the right"
    assert page.locator("pre").evaluate("pre => getComputedStyle(pre).direction") == "ltr"
    page.get_by_role("link", name="جميع المشكلات").click()
    page.get_by_role("link", name="not_found").click()
    assert page.locator("html").get_attribute("lang") == "ar"
    shown.assert_stayed_here()
