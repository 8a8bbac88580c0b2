"""Draws for whole columns: equal to the plain ones, in whole numbers, with the shares that were asked for."""

import uuid

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.core.bits import bits, stream_key
from sandbox.synth.draws import Int, Quantiles, Stream, Weights, bounded_lognormal, uuids

MANY: Int = np.arange(200_000, dtype=np.int64)
STREAM = Stream(2026, "test")


@given(st.integers(0, 2**63 - 1), st.lists(st.integers(0, 2**40), min_size=1, max_size=4))
def test_a_column_has_the_bits_of_the_plain_twin(seed: int, place: list[int]) -> None:
    column: Int = np.array([place[0], place[0] + 1], dtype=np.int64)
    drawn = Stream(seed, "twin").bits(column, *place[1:])
    key = stream_key(seed, "twin")
    assert [int(found) for found in drawn] == [bits(key, int(first), *place[1:]) for first in column]


def test_a_place_may_be_a_grid() -> None:
    grid = STREAM.bits(MANY[:3, None], MANY[None, :5])
    assert grid.shape == (3, 5)
    assert int(grid[2, 4]) == int(STREAM.bits(2, 4)[0])


@pytest.mark.parametrize("limit", [1, 2, 7, 1_000, 2**31])
def test_numbers_stay_below_their_limit_and_are_equally_likely(limit: int) -> None:
    drawn = STREAM.below(limit, MANY)
    assert 0 <= drawn.min() <= drawn.max() < limit
    assert abs(drawn.mean() / limit - (limit - 1) / limit / 2) < 0.005


def test_both_ends_of_a_range_occur() -> None:
    drawn = STREAM.between(3, 5, MANY)
    assert np.bincount(drawn).tolist()[:3] == [0, 0, 0]
    assert (abs(np.bincount(drawn)[3:] / len(MANY) - 1 / 3) < 0.01).all()


def test_each_place_may_have_its_own_limit() -> None:
    limits: Int = np.array([1, 10, 1000], dtype=np.int64)
    drawn = STREAM.below(limits, np.arange(3_000, dtype=np.int64)[:, None])
    assert (drawn.max(axis=0) == limits - 1).all()


def test_a_chance_happens_as_often_as_it_says() -> None:
    assert abs(STREAM.chance(250, MANY).mean() - 0.25) < 0.005
    assert not STREAM.chance(0, MANY).any()
    assert STREAM.chance(1_000, MANY).all()


def test_weighted_options_come_in_their_shares() -> None:
    drawn = STREAM.choice(Weights([5, 0, 15, 80]), MANY)
    assert (abs(np.bincount(drawn, minlength=4) / len(MANY) - [0.05, 0, 0.15, 0.8]) < 0.005).all()


def test_quantiles_give_the_distribution_back() -> None:
    table = Quantiles(lambda place: 1_000_000 * place)
    drawn = np.sort(STREAM.quantile(table, MANY))
    assert abs(drawn - 1_000_000 * (MANY + 0.5) / len(MANY)).max() < 5_000


def test_the_mean_of_a_table_is_the_mean_of_what_is_drawn() -> None:
    table = bounded_lognormal(14_000, 0.8, least=500, most=400_000)
    drawn = STREAM.quantile(table, MANY)
    assert 500 <= drawn.min() <= drawn.max() <= 400_000
    assert abs(drawn.mean() / table.mean - 1) < 0.01
    assert abs(np.median(drawn) / 14_000 - 1) < 0.01


def test_draws_never_change() -> None:
    table = bounded_lognormal(14_000, 0.8, least=500, most=400_000)
    few: Int = np.arange(5, dtype=np.int64)
    assert STREAM.below(1_000, few).tolist() == [378, 992, 757, 947, 530]
    assert STREAM.quantile(table, few).tolist() == [10934, 99024, 24499, 51174, 14888]
    assert uuids(2026, "test", few[:2]) == [
        "de9df9c0-7bfe-844a-a0a9-a39304af025b",
        "438debb6-75fb-8d39-b35a-3c6db9d9199c",
    ]


def test_identifiers_are_uuids_of_version_8_and_all_different() -> None:
    made = uuids(2026, "test", MANY)
    assert len(set(made)) == len(MANY)
    assert {(uuid.UUID(text).version, uuid.UUID(text).variant) for text in made} == {(8, uuid.RFC_4122)}
    assert all(str(uuid.UUID(text)) == text for text in made[:100])


def test_kinds_and_seeds_have_identifiers_of_their_own() -> None:
    few = MANY[:3]
    assert len({*uuids(1, "a", few), *uuids(1, "b", few), *uuids(2, "a", few)}) == 9
