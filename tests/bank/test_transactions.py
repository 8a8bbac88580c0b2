"""Transactions: filters, cursors, who sees what."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from bankside import (
    ALL,
    ARJUN_CURRENT,
    ARJUN_CUSTOMER,
    FATIMA_CURRENT,
    FATIMA_CUSTOMER,
    FATIMA_FROZEN,
    FATIMA_SAVINGS,
    MARIAM_CURRENT,
    move,
    pay,
    reserve,
    seen_by,
)
from support import sign_in

from sandbox.bank import ledger
from sandbox.bank.access import Actor
from sandbox.bank.lists import Position, Slice, Window
from sandbox.bank.transactions import (
    TransactionFilter,
    TransactionView,
    get_transaction,
    list_all,
    list_of_account,
    lower_case,
)
from sandbox.core.clock import parse_instant
from sandbox.core.errors import ForbiddenError, NotFoundError
from sandbox.core.vocabulary import Direction, TransactionStatus
from sandbox.sandboxes.root import StateRoot

Reader = Callable[[StateRoot, Window, TransactionFilter], Slice[TransactionView]]
NOTHING = TransactionFilter()


def of_account(account_id: str, username: str = "auditor") -> Reader:
    """The list of one account."""

    def read(root: StateRoot, window: Window, wanted: TransactionFilter) -> Slice[TransactionView]:
        return root.read(list_of_account, actor_of(root, username), window, account_id, wanted)

    return read


def of_everything(username: str, customer_id: str | None = None) -> Reader:
    """The list over all accounts that a user sees."""

    def read(root: StateRoot, window: Window, wanted: TransactionFilter) -> Slice[TransactionView]:
        return root.read(list_all, actor_of(root, username), window, wanted, customer_id=customer_id)

    return read


READERS = {
    "one account": of_account(FATIMA_CURRENT, "fatima"),
    "one account, as an auditor": of_account(MARIAM_CURRENT),
    "merged": of_everything("fatima"),
    "merged, as an auditor": of_everything("auditor", FATIMA_CUSTOMER),
    "everyone's": of_everything("auditor"),
}
every_reader = pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())

_actors: dict[tuple[int, str], Actor] = {}


def actor_of(root: StateRoot, username: str) -> Actor:
    """A user of this root, signed in once."""
    known = _actors.get((id(root), username))
    if known is None or root.write_number == 0:
        known = _actors[id(root), username] = sign_in(root, username)
    return known


@pytest.fixture(autouse=True)
def forget_actors() -> None:
    _actors.clear()


@pytest.fixture
def busy(root: StateRoot) -> StateRoot:
    """A bank whose accounts share postings: both sides of a transfer stand at one place of the ledger."""
    fatima = actor_of(root, "fatima")
    for fils in range(1, 8):
        payer, payee = (FATIMA_CURRENT, FATIMA_SAVINGS) if fils % 2 else (FATIMA_SAVINGS, FATIMA_CURRENT)
        pay(root, fatima, payer, fils, account_id=payee)
        pay(root, fatima, FATIMA_CURRENT, fils * 100, account_id=MARIAM_CURRENT)
    move(root, FATIMA_CURRENT, 5_000, "100% of the _rent_ \\ paid")
    root.write(ledger.void_hold, reserve(root, FATIMA_SAVINGS, -777))
    reserve(root, FATIMA_SAVINGS, -888)
    return root


def whole(root: StateRoot, reader: Reader, **wanted: Any) -> list[TransactionView]:
    """The whole list on one page."""
    found = reader(root, ALL, TransactionFilter(**wanted))
    assert found.next is None
    return found.items


def walk(root: StateRoot, reader: Reader, limit: int, wanted: TransactionFilter = NOTHING) -> list[TransactionView]:
    """All pages, joined."""
    found: list[TransactionView] = []
    after: Position | None = None
    while True:
        page = reader(root, Window(limit, after), wanted)
        assert len(page.items) <= limit
        assert page.items or page.next is None
        found += page.items
        if page.next is None:
            return found
        assert after is None or page.next[0] <= after[0]
        after = page.next


def fils(view: TransactionView) -> int:
    """The unsigned amount."""
    return int(view.amount.amount.replace(".", ""))


@every_reader
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 10, 47])
def test_walking_the_pages_gives_the_whole_list_once(busy: StateRoot, reader: Reader, limit: int) -> None:
    expected = whole(busy, reader)
    walked = walk(busy, reader, limit)
    assert walked == expected
    assert len({view.transaction_id for view in walked}) == len(walked) > 15


@every_reader
@pytest.mark.parametrize(
    "wanted",
    [
        {"direction": Direction.DEBIT, "min_amount": 5},
        {"status": TransactionStatus.COMPLETED, "q": "transfer"},
        {"max_amount": 400, "direction": Direction.CREDIT},
        {"since": parse_instant("2025-12-01T00:00:00Z"), "category": "RESTAURANTS"},
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 7])
def test_walking_a_filtered_list_gives_what_the_filter_leaves(
    busy: StateRoot, reader: Reader, wanted: dict[str, Any], limit: int
) -> None:
    assert walk(busy, reader, limit, TransactionFilter(**wanted)) == whole(busy, reader, **wanted)


@every_reader
def test_lists_go_from_new_to_old(busy: StateRoot, reader: Reader) -> None:
    times = [view.booked_at for view in whole(busy, reader)]
    assert times == sorted(times, reverse=True)


def test_a_walk_is_not_disturbed_by_what_is_posted_meanwhile(busy: StateRoot) -> None:
    reader = READERS["merged"]
    expected = whole(busy, reader)
    first = reader(busy, Window(5), NOTHING)
    move(busy, FATIMA_CURRENT, 1)
    pay(busy, actor_of(busy, "fatima"), FATIMA_CURRENT, 1, account_id=FATIMA_SAVINGS)
    rest = reader(busy, Window(200, first.next), NOTHING)
    assert first.items + rest.items == expected


def test_a_customers_list_is_the_merged_lists_of_their_accounts(busy: StateRoot) -> None:
    merged = whole(busy, of_everything("fatima"))
    single = [whole(busy, of_account(account_id)) for account_id in (FATIMA_CURRENT, FATIMA_SAVINGS, FATIMA_FROZEN)]
    assert sorted(view.transaction_id or "" for view in merged) == sorted(
        view.transaction_id or "" for views in single for view in views
    )
    assert whole(busy, of_everything("auditor", FATIMA_CUSTOMER)) == merged


def test_the_banks_own_side_is_nobodys_transaction(busy: StateRoot) -> None:
    everything = whole(busy, of_everything("auditor"))
    assert all(view.transaction_id for view in everything)
    assert len({view.account_id for view in everything}) == 8


def test_both_sides_of_one_posting_stand_in_everyones_list_in_order_of_account(busy: StateRoot) -> None:
    pay(busy, actor_of(busy, "fatima"), FATIMA_CURRENT, 1, account_id=ARJUN_CURRENT)
    found = whole(busy, of_everything("auditor"))[:2]
    assert [view.account_id for view in found] == [FATIMA_CURRENT, ARJUN_CURRENT]


FILTERS: dict[str, tuple[dict[str, Any], Callable[[TransactionView], bool]]] = {
    "from": (
        {"since": parse_instant("2025-12-18T05:30:00Z")},
        lambda view: view.booked_at >= "2025-12-18T05:30:00.000Z",
    ),
    "to": (
        {"until": parse_instant("2025-12-18T05:30:00Z")},
        lambda view: view.booked_at < "2025-12-18T05:30:00.000Z",
    ),
    "between": (
        {"since": parse_instant("2025-12-01T00:00:00Z"), "until": parse_instant("2026-01-01T00:00:00Z")},
        lambda view: view.booked_at[:7] == "2025-12",
    ),
    "least": ({"min_amount": 24_750}, lambda view: fils(view) >= 24_750),
    "most": ({"max_amount": 24_750}, lambda view: fils(view) <= 24_750),
    "exactly": ({"min_amount": 24_750, "max_amount": 24_750}, lambda view: fils(view) == 24_750),
    "category": ({"category": "groceries"}, lambda view: view.category == "groceries"),
    "category in capitals": ({"category": "GROCERIES"}, lambda view: view.category == "groceries"),
    "credits": ({"direction": Direction.CREDIT}, lambda view: view.direction == Direction.CREDIT),
    "debits": ({"direction": Direction.DEBIT}, lambda view: view.direction == Direction.DEBIT),
    "completed": ({"status": TransactionStatus.COMPLETED}, lambda view: view.status == TransactionStatus.COMPLETED),
    "pending": ({"status": TransactionStatus.PENDING}, lambda view: view.status == TransactionStatus.PENDING),
    "failed": ({"status": TransactionStatus.FAILED}, lambda view: view.status == TransactionStatus.FAILED),
    "reversed": ({"status": TransactionStatus.REVERSED}, lambda view: view.status == TransactionStatus.REVERSED),
    "text in the description": ({"q": "WEEKLY"}, lambda view: "weekly" in (view.description or "").lower()),
    "text in the merchant": (
        {"q": "bahar"},
        lambda view: view.merchant is not None and "Bahar" in view.merchant.name,
    ),
    "all at once": (
        {
            "since": parse_instant("2025-11-10T00:00:00Z"),
            "until": parse_instant("2026-01-14T00:00:00Z"),
            "min_amount": 10_000,
            "max_amount": 60_000,
            "category": "Groceries",
            "direction": Direction.DEBIT,
            "status": TransactionStatus.COMPLETED,
            "q": "nakheel",
        },
        lambda view: view.amount.amount in {"41.090", "52.780"} and view.category == "groceries",
    ),
}


@pytest.mark.parametrize(("wanted", "passes"), FILTERS.values(), ids=FILTERS.keys())
@pytest.mark.parametrize("reader", [READERS["merged"], READERS["everyone's"]], ids=["merged", "everyone's"])
def test_a_filter_leaves_exactly_what_passes_it(
    busy: StateRoot, reader: Reader, wanted: dict[str, Any], passes: Callable[[TransactionView], bool]
) -> None:
    expected = [view for view in whole(busy, reader) if passes(view)]
    assert whole(busy, reader, **wanted) == expected
    assert expected or reader is READERS["merged"]


def test_every_filter_finds_something_and_leaves_something_out(busy: StateRoot) -> None:
    everything = len(whole(busy, READERS["everyone's"]))
    for name, (wanted, _) in FILTERS.items():
        assert 0 < len(whole(busy, READERS["everyone's"], **wanted)) < everything, name


@pytest.mark.parametrize(
    ("since", "until", "count"),
    [("1990-01-01T00:00:00Z", None, 1), ("2090-01-01T00:00:00Z", None, 0), (None, "1990-01-01T00:00:00Z", 0)],
)
def test_bounds_outside_all_history_leave_all_or_nothing(
    root: StateRoot, since: str | None, until: str | None, count: int
) -> None:
    wanted = {"since": since and parse_instant(since), "until": until and parse_instant(until)}
    found = whole(root, READERS["everyone's"], **wanted)
    assert len(found) == count * len(whole(root, READERS["everyone's"]))


@pytest.mark.parametrize("text", ["100%", "%", "_", "_rent_", "\\", "% of the _"])
def test_percent_underscore_and_backslash_mean_themselves(busy: StateRoot, text: str) -> None:
    expected = [view for view in whole(busy, READERS["everyone's"]) if text in (view.description or "")]
    assert expected
    assert whole(busy, READERS["everyone's"], q=text) == expected


@pytest.mark.parametrize("text", ["100_", "re%nt", "10__ of", "\\\\"])
def test_wildcards_match_nothing_but_themselves(busy: StateRoot, text: str) -> None:
    assert whole(busy, READERS["everyone's"], q=text) == []


@pytest.mark.parametrize("text", ["عيدية", "CAFÉ Ünlü", "STRASSE ß", "İstanbul", "'; DROP TABLE entry; --"])
def test_a_text_finds_itself_in_any_script(root: StateRoot, text: str) -> None:
    move(root, FATIMA_CURRENT, 1_000, f"Paid at {text} today")
    assert len(whole(root, of_everything("fatima"), q=text)) == 1


def test_a_movement_of_the_seed_is_read_with_its_merchant(root: StateRoot) -> None:
    (view,) = whole(root, of_account(FATIMA_CURRENT), q="Lulwa")
    assert view.merchant is not None
    assert (view.merchant.name, view.merchant.category, view.merchant.mcc)[:2] == (
        "Lulwa Gold and Jewellery",
        "jewellery",
    )
    assert (view.category, view.channel, view.disputed) == ("jewellery", "pos", False)
    assert view.booking_date == "2025-11-28"


def test_a_movement_without_merchant_keeps_its_category(root: StateRoot) -> None:
    view = whole(root, of_account(FATIMA_CURRENT), q="Government salary")[0]
    assert (view.merchant, view.category) == (None, "salary")


def test_booking_dates_are_days_in_kuwait(root: StateRoot) -> None:
    (view,) = seen_by(root, actor_of(root, "arjun"), q="Petrol")
    assert (view.booked_at, view.booking_date) == ("2025-12-14T03:12:05.000Z", "2025-12-14")
    (late,) = whole(root, of_account(FATIMA_CURRENT), q="charged twice", status=TransactionStatus.REVERSED)
    assert (late.booked_at, late.booking_date, late.reversed_at is None) == (
        "2025-12-12T18:38:02.000Z",
        "2025-12-12",
        False,
    )


def test_only_posted_movements_carry_a_balance(busy: StateRoot) -> None:
    posted = {TransactionStatus.COMPLETED, TransactionStatus.REVERSED}
    for view in whole(busy, READERS["everyone's"]):
        assert (view.balance_after is not None) == (view.status in posted)


def test_the_newest_posted_balance_is_the_booked_one(busy: StateRoot) -> None:
    for account_id in (FATIMA_CURRENT, FATIMA_SAVINGS, MARIAM_CURRENT):
        views = [view for view in whole(busy, of_account(account_id)) if view.balance_after]
        for newer, older in pairwise(views):
            assert newer.balance_after is not None
            assert older.balance_after is not None
            signed = fils(newer) if newer.direction == Direction.CREDIT else -fils(newer)
            before = int(older.balance_after.amount.replace(".", ""))
            assert int(newer.balance_after.amount.replace(".", "")) == before + signed


def test_a_transaction_is_read_by_who_owns_it_and_by_staff(root: StateRoot) -> None:
    mine = whole(root, of_everything("fatima"))[0]
    assert mine.transaction_id is not None
    for username in ("fatima", "auditor", "admin"):
        assert root.read(get_transaction, actor_of(root, username), mine.transaction_id) == mine
    with pytest.raises(NotFoundError):
        root.read(get_transaction, actor_of(root, "arjun"), mine.transaction_id)


@pytest.mark.parametrize("transaction_id", ["", "x", "00000000-0000-4000-8000-000000000000", "1 OR 1=1"])
def test_a_transaction_that_is_not_there_is_not_found(root: StateRoot, transaction_id: str) -> None:
    with pytest.raises(NotFoundError):
        root.read(get_transaction, actor_of(root, "auditor"), transaction_id)


def test_a_foreign_accounts_list_is_not_found(root: StateRoot) -> None:
    with pytest.raises(NotFoundError):
        of_account(ARJUN_CURRENT, "fatima")(root, ALL, NOTHING)


def test_a_customer_may_not_list_anothers_transactions(root: StateRoot) -> None:
    with pytest.raises(ForbiddenError):
        of_everything("fatima", ARJUN_CUSTOMER)(root, ALL, NOTHING)


@pytest.mark.parametrize(
    ("text", "shown"), [("GROCERIES", "groceries"), ("Own words", "Own words"), (None, None), ("بقالة", "بقالة")]
)
def test_words_in_capitals_are_shown_in_lower_case(text: str | None, shown: str | None) -> None:
    assert lower_case(text) == shown
