"""A server under test: the house of all its banks, running in this process or anywhere else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self

import msgspec

from sandbox.testing.bank import Bank
from sandbox.testing.naming import another
from sandbox.testing.views import Info, SandboxFacts
from sandbox.testing.wire import TIMEOUT_SECONDS, Wire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from sandbox.core.settings import Settings
    from sandbox.testing.server import ServerThread
    from sandbox.testing.wire import Answer

CACHES = ("SANDBANK_CACHE_DIR", "SANDBANK_IMAGE_CACHE")
"""The only variables that a server in this process heeds: no others may change what a test sees."""

_TRIES = 100


class Sandbank:
    """A server: `Sandbank("http://127.0.0.1:8000")`, or one of its own by `Sandbank.start()`."""

    def __init__(self, url: str, *, control_token: str | None = None, timeout: float = TIMEOUT_SECONDS) -> None:
        self.wire = Wire(url, timeout=timeout)
        self.url = self.wire.url
        self.control_token = control_token
        self._server: ServerThread | None = None

    @classmethod
    def start(cls, ecosystem: str | None = None, **settings: object) -> Sandbank:
        """Start a server in this process: in a thread of its own, on a free port of 127.0.0.1.

        Tokens run on business time, so that they too are the same in every run. Neither `sandbank.toml` nor the
        environment is read, the place of the image cache aside.

        Args:
            ecosystem: a folder, or the name of a shipped one.
            settings: any of docs/settings.md, as values or as texts: `lock_minutes=0`.

        Raises:
            SettingsError: there is no such setting, or it does not take the value.
            EcosystemNotFoundError, EcosystemError: the ecosystem is not there, or breaks a rule.
        """
        from sandbox.testing.server import ServerThread  # noqa: PLC0415 - loads the web framework

        server = ServerThread(_settings(ecosystem, settings))
        made = cls(server.url)
        made._server = server
        return made

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, and end the server if it was started here."""
        self.wire.close()
        if self._server is not None:
            self._server.stop()
            self._server = None

    @property
    def is_own(self) -> bool:
        """Whether it was started here, and ends with `close`."""
        return self._server is not None

    def request(self, method: str, path: str, *, json: object = None) -> Answer:
        """Any request to the server as a whole."""
        return self.wire.send(method, path, body=json, headers={"sandbank-control-token": self.control_token})

    def info(self) -> Info:
        """What it serves in its sandbox `default`."""
        return msgspec.convert(self.request("GET", "/_sandbox/info").expect().json(), Info)

    def bank(self, sandbox_id: str = "default") -> Bank:
        """A bank that is there already.

        Raises:
            RefusedError: `sandbox_unknown`.
        """
        return self.adopt(self.facts(sandbox_id))

    def fork(
        self,
        *,
        id: str | None = None,  # noqa: A002 - as the API calls it
        source: str | None = None,
        seed: int | None = None,
        scenarios: Sequence[str | Mapping[str, Any]] = (),
        name: str | None = None,
        ttl: int | None = None,
    ) -> Bank:
        """Make a bank of its own, which as a context manager is removed at the end.

        Args:
            id: of the sandbox, made by the server when left out; where it is taken, `-2`, `-3` and so on is added.
            source: `ecosystem:NAME`, `sandbox:ID` or `snapshot:NAME`; the clean image when left out.
            seed: of its ids and random draws.
            scenarios: to apply in this order: names, or what `scenario_order` makes.
            name: for people.
            ttl: seconds of real time after which the server removes it by itself.

        Raises:
            RefusedError: the server refuses the order.
        """
        order: dict[str, object] = {"id": id, "from": source, "seed": seed, "name": name, "ttl": ttl}
        if scenarios:
            order["scenarios"] = [one if isinstance(one, str) else dict(one) for one in scenarios]
        return self.adopt(self.make(**{name: value for name, value in order.items() if value is not None}))

    def adopt(self, facts: SandboxFacts) -> Bank:
        """The bank that a sandbox of this server is."""
        return Bank(self, facts)

    def make(self, **order: object) -> SandboxFacts:
        """Make a sandbox by an order as `POST /_sandbox/sandboxes` takes it, and say what was made.

        Raises:
            RefusedError: the server refuses the order.
        """
        wanted = order.get("id")
        answer = self.request("POST", "/_sandbox/sandboxes", json=order)
        for attempt in range(2, _TRIES):
            if answer.problem != "sandbox_exists" or not isinstance(wanted, str):
                break
            order["id"] = another(wanted, attempt)
            answer = self.request("POST", "/_sandbox/sandboxes", json=order)
        return msgspec.convert(answer.expect().json(), SandboxFacts)

    def facts(self, sandbox_id: str) -> SandboxFacts:
        """A sandbox as the server describes it.

        Raises:
            RefusedError: `sandbox_unknown`.
        """
        return msgspec.convert(self.request("GET", f"/_sandbox/sandboxes/{sandbox_id}").expect().json(), SandboxFacts)

    def remove(self, sandbox_id: str) -> None:
        """Take a sandbox away; one that is gone already is no error."""
        answer = self.request("DELETE", f"/_sandbox/sandboxes/{sandbox_id}")
        if answer.problem != "sandbox_unknown":
            answer.expect()


def scenario_order(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A scenario as `POST /_sandbox/sandboxes` takes it."""
    return {"name": name, "parameters": dict(parameters)}


def _settings(ecosystem: str | None, given: Mapping[str, object]) -> Settings:
    from sandbox.core.settings import load  # noqa: PLC0415 - only servers of our own have settings

    flags = {"transport_clock": "virtual", "ecosystem": ecosystem} | dict(given)
    environ = {name: os.environ[name] for name in CACHES if name in os.environ}
    return load(flags=flags, environ=environ, file=None).settings
