"""Accounts: lists, balances, nicknames."""

import pytest
from bankside import (
    ALL,
    ARJUN_CURRENT,
    FATIMA_CURRENT,
    FATIMA_CUSTOMER,
    FATIMA_FROZEN,
    FATIMA_SAVINGS,
    audited,
    key_of,
    move,
    reserve,
    sql,
)
from support import sign_in

from sandbox.bank.access import Actor
from sandbox.bank.accounts import (
    AccountChange,
    AccountView,
    change_account,
    get_account,
    get_balances,
    list_accounts,
    list_holds,
)
from sandbox.bank.lists import Window
from sandbox.core.errors import ForbiddenError, NotFoundError, PreconditionFailedError
from sandbox.core.vocabulary import AccountStatus, AccountType
from sandbox.sandboxes.root import StateRoot


def anything(_: AccountView) -> None:
    """A change with no precondition."""


def walk(root: StateRoot, actor: Actor, limit: int) -> list[AccountView]:
    """All pages of the list, joined."""
    found: list[AccountView] = []
    window = Window(limit)
    while True:
        page = root.read(list_accounts, actor, window)
        assert len(page.items) <= limit
        found += page.items
        if page.next is None:
            return found
        window = Window(limit, page.next)


def test_a_customer_lists_their_accounts_oldest_first(root: StateRoot) -> None:
    found = root.read(list_accounts, sign_in(root), ALL).items
    assert [view.account_id for view in found] == [FATIMA_CURRENT, FATIMA_SAVINGS, FATIMA_FROZEN]
    assert [view.account_type for view in found] == [AccountType.CURRENT, AccountType.SAVINGS, AccountType.WALLET]
    assert [view.status for view in found] == [AccountStatus.ACTIVE, AccountStatus.ACTIVE, AccountStatus.FROZEN]


def test_staff_list_every_customers_account_and_none_of_the_banks_own(root: StateRoot) -> None:
    found = root.read(list_accounts, sign_in(root, "auditor"), ALL).items
    assert len(found) == 8
    assert all(view.customer_id for view in found)


def test_staff_narrow_the_list_to_one_customer(root: StateRoot) -> None:
    narrowed = root.read(list_accounts, sign_in(root, "auditor"), ALL, customer_id=FATIMA_CUSTOMER)
    assert narrowed == root.read(list_accounts, sign_in(root), ALL)


def test_a_customer_does_not_list_anothers_accounts(root: StateRoot) -> None:
    with pytest.raises(ForbiddenError):
        root.read(list_accounts, sign_in(root, "arjun"), ALL, customer_id=FATIMA_CUSTOMER)


@pytest.mark.parametrize("username", ["fatima", "auditor"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
def test_walking_the_pages_gives_the_whole_list_once(root: StateRoot, username: str, limit: int) -> None:
    actor = sign_in(root, username)
    assert walk(root, actor, limit) == root.read(list_accounts, actor, ALL).items


def test_a_page_that_ends_with_the_list_says_so(root: StateRoot) -> None:
    assert root.read(list_accounts, sign_in(root), Window(3)).next is None
    assert root.read(list_accounts, sign_in(root), Window(2)).next is not None


def test_available_is_booked_less_held_plus_the_overdraft_limit(root: StateRoot) -> None:
    fatima = sign_in(root)
    reserve(root, FATIMA_CURRENT, -8_150)
    reserve(root, FATIMA_CURRENT, 99_000)
    sql(root, 'UPDATE account SET overdraft_limit = 1000 WHERE "key" = ?', key_of(root, FATIMA_CURRENT))
    view = root.read(get_balances, fatima, FATIMA_CURRENT)
    assert view.balances.booked.amount == "2547.440"
    assert view.balances.held.amount == "30.000"
    assert view.balances.available.amount == "2518.440"


def test_an_account_in_overdraft_shows_a_negative_balance(root: StateRoot) -> None:
    sql(root, 'UPDATE account SET overdraft_limit = 5000 WHERE "key" = ?', key_of(root, FATIMA_SAVINGS))
    move(root, FATIMA_SAVINGS, -6_000_001)
    balances = root.read(get_account, sign_in(root), FATIMA_SAVINGS).balances
    assert (balances.booked.amount, balances.available.amount) == ("-0.001", "4.999")


def test_a_foreign_account_is_not_found_in_any_way(root: StateRoot) -> None:
    fatima = sign_in(root)
    with pytest.raises(NotFoundError):
        root.read(get_account, fatima, ARJUN_CURRENT)
    with pytest.raises(NotFoundError):
        root.read(get_balances, fatima, ARJUN_CURRENT)
    with pytest.raises(NotFoundError):
        root.read(list_holds, fatima, ALL, ARJUN_CURRENT)
    with pytest.raises(NotFoundError):
        root.write(change_account, fatima, ARJUN_CURRENT, AccountChange(nickname="Mine"), anything)
    assert root.read(get_account, sign_in(root, "arjun"), ARJUN_CURRENT).nickname == "Salary and home"


def test_an_account_gets_a_nickname_and_loses_it(root: StateRoot) -> None:
    fatima = sign_in(root)
    changed = root.write(change_account, fatima, FATIMA_CURRENT, AccountChange(nickname="حساب البيت"), anything)
    assert changed.nickname == "حساب البيت"
    assert root.read(get_account, fatima, FATIMA_CURRENT) == changed
    assert root.write(change_account, fatima, FATIMA_CURRENT, AccountChange(nickname=None), anything).nickname is None
    assert audited(root) == ["SIGNED_IN", "ACCOUNT_RENAMED", "ACCOUNT_RENAMED"]


def test_a_change_whose_precondition_fails_leaves_no_trace(root: StateRoot) -> None:
    fatima = sign_in(root)
    before = root.write_number

    def refuse(view: AccountView) -> None:
        assert view.nickname == "Salary"
        raise PreconditionFailedError("It has changed.")

    with pytest.raises(PreconditionFailedError):
        root.write(change_account, fatima, FATIMA_CURRENT, AccountChange(nickname="Other"), refuse)
    assert root.read(get_account, fatima, FATIMA_CURRENT).nickname == "Salary"
    assert root.write_number == before
