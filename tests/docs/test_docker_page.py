"""docs/docker.md is true: it names what the image has, and its commands and files are taken."""

import re
import shlex
from typing import Any

import commandlines
import pages
import pytest
import yaml
from dockerfiles import stages
from support import Client

from sandbox.cli.serve import _LAST_ANSWERS_S
from sandbox.core.settings import describe, load

PAGE = pages.text_of("docs/docker.md")
IMAGE = stages(pages.text_of("Dockerfile"))[-1]
RUNS = re.findall(r"docker run [^\n`]+", PAGE)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("run", RUNS)
def test_every_docker_run_names_the_image_and_a_command_that_is_taken(run: str) -> None:
    words = shlex.split(run.replace("...", ""))
    image = words.index("sandbank")
    for place, word in enumerate(words[:image]):
        if word == "--env":
            name, _, value = words[place + 1].partition("=")
            assert name in load(flags={}, environ={name: value}, file=None).sources.values()
    commandlines.require_taken(words[image + 1 :] or IMAGE.last("CMD").words)


def test_the_page_names_what_the_image_has() -> None:
    assert len(RUNS) >= 6
    user = IMAGE.last("USER").rest.partition(":")[0]
    assert f"user {user}" in PAGE
    assert f"`{IMAGE.base}`" in PAGE
    assert f"The working directory is `{IMAGE.last('WORKDIR').rest}`" in PAGE
    settings = [name for name in IMAGE.environment if name.startswith("SANDBANK_")]
    flowing = " ".join(PAGE.split())
    *others, last = (f"`{name}`" for name in settings)
    assert len(settings) == 4
    assert f"The image sets four, {', '.join(others)} and {last}." in flowing
    assert IMAGE.last("HEALTHCHECK").flags["interval"] == ["5s"]
    assert "every five seconds" in PAGE
    assert _LAST_ANSWERS_S == 3
    assert "for up to three seconds" in PAGE


def test_every_variable_of_the_page_is_a_setting() -> None:
    known = {info.variable for info in describe()} | {"SANDBANK_PUBLISHED_PORT"}
    assert set(re.findall(r"SANDBANK_[A-Z_]+", PAGE)) <= known
    assert "SANDBANK_PUBLISHED_PORT" in pages.text_of("docker-compose.yml")


def test_an_image_on_top_runs_commands_that_are_taken_and_is_not_root() -> None:
    (text,) = blocks("dockerfile")
    (made,) = stages(text.replace("FROM sandbank", "FROM sandbank AS made"))
    for run in made.all("RUN"):
        for words in commandlines.of_sandbank(run.rest):
            commandlines.require_taken(words)
    commandlines.require_taken(made.last("CMD").words)
    assert made.last("USER").rest == IMAGE.last("USER").rest
    assert IMAGE.environment["SANDBANK_CACHE_DIR"] in made.last("RUN").rest


def test_the_pod_of_the_page_is_one_that_this_server_can_be(client: Client) -> None:
    (text,) = blocks("yaml")
    pod: dict[str, Any] = yaml.safe_load(text)
    assert pod["spec"]["enableServiceLinks"] is False
    (container,) = pod["spec"]["containers"]
    port = int(IMAGE.last("EXPOSE").rest)
    assert container["ports"] == [{"containerPort": port}]
    for probe in ("readinessProbe", "livenessProbe"):
        asked = container[probe]["httpGet"]
        assert asked["port"] == port
        assert client.get(asked["path"]).status_code == 200
    known = {info.variable for info in describe()}
    assert {variable["name"] for variable in container["env"]} <= known
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
    assert {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]} == dict.fromkeys(volumes, "/tmp")
