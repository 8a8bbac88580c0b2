"""A page of another loopback origin, in a real browser: it signs in, pays, and reads the headers of the contract."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsers import Watched, chromium, static_site
from checks import FATIMA_CURRENT, FATIMA_SAVINGS
from support import PASSWORDS, transfer_body

from sandbox.core.settings import Settings
from sandbox.testing.server import ServerThread

CALL = """
async ([url, options]) => {
    const answer = await fetch(url, options);
    return {status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.json()};
}
"""


class Shop:
    """An application's page, and what its scripts get from the bank."""

    def __init__(self, watched: Watched, bank: str) -> None:
        self.watched = watched
        self._bank = bank

    def call(self, path: str, body: object = None, **headers: str) -> dict[str, Any]:
        """What `fetch` gives a script of the page."""
        options: dict[str, Any] = {"headers": {name.replace("_", "-"): value for name, value in headers.items()}}
        if body is not None:
            options |= {"method": "POST", "body": self.watched.page.evaluate("JSON.stringify", body)}
            options["headers"]["content-type"] = "application/json"
        found: dict[str, Any] = self.watched.page.evaluate(CALL, [self._bank + path, options])
        return found


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A page on another port of 127.0.0.1 than its bank."""
    (tmp_path / "index.html").write_text('<!doctype html><title>Shop</title><link rel="icon" href="data:,">')
    server = ServerThread(Settings(ecosystem="tiny", image_cache=False))
    try:
        with static_site(tmp_path) as origin, chromium() as browser:
            watched = Watched(browser, origin, server.url)
            watched.page.goto(f"{origin}/index.html")
            yield Shop(watched, server.url)
            watched.close()
    finally:
        server.stop()


def test_a_page_of_another_origin_signs_in_pays_and_reads_the_headers(shop: Shop) -> None:
    refused = shop.call("/v1/accounts", x_request_id="shop-1")
    assert (refused["status"], refused["body"]["code"]) == (401, "unauthenticated")
    assert refused["headers"]["www-authenticate"] == "Bearer"
    assert refused["headers"]["x-request-id"] == "shop-1"

    tokens = shop.call("/v1/auth/login", {"username": "fatima", "password": PASSWORDS["fatima"]})
    assert tokens["status"] == 200
    bearer = f"Bearer {tokens['body']['access_token']}"

    order = transfer_body(FATIMA_CURRENT, FATIMA_SAVINGS, "1.000")
    paid = shop.call("/v1/transfers", order, authorization=bearer, idempotency_key="shop-order-1")
    assert paid["status"] == 201
    assert paid["headers"]["location"] == f"/v1/transfers/{paid['body']['transfer_id']}"
    assert paid["headers"]["sandbank-time"].startswith("2026-01-15T")
    assert "idempotent-replayed" not in paid["headers"]

    again = shop.call("/v1/transfers", order, authorization=bearer, idempotency_key="shop-order-1")
    assert (again["status"], again["body"]) == (201, paid["body"])
    assert again["headers"]["idempotent-replayed"] == "true"

    account = shop.call(f"/v1/accounts/{FATIMA_CURRENT}", authorization=bearer)
    assert account["headers"]["etag"].startswith('"')
    assert account["headers"]["x-request-id"]
    listed = shop.call("/v1/transactions?limit=1", authorization=bearer)
    assert 'rel="next"' in listed["headers"]["link"]
    records = shop.call("/_data/accounts?_limit=1")
    assert int(records["headers"]["x-total-count"]) > 1
    assert shop.watched.outside == []


def test_a_page_of_another_origin_cannot_read_the_control_plane(shop: Shop) -> None:
    from playwright.sync_api import Error  # noqa: PLC0415 - the fixture has found it

    with pytest.raises(Error, match="Failed to fetch"):
        shop.call("/_sandbox/info")
