"""What several rooms check alike: refusals, and the servers they are asked of."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpx
from msgspec import structs
from pages import text_of
from support import VIRTUAL, Client

from sandbox.core.catalogue import catalogue

FATIMA_CURRENT = "2adf63a8-1580-4504-8fbc-68639f8b1a01"
FATIMA_SAVINGS = "4342ff6d-3f7a-4d9c-8272-4028bc30f365"
FATIMA_FROZEN = "6c67d4f0-f39e-40da-bee6-eb564d9ac858"
ARJUN_CURRENT = "a991115b-9191-4c37-aeef-d390c5e2ccae"
FATIMA_CUSTOMER = "f6f47dc4-0e37-4f10-a1ed-05cea49137fc"
ARJUN_CUSTOMER = "dad90f1d-5ecd-481f-ba09-c3d716d759d6"

JSON = {"content-type": "application/json"}


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The response is the RFC 9457 problem `code`, complete and of our catalogue; its body."""
    assert response.status_code == status, f"{response.status_code} {response.text[:500]}"
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["code"] == code, body
    assert body["type"] == f"/problems/{code}"
    assert body["status"] == status
    for member in ("title", "detail", "instance", "request_id"):
        assert isinstance(body[member], str), body
        assert body[member], body
    kind = catalogue()[code]
    assert kind.status == status
    assert body["title"] in {kind.title, kind.title_ar}
    assert body["request_id"] == response.headers["x-request-id"]
    assert "Accept-Language" in response.headers["vary"], "the title is in one of two languages"
    assert (status == 401) is ("www-authenticate" in response.headers), "RFC 9110 section 15.5.2"
    assert (status == 405) is ("allow" in response.headers), "RFC 9110 section 15.5.6"
    return body


def faults(response: httpx.Response) -> dict[str, str]:
    """The faults of a 400 `validation_failed`: codes by pointer."""
    body = assert_problem(response, 400, "validation_failed")
    assert body["errors"], body
    assert all(set(fault) == {"pointer", "code", "detail"} and fault["detail"] for fault in body["errors"])
    found = {fault["pointer"]: fault["code"] for fault in body["errors"]}
    assert len(found) == len(body["errors"]), "one fault for each place"
    assert set(found.values()) <= documented_fault_codes(), found
    return found


@cache
def documented_fault_codes() -> frozenset[str]:
    """The codes of faults that docs/problems.md has."""
    table = text_of("docs/problems.md").partition("The codes of `errors`")[2].partition("\n\nSome problems")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return frozenset(code for row in rows for code in re.findall(r"`(\w+)`", row))


@contextmanager
def serving(**changes: Any) -> Iterator[Client]:
    """A fresh server in this process, with other settings than usual."""
    client = Client(structs.replace(VIRTUAL, **changes))
    try:
        yield client
    finally:
        client.close()


@contextmanager
def unchanged(client: Client, at: str = "") -> Iterator[None]:
    """What happens inside changes nothing: same digest, same business time."""
    before = client.digest(at), client.get(f"{at}/_sandbox/digest").headers["sandbank-time"]
    yield
    after = client.digest(at), client.get(f"{at}/_sandbox/digest").headers["sandbank-time"]
    assert after == before


class Filled(dict[str, str]):
    """Path parameters by name; one that is not given is `x`."""

    def __missing__(self, name: str) -> str:
        return "x"
