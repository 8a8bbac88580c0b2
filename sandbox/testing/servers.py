"""The servers of one pytest run: the one that `--sandbank-url` names, or those started in this process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.testing.sandbank import Sandbank
from sandbox.testing.wire import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

_TOKEN = "SANDBANK_CONTROL_TOKEN"  # noqa: S105 - a name, no token


class Servers:
    """What the options and the configuration file say, and the servers that follow from it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.url = str(self._given("url") or "").rstrip("/")
        self.ecosystem = self._ecosystem()
        self.settings = _settings([*config.getini("sandbank_set"), *config.getoption("sandbank_set")])
        self.seed = _number(self._given("seed"))
        self.checks = bool(config.getoption("sandbank_check") or config.getini("sandbank_check"))
        self.keeps = bool(config.getoption("sandbank_keep"))
        self._running: dict[str | None, Sandbank] = {}
        if self.url and self.settings:
            pytest.fail("Sandbank: a running server takes no settings: give them to it, or no URL", pytrace=False)
        if self.keeps and not self.url:
            pytest.fail("Sandbank: --sandbank-keep needs --sandbank-url; a server of ours ends with us", pytrace=False)

    @property
    def main(self) -> Sandbank:
        """The server that tests have which name no other ecosystem."""
        return self._server(None if self.url else self.ecosystem)

    def for_ecosystem(self, ecosystem: str | None) -> tuple[Sandbank, str | None]:
        """A server and the `from` of a bank of an ecosystem there (none: what the server has)."""
        wanted = self._place(ecosystem) if ecosystem is not None else self.ecosystem
        if self.url:
            return self.main, None if wanted is None else f"ecosystem:{wanted}"
        # One server for each: then a folder is as good as a shipped name.
        return self._server(wanted), None

    def close(self) -> None:
        """End those that were started here."""
        while self._running:
            self._running.popitem()[1].close()

    def _server(self, ecosystem: str | None) -> Sandbank:
        if ecosystem not in self._running:
            self._running[ecosystem] = _clearly(lambda: self._connected() if self.url else self._started(ecosystem))
        return self._running[ecosystem]

    def _started(self, ecosystem: str | None) -> Sandbank:
        return Sandbank.start(ecosystem, **self.settings)

    def _connected(self) -> Sandbank:
        token = self._config.getoption("sandbank_control_token") or os.environ.get(_TOKEN)
        found = Sandbank(self.url, control_token=token)
        try:
            found.info()
        except BaseException:
            found.close()
            raise
        return found

    def _given(self, name: str) -> Any:
        """What the command line says, else the configuration file."""
        said = self._config.getoption(f"sandbank_{name}")
        return said if said is not None else self._config.getini(f"sandbank_{name}") or None

    def _ecosystem(self) -> str | None:
        named = self._given("ecosystem")
        return None if named is None else self._place(str(named))

    def _place(self, ecosystem: str) -> str:
        """A folder by its whole path, a name as it is."""
        for start in (self._config.rootpath, self._config.invocation_params.dir):
            folder = Path(start, ecosystem)
            if not self.url and folder.is_dir():
                return str(folder.resolve())
        return ecosystem


def _settings(lines: list[str]) -> dict[str, str]:
    named = {}
    for line in lines:
        name, equals, value = (part.strip() for part in line.partition("="))
        if not (name and equals):
            pytest.fail(f"Sandbank: {line!r} is no setting; write NAME=VALUE, such as lock_minutes=0", pytrace=False)
        named[name.removeprefix("--").replace("-", "_")] = value
    return named


def _number(text: Any) -> int | None:
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        pytest.fail(f"Sandbank: sandbank_seed is a whole number, not {text!r}", pytrace=False)


def _clearly(start: Callable[[], Sandbank]) -> Sandbank:
    """Start, or say in a line what is wrong with the options instead of showing our own code."""
    from sandbox.core.settings import SettingsError  # noqa: PLC0415 - none of this is needed for a server elsewhere
    from sandbox.store.ecosystem import EcosystemNotFoundError  # noqa: PLC0415
    from sandbox.store.reading import EcosystemError  # noqa: PLC0415

    try:
        return start()
    except EcosystemError as error:
        faults = "\n".join(f"  {failure}" for failure in error.failures[:20])
        said = f"{error}; nothing was loaded:\n{faults}"
    except (SettingsError, EcosystemNotFoundError, RefusedError, OSError, ValueError) as error:
        said = str(error)
    pytest.fail(f"Sandbank: {said}", pytrace=False)
