"""docs/json-server.md: its examples answer what it says, and its tables leave nothing out."""

import re
import shlex
from pathlib import Path

import pytest
from support import Client

from sandbox.data.filtering import OPERATORS
from sandbox.data.query import PARAMETERS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "json-server.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
LINES = [line for block in BLOCKS for line in block.splitlines()]


def commands() -> list[tuple[list[str], int]]:
    """Every curl command of the page, its variables filled in, with the status that it announces."""
    variables: dict[str, str] = {}
    found = []
    for line in LINES:
        assigned = re.fullmatch(r"([A-Z])=(.*)", line)
        if assigned:
            variables[assigned[1]] = shlex.split(assigned[2])[0]
        elif line.startswith("curl "):
            command, _, status = line.rpartition("#")
            words = [re.sub(r"\$([A-Z])", lambda match: variables[match[1]], word) for word in shlex.split(command)]
            found.append((words[1:], int(status)))
    return found


def test_every_example_answers_what_the_page_says(client: Client) -> None:
    assert len(commands()) > 20
    for words, status in commands():
        method, body, headers, path = "", None, {}, ""
        rest = iter(words)
        for word in rest:
            if word == "-X":
                method = next(rest)
            elif word == "-H":
                name, _, value = next(rest).partition(": ")
                headers[name] = value
            elif word == "-d":
                body = next(rest)
            else:
                path = word.removeprefix("localhost:8000")
        method = method or ("GET" if body is None else "POST")
        answer = client.request(method, path, content=body, headers=headers)
        assert answer.status_code == status, (words, answer.text)
    client.assert_sound()


def test_examples_that_look_for_something_find_it(client: Client) -> None:
    for words, status in commands():
        if status == 200 and len(words) == 1 and "?" in words[0]:
            found = client.get(words[0].removeprefix("localhost:8000")).json()
            assert found.get("data") if isinstance(found, dict) else found, words


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_every_parameter_is_on_the_page(parameter: str) -> None:
    assert f"`{parameter}" in PAGE


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_is_on_the_page(operator: str) -> None:
    assert f"_{operator}`" in PAGE or f":{operator}`" in PAGE
