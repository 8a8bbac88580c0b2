"""The scenario engine: all or nothing, composed, deterministic, and honest about what went wrong."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bankside import ARJUN_CURRENT, FATIMA_CURRENT, FATIMA_FROZEN, FATIMA_SAVINGS, advance, available, booked, move, sql
from support import VIRTUAL, broken_invariants, new_root, tiny_image

from sandbox.bank.records import find_records
from sandbox.core.clock import parse_instant
from sandbox.core.errors import ValidationFailedError
from sandbox.core.sandbox_errors import (
    ScenarioInvalidError,
    ScenarioPreconditionFailedError,
    ScenarioStepFailedError,
    ScenarioUnknownError,
)
from sandbox.core.settings import Settings
from sandbox.sandboxes.root import StateRoot
from sandbox.sandboxes.scenarios.applying import MOST_ORDERS, Applied, ScenarioOrder, apply

HEAD = "title: T\nstory: S\n"
ACTORS = """\
parameters:
  user: {type: user, default: {first: active_customer}, description: who}
  account: {type: account, of: user, default: {first: CURRENT}, description: where}
"""
TESTS = Path(__file__).resolve().parent.parent


def bank(folder: Path, **files: str) -> StateRoot:
    """A bank whose own scenarios are `files`; a file that states no parameters gets a user and an account."""
    for name, text in files.items():
        whole = text if text.startswith("title:") else f"{HEAD}{'' if 'parameters:' in text else ACTORS}{text}"
        (folder / f"{name.replace('_', '-')}.yaml").write_text(whole, encoding="utf-8")
    rules = msgspec.structs.replace(VIRTUAL, scenarios_dir=str(folder))
    return StateRoot(tiny_image(), rules=rules, seed=1, generation=1)


def act(root: StateRoot, *orders: str | ScenarioOrder) -> list[Applied]:
    return asyncio.run(apply(root, orders))


def order(name: str, **parameters: Any) -> ScenarioOrder:
    return ScenarioOrder(name=name, parameters=parameters)


def state(root: StateRoot) -> tuple[str, int, int]:
    """What must not change."""
    return asyncio.run(root.digest()), root.write_number, root.now


def faults(root: StateRoot, *orders: str | ScenarioOrder) -> dict[str, str]:
    """The faults of parameters, by pointer."""
    with pytest.raises(ValidationFailedError) as refused:
        act(root, *orders)
    return {fault.pointer: fault.detail for fault in refused.value.faults}


STEPS = "steps:\n  - advance: P1D\n"


def test_scenarios_are_applied_in_order_on_what_the_ones_before_left(tmp_path: Path) -> None:
    root = new_root()
    first, second = act(root, order("low-balance", balance="5.000"), order("low-balance", balance="7.250"))
    assert (first.parameters["balance"], second.parameters["balance"]) == ("5.000", "7.250")
    assert available(root, FATIMA_CURRENT) == 7_250
    assert second.writes > first.writes
    assert not broken_invariants(root)


def test_an_actor_is_picked_after_what_the_scenario_before_did() -> None:
    first, second = act(new_root(), "locked-user", "locked-user")
    assert [done.parameters["user"] for done in (first, second)] == ["fatima", "arjun"]


def test_a_refused_third_step_leaves_nothing(tmp_path: Path) -> None:
    root = bank(
        tmp_path,
        greedy="steps:\n"
        "  - call: {act: deposit, with: {account: '{account}', amount: 10}}\n"
        "  - patch: {collection: accounts, id: '{account}', set: {nickname: Mine}}\n"
        "  - call: {act: withdraw, with: {account: '{account}', amount: 1000000}}\n",
    )
    before = state(root)
    with pytest.raises(ScenarioStepFailedError) as refused:
        act(root, "greedy")
    assert state(root) == before
    assert refused.value.facts == {
        "scenario": "greedy",
        "file": str(tmp_path / "greedy.yaml"),
        "line": 9,
        "step": "steps[2]",
        "cause": "insufficient_funds",
    }
    assert "1000000.000 is asked for" in refused.value.detail


def test_when_the_second_scenario_is_refused_the_first_is_not_there_either() -> None:
    root = new_root()
    move(root, FATIMA_CURRENT, 1_000)
    before = state(root)
    with pytest.raises(ScenarioPreconditionFailedError):
        act(root, "low-balance", order("locked-user", user="yousef"))
    assert state(root) == before


def test_a_precondition_is_named_by_its_sentence() -> None:
    with pytest.raises(ScenarioPreconditionFailedError) as refused:
        act(new_root(), order("locked-user", user="yousef"))
    says = "yousef may sign in: ACTIVE, and not locked already."
    assert refused.value.facts == {"scenario": "locked-user", "precondition": says}
    assert says in refused.value.detail


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("where: {customer_id: '{user.customer_id}'}", True),
        ("where: {customer_id: '{user.customer_id}'}\n    has: {status: ACTIVE}", False),
        ("where: {customer_id: '{user.customer_id}', account_type: SAVINGS}\n    has: {balance: 6000}", True),
        ("where: {nickname: Nothing}", False),
        ("where: {nickname: Nothing}\n    absent: true", True),
        ("where: {nickname: Savings}\n    absent: true", False),
    ],
)
def test_a_precondition_looks_at_every_record_found(tmp_path: Path, condition: str, holds: bool) -> None:  # noqa: FBT001
    text = f"precondition:\n  - says: It is so.\n    collection: accounts\n    {condition}\n"
    root = bank(tmp_path, picky=f"{text}{STEPS}")
    if holds:
        act(root, "picky")
        return
    with pytest.raises(ScenarioPreconditionFailedError):
        act(root, "picky")


def test_unknown_and_invalid_scenarios_are_told_apart_before_anything_is_done(tmp_path: Path) -> None:
    root = bank(tmp_path, broken="title: x\n")
    before = state(root)
    with pytest.raises(ScenarioUnknownError, match="There are: arabic-customer, busy-month"):
        act(root, "locked-user", "nothing")
    with pytest.raises(ScenarioInvalidError, match=r"broken\.yaml:1: story: is missing"):
        act(root, "locked-user", "broken")
    assert state(root) == before


def test_too_many_orders_are_refused() -> None:
    assert list(faults(new_root(), *["clean-inbox"] * (MOST_ORDERS + 1))) == ["/scenarios"]


@pytest.mark.parametrize(
    ("parameters", "pointer", "told"),
    [
        ({"colour": "red"}, "colour", "is no parameter of low-balance; it has user, account, balance"),
        ({"balance": "-1"}, "balance", "must be 0.000 or more"),
        ({"balance": "1.2345"}, "balance", "more than three decimals"),
        ({"balance": None}, "balance", "must not be null"),
        ({"user": "nobody"}, "user", "there is no user 'nobody'"),
        ({"user": "auditor"}, "user", "auditor is auditor; this takes a customer"),
        ({"user": 7}, "user", "must be text"),
        ({"account": ARJUN_CURRENT}, "account", "is no account of fatima"),
        ({"account": "x"}, "account", "there is no account 'x'"),
        ({"user": "mariam", "account": FATIMA_CURRENT}, "account", "is no account of mariam"),
    ],
)
def test_a_parameter_that_does_not_fit_is_pointed_at(parameters: dict[str, Any], pointer: str, told: str) -> None:
    root = new_root()
    before = state(root)
    found = faults(root, "clean-inbox", order("low-balance", **parameters))
    assert told in found[f"/scenarios/1/parameters/{pointer}"]
    assert state(root) == before


def test_all_faults_of_parameters_are_named_at_once() -> None:
    found = faults(new_root(), order("low-balance", user="nobody", balance="much", x=1))
    assert {pointer.rpartition("/")[2] for pointer in found} == {"user", "account", "balance", "x"}


def test_a_parameter_without_a_default_must_be_given(tmp_path: Path) -> None:
    root = bank(tmp_path, needy=f"parameters:\n  amount: {{type: money, description: d}}\n{STEPS}")
    assert faults(root, "needy") == {"/scenarios/0/amount": "is missing, and has no default"}
    assert act(root, order("needy", amount=3))[0].parameters == {"amount": "3.000"}


def test_actors_are_picked_by_what_they_are(tmp_path: Path) -> None:
    root = bank(
        tmp_path,
        cast=f"""\
parameters:
  first: {{type: user, default: {{first: active_customer}}, description: d}}
  second: {{type: user, default: {{first: active_customer, besides: first}}, description: d}}
  reader: {{type: user, role: auditor, default: {{first: auditor}}, description: d}}
  boss: {{type: user, role: any, default: admin, description: d}}
  saved: {{type: account, of: first, default: {{first: [FIXED_DEPOSIT, SAVINGS]}}, description: d}}
  cold: {{type: account, of: first, default: {{first: WALLET, status: FROZEN}}, description: d}}
  any: {{type: account, of: first, default: {{first: WALLET, status: ANY}}, description: d}}
{STEPS}""",
    )
    assert act(root, "cast")[0].parameters == {
        "first": "fatima",
        "second": "arjun",
        "reader": "auditor",
        "boss": "admin",
        "saved": FATIMA_SAVINGS,
        "cold": FATIMA_FROZEN,
        "any": FATIMA_FROZEN,
    }
    found = faults(root, order("cast", first="arjun"))
    assert found["/scenarios/0/parameters/saved"] == "arjun has no ACTIVE FIXED_DEPOSIT or SAVINGS account; name one"


def test_where_no_demo_login_fits_the_first_such_user_of_the_bank_plays() -> None:
    root = new_root()
    facts = msgspec.structs.replace(root.image.facts, logins=())
    root.image = type(root.image)(root.image.data, facts)
    assert act(root, "clean-inbox")[0].parameters == {"user": "fatima"}


def test_where_nobody_fits_the_parameter_says_so(tmp_path: Path) -> None:
    root = new_root()
    for username in ("fatima", "arjun"):
        sql(root, "UPDATE auth_user SET status = 'suspended' WHERE username = ?", username)
    told = faults(root, "clean-inbox")["/scenarios/0/user"]
    assert told == "this bank has no customer who can sign in and has an ACTIVE current account; name a user"


def test_values_keep_their_types_and_texts_are_put_together(tmp_path: Path) -> None:
    root = bank(
        tmp_path,
        words="""\
parameters:
  user: {type: user, default: fatima, description: d}
  count: {type: integer, default: 2, description: d}
  flag: {type: boolean, default: false, description: d}
  amount: {type: money, default: 1.5, description: d}
steps:
  - repeat:
      times: "{count}"
      turn: round
      steps:
        - call:
            act: notify
            with:
              user: "{user}"
              type: TEST
              title: "{round} of {count} for {user}: {amount} {{x}} {flag}"
              body: "{today} {now} {user.role}"
  - patch:
      collection: customer_settings
      where: {customer_id: "{user.customer_id}"}
      set: {notifications_enabled: "{flag}", channels: {sms: "{flag}", limit: ["{count}", "{amount}"]}}
""",
    )
    act(root, "words")
    sent = root.read(find_records, "notifications", {"type": "TEST"})
    assert [record["title"] for record in sent] == [
        "1 of 2 for fatima: 1.500 {x} false",
        "2 of 2 for fatima: 1.500 {x} false",
    ]
    assert sent[0]["body"] == "2026-01-15 2026-01-15T09:00:00.001Z CUSTOMER"
    (kept,) = root.read(find_records, "customer_settings", {"customer_id": "f6f47dc4-0e37-4f10-a1ed-05cea49137fc"})
    assert kept["notifications_enabled"] is False
    assert kept["channels"] == {"sms": False, "limit": [2, "1.500"]}


RENAMED = """\
patch: {collection: auth_users, where: {username: '{user}'}, set: {username: new}}
  - patch: {collection: customers, id: '{user.customer_id}', set: {segment: x}}"""


def test_every_type_reaches_an_act_as_it_wants_it(tmp_path: Path) -> None:
    root = bank(
        tmp_path,
        typed="""\
parameters:
  n: {type: integer, default: 7, description: d}
  flag: {type: boolean, default: true, description: d}
  long: {type: duration, default: P1D, description: d}
steps:
  - call:
      act: open_customer
      with: {username: "{n}", password: "{flag}", full_name: x, date_of_birth: 1990-02-03, account_type: wallet}
  - call:
      act: place_hold
      with: {account: 2adf63a8-1580-4504-8fbc-68639f8b1a01, amount: 1, merchant: M, lasts: "{long}"}
  - apply: {scenario: new-customer, with: {username: "{flag}", deposit: "{n}"}}
""",
    )
    act(root, "typed")
    (made,) = root.read(find_records, "customers", {"date_of_birth": "1990-02-03"})
    (user,) = root.read(find_records, "auth_users", {"username": "7"})
    assert user["customer_id"] == made["customer_id"]
    assert root.read(find_records, "auth_users", {"username": "true"})
    assert root.read(find_records, "accounts", {"account_type": "WALLET", "customer_id": made["customer_id"]})
    (held,) = root.read(find_records, "holds", {"amount": "1.000"})
    assert held["expires_at"].startswith("2026-01-16T09:00:00")


def test_a_precondition_that_makes_no_sense_on_this_bank_is_not_true(tmp_path: Path) -> None:
    text = (
        "parameters:\n  word: {type: text, default: much, description: d}\n"
        "precondition:\n  - {says: It is so., collection: accounts, where: {balance: '{word}'}}\n"
    )
    root = bank(tmp_path, odd=f"{text}{STEPS}")
    with pytest.raises(ScenarioPreconditionFailedError, match=r"It is so\. \(balance 'much' is no amount"):
        act(root, "odd")


@pytest.mark.parametrize(
    ("step", "cause", "told"),
    [
        ("patch: {collection: accounts, where: {nickname: None}, set: {status: FROZEN}}", "not_found", "No record of"),
        ("patch: {collection: auth_users, where: {username: fatima}, set: {failed_login_attempts: 7}}",
         "record_invalid", ""),
        ("patch: {collection: audit_logs, where: {action: ACCOUNT_FROZEN}, set: {action: X}}", "ledger_immutable", ""),
        ("call: {act: deposit, with: {account: '{account}', amount: 0}}", "validation_failed", ""),
        (f"call: {{act: deposit, with: {{account: {FATIMA_FROZEN}, amount: 1}}}}", "account_blocked", ""),
        ("call: {act: sign_in, with: {user: mariam}}", "credentials_expired", ""),
        ("advance: {to: '2025-01-01T00:00:00Z'}", "clock_cannot_go_back", ""),
        (RENAMED, "not_found", "There is no user 'fatima' any more"),
        ("advance: P9999Y", "validation_failed", "past the year 9999"),
        ("repeat: {times: 150, steps: [{advance: {to: {next: payday, day: 31}}}]}", "validation_failed", "not known"),
        ("repeat: {times: 1000, steps: [{repeat: {times: 1000, steps: [{when: {weekday: monday}, advance: P1D}]}}]}",
         "validation_failed", "at most 20000 steps"),
        ("apply: {scenario: low-balance, with: {user: auditor}}", "validation_failed", "takes a customer"),
    ],
)  # fmt: skip
def test_a_step_that_is_refused_is_named_with_the_banks_own_code(
    tmp_path: Path, step: str, cause: str, told: str
) -> None:
    root = bank(tmp_path, wrong=f"steps:\n  - {step}\n")
    before = state(root)
    with pytest.raises(ScenarioStepFailedError) as refused:
        act(root, "wrong")
    assert refused.value.facts["cause"] == cause
    assert told in refused.value.detail
    assert f"{tmp_path / 'wrong.yaml'}:{refused.value.facts['line']}: steps[" in refused.value.detail
    assert state(root) == before


@pytest.mark.parametrize(
    ("start", "to", "there"),
    [
        ("2026-01-15T09:00:00Z", "{next: time, at: '12:00'}", "2026-01-16T09:00:00Z"),
        ("2026-01-15T09:00:00Z", "{next: time, at: '12:01'}", "2026-01-15T09:01:00Z"),
        ("2026-01-15T09:00:00Z", "{next: day}", "2026-01-16T05:00:00Z"),
        ("2026-01-15T22:00:00Z", "{next: day, at: '00:30'}", "2026-01-16T21:30:00Z"),
        ("2026-01-15T09:00:00Z", "{next: business_day}", "2026-01-19T05:00:00Z"),
        ("2026-01-15T09:00:00Z", "{next: payday, day: 20}", "2026-01-20T05:00:00Z"),
        ("2026-01-20T04:00:00Z", "{next: payday, day: 20}", "2026-01-20T05:00:00Z"),
        ("2026-01-20T06:00:00Z", "{next: payday, day: 20}", "2026-02-19T05:00:00Z"),
        ("2026-01-25T06:00:00Z", "{next: payday, day: 31, at: '09:15'}", "2026-01-29T06:15:00Z"),
        ("2026-04-20T06:00:00Z", "{next: payday, day: 1}", "2026-04-30T05:00:00Z"),
        ("2026-01-15T09:00:00Z", "'2026-03-01T00:00:00+03:00'", "2026-02-28T21:00:00Z"),
    ],
)
def test_moments_of_the_calendar_are_those_of_kuwait(tmp_path: Path, start: str, to: str, there: str) -> None:
    root = bank(tmp_path, later=f"steps:\n  - advance: {{to: {to}}}\n")
    ahead = parse_instant(start) - root.now - 2_000
    if ahead > 0:
        root.advance(parse_instant(start))
    act(root, "later")
    assert 0 <= root.now - parse_instant(there) < 10_000


@pytest.mark.parametrize(
    ("when", "days"),
    [
        ("{payday: 20}", [20]),
        ("{day_of_month: 17}", [17]),
        ("{weekday: [friday, monday]}", [16, 19]),
        ("{business_day: true}", [19, 20]),
        ("{business_day: false}", [16, 17, 18]),
        ("{business_day: true, weekday: tuesday}", [20]),
        ("{day_of_month: '{n}'}", [18]),
        ("{payday: '{n}'}", [18][:0]),
    ],
)
def test_when_a_step_is_taken(tmp_path: Path, when: str, days: list[int]) -> None:
    root = bank(
        tmp_path,
        diary=f"""\
parameters:
  n: {{type: integer, default: 18, description: d}}
steps:
  - repeat:
      times: 5
      steps:
        - advance: P1D
        - when: {when}
          call: {{act: notify, with: {{user: fatima, type: TEST, title: "{{today}}"}}}}
""",
    )
    act(root, "diary")
    titles = [record["title"] for record in root.read(find_records, "notifications", {"type": "TEST"})]
    assert titles == [f"2026-01-{day}" for day in days]


def test_what_falls_due_on_the_way_runs_and_is_reported(tmp_path: Path) -> None:
    root = bank(
        tmp_path,
        held="steps:\n"
        "  - call: {act: place_hold, with: {account: '{account}', amount: 100, merchant: Hotel, lasts: P2D}}\n"
        "  - advance: P1D\n"
        "  - advance: P2D\n",
    )
    before = available(root, FATIMA_CURRENT)
    (done,) = act(root, "held")
    assert ("expire_holds", 1) in [(fired.job, fired.count) for fired in done.fired]
    assert available(root, FATIMA_CURRENT) >= before


def test_a_patch_can_make_the_record_that_is_missing(tmp_path: Path) -> None:
    root = new_root()
    sql(root, "DELETE FROM customer_setting")
    act(root, "arabic-customer")
    (made,) = root.read(find_records, "customer_settings", {})
    assert made["language"] == "ar"


def test_the_audit_trail_says_that_it_was_a_scenario() -> None:
    root = new_root()
    act(root, "expired-credentials")
    lines = root.read(find_records, "audit_logs", {})[-2:]
    assert [(line["action"], line["by"]) for line in lines] == [
        ("SCENARIO_APPLIED", "scenario:expired-credentials"),
        ("RECORD_CHANGED", "scenario:expired-credentials"),
    ]
    assert lines[0]["parameters"] == {"user": "fatima"}


def test_an_applied_scenario_has_its_own_precondition_and_parameters(tmp_path: Path) -> None:
    root = bank(
        tmp_path,
        outer="steps:\n  - apply: {scenario: low-balance, with: {account: '{account}', balance: 3}}\n"
        "  - apply: {scenario: frozen-account, with: {user: '{user}'}}\n"
        "  - apply: {scenario: low-balance, with: {user: '{user}', account: '{account}'}}\n",
    )
    before = state(root)
    with pytest.raises(ScenarioPreconditionFailedError) as refused:
        act(root, "outer")
    assert refused.value.facts["scenario"] == "low-balance"
    assert state(root) == before


def test_who_writes_meanwhile_loses_nothing() -> None:
    root = new_root()

    async def both() -> int:
        applying = asyncio.create_task(apply(root, ["busy-month", order("low-balance", balance="5.000")]))
        written = 0
        while not applying.done():
            move(root, FATIMA_SAVINGS, 1_000)
            written += 1
            await asyncio.sleep(0)
        await applying
        return written

    written = asyncio.run(both())
    assert written > 0
    assert booked(root, FATIMA_SAVINGS) == 6_000_000 + written * 1_000
    assert available(root, FATIMA_CURRENT) == 5_000
    assert not broken_invariants(root)


def test_scenarios_applied_at_the_same_time_all_happen(tmp_path: Path) -> None:
    root = bank(tmp_path, gift="steps:\n  - call: {act: deposit, with: {account: '{account}', amount: 1}}\n")
    before = booked(root, FATIMA_CURRENT)

    async def all_at_once() -> None:
        await asyncio.gather(*(apply(root, ["gift"]) for _ in range(8)))

    asyncio.run(all_at_once())
    assert booked(root, FATIMA_CURRENT) == before + 8_000
    assert not broken_invariants(root)


DIGESTS = """
import asyncio
from support import new_root
from sandbox.sandboxes.scenarios.applying import apply
root = new_root(seed=7)
asyncio.run(apply(root, ["busy-month", "new-customer", "locked-user", "second-factor", "salary-day"]))
print(asyncio.run(root.digest()), root.write_number, root.now)
"""


def test_the_same_seed_gives_the_same_bank_in_two_processes() -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-c", DIGESTS],
            cwd=TESTS,
            env={"PYTHONPATH": f"{TESTS}:{TESTS.parent}", "PYTHONHASHSEED": hash_seed, "PATH": ""},
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    other = new_root(seed=8)
    act(other, "busy-month", "new-customer", "locked-user", "second-factor", "salary-day")
    assert asyncio.run(other.digest()) not in runs[0]


def test_another_folder_that_is_named_and_missing_gives_the_shipped_ones() -> None:
    rules = Settings(scenarios_dir="/nowhere/at/all", image_cache=False)
    root = StateRoot(tiny_image(), rules=rules, seed=1, generation=1)
    assert act(root, "clean-inbox")[0].name == "clean-inbox"


def test_a_lock_that_is_over_does_not_stand_in_the_way() -> None:
    root = new_root()
    act(root, "locked-user")
    advance(root, 16 * 60 * 1_000_000)
    act(root, order("locked-user", user="fatima"))
    assert sql(root, "SELECT status, failed_login_attempts FROM auth_user WHERE username = 'fatima'") == [("locked", 5)]
