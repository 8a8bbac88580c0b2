"""Bits by counter: the same for ever, and no place like another."""

from hypothesis import given
from hypothesis import strategies as st

from sandbox.core.bits import bits, mix, stream_key

NUMBERS = st.integers(0, 2**64 - 1)


def test_the_finaliser_is_that_of_splitmix64() -> None:
    # The first outputs of the reference generator from state 1234567: its state grows by the golden gamma.
    golden = 0x9E3779B97F4A7C15
    outputs = [mix((1234567 + step * golden) % 2**64) for step in (1, 2, 3)]
    assert outputs == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_the_bits_of_a_place_never_change() -> None:
    assert stream_key(2026, "people") == 0x2D4533A8DA84C2E7
    assert bits(stream_key(2026, "people"), 3, 8) == 0xDEDB67BC94EB0D93


@given(NUMBERS, NUMBERS)
def test_different_numbers_never_mix_to_the_same(one: int, other: int) -> None:
    assert (mix(one) == mix(other)) == (one == other)


@given(NUMBERS)
def test_a_place_is_more_than_the_sum_of_its_numbers(key: int) -> None:
    places = [(0,), (0, 0), (1,), (0, 1), (1, 0), (2, 0), (0, 2), (1, 1)]
    assert len({bits(key, *place) for place in places}) == len(places)
