"""The audit trail: who did what, newest first, chained."""

import pytest
from bankside import ALL, ARJUN_CURRENT, ARJUN_CUSTOMER, FATIMA_CURRENT, FATIMA_CUSTOMER, pay, sql
from support import broken_invariants, sign_in

from sandbox.bank.access import narrowed
from sandbox.bank.audit import AuditLogView, list_audit_logs
from sandbox.bank.lists import Window
from sandbox.core.chain import GENESIS
from sandbox.core.clock import format_instant
from sandbox.core.errors import InsufficientFundsError
from sandbox.core.money import MAX_FILS
from sandbox.core.vocabulary import Severity
from sandbox.sandboxes.root import StateRoot
from sandbox.store.work import audit_link


def trail(root: StateRoot, customer: int | None = None) -> list[AuditLogView]:
    """The whole trail on one page."""
    return root.read(list_audit_logs, ALL, customer=customer).items


def test_the_trail_of_the_seed_is_read_newest_first(root: StateRoot) -> None:
    found = trail(root)
    assert len(found) == 11
    assert (found[0].action, found[-1].action) == ("login_succeeded", "device_revoked")
    assert [line.created_at for line in found] == sorted((line.created_at for line in found), reverse=True)


def test_an_order_leaves_a_line_about_what_it_made(root: StateRoot) -> None:
    fatima = sign_in(root)
    made = pay(root, fatima, FATIMA_CURRENT, 1_000, account_id=ARJUN_CURRENT)
    newest = trail(root)[0]
    assert (newest.action, newest.severity) == ("transfer_settled", Severity.INFO)
    assert (newest.user_id, newest.customer_id) == (fatima.user_id, FATIMA_CUSTOMER)
    assert (newest.related_entity_id, newest.ip_address) == (made.transfer_id, "127.0.0.1")
    assert newest.created_at == format_instant(root.now)


def test_a_refused_order_leaves_a_line_too(root: StateRoot) -> None:
    fatima = sign_in(root)
    with pytest.raises(InsufficientFundsError) as refused:
        pay(root, fatima, FATIMA_CURRENT, MAX_FILS, account_id=ARJUN_CURRENT)
    newest = trail(root)[0]
    assert (newest.action, newest.severity) == ("transfer_rejected", Severity.WARNING)
    assert newest.related_entity_id == refused.value.facts["transfer_id"]


def test_the_trail_is_narrowed_to_one_customers_users(root: StateRoot) -> None:
    sign_in(root, "arjun")
    auditor = sign_in(root, "auditor")
    found = trail(root, root.read(narrowed, auditor, ARJUN_CUSTOMER))
    assert [line.action for line in found] == ["signed_in", "dispute_opened"]
    assert {line.customer_id for line in found} == {ARJUN_CUSTOMER}


@pytest.mark.parametrize("limit", [1, 3, 12, 13, 200])
def test_walking_the_pages_gives_the_whole_trail_once(root: StateRoot, limit: int) -> None:
    sign_in(root)
    sign_in(root, "auditor")
    walked, window = [], Window(limit)
    while True:
        page = root.read(list_audit_logs, window, customer=None)
        walked += page.items
        if page.next is None:
            break
        window = Window(limit, page.next)
    assert walked == trail(root)


def test_each_line_follows_from_the_one_before(root: StateRoot) -> None:
    sign_in(root)
    previous = GENESIS
    names = ("id", "user", "action", "severity", "ip_address", "related_entity_id", "created_at", "hash")
    columns = ", ".join(f'"{name}"' for name in names)
    for row in sql(root, f'SELECT {columns} FROM audit_log ORDER BY "key"'):
        line = dict(zip(names, row, strict=True))
        line["id"] = _uuid(line["id"])
        previous = audit_link(previous, line)
        assert line["hash"] == previous
    assert trail(root)[0].hash == previous.hex()
    assert broken_invariants(root) == []


def _uuid(data: bytes) -> str:
    text = data.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
