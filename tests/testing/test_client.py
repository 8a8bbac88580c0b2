"""The client: what a test does with its bank, over real HTTP."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from sandbox.testing import Bank, InvariantBrokenError, RefusedError, Sandbank, Session
from sandbox.testing.sandbank import scenario_order
from sandbox.testing.session import money
from sandbox.testing.views import Check, Invariants


@pytest.fixture
def someone(bank: Bank) -> Session:
    return bank.login("fatima")


def test_a_transfer_moves_money_between_two_accounts(someone: Session) -> None:
    current, savings = someone.accounts()[:2]
    paid = someone.transfer(current, savings, "12.750", reference="Eid clothes")
    assert (paid.status, paid.amount.amount, paid.reference) == ("settled", Decimal("12.750"), "Eid clothes")
    assert someone.account(current).booked == current.booked - Decimal("12.750")
    assert someone.account(savings).booked == savings.booked + Decimal("12.750")


def test_an_iban_says_who_receives_as_well(bank: Bank, someone: Session) -> None:
    current, savings = someone.accounts()[:2]
    theirs = bank.login("arjun").accounts()[0]
    assert someone.transfer(current, theirs.iban, "1.000").status == "settled"
    assert someone.transfer(current.account_id, savings.account_id, Decimal("0.5")).amount.amount == Decimal("0.500")


def test_cash_comes_in_and_goes_out(someone: Session) -> None:
    current = someone.accounts()[0]
    paid_in = someone.deposit(current, "100")
    taken = someone.withdraw(current, Decimal("40.001"))
    assert (paid_in.direction, taken.direction) == ("credit", "debit")
    assert someone.account(current).booked == current.booked + Decimal("59.999")


def test_a_refusal_is_an_exception_with_its_code(someone: Session) -> None:
    current, savings = someone.accounts()[:2]
    told = r"^insufficient_funds: .* is available.* \(POST /v1/transfers -> 422\)$"
    with pytest.raises(RefusedError, match=told) as refused:
        someone.transfer(current, savings, "99999.000")
    assert (refused.value.status, refused.value.code) == (422, "insufficient_funds")
    assert refused.value.answer.json()["reason"] == "AM04"


def test_a_raw_request_raises_nothing(someone: Session) -> None:
    answer = someone.post("/v1/transfers", json={"from_account_id": 1})
    assert (answer.status, answer.problem, answer.ok) == (400, "validation_failed", False)
    assert answer.headers["CONTENT-TYPE"] == "application/problem+json"
    with pytest.raises(RefusedError, match="/from_account_id: must be a string"):
        answer.expect()
    assert answer.expect(400) is answer


def test_an_answer_that_is_no_problem_has_no_code(bank: Bank) -> None:
    answer = bank.get("/_sandbox/health")
    assert (answer.status, answer.problem, answer.json()) == (200, None, {"status": "ok"})
    with pytest.raises(RefusedError, match="GET /_sandbox/health -> 200 OK") as refused:
        answer.expect(201)
    assert refused.value.code is None


def test_orders_get_a_key_of_their_own_and_the_same_in_every_run(someone: Session) -> None:
    account = someone.accounts()[0]
    order = {"account_id": account.account_id, "amount": money("1.000")}
    first, second = (someone.post("/v1/deposits", json=order).expect(201) for _ in range(2))
    assert first.json()["transaction_id"] != second.json()["transaction_id"]
    keys = [answer.sent.headers["idempotency-key"] for answer in (first, second)]
    assert keys == ["sandbank-testing-1", "sandbank-testing-2"]


def test_a_key_of_ones_own_makes_a_retry(someone: Session) -> None:
    account = someone.accounts()[0]
    first, again = (someone.deposit(account, "1.000", key="mine") for _ in range(2))
    assert first.transaction_id == again.transaction_id
    assert someone.account(account).booked == account.booked + 1


def test_no_key_is_sent_where_none_is_wanted(someone: Session) -> None:
    order = {"account_id": someone.accounts()[0].account_id, "amount": money("1.000")}
    answer = someone.post("/v1/deposits", json=order, headers={"Idempotency-Key": None})
    assert answer.problem == "idempotency_key_missing"


def test_lists_are_followed_to_their_end(someone: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = someone.transactions()
    monkeypatch.setattr("sandbox.testing.session._LARGEST_PAGE", 3)
    assert len(whole) > 6
    assert someone.transactions() == whole
    assert someone.transactions(limit=4) == whole[:4]
    account = someone.accounts()[0]
    debits = someone.transactions(account, direction="debit", min_amount="100.000")
    assert debits == [
        row
        for row in whole
        if row.account_id == account.account_id and row.direction == "debit" and row.amount.amount >= 100
    ]


def test_the_password_is_that_of_the_demo_login(bank: Bank) -> None:
    assert bank.login("auditor").me()["role"] == "auditor"
    with pytest.raises(LookupError, match=r"no demo login is called 'nobody'.*fatima"):
        bank.login("nobody")
    with pytest.raises(RefusedError, match="invalid_credentials"):
        bank.login("fatima", "wrong")
    with pytest.raises(RefusedError, match="/password"):
        bank.login("fatima", "")
    with pytest.raises(RefusedError) as refused:
        bank.login("yousef")
    assert refused.value.code == "user_locked"


def test_a_refresh_gives_other_tokens_and_a_logout_ends_them(someone: Session) -> None:
    before = someone.access_token, someone.refresh_token
    someone.refresh()
    assert someone.access_token not in before
    assert someone.refresh_token not in before
    assert someone.headers == {"Authorization": f"Bearer {someone.access_token}"}
    someone.logout()
    assert someone.get("/v1/accounts").status == 401


def test_other_methods_and_parameters_arrive(someone: Session) -> None:
    account = someone.accounts()[0]
    changed = someone.patch(f"/v1/accounts/{account.account_id}", json={"nickname": "راتب & more"})
    assert changed.expect().json()["nickname"] == "راتب & more"
    assert someone.get("/v1/transactions", params={"limit": 1, "cursor": None}).json()["page"]["has_more"] is True
    assert someone.delete("/v1/accounts").problem == "method_not_allowed"
    assert someone.put("/v1/accounts").problem == "method_not_allowed"
    with pytest.raises(ValueError, match="does not start with /"):
        someone.get("v1/accounts")


def test_the_whole_bank_resets(bank: Bank) -> None:
    clean = bank.digest()
    someone = bank.login("fatima")
    assert bank.digest() != clean
    assert bank.reset() == clean
    assert someone.get("/v1/accounts").status == 401


def test_sound_books_pass_and_broken_ones_are_named(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    bank.check()
    assert bank.invariants().ok
    broken = Invariants(
        ok=False,
        checks=[
            Check(name="chain_unbroken", ok=True, detail=None),
            Check(name="debits_equal_credits", ok=False, detail="off by 1"),
        ],
    )
    monkeypatch.setattr(Bank, "invariants", lambda _: broken)
    with pytest.raises(InvariantBrokenError, match="debits_equal_credits: off by 1") as failure:
        bank.check()
    assert "chain_unbroken" not in str(failure.value)


def test_a_fork_starts_from_here_and_goes_its_own_way(bank: Bank, sandbank: Sandbank) -> None:
    account = bank.login("fatima").accounts()[0]
    bank.login("fatima").deposit(account, "5.000")
    with bank.fork(id="other-way") as other:
        assert other.digest() == bank.digest()
        assert other.origin == f"sandbox:{bank.id}"
        other.login("fatima").deposit(account, "7.000")
        assert bank.login("fatima").account(account).booked == account.booked + 5
        assert other.login("fatima").account(account).booked == account.booked + 12
    with pytest.raises(RefusedError, match="sandbox_unknown"):
        sandbank.bank("other-way")


def test_forks_go_with_the_bank_they_came_from(sandbank: Sandbank) -> None:
    with sandbank.fork() as parent:
        child = parent.fork()
        grandchild = child.fork()
    for gone in (parent, child, grandchild):
        assert gone.get("/_sandbox/digest").problem == "sandbox_unknown"
        gone.remove()


def test_a_fork_may_have_scenarios(sandbank: Sandbank) -> None:
    poor = scenario_order("low-balance", {"user": "fatima", "balance": "2.000"})
    with sandbank.fork(scenarios=["second-factor", poor]) as bank:
        assert Decimal("2.000") in {account.available for account in bank.login("fatima").accounts()}
    with pytest.raises(RefusedError, match="scenario_unknown"):
        sandbank.fork(id="never-made", scenarios=["no-such-thing"])
    with pytest.raises(RefusedError, match="sandbox_unknown"):
        sandbank.bank("never-made")


def test_a_taken_id_gets_a_number(sandbank: Sandbank) -> None:
    with sandbank.fork(id="taken") as first, sandbank.fork(id="taken") as second, sandbank.fork(id="taken") as third:
        assert [bank.id for bank in (first, second, third)] == ["taken", "taken-2", "taken-3"]


def test_the_same_seed_gives_the_same_bank(sandbank: Sandbank) -> None:
    def story(seed: int) -> tuple[str, str]:
        with sandbank.fork(id="told-again", seed=seed) as bank:
            someone = bank.login("fatima")
            someone.deposit(someone.accounts()[0], "1.000")
            return bank.digest(), someone.access_token

    assert story(7) == story(7)
    assert story(7) != story(8)


def test_threads_may_share_a_bank(bank: Bank) -> None:
    someone = bank.login("fatima")
    account = someone.accounts()[0]
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: someone.deposit(account, "0.001").transaction_id, range(64)))
    assert len(set(done)) == 64
    assert someone.account(account).booked == account.booked + Decimal("0.064")
    bank.check()


def test_threads_with_a_bank_each_never_meet(sandbank: Sandbank) -> None:
    def life(n: int) -> list[tuple[str, Decimal]]:
        seen = []
        for round_ in range(4):
            with sandbank.fork(id=f"life-{n}-{round_}", seed=n) as bank:
                someone = bank.login("fatima")
                account = someone.accounts()[0]
                for _ in range(n):
                    someone.deposit(account, "1.000")
                seen.append((bank.digest(), someone.account(account).booked - account.booked))
        return seen

    with ThreadPoolExecutor(16) as pool:
        lives = list(pool.map(life, range(16)))
    assert [{paid for _, paid in rounds} for rounds in lives] == [{Decimal(n)} for n in range(16)]
    assert all(len({digest for digest, _ in rounds}) == 1 for rounds in lives)
    assert len({rounds[0][0] for rounds in lives}) == 16


@pytest.mark.parametrize("amount", ["12.7505", "twelve", "", "NaN", "Infinity", "1e30"])
def test_what_is_no_amount_is_refused_before_it_is_sent(amount: str) -> None:
    with pytest.raises(ValueError, match="is no amount in dinars and fils"):
        money(amount)


@pytest.mark.parametrize("amount", [12.75, 12.0, None, True])
def test_money_is_never_a_float(amount: object) -> None:
    with pytest.raises(TypeError, match=r"a text such as '12\.750', a Decimal or a whole number, not"):
        money(amount)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("amount", "written"), [("12.75", "12.750"), ("0", "0.000"), (Decimal("1E+2"), "100.000"), (12, "12.000")]
)
def test_amounts_are_written_to_the_fils(amount: str | int | Decimal, written: str) -> None:
    assert money(amount) == {"amount": written, "currency": "KWD"}


def test_a_server_of_ones_own_needs_no_pytest() -> None:
    with Sandbank.start("tiny", lock_minutes=0, image_cache="false") as own:
        assert own.is_own
        assert own.info().ecosystem == "tiny"
        bank = own.bank()
        assert (bank.id, bank.url) == ("default", f"{own.url}/s/default")
        for _ in range(5):
            bank.post("/v1/auth/login", json={"username": "fatima", "password": "wrong"})
        refusal = bank.post("/v1/auth/login", json={"username": "fatima", "password": "wrong"})
        assert refusal.json()["locked_until"] is None
    assert not own.is_own


def test_keys_never_repeat() -> None:
    """A fork copies the keys that are used up, and counts on from there."""
    with Sandbank.start("tiny") as own, own.fork() as bank:
        keys = [bank.next_key() for _ in range(3)]
        forked = bank.fork()
        assert not {forked.next_key() for _ in range(3)} & set(keys)
        assert not {bank.next_key() for _ in range(3)} & set(keys)
