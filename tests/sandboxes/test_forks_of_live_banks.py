"""Prepare one bank, fork it per test: the forks of one moment stand on one image."""

import asyncio
import json
from pathlib import Path

from support import TINY, VIRTUAL, copy_of_tiny, sign_in

from sandbox.core.settings import Settings
from sandbox.sandboxes.house import DEFAULT, House


def fork(house: House, source: str, seed: int | None = None) -> str:
    """The id of a new fork."""
    made = house.fork(sandbox_id=None, source=source, caller=DEFAULT, seed=seed, name=None)
    return asyncio.run(made).id


def test_forks_of_one_moment_share_one_image() -> None:
    house = House.open(VIRTUAL)
    sign_in(house.get(DEFAULT).root)
    first, second = fork(house, "sandbox:default"), fork(house, "sandbox:default")
    assert house.get(first).root.image is house.get(second).root.image
    sign_in(house.get(DEFAULT).root, "arjun")
    third = fork(house, "sandbox:default")
    assert house.get(third).root.image is not house.get(first).root.image
    house.close()


def test_a_fork_and_its_resets_keep_the_seed_they_were_given() -> None:
    house = House.open(VIRTUAL)
    seeded = fork(house, "ecosystem:tiny", seed=7)
    again = asyncio.run(house.reset(house.get(seeded), ecosystem=None, seed=None))
    assert again.seed == 7
    assert house.get(fork(house, f"sandbox:{seeded}")).root.seed == 7
    house.close()


def test_a_reset_to_another_ecosystem_takes_its_seed(tmp_path: Path) -> None:
    folder = copy_of_tiny(tmp_path / "other")
    manifest = json.loads((folder / "ecosystem.json").read_text(encoding="utf-8")) | {"seed": 777, "name": "other"}
    (folder / "ecosystem.json").write_text(json.dumps(manifest), encoding="utf-8")
    house = House.open(Settings(ecosystem=str(folder), transport_clock="virtual", image_cache=False))
    sandbox = house.get(DEFAULT)
    assert asyncio.run(house.reset(sandbox, ecosystem=TINY.name, seed=None)).seed == 2026
    assert asyncio.run(house.reset(sandbox, ecosystem=None, seed=None)).seed == 2026
    house.close()
