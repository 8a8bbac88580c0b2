"""A bank answers."""

from support import User


def test_a_customer_sees_their_accounts(fatima: User) -> None:
    assert len(fatima.accounts()) == 3
