"""A bank that is exported and imported at any moment goes on as if nothing had happened.

Two banks get the same orders. One is never touched; the other is now and then written to files and made again from
them. After every exchange the digest is the old one and all invariants hold; every order must be answered alike, and in
the end everything that can be read of the two must be equal.
"""

from collections.abc import Callable
from typing import Any

from bankside import ARJUN_CURRENT, FATIMA_CURRENT, FATIMA_CUSTOMER, FATIMA_SAVINGS, YOUSEF_WALLET
from exchanging import digest_of, exported, imported, seeded_image
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support import VIRTUAL, broken_invariants

from sandbox.bank import acts, ledger, records
from sandbox.bank.access import Actor, find_account
from sandbox.bank.accounts import list_accounts, list_holds
from sandbox.bank.actors import holder
from sandbox.bank.chart import CHART
from sandbox.bank.devices import DeviceFacts
from sandbox.bank.identity import Verdict, sign_in, stored_hash
from sandbox.bank.ledger import Leg
from sandbox.bank.lists import Window
from sandbox.bank.transactions import TransactionFilter, list_all
from sandbox.bank.transfers import Creditor, NewReversal, NewTransfer, create_transfer, list_transfers, reverse_transfer
from sandbox.core.clock import DAY, HOUR, Instant
from sandbox.core.errors import DomainError
from sandbox.core.money import OrderAmount, format_fils
from sandbox.core.vocabulary import Language, Role
from sandbox.sandboxes.root import StateRoot
from sandbox.store.work import Work

ACCOUNTS = [FATIMA_CURRENT, FATIMA_SAVINGS, ARJUN_CURRENT, YOUSEF_WALLET]
USERS = ["fatima", "arjun", "yousef"]

picks = st.integers(0, 10_000)
fils = st.one_of(st.integers(1, 40_000), st.integers(1, 40_000), st.just(2**40))
reasons = st.sampled_from([None, "Wrong person", "خطأ"])
parts = st.sampled_from([None, 1, 2, 9_001])


def answer_of(act: Callable[[], object]) -> object:
    """What came of an order: its outcome, or what it was refused with."""
    try:
        return act()
    except DomainError as refusal:
        return refusal.code, refusal.detail, refusal.facts


class ExchangeMachine(RuleBasedStateMachine):
    """The same life twice, once with exports and imports in between."""

    @initialize()
    def open(self) -> None:
        self.lived = StateRoot(seeded_image(), rules=VIRTUAL, seed=2026, generation=1)
        self.loaded = StateRoot(seeded_image(), rules=VIRTUAL, seed=2026, generation=1)
        self.transfers: list[tuple[str, str]] = []
        self.holds: list[str] = []
        self.exchanges = 0

    def teardown(self) -> None:
        if hasattr(self, "lived"):
            self.exchange()
            self.compare_all()
            self.lived.close()
            self.loaded.close()

    def both(self, fn: Callable[..., Any], *args: Any, **facts: Any) -> Any:
        """The same order to both banks; what both answered."""
        first, second = (
            answer_of(lambda root=root: root.write(fn, *args, **facts))  # type: ignore[misc]
            for root in (self.lived, self.loaded)
        )
        assert first == second
        return first

    @rule(payer=picks, step=st.integers(0, 4), amount=fils, times_back=st.integers(0, 2), reason=reasons)
    def transfer(self, payer: int, step: int, amount: int, times_back: int, reason: str | None) -> None:
        """Pay from one account to another, or to the same, or to nobody; and perhaps take it back."""
        source = ACCOUNTS[payer % len(ACCOUNTS)]
        target = "nobody" if step == 4 else ACCOUNTS[(payer + step) % len(ACCOUNTS)]
        order = NewTransfer(
            from_account_id=source,
            to=Creditor(account_id=target, name="Somebody"),
            amount=OrderAmount(amount=format_fils(amount), currency="KWD"),
            reference=None if amount % 2 else "Rent",
        )

        def pay(work: Work) -> Any:
            return create_transfer(work, holder(work, source), order)

        made = self.both(pay)
        if not isinstance(made, tuple):
            self.transfers.append((made.transfer_id, source))
            for _ in range(times_back):
                self.reverse(pick=len(self.transfers) - 1, reason=reason)

    @precondition(lambda self: self.transfers)
    @rule(pick=picks, reason=reasons)
    def reverse(self, pick: int, reason: str | None) -> None:
        """Take an old transfer back, once or again."""
        transfer_id, source = self.transfers[pick % len(self.transfers)]

        def take_back(work: Work) -> Any:
            return reverse_transfer(work, holder(work, source), transfer_id, NewReversal(reason=reason))

        self.both(take_back)

    @rule(pick=picks, amount=fils, out=st.booleans())
    def cash(self, pick: int, amount: int, *, out: bool) -> None:
        """Pay cash in or take it out."""
        act = acts.withdraw if out else acts.deposit
        self.both(act, account=ACCOUNTS[pick % len(ACCOUNTS)], amount=amount)

    @rule(pick=picks, amount=fils)
    def purchase(self, pick: int, amount: int) -> None:
        """Pay at a merchant."""
        self.both(
            acts.purchase,
            account=ACCOUNTS[pick % len(ACCOUNTS)],
            amount=amount,
            merchant="Sultan Center",
            category="GROCERIES",
            mcc="5411",
            description=None if amount % 2 else "Food",
        )

    @rule(
        pick=picks,
        amount=st.integers(1, 9_000),
        credit=st.booleans(),
        days=st.sampled_from([0, 1, 5, 30]),
        end=st.sampled_from(["open", "posted", "voided"]),
        part=parts,
    )
    def place_hold(self, pick: int, amount: int, *, credit: bool, days: int, end: str, part: int | None) -> None:
        """Reserve money, or announce some; and perhaps collect or release it at once."""
        account_id = ACCOUNTS[pick % len(ACCOUNTS)]

        def place(work: Work) -> str:
            row = find_account(work, account_id)
            assert row is not None
            key = row.key
            leg = Leg(key, amount if credit else -amount, work.draws.uuid("transaction"), "Held")
            expires_at = work.now + days * DAY if days else None
            counter = CHART["settlement.knet"]
            return ledger.place_hold(work, leg, counter=counter, expires_at=expires_at, channel="POS")

        made = self.both(place)
        if isinstance(made, str):
            self.holds.append(made)
            if end == "posted":
                self.post_hold(pick=len(self.holds) - 1, part=part)
            elif end == "voided":
                self.void_hold(pick=len(self.holds) - 1)

    @precondition(lambda self: self.holds)
    @rule(pick=picks, part=parts)
    def post_hold(self, pick: int, part: int | None) -> None:
        """Collect a hold, whole or in part."""

        def collect(work: Work) -> Any:
            return ledger.post_hold(work, self.holds[pick % len(self.holds)], amount=part)

        self.both(collect)

    @precondition(lambda self: self.holds)
    @rule(pick=picks)
    def void_hold(self, pick: int) -> None:
        """Release a hold."""
        self.both(ledger.void_hold, self.holds[pick % len(self.holds)])

    @rule(hours=st.sampled_from([1, 30, 24 * 8, 24 * 40]))
    def advance(self, hours: int) -> None:
        """Time passes: holds, locks and sessions come to their end."""
        fired = [root.advance(Instant(root.now + hours * HOUR)) for root in (self.lived, self.loaded)]
        assert fired[0] == fired[1]

    @rule(pick=picks, matches=st.booleans(), times=st.integers(1, 5))
    def try_password(self, pick: int, times: int, *, matches: bool) -> None:
        """Sign in, well or badly, until the user is locked."""
        username = USERS[pick % len(USERS)]

        def attempt(work: Work) -> Any:
            verdict = Verdict(stored_hash(work, username), matches=matches)
            device = DeviceFacts(model="Test", fingerprint=f"test:{username}")
            opened = sign_in(work, username, verdict, device=device, ip_address="203.0.113.9")
            return getattr(opened, "session_id", None)

        for _ in range(times):
            self.both(attempt)

    @rule(
        change=st.sampled_from(
            [
                ("customers", FATIMA_CUSTOMER, {"segment": "AFFLUENT", "zz_new": 1}),
                ("customers", FATIMA_CUSTOMER, {"address": {"area": "Mishref", "block": 4}}),
                ("accounts", FATIMA_CURRENT, {"nickname": "الراتب"}),
                ("accounts", FATIMA_CURRENT, {"overdraft_limit": "50.000"}),
                ("accounts", FATIMA_CURRENT, {"overdraft_limit": "0.000"}),
                ("accounts", FATIMA_SAVINGS, {"balance": "77.125"}),
                ("accounts", ARJUN_CURRENT, {"status": "FROZEN"}),
                ("accounts", ARJUN_CURRENT, {"status": "ACTIVE"}),
                ("branches", "b1", {"rate": 2}),
            ]
        )
    )
    def patch(self, change: tuple[str, str, dict[str, Any]]) -> None:
        """Change a record as the data plane does."""
        self.both(records.patch_record, *change)

    @rule(name=st.sampled_from(["e1", "e2", "b1"]), drop=st.booleans())
    def change_extra(self, name: str, *, drop: bool) -> None:
        """Put a record into a collection that was empty, or take one out, perhaps the last."""
        collection = "branches" if name == "b1" else "empty"
        if drop:
            self.both(records.delete_record, collection, name)
        else:
            self.both(records.create_record, collection, {"id": name, "n": 1.25})

    @rule()
    def exchange(self) -> None:
        """Write one of the banks to files, and go on with what is made of them."""
        self.exchanges += 1
        before = digest_of(self.loaded)
        raw = exported(self.loaded)
        self.loaded.close()
        self.loaded = imported(raw)
        assert self.loaded.image.facts.digest == before
        assert exported(self.loaded) == raw
        assert broken_invariants(self.loaded) == []

    @invariant()
    def the_banks_are_equal(self) -> None:
        """At every moment."""
        if hasattr(self, "lived"):
            assert self.lived.now == self.loaded.now
            assert self.lived.write_number == self.loaded.write_number

    def compare_all(self) -> None:
        """Everything that can be read of the two banks."""
        assert digest_of(self.lived) == digest_of(self.loaded)
        assert broken_invariants(self.lived) == []
        found = [root.read(_everything) for root in (self.lived, self.loaded)]
        assert found[0] == found[1]


AUDITOR = Actor(
    user=0,
    user_id="",
    username="auditor",
    role=Role.AUDITOR,
    session=0,
    session_id="",
    customer=None,
    customer_id=None,
    language=Language.ENGLISH,
    ip_address=None,
)
"""Sees everything; the bank's functions do not ask whether the session is open."""


def _everything(work: Work) -> dict[str, Any]:
    """What staff and the holders see of a bank."""
    window = Window(10_000)
    return {
        "accounts": list_accounts(work, AUDITOR, window).items,
        "transactions": list_all(work, AUDITOR, window, TransactionFilter()).items,
        "transfers": list_transfers(work, AUDITOR, window).items,
        "holds": [list_holds(work, AUDITOR, window, account_id).items for account_id in ACCOUNTS],
    }


TestExchangeMachine = ExchangeMachine.TestCase
TestExchangeMachine.settings = settings(
    derandomize=True,
    database=None,
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
