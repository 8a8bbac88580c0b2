"""Transfers: who can be paid, what is kept of a refusal, taking back, and who sees what."""

import json
from typing import Any

import pytest
from bankside import (
    ALL,
    ARJUN_CURRENT,
    ARJUN_CUSTOMER,
    ARJUN_IBAN,
    FATIMA_CURRENT,
    FATIMA_CUSTOMER,
    FATIMA_FROZEN,
    FATIMA_IBAN,
    FATIMA_SAVINGS,
    MARIAM_DORMANT,
    YOUSEF_WALLET,
    audited,
    available,
    booked,
    key_of,
    move,
    order,
    pay,
    rows_of,
    seen_by,
    sql,
)
from msgspec import structs
from support import broken_invariants, sign_in

from sandbox.bank.access import Actor
from sandbox.bank.lists import Window
from sandbox.bank.transactions import TransactionView, get_transaction
from sandbox.bank.transfers import (
    NewReversal,
    TransferView,
    create_transfer,
    get_transfer,
    list_transfers,
    reverse_transfer,
)
from sandbox.core import iban
from sandbox.core.clock import format_instant
from sandbox.core.errors import (
    AccountBlockedError,
    AccountClosedError,
    AlreadyReversedError,
    BankError,
    BankUnreachableError,
    CreditorUnknownError,
    ForbiddenError,
    IbanInvalidError,
    InsufficientFundsError,
    LimitExceededError,
    NotFoundError,
    SameAccountError,
    TransferNotReversibleError,
)
from sandbox.core.money import MAX_FILS
from sandbox.core.vocabulary import Direction, TransferStatus
from sandbox.sandboxes.root import StateRoot
from sandbox.store.tables import journal, outbox, transfer

NOBODY = "00000000-0000-4000-8000-000000000000"
UNKNOWN_HOUSE_IBAN = iban.make("999999999")
OTHER_BANK_IBAN = iban.make("100000001", "NBOK")
ABROAD_IBAN = "GB82WEST12345698765432"


@pytest.fixture
def fatima(root: StateRoot) -> Actor:
    return sign_in(root)


def back(root: StateRoot, actor: Actor, transfer_id: str | None, reason: str | None = None) -> TransferView:
    """Take a transfer back."""
    assert transfer_id is not None
    return root.write(reverse_transfer, actor, transfer_id, NewReversal(reason=reason))


def look(root: StateRoot, actor: Actor, transfer_id: str | None) -> TransferView:
    """Read a transfer."""
    assert transfer_id is not None
    return root.read(get_transfer, actor, transfer_id)


def newest(root: StateRoot, username: str) -> TransactionView:
    """The newest transaction of a user."""
    return seen_by(root, sign_in(root, username))[0]


def refused(root: StateRoot, actor: Actor, payer: str, fils: int, kind: type[BankError], **to: Any) -> TransferView:
    """Order a transfer that is refused; what is kept of it."""
    journals = rows_of(root, journal)
    with pytest.raises(kind) as refusal:
        pay(root, actor, payer, fils, **to)
    assert type(refusal.value) is kind
    assert rows_of(root, journal) == journals
    kept = look(root, actor, refusal.value.facts["transfer_id"])
    assert (kept.status, kept.status_reason) == (TransferStatus.REJECTED, kind.reason)
    assert (kept.from_account_id, kept.reversed_at) == (payer, None)
    assert audited(root)[-1] == "TRANSFER_REJECTED"
    assert broken_invariants(root) == []
    return kept


def test_money_moves_between_own_accounts(root: StateRoot, fatima: Actor) -> None:
    before = booked(root, FATIMA_CURRENT), booked(root, FATIMA_SAVINGS)
    made = pay(root, fatima, FATIMA_CURRENT, 1_500, account_id=FATIMA_SAVINGS)
    assert (made.status, made.status_reason, made.fee.amount) == (TransferStatus.SETTLED, None, "0.000")
    assert (made.to.account_id, made.amount.amount) == (FATIMA_SAVINGS, "1.500")
    assert made.created_at == format_instant(root.now)
    assert booked(root, FATIMA_CURRENT) == before[0] - 1_500
    assert booked(root, FATIMA_SAVINGS) == before[1] + 1_500
    assert broken_invariants(root) == []


def test_another_customer_is_paid_by_account_id(root: StateRoot, fatima: Actor) -> None:
    before = booked(root, ARJUN_CURRENT)
    made = pay(root, fatima, FATIMA_CURRENT, 1_500, account_id=ARJUN_CURRENT)
    assert made.to.iban == ARJUN_IBAN
    assert booked(root, ARJUN_CURRENT) == before + 1_500


@pytest.mark.parametrize(
    "written",
    [ARJUN_IBAN, ARJUN_IBAN.lower(), "KW07 SNBK 0000 0000 0000 0100 4170 01", " kw07 snbk0000 000000000100417001 "],
    ids=["plain", "lower case", "in groups", "both"],
)
def test_another_customer_is_paid_by_iban_however_it_is_written(root: StateRoot, fatima: Actor, written: str) -> None:
    before = booked(root, ARJUN_CURRENT)
    made = pay(root, fatima, FATIMA_CURRENT, 1_500, iban=written, name="Arjun")
    assert (made.to.account_id, made.to.iban, made.to.name) == (ARJUN_CURRENT, ARJUN_IBAN, "Arjun")
    assert booked(root, ARJUN_CURRENT) == before + 1_500
    assert look(root, fatima, made.transfer_id) == made


def test_both_sides_read_it_in_their_own_words(root: StateRoot, fatima: Actor) -> None:
    asked = structs.replace(order(FATIMA_CURRENT, 1_500, iban=ARJUN_IBAN, name="My tenant"), reference="Deposit back")
    made = root.write(create_transfer, fatima, asked)
    sent, received = newest(root, "fatima"), newest(root, "arjun")
    assert sent.description == "Transfer to My tenant: Deposit back"
    assert received.description == "Transfer from Fatima Nasser Khaled Al-Saleh: Deposit back"
    assert (sent.direction, received.direction) == (Direction.DEBIT, Direction.CREDIT)
    assert (sent.transfer_id, received.transfer_id) == (made.transfer_id, None), "only the payer may look it up"
    assert sent.transaction_id != received.transaction_id


def test_the_payer_may_be_short_of_no_fils(root: StateRoot, fatima: Actor) -> None:
    whole = available(root, FATIMA_CURRENT)
    kept = refused(root, fatima, FATIMA_CURRENT, whole + 1, InsufficientFundsError, account_id=ARJUN_CURRENT)
    assert (kept.status_reason, kept.amount.amount) == ("AM04", "2525.591")
    pay(root, fatima, FATIMA_CURRENT, whole, account_id=ARJUN_CURRENT)
    assert available(root, FATIMA_CURRENT) == 0


@pytest.mark.parametrize("to", [{"account_id": ARJUN_CURRENT}, {"iban": ARJUN_IBAN.lower()}], ids=["id", "iban"])
def test_a_rejected_transfer_still_says_who_should_have_received(
    root: StateRoot, fatima: Actor, to: dict[str, str]
) -> None:
    kept = refused(root, fatima, FATIMA_CURRENT, MAX_FILS, InsufficientFundsError, **to)
    assert (kept.to.account_id, kept.to.iban) == (ARJUN_CURRENT, ARJUN_IBAN)


@pytest.mark.parametrize(
    ("to", "kind", "reason"),
    [
        ({"account_id": NOBODY}, CreditorUnknownError, "AC03"),
        ({"account_id": "no id at all"}, CreditorUnknownError, "AC03"),
        ({"iban": UNKNOWN_HOUSE_IBAN}, CreditorUnknownError, "AC03"),
        ({"iban": OTHER_BANK_IBAN}, BankUnreachableError, "AG01"),
        ({"iban": ABROAD_IBAN}, BankUnreachableError, "AG01"),
        ({"iban": "KW24SNBK0000000000000100000001"}, IbanInvalidError, "AC01"),
        ({"iban": ARJUN_IBAN[:-1]}, IbanInvalidError, "AC01"),
        ({"iban": "حساب"}, IbanInvalidError, "AC01"),
        ({"account_id": FATIMA_CURRENT}, SameAccountError, "BE01"),
        ({"iban": FATIMA_IBAN}, SameAccountError, "BE01"),
        ({"account_id": FATIMA_FROZEN}, AccountBlockedError, "AC06"),
        ({"account_id": MARIAM_DORMANT}, AccountBlockedError, "AC06"),
    ],
)
def test_a_transfer_to_who_cannot_receive_is_kept_as_rejected_with_its_reason(
    root: StateRoot, fatima: Actor, to: dict[str, str], kind: type[BankError], reason: str
) -> None:
    assert refused(root, fatima, FATIMA_CURRENT, 1_000, kind, **to).status_reason == reason


def test_a_closed_account_neither_pays_nor_receives(root: StateRoot, fatima: Actor) -> None:
    sql(root, "UPDATE account SET status = 'closed' WHERE \"key\" = ?", key_of(root, FATIMA_SAVINGS))
    kept = refused(root, fatima, FATIMA_CURRENT, 1_000, AccountClosedError, account_id=FATIMA_SAVINGS)
    assert kept.status_reason == "AC04"
    refused(root, fatima, FATIMA_SAVINGS, 1_000, AccountClosedError, account_id=FATIMA_CURRENT)


def test_a_frozen_account_pays_nobody_whoever_that_is(root: StateRoot, fatima: Actor) -> None:
    for to in ({"account_id": ARJUN_CURRENT}, {"iban": "broken"}, {"account_id": FATIMA_FROZEN}):
        kept = refused(root, fatima, FATIMA_FROZEN, 1_000, AccountBlockedError, **to)
        assert kept.status_reason == "AC06"


def test_a_receiver_that_would_hold_too_much_is_over_the_limit(root: StateRoot, fatima: Actor) -> None:
    move(root, ARJUN_CURRENT, MAX_FILS - booked(root, ARJUN_CURRENT))
    kept = refused(root, fatima, FATIMA_CURRENT, 1, LimitExceededError, account_id=ARJUN_CURRENT)
    assert kept.status_reason == "AM02"


@pytest.mark.parametrize("payer", [ARJUN_CURRENT, NOBODY])
def test_a_foreign_account_pays_nothing_and_nothing_is_kept(root: StateRoot, fatima: Actor, payer: str) -> None:
    before = rows_of(root, transfer), root.write_number
    with pytest.raises(NotFoundError) as refusal:
        pay(root, fatima, payer, 1_000, account_id=FATIMA_CURRENT)
    assert "transfer_id" not in refusal.value.facts
    assert (rows_of(root, transfer), root.write_number) == before


def test_a_rehearsed_transfer_leaves_nothing_settled_or_rejected(root: StateRoot, fatima: Actor) -> None:
    before = root.write_number, rows_of(root, transfer), rows_of(root, outbox), booked(root, FATIMA_CURRENT)
    said = root.rehearse(create_transfer, fatima, order(FATIMA_CURRENT, 1_000, account_id=ARJUN_CURRENT))
    assert said.status == TransferStatus.SETTLED
    with pytest.raises(InsufficientFundsError) as refusal:
        root.rehearse(create_transfer, fatima, order(FATIMA_CURRENT, MAX_FILS, account_id=ARJUN_CURRENT))
    assert refusal.value.facts["transfer_id"] is None
    assert (root.write_number, rows_of(root, transfer), rows_of(root, outbox), booked(root, FATIMA_CURRENT)) == before


def test_a_transfer_is_taken_back_exactly(root: StateRoot, fatima: Actor) -> None:
    before = booked(root, FATIMA_CURRENT), booked(root, ARJUN_CURRENT)
    made = pay(root, fatima, FATIMA_CURRENT, 1_500, account_id=ARJUN_CURRENT)
    taken = back(root, fatima, made.transfer_id, "Wrong person")
    assert (taken.status, taken.reversed_at) == (TransferStatus.REVERSED, format_instant(root.now))
    assert (booked(root, FATIMA_CURRENT), booked(root, ARJUN_CURRENT)) == before
    assert look(root, fatima, made.transfer_id) == taken
    sent, received = newest(root, "fatima"), newest(root, "arjun")
    assert sent.description == received.description == "Reversal: Wrong person"
    assert (sent.direction, received.direction) == (Direction.CREDIT, Direction.DEBIT)
    assert broken_invariants(root) == []


def test_the_original_movement_of_a_reversed_transfer_stays_visible_as_reversed(root: StateRoot, fatima: Actor) -> None:
    made = pay(root, fatima, FATIMA_CURRENT, 1_500, account_id=ARJUN_CURRENT)
    original = newest(root, "fatima").transaction_id
    taken = back(root, fatima, made.transfer_id)
    assert original is not None
    view = root.read(get_transaction, fatima, original)
    assert (view.status, view.reversed_at) == ("reversed", taken.reversed_at)


def test_a_transfer_is_taken_back_once(root: StateRoot, fatima: Actor) -> None:
    made = pay(root, fatima, FATIMA_CURRENT, 1_500, account_id=ARJUN_CURRENT)
    taken = back(root, fatima, made.transfer_id)
    with pytest.raises(AlreadyReversedError):
        back(root, fatima, made.transfer_id)
    assert look(root, fatima, made.transfer_id) == taken
    assert audited(root)[-2:] == ["TRANSFER_REVERSED", "REVERSAL_REFUSED"]
    assert broken_invariants(root) == []


def test_a_rejected_transfer_cannot_be_taken_back(root: StateRoot, fatima: Actor) -> None:
    kept = refused(root, fatima, FATIMA_CURRENT, MAX_FILS, InsufficientFundsError, account_id=ARJUN_CURRENT)
    with pytest.raises(TransferNotReversibleError):
        back(root, fatima, kept.transfer_id)
    assert look(root, fatima, kept.transfer_id) == kept


def test_money_that_the_receiver_has_spent_cannot_be_taken_back(root: StateRoot, fatima: Actor) -> None:
    made = pay(root, fatima, FATIMA_CURRENT, 1_500, account_id=YOUSEF_WALLET)
    move(root, YOUSEF_WALLET, 1_000 - available(root, YOUSEF_WALLET))
    with pytest.raises(InsufficientFundsError) as refusal:
        back(root, fatima, made.transfer_id)
    assert refusal.value.facts == {}, "how much the receiver has is none of the payer's business"
    assert "1.000" not in refusal.value.detail
    assert look(root, fatima, made.transfer_id) == made
    assert audited(root)[-1] == "REVERSAL_REFUSED"
    assert broken_invariants(root) == []
    move(root, YOUSEF_WALLET, 500)
    assert back(root, fatima, made.transfer_id).status == TransferStatus.REVERSED
    assert available(root, YOUSEF_WALLET) == 0


@pytest.mark.parametrize("account_id", [FATIMA_CURRENT, ARJUN_CURRENT], ids=["payer", "receiver"])
def test_nothing_is_taken_back_between_blocked_accounts(root: StateRoot, fatima: Actor, account_id: str) -> None:
    made = pay(root, fatima, FATIMA_CURRENT, 1_500, account_id=ARJUN_CURRENT)
    sql(root, "UPDATE account SET status = 'frozen' WHERE \"key\" = ?", key_of(root, account_id))
    with pytest.raises(AccountBlockedError):
        back(root, fatima, made.transfer_id)
    assert look(root, fatima, made.transfer_id).status == TransferStatus.SETTLED
    assert broken_invariants(root) == []


def test_the_receiver_neither_sees_the_transfer_nor_takes_it_back(root: StateRoot, fatima: Actor) -> None:
    made = pay(root, fatima, FATIMA_CURRENT, 1_500, account_id=ARJUN_CURRENT)
    arjun = sign_in(root, "arjun")
    with pytest.raises(NotFoundError):
        look(root, arjun, made.transfer_id)
    with pytest.raises(NotFoundError):
        back(root, arjun, made.transfer_id)
    assert root.read(list_transfers, arjun, ALL).items == []


def test_an_admin_takes_back_anybodys_transfer(root: StateRoot, fatima: Actor) -> None:
    made = pay(root, fatima, FATIMA_CURRENT, 1_500, account_id=ARJUN_CURRENT)
    assert back(root, sign_in(root, "admin"), made.transfer_id).status == TransferStatus.REVERSED


@pytest.mark.parametrize("transfer_id", [NOBODY, "", "x", "' OR 1=1 --"])
def test_a_transfer_that_is_not_there_is_not_found(root: StateRoot, fatima: Actor, transfer_id: str) -> None:
    with pytest.raises(NotFoundError):
        look(root, fatima, transfer_id)
    with pytest.raises(NotFoundError):
        back(root, fatima, transfer_id)


def orders(root: StateRoot) -> tuple[list[str | None], list[str | None]]:
    """Three transfers of fatima's and two of arjun's, among them rejected ones; their ids, newest first."""
    fatima, arjun = sign_in(root), sign_in(root, "arjun")
    hers = [pay(root, fatima, FATIMA_CURRENT, fils, account_id=ARJUN_CURRENT).transfer_id for fils in (1, 2)]
    his = [pay(root, arjun, ARJUN_CURRENT, 3, account_id=FATIMA_CURRENT).transfer_id]
    hers.append(refused(root, fatima, FATIMA_CURRENT, MAX_FILS, InsufficientFundsError, iban=ARJUN_IBAN).transfer_id)
    his.append(refused(root, arjun, ARJUN_CURRENT, 1, IbanInvalidError, iban="broken").transfer_id)
    return hers[::-1], his[::-1]


def test_a_customer_lists_the_transfers_they_ordered_newest_first(root: StateRoot) -> None:
    hers, his = orders(root)
    assert [view.transfer_id for view in root.read(list_transfers, sign_in(root), ALL).items] == hers
    assert [view.transfer_id for view in root.read(list_transfers, sign_in(root, "arjun"), ALL).items] == his


def test_staff_list_all_transfers_or_those_of_one_customer(root: StateRoot) -> None:
    hers, his = orders(root)
    auditor = sign_in(root, "auditor")
    assert [view.transfer_id for view in root.read(list_transfers, auditor, ALL).items] == [
        his[0],
        hers[0],
        his[1],
        *hers[1:],
    ]
    for customer_id, expected in ((FATIMA_CUSTOMER, hers), (ARJUN_CUSTOMER, his)):
        found = root.read(list_transfers, auditor, ALL, customer_id=customer_id).items
        assert [view.transfer_id for view in found] == expected
    with pytest.raises(NotFoundError):
        root.read(list_transfers, auditor, ALL, customer_id=NOBODY)


def test_a_customer_does_not_list_anothers_transfers(root: StateRoot, fatima: Actor) -> None:
    with pytest.raises(ForbiddenError):
        root.read(list_transfers, fatima, ALL, customer_id=ARJUN_CUSTOMER)


@pytest.mark.parametrize("username", ["fatima", "auditor"])
@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_walking_the_pages_gives_the_whole_list_once(root: StateRoot, username: str, limit: int) -> None:
    orders(root)
    actor = sign_in(root, username)
    walked, window = [], Window(limit)
    while True:
        page = root.read(list_transfers, actor, window)
        walked += page.items
        if page.next is None:
            break
        window = Window(limit, page.next)
    assert walked == root.read(list_transfers, actor, ALL).items


def events(root: StateRoot) -> list[tuple[str, str | None, Any]]:
    """The outbox: kind, whose account, and the data."""
    query = (
        'SELECT o.type, lower(hex(a.id)), o.data FROM outbox o LEFT JOIN account a ON a."key" = o.account'
        " ORDER BY o.seq"
    )
    return [(kind, account, json.loads(data)) for kind, account, data in sql(root, query)]


def test_payment_and_reversal_tell_both_sides_on_which_account_and_what_is_booked_now(
    root: StateRoot, fatima: Actor
) -> None:
    made = pay(root, fatima, FATIMA_CURRENT, 1_500, account_id=ARJUN_CURRENT)
    back(root, fatima, made.transfer_id)
    found = events(root)
    assert [kind for kind, _, _ in found] == [
        "payment_sent",
        "balance_update",
        "payment_received",
        "balance_update",
        "payment_received",
        "balance_update",
        "payment_sent",
        "balance_update",
    ]
    for kind, account, data in found:
        assert data["account_id"].replace("-", "") == account
        assert ("booked" in data) == (kind == "balance_update")
        assert data.get("transfer_id") in {None, made.transfer_id}
    assert [data["booked"]["amount"] for kind, _, data in found if "booked" in data] == [
        "2545.940",
        "693.055",
        "2547.440",
        "691.555",
    ]


def test_a_refused_transfer_tells_nobody(root: StateRoot, fatima: Actor) -> None:
    refused(root, fatima, FATIMA_CURRENT, MAX_FILS, InsufficientFundsError, account_id=ARJUN_CURRENT)
    assert events(root) == []


def test_an_auditor_takes_no_transfer_back(root: StateRoot) -> None:
    fatima = sign_in(root)
    made = pay(root, fatima, FATIMA_CURRENT, 1_000, account_id=FATIMA_SAVINGS)
    with pytest.raises(ForbiddenError):
        root.write(reverse_transfer, sign_in(root, "auditor"), made.transfer_id or "", NewReversal())
