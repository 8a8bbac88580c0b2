"""What can be said of the Dockerfile, its `.dockerignore` and docker-compose.yml without running them."""

import json
import re
from typing import Any

import pytest
import yaml
from dockerfiles import Instruction, Stage, instructions, left_out, stages
from packaged import REPOSITORY, USER, tracked

from sandbox.core.settings import Settings, describe, load

TEXT = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
IGNORE = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8")
STAGES = stages(TEXT)
LAST = STAGES[-1]
COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICE: dict[str, Any] = COMPOSE["services"]["sandbank"]
KNOWN = {
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN", "SHELL",
    "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
}  # fmt: skip


def from_context() -> list[str]:
    """What is copied from the build context."""
    copies = [one for stage in STAGES for one in stage.all("COPY") if "from" not in one.flags]
    return [source for one in copies for source in one.words[:-1]]


def settings(environment: dict[str, Any]) -> Settings:
    """The settings that an environment gives, every value checked."""
    given = {name: str(value) for name, value in environment.items() if name.startswith("SANDBANK_")}
    return load(flags={}, environ=given, file=None).settings


def test_every_line_is_an_instruction() -> None:
    assert {one.name for one in instructions(TEXT)} <= KNOWN
    assert [stage.name for stage in STAGES] == ["built", "installed", "served"]


def test_all_stages_stand_on_one_small_python() -> None:
    assert {stage.base for stage in STAGES} == {"python:3.13-slim"}


@pytest.mark.parametrize("source", from_context())
def test_what_is_copied_is_in_git_and_in_the_context(source: str) -> None:
    files = [path for path in tracked() if path == source or (source.endswith("/") and path.startswith(source))]
    assert files
    assert not [path for path in files if left_out(path, IGNORE)]


def test_the_context_has_nothing_that_is_not_copied() -> None:
    sources = from_context()
    sent = [path for path in tracked() if not left_out(path, IGNORE)]
    assert not [path for path in sent if not any(path == source or path.startswith(source) for source in sources)]


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("sandbox/app.py", False),
        ("sandbox/core/__pycache__/money.cpython-311.pyc", True),
        ("sandbox/webui/dist/index.html", True),
        ("seeds/kuwait/accounts.json", False),
        ("seeds/.half/accounts.json", True),
        ("web/node_modules/a/package.json", True),
        ("web/package.json", False),
        (".git/config", True),
        (".venv/bin/python", True),
        ("tests/conftest.py", True),
        ("sandbank.toml", True),
        ("pyproject.toml", False),
    ],
)
def test_what_lies_about_is_left_out(path: str, *, out: bool) -> None:
    assert left_out(path, IGNORE) is out


@pytest.mark.parametrize(
    ("path", "patterns", "out"),
    [
        ("a/b", "a", True),
        ("ab", "a", False),
        ("a/b.pyc", "**/*.pyc", True),
        ("b.pyc", "**/*.pyc", True),
        ("a/b.pyc", "*.pyc", False),
        ("a/b", "*\n!a", False),
        ("a/b", "!a\n*", True),
        ("a/b", "# a", False),
        ("a1", "a?", True),
    ],
)
def test_patterns_are_read_as_docker_reads_them(path: str, patterns: str, *, out: bool) -> None:
    assert left_out(path, patterns) is out


def test_copies_between_stages_name_a_stage_before() -> None:
    for place, stage in enumerate(STAGES):
        before = {earlier.name for earlier in STAGES[:place]}
        for one in stage.all("COPY"):
            assert set(one.flags.get("from", ())) <= before, one


def test_the_image_has_only_what_was_copied_and_no_step_of_its_own() -> None:
    assert not LAST.all("RUN")
    assert all("from" in one.flags for one in LAST.all("COPY"))
    assert LAST.base.endswith("slim")


def test_the_user_is_a_number_and_not_root() -> None:
    assert LAST.last("USER").rest == f"{USER}:{USER}"
    written = LAST.instructions.index(LAST.last("USER"))
    assert written < LAST.instructions.index(LAST.last("ENTRYPOINT"))


def test_commands_are_run_without_a_shell_so_that_signals_reach_them() -> None:
    assert LAST.last("ENTRYPOINT").rest.startswith("[")
    assert LAST.last("CMD").rest.startswith("[")
    assert [*LAST.last("ENTRYPOINT").words, *LAST.last("CMD").words] == ["sandbank", "serve"]
    assert LAST.last("STOPSIGNAL").rest == "SIGTERM"


def test_the_health_check_needs_nothing_but_sandbank() -> None:
    check = LAST.last("HEALTHCHECK")
    assert json.loads(check.rest.removeprefix("CMD ")) == ["sandbank", "health"]
    assert set(check.flags) == {"interval", "timeout", "start-period", "retries"}
    assert not re.search(r"\b(curl|wget|apt-get)\b", TEXT)


def test_the_environment_is_of_settings_and_the_port_is_the_exposed_one() -> None:
    chosen = settings(LAST.environment)
    assert chosen.host == "0.0.0.0"
    assert str(chosen.port) == LAST.last("EXPOSE").rest
    baked = next(one for stage in STAGES for one in stage.all("RUN") if "ecosystem compile" in one.rest)
    assert f"SANDBANK_CACHE_DIR={chosen.cache_dir} " in baked.rest


def test_no_secret_and_no_latest_is_in_the_dockerfile() -> None:
    secrets = [info.variable for info in describe() if info.secret]
    assert secrets
    assert not [name for name in secrets if name in TEXT]
    assert "latest" not in TEXT


# docker-compose.yml


def test_compose_builds_this_and_confines_it() -> None:
    assert SERVICE["build"] == "."
    assert SERVICE["read_only"] is True
    assert SERVICE["init"] is True
    assert SERVICE["cap_drop"] == ["ALL"]
    assert SERVICE["security_opt"] == ["no-new-privileges:true"]
    assert SERVICE["tmpfs"] == ["/tmp"]
    assert "privileged" not in SERVICE
    assert "user" not in SERVICE, "that of the image"
    assert "healthcheck" not in SERVICE, "that of the image"


def test_compose_publishes_the_port_of_the_image_to_this_machine_alone() -> None:
    (port,) = SERVICE["ports"]
    address, _, inside = port.rpartition(":")
    assert address.startswith("127.0.0.1:")
    assert inside == LAST.last("EXPOSE").rest


def test_the_settings_of_compose_are_ours_and_its_own_name_is_let_in() -> None:
    given = {name: value for name, value in SERVICE["environment"].items() if value is not None}
    chosen = settings({**LAST.environment, **given})
    assert chosen.allowed_hosts == ("sandbank",)
    assert set(COMPOSE["services"]) == set(chosen.allowed_hosts)
    passed_on = {name for name, value in SERVICE["environment"].items() if value is None}
    assert passed_on == {"SANDBANK_CONTROL_TOKEN"}
    assert passed_on <= {info.variable for info in describe()}


def test_the_volume_of_compose_is_where_its_data_folder_would_be() -> None:
    (volume,) = SERVICE["volumes"]
    name, _, place = volume.partition(":")
    assert set(COMPOSE["volumes"]) == {name}
    shown = re.search(r"# (SANDBANK_DATA_DIR): (\S+)$", (REPOSITORY / "docker-compose.yml").read_text(), re.MULTILINE)
    assert shown is not None
    assert settings({shown[1]: shown[2]}).data_dir == place
    assert f"{place}/" in [one.words[-1] for one in LAST.all("COPY")]


# The reader of Dockerfiles.


def test_a_dockerfile_is_read() -> None:
    text = "ARG V=1\n\nFROM a:${V} AS one\n# no\nRUN --mount=x=1 --mount=y=2 \\\n  # no\n  go \\\n  on\n"
    text += 'ENV A=1 \\\n  B="2 3"\n'
    (stage,) = stages(text)
    assert (stage.name, stage.base) == ("one", "a:1")
    assert stage.all("RUN") == [Instruction("RUN", {"mount": ["x=1", "y=2"]}, "go on")]
    assert stage.environment == {"A": "1", "B": "2 3"}
    assert Stage("x", "y", [Instruction("CMD", {}, '["a", "b c"]')]).last("CMD").words == ["a", "b c"]
