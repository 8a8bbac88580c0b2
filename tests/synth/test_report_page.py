"""The report's page: it stands alone, anybody can read it, and its bytes are the same each time."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from reportable import card, folder_of, income
from support import TINY

from sandbox.synth.report.making import Report, report_on
from sandbox.synth.report.page import page_of

VOID = {"meta", "br", "hr"}
NOTHING_TO_FETCH = {"script", "link", "img", "iframe", "object", "embed", "image", "video", "audio", "source"}


class Reader(HTMLParser):
    """Every element with its attributes, and whether they close as they open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A bank with a Ramadan, salaries and cards."""
    months = [f"2025-{month:02d}" for month in range(1, 13)]
    movements = [card("12.500", at=f"{month}-15T17:00:00Z") for month in months]
    movements += [card("40.000", "ONLINE", at=f"{month}-16T17:00:00Z", merchant_category="TRAVEL") for month in months]
    movements += [income("900.000", f"{month}-20T04:00:00Z") for month in months]
    return report_on(folder_of(tmp_path_factory.mktemp("reports") / "mine", movements))


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return page_of(report)


def test_the_page_asks_for_nothing_outside_itself(page: str) -> None:
    read = Reader(page)
    assert not NOTHING_TO_FETCH & {tag for tag, _ in read.elements}
    targets = [
        value for _, attributes in read.elements for name, value in attributes.items() if name.endswith(("href", "src"))
    ]
    assert all((value or "").startswith("#") for value in targets)
    assert not re.search(r"@import|url\((?!#)", page)
    policy = next(attributes for attributes in read.all("meta") if "http-equiv" in attributes)
    assert (policy["content"] or "").startswith("default-src 'none'")


def test_the_page_is_well_formed_and_every_identifier_is_unique(page: str) -> None:
    read = Reader(page)
    assert read.open == []
    identifiers = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    named = set(re.findall(r'(?:url\(|href=")#([^")]+)', page))
    assert named
    assert named <= set(identifiers)


def test_every_drawing_is_named_and_every_table_has_heads_and_a_caption(page: str) -> None:
    read = Reader(page)
    drawings = read.all("svg")
    assert len(drawings) == 9
    assert all(drawing["role"] == "img" and drawing["aria-label"] for drawing in drawings)
    tables = len(read.all("table"))
    assert tables > len(drawings), "a table beside each drawing"
    assert len(read.all("caption")) == tables
    assert {head.get("scope") for head in read.all("th")} == {"col", "row"}
    assert read.all("html")[0]["lang"] == "en"


def test_the_page_says_what_is_calibrated_and_what_is_only_shaped(page: str) -> None:
    marks = dict(re.findall(r'<h2>([^<]+?) <span class="badge \w+">(\w+)', page))
    assert marks == {
        "Cards": "calibrated",
        "Wages": "calibrated",
        "Nationalities": "calibrated",
        "Paydays and prices": "calibrated",
        "Hours and weekdays": "shaped",
        "Days of pay": "shaped",
        "Balances over time": "shaped",
        "Seasons": "shaped",
        "Amounts and outcomes": "shaped",
        "Segments": "shaped",
    }


def test_the_page_has_values_targets_and_verdicts(page: str) -> None:
    row = re.search(r'<tr><th scope="row">Mean payment in shops.*?</tr>', page)
    assert row is not None
    assert "12.500 KD" in row[0]
    assert "20.170 KD" in row[0]
    assert "-38.0%" in row[0]


def test_the_page_has_the_same_bytes_each_time(report: Report, page: str) -> None:
    assert page_of(report) == page


def test_names_of_the_data_cannot_break_out(tmp_path: Path) -> None:
    rude = '<script>alert("1")</script>'
    folder = folder_of(tmp_path / "mine", [card("1.000", merchant_category=rude), card("1.000", channel=rude)])
    manifest = folder / "ecosystem.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace("Made to be measured", "<script>1</script>"))
    assert "<script" not in page_of(report_on(folder)).lower()


def test_a_bank_without_movements_and_a_broken_one_have_a_page(tmp_path: Path) -> None:
    empty = Reader(page_of(report_on(folder_of(tmp_path / "empty"))))
    assert len(empty.all("svg")) == 3
    broken = folder_of(tmp_path / "broken", [card("10.000", status="DONE"), card("1.000")])
    assert "rules of the files are broken" in page_of(report_on(broken))


def test_the_shipped_tiny_bank_has_a_page() -> None:
    assert Reader(page_of(report_on(TINY))).open == []
