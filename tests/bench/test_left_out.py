"""A peer that cannot be had leaves the table; a server that does not come up fails the run."""

import pytest

from benchmarks import __main__ as command
from benchmarks import data, lifecycle, load, npm, peers, report, servers, throughput
from benchmarks.load import Measured, Plan
from benchmarks.servers import Server, ServerError
from benchmarks.throughput import Fleet, Options

OPTIONS = Options(rounds=3, seconds=0.5)


class Standing(Server):
    """A server that is said to run; nothing is sent to it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.url = f"http://{name}"

    def resident_mib(self) -> float:
        return 80.0 if self.name == "sandbank" else 40.0


def absent() -> Server:
    raise npm.AbsentError("node is not on the PATH")


def broken() -> Server:
    raise ServerError("prism ended with 1 before it was ready: no message")


def test_an_absent_peer_is_told_and_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    findings = command.Findings()
    assert findings.server("prism", absent) is None
    assert findings.notes == ["prism is left out: node is not on the PATH"]
    assert findings.failures == []
    assert "prism is left out: node is not on the PATH" in capsys.readouterr().err


def test_a_peer_that_does_not_come_up_is_a_failure() -> None:
    findings = command.Findings()
    assert findings.server("prism", broken) is None
    assert findings.failures == ["prism ended with 1 before it was ready: no message"]
    assert findings.notes == []


def test_the_table_has_no_row_of_an_absent_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(_: Plan) -> Measured:
        return Measured(requests=10, rate=20.0, p50_ms=1.0, p95_ms=2.0, p99_ms=3.0, answered=10, busy=0.1, failures={})

    monkeypatch.setattr(load, "run", measured)
    rows = throughput.account_list(Fleet(bare=Standing("bare")), OPTIONS)
    assert [row.subject for row in rows] == ["bare"]


def test_memory_has_every_peer_and_sandbank_beside_it() -> None:
    fleet = Fleet(
        bare=Standing("bare"),
        sandbank=Standing("sandbank"),
        peers={peers.WIREMOCK: Standing("wiremock"), peers.PRISM: Standing("prism")},
    )
    rows = {row.subject: row.figure for row in lifecycle.resident(fleet, "after the load")}
    assert rows == {
        "bare": "40 MiB",
        "sandbank": "80 MiB",
        "wiremock": "40 MiB",
        "prism": "40 MiB",
        "sandbank / bare": "2.00x",
        "sandbank / wiremock": "2.00x",
        "sandbank / prism": "2.00x",
    }


def test_starts_go_on_without_an_absent_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    def started() -> Server:
        return Started()

    class Started(Standing):
        def __init__(self) -> None:
            super().__init__("wiremock")
            self.ready_ms = 1000.0

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(lifecycle, "_sandbank_start", lambda **_: (480.0, 500.0))
    monkeypatch.setattr(data, "ecosystem", lambda _: None)
    monkeypatch.setattr(peers, "answers", lambda _: None)
    monkeypatch.setattr(peers, "starts", lambda _: {peers.PRISM: absent, peers.WIREMOCK: started})
    monkeypatch.setattr(servers, "bare", started)
    monkeypatch.setattr(servers, "json_server", absent)
    rows = lifecycle.cold_start(1000, 2)
    assert [row.subject for row in rows if row.topic == "start to first answer"] == ["bare", "wiremock"]
    ratios = {row.subject: row.figure for row in rows if row.subject.startswith("sandbank /")}
    assert ratios == {
        "sandbank / bare": "0.50x (0.50x to 0.50x)",
        "sandbank / wiremock": "0.50x (0.50x to 0.50x)",
    }


def test_the_facts_of_the_run_say_what_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    facts = report.machine()
    assert (
        f"json-server {npm.JSON_SERVER_VERSION} and Prism {npm.PRISM_VERSION} on Node (absent); "
        f"WireMock {npm.WIREMOCK_VERSION} on Java (absent)"
    ) in facts
