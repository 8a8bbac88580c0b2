"""Links within the documentation lead somewhere: to a file that is there, and to a heading of it."""

import re
from pathlib import Path

import pytest
from pages import REPOSITORY

PAGES = [REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")


def anchors_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def broken(page: Path, text: str) -> list[str]:
    """The links of a page that lead nowhere."""
    found = []
    for path, anchor in LINK.findall(re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)):
        if path.startswith(("http:", "https:", "mailto:")):
            continue
        target = (page.parent / path).resolve() if path else page
        known = target.suffix == ".md" and target.is_file()
        if not target.exists() or (anchor and (not known or anchor not in anchors_of(target))):
            found.append(f"{path}#{anchor}" if anchor else path)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert broken(page, page.read_text(encoding="utf-8")) == []


def test_a_link_to_nowhere_is_found() -> None:
    page = REPOSITORY / "docs" / "README.md"
    assert broken(page, "[a](nowhere.md) [b](clock.md#nowhere) [c](#nowhere) [d](../nowhere/)") == [
        "nowhere.md", "clock.md#nowhere", "#nowhere", "../nowhere/",
    ]  # fmt: skip
    assert broken(page, "[a](clock.md#what-falls-due) [b](https://example.com) [c](../seeds/tiny)") == []


def test_every_page_is_in_the_list_of_pages() -> None:
    listed = (REPOSITORY / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {path.name for path in (REPOSITORY / "docs").glob("*.md")} - {"README.md"}
    assert {name for name in pages if f"({name})" not in listed} == set()
