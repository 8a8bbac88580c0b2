"""Acts: the bank's functions that scenarios call, and the pieces of life they are made of."""

import inspect
from datetime import date
from typing import Any

import msgspec
import pytest
from bankside import (
    ARJUN_CURRENT,
    FATIMA_CURRENT,
    FATIMA_FROZEN,
    FATIMA_SAVINGS,
    audited,
    available,
    booked,
    seen_by,
    sql,
)
from support import broken_invariants, new_root, sign_in

from sandbox.bank import everyday
from sandbox.bank.acts import ACTS
from sandbox.bank.everyday import SPENDING, Habit
from sandbox.bank.movements import Merchant, merchant_key
from sandbox.core import civil_id
from sandbox.core.errors import (
    AccountBlockedError,
    AccountClosedError,
    InsufficientFundsError,
    InvalidCredentialsError,
    NotFoundError,
    UserLockedError,
    ValidationFailedError,
)
from sandbox.core.ids import Draws, seed_key
from sandbox.core.vocabulary import Channel, NotificationChannel
from sandbox.sandboxes.root import StateRoot

COFFEE = Merchant("Gahwa Corner", "RESTAURANTS", "5814")


def act(root: StateRoot, name: str, **given: Any) -> None:
    """Call an act by its name."""
    root.write(ACTS[name].run, **given)


@pytest.mark.parametrize("name", ACTS)
def test_an_act_takes_keywords_and_says_what_it_does(name: str) -> None:
    work, *others = inspect.signature(ACTS[name].run).parameters.values()
    assert work.name == "work"
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in others)
    assert (ACTS[name].run.__doc__ or "").splitlines()[0].endswith(".")


def test_five_failed_sign_ins_are_real_ones() -> None:
    root = new_root()
    for left in (4, 3, 2, 1):
        with pytest.raises(InvalidCredentialsError) as refused:
            act(root, "failed_sign_in", user="fatima")
        assert refused.value.facts["attempts_left"] == left
    with pytest.raises(UserLockedError):
        act(root, "failed_sign_in", user="fatima")
    assert audited(root) == [*["SIGN_IN_REFUSED"] * 5, "USER_LOCKED"]


def test_a_sign_in_registers_its_device_once() -> None:
    root = new_root()
    before = sql(root, "SELECT count(*) FROM registered_device")[0][0]
    for _ in range(2):
        act(root, "sign_in", user="fatima", model="Pixel 11")
    assert sql(root, "SELECT count(*) FROM registered_device")[0][0] == before + 1


def test_a_purchase_is_a_movement_at_its_merchant() -> None:
    root = new_root()
    act(
        root,
        "purchase",
        account=FATIMA_CURRENT,
        amount=2_350,
        merchant="Gahwa Corner",
        category="RESTAURANTS",
        mcc="5814",
    )
    newest = newest_of_fatima(root)
    assert newest["merchant"] == {"name": "Gahwa Corner", "category": "restaurants", "mcc": "5814"}
    assert (newest["direction"], newest["channel"], newest["description"]) == ("debit", "pos", "Gahwa Corner")
    assert booked(root, FATIMA_CURRENT) == 2_547_440 - 2_350
    assert not broken_invariants(root)


def newest_of_fatima(root: StateRoot) -> dict[str, Any]:
    """Fatima's newest transaction."""
    view: dict[str, Any] = msgspec.to_builtins(seen_by(root, sign_in(root))[0])
    return view


def test_a_merchant_is_made_once() -> None:
    root = new_root()
    seen = {root.write(merchant_key, COFFEE), root.write(merchant_key, COFFEE)}
    other = root.write(merchant_key, Merchant("Gahwa Corner", None, None))
    assert len(seen) == 1
    assert other not in seen


def test_a_refused_purchase_leaves_its_trace() -> None:
    root = new_root()
    with pytest.raises(InsufficientFundsError):
        act(root, "purchase", account=FATIMA_CURRENT, amount=99_999_000, merchant="Lulwa Gold")
    assert audited(root) == ["PURCHASE_REFUSED"]


@pytest.mark.parametrize("amount", [0, -1_000])
@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("deposit", {}),
        ("withdraw", {}),
        ("purchase", {"merchant": "M"}),
        ("pay_bill", {"category": "RENT", "description": "d"}),
        ("pay_salary", {}),
        ("pay_rent", {}),
        ("place_hold", {"merchant": "M"}),
        ("transfer", {"to_account": FATIMA_SAVINGS}),
    ],
)
def test_no_act_moves_nothing_or_less(name: str, more: dict[str, Any], amount: int) -> None:
    root = new_root()
    with pytest.raises(ValidationFailedError):
        act(root, name, account=FATIMA_CURRENT, amount=amount, **more)
    assert booked(root, FATIMA_CURRENT) == 2_547_440


@pytest.mark.parametrize("name", ["deposit", "withdraw", "purchase", "pay_salary", "place_hold"])
def test_a_frozen_account_moves_by_no_act(name: str) -> None:
    more = {"merchant": "M"} if name in {"purchase", "place_hold"} else {}
    with pytest.raises(AccountBlockedError):
        act(new_root(), name, account=FATIMA_FROZEN, amount=1_000, **more)


@pytest.mark.parametrize("name", ["deposit", "bring_balance", "freeze_account", "spend"])
def test_an_account_that_is_not_there_is_refused(name: str) -> None:
    more: dict[str, Any] = {"deposit": {"amount": 1}, "bring_balance": {"available": 1}, "spend": {"habit": Habit.CASH}}
    with pytest.raises(NotFoundError):
        act(new_root(), name, account="nothing", **more.get(name, {}))


@pytest.mark.parametrize("goal", [0, 1, 2_525_590, 2_525_591, 9_000_000])
def test_a_balance_is_brought_to_exactly_what_is_asked(goal: int) -> None:
    root = new_root()
    act(root, "bring_balance", account=FATIMA_CURRENT, available=goal)
    assert available(root, FATIMA_CURRENT) == goal
    assert not broken_invariants(root)


def test_a_closed_account_never_wakes() -> None:
    root = new_root()
    sql(root, "UPDATE account SET status = 'closed' WHERE iban = 'KW07SNBK0000000000000100417001'")
    for name in ("freeze_account", "unfreeze_account", "make_dormant"):
        with pytest.raises(AccountClosedError):
            act(root, name, account=ARJUN_CURRENT)


def test_freezing_is_undone_by_unfreezing() -> None:
    root = new_root()
    act(root, "freeze_account", account=FATIMA_CURRENT)
    act(root, "unfreeze_account", account=FATIMA_CURRENT)
    act(root, "withdraw", account=FATIMA_CURRENT, amount=1_000)
    assert audited(root) == ["ACCOUNT_FROZEN", "ACCOUNT_ACTIVATED", "WITHDRAWAL_MADE"]


def test_a_notice_by_sms_is_a_message_in_the_customers_language() -> None:
    root = new_root()
    words = {"type": "T", "title": "Hello", "title_ar": "مرحبًا", "body": "In English", "body_ar": "بالعربية"}
    for user in ("fatima", "mariam"):
        act(root, "notify", user=user, channel=NotificationChannel.SMS, **words)
    assert [row[0] for row in sql(root, 'SELECT body FROM message ORDER BY "key"')] == ["In English", "بالعربية"]
    act(root, "notify", user="fatima", **words)
    assert sql(root, "SELECT count(*) FROM message") == [(2,)]


def test_staff_get_no_notices() -> None:
    with pytest.raises(NotFoundError):
        act(new_root(), "notify", user="admin", type="T", title="x")


@pytest.mark.parametrize("habit", Habit)
def test_prices_are_what_one_pays_in_kuwait(habit: Habit) -> None:
    spending = SPENDING[habit]
    prices = [spending.price(Draws(seed_key(1), n)) for n in range(1, 300)]
    assert len(set(prices)) > 1
    assert all(900 <= price <= 100_000 for price in prices)
    if habit is Habit.FUEL:
        assert all(price % 85 == 0 or price % 105 == 0 for price in prices)
    elif habit is Habit.CASH:
        assert all(price % 5_000 == 0 for price in prices)
    else:
        assert all(price % 5 == 0 for price in prices)
    assert all(place.mcc is not None and len(place.mcc) == 4 for place in spending.places)


def test_chance_decides_and_nothing_else() -> None:
    root = new_root()
    spent = [root.write(everyday.spend, FATIMA_CURRENT, Habit.COFFEE, chance=50) for _ in range(60)]
    assert 15 < sum(amount is not None for amount in spent) < 45
    assert root.write(everyday.spend, FATIMA_CURRENT, Habit.COFFEE, chance=0) is None
    assert root.write(everyday.spend, FATIMA_CURRENT, Habit.COFFEE, chance=100) is not None


def test_what_cannot_be_paid_is_declined_at_the_till() -> None:
    root = new_root()
    assert root.write(everyday.spend, FATIMA_FROZEN, Habit.CASH, chance=100) is None
    act(root, "bring_balance", account=FATIMA_CURRENT, available=0)
    assert root.write(everyday.spend, FATIMA_CURRENT, Habit.GROCERIES, chance=100) is None
    assert audited(root).count("PURCHASE_DECLINED") == 2


def test_an_opened_customer_is_like_any_other() -> None:
    root = new_root()
    act(
        root,
        "open_customer",
        username="reem",
        password="Reem-2026!",
        full_name="Reem",
        deposit=5_000,
        phone="+96599000000",
    )
    actor = sign_in(root, "reem", "Reem-2026!")
    assert actor.customer_id is not None
    assert not broken_invariants(root)
    with pytest.raises(ValidationFailedError) as refused:
        act(root, "open_customer", username="reem", password="x", full_name="Reem")
    assert refused.value.faults[0].pointer == "/username"
    with pytest.raises(ValidationFailedError):
        act(root, "open_customer", username="other", password="x", full_name="Other", deposit=-1)


def test_the_band_of_invented_people_can_be_used_up() -> None:
    root = new_root()
    issuable = sum(civil_id.issuable(date(1994, 5, 20), serial) for serial in civil_id.SYNTHETIC_SERIALS)
    for n in range(issuable):
        act(root, "open_customer", username=f"u{n}", password="x", full_name="U")
    with pytest.raises(ValidationFailedError) as refused:
        act(root, "open_customer", username="one-more", password="x", full_name="U")
    assert refused.value.faults[0].pointer == "/date_of_birth"


def test_a_bill_is_paid_on_the_mobile_app() -> None:
    root = new_root()
    act(root, "pay_bill", account=FATIMA_CURRENT, amount=12_000, category="UTILITIES", description="Water")
    newest = newest_of_fatima(root)
    assert (newest["category"], newest["channel"], newest["merchant"]) == ("utilities", Channel.MOBILE, None)
