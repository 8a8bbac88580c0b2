"""An ecosystem of the generator is made anew for another day; every other one is moved by whole weeks."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs
from processes import environment
from support import TINY, VIRTUAL, edit

from sandbox.bank.invariants import check_invariants
from sandbox.core.clock import DAY, HOUR, Instant, format_instant, parse_instant
from sandbox.core.settings import Settings
from sandbox.sandboxes import rebuilding
from sandbox.sandboxes.compiling import compile_image
from sandbox.sandboxes.image import Image
from sandbox.sandboxes.rebuilding import hours_between, untouched
from sandbox.sandboxes.shelf import Shelf
from sandbox.store.shifting import WEEK

OWN = parse_instant("2025-05-14T09:00:00Z")
"""When the small bank stands."""
BEYOND = parse_instant("2036-06-01T09:00:00Z")
"""Nobody knows the holidays of that year yet."""


def built(folder: Path, day: str) -> Path:
    """A small bank of a day, made by the command."""
    flags = ["--customers", "13", "--months", "1", "--as-of", day, "--quiet", "--out", str(folder)]
    command = [sys.executable, "-m", "sandbox", "ecosystem", "build", *flags]
    subprocess.run(command, env=environment(folder.parent), check=True, timeout=120)
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bank, as the generator made it."""
    return built(tmp_path_factory.mktemp("made") / "small", "2025-05-14")


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    """The same, to be edited."""
    folder = tmp_path / "small"
    folder.mkdir()
    for path in made.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def no_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child process ends at once, with a word of its own."""
    monkeypatch.setattr(
        rebuilding, "command", lambda *_: [sys.executable, "-c", "raise SystemExit('Error: not today')"]
    )


def opened(folder: Path, as_of: int, settings: Settings = VIRTUAL) -> Image:
    """The image that a server of the folder starts with."""
    return Shelf.open(structs.replace(settings, ecosystem=str(folder), as_of=format_instant(as_of)))[1]


@pytest.mark.parametrize(("end", "hours"), [(0, 0), (HOUR - 1, 0), (HOUR, 1), (-1, -1), (-HOUR, -1), (DAY + 5, 24)])
def test_hours_are_whole(end: int, hours: int) -> None:
    assert hours_between(OWN, OWN + end) == hours


def test_the_bank_of_another_day_is_the_one_that_is_built_for_it(made: Path, tmp_path: Path) -> None:
    image = opened(made, OWN + 3 * DAY)
    then = compile_image(built(tmp_path / "small", "2025-05-17"), VIRTUAL)
    assert image.facts.digest == then.facts.digest
    assert image.now == OWN + 3 * DAY
    assert (image.facts.ecosystem, image.facts.title, image.facts.warnings) == (
        then.facts.ecosystem,
        then.facts.title,
        (),
    )


@pytest.mark.parametrize("days", [-40, 9])
def test_the_rest_of_the_hour_passes_on_the_clock(made: Path, days: int) -> None:
    image = opened(made, OWN + days * DAY + HOUR // 2)
    assert image.now == OWN + days * DAY + HOUR // 2
    assert check_invariants(image.reader).ok


def test_names_in_an_edited_manifest_stay(copied: Path) -> None:
    path = copied / "ecosystem.json"
    stated = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(stated | {"title": "Ours", "logins": stated["logins"][:1]}), encoding="utf-8")
    facts = opened(copied, OWN + DAY).facts
    assert (facts.title, [login.username for login in facts.logins]) == ("Ours", ["fatima"])


def test_only_the_bank_that_is_served_is_compiled(made: Path, compiled: list[Path]) -> None:
    opened(made, OWN + DAY)
    assert len(compiled) == 1
    assert compiled[0] != made


def test_a_folder_that_is_moved_is_compiled_once(compiled: list[Path]) -> None:
    assert opened(TINY, parse_instant("2026-02-01T00:00:00Z")).now == parse_instant("2026-02-01T00:00:00Z")
    assert compiled == [TINY]


def test_at_its_own_time_nothing_is_made_anew(made: Path, compiled: list[Path], no_generator: None) -> None:
    assert opened(made, OWN + HOUR - 1).now == OWN + HOUR - 1
    assert compiled == [made]


def test_what_was_made_anew_is_cached_under_its_hour(
    made: Path, tmp_path: Path, compiled: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = structs.replace(VIRTUAL, image_cache=True, cache_dir=str(tmp_path / "cache"))
    first = opened(made, OWN + DAY, settings)
    monkeypatch.setattr(rebuilding, "command", lambda *_: [sys.executable, "-c", "raise SystemExit(1)"])
    later = opened(made, OWN + DAY + HOUR // 2, settings)
    assert len(compiled) == 1
    assert later.now == first.now + HOUR // 2
    assert later.facts.warnings == ()


EDITS: dict[str, Callable[[Path], object]] = {
    "a record": lambda folder: edit(folder, "accounts", lambda rows: rows[0].update(nickname="Mine")),
    "a version": lambda folder: (folder / "ecosystem.json").write_text(
        (folder / "ecosystem.json").read_text().replace('"version": 1', '"version": 0')
    ),
}


@pytest.mark.parametrize("change", EDITS)
def test_an_edited_folder_is_moved_by_whole_weeks(
    copied: Path, change: str, compiled: list[Path], no_generator: None
) -> None:
    EDITS[change](copied)
    assert untouched(copied) is None
    image = opened(copied, OWN + 9 * DAY)
    assert image.now == OWN + 9 * DAY
    assert compiled == [copied]
    (warning,) = image.facts.warnings
    assert warning.startswith(f"{copied.name} was edited since it was built")


def test_beyond_the_known_holidays_it_is_moved_by_whole_weeks(made: Path, compiled: list[Path]) -> None:
    image = opened(made, BEYOND)
    assert (image.now, compiled) == (BEYOND, [made])
    (warning,) = image.facts.warnings
    assert warning.startswith("small was not built anew for 2036-06-01 but moved by whole weeks, paydays and all: ")
    assert "the Kuwaiti holidays of 2036 are not known" in warning


def test_without_a_generator_it_is_moved_by_whole_weeks(made: Path, no_generator: None) -> None:
    image = opened(made, OWN + WEEK + DAY)
    assert image.now == OWN + WEEK + DAY
    assert [warning.rpartition(": ")[2] for warning in image.facts.warnings] == ["not today"]


def test_images_of_several_days_stand_side_by_side(made: Path) -> None:
    shelf, _ = Shelf.open(structs.replace(VIRTUAL, ecosystem=str(made)))

    async def digests() -> list[str]:
        days = (0, 1, 2, 1)
        return [(await shelf.image("small", Instant(OWN + day * DAY))).facts.digest for day in days]

    own, one, two, again = asyncio.run(digests())
    assert len({own, one, two}) == 3
    assert one == again


def test_who_asks_for_the_same_time_at_once_waits_for_one_build(made: Path, compiled: list[Path]) -> None:
    shelf, _ = Shelf.open(structs.replace(VIRTUAL, ecosystem=str(made)))

    async def all_at_once() -> list[Image]:
        return await asyncio.gather(*(shelf.image("small", Instant(OWN + DAY)) for _ in range(3)))

    one, *others = asyncio.run(all_at_once())
    assert all(image is one for image in others)
    assert len(compiled) == 2, "its own time at the start, and that day"


def test_a_folder_edited_under_a_running_server_changes_nothing_until_it_is_loaded_again(copied: Path) -> None:
    shelf, own = Shelf.open(structs.replace(VIRTUAL, ecosystem=str(copied)))
    before = asyncio.run(shelf.image(copied.name, Instant(OWN + DAY))).facts.digest
    EDITS["a record"](copied)
    again, later = (asyncio.run(shelf.image(copied.name, Instant(OWN + day * DAY))).facts for day in (1, 2))
    assert again.digest == before
    assert later.warnings == ()
    assert asyncio.run(shelf.reload()).facts.digest != own.facts.digest
    assert asyncio.run(shelf.image(copied.name, Instant(OWN + 8 * DAY))).facts.warnings != ()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
def test_a_server_that_stops_ends_the_build(made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    waiting = f"import pathlib, signal; pathlib.Path({str(begun)!r}).write_text('now'); signal.pause()"
    monkeypatch.setattr(rebuilding, "command", lambda *_: [sys.executable, "-c", waiting])
    shelf, _ = Shelf.open(structs.replace(VIRTUAL, ecosystem=str(made)))

    async def stopped() -> Image:
        asked = asyncio.create_task(shelf.image("small", Instant(OWN + DAY)))
        await asyncio.to_thread(begun.read_text)
        shelf.close()
        return await asked

    (warning,) = asyncio.run(stopped()).facts.warnings
    assert warning.endswith("the server stops")


def test_where_nothing_can_be_written_it_is_moved_by_whole_weeks(
    made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    image = opened(made, OWN + DAY)
    assert image.now == OWN + DAY
    assert "there is no place to build it" in image.facts.warnings[0]


def test_who_they_are_does_not_depend_on_the_day(made: Path, tmp_path: Path) -> None:
    later = built(tmp_path / "small", "2025-06-20")
    fields = {"accounts": ("account_id", "account_number", "iban"), "auth_users": ("user_id", "username", "role")}
    for name in ("customers", "customer_settings", "merchants", *fields):
        before, after = (json.loads((folder / f"{name}.json").read_bytes()) for folder in (made, later))
        for rows in (before, after):
            for row in rows:
                row.pop("customer_since", None)  # the newcomer of the cast has always joined just now
        wanted = fields.get(name)
        assert [_only(row, wanted) for row in before] == [_only(row, wanted) for row in after], name


def _only(row: dict[str, object], fields: tuple[str, ...] | None) -> dict[str, object]:
    return row if fields is None else {field: row.get(field) for field in fields}


def test_a_serving_process_never_loads_the_generator(made: Path, tmp_path: Path) -> None:
    program = f"""
import sys
from sandbox.app import create_app
from sandbox.core.settings import Settings
create_app(Settings(ecosystem={str(made)!r}, as_of="2025-05-20T10:00:00Z", image_cache=False)).house.close()
print(sorted({{"numpy", "faker", "matplotlib", "sandbox.synth"}} & set(sys.modules)))
"""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ended.stdout == "[]\n"
