"""Access: what one may not see does not exist."""

import pytest
from bankside import ARJUN_CURRENT, ARJUN_CUSTOMER, FATIMA_CURRENT, FATIMA_CUSTOMER, MARIAM_DORMANT
from support import sign_in

from sandbox.bank.access import narrowed, own_account, spendable_account
from sandbox.core.errors import ForbiddenError, NotFoundError
from sandbox.sandboxes.root import StateRoot

NOBODY = "00000000-0000-4000-8000-000000000000"


def test_a_customer_reads_their_own_account(root: StateRoot) -> None:
    assert root.read(own_account, sign_in(root), FATIMA_CURRENT).id == FATIMA_CURRENT


def test_a_foreign_account_is_refused_like_one_that_does_not_exist(root: StateRoot) -> None:
    fatima = sign_in(root)
    with pytest.raises(NotFoundError) as foreign:
        root.read(own_account, fatima, ARJUN_CURRENT)
    with pytest.raises(NotFoundError) as unknown:
        root.read(own_account, fatima, NOBODY)
    assert foreign.value.detail.replace(ARJUN_CURRENT, NOBODY) == unknown.value.detail
    assert foreign.value.facts == unknown.value.facts == {}


@pytest.mark.parametrize("account_id", ["", "cash.vault", "101", "x" * 64, "' OR 1=1 --", "حساب"])
def test_a_text_that_is_no_account_id_finds_nothing(root: StateRoot, account_id: str) -> None:
    with pytest.raises(NotFoundError):
        root.read(own_account, sign_in(root, "auditor"), account_id)


@pytest.mark.parametrize("username", ["auditor", "admin"])
def test_staff_read_every_account(root: StateRoot, username: str) -> None:
    staff = sign_in(root, username)
    for account_id in (FATIMA_CURRENT, ARJUN_CURRENT, MARIAM_DORMANT):
        assert root.read(own_account, staff, account_id).id == account_id


def test_a_customers_lists_are_narrowed_to_themselves(root: StateRoot) -> None:
    fatima = sign_in(root)
    assert root.read(narrowed, fatima, None) == root.read(narrowed, fatima, FATIMA_CUSTOMER) == fatima.customer


@pytest.mark.parametrize("customer_id", [ARJUN_CUSTOMER, NOBODY, ""])
def test_a_customer_may_not_narrow_to_another(root: StateRoot, customer_id: str) -> None:
    with pytest.raises(ForbiddenError):
        root.read(narrowed, sign_in(root), customer_id)


def test_staff_narrow_to_whom_they_like(root: StateRoot) -> None:
    auditor = sign_in(root, "auditor")
    assert root.read(narrowed, auditor, None) is None
    assert root.read(narrowed, auditor, ARJUN_CUSTOMER) == sign_in(root, "arjun").customer
    with pytest.raises(NotFoundError):
        root.read(narrowed, auditor, NOBODY)


@pytest.mark.parametrize("username", ["auditor", "admin"])
def test_staff_give_no_orders_on_what_they_may_read(root: StateRoot, username: str) -> None:
    staff = sign_in(root, username)
    with pytest.raises(ForbiddenError):
        root.read(spendable_account, staff, FATIMA_CURRENT)


def test_a_foreign_account_to_spend_from_does_not_exist(root: StateRoot) -> None:
    with pytest.raises(NotFoundError):
        root.read(spendable_account, sign_in(root, "arjun"), FATIMA_CURRENT)
