"""Calibration: what a chunk pays by card comes to what the Central Bank publishes."""

import numpy as np
import pytest
from synth import columns

from sandbox.synth.calibration import calibrate, card_payments, targets
from sandbox.synth.habits import spend
from sandbox.synth.merchants import make_merchants
from sandbox.synth.model import ATM, CATEGORY, CHANNELS, ONLINE, POS, Movements, Texts
from sandbox.synth.prices import fixed
from sandbox.synth.recurring import receive_and_pay


def made(customers: int, *, months: int = 12) -> Movements:
    """What customers spend and receive."""
    people, window, merchants = columns.people(customers), columns.window(months=months), make_merchants(1, customers)
    accounts = columns.accounts(people)
    return Movements.joined(
        [
            spend(people, accounts, window, merchants, seed=1),
            receive_and_pay(people, accounts, window, merchants, Texts(), seed=1),
        ]
    )


def mean(movements: Movements, channel: int) -> float:
    return float(movements.amount[card_payments(movements) & (movements.channel == channel)].mean())


@pytest.mark.parametrize("customers", [60, 300])
def test_means_and_the_share_abroad_are_those_published(customers: int) -> None:
    paid = calibrate(made(customers))
    for channel in (POS, ONLINE, ATM):
        assert mean(paid, channel) == pytest.approx(targets()["mean_fils"][CHANNELS[channel]], rel=0.03)
    cards = card_payments(paid)
    abroad = int(paid.amount[cards & (paid.country >= 0)].sum()) / int(paid.amount[cards].sum())
    assert abroad == pytest.approx(targets()["abroad_value_share_per_mille"] / 1000, rel=0.03)


def test_amounts_were_near_before() -> None:
    raw = made(300)
    for channel in (POS, ONLINE, ATM):
        assert 0.7 < mean(raw, channel) / targets()["mean_fils"][CHANNELS[channel]] < 1.4


def test_tariffs_fees_and_everything_that_is_no_card_payment_stay() -> None:
    raw = made(60)
    paid = calibrate(raw)
    changed = raw.amount != paid.amount
    assert changed.any()
    assert not (changed & ~card_payments(raw)).any()
    assert not (changed & fixed()[raw.category]).any()
    assert (raw.key == paid.key).all()


def test_prices_stay_on_their_grids() -> None:
    paid = calibrate(made(60))
    machine = (paid.channel == ATM) & (paid.country < 0)
    assert (paid.amount[machine] % 5_000 == 0).all()
    shops = (paid.channel == POS) & (paid.country < 0)
    for category, grid in {"CLOTHING": 250, "RESTAURANTS": 50, "COFFEE": 50}.items():
        assert (paid.amount[shops & (paid.category == CATEGORY[category])] % grid == 0).all()
    assert int(paid.amount.min()) > 0


def test_a_chunk_unlike_the_country_is_changed_only_so_far() -> None:
    raw = made(2, months=1)
    paid = calibrate(raw)
    ratio = paid.amount / raw.amount
    assert np.median(ratio) <= 2.6


def test_nothing_to_calibrate_is_no_failure() -> None:
    nothing = made(30).taken(np.zeros(0, dtype=np.int64))
    assert calibrate(nothing).count == 0
