"""What a test does with its bank as a whole: time, inbox, moments, scenarios, the code of a second factor."""

import io
import json
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from sandbox.testing import Bank, Challenge, Message, RefusedError, Sandbank, Session

START = datetime(2026, 1, 15, 9, tzinfo=UTC)


def send_a_code(bank: Bank) -> Challenge:
    bank.scenario("second-factor", user="fatima")
    return bank.challenge("fatima")


def test_time_stands_until_it_is_moved(bank: Bank) -> None:
    assert bank.clock.now == START
    assert bank.clock.advance("P3DT2H") == []
    assert bank.clock.now == START + timedelta(days=3, hours=2)
    bank.clock.advance(timedelta(days=1, seconds=1, milliseconds=5))
    assert bank.clock.now == START + timedelta(days=4, hours=2, seconds=1, milliseconds=5)
    bank.clock.advance(to="2026-02-01T08:00:00+03:00")
    assert bank.clock.now == datetime(2026, 2, 1, 5, tzinfo=UTC)
    there = datetime(2026, 2, 1, 9, tzinfo=timezone(timedelta(hours=3)))
    assert timedelta(0) <= bank.clock.set(there) - there <= timedelta(milliseconds=1)


def test_what_falls_due_is_told(bank: Bank) -> None:
    for _ in range(5):
        bank.post("/v1/auth/login", json={"username": "fatima", "password": "wrong"})
    with pytest.raises(RefusedError, match="user_locked"):
        bank.login("fatima")
    (fired,) = bank.clock.advance("PT15M")
    assert fired.count == 1
    assert fired.at.startswith("2026-01-15T09:15:00")
    assert bank.login("fatima").accounts()


def test_time_goes_on_by_itself_where_asked(bank: Bank) -> None:
    before = bank.clock.now
    assert bank.clock.run(rate=100_000) >= before
    now = bank.clock.now
    assert bank.clock.freeze() >= now > before
    stopped = bank.clock.now
    assert bank.clock.now == stopped


def test_the_past_and_what_is_no_time_are_refused(bank: Bank) -> None:
    for past in (lambda: bank.clock.set("2026-01-01T00:00:00Z"), lambda: bank.clock.advance(to=START - timedelta(1))):
        with pytest.raises(RefusedError) as refused:
            past()
        assert refused.value.code == "clock_cannot_go_back"
    with pytest.raises(RefusedError, match="'soon' is no duration"):
        bank.clock.advance("soon")
    with pytest.raises(ValueError, match="has no time zone"):
        bank.clock.set(datetime(2026, 2, 1))  # noqa: DTZ001 - that is the mistake
    with pytest.raises(ValueError, match="cannot go back"):
        bank.clock.advance(timedelta(days=-1))
    with pytest.raises(TypeError, match="a duration such as 'P3D' or a timedelta, not by 3"):
        bank.clock.advance(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="or a datetime, not 3"):
        bank.clock.advance(to=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one of the two"):
        bank.clock.advance()
    with pytest.raises(ValueError, match="one of the two"):
        bank.clock.advance("P1D", to=START)


def test_a_session_outlives_its_access_token(bank: Bank) -> None:
    someone = bank.login("fatima")
    token = someone.access_token
    bank.clock.advance("PT1H")
    assert someone.accounts()
    assert someone.access_token != token
    bank.clock.advance("PT1H")
    someone.auto_refresh = False
    assert someone.get("/v1/accounts").problem == "token_expired"
    bank.clock.advance("P31D")
    someone.auto_refresh = True
    assert someone.get("/v1/accounts").problem == "token_invalid"


def test_threads_exchange_an_expired_token_once(bank: Bank) -> None:
    someone = bank.login("fatima")
    bank.clock.advance("PT1H")
    gate = threading.Barrier(8)

    def look(_: int) -> int:
        gate.wait(timeout=30)
        return someone.get("/v1/accounts").status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(look, range(8))) == {200}
    assert sum("/auth/refresh" in step.sent.path for step in bank.history.steps) == 1


def test_a_code_by_sms_is_read_back(bank: Bank) -> None:
    challenge = send_a_code(bank)
    assert challenge.method == "sms"
    message = bank.inbox.wait(channel="sms", has_code=True, timeout=0)
    assert message == bank.inbox.latest(channel="sms") == bank.inbox.latest() == bank.inbox.list()[0]
    assert message.code is not None
    assert message.code in message.body
    assert message.channel == "sms"
    assert isinstance(challenge.verify(message.code), Session)


def test_signing_in_reads_the_code_by_itself(bank: Bank) -> None:
    bank.scenario("second-factor", user="fatima", method="email")
    assert bank.login("fatima").accounts()
    assert bank.login("fatima").accounts()
    assert len(bank.inbox.list(channel="email")) == 2
    assert bank.inbox.list(channel="sms") == []


def test_a_wrong_code_is_refused(bank: Bank) -> None:
    challenge = send_a_code(bank)
    wrong = "000000" if challenge.code() != "000000" else "000001"
    with pytest.raises(RefusedError) as refused:
        challenge.verify(wrong)
    assert refused.value.status in {401, 422}
    with pytest.raises(RefusedError):
        bank.login("fatima", code=wrong)


def test_another_code_can_be_sent(bank: Bank) -> None:
    challenge = send_a_code(bank)
    first = bank.inbox.wait(channel="sms")
    bank.clock.advance("PT2M")
    challenge.resend()
    second = bank.inbox.wait(channel="sms", since=first, timeout=0)
    assert second.message_id != first.message_id
    assert second.code is not None
    assert challenge.verify(second.code).accounts()


def test_who_has_no_second_factor_has_no_challenge(bank: Bank) -> None:
    with pytest.raises(LookupError, match="fatima is signed in with the password alone"):
        bank.challenge("fatima")


def test_waiting_ends_when_the_message_comes(bank: Bank) -> None:
    bank.scenario("second-factor", user="fatima")
    got: list[Message] = []
    waiting = threading.Thread(target=lambda: got.append(bank.inbox.wait(channel="sms", contains="code", timeout=30)))
    waiting.start()
    challenge = bank.challenge("fatima")
    waiting.join(timeout=30)
    assert [message.code for message in got] == [challenge.code()]


def test_waiting_in_vain_says_so(bank: Bank) -> None:
    with pytest.raises(RefusedError) as refused:
        bank.inbox.wait(channel="sms", timeout=0.01)
    assert refused.value.code == "wait_timed_out"
    assert bank.inbox.latest() is None
    send_a_code(bank)
    bank.inbox.clear()
    assert bank.inbox.list() == []


def test_a_moment_can_be_gone_back_to(bank: Bank) -> None:
    someone = bank.login("fatima")
    account = someone.accounts()[0]
    moment = bank.snapshot("before")
    digest = bank.digest()
    someone.deposit(account, "5.000")
    bank.clock.advance("P1D")
    moment.restore()
    assert bank.digest() == digest
    assert bank.clock.now < START + timedelta(hours=1)
    assert someone.account(account).booked == account.booked
    moment.restore()
    moment.delete()
    with pytest.raises(RefusedError, match="snapshot_unknown"):
        moment.restore()


def test_a_block_leaves_no_trace_even_when_it_fails(bank: Bank) -> None:
    someone = bank.login("fatima")
    account = someone.accounts()[0]
    digest = bank.digest()

    def fail_within() -> None:
        with bank.snapshot():
            someone.deposit(account, "5.000")
            someone.withdraw(account, "99999.000")

    with pytest.raises(RefusedError, match="insufficient_funds"):
        fail_within()
    with bank.snapshot() as outer:
        someone.deposit(account, "1.000")
        with bank.snapshot() as inner:
            someone.deposit(account, "2.000")
        assert outer.name != inner.name
        assert someone.account(account).booked == account.booked + 1
    assert bank.digest() == digest
    assert bank.get("/_sandbox/snapshots").json()["items"] == []


def test_a_scenario_sets_the_world(bank: Bank) -> None:
    applied = bank.scenario("low-balance", user="fatima", balance="1.000")
    assert (applied.name, applied.parameters["balance"]) == ("low-balance", "1.000")
    assert Decimal("1.000") in {account.available for account in bank.login("fatima").accounts()}
    bank.check()


@pytest.mark.scenario("low-balance", user="fatima", balance="1.000")
@pytest.mark.scenario("second-factor", user="fatima")
def test_scenarios_are_applied_before_the_test(bank: Bank, sandbank: Sandbank) -> None:
    assert bank.challenge("fatima").method == "sms"
    assert Decimal("1.000") in {account.available for account in bank.login("fatima").accounts()}
    with sandbank.fork(seed=bank.seed) as plain:
        plain.scenario("low-balance", user="fatima", balance="1.000")
        plain.scenario("second-factor", user="fatima")
        plain.challenge("fatima")
        plain.login("fatima").accounts()
        assert plain.digest() == bank.digest()


@pytest.mark.sandbank(now="2026-03-01T08:00:00Z")
@pytest.mark.scenario("locked-user", user="fatima")
def test_time_is_moved_before_the_scenarios(bank: Bank) -> None:
    assert bank.clock.now.date().isoformat() == "2026-03-01"
    with pytest.raises(RefusedError, match="user_locked"):
        bank.login("fatima")


def test_an_export_is_an_ecosystem(bank: Bank) -> None:
    with zipfile.ZipFile(io.BytesIO(bank.export())) as packed:
        names = {name.rpartition("/")[2]: name for name in packed.namelist()}
        customers = json.loads(packed.read(names["customers.json"]))
    assert "ecosystem.json" in names
    assert len(customers) == len({row["customer_id"] for row in customers}) > 2
