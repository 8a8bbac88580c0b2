"""docs/problems.md is the catalogue of `core/errors.py`, row by row."""

import json
import re
from pathlib import Path

import pytest
from raised import members_in_code
from support import Client, User

from sandbox.core.catalogue import catalogue
from sandbox.core.errors import DomainError

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "problems.md").read_text(encoding="utf-8")
CODES = sorted(catalogue())


def row_of(kind: type[DomainError]) -> str:
    """The row that the catalogue asks for."""
    meaning = " ".join((kind.__doc__ or "").split())
    reason = kind.reason or ""
    return f"| `{kind.code}` | {kind.status} | {kind.title} | {kind.title_ar} | {reason} | {meaning} |"


@pytest.mark.parametrize("code", CODES)
def test_every_problem_has_its_row(code: str) -> None:
    assert f"\n{row_of(catalogue()[code])}\n" in PAGE, f"docs/problems.md lacks\n{row_of(catalogue()[code])}"


def test_no_row_is_of_a_problem_that_is_gone() -> None:
    written = re.findall(r"^\| `(\w+)` \| [0-9]{3} \|", PAGE, re.MULTILINE)
    assert sorted(written) == CODES


def test_every_problem_says_what_it_is_in_both_languages() -> None:
    for kind in catalogue().values():
        assert kind.code
        assert kind.title
        assert kind.title_ar
        assert kind.__doc__


def test_every_member_that_a_problem_adds_is_documented() -> None:
    documented = {
        code: set(re.findall(r"`(\w+)`", members))
        for code, members in re.findall(r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \|", PAGE, re.MULTILINE)
    }
    assert documented == members_in_code()
    assert "`transfer_id`" in PAGE


def test_the_example_is_what_the_bank_answers(client: Client, fatima: User) -> None:
    shown = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert shown is not None
    example = json.loads(shown[1])
    current, savings, _ = (account["account_id"] for account in fatima.accounts())
    answer = fatima.transfer(current, savings, "99999.000")
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    # These two are drawn, and differ from run to run of different requests.
    drawn = ("transfer_id", "request_id")
    assert list(said) == list(example)
    assert {name: said[name] for name in said if name not in drawn} == {
        name: example[name] for name in example if name not in drawn
    }


def test_the_type_of_a_problem_leads_to_its_page_as_the_page_says(client: Client) -> None:
    assert "`type` is the path of a page about the problem" in PAGE
    refused = client.get("/v1/accounts").json()
    page = client.get(refused["type"], headers={"accept-language": "ar"})
    assert page.headers["content-type"].startswith("text/html")
    assert refused["code"] in page.text
    assert catalogue()[refused["code"]].title_ar in page.text
