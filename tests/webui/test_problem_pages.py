"""`/problems` and `/problems/{code}`: every refusal of the catalogue, in both languages, as a page and as JSON."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from checks import (
    FATIMA_CURRENT,
    FATIMA_FROZEN,
    FATIMA_SAVINGS,
    assert_problem,
    faults,
)
from raised import members_in_code
from support import Client

from sandbox.core.catalogue import catalogue
from sandbox.core.vocabulary import Language
from sandbox.webui.problem_texts import Explained, Said, read_texts

CODES = list(catalogue())
TEXTS = read_texts()
ARABIC = re.compile(r"[\u0600-\u06ff]")


class Page(HTMLParser):
    """What a test asks of a page: attributes of `html`, its links, its words, and that every tag is closed."""

    VOID = frozenset({"meta", "link", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.root: dict[str, str | None] = {}
        self.links: list[str] = []
        self.words = ""
        self.example = ""
        self._open: list[str] = []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "html":
            self.root = found
        self.links += [found[name] or "" for name in ("href", "src") if name in found]
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data
        if "pre" in self._open:
            self.example += data


@pytest.fixture(scope="module")
def served() -> Iterator[Client]:
    made = Client()
    yield made
    made.close()


def everything_said(explained: Explained) -> list[Said]:
    return [explained.title, explained.meaning, explained.remedy, *explained.members.values()]


@pytest.mark.parametrize("code", CODES)
def test_every_text_stands_there_in_both_languages(code: str) -> None:
    for said in everything_said(TEXTS[code]):
        assert said.en.strip() == said.en != ""
        assert said.ar.strip() == said.ar != ""
        assert not ARABIC.search(said.en)
        assert ARABIC.search(said.ar)
    for said in (TEXTS[code].meaning, TEXTS[code].remedy):
        assert said.en.endswith(".")
        assert said.ar.endswith(".")
    for said in (TEXTS[code].remedy, *TEXTS[code].members.values()):
        marked = [set(re.findall(r"`([^`]+)`", text)) for text in (said.en, said.ar)]
        assert marked[0] == marked[1], "what is code is the same in both"


@pytest.mark.parametrize("code", CODES)
def test_the_members_and_the_example_are_those_of_the_code(code: str) -> None:
    explained = TEXTS[code]
    added = members_in_code().get(code, set())
    listed = {"validation_failed", "record_invalid", "ecosystem_invalid"}
    assert set(explained.members) - {"transfer_id"} == added | ({"errors"} if code in listed else set())
    example = explained.example_in(Language.ENGLISH)
    usual = {"type", "title", "status", "detail", "instance", "code", "reason", "request_id"}
    assert set(example) - usual <= set(explained.members)
    if code != "limit_exceeded":  # has its members only where a hold is posted
        assert set(explained.members) <= set(example)


def test_no_text_is_of_a_code_that_is_gone() -> None:
    file = Path(read_texts.__code__.co_filename).with_name("problem_texts.json")
    assert list(json.loads(file.read_text(encoding="utf-8"))) == CODES


def test_a_missing_or_misspelt_text_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "texts.json"
    file.write_text("{}")
    with pytest.raises(KeyError):
        read_texts(file)
    file.write_text('{"not_found": {"meaning_ar": "", "remedies": {}, "example": {}}}')
    with pytest.raises(msgspec.ValidationError):
        read_texts(file)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("code", CODES)
def test_every_code_has_its_page(served: Client, code: str, language: Language) -> None:
    answer = served.get(f"/problems/{code}", headers={"accept-language": language.value})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["content-language"] == language.value
    assert "Accept-Language" in answer.headers["vary"]
    page = Page(answer.text)
    assert page.root == {"lang": language.value, "dir": "rtl" if language is Language.ARABIC else "ltr"}
    explained = TEXTS[code]
    for said in everything_said(explained):
        assert said.of(language).replace("`", "") in page.words
    assert explained.title.en in page.words
    assert explained.title.ar in page.words
    assert re.search(rf"\b{explained.status}\b", page.words)
    assert explained.reason is None or explained.reason in page.words
    assert json.loads(page.example) == explained.example_in(language)


def test_every_link_of_the_pages_leads_somewhere(served: Client) -> None:
    served.post("/_sandbox/sandboxes", {"id": "links"})
    for at in ("", "/s/links"):
        for path in ("/problems", "/problems/insufficient_funds"):
            address = served.get(at + path).request.url
            for link in Page(served.get(at + path).text).links:
                if link.startswith("data:"):
                    continue
                target = address.join(link)
                assert target.host == address.host
                assert target.path.startswith(f"{at}/")
                assert served.get(target.raw_path.decode()).status_code == 200, link


def test_the_index_lists_every_code_once_with_its_title(served: Client) -> None:
    for language in Language:
        page = Page(served.get(f"/problems?lang={language}").text)
        codes = [link for link in page.links if link.startswith("problems/")]
        assert codes == [f"problems/{code}?lang={language}" for code in CODES]
        for code in CODES:
            assert TEXTS[code].title.of(language) in page.words


def test_the_query_overrules_the_header_and_english_is_the_rest(served: Client) -> None:
    def language(path: str, accept: str | None = None) -> str:
        return served.get(path, headers={} if accept is None else {"accept-language": accept}).headers[
            "content-language"
        ]

    assert language("/problems/not_found") == "en"
    assert language("/problems/not_found", "fr") == "en"
    assert language("/problems/not_found", "ar-KW,ar;q=0.9,en;q=0.8") == "ar"
    assert language("/problems/not_found?lang=en", "ar") == "en"
    assert language("/problems?lang=ar", "en") == "ar"
    assert faults(served.get("/problems?lang=fr")) == {"?lang": "not_allowed"}


@pytest.mark.parametrize("code", ["nothing", "NOT_FOUND", "not_found.html", "<script>"])
def test_an_unknown_code_is_an_ordinary_404(served: Client, code: str) -> None:
    problem = assert_problem(served.get(f"/problems/{code}"), 404, "not_found")
    assert problem["detail"].endswith("GET /problems lists them all.")


@pytest.mark.parametrize("accept", ["application/json", "application/problem+json", "application/json, */*;q=0.1"])
def test_who_asks_for_json_gets_the_same_facts(served: Client, accept: str) -> None:
    answer = served.get("/problems/insufficient_funds?lang=ar", headers={"accept": accept})
    assert answer.headers["content-type"] == "application/json"
    explained = TEXTS["insufficient_funds"]
    assert answer.json() == {
        "code": "insufficient_funds",
        "status": 422,
        "reason": "AM04",
        "title": explained.title.ar,
        "meaning": explained.meaning.ar,
        "remedy": explained.remedy.ar,
        "members": {name: told.ar for name, told in explained.members.items()},
        "example": explained.example_in(Language.ARABIC),
    }
    listed = served.get("/problems", headers={"accept": accept}).json()["items"]
    assert [item["code"] for item in listed] == CODES


@pytest.mark.parametrize("accept", ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "*/*", ""])
def test_browsers_and_who_does_not_care_get_the_page(served: Client, accept: str) -> None:
    answer = served.get("/problems", headers={"accept": accept})
    assert answer.headers["content-type"].startswith("text/html")


def test_a_page_that_is_known_comes_back_as_304(served: Client) -> None:
    answer = served.get("/problems/not_found")
    again = served.get("/problems/not_found", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    arabic = served.get("/problems/not_found?lang=ar", headers={"if-none-match": answer.headers["etag"]})
    assert arabic.status_code == 200


def refusals(client: Client) -> Iterator[Any]:
    """Refusals that are easily provoked, each as the example of its code has it."""
    user = client.login()
    savings = f"/v1/accounts/{FATIMA_CURRENT}"
    iban = "KW81CBKU0000000000001234560102"
    yield user.transfer(FATIMA_CURRENT, FATIMA_SAVINGS, "99999.000")
    yield user.transfer(FATIMA_FROZEN, FATIMA_CURRENT, "1.000")
    yield user.transfer(FATIMA_CURRENT, FATIMA_CURRENT, "1.000")
    yield user.transfer(FATIMA_CURRENT, "5b7e9d9e-53f5-4a8a-9c39-8f3b62a3a1c4", "1.000")
    order = {"from_account_id": FATIMA_CURRENT, "amount": {"amount": "1.000", "currency": "KWD"}}
    yield user.order("/v1/transfers", order | {"to": {"iban": iban, "name": "x"}})
    yield user.order("/v1/transfers", order | {"to": {"iban": iban.replace("102", "101"), "name": "x"}})
    yield user.get("/v1/accounts?limit=500")
    yield user.request("PATCH", savings, json={"nickname": "x"}, headers={"if-match": '"old"'})
    yield client.request("DELETE", "/v1/accounts")
    yield client.get("/v1/accounts")
    yield client.post("/v1/auth/login")
    yield client.request("POST", "/v1/auth/login", content=b"x", headers={"content-type": "text/plain"})
    paid = order | {"to": {"account_id": FATIMA_SAVINGS}}
    yield client.post("/v1/transfers", paid, headers=user.headers)
    yield client.get("/s/t9/v1/accounts")
    yield client.request("PATCH", f"/_data/accounts/{FATIMA_CURRENT}", json={"status": "HAPPY"})
    yield client.post("/_data/accounts", client.get(f"/_data/accounts/{FATIMA_CURRENT}").json())
    yield client.post("/_sandbox/snapshots/before/restore")
    yield client.post("/_sandbox/reset", {"ecosystem": "qatar"})
    yield client.request("DELETE", "/_sandbox/sandboxes/default")
    yield client.get("/_sandbox/messages/latest")
    yield client.get("/_sandbox/info", headers={"host": "bank.example"})
    yield client.post("/_sandbox/reset", headers={"origin": "https://shop.example"})


def test_examples_are_what_is_answered(client: Client) -> None:
    drawn = {"transfer_id", "request_id"}
    seen = set()
    for answer in refusals(client):
        said = answer.json()
        example = TEXTS[said["code"]].example_in(Language.ENGLISH)
        assert set(said) == set(example)
        if said["code"] != "precondition_failed":  # quotes a tag that changes with every release
            assert {name: said[name] for name in said if name not in drawn} == {
                name: example[name] for name in example if name not in drawn
            }
        seen.add(said["code"])
    assert len(seen) == 22
