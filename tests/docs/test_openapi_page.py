"""docs/openapi.md says what the document has."""

import re
from pathlib import Path

import yaml
from support import Client

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "openapi.md").read_text(encoding="utf-8")


def test_every_hint_of_the_document_is_explained(client: Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    used = {key for item in paths.values() for operation in item.values() for key in operation["x-sandbox"]}
    explained = set(re.findall(r"^\| `(\w+)` \|", PAGE.partition("## `x-sandbox`")[2], re.MULTILINE))
    assert explained == used


def test_the_example_of_a_hint_is_one_of_the_document(client: Client) -> None:
    shown = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert shown is not None
    (wanted,) = yaml.safe_load(shown[1])["x-sandbox"]["provoke"].items()
    login = client.get("/openapi.json").json()["paths"]["/v1/auth/login"]["post"]
    assert wanted in login["x-sandbox"]["provoke"].items()
