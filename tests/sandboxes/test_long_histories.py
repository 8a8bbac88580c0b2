"""Long histories are read, bound and posted in parts: the bank is the same however large the parts are."""

import gc
from pathlib import Path

import pytest
from support import TINY, VIRTUAL, tiny_image

from sandbox.bank import bulk
from sandbox.sandboxes.compiling import compile_image
from sandbox.store import fields, reading, statement
from sandbox.store.reading import EcosystemError


@pytest.mark.parametrize("at_once", [1, 7])
def test_the_image_is_the_same_however_many_journals_are_written_at_once(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(bulk, "_AT_ONCE", at_once)
    assert compile_image(TINY, VIRTUAL).data == tiny_image().data


@pytest.mark.parametrize(("at_once", "a_few"), [(1, 0), (10, 0), (10, 100)])
def test_the_image_is_the_same_however_many_rows_are_bound_at_once(
    monkeypatch: pytest.MonkeyPatch, at_once: int, a_few: int
) -> None:
    monkeypatch.setattr(statement, "_AT_ONCE", at_once)
    monkeypatch.setattr(statement, "_A_FEW", a_few)
    assert compile_image(TINY, VIRTUAL).data == tiny_image().data


@pytest.mark.parametrize(("remembered", "short"), [(1, 64), (3, 5), (20_000, 0)])
def test_the_image_is_the_same_however_many_texts_are_kept_at_hand(
    monkeypatch: pytest.MonkeyPatch, remembered: int, short: int
) -> None:
    monkeypatch.setattr(fields, "_REMEMBERED", remembered)
    monkeypatch.setattr(fields, "_SHORT", short)
    assert compile_image(TINY, VIRTUAL).data == tiny_image().data


def test_records_that_say_the_same_share_it() -> None:
    rows = reading.read_folder(TINY).rows["transactions"]
    owners = {row["account_id"] for row in rows}
    assert len({id(row["account_id"]) for row in rows}) == len(owners) < len(rows)


def test_the_garbage_collector_is_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "customers.json").write_text("[{}]", encoding="utf-8")
    try:
        for enabled in (True, False):
            gc.enable() if enabled else gc.disable()
            compile_image(TINY, VIRTUAL)
            with pytest.raises(EcosystemError):
                compile_image(tmp_path, VIRTUAL)
            assert gc.isenabled() == enabled
    finally:
        gc.enable()
