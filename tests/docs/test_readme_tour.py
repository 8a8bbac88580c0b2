"""The README is true: its tour prints what it says, its banner is the banner, its links lead somewhere."""

import re
import shutil
from pathlib import Path

import pages
import pytest
from suites import AS_DELIVERED

pytest_plugins = ["pytester"]

REPOSITORY = pages.REPOSITORY
README = pages.text_of("README.md")
TOUR = README.partition("## A five-minute tour in curl\n")[2].partition("\n## ")[0]
STEPS = pages.steps_of(TOUR)


def as_made(makefile: str) -> list[str]:
    """The options with which `make serve` serves, with another instant for `now`: no two days fire the same jobs."""
    found = re.search(r"sandbank serve ((?:--[\w-]+ \w+ )+)\$", makefile)
    assert found is not None
    return ["2026-11-20T10:00:00Z" if word == "now" else word for word in found[1].split()]


MADE = as_made((REPOSITORY / "Makefile").read_text(encoding="utf-8"))


def test_every_block_of_the_tour_belongs_to_a_step_with_its_output() -> None:
    assert len(STEPS) == 14
    assert TOUR.count("```") == 4 * len(STEPS)


@pytest.mark.parametrize("options", [MADE, []], ids=["as make serve", "frozen"])
@pytest.mark.skipif(shutil.which("curl") is None, reason="the tour needs curl")
@pytest.mark.skipif(shutil.which("bash") is None, reason="the tour needs bash")
def test_the_tour_prints_what_the_readme_says(tmp_path: Path, options: list[str]) -> None:
    with pages.served(tmp_path, *options) as url:
        pages.require_true(STEPS, tmp_path, url)


def test_make_serve_begins_now_and_goes_on() -> None:
    assert MADE == ["--as-of", "2026-11-20T10:00:00Z", "--clock", "live", "--log-level", "info"]


def test_the_banner_is_the_one_in_the_readme(tmp_path: Path) -> None:
    shown = re.search(r"```text\n(Sandbank .*?)```", README, re.DOTALL)
    assert shown is not None
    with pages.server(tmp_path, *MADE) as child:
        printed = [pages.first_line(child) for _ in shown[1].splitlines()]
    url = printed[1].split()[0]
    assert pages.agrees("".join(printed).replace(url, pages.WRITTEN_URL), shown[1])


def test_the_test_of_the_readme_passes(pytester: pytest.Pytester) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    pytester.makeini(AS_DELIVERED)
    pytester.makepyfile(code)
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("printed", "written"),
    [
        ("401\n", "200\n"),
        ('{"ok":false,"checks":[]}', '{"ok":true,...}'),
        ("", "nothing has changed"),
        ('{"a":1}\nand more', '{"a":1}'),
        ('{"a":1,"b":2}', '{"a":1,...,"b":3}'),
        ('{"a":1\n,"b":2}', '{"a":1...}'),
    ],
)
def test_another_answer_is_noticed(printed: str, written: str) -> None:
    assert not pages.agrees(printed, written)


@pytest.mark.parametrize(
    ("printed", "written"), [("200\r\n", "200\n"), ('{"a":1,"b":2,"c":3}\n', '{"a":1,...,"c":3}\n'), ("", "")]
)
def test_the_same_answer_agrees(printed: str, written: str) -> None:
    assert pages.agrees(printed, written)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_a_command_that_fails_stops_the_tour(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="step 2 ended with 3"):
        pages.run_in_bash(["echo one", "exit 3", "echo three"], "http://127.0.0.1:1", tmp_path)


def test_every_make_target_of_the_readme_exists_and_no_other() -> None:
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"[`$] ?make ([a-z]+)", README))
    assert named == targets - {"help"}


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "CHANGELOG.md",
        *sorted(f"docs/{p.name}" for p in (REPOSITORY / "docs").glob("*.md")),
        "docs/decisions/README.md",
    ],
)
def test_links_of_our_pages_lead_somewhere(page: str) -> None:
    path = REPOSITORY / page
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text(encoding="utf-8"))
    missing = [link for link in links if not (path.parent / link).exists()]
    assert not missing


def test_the_rooms_of_the_readme_are_those_of_the_package() -> None:
    rooms = {
        path.name for path in (REPOSITORY / "sandbox").iterdir() if path.is_dir() and (path / "__init__.py").exists()
    }
    table = README.partition("## The repository")[2].partition("\n## ")[0]
    assert set(re.findall(r"`sandbox/(\w+)`", table)) == rooms


def test_links_into_a_page_lead_to_its_headings() -> None:
    missing = []
    for page in ["README.md", *sorted(f"docs/{path.name}" for path in (REPOSITORY / "docs").glob("*.md"))]:
        for target, heading in re.findall(r"\]\(((?!https?://)[^)#]*)#([^)]+)\)", pages.text_of(page)):
            place = (REPOSITORY / page).parent / target if target else REPOSITORY / page
            if place.exists() and heading not in headings(place):
                missing.append(f"{page}: {target}#{heading}")
    assert not missing


def headings(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
