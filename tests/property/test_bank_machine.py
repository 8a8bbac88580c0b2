"""The bank against a model: whatever testers do, balances are what arithmetic says and all invariants hold.

Hypothesis drives a server in this process through deposits, withdrawals, transfers, reversals, sign-ins, forks, resets,
replays and dry runs. The model is a dictionary of balances for each sandbox, and the rules of the bank in a few lines.
"""

import copy
from typing import Any

import httpx
from bankside import (
    ARJUN_CURRENT,
    ARJUN_IBAN,
    FATIMA_CURRENT,
    FATIMA_FROZEN,
    FATIMA_IBAN,
    FATIMA_SAVINGS,
    MARIAM_CURRENT,
    MARIAM_DORMANT,
    YOUSEF_WALLET,
)
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support import PASSWORDS, Client, tiny_image, transfer_body

from sandbox.core.money import format_fils

MOST_SANDBOXES = 4
FIXED_DEPOSIT = "053409ca-cdf4-4079-aa9b-3d9602d96e14"
START = {
    FATIMA_CURRENT: 2_547_440,
    FATIMA_SAVINGS: 6_000_000,
    FATIMA_FROZEN: 90_950,
    ARJUN_CURRENT: 691_555,
    YOUSEF_WALLET: 170_880,
    MARIAM_CURRENT: 6_843_500,
    FIXED_DEPOSIT: 15_000_000,
    MARIAM_DORMANT: 1_243_750,
}
HELD = {FATIMA_CURRENT: 21_850, ARJUN_CURRENT: 12_000}
BLOCKED = {FATIMA_FROZEN, MARIAM_DORMANT}
OWNED = {"fatima": [FATIMA_CURRENT, FATIMA_SAVINGS, FATIMA_FROZEN], "arjun": [ARJUN_CURRENT]}
BY_IBAN = {
    ARJUN_IBAN: ARJUN_CURRENT,
    "kw07 snbk 0000 0000 0000 0100 4170 01": ARJUN_CURRENT,
    FATIMA_IBAN.lower(): FATIMA_CURRENT,
}

customers = st.sampled_from(["fatima", "arjun"])
ALL_THERE_IS, ONE_MORE = 0, -1
amounts = st.one_of(st.integers(1, 50_000), st.sampled_from([ALL_THERE_IS, ONE_MORE, 1, 2**40]))
"""Fils; the two marks mean all that is available, and one fils more than that."""
places = st.integers(0, MOST_SANDBOXES - 1)
picks = st.integers(0, 10_000)


class Order:
    """An order that was answered under a key, to be sent again."""

    def __init__(self, username: str, path: str, body: Any, key: str, answer: httpx.Response) -> None:
        self.username, self.path, self.body, self.key = username, path, body, key
        self.status, self.content = answer.status_code, answer.content


class Expected:
    """What the model knows of one sandbox's bank."""

    def __init__(self) -> None:
        self.balances = dict(START)
        self.failures = {"fatima": 0, "arjun": 0}
        self.settled: dict[str, tuple[str, str, str, int]] = {}
        self.reversed: set[str] = set()
        self.orders: list[Order] = []

    def available(self, account_id: str) -> int:
        return self.balances[account_id] - HELD.get(account_id, 0)

    def amount(self, account_id: str, drawn: int) -> int:
        """The fils that a drawn amount means on an account."""
        return drawn if drawn > 0 else max(self.available(account_id) - drawn, 1)

    def fork(self) -> "Expected":
        """What a copy of this bank knows: everything, keys and answers included."""
        twin = copy.copy(self)
        twin.balances, twin.failures = dict(self.balances), dict(self.failures)
        twin.settled, twin.reversed, twin.orders = dict(self.settled), set(self.reversed), list(self.orders)
        return twin


class Place:
    """One sandbox: its prefix, its model, what it is reset to, and who is signed in there."""

    def __init__(self, at: str, bank: Expected, digest: str) -> None:
        self.at, self.bank, self.digest = at, bank, digest
        self.origin = bank.fork()
        self.users: dict[str, Any] = {}


class BankMachine(RuleBasedStateMachine):
    """Testers at work on a few sandboxes of one server."""

    @initialize()
    def open(self) -> None:
        self.client = Client()
        self.keys = 0
        self.made = 0
        self.last: Place | None = None
        clean = tiny_image().facts.digest
        assert self.client.digest() == clean
        self.places = [Place("", Expected(), clean)]
        self.settle_in(self.places[0])

    def teardown(self) -> None:
        if hasattr(self, "client"):
            self.client.close()

    def settle_in(self, place: Place) -> None:
        """Sign in all who act; a customer who is locked keeps out."""
        place.users = {"auditor": self.client.login("auditor", at=place.at)}
        for username, failures in place.bank.failures.items():
            if failures < 5:
                place.users[username] = self.client.login(username, at=place.at)
                place.bank.failures[username] = 0

    def at(self, number: int, among: list[Place] | None = None) -> Place:
        places = among or self.places
        self.last = places[number % len(places)]
        return self.last

    def order(self, place: Place, username: str, path: str, body: Any) -> httpx.Response | None:
        """Send an order under a new key; None when its customer has no session there."""
        user = place.users.get(username)
        if user is None:
            return None
        self.keys += 1
        key = f"machine-{self.keys}"
        answer: httpx.Response = user.order(path, body, key=key)
        place.bank.orders.append(Order(username, path, body, key, answer))
        return answer

    @rule(number=places, username=customers, pick=picks, drawn=amounts, out=st.booleans())
    def cash(self, number: int, username: str, pick: int, drawn: int, *, out: bool) -> None:
        """Pay cash in or take it out."""
        place = self.at(number)
        account_id = self.payer(username, pick)
        fils = place.bank.amount(account_id, drawn)
        body = {"account_id": account_id, "amount": {"amount": format_fils(fils), "currency": "KWD"}}
        answer = self.order(place, username, "/v1/withdrawals" if out else "/v1/deposits", body)
        if answer is None:
            return
        if account_id in BLOCKED:
            assert answer.json()["code"] == "account_blocked"
        elif out and fils > place.bank.available(account_id):
            assert answer.json()["code"] == "insufficient_funds"
        else:
            assert answer.status_code == 201, answer.text
            place.bank.balances[account_id] += -fils if out else fils
            assert answer.json()["balance_after"]["amount"] == format_fils(place.bank.balances[account_id])

    @rule(number=places, pick=picks, to=picks, drawn=amounts)
    def transfer_between_own_accounts(self, number: int, pick: int, to: int, drawn: int) -> None:
        """From one of fatima's accounts to one of hers, which may be the same."""
        own = OWNED["fatima"]
        payer, payee = own[pick % len(own)], own[(pick + to + 1) % len(own)]
        self.transfer(self.at(number), "fatima", (payer, payee), {"account_id": payee}, drawn)

    @rule(number=places, username=customers, to=picks, drawn=amounts, times_back=st.integers(0, 2))
    def transfer_to_another_customer(self, number: int, username: str, to: int, drawn: int, times_back: int) -> None:
        """To somebody else's account, by its id; and perhaps back again."""
        place = self.at(number)
        others = [account_id for account_id in START if account_id not in OWNED[username]]
        payee = others[to % len(others)]
        transfer_id = self.transfer(place, username, (OWNED[username][0], payee), {"account_id": payee}, drawn)
        for _ in range(times_back if transfer_id else 0):
            self.take_back(place, transfer_id or "")

    @rule(number=places, username=customers, pick=picks, to=picks, drawn=amounts)
    def transfer_by_iban(self, number: int, username: str, pick: int, to: int, drawn: int) -> None:
        """To whoever has that IBAN."""
        iban, payee = list(BY_IBAN.items())[to % len(BY_IBAN)]
        self.transfer(self.at(number), username, (self.payer(username, pick), payee), {"iban": iban}, drawn)

    @rule(number=places, username=customers, pick=picks, to=picks, drawn=amounts)
    def rehearse(self, number: int, username: str, pick: int, to: int, drawn: int) -> None:
        """A dry run says the same as the order would, and leaves no trace."""
        place = self.at(number)
        user = place.users.get(username)
        if user is None:
            return
        payer, payee = self.payer(username, pick), list(START)[to % len(START)]
        fils = place.bank.amount(payer, drawn)
        before = self.client.digest(place.at)
        body = transfer_body(payer, payee, format_fils(fils))
        answer = self.client.post(f"{place.at}/v1/transfers?dry_run=true", body, headers=user.headers)
        assert answer.json().get("code") == self.verdict(place.bank, payer, payee, fils), answer.text
        assert answer.json()["transfer_id"] is None
        assert self.client.digest(place.at) == before

    @staticmethod
    def payer(username: str, pick: int) -> str:
        return OWNED[username][pick % len(OWNED[username])]

    def transfer(
        self, place: Place, username: str, between: tuple[str, str], to: dict[str, str], drawn: int
    ) -> str | None:
        """Order a transfer and compare with the model; its id when it settled."""
        payer, payee = between
        fils = place.bank.amount(payer, drawn)
        body = transfer_body(payer, payee, format_fils(fils)) | {"to": to}
        answer = self.order(place, username, "/v1/transfers", body)
        if answer is None:
            return None
        said = answer.json()
        expected = self.verdict(place.bank, payer, payee, fils)
        assert said.get("code") == expected, said
        if expected is None:
            place.bank.balances[payer] -= fils
            place.bank.balances[payee] += fils
            place.bank.settled[said["transfer_id"]] = (username, payer, payee, fils)
            return str(said["transfer_id"])
        kept = place.users[username].get(f"/v1/transfers/{said['transfer_id']}").json()
        assert (kept["status"], kept["status_reason"]) == ("rejected", said["reason"])
        return None

    @staticmethod
    def verdict(bank: Expected, payer: str, payee: str, fils: int) -> str | None:
        """The code of the refusal to expect, or none."""
        if payer in BLOCKED:
            return "account_blocked"
        if payer == payee:
            return "same_account"
        if fils > bank.available(payer):
            return "insufficient_funds"
        return "account_blocked" if payee in BLOCKED else None

    @precondition(lambda self: any(place.bank.settled for place in self.places))
    @rule(number=places, pick=picks)
    def reverse(self, number: int, pick: int) -> None:
        """Take a transfer back, be it for the first time or again."""
        place = self.at(number, [place for place in self.places if place.bank.settled])
        self.take_back(place, list(place.bank.settled)[pick % len(place.bank.settled)])

    def take_back(self, place: Place, transfer_id: str) -> None:
        username, payer, payee, fils = place.bank.settled[transfer_id]
        answer = self.order(place, username, f"/v1/transfers/{transfer_id}/reversal", {})
        if answer is None:
            return
        if transfer_id in place.bank.reversed:
            assert answer.json()["code"] == "already_reversed"
        elif fils > place.bank.available(payee):
            assert answer.json()["code"] == "insufficient_funds"
        else:
            assert answer.status_code == 201, answer.text
            assert answer.json()["status"] == "reversed"
            place.bank.reversed.add(transfer_id)
            place.bank.balances[payer] += fils
            place.bank.balances[payee] -= fils

    @precondition(lambda self: any(place.bank.orders for place in self.places))
    @rule(number=places, pick=picks)
    def replay(self, number: int, pick: int) -> None:
        """The same order under the same key: the same bytes, and nothing moves."""
        place = self.at(number, [place for place in self.places if place.bank.orders])
        known = [order for order in place.bank.orders if order.username in place.users]
        if not known:
            return
        order = known[pick % len(known)]
        before = self.client.digest(place.at)
        again = place.users[order.username].order(order.path, order.body, key=order.key)
        assert (again.status_code, again.content) == (order.status, order.content)
        assert again.headers["idempotent-replayed"] == "true"
        assert self.client.digest(place.at) == before

    @rule(number=places, username=customers, times=st.integers(1, 5))
    def fail_to_sign_in(self, number: int, username: str, times: int) -> None:
        """Wrong passwords count down and lock."""
        place = self.at(number)
        for _ in range(times):
            body = {"username": username, "password": "wrong"}
            answer = self.client.post(f"{place.at}/v1/auth/login", body)
            failures = place.bank.failures[username] = min(place.bank.failures[username] + 1, 5)
            if failures < 5:
                assert (answer.status_code, answer.json()["attempts_left"]) == (401, 5 - failures)
            else:
                assert answer.status_code == 423

    @rule(number=places, username=customers)
    def sign_in(self, number: int, username: str) -> None:
        """The right password opens a session, but for a user who is locked."""
        place = self.at(number)
        body = {"username": username, "password": PASSWORDS[username]}
        answer = self.client.post(f"{place.at}/v1/auth/login", body)
        if place.bank.failures[username] >= 5:
            assert answer.status_code == 423
        else:
            assert answer.status_code == 200
            place.bank.failures[username] = 0

    @precondition(lambda self: len(self.places) < MOST_SANDBOXES)
    @rule(number=places, clean=st.booleans())
    def fork(self, number: int, *, clean: bool) -> None:
        """A new sandbox: on the clean image of another, or on what that one has become."""
        source = self.at(number)
        self.made += 1
        name = f"fork-{self.made}"
        before = self.client.digest(source.at)
        body = {"id": name} if clean else {"id": name, "from": f"sandbox:{source.at.removeprefix('/s/') or 'default'}"}
        made = self.client.post(f"{source.at}/_sandbox/sandboxes", body)
        assert made.status_code == 201, made.text
        digest = made.json()["digest"]
        assert digest == (source.digest if clean else before)
        bank = (source.origin if clean else source.bank).fork()
        place = Place(f"/s/{name}", bank, digest)
        self.places.append(place)
        self.settle_in(place)

    @rule(number=places)
    def reset(self, number: int) -> None:
        """Back to what the sandbox was made from: the digest says so, and old tokens end."""
        place = self.at(number)
        old = dict(place.users)
        answer = self.client.post(f"{place.at}/_sandbox/reset")
        assert (answer.status_code, answer.json()["digest"]) == (200, place.digest)
        assert self.client.digest(place.at) == place.digest
        for user in old.values():
            assert user.get("/v1/accounts").status_code == 401
        place.bank = place.origin.fork()
        self.settle_in(place)

    @invariant()
    def balances_are_what_the_model_says(self) -> None:
        """In every sandbox, also in those that the last step did not touch."""
        for place in getattr(self, "places", []):
            found = place.users["auditor"].accounts()
            booked = {item["account_id"]: item["balances"]["booked"]["amount"] for item in found}
            assert booked == {key: format_fils(fils) for key, fils in place.bank.balances.items()}, place.at
            available = {item["account_id"]: item["balances"]["available"]["amount"] for item in found}
            assert available == {key: format_fils(place.bank.available(key)) for key in place.bank.balances}

    @invariant()
    def all_invariants_hold(self) -> None:
        """Where the last step was."""
        if getattr(self, "last", None) is not None:
            assert self.last is not None
            self.client.assert_sound(self.last.at)


TestBankMachine = BankMachine.TestCase
TestBankMachine.settings = settings(
    derandomize=True,
    database=None,
    max_examples=30,
    stateful_step_count=20,
    deadline=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
