"""`/_sandbox/metrics`: text that Prometheus reads, in which each number moves when it should."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from archives import Gate, archive_of
from bankside import ARJUN_CURRENT, FATIMA_CURRENT
from checks import assert_problem
from msgspec import structs
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from support import VIRTUAL, Client

from sandbox import __version__
from sandbox.control import exposition
from sandbox.http.meter import BOUNDS_S

URL = "/_sandbox/metrics"
Labels = frozenset[tuple[str, str]]


def families(client: Client) -> dict[str, Metric]:
    """What a scrape gives, family by family, read by Prometheus' own reader."""
    answer = client.get(URL)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def samples(client: Client) -> dict[tuple[str, Labels], float]:
    """Every sample of a scrape."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families(client).values()
        for sample in family.samples
    }


def value(client: Client, name: str, **labels: str) -> float:
    """One sample; 0 where there is none yet."""
    return samples(client).get((name, frozenset(labels.items())), 0.0)


def test_it_is_text_that_prometheus_reads(client: Client) -> None:
    client.login().accounts()
    found = families(client)
    kinds = {name: family.type for name, family in found.items()}
    assert kinds == {
        "sandbank_requests": "counter",
        "sandbank_request_duration_seconds": "histogram",
        "sandbank_refusals": "counter",
        "sandbank_writes": "counter",
        "sandbank_sandboxes": "gauge",
        "sandbank_sandboxes_sleeping": "gauge",
        "sandbank_outbox_lag": "gauge",
        "sandbank_resident_memory_bytes": "gauge",
        "process_resident_memory_bytes": "gauge",
        "sandbank_build_info": "gauge",
    }
    assert all(family.documentation.endswith(".") for family in found.values())


def test_requests_count_by_operation_method_and_status(client: Client) -> None:
    fatima = client.login()
    for _ in range(3):
        fatima.accounts()
    client.get("/v1/accounts")
    client.request("HEAD", "/_sandbox/info")
    client.get("/nowhere")
    client.get("/nowhere/else")
    name = "sandbank_requests_total"
    assert value(client, name, operation="listAccounts", method="GET", status="200") == 3
    assert value(client, name, operation="listAccounts", method="GET", status="401") == 1
    assert value(client, name, operation="info", method="HEAD", status="200") == 1
    assert value(client, name, operation="none", method="GET", status="404") == 2


def test_a_scrape_counts_from_the_next_one_on(client: Client) -> None:
    labels = {"operation": "metrics", "method": "GET", "status": "200"}
    assert [value(client, "sandbank_requests_total", **labels) for _ in range(3)] == [0, 1, 2]


def test_latency_is_a_histogram_that_adds_up(client: Client) -> None:
    fatima = client.login()
    for _ in range(4):
        fatima.accounts()
    found = {
        dict(labels)["le"]: count
        for (name, labels), count in samples(client).items()
        if name == "sandbank_request_duration_seconds_bucket" and ("operation", "listAccounts") in labels
    }
    assert list(map(float, found)) == [*BOUNDS_S, float("inf")]
    assert list(found.values()) == sorted(found.values()), "each bucket holds those below it"
    count = value(client, "sandbank_request_duration_seconds_count", operation="listAccounts")
    assert found["+Inf"] == count == 4
    total = value(client, "sandbank_request_duration_seconds_sum", operation="listAccounts")
    assert 0 < total < 60


def test_refusals_count_by_their_code_stored_ones_each_time(client: Client) -> None:
    fatima = client.login()
    for _ in range(2):
        fatima.transfer(FATIMA_CURRENT, ARJUN_CURRENT, "99999999.000", key="k")
    client.get("/v1/accounts")
    assert value(client, "sandbank_refusals_total", code="insufficient_funds") == 2
    assert value(client, "sandbank_refusals_total", code="unauthenticated") == 1


def test_writes_count_in_all_sandboxes_and_never_fall(client: Client) -> None:
    name = "sandbank_writes_total"
    assert value(client, name) == 0
    client.login().accounts()
    assert value(client, name) == 1
    client.post("/_sandbox/sandboxes", {"id": "t1"})
    client.login(at="/s/t1").transfer(FATIMA_CURRENT, ARJUN_CURRENT, "1.000")
    assert value(client, name) == 3
    client.request("DELETE", "/_sandbox/sandboxes/t1")
    client.post("/_sandbox/reset")
    assert value(client, name) == 3


def test_a_refusal_that_leaves_traces_is_a_write(client: Client) -> None:
    client.post("/v1/auth/login", {"username": "fatima", "password": "wrong"})
    assert value(client, "sandbank_writes_total") == 1


def test_sandboxes_come_and_go(client: Client) -> None:
    name = "sandbank_sandboxes"
    assert value(client, name) == 1
    client.post("/_sandbox/sandboxes", {"id": "t1"})
    assert value(client, name) == 2
    client.request("DELETE", "/_sandbox/sandboxes/t1")
    assert value(client, name) == 1


def test_who_was_written_to_and_used_long_ago_sleeps() -> None:
    name = "sandbank_sandboxes_sleeping"
    client = Client(structs.replace(VIRTUAL, max_awake=2))
    try:
        for sandbox_id in ("t1", "t2", "t3"):
            client.post("/_sandbox/sandboxes", {"id": sandbox_id})
            assert value(client, name) == 0, "who was never written to has nothing to keep"
        for sandbox_id in ("t1", "t2", "t3"):
            client.login(at=f"/s/{sandbox_id}")
        assert value(client, name) == 1
        client.login(at="/s/t1")
        assert value(client, name) == 1, "one wakes, another goes to sleep"
        client.request("DELETE", "/_sandbox/sandboxes/t2")
        assert value(client, name) == 0
    finally:
        client.close()


def test_without_a_subscriber_nobody_is_behind(client: Client) -> None:
    client.login().transfer(FATIMA_CURRENT, ARJUN_CURRENT, "1.000")
    assert value(client, "sandbank_outbox_lag") == 0
    assert client.app.house.activity.events > 0


@contextmanager
def keeping(folder: Path) -> Iterator[Client]:
    """A server with an archive."""
    client = Client(structs.replace(VIRTUAL, data_dir=str(folder)))
    archive = archive_of(client.app.house)

    async def start() -> None:
        archive.start()

    client.run(start())
    try:
        yield client
    finally:
        client.run(archive.stop())
        client.close()


def test_the_archive_is_behind_until_events_are_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "sandbank_outbox_lag"
    with keeping(tmp_path) as client:
        archive = archive_of(client.app.house)
        gate = Gate(archive, monkeypatch)
        client.login().transfer(FATIMA_CURRENT, ARJUN_CURRENT, "1.000")
        events = client.app.house.activity.events
        assert value(client, name) == events > 0
        gate.open.set()
        client.run(archive.settled(None))
        assert value(client, name) == 0
        client.login()
        client.post("/_sandbox/reset")
        client.run(archive.settled(None))
        assert value(client, name) == 0


def test_memory_is_what_the_system_says(client: Client) -> None:
    client.get(URL)  # loads the library
    process = psutil.Process()
    before = process.memory_info().rss
    found = value(client, "sandbank_resident_memory_bytes")
    assert before * 0.8 < found < process.memory_info().rss * 1.2
    names = {name for name, _ in samples(client)}
    assert "process_resident_memory_bytes" in names


def test_memory_that_cannot_be_read_is_left_out(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposition, "resident_bytes", lambda: None)
    assert not [name for name in families(client) if "memory" in name]


def test_the_version_stands_there(client: Client) -> None:
    assert value(client, "sandbank_build_info", version=__version__) == 1


def test_it_tells_nothing_of_any_one_sandbox(client: Client) -> None:
    client.post("/_sandbox/sandboxes", {"id": "the-secret-project"})
    client.login(at="/s/the-secret-project")
    assert "the-secret-project" not in client.get(URL).text
    assert client.get("/s/the-secret-project/_sandbox/metrics").status_code == 200


def test_rows_do_not_grow_with_what_clients_make_up(client: Client) -> None:
    client.get("/nowhere")
    client.get(URL)
    before = len(samples(client))
    for number in range(20):
        client.get(f"/nowhere/{number}")
        client.get(f"/s/nobody-{number}/v1/accounts")
        client.request(f"METHOD{number}", f"/v1/accounts/{number}")
        client.get("/_sandbox/info", headers={"x-request-id": f"mine-{number}"})
    after = samples(client)
    labels = {pair for _, labels in after for pair in labels}
    assert not [text for _, text in labels if "nobody" in text or "METHOD" in text or "mine" in text]
    assert len(after) < before + 3 * (len(BOUNDS_S) + 3) + 12


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"host": "evil.example"}, 403, "host_not_allowed"),
        ({"origin": "https://evil.example"}, 403, "origin_not_allowed"),
        ({"sec-fetch-site": "cross-site"}, 403, "origin_not_allowed"),
    ],
)
def test_it_is_guarded_like_the_rest_of_the_plane(
    client: Client, headers: dict[str, str], status: int, code: str
) -> None:
    assert_problem(client.get(URL, headers=headers), status, code)


def test_it_asks_for_the_control_token_where_there_is_one() -> None:
    token = "a-token-of-sixteen-characters"
    client = Client(structs.replace(VIRTUAL, control_token=token))
    try:
        assert_problem(client.get(URL), 401, "control_token_required")
        bearer = client.get(URL, headers={"authorization": f"Bearer {token}"})
        assert bearer.status_code == 200, "Prometheus can send no header of its own but this one"
    finally:
        client.close()


def test_a_strict_server_needs_no_sandbox_named() -> None:
    client = Client(structs.replace(VIRTUAL, strict=True))
    try:
        assert client.get(URL).status_code == 200
    finally:
        client.close()


def test_its_example_is_text_that_prometheus_reads(client: Client) -> None:
    described: Any = client.get("/openapi.json").json()["paths"][URL]["get"]["responses"]["200"]["content"]
    assert list(described) == ["text/plain"]
    (example,) = described["text/plain"]["examples"].values()
    real = families(client)
    for family in text_string_to_metric_families(example["value"]):
        assert family.documentation == real[family.name].documentation
        assert family.samples
